//! Uploaded media: the bucket notifies a queue of each new object, and what is no picture is deleted.

mod pictures;

use domain::{MediaId, Timestamp};
use platform::{Config, Fatal, MessageError, QueueMessage};

use crate::pictures::Pictures;

/// The state of the function.
#[derive(Clone, Debug)]
pub struct App {
    pictures: Pictures,
}

/// The bucket did not answer, or the message is no notification. The queue delivers it again.
#[derive(Debug, thiserror::Error)]
#[error("an upload could not be looked at: {0}")]
pub struct MediaError(String);

impl MessageError for MediaError {
    fn is_expected(&self) -> bool {
        false
    }
}

impl App {
    /// Builds the clients, without calling AWS.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    #[expect(clippy::unused_async, reason = "all functions start in the same way")]
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let bucket = config.required("MEDIA_BUCKET")?.to_owned();
        Ok(Self { pictures: Pictures { client: config.s3()?, bucket } })
    }
}

/// Looks at the new objects that a notification tells of. It may come twice.
///
/// # Errors
/// When an object could not be read or deleted; the message must come again.
pub async fn handle(app: &App, message: &QueueMessage, _: Timestamp) -> Result<(), MediaError> {
    let keys = platform::uploaded_keys(&message.body);
    let keys = keys.ok_or_else(|| MediaError("the message is no notification of the bucket".to_owned()))?;
    // Other keys are none of ours: nobody is given them.
    for id in keys.iter().filter_map(|key| key.parse::<MediaId>().ok()) {
        Box::pin(app.pictures.check(&id.to_string())).await?;
    }
    Ok(())
}
