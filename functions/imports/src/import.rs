//! An import reads an uploaded file from the bucket, a slice of time at a time. The position in the file is saved after
//! each batch of products, together with the faults found in it: an interruption repeats one batch at most, and
//! repeating a batch changes nothing. When products were refused, their rows are written to a file at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::job::{
    FilePosition, ImportCounts, ImportFault, ImportJob, ImportRowError, JobState, RefusedFile, Severity,
};
use domain::settings::FileLimits;
use domain::vendor::{VendorAccount, VendorJob, VendorState};
use domain::{Code, ImportId, Timestamp, VendorId};
use pages::Language;
use platform::{Pace, Slice};

use crate::App;
use crate::files::FilesError;
use crate::merge::ImportContext;
use crate::product_store::{BATCH, fault_of};
use crate::room::Room;
use crate::text::{Text, UnknownEncoding};
use crate::work::{Delivery, Progress, WorkError};
use product_file::{
    Columns, EncodingGuess, Entry, Fault, FileError, Position, ProductReader, RowCounter, RowError, Step,
};

/// Why a slice of an import ends early.
pub(crate) enum SliceError {
    /// The import fails: trying again would end the same way.
    Fatal(ImportRowError),
    /// The import may go on when the message comes again.
    Transient(WorkError),
}

impl From<store::Error> for SliceError {
    fn from(error: store::Error) -> Self {
        Self::Transient(error.into())
    }
}

impl From<FileError> for SliceError {
    fn from(error: FileError) -> Self {
        Self::Fatal(fault_of(error.0))
    }
}

impl From<FilesError> for SliceError {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Missing => fatal(ImportFault::FileMissing, "the uploaded file is not there any more"),
            FilesError::Changed => fatal(ImportFault::FileReplaced, "the file was replaced while it was imported"),
            FilesError::Failed(_) => Self::Transient(error.into()),
        }
    }
}

/// A file that is missing at the first read was never uploaded; later on, missing means deleted.
fn missing_upload(error: FilesError) -> SliceError {
    match error {
        FilesError::Missing => fatal(ImportFault::UploadMissing, "the file was not uploaded in time: import it again"),
        other => other.into(),
    }
}

fn fatal(fault: ImportFault, detail: &str) -> SliceError {
    SliceError::Fatal(ImportRowError::of_file(fault, detail))
}

/// A fault that the reader of files names too, of the file as a whole.
fn of_whole_file(fault: Fault) -> ImportRowError {
    fault_of(RowError { line: 0, column: String::new(), fault, value: String::new(), times: 1 })
}

/// The language in which a vendor is told why rows were refused: that of messages to it, else English.
pub(crate) fn language_of(account: &VendorAccount) -> Language {
    account.language.as_deref().and_then(Language::from_tag).unwrap_or(Language::En)
}

fn file_position(position: Position) -> FilePosition {
    let Position { rows, line, offset, pass, done } = position;
    FilePosition { rows, line, offset, pass, done }
}

fn reader_position(position: FilePosition) -> Position {
    let FilePosition { rows, line, offset, pass, done } = position;
    Position { rows, line, offset, pass, done }
}

impl From<UnknownEncoding> for SliceError {
    fn from(_: UnknownEncoding) -> Self {
        Self::Fatal(of_whole_file(Fault::UnknownEncoding))
    }
}

/// The next products of the file, and whether they are the last. Rows that continue a product of the batch are held
/// back for the next one, so that they find what the first ones made.
async fn next_batch(
    reader: &mut ProductReader,
    file: &mut Text<'_>,
    held: &mut Option<Entry>,
) -> Result<(Vec<Entry>, bool), SliceError> {
    let mut entries: Vec<Entry> = Vec::with_capacity(BATCH);
    entries.extend(held.take());
    while entries.len() < BATCH {
        match reader.step()? {
            Step::Product(entry) if entry.continues && entries.iter().any(|known| known.handle == entry.handle) => {
                *held = Some(*entry);
                return Ok((entries, false));
            }
            Step::Product(entry) => entries.push(*entry),
            Step::End => return Ok((entries, true)),
            Step::Again => file.begin_again(),
            Step::NeedsMore => match file.next().await? {
                Some(bytes) => reader.feed(&bytes),
                None => reader.end(),
            },
        }
    }
    Ok((entries, false))
}

