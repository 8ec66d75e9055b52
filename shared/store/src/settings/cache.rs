//! The settings that an execution environment goes on with between two looks at the table.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::settings::Settings;
use tokio::time::Instant;

use crate::Error;

/// How long settings are used that were read.
const MAX_AGE: Duration = Duration::from_secs(30);

/// The settings that were read last, and when.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Option<(Instant, Arc<Settings>)>>);

impl Cache {
    /// The last settings, and whether they are still used without a look at the table.
    pub(super) fn last(&self) -> Option<(Arc<Settings>, bool)> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|(read_at, settings)| (Arc::clone(settings), read_at.elapsed() < MAX_AGE))
    }

    /// Keeps what was read, or for another while the last settings when the table could not be read: a shop whose
    /// settings somebody has broken goes on selling.
    pub(super) fn keep(&self, read: Result<Settings, Error>) -> Result<Arc<Settings>, Error> {
        let settings = match (read, self.last()) {
            (Ok(settings), _) => Arc::new(settings),
            (Err(error), Some((last, _))) => {
                tracing::warn!(cause = %error, "the settings cannot be read: the last ones stay in force");
                last
            }
            (Err(error), None) => return Err(error),
        };
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((Instant::now(), Arc::clone(&settings)));
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(unpaid_orders: u32) -> Settings {
        serde_json::from_value(serde_json::json!({"limits": {"unpaid_orders": unpaid_orders}})).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn settings_are_read_again_after_half_a_minute_and_the_last_ones_stay_when_they_cannot_be() {
        let cache = Cache::default();
        assert!(cache.last().is_none());
        let outage = || Err(Error::Unavailable("down".to_owned()));
        assert!(cache.keep(outage()).is_err(), "there is nothing to go on with");
        let good = settings(5);
        cache.keep(Ok(good.clone())).unwrap();
        for (seconds, is_used) in [(29, true), (1, false)] {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            assert_eq!(cache.last().unwrap(), (Arc::new(good.clone()), is_used), "{seconds}");
        }
        assert_eq!(*cache.keep(outage()).unwrap(), good);
        assert!(cache.last().unwrap().1, "it is not asked at every request");
        tokio::time::advance(MAX_AGE).await;
        let changed = settings(9);
        assert_eq!(*cache.keep(Ok(changed.clone())).unwrap(), changed);
    }
}
