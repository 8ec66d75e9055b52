//! Long jobs: a vendor's imports and exports of product files, the operator's rebuilds. A queue message carries a job;
//! each delivery works for one slice of time under a lease.

mod counts;
mod format;
mod found_languages;
mod import_fault;
mod mapping;
mod rebuild;
mod refused;
mod report;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stored::Kept;
use crate::text::Line;
use crate::{Currency, ExportId, ImportId, Timestamp, VendorId};

pub use self::counts::ImportCounts;
pub use self::format::FileFormat;
pub use self::found_languages::FoundLanguages;
pub use self::import_fault::ImportFault;
pub use self::mapping::{ColumnMapping, FileColumn, normalised_header};
pub use self::rebuild::{Derived, Rebuild, RebuildCounts};
pub use self::refused::{LastExport, LastImport, RefusedFile, RefusedProduct, RowFault};
pub use self::report::{ImportRowError, Severity, StockImport};

/// The most entries of each severity in the report on a file that are stored; the rest are only counted.
pub const MAX_ROW_ERRORS: u64 = 1_000;
/// The most bytes of a file that is sent in the request itself.
pub const MAX_INLINE_BYTES: usize = 1024 * 1024;
/// How long a lease lasts: longer than the function's timeout, shorter than the queue's visibility timeout.
pub const LEASE_DURATION: Duration = Duration::from_secs(65);
/// How long after the end of its last lease a job counts as abandoned, so that reading it queues it again. It is longer
/// than the upload of the largest file takes, and than all redeliveries of a message until the dead-letter queue.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(3_600);
/// How long a request may take to put its file into the bucket, or to send its message: longer than the gateway waits.
const PUT_WITHIN: Duration = Duration::from_secs(35);

/// State of an import, an export or a rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// No work has begun, for instance because the file is not uploaded yet.
    Waiting,
    /// A slice of it was begun.
    Running,
    /// All of it was worked on; what failed of it is counted or listed.
    Completed,
    /// It could not be finished; the last error says why.
    Failed,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// The right of one message to work on a job. It keeps two deliveries from working on the same job at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Id of the queue message that the work belongs to.
    pub message: String,
    /// When it ends by itself, so that a worker that died does not hold the job for ever.
    pub until: Timestamp,
}

impl Lease {
    /// A lease of [`LEASE_DURATION`] from now on.
    pub fn new(message: &str, now: Timestamp) -> Self {
        Self { message: message.to_owned(), until: now + LEASE_DURATION }
    }
}

/// What the consumer does with a message that asks for work on a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Take the lease and work.
    Granted,
    /// Leave the message in the queue: an earlier delivery of it holds the lease, and is at work or has died. Without
    /// the message nothing would resume the job.
    Later,
    /// Delete the message: the job has ended, or another message holds the lease.
    Obsolete,
}

/// Decides about a message that asks for work on a job in this state.
fn claim(state: JobState, lease: Option<&Lease>, message: &str, now: Timestamp) -> Claim {
    match (state, lease) {
        (JobState::Completed | JobState::Failed, _) => Claim::Obsolete,
        (JobState::Other, _) => Claim::Later,
        (_, Some(lease)) if lease.until > now => {
            if lease.message == message {
                Claim::Later
            } else {
                Claim::Obsolete
            }
        }
        _ => Claim::Granted,
    }
}

/// Whether the message of an unfinished job must be lost, because nothing was done for it for [`ABANDONED_AFTER`]: the
/// file was never uploaded, or the message is in the dead-letter queue. Between two slices a job that is at work has no
/// lease.
fn is_abandoned(state: JobState, lease: Option<&Lease>, worked_at: Timestamp, now: Timestamp) -> bool {
    let last_seen = lease.map_or(worked_at, |lease| lease.until);
    matches!(state, JobState::Waiting | JobState::Running) && last_seen + ABANDONED_AFTER <= now
}

macro_rules! job {
    ($job:ty, $worked_at:expr) => {
        impl $job {
            /// Takes the lease for a message, if it may.
            pub fn claim(&mut self, message: &str, now: Timestamp) -> Claim {
                let claimed = claim(self.state, self.lease.as_ref(), message, now);
                if claimed == Claim::Granted {
                    self.state = JobState::Running;
                    self.lease = Some(Lease::new(message, now));
                }
                claimed
            }

            /// Whether its message must be lost, so that it only goes on when it is enqueued again.
            pub fn is_abandoned(&self, now: Timestamp) -> bool {
                let worked_at: fn(&Self) -> Timestamp = $worked_at;
                is_abandoned(self.state, self.lease.as_ref(), worked_at(self), now)
            }

            /// Ends it as `Completed` or `Failed`, and gives up the lease.
            pub fn finish(&mut self, state: JobState, now: Timestamp) {
                self.state = state;
                self.lease = None;
                self.finished_at = Some(now);
            }
        }
    };
}

