//! The steps of one call: permission, faults, conflicts, execution, cost.

use std::sync::atomic::{AtomicUsize, Ordering};

use dynoxide::{DynoxideError, Item};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::conflicts::Refusal;
use super::engine::{self, Engine, Executed, set};
use super::keys::{self, NamedItem};
use super::streams::written_shards;
use super::tokens::{Token, TokenState};
use super::{Caller, Endpoint, Outcome, ROOT, batches, errors, history, items, limits, read, write};
use crate::faults::{Call, Kind};
use crate::usage::{Cost, Units};

impl Endpoint {
    pub(super) async fn attempt(&self, caller: &Caller, operation: &str, body: Value, cost: &mut Cost) -> Outcome {
        if caller.access_key_id != ROOT
            && let Some(what) = self.permit.denied(&caller.access_key_id, operation, &body)
        {
            return Outcome::refused(&errors::access_denied(&caller.access_key_id, &what));
        }
        let route = caller.trace.as_deref().and_then(|trace| self.usage.route_of(trace));
        let call = Call {
            may_be_stale: reads_eventually(operation, &body),
            ..Call::of("dynamodb", operation).for_route(route)
        };
        let (fault, item) = self.faults.next_with_item(&call).unzip();
        match fault {
            Some(Kind::Before) => return Outcome::Drop,
            Some(Kind::CrashBefore) => {
                self.faults.kill(caller.trace.as_deref()).await;
                return Outcome::Drop;
            }
            Some(Kind::Slow) => tokio::time::sleep(self.options.slow).await,
            Some(Kind::Throttle) => return self.throttle(operation, body, cost),
            Some(Kind::Conflict) => {
                if let Some(refusal) = conflict_refusal(operation, &body) {
                    charge_refused(operation, &body, cost);
                    return refusal;
                }
            }
            Some(Kind::Stale) if call.may_be_stale => return self.stale(operation, body, cost),
            Some(Kind::Torn) if operation == "Query" => return self.torn(operation, body, item.unwrap_or(1), cost),
            Some(Kind::Stale | Kind::Torn | Kind::After | Kind::CrashAfter | Kind::Duplicate | Kind::Disorder)
            | None => {}
        }
        let outcome = self.carry_out(caller, operation, body, cost).await;
        if fault == Some(Kind::CrashAfter) {
            self.faults.kill(caller.trace.as_deref()).await;
        }
        if matches!(fault, Some(Kind::After | Kind::CrashAfter)) { Outcome::Drop } else { outcome }
    }

    async fn carry_out(&self, caller: &Caller, operation: &str, mut body: Value, cost: &mut Cost) -> Outcome {
        let (named, reads) = {
            let schemas = read(&self.schemas);
            if let Err(refusal) = limits::check_request(operation, &body, &schemas) {
                return refusal;
            }
            (keys::written(operation, &body, &schemas), keys::read(operation, &body, &schemas))
        };
        match operation {
            "TransactWriteItems" => {
                let token = body.get("ClientRequestToken").and_then(Value::as_str);
                if named.len() != keys::action_count(&body) {
                    // An action that names no item: dynoxide rejects the transaction, so it cannot conflict.
                    return self.execute(operation, body, named, cost);
                }
                let hold = match self.conflicts.hold(items(&named), token) {
                    Ok(hold) => hold,
                    Err(Refusal::InProgress) => return Outcome::refused(&errors::in_progress()),
                    Err(Refusal::Conflict(conflicting)) => {
                        charge_refused(operation, &body, cost);
                        return Outcome::refused(&errors::cancelled_by_conflict(&conflicting));
                    }
                };
                // The token is looked up while the items are held: the same transaction may have ended just before, and
                // its response would be missed by an earlier look-up.
                let token = Token::take(&mut body);
                let known = token.as_ref().map(|token| self.state().tokens.find(token, self.clock.now()));
                let is_new = known == Some(TokenState::New);
                let outcome = match known {
                    Some(TokenState::Done(answer)) => self.replay(body, &named, answer, cost),
                    Some(TokenState::Mismatch) => Outcome::refused(&errors::another_transaction()),
                    Some(TokenState::New) | None => {
                        self.hold_for_conflicts(caller).await;
                        self.execute(operation, body, named, cost)
                    }
                };
                if let (Some(token), true, Outcome::Answer(StatusCode::OK, answer)) = (token, is_new, &outcome) {
                    self.state().tokens.store(token, answer, self.clock.now());
                }
                drop(hold);
                outcome
            }
            "TransactGetItems" => {
                let conflicting: Vec<bool> = reads.iter().map(|one| self.conflicts.has(&one.item)).collect();
                if conflicting.contains(&true) {
                    return Outcome::refused(&errors::cancelled_by_conflict(&conflicting));
                }
                self.execute(operation, body, named, cost)
            }
            "BatchWriteItem" => {
                let conflicting: Vec<bool> = named.iter().map(|one| self.conflicts.has(&one.item)).collect();
                if !conflicting.contains(&true) || named.len() != batches::size(&body) {
                    return self.execute(operation, body, named, cost);
                }
                let rest = batches::split_off(&mut body, |at| conflicting.get(at) != Some(&true));
                let named = named.into_iter().filter(|one| !self.conflicts.has(&one.item)).collect();
                self.execute_part(operation, body, named, rest, cost)
            }
            "PutItem" | "UpdateItem" | "DeleteItem" if named.iter().any(|one| self.conflicts.has(&one.item)) => {
                charge_refused(operation, &body, cost);
                Outcome::refused(&errors::conflict())
            }
            _ => self.execute(operation, body, named, cost),
        }
    }

