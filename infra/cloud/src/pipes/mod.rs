//! The readers of the tables' streams: pipes to queues, and event source mappings to functions.
//!
//! Each stores its checkpoint in the tables' database and advances it only after delivery. So delivery is at least
//! once: a kill at any moment loses no record, and may repeat those that were being delivered.

mod dead_letter;
mod function;
mod pattern;
mod queue;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use pattern::{Filter, PatternError};

use crate::clock::Clock;
use crate::dynamodb::{Consumer, Endpoint, OpenError, Start, StreamRecord};
use function::ToFunction;
use queue::ToQueue;

const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// The future that a [`Sink`] or a [`Handler`] returns.
pub type Delivering<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

/// A queue to deliver to. A closure from message bodies to a future is a sink.
pub trait Sink: Send + Sync + 'static {
    /// Sends these messages, at most [`Source::batch_size`] of them. Fails unless all are sent.
    fn send(&self, bodies: Vec<String>) -> Delivering<()>;
}

impl<F, Sending> Sink for F
where
    F: Fn(Vec<String>) -> Sending + Send + Sync + 'static,
    Sending: Future<Output = Result<(), String>> + Send + 'static,
{
    fn send(&self, bodies: Vec<String>) -> Delivering<()> {
        Box::pin(self(bodies))
    }
}

/// A function to invoke. A closure from an event to a future is a handler.
pub trait Handler: Send + Sync + 'static {
    /// Invokes the function with a DynamoDB event; its response may contain `batchItemFailures`.
    fn invoke(&self, event: Value) -> Delivering<Value>;
}

impl<F, Invoking> Handler for F
where
    F: Fn(Value) -> Invoking + Send + Sync + 'static,
    Invoking: Future<Output = Result<Value, String>> + Send + 'static,
{
    fn invoke(&self, event: Value) -> Delivering<Value> {
        Box::pin(self(event))
    }
}

/// What is read from a stream, and how its delivery is retried.
#[derive(Clone, Debug)]
pub struct Source {
    /// The pipe's or the function's name, under which the checkpoint is stored.
    pub name: String,
    pub table: String,
    /// Where a reader without a checkpoint begins.
    pub start: Start,
    /// Which records are delivered.
    pub filter: Filter,
    /// The most records delivered at once; for a queue at most 10.
    pub batch_size: usize,
    /// How often a delivery is retried before it is given up; None is without end.
    pub retries: Option<u32>,
    /// The backoff before the second attempt. It doubles with each further one, up to 10 seconds.
    pub backoff: Duration,
}

/// A running reader of a stream. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What a running reader needs besides its consumer and target.
struct Context {
    source: Source,
    dead_letters: Option<Arc<dyn Sink>>,
    clock: Clock,
}

enum Target {
    Queue(ToQueue),
    Function(ToFunction),
}

/// Starts a pipe to a queue.
pub fn to_queue(
    endpoint: &Arc<Endpoint>,
    source: Source,
    sink: Arc<dyn Sink>,
    dead_letters: Option<Arc<dyn Sink>>,
    clock: Clock,
) -> Result<Running, OpenError> {
    start(endpoint, Context { source, dead_letters, clock }, Target::Queue(ToQueue { sink }))
}

/// Starts an event source mapping to a function; `bisect` splits a batch that fails.
pub fn to_function(
    endpoint: &Arc<Endpoint>,
    source: Source,
    handler: Arc<dyn Handler>,
    bisect: bool,
    dead_letters: Option<Arc<dyn Sink>>,
    clock: Clock,
) -> Result<Running, OpenError> {
    start(endpoint, Context { source, dead_letters, clock }, Target::Function(ToFunction { handler, bisect }))
}

fn start(endpoint: &Arc<Endpoint>, context: Context, target: Target) -> Result<Running, OpenError> {
    let consumer = endpoint.consumer(&context.source.name, &context.source.table, context.source.start)?;
    let (stop, stopped) = watch::channel(false);
    Ok(Running { stop, task: tokio::spawn(work(context, target, consumer, stopped)) })
}

async fn work(context: Context, target: Target, mut consumer: Consumer, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow_and_update() {
        match step(&context, &target, &mut consumer).await {
            Ok(true) => {}
            Ok(false) => tokio::select! {
                () = consumer.changed() => {}
                _ = stopped.changed() => {}
            },
            Err(error) => {
                tracing::error!(source.name = context.source.name, error = %error, "A stream could not be read.");
                tokio::time::sleep(MAX_BACKOFF).await;
            }
        }
    }
}

/// Delivers the next records. False when there are none.
async fn step(context: &Context, target: &Target, consumer: &mut Consumer) -> Result<bool, OpenError> {
    let records: Vec<StreamRecord> = consumer.next(context.source.batch_size.max(1))?;
    match target {
        Target::Queue(queue) => queue.deliver(context, consumer, &records).await?,
        Target::Function(function) => function.deliver(context, consumer, &records).await?,
    }
    Ok(!records.is_empty())
}

impl Context {
    fn gives_up_after(&self, attempts: u32) -> bool {
        self.source.retries.is_some_and(|retries| attempts > retries)
    }

    async fn backoff(&self, attempts: u32) {
        let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
        tokio::time::sleep(self.source.backoff.saturating_mul(factor).min(MAX_BACKOFF)).await;
    }

    /// Sends a dead letter. Blocks the reader until that succeeds; otherwise the records would be lost without a trace.
    async fn send_dead_letter(&self, message: String) {
        let Some(dead_letters) = &self.dead_letters else {
            tracing::error!(source.name = self.source.name, "Records were given up and there is no dead-letter queue.");
            return;
        };
        let mut attempts = 0;
        while let Err(error) = dead_letters.send(vec![message.clone()]).await {
            tracing::error!(source.name = self.source.name, error = %error, "A dead letter could not be sent.");
            attempts += 1;
            self.backoff(attempts).await;
        }
    }
}

impl Running {
    /// Stops after the current delivery, and waits for it.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // An error means that the task has panicked, so it has ended as well.
        let _ = (&mut self.task).await;
    }

    /// Stops at once, even during a delivery, as a crash would.
    pub async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
