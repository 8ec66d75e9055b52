//! An import: a file out of its bucket, a slice at a time. How far it has come is written with each batch of products, together
//! with what was found to be wrong in it, so that an interruption repeats one batch at most, and repeating one changes nothing.

use std::sync::Arc;

use domain::code::Coded;
use domain::job::{FilePosition, ImportJob, JobState, Lease, MOST_FILE_BYTES, RowFault, Tally, claim};
use domain::vendor::VendorJob;
use domain::{ImportId, VendorId};

use crate::App;
use crate::files::{Download, FilesError};
use crate::goods::{BATCH, fault_of};
use crate::load::{LoadError, Options};
use crate::merge::Terms;
use crate::pace::Pace;
use crate::product_file::{Columns, Entry, FileError, Position, ProductReader, RowCounter, Step};
use crate::work::{Asked, Progress, Slice, WorkError};

/// Why a slice of an import did not come to its end.
enum Trouble {
    /// The import cannot go on, ever.
    Fatal(RowFault),
    /// It may go on when the message comes again.
    Passing(WorkError),
}

impl From<store::Error> for Trouble {
    fn from(error: store::Error) -> Self {
        Self::Passing(error.into())
    }
}

impl From<FileError> for Trouble {
    fn from(error: FileError) -> Self {
        Self::Fatal(fault_of(error.0))
    }
}

impl From<FilesError> for Trouble {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Missing => Self::Fatal(fault("file_missing", "the uploaded file is not there any more")),
            FilesError::Changed => Self::Fatal(fault("file_changed", "the file was replaced while it was imported")),
            FilesError::Failed(_) => Self::Passing(error.into()),
        }
    }
}

impl From<LoadError> for Trouble {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Refused(refusal) => Self::Fatal(fault(refusal.code().as_str(), &refusal.to_string())),
            other => Self::Passing(other.into()),
        }
    }
}

/// A file that is not there when it is first looked at has never come.
fn never_came(error: FilesError) -> Trouble {
    match error {
        FilesError::Missing => {
            Trouble::Fatal(fault("upload_missing", "the file was not uploaded in time: import it again"))
        }
        other => other.into(),
    }
}

fn fault(code: &str, detail: &str) -> RowFault {
    RowFault { line: 0, column: String::new(), code: code.to_owned(), detail: detail.to_owned() }
}

fn written(position: Position) -> FilePosition {
    FilePosition { rows: position.rows, line: position.line, offset: position.offset }
}

fn read(position: FilePosition) -> Position {
    Position { rows: position.rows, line: position.line, offset: position.offset }
}

/// The next products of the file; the last ones when the second is true.
async fn next_batch(reader: &mut ProductReader, file: &mut Download<'_>) -> Result<(Vec<Entry>, bool), Trouble> {
    let mut entries = Vec::with_capacity(BATCH);
    while entries.len() < BATCH {
        match reader.step()? {
            Step::Product(entry) => entries.push(*entry),
            Step::End => return Ok((entries, true)),
            Step::Hungry => match file.next().await? {
                Some(bytes) => reader.feed(&bytes),
                None => reader.end(),
            },
        }
    }
    Ok((entries, false))
}

impl App {
    /// Works a slice on an import, if nobody else does.
    pub(crate) async fn work_on_import(
        &self,
        vendor: VendorId,
        id: ImportId,
        asked: Asked<'_>,
    ) -> Result<(), WorkError> {
        let Some(mut job) = self.claim_import(vendor, id, asked).await? else { return Ok(()) };
        match self.import_slice(&mut job, asked).await {
            Ok(Progress::Over) => Ok(()),
            Ok(Progress::More) => {
                // First the lease, then the message: a message that met the lease would be dropped. A death in between leaves
                // the message that this slice was asked for with, and it comes again.
                job.lease = None;
                self.accounts.save_import(&job, &[]).await?;
                self.queue.send(&VendorJob::Import { vendor_id: vendor, id }).await
            }
            Err(Trouble::Fatal(fault)) => self.fail_import(&mut job, fault, asked).await,
            Err(Trouble::Passing(error)) => {
                // Another who works on it has the job now: what is written here would be a lie.
                if asked.last_delivery && !matches!(error, WorkError::Store(store::Error::Conflict)) {
                    let fault = fault("interrupted", "the import was interrupted too often: import the file again");
                    self.fail_import(&mut job, fault, asked).await?;
                }
                Err(error)
            }
        }
    }

