//! The list of a vendor's products.

use api::Problem;
use axum::extract::State;
use browser::Reply;
use desk::{FindProducts, OwnProduct};
use domain::PageRequest;
use domain::catalog::{ProductState, StockLevel};
use domain::text::{Search, SearchText};
use pages::parts::{Link, actions, anchor, badge, muted, pager, plain, table, tabs};
use pages::{Html, money, number};

use crate::App;
use crate::amounts::bad;
use crate::orders::search_form;
use crate::shown::{Sheet, listed_at, next_page};
use crate::states;
use crate::who::Staff;

pub(crate) const PRODUCTS: &str = "/desk/products";
const PER_PAGE: u16 = 20;

/// What the list can be narrowed to.
const FILTERS: [(Option<&str>, Option<ProductState>, Option<StockLevel>); 5] = [
    (None, None, None),
    (Some("published"), Some(ProductState::Published), None),
    (Some("draft"), Some(ProductState::Draft), None),
    (Some("low"), None, Some(StockLevel::Low)),
    (Some("sold-out"), None, Some(StockLevel::SoldOut)),
];

pub(crate) async fn list_products(State(app): State<App>, staff: Staff) -> Result<Reply, Problem> {
    let person = &staff.person;
    let t = person.t();
    let (typed, shown, after) = (person.asked("q"), person.asked("show"), person.asked("after"));
    let filter = FILTERS.iter().find(|(name, ..)| *name == shown.as_deref()).or(FILTERS.first());
    let (shown, state, stock) = filter.copied().unwrap_or_default();
    let search =
        typed.as_deref().map(|typed| SearchText::parse(typed).map_err(|wrong| bad("q", &wrong))).transpose()?;
    let find = FindProducts { state, stock, search: search.as_ref().map(Search::from) };
    let page = PageRequest { limit: PER_PAGE, cursor: after.clone() };
    let found = app.desk.products(&staff.member, &find, &page).await?;

    let mut sheet = Sheet::of_vendor(&app, &staff, PRODUCTS, t.desk_products);
    sheet.tell_done();
    let new = [Link::new(format!("{PRODUCTS}/new"), t.desk_new_product), Link::new("/desk/imports", t.desk_imports)];
    sheet.part(actions(t.desk_new_product, &new));
    let names = [t.desk_tab_all, t.desk_product_published, t.desk_product_draft, t.desk_low, t.sold_out];
    let tab = |((name, ..), label): (&(Option<&str>, _, _), &str)| {
        Link::new(listed_at(PRODUCTS, &[("show", *name)], None), label).when_current(*name == shown)
    };
    let links: Vec<Link> = FILTERS.iter().zip(names).map(tab).collect();
    sheet.part(tabs(t.state, &links));
    sheet.part(search_form(&staff, PRODUCTS, typed.as_deref()));
    if found.items.is_empty() {
        sheet.part(muted(t.desk_no_products));
    } else {
        let columns = [t.desk_title, t.desk_price, t.desk_on_hand, t.state].map(str::to_owned);
        let rows: Vec<Vec<Html>> = found.items.iter().map(|own| row(&staff, own)).collect();
        sheet.part(table(t.desk_products, &columns, &rows));
    }
    let query = [("show", shown), ("q", typed.as_deref())];
    let first = after.is_some().then(|| listed_at(PRODUCTS, &query, None));
    sheet.part(pager(t, first, next_page(PRODUCTS, &query, found.next.as_deref())));
    Ok(sheet.reply())
}

fn row(staff: &Staff, own: &OwnProduct) -> Vec<Html> {
    let (t, language) = (staff.person.t(), staff.person.language());
    let product = &own.product;
    let prices: Vec<_> = product.variants.iter().filter_map(|variant| variant.price_in(own.currency)).collect();
    let least = prices.iter().map(|price| price.price).min_by_key(|price| price.minor());
    let available: i64 = own.units.values().map(|units| units.available).sum();
    let (tone, state) = states::of_product(t, product.state, product.hidden.is_some());
    vec![
        anchor(&format!("{PRODUCTS}/{}", product.id), product.title.as_str()),
        plain(&least.map(|price| money(price, language)).unwrap_or_default()),
        plain(&number(available, language)),
        badge(tone, state),
    ]
}
