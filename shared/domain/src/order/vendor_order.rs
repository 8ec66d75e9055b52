//! A vendor order: one vendor's part of an order, with its lines.

use serde::{Deserialize, Serialize, Serializer};

use super::fulfilment_times::FulfilmentTimes;
use super::parcels::{Parcel, ParcelState, Shipment};
use super::vendor_order_id::VendorOrderId;
use super::{StockMove, VendorOrderState};
use crate::catalog::SaleUnit;
use crate::money::MoneyError;
use crate::pricing::{ChosenShipping, Totals};
use crate::return_policy::ReturnPolicy;
use crate::returns::Return;
use crate::settlement::{Amounts, StoredAmounts};
use crate::shares::{Shares, StoredShares};
use crate::stock::{Allocation, Backorder};
use crate::stored::Kept;
use crate::text::Search;
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
    /// What one unit is, when it is sold by measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale_unit: Option<SaleUnit>,
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
    /// How many of its units are refunded, or are to be, or were never paid.
    #[serde(default, skip_serializing_if = "is_none")]
    pub refunded: u32,
    /// How many of the refunded units were given back of somebody's own accord: the buyer has kept the goods.
    #[serde(default, skip_serializing_if = "is_none")]
    pub granted: u32,
    /// What holds when it is to be returned; nothing in orders of releases before 2026-12-02.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<ReturnPolicy>,
    /// The shards from which its units are reserved; together they cover the quantity.
    pub allocations: Vec<Allocation>,
    /// The part of it that has to come in before it can be shipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backorder: Option<Backorder>,
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
    /// Its amounts as far as they are entered for settlement.
    #[serde(serialize_with = "StoredAmounts::serialize", skip_serializing_if = "Amounts::is_nothing")]
    pub entered: Amounts,
    /// Sums of the shares of its lines and its delivery.
    pub totals: Totals,
    /// The sum of the operator's commissions.
    pub commission: Money,
    /// Its parcels, in the order in which they were shipped.
    #[serde(flatten, serialize_with = "store_parcels")]
    pub parcels: Vec<Parcel>,
    /// What of it the buyer gives back, in the order in which it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Return>,
    /// Whether the vendor sees it: once the order is paid, or is payable on delivery.
    #[serde(default)]
    pub visible: bool,
    /// How long each of its steps may take, fixed when the order was placed; nothing in orders of releases before
    /// 2026-12-02.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<FulfilmentTimes>,
    /// Since when its vendor is awaited to take the next step; nothing likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How many reminders of that step were sent.
    #[serde(default, skip_serializing_if = "is_none")]
    pub reminders: u32,
    /// When the order was placed.
    pub placed_at: Timestamp,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl VendorOrder {
    pub const fn id(&self) -> VendorOrderId {
        VendorOrderId { order: self.order, ordinal: self.ordinal }
    }

    /// Whether its parts have gone different ways: it has several parcels, one that did not arrive, or something that
    /// was cancelled beside what was shipped.
    pub fn is_in_parts(&self) -> bool {
        let has_failed = self.parcels.iter().any(|parcel| parcel.state.has_failed());
        let is_cut = !self.parcels.is_empty() && self.lines.iter().any(|line| line.cancelled > 0);
        self.parcels.len() > 1 || has_failed || is_cut
    }

    /// Whether it has something that releases before 2026-12-02 would not heed: units were
    /// given back and kept, or the buyer returns some.
    pub fn has_decisions(&self) -> bool {
        !self.returns.is_empty() || self.lines.iter().any(|line| line.granted > 0)
    }

    /// Whether the words occur in its number, the titles and SKUs of its lines, or its parcel's carrier and number.
    pub fn is_found_by(&self, search: &Search) -> bool {
        let number = self.order.number();
        let titles = self.lines.iter().map(|line| line.title.as_str());
        let skus = self.lines.iter().filter_map(|line| line.sku.as_deref());
        let parcels = self.parcels.iter().flat_map(|parcel| [&parcel.carrier, &parcel.tracking_number]);
        let parcels = parcels.flatten().map(|line| line.as_str());
        search.is_found_in(std::iter::once(number.as_str()).chain(titles).chain(skus).chain(parcels))
    }
}

impl OrderLine {
    /// How many of its units are neither shipped nor cancelled.
    pub const fn left_to_ship(&self) -> u32 {
        self.quantity.saturating_sub(self.shipped).saturating_sub(self.cancelled)
    }

