//! Orders: one per checkout, with a vendor order per vendor, payment attempts, refunds and disputes; and their states.

mod amounts;
mod changes;
mod confirmation;
mod counts;
mod disputes;
mod following;
mod fulfilment;
mod fulfilment_times;
mod gone_money;
mod history;
mod operator;
mod parcels;
mod place;
#[cfg(test)]
mod properties;
mod refund_decisions;
mod refund_limit;
mod refund_requests;
mod refunds;
mod returns;
mod settle;
mod slow;
mod states;
mod terms;
mod token_time;
mod vendor_deadlines;
mod vendor_order;
mod vendor_order_id;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::changes::{Deadlines, LatePayment};
pub use self::confirmation::Confirmation;
pub use self::disputes::DISPUTE_RETRY_INTERVAL;
pub use self::fulfilment_times::FulfilmentTimes;
pub use self::history::{History, HistoryEvent};
pub use self::parcels::{NewParcel, Parcel, ParcelLine, ParcelState, ParcelStep, Shipment};
pub use self::place::{PlaceError, PlaceOrder, place};
pub use self::refund_decisions::GrantedRefund;
pub use self::refund_requests::RefusedRefund;
pub use self::settle::Settled;
pub use self::states::{OrderState, OrderStep, VendorOrderState, VendorOrderStep};
pub use self::terms::{Parts, Person, Terms};
pub use self::vendor_deadlines::Lapse;
pub use self::vendor_order::{OrderLine, VendorOrder};
pub use self::vendor_order_id::VendorOrderId;

use crate::cart::Cart;
use crate::dispute::Dispute;
use crate::id_source::Ids;
use crate::payment::{Payment, ProviderName, Refund};
use crate::pricing::Totals;
use crate::sealed::KeyOwner;
use crate::stored::Kept;
use crate::{CartId, Currency, EventId, LookUp, Money, OrderId, PaymentId, Timestamp, UserId, VariantId, VendorId};

/// Who made a change to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The buyer, or a guest with the order's token.
    Buyer,
    /// A member of the vendor.
    Vendor,
    /// The payment provider.
    Provider,
    /// A member of the operator's staff.
    #[serde(alias = "admin")]
    Operator,
    /// A deadline, or a consequence of another change.
    System,
    /// A actor that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// The head of an order: without its terms, history, vendor orders, payment attempts, refunds and disputes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub state: OrderState,
    /// The cart that was ordered.
    pub cart: CartId,
    /// The buyer; nothing for a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<UserId>,
    /// What the buyer's e-mail address is looked up by: it names the set of their unpaid orders. Nothing in orders of
    /// releases before 2026-12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<LookUp>,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Sums over all vendor orders.
    pub totals: Totals,
    /// The payment attempt that counts now: the latest, or the one that paid.
    pub payment: PaymentId,
    /// The provider of that attempt.
    pub provider: ProviderName,
    /// When the order was placed.
    pub placed_at: Timestamp,
    /// When the order expires unless it is paid; nothing when it has no deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// The code that it waits for while it is not confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// The language of messages to whoever has ordered, as a BCP 47 tag; nothing when they have told none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The versions of its other items; nothing as long as only an earlier release has written it, whose heads held
    /// person and history, and which did not write the head with every change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// An outbox event about an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// A consumer that has processed this id does not process it again.
    pub id: EventId,
    pub kind: OrderEventKind,
    pub order: OrderId,
    /// The vendor of the vendor order that it concerns; nothing when it concerns the whole order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<VendorId>,
    /// The number of the parcel that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parcel: Option<u16>,
    /// The number of the return that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_number: Option<u16>,
    pub at: Timestamp,
}

