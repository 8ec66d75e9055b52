//! Vendor orders: accepting, declining, shipping, delivering.

use domain::job::Derived;
use domain::order::{
    Actor, GrantedRefund, History, HistoryEvent, NewParcel, ParcelLine, ParcelState, ParcelStep, PlacedOrder,
    VendorOrder, VendorOrderId, VendorOrderState,
};
use domain::returns::ReturnState;
use domain::text::{Line, Note, Search, SearchText};
use domain::vendor::{Member, Permission};
use domain::{Call, Code, Money, OrderNumber, Outcome, PageRequest, Period, Refusal, Slice, Timestamp, VendorId};
use serde::Deserialize;
use store::Decision;
use store::orders::FindVendorOrders;
use utoipa::ToSchema;

use crate::desk::load_opened;
use crate::{Desk, Done, Error};

/// A vendor order of the member's vendor, in its order.
#[derive(Clone, Debug)]
pub struct OwnVendorOrder {
    pub placed: PlacedOrder,
    pub vendor_order: VendorOrder,
}

/// Which of a vendor's vendor orders are listed.
#[derive(Clone, Debug, Default)]
pub struct ListVendorOrders {
    pub state: Option<VendorOrderState>,
    /// When their orders were placed.
    pub placed: Period,
    /// An order's number, or words of its lines and parcel.
    pub text: Option<SearchText>,
}

/// The parcel with which a vendor order is shipped, or a part of it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipOrder {
    /// The name of the carrier.
    #[serde(default, deserialize_with = "domain::text::optional")]
    pub carrier: Option<Line>,
    /// The carrier's tracking number of the parcel.
    #[serde(default, deserialize_with = "domain::text::optional")]
    pub tracking_number: Option<Line>,
    /// What is in the parcel; without it, all that is left to ship.
    #[schema(min_items = 1, max_items = 40)]
    #[serde(default)]
    pub lines: Option<Vec<ParcelLine>>,
}

impl From<ShipOrder> for NewParcel {
    fn from(asked: ShipOrder) -> Self {
        Self { carrier: asked.carrier, tracking_number: asked.tracking_number, lines: asked.lines }
    }
}

/// What a vendor does with a parcel that came back.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnedParcel {
    /// Whether its goods can be bought again.
    #[serde(default)]
    pub restock: bool,
}

/// What a vendor gives back of their own accord: `lines` and `shipping`, or an `amount`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantOwnRefund {
    /// Units that were shipped, whose shares go back. The buyer keeps the goods.
    #[serde(default)]
    #[schema(max_items = 40)]
    pub lines: Vec<ParcelLine>,
    /// Whether what the delivery cost goes back as well.
    #[serde(default)]
    pub shipping: bool,
    /// An amount that belongs to no units, as goodwill.
    #[serde(default)]
    #[schema(nullable = false)]
    pub amount: Option<Money>,
    /// Why, 1 to 500 characters. The buyer is told.
    pub reason: Note,
}

impl From<GrantOwnRefund> for GrantedRefund {
    fn from(asked: GrantOwnRefund) -> Self {
        let GrantOwnRefund { lines, shipping, amount, reason } = asked;
        Self { vendor: None, lines, shipping, amount, note: Some(reason) }
    }
}

/// Why goods are not taken back.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclineReturn {
    /// The reason, 1 to 500 characters. The buyer is told.
    pub reason: Note,
}

/// What a vendor does with a vendor order.
#[derive(Clone, Debug)]
pub enum Action {
    Accept,
    Decline,
    Ship(NewParcel),
    Deliver,
    EndParcel {
        /// The parcel's number within the vendor order, counted from 1.
        number: u16,
        step: ParcelStep,
        /// Whether the goods of a parcel that came back can be bought again.
        restock: bool,
    },
    /// Gives money back of the vendor's own accord.
    Grant(GrantedRefund),
    /// With the return's number within the vendor order, counted from 1.
    ApproveReturn(u16),
    DeclineReturn(u16, Note),
    ReceiveReturn {
        number: u16,
        /// Whether its goods can be bought again.
        restock: bool,
    },
}

