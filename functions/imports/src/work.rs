//! Queue messages that ask for work, and the slices of time in which it is done.

use domain::job::{Claim, import_of};
use domain::vendor::VendorJob;
use domain::{MediaId, Timestamp};
use platform::{MessageError, QueueMessage};

use crate::App;
use crate::files::FilesError;

/// Deliveries of a message before the queue moves it to the dead-letter queue: `maxReceiveCount` in the template.
const MAX_RECEIVE_COUNT: u32 = 5;

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

/// One unit of work that a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Job(VendorJob),
    /// Work of the media function: the message came to the queue that once was that of all files.
    Picture,
}

/// The tasks of a message: several for an S3 notification with several records, none for S3's test event.
fn tasks_of(body: &str) -> Result<Vec<Task>, serde_json::Error> {
    let Some(keys) = platform::uploaded_keys(body) else {
        return serde_json::from_str(body).map(|job| vec![Task::Job(job)]);
    };
    let task = |key: String| match import_of(&key) {
        Some((vendor_id, id)) => Some(Task::Job(VendorJob::Import { vendor_id, id })),
        None => key.parse::<MediaId>().ok().map(|_| Task::Picture),
    };
    Ok(keys.into_iter().filter_map(task).collect())
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

/// Works on what a message asks for: an import or an export. A message may come twice, late, or concurrently with
/// another that asks for the same.
///
/// # Errors
/// When the work could not be finished; the message must come again.
pub async fn handle(app: &App, message: &QueueMessage, now: Timestamp) -> Result<(), WorkError> {
    let last_delivery = message.deliveries() >= MAX_RECEIVE_COUNT;
    let delivery = Delivery { message: &message.message_id, last_delivery, now };
    for task in tasks_of(&message.body).map_err(WorkError::Unknown)? {
        // Boxed: together the futures exceed the compiler's recursion limit.
        match task {
            Task::Job(VendorJob::Import { vendor_id, id }) => {
                Box::pin(app.work_on_import(vendor_id, id, delivery)).await?;
            }
            Task::Job(VendorJob::Export { vendor_id, id }) => {
                Box::pin(app.work_on_export(vendor_id, id, delivery)).await?;
            }
            Task::Job(job @ (VendorJob::SyncProducts { .. } | VendorJob::Rebuild { .. })) => {
                app.follow_ups.send(&job, 0).await?
            }
            // The message as a whole, because all objects of a notification are in one bucket.
            Task::Picture => return Ok(app.pictures.forward(&message.body).await?),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::job::import_key;
    use domain::{ImportId, VendorId};

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
    fn a_new_picture_is_work_of_another_function() {
        let id = MediaId::from_bits(5);
        let notification = format!(r#"{{"Records":[{{"s3":{{"object":{{"key":"{id}"}}}}}}]}}"#);
        assert_eq!(tasks_of(&notification).unwrap(), [Task::Picture]);
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
