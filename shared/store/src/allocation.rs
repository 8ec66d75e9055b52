//! Allocating the units of an order to stock shards: for a checkout, and for a late payment that reopens its order.

use std::collections::BTreeMap;

use domain::stock::{Allocation, Backorder, Layout, StockShard, allocate_with_oversell};
use domain::{Code, FieldError, Ids, Refusal, Timestamp, VariantId};

use crate::retry::Backoff;
use crate::stock::Reading;
use crate::{Catalog, Error, Stock};

/// What an order needs of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub units: u32,
    /// How the variant's stock is spread, as far as known.
    pub layout: Layout,
    /// When units beyond the stock are expected.
    pub available_from: Option<Timestamp>,
}

/// The needs of an order by variant.
pub type Needs = BTreeMap<VariantId, Need>;

/// The tables that stock is read from.
#[derive(Clone, Copy, Debug)]
pub struct StockSources<'a> {
    pub stock: &'a Stock,
    /// For the layouts, which a vendor may change at any time; without it, the known ones cover all shards.
    pub catalog: Option<&'a Catalog>,
}

/// Allocations that were possible at the last reading. Empty at first: the first attempt takes each variant from one
/// random shard without reading it, and only a shortage causes all shards to be read.
#[derive(Debug, Default)]
pub struct Allocations {
    planned: BTreeMap<VariantId, Vec<Allocation>>,
    /// The units of them that exceed the stock.
    backorders: BTreeMap<VariantId, Backorder>,
}

/// A need with the stock that was read for it.
#[derive(Debug)]
struct Known {
    need: Need,
    readings: Vec<Reading>,
}

impl Known {
    fn allocations(&self) -> Option<Vec<Allocation>> {
        let shards: Vec<StockShard> = self.readings.iter().map(|reading| reading.shard).collect();
        allocate_with_oversell(self.need.units, &shards, self.need.layout.oversell_limit)
    }

    fn left(&self) -> i64 {
        self.readings.iter().map(|reading| reading.shard.available.max(0)).sum()
    }

    /// The units that exceed the stock.
    fn backorder(&self) -> Option<Backorder> {
        let units = u32::try_from(i64::from(self.need.units).saturating_sub(self.left())).unwrap_or(0);
        let (available_from, oversell_limit) = (self.need.available_from, self.need.layout.oversell_limit);
        (units > 0).then_some(Backorder { units, available_from, oversell_limit })
    }

    /// Whether the first shard was never written: it is the one that goes below zero for backordered units.
    fn lacks_first_shard(&self) -> bool {
        self.readings.first().is_none_or(|first| first.version == 0)
    }
}

impl Allocations {
    /// The allocations to try now: the planned ones, else each variant from one random shard.
    pub fn to_try(&self, needs: &Needs, ids: &mut Ids) -> BTreeMap<VariantId, Vec<Allocation>> {
        let mut of = |(variant, need): (&VariantId, &Need)| {
            let blind = || vec![Allocation { shard: ids.random_below(need.layout.shards), units: need.units }];
            (*variant, self.planned(*variant, need.units).cloned().unwrap_or_else(blind))
        };
        needs.iter().map(&mut of).collect()
    }

    /// What was planned for a variant, if it covers these units: the cart may have changed since.
    fn planned(&self, variant: VariantId, units: u32) -> Option<&Vec<Allocation>> {
        let covers = |allocations: &&Vec<Allocation>| {
            allocations.iter().map(|allocation| u64::from(allocation.units)).sum::<u64>() == u64::from(units)
        };
        self.planned.get(&variant).filter(covers)
    }

    /// The units of a variant that exceed the stock, if so many were planned.
    pub fn backorder(&self, variant: VariantId, units: u32) -> Option<Backorder> {
        self.planned(variant, units).and_then(|_| self.backorders.get(&variant).copied())
    }

    /// All that is planned, once it covers the needs.
    pub fn complete(&self, needs: &Needs) -> Option<BTreeMap<VariantId, Vec<Allocation>>> {
        let of = |(variant, need): (&VariantId, &Need)| Some((*variant, self.planned(*variant, need.units)?.clone()));
        needs.iter().map(of).collect()
    }

    /// Plans new allocations for the variants that `is_short` names, at most `most` for all needs together.
    ///
    /// # Errors `out_of_stock` only when the sum of all shards was short at one moment; a conflict when the shards keep
    /// changing; a table does not answer.
    pub async fn plan(
        &mut self,
        sources: StockSources<'_>,
        needs: &Needs,
        is_short: impl Fn(VariantId) -> bool,
        most: usize,
    ) -> Result<(), Error> {
        let known = read(sources, needs.iter().filter(|(variant, _)| is_short(**variant))).await?;
        for (variant, known) in &known {
            self.planned.extend(known.allocations().map(|allocations| (*variant, allocations)));
            match known.backorder() {
                Some(backorder) => {
                    if known.lacks_first_shard() {
                        sources.stock.ensure_first_shard(*variant).await?;
                    }
                    self.backorders.insert(*variant, backorder);
                }
                None => drop(self.backorders.remove(variant)),
            }
        }
        self.consolidate(sources.stock, needs, most).await
    }

