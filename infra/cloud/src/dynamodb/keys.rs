//! Which items a request names, read from its JSON.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// The key attributes of a table and of its indexes, and whether it has a stream.
#[derive(Clone, Debug)]
pub(super) struct TableSchema {
    pub(super) hash: String,
    pub(super) range: Option<String>,
    pub(super) streamed: bool,
    pub(super) indexes: Vec<IndexKeys>,
}

/// The key attributes of an index.
#[derive(Clone, Debug)]
pub(super) struct IndexKeys {
    pub(super) name: String,
    pub(super) hash: String,
    pub(super) range: Option<String>,
}

pub(super) type TableSchemas = HashMap<String, TableSchema>;

/// An item's identity, for comparing and hashing: the key attributes' values as JSON text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ItemKey {
    pub(super) table: String,
    pub(super) key: String,
}

/// An item that a request names.
#[derive(Clone, Debug)]
pub(super) struct NamedItem {
    pub(super) item: ItemKey,
    /// The key attributes, as a request's `Key` has them.
    pub(super) key: Value,
    /// False for a condition check.
    pub(super) written: bool,
}

/// The items that a writing request names, one for each action and in their order; empty for any other request.
pub(super) fn written(operation: &str, body: &Value, schemas: &TableSchemas) -> Vec<NamedItem> {
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => named(table_of(body), body, true, schemas).into_iter().collect(),
        "TransactWriteItems" => actions(body)
            .filter_map(|(verb, action)| named(table_of(action), action, verb != "ConditionCheck", schemas))
            .collect(),
        "BatchWriteItem" => batches(body)
            .flat_map(|(table, requests)| requests.as_array().into_iter().flatten().map(move |one| (table, one)))
            .filter_map(|(table, request)| batch_write(table, request, schemas))
            .collect(),
        _ => Vec::new(),
    }
}

/// The item that one request of a `BatchWriteItem` names.
pub(super) fn batch_write(table: &str, request: &Value, schemas: &TableSchemas) -> Option<NamedItem> {
    let request = request.get("PutRequest").or_else(|| request.get("DeleteRequest"))?;
    named(table, request, true, schemas)
}

/// The items that a reading request names by key, in their order; empty for queries.
pub(super) fn read(operation: &str, body: &Value, schemas: &TableSchemas) -> Vec<NamedItem> {
    match operation {
        "GetItem" => named(table_of(body), body, false, schemas).into_iter().collect(),
        "TransactGetItems" => {
            actions(body).filter_map(|(_, action)| named(table_of(action), action, false, schemas)).collect()
        }
        "BatchGetItem" => batches(body)
            .flat_map(|(table, request)| {
                let keys = request.get("Keys").and_then(Value::as_array);
                keys.into_iter().flatten().map(move |key| (table, json!({ "Key": key })))
            })
            .filter_map(|(table, request)| named(table, &request, false, schemas))
            .collect(),
        _ => Vec::new(),
    }
}

pub(super) fn action_count(body: &Value) -> usize {
    body.get("TransactItems").and_then(Value::as_array).map_or(0, Vec::len)
}

/// The table's name, also where the request gives its ARN.
pub(super) fn table_of(body: &Value) -> &str {
    let name = body.get("TableName").and_then(Value::as_str).unwrap_or_default();
    plain(name)
}

fn plain(name: &str) -> &str {
    name.rsplit_once(":table/").map_or(name, |(_, name)| name)
}

/// The actions of a transaction, with their kinds.
pub(super) fn actions(body: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let items = body.get("TransactItems").and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter_map(|item| item.iter().next().map(|(verb, action)| (verb.as_str(), action)))
}

/// The requests of a batch by table.
pub(super) fn batches(body: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let tables = body.get("RequestItems").and_then(Value::as_object);
    tables.into_iter().flatten().map(|(table, requests)| (plain(table), requests))
}

/// The item of an action: its key, or the key attributes of the item it puts. None when the table is unknown or a key
/// attribute is missing: dynoxide then rejects the request.
fn named(table: &str, action: &Value, written: bool, schemas: &TableSchemas) -> Option<NamedItem> {
    let schema = schemas.get(table)?;
    let attributes = action.get("Key").or_else(|| action.get("Item"))?.as_object()?;
    let mut key = Map::new();
    let mut text = String::new();
    for name in std::iter::once(&schema.hash).chain(&schema.range) {
        let value = attributes.get(name)?;
        text.push_str(&value.to_string());
        key.insert(name.clone(), value.clone());
    }
    Some(NamedItem { item: ItemKey { table: table.to_owned(), key: text }, key: Value::Object(key), written })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas() -> TableSchemas {
        let schema =
            TableSchema { hash: "pk".to_owned(), range: Some("sk".to_owned()), streamed: false, indexes: Vec::new() };
        HashMap::from([("Orders".to_owned(), schema)])
    }

    fn key(pk: &str) -> Value {
        json!({ "pk": { "S": pk }, "sk": { "S": "x" } })
    }

    #[test]
    fn every_shape_of_write_names_the_same_item() {
        let put =
            json!({ "TableName": "Orders", "Item": { "sk": { "S": "x" }, "total": { "N": "1" }, "pk": { "S": "a" } } });
        let arn = json!({ "TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/Orders", "Key": key("a") });
        let transaction = json!({ "TransactItems": [{ "Put": put }, { "ConditionCheck": arn }] });
        let batch = json!({ "RequestItems": { "Orders": [
            { "PutRequest": { "Item": put["Item"] } }, { "DeleteRequest": { "Key": key("a") } },
        ] } });

        let schemas = schemas();
        let expected = written("PutItem", &put, &schemas).remove(0);
        assert_eq!(expected.key, key("a"));
        for (operation, body, count) in
            [("DeleteItem", &arn, 1), ("TransactWriteItems", &transaction, 2), ("BatchWriteItem", &batch, 2)]
        {
            let named = written(operation, body, &schemas);
            assert_eq!(named.len(), count, "{operation}");
            assert!(named.iter().all(|one| one.item == expected.item), "{operation}");
        }
        let checks: Vec<bool> =
            written("TransactWriteItems", &transaction, &schemas).iter().map(|one| one.written).collect();
        assert_eq!(checks, [true, false]);
    }

    #[test]
    fn reads_by_key_are_named_and_queries_are_not() {
        let schemas = schemas();
        let batch = json!({ "RequestItems": { "Orders": { "Keys": [key("a"), key("b")] } } });
        assert_eq!(read("BatchGetItem", &batch, &schemas).len(), 2);
        assert!(read("Query", &json!({ "TableName": "Orders" }), &schemas).is_empty());
        assert!(read("GetItem", &json!({ "TableName": "Elsewhere", "Key": key("a") }), &schemas).is_empty());
    }
}
