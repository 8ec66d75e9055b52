//! Whose product it is: what never changes, remembered for the life of a sandbox, so that a seller can be read together with
//! a product that was seen before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::pricing::CatalogSnapshot;
use domain::{ProductId, VendorId};

/// More than these are forgotten: 32 bytes each.
const MAX_ENTRIES: usize = 8_192;

/// The seller of each product that was read here.
#[derive(Clone, Debug, Default)]
pub(super) struct Vendors(Arc<Mutex<HashMap<ProductId, VendorId>>>);

impl Vendors {
    /// The seller of a product, if it was seen.
    pub(super) fn of(&self, product: ProductId) -> Option<VendorId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&product).copied()
    }

    /// Remembers whose the products on a snapshot are.
    pub(super) fn remember(&self, snapshot: &CatalogSnapshot) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + snapshot.products.len() > MAX_ENTRIES {
            known.clear();
        }
        known.extend(snapshot.products.iter().map(|(id, product)| (*id, product.vendor.id)));
    }
}
