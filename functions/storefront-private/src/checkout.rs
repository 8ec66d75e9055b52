//! Checkout in three steps, each a form with its own address: who and where, delivery, payment.

use std::time::Duration;

use api::Problem;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use browser::{CART, Fields, Form, ITEMS, Jar, KEY, Reply, Visitor, call, done, keyed, new_key};
use domain::address::Address;
use domain::legal::LegalText;
use domain::payment::{Action, ProviderName};
use domain::{Code, Coded, Expected};
use pages::forms::{Button, Choice, Field, Form as PageForm, Group, Kind};
use pages::parts::{Link, boxed, facts, lines, steps, sum};
use pages::views::Screen;
use pages::{Frame, Html, Texts, fill, money};
use serde_json::{Value, json};
use shop::{ChooseShipping, ShownCart};

use crate::App;
use crate::address;
use crate::cart::{items_of, line_of, sums};
use crate::guest_orders::GuestOrders;
use crate::showing::{Reading, failed, frame, said};

/// The cookie with how the buyer is reached, until the order is placed. It is theirs, on their own device.
pub(crate) const CONTACT: &str = "contact";
const CONTACT_KEPT: Duration = Duration::from_secs(86_400);

/// An address on one line.
pub(crate) fn address_line(known: &Address) -> String {
    address::lines(known).into_iter().skip(1).collect::<Vec<_>>().join(", ")
}

/// How the buyer is reached, as it was entered.
fn contact_of(app: &App, visitor: &Visitor) -> Option<Value> {
    let cookie = visitor.cookies.named(CONTACT, &app.site)?;
    let read: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cookie).ok()?).ok()?;
    read.is_object().then_some(read)
}

fn base(visitor: &Visitor) -> String {
    format!("/{}/checkout", visitor.language.code())
}

/// The steps, of which those before the current one are links.
fn progress(t: &'static Texts, visitor: &Visitor, current: usize) -> Html {
    let base = base(visitor);
    let all = [
        (t.step_address, String::new()),
        (t.step_delivery, "/delivery".to_owned()),
        (t.step_payment, "/payment".to_owned()),
    ];
    let link = |(place, (name, path)): (usize, (&str, String))| {
        let href = if place < current { format!("{base}{path}") } else { String::new() };
        Link::new(href, name).when_current(place == current)
    };
    steps(&all.into_iter().enumerate().map(link).collect::<Vec<_>>())
}

/// What is ordered, beside each step.
fn summary(app: &App, f: &Frame<'_>, shown: &ShownCart) -> Html {
    let currency = shown.cart.currency;
    let all = shown.priced.lines().map(|line| line_of(app, f, line, currency, Html::default())).collect::<Vec<_>>();
    let mut parts = vec![lines(&all), sum(&sums(f, &shown.priced.totals))];
    if let Some(known) = &shown.cart.address {
        parts.push(facts(&[(f.t.address.to_owned(), format!("{}, {}", known.name, address_line(known)))]));
    }
    boxed(f.t.your_order, parts)
}

fn page(app: &App, visitor: &Visitor, shown: &ShownCart, step: usize, alerts: Html, main: Vec<Html>) -> String {
    let path = ["/checkout", "/checkout/delivery", "/checkout/payment"].get(step).copied().unwrap_or("/checkout");
    let title = Texts::of(visitor.language).checkout_title;
    let f = frame(app, visitor, path, title).priced_in(shown.cart.currency);
    let f = Frame { cart_items: Some(items_of(shown)), ..f };
    let aside = summary(app, &f, shown);
    let mut parts = vec![progress(f.t, visitor, step)];
    parts.extend(main);
    Screen::new(f, title, parts).beside(aside).alerting(alerts).shown()
}

impl App {
    /// The cart that is checked out; without one, or with one that cannot be ordered, to the cart's page.
    async fn ready_cart(&self, visitor: &Visitor) -> Result<ShownCart, Response> {
        let to_cart = || Reply::see(format!("/{}/cart", visitor.language.code())).into_response();
        let shown = self.cart_of(visitor).await.map_err(IntoResponse::into_response)?;
        let shown = shown.filter(|shown| shown.priced.check_orderable().is_ok());
        shown.ok_or_else(to_cart)
    }
}

