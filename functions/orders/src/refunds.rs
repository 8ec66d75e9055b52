//! Refunds that the operator decides about.

use api::views::OperatorOrderView;
use api::{Answer, Idempotent, Json, Keyed, NoBody, Operator, Path, Problem};
use axum::extract::State;
use domain::marketplace::OperatorPermission;
use domain::order::{Actor, GrantedRefund, ParcelLine, PlacedOrder};
use domain::text::Note;
use domain::{Ids, Money, OrderId, RefundId, VendorId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::operator::answer;

/// What goes back: `lines` and `shipping`, or an `amount`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRefund {
    /// The vendor whose vendor order it is about. An amount is paid by this vendor, and by the operator without it.
    #[serde(default)]
    #[schema(nullable = false)]
    vendor_id: Option<VendorId>,
    /// Units that were shipped, whose shares go back. The buyer keeps the goods.
    #[serde(default)]
    #[schema(max_items = 40)]
    lines: Vec<ParcelLine>,
    /// Whether what the delivery cost goes back as well: of the vendor orders that the lines are in, or of all of which
    /// something was shipped.
    #[serde(default)]
    shipping: bool,
    /// An amount that belongs to no units, as goodwill.
    #[serde(default)]
    #[schema(nullable = false)]
    amount: Option<Money>,
    /// Why, 1 to 500 characters. The buyer is told.
    reason: Note,
}

/// How the buyer got the money of a refund.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveRefund {
    /// By what means, 1 to 500 characters, for those who ask later.
    note: Note,
}

/// Refunds units, deliveries or an amount of an order.
///
/// For an order that was paid: the buyer keeps what was shipped, and what was not shipped is cancelled instead. A
/// provider that makes no refunds leaves it to the operator, in the list of failed refunds. Support gives back up to a
/// limit of each order (the setting `refunds/by-support`): more is 403 `refund_limit`.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/refunds", params(("id" = OrderId, Path, description = "The order.")),
    request_body = GrantRefund, responses((status = OK, body = OperatorOrderView))
)]
pub async fn grant_refund(
    State(app): State<App>,
    Operator(operator): Operator,
    Path(id): Path<OrderId>,
    asked: Keyed<GrantRefund>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::GrantRefunds)?;
    let (body, call) = asked.scoped_to(operator.user);
    let GrantRefund { vendor_id: vendor, lines, shipping, amount, reason } = body;
    let asked = GrantedRefund { vendor, lines, shipping, amount, note: Some(reason) };
    let answer = answer(app.orders.is_suppressed(&app.orders.order(id).await?).await);
    let limit = app.orders.refund_limit(&operator).await?;
    let grant = |order: &mut PlacedOrder, ids: &mut Ids| {
        order.within_refund_limit(&limit, |order| order.grant_refund(&asked, Actor::Operator, ids))
    };
    Answer::of(app.orders.decide(id, call.responding(&answer), |_| false, grant).await?)
}

/// Tries a refund again that did not arrive.
///
/// It is requested from the provider as a new one. Refused when the provider cannot make it, or a bank decides about
/// it.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/refunds/{refund_id}/retry",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ("refund_id" = RefundId, Path, description = "The refund, which needs a manual refund.")
    ),
    responses((status = OK, body = OperatorOrderView))
)]
pub async fn retry_refund(
    State(app): State<App>,
    Operator(operator): Operator,
    Path((id, refund)): Path<(OrderId, RefundId)>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::DecideMoney)?;
    let call = asked.call.scoped_to(operator.user);
    let answer = answer(app.orders.is_suppressed(&app.orders.order(id).await?).await);
    Answer::of(app.orders.retry_refund(id, refund, call.responding(&answer)).await?)
}

/// Resolves a refund that was given back by other means.
///
/// It leaves the list of failed refunds. If it was given back at the provider's dashboard, its news is counted against
/// this refund.
#[utoipa::path(
    post, path = "/v1/admin/orders/{id}/refunds/{refund_id}/resolve",
    params(
        ("id" = OrderId, Path, description = "The order."),
        ("refund_id" = RefundId, Path, description = "The refund, which needs a manual refund.")
    ),
    request_body = ResolveRefund, responses((status = OK, body = OperatorOrderView))
)]
pub async fn resolve_refund(
    State(app): State<App>,
    Operator(operator): Operator,
    Path((id, refund)): Path<(OrderId, RefundId)>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ResolveRefund>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::DecideMoney)?;
    let call = call.scoped_to(operator.user);
    let answer = answer(app.orders.is_suppressed(&app.orders.order(id).await?).await);
    let resolve = |order: &mut PlacedOrder, ids: &mut Ids| order.resolve_refund(refund, &asked.note, ids);
    let done = |order: &PlacedOrder| order.is_resolved(refund);
    Answer::of(app.orders.decide(id, call.responding(&answer), done, resolve).await?)
}
