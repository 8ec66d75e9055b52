//! Stripe's sandbox: its API under `/v1`, and endpoints to act as the buyer, the bank or Stripe.
//!
//! | path below `/_local/pay/stripe` | what |
//! | --- | --- |
//! | `/v1/payment_intents`, `/v1/checkout/sessions` … | Stripe's own protocol, with the key `sk_test_local` |
//! | `POST /orders/{order_id} {"do": …}` | acts on the order's latest payment, and sends the webhooks |
//! | `GET /orders/{order_id}` | the order's payments, refunds, disputes and events |
//! | `POST /errors {"on": "CreatePaymentIntent"}` | the next such call fails with a stored 500: [`Broken`] |
//! | `POST /webhooks {"hold": true}` | holds webhooks back until `{"hold": false}` |
//! | `GET /webhooks` | all events, oldest first, with the state of their delivery |
//! | `POST /webhooks/{event}` | sends one event now, even if held back or delivered before |
//! | `GET /pay/{payment_intent}` | a page with buttons to act on a payment |
//! | `GET /c/pay/{session}` | Stripe's hosted page: where a buyer pays without the shop's script |
//! | `GET /c/pay/{session}/3ds/{challenge}` | the page of the buyer's bank |

mod acting;
mod calls;
mod checkout_page;
mod delivery;
mod form;
mod hosted;
mod objects;
mod page;
mod refusal;
mod rules;
mod session;
mod store;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use cloud::clock::Clock;
use cloud::faults::{self, CallContext, Faults, Kind};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use self::acting::{Act, ActError, Done};
use self::calls::Call;
use self::delivery::WebhookEndpoint;
use self::form::Form;
use self::objects::{Dispute, Intent, Refund};
use self::refusal::Refusal;
use self::session::Session;
use self::store::{Event, Store, StoredResponse};
use crate::Deliver;

/// The path below which the sandbox is served.
pub const PREFIX: &str = "/_local/pay/stripe";
/// The API key that the sandbox accepts.
pub const API_KEY: &str = "sk_test_local";
/// The secret that webhooks are signed with.
pub const WEBHOOK_SECRET: &str = "whsec_local";

/// The path of the shop's webhook endpoint.
const WEBHOOK_PATH: &str = "/v1/webhooks/stripe";

/// The longest idempotency key, in bytes.
const MAX_KEY_LENGTH: usize = 255;

/// What the shop has set up at Stripe for its webhook endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Webhooks {
    /// The events that the endpoint is subscribed to, such as `payment_intent.succeeded`.
    pub events: &'static [&'static str],
    /// The version of Stripe's API in which events are written, such as `2024-06-20`.
    pub api_version: &'static str,
}

/// Stripe's sandbox. Clones share its state.
#[derive(Clone)]
pub struct Stripe {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    faults: Faults,
    endpoint: RwLock<Option<WebhookEndpoint>>,
    /// Notified when an event may be ready to be sent.
    enqueued: Notify,
    /// Whether webhooks are held back.
    held: AtomicBool,
    /// The calls that fail by order of a test, in this order.
    broken: Mutex<Vec<Broken>>,
}

/// A call that fails inside Stripe. Its 500 is stored under the call's idempotency key like any answer, so that every
/// repeat gets it for a day (<https://docs.stripe.com/api/idempotent_requests>).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broken {
    /// The operation's name in Stripe's specification.
    pub on: String,
    /// Whether the call is carried out before it fails.
    #[serde(default)]
    pub after: bool,
}

