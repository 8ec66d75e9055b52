//! The tables' streams: each shard is read in order, from the position of its consumer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::time::Timestamp;
use dynoxide::DynoxideError;
use serde_json::Value;
use tokio::sync::watch;

use super::backlog::{Backlog, SAVE_INTERVAL};
use super::engine::Engine;
use super::keys::{NamedItem, TableSchemas};
use super::records::Described;
use super::shards::shard_of;
use super::{Endpoint, OpenError};

/// Where a new consumer of a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record.
    TrimHorizon,
    /// After the newest.
    Latest,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StreamRecord {
    /// Its position in the stream, which [`Consumer::commit`] takes.
    pub position: i64,
    /// Since when it could be read, by the cloud's clock: since it was made, or since the tables were opened if that
    /// was later. While a cloud is off its clock runs on, but nobody can read.
    pub since: Timestamp,
    /// The record as Lambda and EventBridge Pipes get it.
    pub event: Value,
}

/// A reader of one shard of a table's stream. Its position is stored in the database, at most [`SAVE_INTERVAL`] late,
/// so that it continues there after a restart.
#[derive(Debug)]
pub struct Consumer {
    endpoint: Arc<Endpoint>,
    name: String,
    stream: Arc<Stream>,
    shard: usize,
    id: String,
    described: Arc<Described>,
    changes: watch::Receiver<u64>,
}

/// A table's stream that is consumed. Its lock is taken before the database's.
#[derive(Debug)]
pub(super) struct Stream {
    table: String,
    backlog: Mutex<Backlog>,
    /// How many requests have written to the table.
    writes: AtomicU64,
    /// For each shard, changed by a write that may have added a record to it.
    shards: Vec<watch::Sender<u64>>,
}

pub(super) type Streams = HashMap<String, Arc<Stream>>;

impl Stream {
    fn new(table: &str, shards: usize) -> Self {
        Self {
            table: table.to_owned(),
            backlog: Mutex::new(Backlog::new(shards)),
            writes: AtomicU64::new(0),
            shards: (0..shards).map(|_| watch::Sender::new(0)).collect(),
        }
    }

    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the consumers of these shards, after the write that may have added records; those of all shards if it is
    /// not known which.
    fn wake(&self, shards: &[Option<usize>]) {
        self.writes.fetch_add(1, Ordering::SeqCst);
        for (number, shard) in self.shards.iter().enumerate() {
            if shards.iter().any(|written| written.is_none_or(|written| written == number)) {
                shard.send_modify(|count| *count += 1);
            }
        }
    }
}

/// The shards that a request may add records to, by table.
pub(super) fn written_shards(
    named: &[NamedItem],
    schemas: &TableSchemas,
    count: usize,
) -> Vec<(String, Vec<Option<usize>>)> {
    let mut written: Vec<(String, Vec<Option<usize>>)> = Vec::new();
    for one in named.iter().filter(|one| one.written) {
        let Some(schema) = schemas.get(&one.item.table).filter(|schema| schema.streamed) else { continue };
        // A number may be written in several ways.
        let text = one.key.get(&schema.hash).filter(|key| key.get("S").is_some());
        let shard = text.map(|key| shard_of(key, count));
        match written.iter_mut().find(|(table, _)| *table == one.item.table) {
            Some((_, shards)) => shards.push(shard),
            None => written.push((one.item.table.clone(), vec![shard])),
        }
    }
    written
}

impl Endpoint {
    /// The consumers of this name, one for each shard of the stream, at their positions, or at `start` if they are new.
    pub fn consumers(self: &Arc<Self>, name: &str, table: &str, start: Start) -> Result<Vec<Consumer>, OpenError> {
        let count = self.options.shards.max(1);
        let stream = {
            let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(streams.entry(table.to_owned()).or_insert_with(|| Arc::new(Stream::new(table, count))))
        };
        let mut backlog = stream.backlog();
        if !backlog.knows(name) {
            self.save(&stream, &mut backlog)?;
            let state = self.state();
            state.engine.shard_stream(table, count)?;
            state.engine.begin(name, table, backlog.ids(), start)?;
            backlog.begin(name, &state.engine.positions(name, table)?);
            backlog.read_again();
        }
        let described = Arc::new(self.state().engine.described(table)?);
        let consumer = |(shard, id): (usize, &str)| {
            Some(Consumer {
                endpoint: Arc::clone(self),
                name: name.to_owned(),
                stream: Arc::clone(&stream),
                shard,
                id: id.to_owned(),
                described: Arc::clone(&described),
                changes: stream.shards.get(shard)?.subscribe(),
            })
        };
        Ok(backlog.ids().enumerate().filter_map(consumer).collect())
    }

    /// Deletes the positions of all other consumers. A stream keeps every record that one of its consumers has not
    /// committed, so a consumer that is gone would keep it growing.
    pub fn retain_consumers(&self, names: &[&str]) -> Result<(), OpenError> {
        for stream in self.all_streams() {
            stream.backlog().retain(names);
        }
        Ok(self.state().engine.retain(names)?)
    }

    /// Waits until every consumer has committed every record, so that all that follows from earlier writes through
    /// streams has been done.
    pub async fn wait_until_idle(&self) -> Result<(), OpenError> {
        let mut progress = self.progress.subscribe();
        loop {
            progress.mark_unchanged();
            if self.is_idle()? {
                return Ok(());
            }
            // Cannot fail: the sender is a field of this endpoint.
            let _ = progress.changed().await;
        }
    }

