//! Work that takes longer than an answer may: it goes to the queue of vendors' jobs.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use domain::vendor::VendorJob;
use domain::{Code, Coded, VendorId};

/// Longer than a request can last: a job sent this late is begun when its request has succeeded or failed for good.
const FOLLOW_UP_DELAY_S: i32 = 45;

/// The queue of vendors' jobs.
#[derive(Clone, Debug)]
pub(crate) struct Jobs {
    client: Client,
    queue_url: String,
}

/// A job could not be sent.
#[derive(Debug, thiserror::Error)]
#[error("SQS did not take a job: {0}")]
pub(crate) struct NotSent(String);

impl Coded for NotSent {
    fn code(&self) -> Code {
        Code::Unavailable
    }
}

impl Jobs {
    pub(crate) fn new(client: Client, queue_url: impl Into<String>) -> Self {
        Self { client, queue_url: queue_url.into() }
    }

    /// Makes sure, before a shop's state is changed, that its products will follow: the queue and the table cannot be written
    /// together, and a crash between them must not leave a suspended shop's products on sale. The job looks at the shop as
    /// it is then, so that it does nothing when the change was refused.
    pub(crate) async fn schedule_follow_up(&self, vendor: VendorId) -> Result<(), NotSent> {
        self.send(vendor, FOLLOW_UP_DELAY_S).await
    }

    /// Lets a shop's products follow it now. That it is promised already makes a failure harmless: it only takes longer.
    pub(crate) async fn send_follow_up(&self, vendor: VendorId) {
        if let Err(error) = self.send(vendor, 0).await {
            tracing::warn!(vendor.id = %vendor, cause = %error, "the follow-up of a vendor's products is sent late");
        }
    }

    async fn send(&self, vendor_id: VendorId, delay_s: i32) -> Result<(), NotSent> {
        let job = VendorJob::SyncProducts { vendor_id, after: None };
        let body = serde_json::to_string(&job).map_err(|error| NotSent(error.to_string()))?;
        let call = self.client.send_message().queue_url(&self.queue_url).message_body(body).delay_seconds(delay_s);
        call.send().await.map(|_| ()).map_err(|error| NotSent(DisplayErrorContext(&error).to_string()))
    }
}
