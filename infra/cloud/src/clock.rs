//! The embedded cloud's clock: real time that can be moved forward, or a frozen time for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::time::Timestamp;

/// The time of one embedded cloud. Clones share it.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Milliseconds: added to real time, or the time itself when the clock is frozen.
    millis: Arc<AtomicI64>,
    frozen: bool,
    moved: Arc<Notify>,
}

impl Clock {
    /// Real time plus `offset`, the sum of all earlier advances.
    pub fn real(offset: Duration) -> Self {
        let millis = i64::try_from(offset.as_millis()).unwrap_or(0);
        Self { millis: Arc::new(AtomicI64::new(millis)), frozen: false, moved: Arc::default() }
    }

    /// A clock that only [`Clock::advance`] moves.
    pub fn frozen(at: Timestamp) -> Self {
        Self { millis: Arc::new(AtomicI64::new(at.millis())), frozen: true, moved: Arc::default() }
    }

    pub fn now(&self) -> Timestamp {
        let millis = self.millis.load(Ordering::SeqCst);
        if self.frozen {
            Timestamp::from_millis(millis)
        } else {
            Timestamp::from_millis(wall_millis().saturating_add(millis))
        }
    }

    pub fn advance(&self, by: Duration) {
        self.millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::SeqCst);
        self.moved.notify_waiters();
    }

    /// Completes when [`Clock::advance`] is called after this call.
    pub fn moved(&self) -> Notified<'_> {
        self.moved.notified()
    }

    /// How long it takes until this time if the clock is not moved; None when it is frozen before it.
    pub fn wait_until(&self, at: Timestamp) -> Option<Duration> {
        let left = u64::try_from(at.millis().saturating_sub(self.now().millis())).unwrap_or(0);
        (left == 0 || !self.frozen).then(|| Duration::from_millis(left))
    }

    /// How far the clock is ahead of real time; zero for a frozen one.
    pub fn offset(&self) -> Duration {
        let millis = if self.frozen { 0 } else { self.millis.load(Ordering::SeqCst) };
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the embedded cloud reads the system clock")]
fn wall_millis() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told_and_for_all_its_clones() {
        let clock = Clock::frozen(Timestamp::from_millis(1_000));
        let clone = clock.clone();
        clock.advance(Duration::from_secs(2));
        assert_eq!(clone.now(), Timestamp::from_millis(3_000));
        assert_eq!(clone.wait_until(Timestamp::from_millis(3_000)), Some(Duration::ZERO));
        assert_eq!(clone.wait_until(Timestamp::from_millis(3_001)), None);
    }

    #[tokio::test]
    async fn who_waits_for_a_running_clock_hears_of_its_move() {
        let clock = Clock::real(Duration::ZERO);
        let moved = clock.moved();
        clock.advance(Duration::from_hours(1));
        moved.await;
        let left = clock.wait_until(clock.now() + Duration::from_hours(1)).unwrap();
        assert!(left <= Duration::from_hours(1) && left > Duration::from_mins(59));
    }
}
