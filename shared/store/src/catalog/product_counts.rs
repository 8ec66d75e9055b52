//! How many products a vendor has, for its quota.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::VendorId;
use tokio::time::Instant;

use super::Catalog;
use crate::Error;
use crate::retry::{QueryRequest, query};

/// How long a count is good enough: counting many products reads all of their keys.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// The cache is cleared when it would exceed this many vendors.
const MAX_ENTRIES: usize = 1_024;

/// The counts of vendors that were made in this execution environment, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct ProductCounts(Arc<Mutex<HashMap<VendorId, (u32, Instant)>>>);

impl ProductCounts {
    /// Whether a count that is good enough leaves room for one more, which is counted with it.
    fn take(&self, vendor: VendorId, most: u32) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let good = known.get_mut(&vendor).filter(|(count, at)| *count < most && at.elapsed() < GOOD_FOR);
        let Some((count, _)) = good else { return false };
        *count += 1;
        true
    }

    fn remember(&self, vendor: VendorId, count: u32) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_ENTRIES {
            known.clear();
        }
        known.insert(vendor, (count, Instant::now()));
    }
}

impl Catalog {
    /// Whether a vendor has so many products or more, counted now.
    pub async fn has_products(&self, vendor: VendorId, most: u32) -> Result<bool, Error> {
        Ok(self.count_products(vendor, most).await? >= most)
    }

    /// The same from a count that may be ten minutes old, with what was asked for here since, as long as that says no.
    pub async fn has_many_products(&self, vendor: VendorId, most: u32) -> Result<bool, Error> {
        if self.product_counts.take(vendor, most) {
            return Ok(false);
        }
        let count = self.count_products(vendor, most).await?;
        self.product_counts.remember(vendor, count.saturating_add(1));
        Ok(count >= most)
    }

    /// How many more products a vendor may have who may have so many, counted now.
    pub async fn room_for_products(&self, vendor: VendorId, most: u32) -> Result<u32, Error> {
        Ok(most.saturating_sub(self.count_products(vendor, most).await?))
    }

    /// How many products a vendor has, counted up to this many, from the index: a change shows with a delay.
    async fn count_products(&self, vendor: VendorId, most: u32) -> Result<u32, Error> {
        let mut count = 0;
        let mut request = QueryRequest { only: Some("vendor_sort"), ..self.products_query(vendor) };
        loop {
            request.limit = i32::try_from(most.saturating_sub(count)).ok().map(|left| left.max(1));
            let page = query(&self.client, request.clone()).await?;
            count = count.saturating_add(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
            match page.last {
                Some(last) if count < most => request.start = Some(last),
                _ => return Ok(count),
            }
        }
    }
}
