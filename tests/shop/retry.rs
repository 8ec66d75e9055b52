//! A client that retries as the API asks: with the same idempotency key, and after the `Retry-After` of the response.

use std::time::Duration;

use super::{Answer, Shop};

/// At two seconds each, these last longer than the 30 seconds for which a request that died holds its key.
const MAX_ATTEMPTS: usize = 30;

impl Shop {
    /// Repeats a request while the response is a 5xx, a 429 or `idempotency_in_progress`. Returns the last response.
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