job!(ImportJob, |job| job.worked.map_or(job.created_at, |(_, saved)| saved));
job!(ExportJob, |job| job.created_at);
job!(Rebuild, |job| job.created_at);

/// The place in a file at which the next slice of an import goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePosition {
    /// Rows before it, without the header.
    pub rows: u64,
    /// Line of the file, counted from 1.
    pub line: u64,
    /// Offset in bytes.
    pub offset: u64,
    /// How often the whole file has been read before, when rows of its products stand apart.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pass: u32,
    /// The products of this reading that are done.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub done: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands on a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An import of a product file, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportJob {
    pub id: ImportId,
    pub vendor: VendorId,
    /// Name of the file as the vendor gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<Line>,
    /// The currency of the prices in the file.
    pub currency: Currency,
    /// Whether the file is only checked and nothing is written.
    pub dry_run: bool,
    /// Whether imported products are published.
    pub publish: bool,
    /// Whether pictures that the file names by `https` are fetched.
    #[serde(default)]
    pub fetch_images: bool,
    /// What is done with the units on hand that the file gives.
    #[serde(default)]
    pub stock: StockImport,
    /// Whether rows of some product do not stand together, so that no variant is taken for removed.
    #[serde(default)]
    pub is_apart: bool,
    /// How often the whole file is read so that rows of a product that stand apart come together: each time for some of
    /// the products. Zero for a file that is read once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub passes: u32,
    /// What the columns of the file mean, if the shop has said so and its header is not known otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<BTreeMap<Line, FileColumn>>,
    /// Whether the file came with the request, which puts it into the bucket once the import is stored.
    #[serde(default)]
    pub is_inline: bool,
    /// The character encoding of the file, as <https://encoding.spec.whatwg.org/> names it; nothing for UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    pub state: JobState,
    /// Rows of the file without its header; nothing until they were counted.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Where the next slice goes on.
    #[serde(default)]
    pub position: FilePosition,
    /// What was imported before that position.
    #[serde(default)]
    #[serde(alias = "tally")]
    pub counts: ImportCounts,
    /// The file of refused rows, once all rows were worked on; nothing as long as they are, or when none was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_file: Option<RefusedFile>,
    /// The file's ETag when its rows were counted. A file that was replaced meanwhile fails the import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The message that works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    pub created_at: Timestamp,
    /// When work on its rows began, and when their number was saved last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worked: Option<(Timestamp, Timestamp)>,
    /// When it was completed or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl ImportJob {
    /// Rows a minute since the work began, and the seconds that the rest takes at that rate; nothing as long as there
    /// is no rate, or nothing to do.
    pub fn pace(&self) -> Option<(u64, u64)> {
        let ((began, saved), rows) = (self.worked?, self.rows?);
        let millis = u64::try_from(saved.since(began).as_millis()).ok()?;
        let done = self.position.rows;
        let a_minute = done.saturating_mul(60_000).checked_div(millis).filter(|rate| *rate > 0)?;
        let left = rows.saturating_sub(done).saturating_mul(millis).checked_div(done.saturating_mul(1_000))?;
        (self.state == JobState::Running).then_some((a_minute, left))
    }

    /// An import that waits for its file.
    pub fn new(id: ImportId, vendor: VendorId, currency: Currency, now: Timestamp) -> Self {
        Self {
            id,
            vendor,
            filename: None,
            currency,
            dry_run: false,
            publish: false,
            fetch_images: false,
            stock: StockImport::Keep,
            is_apart: false,
            passes: 0,
            mapping: None,
            is_inline: false,
            encoding: None,
            state: JobState::Waiting,
            rows: None,
            position: FilePosition::default(),
            counts: ImportCounts::default(),
            refused_file: None,
            tag: None,
            lease: None,
            created_at: now,
            worked: None,
            finished_at: None,
            version: 0,
            kept: Kept::default(),
        }
    }

    /// Key of its file in the bucket.
    pub fn key(&self) -> String {
        import_key(self.vendor, self.id)
    }

    /// Key of the file of refused rows in the bucket. What is put there starts no import.
    pub fn refused_key(&self) -> String {
        format!("refused/{}/{}.csv", self.vendor, self.id)
    }

    /// Whether it was completed or failed.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, JobState::Completed | JobState::Failed)
    }

    /// Whether nobody may be about to bring its file: an upload was announced, or the request that had the file with it
    /// is over. If the file is not there, another import may take its place.
    pub fn may_lack_file(&self, now: Timestamp) -> bool {
        self.state == JobState::Waiting && !(self.is_inline && now < self.created_at + PUT_WITHIN)
    }

    /// Ends it because of a fault of the file as a whole. Answers the entries of the report to be stored: also when the
    /// report is full, because the vendor has to learn why.
    pub fn fail(&mut self, fault: ImportRowError, now: Timestamp) -> Vec<ImportRowError> {
        let counts = ImportCounts { errors: 1, ..ImportCounts::default() };
        let mut report = self.advance(self.position, counts, vec![fault.clone()]);
        if report.is_empty() {
            report.push(fault);
        }
        self.finish(JobState::Failed, now);
        report
    }

    /// Completes it when all rows were worked on, but the file of refused rows cannot be written. Answers the entries
    /// of the report to be stored.
    pub fn complete_without_refused_file(&mut self, now: Timestamp) -> Vec<ImportRowError> {
        let detail = "the file of refused rows could not be written: the report names the rows";
        let of_file = ImportRowError::of_file(ImportFault::RefusedFileMissing, detail);
        let told = ImportRowError { severity: Severity::Warning, ..of_file };
        let counts = ImportCounts { warnings: 1, ..ImportCounts::default() };
        let report = self.advance(self.position, counts, vec![told]);
        self.refused_file = None;
        self.finish(JobState::Completed, now);
        report
    }

    /// Moves on to `position` and adds what was imported before it. Answers those entries of the report that are still
    /// within [`MAX_ROW_ERRORS`] for their severity and have to be stored.
    pub fn advance(
        &mut self,
        position: FilePosition,
        counts: ImportCounts,
        mut report: Vec<ImportRowError>,
    ) -> Vec<ImportRowError> {
        let mut before = [self.counts.errors, self.counts.warnings, self.counts.infos];
        report.retain(|entry| {
            let [errors, warnings, infos] = &mut before;
            let known = match entry.severity {
                Severity::Warning => warnings,
                Severity::Info => infos,
                Severity::Error | Severity::Other => errors,
            };
            *known = known.saturating_add(1);
            *known <= MAX_ROW_ERRORS
        });
        self.position = position;
        self.counts = self.counts.plus(counts);
        report
    }
}

