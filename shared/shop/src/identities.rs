//! Who sells, kept for a moment: without it each page of a product would read the shop after the product.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::vendor::PublicIdentity;
use domain::{Timestamp, VendorId};
use store::{Catalog, Error};

/// How long an identity is shown that was read.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Of how many vendors it is kept: 8 kB each at the most.
const MOST: usize = 500;

/// Who sells, by vendor, with the time at which it was read.
#[derive(Debug, Default)]
pub(crate) struct Identities(Mutex<BTreeMap<VendorId, (Timestamp, Option<PublicIdentity>)>>);

impl Identities {
    /// What a vendor shows of who sells.
    ///
    /// # Errors
    /// The catalog does not answer, and nothing is known from before.
    pub(crate) async fn of(
        &self,
        catalog: &Catalog,
        vendor: VendorId,
        now: Timestamp,
    ) -> Result<Option<PublicIdentity>, Error> {
        let last = self.known().get(&vendor).cloned();
        if let Some((read_at, identity)) = &last
            && now.since(*read_at) < MAX_AGE
        {
            return Ok(identity.clone());
        }
        match (catalog.shop_with_id(vendor).await, last) {
            (Ok(shop), _) => {
                let identity = shop.and_then(|shop| shop.public_identity);
                let mut known = self.known();
                if known.len() >= MOST {
                    known.clear();
                }
                known.insert(vendor, (now, identity.clone()));
                Ok(identity)
            }
            (Err(cause), Some((_, identity))) => {
                tracing::warn!(vendor.id = %vendor, %cause, "who sells cannot be read: what was read last is shown");
                Ok(identity)
            }
            (Err(cause), None) => Err(cause),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<VendorId, (Timestamp, Option<PublicIdentity>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
