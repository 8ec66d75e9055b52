//! Writes the products of a file to the tables: read in batches, written concurrently.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::code::Coded;
use domain::job::{ImportCounts, ImportFault, ImportRowError, RefusedProduct, RowFault, Severity};
use domain::stock::{Layout, StockShard};
use domain::text::{Handle, Line};
use domain::vendor::PictureJob;
use domain::{Code, IdempotentRequest, StoredResponse, VariantId};
use platform::{Pace, trace};
use store::catalog::{HandleHolder, StoredProduct};
use store::{Backoff, Catalog, Error, Stock};
use tokio::task::JoinSet;

use crate::merge::{ImportContext, Issue, QUANTITY, Units, handles, is_known_by_number, is_known_by_skus, is_of_file};
use crate::pictures::wanted;
use crate::plan::{Known, Outcome, Place, Plan};
use crate::room::Room;
use pages::Language;
use product_file::{Entry, Fault, ProductDraft, RowError};

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
    pub(crate) refused: Vec<RefusedProduct>,
    /// The pictures to be fetched.
    pub(crate) pictures: Vec<PictureJob>,
}

/// Why a product was refused, as the file of refused rows says it to its vendor.
fn row_fault(entry: &ImportRowError, language: Language) -> RowFault {
    let colon = if entry.column.is_empty() { "" } else { ": " };
    let said = pages::file_fault(language, entry);
    let mut why = format!("{}{colon}{}", entry.column, said.as_deref().unwrap_or(&entry.detail));
    if entry.times > 1 {
        let times = entry.times;
        why =
            if said.is_some() { format!("{why} × {times}") } else { format!("{why} ({times} times in this product)") };
    }
    RowFault { line: entry.line, code: entry.code.clone(), why }
}

/// One entry for each kind of issue of the product.
fn entries_of(context: &ImportContext, place: &Place, issues: Vec<Issue>) -> Vec<ImportRowError> {
    let mut entries: Vec<ImportRowError> = Vec::new();
    for issue in issues {
        match entries.iter_mut().find(|entry| entry.code == issue.code && entry.detail == issue.detail) {
            Some(known) => known.times = known.times.saturating_add(1),
            None => entries.push(ImportRowError {
                severity: issue.severity,
                line: issue.line.unwrap_or(place.line),
                product: place.handle.clone(),
                column: context.spellings.get(issue.column).map_or(issue.column, String::as_str).to_owned(),
                value: issue.value,
                times: 1,
                code: issue.code,
                detail: issue.detail,
            }),
        }
    }
    entries
}

impl BatchReport {
    fn add(&mut self, entry: ImportRowError) {
        let count = match entry.severity {
            Severity::Warning => &mut self.counts.warnings,
            Severity::Info => &mut self.counts.infos,
            Severity::Error | Severity::Other => &mut self.counts.errors,
        };
        *count = count.saturating_add(1);
        self.faults.push(entry);
    }

    /// What became of a product, with what is to be said of it.
    fn add_product(&mut self, key: u64, outcome: &Outcome, entries: Vec<ImportRowError>, language: Language) {
        self.count(outcome);
        // Skipped ones as well: the file of refused rows is what is to be sent again.
        if matches!(outcome, Outcome::Rejected | Outcome::StillRejected | Outcome::Skipped) {
            let errors = entries.iter().filter(|entry| entry.severity == Severity::Error);
            let faults = errors.map(|entry| row_fault(entry, language)).collect();
            self.refused.push(RefusedProduct { key, faults });
        }
        entries.into_iter().for_each(|entry| self.add(entry));
    }

    fn want(&mut self, pictures: Vec<PictureJob>) {
        let addresses = pictures.iter().map(|job| match job {
            PictureJob::Fetch { addresses, .. } => addresses.len(),
            PictureJob::LookAt { .. } | PictureJob::Sweep {} => 0,
        });
        let wanted = u64::try_from(addresses.sum::<usize>()).unwrap_or(u64::MAX);
        self.counts.pictures = self.counts.pictures.saturating_add(wanted);
        self.pictures.extend(pictures);
    }

    fn count(&mut self, outcome: &Outcome) {
        let none = ImportCounts::default();
        self.counts = self.counts.plus(match outcome {
            Outcome::Imported { created, updated, variants, stock_kept } => ImportCounts {
                products: 1,
                variants: u64::try_from(*variants).unwrap_or(u64::MAX),
                created: u64::from(*created),
                updated: u64::from(*updated),
                stock_kept: *stock_kept,
                ..none
            },
            Outcome::Continued { variants, stock_kept } => {
                ImportCounts { variants: u64::try_from(*variants).unwrap_or(u64::MAX), stock_kept: *stock_kept, ..none }
            }
            Outcome::StillRejected => none,
            Outcome::Rejected => ImportCounts { refused: 1, ..none },
            Outcome::Skipped => ImportCounts { skipped: 1, ..none },
        });
    }
}

