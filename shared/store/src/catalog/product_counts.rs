//! How many products a vendor has, for its quota.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Timestamp, VendorId};
use tokio::time::Instant;

use super::{Catalog, DRAFTS, Entry};
use crate::error::Failure;
use crate::item::{Condition, integer, number, string};
use crate::retry::{QueryRequest, get, query, update_one};
use crate::{Backoff, Error};

/// How long a count is good enough: counting many products reads all of their keys.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// How old a full count of drafts is before it is made anew: by then what it counts is written, or never will be.
const COUNTED_ANEW_AFTER_S: i64 = 60;
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
    /// Takes the place of one more draft of a vendor who may have few; false when there is none. Of many at once no
    /// more get one than there are: each counts in an item of the vendor before it writes. That says too much where a
    /// call broke off behind it, so a count that is full and a minute old is made anew.
    pub async fn take_draft(&self, vendor: VendorId, most: u32, now: Timestamp) -> Result<bool, Error> {
        const TAKE: &str = "SET #kind = :kind, #version = :one, changed_at_s = :now ADD drafts :one";
        const COUNT: &str = "SET #kind = :kind, #version = :one, changed_at_s = :now, drafts = :count";
        let key = Entry::Drafts(vendor).key();
        let written = |condition: Condition| {
            let condition = condition.name("#kind", "kind").name("#version", "version");
            condition.value(":kind", string(DRAFTS)).value(":one", number(1)).value(":now", number(now.seconds()))
        };
        let mut backoff = Backoff::default();
        loop {
            let room = written(Condition::of("attribute_exists(pk) AND drafts < :most")).value(":most", number(most));
            match update_one(&self.client, &self.table, key.clone(), TAKE, &room).await {
                Ok(_) => return Ok(true),
                Err(Failure::ConditionFailed) => {}
                Err(other) => return Err(other.into()),
            }
            let known = get(&self.client, &self.table, key.clone(), true).await?;
            let counted = |name: &str| known.as_ref().and_then(|known| integer(known, name)).unwrap_or_default();
            if known.is_some() && counted("drafts") >= i64::from(most) {
                let is_young = now.seconds().saturating_sub(counted("changed_at_s")) < COUNTED_ANEW_AFTER_S;
                if is_young {
                    return Ok(false);
                }
            } else if known.is_some() {
                backoff.pause().await?;
                continue;
            }
            let count = self.count_products(vendor, most).await?;
            if count >= most {
                return Ok(false);
            }
            let as_read = match &known {
                None => Condition::absent(),
                Some(_) => Condition::of("drafts = :drafts AND changed_at_s = :changed_at")
                    .value(":drafts", number(counted("drafts")))
                    .value(":changed_at", number(counted("changed_at_s"))),
            };
            // Of several that count anew one is right; then all take from its count.
            let anew = written(as_read).value(":count", number(count));
            match update_one(&self.client, &self.table, key.clone(), COUNT, &anew).await {
                Ok(_) => {}
                Err(Failure::ConditionFailed) => backoff.pause().await?,
                Err(other) => return Err(other.into()),
            }
        }
    }

    /// Gives the place of a draft back that has not come to be, or is gone. A table that does not answer is passed
    /// over: the count is made anew.
    pub async fn give_draft_back(&self, vendor: VendorId) {
        let taken = Condition::of("drafts > :none").value(":none", number(0)).value(":less", number(-1));
        let key = Entry::Drafts(vendor).key();
        match update_one(&self.client, &self.table, key, "ADD drafts :less", &taken).await {
            Ok(_) | Err(Failure::ConditionFailed) => {}
            Err(failed) => {
                let cause = Error::from(failed);
                tracing::warn!(vendor.id = %vendor, %cause, "the place of a draft is not given back");
            }
        }
    }

    /// Whether a vendor has so many products or more, from a count that may be ten minutes old, with what was asked for
    /// here since, as long as that says no.
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
