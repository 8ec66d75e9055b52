//! Checkout: from a cart to an order and its payment.

mod check_out;
mod payment_methods;
mod retry_payment;
mod terms;

use api::{GuestOrders, Routes, routes};
use axum::Router;
use domain::order::PlacedOrder;
use domain::{OrderId, Timestamp};
use platform::{Config, Fatal};
use shop::Checkout;

/// The state of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    checkout: Checkout,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self { checkout: Checkout::new(config).await? })
    }
}

impl GuestOrders for App {
    type Error = shop::Error;

    async fn guest_order(
        &self,
        id: OrderId,
        token: Option<&str>,
        client: &str,
        now: Timestamp,
    ) -> Result<PlacedOrder, shop::Error> {
        self.checkout.guest_order(id, token, client, now).await
    }
}

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(terms::show_terms))
        .routes(routes!(payment_methods::list_cart_payment_methods[Expired]))
        .routes(routes!(
            check_out::check_out_cart[
                Invalid, TooManyRequests, NotFound, Expired, CartOrdered, AddressMissing, CartEmpty,
                NotAvailable, NoPriceInCurrency, NotDeliverable, PriceChanged, TermsNotAccepted,
                PaymentMethodUnavailable, OutOfStock, Conflict
            ],
        ))
        .routes(routes!(
            retry_payment::retry_payment[
                Invalid, TooManyRequests, PaymentMethodUnavailable, WrongState, LimitReached, Conflict
            ],
        ))
}

pub fn router(app: App) -> Router {
    api::router(routes(), app)
}
