//! Vendor orders: accepting, declining, shipping parcels, and what becomes of them.

use api::views::VendorOrderDeskView;
use api::{
    Answer, Idempotent, Json, Limit, Member, NoBody, OrDefault, Page, Path, Problem, Query, ScopedRequest,
    UnscopedRequest,
};
use axum::extract::State;
use desk::{Action, ListVendorOrders, OwnVendorOrder, ReturnedParcel, ShipOrder};
use domain::order::{ParcelStep, VendorOrderId, VendorOrderState};
use domain::text::SearchText;
use domain::{Period, TimeBound};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::App;

fn view(own: &OwnVendorOrder) -> VendorOrderDeskView {
    VendorOrderDeskView::of(&own.placed, &own.vendor_order)
}

pub(crate) async fn act(
    app: &App,
    member: &domain::vendor::Member,
    id: VendorOrderId,
    action: Action,
    call: UnscopedRequest,
) -> Result<Answer, Problem> {
    act_scoped(app, member, id, action, call.scoped_to(member.key_scope())).await
}

pub(crate) async fn act_scoped(
    app: &App,
    member: &domain::vendor::Member,
    id: VendorOrderId,
    action: Action,
    call: ScopedRequest,
) -> Result<Answer, Problem> {
    let answer = |own: &OwnVendorOrder| Answer::ok(&view(own));
    Answer::of(app.desk.act_on_vendor_order(member, id, &action, call.responding(&answer)).await?)
}

/// Which of the vendor's orders are listed: those that are all of this.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOrders {
    /// Only those in this state.
    state: Option<VendorOrderState>,
    /// Only those placed at this time or later; a date is its beginning in UTC.
    placed_from: Option<TimeBound>,
    /// Only those placed before this time; a date is its beginning in UTC.
    placed_before: Option<TimeBound>,
    /// Words that all occur in the order's number, the titles and SKUs of its lines, or the carrier and number of its
    /// parcel. A whole order number is understood as people type it, and finds its order whatever its age.
    q: Option<SearchText>,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// Lists the vendor's orders, newest first.
///
/// A vendor order appears once its order is paid, or is payable on delivery. A page of a list with `q` looks at up to
/// 1,000 orders: it may have fewer items than `limit`, even none, and goes on with `next`. So does one with `state`
/// in a marketplace from before 2026-12-01, until its lists of orders were rebuilt.
#[utoipa::path(
    get, path = "/v1/vendor/orders", params(ListOrders), responses((status = OK, body = Page<VendorOrderDeskView>))
)]
pub async fn list_vendor_orders(
    State(app): State<App>,
    Member(member): Member,
    Query(asked): Query<ListOrders>,
) -> Result<Json<Page<VendorOrderDeskView>>, Problem> {
    let ListOrders { state, placed_from, placed_before, q, limit, cursor } = asked;
    let placed = Period::between(("placed_from", placed_from), ("placed_before", placed_before))?;
    let asked = ListVendorOrders { state, placed, text: q };
    let orders = app.desk.vendor_orders(&member, &asked, &limit.page(cursor)).await?;
    Ok(Json(Page::of(orders, |order| VendorOrderDeskView::from(&order))))
}

/// Shows a vendor order with what is needed to ship it.
#[utoipa::path(
    get, path = "/v1/vendor/orders/{id}", params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn show_vendor_order(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<VendorOrderId>,
) -> Result<Json<VendorOrderDeskView>, Problem> {
    Ok(Json(view(&app.desk.vendor_order(&member, id).await?)))
}

/// Accepts a vendor order, which the vendor then has to ship.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/accept",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn accept_vendor_order(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<VendorOrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    act(&app, &member, id, Action::Accept, asked.call).await
}

/// Declines a vendor order, or cancels an accepted one.
///
/// Of one that was shipped in part, the rest is cancelled. Its stock is released, and what was paid for it is refunded.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/decline",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn decline_vendor_order(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<VendorOrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    act(&app, &member, id, Action::Decline, asked.call).await
}

/// Declines a vendor order under its old name.
///
/// The path of release 0.1.0, until 1.0. Use `/decline`.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/refuse",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn decline_vendor_order_by_old_name(
    state: State<App>,
    member: Member,
    id: Path<VendorOrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    decline_vendor_order(state, member, id, asked).await
}

