//! Whose product it is: what never changes, remembered for the life of a sandbox, so that a seller can be read together with
//! a product that was seen before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::pricing::Shelf;
use domain::{ProductId, VendorId};

/// More than these are forgotten: 32 bytes each.
const MOST: usize = 8_192;

/// The seller of each product that was read here.
#[derive(Clone, Debug, Default)]
pub(super) struct Sellers(Arc<Mutex<HashMap<ProductId, VendorId>>>);

impl Sellers {
    /// The seller of a product, if it was seen.
    pub(super) fn of(&self, product: ProductId) -> Option<VendorId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&product).copied()
    }

    /// Remembers whose the products on a shelf are.
    pub(super) fn learn(&self, shelf: &Shelf) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + shelf.products.len() > MOST {
            known.clear();
        }
        known.extend(shelf.products.iter().map(|(id, product)| (*id, product.vendor.id)));
    }
}
