//! What planning, spreading and moving units must keep.

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

fn counters(units: &[i64]) -> Vec<Counter> {
    units.iter().map(|available| Counter { available: *available, reserved: 0 }).collect()
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
        let layout = Layout { shards, counters: shards, beyond: 0 };
        let changes = spread(by, &counters(&units), layout).unwrap();
        assert_eq!(changes.iter().map(|(_, units)| units).sum::<i64>(), by, "{by} over {units:?}: {changes:?}");
        assert!(changes.iter().all(|(shard, units)| *units > 0 && *shard < shards));
    }
    let two = Layout { shards: 2, counters: 2, beyond: 0 };
    assert_eq!(spread(-3, &counters(&[2, 2]), two).unwrap(), [(0, -2), (1, -1)]);
    assert_eq!(spread(-5, &counters(&[2, 2]), two), None);
    assert_eq!(spread(-5, &counters(&[2, 2]), Layout { beyond: 1, ..two }).unwrap(), [(0, -3), (1, -2)]);
    assert_eq!(spread(3, &counters(&[-2, 0]), two).unwrap(), [(0, 3)], "what is owed comes first");
}

#[test]
fn only_the_first_counter_owes_and_no_more_than_it_may() {
    let draw = |shard, units| Draw { shard, units };
    assert_eq!(plan_beyond(3, &counters(&[0, 5]), 9).unwrap(), [draw(1, 3)]);
    assert_eq!(plan_beyond(7, &counters(&[1, 5]), 9).unwrap(), [draw(1, 5), draw(0, 2)]);
    assert_eq!(plan_beyond(7, &counters(&[0, 5]), 2).unwrap(), [draw(1, 5), draw(0, 2)]);
    assert_eq!(plan_beyond(7, &counters(&[0, 5]), 1), None);
    assert_eq!(plan_beyond(3, &counters(&[-4]), 7).unwrap(), [draw(0, 3)]);
    assert_eq!(plan_beyond(4, &counters(&[-4]), 7), None);
}

#[test]
fn every_order_that_a_cart_can_hold_has_a_draw_for_each_of_its_lines() {
    for sellers in 1..=crate::cart::MOST_VENDORS {
        assert!(most_draws(sellers) >= crate::cart::MOST_LINES, "{sellers} sellers");
    }
}

/// What may happen to the stock of a variant.
#[derive(Clone, Debug)]
enum Step {
    Sell(u32),
    GiveBack(usize),
    Ship(usize),
    Spread(u16),
    Adjust(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u32..12).prop_map(Step::Sell),
        2 => (0_usize..40).prop_map(Step::GiveBack),
        1 => (0_usize..40).prop_map(Step::Ship),
        2 => (1_u16..=32).prop_map(Step::Spread),
        2 => (-15_i64..30).prop_map(Step::Adjust),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    /// Orders remember where they took from; the counters grow and shrink under them.
    #[test]
    fn no_unit_is_lost_or_made_when_stock_is_spread_anew_between_sales(steps in steps(), beyond in 0_u32..6) {
        let mut layout = Layout { shards: 1, counters: 1, beyond };
        let mut all = vec![Counter::default(); 32];
        let (mut orders, mut received, mut shipped): (Vec<Vec<Draw>>, i64, i64) = (Vec::new(), 0, 0);
        for step in steps {
            let seen = usize::from(layout.counters);
            let sum = |all: &[Counter]| all.iter().map(|counter| counter.available).sum::<i64>();
            match step {
                Step::Sell(units) => {
                    let planned = plan_beyond(units, &all[..seen], beyond);
                    prop_assert!(planned.is_some() || sum(&all) - i64::from(units) < -i64::from(beyond));
                    for draw in planned.iter().flatten() {
                        let counter = &mut all[usize::from(draw.shard)];
                        counter.available -= i64::from(draw.units);
                        counter.reserved += i64::from(draw.units);
                    }
                    orders.extend(planned);
                }
                Step::GiveBack(which) | Step::Ship(which) if !orders.is_empty() => {
                    let draws = orders.swap_remove(which % orders.len());
                    for draw in draws {
                        let units = i64::from(draw.units);
                        let counter = &mut all[usize::from(draw.shard)];
                        counter.reserved -= units;
                        if matches!(step, Step::GiveBack(_)) { counter.available += units } else { shipped += units }
                    }
                }
                Step::GiveBack(_) | Step::Ship(_) => {}
                Step::Spread(shards) => {
                    layout = Layout { shards, counters: layout.counters.max(shards), beyond };
                    let before = sum(&all);
                    for (shard, units) in levelled(&all[..usize::from(layout.counters)], shards) {
                        all[usize::from(shard)].available += units;
                    }
                    prop_assert_eq!(sum(&all), before);
                    let levels: Vec<i64> = all[..usize::from(shards)].iter().map(|counter| counter.available).collect();
                    if before >= 0 {
                        prop_assert!(levels.iter().max().unwrap() - levels.iter().min().unwrap() <= 1);
                    }
                    prop_assert!(all[usize::from(shards)..].iter().all(|counter| counter.available == 0));
                }
                Step::Adjust(by) => {
                    let changes = spread(by, &all[..seen], layout);
                    prop_assert!(changes.is_some() || sum(&all) + by < -i64::from(beyond));
                    for (shard, units) in changes.into_iter().flatten() {
                        all[usize::from(shard)].available += units;
                        received += units;
                    }
                }
            }
            let seen = &all[..usize::from(layout.counters)];
            let on_hand: i64 = seen.iter().map(|counter| counter.on_hand()).sum();
            prop_assert_eq!(received, on_hand + shipped, "received = available + reserved + shipped");
            let promised: i64 = orders.iter().flatten().map(|draw| i64::from(draw.units)).sum();
            prop_assert_eq!(seen.iter().map(|counter| counter.reserved).sum::<i64>(), promised);
            prop_assert!(seen.iter().skip(1).all(|counter| counter.available >= 0));
            prop_assert!(seen[0].available >= -i64::from(beyond));
        }
    }
}
