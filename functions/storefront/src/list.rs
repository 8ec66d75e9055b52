//! Lists of products: all, and those of a category.

use api::{Now, Problem, Query};
use axum::extract::{Path, State};
use browser::{Lang, Reply};
use domain::catalog::{Category, List};
use domain::{Currency, Money, PageRequest, Timestamp};
use pages::parts::Link;
use pages::{Frame, Html, Language, category_name, escaped, fill, views};
use serde::Deserialize;
use serde_json::json;
use shop::{ListQuery, Sort};

use crate::App;
use crate::asked::known;
use crate::categories::{crumbs, of_path, path_of};
use crate::home::{FRESH_S, STALE_S, cards_of, or_not_here, shown_cards};

/// Cards on a page: what two rows of five, and four rows on a phone, can show twice.
const PER_PAGE: u16 = 20;

/// What is asked of a list. What is unknown is passed over: links from elsewhere carry their own parameters.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AskedList {
    #[serde(default, deserialize_with = "known")]
    pub(crate) currency: Option<Currency>,
    sort: Option<String>,
    min: Option<String>,
    max: Option<String>,
    after: Option<String>,
}

/// A list and what stands around it.
pub(crate) struct Around<'a> {
    pub(crate) f: Frame<'a>,
    pub(crate) crumbs: Vec<Link>,
    pub(crate) heading: String,
    pub(crate) intro: Html,
    pub(crate) narrower: Vec<Link>,
}

/// An amount as somebody types it: with blanks, commas or points between thousands, and either of these before
/// decimals.
fn amount(text: Option<&String>, currency: Currency) -> Option<Money> {
    let plain: String = text?.chars().filter(|c| !c.is_whitespace() && !"'’".contains(*c)).collect();
    // Three digits at the end are thousands.
    let parts = plain.rsplit_once([',', '.']).filter(|(_, last)| last.len() < 3);
    let (whole, last) = parts.unwrap_or((&plain, ""));
    let whole = whole.replace([',', '.'], "");
    let read = if last.is_empty() { whole } else { format!("{whole}.{last}") };
    Money::parse(&read, currency).ok().filter(|amount| amount.is_total())
}

/// A bound of the price as its field shows it, and whether it cannot be read: then it is shown as it was typed.
fn bound(typed: Option<&String>, read: Option<Money>) -> (Option<String>, bool) {
    let typed = typed.filter(|typed| !typed.trim().is_empty());
    match read {
        Some(amount) => (Some(amount.decimal()), false),
        None => (typed.cloned(), typed.is_some()),
    }
}

/// Which list, and how it is asked for.
#[derive(Clone, Debug)]
struct Wanted {
    sort: Sort,
    min: Option<Money>,
    max: Option<Money>,
}

impl Wanted {
    fn of(asked: &AskedList, currency: Currency) -> Self {
        let (min, max) = (amount(asked.min.as_ref(), currency), amount(asked.max.as_ref(), currency));
        let sort = match asked.sort.as_deref() {
            Some("price") => Sort::Price,
            Some("-price") => Sort::PriceDescending,
            // Bounds on the price need an order by it.
            _ if min.is_some() || max.is_some() => Sort::Price,
            _ => Sort::Newest,
        };
        Self { sort, min, max }
    }

    const fn sort_name(sort: Sort) -> &'static str {
        match sort {
            Sort::Newest => "",
            Sort::Price => "price",
            Sort::PriceDescending => "-price",
        }
    }

    /// The query of the same list in this order, with these bounds, and from this place on.
    fn query(&self, sort: Sort, with_bounds: bool, after: Option<&str>) -> String {
        let mut pairs = Vec::new();
        let name = Self::sort_name(sort);
        if !name.is_empty() {
            pairs.push(("sort", name.to_owned()));
        }
        if with_bounds {
            pairs.extend(self.min.map(|min| ("min", min.decimal())));
            pairs.extend(self.max.map(|max| ("max", max.decimal())));
        }
        pairs.extend(after.map(|after| ("after", after.to_owned())));
        let query: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) }
    }
}

