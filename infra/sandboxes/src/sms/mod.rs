//! A gateway of short messages, no kinder than real ones.
//!
//! | path below `/_local/sms` | what |
//! | --- | --- |
//! | `POST /messages {"id", "to", "text", "from"}` | sends, with `Authorization: Bearer sms_test_local` |
//! | `POST /errors {"status": 503}` | the next message is answered like that and not sent |
//! | `GET /messages` | what was sent, newest first |
//!
//! A message needs an id of its own: repeated with the same request it is answered alike and sent once, with another
//! request it is a 409. A wrong token is a 401, a field too much or of another kind a 400, what is no number a 422, and
//! so is a number of which nobody has a telephone (it ends with `99999`). Thirty messages a second are taken.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use cloud::clock::Clock;
use cloud::faults::Faults;
use cloud::gateway::BoxFuture;
use cloud::mail::{Message, Received};
use cloud::stack::{ThirdParty, Underway};
use cloud::time::Timestamp;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Deliver;
use crate::outbox::{self, Delivery, Idle, Outbox};

/// The path below which the sandbox is served.
pub const PREFIX: &str = "/_local/sms";
/// The path of its call.
pub const MESSAGES: &str = "/_local/sms/messages";
/// The token that it accepts.
pub const TOKEN: &str = "sms_test_local";

const MAX_TEXT: usize = 1_000;
const MAX_A_SECOND: u32 = 30;

/// The sandbox. Clones share its state.
#[derive(Clone)]
pub struct Sms {
    inner: Arc<Inner>,
}

struct Inner {
    outbox: Outbox,
    clock: Clock,
    faults: Faults,
    ordered: Mutex<Vec<u16>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    id: String,
    to: String,
    text: String,
    from: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    status: u16,
}

impl Sms {
    /// Opens the sandbox, stored in the SQLite file `path` or in memory.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(path: Option<&Path>, clock: Clock, faults: Faults) -> rusqlite::Result<Self> {
        let outbox = Outbox::open(path, "sms")?;
        Ok(Self { inner: Arc::new(Inner { outbox, clock, faults, ordered: Mutex::default() }) })
    }

    /// Answers a request without faults. The path is relative to the prefix.
    pub fn call(&self, parts: &Parts, body: &Bytes) -> Response<Bytes> {
        match (&parts.method, parts.uri.path()) {
            (&Method::POST, "/messages") => self.send(parts, body),
            (&Method::GET, "/messages") => outbox::json(StatusCode::OK, &json!({"items": self.delivered(None)})),
            (&Method::POST, "/errors") => match serde_json::from_slice::<Order>(body) {
                Ok(Order { status }) => {
                    self.inner.ordered.lock().unwrap_or_else(PoisonError::into_inner).push(status);
                    outbox::json(StatusCode::OK, &json!({ "status": status }))
                }
                Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
            },
            _ => refused(StatusCode::NOT_FOUND, "NOT_FOUND"),
        }
    }

    fn send(&self, parts: &Parts, body: &Bytes) -> Response<Bytes> {
        let inner = &self.inner;
        if outbox::bearer(&parts.headers) != Some(TOKEN) {
            return refused(StatusCode::UNAUTHORIZED, "WRONG_TOKEN");
        }
        let ordered = inner.ordered.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(status) = ordered.and_then(|status| StatusCode::from_u16(status).ok()) {
            return refused(status, "ORDERED");
        }
        let Ok(Send { id, to, text, from }) = serde_json::from_slice::<Send>(body) else {
            return refused(StatusCode::BAD_REQUEST, "WRONG_FORM");
        };
        if id.is_empty() || id.len() > 128 || text.is_empty() || text.chars().count() > MAX_TEXT || from.is_empty() {
            return refused(StatusCode::BAD_REQUEST, "WRONG_VALUE");
        }
        let recipient = format!("+{to}");
        if !outbox::is_number(&recipient) || recipient.ends_with("99999") {
            return refused(StatusCode::UNPROCESSABLE_ENTITY, "WRONG_NUMBER");
        }
        let now = inner.clock.now();
        let a_second_ago = Timestamp::from_millis(now.millis().saturating_sub(1_000));
        let request = json!([to, text, from]).to_string();
        let message =
            Message { to: recipient, from, code: code_in(&text).map(str::to_owned), text, ..Message::default() };
        let sent = match inner.outbox.count_since(a_second_ago) {
            Ok(count) if count >= MAX_A_SECOND => {
                return refused(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY");
            }
            counted => counted.and_then(|_| inner.outbox.deliver((&id, &request), &message, now)),
        };
        match sent {
            Ok(Delivery::Done | Delivery::Repeated) => {
                outbox::json(StatusCode::OK, &json!({"id": id, "status": "accepted"}))
            }
            Ok(Delivery::Taken) => refused(StatusCode::CONFLICT, "ID_TAKEN"),
            Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }
}

/// The first six digits that stand alone.
fn code_in(text: &str) -> Option<&str> {
    text.split(|one: char| !one.is_ascii_alphanumeric())
        .find(|word| word.len() == 6 && word.bytes().all(|one| one.is_ascii_digit()))
}

fn refused(status: StatusCode, error: &str) -> Response<Bytes> {
    outbox::json(status, &json!({ "error": Value::from(error) }))
}

impl ThirdParty for Sms {
    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn reach(&self, _: &str, _: Deliver) {}

    fn serve(&self, parts: Parts, body: Bytes) -> BoxFuture<'_, axum::response::Response> {
        Box::pin(async move {
            if parts.method == Method::POST && parts.uri.path() == "/messages" {
                let sent = async { self.call(&parts, &body) };
                return outbox::with_fault(&self.inner.faults, ("sms", "SendMessage"), &parts, sent).await;
            }
            self.call(&parts, &body).map(axum::body::Body::from)
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
