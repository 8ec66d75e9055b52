//! Cursor pagination: pages, their size, and cursors that are valid for one list only.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::code::Code;
use ring::digest;
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

use crate::Problem;

/// A page of a list, as JSON. Its OpenAPI schema has the name of the items, as in `ProductCardPage`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items of this page, in the order of the list: at most as many as [`Limit`] allows.
    pub items: Vec<T>,
    /// The cursor of the next page; null when this is the last one.
    pub next: Option<String>,
}

impl<T: ToSchema> utoipa::__dev::ComposeSchema for Page<T> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("The cursor of the next page; null when this is the last one."))
            .examples(["eyJway..."]);
        ObjectBuilder::new()
            .description(Some("A page of a list."))
            .property("items", items)
            .property("next", next)
            .required("items")
            .required("next")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Page")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// The maximum number of items on a page: 1 to 100, by default 20.
///
/// In a query type: `#[serde(default)] limit: Limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// The limit as a number of items.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl de::Visitor<'_> for Number {
            type Value = Limit;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number from 1 to 100")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Limit, E> {
                match u8::try_from(number) {
                    Ok(limit @ 1..=100) => Ok(Limit(limit)),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(number), &self)),
                }
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Limit, E> {
                let number = text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
                self.visit_u64(number)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

impl utoipa::PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .description(Some("How many items a page has at most."))
            .minimum(Some(1))
            .maximum(Some(100))
            .default(Some(20.into()))
            .into()
    }
}

impl ToSchema for Limit {}

/// Encodes and decodes the position after a page: the key of its last item, bound by a hash to the list it was made
/// for.
#[derive(Debug)]
pub struct Cursor;

/// The longest cursor that is decoded, in bytes: a DynamoDB key has at most 3 KB, and JSON and base64 make it longer.
const MAX_LENGTH: usize = 8 * 1024;
/// The bytes of the scope's SHA-256 with which a cursor begins.
const HASH: usize = 8;

impl Cursor {
    /// Encodes a key as base64url. `scope` is everything that distinguishes this list from others: route, filters,
    /// order.
    pub fn encode(scope: &str, key: &BTreeMap<String, String>) -> String {
        let mut bytes = hash(scope).to_vec();
        bytes.extend(serde_json::to_vec(key).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Decodes a key. `partition` is the name of the list's partition attribute and the value it has in this query.
    ///
    /// A cursor is not signed. The partition check limits a forged one to positions within the list that its caller may
    /// read anyway.
    ///
    /// # Errors
    /// 400 `invalid_cursor` when it does not decode, was made for another scope, or has another partition.
    pub fn decode(text: &str, scope: &str, partition: (&str, &str)) -> Result<BTreeMap<String, String>, Problem> {
        let invalid = || Problem::of(Code::InvalidCursor);
        if text.len() > MAX_LENGTH {
            return Err(invalid());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let (given, key) = bytes.split_at_checked(HASH).ok_or_else(invalid)?;
        let key: BTreeMap<String, String> = serde_json::from_slice(key).map_err(|_| invalid())?;
        if given == hash(scope) && key.get(partition.0).is_some_and(|value| value == partition.1) {
            Ok(key)
        } else {
            Err(invalid())
        }
    }
}

fn hash(scope: &str) -> [u8; HASH] {
    let digest = digest::digest(&digest::SHA256, scope.as_bytes());
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> BTreeMap<String, String> {
        [("list_key", "LIST#cups#USD"), ("price_key", "0001200#prd_1"), ("pk", "LISTING#1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    const HERE: (&str, &str) = ("list_key", "LIST#cups#USD");

    #[test]
    fn a_cursor_reads_back_in_its_own_list_only() {
        let cursor = Cursor::encode("products?category=cups", &key());
        assert_eq!(Cursor::decode(&cursor, "products?category=cups", HERE).unwrap(), key());
        let elsewhere = Cursor::decode(&cursor, "products?category=mugs", HERE).unwrap_err();
        assert_eq!(elsewhere.code(), Code::InvalidCursor);
    }

    #[test]
    fn a_forged_cursor_cannot_leave_its_list() {
        let mut forged = key();
        forged.insert("list_key".to_owned(), "LIST#somebody-else".to_owned());
        let cursor = Cursor::encode("products", &forged);
        assert!(Cursor::decode(&cursor, "products", HERE).is_err());
        forged.remove("list_key");
        assert!(Cursor::decode(&Cursor::encode("products", &forged), "products", HERE).is_err());
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "abc", "%%%", "AAAAAAAAAAA", &"A".repeat(MAX_LENGTH + 1)] {
            assert_eq!(Cursor::decode(text, "products", HERE).unwrap_err().code(), Code::InvalidCursor, "{text}");
        }
    }
}