impl Action {
    /// Whether the vendor order is in the state to which this action of the vendor leads.
    fn is_done(&self, vendor_order: &VendorOrder, history: &[History]) -> bool {
        let has = |state| vendor_order.parcels.iter().any(|parcel| parcel.state == state);
        match self {
            Self::Accept => vendor_order.state == VendorOrderState::Accepted,
            // Declining an accepted vendor order cancels what is left of it. Buyers can cancel too, so the history
            // must say who did.
            Self::Decline => {
                vendor_order.state == VendorOrderState::Declined
                    || (vendor_order.lines.iter().any(|line| line.cancelled > 0)
                        && cancelled_by(vendor_order.vendor.id, history) == Some(Actor::Vendor))
            }
            Self::Ship(parcel) if parcel.lines.is_some() => vendor_order.has_shipped_as(parcel),
            // Once something was cancelled, a vendor who ships "the rest" has to be told that there is none.
            Self::Ship(parcel) => {
                let is_whole = vendor_order.lines.iter().all(|line| line.cancelled == 0);
                vendor_order.state == VendorOrderState::Shipped && (is_whole || vendor_order.has_shipped_as(parcel))
            }
            Self::Deliver => {
                vendor_order.state == VendorOrderState::Delivered
                    || (vendor_order.state == VendorOrderState::PartiallyShipped
                        && has(ParcelState::Delivered)
                        && !has(ParcelState::Shipped))
            }
            Self::EndParcel { number, step, restock } => vendor_order
                .parcel(*number)
                .is_some_and(|parcel| parcel.state == step.leads_to() && (!restock || parcel.restocked)),
            // Two that are equal are two: a repeat is known by its key.
            Self::Grant(_) => false,
            Self::ApproveReturn(number) => is_return_in(vendor_order, *number, &[ReturnState::Approved]),
            Self::DeclineReturn(number, _) => is_return_in(vendor_order, *number, &[ReturnState::Declined]),
            Self::ReceiveReturn { number, restock } => {
                is_return_in(vendor_order, *number, &[ReturnState::Received, ReturnState::Refunded])
                    && (!restock || vendor_order.return_with(*number).is_some_and(|asked| asked.restocked))
            }
        }
    }

    const fn permission(&self) -> Permission {
        match self {
            Self::Accept | Self::Decline | Self::Grant(_) => Permission::DecideOrders,
            Self::Ship(_)
            | Self::Deliver
            | Self::EndParcel { .. }
            | Self::ApproveReturn(_)
            | Self::DeclineReturn(..)
            | Self::ReceiveReturn { .. } => Permission::FulfilOrders,
        }
    }

    /// Refuses what could not be told from another one like it when it is repeated: two parcels with one bowl each are
    /// two.
    fn check_can_be_repeated(&self, has_key: bool) -> Result<(), Refusal> {
        match self {
            Self::Ship(NewParcel { lines: Some(_), tracking_number: None, .. }) if !has_key => {
                let detail = "a parcel with lines needs a tracking number or an idempotency key";
                Err(Refusal::because(Code::IdempotencyKeyMissing, detail))
            }
            _ => Ok(()),
        }
    }

    fn apply(&self, placed: &mut PlacedOrder, vendor: VendorId, now: Timestamp) -> Result<(), Refusal> {
        let mut ids = platform::ids(now);
        match self {
            Self::Accept => placed.accept(vendor, &mut ids),
            Self::Decline => placed.decline(vendor, &mut ids),
            Self::Ship(parcel) => placed.ship(vendor, parcel, &mut ids),
            Self::Deliver => placed.deliver(vendor, &mut ids),
            Self::EndParcel { number, step, restock } => placed.end_parcel(vendor, *number, *step, *restock, &mut ids),
            Self::Grant(asked) => {
                let own = GrantedRefund { vendor: Some(vendor), ..asked.clone() };
                placed.grant_refund(&own, Actor::Vendor, &mut ids)
            }
            Self::ApproveReturn(number) => placed.approve_return(vendor, *number, Actor::Vendor, &mut ids),
            Self::DeclineReturn(number, reason) => {
                placed.decline_return(vendor, *number, reason, Actor::Vendor, &mut ids)
            }
            Self::ReceiveReturn { number, restock } => {
                placed.receive_return(vendor, *number, *restock, Actor::Vendor, &mut ids)
            }
        }
    }
}

/// Whether a return is in one of these states.
fn is_return_in(vendor_order: &VendorOrder, number: u16, states: &[ReturnState]) -> bool {
    vendor_order.return_with(number).is_some_and(|asked| states.contains(&asked.state))
}

