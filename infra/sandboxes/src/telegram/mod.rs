//! Telegram Gateway's API (<https://core.telegram.org/gateway/api>), as far as codes of one's own are sent by it.
//!
//! | path below `/_local/telegram` | what |
//! | --- | --- |
//! | `/checkSendAbility`, `/sendVerificationMessage` | Telegram's own protocol, with the token `telegram_test_local` |
//! | `POST /balance {"cents": 0}` | sets what is left of the money that was paid in advance |
//! | `GET /messages` | what was sent, newest first |
//!
//! Names of methods are case-insensitive, and parameters come as JSON, as a form or in the query. Every answer is 200
//! or 4xx with `{"ok", "result" or "error"}`. A number whose last digit is odd belongs to nobody with Telegram. A
//! request that was checked is paid for and sends once. Telegram's documentation names one error,
//! `ACCESS_TOKEN_INVALID`; the others here are like those of its other APIs.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cloud::clock::Clock;
use cloud::faults::Faults;
use cloud::gateway::BoxFuture;
use cloud::mail::{Message, Received};
use cloud::stack::{ThirdParty, Underway};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::Deliver;
use crate::outbox::{self, Delivery, Idle, Outbox};

/// The path below which the sandbox is served.
pub const PREFIX: &str = "/_local/telegram";
/// The token that it accepts.
pub const TOKEN: &str = "telegram_test_local";

/// What a message costs, and what is paid in at the beginning, in hundredths of a dollar.
const PRICE: i64 = 1;
const PAID_IN: i64 = 1_000_000;
const MAX_A_SECOND: u32 = 30;

/// The sandbox. Clones share its state.
#[derive(Clone)]
pub struct Telegram {
    inner: Arc<Inner>,
}

struct Inner {
    outbox: Outbox,
    clock: Clock,
    faults: Faults,
    state: Mutex<State>,
}

struct State {
    balance: i64,
    /// Requests that were checked and paid for, with their numbers.
    checked: BTreeMap<String, String>,
    requests: u64,
}

