//! Catalog: product lists, product pages, categories, shop pages; and what describes the API itself.

mod about;
mod categories;
mod identities;
mod products;
mod shops;

use std::sync::Arc;

use api::{Routes, routes};
use axum::Router;
use domain::Currency;
use platform::{Config, Fatal};
use store::Catalog;

use crate::identities::Identities;

/// State shared by the handlers.
#[derive(Clone, Debug)]
pub struct App {
    catalog: Catalog,
    identities: Arc<Identities>,
    main_currency: Currency,
    /// Where own uploads are served, without a slash at the end.
    media_base: String,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("CATALOG_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        Ok(Self {
            catalog: Catalog::new(dynamodb, table),
            identities: Arc::default(),
            media_base: config.required("MEDIA_BASE_URL")?.to_owned(),
            main_currency: config.required("MAIN_CURRENCY")?.parse().map_err(Fatal::new)?,
        })
    }
}

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(products::list_products[Invalid, InvalidCursor, NotFound]))
        .routes(routes!(products::show_product))
        .routes(routes!(categories::list_categories))
        .routes(routes!(shops::show_vendor))
        .routes(routes!(about::show_health))
        .routes(routes!(about::list_states))
        .routes(routes!(about::show_openapi))
}

/// The routes of all functions: this one answers the gateway's route `$default`. A test keeps the list equal to the
/// code.
const EVERY_ROUTE: &str = include_str!("../../../infra/routes.txt");

pub fn router(app: App) -> Router {
    api::router_with_default(routes(), app, EVERY_ROUTE)
}
