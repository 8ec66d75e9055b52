//! The embedded database: dynoxide, and statements on its SQLite connection for what dynoxide's API lacks.

use std::path::Path;

use bytes::Bytes;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::types::ConsumedCapacity;
use dynoxide::{DynoxideError, Item};
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::database::Database;
use super::errors::Outcome;
use super::keys::{IndexKeys, TableSchema};
use super::tables::{StreamView, Table};
use crate::clock::Clock;
use crate::usage::Units;

/// At every write to a streamed table dynoxide looks for the stream's last record; without this index it reads all
/// records. The table belongs to dynoxide's internal schema, hence the exact version in `Cargo.toml` and a test on the
/// query plan.
pub(super) const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS bozor_stream_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// dynoxide rejects the file, or a table.
    #[error("the DynamoDB tables cannot be opened: {0}")]
    Database(#[from] DynoxideError),
    /// SQLite rejects the file.
    #[error("the DynamoDB tables cannot be opened: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The stored table of this name has another key.
    #[error(
        "table {0} is stored with another key than the template gives it: delete the data, or choose another directory"
    )]
    OtherKey(String),
    #[error("the path of the DynamoDB tables is not UTF-8")]
    Path,
}

/// One database. Users hold the endpoint's lock.
pub(super) struct Engine {
    pub(super) database: Database,
}

/// The response to an executed request, and the capacity it consumed.
pub(super) struct Executed {
    pub(super) body: Vec<u8>,
    pub(super) read: Units,
    pub(super) write: Units,
}

impl Executed {
    fn free(body: Vec<u8>) -> Self {
        Self { body, read: Units::default(), write: Units::default() }
    }
}

impl Engine {
    pub(super) fn open(path: Option<&Path>, clock: Clock) -> Result<Self, OpenError> {
        let path = path.map(|path| path.to_str().ok_or(OpenError::Path)).transpose()?;
        let database = Database::open(path, clock)?;
        database.connection().execute_batch(STREAM_INDEX)?;
        Ok(Self { database })
    }

    /// Creates a table, or changes the stream and the indexes of the existing one to those of `table`.
    pub(super) fn create(&self, table: &Table) -> Result<(), OpenError> {
        let Some(existing) = self.describe(&table.name)? else {
            let request: CreateTableRequest = from_value(table.creation())?;
            self.database.create_table(request)?;
            if let Some(attribute) = &table.ttl {
                self.database.update_time_to_live(from_value(json!({
                    "TableName": table.name,
                    "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
                }))?)?;
            }
            return Ok(());
        };
        if existing.get("KeySchema") != Some(&table.key.schema()) {
            return Err(OpenError::OtherKey(table.name.clone()));
        }
        let stored_view = existing.pointer("/StreamSpecification/StreamViewType").and_then(Value::as_str);
        if stored_view != table.stream.map(StreamView::code) {
            self.change_stream(table, stored_view.is_some())?;
        }
        let indexes = existing.get("GlobalSecondaryIndexes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for stored in indexes {
            let name = stored.get("IndexName").and_then(Value::as_str).unwrap_or_default();
            let same =
                |wanted: &Value| ["KeySchema", "Projection"].iter().all(|part| wanted.get(part) == stored.get(part));
            if !table.indexes.iter().any(|index| index.name == name && same(&index.definition())) {
                self.update_indexes(table, &json!({ "Delete": { "IndexName": name } }))?;
            }
        }
        let left = self.describe(&table.name)?.unwrap_or_default();
        let left = left.get("GlobalSecondaryIndexes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for index in &table.indexes {
            if !left.iter().any(|stored| stored.get("IndexName").and_then(Value::as_str) == Some(&index.name)) {
                self.update_indexes(table, &json!({ "Create": index.definition() }))?;
            }
        }
        Ok(())
    }

    fn change_stream(&self, table: &Table, stored: bool) -> Result<(), DynoxideError> {
        let change = |stream: Value| {
            let request = json!({ "TableName": table.name, "StreamSpecification": stream });
            self.database.update_table(from_value(request)?).map(drop)
        };
        if stored {
            change(json!({ "StreamEnabled": false }))?;
        }
        match table.stream {
            Some(view) => change(json!({ "StreamEnabled": true, "StreamViewType": view.code() })),
            None => Ok(()),
        }
    }

