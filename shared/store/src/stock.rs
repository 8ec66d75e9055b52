//! The table Stock: one counter item per variant and shard.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::order::StockMove;
use domain::stock::Counter;
use domain::{Code, Refusal, VariantId};

use crate::item::{self, Attributes, Condition, integer, key, number, string, text};
use crate::{Error, retry};

/// Key: `STOCK#<variant>#<shard>` / `COUNTER`.
fn counter_key(variant: VariantId, shard: u16) -> Attributes {
    key(format!("STOCK#{variant}#{shard:03}"), "COUNTER")
}

/// The variant and the shard that a counter's key names.
pub fn counter_of(pk: &str) -> Option<(VariantId, u16)> {
    let (variant, shard) = pk.strip_prefix("STOCK#")?.rsplit_once('#')?;
    Some((variant.parse().ok()?, shard.parse().ok()?))
}

/// The counters of stock.
#[derive(Clone, Debug)]
pub struct Stock {
    client: Client,
    table: String,
}

/// What can be bought of a variant, and what that was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Units over all counters.
    pub available: i64,
    /// The version of each counter that is there.
    pub versions: BTreeMap<u16, u64>,
}

/// A variant and over how many counters its stock is spread.
pub type Spread = (VariantId, u16);

impl Stock {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Reads all counters of some variants, consistently; a counter that was never written is empty.
    pub async fn counters(&self, variants: &[Spread]) -> Result<BTreeMap<VariantId, Vec<Counter>>, Error> {
        let keys = variants
            .iter()
            .flat_map(|(variant, shards)| (0..*shards).map(|shard| counter_key(*variant, shard)))
            .collect();
        let found = retry::batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        let mut counters: BTreeMap<VariantId, Vec<Counter>> = variants
            .iter()
            .map(|(variant, shards)| (*variant, vec![Counter::default(); usize::from(*shards)]))
            .collect();
        for (_, found) in found {
            let Some((variant, shard)) = text(&found, "pk").and_then(counter_of) else { continue };
            if let Some(counter) = counters.get_mut(&variant).and_then(|all| all.get_mut(usize::from(shard))) {
                *counter = Counter {
                    available: integer(&found, "available").unwrap_or(0),
                    reserved: integer(&found, "reserved").unwrap_or(0),
                };
            }
        }
        Ok(counters)
    }

    /// What is left of a variant, with the version of each counter that was read: a change of a counter up to that version is
    /// part of the sum.
    pub async fn level(&self, variant: VariantId, shards: u16) -> Result<Level, Error> {
        let keys = (0..shards).map(|shard| counter_key(variant, shard)).collect();
        let found = retry::batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        let mut level = Level::default();
        for (_, found) in found {
            let Some((_, shard)) = text(&found, "pk").and_then(counter_of) else { continue };
            let available = integer(&found, "available").unwrap_or(0);
            level.available = level.available.saturating_add(available);
            level.versions.insert(shard, item::version(&found));
        }
        Ok(level)
    }

    /// The action that moves units of one counter. Taking from what can be bought is refused when there is less.
    pub(crate) fn moving(&self, change: &StockMove) -> Result<TransactWriteItem, Error> {
        let mut condition = Condition::of(match (change.available < 0, change.reserved < 0) {
            (true, true) => "available >= :least AND reserved >= :promised",
            (true, false) => "available >= :least",
            (false, true) => "reserved >= :promised",
            (false, false) => "attribute_exists(pk)",
        })
        .name("#version", "version")
        .value(":available", number(change.available))
        .value(":reserved", number(change.reserved))
        .value(":one", number(1));
        if change.available < 0 {
            condition = condition.value(":least", number(change.available.unsigned_abs()));
        }
        if change.reserved < 0 {
            condition = condition.value(":promised", number(change.reserved.unsigned_abs()));
        }
        item::update(
            &self.table,
            counter_key(change.variant, change.shard),
            "ADD available :available, reserved :reserved, #version :one",
            &condition,
        )
    }

    /// Adds units to, or takes them from, what can be bought: spread over the counters, never below zero, exactly once
    /// even when an answer is lost.
    pub async fn adjust(&self, variant: VariantId, shards: u16, by: i64) -> Result<(), Error> {
        // Several tries: a sale between reading and writing is no reason to refuse the seller.
        for _ in 0..20 {
            let counters = self.counters(&[(variant, shards)]).await?.remove(&variant).unwrap_or_default();
            let Some(changes) = spread(by, &counters) else {
                return Err(Refusal::because(Code::OutOfStock, "less can be sold than would be taken away").into());
            };
            if changes.is_empty() {
                return Ok(());
            }
            let actions = changes
                .into_iter()
                .map(|(shard, units)| self.adding(variant, shard, units))
                .collect::<Result<_, _>>()?;
            match retry::transact(&self.client, actions).await.map_err(Error::from) {
                Err(Error::Conflict) => {}
                other => return other,
            }
        }
        Err(Error::Unavailable("the stock changes too fast to be adjusted".to_owned()))
    }

