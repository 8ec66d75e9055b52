//! Pages for one person: cart, checkout, orders, signing in, the account. Each has a route of its own at the gateway;
//! whose it is says a cookie.

mod account;
mod address;
mod book;
mod cart;
mod checkout;
mod codes;
mod giving_back;
mod guest_orders;
mod link;
mod order;
mod profile;
mod reset;
mod security;
mod showing;
mod sign_in;
mod sign_up;
mod signing;

use std::sync::Arc;

use axum::Router;
use browser::{Pages, Sessions, Site};
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
    pub(crate) site: Arc<Site>,
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
            site: Arc::new(Site::new(config)?),
            media_base: config.required("MEDIA_BASE_URL")?.to_owned(),
        })
    }
}

impl Sessions for App {
    fn site(&self) -> &Site {
        &self.site
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
        .form("/{lang}/orders/{id}/pay", order::see_order, order::pay)
        .form("/{lang}/orders/{id}/refresh", order::see_order, order::refresh)
        .form("/{lang}/orders/{id}/confirm", order::see_order, order::confirm)
        .form("/{lang}/orders/{id}/cancel", order::ask_to_cancel, order::cancel)
        .form("/{lang}/orders/{id}/return", giving_back::ask, giving_back::act)
        .form("/r/{token}", link::show_link, link::open_link)
        .form("/{lang}/sign-in", sign_in::show, sign_in::act)
        .form("/{lang}/sign-in/code", codes::show_ask_to_sign_in, codes::ask_to_sign_in)
        .form("/{lang}/sign-in/code/enter", codes::show_sign_in_code, codes::sign_in_by_code)
        .form("/{lang}/challenge", sign_in::show_challenge, sign_in::act_on_challenge)
        .form("/{lang}/sign-out", sign_in::show_sign_out, sign_in::sign_out)
        .form("/{lang}/sign-up", sign_up::show, sign_up::act)
        .form("/{lang}/confirm", sign_up::show_confirm, sign_up::confirm)
        .form("/{lang}/confirm/resend", sign_up::see_confirm, sign_up::resend)
        .form("/{lang}/reset", reset::show, reset::act)
        .form("/{lang}/reset/enter", reset::show_enter, reset::enter)
        .page("/{lang}/account", account::show)
        .page("/{lang}/account/orders", account::show_orders)
        .form("/{lang}/account/addresses", book::show, book::add)
        .form("/{lang}/account/addresses/delete", book::see_book, book::delete)
        .form("/{lang}/account/profile", profile::show, profile::act)
        .form("/{lang}/account/contact", profile::show_contact, profile::ask)
        .form("/{lang}/account/contact/enter", profile::show_enter, profile::enter)
        .page("/{lang}/account/privacy", account::show_privacy)
        .form("/{lang}/account/sessions", account::show_sessions, account::end_session)
        .page("/{lang}/account/security", security::show)
        .form("/{lang}/account/security/password", security::see_security, security::change_password)
        .form("/{lang}/account/security/app", security::see_security, security::begin)
        .form("/{lang}/account/security/app/confirm", security::see_security, security::confirm)
        .form("/{lang}/account/security/app/remove", security::see_security, security::remove)
        .form("/{lang}/account/security/codes", security::see_security, security::replace_codes)
}

pub fn router(app: App) -> Router {
    let site = app.site.as_ref().clone();
    browser::router(pages(), app, site)
}
