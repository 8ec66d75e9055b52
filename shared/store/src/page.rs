//! Pages of lists, and their cursors.
//!
//! A cursor is the position of a page's last item within its list, with a hash of both. The key after which the next
//! page begins is put together here from the list and the position: a cursor shows no key, and whatever somebody writes
//! into one, it leads to a place in the list that they may read anyway.

use std::fmt::Display;

use aws_sdk_dynamodb::Client;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Code, PageRequest, Period, Refusal, Slice, Timestamp};
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
    domain::DisputeId,
    domain::ProductId,
    domain::VendorId,
    domain::EventId,
    domain::SettlementId,
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

/// What a cursor belongs to: the text that tells a list from all others.
pub(crate) struct Scope(pub(crate) String);

impl Scope {
    /// The hash of the list together with a position in it: one that was cut or put together is not taken.
    fn hash(&self, position: &str) -> [u8; HASH] {
        let digest = digest::digest(&digest::SHA256, format!("{}|{position}", self.0).as_bytes());
        digest.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// The position that a cursor of this list names.
    pub(crate) fn open<P: Position>(&self, cursor: &str) -> Result<P, Refusal> {
        let invalid = || Refusal::of(Code::InvalidCursor);
        let bytes = Some(cursor).filter(|cursor| cursor.len() <= MAX_LENGTH);
        let bytes = bytes.and_then(|cursor| URL_SAFE_NO_PAD.decode(cursor).ok()).ok_or_else(invalid)?;
        let (hash, position) = bytes.split_at_checked(HASH).ok_or_else(invalid)?;
        let position = std::str::from_utf8(position).ok().filter(|position| hash == self.hash(position));
        position.and_then(P::read).ok_or_else(invalid)
    }

    /// The cursor that names a position in this list.
    pub(crate) fn seal<P: Position>(&self, position: &P) -> String {
        let position = position.write();
        URL_SAFE_NO_PAD.encode([self.hash(&position).as_slice(), position.as_bytes()].concat())
    }
}

/// The most queries of a page that leaves some items out. One stops at a megabyte, whatever its limit.
const MOST_QUERIES: u32 = 8;

/// How much of a list is read for one page that leaves some of it out: at first so many items, then twice as many with
/// each further query, until the page is full or so many were looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    pub(crate) first: u16,
    pub(crate) most: u16,
}

impl Reach {
    /// One query for the items of one page.
    pub(crate) const fn of_page(asked: &PageRequest) -> Self {
        Self { first: asked.limit, most: asked.limit }
    }

    /// As many queries as it takes, up to a number of items.
    pub(crate) fn up_to(most: u16, asked: &PageRequest) -> Self {
        /// What is read at least: a page whose items are rare takes few queries.
        const LEAST: u16 = 50;
        Self { first: asked.limit.max(LEAST), most }
    }
}

/// An id that begins with the time at which it was made, by which lists are sorted.
pub(crate) trait TimedId: Position + Display {
    fn of_bits(bits: u128) -> Self;
    fn to_bits(&self) -> u128;
}

macro_rules! timed {
    ($($id:ty),+) => {$(
        impl TimedId for $id {
            fn of_bits(bits: u128) -> Self {
                Self::from_bits(bits)
            }
            fn to_bits(&self) -> u128 {
                self.bits()
            }
        }
    )+};
}

timed!(domain::OrderId, domain::PaymentId, domain::RefundId, domain::DisputeId, domain::SettlementId);

/// Bounds of a list that is sorted by [`TimedId`]s, as the bits of its first and last possible one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    lowest: u128,
    highest: u128,
}

impl From<Period> for Bounds {
    fn from(period: Period) -> Self {
        // The first 48 bits of an id are the time in milliseconds.
        let first_of = |at: Timestamp| u128::try_from(at.millis()).unwrap_or(0) << 80;
        Self {
            lowest: period.from.map_or(0, first_of),
            highest: period.before.map_or(u128::MAX, |before| first_of(before).saturating_sub(1)),
        }
    }
}

impl Bounds {
    /// Those of them that come after this one in a list with the newest first.
    pub(crate) fn after<P: TimedId>(self, last: &P) -> Self {
        Self { highest: self.highest.min(last.to_bits().saturating_sub(1)), ..self }
    }

    pub(crate) const fn are_empty(self) -> bool {
        self.lowest > self.highest
    }

    /// The condition on the sort key; nothing when every id is within the bounds.
    pub(crate) fn condition<P: TimedId>(self, sort: &str) -> Option<(String, Attributes)> {
        if self.lowest == 0 && self.highest == u128::MAX {
            return None;
        }
        let [lowest, highest] = [self.lowest, self.highest].map(|bits| string(P::of_bits(bits).to_string()));
        let values = Attributes::from([(":lowest".to_owned(), lowest), (":highest".to_owned(), highest)]);
        Some((format!("{sort} BETWEEN :lowest AND :highest"), values))
    }

