//! The vendor orders that are late: their vendor has not shipped in time, and the operator was told.
//!
//! A part of `keys_by_time`, not of `keys_by_state`, where a vendor order is in its vendor's list already. It holds
//! only what needs somebody, and is one partition. Releases up to 2026-12-04 leave a vendor order here that they
//! have shipped: pages leave it out, and the count has it until the lists of orders are rebuilt.

use std::future::ready;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::order::VendorOrder;
use domain::{Count, OrderId, PageRequest, Slice, VendorId};

use super::lists::{order_of, sorted};
use super::{Entry, Orders};
use crate::Error;
use crate::item::{Attributes, string, text};
use crate::page::{List, Reach};
use crate::retry::{QueryRequest, is_missing_index, query};
use crate::stored::read;

/// Partition of `keys_by_time`: the late vendor orders, by their orders' ids.
const LATE: &str = "LATE";

/// The place of a vendor order among the late ones; nothing for one that is not late.
pub(super) fn place_of_late(vendor_order: &VendorOrder) -> Option<(String, AttributeValue)> {
    vendor_order.is_late().then(|| ("list_key".to_owned(), string(LATE)))
}

impl Orders {
    /// The late vendor orders, that of the oldest order first.
    ///
    /// # Errors
    /// Unavailable on a stack that has no such index yet.
    pub async fn late_vendor_orders(&self, page: &PageRequest) -> Result<Slice<VendorOrder>, Error> {
        let position = |last: &Attributes| -> Option<(OrderId, VendorId)> {
            Some((order_of(last)?, text(last, "sk")?.strip_prefix("VENDOR#")?.parse().ok()?))
        };
        let key = |(order, vendor): &(OrderId, VendorId)| sorted(Entry::Vendor(*order, *vendor), "state_sort", order);
        let query = QueryRequest::of(&self.table, "keys_by_time", ("list_key", LATE.to_owned()));
        let list = List { query, variant: String::new(), position: &position, key: &key };
        // One that was shipped since the index has been written, or by a release that does not know of this list, is
        // left out.
        let keep = |found: Vec<VendorOrder>| {
            ready(Ok(found.into_iter().map(|one| Some(one).filter(VendorOrder::is_late)).collect()))
        };
        let listed = list.filtered_page(&self.client, page, Reach::of_page(page), read, keep).await;
        match listed {
            Err(cause) if is_missing_index(&cause) => Err(Error::Unavailable(cause.to_string())),
            listed => listed,
        }
    }

    /// How many vendor orders are late, counted up to a little more than is shown. A stack that has no such index yet
    /// does not know.
    pub(super) async fn count_late(&self) -> Result<Count, Error> {
        let request = QueryRequest {
            limit: i32::try_from(Count::MOST + 1).ok(),
            only_keys: true,
            ..QueryRequest::of(&self.table, "keys_by_time", ("list_key", LATE.to_owned()))
        };
        match query(&self.client, request).await {
            Ok(found) => Ok(Count::of(found.items.len(), found.last.is_some())),
            Err(cause) if is_missing_index(&cause) => Ok(Count { count: 0, at_least: true }),
            Err(cause) => Err(cause),
        }
    }
}