impl App {
    /// Works a slice on an import, unless it has ended or its lease is held.
    pub(crate) async fn work_on_import(
        &self,
        vendor: VendorId,
        id: ImportId,
        delivery: Delivery<'_>,
    ) -> Result<(), WorkError> {
        let Some(mut job) = self.claim_import(vendor, id, delivery).await? else { return Ok(()) };
        let slice = Slice::new(crate::SLICE);
        match self.import_slice(&mut job, delivery, &slice).await {
            Ok(Progress::Done) => Ok(()),
            Ok(Progress::More) => {
                // Release the lease first, then send the message: a message received while this one holds the lease
                // would be dropped as obsolete. If the worker dies in between, the message that started this slice is
                // delivered again.
                job.lease = None;
                self.accounts.save_import(&job, &[], &[]).await?;
                Ok(self.imports.send(&VendorJob::Import { vendor_id: vendor, id }, 0).await?)
            }
            Err(SliceError::Fatal(fault)) => self.fail_import(&mut job, fault, delivery.now + slice.elapsed()).await,
            Err(SliceError::Transient(error)) => {
                // A conflict means that another worker holds the job by now and may well finish it: do not mark it as
                // failed.
                if delivery.last_delivery && !matches!(error, WorkError::Store(store::Error::Conflict)) {
                    let detail = "the import was interrupted too often: import the file again";
                    let fault = ImportRowError::of_file(ImportFault::Interrupted, detail);
                    self.fail_import(&mut job, fault, delivery.now + slice.elapsed()).await?;
                }
                Err(error)
            }
        }
    }

