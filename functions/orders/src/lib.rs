//! Orders as their buyers see them, and the operator's changes to one.

mod buyer;
mod cancellation;
mod guests;
mod operator;
mod payment_refresh;

use std::sync::Arc;

use api::{Routes, routes};
use axum::Router;
use payments::Providers;
use platform::{Config, Fatal, Rotating, Secret};
use store::{Orders, RateLimits, SettingsTable, Stock};

/// State shared by the handlers.
#[derive(Clone)]
pub struct App {
    orders: Orders,
    rate_limits: RateLimits,
    settings: SettingsTable,
    providers: Providers,
    token_secret: Arc<Secret<Rotating>>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("App").finish_non_exhaustive()
    }
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
        Ok(Self {
            rate_limits: RateLimits::new(dynamodb.clone(), config.required("CARTS_TABLE")?),
            settings: SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?),
            orders: Orders::new(dynamodb, table, stock),
            providers: payment_webhook::providers::from_config(config)?,
            token_secret: Arc::new(config.secret("ORDER_TOKEN_SECRET_ARN")?),
        })
    }
}

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(guests::show_order[TooManyRequests]))
        .routes(routes!(guests::cancel_order[TooManyRequests, WrongState, Conflict]))
        .routes(routes!(guests::refresh_payment[TooManyRequests, Conflict]))
        .routes(routes!(buyer::list_my_orders[InvalidCursor]))
        .routes(routes!(buyer::show_my_order))
        .routes(routes!(buyer::cancel_my_order[WrongState, Conflict]))
        .routes(routes!(buyer::refresh_my_payment[TooManyRequests, Conflict]))
        .routes(routes!(operator::cancel_order_as_operator[WrongState, Conflict]))
        .routes(routes!(operator::resolve_amount_mismatch[WrongState, OutOfStock, Conflict]))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
