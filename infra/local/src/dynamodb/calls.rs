//! How one call goes: permission, faults, conflicts, the database, what it cost.

use std::sync::atomic::{AtomicUsize, Ordering};

use dynoxide::{DynoxideError, Item};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::conflicts::Refusal;
use super::engine::{self, Engine, Ran, set};
use super::keys::{self, Named};
use super::tokens::{Known, Token};
use super::{Caller, Door, Outcome, ROOT, answers, batches, history, items, read, write};
use crate::faults::{Call, Kind};
use crate::usage::{Cost, Units};

impl Door {
    pub(super) async fn attempt(&self, caller: &Caller, operation: &str, body: Value, cost: &mut Cost) -> Outcome {
        if caller.access_key_id != ROOT
            && let Some(what) = self.permit.denied(&caller.access_key_id, operation, &body)
        {
            return Outcome::refused(&answers::access_denied(&caller.access_key_id, &what));
        }
        let route = caller.trace.as_deref().and_then(|trace| self.usage.route_of(trace));
        let call = Call {
            may_be_stale: reads_eventually(operation, &body),
            ..Call::of("dynamodb", operation).made_for(route)
        };
        let fault = self.faults.next(&call);
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
            Some(Kind::Stale | Kind::After | Kind::CrashAfter) | None => {}
        }
        let outcome = self.carry_out(caller, operation, body, cost).await;
        if fault == Some(Kind::CrashAfter) {
            self.faults.kill(caller.trace.as_deref()).await;
        }
        if matches!(fault, Some(Kind::After | Kind::CrashAfter)) { Outcome::Drop } else { outcome }
    }

    async fn carry_out(&self, caller: &Caller, operation: &str, mut body: Value, cost: &mut Cost) -> Outcome {
        let (named, reads) = {
            let shapes = read(&self.shapes);
            (keys::written(operation, &body, &shapes), keys::read(operation, &body, &shapes))
        };
        match operation {
            "TransactWriteItems" => {
                let token = body.get("ClientRequestToken").and_then(Value::as_str);
                if named.len() != keys::action_count(&body) {
                    // Something in it names no item: it is refused before it could meet anything.
                    return self.execute(operation, body, named, cost);
                }
                let hold = match self.conflicts.hold(items(&named), token) {
                    Ok(hold) => hold,
                    Err(Refusal::InProgress) => return Outcome::refused(&answers::in_progress()),
                    Err(Refusal::Conflict(struck)) => {
                        charge_refused(operation, &body, cost);
                        return Outcome::refused(&answers::cancelled_by_conflict(&struck));
                    }
                };
                // Only now: before it was held, the same transaction may just have come to its end.
                let token = Token::take(&mut body);
                let known = token.as_ref().map(|token| self.state().tokens.find(token, self.clock.now()));
                let is_new = known == Some(Known::No);
                let outcome = match known {
                    Some(Known::Done(answer)) => self.replay(body, &named, answer, cost),
                    Some(Known::Other) => Outcome::refused(&answers::another_transaction()),
                    Some(Known::No) | None => {
                        self.meet(caller).await;
                        self.execute(operation, body, named, cost)
                    }
                };
                if let (Some(token), true, Outcome::Answer(StatusCode::OK, answer)) = (token, is_new, &outcome) {
                    self.state().tokens.keep(token, answer, self.clock.now());
                }
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
                if !struck.contains(&true) || named.len() != batches::size(&body) {
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

    /// Answers a transaction that was carried out before. It costs what reading its items in a transaction costs.
    fn replay(&self, mut body: Value, named: &[Named], mut answer: Map<String, Value>, cost: &mut Cost) -> Outcome {
        let get = |one: &Named| json!({ "Get": { "TableName": one.item.table, "Key": one.key } });
        let mut reading = json!({ "TransactItems": named.iter().map(get).collect::<Vec<_>>() });
        const CAPACITY: &str = "ReturnConsumedCapacity";
        if let Some(mode) = body.get_mut(CAPACITY) {
            set(&mut reading, CAPACITY, mode.take());
        }
        match engine::run(&self.state().engine.database, "TransactGetItems", reading) {
            Ok(ran) => {
                cost.read_units += ran.read;
                let read: Map<String, Value> = serde_json::from_slice(&ran.body).unwrap_or_default();
                answer.extend(read.into_iter().filter(|(name, _)| name == "ConsumedCapacity"));
                Outcome::ok(Value::Object(answer).to_string().into_bytes())
            }
            Err(error) => engine::refusal("TransactWriteItems", error),
        }
    }

    /// Lets other requests meet a transaction that is under way. Where the only running request of the whole cloud is
    /// the transaction's own, there is no other.
    async fn meet(&self, caller: &Caller) {
        if self.options.hold.is_zero() {
            return;
        }
        let Some(trace) = caller.trace.as_deref().filter(|trace| self.usage.route_of(trace).is_some()) else {
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
        let mut done = if batches::size(&body) == 0 {
            json!({})
        } else {
            match self.run(operation, body, named, cost) {
                Ok(ran) => serde_json::from_slice(&ran.body).unwrap_or_default(),
                Err(refusal) => return refusal,
            }
        };
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
                    DynoxideError::ConditionalCheckFailedException(..)
                        | DynoxideError::TransactionCanceledException(..)
                ) {
                    cost.write_units += refused;
                }
                Err(engine::refusal(operation, error))
            }
        }
    }

    fn overwritten(&self, engine: &Engine, named: Vec<Named>) -> Vec<(Named, Option<Item>)> {
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

    fn reshape(&self, table: &str) {
        let shape = self.state().engine.shape(table).ok().flatten();
        let mut shapes = write(&self.shapes);
        match shape {
            Some(shape) => shapes.insert(table.to_owned(), shape),
            None => shapes.remove(table),
        };
    }
}

/// A transaction outside any request is under way while this lives.
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
    cost.conflicts += 1;
}
