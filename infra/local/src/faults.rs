//! Failures on order: the nth call of an operation is lost, refused, slowed down, answered from the past, or the last thing
//! that its function does.
//!
//! Counting is by calls and not by chance, so a test that ordered a fault sees it at the same call every time. A test that
//! wants to meet every call has them recorded first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http_body_util::{Full, Limited};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// How long a `slow` call waits before it is carried out.
pub const SLOW_DELAY: Duration = Duration::from_secs(1);

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The call never arrives: nothing is done and the connection breaks.
    Before,
    /// The call is carried out, the answer is lost.
    After,
    /// A transaction on the same items is under way.
    Conflict,
    /// The rate is too high.
    Throttle,
    /// The call is carried out after [`SLOW_DELAY`].
    Slow,
    /// An eventually consistent read answers with what was there before the last write.
    Stale,
    /// The function that calls is gone before the call arrives. Functions in processes of their own only lose the call.
    CrashBefore,
    /// The call is carried out, and the function that called is gone. Functions in processes of their own only lose the answer.
    CrashAfter,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Before,
        Self::After,
        Self::Conflict,
        Self::Throttle,
        Self::Slow,
        Self::Stale,
        Self::CrashBefore,
        Self::CrashAfter,
    ];
}

/// A fault as it is ordered at `POST /_local/faults`.
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
    /// What happens to it.
    pub kind: Kind,
    /// Every nth call, until the faults are cleared, instead of one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub every: bool,
    /// Only calls made for this route (`METHOD /route`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
}

fn any() -> String {
    "*".to_owned()
}

const fn first() -> u32 {
    1
}

impl Fault {
    /// The nth call of an operation from now on.
    pub fn nth(service: &str, operation: &str, nth: u32, kind: Kind) -> Self {
        Self { service: service.to_owned(), operation: operation.to_owned(), nth, kind, every: false, route: None }
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
    /// The service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// What the call is made for: `METHOD /route`, or `function LogicalId`.
    pub route: Option<String>,
    /// Whether its answer may come from the past.
    pub may_be_stale: bool,
}

impl Call {
    /// A call that nothing more is known of.
    pub fn of(service: &str, operation: &str) -> Self {
        Self { service: service.to_owned(), operation: operation.to_owned(), ..Self::default() }
    }

    /// The same call, made for this route.
    #[must_use]
    pub fn for_route(self, route: Option<String>) -> Self {
        Self { route, ..self }
    }
}

/// What a request at an endpoint is part of, as its endpoint has found out: the invocation's trace and its route.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// The invocation.
    pub trace: Option<String>,
    /// Its route.
    pub route: Option<String>,
}

/// How many functions may die at the same time and still all hear of it.
const CRASH_CHANNEL_CAPACITY: usize = 64;

/// The faults that wait for their call. Clones share them.
#[derive(Clone, Debug)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    crashes: broadcast::Sender<String>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { state: Arc::default(), crashes: broadcast::Sender::new(CRASH_CHANNEL_CAPACITY) }
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

/// A fault that a call has met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Triggered {
    /// The service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// What happened to it.
    pub kind: Kind,
}

impl Faults {
    /// Adds a fault. One with `nth` 0 is the next call, as with 1.
    pub fn add(&self, fault: Fault) {
        self.state().pending.push(Pending { fault, seen: 0 });
    }

    /// Forgets all faults and what they triggered.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    /// The faults that still wait.
    pub fn list(&self) -> Vec<Fault> {
        self.state().pending.iter().map(|pending| pending.fault.clone()).collect()
    }

    /// The calls that a fault was triggered on since the last [`Faults::clear`], in their order.
    pub fn triggered(&self) -> Vec<Triggered> {
        self.state().triggered.clone()
    }

    /// Remembers all calls from now on, until the next [`Faults::clear`].
    pub fn record(&self) {
        self.state().recorded = Some(Vec::new());
    }

    /// The calls since [`Faults::record`], in their order.
    pub fn recorded(&self) -> Vec<Call> {
        self.state().recorded.clone().unwrap_or_default()
    }

    /// Counts a call and tells what happens to it. Each service's endpoint asks this once for every call that arrives.
    ///
    /// All pending faults count the call; if several are due, the first ordered strikes and the others pass.
    pub fn next(&self, call: &Call) -> Option<Kind> {
        let mut state = self.state();
        if let Some(recorded) = &mut state.recorded {
            recorded.push(call.clone());
        }
        if state.pending.is_empty() {
            return None;
        }
        let mut due = None;
        state.pending.retain_mut(|pending| {
            if !pending.fault.matches(call) {
                return true;
            }
            pending.seen += 1;
            if pending.seen < pending.fault.nth {
                return true;
            }
            pending.seen = 0;
            due.get_or_insert(pending.fault.kind);
            pending.fault.every
        });
        if let Some(kind) = due {
            let (service, operation) = (call.service.clone(), call.operation.clone());
            state.triggered.push(Triggered { service, operation, kind });
        }
        due
    }

    /// Kills the invocation of this trace. Returns only when it does not run in this process and so goes on.
    pub(crate) async fn kill(&self, trace: Option<&str>) {
        // An error is that nobody listens: nothing runs here.
        if trace.is_some_and(|trace| self.crashes.send(trace.to_owned()).is_ok()) {
            tokio::time::sleep(SLOW_DELAY).await;
        }
    }

    /// Ends when the invocation of this trace is to die. It hears of it from the call of this on.
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

/// An answer that never arrives: the connection breaks before a byte of it is sent.
///
/// The body fails at its first poll, before hyper has flushed the head, and hyper then closes the connection. Its
/// length is announced as one byte, so that hyper does poll it.
pub fn drop_connection() -> Response {
    axum::body::Body::new(Limited::new(Full::from("cut"), 1)).into_response()
}

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
            () = other => panic!("the other one died"),
            () = kill => panic!("nobody died"),
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
