//! Batches that are executed in part: the rest is returned as unprocessed, as DynamoDB does under load.

use serde_json::{Map, Value};

/// The response field that lists what was not executed.
pub(super) fn unprocessed_field(operation: &str) -> Option<&'static str> {
    match operation {
        "BatchWriteItem" => Some("UnprocessedItems"),
        "BatchGetItem" => Some("UnprocessedKeys"),
        _ => None,
    }
}

/// Removes from a batch the requests (or keys) for whose index `keep` is false, and returns them in the form of
/// `RequestItems`. The index counts from 0 over the whole batch. A table without requests is omitted on both sides.
pub(super) fn split_off(body: &mut Value, mut keep: impl FnMut(usize) -> bool) -> Map<String, Value> {
    let mut rest = Map::new();
    let Some(tables) = body.get_mut("RequestItems").and_then(Value::as_object_mut) else { return rest };
    let mut at = 0;
    for (table, requests) in tables.iter_mut() {
        let mut refused = Vec::new();
        let list = if requests.is_object() { requests.get_mut("Keys") } else { Some(&mut *requests) };
        let Some(list) = list.and_then(Value::as_array_mut) else { continue };
        list.retain(|request| {
            let kept = keep(at);
            at += 1;
            if !kept {
                refused.push(request.clone());
            }
            kept
        });
        if refused.is_empty() {
            continue;
        }
        let refused = match &*requests {
            Value::Object(request) => {
                let mut request = request.clone();
                request.insert("Keys".to_owned(), Value::Array(refused));
                Value::Object(request)
            }
            _ => Value::Array(refused),
        };
        rest.insert(table.clone(), refused);
    }
    tables.retain(|_, requests| !list_of(requests).is_some_and(Vec::is_empty));
    rest
}

/// How many requests (or keys) a batch has.
pub(super) fn size(body: &Value) -> usize {
    let tables = body.get("RequestItems").and_then(Value::as_object);
    tables.into_iter().flatten().filter_map(|(_, requests)| list_of(requests)).map(Vec::len).sum()
}

/// Adds to a response what [`split_off`] removed from its request.
pub(super) fn add_unprocessed(answer: &mut Value, field: &str, rest: Map<String, Value>) {
    let Some(answer) = answer.as_object_mut() else { return };
    let slot = answer.entry(field).or_insert_with(|| Value::Object(Map::new()));
    let Some(unprocessed) = slot.as_object_mut() else { return };
    for (table, mut requests) in rest {
        match unprocessed.get_mut(&table).and_then(list_of_mut) {
            Some(list) => list.extend(list_of_mut(&mut requests).map(std::mem::take).unwrap_or_default()),
            None => {
                unprocessed.insert(table, requests);
            }
        }
    }
}

fn list_of(requests: &Value) -> Option<&Vec<Value>> {
    requests.get("Keys").unwrap_or(requests).as_array()
}

fn list_of_mut(requests: &mut Value) -> Option<&mut Vec<Value>> {
    match requests {
        Value::Object(request) => request.get_mut("Keys").and_then(Value::as_array_mut),
        list => list.as_array_mut(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_taken_out_of_a_batch_comes_back_as_unprocessed() {
        let mut body = json!({ "RequestItems": { "A": [1, 2], "B": [3] } });
        assert_eq!(size(&body), 3);
        let rest = split_off(&mut body, |at| at == 0);
        assert_eq!(body, json!({ "RequestItems": { "A": [1] } }));
        let mut answer = json!({ "UnprocessedItems": { "A": [9] } });
        add_unprocessed(&mut answer, "UnprocessedItems", rest);
        assert_eq!(answer, json!({ "UnprocessedItems": { "A": [9, 2], "B": [3] } }));
    }

    #[test]
    fn keys_keep_what_else_their_table_asked_for() {
        let mut body = json!({ "RequestItems": { "A": { "Keys": [1, 2], "ConsistentRead": true } } });
        let rest = split_off(&mut body, |at| at == 1);
        assert_eq!(body, json!({ "RequestItems": { "A": { "Keys": [2], "ConsistentRead": true } } }));
        let mut answer = json!({});
        add_unprocessed(&mut answer, "UnprocessedKeys", rest);
        assert_eq!(answer, json!({ "UnprocessedKeys": { "A": { "Keys": [1], "ConsistentRead": true } } }));
    }
}
