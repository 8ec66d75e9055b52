//! Vendors' adjustments of their stock, and moves of units between shards.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::catalog::MAX_SHARDS;
use domain::stock::{Allocation, Layout, StockShard, rebalanced, spread};
use domain::{Code, Outcome, Refusal, VariantId};

use super::{Respond, Stock, shard_key};
use crate::Error;
use crate::idempotency::transact;
use crate::item::{self, Condition, number, string};
use crate::retry::{Backoff, RETRY_BUDGET};
use crate::transaction::{MAX_ACTIONS, Purpose, Transaction};

/// Repeats a read and the write that depends on it while others write the same shards: sales change a hot one all the
/// time.
async fn while_contended<T, Attempt>(attempt: impl Fn() -> Attempt) -> Result<T, Error>
where
    Attempt: Future<Output = Result<T, Error>>,
{
    let mut backoff = Backoff::within(RETRY_BUDGET);
    loop {
        match attempt().await {
            Err(Error::Conflict) if backoff.waits().await => {}
            Err(Error::Conflict) => return Err(Error::Unavailable("concurrent writes kept conflicting".to_owned())),
            other => return other,
        }
    }
}

impl Stock {
    /// Adds `by` units to what can be bought, or removes them when it is negative: spread over the shards, never below
    /// what the layout allows, exactly once even when an answer is lost. The response that `respond` makes of the
    /// shards after the change is stored with it.
    pub async fn adjust<R>(
        &self,
        variant: VariantId,
        layout: Layout,
        by: i64,
        respond: Respond<'_, R>,
    ) -> Result<Outcome<R>, Error> {
        let purpose = Purpose::Stock(variant);
        while_contended(|| async {
            // The units to remove may lie in shards that were added after the product was read.
            let wide = Layout { peak_shards: if by < 0 { MAX_SHARDS } else { layout.peak_shards }, ..layout };
            let shards = self.all(variant, wide).await?;
            let Some(changes) = spread(by, &shards, layout) else {
                // Units that are being moved between two shards may be seen in neither: only an equal second reading
                // proves that there are too few.
                if self.all(variant, wide).await? != shards {
                    return Err(Error::Conflict);
                }
                return Err(
                    Refusal::because(Code::OutOfStock, "fewer units are available than would be removed").into()
                );
            };
            let moves = Transaction::of(purpose, self.shift_actions(variant, &changes, layout.oversell_limit)?);
            let response = respond(&with_changes(&shards, &changes))?;
            Ok(transact(&self.client, &self.table, moves, response).await?)
        })
        .await
    }

    /// Sets the units on hand: units reserved for buyers stay reserved, the rest can be bought. A concurrent sale
    /// counts either before or after the change and is never overwritten.
    pub async fn set_on_hand<R>(
        &self,
        variant: VariantId,
        layout: Layout,
        on_hand: i64,
        respond: Respond<'_, R>,
    ) -> Result<Outcome<R>, Error> {
        let purpose = Purpose::Stock(variant);
        while_contended(|| async {
            // All possible shards: the stock may have been spread wider since the product was read, and the units of an
            // overlooked shard would be added a second time.
            let shards = self.all(variant, Layout { peak_shards: MAX_SHARDS, ..layout }).await?;
            let now = shards.iter().fold(StockShard::default(), |sum, stock| sum.plus(*stock));
            let by = on_hand.saturating_sub(now.on_hand());
            let refused = || {
                let detail = format!("{} units are reserved for buyers", now.reserved);
                Error::from(Refusal::because(Code::WrongState, detail))
            };
            if by < 0 && now.available.saturating_add(by) < -i64::from(layout.oversell_limit) {
                return Err(refused());
            }
            let changes = spread(by, &shards, layout).ok_or_else(refused)?;
            // Every shard that holds units is in the transaction, unchanged ones too: units must not be moved or
            // reserved while the total is set.
            let mut actions = Vec::new();
            for (shard, stock) in (0_u16..).zip(&shards) {
                let is_changed = changes.iter().any(|(changed, _)| *changed == shard);
                if *stock == StockShard::default() && !is_changed && shard >= layout.peak_shards {
                    continue;
                }
                let units = changes.iter().find(|(changed, _)| *changed == shard).map_or(0, |(_, units)| *units);
                actions.push(self.add_if_unchanged_action(variant, shard, units, *stock)?);
            }
            let response = respond(&with_changes(&shards, &changes))?;
            Ok(transact(&self.client, &self.table, Transaction::of(purpose, actions), response).await?)
        })
        .await
    }

    /// Creates the stock of new variants, spread over their shards; a variant without units gets no item, one that is
    /// sold beyond its stock may begin below zero. Up to 100 shards are written in one transaction, and those of one
    /// variant always together. A conflict when one of the shards exists already.
    pub async fn create(&self, units: &[(VariantId, Layout, i64)]) -> Result<(), Error> {
        let mut waiting = Transaction::default();
        for (variant, layout, units) in units {
            let empty = vec![StockShard::default(); usize::from(layout.shards)];
            let mut actions = Vec::new();
            // Less than nothing is what is owed already: the first shard carries it.
            let owed = (*units < 0).then(|| vec![(0, (*units).max(-i64::from(layout.oversell_limit)))]);
            for (shard, units) in owed.or_else(|| spread(*units, &empty, *layout)).unwrap_or_default() {
                actions.push(self.add_action(*variant, shard, units, Condition::absent())?);
            }
            if waiting.len() + actions.len() > MAX_ACTIONS {
                std::mem::take(&mut waiting).run(&self.client).await?;
            }
            waiting.append(Transaction::of(Purpose::Stock(*variant), actions));
        }
        Ok(waiting.run(&self.client).await?)
    }

