//! Queues of background work.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use domain::notice::{NOTICE_DELAY, Notice, TeamNotice};
use domain::proof::MessageJob;
use domain::vendor::{PictureJob, VendorJob};
use domain::{Code, Coded, VendorId};

use crate::{Config, Fatal};

#[derive(Clone, Debug)]
pub struct JobQueue {
    client: Client,
    url: String,
}

#[derive(Debug, thiserror::Error)]
#[error("SQS did not take a job: {0}")]
pub struct NotSent(String);

impl NotSent {
    /// The function that was to send a job is told of no queue for it.
    pub fn nowhere() -> Self {
        Self("this function has no such queue".to_owned())
    }
}

impl Coded for NotSent {
    fn code(&self) -> Code {
        Code::Unavailable
    }
}

impl JobQueue {
    /// The queue whose URL this variable holds. Each kind of work has its own: what strangers can cause never waits in
    /// front of what the operator orders.
    ///
    /// # Errors
    /// An environment variable is missing.
    pub fn new(config: &Config, variable: &str) -> Result<Self, Fatal> {
        Ok(Self { client: config.sqs()?, url: config.required(variable)?.to_owned() })
    }

    /// [`Self::new`] for a function of which only some send to this queue: those that do not are not told of it.
    ///
    /// # Errors
    /// The function knows no region.
    pub fn where_named(config: &Config, variable: &str) -> Result<Option<Self>, Fatal> {
        let Some(url) = config.optional(variable).map(str::to_owned) else { return Ok(None) };
        Ok(Some(Self { client: config.sqs()?, url }))
    }

    /// Sends a job that starts after some seconds.
    ///
    /// # Errors
    /// SQS did not take it.
    pub async fn send(&self, job: &VendorJob, delay_s: i32) -> Result<(), NotSent> {
        self.put(&serde_json::to_string(job).map_err(|error| NotSent(error.to_string()))?, delay_s).await
    }

    /// Sends work on pictures that starts after some seconds.
    ///
    /// # Errors
    /// SQS did not take it.
    pub async fn send_picture_job(&self, job: &PictureJob, delay_s: i32) -> Result<(), NotSent> {
        self.put(&serde_json::to_string(job).map_err(|error| NotSent(error.to_string()))?, delay_s).await
    }

    /// Sends a message to a person on its way, which names nobody.
    ///
    /// # Errors
    /// SQS did not take it.
    pub async fn send_message(&self, job: &MessageJob) -> Result<(), NotSent> {
        self.put(&serde_json::to_string(job).map_err(|error| NotSent(error.to_string()))?, 0).await
    }

    /// Sends a notice before what it tells is written: it waits until that has succeeded or failed.
    ///
    /// # Errors
    /// SQS did not take it.
    pub async fn send_notice(&self, vendor: VendorId, notice: Notice) -> Result<(), NotSent> {
        self.send_later(&MessageJob::Notice { vendor, notice }).await
    }

    /// [`Self::send_notice`] for what the operator's people are told of each other.
    ///
    /// # Errors
    /// SQS did not take it.
    pub async fn send_team_notice(&self, notice: TeamNotice) -> Result<(), NotSent> {
        self.send_later(&MessageJob::Team { notice }).await
    }

    async fn send_later(&self, job: &MessageJob) -> Result<(), NotSent> {
        let delay_s = i32::try_from(NOTICE_DELAY.as_secs()).unwrap_or(i32::MAX);
        self.put(&serde_json::to_string(job).map_err(|error| NotSent(error.to_string()))?, delay_s).await
    }

    /// Sends a message on as it is, because it came to another queue.
    ///
    /// # Errors
    /// SQS did not take it.
    pub async fn forward(&self, message: &str) -> Result<(), NotSent> {
        self.put(message, 0).await
    }

    async fn put(&self, body: &str, delay_s: i32) -> Result<(), NotSent> {
        let call = self.client.send_message().queue_url(&self.url).message_body(body).delay_seconds(delay_s);
        call.send().await.map(|_| ()).map_err(|error| NotSent(DisplayErrorContext(&error).to_string()))
    }
}
