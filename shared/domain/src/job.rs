//! Long jobs of a seller: product files in and out. They are worked on in slices, by whoever holds the job's lease.

mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::Line;
use crate::{Currency, ExportId, ImportId, Timestamp, VendorId};

pub use self::view::{ExportView, ImportView};

/// How many errors of a file are kept for its seller to read; the rest are only counted.
pub const MAX_ROW_ERRORS: u64 = 1_000;
/// The most bytes of a file that comes with the request.
pub const MAX_INLINE_BYTES: usize = 1024 * 1024;
/// The most bytes of a file that is uploaded.
pub const MAX_FILE_BYTES: u64 = 200 * 1024 * 1024;
/// How long a slice of work may hold a job: longer than a slice may run, shorter than its message stays hidden.
pub const LEASE_DURATION: Duration = Duration::from_secs(65);
/// How long a job may give no sign of life until whoever looks at it has it taken up again: longer than the upload of the largest
/// file takes, and than a message takes that fails each time until it is given back no more.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(3_600);

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// The file has not been uploaded yet, or nobody has begun.
    Waiting,
    /// It is being worked on.
    Running,
    /// It has been worked through; what was wrong with single rows stands in its errors.
    Completed,
    /// It could not be worked through; its last error says why.
    Failed,
}

/// Who works on a job, and how long others leave it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The message that the work was asked for with.
    pub message: String,
    /// Until when. A slice that has died holds nothing any more after this.
    pub until: Timestamp,
}

impl Lease {
    /// A lease that begins now.
    pub fn new(message: &str, now: Timestamp) -> Self {
        Self { message: message.to_owned(), until: now + LEASE_DURATION }
    }
}

/// What to do about a message that asks for work on a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Work on it.
    Granted,
    /// This very message is being worked on, or the one who did has died: look again later. It must not be dropped, because
    /// it is what keeps the job alive.
    Later,
    /// The job is over, or another message keeps it alive.
    Obsolete,
}

/// Decides about a message that asks for work on a job in this state.
pub fn claim(state: JobState, lease: Option<&Lease>, message: &str, now: Timestamp) -> Claim {
    match (state, lease) {
        (JobState::Completed | JobState::Failed, _) => Claim::Obsolete,
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

/// Whether a job has given no sign of life for so long that the message that was to keep it alive must be lost: the file was never
/// uploaded, or the message failed too often.
fn is_abandoned(state: JobState, lease: Option<&Lease>, created_at: Timestamp, now: Timestamp) -> bool {
    let last_seen = lease.map_or(created_at, |lease| lease.until);
    matches!(state, JobState::Waiting | JobState::Running) && last_seen + ABANDONED_AFTER <= now
}

/// One thing that is wrong in a file, or that was done otherwise than it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportRowError {
    /// The line of the file, counted from one.
    pub line: u64,
    /// The column as the file's header spells it; empty when the row or the product is meant.
    pub column: String,
    /// What: a short name in `snake_case`.
    pub code: String,
    /// What, for people.
    pub detail: String,
}

/// Where an import goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePosition {
    /// Rows before it, without the header.
    pub rows: u64,
    /// The line, counted from one.
    pub line: u64,
    /// The offset in bytes.
    pub offset: u64,
}

/// What became of the products of a file. After an interruption some that are new count as there already: their batch was written
/// and not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportCounts {
    /// Products that went in, those included that were so already.
    pub products: u64,
    /// Their variants.
    pub variants: u64,
    /// Products that are new.
    pub created: u64,
    /// Products that were there and have changed.
    pub updated: u64,
    /// What is wrong with the file: all of it, not only what is kept.
    #[serde(alias = "faults")]
    pub errors: u64,
}

impl ImportCounts {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            products: self.products.saturating_add(other.products),
            variants: self.variants.saturating_add(other.variants),
            created: self.created.saturating_add(other.created),
            updated: self.updated.saturating_add(other.updated),
            errors: self.errors.saturating_add(other.errors),
        }
    }
}