fn address_form(visitor: &Visitor, known: Option<&Address>, contact: &Value, chosen_country: Option<&str>) -> PageForm {
    let t = Texts::of(visitor.language);
    let written = |name: &str| contact.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let phone = written("phone");
    let phone = if phone.is_empty() { address::PHONE_PREFIX.to_owned() } else { phone };
    let reached = vec![
        Field::new("contact.email", t.email, Kind::Email).filled(written("email")).completing("email").optional(),
        Field::new("contact.phone", t.phone, Kind::Phone)
            .filled(phone)
            .completing("tel")
            .hinting(t.contact_hint)
            .optional(),
    ];
    let form = PageForm::to(base(visitor)).with(Group::named(t.contact, reached).in_a_row());
    let mut groups = address::fields(t, "address.", known, chosen_country).into_iter();
    let mut form = form;
    if let Some(first) = groups.next() {
        form = form.with(Group { legend: t.delivery_address.to_owned(), ..first });
    }
    groups.fold(form, PageForm::with).button(Button::main(t.to_delivery))
}

/// How the buyer is reached, as far as it is known: from the step before, or from their account.
async fn known_contact(app: &App, visitor: &Visitor) -> Result<Value, Problem> {
    match (contact_of(app, visitor), visitor.user()) {
        (Some(contact), _) => Ok(contact),
        (None, Some(user)) => {
            let me = app.people.me(user).await?;
            let (email, phone) =
                (me.email.map(|email| email.to_string()), me.phone.map(|phone| phone.as_str().to_owned()));
            Ok(json!({"email": email, "phone": phone}))
        }
        (None, None) => Ok(Value::Null),
    }
}

/// The address that somebody has saved last.
async fn saved_address(app: &App, visitor: &Visitor, shown: &ShownCart) -> Result<Option<Address>, Problem> {
    match visitor.user() {
        Some(user) if shown.cart.address.is_none() => {
            Ok(app.people.address_book(user).await?.items.into_iter().next().map(|saved| saved.address))
        }
        _ => Ok(None),
    }
}

pub(crate) async fn show_address(State(app): State<App>, visitor: Visitor) -> Result<Response, Response> {
    let shown = app.ready_cart(&visitor).await?;
    let saved = saved_address(&app, &visitor, &shown).await.map_err(IntoResponse::into_response)?;
    let contact = known_contact(&app, &visitor).await.map_err(IntoResponse::into_response)?;
    let known = shown.cart.address.as_ref().or(saved.as_ref());
    let form = address_form(&visitor, known, &contact, None).shown(visitor.language, &[]);
    Ok(Reply::private(page(&app, &visitor, &shown, 0, Html::default(), vec![form])).into_response())
}

/// How the buyer is reached, from the form.
fn read_contact(fields: &Fields) -> Result<Value, Problem> {
    let mut reading = Reading::default();
    let untouched = |text: &&str| *text != address::PHONE_PREFIX.trim();
    let email: Option<domain::text::Email> = reading.given("contact/email", fields.text("contact.email"));
    let phone: Option<domain::contact::ContactPoint> =
        reading.given_with("contact/phone", fields.text("contact.phone").filter(untouched), |text| {
            domain::contact::PhoneNumber::parse(text).map(domain::contact::ContactPoint::Phone)
        });
    let given = Some((email, phone));
    let (email, phone) = reading.all(given)?;
    if email.is_none() && phone.is_none() {
        return Err(Problem::field("/contact/email", "missing", "an e-mail address or a telephone number is needed"));
    }
    let mut contact = serde_json::Map::new();
    contact.extend(email.map(|email| ("email".to_owned(), Value::from(email.as_str()))));
    contact.extend(phone.map(|phone| ("phone".to_owned(), Value::from(phone.as_str()))));
    Ok(Value::Object(contact))
}

