//! Messages in SQLite: an acknowledged message survives a kill -9. Times are milliseconds since the epoch.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::attributes::MessageAttributes;
use super::wire::{random_bytes, random_uuid};
use crate::sqlite;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        message_id TEXT NOT NULL,
        body TEXT NOT NULL,
        attributes TEXT NOT NULL,
        trace_header TEXT,
        sender TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        visible_at INTEGER NOT NULL,
        receives INTEGER NOT NULL DEFAULT 0,
        first_received_at INTEGER,
        receipt TEXT,
        came_from TEXT
    );
    CREATE INDEX IF NOT EXISTS messages_by_queue ON messages (queue, visible_at, id);
    CREATE INDEX IF NOT EXISTS messages_by_age ON messages (queue, sent_at);
";

const COLUMNS: &str =
    "id, message_id, body, attributes, trace_header, sender, sent_at, receives, first_received_at, receipt, came_from";

/// A message about to be sent.
pub(super) struct Outgoing<'a> {
    pub(super) body: &'a str,
    pub(super) attributes: &'a MessageAttributes,
    pub(super) trace_header: Option<&'a str>,
    pub(super) sender: &'a str,
}

/// A received message.
pub(super) struct Incoming {
    /// Identifies the copy of the message that was received.
    pub(super) id: i64,
    pub(super) message_id: String,
    pub(super) body: String,
    pub(super) attributes: MessageAttributes,
    pub(super) trace_header: Option<String>,
    pub(super) sender: String,
    pub(super) sent_at: i64,
    pub(super) receives: u32,
    pub(super) first_received_at: i64,
    /// The ARN of the queue that a dead letter came from.
    pub(super) came_from: Option<String>,
    pub(super) receipt_handle: String,
}

/// The redrive policy: where messages go that were received `max_receive_count` times.
pub(super) struct DeadLetters<'a> {
    pub(super) queue: &'a str,
    pub(super) came_from: &'a str,
    pub(super) max_receive_count: u32,
}

/// The parameters of [`Store::take`].
pub(super) struct Taking<'a> {
    pub(super) queue: &'a str,
    pub(super) limit: usize,
    pub(super) now: i64,
    /// Until when the taken messages stay hidden.
    pub(super) hidden_until: i64,
    /// Messages sent at or before this time have passed their retention and are deleted.
    pub(super) oldest: i64,
    pub(super) dead_letters: Option<DeadLetters<'a>>,
    /// Messages that are part of the same batch already: a copy of one goes to another receiver.
    pub(super) except: &'a [Incoming],
    /// Asked for each delivery, with the copies that are about to be delivered: what happens to them.
    pub(super) disturbance: &'a dyn Fn(&[i64]) -> Option<Disturbance>,
}

/// What a queue may do to messages that are about to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disturbance {
    /// A copy of each stays in the queue, visible.
    Copied,
    /// They are not delivered, and become visible again at this time.
    PassedOver { until: i64 },
}

pub(super) struct Taken {
    pub(super) messages: Vec<Incoming>,
    /// The copies that [`Disturbance::Copied`] left in the queue.
    pub(super) copies: Vec<i64>,
    /// How many messages moved to the dead-letter queue.
    pub(super) became_dead: usize,
}

/// A well-formed receipt handle of a queue.
pub(super) struct Receipt {
    id: i64,
    nonce: String,
}

impl Receipt {
    /// Reads a handle; `None` when it cannot be one of this queue's.
    pub(super) fn read(queue: &str, handle: &str) -> Option<Self> {
        let decoded = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(handle).ok()?).ok()?;
        let (id, rest) = decoded.strip_prefix(queue)?.strip_prefix('/')?.split_once('/')?;
        Some(Self { id: id.parse().ok()?, nonce: rest.to_owned() })
    }

    fn write(queue: &str, id: i64, nonce: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{queue}/{id}/{nonce}"))
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum VisibilityChange {
    Changed,
    /// The message is visible again.
    NotInFlight,
    /// The message was deleted, or received again under a newer receipt.
    Gone,
}

/// How many messages a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// May be received now.
    pub visible: u64,
    /// Received and neither deleted nor visible again.
    pub in_flight: u64,
    /// Sent, and not yet visible for the first time.
    pub delayed: u64,
}

