//! From which counters of stock an order takes its units.

use std::collections::BTreeMap;

use api::Problem;
use domain::order::OrderFile;
use domain::pricing::{PricedCart, PricedLine};
use domain::stock::{BackOrder, Counter, Draw, Layout, most_draws, plan_beyond};
use domain::{Code, FieldError, Mint, Refusal, VariantId};
use store::stock::Reading;
use store::{Catalog, Error, Stock};

/// How often counters are read again that change while it is found out whether anything is left.
const LOOKS: usize = 12;

/// The draws that are known to have been possible a moment ago. Empty at first: a random counter is tried blindly, and only a
/// shortage makes all counters be read.
#[derive(Debug, Default)]
pub(crate) struct Reservation {
    planned: BTreeMap<VariantId, Vec<Draw>>,
    /// What of them has to come in first.
    beyond: BTreeMap<VariantId, BackOrder>,
}

/// Where stock is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shelves<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) stock: &'a Stock,
}

/// A line that was short, with what was found of it.
#[derive(Debug)]
struct Sought<'a> {
    line: &'a PricedLine,
    layout: Layout,
    readings: Vec<Reading>,
}

impl Sought<'_> {
    fn counters(&self) -> Vec<Counter> {
        self.readings.iter().map(|reading| reading.counter).collect()
    }

    fn draws(&self) -> Option<Vec<Draw>> {
        plan_beyond(self.line.quantity, &self.counters(), self.layout.beyond)
    }

    fn left(&self) -> i64 {
        self.readings.iter().map(|reading| reading.counter.available.max(0)).sum()
    }

    /// What of it has to come in first.
    fn back_order(&self) -> Option<BackOrder> {
        let units = u32::try_from(i64::from(self.line.quantity).saturating_sub(self.left())).unwrap_or(0);
        let (available_from, beyond) = (self.line.available_from, self.layout.beyond);
        (units > 0).then_some(BackOrder { units, available_from, beyond })
    }

    /// Whether the counter that owes what has to come in was never written.
    fn is_unopened(&self) -> bool {
        self.readings.first().is_none_or(|first| first.version == 0)
    }
}

impl Reservation {
    /// What to try now: what was planned, else everything from one random counter.
    pub(crate) fn draws(&self, priced: &PricedCart, mint: &mut Mint) -> BTreeMap<VariantId, Vec<Draw>> {
        priced
            .lines()
            .map(|line| {
                let blind = || vec![Draw { shard: mint.below(line.layout.shards), units: line.quantity }];
                let planned = self.planned.get(&line.variant).filter(|draws| covers(draws, line.quantity)).cloned();
                (line.variant, planned.unwrap_or_else(blind))
            })
            .collect()
    }

    /// Writes into an order what of its lines has to come in first.
    pub(crate) fn mark(&self, file: &mut OrderFile) {
        for line in file.vendors.iter_mut().flat_map(|part| &mut part.lines) {
            // Only what was planned for this quantity: the cart may have changed since.
            let planned = self.planned.get(&line.variant).is_some_and(|draws| covers(draws, line.quantity));
            line.back_order = self.beyond.get(&line.variant).copied().filter(|_| planned);
        }
    }

    /// Plans anew for the variants that were short. Refused only when the sum of all their counters was short at one moment.
    pub(crate) async fn plan(
        &mut self,
        shelves: Shelves<'_>,
        priced: &PricedCart,
        short: &[VariantId],
    ) -> Result<(), Problem> {
        let lines = priced.lines().filter(|line| short.contains(&line.variant));
        let sought = seek(shelves, lines).await?;
        for (variant, sought) in &sought {
            self.planned.extend(sought.draws().map(|draws| (*variant, draws)));
            match sought.back_order() {
                Some(back_order) => {
                    if sought.is_unopened() {
                        shelves.stock.open(*variant).await?;
                    }
                    self.beyond.insert(*variant, back_order);
                }
                None => drop(self.beyond.remove(variant)),
            }
        }
        self.gather(shelves.stock, priced).await
    }

    /// Refuses an order that cannot be had any more. Nothing is planned: a random counter is as good as the fullest, to which the
    /// whole crowd would move.
    pub(crate) async fn check(&self, shelves: Shelves<'_>, priced: &PricedCart) -> Result<(), Problem> {
        seek(shelves, priced.lines()).await.map(drop)
    }

