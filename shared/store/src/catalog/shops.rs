//! Shops, and the category tree.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::catalog::CategoryTree;
use domain::text::Handle;
use domain::vendor::Shop;
use domain::{Outcome, Prepared, Refusal, VendorId};

use super::{Catalog, Entry, HANDLE, shop_handle};
use crate::Error;
use crate::idempotency::put_one;
use crate::item::{Attributes, Condition, all_readable, put, raw_item, readable, string, text, version};
use crate::retry::{QueryRequest, get, query};
use crate::stored::{read, write};

impl Catalog {
    /// The shop that holds this handle. Releases before 2026-12-03 also put shops there that only wish for it.
    pub async fn shop(&self, handle: &Handle) -> Result<Option<Shop>, Error> {
        let found =
            query(&self.client, QueryRequest::of(&self.table, "by_handle", ("handle_key", shop_handle(handle))))
                .await?;
        let shops = all_readable(&found.items, shop_of)?;
        Ok(shops.into_iter().find(Shop::holds_handle))
    }

    /// A vendor's shop, read as pages are: a change shows with a delay.
    pub async fn shop_with_id(&self, vendor: VendorId) -> Result<Option<Shop>, Error> {
        match get(&self.client, &self.table, Entry::Shop(vendor).key(), false).await? {
            Some(found) => readable(shop_of(&found), &found),
            None => Ok(None),
        }
    }

    /// Which vendor the item of this handle names, and the item's version, 0 when there is none. Releases before
    /// 2026-12-03 wrote it when a vendor was opened.
    pub async fn holder_of_shop_handle(&self, handle: &Handle) -> Result<(Option<VendorId>, u64), Error> {
        let found = get(&self.client, &self.table, Entry::ShopHandle(handle).key(), true).await?;
        let holder = found.as_ref().and_then(|found| text(found, "owner")?.parse().ok());
        Ok((holder, found.as_ref().map_or(0, version)))
    }

    /// The action that takes a handle for a vendor that is approved: one of nobody's, its own, or that of a vendor who
    /// was never approved. It fails when anybody was approved with the handle since its item was read at this version:
    /// each approval writes the item, its holder's too.
    pub(crate) fn claim_handle_action(
        &self,
        handle: &Handle,
        vendor: VendorId,
        loaded: u64,
    ) -> Result<TransactWriteItem, Error> {
        let mut taken = raw_item(Entry::ShopHandle(handle).key(), HANDLE, loaded + 1, "{}".to_owned());
        taken.insert("owner".to_owned(), string(vendor.to_string()));
        put(&self.table, taken, &Condition::at_version(loaded))
    }

    /// A vendor's shop as it is stored, read consistently; nothing when it cannot be read, since it is made from the
    /// private account.
    pub(crate) async fn shop_of(&self, vendor: VendorId) -> Result<Option<Shop>, Error> {
        match get(&self.client, &self.table, Entry::Shop(vendor).key(), true).await? {
            Some(found) => readable(shop_of(&found), &found),
            None => Ok(None),
        }
    }

    /// The category tree; empty before it was saved for the first time.
    pub async fn categories(&self) -> Result<CategoryTree, Error> {
        self.tree(false).await
    }

    /// The same, read consistently.
    pub async fn current_categories(&self) -> Result<CategoryTree, Error> {
        self.tree(true).await
    }

    /// The category tree that a new one takes the place of. One that cannot be read is empty, with its item's version:
    /// nothing but another tree mends it.
    pub async fn replaceable_categories(&self) -> Result<CategoryTree, Error> {
        let Some(found) = get(&self.client, &self.table, Entry::Categories.key(), true).await? else {
            return Ok(CategoryTree::default());
        };
        let unreadable = || CategoryTree { version: version(&found), ..CategoryTree::default() };
        Ok(readable(read(&found), &found)?.unwrap_or_else(unreadable))
    }

    async fn tree(&self, consistent: bool) -> Result<CategoryTree, Error> {
        match get(&self.client, &self.table, Entry::Categories.key(), consistent).await? {
            Some(found) => read(&found),
            None => Ok(CategoryTree::default()),
        }
    }

    /// Writes the category tree, if it is still at the version that was read. `respond` makes the response from the
    /// tree as it is written, with its new version.
    pub async fn save_categories<R>(
        &self,
        tree: &CategoryTree,
        respond: impl FnOnce(&CategoryTree) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let saved = CategoryTree { version: tree.version + 1, ..tree.clone() };
        let written = write(Entry::Categories.key(), saved.version, &saved)?;
        let condition = Condition::at_version(tree.version);
        Ok(put_one(&self.client, &self.table, Some((written, &condition)), respond(&saved)?).await?)
    }

    /// The action that writes a vendor's public shop, which carries the version of the private account. It is found by
    /// its handle once that is its own.
    pub(crate) fn publish_action(&self, shop: &Shop, loaded: u64) -> Result<TransactWriteItem, Error> {
        let mut written = write(Entry::Shop(shop.card.id).key(), shop.version, shop)?;
        if shop.holds_handle() {
            written.insert("handle_key".to_owned(), string(shop_handle(&shop.card.handle)));
            written.insert("handle_sort".to_owned(), string("1"));
        }
        put(&self.table, written, &Condition::at_version(loaded))
    }
}

pub(super) fn shop_of(found: &Attributes) -> Result<Shop, Error> {
    read(found)
}
