//! Writes the products of a file to the tables: read in batches, written concurrently.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::code::Coded;
use domain::job::{ImportCounts, ImportRowError};
use domain::stock::{Layout, StockShard};
use domain::text::Handle;
use domain::{Code, ProductId, VariantId};
use platform::Pace;
use store::catalog::StoredProduct;
use store::{Backoff, Catalog, Error, Stock};
use tokio::task::JoinSet;

use crate::merge::{ImportContext, Issue, Merged, added, handles, is_of_file, may_be_set, merged};
use product_file::{Entry, ProductDraft, RowError};

/// Products per batch, which bounds how much of a file is in memory at a time.
pub(crate) const BATCH: usize = 24;
const MAX_CONCURRENT_WRITES: usize = 8;

#[derive(Clone, Debug)]
pub(crate) struct ProductStore {
    pub(crate) catalog: Catalog,
    pub(crate) stock: Stock,
}

/// The result of a batch of products.
#[derive(Debug, Default)]
pub(crate) struct BatchReport {
    pub(crate) counts: ImportCounts,
    pub(crate) faults: Vec<ImportRowError>,
}

/// What is stored of a product of the file.
#[derive(Clone, Debug)]
struct Known {
    stored: Option<StoredProduct>,
    /// A handle that no product has, if one of [`handles`] is free.
    free_handle: Option<Handle>,
    /// A handle of these is taken by a product that cannot be read, which may be the file's own.
    unreadable: bool,
    shards: BTreeMap<VariantId, Vec<StockShard>>,
}

/// A product of the file and the writes that it needs.
#[derive(Debug)]
struct Plan {
    line: u64,
    draft: ProductDraft,
    known: Known,
    merged: Merged,
}

#[derive(Debug)]
enum Outcome {
    Imported { created: bool, updated: bool, variants: usize },
    Rejected,
}

impl Known {
    fn totals(&self) -> BTreeMap<VariantId, StockShard> {
        let sum = |shards: &Vec<StockShard>| shards.iter().fold(StockShard::default(), |sum, shard| sum.plus(*shard));
        self.shards.iter().map(|(variant, shards)| (*variant, sum(shards))).collect()
    }
}

