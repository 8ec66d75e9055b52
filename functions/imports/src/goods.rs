//! A file's products, brought into the shop: read together, written side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::code::Coded;
use domain::job::{RowFault, Tally};
use domain::stock::{Counter, Layout};
use domain::text::Handle;
use domain::{Code, ProductId, VariantId};
use store::catalog::StoredProduct;
use store::{Catalog, Error, Stock};
use tokio::task::JoinSet;

use crate::merge::{Merged, Terms, Wrong, added, handles, is_of_file, may_be_set, merged};
use crate::pace::Pace;
use crate::product_file::{Entry, ProductDraft, RowError};

/// How many products are brought in together: what of a file is in memory at a time.
pub(crate) const BATCH: usize = 24;
/// How many products are written at a time.
const SIDE_BY_SIDE: usize = 8;
/// How often a product is tried again that somebody else changes at the same moment.
const TRIES: usize = 6;

/// Products and their stock.
#[derive(Clone, Debug)]
pub(crate) struct Goods {
    pub(crate) catalog: Catalog,
    pub(crate) stock: Stock,
}

/// What became of some products of a file.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    pub(crate) tally: Tally,
    pub(crate) faults: Vec<RowFault>,
}

/// What the shop has of a product of the file.
#[derive(Clone, Debug)]
struct Known {
    /// The product, if it is there.
    stored: Option<StoredProduct>,
    /// A handle for it that nobody has, if there is one.
    free: Option<Handle>,
    /// The counters of its variants.
    counters: BTreeMap<VariantId, Vec<Counter>>,
}

/// A product of the file and what is to be done about it.
#[derive(Debug)]
struct Plan {
    line: u64,
    draft: ProductDraft,
    known: Known,
    merged: Merged,
}

/// What was done about a product.
#[derive(Debug)]
enum Fate {
    In { created: bool, updated: bool, variants: usize },
    Refused,
}

impl Known {
    fn sums(&self) -> BTreeMap<VariantId, Counter> {
        let sum = |counters: &Vec<Counter>| counters.iter().fold(Counter::default(), |sum, counter| sum.plus(*counter));
        self.counters.iter().map(|(variant, counters)| (*variant, sum(counters))).collect()
    }
}

impl Plan {
    fn new(line: u64, draft: ProductDraft, known: Known, terms: &Terms) -> Result<Self, (u64, Vec<Wrong>)> {
        let merged = match (&known.stored, &known.free) {
            (Some(stored), _) => merged(&stored.product, &stored.description_html, &draft, terms, &known.sums()),
            (None, Some(handle)) => {
                let id = ProductId::new(terms.now, platform::mint(terms.now).bits());
                added(&draft, terms, id, handle.clone())
            }
            (None, None) => Err(vec![Wrong::new("Handle", "handle_taken", "others have this handle in all its forms")]),
        };
        match merged {
            Ok(merged) => Ok(Self { line, draft, known, merged }),
            Err(wrongs) => Err((line, wrongs)),
        }
    }

    fn changes_product(&self) -> bool {
        self.known.stored.as_ref().is_none_or(|stored| {
            stored.product != self.merged.product || stored.description_html != self.merged.description_html
        })
    }

    fn changes_anything(&self) -> bool {
        self.changes_product() || !self.stock_changes().is_empty()
    }

    /// The units on hand that differ from the file's; those below what is promised to buyers stay.
    fn stock_changes(&self) -> Vec<(VariantId, Layout, i64)> {
        let sums = self.known.sums();
        let differs = |(variant, layout, on_hand): &(VariantId, Layout, i64)| {
            let sum = sums.get(variant).copied().unwrap_or_default();
            sum.on_hand() != *on_hand && may_be_set(sum, *layout, *on_hand)
        };
        self.merged.stock.iter().copied().filter(differs).collect()
    }

    fn fate(&self) -> Fate {
        let created = self.known.stored.is_none();
        Fate::In { created, updated: !created && self.changes_anything(), variants: self.draft.variants.len() }
    }

