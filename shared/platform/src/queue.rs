//! The queue of vendors' jobs.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use domain::vendor::VendorJob;
use domain::{Code, Coded};

use crate::{Config, Fatal};

#[derive(Clone, Debug)]
pub struct JobQueue {
    client: Client,
    url: String,
}

#[derive(Debug, thiserror::Error)]
#[error("SQS did not take a job: {0}")]
pub struct NotSent(String);

impl Coded for NotSent {
    fn code(&self) -> Code {
        Code::Unavailable
    }
}

impl JobQueue {
    /// Builds the client.
    ///
    /// # Errors
    /// An environment variable is missing.
    pub fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self { client: config.sqs()?, url: config.required("IMPORTS_QUEUE_URL")?.to_owned() })
    }

    /// Sends a job that starts after some seconds.
    ///
    /// # Errors
    /// SQS did not take it.
    pub async fn send(&self, job: &VendorJob, delay_s: i32) -> Result<(), NotSent> {
        let body = serde_json::to_string(job).map_err(|error| NotSent(error.to_string()))?;
        let call = self.client.send_message().queue_url(&self.url).message_body(body).delay_seconds(delay_s);
        call.send().await.map(|_| ()).map_err(|error| NotSent(DisplayErrorContext(&error).to_string()))
    }
}
