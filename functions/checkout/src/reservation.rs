//! Allocating an order's units to stock shards.

use std::collections::BTreeMap;

use api::Problem;
use domain::order::PlacedOrder;
use domain::pricing::{PricedCart, PricedLine};
use domain::stock::{Allocation, Backorder, Layout, StockShard, allocate_with_oversell, max_allocations};
use domain::{Code, FieldError, Ids, Refusal, VariantId};
use store::stock::Reading;
use store::{Catalog, Error, Stock};

/// Most repeated readings of shards that keep changing while a shortage is being verified.
const MAX_READS: usize = 12;

/// Allocations that were possible at the last reading. Empty at first: the first attempt takes each line from one
/// random shard without reading it, and only a shortage causes all shards to be read.
#[derive(Debug, Default)]
pub(crate) struct Reservation {
    planned: BTreeMap<VariantId, Vec<Allocation>>,
    /// The units of them that exceed the stock.
    backorders: BTreeMap<VariantId, Backorder>,
}

/// The tables that stock is read from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StockSources<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) stock: &'a Stock,
}

/// A line with the stock that was read for it.
#[derive(Debug)]
struct LineStock<'a> {
    line: &'a PricedLine,
    layout: Layout,
    readings: Vec<Reading>,
}

impl LineStock<'_> {
    fn shards(&self) -> Vec<StockShard> {
        self.readings.iter().map(|reading| reading.shard).collect()
    }

    fn allocations(&self) -> Option<Vec<Allocation>> {
        allocate_with_oversell(self.line.quantity, &self.shards(), self.layout.oversell_limit)
    }

    fn left(&self) -> i64 {
        self.readings.iter().map(|reading| reading.shard.available.max(0)).sum()
    }

    /// The units of the line that exceed the stock.
    fn backorder(&self) -> Option<Backorder> {
        let units = u32::try_from(i64::from(self.line.quantity).saturating_sub(self.left())).unwrap_or(0);
        let (available_from, oversell_limit) = (self.line.available_from, self.layout.oversell_limit);
        (units > 0).then_some(Backorder { units, available_from, oversell_limit })
    }

    /// Whether the first shard was never written: it is the one that goes below zero for backordered units.
    fn lacks_first_shard(&self) -> bool {
        self.readings.first().is_none_or(|first| first.version == 0)
    }
}

impl Reservation {
    /// The allocations to try now: the planned ones, else each line from one random shard.
    pub(crate) fn allocations(&self, priced: &PricedCart, ids: &mut Ids) -> BTreeMap<VariantId, Vec<Allocation>> {
        priced
            .lines()
            .map(|line| {
                let blind = || vec![Allocation { shard: ids.random_below(line.layout.shards), units: line.quantity }];
                let planned =
                    self.planned.get(&line.variant).filter(|allocations| covers(allocations, line.quantity)).cloned();
                (line.variant, planned.unwrap_or_else(blind))
            })
            .collect()
    }

    /// Records the backordered units on the order's lines.
    pub(crate) fn mark_backorders(&self, order: &mut PlacedOrder) {
        for line in order.vendors.iter_mut().flat_map(|vendor_order| &mut vendor_order.lines) {
            // Only what was planned for this quantity: the cart may have changed since.
            let planned = self.planned.get(&line.variant).is_some_and(|allocations| covers(allocations, line.quantity));
            line.backorder = self.backorders.get(&line.variant).copied().filter(|_| planned);
        }
    }

    /// Plans new allocations for the variants that were short. Refuses the order only if the sum of all shards was
    /// short at one moment.
    pub(crate) async fn allocate(
        &mut self,
        sources: StockSources<'_>,
        priced: &PricedCart,
        short: &[VariantId],
    ) -> Result<(), Problem> {
        let lines = priced.lines().filter(|line| short.contains(&line.variant));
        let line_stock = read_line_stock(sources, lines).await?;
        for (variant, line_stock) in &line_stock {
            self.planned.extend(line_stock.allocations().map(|allocations| (*variant, allocations)));
            match line_stock.backorder() {
                Some(backorder) => {
                    if line_stock.lacks_first_shard() {
                        sources.stock.ensure_first_shard(*variant).await?;
                    }
                    self.backorders.insert(*variant, backorder);
                }
                None => drop(self.backorders.remove(variant)),
            }
        }
        self.consolidate(sources.stock, priced).await
    }

    /// Refuses an order whose stock is used up. It plans no allocations: under contention every buyer would plan the
    /// fullest shard and conflict there, so the next attempt takes random ones.
    pub(crate) async fn check(&self, sources: StockSources<'_>, priced: &PricedCart) -> Result<(), Problem> {
        read_line_stock(sources, priced.lines()).await.map(drop)
    }

