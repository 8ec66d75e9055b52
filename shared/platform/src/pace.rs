//! The pace of writing. Every published product has a row in the list of all products, which is one partition with
//! about 1,000 writes per second: imports and rebuilds must leave enough of them for all other writers.

use std::time::Duration;

use tokio::time::Instant;

/// Unused time that may be spent at once after a pause.
const BURST: Duration = Duration::from_secs(1);

/// Limits products per second, with a burst of one second's worth.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time per product; zero for no limit.
    interval: Duration,
    /// Until when the time is taken by products that were waited for.
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

#[cfg(test)]
mod tests {
    use super::*;

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
