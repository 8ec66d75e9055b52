//! The tables' streams: each shard is read in order, from the position of its consumer.

use std::sync::Arc;

use crate::account::REGION;
use crate::time::Timestamp;
use dynoxide::DynoxideError;
use dynoxide::actions::get_shard_iterator::encode_shard_iterator;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::engine::{Engine, from_value};
use super::shards::shard_id;
use super::{Endpoint, OpenError, table_arn};

/// dynoxide adds this to a stored sequence number when it returns it.
const SEQUENCE_OFFSET: u128 = 100_000_000_000_000_000_000;

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

/// A reader of one shard of a table's stream. Its position is stored in the database, so that it continues there after
/// a restart.
#[derive(Debug)]
pub struct Consumer {
    endpoint: Arc<Endpoint>,
    name: String,
    table: String,
    shard: String,
    position: i64,
    changes: watch::Receiver<u64>,
}

impl Endpoint {
    /// The consumers of this name, one for each shard of the stream, at their positions, or at `start` if they are new.
    pub fn consumers(self: &Arc<Self>, name: &str, table: &str, start: Start) -> Result<Vec<Consumer>, OpenError> {
        let changes = self.changes().entry(table.to_owned()).or_insert_with(|| watch::Sender::new(0)).subscribe();
        let count = self.options.shards.max(1);
        let state = self.state();
        state.engine.shard_stream(table, count)?;
        let mut consumers = Vec::with_capacity(count);
        for shard in (0..count).map(|shard| shard_id(shard, count)) {
            consumers.push(Consumer {
                endpoint: Arc::clone(self),
                name: name.to_owned(),
                table: table.to_owned(),
                position: state.engine.begin(name, table, &shard, start)?,
                shard,
                changes: changes.clone(),
            });
        }
        Ok(consumers)
    }

    /// Deletes the positions of all other consumers. A stream keeps every record that one of its consumers has not
    /// committed, so a consumer that is gone would keep it growing.
    pub fn retain_consumers(&self, names: &[&str]) -> Result<(), OpenError> {
        Ok(self.state().engine.retain(names)?)
    }

    /// Waits until every consumer has committed every record, so that all that follows from earlier writes through
    /// streams has been done.
    pub async fn wait_until_idle(&self) -> Result<(), OpenError> {
        let mut progress = self.progress.subscribe();
        loop {
            progress.mark_unchanged();
            if self.state().engine.unread()? == 0 {
                return Ok(());
            }
            // Cannot fail: the sender is a field of this endpoint.
            let _ = progress.changed().await;
        }
    }

    /// How many records a table's stream keeps.
    pub fn stream_length(&self, table: &str) -> Result<u64, OpenError> {
        Ok(self.state().engine.stream_length(table)?)
    }
}

impl Consumer {
    /// The next records, oldest first; none if this consumer has seen all.
    pub fn next(&mut self, limit: usize) -> Result<Vec<StreamRecord>, OpenError> {
        self.changes.mark_unchanged();
        let endpoint = &self.endpoint;
        let records = endpoint.state().engine.stream_records(&self.table, &self.shard, self.position, limit)?;
        let readable = |(position, made, event)| StreamRecord { position, since: endpoint.opened.max(made), event };
        Ok(records.into_iter().map(readable).collect())
    }

    /// Stores that everything up to this record is processed, and deletes the records that no consumer needs any more.
    pub fn commit(&mut self, position: i64) -> Result<(), OpenError> {
        self.endpoint.state().engine.commit(&self.name, &self.table, &self.shard, position)?;
        self.position = position;
        self.endpoint.progress.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Waits for a write to the table after the last [`Consumer::next`].
    pub async fn changed(&mut self) {
        // The sender lives in the endpoint, which this consumer holds: only the timeout can end this early.
        let _ = tokio::time::timeout(self.endpoint.options.poll_interval, self.changes.changed()).await;
    }

    pub fn table(&self) -> &str {
        &self.table
    }

    pub fn shard(&self) -> &str {
        &self.shard
    }

    pub fn stream_arn(&self) -> Result<String, OpenError> {
        Ok(self.endpoint.state().engine.stream_arn(&self.table)?)
    }
}

impl Engine {
    fn begin(&self, consumer: &str, table: &str, shard: &str, start: Start) -> rusqlite::Result<i64> {
        let known = self
            .database
            .connection()
            .query_row(
                "SELECT position FROM bozor_positions WHERE consumer = ?1 AND table_name = ?2 AND shard = ?3",
                [consumer, table, shard],
                |row| row.get(0),
            )
            .optional()?;
        if let Some(position) = known {
            return Ok(position);
        }
        let position = match start {
            Start::TrimHorizon => 0,
            Start::Latest => self.newest(table)?,
        };
        self.place(consumer, table, shard, position)?;
        Ok(position)
    }

