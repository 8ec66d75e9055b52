//! Pages for one person: cart, checkout, orders, signing in, the account. Each has a route of its own at the gateway;
//! whose it is says a cookie.

mod address;
mod cart;
mod checkout;
mod giving_back;
mod guest_orders;
mod link;
mod order;
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
        .form("/{lang}/cart", cart::show_cart, cart::change_cart)
        .form("/{lang}/checkout", checkout::show_address, checkout::put_address)
        .form("/{lang}/checkout/delivery", checkout::show_delivery, checkout::choose_delivery)
        .form("/{lang}/checkout/payment", checkout::show_payment, checkout::place)
        .page("/{lang}/paid", checkout::come_back)
        .page("/{lang}/orders/{id}", order::show_order)
        .act("/{lang}/orders/{id}/pay", order::pay)
        .act("/{lang}/orders/{id}/refresh", order::refresh)
        .act("/{lang}/orders/{id}/confirm", order::confirm)
        .form("/{lang}/orders/{id}/cancel", order::ask_to_cancel, order::cancel)
        .form("/{lang}/orders/{id}/return", giving_back::ask, giving_back::act)
        .form("/r/{token}", link::show_link, link::open_link)
}

pub fn router(app: App) -> Router {
    let place = app.place.as_ref().clone();
    browser::router(pages(), app, place)
}
