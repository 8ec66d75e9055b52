//! SQS queues on SQLite: visibility timeout, delay, long polling, dead-letter queues, limits.
//!
//! [`Queues::call`] serves the protocol of the SDKs; [`Queues::send`] and [`EventSource`] give the other services of
//! the embedded cloud access to the same queues.

mod attributes;
mod batch;
mod event_source;
mod inside;
#[cfg(test)]
pub(crate) mod loopback;
mod operations;
mod queue;
mod receipts;
mod request;
mod store;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::faults::{Faults, Kind};
use crate::time::Timestamp;

pub use attributes::{MessageAttribute, MessageAttributes};
pub use event_source::{EventSource, Mapping};
pub use queue::{Queue, Redrive};
pub use store::Depth;
use store::{DeadLetters, Disturbance, Incoming, Outgoing, Store, Taking};
pub use wire::Permit;
use wire::{Call, Refusal};

use crate::account::{ACCOUNT, REGION};

/// The longest message, attributes included, and the longest batch, in bytes
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>).
const MAX_MESSAGE_SIZE: usize = 1024 * 1024;

/// How often a waiting receiver looks when the next message becomes visible, of which another may have learned.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How often [`Queues::drained`] looks whether messages have passed their retention, which wakes no one.
const DRAIN_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long [`Queues::drained`] waits at most, in real time.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

/// How much later, by the embedded cloud's clock, messages come that the fault `disorder` passed over.
pub const DISORDER_DELAY: Duration = Duration::from_secs(10);

/// A queue can be purged once per interval.
const PURGE_INTERVAL: Duration = Duration::from_mins(1);

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Why an operation on queues failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    #[error("queue {queue} sends its dead letters to {dead_letter_name}, which does not exist")]
    NoDeadLetterQueue {
        /// The queue with the redrive policy.
        queue: String,
        dead_letter_name: String,
    },
    #[error("there is no queue {0}")]
    NoSuchQueue(String),
    /// Visible messages stayed longer than [`Queues::drained`] waits.
    #[error("the messages of queue {0} are not consumed")]
    NotDrained(String),
    /// SQS would reject the message.
    #[error("queue {queue} rejects the message: {reason}")]
    Refused {
        queue: String,
        /// The message of SQS's error.
        reason: String,
    },
    #[error("the queues' database failed")]
    Storage(#[from] rusqlite::Error),
}

/// All queues of an embedded cloud. Clones share them.
#[derive(Clone)]
pub struct Queues {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    permit: Permit,
    faults: Faults,
    base_url: String,
    specs: RwLock<BTreeMap<String, Arc<Queue>>>,
    purged_at: Mutex<BTreeMap<String, i64>>,
    /// The messages that a function failed on, until they are received again.
    failed: Mutex<BTreeSet<i64>>,
    /// The messages that have met a fault of delivery, and the copies that it made: each meets one, so that a fault of
    /// every delivery neither copies copies nor withholds a message for ever.
    disturbed: Mutex<BTreeSet<i64>>,
    /// Notified whenever a message is sent, deleted or moved, or its visibility changes.
    changed: Notify,
    arrivals: Mutex<BTreeMap<String, Arc<Arrival>>>,
}

/// What the receivers of a queue wait for.
struct Arrival {
    /// Notified once for each message that may have become visible, so that each wakes one receiver.
    message: Notify,
    /// When the next message becomes visible, as the last receiver has found it.
    due: AtomicI64,
}

