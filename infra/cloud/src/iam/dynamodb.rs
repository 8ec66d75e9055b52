//! The actions and resources that a DynamoDB request needs permission for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Need;
use crate::account::{ACCOUNT, REGION};

/// A request whose actions and resources cannot be determined. It is denied, so that a form of request that is unknown
/// here never bypasses the roles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot tell what {operation} touches: {reason}")]
pub struct Unreadable {
    pub operation: String,
    /// What is missing in the request or unknown.
    pub reason: &'static str,
}

/// The actions and resources that a DynamoDB request needs, without duplicates. A transaction needs the action of each
/// of its parts; a query of an index needs the index and not the table.
pub fn dynamodb_needs(operation: &str, request: &Value) -> Result<Vec<Need>, Unreadable> {
    let unreadable = |reason| Unreadable { operation: operation.to_owned(), reason };
    let action = |name: &str| format!("dynamodb:{name}");
    let table = |within: &Value| {
        within.get("TableName").and_then(Value::as_str).map(table_arn).ok_or_else(|| unreadable("it names no table"))
    };
    let mut needs = BTreeSet::new();
    match operation {
        "GetItem"
        | "PutItem"
        | "UpdateItem"
        | "DeleteItem"
        | "DescribeTable"
        | "DescribeTimeToLive"
        | "DescribeContinuousBackups"
        | "CreateTable"
        | "DeleteTable"
        | "UpdateTable"
        | "UpdateTimeToLive" => {
            needs.insert(Need::new(action(operation), table(request)?));
        }
        "Query" | "Scan" => {
            let table = table(request)?;
            let resource = match request.get("IndexName") {
                None => table,
                Some(Value::String(index)) => format!("{table}/index/{index}"),
                Some(_) => return Err(unreadable("its index has no name")),
            };
            needs.insert(Need::new(action(operation), resource));
        }
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = request.get("RequestItems").and_then(Value::as_object);
            for name in tables.ok_or_else(|| unreadable("it has no RequestItems"))?.keys() {
                needs.insert(Need::new(action(operation), table_arn(name)));
            }
        }
        "TransactGetItems" | "TransactWriteItems" => {
            let parts = request.get("TransactItems").and_then(Value::as_array);
            for part in parts.ok_or_else(|| unreadable("it has no TransactItems"))? {
                let mut found = false;
                for (key, within) in part.as_object().into_iter().flatten() {
                    let name = match (operation, key.as_str()) {
                        (_, _) if within.is_null() => continue,
                        ("TransactGetItems", "Get") => "GetItem",
                        ("TransactWriteItems", "Put") => "PutItem",
                        ("TransactWriteItems", "Update") => "UpdateItem",
                        ("TransactWriteItems", "Delete") => "DeleteItem",
                        ("TransactWriteItems", "ConditionCheck") => "ConditionCheckItem",
                        _ => return Err(unreadable("a part of the transaction is unknown")),
                    };
                    needs.insert(Need::new(action(name), table(within)?));
                    found = true;
                }
                if !found {
                    return Err(unreadable("a part of the transaction does nothing"));
                }
            }
        }
        "ListTables" => {
            needs.insert(Need::new(action(operation), format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/*")));
        }
        "DescribeStream" | "GetShardIterator" => {
            let stream = request.get("StreamArn").and_then(Value::as_str);
            needs.insert(Need::new(action(operation), stream.ok_or_else(|| unreadable("it names no stream"))?));
        }
        _ => return Err(unreadable("the operation is not known here")),
    }
    Ok(needs.into_iter().collect())
}

/// The ARN of a table that a request names by its name or by its ARN.
fn table_arn(name: &str) -> String {
    if name.starts_with("arn:") { name.to_owned() } else { format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}") }
}
