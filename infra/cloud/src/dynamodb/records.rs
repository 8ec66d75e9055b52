//! The stored records of the tables' streams, and what stores how far they are processed.

use crate::account::REGION;
use crate::time::Timestamp;
use dynoxide::actions::get_records::{Record, StreamRecord, UserIdentity};
use dynoxide::{DynoxideError, Item};
use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

use super::backlog::{Changes, Found, Place};
use super::engine::Engine;
use super::shards::shard_of;
use super::table_arn;

/// dynoxide adds this to a stored sequence number when it returns it.
const SEQUENCE_OFFSET: i128 = 100_000_000_000_000_000_000;

/// Without [`super::engine::STREAM_INDEX`] this would read all records; a test looks at the query plan.
pub(super) const RECORDS_AFTER: &str = "SELECT CAST(sequence_number AS INTEGER), id, keys_json FROM _stream_records
    WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2 ORDER BY CAST(sequence_number AS INTEGER)";

/// What the records of a stream have in common.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) arn: String,
    view: String,
}

/// A stored record.
pub(super) struct Stored {
    event_name: String,
    keys: String,
    new_image: Option<String>,
    old_image: Option<String>,
    sequence_number: String,
    created_at: i64,
    user_identity: Option<String>,
    event_id: Option<String>,
}

impl Found {
    /// The record's shard, of as many as `count`.
    pub(super) fn shard(&self, count: usize) -> usize {
        shard_of(&self.key, count)
    }

    /// Its sequence number.
    pub(super) const fn number(&self) -> i64 {
        self.place.number
    }
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            event_name: row.get(0)?,
            keys: row.get(1)?,
            new_image: row.get(2)?,
            old_image: row.get(3)?,
            sequence_number: row.get(4)?,
            created_at: row.get(5)?,
            user_identity: row.get(6)?,
            event_id: row.get(7)?,
        })
    }

    /// When it was made, by the cloud's clock.
    pub(super) const fn made(&self) -> Timestamp {
        Timestamp::from_millis(self.created_at.saturating_mul(1_000))
    }

    /// The record as Lambda and EventBridge Pipes get it, written by dynoxide's types as `GetRecords` writes it.
    pub(super) fn event(self, described: &Described) -> Result<Value, DynoxideError> {
        let size = [Some(&self.keys), self.new_image.as_ref(), self.old_image.as_ref()];
        let size: usize = size.into_iter().flatten().map(String::len).sum();
        let number: i128 = self.sequence_number.parse().unwrap_or(0);
        let identity = |text: &str| {
            let identity: Value = serde_json::from_str(text).unwrap_or_default();
            let field =
                |name: &str, default: &str| identity.get(name).and_then(Value::as_str).unwrap_or(default).to_owned();
            UserIdentity {
                identity_type: field("type", "Service"),
                principal_id: field("principalId", "dynamodb.amazonaws.com"),
            }
        };
        let record = Record {
            event_id: self.event_id.unwrap_or(self.sequence_number),
            event_name: self.event_name,
            event_version: "1.1".to_owned(),
            event_source: "aws:dynamodb".to_owned(),
            aws_region: REGION.to_owned(),
            dynamodb: StreamRecord {
                keys: item(&self.keys)?,
                new_image: self.new_image.as_deref().map(item).transpose()?,
                old_image: self.old_image.as_deref().map(item).transpose()?,
                sequence_number: (SEQUENCE_OFFSET + number.max(0)).to_string(),
                size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
                stream_view_type: described.view.clone(),
                approximate_creation_date_time: self.created_at as f64,
            },
            user_identity: self.user_identity.as_deref().map(identity),
        };
        let mut event = serde_json::to_value(record).map_err(|error| failed(&error))?;
        if let Some(event) = event.as_object_mut() {
            event.insert("eventSourceARN".to_owned(), Value::from(described.arn.as_str()));
        }
        Ok(event)
    }
}

impl Engine {
    pub(super) fn described(&self, table: &str) -> Result<Described, DynoxideError> {
        let metadata = self.database.table_metadata(table)?;
        let (label, view) = metadata.map(|table| (table.stream_label, table.stream_view_type)).unwrap_or_default();
        Ok(Described {
            arn: format!("{}/stream/{}", table_arn(table), label.unwrap_or_default()),
            view: view.unwrap_or_else(|| "NEW_AND_OLD_IMAGES".to_owned()),
        })
    }

    /// The records of a table's stream behind this number, oldest first.
    pub(super) fn records_after(&self, table: &str, hash_attribute: &str, after: i64) -> rusqlite::Result<Vec<Found>> {
        self.database
            .connection()
            .prepare_cached(RECORDS_AFTER)?
            .query_map(params![table, after], |row| {
                let keys: Value = serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or_default();
                let key = keys.get(hash_attribute).cloned().unwrap_or_default();
                Ok(Found { place: Place { number: row.get(0)?, row: row.get(1)? }, key })
            })?
            .collect()
    }

    /// These records; nothing for one that is gone.
    pub(super) fn rows(&self, places: &[Place]) -> rusqlite::Result<Vec<Option<Stored>>> {
        let mut statement = self.database.connection().prepare_cached(
            "SELECT event_name, keys_json, new_image, old_image, sequence_number, created_at, user_identity, event_id
                FROM _stream_records WHERE id = ?1",
        )?;
        places.iter().map(|place| statement.query_row([place.row], Stored::read).optional()).collect()
    }

    /// Stores positions and deletes records, in one transaction.
    pub(super) fn save(&self, table: &str, changes: &Changes) -> rusqlite::Result<()> {
        let connection = self.database.connection();
        let transaction = connection.unchecked_transaction()?;
        for (consumer, shard, position) in &changes.positions {
            connection
                .prepare_cached(
                    "UPDATE bozor_positions SET position = MAX(position, ?4)
                        WHERE consumer = ?1 AND table_name = ?2 AND shard = ?3",
                )?
                .execute(params![consumer, table, shard, position])?;
        }
        let mut delete = connection.prepare_cached("DELETE FROM _stream_records WHERE id = ?1")?;
        for row in &changes.rows {
            delete.execute([row])?;
        }
        drop(delete);
        transaction.commit()
    }

    pub(super) fn retain(&self, names: &[&str]) -> rusqlite::Result<()> {
        let names = Value::from(names.to_vec()).to_string();
        self.database
            .connection()
            .execute("DELETE FROM bozor_positions WHERE consumer NOT IN (SELECT value FROM json_each(?1))", [names])?;
        Ok(())
    }

    pub(super) fn stream_length(&self, table: &str) -> rusqlite::Result<u64> {
        self.database.connection().query_row(
            "SELECT COUNT(*) FROM _stream_records WHERE table_name = ?1",
            [table],
            |row| row.get(0),
        )
    }
}

fn item(text: &str) -> Result<Item, DynoxideError> {
    serde_json::from_str(text).map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> DynoxideError {
    DynoxideError::InternalServerError(error.to_string())
}
