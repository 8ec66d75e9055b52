//! A seller's parts of orders: accepting, refusing, shipping, delivering.

use api::{
    Answer, Buyer, Call, Cursor, Json, KeyHeader, Keyed, Limit, NoBody, Now, Page, Path, Problem, Query, RawBody,
    UnclaimedCall, VendorHeader, VendorIdHeader, once,
};
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use domain::order::{
    Actor, History, OrderFile, VendorOrder, VendorOrderDeskView, VendorOrderEvent, VendorOrderId, VendorOrderState,
};
use domain::text::Line;
use domain::vendor::Permission;
use domain::{Code, Refusal, Timestamp, VendorId};
use serde::Deserialize;
use store::{Error, Orders};
use utoipa::{IntoParams, ToSchema};

use crate::{App, TRIES, of_member};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOrders {
    /// How many, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// A parcel that leaves.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipOrder {
    /// Who carries it.
    #[serde(default)]
    carrier: Option<Line>,
    /// The carrier's number for it.
    #[serde(default)]
    tracking_number: Option<Line>,
}

/// A parcel and what is said of it, which may be nothing: then there is no body, and no content type either.
#[derive(Debug)]
pub struct Parcel(ShipOrder);

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

/// What a seller does with its part.
enum Step {
    Accept,
    Refuse,
    Ship(ShipOrder),
    Deliver,
}

impl Step {
    /// Whether it was taken already and nothing has happened to the part since.
    fn is_done(&self, part: &VendorOrder, history: &[History]) -> bool {
        match self {
            Self::Accept => part.state == VendorOrderState::Accepted,
            // A part that was accepted before is called off, which its buyer can do as well.
            Self::Refuse => match part.state {
                VendorOrderState::Refused => true,
                VendorOrderState::Cancelled => called_off_by(part.vendor.id, history) == Some(Actor::Vendor),
                _ => false,
            },
            Self::Ship(_) => part.state == VendorOrderState::Shipped,
            Self::Deliver => part.state == VendorOrderState::Delivered,
        }
    }

    const fn permission(&self) -> Permission {
        match self {
            Self::Accept | Self::Refuse => Permission::DecideOrders,
            Self::Ship(_) | Self::Deliver => Permission::FulfilOrders,
        }
    }
}

/// Who called a seller's part off the last time.
fn called_off_by(vendor: VendorId, history: &[History]) -> Option<Actor> {
    let cancelled = VendorOrderEvent::Cancelled.as_str();
    history.iter().rev().find(|line| line.vendor == Some(vendor) && line.event == cancelled).map(|line| line.by)
}