    /// The product as it is to be stored.
    fn stored(&self) -> StoredProduct {
        match &self.known.stored {
            Some(before) => {
                let mut changed = before.clone();
                changed.product = self.merged.product.clone();
                changed.description_html = self.merged.description_html.clone();
                // What is left of a variant that is gone must not keep the product in stock.
                changed.availability.available.retain(|variant, _| self.merged.product.variant(*variant).is_some());
                changed
            }
            None => {
                let mut new = StoredProduct::new(self.merged.product.clone(), self.merged.description_html.clone());
                // What the stock's stream will say in a moment; said now, the lists need not be written twice.
                let units = self.merged.stock.iter().filter(|(_, _, units)| *units > 0);
                new.availability.available = units.map(|(variant, _, units)| (*variant, *units)).collect();
                new
            }
        }
    }
}

impl Brought {
    fn wrong(&mut self, line: u64, wrongs: Vec<Wrong>) {
        let count = u64::try_from(wrongs.len()).unwrap_or(u64::MAX);
        self.tally.faults = self.tally.faults.saturating_add(count);
        self.faults.extend(wrongs.into_iter().map(|wrong| RowFault {
            line: wrong.line.unwrap_or(line),
            column: wrong.column.to_owned(),
            code: wrong.code,
            detail: wrong.detail,
        }));
    }

    fn count(&mut self, fate: &Fate) {
        if let Fate::In { created, updated, variants } = fate {
            self.tally = self.tally.plus(Tally {
                products: 1,
                variants: u64::try_from(*variants).unwrap_or(u64::MAX),
                created: u64::from(*created),
                updated: u64::from(*updated),
                faults: 0,
            });
        }
    }
}

/// An error of the file as its seller reads it.
pub(crate) fn fault_of(error: RowError) -> RowFault {
    let (code, detail) = (error.code().to_owned(), error.detail().to_owned());
    RowFault { line: error.line, column: error.column, code, detail }
}

