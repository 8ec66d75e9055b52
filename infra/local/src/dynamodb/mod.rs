//! The DynamoDB door: dynoxide behind what only the cloud adds.
//!
//! It asks the caller's role, lets transactions that overlap conflict, counts round trips and capacity by route, fails
//! on order, and hands the tables' streams on.

mod answers;
mod batches;
mod conflicts;
mod engine;
mod history;
mod keys;
mod streams;
mod tables;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::Timestamp;
use dynoxide::DynoxideError;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::HeaderMap;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

pub use answers::Outcome;
pub use conflicts::Hold;
pub use engine::OpenError;
pub use streams::{Consumer, Start, StreamRecord};
pub use tables::{Attribute, AttributeKind, IndexSpec, Projection, TableSpec};

use crate::faults::{Faults, Kind, cut_off};
use crate::usage::{Cost, Units, Usage};
use conflicts::{Conflicts, Refusal};
use engine::{Engine, Ran};
use history::History;
use keys::{ItemKey, Named, Shapes};

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

/// How the door behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a transaction holds its items while another request could meet it.
    pub hold: Duration,
    /// How many overwritten items are remembered for the fault `stale`; 0 saves a read before each write.
    pub remembered: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { hold: Duration::from_millis(3), remembered: 128 }
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
            .ok_or_else(answers::unauthenticated)?;
        if access_key_id != ROOT && text("x-amz-security-token").is_none_or(str::is_empty) {
            return Err(answers::invalid_token());
        }
        Ok(Self { access_key_id: access_key_id.to_owned(), trace: text("x-amzn-trace-id").map(str::to_owned) })
    }
}

/// DynamoDB, as the functions see it.
pub struct Door {
    state: Mutex<State>,
    shapes: RwLock<Shapes>,
    conflicts: Conflicts,
    changes: Mutex<HashMap<String, watch::Sender<u64>>>,
    expiring: RwLock<HashMap<String, String>>,
    untraced: AtomicUsize,
    permit: Arc<dyn Permit>,
    faults: Faults,
    usage: Usage,
    options: Options,
}