impl Stripe {
    /// Opens the sandbox, stored in the SQLite file `path` or in memory.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(path: Option<&Path>, clock: Clock, faults: Faults, webhooks: Webhooks) -> rusqlite::Result<Self> {
        let store = Store::open(path, webhooks)?;
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                clock,
                faults,
                endpoint: RwLock::new(None),
                enqueued: Notify::new(),
                held: AtomicBool::new(false),
                broken: Mutex::default(),
            }),
        })
    }

    /// Sets the URL that webhooks go to (`http://…/v1/webhooks/stripe`), and what delivers them. Until then they wait.
    pub fn deliver_to(&self, url: impl Into<String>, deliver: Deliver) {
        let endpoint = WebhookEndpoint { url: url.into(), deliver };
        *self.inner.endpoint.write().unwrap_or_else(PoisonError::into_inner) = Some(endpoint);
        self.inner.enqueued.notify_one();
    }

    fn endpoint(&self) -> Option<WebhookEndpoint> {
        self.inner.endpoint.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The address below which the sandbox is served. Until somebody has said where, it is that of `cargo run`.
    fn pages(&self) -> String {
        let endpoint = self.endpoint().map(|endpoint| endpoint.url);
        let base = endpoint.as_deref().and_then(|url| url.strip_suffix(WEBHOOK_PATH));
        format!("{}{PREFIX}", base.unwrap_or("http://localhost:3000"))
    }

    /// Answers a request with the faults that were injected for the service `stripe`, whose operations are named as in
    /// Stripe's specification (`CreatePaymentIntent`, `CancelPaymentIntent`, `CreateRefund`, …). Delivering a webhook
    /// is the operation `Webhook`.
    pub async fn answer(&self, parts: Parts, body: Bytes) -> axum::response::Response {
        let CallContext { trace, route } = parts.extensions.get::<CallContext>().cloned().unwrap_or_default();
        let fault = Call::find(&parts.method, parts.uri.path())
            .and_then(|call| self.inner.faults.next(&faults::Call::of("stripe", call.name()).for_route(route)));
        let answer = match fault {
            Some(Kind::CrashBefore) => {
                self.inner.faults.kill(trace.as_deref()).await;
                return faults::drop_connection();
            }
            Some(Kind::CrashAfter) => {
                self.call(parts, body).await;
                self.inner.faults.kill(trace.as_deref()).await;
                return faults::drop_connection();
            }
            Some(Kind::Before) => return faults::drop_connection(),
            Some(Kind::After) => {
                self.call(parts, body).await;
                return faults::drop_connection();
            }
            Some(Kind::Conflict) => refused(&Refusal::in_use()),
            Some(Kind::Throttle) => refused(&Refusal::throttled()),
            Some(Kind::Slow) => {
                tokio::time::sleep(faults::SLOW_DELAY).await;
                self.call(parts, body).await
            }
            Some(Kind::Stale | Kind::Torn | Kind::Duplicate | Kind::Disorder) | None => self.call(parts, body).await,
        };
        answer.map(axum::body::Body::from)
    }

    /// Answers a request without faults. The path is relative to `/_local/pay/stripe`.
    pub async fn call(&self, parts: Parts, body: Bytes) -> Response<Bytes> {
        let path = parts.uri.path().to_owned();
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (&parts.method, segments.as_slice()) {
            (&Method::POST, ["orders", order]) => self.act_on_order(order, &body).await,
            (&Method::GET, ["orders", order]) => self.show_order(order),
            (&Method::POST, ["errors"]) => self.break_next(&body),
            (&Method::POST, ["webhooks"]) => self.hold_webhooks(&body),
            (&Method::GET, ["webhooks"]) => self.show_webhooks(),
            (&Method::POST, ["webhooks", event]) => self.send_webhook(event).await,
            (&Method::POST, ["pay", intent]) => self.act_on_page(intent, &body).await,
            (&Method::GET, ["pay", intent]) => self.show_page(intent),
            (&Method::GET, ["c", "pay", session]) => self.show_checkout(session),
            (&Method::POST, ["c", "pay", session]) => self.act_on_checkout(session, &parts.headers, &body).await,
            (&Method::GET, ["c", "pay", session, "3ds", challenge]) => self.show_challenge(session, challenge),
            (&Method::POST, ["c", "pay", session, "3ds", challenge]) => {
                self.answer_challenge(session, challenge, &parts.headers, &body).await
            }
            (_, ["v1", ..]) => {
                let mut answer = match self.api(&parts, &body) {
                    Ok(answer) => answer,
                    Err(refusal) => refused(&refusal),
                };
                if let Ok(id) = HeaderValue::from_str(&objects::id("req")) {
                    answer.headers_mut().insert(HeaderName::from_static("request-id"), id);
                }
                answer
            }
            _ => local_error(StatusCode::NOT_FOUND, "there is nothing at this path"),
        }
    }

    fn api(&self, parts: &Parts, body: &Bytes) -> Result<Response<Bytes>, Refusal> {
        let path = parts.uri.path();
        authorize(&parts.headers)?;
        let call = Call::find(&parts.method, path).ok_or_else(|| Refusal::unknown_url(&parts.method, path))?;
        let form = if parts.method == Method::GET {
            Form::parse(parts.uri.query().unwrap_or_default().as_bytes())?
        } else {
            Form::parse(body)?
        };
        let key = idempotency_key(parts)?;
        let request = format!("{} {path}?{}", parts.method, form.fingerprint());
        let now = self.inner.clock.now();
        let pages = self.pages();
        let answer = self.inner.store.write(|transaction| {
            if let Some(key) = key
                && let Some(stored) = transaction.stored_response(key, now)?
            {
                if stored.request != request {
                    return Err(Refusal::idempotency(key));
                }
                let mut replayed = answer(stored.status, "application/json", stored.body);
                replayed
                    .headers_mut()
                    .insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
                return Ok(replayed);
            }
            let broken = self.broken(call.name());
            let carried_out = match &broken {
                Some(Broken { after: false, .. }) => Err(Refusal::broken()),
                Some(Broken { after: true, .. }) => {
                    call.carry_out(transaction, form, &pages, now).and_then(|_| Err(Refusal::broken()))
                }
                None => call.carry_out(transaction, form, &pages, now),
            };
            let (status, body) = match carried_out {
                Ok(body) => (StatusCode::OK, body),
                Err(refusal) if refusal.is_stored => (refusal.status, refusal.body()),
                Err(refusal) => return Err(refusal),
            };
            let body = body.to_string();
            if let Some(key) = key {
                transaction.store_response(key, &StoredResponse { request, status, body: body.clone() }, now)?;
            }
            Ok(answer(status, "application/json", body))
        })?;
        self.inner.enqueued.notify_one();
        Ok(answer)
    }

    /// The next call of this name fails by order of a test.
    fn break_next(&self, body: &Bytes) -> Response<Bytes> {
        match serde_json::from_slice::<Broken>(body) {
            Ok(broken) => {
                let answer = json!(broken);
                self.inner.broken.lock().unwrap_or_else(PoisonError::into_inner).push(broken);
                json_answer(StatusCode::OK, &answer)
            }
            Err(cause) => local_error(StatusCode::BAD_REQUEST, &cause.to_string()),
        }
    }

    fn broken(&self, operation: &str) -> Option<Broken> {
        let mut ordered = self.inner.broken.lock().unwrap_or_else(PoisonError::into_inner);
        let place = ordered.iter().position(|broken| broken.on == operation)?;
        Some(ordered.remove(place))
    }

    async fn act_on_order(&self, order: &str, body: &Bytes) -> Response<Bytes> {
        let act = match serde_json::from_slice::<acting::Request>(body) {
            Ok(request) => request.r#do,
            Err(cause) => return local_error(StatusCode::BAD_REQUEST, &format!("no such act: {cause}")),
        };
        let now = self.inner.clock.now();
        match self.inner.store.write(|transaction| act.on_order(transaction, order, now)) {
            Ok(done) => self.finish(done).await,
            Err(error) => local_error(error.status(), &error.to_string()),
        }
    }

    /// Sends the events of an act, or makes them wait if webhooks are held back.
    async fn finish(&self, done: Done) -> Response<Bytes> {
        match self.send_events(done.events, done.at_once).await {
            Ok(delivered) => json_answer(StatusCode::OK, &json!({"delivered": delivered, "intent": done.intent})),
            Err(error) => local_error(error.status(), &error.to_string()),
        }
    }

    /// Sends events, or makes them wait if webhooks are held back, and returns what became of each that was sent.
    async fn send_events(&self, events: Vec<Event>, at_once: bool) -> Result<Vec<Value>, ActError> {
        if self.holds() {
            let now = self.inner.clock.now();
            self.inner.store.write(|transaction| {
                events.iter().try_for_each(|event| transaction.enqueue(event, now)).map_err(ActError::from)
            })?;
            return Ok(Vec::new());
        }
        Ok(self.deliver_all(events, at_once).await)
    }

    fn show_order(&self, order: &str) -> Response<Bytes> {
        let shown = self.inner.store.write(|transaction| {
            let intents: Vec<Intent> = transaction.list(Some(order), None, -1)?;
            let sessions: Vec<Session> = transaction.list(Some(order), None, -1)?;
            if intents.is_empty() && sessions.is_empty() {
                return Err(ActError::UnknownOrder);
            }
            let (mut refunds, mut disputes, mut events) = (Vec::<Refund>::new(), Vec::<Dispute>::new(), Vec::new());
            for intent in &intents {
                refunds.extend(transaction.list(Some(&intent.id), None, -1)?);
                disputes.extend(transaction.list(Some(&intent.id), None, -1)?);
                events.extend(transaction.deliveries(&intent.id)?);
            }
            for session in &sessions {
                events.extend(transaction.deliveries(&session.id)?);
            }
            Ok(json!({
                "order_id": order, "intents": intents, "sessions": sessions, "refunds": refunds, "disputes": disputes,
                "events": events,
            }))
        });
        match shown {
            Ok(body) => json_answer(StatusCode::OK, &body),
            Err(error) => local_error(error.status(), &error.to_string()),
        }
    }

    fn show_page(&self, intent: &str) -> Response<Bytes> {
        let shown = self.inner.store.write(|transaction| {
            let intent: Intent = transaction.find(intent)?.ok_or(ActError::UnknownOrder)?;
            Ok::<_, ActError>(page::write(&intent, &transaction.deliveries(&intent.id)?))
        });
        match shown {
            Ok(page) => {
                let mut answer = answer(StatusCode::OK, "text/html; charset=utf-8", page);
                // Objects contain text from outside: with this policy nothing in the page can run or load anything.
                answer.headers_mut().insert(
                    HeaderName::from_static("content-security-policy"),
                    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"),
                );
                answer
            }
            Err(error) => local_error(error.status(), &error.to_string()),
        }
    }

    /// Applies the act of a button on the page, and redirects to the page, which shows the new state.
    async fn act_on_page(&self, intent: &str, body: &Bytes) -> Response<Bytes> {
        let Ok(pressed) = serde_urlencoded::from_bytes::<acting::Request>(body) else {
            return local_error(StatusCode::BAD_REQUEST, "no such button");
        };
        let now = self.inner.clock.now();
        let done = self.inner.store.write(|transaction| {
            let found: Intent = transaction.find(intent)?.ok_or(ActError::UnknownOrder)?;
            let act: Act = pressed.r#do;
            act.on_intent(transaction, found, now)
        });
        match done {
            Ok(done) => {
                self.deliver_all(done.events, done.at_once).await;
            }
            // The button was pressed twice or too late: the page shows the payment's state.
            Err(ActError::State(_)) => {}
            Err(error) => return local_error(error.status(), &error.to_string()),
        }
        let mut answer = answer(StatusCode::SEE_OTHER, "text/plain", String::new());
        // Relative to the page's own URL, so that it works under any prefix.
        if let Ok(page) = HeaderValue::from_str(intent) {
            answer.headers_mut().insert(LOCATION, page);
        }
        answer
    }
}

