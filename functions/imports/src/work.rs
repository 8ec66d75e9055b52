//! Queue messages that ask for work, and the slices of time in which it is done.

use std::time::Duration;

use domain::job::{Claim, import_of};
use domain::vendor::VendorJob;
use domain::{MediaId, ProductId, Timestamp, VendorId};
use platform::{MessageError, QueueMessage};
use serde::Deserialize;
use tokio::time::Instant;

use crate::App;
use crate::files::FilesError;

/// Deliveries of a message before the queue moves it to the dead-letter queue: `maxReceiveCount` in the template.
const MAX_RECEIVE_COUNT: u32 = 5;
/// Products brought in line with their vendor between two checks of the deadline.
const FOLLOW_BATCH: u16 = 50;

/// Why a message could not be handled. The queue delivers it again.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The body is neither a notification of the bucket nor a [`VendorJob`].
    #[error("the message is neither a notification of the bucket nor a job")]
    Unknown(#[source] serde_json::Error),
    /// An earlier delivery of the same message holds the lease of the job: it is still worked on, or its worker died
    /// and the lease has not expired yet.
    #[error("an earlier delivery of the message holds the lease of the job")]
    Busy,
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error(transparent)]
    Queue(#[from] platform::NotSent),
}

impl MessageError for WorkError {
    fn is_expected(&self) -> bool {
        matches!(self, Self::Busy)
    }
}

/// The fields that are read of an S3 event notification.
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

/// One unit of work that a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Job(VendorJob),
    /// Check that a newly uploaded object is a picture.
    Picture(MediaId),
}

#[derive(Deserialize)]
struct S3Object {
    key: String,
}

/// What S3 sends once, when notifications are switched on for the bucket.
#[derive(Deserialize)]
struct S3TestEvent {
    #[serde(rename = "Event")]
    event: String,
}

/// The tasks of a message: several for an S3 notification with several records, none for S3's test event.
fn tasks_of(body: &str) -> Result<Vec<Task>, serde_json::Error> {
    if let Ok(notification) = serde_json::from_str::<S3Notification>(body) {
        // Notifications URL-encode keys. Keys of imports and pictures have no character that would be encoded, so an
        // encoded key belongs to neither and is skipped.
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

/// The deadline of a slice of work; what is left after it is handed on by a new message.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The slice is over, the job is not: it goes on in another slice.
    More,
    Done,
}

/// The delivery of a message that started a slice of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery<'a> {
    pub(crate) message: &'a str,
    pub(crate) last_delivery: bool,
    pub(crate) now: Timestamp,
}

impl Delivery<'_> {
    /// Whether this delivery works on the job. When it does not, the message can be dropped: the job has ended, or
    /// another message holds its lease.
    ///
    /// # Errors
    /// [`WorkError::Busy`] when an earlier delivery of the same message holds the lease: the message must come again,
    /// because it is what keeps the job alive if that worker died.
    pub(crate) fn is_granted(self, claim: Claim) -> Result<bool, WorkError> {
        match claim {
            Claim::Granted => Ok(true),
            Claim::Obsolete => Ok(false),
            Claim::Later => Err(WorkError::Busy),
        }
    }
}

/// Works on what a message asks for: an import, an export, a check of pictures, or products that follow a change of
/// their vendor. A message may come twice, late, or concurrently with another that asks for the same.
///
/// # Errors
/// When the work could not be finished; the message must come again.
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
        // Boxed: together the futures of the three exceed the compiler's recursion limit.
        match job {
            VendorJob::SyncProducts { vendor_id, after } => Box::pin(app.follow(vendor_id, after)).await?,
            VendorJob::Import { vendor_id, id } => Box::pin(app.work_on_import(vendor_id, id, delivery)).await?,
            VendorJob::Export { vendor_id, id } => Box::pin(app.work_on_export(vendor_id, id, delivery)).await?,
        }
    }
    Ok(())
}

impl App {
    /// Brings the copies of the vendor's name and state on their products up to date, a slice at a time: when time is
    /// up, a new message names the product to go on after.
    async fn follow(&self, vendor: VendorId, mut after: Option<ProductId>) -> Result<(), WorkError> {
        let slice = Slice::new(crate::SLICE);
        loop {
            after = self.products.catalog.sync_with_shop(vendor, after, FOLLOW_BATCH).await?;
            if after.is_none() {
                return Ok(());
            }
            if slice.is_over() {
                return Ok(self.queue.send(&VendorJob::SyncProducts { vendor_id: vendor, after }, 0).await?);
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