pub(crate) async fn put_address(
    State(app): State<App>,
    visitor: Visitor,
    Form(fields): Form,
) -> Result<Response, Response> {
    app.count_change("cart", &visitor).await.map_err(IntoResponse::into_response)?;
    let shown = app.ready_cart(&visitor).await?;
    let contact = read_contact(&fields);
    let phone = contact.as_ref().ok().and_then(|contact| contact.get("phone")?.as_str());
    let place = address::read_reached(&fields, "address.", phone);
    let stored = match (contact, place) {
        (Ok(contact), Ok(place)) => {
            let id = shown.cart.id;
            let stored = app.carts.set_address(id, &place, &Expected::Any, call(visitor.now, None)).await;
            stored.map(|_| contact).map_err(Problem::from)
        }
        // Everything that is wrong is told at once.
        (Err(one), Err(other)) => {
            let errors = one.errors().iter().chain(other.errors()).cloned().collect();
            Err(Problem::of(Code::Invalid).with_errors(errors))
        }
        (Err(wrong), _) | (_, Err(wrong)) => Err(wrong),
    };
    match stored {
        Ok(contact) => {
            let cookie = URL_SAFE_NO_PAD.encode(contact.to_string());
            let jar = Jar::default().keep(CONTACT, &cookie, CONTACT_KEPT, &app.site);
            Ok(Reply::see(format!("{}/delivery", base(&visitor))).with_cookies(jar).into_response())
        }
        Err(problem) => {
            let chosen = fields.text("address.country");
            let form = address_form(&visitor, shown.cart.address.as_ref(), &Value::Null, chosen);
            let form = failed(form, &fields, &problem, visitor.language).map_err(IntoResponse::into_response)?;
            let page = page(&app, &visitor, &shown, 0, Html::default(), vec![form]);
            Ok(Reply::private(page).because(&problem).into_response())
        }
    }
}

fn delivery_form(visitor: &Visitor, shown: &ShownCart) -> PageForm {
    let t = Texts::of(visitor.language);
    let mut form = PageForm::to(format!("{}/delivery", base(visitor)));
    for group in &shown.priced.groups {
        let price = group.rate.map(|rate| money(rate, visitor.language)).unwrap_or_default();
        let days = fill(t.days_range, &[("from", "2"), ("to", "14")]);
        let option = Choice::new(domain::cart::FLAT_RATE, format!("{}: {price}", t.standard_delivery)).hinting(days);
        let legend = fill(t.delivery_by, &[("vendor", group.vendor.name.as_str())]);
        let field =
            Field::new(format!("delivery.{}", group.vendor.id), legend.clone(), Kind::Radio { options: vec![option] });
        form = form.with(Group::named(legend, vec![field.filled(domain::cart::FLAT_RATE)]));
    }
    form.button(Button::main(t.to_payment))
}

pub(crate) async fn show_delivery(State(app): State<App>, visitor: Visitor) -> Result<Response, Response> {
    let shown = app.ready_cart(&visitor).await?;
    if shown.cart.address.is_none() {
        return Ok(Reply::see(base(&visitor)).into_response());
    }
    let form = delivery_form(&visitor, &shown).shown(visitor.language, &[]);
    Ok(Reply::private(page(&app, &visitor, &shown, 1, Html::default(), vec![form])).into_response())
}

pub(crate) async fn choose_delivery(
    State(app): State<App>,
    visitor: Visitor,
    Form(fields): Form,
) -> Result<Response, Response> {
    app.count_change("cart", &visitor).await.map_err(IntoResponse::into_response)?;
    let shown = app.ready_cart(&visitor).await?;
    let chosen: Vec<Value> = fields
        .beginning("delivery.")
        .map(|(vendor, option)| json!({"vendor_id": vendor, "option_id": option}))
        .collect();
    let stored = async {
        let chosen: Vec<ChooseShipping> = browser::as_api(&Value::Array(chosen))?;
        let (id, call) = (shown.cart.id, call(visitor.now, None));
        Ok::<_, Problem>(app.carts.choose_shipping(id, &chosen, &Expected::Any, call).await?)
    };
    match stored.await {
        Ok(_) => Ok(Reply::see(format!("{}/payment", base(&visitor))).into_response()),
        Err(problem) if problem.code() == Code::AddressMissing => Ok(Reply::see(base(&visitor)).into_response()),
        Err(problem) => {
            let form = failed(delivery_form(&visitor, &shown), &fields, &problem, visitor.language);
            let form = form.map_err(IntoResponse::into_response)?;
            let page = page(&app, &visitor, &shown, 1, Html::default(), vec![form]);
            Ok(Reply::private(page).because(&problem).into_response())
        }
    }
}