impl App {
    /// A page of a list, whose own path below the language is `path`.
    pub(crate) async fn list_page<'a>(
        &self,
        path: &str,
        (list, language): (List, Language),
        asked: &AskedList,
        around: impl Future<Output = Result<Around<'a>, Problem>> + Send,
    ) -> Result<Reply, Problem> {
        let currency = list.currency;
        let wanted = Wanted::of(asked, currency);
        let page = PageRequest { limit: PER_PAGE, cursor: asked.after.clone() };
        let query = ListQuery {
            list,
            sort: wanted.sort,
            min_price: wanted.min,
            max_price: wanted.max,
            page,
            language: language.content(),
        };
        let (found, around) = tokio::join!(self.window.list(query), around);
        let (found, Around { f, crumbs, heading, intro, narrower }) = (found?, around?);
        let link = |sort: Sort, name: &str| {
            let href = f.to(&format!("{path}{}", wanted.query(sort, sort != Sort::Newest, None)));
            Link::new(href, name).when_current(wanted.sort == sort)
        };
        let sorts = vec![
            link(Sort::Newest, f.t.sort_newest),
            link(Sort::Price, f.t.sort_cheapest),
            link(Sort::PriceDescending, f.t.sort_dearest),
        ];
        let to = |query: String| f.to(&format!("{path}{query}"));
        let next_page = found.next.as_deref().map(|next| to(wanted.query(wanted.sort, true, Some(next))));
        let first_page = asked.after.is_some().then(|| to(wanted.query(wanted.sort, true, None)));
        let mut hidden = Vec::new();
        if wanted.sort != Sort::Newest {
            hidden.push(("sort".to_owned(), Wanted::sort_name(wanted.sort).to_owned()));
        }
        if currency != self.window.main_currency() {
            hidden.push(("currency".to_owned(), currency.to_string()));
        }
        let cards = shown_cards(&f, &cards_of(&found.items), true);
        let label = |text: &str| fill(text, &[("currency", currency.as_str())]);
        // Only the first page in its own order is one that search engines keep.
        let is_plain = asked.after.is_none() && wanted.min.is_none() && wanted.max.is_none();
        let items: Vec<serde_json::Value> = (1..)
            .zip(&cards)
            .map(|(position, card)| {
                let url = format!("{}{}", f.site.url, card.href);
                let position: usize = position;
                json!({"@type": "ListItem", "position": position, "url": url, "name": card.title})
            })
            .collect();
        let list = json!({"@context": "https://schema.org", "@type": "ItemList", "itemListElement": items});
        let mut f = f;
        f.json_ld.push(list.to_string());
        f.indexed = f.indexed && is_plain && wanted.sort == Sort::Newest;
        f.image = cards.iter().find_map(|card| Some(card.image.as_ref()?.src.clone()));
        let (price_from, from_wrong) = bound(asked.min.as_ref(), wanted.min);
        let (price_to, to_wrong) = bound(asked.max.as_ref(), wanted.max);
        let page = views::List {
            action: format!("/{}{path}", f.language.code()),
            clear: f.to(&format!("{path}{}", wanted.query(Sort::Newest, false, None))),
            from_label: label(f.t.price_from),
            to_label: label(f.t.price_to),
            f,
            crumbs,
            heading,
            intro,
            narrower,
            hidden,
            price_from,
            price_to,
            price_wrong: from_wrong || to_wrong,
            sorts,
            cards,
            first_page,
            next_page,
        };
        Ok(Reply::public(page.shown(), FRESH_S, STALE_S))
    }
}

/// The way to a page, for search engines.
pub(crate) fn crumb_data(f: &Frame<'_>, crumbs: &[Link]) -> String {
    let items: Vec<serde_json::Value> = (1..)
        .zip(crumbs)
        .map(|(position, crumb)| {
            let position: usize = position;
            let item = format!("{}{}", f.site.url, crumb.href);
            json!({"@type": "ListItem", "position": position, "name": crumb.name, "item": item})
        })
        .collect();
    json!({"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": items}).to_string()
}

/// Links to the categories below one.
fn narrower(f: &Frame<'_>, path: &[&Category], children: &[Category]) -> Vec<Link> {
    let link = |child: &Category| {
        let mut below = path.to_vec();
        below.push(child);
        Link::new(f.to(&path_of(&below)), category_name(child, f.language))
    };
    children.iter().map(link).collect()
}

