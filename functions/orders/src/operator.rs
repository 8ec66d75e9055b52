//! The operator's changes to an order. They are here and not in the function `admin`, because this function already has
//! the permissions to write orders, release stock and cancel payments.

use api::views::{OperatorOrderView, UnmatchedPaymentView};
use api::{Answer, Idempotent, Json, NoBody, Operator, Path, Problem};
use axum::extract::State;
use domain::marketplace::OperatorPermission;
use domain::order::{Actor, PlacedOrder};
use domain::text::LongText;
use domain::{EventId, OrderId, PaymentId, Refusal, UnmatchedPayment};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;

/// What to do with a payment of another amount than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MismatchDecision {
    /// Accept it as full payment: the order is paid.
    Accept,
    /// Refund it.
    Refund,
}

/// The operator's decision on an amount mismatch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveAmountMismatch {
    /// What to do with the payment.
    decision: MismatchDecision,
}

/// What the operator found out about an unmatched payment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveUnmatchedPayment {
    /// What it was and what became of it, 1 to 2,000 characters.
    note: LongText,
}

/// Answers with the order as the operator sees it.
pub(crate) fn answer(suppressed: bool) -> impl Fn(&PlacedOrder) -> Result<Answer, Refusal> {
    move |order| Answer::ok(&OperatorOrderView::new(order, suppressed))
}

/// Cancels whatever of an order was not shipped.
///
/// Its stock is released, and what was paid for it is refunded.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/cancel", params(("id" = OrderId, Path, description = "The order.")),
    responses((status = OK, body = OperatorOrderView))
)]
pub async fn cancel_order_as_operator(
    State(app): State<App>,
    Operator(operator): Operator,
    Path(id): Path<OrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::ChangeOrders)?;
    let (order, call) = (app.orders.order(id).await?, asked.call.scoped_to(operator.user));
    let answer = answer(app.orders.is_suppressed(&order).await);
    Answer::of(app.orders.cancel(order, Actor::Operator, call.responding(&answer)).await?)
}

/// Resolves the amount mismatch of a payment.
///
/// A payment of another amount than was asked for is accepted as full payment or refunded.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/payments/{payment_id}/decide",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ("payment_id" = PaymentId, Path, description = "The attempt at paying it, in the state `amount_mismatch`.")
    ),
    request_body = ResolveAmountMismatch, responses((status = OK, body = OperatorOrderView))
)]
pub async fn resolve_amount_mismatch(
    State(app): State<App>,
    Operator(operator): Operator,
    Path((id, payment)): Path<(OrderId, PaymentId)>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ResolveAmountMismatch>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::DecideMoney)?;
    let call = call.scoped_to(operator.user);
    let accept = asked.decision == MismatchDecision::Accept;
    let answer = answer(app.orders.is_suppressed(&app.orders.order(id).await?).await);
    Answer::of(app.orders.resolve_amount_mismatch(id, payment, accept, call.responding(&answer)).await?)
}

/// Resolves an unmatched payment.
///
/// It leaves the list of those that wait, and is still listed by its state, with the note, who left it and when. The
/// same note again changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/payments/unmatched/{id}/resolve",
    params(("id" = EventId, Path, description = "The unmatched payment.")),
    request_body = ResolveUnmatchedPayment, responses((status = OK, body = UnmatchedPaymentView))
)]
pub async fn resolve_unmatched_payment(
    State(app): State<App>,
    Operator(operator): Operator,
    Path(id): Path<EventId>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ResolveUnmatchedPayment>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::DecideMoney)?;
    let call = call.scoped_to(operator.user);
    let answer = |money: &UnmatchedPayment| Answer::ok(&UnmatchedPaymentView::from(money));
    Answer::of(app.orders.resolve_unmatched(id, &asked.note, operator.user, call.responding(&answer)).await?)
}