    /// The import, if this message is the one to work on it.
    async fn claim_import(
        &self,
        vendor: VendorId,
        id: ImportId,
        asked: Asked<'_>,
    ) -> Result<Option<ImportJob>, WorkError> {
        loop {
            let Some(mut job) = self.accounts.import(vendor, id).await? else {
                tracing::warn!(import.id = %id, "a file was uploaded for an import that nobody has asked for");
                return Ok(None);
            };
            if !asked.is_granted(claim(job.state, job.lease.as_ref(), asked.message, asked.now))? {
                return Ok(None);
            }
            job.state = JobState::Running;
            job.lease = Some(Lease::new(asked.message, asked.now));
            match self.accounts.save_import(&job, &[]).await {
                Ok(job) => return Ok(Some(job)),
                // Another message was faster: it holds the lease now.
                Err(store::Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
    }

    async fn fail_import(&self, job: &mut ImportJob, fault: RowFault, asked: Asked<'_>) -> Result<(), WorkError> {
        let tally = Tally { faults: 1, ..Tally::default() };
        let mut kept = job.advance(job.position, tally, vec![fault.clone()]);
        if kept.is_empty() {
            // Whatever else is wrong with the file, this is what its seller must see.
            kept.push(fault);
        }
        job.finish(JobState::Failed, asked.now);
        *job = self.accounts.save_import(job, &kept).await?;
        Ok(())
    }

    async fn import_slice(&self, job: &mut ImportJob, asked: Asked<'_>) -> Result<Progress, Trouble> {
        let slice = Slice::new(self.slice);
        let options = Options { currency: Some(job.currency), dry_run: job.dry_run, publish: job.publish };
        let opened = self.terms(job.vendor, options, Columns::ALL, asked.now).await?;
        if job.rows.is_none() {
            self.count_rows(job).await?;
        }
        let key = job.key();
        let mut file = self.files.download(&key, job.tag.clone());
        let mut reader = ProductReader::resume(job.currency, read(job.position));
        let mut pace = Pace::new(self.products_per_second);
        let mut terms: Option<Arc<Terms>> = None;
        loop {
            let (entries, ended) = next_batch(&mut reader, &mut file).await?;
            let position = entries.last().map_or(job.position, |last| written(last.next));
            let columns = reader.columns().unwrap_or(Columns::ALL);
            let terms = terms.get_or_insert_with(|| Arc::new(Terms { columns, ..opened.clone() }));
            let brought = self.goods.bring_in(terms, entries, job.dry_run, &mut pace).await?;
            let faults = job.advance(position, brought.tally, brought.faults);
            if ended {
                job.finish(JobState::Completed, asked.now);
            }
            *job = self.accounts.save_import(job, &faults).await?;
            if ended {
                return Ok(Progress::Over);
            }
            if slice.is_over() {
                return Ok(Progress::More);
            }
        }
    }

    /// Reads the file through once: how many rows there are to come, and whether it is one that can be read at all.
    async fn count_rows(&self, job: &mut ImportJob) -> Result<(), Trouble> {
        let key = job.key();
        let mut file = self.files.download(&key, None);
        let mut counter = RowCounter::default();
        while let Some(bytes) = file.next().await.map_err(never_came)? {
            if file.size().is_some_and(|size| size > MOST_FILE_BYTES) {
                return Err(Trouble::Fatal(fault("file_too_large", "the file is larger than 200 MB: split it")));
            }
            counter.feed(&bytes)?;
        }
        job.rows = Some(counter.finish()?);
        job.tag = file.tag().map(str::to_owned);
        *job = self.accounts.save_import(job, &[]).await?;
        Ok(())
    }
}