/// Ships a parcel of a vendor order.
///
/// It holds all that is left to ship, or the lines that are named. A parcel with lines needs a tracking number or an
/// idempotency key, by which a repeat is recognised.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/ship", params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    request_body = Option<ShipOrder>, responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn ship_vendor_order(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<VendorOrderId>,
    Idempotent { body: OrDefault(parcel), call }: Idempotent<OrDefault<ShipOrder>>,
) -> Result<Answer, Problem> {
    act(&app, &member, id, Action::Ship(parcel.into()), call).await
}

/// Marks a vendor order as delivered.
///
/// Every parcel that is on its way is delivered.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/deliver",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn deliver_vendor_order(
    State(app): State<App>,
    Member(member): Member,
    Path(id): Path<VendorOrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    act(&app, &member, id, Action::Deliver, asked.call).await
}

/// Marks one parcel of a vendor order as delivered.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/parcels/{number}/deliver",
    params(
        ("id" = VendorOrderId, Path, description = "The vendor order."),
        ("number" = u16, Path, description = "The parcel's number within it, counted from 1.")
    ),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn deliver_vendor_parcel(
    State(app): State<App>,
    Member(member): Member,
    Path((id, number)): Path<(VendorOrderId, u16)>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let delivered = Action::EndParcel { number, step: ParcelStep::Delivered, restock: false };
    act(&app, &member, id, delivered, asked.call).await
}

/// Gives up a parcel that the carrier has lost.
///
/// What was paid for its goods is refunded, and for the delivery too once nothing of the vendor order is left.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/parcels/{number}/lost",
    params(
        ("id" = VendorOrderId, Path, description = "The vendor order."),
        ("number" = u16, Path, description = "The parcel's number within it, counted from 1.")
    ),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn give_up_vendor_parcel(
    State(app): State<App>,
    Member(member): Member,
    Path((id, number)): Path<(VendorOrderId, u16)>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let lost = Action::EndParcel { number, step: ParcelStep::Lost, restock: false };
    act(&app, &member, id, lost, asked.call).await
}

/// Takes back a parcel that was not delivered.
///
/// The buyer did not accept it, or was not found. What was paid for its goods is refunded. With `restock` they can be
/// bought again, also when that is said later.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/parcels/{number}/returned-to-sender",
    params(
        ("id" = VendorOrderId, Path, description = "The vendor order."),
        ("number" = u16, Path, description = "The parcel's number within it, counted from 1.")
    ),
    request_body = Option<ReturnedParcel>, responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn take_back_vendor_parcel(
    State(app): State<App>,
    Member(member): Member,
    Path((id, number)): Path<(VendorOrderId, u16)>,
    Idempotent { body: OrDefault(ReturnedParcel { restock }), call }: Idempotent<OrDefault<ReturnedParcel>>,
) -> Result<Answer, Problem> {
    let returned = Action::EndParcel { number, step: ParcelStep::ReturnedToSender, restock };
    act(&app, &member, id, returned, call).await
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::{FromRequest, Request};
    use domain::code::Code;

    use super::*;

    async fn read(content_type: Option<&str>, body: &'static str) -> Result<Option<String>, Code> {
        let mut request = Request::new(Body::from(body));
        if let Some(value) = content_type {
            request.headers_mut().insert("content-type", value.parse().unwrap());
        }
        let parcel = OrDefault::<ShipOrder>::from_request(request, &()).await.map_err(|problem| problem.code())?;
        Ok(parcel.0.carrier.map(|carrier| carrier.to_string()))
    }

    #[tokio::test]
    async fn shipping_needs_no_body() {
        assert_eq!(read(None, "").await, Ok(None));
        assert_eq!(read(Some("application/json"), "{}").await, Ok(None));
        assert_eq!(read(Some("application/json"), r#"{"carrier":"UzPost"}"#).await, Ok(Some("UzPost".to_owned())));
    }

    #[tokio::test]
    async fn a_shipment_is_json_with_its_content_type() {
        assert_eq!(read(Some("text/plain"), r#"{"carrier":"UzPost"}"#).await, Err(Code::UnsupportedMediaType));
        assert_eq!(read(None, r#"{"carrier":"UzPost"}"#).await, Err(Code::UnsupportedMediaType));
        assert_eq!(read(Some("application/json"), "{").await, Err(Code::Malformed));
        assert_eq!(read(Some("application/json"), r#"{"colour":"red"}"#).await, Err(Code::Invalid));
    }
}
