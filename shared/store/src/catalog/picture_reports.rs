//! What became of pictures that a product file names by their addresses, beside the products: the function that fetches
//! pictures reads what strangers send, so it writes nothing where accounts are.

use domain::ImportId;
use domain::job::ImportRowError;
use domain::vendor::NamedAt;

use super::{Catalog, PICTURES_TOLD};
use crate::Error;
use crate::item::{Attributes, Condition, body, key, raw_item, readable};
use crate::retry::{QueryRequest, put_one, query_all};

/// Partition of what is told of the pictures of an import.
fn partition(import: ImportId) -> String {
    format!("IMPORT#{import}")
}

/// `IMPORT#<id>` / `PICTURES#<line>#<part>`.
fn told_key(named_at: &NamedAt) -> Attributes {
    key(partition(named_at.import), format!("PICTURES#{:09}#{:05}", named_at.line, named_at.part))
}

impl Catalog {
    /// Writes what is to be told of the pictures that a file names in one place. It takes the place of what was told of
    /// them before.
    pub async fn tell_of_pictures(&self, named_at: &NamedAt, told: &[ImportRowError]) -> Result<(), Error> {
        let data = serde_json::to_string(told).map_err(|source| Error::Corrupt { kind: PICTURES_TOLD, source })?;
        let told = raw_item(told_key(named_at), PICTURES_TOLD, 1, data);
        Ok(put_one(&self.client, &self.table, told, &Condition::any()).await?)
    }

    /// What is told of the pictures of an import, in the order of its file.
    pub async fn told_of_pictures(&self, import: ImportId) -> Result<Vec<ImportRowError>, Error> {
        let request = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", partition(import)),
            consistent: true,
            ..QueryRequest::default()
        };
        let mut all = Vec::new();
        for found in query_all(&self.client, request).await? {
            let told = readable(body::<Vec<ImportRowError>>(&found, PICTURES_TOLD), &found)?;
            all.extend(told.into_iter().flatten());
        }
        Ok(all)
    }
}
