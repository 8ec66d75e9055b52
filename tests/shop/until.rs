//! Waiting for what happens in the background or in another process.

use std::time::Duration;

/// Polls a condition every 50 ms. Panics if it does not hold within three minutes: other tests are at work meanwhile.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    for _ in 0..3_600 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within three minutes: {what}");
}