/// An import of a product file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportJob {
    /// Id.
    pub id: ImportId,
    /// Whose products.
    pub vendor: VendorId,
    /// What the seller calls the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<Line>,
    /// The currency of its prices.
    pub currency: Currency,
    /// Whether it is only checked.
    pub dry_run: bool,
    /// Whether its products are published.
    pub publish: bool,
    /// How far it has come.
    pub state: JobState,
    /// Rows of the file, once they were counted.
    #[serde(default)]
    pub rows: Option<u64>,
    /// Where to go on.
    #[serde(default)]
    pub position: FilePosition,
    /// What became of the products before that.
    #[serde(default)]
    #[serde(alias = "tally")]
    pub counts: ImportCounts,
    /// What the file was when the work began: another file is another import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

impl ImportJob {
    /// Where its file lies.
    pub fn key(&self) -> String {
        import_key(self.vendor, self.id)
    }

    /// Takes in what became of some products, and answers the errors of theirs that are kept.
    pub fn advance(
        &mut self,
        position: FilePosition,
        counts: ImportCounts,
        mut errors: Vec<ImportRowError>,
    ) -> Vec<ImportRowError> {
        let room = MAX_ROW_ERRORS.saturating_sub(self.counts.errors);
        errors.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        self.position = position;
        self.counts = self.counts.plus(counts);
        errors
    }

    /// Whether nobody will go on with it unless it is asked for again.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        is_abandoned(self.state, self.lease.as_ref(), self.created_at, now)
    }

    /// It is over.
    pub fn finish(&mut self, state: JobState, now: Timestamp) {
        self.state = state;
        self.lease = None;
        self.finished_at = Some(now);
    }
}

/// An export of a seller's products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportJob {
    /// Id.
    pub id: ExportId,
    /// Whose products.
    pub vendor: VendorId,
    /// The currency of its prices.
    pub currency: Currency,
    /// How far it has come.
    pub state: JobState,
    /// Rows written.
    #[serde(default)]
    pub rows: u64,
    /// Products written.
    #[serde(default)]
    pub products: u64,
    /// Why it could not be finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The product after which to go on, as the list of products names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<BTreeMap<String, String>>,
    /// The upload in parts, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// Tags of the parts that are there, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

impl ExportJob {
    /// Where its file lies.
    pub fn key(&self) -> String {
        format!("exports/{}/{}.csv", self.vendor, self.id)
    }

    /// Whether nobody will go on with it unless it is asked for again.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        is_abandoned(self.state, self.lease.as_ref(), self.created_at, now)
    }

    /// It is over.
    pub fn finish(&mut self, state: JobState, now: Timestamp) {
        self.state = state;
        self.lease = None;
        self.finished_at = Some(now);
    }
}

/// Where an import's file lies. The storage tells of what is put under `imports/`.
pub fn import_key(vendor: VendorId, id: ImportId) -> String {
    format!("imports/{vendor}/{id}.csv")
}

/// The import whose file lies there.
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
    fn row_errors_are_stored_up_to_a_bound_and_then_only_counted() {
        let mut job = ImportJob {
            id: ImportId::from_bits(1),
            vendor: VendorId::from_bits(1),
            filename: None,
            currency: Currency::USD,
            dry_run: false,
            publish: false,
            state: JobState::Running,
            rows: None,
            position: FilePosition::default(),
            counts: ImportCounts { errors: MAX_ROW_ERRORS - 1, ..ImportCounts::default() },
            tag: None,
            lease: None,
            created_at: at(0),
            finished_at: None,
            version: 1,
        };
        let error = ImportRowError { line: 2, column: String::new(), code: "x".to_owned(), detail: String::new() };
        let counts = ImportCounts { errors: 2, ..ImportCounts::default() };
        assert_eq!(job.advance(FilePosition::default(), counts, vec![error.clone(), error.clone()]).len(), 1);
        assert!(job.advance(FilePosition::default(), counts, vec![error.clone(), error]).is_empty());
        assert_eq!(job.counts.errors, MAX_ROW_ERRORS + 3);
    }
}