/// Who cancelled the vendor order last.
fn cancelled_by(vendor: VendorId, history: &[History]) -> Option<Actor> {
    history
        .iter()
        .rev()
        .find(|line| line.vendor == Some(vendor) && line.event == HistoryEvent::Cancelled)
        .map(|line| line.by)
}

/// The vendor order in its order. Another vendor's, or one that is not visible yet, is answered like a missing one.
fn own(placed: PlacedOrder, id: VendorOrderId, vendor: VendorId) -> Result<OwnVendorOrder, Refusal> {
    let is_own = |vendor_order: &&VendorOrder| vendor_order.id() == id && vendor_order.visible;
    let vendor_order = placed.vendor_order(vendor).filter(is_own).cloned();
    let vendor_order = vendor_order.ok_or_else(|| Refusal::of(Code::NotFound))?;
    Ok(OwnVendorOrder { placed, vendor_order })
}

impl Desk {
    /// Those of the vendor's orders, newest first. One appears once its order is paid, or is payable on delivery.
    ///
    /// A text that reads as the number of one of them finds that one, however old it is.
    pub async fn vendor_orders(
        &self,
        member: &Member,
        asked: &ListVendorOrders,
        page: &PageRequest,
    ) -> Result<Slice<VendorOrder>, Error> {
        member.may(Permission::ReadOrders)?;
        let ListVendorOrders { state, placed, text } = asked;
        let find = FindVendorOrders { state: *state, placed: *placed, search: None };
        let number = text.as_ref().and_then(|text| OrderNumber::parse(text.as_str()));
        if let (Some(number), None) = (number, &page.cursor) {
            let items = self.orders.of_vendor_with_number(member.vendor(), &number, &find).await?;
            if !items.is_empty() {
                return Ok(Slice { items, next: None });
            }
        }
        let find = FindVendorOrders { search: text.as_ref().map(Search::from), ..find };
        let is_relisted = state.is_some() && self.lists_are_whole().await?;
        Ok(self.orders.of_vendor(member.vendor(), &find, is_relisted, page).await?)
    }

    /// Whether all vendor orders have their places in the lists by state: those of earlier releases get them by a
    /// rebuild. Where it never ran, it is not known.
    pub(crate) async fn lists_are_whole(&self) -> Result<bool, Error> {
        Ok(self.catalog.is_rebuilt(Derived::OrderLists).await?)
    }

    /// A vendor order with what is needed to ship it.
    pub async fn vendor_order(&self, member: &Member, id: VendorOrderId) -> Result<OwnVendorOrder, Error> {
        member.may(Permission::ReadOrders)?;
        let placed = load_opened(&self.orders, &self.persons, id.order).await?;
        Ok(own(placed, id, member.vendor())?)
    }

    /// Applies an action to a vendor order. One that was applied already changes nothing, so that a repeat without an
    /// idempotency key is harmless.
    pub async fn act_on_vendor_order<R>(
        &self,
        member: &Member,
        id: VendorOrderId,
        action: &Action,
        call: Call<'_, OwnVendorOrder, R>,
    ) -> Done<R> {
        let now = call.at();
        member.may(action.permission())?;
        action.check_can_be_repeated(call.request().is_some())?;
        if matches!(action, Action::Grant(_)) && !self.settings.current().await?.vendor_refunds {
            let detail = "the operator does not allow vendors to give money back";
            return Err(Refusal::because(Code::Forbidden, detail).into());
        }
        let vendor = member.vendor();
        let decide = |placed: PlacedOrder| async {
            let OwnVendorOrder { mut placed, vendor_order } = own(placed, id, vendor)?;
            if !action.is_done(&vendor_order, &placed.history) {
                action.apply(&mut placed, vendor, now)?;
            }
            Ok::<_, Error>(Decision::Write(placed, ()))
        };
        let respond = |placed: &PlacedOrder, (): &()| call.answer_unstored(&own(placed.clone(), id, vendor)?);
        let load = || load_opened(&self.orders, &self.persons, id.order);
        let work = async { self.orders.change(load().await?, decide, respond).await };
        match self.orders.once(call.request(), work).await? {
            Outcome::Repeated(None) => Ok(call.again(&own(load().await?, id, vendor)?)?),
            outcome => Ok(outcome),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