/// A fault of the file in the form in which it is stored and shown to the vendor.
pub(crate) fn fault_of(error: RowError) -> ImportRowError {
    let severity = if error.fault.is_warning() { Severity::Warning } else { Severity::Error };
    let (code, detail) = (error.code().to_owned(), error.detail().to_owned());
    ImportRowError {
        severity,
        line: error.line,
        product: String::new(),
        column: error.column,
        value: error.value,
        times: error.times,
        code,
        detail,
    }
}

impl ProductStore {
    /// Imports a batch of products. Importing it again changes nothing, so it may be repeated after any interruption.
    /// New products beyond the room are refused; changes of others pass.
    pub(crate) async fn import_batch(
        &self,
        context: &Arc<ImportContext>,
        entries: Vec<Entry>,
        dry_run: bool,
        pace: &mut Pace,
        room: &mut Room,
    ) -> Result<BatchReport, Error> {
        let (mut batch, language) = (BatchReport::default(), context.language);
        let mut drafts = Vec::with_capacity(entries.len());
        let mut places = Vec::with_capacity(entries.len());
        for entry in entries {
            let reported = entry.warnings.into_iter().map(fault_of);
            reported.for_each(|warning| batch.add(ImportRowError { product: entry.handle.clone(), ..warning }));
            match entry.product {
                Ok(draft) => {
                    places.push(Place { key: entry.key, line: entry.line, handle: entry.handle });
                    drafts.push(draft);
                }
                Err(errors) => {
                    let reported = errors.into_iter().map(fault_of);
                    let reported = reported.map(|error| ImportRowError { product: entry.handle.clone(), ..error });
                    batch.add_product(entry.key, &Outcome::Rejected, reported.collect(), language);
                }
            }
        }
        let known = self.known(context, &drafts).await?;
        let has_new = known.iter().any(|known| known.stored.is_none());
        let mut left = if has_new { room.left(&self.catalog, context.vendor.id).await? } else { 0 };
        let mut work = Vec::new();
        for ((place, draft), known) in places.into_iter().zip(drafts).zip(known) {
            if draft.continues && known.stored.is_none() && !known.unreadable {
                // Its first rows were to make it. In a dry run they were checked as such; else they were refused, which
                // was counted and told.
                if !dry_run {
                    batch.add_product(place.key, &Outcome::StillRejected, Vec::new(), language);
                }
                continue;
            }
            let planned = Plan::new(place, draft, known, context).and_then(|plan| {
                let Some(rest) = left.checked_sub(u64::from(plan.is_new())) else {
                    return Err((plan.place, vec![room.used_up()]));
                };
                left = rest;
                Ok(plan)
            });
            match planned {
                Ok(plan) if dry_run || !plan.changes_anything() => {
                    batch.want(wanted(context, &plan.place, &plan.merged.product));
                    let (outcome, preview) = (plan.outcome(), if dry_run { plan.preview() } else { None });
                    let issues = plan.merged.warnings.into_iter().chain(preview).collect();
                    batch.add_product(plan.place.key, &outcome, entries_of(context, &plan.place, issues), language);
                }
                Ok(plan) => work.push(plan),
                Err((place, issues)) => {
                    let entries = entries_of(context, &place, issues);
                    batch.add_product(place.key, &Outcome::Rejected, entries, language);
                }
            }
        }
        pace.wait(work.len()).await;
        let mut running = JoinSet::new();
        let mut waiting = work.into_iter();
        loop {
            while running.len() < MAX_CONCURRENT_WRITES
                && let Some(plan) = waiting.next()
            {
                // What is spawned is not part of the trace of its caller, unless it is told.
                let applied = self.clone().apply_plan(Arc::clone(context), plan);
                running.spawn(trace::scope(trace::current(), applied));
            }
            let Some(done) = running.join_next().await else { break };
            let (place, outcome, issues, pictures) = done.map_err(|error| Error::Failed(error.to_string()))??;
            batch.want(pictures);
            batch.add_product(place.key, &outcome, entries_of(context, &place, issues), language);
        }
        room.take(batch.counts.created);
        batch.faults.sort_by_key(|fault| fault.line);
        Ok(batch)
    }

