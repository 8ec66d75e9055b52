//! Stock: what is there, what is promised, and how a demand is drawn from several counters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::VariantId;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ProductId;

    #[test]
    fn demand_is_summed_per_variant() {
        let variant = |ordinal| VariantId::new(ProductId::from_bits(1), ordinal);
        let sums = demand([(variant(1), 2), (variant(2), 1), (variant(1), 3)]);
        assert_eq!(sums.get(&variant(1)), Some(&5));
        assert_eq!(sums.len(), 2);
    }

    proptest! {
        #[test]
        fn a_draw_is_planned_exactly_when_the_sum_suffices(
            wanted in 1_u32..200, units in prop::collection::vec(-3_i64..40, 0..12),
        ) {
            let counters: Vec<Counter> = units.iter().map(|available| Counter { available: *available, reserved: 0 }).collect();
            let there: i64 = units.iter().filter(|units| **units > 0).sum();
            match plan(wanted, &counters) {
                Some(draws) => {
                    prop_assert_eq!(draws.iter().map(|draw| draw.units).sum::<u32>(), wanted);
                    for draw in &draws {
                        prop_assert!(draw.units > 0 && i64::from(draw.units) <= units[usize::from(draw.shard)]);
                    }
                    let mut shards: Vec<_> = draws.iter().map(|draw| draw.shard).collect();
                    shards.sort_unstable();
                    shards.dedup();
                    prop_assert_eq!(shards.len(), draws.len());
                }
                None => prop_assert!(there < i64::from(wanted)),
            }
        }
    }
}
