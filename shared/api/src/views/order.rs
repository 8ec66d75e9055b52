//! Orders on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Actor, History, HistoryEvent, OrderLine, OrderState, PlacedOrder, Shipment, VendorOrder, VendorOrderState,
};
use crate::address::Address;
use crate::dispute::{Dispute, DisputeState};
use crate::payment::{Action, Payment, PaymentState, ProviderName, Refund, RefundReason, RefundState};
use crate::pricing::{ChosenShipping, Totals};
use crate::text::{Email, Name};
use crate::{Currency, DisputeId, Money, OrderId, PaymentId, RefundId, Timestamp, VariantId, VendorId};

/// A seller as an order names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorRef {
    /// Id.
    pub id: VendorId,
    /// Name.
    pub name: Name,
}

/// A line of a sub-order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLineView {
    /// Which variant.
    pub variant_id: VariantId,
    /// What it was called when it was ordered.
    pub title: String,
    /// The seller's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Units.
    pub quantity: u32,
    /// The price of one unit.
    pub unit_price: Money,
    /// Quantity times price.
    pub total: Money,
    /// Whether some of it has to come in first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backorder: bool,
    /// When that is expected, if the seller said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_from: Option<Timestamp>,
}

impl From<&OrderLine> for OrderLineView {
    fn from(line: &OrderLine) -> Self {
        Self {
            variant_id: line.variant,
            title: line.title.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.total,
            backorder: line.backorder.is_some(),
            available_from: line.backorder.and_then(|backorder| backorder.available_from),
        }
    }
}

/// One vendor's order out of an order, as its buyer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorOrderView {
    /// Id of the sub-order.
    pub id: String,
    /// Who sells.
    pub vendor: VendorRef,
    /// Where it stands.
    pub state: VendorOrderState,
    /// Lines.
    pub lines: Vec<OrderLineView>,
    /// How it is delivered.
    pub shipping: ChosenShipping,
    /// Sums.
    pub totals: Totals,
    /// The parcel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
            shipment: vendor_order.shipment.clone(),
        }
    }
}

/// The attempt at paying that counts now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentView {
    /// Id.
    pub id: PaymentId,
    /// Who moves the money.
    pub provider: ProviderName,
    /// Where it stands.
    pub state: PaymentState,
    /// What is to be paid.
    pub amount: Money,
    /// What the buyer's client does next, while something is to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

/// Money on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefundView {
    /// Id.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: RefundState,
    /// Why.
    pub reason: RefundReason,
    /// For whose vendor order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<VendorId>,
    /// When the buyer's bank sent it back although it had succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Timestamp>,
    /// How much of it the buyer's bank has given instead; only the rest is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged_back: Option<Money>,
    /// The dispute that decides about this money, or has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute_id: Option<DisputeId>,
    /// The provider's name for it; only the operator sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
            dispute_id: refund.dispute,
            reference: None,
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryView {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: HistoryEvent,
    /// Who.
    pub by: Actor,
    /// Whose vendor order it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<VendorId>,
}

impl From<&History> for HistoryView {
    fn from(history: &History) -> Self {
        // What a provider calls something is between it and the operator: the subject is not shown.
        Self { at: history.at, event: history.event.clone(), by: history.by, vendor_id: history.vendor }
    }
}

/// An order, as its buyer and the operator see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// Id.
    pub id: OrderId,
    /// The number that people read to each other.
    pub number: String,
    /// The guest's key to the order, only in the answer to checkout. Send it in the header `Order-Token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Where it stands.
    pub state: OrderState,
    /// Where news for the buyer goes.
    pub email: Email,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Sums.
    pub totals: Totals,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Until when it waits for its money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Where the goods go.
    pub address: Address,
    /// One vendor order per vendor.
    pub vendors: Vec<VendorOrderView>,
    /// The attempt at paying that counts now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentView>,
    /// Money on its way back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<RefundView>,
    /// What happened, oldest first.
    pub history: Vec<HistoryView>,
}

impl From<&PlacedOrder> for OrderView {
    fn from(placed: &PlacedOrder) -> Self {
        let order = &placed.order;
        let waits = order.state == OrderState::AwaitingPayment;
        Self {
            id: order.id,
            number: order.id.number(),
            token: None,
            state: order.state,
            email: order.email.clone(),
            currency: order.currency,
            totals: order.totals,
            placed_at: order.placed_at,
            expires_at: order.due_at.filter(|_| waits),
            address: order.address.clone(),
            vendors: placed.vendors.iter().map(VendorOrderView::from).collect(),
            payment: placed.payment().map(|payment| PaymentView {
                id: payment.id,
                provider: payment.provider,
                state: payment.state,
                amount: payment.amount,
                // A secret of the provider's is shown only while it is of use.
                action: payment.action.clone().filter(|_| waits || order.state == OrderState::Confirmed),
            }),
            refunds: placed.refunds.iter().map(RefundView::from).collect(),
            history: order.history.iter().map(HistoryView::from).collect(),
        }
    }
}

