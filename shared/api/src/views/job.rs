//! Jobs as their seller sees them.

use serde::Serialize;
use utoipa::ToSchema;

use super::{ExportJob, ImportJob, ImportRowError, JobState};
use crate::text::Line;
use crate::upload::Upload;
use crate::{Currency, ExportId, ImportId, Timestamp};

/// An import of a product file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportView {
    /// Id.
    pub id: ImportId,
    /// How far it has come.
    pub state: JobState,
    /// Whether the file is only checked.
    pub dry_run: bool,
    /// Whether its products are published.
    pub publish: bool,
    /// The currency of its prices.
    pub currency: Currency,
    /// What the seller calls the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<Line>,
    /// Rows of the file without its header; null until they were counted.
    pub rows: Option<u64>,
    /// Rows that are done.
    pub rows_done: u64,
    /// Products that went in, those included that were so already.
    pub products: u64,
    /// Their variants.
    pub variants: u64,
    /// Products that are new.
    pub created: u64,
    /// Products that were there and have changed.
    pub updated: u64,
    /// What is wrong with the file, in its order; at most 1,000 entries.
    pub errors: Vec<ImportRowError>,
    /// How many more errors there are.
    pub more_errors: u64,
    /// Where to upload the file, when it is still to be uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// An export of a seller's products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExportView {
    /// Id.
    pub id: ExportId,
    /// How far it has come.
    pub state: JobState,
    /// The currency of its prices.
    pub currency: Currency,
    /// Rows that were written.
    pub rows: u64,
    /// Products that were written.
    pub products: u64,
    /// Where the file can be had, once it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Until when it can be had there; asking again gives a new address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_expires_at: Option<Timestamp>,
    /// Why it could not be finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

impl ImportView {
    /// The view of an import with the errors of its file that are stored.
    pub fn new(job: &ImportJob, errors: Vec<ImportRowError>) -> Self {
        let listed = u64::try_from(errors.len()).unwrap_or(u64::MAX);
        Self {
            id: job.id,
            state: job.state,
            dry_run: job.dry_run,
            publish: job.publish,
            currency: job.currency,
            filename: job.filename.clone(),
            rows: job.rows,
            rows_done: job.position.rows,
            products: job.counts.products,
            variants: job.counts.variants,
            created: job.counts.created,
            updated: job.counts.updated,
            errors,
            more_errors: job.counts.errors.saturating_sub(listed),
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
