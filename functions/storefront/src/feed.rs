//! The products as comparison sites read them: RSS 2.0 with the names of Google's product data specification
//! (<https://support.google.com/merchants/answer/7052112>), per language and currency.
//!
//! A part is bounded in what it reads and in its bytes, because an answer of a function is: `atom:link rel="next"`
//! leads to the next one (RFC 5005).

use api::{Now, Problem, Query};
use axum::extract::State;
use browser::{Lang, Reply};
use bytes::Bytes;
use domain::catalog::{List, ProductCard};
use domain::{Currency, Money, PageRequest, Timestamp};
use pages::{Frame, Language, with_query};
use serde::Deserialize;
use shop::{Found, ListQuery, ShownProduct, ShownVariant, Sort};
use tokio::task::JoinSet;

use crate::App;
use crate::home::cards_of;
use crate::product::{pictures, summary};
use crate::xml::{element, escaped};

/// How many products are read at once.
const AT_ONCE: u16 = 10;
/// How often so many are read for one part.
const ROUNDS: usize = 20;
/// A part ends after so many bytes. Those that are read at once are at most as many again.
const MOST_BYTES: usize = 1024 * 1024;

/// Seconds for which the CDN may serve a part: prices in it are at most as old.
const FRESH_S: u32 = 900;
const STALE_S: u32 = 3_600;

/// What is asked of the feed, and nothing else: each other address would be read anew from the table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedFeed {
    currency: Option<Currency>,
    after: Option<String>,
}

pub(crate) async fn show_feed(
    State(app): State<App>,
    Lang(language): Lang,
    Query(asked): Query<AskedFeed>,
    Now(now): Now,
) -> Result<Reply, Problem> {
    let currency = app.currency(asked.currency);
    let f = Frame::new(&app.site.shown, language, "/feed.xml", "").priced_in(currency);
    let mut items = String::new();
    let mut cursor = asked.after;
    for _ in 0..ROUNDS {
        let list = List { category: None, vendor: None, currency };
        let page = PageRequest { limit: AT_ONCE, cursor };
        let query = ListQuery { list, sort: Sort::Newest, min_price: None, max_price: None, page, language: None };
        let slice = app.window.list(query).await?;
        for shown in app.shown(cards_of(&slice.items), (currency, language), now).await? {
            items.extend(shown.variants.iter().map(|variant| item(&f, &shown, variant, app.window.media_base())));
        }
        cursor = slice.next;
        if cursor.is_none() || items.len() >= MOST_BYTES {
            break;
        }
    }
    let next = cursor.map(|after| {
        let href = format!("{}{}", f.site.url, with_query(&f.to("/feed.xml"), "after", &after));
        format!("<atom:link rel=\"next\" href=\"{}\"/>", escaped(&href))
    });
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" xmlns:g=\"http://base.google.com/ns/1.0\" \
         xmlns:atom=\"http://www.w3.org/2005/Atom\"><channel>{}{}{}{}\n{items}</channel></rss>\n",
        element("title", &f.site.name),
        element("link", &format!("{}{}", f.site.url, f.to("/"))),
        element("description", f.t.home_description),
        next.unwrap_or_default(),
    );
    Ok(Reply::file("application/rss+xml; charset=utf-8", Bytes::from(xml), FRESH_S, STALE_S))
}

impl App {
    /// The products of these cards as their own pages show them, in the same order. One that is gone meanwhile is left
    /// out.
    async fn shown(
        &self,
        cards: Vec<ProductCard>,
        (currency, language): (Currency, Language),
        now: Timestamp,
    ) -> Result<Vec<ShownProduct>, Problem> {
        let mut reading = JoinSet::new();
        for (place, card) in cards.into_iter().enumerate() {
            let (window, wanted) = (self.window.clone(), language.content());
            reading.spawn(async move { (place, window.product(&card.handle, currency, wanted.as_ref(), now).await) });
        }
        let mut read = Vec::with_capacity(reading.len());
        while let Some(done) = reading.join_next().await {
            let (place, found) = done.map_err(Problem::internal)?;
            if let Found::Here(shown) = found? {
                read.push((place, *shown));
            }
        }
        read.sort_by_key(|(place, _)| *place);
        Ok(read.into_iter().map(|(_, shown)| shown).collect())
    }
}

fn price(amount: Money) -> String {
    format!("{} {}", amount.decimal(), amount.currency().as_str())
}

/// A variant, which is what is sold.
fn item(f: &Frame<'_>, shown: &ShownProduct, variant: &ShownVariant, media_base: &str) -> String {
    let product = &shown.product;
    let values: Vec<&str> = product
        .options
        .iter()
        .filter_map(|option| variant.options.get(option.name.as_str()).map(String::as_str))
        .collect();
    let mut title = product.title.to_string();
    if !values.is_empty() {
        title = format!("{title} ({})", values.join(", "));
    }
    let own = f.to(&format!("/p/{}", product.handle));
    let link = format!("{}{}", f.site.url, with_query(&own, "variant", &variant.id.to_string()));
    let image = variant.image.clone().or_else(|| Some(pictures(f, shown, media_base).into_iter().next()?.src));
    let availability = match (variant.available, variant.backorder) {
        (1.., _) => "in_stock",
        (_, true) => "backorder",
        (_, false) => "out_of_stock",
    };
    let brand =
        product.origin.manufacturer.as_ref().map_or_else(|| product.vendor.name.to_string(), ToString::to_string);
    let former = variant.compare_at_price.filter(|former| former.minor() > variant.price.minor());
    let mut fields = vec![
        ("g:id", variant.id.to_string()),
        ("g:title", title),
        ("g:description", summary(shown)),
        ("g:link", link),
        ("g:availability", availability.to_owned()),
        ("g:price", price(former.unwrap_or(variant.price))),
        ("g:brand", brand),
        ("g:external_seller_id", product.vendor.id.to_string()),
    ];
    fields.extend(former.map(|_| ("g:sale_price", price(variant.price))));
    fields.extend(image.map(|image| ("g:image_link", image)));
    fields.extend((shown.variants.len() > 1).then(|| ("g:item_group_id", product.id.to_string())));
    let expected = variant.available_from.filter(|_| availability == "backorder");
    fields.extend(expected.map(|from| ("g:availability_date", from.to_string())));
    let fields: String = fields.iter().map(|(name, text)| element(name, text)).collect();
    format!("<item>{fields}</item>\n")
}
