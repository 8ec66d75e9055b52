//! What follows from the operator's decision on a vendor: the copies of its name and state on its products. And the
//! rebuilds that the operator asks for.
//!
//! It has a queue of its own, because a suspension must not wait behind what vendors can cause, such as imports.

mod rebuild;
mod relist;
mod sealing;

use std::sync::Arc;
use std::time::Duration;

use domain::vendor::VendorJob;
use domain::{ProductId, RebuildId, Timestamp, VendorId};
use platform::{Config, Fatal, JobQueue, MessageError, PersonsSecret, QueueMessage, Secret, Slice};
use store::{Catalog, Keys, Orders, SettingsTable, Stock};

/// Length of a slice of work: well within the function's timeout of 60 seconds.
const SLICE: Duration = Duration::from_secs(35);
/// Products brought in line with their vendor between two checks of the deadline.
const BATCH: u16 = 50;

/// Seconds until products of a newer release are tried again, when the others take longer than a slice.
const RETRY_OF_NEWER: i32 = 900;

/// The state of the function.
#[derive(Clone, Debug)]
pub struct App {
    catalog: Catalog,
    stock: Stock,
    settings: SettingsTable,
    orders: Orders,
    persons: Arc<Secret<PersonsSecret>>,
    queue: JobQueue,
    /// Where pictures are looked at.
    pictures: JobQueue,
}

/// Why a message could not be handled. The queue delivers it again.
#[derive(Debug, thiserror::Error)]
pub enum FollowUpError {
    #[error("the message is no job")]
    Unknown(#[source] serde_json::Error),
    #[error("the job belongs to another queue: {0:?}")]
    Elsewhere(VendorJob),
    /// An earlier delivery of the message holds the lease of the rebuild: it is at work, or has died.
    #[error("an earlier delivery of the message holds the lease of the rebuild")]
    Busy,
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Queue(#[from] platform::NotSent),
    #[error(transparent)]
    Secret(#[from] platform::SecretError),
    #[error(transparent)]
    NotSealed(#[from] platform::NotSealed),
    #[error(transparent)]
    NotOpened(#[from] platform::NotOpened),
}

impl MessageError for FollowUpError {
    fn is_expected(&self) -> bool {
        matches!(self, Self::Busy)
    }
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("CATALOG_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let keys = Keys::new(dynamodb.clone(), config.required("KEYS_TABLE")?);
        Ok(Self {
            stock: Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?),
            catalog: Catalog::new(dynamodb.clone(), table),
            settings: SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?),
            orders: Orders::for_reading(dynamodb, config.required("ORDERS_TABLE")?).with_keys(keys),
            persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
            queue: JobQueue::new(config, "FOLLOW_UPS_QUEUE_URL")?,
            pictures: JobQueue::new(config, "PICTURES_QUEUE_URL")?,
        })
    }
}

/// Shows or hides a vendor's products, as its state demands, or works on a rebuild. A message may come twice, late, or
/// concurrently with another: the current state of the vendor or the rebuild counts.
///
/// # Errors
/// When the work could not be finished; the message must come again.
pub async fn handle(app: &App, message: &QueueMessage, now: Timestamp) -> Result<(), FollowUpError> {
    match message.json().map_err(FollowUpError::Unknown)? {
        VendorJob::SyncProducts { vendor_id, after } => Box::pin(app.follow(vendor_id, after)).await,
        VendorJob::Rebuild { what, begin } => {
            if begin {
                let id = RebuildId::new(now, platform::ids(now).bits());
                let _ = app.catalog.request_rebuild(what, id, now, |_| Ok(((), None))).await?;
            }
            Box::pin(app.work_on_rebuild(what, message, now)).await
        }
        other => Err(FollowUpError::Elsewhere(other)),
    }
}

impl App {
    /// Brings the copies of the vendor's name and state on its products up to date, a slice at a time: when time is
    /// up, a new message names the product to go on after.
    ///
    /// Products that only a newer release may change hold up no others. They are tried again once all are through.
    async fn follow(&self, vendor: VendorId, mut after: Option<ProductId>) -> Result<(), FollowUpError> {
        if after.is_none() {
            self.begin_order_lists().await?;
        }
        let slice = Slice::new(SLICE);
        let mut newer = None;
        loop {
            let synced = self.catalog.sync_with_shop(vendor, after, BATCH).await?;
            newer = newer.or(synced.newer.map(|kind| (kind, after)));
            after = synced.next;
            if after.is_none() {
                return newer.map_or(Ok(()), |(kind, _)| Err(store::Error::Newer { kind }.into()));
            }
            if slice.is_over() {
                let go_on = |after, delay| async move {
                    self.queue.send(&VendorJob::SyncProducts { vendor_id: vendor, after }, delay).await
                };
                if let Some((_, before)) = newer {
                    go_on(before, RETRY_OF_NEWER).await?;
                }
                return Ok(go_on(after, 0).await?);
            }
        }
    }
}
