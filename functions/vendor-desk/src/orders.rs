//! Vendor orders: accepting, declining, shipping, delivering.

use api::views::VendorOrderDeskView;
use api::{
    Answer, Argument, Caller, Cursor, Idempotent, Json, Limit, NoBody, Now, Page, Path, Problem, Query, RawBody,
    ScopedRequest, UnscopedRequest, VendorHeader, replay_or_run,
};
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use domain::order::{Actor, History, HistoryEvent, PlacedOrder, VendorOrder, VendorOrderId, VendorOrderState};
use domain::text::Line;
use domain::vendor::Permission;
use domain::{Code, Refusal, Timestamp, VendorId};
use serde::Deserialize;
use store::{Error, Orders};
use utoipa::{IntoParams, ToSchema};

use crate::{App, MAX_ATTEMPTS, scoped_to_member};

/// Which page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOrders {
    /// The most vendor orders of a page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The `next` of the previous page; nothing for the first.
    cursor: Option<String>,
}

/// The parcel with which a vendor order is shipped.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipOrder {
    /// The name of the carrier.
    #[serde(default, deserialize_with = "domain::text::optional")]
    carrier: Option<Line>,
    /// The carrier's tracking number of the parcel.
    #[serde(default, deserialize_with = "domain::text::optional")]
    tracking_number: Option<Line>,
}

/// An optional [`ShipOrder`]: without a body, no content type is required.
#[derive(Debug)]
pub struct Parcel(ShipOrder);

impl Argument for Parcel {
    const REFUSES: &'static [Code] = <Json<ShipOrder> as Argument>::REFUSES;
}

impl<S: Send + Sync> FromRequest<S> for Parcel {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(ShipOrder::default()));
        }
        let mut said = Request::new(Body::from(bytes));
        *said.headers_mut() = headers;
        Json::from_request(said, state).await.map(|Json(said)| Self(said))
    }
}

enum Action {
    Accept,
    Decline,
    Ship(ShipOrder),
    Deliver,
}

impl Action {
    /// Whether the vendor order is in the state to which this action of the vendor leads.
    fn is_done(&self, vendor_order: &VendorOrder, history: &[History]) -> bool {
        match self {
            Self::Accept => vendor_order.state == VendorOrderState::Accepted,
            // Declining an accepted vendor order cancels it. Buyers can cancel too, so the history must say who did.
            Self::Decline => match vendor_order.state {
                VendorOrderState::Declined => true,
                VendorOrderState::Cancelled => cancelled_by(vendor_order.vendor.id, history) == Some(Actor::Vendor),
                _ => false,
            },
            Self::Ship(_) => vendor_order.state == VendorOrderState::Shipped,
            Self::Deliver => vendor_order.state == VendorOrderState::Delivered,
        }
    }

    const fn permission(&self) -> Permission {
        match self {
            Self::Accept | Self::Decline => Permission::DecideOrders,
            Self::Ship(_) | Self::Deliver => Permission::FulfilOrders,
        }
    }
}

/// Who cancelled the vendor order last.
fn cancelled_by(vendor: VendorId, history: &[History]) -> Option<Actor> {
    history
        .iter()
        .rev()
        .find(|line| line.vendor == Some(vendor) && line.event == HistoryEvent::Cancelled)
        .map(|line| line.by)
}

/// Lists the vendor's orders, newest first.
///
/// A vendor order appears once its order is paid, or is payable on delivery.
#[utoipa::path(
    get, path = "/v1/vendor/orders",
    params(ListOrders),
    responses((status = OK, body = Page<VendorOrderDeskView>))
)]
pub async fn list_vendor_orders(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Query(asked): Query<ListOrders>,
) -> Result<Json<Page<VendorOrderDeskView>>, Problem> {
    let member = app.member(caller.user, vendor_id, Permission::ReadOrders).await?;
    let vendor = member.account.card.id;
    let partition = Orders::vendor_partition(vendor);
    let scope = format!("GET /v1/vendor/orders|{partition}");
    let start = match &asked.cursor {
        Some(cursor) => Some(Cursor::decode(cursor, &scope, ("vendor_key", &format!("s{partition}")))?),
        None => None,
    };
    let page = app.orders.of_vendor(vendor, u16::try_from(asked.limit.get()).unwrap_or(20), start).await?;
    let items = page.items.iter().map(VendorOrderDeskView::from).collect();
    Ok(Json(Page { items, next: page.next.map(|key| Cursor::encode(&scope, &key)) }))
}

impl App {
    /// The order and the vendor order in it. Another vendor's, or one that is not visible yet, is answered like a
    /// missing one.
    async fn own_vendor_order(
        &self,
        id: VendorOrderId,
        vendor: VendorId,
    ) -> Result<(PlacedOrder, VendorOrder), Problem> {
        let order = self.orders.load(id.order).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        let vendor_order =
            order.vendor_order(vendor).filter(|vendor_order| vendor_order.id() == id && vendor_order.visible).cloned();
        let vendor_order = vendor_order.ok_or_else(|| Refusal::of(Code::NotFound))?;
        Ok((order, vendor_order))
    }

