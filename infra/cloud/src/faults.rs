//! Fault injection: the nth call of an operation is lost, rejected, delayed, answered with stale data, or kills the
//! function that makes it.
//!
//! Faults are placed by counting calls, not by chance, so that a test hits the same call in every run. A test that is
//! to hit each call in turn records them first ([`Faults::record`]).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http_body_util::{Full, Limited};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// How long a `slow` call waits before it is carried out.
pub const SLOW_DELAY: Duration = Duration::from_secs(1);

/// What goes wrong with the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The connection breaks before the call is carried out.
    Before,
    /// The call is carried out, then the connection breaks before the response.
    After,
    /// The call is rejected as if a concurrent transaction held its items.
    Conflict,
    /// The call is rejected with the service's throttling error.
    Throttle,
    /// The call is carried out after [`SLOW_DELAY`].
    Slow,
    /// An eventually consistent read returns the data from before the last write.
    Stale,
    /// A query meets a transaction half-way: one of the items that the last transaction wrote to what it reads is as it
    /// was before, the others are as they are now. A query is no snapshot against transactions, a consistent one
    /// neither.
    Torn,
    /// The calling function is killed before the call is carried out; one in a process of its own only loses the call.
    CrashBefore,
    /// The call is carried out, then its function is killed; one in a process of its own only loses the response.
    CrashAfter,
    /// The messages of a delivery are delivered twice, side by side: each as a copy with the same message id and the
    /// same receive count. A queue delivers at least once.
    Duplicate,
    /// The messages of a delivery are passed over and come later, behind those that were sent after them. A queue keeps
    /// no order.
    Disorder,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Before,
        Self::After,
        Self::Conflict,
        Self::Throttle,
        Self::Slow,
        Self::Stale,
        Self::Torn,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::Duplicate,
        Self::Disorder,
    ];

    /// Whether it happens to a queue's delivery of messages, also to a function that makes no call, instead of to a
    /// call.
    const fn is_of_a_delivery(self) -> bool {
        matches!(self, Self::Duplicate | Self::Disorder)
    }
}

/// A fault to inject: the body of `POST /_local/faults`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `dynamodb`, `sqs`, `s3`, `ses`, …; `*` is any.
    pub service: String,
    /// The operation's name at AWS, such as `GetItem`; `*` is any.
    #[serde(default = "any")]
    pub operation: String,
    /// Which matching call from now on, counted from 1.
    #[serde(default = "first")]
    pub nth: u32,
    pub kind: Kind,
    /// Every nth call, until [`Faults::clear`], instead of one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub every: bool,
    /// Which of the items of a transaction a `torn` query does not see yet, counted from 1 as they were written.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub item: u32,
    /// Only calls made for this route (`METHOD /route`), or deliveries of this queue (`queue Name`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
}

fn any() -> String {
    "*".to_owned()
}

const fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_first(item: &u32) -> bool {
    *item == 1
}

impl Fault {
    /// A fault at the nth call of an operation from now on, counted from 1.
    pub fn nth(service: &str, operation: &str, nth: u32, kind: Kind) -> Self {
        Self {
            service: service.to_owned(),
            operation: operation.to_owned(),
            nth,
            kind,
            every: false,
            item: 1,
            route: None,
        }
    }

    fn matches(&self, call: &Call) -> bool {
        (self.service == "*" || self.service.eq_ignore_ascii_case(&call.service))
            && (self.operation == "*" || self.operation.eq_ignore_ascii_case(&call.operation))
            && (self.route.is_none() || self.route == call.route)
    }
}

/// A call that has arrived at an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Call {
    pub service: String,
    pub operation: String,
    /// What the call is made for: `METHOD /route`, or `function LogicalId`; of a delivery, where it comes from:
    /// `queue Name`.
    pub route: Option<String>,
    /// Whether it is an eventually consistent read, to which [`Kind::Stale`] applies.
    pub may_be_stale: bool,
}

impl Call {
    /// A call without a route, to which [`Kind::Stale`] does not apply.
    pub fn of(service: &str, operation: &str) -> Self {
        Self { service: service.to_owned(), operation: operation.to_owned(), ..Self::default() }
    }

    #[must_use]
    pub fn for_route(self, route: Option<String>) -> Self {
        Self { route, ..self }
    }
}

/// The invocation that a request to an embedded service belongs to, as the endpoint found it.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// The trace id of the invocation.
    pub trace: Option<String>,
    /// `METHOD /route`, or `function LogicalId`.
    pub route: Option<String>,
}

/// How many kills a receiver may lag behind before it misses one.
const CRASH_CHANNEL_CAPACITY: usize = 64;

/// The pending faults, and what was triggered and recorded. Clones share them.
#[derive(Clone, Debug)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    ordered: Arc<AtomicBool>,
    crashes: broadcast::Sender<String>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { state: Arc::default(), ordered: Arc::default(), crashes: broadcast::Sender::new(CRASH_CHANNEL_CAPACITY) }
    }
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<Pending>,
    triggered: Vec<Triggered>,
    recorded: Option<Vec<Call>>,
}

