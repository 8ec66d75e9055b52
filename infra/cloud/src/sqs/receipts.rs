//! The operations on a received message, by its receipt handle: deleting it, and changing its visibility timeout.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::batch::{batch, each};
use super::request::{MAX_VISIBILITY, invalid, permitted_queue, seconds_within};
use super::store::{Receipt, VisibilityChange};
use super::wire::{Call, Refusal};
use super::{Queue, Queues};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiptInput {
    receipt_handle: String,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneReceiptInput {
    queue_url: String,
    #[serde(flatten)]
    receipt: ReceiptInput,
}

pub(super) fn delete_message(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: OneReceiptInput = call.input()?;
    let spec = permitted_queue(queues, call, &input.queue_url, "sqs:DeleteMessage")?;
    delete(queues, &spec, &input.receipt).map(Value::Object)
}

pub(super) fn delete_message_batch(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input = batch::<ReceiptInput>(call)?;
    let spec = permitted_queue(queues, call, &input.queue_url, "sqs:DeleteMessage")?;
    each(&input.entries, |receipt| delete(queues, &spec, receipt))
}

fn delete(queues: &Queues, spec: &Queue, input: &ReceiptInput) -> Result<Map<String, Value>, Refusal> {
    let receipt =
        Receipt::read(&spec.name, &input.receipt_handle).ok_or_else(|| not_a_receipt(&input.receipt_handle))?;
    queues.inner.store.delete(&spec.name, &[receipt])?;
    queues.inner.changed.notify_waiters();
    Ok(Map::new())
}

pub(super) fn change_visibility(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: OneReceiptInput = call.input()?;
    let spec = permitted_queue(queues, call, &input.queue_url, "sqs:ChangeMessageVisibility")?;
    change(queues, &spec, &input.receipt).map(Value::Object)
}

pub(super) fn change_visibility_batch(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input = batch::<ReceiptInput>(call)?;
    let spec = permitted_queue(queues, call, &input.queue_url, "sqs:ChangeMessageVisibility")?;
    each(&input.entries, |receipt| change(queues, &spec, receipt))
}

fn change(queues: &Queues, spec: &Queue, input: &ReceiptInput) -> Result<Map<String, Value>, Refusal> {
    let receipt =
        Receipt::read(&spec.name, &input.receipt_handle).ok_or_else(|| not_a_receipt(&input.receipt_handle))?;
    let seconds = input.visibility_timeout.ok_or_else(|| {
        Refusal::new("MissingParameterException", "The request must contain the parameter VisibilityTimeout.")
            .with_query_code("MissingParameter")
    })?;
    let hidden = seconds_within("VisibilityTimeout", seconds, MAX_VISIBILITY)?;
    let now = queues.inner.clock.now();
    match queues.inner.store.change_visibility(&spec.name, &receipt, now.millis(), (now + hidden).millis())? {
        VisibilityChange::Changed => {
            queues.inner.arrived(&spec.name, 1);
            Ok(Map::new())
        }
        VisibilityChange::NotInFlight => {
            Err(Refusal::new("MessageNotInflight", "The specified message isn't in flight.")
                .with_query_code("AWS.SimpleQueueService.MessageNotInflight"))
        }
        VisibilityChange::Gone => Err(invalid(format!(
            "Value {} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.",
            input.receipt_handle
        ))),
    }
}

fn not_a_receipt(handle: &str) -> Refusal {
    Refusal::new(
        "ReceiptHandleIsInvalid",
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
    .with_query_code("ReceiptHandleIsInvalid")
}
