//! A client as a good one is: it asks again with the same key, and waits as long as it is told to.

use std::time::Duration;

use super::{Answer, Shop};

/// How often it asks before it gives up: more than 30 seconds' worth of "in two seconds".
const MAX_ATTEMPTS: usize = 30;

impl Shop {
    /// Makes a call again until there is an answer that is one.
    pub(crate) async fn retry(&self, call: impl AsyncFn() -> Answer) -> Answer {
        for _ in 0..MAX_ATTEMPTS {
            let answer = call().await;
            let in_progress = answer.json["code"] == "idempotency_in_progress";
            if answer.status < 500 && answer.status != 429 && !in_progress {
                return answer;
            }
            let seconds = answer.header("retry-after").parse().unwrap_or(1);
            self.advance(Duration::from_secs(seconds)).await;
        }
        call().await
    }
}
