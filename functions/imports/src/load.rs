//! Imports a local file in one call: used for the demo data and for small files.

use std::io::Read;
use std::sync::Arc;

use domain::job::{ImportCounts, ImportRowError};
use domain::vendor::VendorState;
use domain::{Code, Currency, Refusal, Timestamp, VendorId};

use crate::App;
use crate::merge::ImportContext;
use crate::pace::Pace;
use crate::product_store::BATCH;
use product_file::{Columns, Entry, ProductReader, Products, ReadError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The currency of the file's prices; without it, the vendor's own.
    pub currency: Option<Currency>,
    /// Only check the file, write nothing.
    pub dry_run: bool,
    /// Publish products, except those that the file marks as unpublished or as drafts.
    pub publish: bool,
}

/// The result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows of the file without its header.
    pub rows: u64,
    pub counts: ImportCounts,
    pub faults: Vec<ImportRowError>,
}

/// Why a file could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The vendor does not exist, or is suspended.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    File(#[from] ReadError),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Imports a file without pacing the writes. Importing it again changes nothing.
///
/// # Errors
/// When the file is not a product file, the vendor does not exist or is suspended, or the tables do not answer. Batches
/// written before the error stay.
pub async fn load(
    app: &App,
    vendor: VendorId,
    csv: impl Read,
    options: Options,
    now: Timestamp,
) -> Result<Report, LoadError> {
    let base = app.context(vendor, options, Columns::ALL, now).await?;
    let mut products = Products::new(csv, ProductReader::new(base.currency));
    let mut pace = Pace::new(0);
    let mut report = Report::default();
    let mut context: Option<Arc<ImportContext>> = None;
    loop {
        let mut entries: Vec<Entry> = Vec::with_capacity(BATCH);
        while entries.len() < BATCH
            && let Some(entry) = products.next()
        {
            entries.push(entry?);
        }
        let Some(last) = entries.last() else { return Ok(report) };
        report.rows = last.next.rows;
        let columns = products.columns().unwrap_or(Columns::ALL);
        let context = context.get_or_insert_with(|| Arc::new(ImportContext { columns, ..base.clone() }));
        let batch = app.products.import_batch(context, entries, options.dry_run, &mut pace).await?;
        report.counts = report.counts.plus(batch.counts);
        report.faults.extend(batch.faults);
    }
}

impl App {
    pub(crate) async fn context(
        &self,
        vendor: VendorId,
        options: Options,
        columns: Columns,
        now: Timestamp,
    ) -> Result<ImportContext, LoadError> {
        let (account, tree) = tokio::try_join!(self.accounts.vendor(vendor), self.products.catalog.categories())?;
        let account = account.ok_or_else(|| Refusal::because(Code::NotFound, "the vendor does not exist"))?;
        if account.state == VendorState::Suspended {
            return Err(Refusal::of(Code::VendorSuspended).into());
        }
        Ok(ImportContext {
            approved: account.state == VendorState::Approved,
            currency: options.currency.unwrap_or(account.currency),
            vendor: account.card,
            publish: options.publish,
            tree,
            columns,
            now,
        })
    }
}
