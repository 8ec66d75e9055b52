//! Throttling by a token bucket, as API Gateway throttles a stage's requests.

use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// The bucket's capacity, in requests.
    pub burst: u32,
    /// Requests a second that are added to the bucket.
    pub rate_per_second: u32,
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// The bucket, whose tokens are billionths of a request.
#[derive(Debug)]
pub(super) struct Bucket {
    throttle: Throttle,
    tokens: u128,
    filled_at: Instant,
}

impl Bucket {
    pub(super) fn full(throttle: Throttle, now: Instant) -> Self {
        Self { throttle, tokens: u128::from(throttle.burst) * NANOS_PER_SECOND, filled_at: now }
    }

    /// Takes one request's token; false when none is left.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled_at).as_nanos();
        let capacity = u128::from(self.throttle.burst) * NANOS_PER_SECOND;
        self.tokens = capacity.min(self.tokens + since * u128::from(self.throttle.rate_per_second));
        self.filled_at = self.filled_at.max(now);
        let granted = self.tokens >= NANOS_PER_SECOND;
        if granted {
            self.tokens -= NANOS_PER_SECOND;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_granted_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(Throttle { burst: 2, rate_per_second: 4 }, start);
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!([0, 0, 0].map(|millis| bucket.take(at(millis))), [true, true, false]);
        assert_eq!([249, 250, 251].map(|millis| bucket.take(at(millis))), [false, true, false]);
        assert_eq!([9_000, 9_000, 9_000].map(|millis| bucket.take(at(millis))), [true, true, false]);
    }
}
