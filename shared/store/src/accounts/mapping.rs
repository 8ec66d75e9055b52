//! What the columns of a vendor's product files mean.

use domain::job::ColumnMapping;
use domain::{Outcome, Prepared, Refusal, VendorId};

use super::Accounts;
use crate::Error;
use crate::idempotency::put_one;
use crate::item::{Attributes, Condition, key};
use crate::retry::get;
use crate::stored::{read, stored, write};

const COLUMN_MAPPING: &str = "column_mapping";

stored! {
    COLUMN_MAPPING => ColumnMapping: [];
}

/// `VENDOR#<id>` / `MAPPING`.
fn mapping_key(vendor: VendorId) -> Attributes {
    key(format!("VENDOR#{vendor}"), "MAPPING")
}

impl Accounts {
    /// What the columns of a vendor's files mean; nothing before it was saved for the first time.
    pub async fn column_mapping(&self, vendor: VendorId) -> Result<Option<ColumnMapping>, Error> {
        get(&self.client, &self.table, mapping_key(vendor), true).await?.map(|found| read(&found)).transpose()
    }

    /// Writes a mapping in the place of the one that was read, if it is still at that version. `respond` makes the
    /// response from the mapping as it is written, with its new version.
    pub async fn save_column_mapping<R>(
        &self,
        vendor: VendorId,
        loaded: &ColumnMapping,
        changed: ColumnMapping,
        respond: impl FnOnce(&ColumnMapping) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let mut saved = changed;
        let condition = Condition::at_version(loaded.version);
        let mut written = None;
        if saved != *loaded {
            saved.version = loaded.version + 1;
            written = Some((write(mapping_key(vendor), saved.version, &saved)?, &condition));
        }
        Ok(put_one(&self.client, &self.table, written, respond(&saved)?).await?)
    }
}
