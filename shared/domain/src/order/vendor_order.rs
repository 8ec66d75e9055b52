//! A vendor order: one vendor's part of an order, with its lines.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{VendorOrderState, VendorOrderStep};
use crate::money::MoneyError;
use crate::payment::{RefundPart, RefundedUnits};
use crate::pricing::{ChosenShipping, Totals};
use crate::shares::{Shares, StoredShares};
use crate::stock::{Allocation, Backorder};
use crate::stored::Kept;
use crate::text::{Line, Search};
use crate::vendor::VendorCard;
use crate::{Currency, Money, OrderId, Timestamp, VariantId};

/// A line of a vendor order, with the price that was agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// What it is made of.
    #[serde(serialize_with = "StoredShares::serialize")]
    pub shares: Shares,
    /// How many of its units were cancelled or declined.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cancelled: u32,
    /// How many of its units were shipped.
    #[serde(default, skip_serializing_if = "is_none")]
    pub shipped: u32,
    /// How many of its units were returned.
    #[serde(default, skip_serializing_if = "is_none")]
    pub returned: u32,
    /// How many of its units are refunded, or are to be.
    #[serde(default, skip_serializing_if = "is_none")]
    pub refunded: u32,
    /// The shards from which its units are reserved; together they cover the quantity.
    pub allocations: Vec<Allocation>,
    /// The part of it that has to come in before it can be shipped.
    #[serde(skip_serializing_if = "Option::is_none")]
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
#[serde(try_from = "StoredVendorOrder")]
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
    /// What the delivery is made of.
    #[serde(serialize_with = "StoredShares::serialize")]
    pub delivery: Shares,
    /// Whether the delivery is refunded, or is to be.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delivery_refunded: bool,
    /// Sums of the shares of its lines and its delivery.
    pub totals: Totals,
    /// The sum of the operator's commissions.
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_none(units: &u32) -> bool {
    *units == 0
}

/// A line as it is stored: releases before 2026-12 knew no shares and counted no units.
#[derive(Deserialize)]
struct StoredLine {
    variant: VariantId,
    title: String,
    #[serde(default)]
    sku: Option<String>,
    quantity: u32,
    unit_price: Money,
    total: Money,
    #[serde(default)]
    shares: Option<StoredShares>,
    #[serde(default)]
    cancelled: u32,
    #[serde(default)]
    shipped: u32,
    #[serde(default)]
    returned: u32,
    #[serde(default)]
    refunded: u32,
    #[serde(alias = "draws")]
    allocations: Vec<Allocation>,
    #[serde(default, alias = "back_order")]
    backorder: Option<Backorder>,
}

/// A vendor order as it is stored.
#[derive(Deserialize)]
struct StoredVendorOrder {
    order: OrderId,
    ordinal: u16,
    vendor: VendorCard,
    state: VendorOrderState,
    lines: Vec<StoredLine>,
    shipping: ChosenShipping,
    #[serde(default)]
    delivery: Option<StoredShares>,
    #[serde(default)]
    delivery_refunded: bool,
    totals: Totals,
    commission: Money,
    #[serde(default)]
    shipment: Option<Shipment>,
    #[serde(default)]
    visible: bool,
    placed_at: Timestamp,
    #[serde(default)]
    version: u64,
}

fn stored_or(stored: Option<StoredShares>, derived: Option<Shares>, currency: Currency) -> Shares {
    stored.map(|shares| shares.in_currency(currency)).or(derived).unwrap_or(Shares::zero(currency))
}

impl TryFrom<StoredVendorOrder> for VendorOrder {
    type Error = MoneyError;

