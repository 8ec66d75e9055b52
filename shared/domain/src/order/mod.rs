//! Orders: one per checkout, with a sub-order per seller, payments and refunds; and their states.

mod changes;
mod disputes;
mod history;
mod operator;
mod place;
#[cfg(test)]
mod properties;
mod refunds;
mod settle;
mod states;
mod view;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::changes::{Deadlines, LatePayment};
pub use self::disputes::DISPUTE_RETRY_INTERVAL;
pub use self::history::{History, HistoryEvent};
pub use self::place::{PlaceError, PlaceOrder, place};
pub use self::settle::Settled;
pub use self::states::{OrderState, OrderStep, VendorOrderState, VendorOrderStep};
pub use self::view::{
    DisputeView, HistoryView, OperatorOrderView, OperatorPaymentView, OrderLineView, OrderView, PaymentView,
    RefundView, VendorOrderDeskView, VendorOrderView, VendorPaymentView, VendorRef,
};

use crate::address::Address;
use crate::dispute::Dispute;
use crate::payment::{Payment, ProviderName, Refund};
use crate::pricing::{ChosenShipping, Totals};
use crate::stock::{Allocation, Backorder};
use crate::text::{Email, Line};
use crate::vendor::VendorCard;
use crate::{CartId, Currency, EventId, Money, OrderId, PaymentId, Timestamp, UserId, VariantId, VendorId};

/// Who did something to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The buyer, or the guest with the order's token.
    Buyer,
    /// A seller's member.
    Vendor,
    /// The payment provider.
    Provider,
    /// The operator's staff.
    #[serde(alias = "admin")]
    Operator,
    /// A deadline.
    System,
}

/// An order as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Id.
    pub id: OrderId,
    /// Where it stands.
    pub state: OrderState,
    /// The cart it was.
    pub cart: CartId,
    /// Whose it is; nothing for a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<UserId>,
    /// Where news for the buyer goes.
    pub email: Email,
    /// Where the goods go.
    pub address: Address,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Sums.
    pub totals: Totals,
    /// The attempt that counts now.
    pub payment: PaymentId,
    /// Who is asked for the money now.
    pub provider: ProviderName,
    /// What happened, oldest first.
    pub history: Vec<History>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it ends unless it is paid; nothing when it waits for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

/// A line of a sub-order, with what was agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Which variant.
    pub variant: VariantId,
    /// The product's title with the variant's values.
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
    /// From which shards the units were taken.
    #[serde(alias = "draws")]
    pub allocations: Vec<Allocation>,
    /// What of it has to come in first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "back_order")]
    pub backorder: Option<Backorder>,
}

/// A parcel on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shipment {
    /// Who carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Line>,
    /// The carrier's number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<Line>,
    /// When it left.
    pub shipped_at: Timestamp,
    /// When it arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

/// One seller's part of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorOrder {
    /// Which order.
    pub order: OrderId,
    /// Which part of it, counted from 1.
    pub ordinal: u16,
    /// Who sells.
    pub vendor: VendorCard,
    /// Where it stands.
    pub state: VendorOrderState,
    /// Lines.
    pub lines: Vec<OrderLine>,
    /// How it is delivered.
    pub shipping: ChosenShipping,
    /// Sums, with its own delivery and tax.
    pub totals: Totals,
    /// What the operator keeps, frozen when the order was placed.
    pub commission: Money,
    /// The parcel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<Shipment>,
    /// Whether the seller sees it: once the order is paid, or payable on delivery.
    #[serde(default)]
    pub visible: bool,
    /// When the order was placed.
    pub placed_at: Timestamp,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

/// The id of a sub-order: it contains its order's id, so that one key finds both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorOrderId {
    /// The order.
    pub order: OrderId,
    /// Which part of it.
    pub ordinal: u16,
}

impl std::fmt::Display for VendorOrderId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let order = self.order.to_string();
        write!(formatter, "vor_{}_{}", order.strip_prefix("ord_").unwrap_or(&order), self.ordinal)
    }
}

impl std::str::FromStr for VendorOrderId {
    type Err = crate::ids::BadId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = crate::ids::BadId;
        // Release 0.1.0 wrote `sub_`: its ids stand in messages and in vendors' notes.
        let rest = text.strip_prefix("vor_").or_else(|| text.strip_prefix("sub_")).ok_or(bad)?;
        let (order, ordinal) = rest.split_once('_').ok_or(bad)?;
        let id = Self { order: format!("ord_{order}").parse()?, ordinal: ordinal.parse().map_err(|_| bad)? };
        let is_canonical = id.to_string().strip_prefix("vor_") == Some(rest);
        if is_canonical { Ok(id) } else { Err(bad) }
    }
}

