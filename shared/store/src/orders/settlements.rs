//! Entries of what the operator and vendors settle: written with the change that they are of, and read by time.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::order::PlacedOrder;
use domain::settlement::SettlementEntry;
use domain::{PageRequest, Period, SettlementId, Slice, VendorId};

use super::{Entry, Orders, SETTLEMENT};
use crate::Error;
use crate::item::{Attributes, Condition, body, item, put, string, text};
use crate::merged::Merged;
use crate::page::{Bounds, List};
use crate::retry::{QueryRequest, is_missing_index};

/// Over how many partitions the entries of the whole shop are spread, see `infra/growth.md`.
const BUCKETS: u8 = 8;

/// Partition of `by_vendor`: the entries of a vendor.
fn vendor_partition(vendor: VendorId) -> String {
    format!("SETTLEMENTS#{vendor}")
}

/// Partition of `keys_by_time`: one of [`BUCKETS`] of all entries, by the random bits of their orders.
fn list_partition(entry: &SettlementEntry) -> String {
    format!("SETTLEMENTS#{}", entry.order.bits() % u128::from(BUCKETS))
}

fn entry_item(entry: &SettlementEntry) -> Result<Attributes, Error> {
    let mut written = item(Entry::Settlement(entry.id).key(), SETTLEMENT, 1, entry)?;
    written.insert("vendor_key".to_owned(), string(vendor_partition(entry.vendor.id)));
    written.insert("vendor_sort".to_owned(), string(entry.id.to_string()));
    written.insert("list_key".to_owned(), string(list_partition(entry)));
    written.insert("state_sort".to_owned(), string(entry.id.to_string()));
    Ok(written)
}

fn read(found: &Attributes) -> Result<SettlementEntry, Error> {
    body(found, SETTLEMENT)
}

impl Orders {
    /// The actions that enter what has changed in the amounts of an order since it was loaded. Amounts that cannot be
    /// computed stop no order: they are entered with a later change.
    pub(super) fn settlement_actions(
        &self,
        loaded: Option<&PlacedOrder>,
        changed: &mut PlacedOrder,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let recorded = loaded.map_or(0, |loaded| loaded.history.len());
        let entries = changed.enter_amounts(recorded).unwrap_or_else(|cause| {
            let order = changed.order.id;
            tracing::error!(needs = "money", order.id = %order, %cause, "what is settled of an order is not known");
            Vec::new()
        });
        entries.iter().map(|entry| put(&self.table, entry_item(entry)?, &Condition::absent())).collect()
    }

    /// The entries of a time, newest first: of one vendor, or of all.
    pub async fn settlements(
        &self,
        vendor: Option<VendorId>,
        period: Period,
        page: &PageRequest,
    ) -> Result<Slice<SettlementEntry>, Error> {
        let bounds = Bounds::from(period);
        let Some(vendor) = vendor else {
            let list = Merged {
                table: self.table.clone(),
                index: "keys_by_time",
                keys: ("list_key", "state_sort"),
                partitions: (0..BUCKETS).map(|bucket| format!("SETTLEMENTS#{bucket}")).collect(),
                beside: None,
                bounds,
                variant: SETTLEMENT,
            };
            // A stack on its way from an earlier release has no such index yet.
            return match list.page::<SettlementId, _>(&self.client, page, read, |_| true).await {
                Err(cause) if is_missing_index(&cause) => Err(Error::Unavailable(cause.to_string())),
                listed => listed,
            };
        };
        let sort = "vendor_sort";
        let position = |last: &Attributes| text(last, sort)?.parse().ok();
        let key = |entry: &SettlementId| super::lists::sorted(Entry::Settlement(*entry), sort, entry);
        let query = QueryRequest {
            sort_key_condition: bounds.condition::<SettlementId>(sort),
            newest_first: true,
            ..QueryRequest::of(&self.table, "by_vendor", ("vendor_key", vendor_partition(vendor)))
        };
        let list = List { query, variant: bounds.variant(), position: &position, key: &key };
        list.page(&self.client, page, |found| read(found)).await
    }
}
