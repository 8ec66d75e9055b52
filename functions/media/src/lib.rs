//! Pictures: what vendors upload is looked at before anybody sees it, and written anew in the sizes that pages show.

mod fetch;
mod fetched;
mod files;
mod picture;
mod pictures;
mod sweep;

use std::sync::Arc;

use domain::upload::picture_of;
use domain::vendor::PictureJob;
use domain::{MediaId, Timestamp};
use platform::{Config, Fatal, JobQueue, MessageError, QueueMessage};
use store::Catalog;

use crate::fetched::Wanted;
use crate::files::Files;

pub use crate::fetch::{Connection, Fetcher, Internet, Network, Roots};

/// The state of the function.
#[derive(Clone, Debug)]
pub struct App {
    catalog: Catalog,
    /// What vendors upload: private.
    uploads: Files,
    /// What everybody sees.
    public: Files,
    fetcher: Fetcher,
    fetches: JobQueue,
}

/// Why a message could not be handled. The queue delivers it again.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The bucket did not answer.
    #[error("a bucket did not answer: {0}")]
    Bucket(String),
    #[error("the message is neither a notification of the bucket nor a job")]
    Unknown(#[source] serde_json::Error),
    /// A product that is being written does not name the picture yet.
    #[error("a product that has asked for a picture does not name it yet")]
    NotNamedYet,
    #[error("the work on a picture was broken off")]
    BrokenOff,
    #[error(transparent)]
    Queue(#[from] platform::NotSent),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl MessageError for MediaError {
    fn is_expected(&self) -> bool {
        matches!(self, Self::NotNamedYet)
    }
}

impl App {
    /// Builds the clients, and connects to DynamoDB.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("CATALOG_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        Ok(Self {
            catalog: Catalog::new(dynamodb, table),
            uploads: Files::new(config.s3()?, config.required("UPLOADS_BUCKET")?),
            public: Files::new(config.s3()?, config.required("MEDIA_BUCKET")?),
            fetcher: match config.given::<Fetcher>() {
                Some(given) => given.clone(),
                None => Fetcher::new(Arc::new(Internet), Roots::mozilla()).map_err(Fatal::new)?,
            },
            fetches: JobQueue::new(config, "FETCHES_QUEUE_URL")?,
        })
    }
}

/// Does what a message asks for: looks at uploads, fetches pictures, or deletes what is not used. It may come twice.
///
/// # Errors
/// When it could not be done; the message must come again.
pub async fn handle(app: &App, message: &QueueMessage, now: Timestamp) -> Result<(), MediaError> {
    let is_first = message.deliveries() <= 1;
    let Some(keys) = platform::uploaded_keys(&message.body) else {
        return match serde_json::from_str(&message.body).map_err(MediaError::Unknown)? {
            PictureJob::LookAt { vendor_id, id } => Box::pin(app.look_at(vendor_id, id, is_first, now)).await,
            PictureJob::Fetch { vendor_id, product_id, addresses, named_at, attempts } => {
                let wanted = Wanted { vendor: vendor_id, product: product_id, addresses, named_at, attempts, is_first };
                Box::pin(app.fetch_pictures(wanted, now)).await
            }
            PictureJob::Sweep {} => Box::pin(app.sweep(now)).await,
        };
    };
    // Other keys are none of ours: nobody is given them.
    for key in keys {
        if let Some((vendor, id)) = picture_of(&key) {
            Box::pin(app.look_at(vendor, id, is_first, now)).await?;
        } else if let Ok(id) = key.parse::<MediaId>() {
            Box::pin(app.check_public_upload(id)).await?;
        }
    }
    Ok(())
}
