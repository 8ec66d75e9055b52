//! Functions that consume queues, streams and schedules, and that a user pool asks. In Lambda they run until the
//! execution environment ends; in process the local cloud passes the same event and gets the same answer.

use std::collections::BTreeMap;
use std::error::Error;

use domain::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::{Fatal, StreamRecord, trace};

/// A message of an SQS queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueMessage {
    /// The queue's id of the message: the same whenever it is delivered again.
    pub message_id: String,
    pub body: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

impl QueueMessage {
    /// The body as JSON.
    ///
    /// # Errors
    /// When the body is not JSON of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.body)
    }

    /// How often the message has been delivered, this time included.
    pub fn deliveries(&self) -> u32 {
        self.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
    }
}

/// An event of a schedule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tick {
    /// Which of the function's tasks is due, when the schedule's input names one: `{"task":"…"}`.
    pub task: Option<String>,
}

/// What a user pool asks.
#[derive(Clone, Debug, Deserialize)]
pub struct UserPoolEvent {
    /// The trigger and why it was called, such as `TokenGeneration_Authentication`.
    #[serde(rename = "triggerSource")]
    pub source: String,
    pub request: Value,
}

impl UserPoolEvent {
    /// The trigger: what the source has before the underscore.
    pub fn trigger(&self) -> &str {
        self.source.split('_').next().unwrap_or_default()
    }
}

/// Why an event was not processed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EventError {
    /// It is not an event of this kind.
    #[error("not an event of this kind: {0}")]
    Unreadable(String),
    /// The work failed; the log has the cause.
    #[error("the scheduled work failed")]
    Failed,
    /// A question of a user pool that has no answer. The pool repeats this to its caller.
    #[error("{0}")]
    Unanswered(String),
}

#[derive(Deserialize)]
struct Batch<Record> {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

/// Lambda's partial batch response: the items that it is to deliver again.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchResponse {
    batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

impl BatchResponse {
    fn failed(&mut self, item_identifier: String) {
        self.batch_item_failures.push(BatchItemFailure { item_identifier });
    }

    fn written(&self) -> Result<String, EventError> {
        serde_json::to_string(self).map_err(|error| EventError::Unreadable(error.to_string()))
    }
}

fn read<T: DeserializeOwned>(event: &str) -> Result<T, EventError> {
    serde_json::from_str(event).map_err(|error| EventError::Unreadable(error.to_string()))
}

/// Why a message is to be delivered again.
pub trait MessageError: Error {
    /// Whether it is part of normal work, such as a copy of a message that another invocation holds. An error that is
    /// not is logged as a warning.
    fn is_expected(&self) -> bool;
}

/// Logs a failure once, with its chain of causes. As a warning: it is tried again, and what fails in all attempts is a
/// dead letter, or a run of housekeeping that is missed, which have alarms of their own.
fn log_failure(item: &str, error: &dyn Error) {
    let mut cause = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        cause.push_str(": ");
        cause.push_str(&source.to_string());
        next = source.source();
    }
    tracing::warn!(item, cause, "an event was not processed and will be delivered again");
}

// Handlers' futures are boxed: nested in the future of the loop, they exceed the depth to which the compiler computes
// layouts.

/// Passes the messages of an SQS event to a handler one after another. Returns those that failed, so that only they are
/// delivered again.
///
/// # Errors
/// When the event is not an SQS event.
pub async fn queue_batch<App, F, E>(app: &App, event: &str, now: Timestamp, handler: &F) -> Result<String, EventError>
where
    F: AsyncFn(&App, &QueueMessage, Timestamp) -> Result<(), E>,
    E: MessageError,
{
    let batch: Batch<QueueMessage> = read(event)?;
    let mut answer = BatchResponse::default();
    for message in batch.records {
        if let Err(error) = Box::pin(handler(app, &message, now)).await {
            if error.is_expected() {
                tracing::info!(item = message.message_id, cause = %error, "a message will be delivered again");
            } else {
                log_failure(&message.message_id, &error);
            }
            answer.failed(message.message_id);
        }
    }
    answer.written()
}

/// Passes the changes of a stream event to a handler in their order, and stops at the first that fails: Lambda delivers
/// that one and all after it again.
///
/// # Errors
/// When the event is not a DynamoDB stream event.
pub async fn stream_batch<App, F, E>(app: &App, event: &str, now: Timestamp, handler: &F) -> Result<String, EventError>
where
    F: AsyncFn(&App, &StreamRecord, Timestamp) -> Result<(), E>,
    E: Error,
{
    let batch: Batch<StreamRecord> = read(event)?;
    let mut answer = BatchResponse::default();
    for record in batch.records {
        if let Err(error) = Box::pin(handler(app, &record, now)).await {
            log_failure(&record.id, &error);
            answer.failed(record.sequence_number().to_owned());
            break;
        }
    }
    answer.written()
}

