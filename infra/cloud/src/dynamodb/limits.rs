//! Limits that dynoxide does not check: the sizes of index keys and of keys that are queried, and the size of a
//! transaction by the items that it leaves
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).

use std::collections::HashMap;

use dynoxide::types::item_size;
use dynoxide::{AttributeValue, Item};
use serde_json::{Map, Value};

use super::Outcome;
use super::engine::{Engine, from_value};
use super::errors;
use super::expressions::{excess, tokens};
use super::keys::{self, IndexKeys, NamedItem, TableSchema, TableSchemas};

/// In bytes, as the following.
const MAX_HASH_KEY: usize = 2_048;
const MAX_RANGE_KEY: usize = 1_024;
const MAX_TRANSACTION: usize = 4 * 1024 * 1024;
const MAX_ITEM: usize = 400 * 1024;

const TRANSACTION_TOO_LARGE: &str = "Collection size of items exceeded, which can also be caused by the aggregate size of \
                                     the items in the transaction exceeding the 4MB limit";

/// What a request as such exceeds.
pub(super) fn check_request(operation: &str, body: &Value, schemas: &TableSchemas) -> Result<(), Outcome> {
    let excess = match operation {
        "TransactWriteItems" => keys::actions(body).find_map(|(_, action)| excess(action)),
        _ => excess(body),
    };
    if let Some(excess) = excess {
        return Err(refused(&excess));
    }
    match operation {
        "PutItem" => check_put(body, schemas).map_err(|excess| refused(&excess)),
        "BatchWriteItem" => {
            let mut puts = keys::batches(body).flat_map(|(table, requests)| {
                let requests = requests.as_array().into_iter().flatten();
                requests.filter_map(|request| request.get("PutRequest")).map(move |put| (table, put))
            });
            puts.try_for_each(|(table, put)| check_put_in(table, put, schemas)).map_err(|excess| refused(&excess))
        }
        "Query" => check_query(body, schemas).map_err(|excess| refused(&excess)),
        _ => Ok(()),
    }
}

fn refused(excess: &str) -> Outcome {
    Outcome::refused(&errors::validation(excess))
}

fn check_put(put: &Value, schemas: &TableSchemas) -> Result<(), String> {
    check_put_in(keys::table_of(put), put, schemas)
}

fn check_put_in(table: &str, put: &Value, schemas: &TableSchemas) -> Result<(), String> {
    let (Some(schema), Some(item)) = (schemas.get(table), put.get("Item").and_then(Value::as_object)) else {
        return Ok(());
    };
    for index in &schema.indexes {
        for (name, limit) in index.limits() {
            if let Some(value) = item.get(name) {
                check_index_key(index, name, limit, value)?;
            }
        }
    }
    Ok(())
}

impl IndexKeys {
    /// The index's keys and how long they can be.
    fn limits(&self) -> impl Iterator<Item = (&str, usize)> {
        let range = self.range.as_deref().map(|range| (range, MAX_RANGE_KEY));
        std::iter::once((self.hash.as_str(), MAX_HASH_KEY)).chain(range)
    }
}

/// The message is the real one: <https://github.com/architect/dynalite/issues/35>.
fn check_index_key(index: &IndexKeys, name: &str, limit: usize, value: &Value) -> Result<(), String> {
    let size = key_size(value);
    if size <= limit {
        return Ok(());
    }
    Err(format!(
        "One or more parameter values were invalid: Size limit exceeded for Index Key {name} Actual Size: {size} bytes \
         Max Size: {limit} bytes IndexName: {}",
        index.name
    ))
}

/// The size of a value that is a key. A number is never too long.
fn key_size(value: &Value) -> usize {
    match (value.get("S").and_then(Value::as_str), value.get("B").and_then(Value::as_str)) {
        (Some(text), _) => text.len(),
        (None, Some(bytes)) => bytes.trim_end_matches('=').len() * 3 / 4,
        (None, None) => 0,
    }
}

