//! Messages that ask for work, and the slices in which it is done.

use std::time::Duration;

use aws_sdk_sqs::error::DisplayErrorContext;
use domain::job::{Claim, import_of};
use domain::vendor::VendorJob;
use domain::{MediaId, ProductId, Timestamp, VendorId};
use platform::QueueMessage;
use serde::Deserialize;
use tokio::time::Instant;

use crate::files::FilesError;
use crate::{App, LoadError};

/// How often the queue delivers a message before it puts it aside: `maxReceiveCount` in the template.
const MAX_RECEIVE_COUNT: u32 = 5;
/// How many products follow their shop before the time is looked at.
const FOLLOW_BATCH: u16 = 50;

/// Why a message could not be dealt with. It comes again.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// It is none of the messages that are known here.
    #[error("the message is none that is known here")]
    Unknown(#[source] serde_json::Error),
    /// The same message is being worked on, or was when its worker died.
    #[error("the job is being worked on")]
    Busy,
    /// The tables.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The bucket.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The queue.
    #[error("the queue did not take the next message: {0}")]
    Queue(String),
}

impl From<LoadError> for WorkError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Store(error) => Self::Store(error),
            LoadError::Refused(refusal) => Self::Store(refusal.into()),
            LoadError::File(error) => Self::Files(FilesError::Failed(error.to_string())),
        }
    }
}

/// The queue that this function works off.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) client: aws_sdk_sqs::Client,
    pub(crate) url: String,
}

impl Queue {
    /// Asks for work.
    pub(crate) async fn send(&self, job: &VendorJob) -> Result<(), WorkError> {
        let body = serde_json::to_string(job).map_err(WorkError::Unknown)?;
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(|_| ()).map_err(|error| WorkError::Queue(DisplayErrorContext(&error).to_string()))
    }
}

/// What the bucket says of new files, as far as it matters here.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
#[derive(Deserialize)]
struct S3Notification {
    #[serde(rename = "Records")]
    records: Vec<S3Record>,
}

#[derive(Deserialize)]
struct S3Record {
    s3: S3Entity,
}

#[derive(Deserialize)]
struct S3Entity {
    object: S3Object,
}

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// A job of a seller's.
    Job(VendorJob),
    /// A look at a new picture.
    Picture(MediaId),
}

#[derive(Deserialize)]
struct S3Object {
    key: String,
}

/// What the bucket sends once, when it is told to send notices.
#[derive(Deserialize)]
struct S3TestEvent {
    #[serde(rename = "Event")]
    event: String,
}

/// What a message asks for.
fn tasks_of(body: &str) -> Result<Vec<Task>, serde_json::Error> {
    if let Ok(notification) = serde_json::from_str::<S3Notification>(body) {
        // A key of ours has no character that the notification would encode; another one is no import.
        let keys = notification.records.into_iter().map(|record| record.s3.object.key);
        return Ok(keys
            .filter_map(|key| match import_of(&key) {
                Some((vendor_id, id)) => Some(Task::Job(VendorJob::Import { vendor_id, id })),
                None => key.parse().ok().map(Task::Picture),
            })
            .collect());
    }
    match serde_json::from_str::<S3TestEvent>(body) {
        Ok(test) if test.event == "s3:TestEvent" => Ok(Vec::new()),
        _ => serde_json::from_str(body).map(|job| vec![Task::Job(job)]),
    }
}

/// The time that a slice of work may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    deadline: Instant,
}

impl Slice {
    pub(crate) fn new(length: Duration) -> Self {
        Self { deadline: Instant::now() + length }
    }

    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.deadline
    }
}

/// What a slice of work came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is more to do, in a slice of its own.
    More,
    /// The job is over.
    Done,
}

/// How a slice of work was requested.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery<'a> {
    pub(crate) message: &'a str,
    pub(crate) last_delivery: bool,
    pub(crate) now: Timestamp,
}

impl Delivery<'_> {
    /// What a job's claim means for its message: whether there is work to do.
    pub(crate) fn is_granted(self, claim: Claim) -> Result<bool, WorkError> {
        match claim {
            Claim::Granted => Ok(true),
            Claim::Obsolete => Ok(false),
            Claim::Later => Err(WorkError::Busy),
        }
    }
}

/// Works on what a message asks for: an import, an export, or products that follow their shop. A message may come twice, late, or
/// beside another that asks for the same.
///
/// # Errors
/// When it could not be done; the message must come again.
pub async fn handle(app: &App, message: &QueueMessage, now: Timestamp) -> Result<(), WorkError> {
    let last_delivery = message.deliveries() >= MAX_RECEIVE_COUNT;
    let delivery = Delivery { message: &message.message_id, last_delivery, now };
    for task in tasks_of(&message.body).map_err(WorkError::Unknown)? {
        let job = match task {
            Task::Job(job) => job,
            Task::Picture(id) => {
                Box::pin(app.pictures.check(&id.to_string())).await?;
                continue;
            }
        };
        // Boxed: together the futures of the three are nested deeper than the compiler follows.
        match job {
            VendorJob::SyncProducts { vendor_id, after } => Box::pin(app.follow(vendor_id, after)).await?,
            VendorJob::Import { vendor_id, id } => Box::pin(app.work_on_import(vendor_id, id, delivery)).await?,
            VendorJob::Export { vendor_id, id } => Box::pin(app.work_on_export(vendor_id, id, delivery)).await?,
        }
    }
    Ok(())
}

impl App {
    /// Brings a seller's products in line with the shop, a slice at a time.
    async fn follow(&self, vendor: VendorId, mut after: Option<ProductId>) -> Result<(), WorkError> {
        let slice = Slice::new(self.slice);
        loop {
            after = self.products.catalog.sync_with_shop(vendor, after, FOLLOW_BATCH).await?;
            if after.is_none() {
                return Ok(());
            }
            if slice.is_over() {
                return self.queue.send(&VendorJob::SyncProducts { vendor_id: vendor, after }).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ImportId;
    use domain::job::import_key;

    use super::*;

    #[test]
    fn both_an_uploaded_file_and_a_message_of_ours_ask_for_an_import() {
        let (vendor_id, id) = (VendorId::from_bits(3), ImportId::from_bits(4));
        let import = VendorJob::Import { vendor_id, id };
        let key = import_key(vendor_id, id);
        let notification = format!(
            r#"{{"Records":[{{"eventName":"ObjectCreated:Put","s3":{{"object":{{"key":"{key}","size":5}}}}}}]}}"#
        );
        assert_eq!(tasks_of(&notification).unwrap(), [Task::Job(import)]);
        assert_eq!(tasks_of(&serde_json::to_string(&import).unwrap()).unwrap(), [Task::Job(import)]);
    }

    #[test]
    fn a_new_picture_asks_to_be_looked_at() {
        let id = MediaId::from_bits(5);
        let notification = format!(r#"{{"Records":[{{"s3":{{"object":{{"key":"{id}"}}}}}}]}}"#);
        assert_eq!(tasks_of(&notification).unwrap(), [Task::Picture(id)]);
    }

    #[test]
    fn files_of_others_are_left_alone_and_noise_is_named() {
        let stranger = r#"{"Records":[{"s3":{"object":{"key":"imports/x.csv"}}}]}"#;
        assert_eq!(tasks_of(stranger).unwrap(), []);
        assert_eq!(tasks_of(r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#).unwrap(), []);
        assert!(tasks_of("{}").is_err());
        assert!(tasks_of("hello").is_err());
    }
}
