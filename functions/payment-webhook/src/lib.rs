//! Payment webhooks: a provider's news of payments, refunds and disputes.
//!
//! [`settlement`] is the only way in which such news changes an order; checkout, cancellation and housekeeping use it,
//! too.

pub mod providers;
pub mod settlement;
mod webhook;

use api::{Routes, routes};
use axum::Router;
use payments::Providers;
use platform::{Config, Fatal};
use store::{Orders, Stock};

/// State shared by the handlers.
#[derive(Clone, Debug)]
pub struct App {
    orders: Orders,
    providers: Providers,
}

impl App {
    /// Builds the clients and warms the connection to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let dynamodb = config.dynamodb()?;
        let table = config.required("ORDERS_TABLE")?;
        platform::prewarm(config, &dynamodb, table).await;
        let stock = Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?);
        Ok(Self { orders: Orders::new(dynamodb, table, stock), providers: providers::from_config(config)? })
    }
}

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new().routes(routes!(webhook::receive_webhook[BadSignature, Conflict]))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
