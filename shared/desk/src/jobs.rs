//! Work that takes longer than a request may: it is sent to the queue of vendor jobs.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use domain::vendor::VendorJob;
use domain::{Code, Coded, VendorId};

/// Longer than a request can last, so that the delayed job starts after its request has succeeded or failed.
const FOLLOW_UP_DELAY_S: i32 = 45;

#[derive(Clone, Debug)]
pub(crate) struct Jobs {
    client: Client,
    queue_url: String,
}

#[derive(Debug, thiserror::Error)]
#[error("SQS did not take a job: {0}")]
pub struct NotSent(String);

impl Coded for NotSent {
    fn code(&self) -> Code {
        Code::Unavailable
    }
}

impl Jobs {
    pub(crate) fn new(client: Client, queue_url: impl Into<String>) -> Self {
        Self { client, queue_url: queue_url.into() }
    }

    /// Schedules the job that updates a vendor's products, before the vendor's state is saved. The queue and the table
    /// cannot be written in one transaction: if the job were sent afterwards, a crash in between would leave a
    /// suspended vendor's products on sale. The job reads the vendor's state when it runs, so it changes nothing if the
    /// state was not saved.
    pub(crate) async fn schedule_follow_up(&self, vendor: VendorId) -> Result<(), NotSent> {
        self.send(vendor, FOLLOW_UP_DELAY_S).await
    }

    /// Sends the same job without delay. A failure is harmless: the job of [`Self::schedule_follow_up`] does the work
    /// later.
    pub(crate) async fn send_follow_up(&self, vendor: VendorId) {
        if let Err(error) = self.send(vendor, 0).await {
            tracing::warn!(vendor.id = %vendor, cause = %error, "the follow-up of a vendor's products is delayed");
        }
    }

    async fn send(&self, vendor_id: VendorId, delay_s: i32) -> Result<(), NotSent> {
        let job = VendorJob::SyncProducts { vendor_id, after: None };
        let body = serde_json::to_string(&job).map_err(|error| NotSent(error.to_string()))?;
        let call = self.client.send_message().queue_url(&self.queue_url).message_body(body).delay_seconds(delay_s);
        call.send().await.map(|_| ()).map_err(|error| NotSent(DisplayErrorContext(&error).to_string()))
    }
}