    /// What is stored of these products, read in three calls for all of them: only products whose first two handles
    /// are taken need further reads.
    async fn known(&self, context: &ImportContext, drafts: &[ProductDraft]) -> Result<Vec<Known>, Error> {
        let wanted: BTreeSet<Handle> =
            drafts.iter().flat_map(|draft| handles(&draft.handle, &context.vendor).take(2)).collect();
        let file_keys = drafts.iter().flat_map(|draft| draft.file_key.iter().chain(&draft.former_key));
        let file_keys: BTreeSet<String> = file_keys.map(ToString::to_string).collect();
        let (owners, keyed) = tokio::try_join!(
            self.catalog.holders_of_handles(&wanted, context.vendor.id),
            self.catalog.products_with_file_keys(context.vendor.id, &file_keys)
        )?;
        let of_handles = owners.values().filter_map(HandleHolder::product);
        let products = self.catalog.products(&of_handles.chain(keyed.values().copied()).collect()).await?;
        let unread = keyed.values().filter(|owner| !products.contains_key(owner)).copied().collect();
        let gone = self.catalog.gone_products(&unread).await?;
        let mut known = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let owner_of = |key: &Option<Line>| key.as_ref().and_then(|key| keyed.get(key.as_str())).copied();
            let owner = owner_of(&draft.file_key);
            let of_owner = owner.and_then(|owner| products.get(&owner));
            // One without a key was changed by a release that does not know of keys.
            let is_its = |stored: &&StoredProduct| {
                stored.product.file_key.is_none() || stored.product.file_key == draft.file_key
            };
            if let Some(stored) = of_owner.filter(is_its) {
                known.push(Known { stored: Some(stored.clone()), ..Known::default() });
                continue;
            }
            let stale_key = owner.filter(|owner| of_owner.is_some() || gone.contains(owner));
            if owner.is_some() && stale_key.is_none() {
                known.push(Known { unreadable: true, ..Known::default() });
                continue;
            }
            let former = owner_of(&draft.former_key).and_then(|owner| products.get(&owner));
            if let Some(stored) = former.filter(|former| is_known_by_number(&former.product, &context.vendor, draft)) {
                known.push(Known { stored: Some(stored.clone()), stale_key, ..Known::default() });
                continue;
            }
            let (mut stored, mut free_handle, mut unreadable) = (None, None, false);
            for handle in wanted_handles(draft, context) {
                let looked_up = wanted.contains(&handle);
                if free_handle.is_some() && !looked_up {
                    break;
                }
                let owner = match owners.get(&handle) {
                    None if !looked_up => self.catalog.holder_of_handle(&handle, context.vendor.id).await?,
                    owner => owner.copied(),
                };
                let Some(owner) = owner else {
                    free_handle.get_or_insert(handle);
                    continue;
                };
                let Some(owner) = owner.product() else { continue };
                let product = match products.get(&owner) {
                    Some(product) => Some(product.clone()),
                    // By its key it would have been found.
                    None if draft.file_key.is_some() => None,
                    None if !looked_up => self.catalog.products(&BTreeSet::from([owner])).await?.remove(&owner),
                    None => {
                        unreadable = true;
                        None
                    }
                };
                if let Some(product) = product.filter(|known| match &draft.file_key {
                    None => is_of_file(&known.product, &context.vendor, &draft.file_handle),
                    Some(_) => is_known_by_skus(&known.product, &context.vendor, draft),
                }) {
                    stored = Some(product);
                    break;
                }
            }
            known.push(Known { stored, free_handle, unreadable, stale_key, ..Known::default() });
        }
        let variants =
            known.iter().filter_map(|known| known.stored.as_ref()).flat_map(|stored| &stored.product.variants);
        let shard_counts: Vec<(VariantId, u16)> =
            variants.map(|variant| (variant.id, variant.layout().peak_shards)).collect();
        if !shard_counts.is_empty() {
            // Without those that never had stock: they are as good as new.
            let mut shards: BTreeMap<VariantId, Vec<StockShard>> = BTreeMap::new();
            for (variant, readings) in self.stock.readings(&shard_counts).await? {
                if readings.iter().any(|reading| reading.version > 0) {
                    shards.insert(variant, readings.into_iter().map(|reading| reading.shard).collect());
                }
            }
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
    ) -> Result<(Place, Outcome, Vec<Issue>, Vec<PictureJob>), Error> {
        let place = plan.place.clone();
        let mut backoff = Backoff::default();
        loop {
            match self.write(&plan).await {
                Ok(()) => {
                    let outcome = plan.outcome();
                    let mut issues = self.set_stock(&plan, &context).await?;
                    issues.append(&mut plan.merged.warnings);
                    let pictures = wanted(&context, &place, &plan.merged.product);
                    return Ok((place, outcome, issues, pictures));
                }
                Err(Error::Conflict) => {}
                Err(Error::Refused(refusal)) if refusal.code() == Code::HandleTaken => {}
                Err(error @ Error::Newer { .. }) => {
                    let issue = Issue::new("", ImportFault::NewerData, error.to_string());
                    return Ok((place, Outcome::Skipped, vec![issue], Vec::new()));
                }
                Err(Error::Refused(refusal)) => {
                    let issue = match refusal.code() {
                        // Stored, it has also what only a newer release knows of it.
                        Code::LimitReached => Issue::fault("", Fault::ProductTooLarge),
                        _ => Issue::new("", ImportFault::Refused, refusal.to_string()),
                    };
                    return Ok((place, Outcome::Rejected, vec![issue], Vec::new()));
                }
                Err(other) => return Err(other),
            }
            if backoff.pause().await.is_err() {
                break;
            }
            let known = self.known(&context, std::slice::from_ref(&plan.draft)).await?.pop();
            let Some(known) = known else { break };
            plan = match Plan::new(place.clone(), plan.draft, known, &context) {
                Ok(plan) => plan,
                Err((place, issues)) => return Ok((place, Outcome::Rejected, issues, Vec::new())),
            };
        }
        let issue =
            Issue::new("", ImportFault::Conflict, "others changed the product at the same time: import it again");
        Ok((place, Outcome::Skipped, vec![issue], Vec::new()))
    }

