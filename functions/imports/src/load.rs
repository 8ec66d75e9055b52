//! A file that is at hand, brought in at once: what the demo data and small files go through.

use std::io::Read;
use std::sync::Arc;

use domain::job::{RowFault, Tally};
use domain::vendor::VendorState;
use domain::{Code, Currency, Refusal, Timestamp, VendorId};

use crate::App;
use crate::goods::BATCH;
use crate::merge::Terms;
use crate::pace::Pace;
use crate::product_file::{Columns, Entry, ProductReader, Products, ReadError};

/// How a file is to be brought in.
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
    pub tally: Tally,
    /// What is wrong with it.
    pub faults: Vec<RowFault>,
}

/// Why a file could not be brought in.
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
/// When the file is no product file, its seller is not there, or the tables do not answer. What was brought in by then stays.
pub async fn load(
    app: &App,
    vendor: VendorId,
    csv: impl Read,
    options: Options,
    now: Timestamp,
) -> Result<Report, LoadError> {
    let opened = app.terms(vendor, options, Columns::ALL, now).await?;
    let mut products = Products::new(csv, ProductReader::new(opened.currency));
    let mut pace = Pace::new(0);
    let mut report = Report::default();
    let mut terms: Option<Arc<Terms>> = None;
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
        let terms = terms.get_or_insert_with(|| Arc::new(Terms { columns, ..opened.clone() }));
        let brought = app.goods.bring_in(terms, entries, options.dry_run, &mut pace).await?;
        report.tally = report.tally.plus(brought.tally);
        report.faults.extend(brought.faults);
    }
}

impl App {
    /// What a file of a seller is brought in on.
    pub(crate) async fn terms(
        &self,
        vendor: VendorId,
        options: Options,
        columns: Columns,
        now: Timestamp,
    ) -> Result<Terms, LoadError> {
        let (file, tree) = tokio::try_join!(self.accounts.vendor(vendor), self.goods.catalog.categories())?;
        let file = file.ok_or_else(|| Refusal::because(Code::NotFound, "the shop is gone"))?;
        if file.state == VendorState::Suspended {
            return Err(Refusal::of(Code::VendorSuspended).into());
        }
        Ok(Terms {
            approved: file.state == VendorState::Approved,
            currency: options.currency.unwrap_or(file.currency),
            vendor: file.card,
            publish: options.publish,
            tree,
            columns,
            now,
        })
    }
}