/// Runs scheduled work. The answer is JSON `null`.
///
/// # Errors
/// When the event is not a JSON object, or the work fails: Lambda retries it.
pub async fn schedule_tick<App, F, E>(app: &App, event: &str, now: Timestamp, handler: &F) -> Result<String, EventError>
where
    F: AsyncFn(&App, &Tick, Timestamp) -> Result<(), E>,
    E: Error,
{
    let tick: Tick = read(event)?;
    match Box::pin(handler(app, &tick, now)).await {
        Ok(()) => Ok("null".to_owned()),
        Err(error) => {
            log_failure(tick.task.as_deref().unwrap_or("schedule"), &error);
            Err(EventError::Failed)
        }
    }
}

/// Answers a question of a user pool: with the event, in which the handler's answer is the `response`.
///
/// # Errors
/// When the event is not a question of a user pool, or has no answer.
pub async fn user_pool_trigger<App, F, E>(
    app: &App,
    event: &str,
    now: Timestamp,
    handler: &F,
) -> Result<String, EventError>
where
    F: AsyncFn(&App, &UserPoolEvent, Timestamp) -> Result<Value, E>,
    E: Error,
{
    let asked: UserPoolEvent = read(event)?;
    let mut answered: Map<String, Value> = read(event)?;
    let response = Box::pin(handler(app, &asked, now)).await.map_err(|error| {
        tracing::warn!(item = asked.source, cause = %error, "a question of the user pool was not answered");
        EventError::Unanswered(error.to_string())
    })?;
    answered.insert("response".to_owned(), response);
    serde_json::to_string(&answered).map_err(|error| EventError::Unreadable(error.to_string()))
}

/// Consumes a queue in Lambda.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn consume_queue<App, F, E>(app: App, handler: F) -> Result<(), Fatal>
where
    F: AsyncFn(&App, &QueueMessage, Timestamp) -> Result<(), E>,
    E: MessageError,
{
    run(async |event: &str, now| queue_batch(&app, event, now, &handler).await).await
}

/// Consumes a DynamoDB stream in Lambda.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn consume_stream<App, F, E>(app: App, handler: F) -> Result<(), Fatal>
where
    F: AsyncFn(&App, &StreamRecord, Timestamp) -> Result<(), E>,
    E: Error,
{
    run(async |event: &str, now| stream_batch(&app, event, now, &handler).await).await
}

/// Runs scheduled work in Lambda.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn consume_schedule<App, F, E>(app: App, handler: F) -> Result<(), Fatal>
where
    F: AsyncFn(&App, &Tick, Timestamp) -> Result<(), E>,
    E: Error,
{
    run(async |event: &str, now| schedule_tick(&app, event, now, &handler).await).await
}

/// Answers the questions of a user pool in Lambda.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn answer_user_pool<App, F, E>(app: App, handler: F) -> Result<(), Fatal>
where
    F: AsyncFn(&App, &UserPoolEvent, Timestamp) -> Result<Value, E>,
    E: Error,
{
    run(async |event: &str, now| user_pool_trigger(&app, event, now, &handler).await).await
}

async fn run(deliver: impl AsyncFn(&str, Timestamp) -> Result<String, EventError>) -> Result<(), Fatal> {
    let deliver = &deliver;
    let service = service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        let LambdaEvent { payload, context } = event;
        let custom = context.client_context.as_ref().map(|client| &client.custom);
        let now = now(custom.and_then(|custom| custom.get("now")).map(String::as_str));
        let answer = trace::scope(context.xray_trace_id, deliver(payload.get(), now)).await?;
        RawValue::from_string(answer).map_err(lambda_runtime::Error::from)
    });
    lambda_runtime::run(service).await.map_err(Fatal::new)
}

/// The time of an invocation. The local cloud, whose clock can be moved, passes its time in the client context. This
/// gives no caller more rights: whoever may invoke the function directly can make up the whole event.
fn now(said: Option<&str>) -> Timestamp {
    said.and_then(Timestamp::parse).unwrap_or_else(wall_clock)
}

#[expect(clippy::disallowed_methods, reason = "an event carries no time: this is where consumers get it")]
fn wall_clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[path = "consume_tests.rs"]
mod tests;
