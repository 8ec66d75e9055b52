//! Orders: one per checkout, with a vendor order per vendor, payment attempts, refunds and disputes; and their states.

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

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::changes::{Deadlines, LatePayment};
pub use self::disputes::DISPUTE_RETRY_INTERVAL;
pub use self::history::{History, HistoryEvent};
pub use self::place::{PlaceError, PlaceOrder, place};
pub use self::settle::Settled;
pub use self::states::{OrderState, OrderStep, VendorOrderState, VendorOrderStep};

use crate::address::Address;
use crate::dispute::Dispute;
use crate::payment::{Payment, ProviderName, Refund};
use crate::pricing::{ChosenShipping, Totals};
use crate::stock::{Allocation, Backorder};
use crate::stored::Kept;
use crate::text::{Email, Line, Phone, Search};
use crate::vendor::VendorCard;
use crate::{CartId, Currency, EventId, Money, OrderId, PaymentId, Timestamp, UserId, VariantId, VendorId};

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

/// An order without its vendor orders, payment attempts, refunds and disputes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub state: OrderState,
    /// The cart that was ordered.
    pub cart: CartId,
    /// The buyer; nothing for a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<UserId>,
    /// Address for messages to the buyer.
    #[serde(deserialize_with = "crate::text::kept_email")]
    pub email: Email,
    /// Telephone number of the buyer, when it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    pub address: Address,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Sums over all vendor orders.
    pub totals: Totals,
    /// The payment attempt that counts now: the latest, or the one that paid.
    pub payment: PaymentId,
    /// The provider of that attempt.
    pub provider: ProviderName,
    /// Oldest entry first.
    pub history: Vec<History>,
    /// When the order was placed.
    pub placed_at: Timestamp,
    /// When the order expires unless it is paid; nothing when it has no deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// A line of a vendor order, with the price that was agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    pub variant: VariantId,
    /// The product's title with the variant's values, when the order was placed.
    pub title: String,
    /// The vendor's stock keeping unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    pub quantity: u32,
    /// The price of one unit.
    pub unit_price: Money,
    /// Quantity times unit price.
    pub total: Money,
    /// The shards from which its units are reserved; together they cover the quantity.
    #[serde(alias = "draws")]
    pub allocations: Vec<Allocation>,
    /// The part of it that has to come in before it can be shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "back_order")]
    pub backorder: Option<Backorder>,
}

/// A parcel of a vendor order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shipment {
    /// Carrier, as the vendor names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub carrier: Option<Line>,
    /// The carrier's tracking number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tracking_number: Option<Line>,
    /// When the parcel was shipped.
    pub shipped_at: Timestamp,
    /// When the parcel was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub delivered_at: Option<Timestamp>,
}

/// One vendor's part of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorOrder {
    pub order: OrderId,
    /// Position within the order, counted from 1.
    pub ordinal: u16,
    /// The vendor, as they were named when the order was placed.
    pub vendor: VendorCard,
    pub state: VendorOrderState,
    pub lines: Vec<OrderLine>,
    /// The chosen delivery.
    pub shipping: ChosenShipping,
    /// Sums, with its own delivery and tax.
    pub totals: Totals,
    /// The operator's commission, frozen when the order was placed.
    pub commission: Money,
    /// The parcel; nothing until it is shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<Shipment>,
    /// Whether the vendor sees it: once the order is paid, or is payable on delivery.
    #[serde(default)]
    pub visible: bool,
    /// When the order was placed.
    pub placed_at: Timestamp,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// Id of a vendor order: it contains its order's id, so that one key finds both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorOrderId {
    pub order: OrderId,
    /// Position within the order, counted from 1.
    pub ordinal: u16,
}

impl utoipa::PartialSchema for VendorOrderId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^(vor|sub)_[0-9a-hjkmnp-tv-z]{26}_[1-9][0-9]{0,4}$"))
            .examples(["vor_01jd2v9k3mfe8tq5r7w0x4y6za_1"])
            .into()
    }
}

impl utoipa::ToSchema for VendorOrderId {}

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
    pub const fn id(&self) -> VendorOrderId {
        VendorOrderId { order: self.order, ordinal: self.ordinal }
    }

    /// Whether the words occur in its number, the titles and SKUs of its lines, or its parcel's carrier and number.
    pub fn is_found_by(&self, search: &Search) -> bool {
        let number = self.order.number();
        let titles = self.lines.iter().map(|line| line.title.as_str());
        let skus = self.lines.iter().filter_map(|line| line.sku.as_deref());
        let parcel = self.shipment.iter().flat_map(|parcel| [&parcel.carrier, &parcel.tracking_number]);
        let parcel = parcel.flatten().map(|line| line.as_str());
        search.is_found_in(std::iter::once(number.as_str()).chain(titles).chain(skus).chain(parcel))
    }
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
    pub at: Timestamp,
}

/// What happened to the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderEventKind {
    /// Placed; its payment is awaited.
    OrderPlaced,
    /// Placed, payable on delivery: vendors may begin.
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
    /// A refund failed, or the buyer's bank sent it back: it needs a manual refund.
    RefundFailed,
    /// The buyer's bank opened a dispute.
    DisputeOpened,
    /// The buyer's bank decided a dispute.
    DisputeClosed,
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
