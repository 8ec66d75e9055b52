//! Waiting for what happens in another process.

use std::time::Duration;

/// Looks at a condition again and again, a minute at most.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    for _ in 0..1_200 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come to this in a minute: {what}");
}