pub(crate) async fn list_products(
    State(app): State<App>,
    Lang(language): Lang,
    Query(asked): Query<AskedList>,
    Now(now): Now,
) -> Result<Reply, Problem> {
    let currency = app.currency(asked.currency);
    let around = async {
        let tree = app.categories.tree(&app.window, now).await?;
        let t = pages::Texts::of(language);
        let f = Frame::new(&app.site.shown, language, "/products", t.all_products)
            .found_as(t.home_description, Vec::new())
            .priced_in(currency);
        let crumbs =
            vec![Link::new(f.to("/"), t.home), Link::new(f.to("/products"), t.all_products).when_current(true)];
        let narrower = narrower(&f, &[], &tree.roots);
        let f = Frame { json_ld: vec![crumb_data(&f, &crumbs)], ..f };
        Ok(Around { crumbs, heading: t.all_products.to_owned(), intro: Html::default(), narrower, f })
    };
    let list = List { category: None, vendor: None, currency };
    app.list_page("/products", (list, language), &asked, around).await
}

pub(crate) async fn list_category(
    State(app): State<App>,
    Lang(language): Lang,
    Path((_, category)): Path<(String, String)>,
    Query(asked): Query<AskedList>,
    Now(now): Now,
) -> Result<Reply, Problem> {
    let page = category_page(&app, language, &category, &asked, now).await;
    or_not_here(&app, page, (language, now)).await
}

async fn category_page(
    app: &App,
    language: Language,
    category: &str,
    asked: &AskedList,
    now: Timestamp,
) -> Result<Reply, Problem> {
    let tree = app.categories.tree(&app.window, now).await?;
    let path = of_path(&tree, category)?;
    let own_path = path_of(&path);
    let Some(shown) = path.last() else { return Err(Problem::of(domain::Code::NotFound)) };
    let currency = match asked.currency {
        Some(currency) => currency,
        None => app.currency_in(&shown.handle, language, now).await,
    };
    if own_path.strip_prefix("/c/") != Some(category) {
        return Ok(moved(app, language, &own_path, currency));
    }
    let around = async {
        let name = category_name(shown, language);
        let t = pages::Texts::of(language);
        let f = Frame::new(&app.site.shown, language, own_path.clone(), name.as_str())
            .found_as(format!("{name} · {}", t.home_description), Vec::new())
            .priced_in(currency);
        let crumbs = crumbs(&f, &path, true);
        let narrower = narrower(&f, &path, &shown.children);
        let f = Frame { json_ld: vec![crumb_data(&f, &crumbs)], ..f };
        Ok(Around { crumbs, heading: name.clone(), intro: Html::default(), narrower, f })
    };
    let list = List { category: Some(shown.handle.clone()), vendor: None, currency };
    app.list_page(&own_path, (list, language), asked, around).await
}

/// To the one path of what was asked for.
pub(crate) fn moved(app: &App, language: Language, path: &str, currency: Currency) -> Reply {
    Reply::moved(Frame::new(&app.site.shown, language, path, "").priced_in(currency).to(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_as_people_type_it() {
        let read = |text: &str| amount(Some(&text.to_owned()), Currency::USD).map(|amount| amount.decimal());
        assert_eq!(read("1 250,5").as_deref(), Some("1250.50"));
        for (typed, meant) in
            [("1,250", "1250.00"), ("1.250.000", "1250000.00"), ("1'250,05", "1250.05"), ("7.5", "7.50")]
        {
            assert_eq!(read(typed).as_deref(), Some(meant), "{typed}");
        }
        assert_eq!((read("cheap"), read("-1"), read("")), (None, None, None));
    }

    #[test]
    fn bounds_on_the_price_sort_by_it_and_stay_when_the_order_changes() {
        let asked = AskedList { min: Some("5".to_owned()), ..AskedList::default() };
        let wanted = Wanted::of(&asked, Currency::USD);
        assert_eq!(wanted.sort, Sort::Price);
        assert_eq!(wanted.query(Sort::PriceDescending, true, Some("x y")), "?sort=-price&min=5.00&after=x%20y");
        assert_eq!(wanted.query(Sort::Newest, false, None), "");
    }
}
