//! Cursor pagination: pages and their size. Tables make and read the cursors.

use std::borrow::Cow;
use std::fmt;

use domain::{PageRequest, Slice};
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, ToSchema};

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
    /// The page with this limit after a cursor.
    pub fn page(self, cursor: Option<String>) -> PageRequest {
        PageRequest { limit: u16::from(self.0), cursor }
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

/// Which page of a list, for a list without filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

impl PageQuery {
    /// The page that is asked for.
    pub fn page(self) -> PageRequest {
        self.limit.page(self.cursor)
    }
}

impl Page<String> {
    /// The JSON of a page whose items are JSON already: they are joined, not parsed again.
    pub fn joined(&self) -> Vec<u8> {
        let length: usize = self.items.iter().map(|item| item.len() + 1).sum();
        let mut json = Vec::with_capacity(length + 128);
        json.extend_from_slice(b"{\"items\":[");
        for (number, item) in self.items.iter().enumerate() {
            if number > 0 {
                json.push(b',');
            }
            json.extend_from_slice(item.as_bytes());
        }
        json.extend_from_slice(b"],\"next\":");
        match &self.next {
            // A cursor is base64, in which nothing needs to be escaped.
            Some(next) => [b"\"", next.as_bytes(), b"\""].iter().for_each(|part| json.extend_from_slice(part)),
            None => json.extend_from_slice(b"null"),
        }
        json.push(b'}');
        json
    }
}

impl<T> Page<T> {
    /// The page of a list, with a view of each item.
    pub fn of<U>(slice: Slice<U>, view: impl Fn(U) -> T) -> Self {
        Self { items: slice.items.into_iter().map(view).collect(), next: slice.next }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_joined_page_is_the_page_of_its_items() {
        let items = [json!({"title": "A \"bowl\", новая"}), json!({"id": 2})];
        for (items, next) in [(&items[..], Some("eyJway-_1".to_owned())), (&items[..1], None), (&[], None)] {
            let page = Page { items: items.iter().map(Value::to_string).collect(), next };
            let whole = Page { items: items.to_vec(), next: page.next.clone() };
            assert_eq!(String::from_utf8(page.joined()).unwrap(), serde_json::to_string(&whole).unwrap());
        }
    }
}
