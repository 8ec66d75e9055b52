//! The operations of the SQS protocol.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::attributes::{MessageAttribute, MessageAttributes, checked_size, md5_of_attributes, md5_of_body};
use super::batch::{batch, each};
use super::receipts;
use super::request::{MAX_VISIBILITY, invalid, no_such_queue, permitted_queue, queue_of_arn, seconds_within};
use super::store::{Incoming, Outgoing};
use super::wire::{Call, Refusal, random_uuid};
use super::{MAX_MESSAGE_SIZE, PURGE_INTERVAL, Queue, Queues};

const MAX_RECEIVED: usize = 10;
const MAX_DELAY: i64 = 900;
const MAX_WAIT: i64 = 20;
pub(super) async fn answer(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    match call.operation {
        "GetQueueUrl" => queue_url(queues, call),
        "GetQueueAttributes" => queue_attributes(queues, call),
        "SendMessage" => send_message(queues, call),
        "SendMessageBatch" => send_message_batch(queues, call),
        "ReceiveMessage" => receive_message(queues, call).await,
        "DeleteMessage" => receipts::delete_message(queues, call),
        "DeleteMessageBatch" => receipts::delete_message_batch(queues, call),
        "ChangeMessageVisibility" => receipts::change_visibility(queues, call),
        "ChangeMessageVisibilityBatch" => receipts::change_visibility_batch(queues, call),
        "PurgeQueue" => purge_queue(queues, call),
        "StartMessageMoveTask" => start_message_move_task(queues, call),
        _ => Err(call.unknown()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrlInput {
    queue_name: String,
}

fn queue_url(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: QueueUrlInput = call.input()?;
    call.require(&queues.inner.permit, "sqs:GetQueueUrl", &Queues::arn(&input.queue_name))?;
    queues.spec(&input.queue_name).map_err(|_| no_such_queue())?;
    Ok(json!({ "QueueUrl": queues.url(&input.queue_name) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueAttributesInput {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

fn queue_attributes(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: QueueAttributesInput = call.input()?;
    let spec = permitted_queue(queues, call, &input.queue_url, "sqs:GetQueueAttributes")?;
    let depth = queues.inner.depth(&spec)?;
    let mut attributes = Map::new();
    let mut set = |name: &str, value: String| attributes.insert(name.to_owned(), Value::String(value));
    set("QueueArn", Queues::arn(&spec.name));
    set("ApproximateNumberOfMessages", depth.visible.to_string());
    set("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string());
    set("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string());
    set("VisibilityTimeout", spec.visibility_timeout.as_secs().to_string());
    set("DelaySeconds", spec.delay.as_secs().to_string());
    set("ReceiveMessageWaitTimeSeconds", spec.receive_wait.as_secs().to_string());
    set("MessageRetentionPeriod", spec.retention.as_secs().to_string());
    set("MaximumMessageSize", MAX_MESSAGE_SIZE.to_string());
    if let Some(redrive) = &spec.redrive {
        let policy = json!({
            "deadLetterTargetArn": Queues::arn(&redrive.dead_letters),
            "maxReceiveCount": redrive.max_receives,
        });
        set("RedrivePolicy", policy.to_string());
    }
    if !input.attribute_names.iter().any(|name| name == "All") {
        attributes.retain(|name, _| input.attribute_names.contains(name));
    }
    Ok(json!({ "Attributes": attributes }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TraceHeader {
    #[serde(rename = "AWSTraceHeader")]
    aws_trace_header: Option<MessageAttribute>,
}

/// The fields that `SendMessage` and an entry of `SendMessageBatch` have in common.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MessageInput {
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    message_system_attributes: Option<TraceHeader>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendInput {
    queue_url: String,
    #[serde(flatten)]
    message: MessageInput,
}

fn send_message(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: SendInput = call.input()?;
    let spec = permitted_queue(queues, call, &input.queue_url, "sqs:SendMessage")?;
    check_message(&input.message.message_body, &input.message.message_attributes)?;
    send(queues, call, &spec, &input.message).map(Value::Object)
}

fn send(queues: &Queues, call: &Call<'_>, spec: &Queue, input: &MessageInput) -> Result<Map<String, Value>, Refusal> {
    let delay = match input.delay_seconds {
        None => spec.delay,
        Some(seconds) => seconds_within("DelaySeconds", seconds, MAX_DELAY)?,
    };
    let trace_header = input.message_system_attributes.as_ref().and_then(|system| system.aws_trace_header.as_ref());
    let message = Outgoing {
        body: &input.message_body,
        attributes: &input.message_attributes,
        trace_header: trace_header.and_then(|attribute| attribute.string_value.as_deref()),
        sender: call.access_key,
    };
    let message_id = queues.inner.send(spec, &[message], delay)?.pop().unwrap_or_default();
    let mut output = Map::new();
    output.insert("MessageId".into(), json!(message_id));
    output.insert("MD5OfMessageBody".into(), json!(md5_of_body(&input.message_body)));
    if let Some(digest) = md5_of_attributes(&input.message_attributes) {
        output.insert("MD5OfMessageAttributes".into(), json!(digest));
    }
    if let Some(header) = trace_header
        && let Some(digest) =
            md5_of_attributes(&MessageAttributes::from([("AWSTraceHeader".to_owned(), header.clone())]))
    {
        output.insert("MD5OfMessageSystemAttributes".into(), json!(digest));
    }
    Ok(output)
}

/// Rejects a message that is empty or too long, or contains characters that SQS does not allow. Returns its size in
/// bytes.
pub(super) fn check_message(body: &str, attributes: &MessageAttributes) -> Result<usize, Refusal> {
    if body.is_empty() {
        return Err(Refusal::new("MissingParameterException", "The request must contain the parameter MessageBody.")
            .with_query_code("MissingParameter"));
    }
    let carried = |character: char| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    if !body.chars().all(carried) {
        return Err(Refusal::new("InvalidMessageContents", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
            .with_query_code("InvalidMessageContents"));
    }
    let size = body.len() + checked_size(attributes)?;
    if size > MAX_MESSAGE_SIZE {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {MAX_MESSAGE_SIZE} bytes."
        )));
    }
    Ok(size)
}

fn send_message_batch(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input = batch::<MessageInput>(call)?;
    // IAM has no separate action for the batch operation.
    let spec = permitted_queue(queues, call, &input.queue_url, "sqs:SendMessage")?;
    let sizes = input.entries.iter().map(|entry| {
        let message = &entry.input;
        message.message_body.len() + checked_size(&message.message_attributes).unwrap_or_default()
    });
    let total: usize = sizes.sum();
    if total > MAX_MESSAGE_SIZE {
        let message =
            format!("Batch requests cannot be longer than {MAX_MESSAGE_SIZE} bytes. You have sent {total} bytes.");
        return Err(
            Refusal::new("BatchRequestTooLong", message).with_query_code("AWS.SimpleQueueService.BatchRequestTooLong")
        );
    }
    each(&input.entries, |message| {
        check_message(&message.message_body, &message.message_attributes)?;
        send(queues, call, &spec, message)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveInput {
    queue_url: String,
    /// The older name of `message_system_attribute_names`.
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
}

async fn receive_message(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: ReceiveInput = call.input()?;
    let spec = permitted_queue(queues, call, &input.queue_url, "sqs:ReceiveMessage")?;
    let limit = usize::try_from(input.max_number_of_messages.unwrap_or(1)).unwrap_or_default();
    if !(1..=MAX_RECEIVED).contains(&limit) {
        return Err(invalid(
            "Value for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.".into(),
        ));
    }
    let visibility = match input.visibility_timeout {
        None => spec.visibility_timeout,
        Some(seconds) => seconds_within("VisibilityTimeout", seconds, MAX_VISIBILITY)?,
    };
    let wait = match input.wait_time_seconds {
        None => spec.receive_wait,
        Some(seconds) => seconds_within("WaitTimeSeconds", seconds, MAX_WAIT)?,
    };
    let system = [input.attribute_names, input.message_system_attribute_names].concat();
    let messages = queues.inner.receive(&spec, limit, visibility, wait).await?;
    if messages.is_empty() {
        return Ok(json!({}));
    }
    let written: Vec<Value> =
        messages.iter().map(|message| received(message, &system, &input.message_attribute_names)).collect();
    Ok(json!({ "Messages": written }))
}

fn received(message: &Incoming, system: &[String], wanted: &[String]) -> Value {
    let mut written = Map::new();
    written.insert("MessageId".into(), json!(message.message_id));
    written.insert("ReceiptHandle".into(), json!(message.receipt_handle));
    written.insert("MD5OfBody".into(), json!(md5_of_body(&message.body)));
    written.insert("Body".into(), json!(message.body));
    let mut about = system_attributes(message);
    if !system.iter().any(|name| name == "All") {
        about.retain(|name, _| system.contains(name));
    }
    if !about.is_empty() {
        written.insert("Attributes".into(), Value::Object(about));
    }
    let mut attributes = message.attributes.clone();
    attributes.retain(|name, _| wanted.iter().any(|wish| asks_for(wish, name)));
    if let Some(digest) = md5_of_attributes(&attributes) {
        written.insert("MD5OfMessageAttributes".into(), json!(digest));
        written.insert("MessageAttributes".into(), json!(attributes));
    }
    Value::Object(written)
}

/// Whether an entry of `MessageAttributeNames` (`All`, `.*`, `order.*` or a whole name) requests an attribute.
fn asks_for(wish: &str, name: &str) -> bool {
    match wish {
        "All" | ".*" => true,
        _ => wish.strip_suffix(".*").map_or(wish == name, |prefix| name.starts_with(prefix)),
    }
}

/// A message's system attributes, which a Lambda event has too.
pub(super) fn system_attributes(message: &Incoming) -> Map<String, Value> {
    let mut about = Map::new();
    about.insert("ApproximateReceiveCount".into(), json!(message.receives.to_string()));
    about.insert("SentTimestamp".into(), json!(message.sent_at.to_string()));
    about.insert("SenderId".into(), json!(message.sender));
    about.insert("ApproximateFirstReceiveTimestamp".into(), json!(message.first_received_at.to_string()));
    if let Some(header) = &message.trace_header {
        about.insert("AWSTraceHeader".into(), json!(header));
    }
    if let Some(origin) = &message.came_from {
        about.insert("DeadLetterQueueSourceArn".into(), json!(origin));
    }
    about
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PurgeInput {
    queue_url: String,
}

fn purge_queue(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: PurgeInput = call.input()?;
    let spec = permitted_queue(queues, call, &input.queue_url, "sqs:PurgeQueue")?;
    let now = queues.inner.clock.now();
    {
        let mut purged = queues.inner.purged_at.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if purged.get(&spec.name).is_some_and(|at| *at > (now - PURGE_INTERVAL).millis()) {
            let message = format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", spec.name);
            return Err(Refusal::new("PurgeQueueInProgress", message)
                .with_query_code("AWS.SimpleQueueService.PurgeQueueInProgress"));
        }
        purged.insert(spec.name.clone(), now.millis());
    }
    queues.inner.store.purge(&spec.name)?;
    queues.inner.changed.notify_waiters();
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MoveInput {
    source_arn: String,
    destination_arn: Option<String>,
}

/// Moves dead letters back to the queues they came from, or to one queue. Unlike in SQS, the move is complete when the
/// call returns.
fn start_message_move_task(queues: &Queues, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: MoveInput = call.input()?;
    for action in ["sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage"] {
        call.require(&queues.inner.permit, action, &input.source_arn)?;
    }
    let source = queue_of_arn(queues, &input.source_arn)?;
    let is_dead_letter_queue = {
        let specs = queues.inner.specs.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        specs.values().filter_map(|spec| spec.redrive.as_ref()).any(|redrive| redrive.dead_letters == source.name)
    };
    if !is_dead_letter_queue {
        return Err(invalid("Source queue must be configured as a Dead Letter Queue.".into()));
    }
    let routes: Vec<(Option<String>, String)> = match input.destination_arn {
        Some(destination) => vec![(None, destination)],
        // A message that was sent directly to the dead-letter queue has no origin and stays.
        None => {
            let origins = queues.inner.store.origins(&source.name)?;
            origins.into_iter().flatten().map(|origin| (Some(origin.clone()), origin)).collect()
        }
    };
    let mut destinations = Vec::new();
    for (origin, destination) in routes {
        call.require(&queues.inner.permit, "sqs:SendMessage", &destination)?;
        destinations.push((origin, queue_of_arn(queues, &destination)?));
    }
    let now = queues.inner.now();
    for (origin, destination) in destinations {
        let moved = queues.inner.store.move_back(&source.name, origin.as_deref(), &destination.name, now)?;
        queues.inner.arrived(&destination.name, usize::try_from(moved).unwrap_or(usize::MAX));
    }
    Ok(json!({ "TaskHandle": random_uuid() }))
}