    fn try_from(stored: StoredVendorOrder) -> Result<Self, MoneyError> {
        let is_before = stored.delivery.is_none();
        // The commission is on goods only, and the tax on both.
        let mut prices: Vec<Money> = stored.lines.iter().map(|line| line.total).collect();
        let nothing = Money::zero(stored.commission.currency());
        let commissions = if is_before { Shares::derived(&prices, nothing, stored.commission)? } else { Vec::new() };
        prices.push(stored.shipping.price);
        let tax = stored.totals.tax.unwrap_or(nothing);
        let mut derived = if is_before { Shares::derived(&prices, tax, nothing)? } else { Vec::new() };
        for (shares, line) in derived.iter_mut().zip(commissions) {
            shares.commission = line.commission;
        }
        let mut derived = derived.into_iter();
        let mut lines = Vec::with_capacity(stored.lines.len());
        for line in stored.lines {
            let derived = derived.next();
            let all_of = |is: bool| if is_before && is { line.quantity } else { 0 };
            let ended = stored.state.is_cancelled_or_declined();
            lines.push(OrderLine {
                variant: line.variant,
                title: line.title,
                sku: line.sku,
                quantity: line.quantity,
                unit_price: line.unit_price,
                total: line.total,
                shares: stored_or(line.shares, derived, line.total.currency()),
                cancelled: line.cancelled.max(all_of(ended)),
                shipped: line.shipped.max(all_of(stored.state.has_shipped())),
                returned: line.returned.max(all_of(stored.state == VendorOrderState::Returned)),
                refunded: line.refunded.max(all_of(ended)),
                allocations: line.allocations,
                backorder: line.backorder,
            });
        }
        Ok(Self {
            order: stored.order,
            ordinal: stored.ordinal,
            vendor: stored.vendor,
            state: stored.state,
            lines,
            delivery: stored_or(stored.delivery, derived.next(), nothing.currency()),
            delivery_refunded: stored.delivery_refunded || (is_before && stored.state.is_cancelled_or_declined()),
            shipping: stored.shipping,
            totals: stored.totals,
            commission: stored.commission,
            shipment: stored.shipment,
            visible: stored.visible,
            placed_at: stored.placed_at,
            version: stored.version,
            kept: Kept::default(),
        })
    }
}

impl VendorOrder {
    /// The sums of the shares of some lines and a delivery.
    ///
    /// # Errors
    /// A sum does not fit into 64 bits.
    pub fn sums(lines: &[OrderLine], delivery: &Shares) -> Result<(Totals, Money), MoneyError> {
        let currency = delivery.goods.currency();
        let of_lines = || lines.iter().map(|line| &line.shares);
        let all = || of_lines().chain(std::iter::once(delivery));
        let goods = Money::sum(currency, of_lines().map(|shares| shares.goods))?;
        let discount = Money::sum(currency, all().map(Shares::discount).collect::<Result<Vec<_>, _>>()?)?;
        let tax = Money::sum(currency, all().map(Shares::tax_on_top).collect::<Result<Vec<_>, _>>()?)?;
        let commission = Money::sum(currency, all().map(|shares| shares.commission))?;
        Ok((Totals::of(goods, discount, Some(delivery.goods), Some(tax))?, commission))
    }

    /// Counts the units of a step that concerns all of them.
    pub(super) fn count(&mut self, step: VendorOrderStep) {
        use VendorOrderStep as E;
        for line in &mut self.lines {
            match step {
                E::Declined | E::Cancelled => line.cancelled = line.quantity,
                E::Shipped => line.shipped = line.quantity,
                E::Returned => line.returned = line.quantity,
                // Another payment pays for all of it.
                E::Reopened => (line.cancelled, line.refunded) = (0, 0),
                E::Accepted | E::Delivered | E::Completed => {}
            }
        }
        if step == E::Reopened {
            self.delivery_refunded = false;
        }
    }

    /// Counts what is cancelled and not refunded yet as refunded, and says what it comes to: by its shares, at most
    /// what is `left` of the payment. The delivery goes back with the last unit.
    pub(super) fn refund_cancelled(&mut self, left: Money) -> Result<RefundPart, MoneyError> {
        let mut amount = Money::zero(left.currency());
        let mut lines = Vec::new();
        for line in &mut self.lines {
            let units = line.cancelled.saturating_sub(line.refunded);
            if units == 0 {
                continue;
            }
            let shares = line.shares.part(line.refunded..line.refunded.saturating_add(units), line.quantity)?;
            amount = amount.plus(shares.total()?)?;
            lines.push(RefundedUnits { variant: line.variant, from: line.refunded, units });
            line.refunded = line.refunded.saturating_add(units);
        }
        let delivery = !self.delivery_refunded && self.lines.iter().all(|line| line.cancelled == line.quantity);
        if delivery {
            amount = amount.plus(self.delivery.total()?)?;
            self.delivery_refunded = true;
        }
        if left.minor() < amount.minor() {
            amount = left;
        }
        Ok(RefundPart { vendor: self.vendor.id, amount, lines, delivery })
    }
}