/// What happened to the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderEventKind {
    /// Placed; its payment is awaited.
    OrderPlaced,
    /// Placed, payable on delivery; a code was made with which its guest confirms it.
    ConfirmationAsked,
    /// Payable on delivery, by somebody with a proven address: vendors may begin.
    OrderConfirmed,
    /// Paid: vendors may begin.
    OrderPaid,
    /// Not paid before its deadline.
    OrderExpired,
    OrderCancelled,
    /// A vendor accepted their vendor order.
    VendorOrderAccepted,
    /// A vendor declined their vendor order.
    #[serde(alias = "vendor_order_refused")]
    VendorOrderDeclined,
    /// A vendor order was cancelled.
    VendorOrderCancelled,
    /// A parcel was shipped.
    VendorOrderShipped,
    /// A parcel was delivered.
    VendorOrderDelivered,
    /// A parcel was lost.
    ParcelLost,
    /// A parcel came back to its vendor.
    ParcelReturnedToSender,
    /// A late payment came in and is refunded.
    LatePaymentRefunded,
    /// A second payment came in and is refunded.
    DuplicatePaymentRefunded,
    /// The provider captured another amount than was asked for: the operator decides.
    #[serde(alias = "payment_conflicted")]
    PaymentAmountMismatch,
    /// The operator rejected a mismatched amount, and it is refunded.
    #[serde(alias = "conflicted_payment_refunded")]
    MismatchedPaymentRefunded,
    /// Half of the time in which the vendor has to accept is over.
    AcceptanceReminder,
    /// Half of the time in which the vendor has to ship is over.
    ShippingReminder,
    /// The vendor has not shipped in time: the operator is told.
    ShippingOverdue,
    /// The buyer, or the operator for them, asked for a return.
    ReturnRequested,
    /// Goods are taken back.
    ReturnApproved,
    /// Goods are not taken back.
    ReturnDeclined,
    /// Goods that were to be sent back were not, and are not taken back any more.
    ReturnExpired,
    /// Goods are back.
    ReturnReceived,
    /// The operator or a vendor gives money back of their own accord.
    RefundGranted,
    /// A refund failed, or the buyer's bank sent it back: it needs a manual refund.
    RefundFailed,
    /// The buyer's bank opened a dispute.
    DisputeOpened,
    /// The buyer's bank decided a dispute.
    DisputeClosed,
}

impl OrderEvent {
    /// An event of now, about all of an order or about one vendor order.
    pub fn new(kind: OrderEventKind, order: OrderId, vendor: Option<VendorId>, ids: &mut Ids) -> Self {
        let (id, at) = (EventId::new(ids.now(), ids.bits()), ids.now());
        Self { id, kind, order, vendor, parcel: None, return_number: None, at }
    }
}

/// A change of one stock shard, written in the transaction of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockMove {
    pub variant: VariantId,
    pub shard: u16,
    /// Units added to those that can be bought.
    pub available: i64,
    /// Units added to the reserved ones.
    pub reserved: i64,
}

/// An order with all that belongs to it: one query reads it, and one transaction writes a change of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    pub order: Order,
    pub terms: Terms,
    /// Who ordered; nothing where that is sealed and nobody has opened it. It is never written.
    pub person: Option<Person>,
    /// Oldest entry first.
    pub history: Vec<History>,
    pub vendors: Vec<VendorOrder>,
    /// Payment attempts, oldest first.
    pub payments: Vec<Payment>,
    /// Refunds of its payments, including those made at the provider's dashboard.
    pub refunds: Vec<Refund>,
    /// Disputes about its payments.
    pub disputes: Vec<Dispute>,
    /// Stock moves of the change; written with it.
    pub stock_moves: Vec<StockMove>,
    /// Outbox events of the change; written with it.
    pub events: Vec<OrderEvent>,
    /// Whether the change reopens the cart; written with it.
    pub reopens_cart: bool,
    /// The open cart, as it was read, that gives the order's lines up again because the order is reopened; written with
    /// the change.
    pub closes_cart: Option<Box<Cart>>,
}

impl Order {
    /// Whose row of the table Keys opens its person.
    pub fn key_owner(&self) -> KeyOwner {
        self.buyer.map_or(KeyOwner::Order(self.id), KeyOwner::Buyer)
    }
}

impl PlacedOrder {
    /// The payment attempt that counts now.
    pub fn payment(&self) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.id == self.order.payment)
    }

    /// The captured amount of an attempt, minus its refunds that succeeded or are under way, and minus what the buyer's
    /// bank has charged back in the place of a refund. Nothing when no money was captured.
    pub fn refundable_amount(&self, payment: PaymentId) -> Option<Money> {
        let taken = self.payments.iter().find(|known| known.id == payment)?.captured?;
        // In the currency that was captured, which need not be the order's.
        let of_payment = |refund: &&Refund| refund.payment == payment && refund.amount.currency() == taken.currency();
        let gone = self.refunds.iter().filter(of_payment).fold(0, |gone: i64, refund| {
            // What was given back elsewhere is a refund of its own.
            let charged_back = refund.charged_back.map_or(0, Money::minor);
            let sent = if refund.holds_money() { refund.to_send().minor() } else { 0 };
            gone.saturating_add(charged_back).saturating_add(sent)
        });
        Some(Money::new(taken.minor().saturating_sub(gone).max(0), taken.currency()))
    }

    /// The vendor order of one vendor.
    pub fn vendor_order(&self, vendor: VendorId) -> Option<&VendorOrder> {
        self.vendors.iter().find(|vendor_order| vendor_order.vendor.id == vendor)
    }
}
