//! Projections: derived data of the catalog, updated from DynamoDB streams.
//!
//! A record says only that a shard has changed, never by how much: the available units are always read from the stock
//! as it is now. So records may arrive twice, late or in any sequence. If a variant runs low, an event for its vendor
//! is written.

mod availability;
mod seen;

use platform::{Config, Fatal, StreamRecord};
use store::{Catalog, Error, Orders, Stock};

use domain::Timestamp;

use crate::seen::Seen;

/// State of the handler.
#[derive(Debug)]
pub struct App {
    catalog: Catalog,
    stock: Stock,
    /// The table that outbox events are written to.
    orders: Orders,
    seen: Seen,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("STOCK_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let stock = Stock::new(dynamodb.clone(), table);
        Ok(Self {
            catalog: Catalog::new(dynamodb.clone(), config.required("CATALOG_TABLE")?),
            orders: Orders::new(dynamodb, config.required("ORDERS_TABLE")?, stock.clone()),
            stock,
            seen: Seen::default(),
        })
    }
}

/// Updates the catalog after a change of the stock.
///
/// # Errors
/// A table does not answer; the stream delivers the record and those after it again.
pub async fn handle(app: &App, record: &StreamRecord, now: Timestamp) -> Result<(), Error> {
    app.project(record, now).await
}