    /// Keeps the order within what one transaction takes, now and when it is cancelled: where too many counters would be drawn on,
    /// units are gathered into one first.
    async fn gather(&mut self, stock: &Stock, priced: &PricedCart) -> Result<(), Problem> {
        let most = most_draws(priced.groups.len());
        loop {
            let drawn = |line: &PricedLine| self.planned.get(&line.variant).map_or(1, Vec::len);
            let total: usize = priced.lines().map(drawn).sum();
            let widest = priced.lines().max_by_key(|line| drawn(line)).map(|line| line.variant);
            let Some((variant, draws)) =
                widest.and_then(|variant| self.planned.get_mut(&variant).map(|draws| (variant, draws)))
            else {
                return Ok(());
            };
            if total <= most || draws.len() < 2 {
                return Ok(());
            }
            // What is owed is owed by the first counter; else into the one that has most.
            let owed = self.beyond.contains_key(&variant);
            let into = draws.first().filter(|_| !owed).map_or(0, |draw| draw.shard);
            match stock.gather(variant, draws, into).await {
                Ok(()) => *draws = vec![Draw { shard: into, units: draws.iter().map(|draw| draw.units).sum() }],
                // Somebody was faster: what is tried next finds it short, and plans anew.
                Err(Error::Conflict) => {
                    self.planned.remove(&variant);
                    self.beyond.remove(&variant);
                }
                Err(other) => return Err(other.into()),
            }
        }
    }
}

/// What there is for these lines. Refused when it is not enough.
async fn seek<'a>(
    shelves: Shelves<'_>,
    lines: impl Iterator<Item = &'a PricedLine>,
) -> Result<BTreeMap<VariantId, Sought<'a>>, Problem> {
    let sought = |line: &'a PricedLine| Sought { line, layout: line.layout, readings: Vec::new() };
    let mut sought: BTreeMap<VariantId, Sought<'a>> = lines.map(|line| (line.variant, sought(line))).collect();
    look(shelves.stock, &mut sought).await?;
    for _ in 0..LOOKS {
        if !is_short(&sought) || !moved_meanwhile(shelves, &mut sought).await? {
            break;
        }
    }
    if is_short(&sought) { Err(out_of_stock(&sought).into()) } else { Ok(sought) }
}

async fn look(stock: &Stock, sought: &mut BTreeMap<VariantId, Sought<'_>>) -> Result<(), Problem> {
    let wanted: Vec<_> = sought.iter().map(|(variant, sought)| (*variant, sought.layout.counters)).collect();
    for (variant, readings) in stock.readings(&wanted).await? {
        if let Some(sought) = sought.get_mut(&variant) {
            sought.readings = readings;
        }
    }
    Ok(())
}

/// Reads short variants again, and their products: when no counter has changed and there are no more of them than were read,
/// nothing was on its way between two counters, and they are short indeed. Answers whether that is not so.
async fn moved_meanwhile(shelves: Shelves<'_>, sought: &mut BTreeMap<VariantId, Sought<'_>>) -> Result<bool, Problem> {
    let before: Vec<Vec<Reading>> = sought.values().map(|sought| sought.readings.clone()).collect();
    let shelf = shelves.catalog.shelf(sought.keys().map(|variant| variant.product()), [], false).await?;
    for (variant, sought) in sought.iter_mut() {
        let product = shelf.products.get(&variant.product());
        if let Some(known) = product.and_then(|product| product.variant(*variant)) {
            sought.layout = known.layout();
        }
    }
    look(shelves.stock, sought).await?;
    Ok(!sought.values().map(|sought| &sought.readings).eq(&before))
}

fn is_short(sought: &BTreeMap<VariantId, Sought<'_>>) -> bool {
    sought.values().any(|sought| sought.draws().is_none())
}

fn out_of_stock(sought: &BTreeMap<VariantId, Sought<'_>>) -> Refusal {
    let short = sought.iter().filter(|(_, sought)| sought.draws().is_none());
    let errors = short.map(|(variant, sought)| {
        let detail = format!("{} wanted, {} left", sought.line.quantity, sought.left());
        FieldError::new(format!("/items/{variant}"), Code::OutOfStock.as_str(), detail)
    });
    Refusal::fields(Code::OutOfStock, errors.collect())
}

fn covers(draws: &[Draw], quantity: u32) -> bool {
    draws.iter().map(|draw| u64::from(draw.units)).sum::<u64>() == u64::from(quantity)
}
