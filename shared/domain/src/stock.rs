//! Stock: units of a variant over several shards, and how a demand is allocated over them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, VariantId};

/// One shard of a variant's stock. Several shards let concurrent checkouts write different items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockShard {
    /// Units that can be bought; only the first shard may be negative, by units owed to buyers.
    pub available: i64,
    /// Units that were ordered and not yet shipped.
    pub reserved: i64,
}

impl StockShard {
    /// Units in the warehouse: available and reserved ones.
    pub const fn on_hand(self) -> i64 {
        self.available.saturating_add(self.reserved)
    }

    /// The sums of both.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            available: self.available.saturating_add(other.available),
            reserved: self.reserved.saturating_add(other.reserved),
        }
    }
}

/// Units of a variant from one of its shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    pub shard: u16,
    pub units: u32,
}

/// How the stock of a variant is spread over shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The number of shards that get units now.
    pub shards: u16,
    /// The number of shards that have to be read: the most over which the stock was ever spread. Orders remember the
    /// shards of their allocations and release units there, so units may come back to any of them.
    pub peak_shards: u16,
    /// The oversell limit: how far `available` may fall below zero.
    pub oversell_limit: u32,
}

impl Default for Layout {
    fn default() -> Self {
        Self { shards: 1, peak_shards: 1, oversell_limit: 0 }
    }
}

/// The part of an order line that has to come in before it can be shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backorder {
    /// Units that were not in stock when the line was ordered.
    pub units: u32,
    /// When they are expected, if the vendor has set a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_from: Option<Timestamp>,
    /// The variant's oversell limit when the line was ordered.
    #[serde(alias = "beyond")]
    pub oversell_limit: u32,
}

/// The units per variant: a variant that is in two lines is allocated once.
pub fn demand(lines: impl IntoIterator<Item = (VariantId, u32)>) -> BTreeMap<VariantId, u32> {
    let mut sums: BTreeMap<VariantId, u32> = BTreeMap::new();
    for (variant, units) in lines {
        let sum = sums.entry(variant).or_default();
        *sum = sum.saturating_add(units);
    }
    sums
}

/// Allocates a demand over shards, fullest first so that few are written. Nothing when their sum does not suffice.
pub fn allocate(wanted: u32, shards: &[StockShard]) -> Option<Vec<Allocation>> {
    let mut by_fullness: Vec<(u16, i64)> =
        (0_u16..).zip(shards).map(|(index, shard)| (index, shard.available)).filter(|(_, units)| *units > 0).collect();
    by_fullness.sort_by_key(|(index, units)| (std::cmp::Reverse(*units), *index));
    let mut missing = wanted;
    let mut allocations = Vec::new();
    for (index, units) in by_fullness {
        if missing == 0 {
            break;
        }
        let taken = missing.min(u32::try_from(units).unwrap_or(u32::MAX));
        allocations.push(Allocation { shard: index, units: taken });
        missing -= taken;
    }
    (missing == 0).then_some(allocations)
}

/// [`allocate`], with the shortage taken from the first shard, which may fall below zero as far as the limit allows. No
/// other shard may, so that a condition on one item enforces the limit. Nothing when the limit does not suffice either.
pub fn allocate_with_oversell(wanted: u32, shards: &[StockShard], oversell_limit: u32) -> Option<Vec<Allocation>> {
    let there: i64 = shards.iter().map(|shard| shard.available.max(0)).sum();
    let covered = wanted.min(u32::try_from(there).unwrap_or(u32::MAX));
    let rest = wanted - covered;
    let mut allocations = allocate(covered, shards)?;
    if rest == 0 {
        return Some(allocations);
    }
    let owed = shards.first().map_or(0, |first| first.available.min(0).unsigned_abs());
    if owed.saturating_add(u64::from(rest)) > u64::from(oversell_limit) {
        return None;
    }
    match allocations.iter_mut().find(|allocation| allocation.shard == 0) {
        Some(first) => first.units = first.units.saturating_add(rest),
        None => allocations.push(Allocation { shard: 0, units: rest }),
    }
    Some(allocations)
}

/// The most shards that an order may be allocated from, so that each of its changes fits into one transaction of 100
/// actions; a test of the store counts those of every kind of change. An order of 40 lines from 15 vendors, the most
/// that a cart holds, still has an allocation for each line.
pub const fn max_allocations(vendors: usize) -> usize {
    70_usize.saturating_sub(2 * vendors)
}

/// Spreads a change over shards: units are added to the emptiest of the first `shards`, and taken from the fullest of
/// all. Nothing when more would be taken than the layout allows.
pub fn spread(by: i64, shards: &[StockShard], layout: Layout) -> Option<Vec<(u16, i64)>> {
    if by < 0 {
        let wanted = u32::try_from(by.unsigned_abs()).ok()?;
        let allocations = allocate_with_oversell(wanted, shards, layout.oversell_limit)?;
        return Some(
            allocations.into_iter().map(|allocation| (allocation.shard, -i64::from(allocation.units))).collect(),
        );
    }
    let mut order: Vec<(u16, i64)> =
        (0..layout.shards).zip(shards).map(|(index, shard)| (index, shard.available)).collect();
    let count = i64::try_from(order.len()).ok().filter(|count| *count > 0)?;
    let total = order.iter().map(|(_, available)| *available).sum::<i64>().checked_add(by)?;
    order.sort_by_key(|(index, available)| (*available, *index));
    let (even_share, mut rest, mut left) = (total.div_euclid(count), total.rem_euclid(count), by);
    let mut changes = Vec::new();
    for (index, available) in order {
        let target = even_share + i64::from(rest > 0);
        let units = (target - available).clamp(0, left);
        if units > 0 {
            rest -= i64::from(rest > 0);
            left -= units;
            changes.push((index, units));
        }
    }
    // What remains after the even shares goes to the emptiest, so that the sum is exact.
    if left > 0 {
        match changes.first_mut() {
            Some((_, units)) => *units += left,
            None => changes.push((0, left)),
        }
    }
    Some(changes)
}

/// The changes per shard after which the available units of the first `active` shards differ by at most one, and the
/// others have none. The sum stays the same.
pub fn rebalanced(shards: &[StockShard], active: u16) -> Vec<(u16, i64)> {
    let total: i64 = shards.iter().map(|shard| shard.available).sum();
    let count = i64::from(active.max(1));
    // Units owed to buyers stay with the first shard, the only one that may be negative.
    let (even_share, rest) = if total < 0 { (0, 0) } else { (total / count, total % count) };
    (0_u16..)
        .zip(shards)
        .map(|(index, shard)| {
            let owed = if index == 0 { total.min(0) } else { 0 };
            let share = if i64::from(index) < count { even_share + i64::from(i64::from(index) < rest) } else { 0 };
            (index, share + owed - shard.available)
        })
        .filter(|(_, units)| *units != 0)
        .collect()
}

#[cfg(test)]
mod tests;
