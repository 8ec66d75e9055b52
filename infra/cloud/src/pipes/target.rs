//! One attempt to deliver a batch: to a queue as EventBridge Pipes does, or to a function as Lambda's event source
//! mapping does.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Context, Handler, Sink};
use crate::dynamodb::StreamRecord;

pub(super) enum Target {
    Queue(Arc<dyn Sink>),
    Function(Arc<dyn Handler>),
}

impl Target {
    /// The records that are still to be delivered after an attempt, in their order.
    pub(super) async fn attempt(&self, context: &Context, records: &[StreamRecord]) -> Vec<StreamRecord> {
        match self {
            Self::Queue(sink) => send(context, &**sink, records).await,
            Self::Function(handler) => invoke(context, &**handler, records).await,
        }
    }
}

/// Sends each record as one message. When the queue takes only a part of the batch, a pipe retries what is left of it
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html>).
async fn send(context: &Context, sink: &dyn Sink, records: &[StreamRecord]) -> Vec<StreamRecord> {
    let bodies = records.iter().map(|record| record.event.to_string()).collect();
    let refused = match sink.send(bodies).await {
        Ok(refused) => refused,
        Err(error) => {
            tracing::warn!(pipe.name = context.source.name, error = %error, "A pipe could not deliver to its queue.");
            return records.to_vec();
        }
    };
    refused.into_iter().filter_map(|index| records.get(index).cloned()).collect()
}

/// Invokes a function with the records. What it processed before the first that failed is done.
async fn invoke(context: &Context, handler: &dyn Handler, records: &[StreamRecord]) -> Vec<StreamRecord> {
    let events: Vec<&Value> = records.iter().map(|record| &record.event).collect();
    let answer = match handler.invoke(json!({ "Records": events })).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(function.name = context.source.name, error = %error, "A function failed on a batch.");
            return records.to_vec();
        }
    };
    let failures = answer.get("batchItemFailures").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let position_of = |failure: &Value| {
        let failed = failure.get("itemIdentifier")?.as_str()?;
        let is_it = |event: &&Value| event.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str) == Some(failed);
        events.iter().position(is_it)
    };
    // An unknown identifier fails the whole batch, and of several the lowest is where the batch goes on
    // (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
    let done = failures.iter().map(|failure| position_of(failure).unwrap_or(0)).min().unwrap_or(records.len());
    records.get(done..).unwrap_or_default().to_vec()
}