/// Lists the shop's parts of orders, newest first. They appear once the order is paid, or payable on delivery.
#[utoipa::path(
    get, path = "/v1/vendor/orders",
    params(ListOrders, VendorIdHeader),
    responses((status = OK, body = Page<VendorOrderDeskView>))
)]
pub async fn list_orders(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Query(asked): Query<ListOrders>,
) -> Result<Json<Page<VendorOrderDeskView>>, Problem> {
    let standing = app.standing(buyer.user, named, Permission::ReadOrders).await?;
    let vendor = standing.file.card.id;
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
    /// The order, and the seller's part of it; another's part, or one that the seller does not see yet, is as good as none.
    async fn own_part(&self, id: VendorOrderId, vendor: VendorId) -> Result<(OrderFile, VendorOrder), Problem> {
        let file = self.orders.file(id.order).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        let part = file.vendor(vendor).filter(|part| part.id() == id && part.visible).cloned();
        let part = part.ok_or_else(|| Refusal::of(Code::NotFound))?;
        Ok((file, part))
    }

    /// Takes a step, for a member of a shop.
    async fn take_step(
        &self,
        (buyer, named): (Buyer, Option<VendorId>),
        id: VendorOrderId,
        step: Step,
        call: UnclaimedCall,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let vendor = self.standing(buyer.user, named, step.permission()).await?.file.card.id;
        let call = of_member(call, buyer.user, vendor);
        once(self.orders.kept(call.named()), self.carry_out(&step, id, vendor, &call, now)).await
    }

    /// Carries a step out. One that was taken already is not taken again, so that a repeat is harmless.
    async fn carry_out(
        &self,
        step: &Step,
        id: VendorOrderId,
        vendor: VendorId,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        for _ in 0..TRIES {
            let (loaded, part) = self.own_part(id, vendor).await?;
            if step.is_done(&part, &loaded.order.history) {
                let answer = Answer::ok(&VendorOrderDeskView::of(&loaded, &part))?;
                self.orders.keeping(call.keeps(&answer)?).keep().await?;
                return Ok(answer);
            }
            let mut changed = loaded.clone();
            let mut mint = platform::mint(now);
            match step {
                Step::Accept => changed.accept(vendor, &mut mint)?,
                Step::Refuse => changed.refuse(vendor, &mut mint)?,
                Step::Ship(parcel) => {
                    changed.ship(vendor, parcel.carrier.clone(), parcel.tracking_number.clone(), &mut mint)?;
                }
                Step::Deliver => changed.deliver(vendor, &mut mint)?,
            }
            let part = changed.vendor(vendor).ok_or_else(|| Refusal::of(Code::NotFound))?;
            let answer = Answer::ok(&VendorOrderDeskView::of(&changed, part))?;
            match self.orders.keeping(call.keeps(&answer)?).save(&loaded, &changed).await {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }
}

/// Shows one of the shop's parts of orders, with what is needed to send it.
#[utoipa::path(
    get, path = "/v1/vendor/orders/{id}",
    params(("id" = String, Path, description = "The sub-order."), VendorIdHeader),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn show_own_part(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<VendorOrderId>,
) -> Result<Json<VendorOrderDeskView>, Problem> {
    let standing = app.standing(buyer.user, named, Permission::ReadOrders).await?;
    let (file, part) = app.own_part(id, standing.file.card.id).await?;
    Ok(Json(VendorOrderDeskView::of(&file, &part)))
}

/// Accepts: the shop will send it.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/accept",
    params(("id" = String, Path, description = "The sub-order."), VendorIdHeader, KeyHeader),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn accept_order(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<VendorOrderId>,
    asked: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    app.take_step((buyer, named), id, Step::Accept, asked.call, now).await
}

/// Refuses: the stock goes back, and so does the money.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/refuse",
    params(("id" = String, Path, description = "The sub-order."), VendorIdHeader, KeyHeader),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn refuse_order(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<VendorOrderId>,
    asked: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    app.take_step((buyer, named), id, Step::Refuse, asked.call, now).await
}

/// Ships: the parcel has left the house.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/ship",
    params(("id" = String, Path, description = "The sub-order."), VendorIdHeader, KeyHeader),
    request_body = Option<ShipOrder>, responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn ship_order(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<VendorOrderId>,
    Keyed { body: Parcel(parcel), call }: Keyed<Parcel>,
) -> Result<Answer, Problem> {
    app.take_step((buyer, named), id, Step::Ship(parcel), call, now).await
}

/// Delivers: the parcel has arrived.
#[utoipa::path(
    post, path = "/v1/vendor/orders/{id}/deliver",
    params(("id" = String, Path, description = "The sub-order."), VendorIdHeader, KeyHeader),
    responses((status = OK, body = VendorOrderDeskView))
)]
pub async fn deliver_order(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<VendorOrderId>,
    asked: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    app.take_step((buyer, named), id, Step::Deliver, asked.call, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(content_type: Option<&str>, body: &'static str) -> Result<Option<String>, Code> {
        let mut request = Request::new(Body::from(body));
        if let Some(named) = content_type {
            request.headers_mut().insert("content-type", named.parse().unwrap());
        }
        let parcel = Parcel::from_request(request, &()).await.map_err(|problem| problem.code())?;
        Ok(parcel.0.carrier.map(|carrier| carrier.to_string()))
    }

    #[test]
    fn who_called_a_part_off_is_who_did_it_last() {
        let line = |event: &str, by: Actor, vendor: u128| History {
            at: Timestamp::from_millis(0),
            event: event.to_owned(),
            by,
            vendor: Some(VendorId::from_bits(vendor)),
        };
        // Cancelled by its deadline, on again with late money, then called off by its seller; the other one by the buyer.
        let history = [
            line("cancelled", Actor::System, 1),
            line("reopened", Actor::Provider, 1),
            line("accepted", Actor::Vendor, 1),
            line("cancelled", Actor::Vendor, 1),
            line("cancelled", Actor::Buyer, 2),
        ];
        assert_eq!(called_off_by(VendorId::from_bits(1), &history), Some(Actor::Vendor));
        assert_eq!(called_off_by(VendorId::from_bits(2), &history), Some(Actor::Buyer));
        assert_eq!(called_off_by(VendorId::from_bits(3), &history), None);
    }

    #[tokio::test]
    async fn a_parcel_may_go_without_a_word() {
        assert_eq!(read(None, "").await, Ok(None));
        assert_eq!(read(Some("application/json"), "{}").await, Ok(None));
        assert_eq!(read(Some("application/json"), r#"{"carrier":"UzPost"}"#).await, Ok(Some("UzPost".to_owned())));
    }

    #[tokio::test]
    async fn what_is_said_of_a_parcel_is_json_and_says_so() {
        assert_eq!(read(Some("text/plain"), r#"{"carrier":"UzPost"}"#).await, Err(Code::UnsupportedMediaType));
        assert_eq!(read(None, r#"{"carrier":"UzPost"}"#).await, Err(Code::UnsupportedMediaType));
        assert_eq!(read(Some("application/json"), "{").await, Err(Code::Malformed));
        assert_eq!(read(Some("application/json"), r#"{"colour":"red"}"#).await, Err(Code::Invalid));
    }
}
