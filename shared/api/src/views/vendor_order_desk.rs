//! Vendor orders on the wire, as their vendors see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use domain::address::Address;
use domain::order::{History, OrderState, PlacedOrder, Shipment, VendorOrder, VendorOrderId, VendorOrderState};
use domain::payment::ProviderName;
use domain::pricing::{ChosenShipping, Totals};
use domain::{Money, OrderId, Timestamp};

use super::order::HistoryView;
use super::vendor_order::{OrderLineView, ParcelView, ReturnView, parcels, returns};

/// A vendor order, as its vendor sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorOrderDeskView {
    /// Id of the vendor order: `vor_`, the order's id without its prefix, `_`, and a number counted from 1.
    #[schema(value_type = VendorOrderId)]
    pub id: String,
    /// Id of the order that it is a part of.
    pub order_id: OrderId,
    /// Order number for people, such as `7R0QK-2M9XD`. It is not guaranteed to be unique.
    #[schema(examples("7HQ2K-9XY4M"))]
    pub number: String,
    /// State of the vendor order.
    pub state: VendorOrderState,
    /// Lines of the vendor order.
    pub lines: Vec<OrderLineView>,
    /// The chosen delivery.
    pub shipping: ChosenShipping,
    /// Sums, with its own delivery and tax.
    pub totals: Totals,
    /// The operator's commission.
    pub commission: Money,
    /// When the order was placed.
    pub placed_at: Timestamp,
    /// Its parcels, in the order in which they were shipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<ParcelView>,
    /// What the buyer gives back, in the order in which it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<ReturnView>,
    /// Until when something that was delivered can be given back; absent when nothing can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub returnable_until: Option<Timestamp>,
    /// By when the vendor has to take the next step: to accept, or to ship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub due_at: Option<Timestamp>,
    /// The last of its parcels; absent until one is shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shipment: Option<Shipment>,
    /// Delivery address; only when one vendor order is read, and not after it was cancelled or declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub address: Option<Address>,
    /// How the order is paid; only when one vendor order is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub payment: Option<VendorPaymentView>,
    /// History of this vendor order, oldest first; only when one vendor order is read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryView>,
}

/// The payment of an order, as a vendor sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorPaymentView {
    /// The payment provider.
    pub provider: ProviderName,
    /// State of the order, which says whether it is paid.
    pub order_state: OrderState,
    /// Whether the buyer's bank decides about the payment: nothing may be accepted or shipped until then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
}

impl From<&VendorOrder> for VendorOrderDeskView {
    fn from(vendor_order: &VendorOrder) -> Self {
        Self {
            id: vendor_order.id().to_string(),
            order_id: vendor_order.order,
            number: vendor_order.order.number(),
            state: vendor_order.state,
            lines: vendor_order.lines.iter().map(OrderLineView::from).collect(),
            shipping: vendor_order.shipping.clone(),
            totals: vendor_order.totals,
            commission: vendor_order.commission,
            placed_at: vendor_order.placed_at,
            parcels: parcels(vendor_order),
            returns: returns(vendor_order),
            returnable_until: vendor_order.returnable_until(),
            due_at: vendor_order.due_at(),
            shipment: vendor_order.parcels.last().map(Shipment::from),
            address: None,
            payment: None,
            history: Vec::new(),
        }
    }
}

impl VendorOrderDeskView {
    /// One vendor order with the address, the payment and its history.
    pub fn of(placed: &PlacedOrder, vendor_order: &VendorOrder) -> Self {
        let mine = |history: &&History| history.vendor.is_none_or(|vendor| vendor == vendor_order.vendor.id);
        let shown = placed.person.as_ref().filter(|_| !vendor_order.state.is_cancelled_or_declined());
        Self {
            address: shown.map(|person| person.address.clone()),
            payment: Some(VendorPaymentView {
                provider: placed.order.provider,
                order_state: placed.order.state,
                disputed: placed.is_held(),
            }),
            history: placed.history.iter().filter(mine).map(HistoryView::from).collect(),
            ..Self::from(vendor_order)
        }
    }
}