/// An export of a vendor's products, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportJob {
    pub id: ExportId,
    pub vendor: VendorId,
    /// The currency of the prices in the file.
    pub currency: Currency,
    /// The format of the file; Shopify's in exports that older releases began.
    #[serde(default)]
    pub format: FileFormat,
    pub state: JobState,
    /// Rows written so far.
    #[serde(default)]
    pub rows: u64,
    /// Products written so far.
    #[serde(default)]
    pub products: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The columns of the vendor's files that are written after ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_columns: Vec<String>,
    /// What it has found of the languages that products have texts in; nothing before it looks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub languages: Option<FoundLanguages>,
    /// The key of the last product written, in the form that a query continues from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<BTreeMap<String, String>>,
    /// Id of the multipart upload, once it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// ETags of the uploaded parts, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// The message that works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    pub created_at: Timestamp,
    /// When it was completed or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl ExportJob {
    /// Key of its file in the bucket.
    pub fn key(&self) -> String {
        format!("exports/{}/{}.csv", self.vendor, self.id)
    }

    /// Whether it was completed or failed.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, JobState::Completed | JobState::Failed)
    }

    /// Whether its request is over, and may have died before its message was sent.
    pub fn may_lack_message(&self, now: Timestamp) -> bool {
        self.state == JobState::Waiting && self.created_at + PUT_WITHIN <= now
    }
}

/// Key of an import's file. The bucket notifies the queue of what is put under `imports/`.
pub fn import_key(vendor: VendorId, id: ImportId) -> String {
    format!("imports/{vendor}/{id}.csv")
}

/// The import to which a key in the bucket belongs; nothing for other keys.
pub fn import_of(key: &str) -> Option<(VendorId, ImportId)> {
    let (vendor, id) = key.strip_prefix("imports/")?.strip_suffix(".csv")?.split_once('/')?;
    Some((vendor.parse().ok()?, id.parse().ok()?))
}

#[cfg(test)]
mod tests;
