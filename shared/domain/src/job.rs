//! Long jobs: a vendor's imports and exports of product files, the operator's rebuilds. A queue message carries a job;
//! each delivery works for one slice of time under a lease.

mod rebuild;
mod report;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stored::Kept;
use crate::text::Line;
use crate::{Currency, ExportId, ImportId, Timestamp, VendorId};

pub use self::rebuild::{Derived, Rebuild, RebuildCounts};
pub use self::report::{ImportRowError, Severity, StockImport};

/// The most entries of each severity in the report on a file that are stored; the rest are only counted.
pub const MAX_ROW_ERRORS: u64 = 1_000;
/// The most bytes of a file that is sent in the request itself.
pub const MAX_INLINE_BYTES: usize = 1024 * 1024;
/// The most bytes of a file that is uploaded to the bucket.
pub const MAX_FILE_BYTES: u64 = 200 * 1024 * 1024;
/// How long a lease lasts: longer than the function's timeout, shorter than the queue's visibility timeout.
pub const LEASE_DURATION: Duration = Duration::from_secs(65);
/// How long after the end of its last lease a job counts as abandoned, so that reading it queues it again. It is longer
/// than the upload of the largest file takes, and than all redeliveries of a message until the dead-letter queue.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(3_600);

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

/// Whether the message of an unfinished job must be lost, because no lease was taken for [`ABANDONED_AFTER`]: the file
/// was never uploaded, or the message is in the dead-letter queue.
fn is_abandoned(state: JobState, lease: Option<&Lease>, created_at: Timestamp, now: Timestamp) -> bool {
    let last_seen = lease.map_or(created_at, |lease| lease.until);
    matches!(state, JobState::Waiting | JobState::Running) && last_seen + ABANDONED_AFTER <= now
}

macro_rules! job {
    ($job:ty) => {
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
                is_abandoned(self.state, self.lease.as_ref(), self.created_at, now)
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

job!(ImportJob);
job!(ExportJob);
job!(Rebuild);

/// The place in a file at which the next slice of an import goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePosition {
    /// Rows before it, without the header.
    pub rows: u64,
    /// Line of the file, counted from 1.
    pub line: u64,
    /// Offset in bytes.
    pub offset: u64,
}

/// What an import did to products. After an interruption, new products may be counted as unchanged: their batch was
/// written, but the job was not saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportCounts {
    /// Products that were imported, unchanged ones included.
    pub products: u64,
    /// Variants of those products.
    pub variants: u64,
    /// Products that were new.
    pub created: u64,
    /// Products that existed and were changed.
    pub updated: u64,
    /// Errors of the file, including those beyond [`MAX_ROW_ERRORS`] that are not stored.
    #[serde(alias = "faults")]
    pub errors: u64,
    /// The same of warnings.
    #[serde(default)]
    pub warnings: u64,
    /// The same of what is only told.
    #[serde(default)]
    pub infos: u64,
    /// Products that were not imported because of errors.
    #[serde(default)]
    pub refused: u64,
    /// Products that could not be written at the moment; importing the file again takes them in.
    #[serde(default)]
    pub skipped: u64,
    /// Variants whose units on hand the file gives otherwise than they are, and that were left as they are.
    #[serde(default)]
    pub stock_kept: u64,
}

