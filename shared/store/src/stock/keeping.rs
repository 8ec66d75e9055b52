//! What sellers do to their stock, and how units move between counters.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::catalogue::MOST_SHARDS;
use domain::stock::{Counter, Draw, Layout, levelled, spread};
use domain::{Code, Refusal, VariantId};

use super::{Answering, Stock, counter_key};
use crate::item::{self, Condition, number, string};
use crate::keys::Keeping;
use crate::retry::MOST_ACTIONS;
use crate::{Error, retry};

impl Stock {
    /// Adds units to, or takes them from, what can be bought: spread over the counters, never below what the layout allows,
    /// exactly once even when an answer is lost. Answers the counters as they are then; what `answer` makes of them is kept with
    /// the change.
    pub async fn adjust(
        &self,
        variant: VariantId,
        layout: Layout,
        by: i64,
        answer: Answering<'_>,
    ) -> Result<Vec<Counter>, Error> {
        retry::while_conflicting(|| async {
            // What is taken away may lie in counters that the product did not have when it was read.
            let wide = Layout { counters: if by < 0 { MOST_SHARDS } else { layout.counters }, ..layout };
            let counters = self.all(variant, wide).await?;
            let Some(changes) = spread(by, &counters, layout) else {
                // Units on their way between two counters may be seen in neither.
                if self.all(variant, wide).await? != counters {
                    return Err(Error::Conflict);
                }
                return Err(Refusal::because(Code::OutOfStock, "less can be sold than would be taken away").into());
            };
            let after = moved(&counters, &changes);
            let actions = self.shifting(variant, &changes, layout.beyond)?;
            Keeping::of(answer(&after)?).transact(&self.client, &self.table, actions).await?;
            Ok(after)
        })
        .await
    }

    /// Sets what is in the house: units promised to buyers stay promised, the rest can be bought. A sale at the same moment
    /// counts either before or after it, never away. Answers as [`Stock::adjust`] does.
    pub async fn set_on_hand(
        &self,
        variant: VariantId,
        layout: Layout,
        on_hand: i64,
        answer: Answering<'_>,
    ) -> Result<Vec<Counter>, Error> {
        retry::while_conflicting(|| async {
            // All there can be: the stock may be spread wider by now than the product said when it was read, and what would be
            // overlooked would be added a second time.
            let counters = self.all(variant, Layout { counters: MOST_SHARDS, ..layout }).await?;
            let now = counters.iter().fold(Counter::default(), |sum, counter| sum.plus(*counter));
            let by = on_hand.saturating_sub(now.on_hand());
            let refused = || {
                let detail = format!("{} units are promised to buyers", now.reserved);
                Error::from(Refusal::because(Code::WrongState, detail))
            };
            if by < 0 && now.available.saturating_add(by) < -i64::from(layout.beyond) {
                return Err(refused());
            }
            let changes = spread(by, &counters, layout).ok_or_else(refused)?;
            // Every counter that holds anything is in the transaction, unchanged ones too: what is promised must not move while
            // it is set.
            let mut actions = Vec::new();
            for (shard, counter) in (0_u16..).zip(&counters) {
                let is_changed = changes.iter().any(|(changed, _)| *changed == shard);
                if *counter == Counter::default() && !is_changed && shard >= layout.counters {
                    continue;
                }
                let units = changes.iter().find(|(changed, _)| *changed == shard).map_or(0, |(_, units)| *units);
                actions.push(self.adding_to(variant, shard, units, *counter)?);
            }
            let after = moved(&counters, &changes);
            Keeping::of(answer(&after)?).transact(&self.client, &self.table, actions).await?;
            Ok(after)
        })
        .await
    }

    /// Begins the stock of variants that are new, spread over their counters; nothing is written of those with no units. Up to a
    /// hundred counters are written all at once, those of one variant always. Refused when one of them is there already.
    pub async fn begin(&self, units: &[(VariantId, Layout, i64)]) -> Result<(), Error> {
        let mut waiting = Vec::new();
        for (variant, layout, units) in units {
            let empty = vec![Counter::default(); usize::from(layout.shards)];
            let mut actions = Vec::new();
            for (shard, units) in spread((*units).max(0), &empty, *layout).unwrap_or_default() {
                actions.push(self.add(*variant, shard, units, Condition::absent())?);
            }
            if waiting.len() + actions.len() > MOST_ACTIONS {
                retry::transact(&self.client, std::mem::take(&mut waiting)).await?;
            }
            waiting.append(&mut actions);
        }
        if waiting.is_empty() { Ok(()) } else { retry::transact(&self.client, waiting).await.map_err(Error::from) }
    }