    async fn perform(
        &self,
        (caller, vendor_id): (Caller, Option<VendorId>),
        id: VendorOrderId,
        action: Action,
        call: UnscopedRequest,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let vendor = self.member(caller.user, vendor_id, action.permission()).await?.account.card.id;
        let call = scoped_to_member(call, caller.user, vendor);
        replay_or_run(
            self.orders.stored_response(call.as_idempotent()),
            self.apply_action(&action, id, vendor, &call, now),
        )
        .await
    }

    /// Applies an action. One that was applied already changes nothing, so that a repeat without an idempotency key is
    /// harmless.
    async fn apply_action(
        &self,
        action: &Action,
        id: VendorOrderId,
        vendor: VendorId,
        call: &ScopedRequest,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        for _ in 0..MAX_ATTEMPTS {
            let (loaded, vendor_order) = self.own_vendor_order(id, vendor).await?;
            if action.is_done(&vendor_order, &loaded.order.history) {
                let answer = Answer::ok(&VendorOrderDeskView::of(&loaded, &vendor_order))?;
                self.orders.storing(call.stored(&answer)?).store_response().await?;
                return Ok(answer);
            }
            let mut changed = loaded.clone();
            let mut ids = platform::ids(now);
            match action {
                Action::Accept => changed.accept(vendor, &mut ids)?,
                Action::Decline => changed.decline(vendor, &mut ids)?,
                Action::Ship(parcel) => {
                    changed.ship(vendor, parcel.carrier.clone(), parcel.tracking_number.clone(), &mut ids)?;
                }
                Action::Deliver => changed.deliver(vendor, &mut ids)?,
            }
            let vendor_order = changed.vendor_order(vendor).ok_or_else(|| Refusal::of(Code::NotFound))?;
            let answer = Answer::ok(&VendorOrderDeskView::of(&changed, vendor_order))?;
            match self.orders.storing(call.stored(&answer)?).save(&loaded, &changed).await {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }
}

/// Shows a vendor order with what is needed to ship it.
#[utoipa::path(
    get, path = "/v1/vendor/orders/{id}",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn show_vendor_order(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<VendorOrderId>,
) -> Result<Json<VendorOrderDeskView>, Problem> {
    let member = app.member(caller.user, vendor_id, Permission::ReadOrders).await?;
    let (order, vendor_order) = app.own_vendor_order(id, member.account.card.id).await?;
    Ok(Json(VendorOrderDeskView::of(&order, &vendor_order)))
}

/// Accepts a vendor order, which the vendor then has to ship.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/accept",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn accept_vendor_order(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<VendorOrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    app.perform((caller, vendor_id), id, Action::Accept, asked.call, now).await
}

/// Declines a vendor order, or cancels an accepted one.
///
/// Its stock is released, and what was paid for it is refunded.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/decline",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn decline_vendor_order(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<VendorOrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    app.perform((caller, vendor_id), id, Action::Decline, asked.call, now).await
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
    now: Now,
    caller: Caller,
    vendor: VendorHeader,
    id: Path<VendorOrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    decline_vendor_order(state, now, caller, vendor, id, asked).await
}

/// Marks a vendor order as shipped.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/ship",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    request_body = Option<ShipOrder>, responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn ship_vendor_order(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<VendorOrderId>,
    Idempotent { body: Parcel(parcel), call }: Idempotent<Parcel>,
) -> Result<Answer, Problem> {
    app.perform((caller, vendor_id), id, Action::Ship(parcel), call, now).await
}

/// Marks a vendor order as delivered.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/deliver",
    params(("id" = VendorOrderId, Path, description = "The vendor order.")),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn deliver_vendor_order(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<VendorOrderId>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    app.perform((caller, vendor_id), id, Action::Deliver, asked.call, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(content_type: Option<&str>, body: &'static str) -> Result<Option<String>, Code> {
        let mut request = Request::new(Body::from(body));
        if let Some(value) = content_type {
            request.headers_mut().insert("content-type", value.parse().unwrap());
        }
        let parcel = Parcel::from_request(request, &()).await.map_err(|problem| problem.code())?;
        Ok(parcel.0.carrier.map(|carrier| carrier.to_string()))
    }

    #[test]
    fn who_cancelled_a_vendor_order_is_who_did_it_last() {
        let line = |event: HistoryEvent, by: Actor, vendor: u128| History {
            at: Timestamp::from_millis(0),
            event,
            subject: None,
            by,
            vendor: Some(VendorId::from_bits(vendor)),
        };
        // The first was cancelled at its deadline, reopened by a late payment and cancelled by its vendor; the second
        // was cancelled by the buyer.
        let history = [
            line(HistoryEvent::Cancelled, Actor::System, 1),
            line(HistoryEvent::Reopened, Actor::Provider, 1),
            line(HistoryEvent::Accepted, Actor::Vendor, 1),
            line(HistoryEvent::Cancelled, Actor::Vendor, 1),
            line(HistoryEvent::Cancelled, Actor::Buyer, 2),
        ];
        assert_eq!(cancelled_by(VendorId::from_bits(1), &history), Some(Actor::Vendor));
        assert_eq!(cancelled_by(VendorId::from_bits(2), &history), Some(Actor::Buyer));
        assert_eq!(cancelled_by(VendorId::from_bits(3), &history), None);
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