    /// Keeps the number of allocations within the limit of one transaction, both for placing the order and for
    /// cancelling it: where there are too many, units are consolidated into one shard first.
    async fn consolidate(&mut self, stock: &Stock, priced: &PricedCart) -> Result<(), Problem> {
        let max = max_allocations(priced.groups.len());
        loop {
            let allocation_count = |line: &PricedLine| self.planned.get(&line.variant).map_or(1, Vec::len);
            let total: usize = priced.lines().map(allocation_count).sum();
            let widest = priced.lines().max_by_key(|line| allocation_count(line)).map(|line| line.variant);
            let Some((variant, allocations)) =
                widest.and_then(|variant| self.planned.get_mut(&variant).map(|allocations| (variant, allocations)))
            else {
                return Ok(());
            };
            if total <= max || allocations.len() < 2 {
                return Ok(());
            }
            // Only the first shard may go below zero for backordered units; otherwise the fullest takes all.
            let owed = self.backorders.contains_key(&variant);
            let into = allocations.first().filter(|_| !owed).map_or(0, |allocation| allocation.shard);
            match stock.consolidate(variant, allocations, into).await {
                Ok(()) => {
                    *allocations = vec![Allocation {
                        shard: into,
                        units: allocations.iter().map(|allocation| allocation.units).sum(),
                    }]
                }
                // A concurrent change: the next attempt finds the variant short and plans again.
                Err(Error::Conflict) => {
                    self.planned.remove(&variant);
                    self.backorders.remove(&variant);
                }
                Err(other) => return Err(other.into()),
            }
        }
    }
}

/// Reads the stock of these lines, and refuses the order if it does not suffice.
async fn read_line_stock<'a>(
    sources: StockSources<'_>,
    lines: impl Iterator<Item = &'a PricedLine>,
) -> Result<BTreeMap<VariantId, LineStock<'a>>, Problem> {
    let line_stock = |line: &'a PricedLine| LineStock { line, layout: line.layout, readings: Vec::new() };
    let mut line_stock: BTreeMap<VariantId, LineStock<'a>> =
        lines.map(|line| (line.variant, line_stock(line))).collect();
    read_shards(sources.stock, &mut line_stock).await?;
    for _ in 0..MAX_READS {
        if !is_short(&line_stock) || !changed_meanwhile(sources, &mut line_stock).await? {
            break;
        }
    }
    if is_short(&line_stock) { Err(out_of_stock(&line_stock).into()) } else { Ok(line_stock) }
}

async fn read_shards(stock: &Stock, line_stock: &mut BTreeMap<VariantId, LineStock<'_>>) -> Result<(), Problem> {
    let wanted: Vec<_> =
        line_stock.iter().map(|(variant, line_stock)| (*variant, line_stock.layout.peak_shards)).collect();
    for (variant, readings) in stock.readings(&wanted).await? {
        if let Some(line_stock) = line_stock.get_mut(&variant) {
            line_stock.readings = readings;
        }
    }
    Ok(())
}

/// Reads the variants and their layouts again, and answers whether anything differs. The shards are not read as one
/// snapshot, so units that move between two of them may be missing in a reading: only two equal readings of all shards
/// prove a shortage.
async fn changed_meanwhile(
    sources: StockSources<'_>,
    line_stock: &mut BTreeMap<VariantId, LineStock<'_>>,
) -> Result<bool, Problem> {
    let before: Vec<Vec<Reading>> = line_stock.values().map(|line_stock| line_stock.readings.clone()).collect();
    let snapshot = sources.catalog.snapshot(line_stock.keys().map(|variant| variant.product()), [], false).await?;
    for (variant, line_stock) in line_stock.iter_mut() {
        let product = snapshot.products.get(&variant.product());
        if let Some(known) = product.and_then(|product| product.variant(*variant)) {
            line_stock.layout = known.layout();
        }
    }
    read_shards(sources.stock, line_stock).await?;
    Ok(!line_stock.values().map(|line_stock| &line_stock.readings).eq(&before))
}

fn is_short(line_stock: &BTreeMap<VariantId, LineStock<'_>>) -> bool {
    line_stock.values().any(|line_stock| line_stock.allocations().is_none())
}

fn out_of_stock(line_stock: &BTreeMap<VariantId, LineStock<'_>>) -> Refusal {
    let short = line_stock.iter().filter(|(_, line_stock)| line_stock.allocations().is_none());
    let errors = short.map(|(variant, line_stock)| {
        let detail = format!("{} wanted, {} left", line_stock.line.quantity, line_stock.left());
        FieldError::new(format!("/items/{variant}"), Code::OutOfStock.as_str(), detail)
    });
    Refusal::fields(Code::OutOfStock, errors.collect())
}

fn covers(allocations: &[Allocation], quantity: u32) -> bool {
    allocations.iter().map(|allocation| u64::from(allocation.units)).sum::<u64>() == u64::from(quantity)
}
