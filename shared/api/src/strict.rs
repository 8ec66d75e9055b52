//! A wrapper around a deserializer that closes two gaps of serde with JSON.
//!
//! A struct with `derive(Deserialize)` accepts an array, whose values become the fields in the order of declaration:
//! the order of fields would be part of the contract. And `serde_json` reports a number in the place of an enum's name
//! as a syntax error, which would be answered with `malformed`. With [`Strict`] both are values of the wrong type,
//! answered with `invalid` and a pointer to the value.

use std::fmt;

use domain::stored::UNKNOWN_VALUE;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// Makes a deserializer strict, and with it every nested value.
pub(crate) struct Strict<D>(pub(crate) D);

macro_rules! delegate_deserialize {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(StrictVisitor(visitor))
        }
    )+};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    delegate_deserialize! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_unit deserialize_seq deserialize_map deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_unit_struct(name, StrictVisitor(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_newtype_struct(name, StrictVisitor(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_tuple(length, StrictVisitor(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_tuple_struct(name, length, StrictVisitor(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_map(StrictVisitor(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_any(EnumVisitor(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// A visitor that passes [`Strict`] on to nested values.
struct StrictVisitor<V>(V);

macro_rules! delegate_visit {
    ($($method:ident: $value:ty,)+) => {$(
        fn $method<E: Error>(self, value: $value) -> Result<V::Value, E> {
            self.0.$method(value)
        }
    )+};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for StrictVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(formatter)
    }

    delegate_visit! {
        visit_bool: bool,
        visit_i64: i64,
        visit_i128: i128,
        visit_u64: u64,
        visit_u128: u128,
        visit_f64: f64,
        visit_str: &str,
        visit_borrowed_str: &'de str,
        visit_string: String,
        visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8],
        visit_byte_buf: Vec<u8>,
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Strict(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Strict(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(StrictAccess(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(StrictAccess(fields))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, name: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(name)
    }
}

/// A visitor of an enum: a string that names a variant, or an object with a variant's name and its content. Other types
/// are refused by serde's default methods as the wrong type.
struct EnumVisitor<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for EnumVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(formatter)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<V::Value, E> {
        self.0.visit_enum(sendable(name)?.into_deserializer())
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(MapAccessDeserializer::new(VariantAccess(StrictAccess(fields))))
    }
}

/// The name of a variant, unless it stands for a value that only a newer release knows: nobody can send that one.
fn sendable<E: Error>(name: &str) -> Result<&str, E> {
    if name == UNKNOWN_VALUE { Err(E::unknown_variant("", &[])) } else { Ok(name) }
}

/// An object with a variant's name and its content.
struct VariantAccess<A>(StrictAccess<A>);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for VariantAccess<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let Some(name) = self.0.next_key::<String>()? else { return Ok(None) };
        seed.deserialize(sendable::<A::Error>(&name)?.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(seed)
    }
}

/// The elements of an array or the values of an object, each deserialized strictly.
struct StrictAccess<A>(A);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for StrictAccess<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(StrictSeed(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for StrictAccess<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(StrictSeed(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

struct StrictSeed<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for StrictSeed<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(deserializer))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use crate::body::parse_json;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Blue,
        Mixed {
            share: u8,
        },
        #[serde(rename(deserialize = "\u{0}other"))]
        Other,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Bowl {
        colour: Colour,
        #[serde(default)]
        inner: Option<Box<Bowl>>,
        #[serde(default)]
        others: Vec<Bowl>,
    }

    /// The pointer and the code of the first field error.
    fn refused(body: &serde_json::Value) -> (String, String) {
        let problem = parse_json::<Bowl>(body.to_string().as_bytes()).unwrap_err();
        let document: serde_json::Value = serde_json::from_slice(&problem.document(None)).unwrap();
        assert_eq!(document["code"], "invalid", "{document}");
        let text = |name: &str| document["errors"][0][name].as_str().unwrap().to_owned();
        (text("pointer"), text("code"))
    }

    #[test]
    fn what_is_right_reads_as_ever() {
        let body = json!({
            "colour": "blue", "inner": {"colour": {"mixed": {"share": 7}}}, "others": [{"colour": "blue", "inner": null}],
        });
        let bowl: Bowl = parse_json(body.to_string().as_bytes()).unwrap();
        assert_eq!(bowl.inner.unwrap().colour, Colour::Mixed { share: 7 });
        assert_eq!(bowl.others[0].colour, Colour::Blue);
    }

    #[test]
    fn an_array_is_no_object_however_deep() {
        let wrong = |pointer: &str| (pointer.to_owned(), "wrong_type".to_owned());
        assert_eq!(refused(&json!(["blue"])), wrong(""));
        assert_eq!(refused(&json!({"colour": "blue", "inner": ["blue"]})), wrong("/inner"));
        assert_eq!(refused(&json!({"colour": "blue", "others": [["blue"]]})), wrong("/others/0"));
    }

    #[test]
    fn a_name_is_a_text_and_anything_else_of_the_wrong_type() {
        for other in [json!(7), json!(true), json!(null), json!(["blue"])] {
            assert_eq!(
                refused(&json!({ "colour": other })),
                ("/colour".to_owned(), "wrong_type".to_owned()),
                "{other}"
            );
        }
        assert_eq!(refused(&json!({"colour": "red"})), ("/colour".to_owned(), "unknown_value".to_owned()));
        for (name, bad) in [("colour", json!("\u{0}other")), ("colour", json!({"\u{0}other": null}))] {
            let body = json!({ name: bad });
            assert_eq!(refused(&body), ("/colour".to_owned(), "unknown_value".to_owned()), "{body}");
        }
    }
}
