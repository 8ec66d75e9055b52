//! The shards of the tables' streams.
//!
//! DynamoDB keeps the records of one partition key in order and reads a stream's shards side by side
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing>). dynoxide has
//! one shard per table; here a record's shard is computed from its partition key when the stream is read, so that a
//! write costs nothing more. Only how far each consumer has read each shard is stored.

use std::collections::{BTreeMap, BTreeSet};

use dynoxide::DynoxideError;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::engine::Engine;

/// How far each consumer has read each shard. The index served the releases that stored the shard of a record.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS bozor_positions (
        consumer TEXT NOT NULL,
        table_name TEXT NOT NULL,
        shard TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (consumer, table_name, shard)
    ) WITHOUT ROWID;
    DROP INDEX IF EXISTS bozor_shard_order;
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

/// Of how many shards this one is, by its id. A shard from before there were several is not known.
fn count_of(shard_id: &str) -> Option<usize> {
    let (number, count) = shard_id.strip_prefix("shardId-")?.split_once('-')?;
    if number.len() == 20 { count.parse().ok() } else { None }
}

/// The shard of a record, by its key's hash attribute (`{"S": …}`): a hash of the last characters, which differ most.
/// Stored positions rely on it.
pub(super) fn shard_of(key: &Value, count: usize) -> usize {
    let text = ["S", "N", "B"].iter().find_map(|kind| key.get(kind)?.as_str()).unwrap_or_default();
    let mut last = text.chars().rev().map(|character| usize::try_from(u32::from(character)).unwrap_or(0));
    let mut next = || last.next().unwrap_or(0);
    let hash = text.chars().count() + next() + 3 * next() + 7 * next();
    hash.checked_rem(count).unwrap_or(0)
}

impl Engine {
    /// Creates the store of positions, and takes over those of earlier releases.
    pub(super) fn open_positions(&self) -> rusqlite::Result<()> {
        let connection = self.database.connection();
        connection.execute_batch(SCHEMA)?;
        // Triggers of the releases that stored the shard of a record.
        let triggers: Vec<String> = connection
            .prepare(
                "SELECT name FROM sqlite_master
                    WHERE type = 'trigger' AND name LIKE 'bozor\\_shard\\_of\\_%' ESCAPE '\\'",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for trigger in triggers {
            connection.execute_batch(&format!("DROP TRIGGER \"{}\"", trigger.replace('"', "\"\"")))?;
        }
        let old: Option<i64> = connection
            .query_row("SELECT 1 FROM sqlite_master WHERE name = 'bozor_checkpoints'", [], |row| row.get(0))
            .optional()?;
        if old.is_none() {
            return Ok(());
        }
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(POSITIONS_BEFORE_SHARDS)?;
        transaction.commit()
    }

    /// Gives a table's stream this many shards. When a consumer's positions are of another number, it goes on in each
    /// shard at the oldest record that it has not processed.
    pub(super) fn shard_stream(&self, table: &str, count: usize) -> Result<(), DynoxideError> {
        let Some(schema) = self.schema(table)? else { return Ok(()) };
        let failed = |error: rusqlite::Error| DynoxideError::InternalServerError(error.to_string());
        self.distribute(table, &schema.hash, count).map_err(failed)
    }

    fn distribute(&self, table: &str, hash_attribute: &str, count: usize) -> rusqlite::Result<()> {
        let shards: BTreeSet<String> = (0..count).map(|shard| shard_id(shard, count)).collect();
        let transaction = self.database.connection().unchecked_transaction()?;
        for consumer in self.consumers_of(table)? {
            let positions = self.positions(&consumer, table)?;
            if positions.keys().eq(&shards) {
                continue;
            }
            let position = self.oldest_unprocessed(table, hash_attribute, &positions)?;
            transaction.execute(
                "DELETE FROM bozor_positions WHERE consumer = ?1 AND table_name = ?2",
                params![consumer, table],
            )?;
            for shard in &shards {
                self.place(&consumer, table, shard, position)?;
            }
        }
        transaction.commit()
    }

    fn consumers_of(&self, table: &str) -> rusqlite::Result<Vec<String>> {
        self.database
            .connection()
            .prepare("SELECT DISTINCT consumer FROM bozor_positions WHERE table_name = ?1")?
            .query_map([table], |row| row.get(0))?
            .collect()
    }

    /// The positions of a consumer by shard.
    pub(super) fn positions(&self, consumer: &str, table: &str) -> rusqlite::Result<BTreeMap<String, i64>> {
        self.database
            .connection()
            .prepare("SELECT shard, position FROM bozor_positions WHERE consumer = ?1 AND table_name = ?2")?
            .query_map([consumer, table], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }

    /// The position before the oldest record that a consumer with these positions has not processed; that of the newest
    /// record when it has processed all.
    fn oldest_unprocessed(
        &self,
        table: &str,
        hash_attribute: &str,
        positions: &BTreeMap<String, i64>,
    ) -> rusqlite::Result<i64> {
        let count = positions.keys().find_map(|shard| count_of(shard));
        let lowest = positions.values().min().copied().unwrap_or(0);
        for record in self.records_after(table, hash_attribute, lowest)? {
            let position = match count {
                Some(count) => positions.get(&shard_id(record.shard(count), count)).copied(),
                None => Some(lowest),
            };
            if position.is_none_or(|position| record.number() > position) {
                return Ok(record.number() - 1);
            }
        }
        self.newest(table)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_has_the_shard_that_stored_positions_mean() {
        // As the releases computed it that did so in SQL.
        for (key, shard) in [
            (json!({"S": "a"}), 2),
            (json!({"S": "ab"}), 3),
            (json!({"S": "ўз😀"}), 2),
            (json!({"N": "12"}), 3),
            (json!({}), 0),
        ] {
            assert_eq!(shard_of(&key, 4), shard, "{key}");
        }
        assert_eq!(shard_of(&json!({"S": "a"}), 1), 0);
    }

    #[test]
    fn the_number_of_shards_is_read_from_an_id() {
        assert_eq!(count_of(&shard_id(2, 4)), Some(4));
        assert_eq!(count_of("shardId-00000001-Orders"), None);
        assert_eq!(count_of("shardId-00000001-4"), None);
    }
}
