//! Vendors by the look of their names.

use domain::VendorId;
use domain::vendor::VendorAccount;

use super::{Accounts, Entry, VENDOR_NAME, name_partition};
use crate::Error;
use crate::item::{Condition, delete, put, raw_item, text};
use crate::retry::{QueryRequest, query_all};
use crate::transaction::{Purpose, Transaction};

impl Accounts {
    /// The actions that make a vendor found by its name in the place of the one before. Vendors of releases before
    /// 2026-12-03 are found from their next change on.
    pub(super) fn add_name_actions(
        &self,
        transaction: &mut Transaction,
        saved: &VendorAccount,
        before: &str,
    ) -> Result<(), Error> {
        if saved.name_key == before {
            return Ok(());
        }
        let any = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)");
        let named = Entry::Name(&saved.name_key, saved.card.id).key();
        transaction.add(Purpose::Item, put(&self.table, raw_item(named, VENDOR_NAME, 1, "{}".to_owned()), &any)?);
        if !before.is_empty() {
            let former = Entry::Name(before, saved.card.id).key();
            transaction.add(Purpose::Item, delete(&self.table, former, &any)?);
        }
        Ok(())
    }

    /// The other vendors whose names look like this one's and who are or were approved, read consistently.
    pub async fn namesakes(&self, account: &VendorAccount) -> Result<Vec<VendorAccount>, Error> {
        let request = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", name_partition(&account.name_look())),
            consistent: true,
            ..QueryRequest::default()
        };
        let found = query_all(&self.client, request).await?;
        let vendors = found.iter().filter_map(|item| text(item, "sk")?.strip_prefix("VENDOR#")?.parse().ok());
        let others: Vec<VendorId> = vendors.filter(|vendor| *vendor != account.card.id).collect();
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let accounts = self.vendors(others.into_iter()).await?;
        Ok(accounts.into_values().filter(|other| other.state.holds_handle()).collect())
    }
}
