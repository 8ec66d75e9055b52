//! The DynamoDB endpoint: dynoxide behind what only the cloud adds.
//!
//! It asks the caller's role, lets transactions that overlap conflict, counts round trips and capacity by route, fails
//! on order, and hands the tables' streams on.

mod batches;
mod calls;
mod conflicts;
mod engine;
mod errors;
mod history;
mod keys;
mod streams;
mod tables;
mod tokens;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::Timestamp;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use serde_json::{Value, json};
use tokio::sync::watch;

pub use conflicts::Hold;
pub use engine::OpenError;
pub use errors::Outcome;
pub use streams::{Consumer, Start, StreamRecord};
pub use tables::{Attribute, AttributeKind, IndexSpec, Projection, TableSpec};

use crate::clock::Clock;
use crate::faults::{Faults, drop_connection};
use crate::usage::{Cost, Purpose, Usage};
use conflicts::Conflicts;
use engine::Engine;
use history::History;
use keys::{ItemKey, NamedItem, TableSchemas};
use tokens::Tokens;

/// The access key that may do everything: the local cloud's own.
pub const ROOT: &str = "LOCALROOT";

/// The region and the account of everything local.
const ARN_PREFIX: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/";

/// Deleting by TTL happens as late as DynamoDB allows itself.
const TTL_DELAY: Duration = Duration::from_hours(48);

/// A table's ARN.
pub fn table_arn(table: &str) -> String {
    format!("{ARN_PREFIX}{table}")
}

/// Who may do what.
pub trait Permit: Send + Sync {
    /// What the owner of this access key may not do in this request, as `dynamodb:GetItem on resource: arn:…`; None
    /// if all of it is allowed. Never asked for [`ROOT`].
    fn denied(&self, access_key_id: &str, operation: &str, body: &Value) -> Option<String>;
}

/// Permits everything to everyone, for tests of other things.
#[derive(Clone, Copy, Debug, Default)]
pub struct PermitAll;

impl Permit for PermitAll {
    fn denied(&self, _: &str, _: &str, _: &Value) -> Option<String> {
        None
    }
}

/// How the endpoint behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a transaction holds its items while another request could meet it.
    pub hold: Duration,
    /// How many overwritten items are remembered for the fault `stale`; 0 saves a read before each write.
    pub history_limit: usize,
    /// How long the fault `slow` takes.
    pub slow: Duration,
    /// How often a stream's reader looks for records that nobody woke it for.
    pub poll_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hold: Duration::from_millis(3),
            history_limit: 128,
            slow: crate::faults::SLOW_DELAY,
            poll_interval: Duration::from_secs(1),
        }
    }
}

/// Who calls, and for which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Names the function, and so its role.
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

/// DynamoDB, as the functions see it.
pub struct Endpoint {
    state: Mutex<State>,
    schemas: RwLock<TableSchemas>,
    conflicts: Conflicts,
    changes: Mutex<HashMap<String, watch::Sender<u64>>>,
    progress: watch::Sender<u64>,
    expiring: RwLock<HashMap<String, String>>,
    untraced: AtomicUsize,
    permit: Arc<dyn Permit>,
    faults: Faults,
    usage: Usage,
    clock: Clock,
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
    /// Opens the tables kept in the file `path`, or new ones in memory.
    pub fn open(
        path: Option<&Path>,
        permit: Arc<dyn Permit>,
        faults: Faults,
        usage: Usage,
        clock: Clock,
        options: Options,
    ) -> Result<Self, OpenError> {
        let engine = Engine::open(path)?;
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
            changes: Mutex::default(),
            progress: watch::Sender::new(0),
            expiring: RwLock::default(),
            untraced: AtomicUsize::new(0),
            permit,
            faults,
            usage,
            clock,
            options,
        })
    }

    /// Creates these tables. One that is there keeps its items; its indexes and its stream are brought in line.
    pub fn create_tables(&self, tables: &[TableSpec]) -> Result<(), OpenError> {
        for spec in tables {
            let schema = {
                let state = self.state();
                state.engine.create(spec)?;
                state.engine.schema(&spec.name)?
            };
            write(&self.schemas).extend(schema.map(|schema| (spec.name.clone(), schema)));
            write(&self.expiring).extend(spec.ttl_attribute.clone().map(|attribute| (spec.name.clone(), attribute)));
        }
        Ok(())
    }

    /// A call over HTTP. Its answer may be a connection that breaks: return it from the handler as it is.
    pub async fn serve(&self, parts: Parts, body: Bytes) -> Response {
        let caller = match Caller::of(&parts.headers) {
            Ok(caller) => caller,
            Err(refusal) => return answer(Outcome::refused(&refusal)),
        };
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let operation = target.strip_prefix("DynamoDB_20120810.").unwrap_or_default();
        answer(self.call(&caller, operation, &body).await)
    }

    /// Carries out one call and counts what it cost.
    pub async fn call(&self, caller: &Caller, operation: &str, body: &[u8]) -> Outcome {
        if !engine::offers(operation) {
            return Outcome::refused(&errors::unknown_operation());
        }
        let mut cost = Cost { round_trips: 1, ..Cost::default() };
        let (purpose, outcome) = match serde_json::from_slice::<Value>(body) {
            Ok(body) if body.is_object() => (purpose(&body), self.attempt(caller, operation, body, &mut cost).await),
            _ => (Purpose::Work, Outcome::refused(&errors::unreadable())),
        };
        self.usage.record(caller.trace.as_deref(), &caller.access_key_id, operation, purpose, cost);
        outcome
    }

    /// Begins a transaction on items of a table that ends when what is returned is dropped, so that a test can meet
    /// it at a time of its choosing. `keys` are as a request's `Key` has them. None if another transaction has one.
    pub fn hold(&self, table: &str, keys: &[Value]) -> Option<Hold> {
        let transaction: Vec<Value> =
            keys.iter().map(|key| json!({ "Delete": { "TableName": table, "Key": key } })).collect();
        let body = json!({ "TransactItems": transaction });
        let named = keys::written("TransactWriteItems", &body, &read(&self.schemas));
        self.conflicts.hold(items(&named), None).ok()
    }

    /// Deletes the items whose TTL attribute lies more than 48 hours before `now`, and counts them.
    pub fn delete_expired(&self, now: Timestamp) -> Result<usize, OpenError> {
        let before = now - TTL_DELAY;
        let tables: Vec<(String, String)> =
            read(&self.expiring).iter().map(|(table, attribute)| (table.clone(), attribute.clone())).collect();
        let mut deleted = 0;
        for (table, attribute) in tables {
            let keys = self.state().engine.expired(&table, &attribute, before.seconds())?;
            for key in &keys {
                // One lock per item: requests go on in between, and the condition sees an item that was renewed.
                deleted += usize::from(self.state().engine.expire(&table, key, &attribute, before.seconds())?);
            }
            if !keys.is_empty() {
                self.wake_readers(&table);
            }
        }
        Ok(deleted)
    }

    /// Tells the readers of a table's stream that there may be something new.
    fn wake_readers(&self, table: &str) {
        if let Some(changes) = self.changes().get(table) {
            changes.send_modify(|count| *count += 1);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changes(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<u64>>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counters are known by their keys.
fn purpose(body: &Value) -> Purpose {
    let partition = body.pointer("/Key/pk/S").and_then(Value::as_str).unwrap_or_default();
    if partition.starts_with(store::rate_limits::RATE_LIMIT_PREFIX) { Purpose::RateLimit } else { Purpose::Work }
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
