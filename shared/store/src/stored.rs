//! Kinds of stored items: how one is read, and how a change of it gives back what this release does not know.
//!
//! Functions are replaced one by one, so a release changes items that a newer one has written. Unknown fields of the
//! body, nested ones too, and unknown attributes are written back as they were read. An item with a value that this
//! release does not know, such as a state, is shown with `other`, and a change of it is [`Error::Newer`].

use domain::stored::Kept;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Error;
use crate::item::{Attributes, integer, raw_item, text, version};
use crate::tolerant::{self, Step};

/// A type that is the body of a kind of items.
pub(crate) trait Stored: Serialize + DeserializeOwned {
    const KIND: &'static str;
    /// The attributes that this release may write beside the key, the kind, the version and the body. All others are
    /// kept.
    const ATTRIBUTES: &'static [&'static str];
    /// The fields of a body with flattened parts, which serde hides.
    const FIELDS: Option<&'static [&'static str]> = None;

    /// The fields whose type is tagged in itself: serde hides what is unknown in them. As long as their value stays,
    /// all of it is given back.
    const TAGGED: &'static [&'static str] = &[];

    fn kept(&self) -> &Kept;
    /// Sets what is not in the body.
    fn complete(&mut self, version: u64, kept: Kept);
    /// Whether this release knows all values of the body, as far as serde hides that.
    fn is_understood(&self) -> bool {
        true
    }
}

/// Implements [`Stored`] for types with the fields `version` and `kept`.
macro_rules! stored {
    ($($kind:expr => $body:ty: [$($attribute:literal),*] $(, fields: [$($field:literal),+])?
        $(, tagged: [$($tagged:literal),+], understood: $understood:expr)?;)+) => {$(
        impl $crate::stored::Stored for $body {
            const KIND: &'static str = $kind;
            const ATTRIBUTES: &'static [&'static str] = &[$($attribute),*];
            $(const FIELDS: Option<&'static [&'static str]> = Some(&[$($field),+]);)?
            $(const TAGGED: &'static [&'static str] = &[$($tagged),+];)?

            fn kept(&self) -> &domain::stored::Kept {
                &self.kept
            }

            fn complete(&mut self, version: u64, kept: domain::stored::Kept) {
                self.version = version;
                self.kept = kept;
            }

            $(fn is_understood(&self) -> bool {
                let understood: fn(&Self) -> bool = $understood;
                understood(self)
            })?
        }
    )+};
}

pub(crate) use stored;

/// What an item held when it was read.
struct Original {
    data: String,
    /// The attributes that this release does not write.
    attributes: Attributes,
    /// Whether it has a value that this release does not know.
    newer: bool,
}

/// The schema of this release.
const SCHEMA: i64 = DECISIONS;

/// The schema since which the head of an order is written with every change of one of its items.
pub(crate) const SERIAL_ORDERS: i64 = 2;

/// The schema since which a vendor order may be in parts, and a refund may be covered elsewhere. A release before it
/// would deliver all of the one, and book the whole price, and send the other a second time.
pub(crate) const PARCELS: i64 = 3;

/// The schema since which people decide about refunds: units that are kept, amounts that are rounded, refunds that are
/// tried again or resolved. A release before it would refund a unit twice, and ask for what was given back.
pub(crate) const DECISIONS: i64 = 4;

/// An attribute: the least schema of a release that may write the item, for changes that the rest of this module cannot
/// see.
pub(crate) const NEEDS: &str = "needs";

/// The names of the attributes that every item has.
const COMMON: [&str; 5] = ["pk", "sk", "kind", "version", "data"];

/// Reads an item, whichever release has written it.
pub(crate) fn read<T: Stored>(found: &Attributes) -> Result<T, Error> {
    let data = text(found, "data").unwrap_or_default();
    let (mut value, unknown_values) = parse::<T>(data)?;
    let is_unknown = |name: &&String| !COMMON.contains(&name.as_str()) && !T::ATTRIBUTES.contains(&name.as_str());
    let attributes = found
        .iter()
        .filter(|(name, _)| is_unknown(name))
        .map(|(name, attribute)| (name.clone(), attribute.clone()))
        .collect();
    let newer = unknown_values || !value.is_understood() || integer(found, NEEDS).is_some_and(|least| least > SCHEMA);
    value.complete(version(found), Kept::new(Original { data: data.to_owned(), attributes, newer }));
    Ok(value)
}

/// Parses a part of a body that is about to move to another item, and says whether it can: what only a newer release
/// knows in it would be lost on the way.
pub(crate) fn parse_moved<T: DeserializeOwned>(data: &str, kind: &'static str) -> Result<(T, bool), Error> {
    let (value, unknown) = tolerant::parse(data, None).map_err(|source| Error::Corrupt { kind, source })?;
    Ok((value, !unknown.values))
}