    fn retain(&self, names: &[&str]) -> rusqlite::Result<()> {
        let names = Value::from(names.to_vec()).to_string();
        self.database
            .connection()
            .execute("DELETE FROM bozor_positions WHERE consumer NOT IN (SELECT value FROM json_each(?1))", [names])?;
        Ok(())
    }

    /// Keeps the table's last record even when all consumers have committed it: dynoxide numbers the next one from it.
    fn commit(&self, consumer: &str, table: &str, shard: &str, position: i64) -> rusqlite::Result<()> {
        let transaction = self.database.connection().unchecked_transaction()?;
        self.database
            .connection()
            .prepare_cached(
                "UPDATE bozor_positions SET position = MAX(position, ?4)
                    WHERE consumer = ?1 AND table_name = ?2 AND shard = ?3",
            )?
            .execute(params![consumer, table, shard, position])?;
        self.database
            .connection()
            .prepare_cached(
                "DELETE FROM _stream_records WHERE table_name = ?1 AND shard_id = ?2
                    AND CAST(sequence_number AS INTEGER)
                        <= (SELECT MIN(position) FROM bozor_positions WHERE table_name = ?1 AND shard = ?2)
                    AND CAST(sequence_number AS INTEGER)
                        < (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)",
            )?
            .execute([table, shard])?;
        transaction.commit()
    }

    fn unread(&self) -> rusqlite::Result<u64> {
        self.database
            .connection()
            .prepare_cached(
                "SELECT COUNT(*) FROM bozor_positions AS read JOIN _stream_records AS record
                    ON record.table_name = read.table_name AND record.shard_id = read.shard
                        AND CAST(record.sequence_number AS INTEGER) > read.position",
            )?
            .query_row([], |row| row.get(0))
    }

    fn stream_length(&self, table: &str) -> rusqlite::Result<u64> {
        self.database.connection().query_row(
            "SELECT COUNT(*) FROM _stream_records WHERE table_name = ?1",
            [table],
            |row| row.get(0),
        )
    }

    fn stream_arn(&self, table: &str) -> Result<String, DynoxideError> {
        let label = self.database.table_metadata(table)?.and_then(|table| table.stream_label).unwrap_or_default();
        Ok(format!("{}/stream/{label}", table_arn(table)))
    }

    /// The position, the time and the event of each record.
    fn stream_records(
        &self,
        table: &str,
        shard: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Timestamp, Value)>, DynoxideError> {
        // A write wakes the readers of all shards; most of them find nothing, which this tells at a tenth of the cost.
        if !self.has_records(table, shard, after).map_err(|error| failed(error.to_string()))? {
            return Ok(Vec::new());
        }
        let iterator = encode_shard_iterator(table, shard, after);
        let request = json!({ "ShardIterator": iterator, "Limit": limit });
        let records = self.database.get_records(from_value(request)?)?.records;
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let arn = self.stream_arn(table)?;
        let as_delivered = |record| {
            let mut event = serde_json::to_value(record).map_err(|error| failed(error.to_string()))?;
            if let Some(event) = event.as_object_mut() {
                event.insert("awsRegion".to_owned(), Value::from(REGION));
                event.insert("eventSourceARN".to_owned(), Value::from(arn.as_str()));
            }
            let position = event
                .pointer("/dynamodb/SequenceNumber")
                .and_then(Value::as_str)
                .and_then(|number| number.parse::<u128>().ok())
                .and_then(|number| number.checked_sub(SEQUENCE_OFFSET))
                .and_then(|number| i64::try_from(number).ok())
                .ok_or_else(|| failed("a stream record has an unknown form of sequence number".to_owned()))?;
            let made = event.pointer("/dynamodb/ApproximateCreationDateTime").and_then(Value::as_f64);
            let made = Timestamp::from_millis((made.unwrap_or_default() as i64).saturating_mul(1_000));
            Ok((position, made, event))
        };
        records.into_iter().map(as_delivered).collect()
    }

    fn has_records(&self, table: &str, shard: &str, after: i64) -> rusqlite::Result<bool> {
        self.database
            .connection()
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM _stream_records
                    WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3)",
            )?
            .query_row(params![table, shard, after], |row| row.get(0))
    }
}

fn failed(message: String) -> DynoxideError {
    DynoxideError::InternalServerError(message)
}
