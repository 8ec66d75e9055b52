//! What each route costs at the DynamoDB endpoint: round trips and capacity units.
//!
//! The gateway gives each invocation a trace id; the function's SDK calls carry it in `x-amzn-trace-id`, as they do in
//! Lambda. So calls are attributed to their route even while many requests run at once.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::AddAssign;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Serialize, Serializer};

/// How many finished requests [`Usage::of_trace`] can still find.
const MAX_FINISHED: usize = 1024;

/// Capacity units, counted in halves: an eventually consistent read costs half a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Units(u64);

impl Units {
    pub const fn whole(units: u64) -> Self {
        Self(units.saturating_mul(2))
    }

    pub const fn halves(halves: u64) -> Self {
        Self(halves)
    }

    /// From the figure in a `ConsumedCapacity`, which is a multiple of a half.
    #[expect(
        clippy::float_arithmetic,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "DynamoDB reports units as a float; here they become an integer"
    )]
    pub fn reported(units: f64) -> Self {
        Self((units * 2.0).round().max(0.0) as u64)
    }

    pub const fn in_halves(self) -> u64 {
        self.0
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, more: Self) {
        self.0 = self.0.saturating_add(more.0);
    }
}

impl Serialize for Units {
    #[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "the wire form of 1.5 units is 1.5")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(2) {
            serializer.serialize_u64(self.0 / 2)
        } else {
            serializer.serialize_f64(self.0 as f64 / 2.0)
        }
    }
}

/// What calls to DynamoDB cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Calls, retries included.
    pub round_trips: u64,
    pub read_units: Units,
    pub write_units: Units,
    /// Calls rejected because another transaction held their items.
    pub conflicts: u64,
}

impl Cost {
    fn max_with(&mut self, other: Self) {
        self.round_trips = self.round_trips.max(other.round_trips);
        self.read_units = self.read_units.max(other.read_units);
        self.write_units = self.write_units.max(other.write_units);
        self.conflicts = self.conflicts.max(other.conflicts);
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, more: Self) {
        self.round_trips = self.round_trips.saturating_add(more.round_trips);
        self.read_units += more.read_units;
        self.write_units += more.write_units;
        self.conflicts = self.conflicts.saturating_add(more.conflicts);
    }
}

/// Whether a call counts as the request's own work. Rate limits are reported apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Work,
    /// A call on a rate limit's item.
    RateLimit,
}

/// What one request cost, and the operations that it called, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RequestUsage {
    /// `METHOD /route`, as the gateway registered it.
    pub route: String,
    /// The sum without rate limits, which are updated concurrently with the first read and add no latency.
    #[serde(flatten)]
    pub cost: Cost,
    pub rate_limits: Cost,
    /// The DynamoDB operation of each call, such as `GetItem`.
    pub operations: Vec<String>,
}

/// What a route cost since the start or the last [`Usage::reset`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RouteUsage {
    /// Finished requests.
    pub calls: u64,
    /// The sum over all requests, without rate limits.
    #[serde(flatten)]
    pub total: Cost,
    /// The sum over all requests of what rate limits cost.
    pub rate_limits: Cost,
    /// The maximum of each figure over all finished requests.
    pub max: Cost,
    /// What the last finished request cost.
    pub last: Cost,
    /// How often each DynamoDB operation was called, rate limits included.
    pub operations: BTreeMap<String, u64>,
}

/// The counts of all routes. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    running: HashMap<String, RequestUsage>,
    finished: VecDeque<(String, RequestUsage)>,
    routes: BTreeMap<String, RouteUsage>,
}

impl Usage {
    /// Begins a request: calls that carry `trace` are counted for `route` (`METHOD /route`) until [`Usage::end`].
    pub fn begin(&self, trace: &str, route: &str) {
        let request = RequestUsage { route: route.to_owned(), ..RequestUsage::default() };
        self.counts().running.insert(trace.to_owned(), request);
    }

    /// Ends a request. A trace that was never begun is ignored.
    pub fn end(&self, trace: &str) {
        let mut counts = self.counts();
        let Some(request) = counts.running.remove(trace) else { return };
        let route = counts.routes.entry(request.route.clone()).or_default();
        route.calls += 1;
        route.max.max_with(request.cost);
        route.last = request.cost;
        if counts.finished.len() == MAX_FINISHED {
            counts.finished.pop_front();
        }
        counts.finished.push_back((trace.to_owned(), request));
    }

    /// Counts a call for the running request with this trace id, else for the function (`function LogicalId`).
    pub fn record(&self, trace: Option<&str>, access_key_id: &str, operation: &str, purpose: Purpose, cost: Cost) {
        let mut counts = self.counts();
        let route = match trace.and_then(|trace| counts.running.get_mut(trace)) {
            Some(request) => {
                match purpose {
                    Purpose::Work => request.cost += cost,
                    Purpose::RateLimit => request.rate_limits += cost,
                }
                request.operations.push(operation.to_owned());
                request.route.clone()
            }
            None => format!("function {}", access_key_id.strip_prefix("LOCAL").unwrap_or(access_key_id)),
        };
        let route = counts.routes.entry(route).or_default();
        match purpose {
            Purpose::Work => route.total += cost,
            Purpose::RateLimit => route.rate_limits += cost,
        }
        *route.operations.entry(operation.to_owned()).or_default() += 1;
    }