pub(super) struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    pub(super) fn open(path: Option<&Path>) -> rusqlite::Result<Self> {
        Ok(Self { connection: Mutex::new(sqlite::open(path, SCHEMA)?) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back, so the connection is still sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores messages in one transaction, and returns their ids.
    pub(super) fn send(
        &self,
        queue: &str,
        messages: &[Outgoing<'_>],
        now: i64,
        visible_at: i64,
    ) -> rusqlite::Result<Vec<String>> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut ids = Vec::with_capacity(messages.len());
        for message in messages {
            let message_id = random_uuid();
            let attributes = serde_json::to_string(message.attributes).unwrap_or_else(|_| "{}".into());
            transaction
                .prepare_cached(
                    "INSERT INTO messages
                        (queue, message_id, body, attributes, trace_header, sender, sent_at, visible_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    queue,
                    message_id,
                    message.body,
                    attributes,
                    message.trace_header,
                    message.sender,
                    now,
                    visible_at
                ])?;
            ids.push(message_id);
        }
        transaction.commit()?;
        Ok(ids)
    }

    /// Receives up to `limit` visible messages. Those received too often move to the dead-letter queue instead.
    pub(super) fn take(&self, taking: &Taking<'_>) -> rusqlite::Result<Taken> {
        let mut connection = self.connection();
        // Most polls find nothing, and need no transaction to find that out.
        if !has_work(&connection, taking)? {
            return Ok(Taken { messages: Vec::new(), copies: Vec::new(), became_dead: 0 });
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction
            .prepare_cached("DELETE FROM messages WHERE queue = ?1 AND sent_at <= ?2")?
            .execute(params![taking.queue, taking.oldest])?;
        let mut became_dead = 0;
        if let Some(dead_letters) = &taking.dead_letters {
            became_dead = transaction
                .prepare_cached(
                    "UPDATE messages SET queue = ?1, came_from = ?2, visible_at = ?3, receipt = NULL
                     WHERE queue = ?4 AND visible_at <= ?3 AND receives >= ?5",
                )?
                .execute(params![
                    dead_letters.queue,
                    dead_letters.came_from,
                    taking.now,
                    taking.queue,
                    dead_letters.max_receive_count
                ])?;
        }
        let mut messages = visible(&transaction, taking)?;
        let mut copies = Vec::new();
        if !messages.is_empty() {
            let ids: Vec<i64> = messages.iter().map(|message| message.id).collect();
            match (taking.disturbance)(&ids) {
                Some(Disturbance::Copied) => copies = copied(&transaction, &ids, taking.now)?,
                Some(Disturbance::PassedOver { until }) => {
                    pass_over(&transaction, &ids, until)?;
                    messages = Vec::new();
                }
                None => {}
            }
        }
        for message in &mut messages {
            let nonce: String = random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
            message.receives += 1;
            if message.receives == 1 {
                message.first_received_at = taking.now;
            }
            message.receipt_handle = Receipt::write(taking.queue, message.id, &nonce);
            transaction
                .prepare_cached(
                    "UPDATE messages SET visible_at = ?2, receives = ?3, first_received_at = ?4, receipt = ?5
                     WHERE id = ?1",
                )?
                .execute(params![
                    message.id,
                    taking.hidden_until,
                    message.receives,
                    message.first_received_at,
                    nonce
                ])?;
        }
        transaction.commit()?;
        Ok(Taken { messages, copies, became_dead })
    }

    /// When the next message of a queue becomes visible; in the past when one is visible.
    pub(super) fn next_visible_at(&self, queue: &str) -> rusqlite::Result<Option<i64>> {
        self.connection()
            .prepare_cached("SELECT min(visible_at) FROM messages WHERE queue = ?1")?
            .query_row([queue], |row| row.get(0))
    }

    /// Deletes by receipt, in one transaction. An outdated receipt deletes nothing, which is no error.
    pub(super) fn delete(&self, queue: &str, receipts: &[Receipt]) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for receipt in receipts {
            transaction
                .prepare_cached("DELETE FROM messages WHERE id = ?1 AND queue = ?2 AND receipt = ?3")?
                .execute(params![receipt.id, queue, receipt.nonce])?;
        }
        transaction.commit()
    }

    /// Hides a received message until `visible_at`, or makes it visible at once.
    pub(super) fn change_visibility(
        &self,
        queue: &str,
        receipt: &Receipt,
        now: i64,
        visible_at: i64,
    ) -> rusqlite::Result<VisibilityChange> {
        let connection = self.connection();
        let held: Option<i64> = connection
            .prepare_cached("SELECT visible_at FROM messages WHERE id = ?1 AND queue = ?2 AND receipt = ?3")?
            .query_row(params![receipt.id, queue, receipt.nonce], |row| row.get(0))
            .optional()?;
        match held {
            None => Ok(VisibilityChange::Gone),
            Some(until) if until <= now => Ok(VisibilityChange::NotInFlight),
            Some(_) => {
                connection
                    .prepare_cached("UPDATE messages SET visible_at = ?2 WHERE id = ?1")?
                    .execute(params![receipt.id, visible_at])?;
                Ok(VisibilityChange::Changed)
            }
        }
    }

    /// Counts a queue's messages within their retention.
    pub(super) fn depth(&self, queue: &str, now: i64, oldest: i64) -> rusqlite::Result<Depth> {
        self.connection()
            .prepare_cached(
                "SELECT count(*) FILTER (WHERE visible_at <= ?2),
                        count(*) FILTER (WHERE visible_at > ?2 AND receipt IS NOT NULL),
                        count(*) FILTER (WHERE visible_at > ?2 AND receipt IS NULL)
                 FROM messages WHERE queue = ?1 AND sent_at > ?3",
            )?
            .query_row(params![queue, now, oldest], |row| {
                Ok(Depth { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? })
            })
    }

    /// The copies of a queue's messages that were received and neither deleted nor became visible again.
    pub(super) fn in_flight(&self, queue: &str, now: i64, oldest: i64) -> rusqlite::Result<Vec<i64>> {
        self.connection()
            .prepare_cached(
                "SELECT id FROM messages
                 WHERE queue = ?1 AND visible_at > ?2 AND receipt IS NOT NULL AND sent_at > ?3",
            )?
            .query_map(params![queue, now, oldest], |row| row.get(0))?
            .collect()
    }

    pub(super) fn bodies(&self, queue: &str) -> rusqlite::Result<Vec<String>> {
        self.connection()
            .prepare_cached("SELECT body FROM messages WHERE queue = ?1 ORDER BY id")?
            .query_map([queue], |row| row.get(0))?
            .collect()
    }

    pub(super) fn purge(&self, queue: &str) -> rusqlite::Result<()> {
        self.connection().execute("DELETE FROM messages WHERE queue = ?1", [queue])?;
        Ok(())
    }

    /// The ARNs of the queues that a queue's dead letters came from; `None` for messages sent to it directly.
    pub(super) fn origins(&self, queue: &str) -> rusqlite::Result<Vec<Option<String>>> {
        self.connection()
            .prepare_cached("SELECT DISTINCT came_from FROM messages WHERE queue = ?1")?
            .query_map([queue], |row| row.get(0))?
            .collect()
    }

    /// Moves the visible dead letters that came from `origin` (all of them when it is `None`) to another queue, where
    /// they are new messages with new ids.
    pub(super) fn move_back(&self, from: &str, origin: Option<&str>, to: &str, now: i64) -> rusqlite::Result<u64> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let ids: Vec<i64> = transaction
            .prepare(
                "SELECT id FROM messages WHERE queue = ?1 AND visible_at <= ?2 AND (?3 IS NULL OR came_from = ?3)",
            )?
            .query_map(params![from, now, origin], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for id in &ids {
            transaction
                .prepare_cached(
                    "UPDATE messages SET queue = ?2, message_id = ?3, sent_at = ?4, visible_at = ?4, receives = 0,
                            first_received_at = NULL, receipt = NULL, came_from = NULL
                     WHERE id = ?1",
                )?
                .execute(params![id, to, random_uuid(), now])?;
        }
        transaction.commit()?;
        Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
    }
}

/// Whether a queue has a message that is visible or has passed its retention.
fn has_work(connection: &Connection, taking: &Taking<'_>) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND visible_at <= ?2)
                 OR EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND sent_at <= ?3)",
        )?
        .query_row(params![taking.queue, taking.now, taking.oldest], |row| row.get(0))
}