impl Goods {
    /// Brings some products of a file in. Doing it again changes nothing, so it may be repeated after any interruption.
    pub(crate) async fn bring_in(
        &self,
        terms: &Arc<Terms>,
        entries: Vec<Entry>,
        dry_run: bool,
        pace: &mut Pace,
    ) -> Result<Brought, Error> {
        let mut brought = Brought::default();
        let mut drafts = Vec::with_capacity(entries.len());
        let mut lines = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry.product {
                Ok(draft) => {
                    lines.push(entry.line);
                    drafts.push(draft);
                }
                Err(errors) => {
                    brought.tally.faults += u64::try_from(errors.len()).unwrap_or(u64::MAX);
                    brought.faults.extend(errors.into_iter().map(fault_of));
                }
            }
        }
        let known = self.known(terms, &drafts).await?;
        let mut work = Vec::new();
        for ((line, draft), known) in lines.into_iter().zip(drafts).zip(known) {
            match Plan::new(line, draft, known, terms) {
                Ok(plan) if dry_run || !plan.changes_anything() => {
                    brought.count(&plan.fate());
                    brought.wrong(plan.line, plan.merged.warnings);
                }
                Ok(plan) => work.push(plan),
                Err((line, wrongs)) => brought.wrong(line, wrongs),
            }
        }
        pace.wait(work.len()).await;
        let mut running = JoinSet::new();
        let mut waiting = work.into_iter();
        loop {
            while running.len() < SIDE_BY_SIDE
                && let Some(plan) = waiting.next()
            {
                running.spawn(self.clone().carry_out(Arc::clone(terms), plan));
            }
            let Some(done) = running.join_next().await else { break };
            let (line, fate, wrongs) = done.map_err(|error| Error::Failed(error.to_string()))??;
            brought.count(&fate);
            brought.wrong(line, wrongs);
        }
        brought.faults.sort_by_key(|fault| fault.line);
        Ok(brought)
    }

    /// What the shop has of these products, in three calls for all of them.
    async fn known(&self, terms: &Terms, drafts: &[ProductDraft]) -> Result<Vec<Known>, Error> {
        let wanted: BTreeSet<Handle> =
            drafts.iter().flat_map(|draft| handles(&draft.handle, &terms.vendor).take(2)).collect();
        let owners = self.catalog.products_with_handles(&wanted).await?;
        let products = self.catalog.products(&owners.values().copied().collect()).await?;
        let mut known = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let (mut stored, mut free) = (None, None);
            for handle in handles(&draft.handle, &terms.vendor) {
                let looked_up = wanted.contains(&handle);
                if free.is_some() && !looked_up {
                    break;
                }
                let owner = match owners.get(&handle) {
                    None if !looked_up => self.catalog.product_with_handle(&handle).await?,
                    owner => owner.copied(),
                };
                let Some(owner) = owner else {
                    free.get_or_insert(handle);
                    continue;
                };
                let product = match products.get(&owner) {
                    Some(product) => Some(product.clone()),
                    None if !looked_up => self.catalog.product(owner).await?,
                    None => None,
                };
                if let Some(product) = product.filter(|known| is_of_file(&known.product, &terms.vendor, &draft.handle))
                {
                    stored = Some(product);
                    break;
                }
            }
            known.push(Known { stored, free, counters: BTreeMap::new() });
        }
        let variants =
            known.iter().filter_map(|known| known.stored.as_ref()).flat_map(|stored| &stored.product.variants);
        let spread: Vec<(VariantId, u16)> = variants.map(|variant| (variant.id, variant.layout().counters)).collect();
        if !spread.is_empty() {
            let mut counters = self.stock.counters(&spread).await?;
            for known in &mut known {
                let variants = known.stored.iter().flat_map(|stored| &stored.product.variants);
                known.counters = variants.filter_map(|variant| counters.remove_entry(&variant.id)).collect();
            }
        }
        Ok(known)
    }

    /// Writes a product and its stock. Somebody else may change it at the same moment: then it is looked at again.
    async fn carry_out(self, terms: Arc<Terms>, mut plan: Plan) -> Result<(u64, Fate, Vec<Wrong>), Error> {
        let line = plan.line;
        for _ in 0..TRIES {
            match self.write(&plan).await {
                Ok(()) => {
                    let fate = plan.fate();
                    let mut wrongs = self.set_stock(&plan).await?;
                    wrongs.append(&mut plan.merged.warnings);
                    return Ok((line, fate, wrongs));
                }
                Err(Error::Conflict) => {}
                Err(Error::Refused(refusal)) if refusal.code() == Code::HandleTaken => {}
                Err(Error::Refused(refusal)) => {
                    let wrong = Wrong::new("", refusal.code().as_str(), refusal.to_string());
                    return Ok((line, Fate::Refused, vec![wrong]));
                }
                Err(other) => return Err(other),
            }
            let known = self.known(&terms, std::slice::from_ref(&plan.draft)).await?.pop();
            let Some(known) = known else { break };
            plan = match Plan::new(line, plan.draft, known, &terms) {
                Ok(plan) => plan,
                Err((line, wrongs)) => return Ok((line, Fate::Refused, wrongs)),
            };
        }
        let wrong =
            Wrong::new("", Code::Conflict.as_str(), "the product is being changed by somebody else: import it again");
        Ok((line, Fate::Refused, vec![wrong]))
    }

    async fn write(&self, plan: &Plan) -> Result<(), Error> {
        match &plan.known.stored {
            None => self.catalog.add(&plan.stored()).await.map(|_| ()),
            Some(before) if plan.changes_product() => self.catalog.save(before, &plan.stored()).await.map(|_| ()),
            Some(_) => Ok(()),
        }
    }

    /// Sets what is on hand where the file says otherwise. The product is there by now, so that the stock's stream finds it.
    async fn set_stock(&self, plan: &Plan) -> Result<Vec<Wrong>, Error> {
        let mut changes = plan.stock_changes();
        let untouched = |variant: &VariantId| {
            let counters = plan.known.counters.get(variant);
            counters.is_none_or(|counters| counters.iter().all(|counter| *counter == Counter::default()))
        };
        let new: Vec<(VariantId, Layout, i64)> =
            changes.iter().filter(|(variant, ..)| untouched(variant)).copied().collect();
        match self.stock.begin(&new).await {
            Ok(()) => changes.retain(|(variant, ..)| !untouched(variant)),
            // One of them is not new after all: they are set one by one.
            Err(Error::Conflict) => {}
            Err(other) => return Err(other),
        }
        let mut wrongs = Vec::new();
        for (variant, layout, on_hand) in changes {
            match self.stock.set_on_hand(variant, layout, on_hand, &|_| Ok(None)).await {
                Ok(_) => {}
                Err(Error::Refused(refusal)) => {
                    wrongs.push(Wrong::new("Variant Inventory Qty", "quantity_reserved", refusal.to_string()));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(wrongs)
    }
}

#[cfg(test)]
mod tests;