impl Plan {
    fn new(line: u64, draft: ProductDraft, known: Known, context: &ImportContext) -> Result<Self, (u64, Vec<Issue>)> {
        let merged = match (&known.stored, &known.free_handle) {
            (None, _) if known.unreadable => Err(vec![Issue::new(
                "Handle",
                "unreadable",
                "what is stored of this product cannot be read at the moment: it stays as it is",
            )]),
            (Some(stored), _) => merged(&stored.product, &stored.description_html, &draft, context, &known.totals()),
            (None, Some(handle)) => {
                let id = ProductId::new(context.now, platform::ids(context.now).bits());
                added(&draft, context, id, handle.clone())
            }
            (None, None) => Err(vec![Issue::new("Handle", "handle_taken", "all forms of this handle are taken")]),
        };
        match merged {
            Ok(merged) => Ok(Self { line, draft, known, merged }),
            Err(issues) => Err((line, issues)),
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

    /// The units on hand that are to be set, because the file gives others than are stored. Left out are those that the
    /// units reserved for buyers do not allow: a warning says so.
    fn stock_changes(&self) -> Vec<(VariantId, Layout, i64)> {
        let totals = self.known.totals();
        let differs = |(variant, layout, on_hand): &(VariantId, Layout, i64)| {
            let sum = totals.get(variant).copied().unwrap_or_default();
            sum.on_hand() != *on_hand && may_be_set(sum, *layout, *on_hand)
        };
        self.merged.stock.iter().copied().filter(differs).collect()
    }

    fn outcome(&self) -> Outcome {
        let created = self.known.stored.is_none();
        Outcome::Imported { created, updated: !created && self.changes_anything(), variants: self.draft.variants.len() }
    }

    fn stored(&self) -> StoredProduct {
        match &self.known.stored {
            Some(before) => {
                let mut changed = before.clone();
                changed.product = self.merged.product.clone();
                changed.description_html = self.merged.description_html.clone();
                // Units left over of a removed variant must not keep the product listed as in stock.
                changed.availability.available.retain(|variant, _| self.merged.product.variant(*variant).is_some());
                changed
            }
            None => {
                let mut new = StoredProduct::new(self.merged.product.clone(), self.merged.description_html.clone());
                // The projection of the Stock table's stream will find the same availability: writing it right away
                // saves a second write of the listing rows.
                let units = self.merged.stock.iter().filter(|(_, _, units)| *units > 0);
                new.availability.available = units.map(|(variant, _, units)| (*variant, *units)).collect();
                new
            }
        }
    }
}

impl BatchReport {
    fn add_issues(&mut self, line: u64, issues: Vec<Issue>) {
        let count = u64::try_from(issues.len()).unwrap_or(u64::MAX);
        self.counts.errors = self.counts.errors.saturating_add(count);
        self.faults.extend(issues.into_iter().map(|issue| ImportRowError {
            line: issue.line.unwrap_or(line),
            column: issue.column.to_owned(),
            code: issue.code,
            detail: issue.detail,
        }));
    }

    fn count(&mut self, outcome: &Outcome) {
        if let Outcome::Imported { created, updated, variants } = outcome {
            self.counts = self.counts.plus(ImportCounts {
                products: 1,
                variants: u64::try_from(*variants).unwrap_or(u64::MAX),
                created: u64::from(*created),
                updated: u64::from(*updated),
                errors: 0,
            });
        }
    }
}

/// A fault of the file in the form in which it is stored and shown to the vendor.
pub(crate) fn fault_of(error: RowError) -> ImportRowError {
    let (code, detail) = (error.code().to_owned(), error.detail().to_owned());
    ImportRowError { line: error.line, column: error.column, code, detail }
}

impl ProductStore {
    /// Imports a batch of products. Importing it again changes nothing, so it may be repeated after any interruption.
    pub(crate) async fn import_batch(
        &self,
        context: &Arc<ImportContext>,
        entries: Vec<Entry>,
        dry_run: bool,
        pace: &mut Pace,
    ) -> Result<BatchReport, Error> {
        let mut batch = BatchReport::default();
        let mut drafts = Vec::with_capacity(entries.len());
        let mut lines = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry.product {
                Ok(draft) => {
                    lines.push(entry.line);
                    drafts.push(draft);
                }
                Err(errors) => {
                    batch.counts.errors += u64::try_from(errors.len()).unwrap_or(u64::MAX);
                    batch.faults.extend(errors.into_iter().map(fault_of));
                }
            }
        }
        let known = self.known(context, &drafts).await?;
        let mut work = Vec::new();
        for ((line, draft), known) in lines.into_iter().zip(drafts).zip(known) {
            match Plan::new(line, draft, known, context) {
                Ok(plan) if dry_run || !plan.changes_anything() => {
                    batch.count(&plan.outcome());
                    batch.add_issues(plan.line, plan.merged.warnings);
                }
                Ok(plan) => work.push(plan),
                Err((line, issues)) => batch.add_issues(line, issues),
            }
        }
        pace.wait(work.len()).await;
        let mut running = JoinSet::new();
        let mut waiting = work.into_iter();
        loop {
            while running.len() < MAX_CONCURRENT_WRITES
                && let Some(plan) = waiting.next()
            {
                running.spawn(self.clone().apply_plan(Arc::clone(context), plan));
            }
            let Some(done) = running.join_next().await else { break };
            let (line, outcome, issues) = done.map_err(|error| Error::Failed(error.to_string()))??;
            batch.count(&outcome);
            batch.add_issues(line, issues);
        }
        batch.faults.sort_by_key(|fault| fault.line);
        Ok(batch)
    }

    /// What is stored of these products, read in three calls for all of them: only products whose first two handles
    /// are taken need further reads.
    async fn known(&self, context: &ImportContext, drafts: &[ProductDraft]) -> Result<Vec<Known>, Error> {
        let wanted: BTreeSet<Handle> =
            drafts.iter().flat_map(|draft| handles(&draft.handle, &context.vendor).take(2)).collect();
        let owners = self.catalog.products_with_handles(&wanted).await?;
        let products = self.catalog.products(&owners.values().copied().collect()).await?;
        let mut known = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let (mut stored, mut free_handle, mut unreadable) = (None, None, false);
            for handle in handles(&draft.handle, &context.vendor) {
                let looked_up = wanted.contains(&handle);
                if free_handle.is_some() && !looked_up {
                    break;
                }
                let owner = match owners.get(&handle) {
                    None if !looked_up => self.catalog.product_with_handle(&handle).await?,
                    owner => owner.copied(),
                };
                let Some(owner) = owner else {
                    free_handle.get_or_insert(handle);
                    continue;
                };
                let product = match products.get(&owner) {
                    Some(product) => Some(product.clone()),
                    None if !looked_up => self.catalog.product(owner).await?,
                    None => {
                        unreadable = true;
                        None
                    }
                };
                if let Some(product) =
                    product.filter(|known| is_of_file(&known.product, &context.vendor, &draft.handle))
                {
                    stored = Some(product);
                    break;
                }
            }
            known.push(Known { stored, free_handle, unreadable, shards: BTreeMap::new() });
        }
        let variants =
            known.iter().filter_map(|known| known.stored.as_ref()).flat_map(|stored| &stored.product.variants);
        let shard_counts: Vec<(VariantId, u16)> =
            variants.map(|variant| (variant.id, variant.layout().peak_shards)).collect();
        if !shard_counts.is_empty() {
            let mut shards = self.stock.shards(&shard_counts).await?;
            for known in &mut known {
                let variants = known.stored.iter().flat_map(|stored| &stored.product.variants);
                known.shards = variants.filter_map(|variant| shards.remove_entry(&variant.id)).collect();
            }
        }
        Ok(known)
    }

