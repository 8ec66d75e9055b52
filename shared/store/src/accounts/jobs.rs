//! Vendors' imports and exports. What is wrong with a file lies in items behind the import's own, a few rows' worth each, so
//! that each step of a long import writes little.

use domain::job::{ExportJob, ImportJob, ImportRowError};
use domain::{ExportId, ImportId, VendorId};
use serde::Serialize;

use super::Accounts;
use crate::Error;
use crate::item::{Attributes, Condition, body, item, key, number, string, text, update, version};
use crate::retry::{QueryRequest, get, query_all, transact, update_one};

const IMPORT: &str = "import";
const FAULTS: &str = "import_faults";
const EXPORT: &str = "export";

/// `VENDOR#<id>` / `IMPORT#<id>`.
fn import_key(vendor: VendorId, id: ImportId) -> Attributes {
    key(format!("VENDOR#{vendor}"), format!("IMPORT#{id}"))
}

/// `VENDOR#<id>` / `IMPORT#<id>#<version of the import>`: behind the import, in the order in which they were found.
fn faults_key(vendor: VendorId, id: ImportId, version: u64) -> Attributes {
    key(format!("VENDOR#{vendor}"), format!("IMPORT#{id}#{version:09}"))
}

/// `VENDOR#<id>` / `EXPORT#<id>`.
fn export_key(vendor: VendorId, id: ExportId) -> Attributes {
    key(format!("VENDOR#{vendor}"), format!("EXPORT#{id}"))
}

const CHANGE: &str = "SET #version = :version, #data = :data";

/// The item is at the version at which it was read, and gets this body at the next.
fn change_condition(body: &impl Serialize, kind: &'static str, loaded: u64) -> Result<Condition, Error> {
    let data = serde_json::to_string(body).map_err(|source| Error::Corrupt { kind, source })?;
    Ok(Condition::of("#version = :loaded")
        .name("#version", "version")
        .name("#data", "data")
        .value(":loaded", number(loaded))
        .value(":version", number(loaded + 1))
        .value(":data", string(data)))
}

impl Accounts {
    /// Writes a new import.
    pub async fn add_import(&self, job: &ImportJob) -> Result<ImportJob, Error> {
        let added = ImportJob { version: 1, ..job.clone() };
        let written = item(import_key(job.vendor, job.id), IMPORT, added.version, &added)?;
        self.storing.put_one(&self.client, &self.table, written, &Condition::absent()).await?;
        Ok(added)
    }

    /// An import, as it is now.
    pub async fn import(&self, vendor: VendorId, id: ImportId) -> Result<Option<ImportJob>, Error> {
        get(&self.client, &self.table, import_key(vendor, id), true).await?.as_ref().map(import_of).transpose()
    }

    /// An import with what is known to be wrong with its file, as it is now.
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
                Some(FAULTS) => faults.extend(body::<Vec<ImportRowError>>(found, FAULTS)?),
                _ => {}
            }
        }
        Ok(job.map(|job| (job, faults)))
    }

    /// Writes how far an import has come, with what was found to be wrong since, if it is still at the version at which it was
    /// read: of two who work on it at once, one stops here.
    pub async fn save_import(&self, job: &ImportJob, faults: &[ImportRowError]) -> Result<ImportJob, Error> {
        let saved = ImportJob { version: job.version + 1, ..job.clone() };
        let at = import_key(job.vendor, job.id);
        let condition = change_condition(&saved, IMPORT, job.version)?;
        if faults.is_empty() {
            update_one(&self.client, &self.table, at, CHANGE, &condition).await?;
            return Ok(saved);
        }
        let data = serde_json::to_string(faults).map_err(|source| Error::Corrupt { kind: FAULTS, source })?;
        // An update and not a put: the one who works on files may change items here, but not replace any.
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
        transact(&self.client, actions).await?;
        Ok(saved)
    }

    /// Writes a new export.
    pub async fn add_export(&self, job: &ExportJob) -> Result<ExportJob, Error> {
        let added = ExportJob { version: 1, ..job.clone() };
        let written = item(export_key(job.vendor, job.id), EXPORT, added.version, &added)?;
        self.storing.put_one(&self.client, &self.table, written, &Condition::absent()).await?;
        Ok(added)
    }

    /// An export, as it is now.
    pub async fn export(&self, vendor: VendorId, id: ExportId) -> Result<Option<ExportJob>, Error> {
        get(&self.client, &self.table, export_key(vendor, id), true)
            .await?
            .map(|found| Ok(ExportJob { version: version(&found), ..body(&found, EXPORT)? }))
            .transpose()
    }

    /// Writes how far an export has come, if it is still at the version at which it was read.
    pub async fn save_export(&self, job: &ExportJob) -> Result<ExportJob, Error> {
        let saved = ExportJob { version: job.version + 1, ..job.clone() };
        let condition = change_condition(&saved, EXPORT, job.version)?;
        update_one(&self.client, &self.table, export_key(job.vendor, job.id), CHANGE, &condition).await?;
        Ok(saved)
    }
}

fn import_of(found: &Attributes) -> Result<ImportJob, Error> {
    let job: ImportJob = body(found, IMPORT)?;
    Ok(ImportJob { version: version(found), ..job })
}
