//! Lambda's event source mapping from a stream to a function.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Context, Handler, dead_letter};
use crate::dynamodb::{Consumer, OpenError, StreamRecord};

/// Invokes a function with batches of the records that pass the filter.
pub(super) struct ToFunction {
    pub(super) handler: Arc<dyn Handler>,
    /// Whether a batch that fails is split in two (`BisectBatchOnFunctionError`).
    pub(super) bisect: bool,
}

/// A part of a batch that is still to be processed.
struct Part {
    records: Vec<StreamRecord>,
    attempts: u32,
}

impl ToFunction {
    /// Invokes the function until each of these records is processed or given up.
    ///
    /// A failed record is retried before any later record is processed, so that the order is kept. Splitting a batch
    /// does not count as an attempt, as in Lambda.
    pub(super) async fn deliver(
        &self,
        context: &Context,
        consumer: &mut Consumer,
        records: &[StreamRecord],
    ) -> Result<(), OpenError> {
        let Some(last) = records.last().map(|record| record.position) else { return Ok(()) };
        let passing: Vec<StreamRecord> =
            records.iter().filter(|record| context.source.filter.passes(&record.event)).cloned().collect();
        let mut parts = vec![Part { records: passing, attempts: 0 }];
        while let Some(Part { mut records, attempts }) = parts.pop() {
            if records.is_empty() {
                continue;
            }
            let done = self.invoke(context, &records).await;
            let left = records.split_off(done.min(records.len()));
            if let Some(done) = records.last() {
                consumer.commit(done.position)?;
                // The next record was not the first of a batch before, so its attempts start at zero.
                parts.push(Part { records: left, attempts: 0 });
                continue;
            }
            if self.bisect && left.len() > 1 {
                let mut first = left;
                let second = first.split_off(first.len() / 2);
                parts.push(Part { records: second, attempts });
                parts.push(Part { records: first, attempts });
                continue;
            }
            let attempts = attempts + 1;
            if context.gives_up_after(attempts) {
                let arn = consumer.stream_arn()?;
                let (table, now) = (consumer.table(), context.clock.now());
                let message = dead_letter::of_function(&context.source.name, attempts, table, &arn, &left, now);
                context.send_dead_letter(message).await;
                if let Some(given_up) = left.last() {
                    consumer.commit(given_up.position)?;
                }
                continue;
            }
            context.backoff(attempts).await;
            parts.push(Part { records: left, attempts });
        }
        consumer.commit(last)
    }

    /// How many of these records the function has processed before the first that failed.
    async fn invoke(&self, context: &Context, records: &[StreamRecord]) -> usize {
        let events: Vec<&Value> = records.iter().map(|record| &record.event).collect();
        let answer = match self.handler.invoke(json!({ "Records": events })).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(function.name = context.source.name, error = %error, "A function failed on a batch.");
                return 0;
            }
        };
        let failures = answer.get("batchItemFailures").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let position_of = |failure: &Value| {
            let failed = failure.get("itemIdentifier")?.as_str()?;
            let is_it =
                |event: &&Value| event.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str) == Some(failed);
            events.iter().position(is_it)
        };
        // An unknown identifier fails the whole batch, as in Lambda.
        failures.iter().map(|failure| position_of(failure).unwrap_or(0)).min().unwrap_or(records.len())
    }
}
