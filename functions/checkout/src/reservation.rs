//! From which counters of stock an order takes its units.

use std::collections::BTreeMap;

use api::Problem;
use domain::pricing::PricedCart;
use domain::stock::{Draw, demand, plan};
use domain::{Code, FieldError, Mint, Refusal, VariantId};
use store::Stock;

/// The draws that are known to have been possible a moment ago. Empty at first: a random counter is tried blindly, and only a
/// shortage makes all counters be read.
#[derive(Debug, Default)]
pub(crate) struct Reservation {
    planned: BTreeMap<VariantId, Vec<Draw>>,
}

impl Reservation {
    /// What to try now: what was planned, else everything from one random counter.
    pub(crate) fn draws(&self, priced: &PricedCart, mint: &mut Mint) -> BTreeMap<VariantId, Vec<Draw>> {
        priced
            .lines()
            .map(|line| {
                let blind = || vec![Draw { shard: mint.below(line.shards), units: line.quantity }];
                let planned = self.planned.get(&line.variant).filter(|draws| covers(draws, line.quantity)).cloned();
                (line.variant, planned.unwrap_or_else(blind))
            })
            .collect()
    }

    /// Plans anew for the variants that were short. Refused only when the sum of all their counters is short.
    pub(crate) async fn plan(
        &mut self,
        stock: &Stock,
        priced: &PricedCart,
        short: &[VariantId],
    ) -> Result<(), Problem> {
        let demand = demand(priced.lines().map(|line| (line.variant, line.quantity)));
        let spreads: Vec<_> = priced
            .lines()
            .filter(|line| short.contains(&line.variant))
            .map(|line| (line.variant, line.shards))
            .collect();
        let counters = stock.counters(&spreads).await?;
        let mut errors = Vec::new();
        for (variant, counters) in counters {
            let wanted = demand.get(&variant).copied().unwrap_or(0);
            match plan(wanted, &counters) {
                Some(draws) => {
                    self.planned.insert(variant, draws);
                }
                None => {
                    let left: i64 = counters.iter().map(|counter| counter.available.max(0)).sum();
                    let detail = format!("{wanted} wanted, {left} left");
                    errors.push(FieldError::new(format!("/items/{variant}"), Code::OutOfStock.as_str(), detail));
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::OutOfStock, errors).into()) }
    }
}

fn covers(draws: &[Draw], quantity: u32) -> bool {
    draws.iter().map(|draw| u64::from(draw.units)).sum::<u64>() == u64::from(quantity)
}
