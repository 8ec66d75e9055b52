//! Payment webhooks: what a provider tells us about money.
//!
//! [`settlement`] is the one way in which such news becomes part of an order; checkout, cancellation and housekeeping use it
//! too.

pub mod providers;
pub mod settlement;
mod webhook;

use api::{Routes, routes};
use axum::Router;
use payments::Providers;
use platform::{Config, Fatal};
use store::{Orders, Stock};

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    orders: Orders,
    providers: Providers,
}

impl App {
    /// Builds the clients. Nothing is called yet but what warms the connection.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let dynamodb = config.dynamodb()?;
        let table = config.required("ORDERS_TABLE")?;
        platform::prewarm(config, &dynamodb, table).await;
        let stock = Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?);
        Ok(Self { orders: Orders::new(dynamodb, table, stock), providers: providers::from_config(config)? })
    }
}

/// The routes, with what the OpenAPI document says of them.
pub fn routes<R: Routes<App>>() -> R {
    R::new().routes(routes!(webhook::receive_webhook))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
