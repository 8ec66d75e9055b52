//! The batch operations: at most ten entries, each with an id and a result of its own.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::wire::{Call, Refusal};

pub(super) const MAX_BATCH_ENTRIES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchInput<T> {
    pub(super) queue_url: String,
    #[serde(default = "Vec::new")]
    pub(super) entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry<T> {
    id: String,
    #[serde(flatten)]
    pub(super) input: T,
}

/// Reads a batch and checks what makes SQS reject it as a whole: the number of entries and their ids.
pub(super) fn batch<T: DeserializeOwned>(call: &Call<'_>) -> Result<BatchInput<T>, Refusal> {
    let input: BatchInput<T> = call.input()?;
    if input.entries.is_empty() {
        return Err(Refusal::new("EmptyBatchRequest", "There should be at least one entry in the request.")
            .with_query_code("AWS.SimpleQueueService.EmptyBatchRequest"));
    }
    if input.entries.len() > MAX_BATCH_ENTRIES {
        let message = format!("Maximum number of entries per request are 10. You have sent {}.", input.entries.len());
        return Err(Refusal::new("TooManyEntriesInBatchRequest", message)
            .with_query_code("AWS.SimpleQueueService.TooManyEntriesInBatchRequest"));
    }
    let mut seen = BTreeSet::new();
    for entry in &input.entries {
        let spelled = (1..=80).contains(&entry.id.len())
            && entry.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !spelled {
            return Err(Refusal::new("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
                .with_query_code("AWS.SimpleQueueService.InvalidBatchEntryId"));
        }
        if !seen.insert(entry.id.as_str()) {
            return Err(Refusal::new("BatchEntryIdsNotDistinct", format!("Id {} repeated.", entry.id))
                .with_query_code("AWS.SimpleQueueService.BatchEntryIdsNotDistinct"));
        }
    }
    Ok(input)
}

/// Executes each entry by itself and reports its result. A server error fails the whole batch.
pub(super) fn each<T>(
    entries: &[Entry<T>],
    mut act: impl FnMut(&T) -> Result<Map<String, Value>, Refusal>,
) -> Result<Value, Refusal> {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match act(&entry.input) {
            Ok(mut output) => {
                output.insert("Id".into(), json!(entry.id));
                successful.push(Value::Object(output));
            }
            Err(refusal) if refusal.status.is_server_error() => return Err(refusal),
            Err(refusal) => failed.push(json!({
                "Id": entry.id,
                "SenderFault": true,
                "Code": refusal.query_code.unwrap_or(refusal.code),
                "Message": refusal.message,
            })),
        }
    }
    let mut output = Map::new();
    output.insert("Successful".into(), Value::Array(successful));
    if !failed.is_empty() {
        output.insert("Failed".into(), Value::Array(failed));
    }
    Ok(Value::Object(output))
}
