//! Pages of lists, and their cursors.
//!
//! A cursor is the position of a page's last item within its list, with a hash of both. The key after which the next
//! page begins is put together here from the list and the position: a cursor shows no key, and whatever somebody writes
//! into one, it leads to a place in the list that they may read anyway.

use aws_sdk_dynamodb::Client;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Code, PageRequest, Refusal, Slice};
use ring::digest;

use crate::Error;
use crate::item::{Attributes, readable, string};
use crate::retry::{QueryRequest, query};

/// The longest cursor that is decoded, in bytes. A provider's reference is the longest part of a position.
const MAX_LENGTH: usize = 2 * 1024;
/// The bytes of a SHA-256 with which a cursor begins.
const HASH: usize = 8;

/// A list: a query whose pages have cursors.
pub(crate) struct List<'a, P> {
    pub(crate) query: QueryRequest,
    /// What tells this list from others with the same partition: bounds and order.
    pub(crate) variant: String,
    /// The position of an item, from its key.
    pub(crate) position: &'a (dyn Fn(&Attributes) -> Option<P> + Sync),
    /// The item's key in the table and the sort key in the index: what the query's partition does not say.
    pub(crate) key: &'a (dyn Fn(&P) -> Attributes + Sync),
}

/// The position of an item as text.
pub(crate) trait Position: Sized {
    fn write(&self) -> String;
    fn read(text: &str) -> Option<Self>;
}

macro_rules! positions {
    ($($id:ty),+) => {$(
        impl Position for $id {
            fn write(&self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )+};
}

positions!(
    domain::OrderId,
    domain::PaymentId,
    domain::RefundId,
    domain::ProductId,
    domain::VendorId,
    domain::EventId,
    String,
    i64
);

/// The first part has no bar, the second may.
impl<A: Position, B: Position> Position for (A, B) {
    fn write(&self) -> String {
        format!("{}|{}", self.0.write(), self.1.write())
    }
    fn read(text: &str) -> Option<Self> {
        let (first, second) = text.split_once('|')?;
        Some((A::read(first)?, B::read(second)?))
    }
}

impl<P: Position> List<'_, P> {
    /// The hash of the list together with a position in it: one that was cut or put together is not taken.
    fn hash(&self, position: &str) -> [u8; HASH] {
        let QueryRequest { table, index, partition: (_, partition), .. } = &self.query;
        let scope = format!("{table}|{}|{partition}|{}|{position}", index.unwrap_or_default(), self.variant);
        let digest = digest::digest(&digest::SHA256, scope.as_bytes());
        digest.as_ref().first_chunk().copied().unwrap_or_default()
    }

    fn start(&self, cursor: &str) -> Result<Attributes, Refusal> {
        let invalid = || Refusal::of(Code::InvalidCursor);
        let bytes = Some(cursor).filter(|cursor| cursor.len() <= MAX_LENGTH);
        let bytes = bytes.and_then(|cursor| URL_SAFE_NO_PAD.decode(cursor).ok()).ok_or_else(invalid)?;
        let (hash, position) = bytes.split_at_checked(HASH).ok_or_else(invalid)?;
        let position = std::str::from_utf8(position).ok().filter(|position| hash == self.hash(position));
        let mut start = (self.key)(&position.and_then(P::read).ok_or_else(invalid)?);
        let (attribute, partition) = &self.query.partition;
        start.insert((*attribute).to_owned(), string(partition));
        Ok(start)
    }

    fn cursor(&self, last: &Attributes) -> Option<String> {
        let position = (self.position)(last)?.write();
        let bytes = [self.hash(&position).as_slice(), position.as_bytes()].concat();
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a page, without the items that cannot be read: the page is shorter then, and the next one is found.
    pub(crate) async fn page<T>(
        mut self,
        client: &Client,
        asked: &PageRequest,
        read: impl Fn(&mut Attributes) -> Result<T, Error>,
    ) -> Result<Slice<T>, Error> {
        self.query.limit = Some(i32::from(asked.limit));
        self.query.start = asked.cursor.as_deref().map(|cursor| self.start(cursor)).transpose()?;
        let found = query(client, self.query.clone()).await?;
        let next = found.last.as_ref().map(|last| {
            self.cursor(last).ok_or_else(|| Error::Failed("the key of a page's last item cannot be read".to_owned()))
        });
        let mut items = Vec::with_capacity(found.items.len());
        for mut found in found.items {
            let item = read(&mut found);
            items.extend(readable(item, &found)?);
        }
        Ok(Slice { items, next: next.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use domain::OrderId;

    use super::*;
    use crate::item::{key, text};

    fn list(partition: &str, variant: &str) -> List<'static, OrderId> {
        let query = QueryRequest { partition: ("state_key", partition.to_owned()), ..QueryRequest::default() };
        List {
            query,
            variant: variant.to_owned(),
            position: &|last| text(last, "state_sort")?.parse().ok(),
            key: &|order| {
                let mut start = key(format!("ORDER#{order}"), "ORDER");
                start.insert("state_sort".to_owned(), string(order.to_string()));
                start
            },
        }
    }

    #[test]
    fn a_cursor_leads_back_to_its_key_and_shows_none() {
        let order = OrderId::from_bits(7);
        let last = list("STATE#paid", "").start(
            &list("STATE#paid", "")
                .cursor(&Attributes::from([("state_sort".to_owned(), string(order.to_string()))]))
                .unwrap(),
        );
        let last = last.unwrap();
        assert_eq!(text(&last, "pk"), Some(format!("ORDER#{order}").as_str()));
        assert_eq!(text(&last, "state_key"), Some("STATE#paid"));
        let shown = URL_SAFE_NO_PAD.decode(list("STATE#paid", "").cursor(&last).unwrap()).unwrap();
        assert_eq!(&shown[HASH..], order.to_string().as_bytes());
    }

    #[test]
    fn a_cursor_belongs_to_one_list() {
        let last = Attributes::from([("state_sort".to_owned(), string(OrderId::from_bits(7).to_string()))]);
        let cursor = list("STATE#paid", "").cursor(&last).unwrap();
        assert!(list("STATE#paid", "").start(&cursor).is_ok());
        for other in [list("STATE#expired", ""), list("STATE#paid", "cheap")] {
            assert_eq!(other.start(&cursor), Err(Refusal::of(Code::InvalidCursor)));
        }
        let long = "a".repeat(MAX_LENGTH + 1);
        for bad in ["", "!", "AAAA", cursor.trim_end_matches(char::is_alphanumeric), long.as_str()] {
            assert_eq!(list("STATE#paid", "").start(bad), Err(Refusal::of(Code::InvalidCursor)), "{bad}");
        }
    }
}
