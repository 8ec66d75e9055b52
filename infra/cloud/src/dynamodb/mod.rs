//! The DynamoDB endpoint: dynoxide, and what it does not emulate in front of it.
//!
//! The endpoint checks the caller's role, makes overlapping transactions conflict, counts round trips and capacity by
//! route, injects faults, and delivers the tables' streams.

mod backlog;
mod batches;
mod calls;
mod conflicts;
mod database;
mod engine;
mod errors;
mod expressions;
mod history;
mod keys;
mod limits;
mod records;
mod shards;
mod streams;
mod tables;
mod tokens;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use crate::time::Timestamp;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use serde_json::{Value, json};
use tokio::sync::watch;

pub use conflicts::Hold;
pub use engine::OpenError;
pub use errors::Outcome;
pub use streams::{Consumer, Start, StreamRecord};
pub use tables::{Attribute, AttributeKind, Index, Key, Projection, StreamView, Table, stream_arn, table_arn};

use crate::clock::Clock;
use crate::faults::{Faults, drop_connection};
use crate::usage::{Cost, Purpose, Usage};
use conflicts::Conflicts;
use engine::Engine;
use history::History;
use keys::{ItemKey, NamedItem, TableSchemas};
use streams::Streams;
use tokens::Tokens;

/// The local cloud's own access key, which is allowed everything.
pub const ROOT: &str = "LOCALROOT";

/// How long after its expiry an item is deleted. DynamoDB may be days late too, so a read that relies on TTL instead of
/// `expires_at` fails here as well.
const TTL_DELAY: Duration = Duration::from_hours(48);

/// The permission check of a call.
pub trait Permit: Send + Sync {
    /// An action of this request that the owner of the access key is not allowed, as
    /// `dynamodb:GetItem on resource: arn:…`; None if all of the request is allowed. Never called for [`ROOT`].
    fn denied(&self, access_key_id: &str, operation: &str, body: &Value) -> Option<String>;
}

/// Permits everything, for tests that are not about permissions.
#[derive(Clone, Copy, Debug, Default)]
pub struct PermitAll;

impl Permit for PermitAll {
    fn denied(&self, _: &str, _: &str, _: &Value) -> Option<String> {
        None
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a transaction holds its items when other requests are running, which may conflict with it.
    pub hold: Duration,
    /// How many images of overwritten items are kept for the fault `stale`.
    pub history_limit: usize,
    /// Whether images are kept from the start, and not only from the first fault that is ordered: each costs a read
    /// before its write.
    pub history_from_start: bool,
    /// The delay of the fault `slow`.
    pub slow: Duration,
    /// How often a stream's reader looks for records without having been woken by a write.
    pub poll_interval: Duration,
    /// The prefix of the partition keys of rate limits, which are counted apart.
    pub rate_limit_prefix: Option<&'static str>,
    /// How many shards each table's stream has.
    pub shards: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hold: Duration::from_millis(3),
            history_limit: 128,
            history_from_start: true,
            slow: crate::faults::SLOW_DELAY,
            poll_interval: Duration::from_secs(1),
            rate_limit_prefix: None,
            shards: 4,
        }
    }
}

/// Who calls, and for which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Identifies the function, and so its role.
    pub access_key_id: String,
    /// The `x-amzn-trace-id` of the request that the call is made for.
    pub trace: Option<String>,
}

impl Caller {
    /// The local cloud itself.
    pub fn root() -> Self {
        Self { access_key_id: ROOT.to_owned(), trace: None }
    }

    /// Reads a signed request's headers. The signature is not verified: everything is on loopback.
    fn of(headers: &HeaderMap) -> Result<Self, Value> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let access_key_id = text(AUTHORIZATION.as_str())
            .and_then(|authorization| authorization.split_once("Credential="))
            .and_then(|(_, scope)| scope.split('/').next())
            .filter(|id| !id.is_empty())
            .ok_or_else(errors::unauthenticated)?;
        if access_key_id != ROOT && text("x-amz-security-token").is_none_or(str::is_empty) {
            return Err(errors::invalid_token());
        }
        Ok(Self { access_key_id: access_key_id.to_owned(), trace: text("x-amzn-trace-id").map(str::to_owned) })
    }
}

/// The DynamoDB API that the functions call.
pub struct Endpoint {
    state: Mutex<State>,
    schemas: RwLock<TableSchemas>,
    conflicts: Conflicts,
    streams: RwLock<Streams>,
    progress: watch::Sender<u64>,
    expiring: RwLock<HashMap<String, String>>,
    untraced: AtomicUsize,
    permit: Arc<dyn Permit>,
    faults: Faults,
    usage: Usage,
    clock: Clock,
    /// When the tables were opened.
    opened: Timestamp,
    options: Options,
}

