//! Payment webhooks: a provider's news of payments, refunds and disputes.

mod webhook;

use api::{Routes, routes};
use axum::Router;
use platform::{Config, Fatal};
use settlement::Settlement;
use store::{Carts, Orders, Stock};

/// The state of the handler.
#[derive(Clone, Debug)]
pub struct App {
    settlement: Settlement,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("ORDERS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let stock = Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?);
        let carts = Carts::new(dynamodb.clone(), config.required("CARTS_TABLE")?);
        Ok(Self { settlement: Settlement::new(config, Orders::new(dynamodb, table, stock).with_carts(carts))? })
    }
}

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new().routes(routes!(webhook::receive_webhook[BadSignature, Conflict]))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
