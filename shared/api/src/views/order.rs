//! Orders on the wire: as buyers, vendors and the operator see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use domain::address::Address;
use domain::catalog::SaleUnit;
use domain::contact::Contact;
use domain::order::{
    Actor, History, HistoryEvent, OrderLine, OrderState, Parcel, ParcelLine, ParcelState, PlacedOrder, Shipment,
    VendorOrder, VendorOrderId, VendorOrderState,
};
use domain::payment::{Action, PaymentState, ProviderName, Refund, RefundReason, RefundState};
use domain::pricing::{ChosenShipping, Totals};
use domain::return_policy::ReturnPolicy;
use domain::text::{Email, Line, Name};
use domain::{Currency, DisputeId, Money, OrderId, PaymentId, RefundId, Timestamp, VariantId, VendorId};

/// A vendor, as an order names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorRef {
    /// Id of the vendor.
    pub id: VendorId,
    /// Name of the shop.
    pub name: Name,
}

/// A line of a vendor order, with the price that was agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLineView {
    /// Id of the variant.
    pub variant_id: VariantId,
    /// The product's title with the variant's values, when the order was placed.
    #[schema(examples("Blue bowl, M"))]
    pub title: String,
    /// The vendor's stock keeping unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("BOWL-BLUE-M"))]
    pub sku: Option<String>,
    /// What one unit is, when it is sold by measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sale_unit: Option<SaleUnit>,
    /// Number of units.
    pub quantity: u32,
    /// The price of one unit.
    pub unit_price: Money,
    /// Quantity times unit price.
    pub total: Money,
    /// How many of its units were cancelled or declined.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cancelled: u32,
    /// How many of its units were shipped.
    #[serde(default, skip_serializing_if = "is_none")]
    pub shipped: u32,
    /// How many of its units were returned.
    #[serde(default, skip_serializing_if = "is_none")]
    pub returned: u32,
    /// How many of its units are refunded, or are to be, or were never paid.
    #[serde(default, skip_serializing_if = "is_none")]
    pub refunded: u32,
    /// What holds when it is to be returned; absent in orders of before 2026-12-02.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub returns: Option<ReturnPolicy>,
    /// Whether units have to come in before the line can be shipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backorder: bool,
    /// When these units are expected, if the vendor has set a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub available_from: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_none(units: &u32) -> bool {
    *units == 0
}

impl From<&OrderLine> for OrderLineView {
    fn from(line: &OrderLine) -> Self {
        Self {
            variant_id: line.variant,
            title: line.title.clone(),
            sku: line.sku.clone(),
            sale_unit: line.sale_unit,
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.total,
            cancelled: line.cancelled,
            shipped: line.shipped,
            returned: line.returned,
            refunded: line.refunded,
            returns: line.returns,
            backorder: line.backorder.is_some(),
            available_from: line.backorder.and_then(|backorder| backorder.available_from),
        }
    }
}

/// A parcel of a vendor order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParcelView {
    /// Its number within the vendor order, counted from 1.
    pub number: u16,
    /// State of the parcel.
    pub state: ParcelState,
    /// What is in it.
    pub lines: Vec<ParcelLine>,
    /// Carrier, as the vendor names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub carrier: Option<Line>,
    /// The carrier's tracking number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tracking_number: Option<Line>,
    /// When it was shipped.
    pub shipped_at: Timestamp,
    /// When it was delivered, given up, or came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<Timestamp>,
    /// What the carrier collects for it, of an order that is payable on delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub due: Option<Money>,
    /// Whether its goods came back and can be bought again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restocked: bool,
}

fn parcels(vendor_order: &VendorOrder) -> Vec<ParcelView> {
    let view = |(number, parcel): (u16, &Parcel)| ParcelView {
        number,
        state: parcel.state,
        lines: vendor_order
            .lines
            .iter()
            .zip(&parcel.units)
            .filter(|(_, units)| **units > 0)
            .map(|(line, units)| ParcelLine { variant_id: line.variant, quantity: *units })
            .collect(),
        carrier: parcel.carrier.clone(),
        tracking_number: parcel.tracking_number.clone(),
        shipped_at: parcel.shipped_at,
        ended_at: parcel.ended_at,
        due: parcel.due,
        restocked: parcel.restocked,
    };
    (1..).zip(&vendor_order.parcels).map(view).collect()
}

/// One vendor's part of an order, as its buyer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorOrderView {
    /// Id of the vendor order: `vor_`, the order's id without its prefix, `_`, and a number counted from 1.
    #[schema(value_type = VendorOrderId)]
    pub id: String,
    /// The vendor.
    pub vendor: VendorRef,
    /// State of the vendor order.
    pub state: VendorOrderState,
    /// Lines of the vendor order.
    pub lines: Vec<OrderLineView>,
    /// The chosen delivery.
    pub shipping: ChosenShipping,
    /// Sums, with its own delivery and tax.
    pub totals: Totals,
    /// Its parcels, in the order in which they were shipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<ParcelView>,
    /// The last of its parcels; absent until one is shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shipment: Option<Shipment>,
}

impl From<&VendorOrder> for VendorOrderView {
    fn from(vendor_order: &VendorOrder) -> Self {
        Self {
            id: vendor_order.id().to_string(),
            vendor: VendorRef { id: vendor_order.vendor.id, name: vendor_order.vendor.name.clone() },
            state: vendor_order.state,
            lines: vendor_order.lines.iter().map(OrderLineView::from).collect(),
            shipping: vendor_order.shipping.clone(),
            totals: vendor_order.totals,
            parcels: parcels(vendor_order),
            shipment: vendor_order.parcels.last().map(Shipment::from),
        }
    }
}