/// The values that a query compares keys with are limited as keys are. The messages are the real ones:
/// <https://github.com/facebook/ThreatExchange/issues/1324>.
fn check_query(body: &Value, schemas: &TableSchemas) -> Result<(), String> {
    let (Some(condition), Some(schema)) =
        (body.get("KeyConditionExpression").and_then(Value::as_str), schemas.get(keys::table_of(body)))
    else {
        return Ok(());
    };
    let index = body.get("IndexName").and_then(Value::as_str);
    let index = index.and_then(|name| schema.indexes.iter().find(|index| index.name == name));
    let hash = index.map_or(&schema.hash, |index| &index.hash);
    let mut concerned = None;
    for token in tokens(condition) {
        if let Some(value) = body.pointer("/ExpressionAttributeValues").and_then(|values| values.get(token)) {
            let size = key_size(value);
            if concerned == Some(hash.as_str()) && size > MAX_HASH_KEY {
                return Err(format!(
                    "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit \
                     of{MAX_HASH_KEY} bytes"
                ));
            }
            if concerned != Some(hash.as_str()) && size > MAX_RANGE_KEY {
                return Err(format!(
                    "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the \
                     size limit of {MAX_RANGE_KEY} bytes"
                ));
            }
        } else if !["AND", "BETWEEN"].iter().any(|word| token.eq_ignore_ascii_case(word))
            && token.starts_with(|first: char| first == '#' || first == '_' || first.is_alphabetic())
        {
            concerned = Some(named(body, token));
        }
    }
    Ok(())
}

/// The attribute that a name in an expression stands for.
fn named<'a>(request: &'a Value, name: &'a str) -> &'a str {
    let names = request.get("ExpressionAttributeNames");
    names.and_then(|names| names.get(name)).and_then(Value::as_str).unwrap_or(name)
}

/// What the items exceed that a request would leave. Only a few requests are looked at closely: those that write
/// an index key in a way that the request does not show, and transactions that may reach 4 MB. False when that needs
/// the database and none is given.
pub(super) fn check_result(
    engine: Option<&Engine>,
    operation: &str,
    body: &Value,
    schemas: &TableSchemas,
    written: &[NamedItem],
) -> Result<bool, Outcome> {
    match operation {
        "UpdateItem" => check_update(engine, body, schemas).map_err(|excess| refused(&excess)),
        "TransactWriteItems" => {
            let actions: Vec<(&str, &Value)> = keys::actions(body).collect();
            let mut is_checked = true;
            for (at, (verb, action)) in actions.iter().enumerate() {
                is_checked &= match *verb {
                    "Put" => check_put(action, schemas).map(|()| true),
                    "Update" => check_update(engine, action, schemas),
                    _ => Ok(true),
                }
                .map_err(|excess| Outcome::refused(&errors::cancelled_by_validation(at, actions.len(), &excess)))?;
            }
            if may_be_too_large(&actions) {
                match engine {
                    Some(engine) if is_too_large(engine, &actions, written) => {
                        return Err(refused(TRANSACTION_TOO_LARGE));
                    }
                    Some(_) => {}
                    None => is_checked = false,
                }
            }
            Ok(is_checked)
        }
        _ => Ok(true),
    }
}

/// False when it takes a look at the stored item, and no database is given.
fn check_update(engine: Option<&Engine>, update: &Value, schemas: &TableSchemas) -> Result<bool, String> {
    let (Some(schema), Some(expression)) =
        (schemas.get(keys::table_of(update)), update.get("UpdateExpression").and_then(Value::as_str))
    else {
        return Ok(true);
    };
    if schema.indexes.is_empty() {
        return Ok(true);
    }
    let tokens = tokens(expression);
    let mut computed = false;
    for triple in tokens.windows(3) {
        let [name, "=", assigned] = triple else { continue };
        let attribute = named(update, name);
        for (index, limit) in limits_of(schema, attribute) {
            match update.get("ExpressionAttributeValues").and_then(|values| values.get(*assigned)) {
                Some(value) => check_index_key(index, attribute, limit, value)?,
                None => computed = true,
            }
        }
    }
    if !computed {
        return Ok(true);
    }
    let Some(engine) = engine else { return Ok(false) };
    if let Ok(Some(item)) = engine.updated(keys::table_of(update), update) {
        let item = serde_json::json!({ "Item": item });
        check_put_in(keys::table_of(update), &item, schemas)?;
    }
    Ok(true)
}

