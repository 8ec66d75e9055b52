//! The bucket of product files, and the queue of the jobs that work on them.

use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use domain::vendor::VendorJob;
use domain::{Code, Coded};
use platform::{Bucket, Config, Fatal};

pub(crate) const CSV: &str = "text/csv";

#[derive(Clone, Debug)]
pub(crate) struct Files {
    bucket_client: aws_sdk_s3::Client,
    bucket: String,
    /// The same bucket, for presigned uploads and downloads by clients.
    pub(crate) presigner: Bucket,
    queue_client: aws_sdk_sqs::Client,
    queue_url: String,
}

#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The call to the bucket or the queue failed.
    #[error("the call to the bucket or the queue failed: {0}")]
    NotTaken(String),
    #[error("the job could not be serialised: {0}")]
    NotWritten(String),
}

impl Coded for FilesError {
    fn code(&self) -> Code {
        match self {
            Self::NotTaken(_) => Code::Unavailable,
            Self::NotWritten(_) => Code::Internal,
        }
    }
}

impl Files {
    /// Builds the clients.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub(crate) fn new(config: &Config) -> Result<Self, Fatal> {
        let (bucket_client, bucket) = (config.s3()?, config.required("IMPORTS_BUCKET")?.to_owned());
        Ok(Self {
            presigner: Bucket::new(bucket_client.clone(), &bucket),
            bucket_client,
            bucket,
            queue_client: config.sqs()?,
            queue_url: config.required("IMPORTS_QUEUE_URL")?.to_owned(),
        })
    }

    /// Puts a file. The bucket's notification to the queue starts the import.
    pub(crate) async fn put(&self, key: &str, bytes: Bytes) -> Result<(), FilesError> {
        let put = self.bucket_client.put_object().bucket(&self.bucket).key(key).content_type(CSV);
        let sent = put.body(ByteStream::from(bytes)).send().await;
        sent.map(|_| ()).map_err(|error| FilesError::NotTaken(DisplayErrorContext(&error).to_string()))
    }

    pub(crate) async fn enqueue(&self, job: &VendorJob) -> Result<(), FilesError> {
        let body = serde_json::to_string(job).map_err(|error| FilesError::NotWritten(error.to_string()))?;
        let sent = self.queue_client.send_message().queue_url(&self.queue_url).message_body(body).send().await;
        sent.map(|_| ()).map_err(|error| FilesError::NotTaken(DisplayErrorContext(&error).to_string()))
    }

    /// Sends a new message for a job whose message was lost. The caller only reads the job, so an error of the queue is
    /// logged and does not fail the request: the next read sends again.
    pub(crate) async fn enqueue_abandoned(&self, job: &VendorJob) {
        match self.enqueue(job).await {
            Ok(()) => tracing::warn!(?job, "an abandoned job was enqueued again"),
            Err(error) => tracing::warn!(?job, cause = %error, "an abandoned job could not be enqueued again"),
        }
    }
}
