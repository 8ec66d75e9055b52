//! Orders as their buyers see them, and what the operator does to one.

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

/// What the handlers work with.
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
    /// Builds the clients. Nothing is called yet but what warms the connection.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
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

/// The routes, with what the OpenAPI document says of them.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(guests::show_order))
        .routes(routes!(guests::cancel_order))
        .routes(routes!(guests::refresh_payment))
        .routes(routes!(buyer::list_my_orders))
        .routes(routes!(buyer::show_my_order))
        .routes(routes!(buyer::cancel_my_order))
        .routes(routes!(buyer::refresh_my_payment))
        .routes(routes!(operator::cancel_order_as_operator))
        .routes(routes!(operator::resolve_amount_mismatch))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
