//! Stock: what is there, what is promised, and how a demand is drawn from several counters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, VariantId};

/// One counter of one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Units that can be bought.
    pub available: i64,
    /// Units that were ordered and not yet shipped.
    pub reserved: i64,
}

impl Counter {
    /// Units in the house.
    pub const fn on_hand(self) -> i64 {
        self.available.saturating_add(self.reserved)
    }

    /// Both counters together.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            available: self.available.saturating_add(other.available),
            reserved: self.reserved.saturating_add(other.reserved),
        }
    }
}

/// So many units out of one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// Which counter of the variant.
    pub shard: u16,
    /// Units.
    pub units: u32,
}

/// How the stock of a variant is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Over how many counters its units are spread.
    pub shards: u16,
    /// How many counters may hold some of it: the most it was ever spread over. Orders remember the counter that they took
    /// from and give back there, so a counter that once had units is read for ever.
    pub counters: u16,
    /// How far what can be bought may fall below zero.
    pub beyond: u32,
}

impl Default for Layout {
    fn default() -> Self {
        Self { shards: 1, counters: 1, beyond: 0 }
    }
}

/// What of an order's line has to come in first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackOrder {
    /// Units that were not there when it was ordered.
    pub units: u32,
    /// When they are expected, if the seller said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_from: Option<Timestamp>,
    /// How far what can be bought may fall below zero for it.
    pub beyond: u32,
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

/// The demand per variant: a variant that stands in two lines is drawn once.
pub fn demand(lines: impl IntoIterator<Item = (VariantId, u32)>) -> BTreeMap<VariantId, u32> {
    let mut sums: BTreeMap<VariantId, u32> = BTreeMap::new();
    for (variant, units) in lines {
        let sum = sums.entry(variant).or_default();
        *sum = sum.saturating_add(units);
    }
    sums
}

/// Draws a demand out of counters, fullest first so that few are touched; nothing when their sum is short.
pub fn plan(wanted: u32, counters: &[Counter]) -> Option<Vec<Draw>> {
    let mut by_fullness: Vec<(u16, i64)> = (0_u16..)
        .zip(counters)
        .map(|(shard, counter)| (shard, counter.available))
        .filter(|(_, units)| *units > 0)
        .collect();
    by_fullness.sort_by_key(|(shard, units)| (std::cmp::Reverse(*units), *shard));
    let mut missing = wanted;
    let mut draws = Vec::new();
    for (shard, units) in by_fullness {
        if missing == 0 {
            break;
        }
        let taken = missing.min(u32::try_from(units).unwrap_or(u32::MAX));
        draws.push(Draw { shard, units: taken });
        missing -= taken;
    }
    (missing == 0).then_some(draws)
}

/// [`plan`], and on shortage the rest from the first counter, which may fall that far below zero: the only one that may, so that
/// one condition keeps the limit. Nothing when that is not enough either.
pub fn plan_beyond(wanted: u32, counters: &[Counter], beyond: u32) -> Option<Vec<Draw>> {
    let there: i64 = counters.iter().map(|counter| counter.available.max(0)).sum();
    let covered = wanted.min(u32::try_from(there).unwrap_or(u32::MAX));
    let rest = wanted - covered;
    let mut draws = plan(covered, counters)?;
    if rest == 0 {
        return Some(draws);
    }
    let owed = counters.first().map_or(0, |first| first.available.min(0).unsigned_abs());
    if owed.saturating_add(u64::from(rest)) > u64::from(beyond) {
        return None;
    }
    match draws.iter_mut().find(|draw| draw.shard == 0) {
        Some(first) => first.units = first.units.saturating_add(rest),
        None => draws.push(Draw { shard: 0, units: rest }),
    }
    Some(draws)
}

/// The most counters an order may draw on, so that whatever becomes of it fits into one transaction of 100 actions. The largest is
/// its cancellation: idempotency record, cart, order, up to 20 attempts at paying, events, and for each seller a part and a refund;
/// and each of its draws. Forty lines from fifteen sellers always have a draw each.
pub const fn most_draws(sellers: usize) -> usize {
    70_usize.saturating_sub(2 * sellers)
}

/// Spreads a change over counters: units are added to the emptiest of the first `shards`, and taken from the fullest of all.
/// Nothing when more would be taken than the layout allows.
pub fn spread(by: i64, counters: &[Counter], layout: Layout) -> Option<Vec<(u16, i64)>> {
    if by < 0 {
        let wanted = u32::try_from(by.unsigned_abs()).ok()?;
        let draws = plan_beyond(wanted, counters, layout.beyond)?;
        return Some(draws.into_iter().map(|draw| (draw.shard, -i64::from(draw.units))).collect());
    }
    let mut order: Vec<(u16, i64)> =
        (0..layout.shards).zip(counters).map(|(shard, counter)| (shard, counter.available)).collect();
    let count = i64::try_from(order.len()).ok().filter(|count| *count > 0)?;
    let total = order.iter().map(|(_, available)| *available).sum::<i64>().checked_add(by)?;
    order.sort_by_key(|(shard, available)| (*available, *shard));
    let (level, mut rest, mut left) = (total.div_euclid(count), total.rem_euclid(count), by);
    let mut changes = Vec::new();
    for (shard, available) in order {
        let target = level + i64::from(rest > 0);
        let units = (target - available).clamp(0, left);
        if units > 0 {
            rest -= i64::from(rest > 0);
            left -= units;
            changes.push((shard, units));
        }
    }
    // What the levelling left over goes to the emptiest, so that the sum is exact.
    if left > 0 {
        match changes.first_mut() {
            Some((_, units)) => *units += left,
            None => changes.push((0, left)),
        }
    }
    Some(changes)
}

/// What has to be moved between counters so that the first `shards` hold the same, and the others nothing that can be bought. The
/// sum is not changed.
pub fn levelled(counters: &[Counter], shards: u16) -> Vec<(u16, i64)> {
    let total: i64 = counters.iter().map(|counter| counter.available).sum();
    let count = i64::from(shards.max(1));
    // What is owed to buyers is owed by the first counter.
    let (level, rest) = if total < 0 { (0, 0) } else { (total / count, total % count) };
    (0_u16..)
        .zip(counters)
        .map(|(shard, counter)| {
            let owed = if shard == 0 { total.min(0) } else { 0 };
            let share = if i64::from(shard) < count { level + i64::from(i64::from(shard) < rest) } else { 0 };
            (shard, share + owed - counter.available)
        })
        .filter(|(_, units)| *units != 0)
        .collect()
}

#[cfg(test)]
mod tests;
