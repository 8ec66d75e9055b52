//! Delivery of webhooks: signed anew for each attempt, and retried until the endpoint answers with a 2xx or the
//! attempts are used up.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use cloud::faults::{self, Kind};
use cloud::gateway::BoxFuture;
use cloud::stack::{ThirdParty, Underway};
use cloud::time::Timestamp;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use ring::hmac;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::acting::ActError;
use super::store::Event;
use super::{PREFIX, Stripe, WEBHOOK_PATH, WEBHOOK_SECRET, json_answer, local_error, session};
use crate::Deliver;

/// How long the endpoint may take to answer.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the schedule checks which events are due.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The body of `POST /webhooks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    hold: bool,
}

#[derive(Clone)]
pub(super) struct WebhookEndpoint {
    pub(super) url: String,
    pub(super) deliver: Deliver,
}

/// The task that sends events when they are due. It is aborted when this is dropped.
pub(super) struct Schedule {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Underway for Schedule {
    /// Ends the task after the delivery in progress, and waits for it. When the future is dropped, the delivery is
    /// abandoned as if the endpoint had not answered.
    fn stop(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut schedule = self;
            schedule.stop.send_replace(true);
            if let Err(cause) = (&mut schedule.task).await {
                tracing::error!(%cause, "the schedule of Stripe's webhooks has failed");
            }
        })
    }
}

impl ThirdParty for Stripe {
    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn reach(&self, base_url: &str, deliver: Deliver) {
        self.deliver_to(format!("{base_url}{WEBHOOK_PATH}"), deliver);
    }

    fn serve(&self, parts: Parts, body: Bytes) -> BoxFuture<'_, axum::response::Response> {
        Box::pin(self.answer(parts, body))
    }

    fn start(&self) -> Box<dyn Underway> {
        Box::new(self.deliver_when_due())
    }

    fn run_due(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.deliver_due().await;
        })
    }
}

impl Stripe {
    /// Starts sending events when they are due by the cloud's clock.
    fn deliver_when_due(&self) -> Schedule {
        let (stop, mut stopped) = watch::channel(false);
        let stripe = self.clone();
        let task = tokio::spawn(async move {
            loop {
                while !*stopped.borrow() && stripe.deliver_claimed().await > 0 {}
                tokio::select! {
                    // An error means that the sender was dropped with its `Schedule`.
                    _ = stopped.changed() => return,
                    () = stripe.inner.enqueued.notified() => {}
                    () = tokio::time::sleep(POLL_INTERVAL) => {}
                }
            }
        });
        Schedule { stop, task }
    }

    /// Sends the events that are due by the cloud's clock, and returns how many were sent.
    pub async fn deliver_due(&self) -> usize {
        let mut sent = 0;
        loop {
            match self.deliver_claimed().await {
                0 => return sent,
                some => sent += some,
            }
        }
    }

    /// Claims the events that are due now and sends them. Returns how many they were.
    async fn deliver_claimed(&self) -> usize {
        if self.endpoint().is_none() || self.holds() {
            return 0;
        }
        let now = self.inner.clock.now();
        let due = self.inner.store.write(|transaction| {
            session::expire_overdue(transaction, now)?;
            transaction.claim_due(now)
        });
        let due = match due {
            Ok(due) => due,
            Err(cause) => {
                tracing::error!(%cause, "the sandbox of Stripe cannot read the events that are due");
                return 0;
            }
        };
        let claimed = due.len();
        if claimed > 0 {
            self.deliver_all(due, true).await;
        }
        claimed
    }

    /// Sends events that were claimed, one after another or concurrently, and returns the outcome of each.
    pub(super) async fn deliver_all(&self, events: Vec<Event>, at_once: bool) -> Vec<Value> {
        let mut outcomes = Vec::with_capacity(events.len());
        if !at_once {
            for event in events {
                outcomes.push(self.deliver(event).await);
            }
            return outcomes;
        }
        let mut under_way = JoinSet::new();
        for event in events {
            let stripe = self.clone();
            under_way.spawn(async move { stripe.deliver(event).await });
        }
        while let Some(outcome) = under_way.join_next().await {
            match outcome {
                Ok(outcome) => outcomes.push(outcome),
                Err(cause) => tracing::error!(%cause, "a webhook's delivery has failed"),
            }
        }
        outcomes
    }

