//! Vendors' imports and exports. The errors of a file's rows are in items that sort behind the import's own, a few rows
//! each, so that each step of a long import writes little.

use domain::job::{ExportJob, ImportJob, ImportRowError};
use domain::{ExportId, ImportId, Outcome, Prepared, VendorId};

use super::Accounts;
use crate::Error;
use crate::idempotency::put_one;
use crate::item::{Attributes, Condition, body, key, number, readable, string, text, update};
use crate::retry::{QueryRequest, get, query_all, update_one};
use crate::stored::{Stored, json_of, read, stored, write};
use crate::transaction::{Purpose, Transaction};

const IMPORT: &str = "import";
const FAULTS: &str = "import_faults";
const EXPORT: &str = "export";

stored! {
    IMPORT => ImportJob: [];
    EXPORT => ExportJob: [];
}

/// `VENDOR#<id>` / `IMPORT#<id>`.
fn import_key(vendor: VendorId, id: ImportId) -> Attributes {
    key(format!("VENDOR#{vendor}"), format!("IMPORT#{id}"))
}

/// `VENDOR#<id>` / `IMPORT#<id>#<version of the import>`: sorts behind the import, in the order of its steps.
fn faults_key(vendor: VendorId, id: ImportId, version: u64) -> Attributes {
    key(format!("VENDOR#{vendor}"), format!("IMPORT#{id}#{version:09}"))
}

/// `VENDOR#<id>` / `EXPORT#<id>`.
fn export_key(vendor: VendorId, id: ExportId) -> Attributes {
    key(format!("VENDOR#{vendor}"), format!("EXPORT#{id}"))
}

const CHANGE: &str = "SET #version = :version, #data = :data";

/// The item is at the version that was read; the values are this body and the next version.
fn change_condition(body: &impl Stored, loaded: u64) -> Result<Condition, Error> {
    let data = json_of(body)?;
    Ok(Condition::of("#version = :loaded")
        .name("#version", "version")
        .name("#data", "data")
        .value(":loaded", number(loaded))
        .value(":version", number(loaded + 1))
        .value(":data", string(data)))
}

impl Accounts {
    async fn add_job<R>(&self, job: Attributes, response: Prepared<R>) -> Result<Outcome<R>, Error> {
        Ok(put_one(&self.client, &self.table, Some((job, &Condition::absent())), response).await?)
    }

    /// Writes a new import, together with the response to the request for it.
    pub async fn add_import<R>(&self, job: &ImportJob, response: Prepared<R>) -> Result<Outcome<R>, Error> {
        self.add_job(write(import_key(job.vendor, job.id), 1, &ImportJob { version: 1, ..job.clone() })?, response)
            .await
    }

    /// An import, read consistently.
    pub async fn import(&self, vendor: VendorId, id: ImportId) -> Result<Option<ImportJob>, Error> {
        get(&self.client, &self.table, import_key(vendor, id), true).await?.as_ref().map(import_of).transpose()
    }

    /// An import with the row errors found so far, read consistently.
    pub async fn import_with_faults(
        &self,
        vendor: VendorId,
        id: ImportId,
    ) -> Result<Option<(ImportJob, Vec<ImportRowError>)>, Error> {
        let sort_key_condition = (
            "begins_with(sk, :import)".to_owned(),
            Attributes::from([(":import".to_owned(), string(format!("IMPORT#{id}")))]),
        );
        let request = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", format!("VENDOR#{vendor}")),
            sort_key_condition: Some(sort_key_condition),
            consistent: true,
            ..QueryRequest::default()
        };
        let (mut job, mut faults) = (None, Vec::new());
        for found in &query_all(&self.client, request).await? {
            match text(found, "kind") {
                Some(IMPORT) => job = Some(import_of(found)?),
                Some(FAULTS) => {
                    faults.extend(readable(body::<Vec<ImportRowError>>(found, FAULTS), found)?.into_iter().flatten())
                }
                _ => {}
            }
        }
        Ok(job.map(|job| (job, faults)))
    }

    /// Writes the progress of an import with the row errors found since, if it is still at the version that was read:
    /// of two functions that work on it at the same time, one stops here.
    pub async fn save_import(&self, job: &ImportJob, faults: &[ImportRowError]) -> Result<ImportJob, Error> {
        let saved = ImportJob { version: job.version + 1, ..job.clone() };
        let at = import_key(job.vendor, job.id);
        let condition = change_condition(&saved, job.version)?;
        if faults.is_empty() {
            update_one(&self.client, &self.table, at, CHANGE, &condition).await?;
            return Ok(saved);
        }
        let data = serde_json::to_string(faults).map_err(|source| Error::Corrupt { kind: FAULTS, source })?;
        // An update and not a put: the role of the function that works on files has the right to update items, not to
        // put them.
        let beginning = Condition::absent()
            .name("#kind", "kind")
            .name("#version", "version")
            .name("#data", "data")
            .value(":kind", string(FAULTS))
            .value(":version", number(1))
            .value(":data", string(data));
        let actions = vec![
            update(&self.table, at, CHANGE, &condition)?,
            update(
                &self.table,
                faults_key(job.vendor, job.id, saved.version),
                "SET #kind = :kind, #version = :version, #data = :data",
                &beginning,
            )?,
        ];
        Transaction::of(Purpose::Item, actions).run(&self.client).await?;
        Ok(saved)
    }

    /// Writes a new export, together with the response to the request for it.
    pub async fn add_export<R>(&self, job: &ExportJob, response: Prepared<R>) -> Result<Outcome<R>, Error> {
        self.add_job(write(export_key(job.vendor, job.id), 1, &ExportJob { version: 1, ..job.clone() })?, response)
            .await
    }

    /// An export, read consistently.
    pub async fn export(&self, vendor: VendorId, id: ExportId) -> Result<Option<ExportJob>, Error> {
        get(&self.client, &self.table, export_key(vendor, id), true).await?.map(|found| read(&found)).transpose()
    }

    /// Writes the progress of an export, if it is still at the version that was read.
    pub async fn save_export(&self, job: &ExportJob) -> Result<ExportJob, Error> {
        let saved = ExportJob { version: job.version + 1, ..job.clone() };
        let condition = change_condition(&saved, job.version)?;
        update_one(&self.client, &self.table, export_key(job.vendor, job.id), CHANGE, &condition).await?;
        Ok(saved)
    }
}

fn import_of(found: &Attributes) -> Result<ImportJob, Error> {
    read(found)
}
