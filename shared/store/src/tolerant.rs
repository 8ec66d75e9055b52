//! A deserializer of stored bodies that takes what this release does not know: it passes over unknown fields, also
//! those of types that refuse them on the wire, and remembers where they are; and it offers
//! [`UNKNOWN_VALUE`](domain::stored::UNKNOWN_VALUE) in the place of an enum's unknown value.
//!
//! serde hides the deserializer from what it buffers: from flattened and from untagged types. Of a flattened type at
//! the root the fields are told; inside of others unknown fields are passed over without being remembered.

use std::cell::{Cell, RefCell};
use std::fmt;

use domain::stored::{UNKNOWN_VALUE, unjudged};
use serde::Deserialize as _;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, IntoDeserializer, MapAccess,
    SeqAccess, Visitor,
};

/// A step from a value to a nested one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Field(String),
    Element(usize),
}

/// What a body holds that this release does not know.
#[derive(Debug, Default)]
pub(crate) struct Unknown {
    /// The unknown fields, each as the way to it.
    pub(crate) fields: Vec<Vec<Step>>,
    /// Whether an enum has a value that this release does not know.
    pub(crate) values: bool,
}

/// Parses a stored body, and finds what is unknown in it. `root` lists the fields of a root with flattened parts.
pub(crate) fn parse<T: DeserializeOwned>(
    data: &str,
    root: Option<&'static [&'static str]>,
) -> Result<(T, Unknown), serde_json::Error> {
    let seen = Seen::default();
    let mut json = serde_json::Deserializer::from_str(data);
    let value = unjudged(|| T::deserialize(Tolerant { inner: &mut json, path: Path::Root, root, seen: &seen }))?;
    json.end()?;
    Ok((value, Unknown { fields: seen.fields.into_inner(), values: seen.values.get() }))
}

#[derive(Default)]
struct Seen {
    fields: RefCell<Vec<Vec<Step>>>,
    values: Cell<bool>,
}

/// The way to a value, kept on the stack until an unknown field is found.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Element(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn steps(&self) -> Vec<Step> {
        match self {
            Self::Root => Vec::new(),
            Self::Field(parent, name) => {
                let mut steps = parent.steps();
                steps.push(Step::Field((*name).to_owned()));
                steps
            }
            Self::Element(parent, index) => {
                let mut steps = parent.steps();
                steps.push(Step::Element(*index));
                steps
            }
        }
    }
}

struct Tolerant<'a, D> {
    inner: D,
    path: Path<'a>,
    root: Option<&'static [&'static str]>,
    seen: &'a Seen,
}

impl<'a, D> Tolerant<'a, D> {
    fn visitor<V>(&self, visitor: V, fields: Option<&'static [&'static str]>) -> Watching<'a, V> {
        Watching { inner: visitor, path: self.path, fields, seen: self.seen }
    }
}

macro_rules! pass_on {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        }
    )+};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tolerant<'_, D> {
    type Error = D::Error;

    pass_on! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.visitor(visitor, None);
        self.inner.deserialize_option(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.visitor(visitor, None);
        self.inner.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.visitor(visitor, self.root);
        self.inner.deserialize_map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.visitor(visitor, Some(fields));
        self.inner.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if !variants.contains(&UNKNOWN_VALUE) {
            return self.inner.deserialize_enum(name, variants, visitor);
        }
        let value = String::deserialize(self.inner)?;
        let known = variants.iter().find(|variant| **variant == value && **variant != UNKNOWN_VALUE);
        if known.is_none() {
            self.seen.values.set(true);
        }
        visitor.visit_enum((*known.unwrap_or(&UNKNOWN_VALUE)).into_deserializer())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.visitor(visitor, None);
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.visitor(visitor, None);
        self.inner.deserialize_tuple(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.visitor(visitor, None);
        self.inner.deserialize_tuple_struct(name, length, visitor)
    }
}

/// A visitor that hands [`Tolerant`] on to nested values.
struct Watching<'a, V> {
    inner: V,
    path: Path<'a>,
    /// The fields of the struct that is visited.
    fields: Option<&'static [&'static str]>,
    seen: &'a Seen,
}