impl Queues {
    /// Opens the queues stored in the SQLite file `path`, or in memory. Queue URLs begin with `base_url`, such as
    /// `http://localhost:3000/_aws/sqs`.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(
        path: Option<&Path>,
        clock: Clock,
        permit: Permit,
        faults: Faults,
        base_url: &str,
    ) -> Result<Self, QueueError> {
        Ok(Self {
            inner: Arc::new(Inner {
                store: Store::open(path)?,
                clock,
                permit,
                faults,
                base_url: base_url.trim_end_matches('/').to_owned(),
                specs: RwLock::default(),
                purged_at: Mutex::default(),
                failed: Mutex::default(),
                disturbed: Mutex::default(),
                changed: Notify::new(),
                arrivals: Mutex::default(),
            }),
        })
    }

    /// Creates the queues. An existing one keeps its messages and gets the new settings.
    ///
    /// # Errors
    /// When a dead-letter queue neither exists nor is among the specs.
    pub fn create(&self, specs: Vec<Queue>) -> Result<(), QueueError> {
        let mut known = self.inner.specs.write().unwrap_or_else(PoisonError::into_inner);
        let mut all = known.clone();
        all.extend(specs.into_iter().map(|spec| (spec.name.clone(), Arc::new(spec))));
        for spec in all.values() {
            if let Some(redrive) = &spec.redrive
                && !all.contains_key(&redrive.dead_letters)
            {
                return Err(QueueError::NoDeadLetterQueue {
                    queue: spec.name.clone(),
                    dead_letter_name: redrive.dead_letters.clone(),
                });
            }
        }
        *known = all;
        Ok(())
    }

    pub fn arn(name: &str) -> String {
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
    }

    pub fn url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT}/{name}", self.inner.base_url)
    }

    /// Serves one SDK request.
    pub async fn call(&self, parts: Parts, body: Bytes) -> Response<Bytes> {
        let answered = match Call::read(&parts, &body, "AmazonSQS") {
            Ok(call) => operations::answer(self, &call).await,
            Err(refusal) => Err(refusal),
        };
        match answered {
            Ok(output) => wire::json_response(StatusCode::OK, CONTENT_TYPE, &output),
            Err(refusal) => refusal.response(CONTENT_TYPE),
        }
    }

    /// Sends a message from inside the cloud, as pipes and bucket notifications do, and returns its id.
    ///
    /// # Errors
    /// When there is no such queue, SQS would reject the message, or storage fails.
    pub fn send(&self, queue: &str, body: &str, attributes: &MessageAttributes) -> Result<String, QueueError> {
        let spec = self.spec(queue)?;
        let refused = |refusal: Refusal| QueueError::Refused { queue: queue.to_owned(), reason: refusal.message };
        operations::check_message(body, attributes).map_err(refused)?;
        let message = Outgoing { body, attributes, trace_header: None, sender: ACCOUNT };
        Ok(self.inner.send(&spec, &[message], spec.delay)?.pop().unwrap_or_default())
    }

    /// How many messages a queue holds.
    ///
    /// # Errors
    /// When there is no such queue, or storage fails.
    pub fn depth(&self, queue: &str) -> Result<Depth, QueueError> {
        let spec = self.spec(queue)?;
        Ok(self.inner.depth(&spec)?)
    }

    /// Waits until a queue has no visible message and none is being handled. Does not wait for a message that a
    /// function failed on: it stays hidden until the end of its visibility timeout, which a frozen clock may never
    /// reach.
    ///
    /// # Errors
    /// When there is no such queue, storage fails, or the messages are not consumed within a minute.
    pub async fn drained(&self, queue: &str) -> Result<(), QueueError> {
        let spec = self.spec(queue)?;
        let stop = tokio::time::Instant::now() + DRAIN_TIMEOUT;
        while tokio::time::Instant::now() < stop {
            let mut changed = std::pin::pin!(self.inner.changed.notified());
            changed.as_mut().enable();
            if self.inner.depth(&spec)?.visible == 0 && !self.inner.is_at_work(&spec)? {
                return Ok(());
            }
            // Moving the clock can also remove messages, by their retention, without a notification.
            let _elapsed = tokio::time::timeout(DRAIN_POLL_INTERVAL, changed).await;
        }
        Err(QueueError::NotDrained(queue.to_owned()))
    }

    fn spec(&self, name: &str) -> Result<Arc<Queue>, QueueError> {
        let specs = self.inner.specs.read().unwrap_or_else(PoisonError::into_inner);
        specs.get(name).cloned().ok_or_else(|| QueueError::NoSuchQueue(name.to_owned()))
    }
}

impl Inner {
    fn now(&self) -> i64 {
        self.clock.now().millis()
    }

    fn send(&self, spec: &Queue, messages: &[Outgoing<'_>], delay: Duration) -> rusqlite::Result<Vec<String>> {
        let now = self.clock.now();
        let ids = self.store.send(&spec.name, messages, now.millis(), (now + delay).millis())?;
        self.arrived(&spec.name, messages.len());
        Ok(ids)
    }

    /// Wakes receivers of a queue, in which this many messages may have become visible. One that is not waiting looks
    /// before it waits again.
    fn arrived(&self, queue: &str, messages: usize) {
        let arrival = self.arrival(queue);
        // More than these do not receive a queue side by side.
        for _ in 0..messages.min(64) {
            arrival.message.notify_one();
        }
        self.changed.notify_waiters();
    }

    fn arrival(&self, queue: &str) -> Arc<Arrival> {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arrival) = arrivals.get(queue) {
            return Arc::clone(arrival);
        }
        let arrival = Arc::new(Arrival { message: Notify::new(), due: AtomicI64::new(i64::MAX) });
        arrivals.insert(queue.to_owned(), Arc::clone(&arrival));
        arrival
    }

