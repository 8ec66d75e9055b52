//! Catalog: product lists, product pages, categories, shop pages; and what describes the API itself.

mod about;
mod categories;
mod products;
mod shops;

use api::{Routes, routes};
use axum::Router;
use platform::{Config, Fatal};
use shop::Window;

/// State shared by the handlers.
#[derive(Clone, Debug)]
pub struct App {
    window: Window,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self { window: Window::new(config).await? })
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

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
