//! Imports and exports of product files.
//!
//! Jobs come as queue messages ([`handle`]), each kind from a queue of its own.

mod export;
mod files;
mod import;
mod merge;
mod pictures;
mod plan;
mod product_store;
mod refused;
mod room;
mod text;
mod work;

use std::time::Duration;

use platform::{Config, Fatal, JobQueue};
use store::{Accounts, Catalog, SettingsTable, Stock};

use crate::files::Files;
use crate::product_store::ProductStore;

pub use files::FilesError;
pub use work::{WorkError, handle};

/// Length of a slice of work: well within the function's timeout of 60 seconds.
const SLICE: Duration = Duration::from_secs(35);
/// Products written per second. A transactional write consumes two write units and at most five files are imported
/// concurrently (`BackgroundConcurrency` in the template): together 800 of the 1,000 write units per second that the
/// partition of the list of all products takes.
const PRODUCTS_PER_SECOND: u32 = 80;

/// The state of the function: tables, buckets and the queue.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    settings: SettingsTable,
    products: ProductStore,
    files: Files,
    imports: JobQueue,
    exports: JobQueue,
    /// Where messages of earlier builds belong, which sent all jobs to the queue of imports.
    follow_ups: JobQueue,
    pictures: JobQueue,
    /// Pictures that files name by their addresses.
    fetches: JobQueue,
}

impl App {
    /// Builds the clients, without calling AWS.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let dynamodb = config.dynamodb()?;
        Ok(Self {
            accounts: Accounts::new(dynamodb.clone(), config.required("ACCOUNTS_TABLE")?),
            settings: SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?),
            products: ProductStore {
                catalog: Catalog::new(dynamodb.clone(), config.required("CATALOG_TABLE")?),
                stock: Stock::new(dynamodb, config.required("STOCK_TABLE")?),
            },
            files: Files { client: config.s3()?, bucket: config.required("IMPORTS_BUCKET")?.to_owned() },
            imports: JobQueue::new(config, "IMPORTS_QUEUE_URL")?,
            exports: JobQueue::new(config, "EXPORTS_QUEUE_URL")?,
            follow_ups: JobQueue::new(config, "FOLLOW_UPS_QUEUE_URL")?,
            pictures: JobQueue::new(config, "PICTURES_QUEUE_URL")?,
            fetches: JobQueue::new(config, "FETCHES_QUEUE_URL")?,
        })
    }
}
