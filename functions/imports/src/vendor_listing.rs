//! A shop's products follow it: hidden while it is suspended, shown when it goes on.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use domain::vendor::VendorJob;
use domain::{ProductId, VendorId};
use store::Catalog;
use tokio::time::Instant;

/// How long one message is worked on: well below the function's timeout, so that what is left is sent on in time.
const BUDGET: Duration = Duration::from_secs(30);
/// How many products are gone through between two looks at the clock.
const SLICE: u16 = 50;

/// Why a job was not done. It is delivered again, and begins where its message says.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The catalogue.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The rest of the job could not be sent on.
    #[error("SQS did not take the rest of a job: {0}")]
    NotSent(String),
}

/// Lets a shop's products follow it, oldest first, for a while, and sends the rest of the work on.
///
/// # Errors
/// The catalogue or the queue does not answer.
pub async fn follow_shop(
    catalog: &Catalog,
    queue: &Client,
    queue_url: &str,
    vendor_id: VendorId,
    mut after: Option<ProductId>,
) -> Result<(), JobError> {
    let begun = Instant::now();
    loop {
        match catalog.follow_shop(vendor_id, after, SLICE).await? {
            None => return Ok(()),
            next => after = next,
        }
        if begun.elapsed() >= BUDGET {
            let rest = serde_json::to_string(&VendorJob::FollowShop { vendor_id, after });
            let rest = rest.map_err(|error| JobError::NotSent(error.to_string()))?;
            let sent = queue.send_message().queue_url(queue_url).message_body(rest).send().await;
            return sent.map(|_| ()).map_err(|error| JobError::NotSent(DisplayErrorContext(&error).to_string()));
        }
    }
}
