//! Keeps products in line with their shop: unlisted while it is suspended, listed when it is reinstated, with its
//! current card.

use domain::catalog::Product;
use domain::vendor::Shop;
use domain::{Code, Coded as _, ProductId, VendorId};

use super::{Catalog, Entry, vendor_products};
use crate::item::{readable, string, text};
use crate::retry::{QueryRequest, query};
use crate::{Decision, Error};

/// What became of a slice of a vendor's products.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// The product after which the next slice begins; `None` when no products are left.
    pub next: Option<ProductId>,
    /// Whether some, of this kind of item, are as they were, because only a newer release may change them.
    pub newer: Option<&'static str>,
}

impl Catalog {
    /// Brings the next slice of a vendor's products, oldest first, in line with the shop: whether they are listed, and
    /// the shop's card on them. Products that are in line already are not written, so it may be repeated.
    ///
    /// A product that cannot be read is passed over, so that those after it get their turn. So is one that only a newer
    /// release may change.
    ///
    /// Returns what was done.
    pub async fn sync_with_shop(
        &self,
        vendor: VendorId,
        after: Option<ProductId>,
        limit: u16,
    ) -> Result<Synced, Error> {
        let snapshot = self.snapshot([], [vendor], false).await?;
        let Some(shop) = snapshot.shops.get(&vendor) else { return Ok(Synced::default()) };
        let start = after.map(|product| {
            let mut start = Entry::Product(product).key();
            start.insert("vendor_key".to_owned(), string(vendor_products(vendor)));
            start.insert("vendor_sort".to_owned(), string(product.to_string()));
            start
        });
        let request = QueryRequest { limit: Some(i32::from(limit)), start, ..self.products_query(vendor) };
        let page = query(&self.client, request).await?;
        let (mut last, mut newer) = (None, None);
        for found in &page.items {
            last = text(found, "vendor_sort").and_then(|id| id.parse().ok()).or(last);
            let Some(product) = readable(super::products::product_of(found), found)? else { continue };
            if !is_in_sync(&product, shop) {
                match self.sync_product(product.id, vendor).await {
                    Err(Error::Newer { kind }) => newer = Some(kind),
                    done => done?,
                }
            }
        }
        Ok(Synced { next: last.filter(|_| page.last.is_some()), newer })
    }

    /// Claims the product's handle too, once its shop sells. When another shop has it by now, all else follows, and the
    /// product needs another handle to be published.
    async fn sync_product(&self, id: ProductId, vendor: VendorId) -> Result<(), Error> {
        match self.sync_one(id, vendor, true).await {
            Err(Error::Refused(refusal)) if refusal.code() == Code::HandleTaken => {
                self.sync_one(id, vendor, false).await
            }
            done => done,
        }
    }

    async fn sync_one(&self, id: ProductId, vendor: VendorId, claims: bool) -> Result<(), Error> {
        let decide = |mut product: super::StoredProduct| async move {
            // The shop may be suspended or reinstated during the run: its current state counts.
            let snapshot = self.snapshot([], [vendor], false).await?;
            if let Some(shop) = snapshot.shops.get(&vendor).filter(|shop| !is_in_sync(&product.product, shop)) {
                product.product.listed = shop.sells();
                product.product.awaits_handle &= !(claims && shop.sells());
                product.product.vendor = shop.card.clone();
            }
            Ok(Decision::Write(product, ()))
        };
        match self.change(id, decide, |_, ()| Ok(((), None))).await {
            // It was deleted meanwhile.
            Err(Error::Refused(refusal)) if refusal.code() == Code::NotFound => Ok(()),
            done => done.map(drop),
        }
    }
}

fn is_in_sync(product: &Product, shop: &Shop) -> bool {
    product.listed == shop.sells() && product.vendor == shop.card && !(product.awaits_handle && shop.sells())
}
