//! Listing rows: one query for a page of cards.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::catalog::{List, ListingRow};
use domain::text::ContentLanguage;
use domain::{Money, PageRequest, ProductId, Slice};

use super::{Catalog, LISTING};
use crate::Error;
use crate::item::{Attributes, Condition, delete, item, key, number, put, string, text};
use crate::page;
use crate::retry::QueryRequest;

/// In which order a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Newest,
    /// Cheapest first.
    Price,
    /// Most expensive first.
    PriceDescending,
}

/// Which page of which list.
#[derive(Clone, Debug)]
pub struct ListQuery {
    pub list: List,
    pub sort: Sort,
    /// Only cards of this price or more; needs an order by price.
    pub min_price: Option<Money>,
    /// Only cards of this price or less; needs an order by price.
    pub max_price: Option<Money>,
    pub page: PageRequest,
    /// The language of the titles, where they are in it.
    pub language: Option<ContentLanguage>,
}

/// The attribute of a row with the product's titles, by the tags of their languages.
pub(super) const TITLES: &str = "titles";

/// Partition of a list: `LIST#<category or *>#<vendor or *>#<currency>`.
pub(super) fn list_key(list: &List) -> String {
    let or_all =
        |handle: &Option<domain::text::Handle>| handle.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string);
    format!("LIST#{}#{}#{}", or_all(&list.category), or_all(&list.vendor), list.currency)
}

/// A price padded with zeros, because numbers of equal length sort correctly as text.
fn price_key(minor: i64, id: &str) -> String {
    format!("{:019}#{id}", minor.max(0))
}

/// The sort key of a row: the newest product last.
fn row_sort(published_at_ms: i64, id: ProductId) -> String {
    format!("{published_at_ms:015}#{id}")
}

pub(super) fn row_key(row: &ListingRow) -> Attributes {
    key(list_key(&row.list), row_sort(row.published_at.millis(), row.card.id))
}

/// The product of the row with this sort key.
pub(super) fn product_of_row(sort_key: &str) -> Option<ProductId> {
    sort_key.split_once('#')?.1.parse().ok()
}

/// A row as it is written with a version of its product.
pub(super) fn row_item(row: &ListingRow, product_version: u64) -> Result<Attributes, Error> {
    let mut written = item(row_key(row), LISTING, product_version, &row.card)?;
    written.insert("list_key".to_owned(), string(list_key(&row.list)));
    written.insert("price_key".to_owned(), string(price_key(row.card.price.minor(), &row.card.id.to_string())));
    if !row.titles.is_empty() {
        // Each as JSON, which takes the place of the card's title unparsed.
        let json =
            |title: &String| serde_json::to_string(title).map_err(|source| Error::Corrupt { kind: LISTING, source });
        let titles = row.titles.iter().map(|(tag, title)| Ok((tag.clone(), string(json(title)?))));
        written.insert(TITLES.to_owned(), AttributeValue::M(titles.collect::<Result<_, Error>>()?));
    }
    Ok(written)
}

/// The position of a row: when its product was published, which product it is, and its price in an order by price.
type RowPosition = (i64, (ProductId, String));

fn row_position(last: &Attributes) -> Option<RowPosition> {
    let (published_at, id) = text(last, "sk")?.split_once('#')?;
    let price = text(last, "price_key").and_then(|price| price.split_once('#')).map_or("", |(price, _)| price);
    Some((published_at.parse().ok()?, (id.parse().ok()?, price.to_owned())))
}

