//! Catalog: listing, product page, categories, shop page; and what describes the API itself.

mod about;
mod categories;
mod products;
mod shops;

use api::{Routes, routes};
use axum::Router;
use domain::Currency;
use platform::{Config, Fatal};
use store::Catalog;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    catalog: Catalog,
    main_currency: Currency,
}

impl App {
    /// Builds the clients. Nothing is called yet but what warms the connection.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let dynamodb = config.dynamodb()?;
        let table = config.required("CATALOG_TABLE")?;
        platform::prewarm(config, &dynamodb, table).await;
        Ok(Self {
            catalog: Catalog::new(dynamodb, table, config.required("MEDIA_BASE_URL")?),
            main_currency: config.required("MAIN_CURRENCY")?.parse().map_err(Fatal::new)?,
        })
    }
}

/// The routes, with what the OpenAPI document says of them.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(products::list_products))
        .routes(routes!(products::show_product))
        .routes(routes!(categories::list_categories))
        .routes(routes!(shops::show_vendor))
        .routes(routes!(about::show_health))
        .routes(routes!(about::list_states))
        .routes(routes!(about::show_openapi))
}

/// The function.
pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
