//! Imports and exports on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use domain::catalog::PictureFault;
use domain::job::{ExportJob, FileFormat, ImportJob, ImportRowError, JobState, MAX_ROW_ERRORS, Severity, StockImport};
use domain::text::Line;
use domain::upload::{FileLink, Upload};
use domain::{Currency, ExportId, ImportId, Timestamp};

/// An import of a product file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportView {
    /// Id of the import.
    pub id: ImportId,
    /// State of the import.
    pub state: JobState,
    /// Whether the file is only checked and nothing is written.
    pub dry_run: bool,
    /// Whether imported products are published.
    pub publish: bool,
    /// Whether pictures that the file names by `https` are fetched: why one was not is in the report.
    pub fetch_images: bool,
    /// The currency of the prices in the file.
    pub currency: Currency,
    /// Name of the file as the vendor gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub filename: Option<Line>,
    /// Rows of the file without its header; null until they were counted.
    #[schema(required = true)]
    pub rows: Option<u64>,
    /// Rows that were worked on.
    pub rows_done: u64,
    /// Products that were imported, unchanged ones included.
    pub products: u64,
    /// Variants of those products.
    pub variants: u64,
    /// Products that were new.
    pub created: u64,
    /// Products that existed and were changed.
    pub updated: u64,
    /// Products that are as the file has them.
    pub unchanged: u64,
    /// Products that were not imported because of errors.
    pub refused: u64,
    /// Products that could not be written at the moment: send the file of refused rows again for them.
    pub skipped: u64,
    /// Variants whose units on hand the file gives otherwise than they are, and that were left as they are.
    pub stock_kept: u64,
    /// Pictures that are fetched from the addresses that the file gives for them, which goes on after the import is
    /// completed.
    pub pictures: u64,
    /// What is done with the units on hand that the file gives.
    pub stock: StockImport,
    /// The report, one entry for each product and kind of fault, and for each picture that could not be fetched: errors
    /// first, then warnings, then what is only told, up to 1,000 of each, in the order of the file. Empty in a list.
    pub errors: Vec<ImportRowError>,
    /// Number of further errors, which are only counted.
    pub more_errors: u64,
    /// The same of warnings.
    pub more_warnings: u64,
    /// The same of what is only told, such as the changes that a dry run names.
    pub more_infos: u64,
    /// A CSV file with the file's own header and all rows of the products that were refused or skipped, behind a column
    /// that says why, in the language of messages to the vendor, and that a later import ignores. Present once the
    /// import is completed; reading it again returns a new link.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refused_rows: Option<FileLink>,
    /// Rows a minute so far, while the import runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rows_per_minute: Option<u64>,
    /// Seconds until the import is through, at that rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub seconds_left: Option<u64>,
    /// The request that uploads the file; absent once the file is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub upload: Option<Upload>,
    /// When the import was created.
    pub created_at: Timestamp,
    /// When the import was completed or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub finished_at: Option<Timestamp>,
}

/// An export of a vendor's products as a product file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExportView {
    /// Id of the export.
    pub id: ExportId,
    /// State of the export.
    pub state: JobState,
    /// The currency of the prices in the file.
    pub currency: Currency,
    /// The format of the file.
    pub format: FileFormat,
    /// Rows written so far.
    pub rows: u64,
    /// Products written so far.
    pub products: u64,
    /// Where the file can be downloaded, once the export is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri", examples("https://files.example/products.csv?X-Amz-Signature=1"))]
    pub url: Option<String>,
    /// When `url` expires; reading the export again returns a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url_expires_at: Option<Timestamp>,
    /// Why the export failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("file_too_large"))]
    pub failure: Option<String>,
    /// When the export was created.
    pub created_at: Timestamp,
    /// When the export was completed or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub finished_at: Option<Timestamp>,
}

impl ImportView {
    /// The view of an import with those of its errors that are stored.
    pub fn new(job: &ImportJob, mut errors: Vec<ImportRowError>) -> Self {
        errors.sort_by_key(|entry| (entry.severity, entry.line));
        // What is told of pictures is counted nowhere else, and may be more than a report holds.
        let is_of_picture = |entry: &&ImportRowError| PictureFault::of(&entry.code).is_some();
        let of_pictures = u64::try_from(errors.iter().filter(is_of_picture).count()).unwrap_or(u64::MAX);
        let mut left = MAX_ROW_ERRORS;
        errors.retain(|entry| {
            let is_kept = entry.severity != Severity::Warning || left > 0;
            left = left.saturating_sub(u64::from(entry.severity == Severity::Warning));
            is_kept
        });
        let listed = |severity: Severity| {
            u64::try_from(errors.iter().filter(|entry| entry.severity == severity).count()).unwrap_or(u64::MAX)
        };
        let counts = job.counts;
        let (more_errors, more_warnings, more_infos) = (
            counts.errors.saturating_sub(listed(Severity::Error)),
            counts.warnings.saturating_add(of_pictures).saturating_sub(listed(Severity::Warning)),
            counts.infos.saturating_sub(listed(Severity::Info)),
        );
        let pace = job.pace();
        Self {
            id: job.id,
            state: job.state,
            dry_run: job.dry_run,
            publish: job.publish,
            fetch_images: job.fetch_images,
            currency: job.currency,
            filename: job.filename.clone(),
            rows: job.rows,
            rows_done: job.position.rows,
            products: job.counts.products,
            variants: job.counts.variants,
            created: job.counts.created,
            updated: counts.updated,
            unchanged: counts.products.saturating_sub(counts.created).saturating_sub(counts.updated),
            refused: counts.refused,
            skipped: counts.skipped,
            stock_kept: counts.stock_kept,
            pictures: counts.pictures,
            stock: job.stock,
            errors,
            more_errors,
            more_warnings,
            more_infos,
            refused_rows: None,
            rows_per_minute: pace.map(|(rate, _)| rate),
            seconds_left: pace.map(|(_, left)| left),
            upload: None,
            created_at: job.created_at,
            finished_at: job.finished_at,
        }
    }
}

impl From<&ExportJob> for ExportView {
    fn from(job: &ExportJob) -> Self {
        Self {
            id: job.id,
            state: job.state,
            currency: job.currency,
            format: job.format,
            rows: job.rows,
            products: job.products,
            url: None,
            url_expires_at: None,
            failure: job.failure.clone(),
            created_at: job.created_at,
            finished_at: job.finished_at,
        }
    }
}
