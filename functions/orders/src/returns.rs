//! Returns: what buyers give back, and what the operator decides about it.

use api::views::{OperatorOrderView, OrderView};
use api::{Answer, Buyer, GuestOrder, Idempotent, Json, Keyed, Operator, Path, Problem, ScopedRequest};
use axum::extract::State;
use domain::marketplace::OperatorPermission;
use domain::order::{Actor, ParcelLine, PlacedOrder, VendorOrderId};
use domain::returns::{NewReturn, ReturnReason, ReturnState};
use domain::text::Note;
use domain::{Code, Ids, OrderId, Refusal, VendorId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::guests::NOT_TOLD;

/// What is to be given back of one vendor order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestReturn {
    /// The vendor order.
    vendor_order_id: VendorOrderId,
    /// What is given back.
    #[schema(min_items = 1, max_items = 40)]
    lines: Vec<ParcelLine>,
    /// Why.
    reason: ReturnReason,
}

/// What the operator takes back for a buyer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenReturn {
    /// What is given back.
    #[schema(min_items = 1, max_items = 40)]
    lines: Vec<ParcelLine>,
    /// Why.
    reason: ReturnReason,
}

/// What the operator decides about a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnDecision {
    /// The goods are taken back.
    Approve,
    /// The goods are not taken back; with a reason.
    Decline,
    /// The goods are back: what was paid for them is refunded.
    Receive,
}

/// The operator's decision about a return.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideReturn {
    /// What is decided.
    decision: ReturnDecision,
    /// Why it is declined, 1 to 500 characters. The buyer is told.
    #[serde(default)]
    #[schema(nullable = false)]
    reason: Option<Note>,
    /// Whether goods that are back can be bought again.
    #[serde(default)]
    restock: bool,
}

/// The vendor of a vendor order.
fn vendor_of(order: &PlacedOrder, id: VendorOrderId) -> Result<VendorId, Refusal> {
    let known = order.vendors.iter().find(|vendor_order| vendor_order.id() == id);
    Ok(known.ok_or_else(|| Refusal::of(Code::NotFound))?.vendor.id)
}

impl RequestReturn {
    fn apply(&self, order: &mut PlacedOrder, ids: &mut Ids) -> Result<(), Refusal> {
        let vendor = vendor_of(order, self.vendor_order_id)
            .map_err(|_| Refusal::field("/vendor_order_id", "unknown", "is not in this order"))?;
        let asked = NewReturn { lines: self.lines.clone(), reason: self.reason };
        order.request_return(vendor, &asked, Actor::Buyer, ids)
    }
}

/// Requests a return for the holder of an order's token.
///
/// Within the policy of each line, for units that were delivered.
#[utoipa::path(
    post, path = "/v1/orders/{id}/returns", params(("id" = OrderId, Path, description = "The order.")),
    request_body = RequestReturn, responses((status = OK, body = OrderView))
)]
pub async fn request_return(
    State(app): State<App>,
    GuestOrder(order): GuestOrder,
    asked: Keyed<RequestReturn>,
) -> Result<Answer, Problem> {
    let (asked, call) = asked.scoped_to(order.order.id);
    let answer = crate::guests::answer(NOT_TOLD);
    let apply = |order: &mut PlacedOrder, ids: &mut Ids| asked.apply(order, ids);
    Answer::of(app.orders.decide(order.order.id, call.responding(&answer), |_| false, apply).await?)
}

/// Requests a return of one of the buyer's orders.
///
/// Within the policy of each line, for units that were delivered.
#[utoipa::path(
    post, path = "/v1/me/orders/{id}/returns", params(("id" = OrderId, Path, description = "The order.")),
    request_body = RequestReturn, responses((status = OK, body = OrderView))
)]
pub async fn request_my_return(
    State(app): State<App>,
    buyer: Buyer,
    Path(id): Path<OrderId>,
    asked: Keyed<RequestReturn>,
) -> Result<Answer, Problem> {
    let (asked, call) = asked.scoped_to(buyer.user);
    let order = app.orders.buyers_order(id, buyer.user).await?;
    let answer = crate::guests::answer(app.orders.is_suppressed(&order).await);
    let apply = |order: &mut PlacedOrder, ids: &mut Ids| asked.apply(order, ids);
    Answer::of(app.orders.decide(id, call.responding(&answer), |_| false, apply).await?)
}

