//! Checkout: from a cart to an order and its payment.

mod check_out;
mod opening;
mod reservation;
mod retry_payment;
mod return_url;

use api::{Routes, routes};
use axum::Router;
use payments::Providers;
use platform::{Config, Fatal, Rotating, Secret};
use std::sync::Arc;
use store::{Carts, Catalog, Orders, RateLimits, SettingsTable, Stock};

/// What the handlers work with.
#[derive(Clone)]
pub struct App {
    rate_limits: RateLimits,
    carts: Carts,
    catalog: Catalog,
    orders: Orders,
    stock: Stock,
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
        let carts_table = config.required("CARTS_TABLE")?;
        platform::prewarm(config, &dynamodb, carts_table).await;
        let carts = Carts::new(dynamodb.clone(), carts_table);
        let stock = Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?);
        Ok(Self {
            rate_limits: RateLimits::new(dynamodb.clone(), carts_table),
            // Checkout shows no pictures, so it does not need to know where they are.
            catalog: Catalog::new(dynamodb.clone(), config.required("CATALOG_TABLE")?, ""),
            orders: Orders::new(dynamodb.clone(), config.required("ORDERS_TABLE")?, stock.clone())
                .with_carts(carts.clone()),
            settings: SettingsTable::new(dynamodb, config.required("SETTINGS_TABLE")?),
            providers: payment_webhook::providers::from_config(config)?,
            token_secret: Arc::new(config.secret("ORDER_TOKEN_SECRET_ARN")?),
            carts,
            stock,
        })
    }
}

/// The routes, with what the OpenAPI document says of them.
pub fn routes<R: Routes<App>>() -> R {
    R::new().routes(routes!(check_out::check_out_cart)).routes(routes!(retry_payment::retry_payment))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