struct State {
    engine: Engine,
    history: History,
    tokens: Tokens,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Opens the tables stored in the file `path`, or a new database in memory.
    pub fn open(
        path: Option<&Path>,
        permit: Arc<dyn Permit>,
        faults: Faults,
        usage: Usage,
        clock: Clock,
        options: Options,
    ) -> Result<Self, OpenError> {
        let engine = Engine::open(path, clock.clone())?;
        engine.open_positions()?;
        let mut schemas = TableSchemas::new();
        for table in engine.table_names()? {
            if let Some(schema) = engine.schema(&table)? {
                schemas.insert(table, schema);
            }
        }
        Ok(Self {
            state: Mutex::new(State { engine, history: History::default(), tokens: Tokens::default() }),
            schemas: RwLock::new(schemas),
            conflicts: Conflicts::default(),
            streams: RwLock::default(),
            progress: watch::Sender::new(0),
            expiring: RwLock::default(),
            untraced: AtomicUsize::new(0),
            permit,
            faults,
            usage,
            opened: clock.now(),
            clock,
            options,
        })
    }

    /// Creates these tables. An existing one keeps its items; its indexes and its stream are changed to match.
    pub fn create_tables(&self, tables: &[Table]) -> Result<(), OpenError> {
        for table in tables {
            let schema = {
                let state = self.state();
                state.engine.create(table)?;
                if table.stream.is_some() {
                    state.engine.shard_stream(&table.name, self.options.shards.max(1))?;
                }
                state.engine.schema(&table.name)?
            };
            write(&self.schemas).extend(schema.map(|schema| (table.name.clone(), schema)));
            write(&self.expiring).extend(table.ttl.clone().map(|attribute| (table.name.clone(), attribute)));
        }
        Ok(())
    }

    /// Serves a call over HTTP. The handler must return the response unchanged: it may be one that breaks the
    /// connection.
    pub async fn serve(&self, parts: Parts, body: Bytes) -> Response {
        let caller = match Caller::of(&parts.headers) {
            Ok(caller) => caller,
            Err(refusal) => return answer(Outcome::refused(&refusal)),
        };
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let operation = target.strip_prefix("DynamoDB_20120810.").unwrap_or_default();
        answer(self.call(&caller, operation, &body).await)
    }

    /// Executes one call and counts what it cost.
    pub async fn call(&self, caller: &Caller, operation: &str, body: &[u8]) -> Outcome {
        if !engine::offers(operation) {
            return Outcome::refused(&errors::unknown_operation());
        }
        let mut cost = Cost { round_trips: 1, ..Cost::default() };
        let (purpose, outcome) = match serde_json::from_slice::<Value>(body) {
            Ok(body) if body.is_object() => {
                (purpose(&body, self.options.rate_limit_prefix), self.attempt(caller, operation, body, &mut cost).await)
            }
            _ => (Purpose::Work, Outcome::refused(&errors::unreadable())),
        };
        self.usage.record(caller.trace.as_deref(), &caller.access_key_id, operation, purpose, cost);
        outcome
    }

    /// Holds items of a table as a transaction under way does, until the returned value is dropped, so that a test can
    /// cause a conflict at a chosen time. `keys` have the form of a request's `Key`. None if another transaction holds
    /// one of them.
    pub fn hold(&self, table: &str, keys: &[Value]) -> Option<Hold> {
        let transaction: Vec<Value> =
            keys.iter().map(|key| json!({ "Delete": { "TableName": table, "Key": key } })).collect();
        let body = json!({ "TransactItems": transaction });
        let named = keys::written("TransactWriteItems", &body, &read(&self.schemas));
        self.conflicts.hold(items(&named), None).ok()
    }

    /// Deletes the items whose TTL attribute lies more than 48 hours before `now`, and returns how many they were.
    pub fn delete_expired(&self, now: Timestamp) -> Result<usize, OpenError> {
        let before = now - TTL_DELAY;
        let tables: Vec<(String, String)> =
            read(&self.expiring).iter().map(|(table, attribute)| (table.clone(), attribute.clone())).collect();
        let mut deleted = 0;
        for (table, attribute) in tables {
            let keys = self.state().engine.expired(&table, &attribute, before.seconds())?;
            for key in &keys {
                // The lock is taken per item, so that requests can run in between; the condition spares an item whose
                // TTL attribute was changed meanwhile.
                deleted += usize::from(self.state().engine.expire(&table, key, &attribute, before.seconds())?);
            }
            if !keys.is_empty() {
                self.wake_consumers(&[(table, vec![None])]);
            }
        }
        Ok(deleted)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls on rate limits are recognised by the prefix of the partition key.
fn purpose(body: &Value, rate_limit_prefix: Option<&str>) -> Purpose {
    let partition = body.pointer("/Key/pk/S").and_then(Value::as_str).unwrap_or_default();
    match rate_limit_prefix {
        Some(prefix) if partition.starts_with(prefix) => Purpose::RateLimit,
        _ => Purpose::Work,
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn items(named: &[NamedItem]) -> Vec<ItemKey> {
    named.iter().map(|one| one.item.clone()).collect()
}

fn answer(outcome: Outcome) -> Response {
    match outcome {
        Outcome::Answer(status, body) => (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response(),
        Outcome::Drop => drop_connection(),
    }
}

#[cfg(test)]
mod tests;
