//! Throttling: a token bucket for each route, by the route's own settings or by the stage's default ones, which are no
//! total of the stage: each route gets as much
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use crate::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// A bucket's capacity, in requests.
    #[serde(rename = "ThrottlingBurstLimit")]
    pub burst: u32,
    /// Requests a second that are added to a bucket.
    #[serde(rename = "ThrottlingRateLimit")]
    pub rate_per_second: u32,
}

/// The settings of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttles {
    pub default: Throttle,
    /// The settings of single routes, by their keys.
    pub by_route: BTreeMap<String, Throttle>,
}

impl From<Throttle> for Throttles {
    fn from(default: Throttle) -> Self {
        Self { default, by_route: BTreeMap::new() }
    }
}

/// The buckets by route key. They fill by the embedded cloud's clock.
#[derive(Debug)]
pub(super) struct Buckets {
    throttles: Throttles,
    by_route: Mutex<HashMap<String, Bucket>>,
}

impl Buckets {
    pub(super) fn full(throttles: Throttles) -> Self {
        Self { throttles, by_route: Mutex::default() }
    }

    /// Takes a request's token from the bucket of its route; false when none is left.
    pub(super) fn take(&self, route: String, now: Timestamp) -> bool {
        let mut buckets = self.by_route.lock().unwrap_or_else(PoisonError::into_inner);
        let throttle = *self.throttles.by_route.get(&route).unwrap_or(&self.throttles.default);
        buckets.entry(route).or_insert_with(|| Bucket::full(throttle, now)).take(throttle, now)
    }
}

const MILLIS_PER_SECOND: u64 = 1_000;

/// A bucket, whose tokens are thousandths of a request.
#[derive(Debug)]
struct Bucket {
    tokens: u64,
    filled_at: Timestamp,
}

impl Bucket {
    fn full(throttle: Throttle, now: Timestamp) -> Self {
        Self { tokens: u64::from(throttle.burst) * MILLIS_PER_SECOND, filled_at: now }
    }

    fn take(&mut self, throttle: Throttle, now: Timestamp) -> bool {
        let since = u64::try_from(now.millis() - self.filled_at.millis()).unwrap_or(0);
        let added = since.saturating_mul(u64::from(throttle.rate_per_second));
        self.tokens = self.tokens.saturating_add(added).min(u64::from(throttle.burst) * MILLIS_PER_SECOND);
        self.filled_at = self.filled_at.max(now);
        let granted = self.tokens >= MILLIS_PER_SECOND;
        if granted {
            self.tokens -= MILLIS_PER_SECOND;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_grants_a_burst_and_then_the_rate() {
        let buckets = Buckets::full(Throttle { burst: 2, rate_per_second: 4 }.into());
        let at = |millis| buckets.take("GET /a".to_owned(), Timestamp::from_millis(millis));
        assert_eq!([0, 0, 0].map(at), [true, true, false]);
        assert!(buckets.take("GET /b".to_owned(), Timestamp::from_millis(0)), "another route has a bucket of its own");
        assert_eq!([249, 250, 251].map(at), [false, true, false]);
        assert_eq!([9_000, 9_000, 9_000].map(at), [true, true, false]);
        assert!(!at(8_000), "a clock that goes back adds nothing");
    }

    #[test]
    fn a_route_with_settings_of_its_own_has_a_bucket_of_that_size() {
        let by_route = BTreeMap::from([("POST /b".to_owned(), Throttle { burst: 3, rate_per_second: 1 })]);
        let buckets = Buckets::full(Throttles { default: Throttle { burst: 1, rate_per_second: 1 }, by_route });
        let granted =
            |route: &str| (0..9).filter(|_| buckets.take(route.to_owned(), Timestamp::from_millis(0))).count();
        assert_eq!([granted("GET /a"), granted("POST /b")], [1, 3]);
    }
}