    /// The stock moves of the next units that are neither shipped nor cancelled: `change` says what they add to those
    /// that can be bought and to the reserved ones.
    pub(super) fn moves(&self, units: u32, change: fn(i64) -> (i64, i64)) -> Vec<StockMove> {
        let (mut passed, mut missing) = (self.shipped.saturating_add(self.cancelled), units);
        let mut moves = Vec::new();
        for allocation in &self.allocations {
            let before = passed.min(allocation.units);
            passed -= before;
            let taken = missing.min(allocation.units - before);
            missing -= taken;
            if taken > 0 {
                let (available, reserved) = change(i64::from(taken));
                moves.push(StockMove { variant: self.variant, shard: allocation.shard, available, reserved });
            }
        }
        moves
    }

    /// The stock move of units that have left the stock and can be bought again: they go to one shard of those from
    /// which they came.
    pub(super) fn restocked(&self, units: u32) -> Option<StockMove> {
        let shard = self.allocations.first().filter(|_| units > 0)?.shard;
        Some(StockMove { variant: self.variant, shard, available: i64::from(units), reserved: 0 })
    }
}

/// Parcels as they are stored. A release before 2026-12-02 sees the last one, without which it would not tell the buyer
/// that something was shipped.
fn store_parcels<S: Serializer>(parcels: &Vec<Parcel>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Stored<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        shipment: Option<Shipment>,
        #[serde(skip_serializing_if = "<[Parcel]>::is_empty")]
        parcels: &'a [Parcel],
    }
    Stored { shipment: parcels.last().map(Shipment::from), parcels }.serialize(serializer)
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
    #[serde(default)]
    sale_unit: Option<SaleUnit>,
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
    #[serde(default)]
    granted: u32,
    #[serde(default)]
    returns: Option<ReturnPolicy>,
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
    #[serde(default)]
    entered: StoredAmounts,
    totals: Totals,
    commission: Money,
    #[serde(default)]
    shipment: Option<Shipment>,
    #[serde(default)]
    parcels: Vec<Parcel>,
    #[serde(default)]
    returns: Vec<Return>,
    #[serde(default)]
    visible: bool,
    #[serde(default)]
    times: Option<FulfilmentTimes>,
    #[serde(default)]
    since: Option<Timestamp>,
    #[serde(default)]
    reminders: u32,
    placed_at: Timestamp,
    #[serde(default)]
    version: u64,
}

/// The parcels of a vendor order. An earlier release knows only one, with all of it, and says nothing of a parcel's
/// state: that follows from the vendor order's.
fn parcels(stored: &mut StoredVendorOrder) -> Vec<Parcel> {
    let mut parcels = std::mem::take(&mut stored.parcels);
    if parcels.is_empty() && stored.state.has_shipped() {
        let none = Shipment { carrier: None, tracking_number: None, shipped_at: stored.placed_at, delivered_at: None };
        let only = stored.shipment.take().unwrap_or(none);
        parcels.push(Parcel {
            units: stored.lines.iter().map(|line| line.quantity).collect(),
            carrier: only.carrier,
            tracking_number: only.tracking_number,
            state: ParcelState::Shipped,
            shipped_at: only.shipped_at,
            ended_at: only.delivered_at,
            due: None,
            restocked: false,
        });
    }
    let was_delivered = stored.state.was_delivered();
    for parcel in parcels.iter_mut().filter(|parcel| was_delivered && parcel.state == ParcelState::Shipped) {
        parcel.state = ParcelState::Delivered;
        let told = stored.shipment.as_ref().and_then(|shipment| shipment.delivered_at);
        parcel.ended_at = parcel.ended_at.or(told);
    }
    parcels
}

fn stored_or(stored: Option<StoredShares>, derived: Option<Shares>, currency: Currency) -> Shares {
    stored.map(|shares| shares.in_currency(currency)).or(derived).unwrap_or(Shares::zero(currency))
}

impl TryFrom<StoredVendorOrder> for VendorOrder {
    type Error = MoneyError;

    fn try_from(mut stored: StoredVendorOrder) -> Result<Self, MoneyError> {
        let parcels = parcels(&mut stored);
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
                sale_unit: line.sale_unit,
                quantity: line.quantity,
                unit_price: line.unit_price,
                total: line.total,
                shares: stored_or(line.shares, derived, line.total.currency()),
                cancelled: line.cancelled.max(all_of(ended)),
                shipped: line.shipped.max(all_of(stored.state.has_shipped())),
                returned: line.returned.max(all_of(stored.state == VendorOrderState::Returned)),
                refunded: line.refunded.max(all_of(ended)),
                granted: line.granted,
                returns: line.returns,
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
            entered: stored.entered.in_currency(nothing.currency()),
            shipping: stored.shipping,
            totals: stored.totals,
            commission: stored.commission,
            parcels,
            returns: stored.returns,
            visible: stored.visible,
            times: stored.times,
            since: stored.since,
            reminders: stored.reminders,
            placed_at: stored.placed_at,
            version: stored.version,
            kept: Kept::default(),
        })
    }
}