impl<'de> Deserialize<'de> for VendorOrderId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl VendorOrder {
    /// Its id.
    pub const fn id(&self) -> VendorOrderId {
        VendorOrderId { order: self.order, ordinal: self.ordinal }
    }
}

/// What happened to an order, for those who act on it later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// Id: who has acted on it once does not act again.
    pub id: EventId,
    /// What.
    pub kind: OrderEventKind,
    /// Which order.
    pub order: OrderId,
    /// Whose sub-order, when it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<VendorId>,
    /// When.
    pub at: Timestamp,
}

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderEventKind {
    /// Placed, payment awaited.
    OrderPlaced,
    /// Placed, payable on delivery: sellers may begin.
    OrderConfirmed,
    /// Paid: sellers may begin.
    OrderPaid,
    /// Not paid in time.
    OrderExpired,
    /// Called off.
    OrderCancelled,
    /// A seller accepted.
    VendorOrderAccepted,
    /// A seller refused.
    #[serde(alias = "vendor_order_refused")]
    VendorOrderDeclined,
    /// A seller's part was called off.
    VendorOrderCancelled,
    /// A parcel left.
    VendorOrderShipped,
    /// A parcel arrived.
    VendorOrderDelivered,
    /// Money came when the order was over and goes back.
    LatePaymentRefunded,
    /// Money came twice and goes back.
    DuplicatePaymentRefunded,
    /// The provider took another amount than was asked for: the operator decides.
    #[serde(alias = "payment_conflicted")]
    PaymentAmountMismatch,
    /// The operator does not take another amount as good: it goes back.
    #[serde(alias = "conflicted_payment_refunded")]
    MismatchedPaymentRefunded,
    /// Money did not reach the buyer, or came back from his bank: the operator has to see to it.
    RefundFailed,
    /// The buyer's bank wants money back.
    DisputeOpened,
    /// The buyer's bank has decided.
    DisputeClosed,
}

/// How a stock shard changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockMove {
    /// Which variant.
    pub variant: VariantId,
    /// Which shard of it.
    pub shard: u16,
    /// Added to what can be bought.
    pub available: i64,
    /// Added to what is promised.
    pub reserved: i64,
}

/// Everything of one order: what one query reads and one transaction writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    /// The order.
    pub order: Order,
    /// Its sub-orders.
    pub vendors: Vec<VendorOrder>,
    /// Attempts at paying it.
    pub payments: Vec<Payment>,
    /// Money on its way back.
    pub refunds: Vec<Refund>,
    /// Money that the buyer's bank wants back.
    pub disputes: Vec<Dispute>,
    /// What a change does to stock; written with it.
    pub stock_moves: Vec<StockMove>,
    /// What a change means to others; written with it.
    pub events: Vec<OrderEvent>,
    /// Whether a change opens the cart again; written with it.
    pub reopens_cart: bool,
}

impl PlacedOrder {
    /// The attempt that counts now.
    pub fn payment(&self) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.id == self.order.payment)
    }

    /// What came with an attempt and is neither back with the buyer, by a refund or by his bank in the place of one, nor on its
    /// way there; nothing when nothing came.
    pub fn refundable_amount(&self, payment: PaymentId) -> Option<Money> {
        let taken = self.payments.iter().find(|known| known.id == payment)?.captured?;
        // In the currency that came, which need not be the order's.
        let of_payment = |refund: &&Refund| refund.payment == payment && refund.amount.currency() == taken.currency();
        let gone = self.refunds.iter().filter(of_payment).fold(0, |gone: i64, refund| {
            let charged_back = refund.charged_back.map_or(0, Money::minor);
            let sent = if refund.holds_money() { refund.to_send().minor() } else { 0 };
            gone.saturating_add(charged_back).saturating_add(sent)
        });
        Some(Money::new(taken.minor().saturating_sub(gone).max(0), taken.currency()))
    }

    /// One seller's part.
    pub fn vendor_order(&self, vendor: VendorId) -> Option<&VendorOrder> {
        self.vendors.iter().find(|vendor_order| vendor_order.vendor.id == vendor)
    }
}
