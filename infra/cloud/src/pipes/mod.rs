//! The readers of the tables' streams: pipes to queues, and event source mappings to functions.
//!
//! Each reads the shards of its stream side by side. It stores its position in each in the tables' database and
//! advances it only after delivery. So delivery is at least once: a kill at any moment loses no record, and may repeat
//! those that were being delivered.

mod batch;
mod dead_letter;
mod pattern;
mod target;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use pattern::{Filter, PatternError};

use crate::clock::Clock;
use crate::dynamodb::{Consumer, Endpoint, OpenError, Start};
use target::Target;

/// The usual backoff before the second attempt of a delivery.
pub const BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// The future that a [`Sink`] or a [`Handler`] returns.
pub type Delivering<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

/// A queue to deliver to. A closure from message bodies to a future is a sink.
pub trait Sink: Send + Sync + 'static {
    /// Sends these messages, at most [`Source::batch_size`] of them, and returns the indices of those that the queue
    /// refused. After an error all of them are sent again, so some may arrive twice, as from SQS itself.
    fn send(&self, bodies: Vec<String>) -> Delivering<Vec<usize>>;
}

impl<F, Sending> Sink for F
where
    F: Fn(Vec<String>) -> Sending + Send + Sync + 'static,
    Sending: Future<Output = Result<Vec<usize>, String>> + Send + 'static,
{
    fn send(&self, bodies: Vec<String>) -> Delivering<Vec<usize>> {
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
#[derive(Clone, Debug, PartialEq)]
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
    /// Whether a batch that fails is halved.
    pub bisect: bool,
    /// How often a delivery is retried before it is given up; None is without end.
    pub retries: Option<u32>,
    /// The age, by the cloud's clock, at which a record is given up; None is without end.
    pub max_age: Option<Duration>,
    /// The backoff before the second attempt. It doubles with each further one, up to 10 seconds.
    pub backoff: Duration,
}

/// A running reader of a stream. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    name: String,
    stop: watch::Sender<bool>,
    shards: Vec<JoinHandle<()>>,
}

/// What the readers of all shards share.
struct Context {
    source: Source,
    dead_letters: Option<Arc<dyn Sink>>,
    clock: Clock,
}

/// Starts a pipe to a queue.
pub fn to_queue(
    endpoint: &Arc<Endpoint>,
    source: Source,
    sink: Arc<dyn Sink>,
    dead_letters: Option<Arc<dyn Sink>>,
    clock: Clock,
) -> Result<Running, OpenError> {
    start(endpoint, Context { source, dead_letters, clock }, Target::Queue(sink))
}

/// Starts an event source mapping to a function.
pub fn to_function(
    endpoint: &Arc<Endpoint>,
    source: Source,
    handler: Arc<dyn Handler>,
    dead_letters: Option<Arc<dyn Sink>>,
    clock: Clock,
) -> Result<Running, OpenError> {
    start(endpoint, Context { source, dead_letters, clock }, Target::Function(handler))
}

fn start(endpoint: &Arc<Endpoint>, context: Context, target: Target) -> Result<Running, OpenError> {
    let consumers = endpoint.consumers(&context.source.name, &context.source.table, context.source.start)?;
    let (stop, stopped) = watch::channel(false);
    let name = context.source.name.clone();
    let (context, target) = (Arc::new(context), Arc::new(target));
    let read = |consumer| tokio::spawn(work(Arc::clone(&context), Arc::clone(&target), consumer, stopped.clone()));
    Ok(Running { name, stop, shards: consumers.into_iter().map(read).collect() })
}

async fn work(context: Arc<Context>, target: Arc<Target>, mut consumer: Consumer, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow_and_update() {
        match step(&context, &target, &mut consumer, &mut stopped).await {
            Ok(true) => {}
            Ok(false) => tokio::select! {
                () = consumer.changed() => {}
                _ = stopped.changed() => {}
            },
            Err(error) => {
                tracing::error!(source.name = context.source.name, error = %error, "A stream could not be read.");
                batch::pause(MAX_BACKOFF, &mut stopped).await;
            }
        }
    }
}

/// Delivers the next records. False when there are none.
async fn step(
    context: &Context,
    target: &Target,
    consumer: &mut Consumer,
    stopped: &mut watch::Receiver<bool>,
) -> Result<bool, OpenError> {
    let records = consumer.next(context.source.batch_size.max(1))?;
    let found = !records.is_empty();
    batch::deliver(context, target, consumer, records, stopped).await?;
    Ok(found)
}

impl Running {
    /// Takes no further records, and waits up to `bound` for the deliveries that are running: one that takes longer is
    /// abandoned, and its records are delivered after the next start.
    pub async fn stop(mut self, bound: Duration) {
        self.stop.send_replace(true);
        let end = tokio::time::Instant::now() + bound;
        for shard in &mut self.shards {
            // An error means that the task has panicked, so it has ended as well.
            if tokio::time::timeout_at(end, &mut *shard).await.is_err() {
                tracing::warn!(
                    source.name = self.name,
                    "A delivery takes too long, and is repeated after the next start."
                );
                shard.abort();
                let _ = shard.await;
            }
        }
    }

    /// Stops at once, even during a delivery, as a crash would.
    pub async fn kill(mut self) {
        for shard in &mut self.shards {
            shard.abort();
            let _ = shard.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shards.iter().for_each(JoinHandle::abort);
    }
}

#[cfg(test)]
mod tests;