    /// Keeps the number of allocations within the limit of one transaction: where there are too many, units are
    /// consolidated into one shard first.
    async fn consolidate(&mut self, stock: &Stock, needs: &Needs, most: usize) -> Result<(), Error> {
        loop {
            let count = |variant: &VariantId| self.planned.get(variant).map_or(1, Vec::len);
            let total: usize = needs.keys().map(count).sum();
            let widest = needs.keys().max_by_key(|variant| count(variant)).copied();
            let Some((variant, allocations)) =
                widest.and_then(|variant| self.planned.get_mut(&variant).map(|allocations| (variant, allocations)))
            else {
                return Ok(());
            };
            if total <= most || allocations.len() < 2 {
                return Ok(());
            }
            // Only the first shard may go below zero for backordered units; otherwise the fullest takes all.
            let owed = self.backorders.contains_key(&variant);
            let shard = allocations.first().filter(|_| !owed).map_or(0, |allocation| allocation.shard);
            match stock.consolidate(variant, allocations, shard).await {
                Ok(()) => {
                    let units = allocations.iter().map(|allocation| allocation.units).sum();
                    *allocations = vec![Allocation { shard, units }];
                }
                // A concurrent change: the next attempt finds the variant short and plans again.
                Err(Error::Conflict) => {
                    self.planned.remove(&variant);
                    self.backorders.remove(&variant);
                }
                Err(other) => return Err(other),
            }
        }
    }
}

/// Refuses needs that the stock does not cover. It plans nothing: under contention every buyer would plan the fullest
/// shard and conflict there, so the next attempt takes random ones.
///
/// # Errors
/// As [`Allocations::plan`].
pub async fn check_stock(sources: StockSources<'_>, needs: &Needs) -> Result<(), Error> {
    read(sources, needs.iter()).await.map(drop)
}

/// How often the shards are read until two readings are equal.
const MAX_READS: u32 = 5;

/// Reads the stock of these needs, and refuses them if it does not suffice. The shards are not read as one snapshot, so
/// units that move between two of them may be missing in a reading: only two equal readings of all shards prove a
/// shortage.
async fn read<'a>(
    sources: StockSources<'_>,
    needs: impl Iterator<Item = (&'a VariantId, &'a Need)>,
) -> Result<BTreeMap<VariantId, Known>, Error> {
    let mut known: BTreeMap<VariantId, Known> =
        needs.map(|(variant, need)| (*variant, Known { need: *need, readings: Vec::new() })).collect();
    read_shards(sources.stock, &mut known).await?;
    let is_short = |known: &BTreeMap<VariantId, Known>| known.values().any(|known| known.allocations().is_none());
    let mut backoff = Backoff::attempts(MAX_READS);
    while is_short(&known) {
        let before: Vec<Vec<Reading>> = known.values().map(|known| known.readings.clone()).collect();
        if let Some(catalog) = sources.catalog {
            let snapshot = catalog.snapshot(known.keys().map(|variant| variant.product()), [], false).await?;
            for (variant, known) in &mut known {
                let product = snapshot.products.get(&variant.product());
                if let Some(variant) = product.and_then(|product| product.variant(*variant)) {
                    known.need.layout = variant.layout();
                }
            }
        }
        read_shards(sources.stock, &mut known).await?;
        if is_short(&known) {
            if known.values().map(|known| &known.readings).eq(&before) {
                return Err(out_of_stock(&known).into());
            }
            backoff.pause().await?;
        }
    }
    Ok(known)
}

async fn read_shards(stock: &Stock, known: &mut BTreeMap<VariantId, Known>) -> Result<(), Error> {
    let wanted: Vec<_> = known.iter().map(|(variant, known)| (*variant, known.need.layout.peak_shards)).collect();
    for (variant, readings) in stock.readings(&wanted).await? {
        if let Some(known) = known.get_mut(&variant) {
            known.readings = readings;
        }
    }
    Ok(())
}

fn out_of_stock(known: &BTreeMap<VariantId, Known>) -> Refusal {
    let short = known.iter().filter(|(_, known)| known.allocations().is_none());
    let errors = short.map(|(variant, known)| {
        let detail = format!("{} wanted, {} left", known.need.units, known.left());
        FieldError::new(format!("/items/{variant}"), Code::OutOfStock.as_str(), detail)
    });
    Refusal::fields(Code::OutOfStock, errors.collect())
}
