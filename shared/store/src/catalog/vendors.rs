//! A cache of products' vendors. A product's vendor never changes, so it is kept for the life of an execution
//! environment: the shop can then be read in the same call as a product that was read before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::pricing::CatalogSnapshot;
use domain::{ProductId, VendorId};

/// The cache is cleared when it would exceed this many entries of 32 bytes.
const MAX_ENTRIES: usize = 8_192;

/// The vendor of each product that was read in this execution environment.
#[derive(Clone, Debug, Default)]
pub(super) struct Vendors(Arc<Mutex<HashMap<ProductId, VendorId>>>);

impl Vendors {
    /// The vendor of a product, if it is in the cache.
    pub(super) fn of(&self, product: ProductId) -> Option<VendorId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&product).copied()
    }

    /// Caches the vendors of the products in a snapshot.
    pub(super) fn remember(&self, snapshot: &CatalogSnapshot) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + snapshot.products.len() > MAX_ENTRIES {
            known.clear();
        }
        known.extend(snapshot.products.iter().map(|(id, product)| (*id, product.vendor.id)));
    }
}
