//! Orders as their buyers see them, and the operator's changes to one.

mod buyer;
mod guests;
mod late;
mod operator;
mod refunds;
mod returns;

use api::{Caller, CountedFor, GuestOrders, Operators, Routes, routes};
use axum::Router;
use domain::order::PlacedOrder;
use domain::{OrderId, Timestamp, marketplace};
use platform::{Config, Fatal};
use shop::{Changing, Orders};

/// The state of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    orders: Orders,
}

impl App {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self { orders: Orders::new(config).await? })
    }
}

impl Operators for App {
    type Error = shop::Error;

    async fn operator(&self, by: &Caller, now: Timestamp) -> Result<marketplace::Operator, shop::Error> {
        self.orders.operator_came_in(by.user, by.signed_in_at, now).await
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
        self.orders.guest_order(id, token, client, now).await
    }
}

/// The routes with their OpenAPI entries.
pub fn routes<R: Routes<App>>() -> R {
    R::new()
        .routes(routes!(guests::show_order[TooManyRequests]))
        .routes(routes!(guests::cancel_order[TooManyRequests, WrongState, Conflict]))
        .routes(routes!(guests::resend_confirmation_code[
            TooManyRequests, CodeExpired, WrongState, LimitReached, Conflict,
        ]))
        .routes(routes!(buyer::list_my_orders[InvalidCursor]))
        .routes(routes!(buyer::show_my_order))
        .routes(routes!(buyer::cancel_my_order[WrongState, Conflict]))
        .routes(routes!(operator::cancel_order_as_operator[WrongState, Conflict]))
        .routes(routes!(operator::resolve_amount_mismatch[WrongState, OutOfStock, Conflict]))
        .routes(routes!(returns::request_return[TooManyRequests, WrongState, LimitReached, Conflict]))
        .routes(routes!(returns::request_my_return[WrongState, LimitReached, Conflict]))
        .routes(routes!(returns::open_return[WrongState, LimitReached, Conflict]))
        .routes(routes!(returns::decide_return[RefundLimit, StepUpNeeded, WrongState, Conflict]))
        .routes(routes!(refunds::grant_refund[StepUpNeeded, RefundLimit, WrongState, Conflict]))
        .routes(routes!(refunds::retry_refund[WrongState, Conflict]))
        .routes(routes!(refunds::resolve_refund[WrongState, Conflict]))
        .routes(routes!(operator::resolve_unmatched_payment[Invalid, WrongState, Conflict]))
        .limit_calls("order")
        .routes(routes!(late::list_late_vendor_orders[InvalidCursor]))
        .routes(routes!(guests::confirm_order[TooManyRequests, CodeMismatch, CodeExpired, WrongState, Conflict]))
        .routes(routes!(guests::refresh_payment[TooManyRequests, Conflict]))
        .routes(routes!(buyer::refresh_my_payment[TooManyRequests, Conflict]))
}

pub fn router(app: App) -> Router {
    api::counting_router(routes(), app, count)
}

/// Counts a call of the list of routes that is limited.
async fn count(app: App, list: &'static str, by: CountedFor, now: Timestamp) -> Result<(), shop::Error> {
    match by {
        CountedFor::Person(user) => app.orders.count_change(list, Changing::Person(user), now).await,
        CountedFor::Client(client) => app.orders.count_change(list, Changing::Client(&client), now).await,
    }
}
