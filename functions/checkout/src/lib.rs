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

/// State shared by the handlers.
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
    /// Builds the clients and warms the connection to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let dynamodb = config.dynamodb()?;
        let carts_table = config.required("CARTS_TABLE")?;
        platform::prewarm(config, &dynamodb, carts_table).await;
        let carts = Carts::new(dynamodb.clone(), carts_table);
        let stock = Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?);
        Ok(Self {
            rate_limits: RateLimits::new(dynamodb.clone(), carts_table),
            // Checkout shows no pictures, so it needs no base URL for them.
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

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(
            check_out::check_out_cart[
                Invalid, TooManyRequests, NotFound, Expired, CartOrdered, AddressMissing, CartEmpty,
                NotAvailable, NoPriceInCurrency, NotDeliverable, PriceChanged,
                PaymentMethodUnavailable, OutOfStock, Conflict
            ],
        ))
        .routes(routes!(
            retry_payment::retry_payment[Invalid, TooManyRequests, PaymentMethodUnavailable, WrongState, Conflict],
        ))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
