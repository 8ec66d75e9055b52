//! Reads of many products at once, for imports and exports.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::catalog::Product;
use domain::pricing::CatalogSnapshot;
use domain::sealed::{KeyOwner, PersonKey};
use domain::text::Handle;
use domain::{ProductId, VendorId};

use super::files::file_columns_of;
use super::handles::{HandleHolder, holder_of};
use super::products::{assemble, product_of, snapshot_of};
use super::{Catalog, Entry, StoredProduct};
use crate::item::{Attributes, all_readable, number, readable, string, text};
use crate::retry::{QueryRequest, batch, query};
use crate::{Error, Keys};

/// The key after which a walk through a list goes on, in the form in which a job stores it: attribute names and values,
/// each value prefixed with `s` (string) or `n` (number).
pub type Position = BTreeMap<String, String>;

pub(super) fn position(last: Attributes) -> Option<Position> {
    // The prefix keeps the attribute's type, so that a number is sent back as a number.
    let plain = |value: AttributeValue| match value {
        AttributeValue::S(text) => Some(format!("s{text}")),
        AttributeValue::N(digits) => Some(format!("n{digits}")),
        _ => None,
    };
    last.into_iter().map(|(name, value)| plain(value).map(|value| (name, value))).collect()
}

fn snapshot_keys(
    products: impl IntoIterator<Item = ProductId>,
    vendors: impl IntoIterator<Item = VendorId>,
    with_availability: bool,
) -> Vec<Attributes> {
    let products: BTreeSet<ProductId> = products.into_iter().collect();
    let vendors: BTreeSet<VendorId> = vendors.into_iter().collect();
    let mut keys: Vec<Attributes> = products.iter().map(|id| Entry::Product(*id).key()).collect();
    if with_availability {
        keys.extend(products.iter().map(|id| Entry::Availability(*id).key()));
    }
    keys.extend(vendors.iter().map(|id| Entry::Shop(*id).key()));
    keys
}

pub(super) fn start(position: Position) -> Attributes {
    let typed = |(name, value): (String, String)| match value.split_at_checked(1) {
        Some(("n", digits)) => Some((name, number(digits))),
        Some(("s", text)) => Some((name, string(text))),
        _ => None,
    };
    position.into_iter().filter_map(typed).collect()
}

impl Catalog {
    /// What the catalog holds of some products and vendors, read consistently in one call.
    pub async fn snapshot(
        &self,
        products: impl IntoIterator<Item = ProductId>,
        vendors: impl IntoIterator<Item = VendorId>,
        with_availability: bool,
    ) -> Result<CatalogSnapshot, Error> {
        let keys = snapshot_keys(products, vendors, with_availability);
        if keys.is_empty() {
            return Ok(CatalogSnapshot::default());
        }
        let found = batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        snapshot_of(found.iter().map(|(_, found)| found))
    }

    /// [`Catalog::snapshot`] without availability, and the row that opens this owner's orders, in the same call.
    pub async fn snapshot_with_key(
        &self,
        products: impl IntoIterator<Item = ProductId>,
        vendors: impl IntoIterator<Item = VendorId>,
        keys: &Keys,
        owner: KeyOwner,
    ) -> Result<(CatalogSnapshot, Option<PersonKey>), Error> {
        let named = (self.table.clone(), snapshot_keys(products, vendors, false));
        let (row, found) = keys.read_with(owner, named).await?;
        Ok((snapshot_of(found.iter())?, row))
    }

    /// The next of a vendor's products, newest first, and the position after them: for a job that walks through all. A
    /// product that cannot be read is left out.
    pub async fn walk_products(
        &self,
        vendor: VendorId,
        after: Option<Position>,
        limit: u16,
    ) -> Result<(Vec<Product>, Option<Position>), Error> {
        let request = QueryRequest {
            newest_first: true,
            limit: Some(i32::from(limit)),
            start: after.map(start),
            ..self.products_query(vendor)
        };
        let found = query(&self.client, request).await?;
        Ok((all_readable(&found.items, product_of)?, found.last.and_then(position)))
    }

    /// Which of these handles a vendor cannot take, and whose they are. Read from the items that keep handles unique.
    pub async fn holders_of_handles(
        &self,
        handles: &BTreeSet<Handle>,
        vendor: VendorId,
    ) -> Result<BTreeMap<Handle, HandleHolder>, Error> {
        let keys = handles.iter().map(|handle| Entry::ProductHandle(handle).key()).collect();
        let found = batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        let holder = |item: &Attributes| {
            let handle = text(item, "pk")?.strip_prefix("HANDLE#product#")?;
            Some((Handle::parse(handle).ok()?, holder_of(item, vendor)?))
        };
        Ok(found.iter().filter_map(|(_, item)| holder(item)).collect())
    }

    /// Some products with their descriptions, availability and kept columns of files, read consistently. One that
    /// cannot be read is left out.
    pub async fn products(&self, ids: &BTreeSet<ProductId>) -> Result<BTreeMap<ProductId, StoredProduct>, Error> {
        let keys = ids
            .iter()
            .flat_map(|id| {
                let all = [Entry::Product(*id), Entry::Description(*id), Entry::Descriptions(*id)];
                all.into_iter().chain([Entry::Availability(*id), Entry::FileColumns(*id)]).map(|entry| entry.key())
            })
            .collect();
        let mut of_product: BTreeMap<String, Vec<Attributes>> = BTreeMap::new();
        for (_, item) in batch(&self.client, vec![(self.table.clone(), keys, true)]).await? {
            if let Some(pk) = text(&item, "pk").map(str::to_owned) {
                of_product.entry(pk).or_default().push(item);
            }
        }
        let mut products = BTreeMap::new();
        for items in of_product.values() {
            let stored = items.first().map(|first| readable(assemble(items), first)).transpose()?;
            if let Some(mut stored) = stored.flatten().flatten() {
                stored.file_columns = file_columns_of(items)?;
                products.insert(stored.product.id, stored);
            }
        }
        Ok(products)
    }
}
