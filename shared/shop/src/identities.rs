//! Who sells, kept for a moment: without it each page of a product would read the shop after the product.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::vendor::{PublicIdentity, Shop};
use domain::{Money, Timestamp, VendorId};
use store::{Catalog, Error};

/// How long an identity is shown that was read.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Of how many vendors it is kept: 8 kB each at the most.
const MOST: usize = 500;

/// What a page of a product shows of its shop.
#[derive(Clone, Debug, Default)]
pub(crate) struct AboutShop {
    pub(crate) identity: Option<PublicIdentity>,
    /// The flat delivery rates, one per currency.
    pub(crate) shipping_rates: Vec<Money>,
}

/// Who sells, by vendor, with the time at which it was read.
#[derive(Debug, Default)]
pub(crate) struct Identities(Mutex<BTreeMap<VendorId, (Timestamp, AboutShop)>>);

impl Identities {
    /// What a vendor shows of who sells, and of what their delivery costs.
    ///
    /// # Errors
    /// The catalog does not answer, and nothing is known from before.
    pub(crate) async fn of(&self, catalog: &Catalog, vendor: VendorId, now: Timestamp) -> Result<AboutShop, Error> {
        let last = self.known().get(&vendor).cloned();
        if let Some((read_at, about)) = &last
            && now.since(*read_at) < MAX_AGE
        {
            return Ok(about.clone());
        }
        match (catalog.shop_with_id(vendor).await, last) {
            (Ok(shop), _) => {
                let about =
                    |shop: Shop| AboutShop { identity: shop.public_identity, shipping_rates: shop.shipping_rates };
                let about = shop.map(about).unwrap_or_default();
                let mut known = self.known();
                if known.len() >= MOST {
                    known.clear();
                }
                known.insert(vendor, (now, about.clone()));
                Ok(about)
            }
            (Err(cause), Some((_, about))) => {
                tracing::warn!(vendor.id = %vendor, %cause, "who sells cannot be read: what was read last is shown");
                Ok(about)
            }
            (Err(cause), None) => Err(cause),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<VendorId, (Timestamp, AboutShop)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
