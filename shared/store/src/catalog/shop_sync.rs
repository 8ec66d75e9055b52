//! Keeps products in line with their shop: unlisted while it is suspended, listed when it is reinstated, with its
//! current card.

use domain::catalog::Product;
use domain::vendor::Shop;
use domain::{ProductId, VendorId};

use super::{Catalog, Entry, vendor_products};
use crate::item::{page_key, string};
use crate::retry::{QueryRequest, query};
use crate::{Error, PageKey};

/// How often the write of one product is attempted while its vendor or its stock changes it.
const MAX_ATTEMPTS: usize = 10;

impl Catalog {
    /// Brings the next slice of a vendor's products, oldest first, in line with the shop: whether they are listed, and
    /// the shop's card on them. Products that are in line already are not written, so it may be repeated.
    ///
    /// Returns the product after which the next slice begins; `None` when no products are left.
    pub async fn sync_with_shop(
        &self,
        vendor: VendorId,
        after: Option<ProductId>,
        limit: u16,
    ) -> Result<Option<ProductId>, Error> {
        let snapshot = self.snapshot([], [vendor], false).await?;
        let Some(shop) = snapshot.shops.get(&vendor) else { return Ok(None) };
        let page = query(
            &self.client,
            QueryRequest {
                table: self.table.clone(),
                index: Some("by_vendor"),
                partition: ("vendor_key", vendor_products(vendor)),
                limit: Some(i32::from(limit)),
                start: after.and_then(|product| start_after(vendor, product)),
                ..QueryRequest::default()
            },
        )
        .await?;
        let mut last = None;
        for found in &page.items {
            let product = super::products::product_of(found)?;
            last = Some(product.id);
            if !is_in_sync(&product, shop) {
                self.sync_product(product.id, vendor).await?;
            }
        }
        Ok(last.filter(|_| page.next.is_some()))
    }

    async fn sync_product(&self, id: ProductId, vendor: VendorId) -> Result<(), Error> {
        for _ in 0..MAX_ATTEMPTS {
            let Some(loaded) = self.product(id).await? else { return Ok(()) };
            // The shop may be suspended or reinstated during the run: its current state counts.
            let snapshot = self.snapshot([], [vendor], false).await?;
            let Some(shop) = snapshot.shops.get(&vendor) else { return Ok(()) };
            if is_in_sync(&loaded.product, shop) {
                return Ok(());
            }
            let mut changed = loaded.clone();
            changed.product.listed = shop.sells();
            changed.product.vendor = shop.card.clone();
            match self.save(&loaded, &changed).await {
                Ok(_) => return Ok(()),
                Err(Error::Conflict) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Error::Conflict)
    }
}

fn is_in_sync(product: &Product, shop: &Shop) -> bool {
    product.listed == shop.sells() && product.vendor == shop.card
}

/// The page key of a product in `by_vendor`.
fn start_after(vendor: VendorId, product: ProductId) -> Option<PageKey> {
    let mut start = Entry::Product(product).key();
    start.insert("vendor_key".to_owned(), string(vendor_products(vendor)));
    start.insert("vendor_sort".to_owned(), string(product.to_string()));
    page_key(Some(&start))
}