#[derive(Debug)]
struct Pending {
    fault: Fault,
    seen: u32,
}

/// A call that a fault was injected into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Triggered {
    pub service: String,
    pub operation: String,
    pub kind: Kind,
}

impl Faults {
    /// Adds a fault. `nth` 0 means the next call, as 1 does.
    pub fn add(&self, fault: Fault) {
        self.ordered.store(true, Ordering::SeqCst);
        self.state().pending.push(Pending { fault, seen: 0 });
    }

    /// Whether a fault was ever ordered.
    pub fn were_ordered(&self) -> bool {
        self.ordered.load(Ordering::SeqCst)
    }

    /// Removes all faults, and what was triggered and recorded.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    /// The faults that are still pending.
    pub fn list(&self) -> Vec<Fault> {
        self.state().pending.iter().map(|pending| pending.fault.clone()).collect()
    }

    /// The calls that faults were injected into since the last [`Faults::clear`], in order of arrival.
    pub fn triggered(&self) -> Vec<Triggered> {
        self.state().triggered.clone()
    }

    /// Records all calls from now on, until the next [`Faults::clear`].
    pub fn record(&self) {
        self.state().recorded = Some(Vec::new());
    }

    /// The calls since [`Faults::record`], in order of arrival.
    pub fn recorded(&self) -> Vec<Call> {
        self.state().recorded.clone().unwrap_or_default()
    }

    /// Counts a call and returns the fault to inject into it. Each service's endpoint calls this once per request.
    ///
    /// All pending faults that match count the call; if several are due, the one added first is injected and the others
    /// are used up. Faults of deliveries are left to [`Faults::delivery`].
    pub fn next(&self, call: &Call) -> Option<Kind> {
        self.next_with_item(call).map(|(kind, _)| kind)
    }

    /// [`Self::next`], with the item of a `torn` query.
    pub(crate) fn next_with_item(&self, call: &Call) -> Option<(Kind, u32)> {
        self.due(call, |kind| !kind.is_of_a_delivery())
    }

    /// Counts a delivery of messages and returns the fault to inject into it: [`Kind::Duplicate`] or
    /// [`Kind::Disorder`]. A delivery is a receive that finds messages, by a function's event source or by
    /// `ReceiveMessage`; how often an empty queue is asked depends on the time and counts nothing.
    pub fn delivery(&self, queue: &str) -> Option<Kind> {
        let call = Call::of("sqs", "ReceiveMessage").for_route(Some(format!("queue {queue}")));
        self.due(&call, Kind::is_of_a_delivery).map(|(kind, _)| kind)
    }

    fn due(&self, call: &Call, concerns: impl Fn(Kind) -> bool) -> Option<(Kind, u32)> {
        let mut state = self.state();
        if let Some(recorded) = &mut state.recorded {
            recorded.push(call.clone());
        }
        if state.pending.is_empty() {
            return None;
        }
        let mut due = None;
        state.pending.retain_mut(|pending| {
            if !concerns(pending.fault.kind) || !pending.fault.matches(call) {
                return true;
            }
            pending.seen += 1;
            if pending.seen < pending.fault.nth {
                return true;
            }
            pending.seen = 0;
            due.get_or_insert((pending.fault.kind, pending.fault.item));
            pending.fault.every
        });
        if let Some((kind, _)) = due {
            let (service, operation) = (call.service.clone(), call.operation.clone());
            state.triggered.push(Triggered { service, operation, kind });
        }
        due
    }

    /// Kills the invocation with this trace id. Returns only if it does not run in this process and therefore survives.
    pub async fn kill(&self, trace: Option<&str>) {
        // Sending fails when there is no receiver, that is, when no function runs in this process.
        if trace.is_some_and(|trace| self.crashes.send(trace.to_owned()).is_ok()) {
            tokio::time::sleep(SLOW_DELAY).await;
        }
    }