    /// Makes sure that shard 0 of a variant exists, which falls below zero when units are oversold.
    pub async fn ensure_first_shard(&self, variant: VariantId) -> Result<(), Error> {
        let always = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)");
        let first = vec![self.add_action(variant, 0, 0, always)?];
        Ok(Transaction::of(Purpose::Stock(variant), first).run(&self.client).await?)
    }

    /// Moves what can be bought to where allocations look first: evenly into the shards of the layout, and out of
    /// shards that it no longer has. One transaction, so that no unit is in two shards or in none.
    pub async fn rebalance(&self, variant: VariantId, layout: Layout) -> Result<(), Error> {
        while_contended(|| async {
            let shards = self.all(variant, layout).await?;
            self.shift(variant, &rebalanced(&shards, layout.shards), 0).await
        })
        .await
    }

    /// Moves the units of several allocations into one shard, so that an order reserves them with one action. A
    /// conflict when one of the shards has fewer units by now.
    pub async fn consolidate(&self, variant: VariantId, allocations: &[Allocation], into: u16) -> Result<(), Error> {
        let others = || allocations.iter().filter(|allocation| allocation.shard != into);
        let mut changes: Vec<(u16, i64)> =
            others().map(|allocation| (allocation.shard, -i64::from(allocation.units))).collect();
        changes.push((into, others().map(|allocation| i64::from(allocation.units)).sum()));
        self.shift(variant, &changes, 0).await
    }

    /// The actions that delete the stock of variants; a conflict when any of it is reserved for buyers.
    pub(crate) fn delete_actions(&self, variants: &[(VariantId, u16)]) -> Result<Vec<TransactWriteItem>, Error> {
        let shards = variants.iter().flat_map(|(variant, count)| (0..*count).map(|shard| (*variant, shard)));
        shards
            .map(|(variant, shard)| {
                let free = Condition::of("attribute_not_exists(pk) OR reserved = :none").value(":none", number(0));
                item::delete(&self.table, shard_key(variant, shard), &free)
            })
            .collect()
    }

    async fn all(&self, variant: VariantId, layout: Layout) -> Result<Vec<StockShard>, Error> {
        Ok(self.shards(&[(variant, layout.peak_shards)]).await?.remove(&variant).unwrap_or_default())
    }

    /// Changes what can be bought in some shards, in one transaction.
    async fn shift(&self, variant: VariantId, changes: &[(u16, i64)], oversell_limit: u32) -> Result<(), Error> {
        let actions = self.shift_actions(variant, changes, oversell_limit)?;
        Ok(Transaction::of(Purpose::Stock(variant), actions).run(&self.client).await?)
    }

    fn shift_actions(
        &self,
        variant: VariantId,
        changes: &[(u16, i64)],
        oversell_limit: u32,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        if changes.iter().all(|(_, units)| *units == 0) {
            return Ok(Vec::new());
        }
        changes
            .iter()
            .map(|(shard, units)| self.add_within_limit_action(variant, *shard, *units, oversell_limit))
            .collect()
    }

    fn add_within_limit_action(
        &self,
        variant: VariantId,
        shard: u16,
        units: i64,
        oversell_limit: u32,
    ) -> Result<TransactWriteItem, Error> {
        let condition = if units >= 0 {
            Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)")
        } else {
            let oversell_limit = if shard == 0 { i64::from(oversell_limit) } else { 0 };
            let least = units.saturating_neg().saturating_sub(oversell_limit);
            // A shard that was never written is empty, which suffices when the oversell limit covers the units.
            let condition = Condition::of(if least <= 0 {
                "attribute_not_exists(pk) OR available >= :least"
            } else {
                "available >= :least"
            });
            condition.value(":least", number(least))
        };
        self.add_action(variant, shard, units, condition)
    }

    fn add_if_unchanged_action(
        &self,
        variant: VariantId,
        shard: u16,
        units: i64,
        seen: StockShard,
    ) -> Result<TransactWriteItem, Error> {
        let condition = if seen == StockShard::default() {
            Condition::of("attribute_not_exists(pk) OR (available = :seen AND reserved = :promised)")
        } else {
            Condition::of("available = :seen AND reserved = :promised")
        }
        .value(":seen", number(seen.available))
        .value(":promised", number(seen.reserved));
        self.add_action(variant, shard, units, condition)
    }

    fn add_action(
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
            .value(":nothing", number(0))
            .value(":one", number(1))
            .value(":kind", string("stock"));
        item::update(
            &self.table,
            shard_key(variant, shard),
            "SET #kind = :kind ADD available :units, reserved :nothing, #version :one",
            &condition,
        )
    }
}

/// The shards after units were added to, or removed from, some of them.
fn with_changes(shards: &[StockShard], changes: &[(u16, i64)]) -> Vec<StockShard> {
    let mut after = shards.to_vec();
    for (shard, units) in changes {
        if let Some(stock) = after.get_mut(usize::from(*shard)) {
            stock.available = stock.available.saturating_add(*units);
        }
    }
    after
}
