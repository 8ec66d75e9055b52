//! Properties of allocating, spreading and rebalancing units.

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
    fn an_allocation_is_found_exactly_when_the_sum_suffices(
        wanted in 1_u32..200, units in prop::collection::vec(-3_i64..40, 0..12),
    ) {
        let stock_shards: Vec<StockShard> =
            units.iter().map(|available| StockShard { available: *available, reserved: 0 }).collect();
        let there: i64 = units.iter().filter(|units| **units > 0).sum();
        match allocate(wanted, &stock_shards) {
            Some(allocations) => {
                prop_assert_eq!(allocations.iter().map(|allocation| allocation.units).sum::<u32>(), wanted);
                for allocation in &allocations {
                    prop_assert!(
                        allocation.units > 0 && i64::from(allocation.units) <= units[usize::from(allocation.shard)]
                    );
                }
                let mut shards: Vec<_> = allocations.iter().map(|allocation| allocation.shard).collect();
                shards.sort_unstable();
                shards.dedup();
                prop_assert_eq!(shards.len(), allocations.len());
            }
            None => prop_assert!(there < i64::from(wanted)),
        }
    }
}

fn stock_shards(units: &[i64]) -> Vec<StockShard> {
    units.iter().map(|available| StockShard { available: *available, reserved: 0 }).collect()
}

#[test]
fn a_change_is_spread_exactly() {
    for (by, units, shards) in [
        (10, vec![0, 0, 0], 3),
        (7, vec![5, 0, 1], 3),
        (1, vec![9, 9], 2),
        (0, vec![1], 1),
        (100, vec![0], 1),
        (3, vec![50, 0], 2),
        (5, vec![-4, 0, 9], 2),
    ] {
        let layout = Layout { shards, peak_shards: shards, oversell_limit: 0 };
        let changes = spread(by, &stock_shards(&units), layout).unwrap();
        assert_eq!(changes.iter().map(|(_, units)| units).sum::<i64>(), by, "{by} over {units:?}: {changes:?}");
        assert!(changes.iter().all(|(shard, units)| *units > 0 && *shard < shards));
    }
    let two = Layout { shards: 2, peak_shards: 2, oversell_limit: 0 };
    assert_eq!(spread(-3, &stock_shards(&[2, 2]), two).unwrap(), [(0, -2), (1, -1)]);
    assert_eq!(spread(-5, &stock_shards(&[2, 2]), two), None);
    assert_eq!(spread(-5, &stock_shards(&[2, 2]), Layout { oversell_limit: 1, ..two }).unwrap(), [(0, -3), (1, -2)]);
    assert_eq!(spread(3, &stock_shards(&[-2, 0]), two).unwrap(), [(0, 3)], "units owed to buyers are filled first");
}

#[test]
fn only_the_first_shard_is_oversold_and_no_more_than_the_limit() {
    let allocation = |shard, units| Allocation { shard, units };
    assert_eq!(allocate_with_oversell(3, &stock_shards(&[0, 5]), 9).unwrap(), [allocation(1, 3)]);
    assert_eq!(allocate_with_oversell(7, &stock_shards(&[1, 5]), 9).unwrap(), [allocation(1, 5), allocation(0, 2)]);
    assert_eq!(allocate_with_oversell(7, &stock_shards(&[0, 5]), 2).unwrap(), [allocation(1, 5), allocation(0, 2)]);
    assert_eq!(allocate_with_oversell(7, &stock_shards(&[0, 5]), 1), None);
    assert_eq!(allocate_with_oversell(3, &stock_shards(&[-4]), 7).unwrap(), [allocation(0, 3)]);
    assert_eq!(allocate_with_oversell(4, &stock_shards(&[-4]), 7), None);
}

#[test]
fn every_order_that_a_cart_can_hold_has_an_allocation_for_each_of_its_lines() {
    for vendors in 1..=crate::cart::MAX_VENDORS {
        assert!(max_allocations(vendors) >= crate::cart::MAX_LINES, "{vendors} vendors");
    }
}

