//! A vendor's list of its products, and how many of them run short.
//!
//! What is left of a product is read from its availability, as pages show it. It is compared for each product that is
//! looked at: an index of what is sold out would be a further copy to keep, and a vendor has hundreds of products, not
//! hundreds of thousands, as it has orders.

use std::collections::BTreeMap;
use std::future::ready;

use domain::catalog::{Availability, Product, ProductState, StockLevel};
use domain::text::Search;
use domain::{Count, PageRequest, ProductId, Slice, VendorId};

use super::products::product_of;
use super::{Catalog, Entry};
use crate::Error;
use crate::item::{Attributes, readable, string, text};
use crate::page::{List, Reach};
use crate::retry::{QueryRequest, batch};
use crate::stored::read;

/// The most products that are looked at for one page of a list that leaves some of them out, or for a count.
const MOST_LOOKED_AT: u16 = 500;

/// Which of a vendor's products are listed.
#[derive(Clone, Debug, Default)]
pub struct FindProducts {
    pub state: Option<ProductState>,
    pub stock: Option<StockLevel>,
    pub search: Option<Search>,
}

impl FindProducts {
    fn has(&self, product: &Product) -> bool {
        self.state.is_none_or(|state| product.state == state)
            && self.search.as_ref().is_none_or(|search| product.is_found_by(search))
    }

    /// What tells its list from others of the vendor.
    fn variant(&self) -> String {
        let state = match self.state {
            None => "",
            Some(ProductState::Draft) => "draft",
            Some(ProductState::Published) => "published",
            Some(ProductState::Other) => "other",
        };
        let stock = self.stock.map_or("", StockLevel::as_str);
        let search = self.search.as_ref().map(Search::to_string).unwrap_or_default();
        if state.is_empty() && stock.is_empty() && search.is_empty() {
            return String::new();
        }
        format!("{state}|{stock}|{search}")
    }
}

/// How many of a vendor's published products run short.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShortProducts {
    pub sold_out: Count,
    pub low: Count,
}

impl Catalog {
    /// Those of a vendor's products, newest first.
    pub async fn products_of(
        &self,
        vendor: VendorId,
        find: &FindProducts,
        page: &PageRequest,
    ) -> Result<Slice<Product>, Error> {
        let list = self.list_of(vendor, find.variant());
        if find.stock.is_none() {
            let is_whole = find.state.is_none() && find.search.is_none();
            let reach = if is_whole { Reach::of_page(page) } else { Reach::up_to(MOST_LOOKED_AT, page) };
            let keep = |found: Vec<Product>| {
                ready(Ok(found.into_iter().map(|product| Some(product).filter(|one| find.has(one))).collect()))
            };
            return list.filtered_page(&self.client, page, reach, product_of, keep).await;
        }
        let keep = move |found: Vec<Product>| async move {
            let named: Vec<Option<Product>> =
                found.into_iter().map(|product| Some(product).filter(|one| find.has(one))).collect();
            let levels = self.stock_levels(named.iter().flatten()).await?;
            let is_wanted = |product: &Product| levels.get(&product.id).copied() == find.stock;
            Ok(named.into_iter().map(|product| product.filter(is_wanted)).collect())
        };
        list.filtered_page(&self.client, page, Reach::up_to(MOST_LOOKED_AT, page), product_of, keep).await
    }

    /// How many of a vendor's published products run short, among its newest products.
    pub async fn short_of(&self, vendor: VendorId) -> Result<ShortProducts, Error> {
        let levels = move |found: Vec<Product>| async move {
            let published = found.iter().filter(|product| product.state == ProductState::Published);
            let levels = self.stock_levels(published).await?;
            Ok(found.iter().map(|product| levels.get(&product.id).copied()).collect())
        };
        let page = PageRequest { limit: MOST_LOOKED_AT, cursor: None };
        let reach = Reach { first: MOST_LOOKED_AT, most: MOST_LOOKED_AT };
        let list = self.list_of(vendor, String::new());
        let found = list.filtered_page(&self.client, &page, reach, product_of, levels).await?;
        let count = |level| {
            let short = found.items.iter().filter(|known| **known == level).count();
            Count::of(short, found.next.is_some())
        };
        Ok(ShortProducts { sold_out: count(StockLevel::SoldOut), low: count(StockLevel::Low) })
    }

    fn list_of(&self, vendor: VendorId, variant: String) -> List<'static, ProductId> {
        let query = QueryRequest { newest_first: true, ..self.products_query(vendor) };
        List { query, variant, position: &position_of, key: &key_of }
    }

    /// How much is left of each of these products.
    async fn stock_levels(
        &self,
        products: impl Iterator<Item = &Product>,
    ) -> Result<BTreeMap<ProductId, StockLevel>, Error> {
        let products: Vec<&Product> = products.collect();
        let keys = products.iter().map(|product| Entry::Availability(product.id).key()).collect();
        let mut known: BTreeMap<ProductId, Availability> = BTreeMap::new();
        for (_, item) in batch(&self.client, vec![(self.table.clone(), keys, false)]).await? {
            let id = text(&item, "pk").and_then(|pk| pk.strip_prefix("PRODUCT#")?.parse().ok());
            known.extend(id.zip(readable(read(&item), &item)?));
        }
        let nothing = Availability::default();
        let level = |product: &&Product| product.stock_level(known.get(&product.id).unwrap_or(&nothing));
        Ok(products.iter().map(|product| (product.id, level(product))).collect())
    }
}

fn position_of(found: &Attributes) -> Option<ProductId> {
    text(found, "vendor_sort")?.parse().ok()
}

fn key_of(product: &ProductId) -> Attributes {
    let mut key = Entry::Product(*product).key();
    key.insert("vendor_sort".to_owned(), string(product.to_string()));
    key
}