/// What was kept of an item, without some fields of its body: they have moved to another item.
pub(crate) fn kept_without<T: Stored>(body: &T, fields: &[&str]) -> Result<Kept, Error> {
    let Some(original) = body.kept().original::<Original>() else { return Ok(Kept::default()) };
    let corrupt = |source| Error::Corrupt { kind: T::KIND, source };
    let mut data: Map<String, Value> = serde_json::from_str(&original.data).map_err(corrupt)?;
    data.retain(|name, _| !fields.contains(&name.as_str()));
    let data = serde_json::to_string(&data).map_err(corrupt)?;
    Ok(Kept::new(Original { data, attributes: original.attributes.clone(), newer: original.newer }))
}

/// What marks an item that only a newer release may write.
pub(crate) fn kept_by_newer() -> Kept {
    Kept::new(Original { data: String::new(), attributes: Attributes::new(), newer: true })
}

/// Parses a body, and says whether it has values that this release does not know. Bodies of this release take the short
/// way: unknown fields do not matter to a reader.
fn parse<T: Stored>(data: &str) -> Result<(T, bool), Error> {
    serde_json::from_str(data).map(|value| (value, false)).or_else(|source| {
        let read = tolerant::parse(data, T::FIELDS).map_err(|_| Error::Corrupt { kind: T::KIND, source })?;
        Ok((read.0, read.1.values))
    })
}

/// Refuses a change of what only a newer release may change.
pub(crate) fn check_known<T: Stored>(loaded: &T) -> Result<(), Error> {
    match loaded.kept().original::<Original>() {
        Some(original) if original.newer => Err(Error::Newer { kind: T::KIND }),
        _ => Ok(()),
    }
}

/// The item to write for a new or changed body. What this release does not know of the item that the body was read from
/// is given back.
pub(crate) fn write<T: Stored>(key: Attributes, version: u64, body: &T) -> Result<Attributes, Error> {
    let data = json_of(body)?;
    let mut written = raw_item(key, T::KIND, version, data);
    if let Some(original) = body.kept().original::<Original>() {
        for (name, attribute) in &original.attributes {
            written.insert(name.clone(), attribute.clone());
        }
    }
    Ok(written)
}

/// The JSON to write for a body, with what this release does not know of the one that it was read from.
pub(crate) fn json_of<T: Stored>(body: &T) -> Result<String, Error> {
    check_known(body)?;
    let corrupt = |source| Error::Corrupt { kind: T::KIND, source };
    let data = serde_json::to_string(body).map_err(corrupt)?;
    let Some(original) = body.kept().original::<Original>() else { return Ok(data) };
    // What this release has written itself is the same text again, and holds nothing unknown: the usual case.
    let again = serde_json::from_str::<T>(&original.data).and_then(|loaded| serde_json::to_string(&loaded));
    if again.is_ok_and(|again| again == original.data) {
        return Ok(data);
    }
    let (loaded, unknown) = tolerant::parse::<T>(&original.data, T::FIELDS).map_err(corrupt)?;
    if unknown.fields.is_empty() && T::TAGGED.is_empty() {
        return Ok(data);
    }
    let before: Value = serde_json::from_str(&original.data).map_err(corrupt)?;
    let mut now: Value = serde_json::from_str(&data).map_err(corrupt)?;
    if !T::TAGGED.is_empty() {
        let loaded = serde_json::to_value(&loaded).map_err(corrupt)?;
        for name in T::TAGGED {
            if let (Some(before), Some(now)) = (before.get(name), now.get_mut(*name))
                && loaded.get(name) == Some(now)
            {
                now.clone_from(before);
            }
        }
    }
    for way in &unknown.fields {
        restore_field(&before, &mut now, way);
    }
    serde_json::to_string(&now).map_err(corrupt)
}

/// Copies the field at the end of the way. Nothing happens when what held it is gone.
fn restore_field(before: &Value, now: &mut Value, way: &[Step]) {
    match (way, before, now) {
        ([Step::Field(name)], Value::Object(before), Value::Object(now)) => {
            if let (Some(unknown), false) = (before.get(name), now.contains_key(name)) {
                now.insert(name.clone(), unknown.clone());
            }
        }
        ([Step::Field(name), rest @ ..], Value::Object(before), Value::Object(now)) => {
            if let (Some(before), Some(now)) = (before.get(name), now.get_mut(name)) {
                restore_field(before, now, rest);
            }
        }
        ([Step::Element(index), rest @ ..], Value::Array(before), Value::Array(now)) => {
            let same = before.get(*index).and_then(|one| Some((one, counterpart(before, *index, now)?)));
            if let Some((before, now)) = same {
                restore_field(before, now, rest);
            }
        }
        _ => {}
    }
}

/// What tells the elements of stored lists apart, in the order in which it is asked for.
const IDENTITIES: [&str; 8] = ["id", "variant", "shard", "handle", "currency", "src", "name", "key"];