/// The form of the last step: how to pay, and the terms.
async fn payment_form(app: &App, visitor: &Visitor, shown: &ShownCart) -> Result<PageForm, Problem> {
    let t = Texts::of(visitor.language);
    let total = shown.priced.totals.total;
    let methods = app.checkout.payment_methods(shown.cart.id, visitor.now).await?;
    let option = |provider: ProviderName| match provider {
        ProviderName::CashOnDelivery => Choice::new(provider.as_str(), t.pay_cash).hinting(t.pay_cash_hint),
        ProviderName::Unneeded => Choice::new(provider.as_str(), t.pay_nothing),
        _ => Choice::new(provider.as_str(), t.pay_card).hinting(t.pay_card_hint),
    };
    let options: Vec<Choice> = methods.iter().map(|method| option(method.provider)).collect();
    let first = options.first().map(|option| option.value.clone()).unwrap_or_default();
    let mut form = PageForm::to(format!("{}/payment", base(visitor)))
        .hiding(KEY, new_key(visitor.now))
        .hiding("total", total.decimal())
        .with(Group::named(
            t.payment_title,
            vec![Field::new("provider", t.pay_by, Kind::Radio { options }).filled(first)],
        ));
    if let Some(offer) = app.checkout.legal(LegalText::Offer).await? {
        let read = pages::parts::anchor(&format!("/{}/terms", visitor.language.code()), t.read_terms);
        let mut accept = Field::new("terms", t.accept_terms, Kind::Check);
        accept.after = Html::joined([pages::parts::plain(" "), read]);
        form = form.hiding("offer", offer.number.to_string()).asking(vec![accept]);
    }
    Ok(form.button(Button::main(fill(t.place_order, &[("price", &money(total, visitor.language))]))))
}

async fn hosted_pages(app: &App) -> Result<Vec<&'static str>, Response> {
    app.checkout.hosted_pages().await.map_err(|error| Problem::from(error).into_response())
}

pub(crate) async fn show_payment(State(app): State<App>, visitor: Visitor) -> Result<Response, Response> {
    let shown = app.ready_cart(&visitor).await?;
    if shown.cart.address.is_none() || contact_of(&app, &visitor).is_none() {
        return Ok(Reply::see(base(&visitor)).into_response());
    }
    let form = payment_form(&app, &visitor, &shown).await.map_err(IntoResponse::into_response)?;
    let parts = vec![form.shown(visitor.language, &[])];
    let page = page(&app, &visitor, &shown, 2, Html::default(), parts);
    Ok(Reply::private(page).leading_to(hosted_pages(&app).await?).into_response())
}

/// What is asked of the checkout.
fn asked(app: &App, visitor: &Visitor, shown: &ShownCart, fields: &Fields) -> Result<Value, Problem> {
    let contact = contact_of(app, visitor).ok_or_else(|| Problem::of(Code::AddressMissing))?;
    // The total that stood on the button, and not the one of now: that is what the buyer has agreed to.
    let currency = shown.cart.currency.as_str();
    let total = json!({"amount": fields.text("total").unwrap_or_default(), "currency": currency});
    let provider = fields.text("provider").unwrap_or_default();
    let language = visitor.language.tag();
    let mut asked =
        json!({"cart_id": shown.cart.id, "contact": contact, "expected_total": total, "language": language});
    let Some(asked_fields) = asked.as_object_mut() else { return Ok(asked) };
    if provider != ProviderName::Unneeded.as_str() {
        let mut payment = json!({"provider": provider});
        if let (ProviderName::Stripe, Some(payment)) = (named(provider)?, payment.as_object_mut()) {
            payment.insert("hosted_page".to_owned(), Value::from(true));
            let back = format!("{}/{}/orders/{{order}}?paid", app.site.shown.url, visitor.language.code());
            payment.insert("return_url".to_owned(), Value::from(back));
        }
        asked_fields.insert("payment".to_owned(), payment);
    }
    if fields.has("terms") {
        let version: Option<u32> = fields.text("offer").and_then(|version| version.parse().ok());
        asked_fields.insert("accepted_terms".to_owned(), Value::from(version));
    }
    Ok(asked)
}

fn named(provider: &str) -> Result<ProviderName, Problem> {
    ProviderName::parse(provider).ok_or_else(|| Problem::field("/provider", "missing", "choose how to pay"))
}