struct State {
    engine: Engine,
    history: History,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Door {
    /// Opens the tables kept in the file `path`, or new ones in memory.
    pub fn open(
        path: Option<&Path>,
        permit: Arc<dyn Permit>,
        faults: Faults,
        usage: Usage,
        options: Options,
    ) -> Result<Self, OpenError> {
        let engine = Engine::open(path)?;
        let mut shapes = Shapes::new();
        for table in engine.table_names()? {
            if let Some(shape) = engine.shape(&table)? {
                shapes.insert(table, shape);
            }
        }
        Ok(Self {
            state: Mutex::new(State { engine, history: History::default() }),
            shapes: RwLock::new(shapes),
            conflicts: Conflicts::default(),
            changes: Mutex::default(),
            expiring: RwLock::default(),
            untraced: AtomicUsize::new(0),
            permit,
            faults,
            usage,
            options,
        })
    }

    /// Creates these tables. One that is there keeps its items; its indexes and its stream are brought in line.
    pub fn create_tables(&self, tables: &[TableSpec]) -> Result<(), OpenError> {
        for spec in tables {
            let shape = {
                let state = self.state();
                state.engine.create(spec)?;
                state.engine.shape(&spec.name)?
            };
            write(&self.shapes).extend(shape.map(|shape| (spec.name.clone(), shape)));
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
            return Outcome::refused(&answers::unknown_operation());
        }
        let mut cost = Cost { round_trips: 1, ..Cost::default() };
        let outcome = match serde_json::from_slice::<Value>(body) {
            Ok(body) if body.is_object() => self.attempt(caller, operation, body, &mut cost).await,
            _ => Outcome::refused(&answers::unreadable()),
        };
        self.usage.record(caller.trace.as_deref(), &caller.access_key_id, operation, cost);
        outcome
    }

    /// Begins a transaction on items of a table that ends when what is returned is dropped, so that a test can meet
    /// it at a time of its choosing. `keys` are as a request's `Key` has them. None if another transaction has one.
    pub fn hold(&self, table: &str, keys: &[Value]) -> Option<Hold> {
        let transaction: Vec<Value> =
            keys.iter().map(|key| json!({ "Delete": { "TableName": table, "Key": key } })).collect();
        let body = json!({ "TransactItems": transaction });
        let named = keys::written("TransactWriteItems", &body, &read(&self.shapes));
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
                self.announce(&table);
            }
        }
        Ok(deleted)
    }

    async fn attempt(&self, caller: &Caller, operation: &str, body: Value, cost: &mut Cost) -> Outcome {
        if caller.access_key_id != ROOT
            && let Some(what) = self.permit.denied(&caller.access_key_id, operation, &body)
        {
            return Outcome::refused(&answers::access_denied(&caller.access_key_id, &what));
        }
        let route = caller.trace.as_deref().and_then(|trace| self.usage.route_of(trace));
        let fault = self.faults.next("dynamodb", operation, route.as_deref());
        match fault {
            Some(Kind::Before) => return Outcome::Drop,
            Some(Kind::Slow) => tokio::time::sleep(crate::faults::SLOW).await,
            Some(Kind::Throttle) => return self.throttle(operation, body, cost),
            Some(Kind::Conflict) => {
                if let Some(refusal) = conflict_refusal(operation, &body) {
                    charge_refused(operation, &body, cost);
                    return refusal;
                }
            }
            Some(Kind::Stale) if reads_eventually(operation, &body) => return self.stale(operation, body, cost),
            Some(Kind::Stale | Kind::After) | None => {}
        }
        let outcome = self.carry_out(caller, operation, body, cost).await;
        if fault == Some(Kind::After) { Outcome::Drop } else { outcome }
    }

    async fn carry_out(&self, caller: &Caller, operation: &str, mut body: Value, cost: &mut Cost) -> Outcome {
        let (named, reads) = {
            let shapes = read(&self.shapes);
            (keys::written(operation, &body, &shapes), keys::read(operation, &body, &shapes))
        };
        match operation {
            "TransactWriteItems" => {
                let token = body.get("ClientRequestToken").and_then(Value::as_str);
                let hold = match self.conflicts.hold(items(&named), token) {
                    Ok(hold) => hold,
                    Err(Refusal::InProgress) => return Outcome::refused(&answers::in_progress()),
                    Err(Refusal::Conflict(struck)) => {
                        charge_refused(operation, &body, cost);
                        return Outcome::refused(&answers::cancelled_by_conflict(&struck));
                    }
                };
                self.meet(caller).await;
                let outcome = self.execute(operation, body, named, cost);
                drop(hold);
                outcome
            }
            "TransactGetItems" => {
                let struck: Vec<bool> = reads.iter().map(|one| self.conflicts.has(&one.item)).collect();
                if struck.contains(&true) {
                    return Outcome::refused(&answers::cancelled_by_conflict(&struck));
                }
                self.execute(operation, body, named, cost)
            }
            "BatchWriteItem" => {
                let struck: Vec<bool> = named.iter().map(|one| self.conflicts.has(&one.item)).collect();
                if !struck.contains(&true) {
                    return self.execute(operation, body, named, cost);
                }
                let rest = batches::take_out(&mut body, |at| struck.get(at) != Some(&true));
                let named = named.into_iter().filter(|one| !self.conflicts.has(&one.item)).collect();
                self.execute_part(operation, body, named, rest, cost)
            }
            "PutItem" | "UpdateItem" | "DeleteItem" if named.iter().any(|one| self.conflicts.has(&one.item)) => {
                charge_refused(operation, &body, cost);
                Outcome::refused(&answers::conflict())
            }
            _ => self.execute(operation, body, named, cost),
        }
    }

    /// Lets other requests meet a transaction that is under way. Where the only running request of the whole cloud is
    /// the transaction's own, there is no other.
    async fn meet(&self, caller: &Caller) {
        let Some(trace) = caller.trace.as_deref() else {
            self.untraced.fetch_add(1, Ordering::SeqCst);
            let _guard = Untraced(&self.untraced);
            tokio::time::sleep(self.options.hold).await;
            return;
        };
        if !self.usage.is_alone(trace) || self.untraced.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(self.options.hold).await;
        }
    }

    fn execute(&self, operation: &str, body: Value, named: Vec<Named>, cost: &mut Cost) -> Outcome {
        match self.run(operation, body, named, cost) {
            Ok(ran) => Outcome::ok(ran.body),
            Err(refusal) => refusal,
        }
    }

    /// Carries out what is left of a batch, and gives `rest` back as unprocessed.
    fn execute_part(
        &self,
        operation: &str,
        body: Value,
        named: Vec<Named>,
        rest: Map<String, Value>,
        cost: &mut Cost,
    ) -> Outcome {
        let field = batches::unprocessed_field(operation).unwrap_or_default();
        let done = if batches::size(&body) == 0 {
            json!({})
        } else {
            match self.run(operation, body, named, cost) {
                Ok(ran) => serde_json::from_slice(&ran.body).unwrap_or_default(),
                Err(refusal) => return refusal,
            }
        };
        let mut done = done;
        batches::give_back(&mut done, field, rest);
        Outcome::ok(done.to_string().into_bytes())
    }

    fn run(&self, operation: &str, body: Value, named: Vec<Named>, cost: &mut Cost) -> Result<Ran, Outcome> {
        let table = keys::table_of(&body).to_owned();
        let refused = refused_cost(operation, &body);
        let tables: Vec<String> = {
            let shapes = read(&self.shapes);
            let streamed = |one: &&Named| shapes.get(&one.item.table).is_some_and(|shape| shape.streamed);
            named.iter().filter(streamed).map(|one| one.item.table.clone()).collect()
        };
        let ran = {
            let mut state = self.state();
            let overwritten = self.overwritten(&state.engine, named);
            let ran = engine::run(&state.engine.database, operation, body);
            if ran.is_ok() && !overwritten.is_empty() {
                state.history.remember(overwritten, self.options.remembered);
            }
            ran
        };
        match ran {
            Ok(ran) => {
                cost.read_units += ran.read;
                cost.write_units += ran.write;
                for table in tables {
                    self.announce(&table);
                }
                if engine::shapes_tables(operation) {
                    self.reshape(&table);
                }
                Ok(ran)
            }
            Err(error) => {
                if matches!(
                    error,
                    DynoxideError::ConditionalCheckFailedException(..) | DynoxideError::TransactionCanceledException(..)
                ) {
                    cost.write_units += refused;
                }
                Err(engine::refusal(operation, error))
            }
        }
    }

    fn overwritten(&self, engine: &Engine, named: Vec<Named>) -> Vec<(Named, Option<dynoxide::Item>)> {
        if self.options.remembered == 0 {
            return Vec::new();
        }
        let before = |one: Named| engine.item(&one.item.table, &one.key).ok().map(|image| (one, image));
        named.into_iter().filter(|one| one.written).filter_map(before).collect()
    }

    fn throttle(&self, operation: &str, mut body: Value, cost: &mut Cost) -> Outcome {
        if matches!(operation, "TransactWriteItems" | "TransactGetItems") {
            return Outcome::refused(&answers::cancelled_by_throttling(keys::action_count(&body)));
        }
        if batches::unprocessed_field(operation).is_some() && batches::size(&body) > 1 {
            let rest = batches::take_out(&mut body, |at| at == 0);
            let named = keys::written(operation, &body, &read(&self.shapes));
            return self.execute_part(operation, body, named, rest, cost);
        }
        Outcome::refused(&answers::throttled())
    }

    fn stale(&self, operation: &str, body: Value, cost: &mut Cost) -> Outcome {
        let named = keys::read(operation, &body, &read(&self.shapes));
        let table = keys::table_of(&body).to_owned();
        let state = self.state();
        match history::run_before(&state.engine, &state.history, operation, body, &named, &table) {
            Ok(ran) => {
                cost.read_units += ran.read;
                Outcome::ok(ran.body)
            }
            Err(error) => engine::refusal(operation, error),
        }
    }

    /// Tells the readers of a table's stream that there may be something new.
    fn announce(&self, table: &str) {
        if let Some(changes) = self.changes().get(table) {
            changes.send_modify(|count| *count += 1);
        }
    }

    fn reshape(&self, table: &str) {
        let shape = self.state().engine.shape(table).ok().flatten();
        let mut shapes = write(&self.shapes);
        match shape {
            Some(shape) => shapes.insert(table.to_owned(), shape),
            None => shapes.remove(table),
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changes(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<u64>>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction outside any request is under way while this lives.
struct Untraced<'a>(&'a AtomicUsize);

impl Drop for Untraced<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn items(named: &[Named]) -> Vec<ItemKey> {
    named.iter().map(|one| one.item.clone()).collect()
}

fn reads_eventually(operation: &str, body: &Value) -> bool {
    let consistent = |part: &Value| part.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false);
    match operation {
        "GetItem" | "Query" | "Scan" => !consistent(body),
        "BatchGetItem" => {
            let tables = body.get("RequestItems").and_then(Value::as_object);
            !tables.into_iter().flatten().any(|(_, request)| consistent(request))
        }
        _ => false,
    }
}

/// How a call is refused that meets a transaction on everything it names; None for one that none can disturb.
fn conflict_refusal(operation: &str, body: &Value) -> Option<Outcome> {
    match operation {
        "TransactWriteItems" | "TransactGetItems" => {
            Some(Outcome::refused(&answers::cancelled_by_conflict(&vec![true; keys::action_count(body)])))
        }
        "PutItem" | "UpdateItem" | "DeleteItem" => Some(Outcome::refused(&answers::conflict())),
        "BatchWriteItem" => {
            let all = body.get("RequestItems").cloned().unwrap_or_default();
            Some(Outcome::ok(json!({ "UnprocessedItems": all }).to_string().into_bytes()))
        }
        _ => None,
    }
}

/// What a refused write costs at least: DynamoDB charges by the size of items, which a refusal does not tell.
fn refused_cost(operation: &str, body: &Value) -> Units {
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => Units::whole(1),
        "TransactWriteItems" => {
            Units::whole(u64::try_from(keys::action_count(body)).unwrap_or(u64::MAX).saturating_mul(2))
        }
        _ => Units::default(),
    }
}

fn charge_refused(operation: &str, body: &Value, cost: &mut Cost) {
    cost.write_units += refused_cost(operation, body);
}

fn answer(outcome: Outcome) -> Response {
    match outcome {
        Outcome::Answer(status, body) => {
            (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
        }
        Outcome::Drop => cut_off(),
    }
}