    async fn write(&self, plan: &Plan) -> Result<(), Error> {
        if let (Some(owner), Some(key)) = (plan.known.stale_key, &plan.draft.file_key) {
            self.catalog.give_up_file_key(plan.merged.product.vendor.id, key.as_str(), owner).await?;
        }
        match &plan.known.stored {
            Some(_) if !plan.changes_product() => Ok(()),
            before => self.catalog.put(before.as_ref(), &plan.stored()).await,
        }
    }

    /// Sets the units on hand where they differ from the file. Runs after the product was written, so that the
    /// projection of the Stock table's stream finds the product.
    async fn set_stock(&self, plan: &Plan, context: &ImportContext) -> Result<Vec<Issue>, Error> {
        let mut changes = plan.stock_changes();
        let untouched = |variant: &VariantId| {
            let shards = plan.known.shards.get(variant);
            shards.is_none_or(|shards| shards.iter().all(|shard| *shard == StockShard::default()))
        };
        let new: Vec<(VariantId, Layout, i64)> = changes
            .iter()
            .filter_map(|(variant, layout, units)| match units {
                Units::Set(units) if untouched(variant) => Some((*variant, *layout, *units)),
                _ => None,
            })
            .collect();
        match self.stock.create(&new).await {
            Ok(()) => changes.retain(|(variant, _, units)| matches!(units, Units::Add(_)) || !untouched(variant)),
            // One of the variants has stock already: set them one by one.
            Err(Error::Conflict) => {}
            Err(other) => return Err(other),
        }
        let mut issues = Vec::new();
        for (variant, layout, units) in changes {
            let done = match units {
                Units::Set(units) => self.stock.set_on_hand(variant, layout, units, &|_| Ok(((), None))).await,
                Units::Add(units) => {
                    // Added once, also when the batch is repeated.
                    // Rows that stand apart may name a variant again, and add to it again.
                    let key = match plan.draft.continues {
                        true => format!("{variant} in line {}", plan.place.line),
                        false => variant.to_string(),
                    };
                    let request = IdempotentRequest {
                        caller: context.import.to_string(),
                        route: "import".to_owned(),
                        key,
                        fingerprint: units.to_string(),
                        at: context.now,
                    };
                    if self.stock.earlier::<()>(Some(&request)).await?.is_some() {
                        continue;
                    }
                    let done = StoredResponse { request, response: None };
                    self.stock.adjust(variant, layout, units, &|_| Ok(((), Some(done.clone())))).await
                }
            };
            match done {
                Ok(_) => {}
                Err(Error::Refused(refusal)) if refusal.code() == Code::OutOfStock => {
                    issues.push(Issue::stock_stays(0, layout));
                }
                Err(Error::Refused(refusal)) => {
                    issues.push(Issue::warning(QUANTITY, ImportFault::QuantityReserved, refusal.to_string()));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(issues)
    }
}

/// The handles that a product of a file can get. One that is told by its key may have the title of many others, so that
/// its key makes the last one.
fn wanted_handles(draft: &ProductDraft, context: &ImportContext) -> impl Iterator<Item = Handle> {
    let key = draft.file_key.as_ref().map(|key| Handle::mapped_from(key.as_str()));
    let last = key.and_then(|key| draft.handle.with_suffix(key.as_str()));
    handles(&draft.handle, &context.vendor).chain(last)
}
