//! Stock: what is there, what is promised, and how a demand is allocated over several shards.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, VariantId};

/// One shard of one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockShard {
    /// Units that can be bought.
    pub available: i64,
    /// Units that were ordered and not yet shipped.
    pub reserved: i64,
}

impl StockShard {
    /// Units in the house.
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

/// So many units out of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Which shard of the variant.
    pub shard: u16,
    /// Units.
    pub units: u32,
}

/// How the stock of a variant is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Over how many shards its units are spread.
    pub shards: u16,
    /// How many shards may hold some of it: the most it was ever spread over. Orders remember the shard that they took
    /// from and give back there, so a shard that once had units is read for ever.
    pub peak_shards: u16,
    /// How far what can be bought may fall below zero.
    pub oversell_limit: u32,
}

impl Default for Layout {
    fn default() -> Self {
        Self { shards: 1, peak_shards: 1, oversell_limit: 0 }
    }
}

/// What of an order's line has to come in first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backorder {
    /// Units that were not there when it was ordered.
    pub units: u32,
    /// When they are expected, if the seller said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_from: Option<Timestamp>,
    /// How far what can be bought may fall below zero for it.
    #[serde(alias = "beyond")]
    pub oversell_limit: u32,
}

/// A variant that is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Which.
    pub variant: VariantId,
    /// Units asked for.
    pub wanted: u32,
    /// Units left.
    pub left: i64,
}

/// The demand per variant: a variant that stands in two lines is allocated once.
pub fn demand(lines: impl IntoIterator<Item = (VariantId, u32)>) -> BTreeMap<VariantId, u32> {
    let mut sums: BTreeMap<VariantId, u32> = BTreeMap::new();
    for (variant, units) in lines {
        let sum = sums.entry(variant).or_default();
        *sum = sum.saturating_add(units);
    }
    sums
}

/// Allocates a demand over shards, fullest first so that few are touched; nothing when their sum is short.
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

/// [`allocate`], and on shortage the rest from the first shard, which may fall that far below zero: the only one that may, so that
/// one condition keeps the limit. Nothing when that is not enough either.
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

/// The most shards an order may take from, so that whatever becomes of it fits into one transaction of 100 actions. The largest is
/// its cancellation: idempotency record, cart, order, up to 20 attempts at paying, events, and for each seller a part and a refund;
/// and each of its allocations. Forty lines from fifteen vendors always have an allocation each.
pub const fn max_allocations(vendors: usize) -> usize {
    70_usize.saturating_sub(2 * vendors)
}

/// Spreads a change over shards: units are added to the emptiest of the first `shards`, and taken from the fullest of all.
/// Nothing when more would be taken than the layout allows.
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
    // What the even share left over goes to the emptiest, so that the sum is exact.
    if left > 0 {
        match changes.first_mut() {
            Some((_, units)) => *units += left,
            None => changes.push((0, left)),
        }
    }
    Some(changes)
}

/// What has to be moved between shards so that the first `active` hold the same, and the others nothing that can be bought. The
/// sum is not changed.
pub fn rebalanced(shards: &[StockShard], active: u16) -> Vec<(u16, i64)> {
    let total: i64 = shards.iter().map(|shard| shard.available).sum();
    let count = i64::from(active.max(1));
    // What is owed to buyers is owed by the first shard.
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