pub(crate) async fn place(State(app): State<App>, visitor: Visitor, Form(fields): Form) -> Result<Response, Response> {
    // A form that is sent twice finds its cart ordered: it is the same order again, not an empty cart.
    let cart = visitor.cookies.named(CART, &app.site).and_then(|id| id.parse().ok());
    let shown = match cart {
        Some(id) => match app.carts.show(id, visitor.language.content().as_ref(), visitor.now).await {
            Ok(shown) => shown,
            Err(error) if error.code() == Code::NotFound => app.ready_cart(&visitor).await?,
            Err(error) => return Err(Problem::from(error).into_response()),
        },
        None => app.ready_cart(&visitor).await?,
    };
    if let Some(order) = shown.cart.order {
        return Ok(Reply::see(format!("{}?placed", crate::order::path_of(&visitor, order))).into_response());
    }
    let placed = async {
        let said = asked(&app, &visitor, &shown, &fields)?;
        let asked: shop::CheckOut = browser::as_api(&said)?;
        let request = keyed(&fields, (&shown.cart.id.to_string(), "checkout"), &said.to_string(), visitor.now)?;
        Ok::<_, Problem>(app.checkout.place(&asked, &visitor.client, call(visitor.now, Some(&request))).await?)
    };
    let problem = match placed.await {
        Ok(outcome) => {
            let Some(opened): Option<shop::OpenedOrder> = done(outcome) else {
                return Ok(Reply::see(format!("/{}/cart", visitor.language.code())).into_response());
            };
            let (id, token) = (opened.order.order.id, &opened.token);
            // Who is signed in finds it in their account, and nobody after them on this device.
            let jar = match visitor.user() {
                Some(user) if opened.order.order.buyer == Some(user) => Jar::default(),
                _ => GuestOrders::of(&visitor, &app.site).with(id, token).kept(&app.site),
            };
            let jar = jar.forget(CONTACT, &app.site).choose(ITEMS, "0", &app.site);
            let action = opened.order.payment().and_then(|payment| payment.action.clone());
            let to = match action {
                Some(Action::Redirect { url }) => url,
                _ => format!("{}?placed", crate::order::path_of(&visitor, id)),
            };
            return Ok(Reply::see(to).with_cookies(jar).into_response());
        }
        Err(problem) => problem,
    };
    if matches!(problem.code(), Code::AddressMissing | Code::CartEmpty | Code::CartOrdered) {
        return Ok(Reply::see(format!("/{}/cart", visitor.language.code())).into_response());
    }
    // Prices and stock as they are now, and a new key: what is ordered then is another order.
    let shown = app.ready_cart(&visitor).await?;
    let form = payment_form(&app, &visitor, &shown).await.map_err(IntoResponse::into_response)?;
    let t = Texts::of(visitor.language);
    let shows = matches!(problem.code(), Code::PriceChanged | Code::OutOfStock | Code::TermsNotAccepted);
    let (alerts, form) = if shows {
        (said(t, &problem, visitor.language), form.shown(visitor.language, &[]))
    } else {
        let form = failed(form, &fields, &problem, visitor.language).map_err(IntoResponse::into_response)?;
        (Html::default(), form)
    };
    let page = page(&app, &visitor, &shown, 2, alerts, vec![form]);
    Ok(Reply::private(page).leading_to(hosted_pages(&app).await?).because(&problem).into_response())
}

/// Where a buyer comes back to from a provider's page whose address names no order, as those of earlier releases: the
/// order that this device has placed last.
pub(crate) async fn come_back(State(app): State<App>, visitor: Visitor) -> Result<Response, Response> {
    let newest = match visitor.user() {
        Some(user) => {
            let page = domain::PageRequest { limit: 1, cursor: None };
            let orders =
                app.orders.of_buyer(user, &page).await.map_err(|error| Problem::from(error).into_response())?;
            orders.items.first().map(|order| order.id)
        }
        None => GuestOrders::of(&visitor, &app.site).newest(),
    };
    let to = match newest {
        Some(id) => format!("{}?paid", crate::order::path_of(&visitor, id)),
        None => format!("/{}/account/orders", visitor.language.code()),
    };
    Ok(Reply::see(to).into_response())
}