    /// Takes the lease of the import; nothing when this delivery has no work to do.
    async fn claim_import(
        &self,
        vendor: VendorId,
        id: ImportId,
        delivery: Delivery<'_>,
    ) -> Result<Option<ImportJob>, WorkError> {
        loop {
            let Some(mut job) = self.accounts.import(vendor, id).await? else {
                tracing::warn!(import.id = %id, "a file was uploaded for an unknown import");
                return Ok(None);
            };
            if !delivery.is_granted(job.claim(delivery.message, delivery.now))? {
                return Ok(None);
            }
            match self.accounts.save_import(&job, &[], &[]).await {
                Ok(job) => return Ok(Some(job)),
                // Another delivery saved first: read the job again to see whether it holds the lease.
                Err(store::Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
    }

    async fn fail_import(&self, job: &mut ImportJob, fault: ImportRowError, now: Timestamp) -> Result<(), WorkError> {
        let report = if job.refused_file.is_some() {
            tracing::warn!(import.id = %job.id, cause = %fault.code, "a file of refused rows could not be written");
            job.complete_without_refused_file(now)
        } else {
            job.fail(fault, now)
        };
        *job = self.accounts.save_import(job, &report, &[]).await?;
        Ok(())
    }

    /// What is the same for all products of a slice, and the room that it has for new ones.
    async fn context(&self, job: &ImportJob, now: Timestamp) -> Result<(ImportContext, Room), SliceError> {
        let (account, tree, settings) = tokio::try_join!(
            self.accounts.vendor(job.vendor),
            self.products.catalog.categories(),
            self.settings.current()
        )?;
        let account = account.ok_or_else(|| fatal(ImportFault::VendorNotFound, "the vendor does not exist"))?;
        if account.state == VendorState::Suspended {
            return Err(fatal(ImportFault::VendorSuspended, Code::VendorSuspended.meaning()));
        }
        let promised = if job.dry_run { job.counts.created } else { 0 };
        let room = Room::new(settings.quotas.products_in(account.state), promised);
        let context = ImportContext {
            approved: account.state == VendorState::Approved,
            language: language_of(&account),
            currency: job.currency,
            vendor: account.card,
            publish: job.publish,
            tree,
            columns: Columns::ALL,
            kept_columns: Vec::new(),
            spellings: BTreeMap::new(),
            import: job.id,
            fetch_images: job.fetch_images && !job.dry_run,
            stock: job.stock,
            is_partial: false,
            now,
        };
        Ok((context, room))
    }

    async fn import_slice(
        &self,
        job: &mut ImportJob,
        delivery: Delivery<'_>,
        slice: &Slice,
    ) -> Result<Progress, SliceError> {
        if job.refused_file.is_none() {
            let progress = self.import_rows(job, delivery, slice).await?;
            if progress == Progress::More || job.is_over() {
                return Ok(progress);
            }
            if slice.is_over() {
                return Ok(Progress::More);
            }
        }
        self.write_refused_rows(job, delivery, slice).await
    }

    /// Imports rows until the slice is over, or until there are none left. Then the import is over, unless rows were
    /// refused.
    async fn import_rows(
        &self,
        job: &mut ImportJob,
        delivery: Delivery<'_>,
        slice: &Slice,
    ) -> Result<Progress, SliceError> {
        let (base, mut room) = self.context(job, delivery.now).await?;
        if job.rows.is_none() {
            let limits = self.settings.current().await?.limits.import;
            self.count_rows(job, limits).await?;
        }
        let key = job.key();
        let mut file = Text::new(self.files.download(&key, job.tag.clone()), job.encoding.as_deref())?;
        let position = reader_position(job.position);
        let mut reader = ProductReader::resume(job.currency, position)
            .mapped(job.mapping.clone())
            .at(job.created_at)
            .in_passes(job.passes, position);
        let mut pace = Pace::new(crate::PRODUCTS_PER_SECOND);
        let (mut context, mut held): (Option<Arc<ImportContext>>, _) = (None, None);
        let began = job.worked.map_or(delivery.now, |(began, _)| began);
        loop {
            let (entries, ended) = next_batch(&mut reader, &mut file, &mut held).await?;
            let position = entries.last().map_or(job.position, |last| file_position(last.next));
            let columns = reader.columns().unwrap_or(Columns::ALL);
            let is_partial = job.is_apart || !columns.title;
            let context = context.get_or_insert_with(|| {
                let spelled = |header| Some((header, reader.spelling(header)?.to_owned()));
                let spellings = ImportContext::NAMED.into_iter().filter_map(spelled).collect();
                let kept_columns = reader.kept_columns();
                Arc::new(ImportContext { columns, kept_columns, spellings, is_partial, ..base.clone() })
            });
            let batch = self.products.import_batch(context, entries, job.dry_run, &mut pace, &mut room).await?;
            // Before its end is noted: when this breaks off here, the batch comes again.
            for wanted in &batch.pictures {
                self.fetches.send_picture_job(wanted, 0).await.map_err(|error| SliceError::Transient(error.into()))?;
            }
            let faults = job.advance(position, batch.counts, batch.faults);
            let now = delivery.now + slice.elapsed();
            job.worked = Some((began, now));
            match (ended, job.counts.refused.saturating_add(job.counts.skipped)) {
                (true, 0) => job.finish(JobState::Completed, now),
                (true, _) => job.refused_file = Some(RefusedFile::default()),
                (false, _) => {}
            }
            *job = self.accounts.save_import(job, &faults, &batch.refused).await?;
            if ended {
                return Ok(Progress::Done);
            }
            if slice.is_over() {
                return Ok(Progress::More);
            }
        }
    }

    /// Reads the whole file once before anything is imported: recognises its encoding, counts its rows, and fails early
    /// when it is too large or cannot be read as CSV. A file that is not in UTF-8 is read a second time.
    async fn count_rows(&self, job: &mut ImportJob, limits: FileLimits) -> Result<(), SliceError> {
        let key = job.key();
        let has_too_many = |rows: u64| rows > u64::from(limits.rows);
        let too_many = || {
            let detail = format!("the file has more than {} rows: split it", limits.rows);
            let value = limits.rows.to_string();
            SliceError::Fatal(ImportRowError { value, detail, ..of_whole_file(Fault::TooManyRows) })
        };
        let mut file = self.files.download(&key, None);
        let mapping = self.accounts.column_mapping(job.vendor).await?.map(|mapping| mapping.columns);
        let (mut row_counter, mut guess) = (RowCounter::mapped(mapping.clone()), EncodingGuess::default());
        let mut unreadable = None;
        while let Some(bytes) = file.next().await.map_err(missing_upload)? {
            if file.size().is_some_and(|size| size > u64::from(limits.bytes)) {
                let detail = format!("the file is larger than {} bytes: split it", limits.bytes);
                let of_file = ImportRowError::of_file(ImportFault::FileTooLarge, &detail);
                return Err(SliceError::Fatal(ImportRowError { value: limits.bytes.to_string(), ..of_file }));
            }
            guess.feed(&bytes);
            if unreadable.is_none() {
                unreadable = row_counter.feed(&bytes).err();
            }
        }
        job.tag = file.etag().map(str::to_owned);
        job.encoding = guess.finish().map(str::to_owned);
        let mut report = Vec::new();
        let counted = if let Some(encoding) = job.encoding.clone() {
            let mut text = Text::new(self.files.download(&key, job.tag.clone()), Some(&encoding))?;
            let mut row_counter = RowCounter::mapped(mapping.clone());
            while let Some(bytes) = text.next().await? {
                row_counter.feed(&bytes)?;
                if has_too_many(row_counter.rows()) {
                    return Err(too_many());
                }
            }
            let detail = format!("the file was read as {encoding}: look whether its letters came in as they should");
            let of_file = ImportRowError::of_file(ImportFault::FileEncoding, &detail);
            report.push(ImportRowError { severity: Severity::Info, value: encoding, ..of_file });
            row_counter.finish()?
        } else {
            if let Some(error) = unreadable {
                return Err(error.into());
            }
            row_counter.finish()?
        };
        if has_too_many(counted.rows) {
            return Err(too_many());
        }
        job.rows = Some(counted.rows);
        job.is_apart = counted.is_apart;
        job.passes = counted.passes;
        job.mapping = mapping.filter(|_| counted.is_mapped);
        if !job.dry_run && !counted.kept_columns.is_empty() {
            let left_out = self.products.catalog.add_file_headers(job.vendor, &counted.kept_columns).await?;
            if !left_out.is_empty() {
                let value = left_out.join(", ").chars().take(200).collect();
                let detail = "the files of this shop have too many columns that are not used: these are not exported";
                let of_file = ImportRowError::of_file(ImportFault::TooManyColumnsKept, detail);
                report.push(ImportRowError { severity: Severity::Warning, value, ..of_file });
            }
        }
        let number = |severity| report.iter().filter(|entry| entry.severity == severity).count();
        let counts = ImportCounts {
            infos: u64::try_from(number(Severity::Info)).unwrap_or(0),
            warnings: u64::try_from(number(Severity::Warning)).unwrap_or(0),
            ..ImportCounts::default()
        };
        let report = job.advance(job.position, counts, report);
        *job = self.accounts.save_import(job, &report, &[]).await?;
        Ok(())
    }
}