/// A card whose pictures have their addresses. The pattern occurs nowhere else in a card: in texts of JSON quotation
/// marks have a backslash before them.
fn with_media_urls(card: String, media_base: &str) -> String {
    const KEY: &str = r#""url":"media:"#;
    let mut pieces = card.split(KEY);
    let Some(first) = pieces.next().filter(|first| first.len() < card.len()) else { return card };
    let mut shown = String::with_capacity(card.len() + 4 * media_base.len());
    shown.push_str(first);
    for piece in pieces {
        shown.extend([r#""url":""#, media_base, "/", piece]);
    }
    shown
}

/// A card with another title, which is JSON as well. A card has its title behind its id and its handle, in which no
/// pattern like it can be.
fn with_title(mut card: String, title: &str) -> String {
    const KEY: &str = r#""title":""#;
    let Some(start) = card.find(KEY).map(|at| at + KEY.len()) else { return card };
    let mut is_escaped = false;
    let end = card.bytes().skip(start).position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    if let Some(length) = end {
        card.replace_range(start - 1..=start + length, title);
    }
    card
}

impl Catalog {
    /// A page of cards: each is the JSON of a product card as it is stored, passed on unparsed, with an own upload as
    /// its address below `media_base`. Parsing them only to see that they are JSON would cost 5 % of the page; what
    /// wrote them is [`Self::put_row_action`].
    pub async fn list(&self, request: ListQuery, media_base: &str) -> Result<Slice<String>, Error> {
        let by_price = request.sort != Sort::Newest;
        let sort_key_condition = by_price.then(|| {
            let least = request.min_price.map_or(0, Money::minor);
            let most = request.max_price.map_or(i64::MAX, Money::minor);
            let mut values = Attributes::new();
            values.insert(":least".to_owned(), string(format!("{:019}", least.max(0))));
            // A tilde sorts behind every id.
            values.insert(":most".to_owned(), string(price_key(most, "~")));
            ("price_key BETWEEN :least AND :most".to_owned(), values)
        });
        let partition = list_key(&request.list);
        let key = |(published_at, (id, price)): &RowPosition| {
            let mut start = key(partition.clone(), row_sort(*published_at, *id));
            if by_price {
                start.insert("price_key".to_owned(), string(format!("{price}#{id}")));
            }
            start
        };
        // In the language itself, else in one of its forms.
        let wanted = request.language.iter();
        let tags: Vec<String> = wanted.flat_map(|tag| std::iter::once(tag.to_string()).chain(tag.wider())).collect();
        let query = QueryRequest {
            table: self.table.clone(),
            index: by_price.then_some("by_price"),
            partition: (if by_price { "list_key" } else { "pk" }, partition.clone()),
            sort_key_condition,
            newest_first: request.sort != Sort::Price,
            only: Some("data"),
            parts: tags.iter().map(|tag| (TITLES, tag.clone())).collect(),
            ..QueryRequest::default()
        };
        let variant = format!("{:?}|{:?}|{:?}", request.sort, request.min_price, request.max_price);
        let list = page::List { query, variant, position: &row_position, key: &key };
        let title_of = |found: &Attributes| {
            let titles = found.get(TITLES).and_then(|titles| titles.as_m().ok())?;
            tags.iter().find_map(|tag| titles.get(tag)?.as_s().ok().cloned())
        };
        list.page(&self.client, &request.page, |found| match found.remove("data") {
            Some(AttributeValue::S(card)) if card.starts_with('{') && card.ends_with('}') => {
                let card = match title_of(found) {
                    Some(title) => with_title(card, &title),
                    None => card,
                };
                Ok(with_media_urls(card, media_base))
            }
            _ => Err(Error::Corrupt { kind: LISTING, source: serde::de::Error::custom("a listing row has no card") }),
        })
        .await
    }

    pub(super) fn put_row_action(&self, row: &ListingRow, product_version: u64) -> Result<TransactWriteItem, Error> {
        let written = row_item(row, product_version)?;
        // The product's version decides which write of a row is newer.
        let condition = Condition::of("attribute_not_exists(pk) OR #version <= :now")
            .name("#version", "version")
            .value(":now", number(product_version));
        put(&self.table, written, &condition)
    }

    pub(super) fn delete_row_action(&self, row: &ListingRow, product_version: u64) -> Result<TransactWriteItem, Error> {
        let condition = Condition::of("attribute_not_exists(pk) OR #version <= :now")
            .name("#version", "version")
            .value(":now", number(product_version));
        delete(&self.table, row_key(row), &condition)
    }
}

/// Listing rows before and after a change.
pub(super) struct Rows {
    pub(super) before: Vec<ListingRow>,
    pub(super) after: Vec<ListingRow>,
}

impl Rows {
    /// Old rows that no new row replaces.
    pub(super) fn to_delete(&self) -> impl Iterator<Item = &ListingRow> {
        let key = |row: &ListingRow| (row.list.clone(), row.published_at);
        let remaining: std::collections::BTreeSet<_> = self.after.iter().map(key).collect();
        self.before.iter().filter(move |row| !remaining.contains(&key(row)))
    }

    /// Rows that are new or changed.
    pub(super) fn to_put(&self) -> impl Iterator<Item = &ListingRow> {
        self.after.iter().filter(|row| !self.before.contains(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_takes_the_place_of_the_cards_and_of_nothing_else() {
        let card = |title: &str| format!(r#"{{"id":"prd_1","handle":"title","title":{title},"image":{{"alt":"x"}}}}"#);
        let odd = [r#""A \"title\":\"bowl\" \\""#, r#""""#, r#""Коса""#];
        for (from, to) in odd.iter().flat_map(|from| odd.iter().map(move |to| (from, to))) {
            assert_eq!(with_title(card(from), to), card(to));
        }
        assert_eq!(with_title(r#"{"id":1}"#.to_owned(), r#""x""#), r#"{"id":1}"#);
    }

    #[test]
    fn only_the_address_of_the_picture_becomes_a_url() {
        let title = r#"\"url\":\"media:x\" and \\"#;
        let card = |url: &str| format!(r#"{{"title":"{title}","image":{{"url":"{url}","alt":"media:y"}}}}"#);
        let read = with_media_urls(card("media:med_1"), "https://media.test/m");
        assert_eq!(read, card("https://media.test/m/med_1"));
        for as_it_is in ["https://pictures.test/media:1", "https://media.test/m/med_1"] {
            assert_eq!(with_media_urls(card(as_it_is), "https://media.test/m"), card(as_it_is));
        }
        assert!(serde_json::from_str::<serde_json::Value>(&read).is_ok());
    }
}