    /// A text that tells these bounds from others, for the scope of a cursor.
    pub(crate) fn variant(self) -> String {
        if self.lowest == 0 && self.highest == u128::MAX {
            return String::new();
        }
        format!("{:x}-{:x}", self.lowest, self.highest)
    }
}

impl<P: Position> List<'_, P> {
    fn scope(&self) -> Scope {
        let QueryRequest { table, index, partition: (_, partition), .. } = &self.query;
        Scope(format!("{table}|{}|{partition}|{}", index.unwrap_or_default(), self.variant))
    }

    fn start(&self, cursor: &str) -> Result<Attributes, Refusal> {
        let mut start = (self.key)(&self.scope().open(cursor)?);
        let (attribute, partition) = &self.query.partition;
        start.insert((*attribute).to_owned(), string(partition));
        Ok(start)
    }

    fn cursor(&self, last: &Attributes) -> Result<String, Error> {
        let position = (self.position)(last);
        let position = position.ok_or_else(|| Error::Failed("the key of a page's last item cannot be read".into()))?;
        Ok(self.scope().seal(&position))
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
        let next = found.last.as_ref().map(|last| self.cursor(last));
        let mut items = Vec::with_capacity(found.items.len());
        for mut found in found.items {
            let item = read(&mut found);
            items.extend(readable(item, &found)?);
        }
        Ok(Slice { items, next: next.transpose()? })
    }

    /// Reads a page of those items that `keep` keeps. It is given the readable ones of each query, and returns as many
    /// places, in the same order, with nothing in the place of what is left out. A page has fewer items than were asked
    /// for when the reach ends before it is full, and its cursor goes on from there.
    pub(crate) async fn filtered_page<T, U, Filtering>(
        mut self,
        client: &Client,
        asked: &PageRequest,
        reach: Reach,
        read: impl Fn(&Attributes) -> Result<T, Error>,
        keep: impl Fn(Vec<T>) -> Filtering,
    ) -> Result<Slice<U>, Error>
    where
        Filtering: Future<Output = Result<Vec<Option<U>>, Error>>,
    {
        self.query.start = asked.cursor.as_deref().map(|cursor| self.start(cursor)).transpose()?;
        let mut items = Vec::new();
        let (mut part, mut left) = (reach.first, reach.most);
        let mut queries = MOST_QUERIES;
        loop {
            queries -= 1;
            self.query.limit = Some(i32::from(part.min(left)));
            let found = query(client, self.query.clone()).await?;
            let looked_at = u16::try_from(found.items.len()).unwrap_or(u16::MAX);
            let (mut keys, mut values) = (Vec::new(), Vec::new());
            for item in found.items {
                if let Some(value) = readable(read(&item), &item)? {
                    keys.push(item);
                    values.push(value);
                }
            }
            let kept = keep(values).await?;
            for (index, (key, value)) in keys.iter().zip(kept).enumerate() {
                items.extend(value);
                if items.len() >= usize::from(asked.limit) {
                    let is_last = found.last.is_none() && index + 1 == keys.len();
                    let next = if is_last { None } else { Some(self.cursor(key)?) };
                    return Ok(Slice { items, next });
                }
            }
            // At least one, so that a page ends in any case.
            left = left.saturating_sub(looked_at.max(1));
            match found.last {
                None => return Ok(Slice { items, next: None }),
                Some(last) if left == 0 || queries == 0 => return Ok(Slice { items, next: Some(self.cursor(&last)?) }),
                Some(last) => self.query.start = Some(last),
            }
            part = part.saturating_mul(2);
        }
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
    fn bounds_hold_exactly_the_ids_of_their_times() {
        let id = |millis, random| OrderId::new(Timestamp::from_millis(millis), [random; 10]);
        let period = Period { from: Some(Timestamp::from_millis(5)), before: Some(Timestamp::from_millis(7)) };
        let bounds = Bounds::from(period);
        let (expression, values) = bounds.condition::<OrderId>("state_sort").unwrap();
        assert_eq!(expression, "state_sort BETWEEN :lowest AND :highest");
        let within = |id: OrderId| {
            let id = id.to_string();
            text(&values, ":lowest").unwrap() <= id.as_str() && id.as_str() <= text(&values, ":highest").unwrap()
        };
        assert!(within(id(5, 0)) && within(id(6, 255)));
        assert!(!within(id(4, 255)) && !within(id(7, 0)));
        assert_eq!(Bounds::from(Period::default()).condition::<OrderId>("state_sort"), None);
        let rest = bounds.after(&id(5, 0));
        assert!(!rest.are_empty() && rest.after(&OrderId::from_bits(5 << 80)).are_empty());
        assert_ne!(bounds.variant(), Bounds::from(Period { from: None, ..period }).variant());
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