fn limits_of<'a>(schema: &'a TableSchema, attribute: &'a str) -> impl Iterator<Item = (&'a IndexKeys, usize)> {
    let limits = schema.indexes.iter().flat_map(|index| index.limits().map(move |(name, limit)| (index, name, limit)));
    limits.filter(move |(_, name, _)| *name == attribute).map(|(index, _, limit)| (index, limit))
}

/// Whether the items of a transaction could be larger than 4 MB together, by what the request alone tells.
fn may_be_too_large(actions: &[(&str, &Value)]) -> bool {
    let largest = |(verb, action): &(&str, &Value)| match *verb {
        "Put" => action.get("Item").map_or(0, largest_size),
        _ => MAX_ITEM,
    };
    actions.len() * MAX_ITEM > MAX_TRANSACTION && actions.iter().map(largest).sum::<usize>() > MAX_TRANSACTION
}

/// At least the size of a value in its JSON form.
fn largest_size(value: &Value) -> usize {
    // Of a list or a map DynamoDB counts three bytes, and one for each element.
    4 + match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(largest_size).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + largest_size(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Whether the items of a transaction are larger than 4 MB together. An update counts with the whole item that it
/// leaves, and not only with what its request carries.
fn is_too_large(engine: &Engine, actions: &[(&str, &Value)], written: &[NamedItem]) -> bool {
    let mut sizes: Vec<usize> = Vec::new();
    for ((verb, action), named) in actions.iter().zip(written) {
        let stored = || engine.item(&named.item.table, &named.key).ok().flatten().map_or(0, |item| item_size(&item));
        sizes.push(match *verb {
            "Put" => values(action.get("Item")).map_or(0, |item| item_size(&item)),
            // At most this; only when the sum is too large is it worth while to find out.
            "Update" => {
                let sent = values(action.get("ExpressionAttributeValues")).unwrap_or_default();
                let sent: usize = sent.values().map(AttributeValue::size).sum();
                let names = action.get("UpdateExpression").and_then(Value::as_str).map_or(0, str::len);
                let aliases = action.get("ExpressionAttributeNames").map_or(0, |names| names.to_string().len());
                let key = values(action.get("Key")).map_or(0, |key| item_size(&key));
                stored() + sent + names + aliases + key
            }
            _ => stored(),
        });
    }
    if sizes.iter().sum::<usize>() <= MAX_TRANSACTION {
        return false;
    }
    for ((verb, action), size) in actions.iter().zip(&mut sizes) {
        if *verb == "Update"
            && let Ok(Some(item)) = engine.updated(keys::table_of(action), action)
        {
            *size = item_size(&item);
        }
    }
    sizes.iter().sum::<usize>() > MAX_TRANSACTION
}

fn values(attributes: Option<&Value>) -> Option<HashMap<String, AttributeValue>> {
    from_value(attributes?.clone()).ok()
}

/// Whether the items that a `TransactGetItems` answers with are larger than 4 MB together.
pub(super) fn check_answer(operation: &str, body: &[u8]) -> Result<(), Outcome> {
    // As JSON the items are never smaller.
    if operation != "TransactGetItems" || body.len() <= MAX_TRANSACTION {
        return Ok(());
    }
    let answer: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let responses = answer.get("Responses").and_then(Value::as_array);
    let items = responses.into_iter().flatten().filter_map(|response| values(response.get("Item")));
    let size: usize = items.map(|item: Item| item_size(&item)).sum();
    if size > MAX_TRANSACTION { Err(refused(TRANSACTION_TOO_LARGE)) } else { Ok(()) }
}
