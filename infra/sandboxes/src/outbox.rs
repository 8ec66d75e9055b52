//! What a sandbox has delivered to people's telephones, on SQLite, and what such sandboxes have in common.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use cloud::faults::{self, CallContext, Faults, Kind};
use cloud::gateway::BoxFuture;
use cloud::mail::{Message, Received, StoredMessage};
use cloud::sqlite;
use cloud::stack::Underway;
use cloud::time::Timestamp;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS delivered (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        request TEXT NOT NULL,
        sender TEXT NOT NULL,
        recipient TEXT NOT NULL,
        text TEXT NOT NULL,
        code TEXT,
        at INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS delivered_by_time ON delivered (at);
";

/// The most messages that are shown.
const MAX_SHOWN: u32 = 200;

/// Messages by their ids, each once.
pub(crate) struct Outbox {
    connection: Mutex<Connection>,
    channel: &'static str,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Done,
    /// A message with this id was delivered for the same request.
    Repeated,
    /// A message with this id was delivered for another request.
    Taken,
}

impl Outbox {
    pub(crate) fn open(path: Option<&Path>, channel: &'static str) -> rusqlite::Result<Self> {
        Ok(Self { connection: Mutex::new(sqlite::open(path, SCHEMA)?), channel })
    }

    fn connection(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn deliver(
        &self,
        (id, request): (&str, &str),
        message: &Message,
        at: Timestamp,
    ) -> rusqlite::Result<Delivery> {
        let connection = self.connection();
        let known = connection
            .query_row("SELECT request FROM delivered WHERE id = ?1", [id], |row| row.get::<_, String>(0))
            .optional()?;
        if let Some(known) = known {
            return Ok(if known == request { Delivery::Repeated } else { Delivery::Taken });
        }
        let Message { to, from, text, code, .. } = message;
        connection.execute(
            "INSERT INTO delivered (id, request, sender, recipient, text, code, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![id, request, from, to, text, code, at.millis()],
        )?;
        Ok(Delivery::Done)
    }

    /// How many messages were delivered at this time or later.
    pub(crate) fn count_since(&self, at: Timestamp) -> rusqlite::Result<u32> {
        self.connection().query_row("SELECT COUNT(*) FROM delivered WHERE at >= ?1", [at.millis()], |row| row.get(0))
    }

    /// The newest messages, newest first: all, or those to one number, in whichever way it is written.
    pub(crate) fn delivered(&self, to: Option<&str>) -> Vec<Received> {
        let digits = to.map(|to| to.chars().filter(char::is_ascii_digit).collect::<String>());
        let read = || -> rusqlite::Result<Vec<Received>> {
            let connection = self.connection();
            let mut statement = connection.prepare(
                "SELECT sender, recipient, text, code, at FROM delivered
                 WHERE ?1 IS NULL OR recipient = '+' || ?1 ORDER BY number DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![digits, MAX_SHOWN], |row| self.received(row))?;
            rows.collect()
        };
        read().unwrap_or_default()
    }

    fn received(&self, row: &Row<'_>) -> rusqlite::Result<Received> {
        let message = Message {
            from: row.get("sender")?,
            to: row.get("recipient")?,
            text: row.get("text")?,
            code: row.get("code")?,
            ..Message::default()
        };
        let at = Timestamp::from_millis(row.get("at")?);
        Ok(Received { channel: self.channel, stored: StoredMessage { message, at } })
    }
}

/// Answers a call with the fault that was ordered for it.
pub(crate) async fn with_fault(
    faults: &Faults,
    (service, operation): (&'static str, &'static str),
    parts: &Parts,
    carry_out: impl Future<Output = Response<Bytes>>,
) -> axum::response::Response {
    let CallContext { trace, route } = parts.extensions.get::<CallContext>().cloned().unwrap_or_default();
    let answered = match faults.next(&faults::Call::of(service, operation).for_route(route)) {
        Some(Kind::CrashBefore) => {
            faults.kill(trace.as_deref()).await;
            return faults::drop_connection();
        }
        Some(Kind::CrashAfter) => {
            carry_out.await;
            faults.kill(trace.as_deref()).await;
            return faults::drop_connection();
        }
        Some(Kind::Before) => return faults::drop_connection(),
        Some(Kind::After) => {
            carry_out.await;
            return faults::drop_connection();
        }
        Some(Kind::Throttle) => json(StatusCode::TOO_MANY_REQUESTS, &Value::Null),
        Some(Kind::Slow) => {
            tokio::time::sleep(faults::SLOW_DELAY).await;
            carry_out.await
        }
        Some(Kind::Conflict | Kind::Stale | Kind::Torn | Kind::Duplicate | Kind::Disorder) | None => carry_out.await,
    };
    answered.map(axum::body::Body::from)
}

/// The token of `Authorization: Bearer …`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Whether a number is `+` and 7 to 15 digits that begin with a country's code.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|one| one.is_ascii_digit())
}

pub(crate) fn json(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The work of a sandbox that does nothing by itself.
pub(crate) struct Idle;

impl Underway for Idle {
    fn stop(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
