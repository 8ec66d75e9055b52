//! A guest's order: whoever holds its token may see and cancel it.

use api::views::OrderView;
use api::{Answer, GuestOrder, Idempotent, Json, NoBody, Now, Problem, SourceIp};
use axum::extract::State;
use domain::order::{Actor, PlacedOrder};
use domain::text::OneTimeCode;
use domain::{OrderId, Refusal};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;

/// Whoever holds an order's token may have given a stranger's address, and is not told whether mail to it comes back.
pub(crate) const NOT_TOLD: bool = false;

/// Answers with the order as its buyer sees it.
pub(crate) fn answer(suppressed: bool) -> impl Fn(&PlacedOrder) -> Result<Answer, Refusal> {
    move |order| Answer::ok(&OrderView::new(order, suppressed))
}

/// Shows an order to the holder of its token.
#[utoipa::path(
    get, path = "/v1/orders/{id}", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OrderView))
)]
pub async fn show_order(GuestOrder(order): GuestOrder) -> Result<Json<OrderView>, Problem> {
    Ok(Json(OrderView::new(&order, NOT_TOLD)))
}

/// Cancels an order for the holder of its token.
///
/// Possible as long as nothing was shipped. What was paid is refunded.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OrderView))
)]
pub async fn cancel_order(
    State(app): State<App>,
    GuestOrder(order): GuestOrder,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let call = asked.call.scoped_to(order.order.id);
    let answer = answer(NOT_TOLD);
    Answer::of(app.orders.cancel(order, Actor::Buyer, call.responding(&answer)).await?)
}

/// The code that was mailed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmOrder {
    code: OneTimeCode,
}

/// Confirms an order that is payable on delivery.
///
/// A guest's order is `awaiting_confirmation` until the code that was mailed is entered: for half an hour. Five wrong
/// codes end a code. Vendors do not see the order before it is confirmed. Repeating the call is harmless.
#[utoipa::path(
    post, path = "/v1/orders/{id}/confirm", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OrderView))
)]
pub async fn confirm_order(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    GuestOrder(order): GuestOrder,
    Json(ConfirmOrder { code }): Json<ConfirmOrder>,
) -> Result<Json<OrderView>, Problem> {
    Ok(Json(OrderView::new(&app.orders.confirm(order, &code, &client, now).await?, NOT_TOLD)))
}

/// Mails another code to confirm an order with.
///
/// Only the newest code counts. At most three are sent, a minute apart.
#[utoipa::path(
    post, path = "/v1/orders/{id}/confirm/resend", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OrderView))
)]
pub async fn resend_confirmation_code(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    GuestOrder(order): GuestOrder,
) -> Result<Json<OrderView>, Problem> {
    Ok(Json(OrderView::new(&app.orders.resend_code(order, &client, now).await?, NOT_TOLD)))
}

/// Refreshes the payment of an order.
///
/// Asks the provider for the state of a payment that the order waits for: for a buyer who returns from paying before
/// the provider's webhook has arrived. Repeating the call is harmless.
#[utoipa::path(
    post, path = "/v1/orders/{id}/settle", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OrderView))
)]
pub async fn refresh_payment(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    GuestOrder(order): GuestOrder,
) -> Result<Json<OrderView>, Problem> {
    Ok(Json(OrderView::new(&app.orders.refresh_payment(order, &client, now).await?, NOT_TOLD)))
}
