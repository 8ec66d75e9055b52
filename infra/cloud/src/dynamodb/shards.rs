//! The shards of the tables' streams.
//!
//! DynamoDB keeps the records of one partition key in order and reads a stream's shards side by side
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing>). dynoxide has
//! one shard per table; a trigger corrects that in the transaction that writes the record, so no crash leaves a record
//! without its shard.

use dynoxide::DynoxideError;
use rusqlite::{OptionalExtension, params};

use super::engine::Engine;

/// How far each consumer has read each shard.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS bozor_positions (
        consumer TEXT NOT NULL,
        table_name TEXT NOT NULL,
        shard TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (consumer, table_name, shard)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS bozor_shard_order
        ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));
";

/// Releases up to 0.1.0 stored one position per consumer, of the only shard, which was called as dynoxide calls it.
const POSITIONS_BEFORE_SHARDS: &str = "
    INSERT OR IGNORE INTO bozor_positions (consumer, table_name, shard, position)
        SELECT consumer, table_name, 'shardId-00000001-' || table_name, position FROM bozor_checkpoints;
    DROP TABLE bozor_checkpoints;
";

/// The id of a stream's shard, of as many as `count`.
pub(super) fn shard_id(shard: usize, count: usize) -> String {
    format!("shardId-{shard:020}-{count:08}")
}

/// An SQL text in quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The shard of a row, as an SQL expression: a hash of the last characters of its partition key, which differ most.
fn shard_of(row: &str, hash_attribute: &str, count: usize) -> String {
    let typed = |kind: &str| {
        let path = quoted(&format!("$.\"{hash_attribute}\".{kind}"));
        format!("json_extract({row}keys_json, {path})")
    };
    let key = format!("coalesce({}, {}, {})", typed("S"), typed("N"), typed("B"));
    let character = |from_the_end: u8| format!("coalesce(unicode(substr({key}, -{from_the_end}, 1)), 0)");
    let hash = format!("length({key}) + {} + 3 * {} + 7 * {}", character(1), character(2), character(3));
    format!("printf('shardId-%020d-%08d', ({hash}) % {count}, {count})")
}

impl Engine {
    /// Creates the store of positions, and takes over those of earlier releases.
    pub(super) fn open_positions(&self) -> rusqlite::Result<()> {
        self.database.connection().execute_batch(SCHEMA)?;
        let old: Option<i64> = self
            .database
            .connection()
            .query_row("SELECT 1 FROM sqlite_master WHERE name = 'bozor_checkpoints'", [], |row| row.get(0))
            .optional()?;
        if old.is_none() {
            return Ok(());
        }
        let transaction = self.database.connection().unchecked_transaction()?;
        transaction.execute_batch(POSITIONS_BEFORE_SHARDS)?;
        transaction.commit()
    }

    /// Gives a table's stream this many shards. When it had others, its records are distributed anew, and each consumer
    /// goes on at the oldest record that it has not processed.
    pub(super) fn shard_stream(&self, table: &str, count: usize) -> Result<(), DynoxideError> {
        let Some(schema) = self.schema(table)? else { return Ok(()) };
        let failed = |error: rusqlite::Error| DynoxideError::InternalServerError(error.to_string());
        self.distribute(table, &schema.hash, count).map_err(failed)
    }

    fn distribute(&self, table: &str, hash_attribute: &str, count: usize) -> rusqlite::Result<()> {
        let name = format!("bozor_shard_of_{table}");
        let trigger = format!(
            "CREATE TRIGGER \"{name}\" AFTER INSERT ON _stream_records WHEN NEW.table_name = {of_table}
             BEGIN
                 UPDATE _stream_records SET shard_id = {shard} WHERE id = NEW.id;
             END",
            of_table = quoted(table),
            shard = shard_of("NEW.", hash_attribute, count),
        );
        let stored: Option<String> = self
            .database
            .connection()
            .query_row("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?1", [&name], |row| row.get(0))
            .optional()?;
        if stored.as_ref() == Some(&trigger) {
            return Ok(());
        }
        let transaction = self.database.connection().unchecked_transaction()?;
        for consumer in self.consumers_of(table)? {
            let position = self.oldest_unprocessed(&consumer, table)?;
            transaction.execute(
                "DELETE FROM bozor_positions WHERE consumer = ?1 AND table_name = ?2",
                params![consumer, table],
            )?;
            for shard in 0..count {
                self.place(&consumer, table, &shard_id(shard, count), position)?;
            }
        }
        let shard = shard_of("", hash_attribute, count);
        transaction
            .execute(&format!("UPDATE _stream_records SET shard_id = {shard} WHERE table_name = ?1"), [table])?;
        transaction.execute_batch(&format!("DROP TRIGGER IF EXISTS \"{name}\"; {trigger}"))?;
        transaction.commit()
    }

    fn consumers_of(&self, table: &str) -> rusqlite::Result<Vec<String>> {
        self.database
            .connection()
            .prepare("SELECT DISTINCT consumer FROM bozor_positions WHERE table_name = ?1")?
            .query_map([table], |row| row.get(0))?
            .collect()
    }

    /// The position before the oldest record that a consumer has not processed in its shard; that of the newest record
    /// when it has processed all.
    fn oldest_unprocessed(&self, consumer: &str, table: &str) -> rusqlite::Result<i64> {
        let oldest: Option<i64> = self.database.connection().query_row(
            "SELECT MIN(CAST(record.sequence_number AS INTEGER)) FROM _stream_records AS record
                LEFT JOIN bozor_positions AS read ON read.consumer = ?1
                    AND read.table_name = record.table_name AND read.shard = record.shard_id
                WHERE record.table_name = ?2
                    AND (read.position IS NULL OR CAST(record.sequence_number AS INTEGER) > read.position)",
            params![consumer, table],
            |row| row.get(0),
        )?;
        match oldest {
            Some(oldest) => Ok(oldest - 1),
            None => self.newest(table),
        }
    }

    /// The position of a stream's newest record; 0 when it has none.
    pub(super) fn newest(&self, table: &str) -> rusqlite::Result<i64> {
        self.database.connection().query_row(
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) FROM _stream_records WHERE table_name = ?1",
            [table],
            |row| row.get(0),
        )
    }

    /// Stores where a new consumer of a shard begins.
    pub(super) fn place(&self, consumer: &str, table: &str, shard: &str, position: i64) -> rusqlite::Result<()> {
        self.database.connection().execute(
            "INSERT INTO bozor_positions (consumer, table_name, shard, position) VALUES (?1, ?2, ?3, ?4)",
            params![consumer, table, shard, position],
        )?;
        Ok(())
    }
}
