//! Carts: filling, pricing and claiming them.

mod carts;
mod claim;
mod delivery;
mod lines;
mod view;

use api::{CountedFor, Routes, routes};
use axum::Router;
use domain::Timestamp;
use shop::Changing;

/// The state of the handlers.
pub use shop::Carts as App;

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(carts::create_cart))
        .limit_calls("cart")
        .routes(routes!(carts::show_cart[Expired], carts::delete_cart[Expired, CartOrdered, Conflict]))
        .routes(routes!(
            lines::put_cart_line[Invalid, Expired, CartOrdered, NoPriceInCurrency, NotAvailable, CartFull, Conflict],
            lines::delete_cart_line[Expired, CartOrdered, Conflict],
        ))
        .routes(routes!(claim::claim_cart[Expired, CartOrdered, CartFull, Conflict]))
        .routes(routes!(delivery::list_cart_shipping_options[Expired, CartOrdered, NotDeliverable, Conflict]))
        .routes(routes!(
            delivery::choose_cart_shipping[Invalid, Expired, CartOrdered, AddressMissing, NotDeliverable, Conflict],
        ))
}

pub fn router(app: App) -> Router {
    api::counting_router(routes(), app, count)
}

/// Counts a call of the list of routes that is limited.
async fn count(carts: App, list: &'static str, by: CountedFor, now: Timestamp) -> Result<(), shop::Error> {
    match by {
        CountedFor::Person(user) => carts.count_change(list, Changing::Person(user), now).await,
        CountedFor::Client(client) => carts.count_change(list, Changing::Client(&client), now).await,
    }
}