    /// Replays the stored response of a transaction. It costs as much as reading its items in a transaction.
    fn replay(&self, mut body: Value, named: &[NamedItem], mut answer: Map<String, Value>, cost: &mut Cost) -> Outcome {
        let get = |one: &NamedItem| json!({ "Get": { "TableName": one.item.table, "Key": one.key } });
        let mut reading = json!({ "TransactItems": named.iter().map(get).collect::<Vec<_>>() });
        const CAPACITY: &str = "ReturnConsumedCapacity";
        if let Some(mode) = body.get_mut(CAPACITY) {
            set(&mut reading, CAPACITY, mode.take());
        }
        match engine::run(&self.state().engine.database, "TransactGetItems", reading) {
            Ok(executed) => {
                cost.read_units += executed.read;
                let read: Map<String, Value> = serde_json::from_slice(&executed.body).unwrap_or_default();
                answer.extend(read.into_iter().filter(|(name, _)| name == "ConsumedCapacity"));
                Outcome::ok(Value::Object(answer).to_string().into_bytes())
            }
            Err(error) => engine::refusal("TransactWriteItems", error),
        }
    }

    /// Waits for `options.hold` while the items are held, so that concurrent requests conflict as they would at
    /// DynamoDB. Does not wait when the transaction's own request is the only one that is running in the whole cloud.
    async fn hold_for_conflicts(&self, caller: &Caller) {
        if self.options.hold.is_zero() {
            return;
        }
        let Some(trace) = caller.trace.as_deref().filter(|trace| self.usage.route_of(trace).is_some()) else {
            self.untraced.fetch_add(1, Ordering::SeqCst);
            let _guard = Untraced(&self.untraced);
            tokio::time::sleep(self.options.hold).await;
            return;
        };
        if !self.usage.is_only_running(trace) || self.untraced.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(self.options.hold).await;
        }
    }

    fn execute(&self, operation: &str, body: Value, named: Vec<NamedItem>, cost: &mut Cost) -> Outcome {
        match self.run(operation, body, named, cost) {
            Ok(executed) => Outcome::ok(executed.body),
            Err(refusal) => refusal,
        }
    }

    /// Executes what is left of a batch, and returns `rest` as unprocessed.
    fn execute_part(
        &self,
        operation: &str,
        body: Value,
        named: Vec<NamedItem>,
        rest: Map<String, Value>,
        cost: &mut Cost,
    ) -> Outcome {
        let field = batches::unprocessed_field(operation).unwrap_or_default();
        let mut done = if batches::size(&body) == 0 {
            json!({})
        } else {
            match self.run(operation, body, named, cost) {
                Ok(executed) => serde_json::from_slice(&executed.body).unwrap_or_default(),
                Err(refusal) => return refusal,
            }
        };
        batches::add_unprocessed(&mut done, field, rest);
        Outcome::ok(done.to_string().into_bytes())
    }

    fn run(&self, operation: &str, body: Value, named: Vec<NamedItem>, cost: &mut Cost) -> Result<Executed, Outcome> {
        let table = keys::table_of(&body).to_owned();
        let refused = refused_cost(operation, &body);
        let streamed = written_shards(&named, &read(&self.schemas), self.options.shards.max(1));
        let is_checked = limits::check_result(None, operation, &body, &read(&self.schemas), &named)?;
        let refused_by = |error| engine::refusal(operation, error);
        // Kept only for the few requests whose result must be computed for its check.
        let unchecked = (!is_checked).then(|| body.clone());
        let prepared = engine::prepare(operation, body).map_err(refused_by)?;
        let executed = {
            let mut state = self.state();
            if let Some(body) = unchecked {
                limits::check_result(Some(&state.engine), operation, &body, &read(&self.schemas), &named)?;
            }
            let overwritten = self.overwritten(&state.engine, named);
            let executed = prepared.execute(&state.engine.database);
            if executed.is_ok() && !overwritten.is_empty() {
                state.history.remember(overwritten, self.options.history_limit);
            }
            executed
        };
        match executed {
            Ok(answered) => {
                let executed = answered.write().map_err(refused_by)?;
                cost.read_units += executed.read;
                cost.write_units += executed.write;
                limits::check_answer(operation, &executed.body)?;
                self.wake_consumers(&streamed);
                if engine::changes_tables(operation) {
                    self.refresh_schema(&table);
                }
                Ok(executed)
            }
            Err(error) => {
                if matches!(
                    error,
                    DynoxideError::ConditionalCheckFailedException(..)
                        | DynoxideError::TransactionCanceledException(..)
                ) {
                    cost.write_units += refused;
                }
                Err(engine::refusal(operation, error))
            }
        }
    }

    fn overwritten(&self, engine: &Engine, named: Vec<NamedItem>) -> Vec<(NamedItem, Option<Item>)> {
        if !(self.options.history_from_start || self.faults.were_ordered()) {
            return Vec::new();
        }
        let before = |one: NamedItem| engine.item(&one.item.table, &one.key).ok().map(|image| (one, image));
        named.into_iter().filter(|one| one.written).filter_map(before).collect()
    }

    fn throttle(&self, operation: &str, mut body: Value, cost: &mut Cost) -> Outcome {
        if matches!(operation, "TransactWriteItems" | "TransactGetItems") {
            return Outcome::refused(&errors::cancelled_by_throttling(keys::action_count(&body)));
        }
        if batches::unprocessed_field(operation).is_some() && batches::size(&body) > 1 {
            let rest = batches::split_off(&mut body, |at| at == 0);
            let named = keys::written(operation, &body, &read(&self.schemas));
            return self.execute_part(operation, body, named, rest, cost);
        }
        Outcome::refused(&errors::throttled())
    }

    fn stale(&self, operation: &str, body: Value, cost: &mut Cost) -> Outcome {
        let named = keys::read(operation, &body, &read(&self.schemas));
        let table = keys::table_of(&body).to_owned();
        let state = self.state();
        match history::run_stale(&state.engine, &state.history, operation, body, &named, &table) {
            Ok(executed) => {
                cost.read_units += executed.read;
                Outcome::ok(executed.body)
            }
            Err(error) => engine::refusal(operation, error),
        }
    }

    fn torn(&self, operation: &str, body: Value, item: u32, cost: &mut Cost) -> Outcome {
        let table = keys::table_of(&body).to_owned();
        let state = self.state();
        match history::run_torn(&state.engine, &state.history, operation, body, &table, item) {
            Ok(executed) => {
                cost.read_units += executed.read;
                Outcome::ok(executed.body)
            }
            Err(error) => engine::refusal(operation, error),
        }
    }

    fn refresh_schema(&self, table: &str) {
        let schema = self.state().engine.schema(table).ok().flatten();
        let mut schemas = write(&self.schemas);
        match schema {
            Some(schema) => schemas.insert(table.to_owned(), schema),
            None => schemas.remove(table),
        };
    }
}

/// Counts a transaction outside any request as under way until it is dropped.
struct Untraced<'a>(&'a AtomicUsize);

impl Drop for Untraced<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
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

/// The response to a call when other transactions hold all its items. None for an operation that cannot conflict.
fn conflict_refusal(operation: &str, body: &Value) -> Option<Outcome> {
    match operation {
        "TransactWriteItems" | "TransactGetItems" => {
            Some(Outcome::refused(&errors::cancelled_by_conflict(&vec![true; keys::action_count(body)])))
        }
        "PutItem" | "UpdateItem" | "DeleteItem" => Some(Outcome::refused(&errors::conflict())),
        "BatchWriteItem" => {
            let all = body.get("RequestItems").cloned().unwrap_or_default();
            Some(Outcome::ok(json!({ "UnprocessedItems": all }).to_string().into_bytes()))
        }
        _ => None,
    }
}

/// The least that a rejected write costs: DynamoDB charges by the size of the items, which the rejection does not tell.
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
    cost.conflicts += 1;
}
