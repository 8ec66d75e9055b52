//! Failures on order: the nth call of an operation is lost, refused, slowed down or answered from the past.
//!
//! Counting is by calls and not by chance, so a test that ordered a fault sees it at the same call every time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http_body_util::{Full, Limited};
use serde::{Deserialize, Serialize};

/// How long a `slow` call waits before it is carried out.
pub const SLOW: Duration = Duration::from_secs(1);

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
    /// The call is carried out after [`SLOW`].
    Slow,
    /// An eventually consistent read answers with what was there before the last write.
    Stale,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Before, Self::After, Self::Conflict, Self::Throttle, Self::Slow, Self::Stale];
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

    fn matches(&self, service: &str, operation: &str, route: Option<&str>) -> bool {
        (self.service == "*" || self.service.eq_ignore_ascii_case(service))
            && (self.operation == "*" || self.operation.eq_ignore_ascii_case(operation))
            && self.route.as_deref().is_none_or(|wanted| route == Some(wanted))
    }
}

/// The faults that wait for their call. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    orders: Arc<Mutex<Orders>>,
}

#[derive(Debug, Default)]
struct Orders {
    waiting: Vec<Waiting>,
    struck: Vec<Struck>,
}

#[derive(Debug)]
struct Waiting {
    fault: Fault,
    seen: u32,
}

/// A fault that a call has met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Struck {
    /// The service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// What happened to it.
    pub kind: Kind,
}

impl Faults {
    /// Orders a fault. One with `nth` 0 is the next call, as with 1.
    pub fn add(&self, fault: Fault) {
        self.orders().waiting.push(Waiting { fault, seen: 0 });
    }

    /// Forgets all faults and what they struck.
    pub fn clear(&self) {
        *self.orders() = Orders::default();
    }

    /// The faults that still wait.
    pub fn list(&self) -> Vec<Fault> {
        self.orders().waiting.iter().map(|waiting| waiting.fault.clone()).collect()
    }

    /// The calls that were struck since the last [`Faults::clear`], in their order.
    pub fn struck(&self) -> Vec<Struck> {
        self.orders().struck.clone()
    }

    /// Counts a call and tells what happens to it. Each service's door asks this once for every call that arrives.
    ///
    /// All waiting faults count the call; if several are due, the first ordered strikes and the others pass.
    pub fn next(&self, service: &str, operation: &str, route: Option<&str>) -> Option<Kind> {
        let mut orders = self.orders();
        if orders.waiting.is_empty() {
            return None;
        }
        let mut due = None;
        orders.waiting.retain_mut(|waiting| {
            if !waiting.fault.matches(service, operation, route) {
                return true;
            }
            waiting.seen += 1;
            if waiting.seen < waiting.fault.nth {
                return true;
            }
            waiting.seen = 0;
            due.get_or_insert(waiting.fault.kind);
            waiting.fault.every
        });
        if let Some(kind) = due {
            orders.struck.push(Struck { service: service.to_owned(), operation: operation.to_owned(), kind });
        }
        due
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that never arrives: the connection breaks before a byte of it is sent.
///
/// The body fails at its first poll, before hyper has flushed the head, and hyper then closes the connection. Its
/// length is announced as one byte, so that hyper does poll it.
pub fn cut_off() -> Response {
    axum::body::Body::new(Limited::new(Full::from("cut"), 1)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_matching_call_is_struck_once() {
        let faults = Faults::default();
        faults.add(Fault::nth("dynamodb", "GetItem", 2, Kind::Throttle));
        assert_eq!(faults.next("dynamodb", "GetItem", None), None);
        assert_eq!(faults.next("dynamodb", "Query", None), None);
        assert_eq!(faults.next("sqs", "GetItem", None), None);
        assert_eq!(faults.next("dynamodb", "GetItem", None), Some(Kind::Throttle));
        assert_eq!(faults.next("dynamodb", "GetItem", None), None);
        assert!(faults.list().is_empty());
        assert_eq!(faults.struck().len(), 1);
    }

    #[test]
    fn every_nth_call_of_a_route_is_struck_until_cleared() {
        let faults = Faults::default();
        faults.add(Fault {
            every: true,
            route: Some("POST /v1/checkout".to_owned()),
            ..Fault::nth("dynamodb", "*", 2, Kind::Conflict)
        });
        let calls = || faults.next("dynamodb", "PutItem", Some("POST /v1/checkout"));
        assert_eq!([calls(), calls(), calls(), calls()], [None, Some(Kind::Conflict), None, Some(Kind::Conflict)]);
        assert_eq!(faults.next("dynamodb", "PutItem", Some("GET /v1/cart")), None);
        assert_eq!(faults.next("dynamodb", "PutItem", None), None);
        faults.clear();
        assert_eq!(faults.next("dynamodb", "PutItem", Some("POST /v1/checkout")), None);
    }

    #[test]
    fn of_two_faults_at_one_call_the_first_ordered_strikes() {
        let faults = Faults::default();
        faults.add(Fault::nth("sqs", "SendMessage", 1, Kind::Before));
        faults.add(Fault::nth("sqs", "SendMessage", 1, Kind::After));
        assert_eq!(faults.next("sqs", "SendMessage", None), Some(Kind::Before));
        assert_eq!(faults.next("sqs", "SendMessage", None), None);
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
