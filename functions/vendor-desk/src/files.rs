//! The bucket of product files, and the queue of the jobs that work on them.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use axum::body::Bytes;
use domain::job::Upload;
use domain::vendor::VendorJob;
use domain::{Code, Coded, Timestamp};
use platform::{Config, Fatal};

/// How long an address is good for.
const OPEN: Duration = Duration::from_secs(600);
const CSV: &str = "text/csv";

/// Product files and the jobs that work on them.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    bucket_client: aws_sdk_s3::Client,
    bucket: String,
    queue_client: aws_sdk_sqs::Client,
    queue_url: String,
}

/// Why a file or a job went nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    /// The bucket or the queue does not answer.
    #[error("not taken: {0}")]
    NotTaken(String),
    /// An address could not be signed.
    #[error("not signed: {0}")]
    NotSigned(String),
}

impl Coded for FilesError {
    fn code(&self) -> Code {
        match self {
            Self::NotTaken(_) => Code::Unavailable,
            Self::NotSigned(_) => Code::Internal,
        }
    }
}

impl Files {
    /// Builds the clients.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub(crate) fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self {
            bucket_client: config.s3()?,
            bucket: config.required("IMPORTS_BUCKET")?.to_owned(),
            queue_client: config.sqs()?,
            queue_url: config.required("IMPORTS_QUEUE_URL")?.to_owned(),
        })
    }

    /// Puts a file. The bucket tells the queue of it.
    pub(crate) async fn put(&self, key: &str, bytes: Bytes) -> Result<(), FilesError> {
        let put = self.bucket_client.put_object().bucket(&self.bucket).key(key).content_type(CSV);
        let sent = put.body(ByteStream::from(bytes)).send().await;
        sent.map(|_| ()).map_err(|error| FilesError::NotTaken(DisplayErrorContext(&error).to_string()))
    }

    /// Where a file of exactly this length can be uploaded. Nothing is sent.
    pub(crate) async fn upload(&self, key: &str, size: u64, now: Timestamp) -> Result<Upload, FilesError> {
        let put = self.bucket_client.put_object().bucket(&self.bucket).key(key).content_type(CSV);
        let request = put
            .content_length(i64::try_from(size).unwrap_or(i64::MAX))
            .presigned(open(now)?)
            .await
            .map_err(|error| FilesError::NotSigned(DisplayErrorContext(&error).to_string()))?;
        Ok(Upload {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            // What else the client adds to its own calls, such as a trace, is not signed and not for the uploader.
            headers: request
                .headers()
                .filter(|(name, _)| name.starts_with("content-"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            expires_at: now + OPEN,
        })
    }

    /// Where a file can be had, and until when. Nothing is sent.
    pub(crate) async fn link(&self, key: &str, now: Timestamp) -> Result<(String, Timestamp), FilesError> {
        let signed = self.bucket_client.get_object().bucket(&self.bucket).key(key).presigned(open(now)?).await;
        let request = signed.map_err(|error| FilesError::NotSigned(DisplayErrorContext(&error).to_string()))?;
        Ok((request.uri().to_owned(), now + OPEN))
    }

    /// Asks for work on a job.
    pub(crate) async fn ask_for(&self, job: &VendorJob) -> Result<(), FilesError> {
        let body = serde_json::to_string(job).map_err(|error| FilesError::NotSigned(error.to_string()))?;
        let sent = self.queue_client.send_message().queue_url(&self.queue_url).message_body(body).send().await;
        sent.map(|_| ()).map_err(|error| FilesError::NotTaken(DisplayErrorContext(&error).to_string()))
    }

    /// Asks again for work on a job that nobody has gone on with. It is only looked at, so a queue that does not answer is no
    /// reason to show nothing: the next look asks again.
    pub(crate) async fn remind_of(&self, job: &VendorJob) {
        match self.ask_for(job).await {
            Ok(()) => tracing::warn!(?job, "a job that nobody has gone on with is asked for again"),
            Err(error) => tracing::warn!(?job, cause = %error, "a job that nobody has gone on with is not asked for"),
        }
    }
}

/// An address that is good from now on.
fn open(now: Timestamp) -> Result<PresigningConfig, FilesError> {
    let begun = SystemTime::UNIX_EPOCH + now.since(Timestamp::default());
    let signed = PresigningConfig::builder().start_time(begun).expires_in(OPEN).build();
    signed.map_err(|error| FilesError::NotSigned(error.to_string()))
}