    fn oldest(&self, spec: &Queue) -> i64 {
        (self.clock.now() - spec.retention).millis()
    }

    fn depth(&self, spec: &Queue) -> rusqlite::Result<Depth> {
        self.store.depth(&spec.name, self.now(), self.oldest(spec))
    }

    /// Whether a message is being handled: received, and neither deleted, made visible again nor failed on.
    fn is_at_work(&self, spec: &Queue) -> rusqlite::Result<bool> {
        let received = self.store.in_flight(&spec.name, self.now(), self.oldest(spec))?;
        let failed = self.failed();
        Ok(received.iter().any(|id| !failed.contains(id)))
    }

    fn failed(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disturbed(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.disturbed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the faults do to a delivery of these messages.
    fn disturbance(&self, spec: &Queue, ids: &[i64]) -> Option<Disturbance> {
        if ids.iter().all(|id| self.disturbed().contains(id)) {
            return None;
        }
        let disturbance = match self.faults.delivery(&spec.name)? {
            Kind::Duplicate => Disturbance::Copied,
            _ => Disturbance::PassedOver { until: (self.clock.now() + DISORDER_DELAY).millis() },
        };
        self.disturbed().extend(ids);
        Some(disturbance)
    }

    /// Receives up to `limit` visible messages besides those of the same batch.
    fn take(
        &self,
        spec: &Queue,
        limit: usize,
        visibility: Duration,
        batch: &[Incoming],
    ) -> rusqlite::Result<Vec<Incoming>> {
        let now = self.clock.now();
        let came_from = Queues::arn(&spec.name);
        let dead_letters = spec.redrive.as_ref().map(|redrive| DeadLetters {
            queue: &redrive.dead_letters,
            came_from: &came_from,
            max_receive_count: redrive.max_receives,
        });
        let taken = self.store.take(&Taking {
            queue: &spec.name,
            limit,
            now: now.millis(),
            hidden_until: (now + visibility).millis(),
            oldest: self.oldest(spec),
            dead_letters,
            except: batch,
            disturbance: &|ids| self.disturbance(spec, ids),
        })?;
        {
            let mut failed = self.failed();
            for message in &taken.messages {
                failed.remove(&message.id);
            }
        }
        self.disturbed().extend(&taken.copies);
        // Only when messages moved: otherwise receivers would wake each other at every poll, without end.
        if !taken.copies.is_empty() {
            self.arrived(&spec.name, taken.copies.len());
        }
        if let Some(redrive) = spec.redrive.as_ref().filter(|_| taken.became_dead > 0) {
            self.arrived(&redrive.dead_letters, taken.became_dead);
        }
        Ok(taken.messages)
    }

    /// Receives messages, waiting for one up to `wait` of the embedded cloud's time or of real time, whichever ends
    /// first.
    ///
    /// Cancel-safe: nothing is awaited after messages were received, so a dropped future loses none.
    async fn receive(
        &self,
        spec: &Queue,
        limit: usize,
        visibility: Duration,
        wait: Duration,
    ) -> rusqlite::Result<Vec<Incoming>> {
        let until = (self.clock.now() + wait).millis();
        let stop = tokio::time::Instant::now() + wait;
        let arrival = self.arrival(&spec.name);
        loop {
            let mut arrived = std::pin::pin!(arrival.message.notified());
            let mut moved = std::pin::pin!(self.clock.moved());
            let messages = self.take(spec, limit, visibility, &[])?;
            let next = self.store.next_visible_at(&spec.name)?;
            arrival.due.store(next.unwrap_or(i64::MAX), Ordering::SeqCst);
            let now = self.now();
            if !messages.is_empty() || now >= until || tokio::time::Instant::now() >= stop {
                return Ok(messages);
            }
            if next.is_some_and(|next| next <= now) {
                continue;
            }
            loop {
                let due = Timestamp::from_millis(arrival.due.load(Ordering::SeqCst).min(until));
                let look = self.clock.wait_until(due).map_or(LOOK_INTERVAL, |wait| wait.min(LOOK_INTERVAL));
                tokio::select! {
                    () = arrived.as_mut() => break,
                    () = moved.as_mut() => break,
                    () = tokio::time::sleep_until(stop.min(tokio::time::Instant::now() + look)) => {}
                }
                if self.now() >= due.millis() || tokio::time::Instant::now() >= stop {
                    break;
                }
            }
        }
    }
}