/// The element of a changed list that was at `index`: the one with the same identity; of elements without one of their
/// own, such as the steps of a history, that at the same place, since those lists only grow.
fn counterpart<'a>(all: &[Value], index: usize, now: &'a mut [Value]) -> Option<&'a mut Value> {
    let Some(Value::Object(fields)) = all.get(index) else { return now.get_mut(index) };
    let Some((name, identity)) = identity_of(fields) else { return now.get_mut(index) };
    let is_same = |element: &&Value| element.pointer(&format!("/{name}")) == Some(identity);
    if all.iter().filter(is_same).count() > 1 {
        return now.get_mut(index);
    }
    now.iter_mut().find(|element| element.pointer(&format!("/{name}")) == Some(identity))
}

/// A price has its currency inside of its amount.
fn identity_of(fields: &Map<String, Value>) -> Option<(&'static str, &Value)> {
    let own = IDENTITIES.iter().find_map(|name| Some((*name, fields.get(*name)?)));
    own.or_else(|| Some(("price/currency", fields.get("price")?.get("currency")?)))
}

#[cfg(test)]
mod tests {
    use domain::catalog::Product;
    use domain::examples::PLACED;
    use domain::text::Title;
    use domain::{ProductId, VariantId, VendorId};
    use serde_json::json;

    use super::*;
    use crate::item::{key, number, string};

    fn newer_product() -> (Product, Attributes) {
        let product: Product = serde_json::from_value(json!({
            "id": ProductId::from_bits(1), "vendor": domain::examples::vendor_card(VendorId::from_bits(2), "Chorsu"),
            "handle": "bowl", "title": "Bowl", "state": "draft", "created_at": PLACED, "next_ordinal": 3,
            "variants": (0..3).map(|ordinal| json!({
                "id": VariantId::new(ProductId::from_bits(1), ordinal),
                "prices": [{ "price": domain::examples::usd(100) }],
            })).collect::<Vec<_>>(),
        }))
        .unwrap();
        let mut found = write(key("PRODUCT#1", "PRODUCT"), 7, &product).unwrap();
        let mut body: Value = serde_json::from_str(text(&found, "data").unwrap()).unwrap();
        body["tomorrow"] = json!({ "kind": "new" });
        body["variants"][1]["tomorrow"] = json!(1);
        body["variants"][1]["prices"][0]["tomorrow"] = json!(2);
        body["variants"][1]["prices"][0]["price"]["tomorrow"] = json!(3);
        found.insert("data".to_owned(), string(body.to_string()));
        found.insert("vendor_key".to_owned(), string("VENDOR#1"));
        found.insert("tomorrow_key".to_owned(), string("NEW#1"));
        found.insert("tomorrow_sort".to_owned(), number(4));
        (read(&found).unwrap(), found)
    }

    #[test]
    fn a_change_gives_back_what_a_newer_release_has_added() {
        let (mut product, found) = newer_product();
        product.title = Title::parse("Another title").unwrap();
        product.variants.reverse();
        let written = write(key("PRODUCT#1", "PRODUCT"), 7, &product).unwrap();
        assert_eq!(written.get("tomorrow_key"), found.get("tomorrow_key"));
        assert_eq!(written.get("tomorrow_sort"), found.get("tomorrow_sort"));
        assert_eq!(written.get("vendor_key"), None, "an attribute that this release knows is its own to write");
        let body: Value = serde_json::from_str(text(&written, "data").unwrap()).unwrap();
        assert_eq!(body["title"], "Another title");
        assert_eq!(body["tomorrow"], json!({ "kind": "new" }));
        let moved = product.variants.len() - 2;
        assert_eq!(body["variants"][moved]["tomorrow"], 1, "found again by the variant's id");
        assert_eq!(body["variants"][moved]["prices"][0]["tomorrow"], 2);
        assert_eq!(body["variants"][moved]["prices"][0]["price"]["tomorrow"], 3);
    }

    #[test]
    fn what_was_removed_takes_its_unknown_fields_with_it() {
        let (mut product, _) = newer_product();
        product.variants.remove(1);
        let written = write(key("PRODUCT#1", "PRODUCT"), 7, &product).unwrap();
        let body: Value = serde_json::from_str(text(&written, "data").unwrap()).unwrap();
        assert!(!body["variants"].to_string().contains("tomorrow"), "{body}");
        assert_eq!(body["tomorrow"], json!({ "kind": "new" }));
    }

    #[test]
    fn an_unknown_state_is_shown_and_never_written() {
        let (_, mut found) = newer_product();
        let body = text(&found, "data").unwrap().replace("\"state\":\"draft\"", "\"state\":\"frozen\"");
        assert!(body.contains("frozen"), "{body}");
        found.insert("data".to_owned(), string(body));
        let mut product: Product = read(&found).unwrap();
        assert_eq!(serde_json::to_value(product.state).unwrap(), "other");
        product.title = Title::parse("Another title").unwrap();
        assert!(matches!(write(key("PRODUCT#1", "PRODUCT"), 7, &product), Err(Error::Newer { kind: "product" })));
    }
}
