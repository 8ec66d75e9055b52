//! An export: all products of a vendor as one file, written to the bucket as a multipart upload.

mod draft;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use domain::catalog::CategoryTree;
use domain::job::{ExportJob, FileFormat, JobState};
use domain::vendor::VendorJob;
use domain::{ExportId, ProductId, VariantId, VendorId};
use platform::Slice;

use crate::App;
use crate::files::{FilesError, PART};
use crate::work::{Delivery, Progress, WorkError};
use product_file::{ProductWriter, is_text_header, text_headers};

pub(crate) use self::draft::draft_of;

/// Products read per query.
const PAGE: u16 = 25;
/// Products looked through per query for the languages that they have texts in.
const LOOKED_THROUGH: u16 = 100;
/// The filename in `Content-Disposition`.
const FILENAME: &str = "products.csv";

impl App {
    /// Works a slice on an export, unless it has ended or its lease is held.
    pub(crate) async fn work_on_export(
        &self,
        vendor: VendorId,
        id: ExportId,
        delivery: Delivery<'_>,
    ) -> Result<(), WorkError> {
        let Some(mut job) = self.claim_export(vendor, id, delivery).await? else { return Ok(()) };
        let slice = Slice::new(crate::SLICE);
        match self.export_slice(&mut job, &slice).await {
            Ok(Progress::Done) => {
                job.finish(JobState::Completed, delivery.now + slice.elapsed());
                self.accounts.save_export(&job).await?;
                Ok(())
            }
            // Release the lease first, then send the message, as in `work_on_import`.
            Ok(Progress::More) => {
                job.lease = None;
                self.accounts.save_export(&job).await?;
                Ok(self.exports.send(&VendorJob::Export { vendor_id: vendor, id }, 0).await?)
            }
            Err(error) => {
                if matches!(error, WorkError::Files(FilesError::Missing)) {
                    // The upload is gone: either it was completed and the job could not be saved any more, or the
                    // bucket's lifecycle rule aborted it. Start the export again from the first product.
                    job = ExportJob { rows: 0, products: 0, after: None, upload: None, parts: Vec::new(), ..job };
                    job = self.accounts.save_export(&job).await?;
                }
                if delivery.last_delivery && !matches!(error, WorkError::Store(store::Error::Conflict)) {
                    job.failure = Some("The export was interrupted too often: ask for it again.".to_owned());
                    job.finish(JobState::Failed, delivery.now + slice.elapsed());
                    self.accounts.save_export(&job).await?;
                }
                Err(error)
            }
        }
    }

    /// Takes the lease of the export; nothing when this delivery has no work to do.
    async fn claim_export(
        &self,
        vendor: VendorId,
        id: ExportId,
        delivery: Delivery<'_>,
    ) -> Result<Option<ExportJob>, WorkError> {
        loop {
            let Some(mut job) = self.accounts.export(vendor, id).await? else { return Ok(None) };
            if !delivery.is_granted(job.claim(delivery.message, delivery.now))? {
                return Ok(None);
            }
            match self.accounts.save_export(&job).await {
                Ok(job) => return Ok(Some(job)),
                // Another delivery saved first: read the job again to see whether it holds the lease.
                Err(store::Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
    }

    async fn export_slice(&self, job: &mut ExportJob, slice: &Slice) -> Result<Progress, WorkError> {
        let tree = self.products.catalog.categories().await?;
        let key = job.key();
        let mut bytes = Vec::new();
        if job.after.is_none() {
            let kept = self.products.catalog.file_headers(job.vendor).await?.spelled_once();
            job.file_columns = match job.format {
                FileFormat::WooCommerce => kept,
                FileFormat::Shopify | FileFormat::Other => {
                    if self.look_for_languages(job, slice).await? == Progress::More {
                        return Ok(Progress::More);
                    }
                    let languages = job.languages.clone().unwrap_or_default();
                    // Files that earlier releases took in may have had columns that are ours now.
                    let kept = kept.into_iter().filter(|header| !is_text_header(header));
                    text_headers(languages.most()).into_iter().chain(kept).collect()
                }
            };
        }
        let writer = ProductWriter::new(job.format, &job.file_columns);
        if job.after.is_none() {
            writer.write_header(&mut bytes).map_err(unwritten)?;
        }
        // Counts and cursor advance in this copy. They reach the job only together with an uploaded part, so that a
        // repeated slice goes on after the products that are in the parts.
        let mut ahead = job.clone();
        loop {
            let (products, after) = self.products.catalog.walk_products(job.vendor, ahead.after.take(), PAGE).await?;
            let ids: Vec<ProductId> = products.iter().map(|product| product.id).collect();
            self.write_products(&ids, &mut ahead, &tree, (&writer, &mut bytes)).await?;
            ahead.after = after;
            let ended = ahead.after.is_none();
            if ended || bytes.len() >= PART {
                let part = std::mem::take(&mut bytes);
                let file = (key.as_str(), FILENAME);
                self.files.write_part(file, (&mut ahead.upload, &mut ahead.parts), part, ended).await?;
                if ended {
                    *job = ahead;
                    return Ok(Progress::Done);
                }
                ahead = self.accounts.save_export(&ahead).await?;
                *job = ahead.clone();
                if slice.is_over() {
                    return Ok(Progress::More);
                }
            }
        }
    }

    /// Looks on for the languages that products have texts in besides their own. The header comes before all products,
    /// and an import of the file takes the languages that it has and leaves the others as they are.
    async fn look_for_languages(&self, job: &mut ExportJob, slice: &Slice) -> Result<Progress, WorkError> {
        let mut found = match job.languages.take() {
            Some(found) if found.after.is_none() => {
                job.languages = Some(found);
                return Ok(Progress::Done);
            }
            found => found.unwrap_or_default(),
        };
        loop {
            let walked = self.products.catalog.walk_products(job.vendor, found.after.take(), LOOKED_THROUGH).await?;
            let (products, after) = walked;
            for language in products.iter().flat_map(|product| product.translations.languages()) {
                let before = found.products.get(language).copied().unwrap_or(0);
                found.products.insert(language.clone(), before + 1);
            }
            found.after = after;
            let is_done = found.after.is_none();
            if is_done || slice.is_over() {
                job.languages = Some(found);
                return Ok(if is_done { Progress::Done } else { Progress::More });
            }
        }
    }

    /// Writes products with their stock into the file, in the order of `ids`.
    async fn write_products(
        &self,
        ids: &[ProductId],
        job: &mut ExportJob,
        tree: &CategoryTree,
        (writer, bytes): (&ProductWriter, &mut Vec<u8>),
    ) -> Result<(), WorkError> {
        let products = self.products.catalog.products(&ids.iter().copied().collect::<BTreeSet<_>>()).await?;
        let variants = products.values().flat_map(|stored| &stored.product.variants);
        let shard_counts: Vec<(VariantId, u16)> =
            variants.map(|variant| (variant.id, variant.layout().peak_shards)).collect();
        let shards = self.products.stock.shards(&shard_counts).await?;
        // A product that was deleted after the page was read is left out.
        for stored in ids.iter().filter_map(|id| products.get(id)) {
            let draft = draft_of(stored, &shards, job.currency, tree, &job.file_columns);
            let rows = writer.write(&mut *bytes, &draft).map_err(unwritten)?;
            job.rows = job.rows.saturating_add(rows);
            job.products = job.products.saturating_add(1);
        }
        Ok(())
    }
}

fn unwritten(error: std::io::Error) -> WorkError {
    FilesError::Failed(error.to_string()).into()
}