/// An attempt at paying, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperatorPaymentView {
    /// Id.
    pub id: PaymentId,
    /// Which order.
    pub order_id: OrderId,
    /// Who moves the money.
    pub provider: ProviderName,
    /// Where it stands.
    pub state: PaymentState,
    /// What is to be paid.
    pub amount: Money,
    /// What came, when something came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Money>,
    /// The provider's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Why it failed, in the provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<&Payment> for OperatorPaymentView {
    fn from(payment: &Payment) -> Self {
        Self {
            id: payment.id,
            order_id: payment.order,
            provider: payment.provider,
            state: payment.state,
            amount: payment.amount,
            captured: payment.captured,
            reference: payment.reference.clone(),
            failure: payment.failure.clone(),
            created_at: payment.created_at,
        }
    }
}

/// A dispute, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DisputeView {
    /// Id.
    pub id: DisputeId,
    /// About which attempt at paying.
    pub payment_id: PaymentId,
    /// The provider's name for it.
    pub reference: String,
    /// How much; nothing when it is no amount that can be expressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Where it stands.
    pub state: DisputeState,
    /// What the buyer's bank says is wrong.
    pub reason: String,
    /// When it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
}

impl From<&Dispute> for DisputeView {
    fn from(dispute: &Dispute) -> Self {
        Self {
            id: dispute.id,
            payment_id: dispute.payment,
            reference: dispute.reference.clone(),
            amount: dispute.amount,
            state: dispute.state,
            reason: dispute.reason.clone(),
            opened_at: dispute.opened_at,
            closed_at: dispute.closed_at,
        }
    }
}

/// An order with everything that only the operator sees: every attempt, disputes, and the provider's names for things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperatorOrderView {
    /// What its buyer sees.
    #[serde(flatten)]
    pub order: OrderView,
    /// Every attempt at paying.
    pub payments: Vec<OperatorPaymentView>,
    /// Money that the buyer's bank wants back.
    pub disputes: Vec<DisputeView>,
}

impl From<&PlacedOrder> for OperatorOrderView {
    fn from(placed: &PlacedOrder) -> Self {
        let mut order = OrderView::from(placed);
        // How to pay is the buyer's business: it may carry a secret of the provider's.
        if let Some(payment) = &mut order.payment {
            payment.action = None;
        }
        for (shown, refund) in order.refunds.iter_mut().zip(&placed.refunds) {
            shown.reference.clone_from(&refund.reference);
        }
        Self {
            order,
            payments: placed.payments.iter().map(OperatorPaymentView::from).collect(),
            disputes: placed.disputes.iter().map(DisputeView::from).collect(),
        }
    }
}

/// A sub-order, as its seller sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorOrderDeskView {
    /// Id of the sub-order.
    pub id: String,
    /// The order it belongs to.
    pub order_id: OrderId,
    /// The number that people read to each other.
    pub number: String,
    /// Where it stands.
    pub state: VendorOrderState,
    /// Lines.
    pub lines: Vec<OrderLineView>,
    /// How it is delivered.
    pub shipping: ChosenShipping,
    /// Sums.
    pub totals: Totals,
    /// What the operator keeps.
    pub commission: Money,
    /// When the order was placed.
    pub placed_at: Timestamp,
    /// The parcel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<Shipment>,
    /// Where the goods go; only on the page of one sub-order, and only as long as something is sent there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// How the order is paid; only on the page of one sub-order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<VendorPaymentView>,
    /// What happened to this vendor order; only on the page of one sub-order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryView>,
}

/// What a seller learns of the payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VendorPaymentView {
    /// Who moves the money.
    pub provider: ProviderName,
    /// Where the order stands.
    pub order_state: OrderState,
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
            shipment: vendor_order.shipment.clone(),
            address: None,
            payment: None,
            history: Vec::new(),
        }
    }
}

impl VendorOrderDeskView {
    /// One vendor order with what it needs to send it.
    pub fn of(placed: &PlacedOrder, vendor_order: &VendorOrder) -> Self {
        let mine = |history: &&History| history.vendor.is_none_or(|vendor| vendor == vendor_order.vendor.id);
        Self {
            address: (!vendor_order.state.is_cancelled_or_declined()).then(|| placed.order.address.clone()),
            payment: Some(VendorPaymentView { provider: placed.order.provider, order_state: placed.order.state }),
            history: placed.order.history.iter().filter(mine).map(HistoryView::from).collect(),
            ..Self::from(vendor_order)
        }
    }
}
