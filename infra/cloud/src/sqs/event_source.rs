//! The event source mapping between a queue and a function.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::attributes::{in_lambda_event, md5_of_attributes, md5_of_body};
use super::operations::system_attributes;
use super::store::{Incoming, Receipt};
use super::{Queue, QueueError, Queues};
use crate::account::REGION;

/// The longest poll that SQS allows.
const POLL: Duration = Duration::from_secs(20);
/// The pause after a failed read.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A mapping as the template describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The queue's name.
    pub queue: String,
    /// The most records in an event (`BatchSize`).
    pub batch_size: usize,
    /// Whether the function reports the records that failed (`ReportBatchItemFailures`). Otherwise any response that is
    /// not an error deletes the whole batch.
    pub reports_failures: bool,
    /// How many batches are handled at the same time (`MaximumConcurrency`); `None` leaves it to Lambda.
    pub max_concurrency: Option<usize>,
}

/// How many batches are handled at the same time when nothing is said, and at most: here all share one machine.
const CONCURRENCY: usize = 2;
const MAX_CONCURRENCY: usize = 4;

impl Mapping {
    /// A mapping with Lambda's default batch size and partial batch failures.
    pub fn of(queue: impl Into<String>) -> Self {
        Self { queue: queue.into(), batch_size: 10, reports_failures: true, max_concurrency: None }
    }
}

/// A running mapping. Dropping it stops receiving messages; [`EventSource::stop`] also waits for running batches.
pub struct EventSource {
    queue: String,
    phase: watch::Sender<Phase>,
    pollers: Vec<JoinHandle<()>>,
}

/// What the pollers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Receive,
    /// Finish the running batches and receive no more.
    Finish,
    /// Leave the messages of the running batches: they are visible again when their timeout ends. Not earlier, because
    /// a consumer may rely on it that nobody else gets a message until then.
    Abandon,
}

impl EventSource {
    /// Starts to receive batches and to pass each as a Lambda SQS event to `handler`, which returns the function's
    /// response or why it failed.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn start<H, F>(queues: &Queues, mapping: &Mapping, handler: H) -> Result<Self, QueueError>
    where
        H: Fn(Value) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, String>> + Send + 'static,
    {
        let spec = queues.spec(&mapping.queue)?;
        let (phase, follow) = watch::channel(Phase::Receive);
        let handler = Arc::new(handler);
        let concurrency = mapping.max_concurrency.unwrap_or(CONCURRENCY).clamp(1, MAX_CONCURRENCY);
        let pollers = (0..concurrency)
            .map(|_| {
                let poller = Poller { queues: queues.clone(), spec: spec.clone(), mapping: mapping.clone() };
                tokio::spawn(poller.run(follow.clone(), handler.clone()))
            })
            .collect();
        Ok(Self { queue: mapping.queue.clone(), phase, pollers })
    }

    /// Stops receiving messages, and waits up to `bound` for the running batches: one that takes longer is abandoned,
    /// and its messages are visible again after their timeout.
    pub async fn stop(mut self, bound: Duration) {
        self.phase.send_replace(Phase::Finish);
        let end = tokio::time::Instant::now() + bound;
        for poller in self.pollers.drain(..) {
            let mut poller = poller;
            let ended = match tokio::time::timeout_at(end, &mut poller).await {
                Ok(ended) => ended,
                Err(_) => {
                    self.phase.send_replace(Phase::Abandon);
                    poller.await
                }
            };
            if let Err(cause) = ended {
                tracing::error!(queue = self.queue, error = %cause, "a queue's poller panicked");
            }
        }
    }
}

impl Drop for EventSource {
    fn drop(&mut self) {
        // Not from abandoning back to finishing.
        self.phase.send_if_modified(|phase| {
            let receives = *phase == Phase::Receive;
            if receives {
                *phase = Phase::Finish;
            }
            receives
        });
    }
}

struct Poller {
    queues: Queues,
    spec: Arc<Queue>,
    mapping: Mapping,
}

impl Poller {
    async fn run<H, F>(self, mut phase: watch::Receiver<Phase>, handler: Arc<H>)
    where
        H: Fn(Value) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, String>> + Send + 'static,
    {
        loop {
            let messages = tokio::select! {
                biased;
                _ = phase.wait_for(|phase| *phase != Phase::Receive) => return,
                taken = self.batch() => taken,
            };
            match messages {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => self.handle(&messages, &*handler, &mut phase).await,
                Err(cause) => {
                    tracing::error!(queue = self.spec.name, error = %cause, "a queue could not be read");
                    let stopped = phase.wait_for(|phase| *phase != Phase::Receive);
                    let _elapsed = tokio::time::timeout(RETRY_PAUSE, stopped).await;
                }
            }
        }
    }

