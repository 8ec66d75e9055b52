//! The bucket of product files, and the queues of the jobs that work on them.

use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use domain::vendor::VendorJob;
use domain::{Code, Coded};
use platform::{Bucket, Config, Fatal, JobQueue, NotSent};

pub(crate) const CSV: &str = "text/csv";

#[derive(Clone, Debug)]
pub(crate) struct Files {
    bucket_client: aws_sdk_s3::Client,
    bucket: String,
    /// The same bucket, for presigned uploads and downloads by clients.
    pub(crate) presigner: Bucket,
    imports: JobQueue,
    /// Nothing where no export is begun.
    exports: Option<JobQueue>,
}

/// The bucket did not take a file, or did not say whether it has one.
#[derive(Debug, thiserror::Error)]
#[error("the call to the bucket failed: {0}")]
pub struct BucketFailed(String);

impl Coded for BucketFailed {
    fn code(&self) -> Code {
        Code::Unavailable
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
            imports: JobQueue::new(config, "IMPORTS_QUEUE_URL")?,
            exports: JobQueue::where_named(config, "EXPORTS_QUEUE_URL")?,
        })
    }

    /// Puts a file. The bucket's notification to the queue starts the import.
    pub(crate) async fn put(&self, key: &str, bytes: Bytes) -> Result<(), BucketFailed> {
        let put = self.bucket_client.put_object().bucket(&self.bucket).key(key).content_type(CSV);
        let sent = put.body(ByteStream::from(bytes)).send().await;
        sent.map(|_| ()).map_err(|error| BucketFailed(DisplayErrorContext(&error).to_string()))
    }

    /// Copies a file. The bucket's notification starts the import, as that of a put file does.
    pub(crate) async fn copy(&self, from: &str, to: &str) -> Result<(), BucketFailed> {
        let copy = self.bucket_client.copy_object().bucket(&self.bucket).key(to);
        let sent = copy.copy_source(format!("{}/{from}", self.bucket)).send().await;
        sent.map(|_| ()).map_err(|error| BucketFailed(DisplayErrorContext(&error).to_string()))
    }

    /// Whether the bucket has a file.
    pub(crate) async fn has(&self, key: &str) -> Result<bool, BucketFailed> {
        match self.bucket_client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => Ok(false),
            Err(error) => Err(BucketFailed(DisplayErrorContext(&error).to_string())),
        }
    }

    /// Sends a new message for an import whose message was lost.
    pub(crate) async fn enqueue_abandoned_import(&self, job: &VendorJob) {
        Self::tell_enqueued(job, &self.imports.send(job, 0).await);
    }

    /// Sends a new message for an export whose message was lost.
    pub(crate) async fn enqueue_abandoned_export(&self, job: &VendorJob) {
        Self::tell_enqueued(job, &self.send_export(job).await);
    }

    /// The caller only reads the job, so an error of the queue is logged and does not fail the request: the next read
    /// sends again.
    fn tell_enqueued(job: &VendorJob, sent: &Result<(), NotSent>) {
        match sent {
            Ok(()) => tracing::warn!(?job, "an abandoned job was enqueued again"),
            Err(error) => tracing::warn!(?job, cause = %error, "an abandoned job could not be enqueued again"),
        }
    }

    /// Sends the message that begins an export.
    pub(crate) async fn send_export(&self, job: &VendorJob) -> Result<(), NotSent> {
        match &self.exports {
            Some(queue) => queue.send(job, 0).await,
            None => Err(NotSent::nowhere()),
        }
    }
}