/// The visible messages that a receive may take, the ones that became visible first in front.
fn visible(transaction: &Transaction<'_>, taking: &Taking<'_>) -> rusqlite::Result<Vec<Incoming>> {
    // Of each message of the batch one copy may be in front of those that can be taken.
    let most = i64::try_from(taking.limit + taking.except.len()).unwrap_or(i64::MAX);
    let found = transaction
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM messages WHERE queue = ?1 AND visible_at <= ?2 ORDER BY visible_at, id LIMIT ?3"
        ))?
        .query_map(params![taking.queue, taking.now, most], read_message)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut messages: Vec<Incoming> = Vec::new();
    for message in found {
        let is_there = |other: &Incoming| other.message_id == message.message_id;
        if messages.len() < taking.limit && !taking.except.iter().any(is_there) && !messages.iter().any(is_there) {
            messages.push(message);
        }
    }
    Ok(messages)
}

/// Leaves a copy of each message in the queue, with the same message id and receive count.
fn copied(transaction: &Transaction<'_>, ids: &[i64], now: i64) -> rusqlite::Result<Vec<i64>> {
    let mut copies = Vec::new();
    for id in ids {
        transaction
            .prepare_cached(
                "INSERT INTO messages (queue, message_id, body, attributes, trace_header, sender, sent_at, visible_at,
                                       receives, first_received_at, came_from)
                 SELECT queue, message_id, body, attributes, trace_header, sender, sent_at, ?2, receives,
                        first_received_at, came_from
                 FROM messages WHERE id = ?1",
            )?
            .execute([*id, now])?;
        copies.push(transaction.last_insert_rowid());
    }
    Ok(copies)
}

/// Hides messages without their having been received.
fn pass_over(transaction: &Transaction<'_>, ids: &[i64], until: i64) -> rusqlite::Result<()> {
    for id in ids {
        transaction
            .prepare_cached("UPDATE messages SET visible_at = ?2, receipt = NULL WHERE id = ?1")?
            .execute([*id, until])?;
    }
    Ok(())
}

fn read_message(row: &Row<'_>) -> rusqlite::Result<Incoming> {
    let attributes: String = row.get("attributes")?;
    Ok(Incoming {
        id: row.get("id")?,
        message_id: row.get("message_id")?,
        body: row.get("body")?,
        attributes: serde_json::from_str(&attributes).unwrap_or_default(),
        trace_header: row.get("trace_header")?,
        sender: row.get("sender")?,
        sent_at: row.get("sent_at")?,
        receives: row.get("receives")?,
        first_received_at: row.get::<_, Option<i64>>("first_received_at")?.unwrap_or_default(),
        came_from: row.get("came_from")?,
        receipt_handle: String::new(),
    })
}