    /// Waits for messages and receives as many as are visible, up to the batch size.
    async fn batch(&self) -> rusqlite::Result<Vec<Incoming>> {
        let (inner, spec) = (&self.queues.inner, &*self.spec);
        let size = self.mapping.batch_size.max(1);
        let mut messages = inner.receive(spec, size.min(10), spec.visibility_timeout, POLL).await?;
        // A receive that was not filled has emptied the queue.
        let mut is_filled = messages.len() == size.min(10);
        while is_filled && messages.len() < size {
            let limit = (size - messages.len()).min(10);
            let more = inner.take(spec, limit, spec.visibility_timeout, &messages)?;
            is_filled = more.len() == limit;
            messages.extend(more);
        }
        Ok(messages)
    }

    async fn handle<H, F>(&self, messages: &[Incoming], handler: &H, phase: &mut watch::Receiver<Phase>)
    where
        H: Fn(Value) -> F,
        F: Future<Output = Result<Value, String>> + Send + 'static,
    {
        let event = event(&self.spec.name, messages);
        // In a task of its own, so that a panic in a handler fails one batch instead of ending the poller.
        let mut running = tokio::spawn(handler(event));
        let ended = tokio::select! {
            ended = &mut running => Some(ended),
            Ok(_) = phase.wait_for(|phase| *phase == Phase::Abandon) => None,
        };
        let Some(ended) = ended else {
            running.abort();
            let _aborted = running.await;
            tracing::warn!(queue = self.spec.name, "a batch takes too long, and is handled again after the next start");
            return;
        };
        let answer = match ended {
            Ok(answer) => answer,
            Err(cause) => Err(cause.to_string()),
        };
        let failed = match answer {
            Ok(answer) if self.mapping.reports_failures => failures(&answer, messages),
            Ok(_) => Failed::These(BTreeSet::new()),
            Err(cause) => {
                tracing::warn!(queue = self.spec.name, error = cause, "a function failed on a batch");
                Failed::All
            }
        };
        let mut handled = Vec::with_capacity(messages.len());
        for message in messages {
            if failed.has(&message.message_id) {
                self.queues.inner.failed().insert(message.id);
            } else {
                handled.extend(Receipt::read(&self.spec.name, &message.receipt_handle));
            }
        }
        if !handled.is_empty()
            && let Err(cause) = self.queues.inner.store.delete(&self.spec.name, &handled)
        {
            tracing::error!(queue = self.spec.name, error = %cause, "handled messages could not be deleted");
        }
        self.queues.inner.changed.notify_waiters();
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Failed {
    All,
    These(BTreeSet<String>),
}

impl Failed {
    fn has(&self, message_id: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(message_id),
        }
    }
}

/// Reads `batchItemFailures` as Lambda does: absent, null or empty means none; a malformed response, or an identifier
/// that is empty or unknown, means all
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>).
fn failures(answer: &Value, messages: &[Incoming]) -> Failed {
    let listed = match answer {
        Value::Null => return Failed::These(BTreeSet::new()),
        Value::Object(fields) => fields.get("batchItemFailures"),
        _ => return Failed::All,
    };
    let items = match listed {
        None | Some(Value::Null) => return Failed::These(BTreeSet::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Failed::All,
    };
    let mut failed = BTreeSet::new();
    for item in items {
        match item.get("itemIdentifier").and_then(Value::as_str) {
            Some(id) if messages.iter().any(|message| message.message_id == id) => failed.insert(id.to_owned()),
            _ => return Failed::All,
        };
    }
    Failed::These(failed)
}

fn event(queue: &str, messages: &[Incoming]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "messageId": message.message_id,
                "receiptHandle": message.receipt_handle,
                "body": message.body,
                "attributes": system_attributes(message),
                "messageAttributes": in_lambda_event(&message.attributes),
                "md5OfBody": md5_of_body(&message.body),
                "md5OfMessageAttributes": md5_of_attributes(&message.attributes),
                "eventSource": "aws:sqs",
                "eventSourceARN": Queues::arn(queue),
                "awsRegion": REGION,
            })
        })
        .collect();
    json!({ "Records": records })
}