/// An error's name and the status that it comes with.
type Refused = (StatusCode, &'static str);

const BAD: StatusCode = StatusCode::BAD_REQUEST;

impl Telegram {
    /// Opens the sandbox, whose messages are stored in the SQLite file `path` or in memory.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(path: Option<&Path>, clock: Clock, faults: Faults) -> rusqlite::Result<Self> {
        let outbox = Outbox::open(path, "telegram")?;
        let state = Mutex::new(State { balance: PAID_IN, checked: BTreeMap::new(), requests: 0 });
        Ok(Self { inner: Arc::new(Inner { outbox, clock, faults, state }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request without faults. The path is relative to the prefix.
    pub fn call(&self, parts: &Parts, body: &Bytes) -> Response<Bytes> {
        match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/messages") => outbox::json(StatusCode::OK, &json!({"items": self.delivered(None)})),
            (&Method::POST, "/balance") => {
                let asked = serde_json::from_slice::<Value>(body).ok().and_then(|asked| asked.get("cents")?.as_i64());
                match asked {
                    Some(cents) => {
                        self.state().balance = cents;
                        outbox::json(StatusCode::OK, &json!({ "cents": cents }))
                    }
                    None => outbox::json(BAD, &json!({"error": "cents is missing"})),
                }
            }
            _ => match self.method(parts, body) {
                Ok(result) => outbox::json(StatusCode::OK, &json!({"ok": true, "result": result})),
                Err((status, error)) => outbox::json(status, &json!({"ok": false, "error": error})),
            },
        }
    }

    fn method(&self, parts: &Parts, body: &Bytes) -> Result<Value, Refused> {
        let given = parameters(parts, body)?;
        let token = outbox::bearer(&parts.headers).or_else(|| given.get("access_token").and_then(Value::as_str));
        if token != Some(TOKEN) {
            return Err((StatusCode::UNAUTHORIZED, "ACCESS_TOKEN_INVALID"));
        }
        match parts.uri.path().trim_start_matches('/').to_ascii_lowercase().as_str() {
            "checksendability" => self.check(&given),
            "sendverificationmessage" => self.send(&given),
            _ => Err((StatusCode::NOT_FOUND, "METHOD_NOT_FOUND")),
        }
    }

    /// Pays for a message to a number that has Telegram.
    fn check(&self, given: &Map<String, Value>) -> Result<Value, Refused> {
        let number = number_of(given)?;
        let mut state = self.state();
        if state.balance < PRICE {
            return Err((BAD, "BALANCE_NOT_ENOUGH"));
        }
        state.balance -= PRICE;
        state.requests += 1;
        let id = format!("{:015}", state.requests);
        state.checked.insert(id.clone(), number.clone());
        Ok(json!({
            "request_id": id, "phone_number": number, "request_cost": cost(PRICE), "remaining_balance": cost(state.balance),
        }))
    }

    fn send(&self, given: &Map<String, Value>) -> Result<Value, Refused> {
        let text = |name: &str| given.get(name).and_then(Value::as_str);
        let number = number_of(given)?;
        let code = text("code").unwrap_or_default();
        if !(4..=8).contains(&code.len()) || !code.bytes().all(|one| one.is_ascii_digit()) {
            return Err((BAD, "CODE_INVALID"));
        }
        let ttl = given.get("ttl").map(|ttl| ttl.as_u64().or_else(|| ttl.as_str()?.parse().ok()));
        if ttl.is_some_and(|ttl| !ttl.is_some_and(|ttl| (30..=3_600).contains(&ttl))) {
            return Err((BAD, "TTL_INVALID"));
        }
        if text("payload").is_some_and(|payload| payload.len() > 128) {
            return Err((BAD, "PAYLOAD_INVALID"));
        }
        let now = self.inner.clock.now();
        let second = cloud::time::Timestamp::from_millis(now.millis().saturating_sub(1_000));
        if self.inner.outbox.count_since(second).is_ok_and(|count| count >= MAX_A_SECOND) {
            return Err((StatusCode::TOO_MANY_REQUESTS, "FLOOD_WAIT_1"));
        }
        // Who names a request that was checked has paid for it.
        let status = match text("request_id") {
            Some(id) => {
                let known = self.state().checked.remove(id).filter(|known| *known == number);
                known.ok_or((BAD, "REQUEST_ID_INVALID"))?;
                json!({"request_id": id, "phone_number": number, "request_cost": 0.0})
            }
            None => {
                let paid = self.check(given)?;
                self.state().checked.remove(id_of(&paid));
                paid
            }
        };
        let message = Message {
            to: number,
            from: "Verification Codes".to_owned(),
            text: format!("Your code is {code}."),
            code: Some(code.to_owned()),
            ..Message::default()
        };
        let id = id_of(&status);
        match self.inner.outbox.deliver((id, code), &message, now) {
            Ok(Delivery::Done | Delivery::Repeated | Delivery::Taken) => {}
            Err(_) => return Err((StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL")),
        }
        let mut status = status.clone();
        if let Some(fields) = status.as_object_mut() {
            let sent = json!({"status": "sent", "updated_at": now.seconds()});
            fields.insert("delivery_status".to_owned(), sent);
        }
        Ok(status)
    }
}

fn id_of(status: &Value) -> &str {
    status.get("request_id").and_then(Value::as_str).unwrap_or_default()
}

/// Cents as the number of dollars that the wire has.
fn cost(cents: i64) -> Value {
    serde_json::from_str(&format!("{}.{:02}", cents / 100, (cents % 100).abs())).unwrap_or(Value::Null)
}

/// The number of a call: one that has Telegram.
fn number_of(given: &Map<String, Value>) -> Result<String, Refused> {
    let number = given.get("phone_number").and_then(Value::as_str).unwrap_or_default();
    if !outbox::is_number(number) {
        return Err((BAD, "PHONE_NUMBER_INVALID"));
    }
    let last = number.bytes().last().unwrap_or_default();
    if last % 2 == 1 { Err((BAD, "PHONE_NUMBER_NOT_FOUND")) } else { Ok(number.to_owned()) }
}

/// The parameters of the query, and of a body in either form.
fn parameters(parts: &Parts, body: &Bytes) -> Result<Map<String, Value>, Refused> {
    let pairs = |text: &[u8]| serde_urlencoded::from_bytes::<Vec<(String, String)>>(text).unwrap_or_default();
    let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
    let mut given: Map<String, Value> = query.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        given.extend(serde_json::from_slice::<Map<String, Value>>(body).map_err(|_| (BAD, "JSON_INVALID"))?);
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        given.extend(pairs(body).into_iter().map(|(name, value)| (name, Value::from(value))));
    }
    Ok(given)
}

impl ThirdParty for Telegram {
    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn reach(&self, _: &str, _: Deliver) {}

    fn serve(&self, parts: Parts, body: Bytes) -> BoxFuture<'_, axum::response::Response> {
        Box::pin(async move {
            let operation = match parts.uri.path().to_ascii_lowercase().as_str() {
                "/checksendability" => "CheckSendAbility",
                "/sendverificationmessage" => "SendVerificationMessage",
                _ => return self.call(&parts, &body).map(axum::body::Body::from),
            };
            let sent = async { self.call(&parts, &body) };
            outbox::with_fault(&self.inner.faults, ("telegram", operation), &parts, sent).await
        })
    }

    fn delivered(&self, to: Option<&str>) -> Vec<Received> {
        self.inner.outbox.delivered(to)
    }

    fn start(&self) -> Box<dyn Underway> {
        Box::new(Idle)
    }

    fn run_due(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