/// What can happen to the stock of a variant.
#[derive(Clone, Debug)]
enum Step {
    Sell(u32),
    Release(usize),
    Ship(usize),
    Spread(u16),
    Adjust(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u32..12).prop_map(Step::Sell),
        2 => (0_usize..40).prop_map(Step::Release),
        1 => (0_usize..40).prop_map(Step::Ship),
        2 => (1_u16..=32).prop_map(Step::Spread),
        2 => (-15_i64..30).prop_map(Step::Adjust),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    /// Orders release to the shards of their allocations, while the number of shards grows and shrinks.
    #[test]
    fn no_unit_is_lost_or_made_when_stock_is_rebalanced_between_sales(steps in steps(), oversell_limit in 0_u32..6) {
        let mut layout = Layout { shards: 1, peak_shards: 1, oversell_limit };
        let mut all = vec![StockShard::default(); 32];
        let (mut orders, mut received, mut shipped): (Vec<Vec<Allocation>>, i64, i64) = (Vec::new(), 0, 0);
        for step in steps {
            let seen = usize::from(layout.peak_shards);
            let sum = |all: &[StockShard]| all.iter().map(|shard| shard.available).sum::<i64>();
            match step {
                Step::Sell(units) => {
                    let allocations = allocate_with_oversell(units, &all[..seen], oversell_limit);
                    prop_assert!(allocations.is_some() || sum(&all) - i64::from(units) < -i64::from(oversell_limit));
                    for allocation in allocations.iter().flatten() {
                        let shard = &mut all[usize::from(allocation.shard)];
                        shard.available -= i64::from(allocation.units);
                        shard.reserved += i64::from(allocation.units);
                    }
                    orders.extend(allocations);
                }
                Step::Release(which) | Step::Ship(which) if !orders.is_empty() => {
                    let allocations = orders.swap_remove(which % orders.len());
                    for allocation in allocations {
                        let units = i64::from(allocation.units);
                        let shard = &mut all[usize::from(allocation.shard)];
                        shard.reserved -= units;
                        if matches!(step, Step::Release(_)) { shard.available += units } else { shipped += units }
                    }
                }
                Step::Release(_) | Step::Ship(_) => {}
                Step::Spread(shards) => {
                    layout = Layout { shards, peak_shards: layout.peak_shards.max(shards), oversell_limit };
                    let before = sum(&all);
                    for (shard, units) in rebalanced(&all[..usize::from(layout.peak_shards)], shards) {
                        all[usize::from(shard)].available += units;
                    }
                    prop_assert_eq!(sum(&all), before);
                    let balances: Vec<i64> = all[..usize::from(shards)].iter().map(|shard| shard.available).collect();
                    if before >= 0 {
                        prop_assert!(balances.iter().max().unwrap() - balances.iter().min().unwrap() <= 1);
                    }
                    prop_assert!(all[usize::from(shards)..].iter().all(|shard| shard.available == 0));
                }
                Step::Adjust(by) => {
                    let changes = spread(by, &all[..seen], layout);
                    prop_assert!(changes.is_some() || sum(&all) + by < -i64::from(oversell_limit));
                    for (shard, units) in changes.into_iter().flatten() {
                        all[usize::from(shard)].available += units;
                        received += units;
                    }
                }
            }
            let seen = &all[..usize::from(layout.peak_shards)];
            let on_hand: i64 = seen.iter().map(|shard| shard.on_hand()).sum();
            prop_assert_eq!(received, on_hand + shipped, "received = available + reserved + shipped");
            let promised: i64 = orders.iter().flatten().map(|allocation| i64::from(allocation.units)).sum();
            prop_assert_eq!(seen.iter().map(|shard| shard.reserved).sum::<i64>(), promised);
            prop_assert!(seen.iter().skip(1).all(|shard| shard.available >= 0));
            prop_assert!(seen[0].available >= -i64::from(oversell_limit));
        }
    }
}