impl ImportCounts {
    /// The sums of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            products: self.products.saturating_add(other.products),
            variants: self.variants.saturating_add(other.variants),
            created: self.created.saturating_add(other.created),
            updated: self.updated.saturating_add(other.updated),
            errors: self.errors.saturating_add(other.errors),
            warnings: self.warnings.saturating_add(other.warnings),
            infos: self.infos.saturating_add(other.infos),
            refused: self.refused.saturating_add(other.refused),
            skipped: self.skipped.saturating_add(other.skipped),
            stock_kept: self.stock_kept.saturating_add(other.stock_kept),
        }
    }
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
    /// What is done with the units on hand that the file gives.
    #[serde(default)]
    pub stock: StockImport,
    /// Whether rows of some product do not stand together, so that no variant is taken for removed.
    #[serde(default)]
    pub is_apart: bool,
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
            stock: StockImport::Keep,
            is_apart: false,
            encoding: None,
            state: JobState::Waiting,
            rows: None,
            position: FilePosition::default(),
            counts: ImportCounts::default(),
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
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_job_is_worked_on_by_one_message_at_a_time() {
        let lease = Lease::new("first", at(0));
        let running = |message, now| claim(JobState::Running, Some(&lease), message, now);
        assert_eq!(claim(JobState::Waiting, None, "first", at(0)), Claim::Granted);
        assert_eq!(running("first", at(64)), Claim::Later);
        assert_eq!(running("second", at(64)), Claim::Obsolete);
        assert_eq!(running("first", at(65)), Claim::Granted);
        assert_eq!(running("second", at(65)), Claim::Granted);
        assert_eq!(claim(JobState::Completed, None, "first", at(0)), Claim::Obsolete);
        assert_eq!(claim(JobState::Failed, Some(&lease), "first", at(900)), Claim::Obsolete);
    }

    #[test]
    fn a_job_is_abandoned_when_it_has_long_given_no_sign_of_life() {
        let lease = Lease::new("first", at(1_000));
        let abandoned = |state, lease: Option<&Lease>, now| is_abandoned(state, lease, at(0), at(now));
        assert!(!abandoned(JobState::Waiting, None, 3_599));
        assert!(abandoned(JobState::Waiting, None, 3_600));
        assert!(!abandoned(JobState::Running, Some(&lease), 4_664));
        assert!(abandoned(JobState::Running, Some(&lease), 4_665));
        for over in [JobState::Completed, JobState::Failed] {
            assert!(!abandoned(over, None, 1_000_000), "{over:?}");
        }
    }

    #[test]
    fn an_object_key_names_its_import() {
        let (vendor, id) = (VendorId::from_bits(4), ImportId::from_bits(5));
        let key = import_key(vendor, id);
        assert_eq!(import_of(&key), Some((vendor, id)));
        for bad in
            [format!("x{key}"), format!("{key}.bak"), "imports/a/b.csv".to_owned(), key.replace("imports", "exports")]
        {
            assert_eq!(import_of(&bad), None, "{bad}");
        }
    }

    #[test]
    fn the_pace_of_an_import_is_that_of_its_rows_so_far() {
        let new = ImportJob::new(ImportId::from_bits(1), VendorId::from_bits(1), Currency::USD, at(0));
        assert_eq!(new.pace(), None);
        let position = FilePosition { rows: 250, ..FilePosition::default() };
        let state = JobState::Running;
        let running = ImportJob { rows: Some(1_000), worked: Some((at(10), at(60))), position, state, ..new };
        assert_eq!(running.pace(), Some((300, 150)));
        assert_eq!(ImportJob { worked: Some((at(10), at(10))), ..running.clone() }.pace(), None);
        assert_eq!(ImportJob { state: JobState::Completed, ..running }.pace(), None);
    }

    #[test]
    fn row_errors_are_stored_up_to_a_bound_and_then_only_counted() {
        let mut job = ImportJob {
            id: ImportId::from_bits(1),
            vendor: VendorId::from_bits(1),
            filename: None,
            currency: Currency::USD,
            dry_run: false,
            publish: false,
            stock: StockImport::Keep,
            is_apart: false,
            encoding: None,
            state: JobState::Running,
            rows: None,
            position: FilePosition::default(),
            counts: ImportCounts { errors: MAX_ROW_ERRORS - 1, ..ImportCounts::default() },
            tag: None,
            lease: None,
            created_at: at(0),
            worked: None,
            finished_at: None,
            version: 1,
            kept: Kept::default(),
        };
        let error = ImportRowError::of_file("x", "");
        let warning = ImportRowError { severity: Severity::Warning, ..error.clone() };
        let counts = ImportCounts { errors: 2, ..ImportCounts::default() };
        assert_eq!(job.advance(FilePosition::default(), counts, vec![error.clone(), error.clone()]).len(), 1);
        assert!(job.advance(FilePosition::default(), counts, vec![error.clone(), error]).is_empty());
        assert_eq!(job.counts.errors, MAX_ROW_ERRORS + 3);
        let warned = ImportCounts { warnings: 2, ..ImportCounts::default() };
        assert_eq!(job.advance(FilePosition::default(), warned, vec![warning.clone(), warning]).len(), 2);
    }
}