async fn decide(
    app: &App,
    id: VendorOrderId,
    call: ScopedRequest,
    done: impl Fn(&PlacedOrder) -> bool,
    apply: impl Fn(&mut PlacedOrder, VendorId, &mut Ids) -> Result<(), Refusal>,
) -> Result<Answer, Problem> {
    let answer = crate::operator::answer(app.orders.is_suppressed(&app.orders.order(id.order).await?).await);
    let apply = |order: &mut PlacedOrder, ids: &mut Ids| {
        let vendor = vendor_of(order, id)?;
        apply(order, vendor, ids)
    };
    Answer::of(app.orders.decide(id.order, call.responding(&answer), done, apply).await?)
}

/// Opens a return for a buyer.
///
/// It is approved at once, also when the buyer could not ask for it any more.
#[utoipa::path(
    post, path = "/v1/admin/vendor-orders/{id}/returns",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    request_body = OpenReturn, responses((status = OK, body = OperatorOrderView))
)]
pub async fn open_return(
    State(app): State<App>,
    Operator(operator): Operator,
    Path(id): Path<VendorOrderId>,
    asked: Keyed<OpenReturn>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::ChangeOrders)?;
    let (asked, call) = asked.scoped_to(operator.user);
    let wanted = NewReturn { lines: asked.lines, reason: asked.reason };
    let apply = |order: &mut PlacedOrder, vendor: VendorId, ids: &mut Ids| {
        order.request_return(vendor, &wanted, Actor::Operator, ids)
    };
    decide(&app, id, call, |_| false, apply).await
}

/// Decides about a return in the place of its vendor.
#[utoipa::path(
    post, path = "/v1/admin/vendor-orders/{id}/returns/{number}/decide",
    params(
        ("id" = VendorOrderId, Path, description = "The vendor order."),
        ("number" = u16, Path, description = "The return's number within it, counted from 1.")
    ),
    request_body = DecideReturn, responses((status = OK, body = OperatorOrderView))
)]
pub async fn decide_return(
    State(app): State<App>,
    Operator(operator): Operator,
    Path((id, number)): Path<(VendorOrderId, u16)>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<DecideReturn>>,
) -> Result<Answer, Problem> {
    operator.may(OperatorPermission::ChangeOrders)?;
    if asked.decision == ReturnDecision::Receive {
        // Its money goes back with it.
        operator.may(OperatorPermission::GrantRefunds)?;
    }
    let reason = match (asked.decision, asked.reason) {
        (ReturnDecision::Decline, None) => {
            return Err(Refusal::field("/reason", "missing", "a declined return has a reason").into());
        }
        (_, reason) => reason,
    };
    let states: &[ReturnState] = match asked.decision {
        ReturnDecision::Approve => &[ReturnState::Approved],
        ReturnDecision::Decline => &[ReturnState::Declined],
        ReturnDecision::Receive => &[ReturnState::Received, ReturnState::Refunded],
    };
    let call = call.scoped_to(operator.user);
    let done = |order: &PlacedOrder| {
        let known = order.vendors.iter().find(|vendor_order| vendor_order.id() == id);
        let known = known.and_then(|one| one.return_with(number));
        known.is_some_and(|one| states.contains(&one.state) && (!asked.restock || one.restocked))
    };
    let (by, restock) = (Actor::Operator, asked.restock);
    let limit = app.orders.refund_limit(&operator).await?;
    let apply = |order: &mut PlacedOrder, vendor: VendorId, ids: &mut Ids| match (asked.decision, &reason) {
        (ReturnDecision::Decline, Some(reason)) => order.decline_return(vendor, number, reason, by, ids),
        (ReturnDecision::Receive, _) => {
            order.within_refund_limit(&limit, |order| order.receive_return(vendor, number, restock, by, ids))
        }
        (ReturnDecision::Approve | ReturnDecision::Decline, _) => order.approve_return(vendor, number, by, ids),
    };
    decide(&app, id, call, done, apply).await
}
