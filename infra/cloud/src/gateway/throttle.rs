//! Throttling: a token bucket for each route. The stage's default route settings are no total of the stage: each route
//! gets as much (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>).

use std::collections::HashMap;
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

/// The buckets by route key. They fill by the embedded cloud's clock.
#[derive(Debug)]
pub(super) struct Buckets {
    throttle: Throttle,
    by_route: Mutex<HashMap<String, Bucket>>,
}

impl Buckets {
    pub(super) fn full(throttle: Throttle) -> Self {
        Self { throttle, by_route: Mutex::default() }
    }

    /// Takes a request's token from the bucket of its route; false when none is left.
    pub(super) fn take(&self, route: String, now: Timestamp) -> bool {
        let mut buckets = self.by_route.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.entry(route).or_insert_with(|| Bucket::full(self.throttle, now)).take(self.throttle, now)
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
        let buckets = Buckets::full(Throttle { burst: 2, rate_per_second: 4 });
        let at = |millis| buckets.take("GET /a".to_owned(), Timestamp::from_millis(millis));
        assert_eq!([0, 0, 0].map(at), [true, true, false]);
        assert!(buckets.take("GET /b".to_owned(), Timestamp::from_millis(0)), "another route has a bucket of its own");
        assert_eq!([249, 250, 251].map(at), [false, true, false]);
        assert_eq!([9_000, 9_000, 9_000].map(at), [true, true, false]);
        assert!(!at(8_000), "a clock that goes back adds nothing");
    }
}