    /// Sets what is in the house: units promised to buyers stay promised, the rest can be bought. A sale at the same moment
    /// counts either before or after it, never away.
    pub async fn set_on_hand(&self, variant: VariantId, shards: u16, on_hand: i64) -> Result<(), Error> {
        for _ in 0..20 {
            let counters = self.counters(&[(variant, shards)]).await?.remove(&variant).unwrap_or_default();
            let now = counters.iter().fold(Counter::default(), |sum, counter| sum.plus(*counter));
            if on_hand < now.reserved {
                let detail = format!("{} units are promised to buyers", now.reserved);
                return Err(Refusal::because(Code::WrongState, detail).into());
            }
            let Some(changes) = spread(on_hand - now.on_hand(), &counters) else {
                return Err(Refusal::of(Code::WrongState).into());
            };
            // Every counter is in the transaction, unchanged ones too: what is promised must not move while it is set.
            let mut actions = Vec::new();
            for (shard, counter) in (0_u16..).zip(&counters) {
                let units = changes.iter().find(|(changed, _)| *changed == shard).map_or(0, |(_, units)| *units);
                actions.push(self.adding_to(variant, shard, units, *counter)?);
            }
            match retry::transact(&self.client, actions).await.map_err(Error::from) {
                Err(Error::Conflict) => {}
                other => return other,
            }
        }
        Err(Error::Unavailable("the stock changes too fast to be set".to_owned()))
    }

    /// Begins the stock of variants that are new, all at once; nothing is written of those with no units. Refused when one of
    /// them has a counter already.
    pub async fn begin(&self, units: &[(VariantId, i64)]) -> Result<(), Error> {
        let begun = units.iter().filter(|(_, units)| *units > 0);
        let actions: Vec<_> = begun
            .map(|(variant, units)| self.add(*variant, 0, *units, Condition::absent()))
            .collect::<Result<_, _>>()?;
        if actions.is_empty() { Ok(()) } else { retry::transact(&self.client, actions).await.map_err(Error::from) }
    }

    fn adding(&self, variant: VariantId, shard: u16, units: i64) -> Result<TransactWriteItem, Error> {
        // A counter begins with its first units, but none begins below zero.
        let mut condition = Condition::of(if units < 0 {
            "available >= :least"
        } else {
            "attribute_not_exists(pk) OR available >= :zero"
        });
        condition = if units < 0 {
            condition.value(":least", number(units.unsigned_abs()))
        } else {
            condition.value(":zero", number(0))
        };
        self.add(variant, shard, units, condition)
    }

    fn adding_to(&self, variant: VariantId, shard: u16, units: i64, seen: Counter) -> Result<TransactWriteItem, Error> {
        let condition = if seen == Counter::default() {
            Condition::of("attribute_not_exists(pk) OR (available = :seen AND reserved = :promised)")
        } else {
            Condition::of("available = :seen AND reserved = :promised")
        }
        .value(":seen", number(seen.available))
        .value(":promised", number(seen.reserved));
        self.add(variant, shard, units, condition)
    }

    fn add(
        &self,
        variant: VariantId,
        shard: u16,
        units: i64,
        condition: Condition,
    ) -> Result<TransactWriteItem, Error> {
        let condition = condition
            .name("#version", "version")
            .name("#kind", "kind")
            .value(":units", number(units))
            .value(":none", number(0))
            .value(":one", number(1))
            .value(":kind", string("stock"));
        item::update(
            &self.table,
            counter_key(variant, shard),
            "SET #kind = :kind ADD available :units, reserved :none, #version :one",
            &condition,
        )
    }
}

/// Spreads a change over counters: units are added to the emptiest and taken from the fullest. Nothing when more would be
/// taken than is there.
fn spread(by: i64, counters: &[Counter]) -> Option<Vec<(u16, i64)>> {
    if by < 0 {
        let wanted = u32::try_from(by.unsigned_abs()).ok()?;
        let draws = domain::stock::plan(wanted, counters)?;
        return Some(draws.into_iter().map(|draw| (draw.shard, -i64::from(draw.units))).collect());
    }
    let count = i64::try_from(counters.len()).ok().filter(|count| *count > 0)?;
    let total = counters.iter().map(|counter| counter.available.max(0)).sum::<i64>().checked_add(by)?;
    let mut order: Vec<(u16, i64)> = (0_u16..).zip(counters.iter().map(|counter| counter.available.max(0))).collect();
    order.sort_by_key(|(shard, available)| (*available, *shard));
    let (level, mut rest, mut left) = (total / count, total % count, by);
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

#[cfg(test)]
mod tests {
    use domain::ProductId;

    use super::*;

    #[test]
    fn a_counters_key_names_its_variant_and_shard() {
        let variant = VariantId::new(ProductId::from_bits(9), 3);
        let key = counter_key(variant, 7);
        assert_eq!(counter_of(text(&key, "pk").unwrap()), Some((variant, 7)));
    }

    #[test]
    fn a_change_is_spread_exactly() {
        let counters = |units: &[i64]| {
            units.iter().map(|available| Counter { available: *available, reserved: 0 }).collect::<Vec<_>>()
        };
        for (by, units) in
            [(10, vec![0, 0, 0]), (7, vec![5, 0, 1]), (1, vec![9, 9]), (0, vec![1]), (100, vec![0]), (3, vec![50, 0])]
        {
            let changes = spread(by, &counters(&units)).unwrap();
            assert_eq!(changes.iter().map(|(_, units)| units).sum::<i64>(), by, "{by} over {units:?}: {changes:?}");
            assert!(changes.iter().all(|(_, units)| *units > 0));
        }
        assert_eq!(spread(-3, &counters(&[2, 2])).unwrap(), [(0, -2), (1, -1)]);
        assert_eq!(spread(-5, &counters(&[2, 2])), None);
    }
}