    /// Writes a product and its stock. When others change the product at the same time, it is read again and the
    /// merge is repeated.
    async fn apply_plan(
        self,
        context: Arc<ImportContext>,
        mut plan: Plan,
    ) -> Result<(u64, Outcome, Vec<Issue>), Error> {
        let line = plan.line;
        let mut backoff = Backoff::default();
        loop {
            match self.write(&plan).await {
                Ok(()) => {
                    let outcome = plan.outcome();
                    let mut issues = self.set_stock(&plan).await?;
                    issues.append(&mut plan.merged.warnings);
                    return Ok((line, outcome, issues));
                }
                Err(Error::Conflict) => {}
                Err(Error::Refused(refusal)) if refusal.code() == Code::HandleTaken => {}
                Err(error @ Error::Newer { .. }) => {
                    let issue = Issue::new("", error.code().as_str(), error.to_string());
                    return Ok((line, Outcome::Rejected, vec![issue]));
                }
                Err(Error::Refused(refusal)) => {
                    let issue = Issue::new("", refusal.code().as_str(), refusal.to_string());
                    return Ok((line, Outcome::Rejected, vec![issue]));
                }
                Err(other) => return Err(other),
            }
            if backoff.pause().await.is_err() {
                break;
            }
            let known = self.known(&context, std::slice::from_ref(&plan.draft)).await?.pop();
            let Some(known) = known else { break };
            plan = match Plan::new(line, plan.draft, known, &context) {
                Ok(plan) => plan,
                Err((line, issues)) => return Ok((line, Outcome::Rejected, issues)),
            };
        }
        let issue =
            Issue::new("", Code::Conflict.as_str(), "others changed the product at the same time: import it again");
        Ok((line, Outcome::Rejected, vec![issue]))
    }

    async fn write(&self, plan: &Plan) -> Result<(), Error> {
        match &plan.known.stored {
            Some(_) if !plan.changes_product() => Ok(()),
            before => self.catalog.put(before.as_ref(), &plan.stored()).await,
        }
    }

    /// Sets the units on hand where they differ from the file. Runs after the product was written, so that the
    /// projection of the Stock table's stream finds the product.
    async fn set_stock(&self, plan: &Plan) -> Result<Vec<Issue>, Error> {
        let mut changes = plan.stock_changes();
        let untouched = |variant: &VariantId| {
            let shards = plan.known.shards.get(variant);
            shards.is_none_or(|shards| shards.iter().all(|shard| *shard == StockShard::default()))
        };
        let new: Vec<(VariantId, Layout, i64)> =
            changes.iter().filter(|(variant, ..)| untouched(variant)).copied().collect();
        match self.stock.create(&new).await {
            Ok(()) => changes.retain(|(variant, ..)| !untouched(variant)),
            // One of the variants has stock already: set them one by one.
            Err(Error::Conflict) => {}
            Err(other) => return Err(other),
        }
        let mut issues = Vec::new();
        for (variant, layout, on_hand) in changes {
            match self.stock.set_on_hand(variant, layout, on_hand, &|_| Ok(((), None))).await {
                Ok(_) => {}
                Err(Error::Refused(refusal)) => {
                    issues.push(Issue::new("Variant Inventory Qty", "quantity_reserved", refusal.to_string()));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(issues)
    }
}

#[cfg(test)]
mod tests;
