//! The pace of work that others do as well. Every published product has a row in the list of all products, which is
//! one partition with about 1,000 writes per second: imports and rebuilds must leave enough of them for all other
//! writers. A payment provider allows an account so many calls a second: housekeeping must leave enough for buyers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Unused time that may be spent at once after a pause.
const BURST: Duration = Duration::from_secs(1);

/// Limits products or calls per second, with a burst of one second's worth.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time for each; zero for no limit.
    interval: Duration,
    /// Until when the time is taken by those that were waited for.
    reserved_until: Instant,
}

impl Pace {
    /// A limit of so many products per second; zero for no limit.
    pub fn new(per_second: u32) -> Self {
        let interval = Duration::from_secs(1).checked_div(per_second).unwrap_or(Duration::ZERO);
        Self { interval, reserved_until: Instant::now() }
    }

    /// Waits until so many products may be written.
    pub async fn wait(&mut self, products: usize) {
        let pause = self.reserve(Instant::now(), products);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    fn reserve(&mut self, now: Instant, products: usize) -> Duration {
        let time = self.interval.saturating_mul(u32::try_from(products).unwrap_or(u32::MAX));
        self.reserved_until = self.reserved_until.max(now) + time;
        self.reserved_until.saturating_duration_since(now + BURST)
    }
}

/// A pace that tasks keep together. Clones share it.
#[derive(Clone, Debug)]
pub struct SharedPace(Arc<Mutex<Pace>>);

impl SharedPace {
    /// A limit of so many calls per second; zero for no limit.
    pub fn new(per_second: u32) -> Self {
        Self(Arc::new(Mutex::new(Pace::new(per_second))))
    }

    /// Whether a call could be made now without a pause.
    pub fn is_free(&self) -> bool {
        self.is_free_at(Instant::now())
    }

    /// Waits until a call may be made. Those who wait go in the order in which they came.
    pub async fn wait(&self) {
        let pause = self.pace().reserve(Instant::now(), 1);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    fn is_free_at(&self, now: Instant) -> bool {
        let mut as_if = *self.pace();
        as_if.reserve(now, 1).is_zero()
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // Nothing panics while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_pace_is_free_until_a_seconds_worth_is_used_up() {
        let start = Instant::now();
        let pace =
            SharedPace(Arc::new(Mutex::new(Pace { interval: Duration::from_millis(100), reserved_until: start })));
        let other = pace.clone();
        for call in 0..10 {
            assert!(pace.is_free_at(start), "call {call}");
            assert!(other.pace().reserve(start, 1).is_zero());
        }
        assert!(!pace.is_free_at(start));
        assert!(pace.is_free_at(start + Duration::from_millis(100)));
    }

    #[test]
    fn a_seconds_worth_goes_at_once_and_the_rest_at_its_pace() {
        let start = Instant::now();
        let mut pace = Pace { interval: Duration::from_millis(10), reserved_until: start };
        assert_eq!(pace.reserve(start, 60), Duration::ZERO);
        assert_eq!(pace.reserve(start, 60), Duration::from_millis(200));
        assert_eq!(pace.reserve(start + Duration::from_millis(200), 50), Duration::from_millis(500));
        // However long the pause, the burst stays one second.
        assert_eq!(pace.reserve(start + Duration::from_mins(10), 150), Duration::from_millis(500));
    }

    #[test]
    fn no_pace_is_no_pause() {
        let mut pace = Pace::new(0);
        assert_eq!(pace.reserve(Instant::now(), usize::MAX), Duration::ZERO);
    }
}
