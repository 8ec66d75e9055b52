//! Money that a vendor gives back: of their own accord, and for what buyers return.

use api::views::VendorOrderDeskView;
use api::{Answer, Idempotent, Json, Keyed, Member, NoBody, OrDefault, Path, Problem};
use axum::extract::State;
use desk::{Action, DeclineReturn, GrantOwnRefund, ReturnedParcel};
use domain::order::VendorOrderId;

use crate::App;
use crate::orders::{act, act_scoped};

/// Gives money back of the vendor's own accord.
///
/// The buyer keeps what was shipped. Refused unless the operator allows it.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/refunds",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    request_body = GrantOwnRefund, responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn grant_own_refund(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<VendorOrderId>,
    asked: Keyed<GrantOwnRefund>,
) -> Result<Answer, Problem> {
    let (asked, call) = asked.scoped_to(member.key_scope());
    act_scoped(&app, &member, id, Action::Grant(asked.into()), call).await
}

/// Approves a return: the buyer may send the goods back.
///
/// One that is not answered in time is approved.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/returns/{number}/approve",
    params(
        ("id" = VendorOrderId, Path, description = "The vendor order."),
        ("number" = u16, Path, description = "The return's number within it, counted from 1.")
    ),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn approve_return(
    State(app): State<App>,
    Member(member): Member,
    Path((id, number)): Path<(VendorOrderId, u16)>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    act(&app, &member, id, Action::ApproveReturn(number), asked.call).await
}

/// Declines a return, for a reason that the buyer is told.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/returns/{number}/decline",
    params(
        ("id" = VendorOrderId, Path, description = "The vendor order."),
        ("number" = u16, Path, description = "The return's number within it, counted from 1.")
    ),
    request_body = DeclineReturn, responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn decline_return(
    State(app): State<App>,
    Member(member): Member,
    Path((id, number)): Path<(VendorOrderId, u16)>,
    Idempotent { body: Json(asked), call }: Idempotent<Json<DeclineReturn>>,
) -> Result<Answer, Problem> {
    act(&app, &member, id, Action::DeclineReturn(number, asked.reason), call).await
}

/// Receives the goods of a return.
///
/// What was paid for them is refunded, and for the delivery too once nothing of the vendor order is left. With
/// `restock` they can be bought again.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/returns/{number}/receive",
    params(
        ("id" = VendorOrderId, Path, description = "The vendor order."),
        ("number" = u16, Path, description = "The return's number within it, counted from 1.")
    ),
    request_body = Option<ReturnedParcel>, responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn receive_return(
    State(app): State<App>,
    Member(member): Member,
    Path((id, number)): Path<(VendorOrderId, u16)>,
    Idempotent { body: OrDefault(ReturnedParcel { restock }), call }: Idempotent<OrDefault<ReturnedParcel>>,
) -> Result<Answer, Problem> {
    act(&app, &member, id, Action::ReceiveReturn { number, restock }, call).await
}