    /// The usage of each route: the body of `GET /_local/usage`.
    pub fn snapshot(&self) -> BTreeMap<String, RouteUsage> {
        self.counts().routes.clone()
    }

    /// Resets the routes' counts to zero; running requests keep theirs.
    pub fn reset(&self) {
        let mut counts = self.counts();
        counts.routes.clear();
        counts.finished.clear();
    }

    /// What the request with this trace id cost: so far if it is running, in total if it is one of the last finished.
    pub fn of_trace(&self, trace: &str) -> Option<RequestUsage> {
        let counts = self.counts();
        let finished = || counts.finished.iter().rev().find(|(id, _)| id == trace).map(|(_, request)| request);
        counts.running.get(trace).or_else(finished).cloned()
    }

    /// The route of a running request. None when it has finished.
    pub fn route_of(&self, trace: &str) -> Option<String> {
        self.counts().running.get(trace).map(|request| request.route.clone())
    }

    /// Trace id and route of the running requests, those that came through the gateway first.
    pub fn running(&self) -> Vec<(String, String)> {
        let mut running: Vec<(String, String)> =
            self.counts().running.iter().map(|(trace, request)| (trace.clone(), request.route.clone())).collect();
        running.sort_by_key(|(trace, route)| (route.starts_with("function "), route.clone(), trace.clone()));
        running
    }

    pub fn is_only_running(&self, trace: &str) -> bool {
        let counts = self.counts();
        counts.running.len() == 1 && counts.running.contains_key(trace)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(halves: u64) -> Cost {
        Cost { round_trips: 1, read_units: Units::halves(halves), ..Cost::default() }
    }

    #[test]
    fn each_call_counts_for_the_request_whose_trace_it_carries() {
        let usage = Usage::default();
        usage.begin("one", "GET /v1/products");
        usage.begin("two", "POST /v1/checkout");
        usage.record(Some("one"), "LOCALCatalogFunction", "Query", Purpose::Work, read(3));
        usage.record(Some("two"), "LOCALCheckoutFunction", "GetItem", Purpose::Work, read(2));
        usage.record(Some("two"), "LOCALCheckoutFunction", "GetItem", Purpose::Work, read(2));
        assert!(!usage.is_only_running("one"));
        usage.end("one");
        assert!(usage.is_only_running("two"));
        usage.end("two");
        usage.end("never begun");

        let routes = usage.snapshot();
        assert_eq!(routes["POST /v1/checkout"].last.round_trips, 2);
        assert_eq!(routes["POST /v1/checkout"].operations["GetItem"], 2);
        assert_eq!(usage.of_trace("one").unwrap().operations, ["Query"]);
        insta::assert_json_snapshot!(routes["GET /v1/products"], @r#"
        {
          "calls": 1,
          "round_trips": 1,
          "read_units": 1.5,
          "write_units": 0,
          "conflicts": 0,
          "rate_limits": {
            "round_trips": 0,
            "read_units": 0,
            "write_units": 0,
            "conflicts": 0
          },
          "max": {
            "round_trips": 1,
            "read_units": 1.5,
            "write_units": 0,
            "conflicts": 0
          },
          "last": {
            "round_trips": 1,
            "read_units": 1.5,
            "write_units": 0,
            "conflicts": 0
          },
          "operations": {
            "Query": 1
          }
        }
        "#);
    }

    #[test]
    fn what_rate_limits_cost_is_counted_apart() {
        let usage = Usage::default();
        usage.begin("one", "POST /v1/checkout");
        usage.record(Some("one"), "LOCALCheckoutFunction", "UpdateItem", Purpose::RateLimit, read(0));
        usage.record(Some("one"), "LOCALCheckoutFunction", "GetItem", Purpose::Work, read(2));
        usage.end("one");
        let route = usage.snapshot()["POST /v1/checkout"].clone();
        assert_eq!((route.last.round_trips, route.rate_limits.round_trips, route.total.round_trips), (1, 1, 1));
        assert_eq!(route.operations["UpdateItem"], 1);
    }

    #[test]
    fn a_call_without_a_known_trace_counts_for_its_function() {
        let usage = Usage::default();
        usage.record(Some("unknown"), "LOCALProjectionsFunction", "PutItem", Purpose::Work, read(0));
        usage.record(None, "LOCALProjectionsFunction", "PutItem", Purpose::Work, read(0));
        assert_eq!(usage.snapshot()["function ProjectionsFunction"].total.round_trips, 2);
    }

    #[test]
    fn the_maximum_is_kept_and_a_reset_forgets_it() {
        let usage = Usage::default();
        for (trace, calls) in [("a", 3), ("b", 1)] {
            usage.begin(trace, "GET /v1/cart");
            for _ in 0..calls {
                usage.record(Some(trace), "LOCALCartFunction", "GetItem", Purpose::Work, read(1));
            }
            usage.end(trace);
        }
        let cart = usage.snapshot()["GET /v1/cart"].clone();
        assert_eq!((cart.calls, cart.max.round_trips, cart.last.round_trips), (2, 3, 1));
        assert_eq!(Units::reported(1.5), Units::halves(3));
        usage.reset();
        assert!(usage.snapshot().is_empty() && usage.of_trace("a").is_none());
    }
}