    fn is_idle(&self) -> Result<bool, OpenError> {
        for stream in self.all_streams() {
            let mut backlog = stream.backlog();
            self.read_on(&stream, &mut backlog)?;
            if !backlog.is_idle() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many records a table's stream keeps.
    pub fn stream_length(&self, table: &str) -> Result<u64, OpenError> {
        if let Some(stream) = self.stream(table) {
            self.save(&stream, &mut stream.backlog())?;
        }
        Ok(self.state().engine.stream_length(table)?)
    }

    /// Wakes the consumers of what a request has written.
    pub(super) fn wake_consumers(&self, written: &[(String, Vec<Option<usize>>)]) {
        for (table, shards) in written {
            if let Some(stream) = self.stream(table) {
                stream.wake(shards);
            }
        }
    }

    /// Reads the records that were added since the last time.
    fn read_on(&self, stream: &Stream, backlog: &mut Backlog) -> Result<(), OpenError> {
        // Counted before reading: a write after it is read the next time, or twice.
        let writes = stream.writes.load(Ordering::SeqCst);
        if let Some(after) = backlog.unread_after(writes) {
            let hash = super::read(&self.schemas).get(&stream.table).map(|schema| schema.hash.clone());
            let found = self.state().engine.records_after(&stream.table, &hash.unwrap_or_default(), after)?;
            backlog.add(found, writes);
        }
        Ok(())
    }

    /// Stores the positions, and deletes the records that no consumer needs any more.
    fn save(&self, stream: &Stream, backlog: &mut Backlog) -> Result<(), OpenError> {
        if backlog.is_unsaved() {
            self.state().engine.save(&stream.table, &backlog.changes())?;
            backlog.saved();
        }
        Ok(())
    }

    fn stream(&self, table: &str) -> Option<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(table).cloned()
    }

    fn all_streams(&self) -> Vec<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if let Err(error) = self.endpoint.save(&self.stream, &mut self.stream.backlog()) {
            tracing::error!(consumer = self.name, error = %error, "A position could not be stored.");
        }
    }
}

impl Consumer {
    /// The next records, oldest first; none if this consumer has seen all.
    pub fn next(&mut self, limit: usize) -> Result<Vec<StreamRecord>, OpenError> {
        self.changes.mark_unchanged();
        let (endpoint, stream) = (&self.endpoint, &self.stream);
        let places = {
            let mut backlog = stream.backlog();
            endpoint.read_on(stream, &mut backlog)?;
            backlog.next(self.shard, &self.name, limit)
        };
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let rows = endpoint.state().engine.rows(&places)?;
        let mut records = Vec::with_capacity(rows.len());
        for (place, row) in places.into_iter().zip(rows) {
            let Some(row) = row else {
                stream.backlog().forget(self.shard, place);
                continue;
            };
            let since = endpoint.opened.max(row.made());
            records.push(StreamRecord { position: place.number, since, event: row.event(&self.described)? });
        }
        Ok(records)
    }

    /// Sets that everything up to this record is processed. That is stored soon, and the records that no consumer needs
    /// any more are deleted then.
    pub fn commit(&mut self, position: i64) -> Result<(), OpenError> {
        {
            let mut backlog = self.stream.backlog();
            backlog.commit(self.shard, &self.name, position);
            if backlog.is_due() {
                self.endpoint.save(&self.stream, &mut backlog)?;
            }
        }
        self.endpoint.progress.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Waits for a write to the shard after the last [`Consumer::next`].
    pub async fn changed(&mut self) {
        let is_unsaved = self.stream.backlog().is_unsaved();
        let limit = self.endpoint.options.poll_interval;
        let limit = if is_unsaved { limit.min(SAVE_INTERVAL) } else { limit };
        // The sender lives in the stream, which this consumer holds: only the timeout can end this early.
        if tokio::time::timeout(limit, self.changes.changed()).await.is_err() {
            let mut backlog = self.stream.backlog();
            backlog.doubt();
            if let Err(error) = self.endpoint.save(&self.stream, &mut backlog) {
                tracing::error!(consumer = self.name, error = %error, "A position could not be stored.");
            }
        }
    }

    pub fn table(&self) -> &str {
        &self.stream.table
    }

    pub fn shard(&self) -> &str {
        &self.id
    }

    pub fn stream_arn(&self) -> &str {
        &self.described.arn
    }
}

impl Engine {
    /// Stores where a consumer begins that has no positions yet.
    fn begin<'a>(
        &self,
        consumer: &str,
        table: &str,
        shards: impl Iterator<Item = &'a str>,
        start: Start,
    ) -> Result<(), DynoxideError> {
        let failed = |error: rusqlite::Error| DynoxideError::InternalServerError(error.to_string());
        let known = self.positions(consumer, table).map_err(failed)?;
        let position = match start {
            Start::TrimHorizon => 0,
            Start::Latest => self.newest(table).map_err(failed)?,
        };
        for shard in shards.filter(|shard| !known.contains_key(*shard)) {
            self.place(consumer, table, shard, position).map_err(failed)?;
        }
        Ok(())
    }
}