/// Checks the API key: Bearer, or Basic with the key as the user name.
fn authorize(headers: &HeaderMap) -> Result<(), Refusal> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = match header.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim().to_owned(),
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => BASE64_STANDARD
            .decode(pair.trim())
            .ok()
            .and_then(|pair| String::from_utf8(pair).ok())
            .and_then(|pair| pair.split_once(':').map(|(name, _)| name.to_owned()))
            .unwrap_or_default(),
        _ => String::new(),
    };
    if key.is_empty() {
        return Err(Refusal::unauthorized("You did not provide an API key."));
    }
    if key != API_KEY {
        let shown: String = key.chars().take(8).collect();
        return Err(Refusal::unauthorized(format!("Invalid API Key provided: {shown}***")));
    }
    Ok(())
}

/// The idempotency key of a write; reads ignore it, as at Stripe.
fn idempotency_key(parts: &Parts) -> Result<Option<&str>, Refusal> {
    let Some(value) = parts.headers.get("idempotency-key").filter(|_| parts.method == Method::POST) else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= MAX_KEY_LENGTH => Ok(Some(key)),
        _ => Err(Refusal::invalid(
            "parameter_invalid",
            "Idempotency-Key",
            "The idempotency key is not 1 to 255 characters.",
        )),
    }
}

fn refused(refusal: &Refusal) -> Response<Bytes> {
    json_answer(refusal.status, &refusal.body())
}

/// An error response of the sandbox's own endpoints, which are not part of Stripe's API.
fn local_error(status: StatusCode, message: &str) -> Response<Bytes> {
    json_answer(status, &json!({"error": message}))
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    answer(status, "application/json", body.to_string())
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
