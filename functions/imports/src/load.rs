//! A file that is at hand, imported at once: what the demo data and small files go through.

use std::io::Read;
use std::sync::Arc;

use domain::job::{ImportCounts, ImportRowError};
use domain::vendor::VendorState;
use domain::{Code, Currency, Refusal, Timestamp, VendorId};

use crate::App;
use crate::merge::ImportContext;
use crate::pace::Pace;
use crate::product_file::{Columns, Entry, ProductReader, Products, ReadError};
use crate::product_store::BATCH;

/// How a file is to be imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The currency of its prices; the seller's own when it is not said.
    pub currency: Option<Currency>,
    /// Whether it is only checked.
    pub dry_run: bool,
    /// Whether products that want to are published.
    pub publish: bool,
}

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows of the file without its header.
    pub rows: u64,
    /// What became of its products.
    pub counts: ImportCounts,
    /// What is wrong with it.
    pub faults: Vec<ImportRowError>,
}

/// Why a file could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The seller is gone, or may not sell.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] ReadError),
    /// The shop could not be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Brings a file in, as fast as the tables take it. Doing it again changes nothing.
///
/// # Errors
/// When the file is no product file, its seller is not there, or the tables do not answer. What was imported by then stays.
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
    /// What a file of a seller is imported on.
    pub(crate) async fn context(
        &self,
        vendor: VendorId,
        options: Options,
        columns: Columns,
        now: Timestamp,
    ) -> Result<ImportContext, LoadError> {
        let (account, tree) = tokio::try_join!(self.accounts.vendor(vendor), self.products.catalog.categories())?;
        let account = account.ok_or_else(|| Refusal::because(Code::NotFound, "the shop is gone"))?;
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
