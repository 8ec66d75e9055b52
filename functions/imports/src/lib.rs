//! Imports and exports of product files, and other long jobs of vendors.
//!
//! Jobs come as queue messages ([`handle`]).

mod export;
mod files;
mod import;
mod merge;
mod pace;
mod pictures;
mod product_store;
mod work;

use std::time::Duration;

use platform::{Config, Fatal, JobQueue};
use store::{Accounts, Catalog, Stock};

use crate::files::Files;
use crate::pictures::Pictures;
use crate::product_store::ProductStore;

pub use files::FilesError;
pub use work::{WorkError, handle};

/// Length of a slice of work: well within the function's timeout of 60 seconds.
const SLICE: Duration = Duration::from_secs(35);
/// Products written per second. A transactional write consumes two write units and five files are imported
/// concurrently: together 800 of the 1,000 write units per second that the partition of the list of all products takes.
const PRODUCTS_PER_SECOND: u32 = 80;

/// The state of the function: tables, buckets and the queue.
#[derive(Clone, Debug)]
pub struct App {
    accounts: Accounts,
    products: ProductStore,
    files: Files,
    pictures: Pictures,
    queue: JobQueue,
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
            products: ProductStore {
                catalog: Catalog::new(
                    dynamodb.clone(),
                    config.required("CATALOG_TABLE")?,
                    config.required("MEDIA_BASE_URL")?,
                ),
                stock: Stock::new(dynamodb, config.required("STOCK_TABLE")?),
            },
            pictures: Pictures { client: config.s3()?, bucket: config.required("MEDIA_BUCKET")?.to_owned() },
            files: Files { client: config.s3()?, bucket: config.required("IMPORTS_BUCKET")?.to_owned() },
            queue: JobQueue::new(config)?,
        })
    }
}