/// The payment attempt that counts now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentView {
    /// Id of the payment attempt.
    pub id: PaymentId,
    /// The payment provider.
    pub provider: ProviderName,
    /// State of the payment attempt.
    pub state: PaymentState,
    /// The amount that is asked for.
    pub amount: Money,
    /// What the buyer's client has to do next; absent when there is nothing to do any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub action: Option<Action>,
}

/// A refund of a payment, or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefundView {
    /// Id of the refund.
    pub id: RefundId,
    /// The amount to refund, including what was charged back.
    pub amount: Money,
    /// State of the refund.
    pub state: RefundState,
    /// Why money is refunded.
    pub reason: RefundReason,
    /// The vendor whose vendor order is refunded; absent when it is not about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub vendor_id: Option<VendorId>,
    /// When the buyer's bank sent the money back after the refund had succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub returned_at: Option<Timestamp>,
    /// The part of `amount` that the buyer's bank has charged back: only the rest is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub charged_back: Option<Money>,
    /// The part of `amount` that was given back at the provider's dashboard: only the rest is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refunded_elsewhere: Option<Money>,
    /// The dispute that decides about this money, or has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dispute_id: Option<DisputeId>,
    /// The provider's id of the refund; only the operator sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("re_3Qx7Yb2eZvKYlo2C"))]
    pub reference: Option<String>,
}

impl From<&Refund> for RefundView {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id,
            amount: refund.amount,
            state: refund.state,
            reason: refund.reason,
            vendor_id: refund.vendor,
            returned_at: refund.returned_at,
            charged_back: refund.charged_back,
            refunded_elsewhere: refund.refunded_elsewhere,
            dispute_id: refund.dispute,
            reference: None,
        }
    }
}

/// An entry of an order's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryView {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: HistoryEvent,
    /// Who did it.
    pub by: Actor,
    /// The vendor whose vendor order it concerns; absent when it concerns the whole order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub vendor_id: Option<VendorId>,
    /// The number of the parcel that it concerns, within the vendor order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parcel: Option<u16>,
}

impl From<&History> for HistoryView {
    fn from(history: &History) -> Self {
        // Other subjects are not shown: the provider's ids are for the operator only.
        let (event, parcel) = (history.event.clone(), history.parcel());
        Self { at: history.at, event, by: history.by, vendor_id: history.vendor, parcel }
    }
}

/// An order, as its buyer and the operator see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// Id of the order.
    pub id: OrderId,
    /// Order number for people, such as `7R0QK-2M9XD`. It is not guaranteed to be unique.
    #[schema(examples("7HQ2K-9XY4M"))]
    pub number: String,
    /// The token that gives a guest access to the order; only in the response to a checkout. Send it in the header
    /// `Order-Token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("q1FZ7y2uXb0m5tCw8rJv3KdPa6sNe9LhTgUo4iRxEzc"))]
    pub token: Option<String>,
    /// State of the order.
    pub state: OrderState,
    /// How the buyer is reached; empty once the buyer's data was erased.
    pub contact: Contact,
    /// The same e-mail address as in `contact`; absent once the buyer's data was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<Email>,
    /// Whether no mail reaches that address: one bounced, or was reported as spam. A checkout does not tell.
    #[serde(default)]
    pub undeliverable: bool,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Sums over all vendor orders.
    pub totals: Totals,
    /// When the order was placed.
    pub placed_at: Timestamp,
    /// When the order expires unless it is paid; absent when it waits for no payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<Timestamp>,
    /// Delivery address; absent once the buyer's data was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub address: Option<Address>,
    /// One vendor order per vendor.
    pub vendors: Vec<VendorOrderView>,
    /// The payment attempt that counts now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub payment: Option<PaymentView>,
    /// Refunds of the order's payments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<RefundView>,
    /// Entries of the history, oldest first.
    pub history: Vec<HistoryView>,
}

impl OrderView {
    /// The order, whose address is suppressed or not.
    pub fn new(placed: &PlacedOrder, suppressed: bool) -> Self {
        let shown = Self::from(placed);
        Self { undeliverable: shown.undeliverable || suppressed, ..shown }
    }
}

impl From<&PlacedOrder> for OrderView {
    fn from(placed: &PlacedOrder) -> Self {
        let (order, person) = (&placed.order, placed.person.as_ref());
        let email = person.map(|person| person.email.clone());
        let waits = order.state == OrderState::AwaitingPayment;
        Self {
            id: order.id,
            number: order.id.number(),
            token: None,
            state: order.state,
            contact: Contact { email: email.clone(), phone: person.and_then(|person| person.phone.clone()) },
            undeliverable: email.as_ref().is_some_and(|email| !email.can_be_mailed()),
            email,
            currency: order.currency,
            totals: order.totals,
            placed_at: order.placed_at,
            expires_at: order.due_at.filter(|_| waits),
            address: person.map(|person| person.address.clone()),
            vendors: placed.vendors.iter().map(VendorOrderView::from).collect(),
            payment: placed.payment().map(|payment| PaymentView {
                id: payment.id,
                provider: payment.provider,
                state: payment.state,
                amount: payment.amount,
                // A secret of the provider's is shown only while it can be used.
                action: payment.action.clone().filter(|_| waits || order.state == OrderState::Confirmed),
            }),
            refunds: placed.refunds.iter().map(RefundView::from).collect(),
            history: placed.history.iter().map(HistoryView::from).collect(),
        }
    }
}

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