    fn update_indexes(&self, table: &Table, update: &Value) -> Result<(), DynoxideError> {
        let request = json!({
            "TableName": table.name,
            "AttributeDefinitions": table.attributes(),
            "GlobalSecondaryIndexUpdates": [update],
        });
        self.database.update_table(from_value(request)?).map(drop)
    }

    /// `DescribeTable`'s `Table`, if there is such a table.
    fn describe(&self, table: &str) -> Result<Option<Value>, DynoxideError> {
        match self.database.describe_table(from_value(json!({ "TableName": table }))?) {
            Ok(described) => {
                Ok(serde_json::to_value(described).ok().and_then(|mut all| all.get_mut("Table").map(Value::take)))
            }
            Err(DynoxideError::ResourceNotFoundException(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keys and stream of a table.
    pub(super) fn schema(&self, table: &str) -> Result<Option<TableSchema>, DynoxideError> {
        let Some(described) = self.describe(table)? else { return Ok(None) };
        let streamed = described.pointer("/StreamSpecification/StreamEnabled") == Some(&Value::Bool(true));
        let indexes = described.get("GlobalSecondaryIndexes").and_then(Value::as_array);
        let indexes = indexes.into_iter().flatten().filter_map(|index| {
            let name = index.get("IndexName")?.as_str()?.to_owned();
            Some(IndexKeys { name, hash: key(index, "HASH")?, range: key(index, "RANGE") })
        });
        let (hash, range) = (key(&described, "HASH"), key(&described, "RANGE"));
        Ok(hash.map(|hash| TableSchema { hash, range, streamed, indexes: indexes.collect() }))
    }

    pub(super) fn table_names(&self) -> Result<Vec<String>, DynoxideError> {
        self.database.table_names()
    }

    /// The keys of the items whose TTL attribute is before this second.
    pub(super) fn expired(&self, table: &str, attribute: &str, before: i64) -> Result<Vec<Value>, DynoxideError> {
        let Some(schema) = self.schema(table)? else { return Ok(Vec::new()) };
        let mut keys = Vec::new();
        let mut from: Option<Value> = None;
        loop {
            let mut request = json!({
                "TableName": table,
                "FilterExpression": "#ttl < :before",
                "ExpressionAttributeNames": { "#ttl": attribute },
                "ExpressionAttributeValues": { ":before": { "N": before.to_string() } },
            });
            if let Some(from) = from {
                set(&mut request, "ExclusiveStartKey", from);
            }
            let page = self.database.scan(from_value(request)?)?;
            for item in page.items.iter().flatten() {
                let mut key = serde_json::to_value(item).unwrap_or_default();
                if let Some(key) = key.as_object_mut() {
                    key.retain(|name, _| *name == schema.hash || Some(name) == schema.range.as_ref());
                }
                keys.push(key);
            }
            match page.last_evaluated_key {
                Some(last) => from = serde_json::to_value(last).ok(),
                None => return Ok(keys),
            }
        }
    }

    /// Deletes an item if its TTL attribute still is before this second.
    pub(super) fn expire(&self, table: &str, key: &Value, attribute: &str, before: i64) -> Result<bool, DynoxideError> {
        let request = json!({
            "TableName": table,
            "Key": key,
            "ConditionExpression": "#ttl < :before",
            "ExpressionAttributeNames": { "#ttl": attribute },
            "ExpressionAttributeValues": { ":before": { "N": before.to_string() } },
        });
        match self.database.delete_item(from_value(request)?) {
            Ok(_) => Ok(true),
            Err(DynoxideError::ConditionalCheckFailedException(..)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The item that an update would leave, which a database with nothing but this item finds out; nothing when the
    /// update would be refused.
    pub(super) fn updated(&self, table: &str, update: &Value) -> Result<Option<Item>, DynoxideError> {
        let Some(described) = self.describe(table)? else { return Ok(None) };
        let (Some(keys), Some(attributes), Some(key)) =
            (described.get("KeySchema"), described.get("AttributeDefinitions"), update.get("Key"))
        else {
            return Ok(None);
        };
        let is_key = |attribute: &&Value| {
            let keys = keys.as_array().map_or(&[][..], Vec::as_slice);
            keys.iter().any(|key| key.get("AttributeName") == attribute.get("AttributeName"))
        };
        let attributes: Vec<&Value> = attributes.as_array().into_iter().flatten().filter(is_key).collect();
        let aside = Database::open(None, self.database.clock().clone())?;
        aside.create_table(from_value(json!({
            "TableName": table,
            "KeySchema": keys,
            "AttributeDefinitions": attributes,
            "BillingMode": "PAY_PER_REQUEST",
        }))?)?;
        if let Some(item) = self.item(table, key)? {
            aside.put_item(from_value(json!({ "TableName": table, "Item": item }))?)?;
        }
        let mut request = update.clone();
        set(&mut request, "ReturnValues", Value::from("ALL_NEW"));
        if let Some(request) = request.as_object_mut() {
            request.remove("ReturnValuesOnConditionCheckFailure");
        }
        Ok(aside.update_item(from_value(request)?).ok().and_then(|answer| answer.attributes))
    }

    /// An item as it is stored.
    pub(super) fn item(&self, table: &str, key: &Value) -> Result<Option<Item>, DynoxideError> {
        Ok(self.database.get_item(from_value(json!({ "TableName": table, "Key": key }))?)?.item)
    }
}

/// Writes a response. Needs no database.
type Write = Box<dyn FnOnce() -> Result<Executed, DynoxideError> + Send>;

/// Executes a request.
type Execute = Box<dyn FnOnce(&Database) -> Result<Write, DynoxideError> + Send>;

/// A request that was read, so that the database is locked only while it is executed.
pub(super) struct Prepared(Execute);

/// A response that is still to be written.
pub(super) struct Answered(Write);

impl Prepared {
    pub(super) fn execute(self, database: &Database) -> Result<Answered, DynoxideError> {
        (self.0)(database).map(Answered)
    }
}

impl Answered {
    pub(super) fn write(self) -> Result<Executed, DynoxideError> {
        (self.0)()
    }
}

/// Executes one request.
pub(super) fn run(database: &Database, operation: &str, body: Value) -> Result<Executed, DynoxideError> {
    prepare(operation, body)?.execute(database)?.write()
}

/// Reads a request. The consumed capacity is always requested, and returned only to a caller that requested it.
pub(super) fn prepare(operation: &str, mut body: Value) -> Result<Prepared, DynoxideError> {
    let wants_capacity =
        matches!(body.get("ReturnConsumedCapacity").and_then(Value::as_str), Some(mode) if mode != "NONE");
    macro_rules! metered {
        ($method:ident, $of:ident) => {{
            if !wants_capacity {
                set(&mut body, "ReturnConsumedCapacity", Value::from("TOTAL"));
            }
            let request = from_value(body)?;
            Box::new(move |database: &Database| {
                let mut answer = database.$method(request)?;
                Ok(Box::new(move || {
                    let units = answer.consumed_capacity.units();
                    if !wants_capacity {
                        answer.consumed_capacity = None;
                    }
                    Ok(Executed { $of: units, ..Executed::free(to_vec(&answer)?) })
                }) as Write)
            })
        }};
    }
    macro_rules! free {
        ($method:ident) => {{
            let request = from_value(body)?;
            Box::new(move |database: &Database| {
                let answer = database.$method(request)?;
                Ok(Box::new(move || Ok(Executed::free(to_vec(&answer)?))) as Write)
            })
        }};
    }
    Ok(Prepared(match operation {
        "GetItem" => metered!(get_item, read),
        "Query" => metered!(query, read),
        "Scan" => metered!(scan, read),
        "BatchGetItem" => metered!(batch_get_item, read),
        "TransactGetItems" => metered!(transact_get_items, read),
        "PutItem" => metered!(put_item, write),
        "UpdateItem" => metered!(update_item, write),
        "DeleteItem" => metered!(delete_item, write),
        "BatchWriteItem" => metered!(batch_write_item, write),
        "TransactWriteItems" => metered!(transact_write_items, write),
        "CreateTable" => free!(create_table),
        "DeleteTable" => free!(delete_table),
        "DescribeTable" => free!(describe_table),
        "ListTables" => free!(list_tables),
        "UpdateTable" => free!(update_table),
        "UpdateTimeToLive" => free!(update_time_to_live),
        "DescribeTimeToLive" => free!(describe_time_to_live),
        _ => return Err(DynoxideError::ValidationException(format!("{operation} is not offered here"))),
    }))
}

/// Whether [`prepare`] knows the operation.
pub(super) fn offers(operation: &str) -> bool {
    writes(operation)
        || matches!(
            operation,
            "GetItem"
                | "Query"
                | "Scan"
                | "BatchGetItem"
                | "TransactGetItems"
                | "DescribeTable"
                | "ListTables"
                | "DescribeTimeToLive"
        )
        || changes_tables(operation)
}

/// Whether the operation changes items.
pub(super) fn writes(operation: &str) -> bool {
    matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems")
}

pub(super) fn changes_tables(operation: &str) -> bool {
    matches!(operation, "CreateTable" | "DeleteTable" | "UpdateTable" | "UpdateTimeToLive")
}

trait Consumed {
    fn units(&self) -> Units;
}

impl Consumed for Option<ConsumedCapacity> {
    fn units(&self) -> Units {
        self.as_ref().map_or(Units::default(), |used| Units::reported(used.capacity_units))
    }
}

impl Consumed for Option<Vec<ConsumedCapacity>> {
    fn units(&self) -> Units {
        let mut sum = Units::default();
        for used in self.iter().flatten() {
            sum += Units::reported(used.capacity_units);
        }
        sum
    }
}

/// An error response in DynamoDB's form.
pub(super) fn refusal(operation: &str, error: DynoxideError) -> Outcome {
    let error = match (operation, error) {
        ("PutItem" | "UpdateItem" | "DeleteItem", DynoxideError::EnvelopedValidation(message)) => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        (_, error) => error,
    };
    let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
    if status.is_server_error() {
        tracing::error!(dynamodb.operation = operation, error = %error, "The embedded DynamoDB failed.");
    }
    Outcome::Answer(status, Bytes::from(error.to_json()))
}

/// The key attribute with this role, of a table or an index.
fn key(described: &Value, role: &str) -> Option<String> {
    let keys = described.get("KeySchema")?.as_array()?;
    let is_it = |key: &&Value| key.get("KeyType").and_then(Value::as_str) == Some(role);
    keys.iter().find(is_it)?.get("AttributeName")?.as_str().map(str::to_owned)
}

fn to_vec(answer: &impl Serialize) -> Result<Vec<u8>, DynoxideError> {
    serde_json::to_vec(answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// Sets a field; does nothing unless `object` is a JSON object.
pub(super) fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}

/// Reads a request. For a malformed one, a prefix of dynoxide's message says which of DynamoDB's errors it is.
pub(super) fn from_value<Q: DeserializeOwned>(body: Value) -> Result<Q, DynoxideError> {
    serde_json::from_value(body).map_err(|error| {
        let message = error.to_string();
        let marked = |marks: [&str; 2]| marks.iter().find_map(|mark| message.strip_prefix(mark).map(str::to_owned));
        if let Some(message) = message.strip_prefix("VALIDATION_REQUEST:") {
            DynoxideError::EnvelopedValidation(message.to_owned())
        } else if let Some(message) = marked(["VALIDATION:", "VALIDATION_AS_READ:"]) {
            DynoxideError::ValidationException(message)
        } else if let Some(message) = marked(["SERIALIZATION:", "SERIALIZATION_AS_READ:"]) {
            DynoxideError::SerializationException(message)
        } else {
            DynoxideError::ValidationException(message)
        }
    })
}
