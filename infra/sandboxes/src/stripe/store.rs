//! The sandbox's database, on SQLite: writes that were acknowledged survive a `kill -9`.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cloud::sqlite;
use cloud::time::Timestamp;
use http::StatusCode;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use serde_json::{Value, json};

use super::Webhooks;
use super::objects::{self, Object};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS objects (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        parent TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS objects_by_parent ON objects (kind, parent, number);
    CREATE TABLE IF NOT EXISTS events (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        subject TEXT NOT NULL,
        intent TEXT NOT NULL,
        body TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        due_at INTEGER,
        status INTEGER,
        delivered_at INTEGER
    );
    CREATE INDEX IF NOT EXISTS events_by_due ON events (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX IF NOT EXISTS events_by_intent ON events (intent, number);
    CREATE TABLE IF NOT EXISTS idempotency_keys (
        key TEXT PRIMARY KEY,
        request TEXT NOT NULL,
        status INTEGER NOT NULL,
        body TEXT NOT NULL,
        used_at INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS deadlines (
        id TEXT PRIMARY KEY,
        due_at INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS deadlines_by_due ON deadlines (due_at);
    CREATE INDEX IF NOT EXISTS idempotency_keys_by_age ON idempotency_keys (used_at);
";

/// How long a response is stored under its idempotency key.
const KEY_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Seconds from each attempt to the next. When they are used up, after almost three days, the event is given up.
const RETRY_DELAYS: [u64; 9] = [5, 60, 600, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400];

/// An event as the webhook sends it.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) body: String,
}

/// A response that is stored under an idempotency key.
pub(super) struct StoredResponse {
    pub(super) request: String,
    pub(super) status: StatusCode,
    pub(super) body: String,
}

pub(super) struct Store {
    connection: Mutex<Connection>,
    webhooks: Webhooks,
}

impl Store {
    pub(super) fn open(path: Option<&Path>, webhooks: Webhooks) -> rusqlite::Result<Self> {
        Ok(Self { connection: Mutex::new(sqlite::open(path, SCHEMA)?), webhooks })
    }

    /// Runs `work` in one transaction, which is rolled back if `work` returns an error.
    pub(super) fn write<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        // A panic while the lock was held rolled its transaction back, so the connection is still sound.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&Transaction { connection: &transaction, webhooks: self.webhooks })?;
        transaction.commit()?;
        Ok(done)
    }
}

/// Access to the database inside one transaction.
pub(super) struct Transaction<'a> {
    connection: &'a Connection,
    webhooks: Webhooks,
}

impl Transaction<'_> {
    /// Inserts or updates an object.
    pub(super) fn put<T: Object>(&self, object: &T) -> rusqlite::Result<()> {
        let body =
            serde_json::to_string(object).map_err(|cause| rusqlite::Error::ToSqlConversionFailure(cause.into()))?;
        self.connection
            .prepare_cached(
                "INSERT INTO objects (id, kind, parent, body) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            )?
            .execute(params![object.id(), T::KIND, object.parent(), body])
            .map(drop)
    }

    pub(super) fn find<T: Object>(&self, id: &str) -> rusqlite::Result<Option<T>> {
        self.connection
            .prepare_cached("SELECT body FROM objects WHERE id = ?1 AND kind = ?2")?
            .query_row(params![id, T::KIND], read_body)
            .optional()
    }

    /// The objects of a parent, newest first; without a parent, all of the kind. At most `limit` (-1 for all), and only
    /// those older than the object `after`.
    pub(super) fn list<T: Object>(
        &self,
        parent: Option<&str>,
        after: Option<&str>,
        limit: i64,
    ) -> rusqlite::Result<Vec<T>> {
        self.connection
            .prepare_cached(
                "SELECT body FROM objects
                 WHERE kind = ?1 AND (?2 IS NULL OR parent = ?2)
                   AND (?3 IS NULL OR number < (SELECT number FROM objects WHERE id = ?3))
                 ORDER BY number DESC LIMIT ?4",
            )?
            .query_map(params![T::KIND, parent, after, limit], read_body)?
            .collect()
    }

    /// The newest payment of an order, by kind and id: an intent, or a session that may have none yet.
    pub(super) fn newest_payment(&self, order: &str) -> rusqlite::Result<Option<(String, String)>> {
        self.connection
            .prepare_cached(
                "SELECT kind, id FROM objects WHERE kind IN ('payment_intent', 'checkout.session') AND parent = ?1
                 ORDER BY number DESC LIMIT 1",
            )?
            .query_row([order], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }

    /// When, in seconds, an object has to be looked at.
    pub(super) fn set_deadline(&self, id: &str, due_at: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO deadlines (id, due_at) VALUES (?1, ?2)")?
            .execute(params![id, due_at])
            .map(drop)
    }

    pub(super) fn clear_deadline(&self, id: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM deadlines WHERE id = ?1")?.execute([id]).map(drop)
    }

    /// The objects whose deadline has come, at most 100.
    pub(super) fn overdue(&self, now: i64) -> rusqlite::Result<Vec<String>> {
        self.connection
            .prepare_cached("SELECT id FROM deadlines WHERE due_at <= ?1 ORDER BY due_at LIMIT 100")?
            .query_map([now], |row| row.get(0))?
            .collect()
    }

    /// Records an event without a due time, so that the schedule does not send it: the caller sends it now, or calls
    /// [`Transaction::enqueue`].
    pub(super) fn record<T: Object>(
        &self,
        name: &str,
        object: &T,
        intent: &str,
        now: Timestamp,
    ) -> rusqlite::Result<Event> {
        let id = objects::id("evt");
        let body = json!({
            "id": id, "object": "event", "api_version": self.webhooks.api_version, "created": now.seconds(),
            "data": {"object": object}, "livemode": false, "pending_webhooks": 1,
            "request": {"id": null, "idempotency_key": null}, "type": name,
        })
        .to_string();
        self.connection
            .prepare_cached(
                "INSERT INTO events (id, name, subject, intent, body, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![id, name, object.id(), intent, body, now.millis()])?;
        Ok(Event { id, name: name.to_owned(), body })
    }

    /// Whether the endpoint is subscribed to events of this name: Stripe sends no others.
    pub(super) fn is_subscribed(&self, name: &str) -> bool {
        self.webhooks.events.contains(&name)
    }

    /// Makes an event due now, for the schedule to send.
    pub(super) fn enqueue(&self, event: &Event, now: Timestamp) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE events SET due_at = ?2 WHERE id = ?1")?
            .execute(params![event.id, now.millis()])
            .map(drop)
    }

    /// Records an event for the schedule to send, if the endpoint is subscribed to it.
    pub(super) fn tell<T: Object>(&self, name: &str, object: &T, intent: &str, now: Timestamp) -> rusqlite::Result<()> {
        if self.is_subscribed(name) {
            let event = self.record(name, object, intent, now)?;
            self.enqueue(&event, now)?;
        }
        Ok(())
    }

    /// The last event of this name about this object.
    pub(super) fn last_event(&self, name: &str, subject: &str) -> rusqlite::Result<Option<Event>> {
        self.connection
            .prepare_cached(
                "SELECT id, name, body FROM events WHERE name = ?1 AND subject = ?2 ORDER BY number DESC LIMIT 1",
            )?
            .query_row(params![name, subject], read_event)
            .optional()
    }

    /// Counts an attempt to send an event. Until it is delivered it is due again after the next delay, so that a crash
    /// during delivery only delays it; after the last delay it is given up.
    pub(super) fn claim(&self, id: &str, now: Timestamp) -> rusqlite::Result<()> {
        let attempts: usize = self
            .connection
            .prepare_cached("UPDATE events SET attempts = attempts + 1 WHERE id = ?1 RETURNING attempts")?
            .query_row([id], |row| row.get(0))?;
        let due_at =
            RETRY_DELAYS.get(attempts.saturating_sub(1)).map(|pause| (now + Duration::from_secs(*pause)).millis());
        self.connection
            .prepare_cached("UPDATE events SET due_at = ?2 WHERE id = ?1 AND delivered_at IS NULL")?
            .execute(params![id, due_at])
            .map(drop)
    }

    /// Claims the events that are due, at most 100.
    pub(super) fn claim_due(&self, now: Timestamp) -> rusqlite::Result<Vec<Event>> {
        let due = self
            .connection
            .prepare_cached("SELECT id, name, body FROM events WHERE due_at <= ?1 ORDER BY due_at, number LIMIT 100")?
            .query_map([now.millis()], read_event)?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        for event in &due {
            self.claim(&event.id, now)?;
        }
        Ok(due)
    }

    /// Records the shop's response to an attempt; `None` if there was none. A 2xx ends the retries.
    pub(super) fn record_response(&self, id: &str, status: Option<StatusCode>, now: Timestamp) -> rusqlite::Result<()> {
        let accepted = status.is_some_and(|status| status.is_success());
        self.connection
            .prepare_cached(
                "UPDATE events SET status = ?2, delivered_at = CASE WHEN ?3 THEN ?4 ELSE delivered_at END,
                        due_at = CASE WHEN ?3 THEN NULL ELSE due_at END
                 WHERE id = ?1",
            )?
            .execute(params![id, status.map(|status| status.as_u16()), accepted, now.millis()])
            .map(drop)
    }

    pub(super) fn event(&self, id: &str) -> rusqlite::Result<Option<Event>> {
        self.connection
            .prepare_cached("SELECT id, name, body FROM events WHERE id = ?1")?
            .query_row([id], read_event)
            .optional()
    }

    /// The delivery state of an intent's events, oldest first.
    pub(super) fn deliveries(&self, intent: &str) -> rusqlite::Result<Vec<Value>> {
        self.connection
            .prepare_cached(&format!("SELECT {DELIVERY} FROM events WHERE intent = ?1 ORDER BY number"))?
            .query_map([intent], read_delivery)?
            .collect()
    }

    /// The delivery state of all events, oldest first.
    pub(super) fn all_deliveries(&self) -> rusqlite::Result<Vec<Value>> {
        self.connection
            .prepare_cached(&format!("SELECT {DELIVERY} FROM events ORDER BY number"))?
            .query_map([], read_delivery)?
            .collect()
    }

    /// The response that is stored under an idempotency key and not expired. Expired ones are deleted first.
    pub(super) fn stored_response(&self, key: &str, now: Timestamp) -> rusqlite::Result<Option<StoredResponse>> {
        self.connection
            .prepare_cached("DELETE FROM idempotency_keys WHERE used_at < ?1")?
            .execute([(now - KEY_LIFETIME).millis()])?;
        self.connection
            .prepare_cached("SELECT request, status, body FROM idempotency_keys WHERE key = ?1")?
            .query_row([key], |row| {
                let status = StatusCode::from_u16(row.get(1)?).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Ok(StoredResponse { request: row.get(0)?, status, body: row.get(2)? })
            })
            .optional()
    }

    pub(super) fn store_response(&self, key: &str, stored: &StoredResponse, now: Timestamp) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO idempotency_keys (key, request, status, body, used_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![key, stored.request, stored.status.as_u16(), stored.body, now.millis()])
            .map(drop)
    }
}

/// The columns that [`read_delivery`] reads.
const DELIVERY: &str = "id, name, intent, created_at, attempts, status, delivered_at, due_at";

fn read_delivery(row: &Row<'_>) -> rusqlite::Result<Value> {
    let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
    Ok(json!({
        "event": row.get::<_, String>(0)?,
        "type": row.get::<_, String>(1)?,
        "intent": row.get::<_, String>(2)?,
        "created_at": Timestamp::from_millis(row.get(3)?),
        "attempts": row.get::<_, u32>(4)?,
        "status": row.get::<_, Option<u16>>(5)?,
        "delivered_at": time(row.get(6)?),
        "next_attempt_at": time(row.get(7)?),
    }))
}

fn read_event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event { id: row.get(0)?, name: row.get(1)?, body: row.get(2)? })
}

fn read_body<T: Object>(row: &Row<'_>) -> rusqlite::Result<T> {
    let body: String = row.get(0)?;
    serde_json::from_str(&body)
        .map_err(|cause| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, cause.into()))
}
