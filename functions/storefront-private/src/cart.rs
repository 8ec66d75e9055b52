//! The cart.

use api::Problem;
use axum::extract::State;
use browser::{CART, Fields, Form, ITEMS, Jar, KEPT_CART, KEY, Reply, Visitor, call, done, keyed, safe_next};
use domain::cart::MAX_UNITS;
use domain::pricing::{LineChange, LineChangeCode, PricedLine};
use domain::{CartId, Code, Coded, Currency, Expected, Refusal, UserId, VariantId};
use pages::parts::{Line, Link, Tone, actions, alert, boxed, lines, note, quantity, sum};
use pages::views::{Screen, sentence};
use pages::{Frame, Html, count, fill, money};
use shop::{Changing, ShownCart};

use crate::App;
use crate::showing::frame;

/// How often a cart is read again that another tab changes at the same time.
const MOST_ROUNDS: usize = 4;

impl App {
    /// The cart of a visitor: the one of their cookie, or else the one of their account.
    pub(crate) async fn cart_of(&self, visitor: &Visitor) -> Result<Option<ShownCart>, Problem> {
        let language = visitor.language.content();
        let named = visitor.cookies.named(CART, &self.site).and_then(|id| id.parse::<CartId>().ok());
        if let Some(id) = named {
            match self.carts.show(id, language.as_ref(), visitor.now).await {
                // One that was ordered or claimed is not this visitor's to fill any more.
                Ok(shown) if shown.cart.order.is_none() => return Ok(Some(shown)),
                Ok(_) => {}
                Err(error) if error.code() == Code::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        match visitor.user() {
            Some(user) => Ok(self.carts.of_buyer(user, language.as_ref(), visitor.now).await?),
            None => Ok(None),
        }
    }

    pub(crate) async fn count_change(&self, list: &str, visitor: &Visitor) -> Result<(), Problem> {
        let by = visitor.user().map_or(Changing::Client(&visitor.client), Changing::Person);
        Ok(self.carts.count_change(list, by, visitor.now).await?)
    }

    /// The cart as the visitor's own: what is ordered from a cart of nobody is in nobody's account.
    async fn claimed(&self, id: CartId, buyer: UserId, visitor: &Visitor) -> Result<Option<ShownCart>, Problem> {
        Ok(done(self.carts.claim(id, buyer, call(visitor.now, None)).await?))
    }

    fn cart_jar(&self, shown: &ShownCart) -> Jar {
        Jar::default().keep(CART, &shown.cart.id.to_string(), KEPT_CART, &self.site).choose(
            ITEMS,
            &items_of(shown).to_string(),
            &self.site,
        )
    }

    /// How a vendor's or an upload's picture is asked for.
    pub(crate) fn picture(&self, image: Option<&domain::catalog::ImageSource>) -> Option<String> {
        image.map(|image| image.url(&self.media_base))
    }
}

/// How many units are in a cart.
pub(crate) fn items_of(shown: &ShownCart) -> u32 {
    shown.cart.lines.iter().fold(0, |sum: u32, line| sum.saturating_add(line.quantity))
}

fn change_words(f: &Frame<'_>, change: &LineChange, currency: Currency) -> String {
    let t = f.t;
    let amounts = |text: &str| {
        let words = |amount: Option<domain::Money>| amount.map(|amount| money(amount, f.language)).unwrap_or_default();
        fill(text, &[("from", &words(change.from)), ("to", &words(change.to))])
    };
    match change.code {
        LineChangeCode::PriceRose => amounts(t.price_rose),
        LineChangeCode::PriceFell => amounts(t.price_fell),
        LineChangeCode::Unavailable => t.line_unavailable.to_owned(),
        LineChangeCode::NoPriceInCurrency => fill(t.line_no_price, &[("currency", currency.as_str())]),
        LineChangeCode::Short => count(t.line_short, u64::try_from(change.left.unwrap_or(0)).unwrap_or(0), f.language),
        LineChangeCode::UnitChanged => t.line_unit_changed.to_owned(),
    }
}

/// A line of a priced cart, with what has changed.
pub(crate) fn line_of(app: &App, f: &Frame<'_>, line: &PricedLine, currency: Currency, actions: Html) -> Line {
    let mut notes = Vec::new();
    if let Some(unit) = pages::unit_words(f, line.sale_unit, None) {
        notes.push(unit);
    }
    if line.quantity > 1 {
        notes.push(fill(f.t.unit_price, &[("price", &money(line.unit_price, f.language))]));
    }
    if line.backorder.is_some() {
        notes.push(f.t.on_order.to_owned());
    }
    Line {
        image: app.picture(line.image.as_ref()),
        href: line.handle.as_ref().map(|handle| f.to(&format!("/p/{handle}"))),
        title: line.title.clone(),
        notes,
        price: money(line.total, f.language),
        warnings: line.changes.iter().map(|change| change_words(f, change, currency)).collect(),
        actions,
    }
}

/// The sums of a cart or an order.
pub(crate) fn sums(f: &Frame<'_>, totals: &domain::pricing::Totals) -> Vec<(String, String)> {
    let t = f.t;
    let mut rows = vec![(t.goods.to_owned(), money(totals.items, f.language))];
    if !totals.discount.is_zero() {
        rows.push((t.discount_total.to_owned(), format!("−{}", money(totals.discount, f.language))));
    }
    let delivery = totals.shipping.map_or_else(|| t.delivery_later.to_owned(), |cost| money(cost, f.language));
    rows.push((t.delivery.to_owned(), delivery));
    if let Some(tax) = totals.tax.filter(|tax| !tax.is_zero()) {
        rows.push((t.tax.to_owned(), money(tax, f.language)));
    }
    rows.push((t.to_pay.to_owned(), money(totals.total, f.language)));
    rows
}

fn page(app: &App, visitor: &Visitor, shown: Option<&ShownCart>, alerts: Html) -> String {
    let f = frame(app, visitor, "/cart", pages::Texts::of(visitor.language).cart_title);
    let t = f.t;
    let filled = shown.filter(|shown| !shown.cart.lines.is_empty());
    let Some(shown) = filled else {
        let f = Frame { cart_items: Some(0), ..f };
        let empty = [t.cart_empty.to_owned(), t.cart_empty_hint.to_owned()];
        let links = [Link::new(f.to("/products"), t.go_shopping)];
        let parts = [alert(Tone::Info, "", &empty, &[]), actions(t.go_shopping, &links)];
        return Screen::new(f, t.cart_title, parts).alerting(alerts).shown();
    };
    let currency = shown.cart.currency;
    let f = Frame { cart_items: Some(items_of(shown)), ..f.priced_in(currency) };
    let action = format!("/{}/cart", f.language.code());
    let group = |group: &domain::pricing::PricedGroup| {
        let form = |line: &PricedLine| quantity(t, &action, (&line.variant.to_string(), &line.title), line.quantity);
        let all: Vec<Line> = group.lines.iter().map(|line| line_of(app, &f, line, currency, form(line))).collect();
        boxed(group.vendor.name.as_str(), [lines(&all)])
    };
    let groups: Vec<Html> = shown.priced.groups.iter().map(group).collect();
    let is_short = |change: &LineChange| change.code == LineChangeCode::Short;
    let has_short = shown.priced.lines().any(|line| line.changes.iter().any(is_short));
    let can_go_on = !has_short && shown.priced.check_orderable().is_ok();
    let mut aside = vec![sum(&sums(&f, &shown.priced.totals))];
    if can_go_on {
        let to = format!("/{}/checkout", f.language.code());
        aside.push(pages::parts::call_to_action(&to, t.check_out));
    } else {
        aside.push(note(Tone::Bad, t.error_cart_lines));
    }
    let aside = boxed(t.total, aside);
    Screen::new(f, t.cart_title, groups).beside(aside).alerting(alerts).shown()
}

/// Whether a variant cannot be had as it is in the cart: there are fewer units.
fn is_short(shown: &ShownCart, variant: VariantId) -> bool {
    let is_short = |change: &LineChange| change.code == LineChangeCode::Short;
    let mut lines = shown.priced.lines().filter(|line| line.variant == variant);
    lines.any(|line| line.refusal.is_some() || line.changes.iter().any(is_short))
}

pub(crate) async fn show_cart(State(app): State<App>, visitor: Visitor) -> Result<Reply, Problem> {
    let shown = app.cart_of(&visitor).await?;
    let added = visitor.path.contains("?added");
    let alerts = if added { note(Tone::Good, pages::Texts::of(visitor.language).added) } else { Html::default() };
    let jar = match &shown {
        Some(shown) => app.cart_jar(shown),
        None if visitor.cookies.plain(ITEMS).is_some_and(|items| items != "0") => {
            Jar::default().choose(ITEMS, "0", &app.site)
        }
        None => Jar::default(),
    };
    Ok(Reply::private(page(&app, &visitor, shown.as_ref(), alerts)).with_cookies(jar).kept_offline())
}

pub(crate) async fn change_cart(
    State(app): State<App>,
    visitor: Visitor,
    Form(fields): Form,
) -> Result<Reply, Problem> {
    app.count_change("cart", &visitor).await?;
    let variant: Option<VariantId> = fields.text("variant").and_then(|id| id.parse().ok());
    let units = match (fields.text("do"), fields.raw("quantity")) {
        (Some("remove"), _) => Some("0"),
        (Some("add"), None) => Some("1"),
        (_, sent) => sent,
    };
    let units: Option<u32> = units.and_then(|units| units.parse().ok()).filter(|units| *units <= MAX_UNITS);
    let (mut known, here) = (app.cart_of(&visitor).await?, format!("/{}/cart", visitor.language.code()));
    let changed = match (fields.text("do").unwrap_or_default(), variant.zip(units), &known) {
        (_, None, _) => Err(Problem::of(if variant.is_some() { Code::Invalid } else { Code::NotAvailable })),
        ("add", Some((variant, quantity)), _) => {
            let currency = fields.text("currency").and_then(|code| code.parse().ok());
            let currency = currency.or(app.site.shown.currencies.first().copied()).unwrap_or(Currency::USD);
            // An empty cart in another currency is in nobody's way.
            known = known.filter(|shown| !shown.cart.lines.is_empty() || shown.cart.currency == currency);
            add(&app, &visitor, known.as_ref(), (variant, quantity.max(1)), currency, &fields).await
        }
        (_, Some((variant, units)), Some(shown)) => {
            let id = shown.cart.id;
            let put = app.carts.put_line(id, (variant, units), &Expected::Any, call(visitor.now, None)).await;
            put.map(|outcome| done(outcome).unwrap_or_else(|| shown.clone())).map_err(Problem::from)
        }
        (_, Some(_), None) => Err(Problem::of(Code::NotFound)),
    };
    match changed {
        Ok(shown) => {
            let adds = fields.text("do") == Some("add");
            let back = fields.text("then").and_then(safe_next);
            let is_short = variant.is_some_and(|variant| is_short(&shown, variant));
            let to = back.map_or_else(
                || match (adds, is_short) {
                    (true, false) => format!("{here}?added"),
                    // The line itself says how many are left.
                    (true, true) => format!("{here}?short"),
                    (false, _) => here.clone(),
                },
                str::to_owned,
            );
            Ok(Reply::see(to).with_cookies(app.cart_jar(&shown)))
        }
        Err(problem) if problem.status().is_server_error() || problem.code() == Code::TooManyRequests => Err(problem),
        Err(problem) => {
            let t = pages::Texts::of(visitor.language);
            let currency = known.as_ref().map(|shown| shown.cart.currency.as_str()).unwrap_or_default();
            let words = match problem.code() {
                Code::NoPriceInCurrency => fill(t.cart_other_currency, &[("currency", currency)]),
                Code::Invalid => t.error_quantity.to_owned(),
                Code::CartFull | Code::LimitReached => t.cart_full.to_owned(),
                Code::NotFound | Code::NotAvailable => t.not_available_now.to_owned(),
                code => sentence(t, code).unwrap_or(t.problem_other_text).to_owned(),
            };
            let shown = app.cart_of(&visitor).await?;
            let page = page(&app, &visitor, shown.as_ref(), note(Tone::Bad, &words));
            Ok(Reply::private(page).because(&problem))
        }
    }
}

/// Puts more units into the cart, or into a new one. Units that somebody adds elsewhere at the same time are not lost,
/// and a form with a key adds once: a page that everybody gets alike cannot hold one, so the script makes it.
async fn add(
    app: &App,
    visitor: &Visitor,
    known: Option<&ShownCart>,
    (variant, more): (VariantId, u32),
    currency: Currency,
    fields: &Fields,
) -> Result<ShownCart, Problem> {
    let mut shown = match known {
        Some(known) => known.clone(),
        None => app.carts.create(currency, visitor.now).await?,
    };
    // It is the visitor's own before anything is in it, so a repeat whose first answer was lost finds the same one.
    if let Some(buyer) = visitor.user().filter(|buyer| shown.cart.buyer != Some(*buyer))
        && let Some(claimed) = app.claimed(shown.cart.id, buyer, visitor).await?
    {
        shown = claimed;
    }
    // A guest whose first answer was lost has no cart, so the repeat is the first for a new one.
    let caller = visitor.user().map_or_else(|| shown.cart.id.to_string(), |buyer| buyer.to_string());
    let said = format!("{variant} {more} {currency}");
    let request = fields.has(KEY).then(|| keyed(fields, (&caller, "cart"), &said, visitor.now)).transpose()?;
    for _ in 0..MOST_ROUNDS {
        let there = shown.cart.lines.iter().find(|line| line.variant == variant).map_or(0, |line| line.quantity);
        let units = there.saturating_add(more).min(MAX_UNITS);
        let expected = Expected::Versions(vec![shown.cart.version]);
        let call = call(visitor.now, request.as_ref());
        match app.carts.put_line(shown.cart.id, (variant, units), &expected, call).await {
            Ok(outcome) => return Ok(done(outcome).unwrap_or(shown)),
            Err(error) if error.code() == Code::VersionMismatch => {
                shown = app.carts.show(shown.cart.id, visitor.language.content().as_ref(), visitor.now).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::of(Code::Conflict).into())
}