    /// Completes when [`Faults::kill`] is called for this trace id. The subscription begins with this call, not with
    /// the first poll, so that no kill is missed in between.
    pub(crate) fn crash_of(&self, trace: &str) -> impl Future<Output = ()> + Send + use<> {
        let (mut crashes, trace) = (self.crashes.subscribe(), trace.to_owned());
        async move {
            loop {
                match crashes.recv().await {
                    Ok(dead) if dead == trace => return,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A response that never arrives: the connection breaks before its first byte is sent.
///
/// The body fails at its first poll, before hyper has flushed the head, and hyper then closes the connection. Its
/// length is announced as one byte, so that hyper does poll it.
pub fn drop_connection() -> Response {
    let mut dropped = axum::body::Body::new(Limited::new(Full::from("cut"), 1)).into_response();
    dropped.extensions_mut().insert(ConnectionDropped);
    dropped
}

/// Marks the response of [`drop_connection`], for callers in this process, which have no connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionDropped;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_matching_call_triggers_the_fault_once() {
        let faults = Faults::default();
        faults.add(Fault::nth("dynamodb", "GetItem", 2, Kind::Throttle));
        assert_eq!(faults.next(&Call::of("dynamodb", "GetItem")), None);
        assert_eq!(faults.next(&Call::of("dynamodb", "Query")), None);
        assert_eq!(faults.next(&Call::of("sqs", "GetItem")), None);
        assert_eq!(faults.next(&Call::of("dynamodb", "GetItem")), Some(Kind::Throttle));
        assert_eq!(faults.next(&Call::of("dynamodb", "GetItem")), None);
        assert!(faults.list().is_empty());
        assert_eq!(faults.triggered().len(), 1);
    }

    #[test]
    fn every_nth_call_of_a_route_triggers_the_fault_until_cleared() {
        let faults = Faults::default();
        faults.add(Fault {
            every: true,
            route: Some("POST /v1/checkout".to_owned()),
            ..Fault::nth("dynamodb", "*", 2, Kind::Conflict)
        });
        let call = |route: &str| Call::of("dynamodb", "PutItem").for_route(Some(route.to_owned()));
        let calls = || faults.next(&call("POST /v1/checkout"));
        assert_eq!([calls(), calls(), calls(), calls()], [None, Some(Kind::Conflict), None, Some(Kind::Conflict)]);
        assert_eq!(faults.next(&call("GET /v1/cart")), None);
        assert_eq!(faults.next(&Call::of("dynamodb", "PutItem")), None);
        faults.clear();
        assert_eq!(calls(), None);
    }

    #[test]
    fn of_two_faults_at_one_call_the_first_added_is_triggered() {
        let faults = Faults::default();
        faults.add(Fault::nth("sqs", "SendMessage", 1, Kind::Before));
        faults.add(Fault::nth("sqs", "SendMessage", 1, Kind::After));
        assert_eq!(faults.next(&Call::of("sqs", "SendMessage")), Some(Kind::Before));
        assert_eq!(faults.next(&Call::of("sqs", "SendMessage")), None);
    }

    #[test]
    fn a_delivery_meets_its_own_faults_and_a_call_meets_none_of_them() {
        let faults = Faults::default();
        faults.add(Fault::nth("sqs", "ReceiveMessage", 1, Kind::Throttle));
        faults.add(Fault { route: Some("queue work".to_owned()), ..Fault::nth("sqs", "*", 2, Kind::Duplicate) });
        assert_eq!([faults.delivery("work"), faults.delivery("other")], [None, None]);
        assert_eq!(faults.next(&Call::of("sqs", "ReceiveMessage")), Some(Kind::Throttle));
        assert_eq!(faults.next(&Call::of("sqs", "ReceiveMessage")), None);
        assert_eq!([faults.delivery("work"), faults.delivery("work")], [Some(Kind::Duplicate), None]);
    }

    #[test]
    fn calls_are_recorded_from_when_it_is_asked_for_until_all_is_forgotten() {
        let faults = Faults::default();
        faults.next(&Call::of("sqs", "SendMessage"));
        faults.record();
        let call = Call::of("dynamodb", "GetItem").for_route(Some("GET /v1/cart".to_owned()));
        faults.next(&call);
        assert_eq!(faults.recorded(), [call]);
        faults.clear();
        faults.next(&Call::of("sqs", "SendMessage"));
        assert!(faults.recorded().is_empty());
    }

    #[tokio::test]
    async fn only_who_is_meant_dies() {
        let faults = Faults::default();
        let (mine, other) = (faults.crash_of("mine"), faults.crash_of("other"));
        let kill = async {
            faults.kill(Some("mine")).await;
        };
        tokio::select! {
            () = mine => {}
            () = other => panic!("the other invocation was killed"),
            () = kill => panic!("no invocation was killed"),
        }
    }

    #[test]
    fn a_fault_reads_as_documented_and_refuses_what_it_does_not_know() {
        let fault: Fault =
            serde_json::from_str(r#"{"service":"dynamodb","operation":"PutItem","nth":3,"kind":"after"}"#).unwrap();
        assert_eq!(fault, Fault::nth("dynamodb", "PutItem", 3, Kind::After));
        let least: Fault = serde_json::from_str(r#"{"service":"s3","kind":"slow"}"#).unwrap();
        assert_eq!(least, Fault::nth("s3", "*", 1, Kind::Slow));
        assert!(serde_json::from_str::<Fault>(r#"{"service":"s3","kind":"slow","times":2}"#).is_err());
        assert_eq!(serde_json::to_string(&least).unwrap(), r#"{"service":"s3","operation":"*","nth":1,"kind":"slow"}"#);
    }
}