    /// Makes sure that the first counter of a variant is there, which owes what is ordered beyond the stock.
    pub async fn open(&self, variant: VariantId) -> Result<(), Error> {
        let always = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)");
        retry::transact(&self.client, vec![self.add(variant, 0, 0, always)?]).await.map_err(Error::from)
    }

    /// Moves what can be bought to where it is looked for first: evenly into the counters that the stock is spread over, away from
    /// those that it is not spread over any more. All at once, so that no unit is in two counters or in none.
    pub async fn level_out(&self, variant: VariantId, layout: Layout) -> Result<(), Error> {
        retry::while_conflicting(|| async {
            let counters = self.all(variant, layout).await?;
            self.shift(variant, &levelled(&counters, layout.shards), 0).await
        })
        .await
    }

    /// Moves what several counters were to give into one, so that an order takes it with one action. A conflict when one of them
    /// has less by now.
    pub async fn gather(&self, variant: VariantId, draws: &[Draw], into: u16) -> Result<(), Error> {
        let others = || draws.iter().filter(|draw| draw.shard != into);
        let mut changes: Vec<(u16, i64)> = others().map(|draw| (draw.shard, -i64::from(draw.units))).collect();
        changes.push((into, others().map(|draw| i64::from(draw.units)).sum()));
        self.shift(variant, &changes, 0).await
    }

    /// The actions that end the stock of variants; refused as a conflict when something of it is promised to buyers.
    pub(crate) fn ending(&self, variants: &[(VariantId, u16)]) -> Result<Vec<TransactWriteItem>, Error> {
        let counters = variants.iter().flat_map(|(variant, count)| (0..*count).map(|shard| (*variant, shard)));
        counters
            .map(|(variant, shard)| {
                let free = Condition::of("attribute_not_exists(pk) OR reserved = :none").value(":none", number(0));
                item::delete(&self.table, counter_key(variant, shard), &free)
            })
            .collect()
    }

    async fn all(&self, variant: VariantId, layout: Layout) -> Result<Vec<Counter>, Error> {
        Ok(self.counters(&[(variant, layout.counters)]).await?.remove(&variant).unwrap_or_default())
    }

    /// Changes what can be bought in some counters, all at once.
    async fn shift(&self, variant: VariantId, changes: &[(u16, i64)], beyond: u32) -> Result<(), Error> {
        let actions = self.shifting(variant, changes, beyond)?;
        if actions.is_empty() { Ok(()) } else { retry::transact(&self.client, actions).await.map_err(Error::from) }
    }

    fn shifting(
        &self,
        variant: VariantId,
        changes: &[(u16, i64)],
        beyond: u32,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        if changes.iter().all(|(_, units)| *units == 0) {
            return Ok(Vec::new());
        }
        changes.iter().map(|(shard, units)| self.adding(variant, *shard, *units, beyond)).collect()
    }

    fn adding(&self, variant: VariantId, shard: u16, units: i64, beyond: u32) -> Result<TransactWriteItem, Error> {
        let condition = if units >= 0 {
            Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)")
        } else {
            let beyond = if shard == 0 { i64::from(beyond) } else { 0 };
            let least = units.saturating_neg().saturating_sub(beyond);
            // A counter that was never written is empty, which is enough when so much may be owed.
            let condition = Condition::of(if least <= 0 {
                "attribute_not_exists(pk) OR available >= :least"
            } else {
                "available >= :least"
            });
            condition.value(":least", number(least))
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
            .value(":nothing", number(0))
            .value(":one", number(1))
            .value(":kind", string("stock"));
        item::update(
            &self.table,
            counter_key(variant, shard),
            "SET #kind = :kind ADD available :units, reserved :nothing, #version :one",
            &condition,
        )
    }
}

/// The counters after units were added to, or taken from, some of them.
fn moved(counters: &[Counter], changes: &[(u16, i64)]) -> Vec<Counter> {
    let mut after = counters.to_vec();
    for (shard, units) in changes {
        if let Some(counter) = after.get_mut(usize::from(*shard)) {
            counter.available = counter.available.saturating_add(*units);
        }
    }
    after
}
