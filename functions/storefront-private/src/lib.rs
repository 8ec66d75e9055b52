//! Pages for one person: cart, checkout, orders, signing in, the account. Each has a route of its own at the gateway;
//! whose it is says a cookie.

mod address;
mod showing;

use std::sync::Arc;

use axum::Router;
use browser::{Pages, Place, Sessions};
use platform::{Config, Fatal};
use shop::{BrowserSessions, Carts, Checkout, Orders, People};

/// State shared by the handlers.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) carts: Carts,
    pub(crate) checkout: Checkout,
    pub(crate) orders: Orders,
    pub(crate) people: People,
    pub(crate) sessions: BrowserSessions,
    pub(crate) place: Arc<Place>,
    /// Where own uploads are served, without a slash at the end.
    pub(crate) media_base: String,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self {
            carts: Carts::new(config).await?,
            checkout: Checkout::new(config).await?,
            orders: Orders::new(config).await?,
            people: People::for_browsers(config).await?,
            sessions: BrowserSessions::new(config).await?,
            place: Arc::new(Place::new(config)?),
            media_base: config.required("MEDIA_BASE_URL")?.to_owned(),
        })
    }
}

impl Sessions for App {
    fn place(&self) -> &Place {
        &self.place
    }

    fn sessions(&self) -> &BrowserSessions {
        &self.sessions
    }
}

/// The pages.
pub fn pages() -> Pages<App> {
    Pages::default()
}

pub fn router(app: App) -> Router {
    let place = app.place.as_ref().clone();
    browser::router(pages(), app, place)
}
