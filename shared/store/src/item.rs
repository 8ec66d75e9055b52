//! Items: a JSON body in `data`, beside the attributes that keys, conditions and updates need.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, tolerant};

pub(crate) use crate::attributes::Attributes;

pub(crate) fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The primary key: `pk` and `sk`.
pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Attributes {
    HashMap::from([("pk".to_owned(), string(pk)), ("sk".to_owned(), string(sk))])
}

/// An item with its kind, its version and the JSON of its body.
pub(crate) fn item<T: Serialize>(
    key: Attributes,
    kind: &'static str,
    version: u64,
    body: &T,
) -> Result<Attributes, Error> {
    let data = serde_json::to_string(body).map_err(|source| Error::Corrupt { kind, source })?;
    Ok(raw_item(key, kind, version, data))
}

/// [`item`] with a body that is JSON already.
pub(crate) fn raw_item(mut key: Attributes, kind: &'static str, version: u64, data: String) -> Attributes {
    key.insert("kind".to_owned(), string(kind));
    key.insert("version".to_owned(), number(version));
    key.insert("data".to_owned(), string(data));
    key
}

/// A string attribute; `None` when it is absent or of another type.
pub(crate) fn text<'a>(item: &'a Attributes, name: &str) -> Option<&'a str> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// A number attribute; `None` when it is absent, of another type or not an `i64`.
pub(crate) fn integer(item: &Attributes, name: &str) -> Option<i64> {
    item.get(name).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok())
}

/// The version of an item; 0 when it has none.
pub(crate) fn version(item: &Attributes) -> u64 {
    integer(item, "version").and_then(|version| u64::try_from(version).ok()).unwrap_or(0)
}

/// The body of an item that is never written again, parsed from `data`, whichever release has written it.
pub(crate) fn body<T: DeserializeOwned>(item: &Attributes, kind: &'static str) -> Result<T, Error> {
    let data = text(item, "data").unwrap_or_default();
    serde_json::from_str(data).or_else(|source| {
        let read = tolerant::parse(data, None).map_err(|_| Error::Corrupt { kind, source })?;
        Ok(read.0)
    })
}

/// An item that [`body`] or [`read`](crate::stored::read) fails on is one item: it is logged with its key, and whoever
/// goes through many goes on. Other errors are passed on.
pub(crate) fn readable<T>(read: Result<T, Error>, item: &Attributes) -> Result<Option<T>, Error> {
    match read {
        Err(Error::Corrupt { kind, source }) => {
            let (pk, sk) = (text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default());
            tracing::warn!(item.kind = kind, item.pk = pk, item.sk = sk, cause = %source, "a stored item cannot be read");
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// What can be read of these items.
pub(crate) fn all_readable<T>(
    items: &[Attributes],
    read: impl Fn(&Attributes) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        all.extend(readable(read(item), item)?);
    }
    Ok(all)
}

/// A condition expression with the names and values of its placeholders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    pub(crate) expression: String,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: Attributes,
}

impl Condition {
    /// The item does not exist.
    pub(crate) fn absent() -> Self {
        Self { expression: "attribute_not_exists(pk)".to_owned(), ..Self::default() }
    }

    /// The item exists.
    pub(crate) fn present() -> Self {
        Self { expression: "attribute_exists(pk)".to_owned(), ..Self::default() }
    }

    /// Whatever was there before.
    pub(crate) fn any() -> Self {
        Self { expression: "attribute_exists(pk) OR attribute_not_exists(pk)".to_owned(), ..Self::default() }
    }

    /// The item is at this version; version 0 means that it does not exist.
    pub(crate) fn at_version(loaded: u64) -> Self {
        if loaded == 0 {
            return Self::absent();
        }
        Self { expression: "#version = :loaded".to_owned(), ..Self::default() }
            .name("#version", "version")
            .value(":loaded", number(loaded))
    }

    pub(crate) fn of(expression: impl Into<String>) -> Self {
        Self { expression: expression.into(), ..Self::default() }
    }

    pub(crate) fn name(mut self, placeholder: &str, name: &str) -> Self {
        self.names.insert(placeholder.to_owned(), name.to_owned());
        self
    }

    pub(crate) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    pub(crate) fn values(&self) -> Option<Attributes> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

/// A transaction's action: a conditional put.
pub(crate) fn put(table: &str, item: Attributes, condition: &Condition) -> Result<TransactWriteItem, Error> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression(&condition.expression)
        .set_expression_attribute_names(condition.names())
        .set_expression_attribute_values(condition.values())
        .return_values_on_condition_check_failure(aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(|error| Error::Failed(error.to_string()))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// A transaction's action: a conditional delete.
pub(crate) fn delete(table: &str, key: Attributes, condition: &Condition) -> Result<TransactWriteItem, Error> {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Some(key))
        .condition_expression(&condition.expression)
        .set_expression_attribute_names(condition.names())
        .set_expression_attribute_values(condition.values())
        .build()
        .map_err(|error| Error::Failed(error.to_string()))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// A transaction's action: a conditional update, which shares the condition's names and values.
pub(crate) fn update(
    table: &str,
    key: Attributes,
    change: &str,
    condition: &Condition,
) -> Result<TransactWriteItem, Error> {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(key))
        .update_expression(change)
        .condition_expression(&condition.expression)
        .set_expression_attribute_names(condition.names())
        .set_expression_attribute_values(condition.values())
        .return_values_on_condition_check_failure(aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(|error| Error::Failed(error.to_string()))?;
    Ok(TransactWriteItem::builder().update(update).build())
}
