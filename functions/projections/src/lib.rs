//! Projections: what streams tell the catalog.
//!
//! A change says only that a shard moved, never by how much: what is left is always read from the stock as it is now. So
//! changes may come twice, late or in any order. A variant that runs low by it is an event for its vendor.

mod availability;
mod seen;

use platform::{Config, Fatal, StreamRecord};
use store::{Catalog, Error, Orders, Stock};

use domain::Timestamp;

use crate::seen::Seen;

/// What the handler works with.
#[derive(Debug)]
pub struct App {
    catalog: Catalog,
    stock: Stock,
    /// Where events are written.
    orders: Orders,
    seen: Seen,
}

impl App {
    /// Builds the clients. Nothing is called yet but what warms the connection.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let dynamodb = config.dynamodb()?;
        let table = config.required("STOCK_TABLE")?;
        platform::prewarm(config, &dynamodb, table).await;
        let stock = Stock::new(dynamodb.clone(), table);
        Ok(Self {
            catalog: Catalog::new(
                dynamodb.clone(),
                config.required("CATALOG_TABLE")?,
                config.required("MEDIA_BASE_URL")?,
            ),
            orders: Orders::new(dynamodb, config.required("ORDERS_TABLE")?, stock.clone()),
            stock,
            seen: Seen::default(),
        })
    }
}

/// Brings the catalog up to date with a change of the stock.
///
/// # Errors
/// A table does not answer; the stream delivers the change again, and what comes after it.
pub async fn handle(app: &App, record: &StreamRecord, now: Timestamp) -> Result<(), Error> {
    app.project(record, now).await
}
