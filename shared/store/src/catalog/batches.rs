//! Reads of many products at once, for imports and exports.

use std::collections::{BTreeMap, BTreeSet};

use domain::ProductId;
use domain::text::Handle;

use super::products::assemble;
use super::{Catalog, Entry, StoredProduct};
use crate::Error;
use crate::item::{Attributes, text};
use crate::retry::batch;

impl Catalog {
    /// The products with these handles, of any vendor. Read from the items that keep handles unique.
    pub async fn products_with_handles(
        &self,
        handles: &BTreeSet<Handle>,
    ) -> Result<BTreeMap<Handle, ProductId>, Error> {
        let keys = handles.iter().map(|handle| Entry::ProductHandle(handle).key()).collect();
        let found = batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        let owner = |item: &Attributes| {
            let handle = text(item, "pk")?.strip_prefix("HANDLE#product#")?;
            Some((Handle::parse(handle).ok()?, text(item, "owner")?.parse().ok()?))
        };
        Ok(found.iter().filter_map(|(_, item)| owner(item)).collect())
    }

    /// Some products with their descriptions and availability, read consistently.
    pub async fn products(&self, ids: &BTreeSet<ProductId>) -> Result<BTreeMap<ProductId, StoredProduct>, Error> {
        let keys = ids
            .iter()
            .flat_map(|id| [Entry::Product(*id).key(), Entry::Description(*id).key(), Entry::Availability(*id).key()])
            .collect();
        let mut of_product: BTreeMap<String, Vec<Attributes>> = BTreeMap::new();
        for (_, item) in batch(&self.client, vec![(self.table.clone(), keys, true)]).await? {
            if let Some(pk) = text(&item, "pk").map(str::to_owned) {
                of_product.entry(pk).or_default().push(item);
            }
        }
        let mut products = BTreeMap::new();
        for items in of_product.values() {
            if let Some(stored) = assemble(items)? {
                products.insert(stored.product.id, stored);
            }
        }
        Ok(products)
    }
}