macro_rules! hand_on {
    ($($method:ident: $value:ty,)+) => {$(
        fn $method<E: Error>(self, value: $value) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )+};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watching<'_, V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(formatter)
    }

    hand_on! {
        visit_bool: bool,
        visit_i64: i64,
        visit_u64: u64,
        visit_f64: f64,
        visit_str: &str,
        visit_borrowed_str: &'de str,
        visit_string: String,
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Tolerant { inner: deserializer, path: self.path, root: None, seen: self.seen })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Tolerant { inner: deserializer, path: self.path, root: None, seen: self.seen })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(Elements { inner: items, path: self.path, next: 0, seen: self.seen })
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        let key = String::new();
        self.inner.visit_map(Fields { inner: fields, path: self.path, known: self.fields, key, seen: self.seen })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, name: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(name)
    }
}

struct Elements<'a, A> {
    inner: A,
    path: Path<'a>,
    next: usize,
    seen: &'a Seen,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let path = Path::Element(&self.path, self.next);
        self.next = self.next.saturating_add(1);
        self.inner.next_element_seed(Nested { seed, path, seen: self.seen })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

struct Fields<'a, A> {
    inner: A,
    path: Path<'a>,
    known: Option<&'static [&'static str]>,
    key: String,
    seen: &'a Seen,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        while let Some(key) = self.inner.next_key::<String>()? {
            if self.known.is_none_or(|known| known.contains(&key.as_str())) {
                self.key = key;
                return seed.deserialize(self.key.as_str().into_deserializer()).map(Some);
            }
            self.seen.fields.borrow_mut().push(Path::Field(&self.path, &key).steps());
            let _passed_over: IgnoredAny = self.inner.next_value()?;
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let path = Path::Field(&self.path, &self.key);
        self.inner.next_value_seed(Nested { seed, path, seen: self.seen })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

struct Nested<'a, S> {
    seed: S,
    path: Path<'a>,
    seen: &'a Seen,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Nested<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(Tolerant { inner: deserializer, path: self.path, root: None, seen: self.seen })
    }
}

#[cfg(test)]
mod tests {
    use domain::order::OrderState;
    use domain::text::Handle;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rack {
        #[serde(alias = "boxes", default)]
        bowls: Vec<Bowl>,
        #[serde(default)]
        by_handle: std::collections::BTreeMap<Handle, Bowl>,
    }

    #[derive(Debug, Deserialize)]
    struct Bowl {
        handle: Handle,
        state: Option<OrderState>,
    }

    fn field(name: &str) -> Step {
        Step::Field(name.to_owned())
    }

    #[test]
    fn unknown_fields_are_passed_over_and_found_again_however_deep() {
        let body = json!({
            "boxes": [
                { "handle": "a", "state": "paid" },
                { "handle": "kosa-360º", "state": null, "glaze": { "kind": "lead" } },
            ],
            "by_handle": { "c": { "handle": "c", "made": [1] } },
            "tomorrow": true,
        });
        assert!(serde_json::from_value::<Rack>(body.clone()).is_err(), "the wire refuses it");
        let (rack, unknown) = parse::<Rack>(&body.to_string(), None).unwrap();
        assert_eq!(rack.bowls[0].state, Some(OrderState::Paid));
        assert_eq!(rack.bowls[1].handle.as_str(), "kosa-360º", "a text is read as it was stored");
        assert_eq!(rack.by_handle.len(), 1);
        assert!(!unknown.values);
        let mut fields = unknown.fields;
        fields.sort_by_key(Vec::len);
        assert_eq!(
            fields,
            [
                vec![field("tomorrow")],
                vec![field("boxes"), Step::Element(1), field("glaze")],
                vec![field("by_handle"), field("c"), field("made")],
            ]
        );
    }

    #[test]
    fn an_unknown_value_is_read_as_other_and_a_client_cannot_send_one() {
        let (bowl, unknown) = parse::<Bowl>(r#"{"handle": "a", "state": "frozen"}"#, None).unwrap();
        assert_eq!((bowl.state, unknown.values), (Some(OrderState::Other), true));
        let (bowl, unknown) = parse::<Bowl>(r#"{"handle": "a", "state": "cancelled"}"#, None).unwrap();
        assert_eq!((bowl.state, unknown.values), (Some(OrderState::Cancelled), false));
        for text in ["\"other\"", "\"frozen\""] {
            assert!(serde_json::from_str::<OrderState>(text).is_err(), "{text}");
        }
        assert_eq!(serde_json::to_string(&OrderState::Other).unwrap(), "\"other\"");
    }

    #[test]
    fn what_is_no_body_of_the_type_stays_unreadable() {
        for body in ["", "[]", r#"{"state": "paid"}"#, r#"{"handle": 7}"#, r#"{"handle": "a"} x"#] {
            assert!(parse::<Bowl>(body, None).is_err(), "{body}");
        }
    }
}