    /// Whether webhooks are held back.
    pub(super) fn holds(&self) -> bool {
        self.inner.held.load(Ordering::SeqCst)
    }

    pub(super) fn hold_webhooks(&self, body: &Bytes) -> Response<Bytes> {
        match serde_json::from_slice::<Hold>(body) {
            Ok(Hold { hold }) => {
                self.inner.held.store(hold, Ordering::SeqCst);
                self.inner.enqueued.notify_one();
                json_answer(StatusCode::OK, &json!({"hold": hold}))
            }
            Err(cause) => local_error(StatusCode::BAD_REQUEST, &cause.to_string()),
        }
    }

    pub(super) fn show_webhooks(&self) -> Response<Bytes> {
        match self.inner.store.write(|transaction| transaction.all_deliveries()).map_err(ActError::from) {
            Ok(events) => json_answer(StatusCode::OK, &json!({"items": events})),
            Err(error) => local_error(error.status(), &error.to_string()),
        }
    }

    pub(super) async fn send_webhook(&self, event: &str) -> Response<Bytes> {
        let now = self.inner.clock.now();
        let found = self.inner.store.write(|transaction| {
            let found = transaction.event(event)?;
            if found.is_some() {
                transaction.claim(event, now)?;
            }
            Ok::<_, ActError>(found)
        });
        match found {
            Ok(Some(event)) => json_answer(StatusCode::OK, &self.deliver(event).await),
            Ok(None) => local_error(StatusCode::NOT_FOUND, "no such event is known here"),
            Err(error) => local_error(error.status(), &error.to_string()),
        }
    }

    async fn deliver(&self, event: Event) -> Value {
        let status = self.attempt(&event).await;
        if let Err(cause) =
            self.inner.store.write(|transaction| transaction.record_response(&event.id, status, self.inner.clock.now()))
        {
            tracing::error!(%cause, "the sandbox of Stripe cannot record a delivery");
        }
        json!({"event": event.id, "type": event.name, "status": status.map(|status| status.as_u16())})
    }

    /// One attempt to deliver; `None` if there was no response.
    async fn attempt(&self, event: &Event) -> Option<StatusCode> {
        let endpoint = self.endpoint()?;
        let fault = self.inner.faults.next(&faults::Call::of("stripe", "Webhook"));
        if matches!(fault, Some(Kind::Before | Kind::CrashBefore)) {
            return None;
        }
        if fault == Some(Kind::Slow) {
            tokio::time::sleep(faults::SLOW_DELAY).await;
        }
        let request = Request::builder()
            .method(Method::POST)
            .uri(&endpoint.url)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("stripe-signature", signature(&event.body, self.inner.clock.now()))
            .body(Bytes::from(event.body.clone()));
        let request = match request {
            Ok(request) => request,
            Err(cause) => {
                tracing::error!(%cause, url = endpoint.url, "a webhook cannot be sent to this URL");
                return None;
            }
        };
        let answer = tokio::time::timeout(WEBHOOK_TIMEOUT, (endpoint.deliver)(request)).await.ok()?;
        (!matches!(fault, Some(Kind::After | Kind::CrashAfter))).then(|| answer.status())
    }
}

/// The header `Stripe-Signature` (<https://docs.stripe.com/webhooks/signature>): the HMAC-SHA256 of the time in
/// seconds, a dot and the body. Not the shop's own code, so that a mistake there is not made twice.
fn signature(body: &str, at: Timestamp) -> String {
    let seconds = at.seconds();
    let key = hmac::Key::new(hmac::HMAC_SHA256, WEBHOOK_SECRET.as_bytes());
    let signed = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", cloud::hex(signed.as_ref()))
}
