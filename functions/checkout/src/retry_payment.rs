//! `POST /v1/orders/{id}/payments`: another payment attempt.

use api::views::OrderView;
use api::{Answer, GuestOrder, Keyed, Problem, SourceIp};
use axum::extract::State;
use domain::OrderId;
use shop::RetryPayment;

use crate::App;
use crate::check_out::answer;

/// Opens another payment attempt for an order.
///
/// For example after a declined card, or when the provider was unavailable.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments", params(("id" = OrderId, Path, description = "The order.")),
    request_body = RetryPayment, responses((status = CREATED, body = OrderView))
)]
pub async fn retry_payment(
    State(app): State<App>,
    SourceIp(client): SourceIp,
    GuestOrder(order): GuestOrder,
    asked: Keyed<RetryPayment>,
) -> Result<Answer, Problem> {
    let (asked, call) = asked.scoped_to(order.order.id);
    Answer::of(app.checkout.retry_payment(order, &asked, &client, call.responding(&answer)).await?)
}
