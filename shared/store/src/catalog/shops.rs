//! Shops, and the category tree.

use domain::catalog::CategoryTree;
use domain::text::Handle;
use domain::vendor::Shop;
use domain::{Outcome, Prepared, Refusal, VendorId};

use super::{Catalog, Entry, HANDLE, shop_handle};
use crate::Error;
use crate::idempotency::put_one;
use crate::item::{Attributes, Condition, put, raw_item, readable, string, version};
use crate::retry::{QueryRequest, get, query};
use crate::stored::{read, write};
use crate::transaction::{Purpose, Transaction};

impl Catalog {
    /// The shop with this handle, in any state.
    pub async fn shop(&self, handle: &Handle) -> Result<Option<Shop>, Error> {
        let found =
            query(&self.client, QueryRequest::of(&self.table, "by_handle", ("handle_key", shop_handle(handle))))
                .await?;
        found.items.first().map(shop_of).transpose()
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

    /// The actions that write a vendor's public shop, which carries the version of the private account. A new shop
    /// (`loaded` is 0) takes its handle as well.
    pub(crate) fn publish_actions(&self, shop: &Shop, loaded: u64) -> Result<Transaction, Error> {
        let mut written = write(Entry::Shop(shop.card.id).key(), shop.version, shop)?;
        written.insert("handle_key".to_owned(), string(shop_handle(&shop.card.handle)));
        written.insert("handle_sort".to_owned(), string("1"));
        let mut transaction = Transaction::default();
        transaction.add(Purpose::Item, put(&self.table, written, &Condition::at_version(loaded))?);
        if loaded == 0 {
            let mut taken = raw_item(Entry::ShopHandle(&shop.card.handle).key(), HANDLE, 1, "{}".to_owned());
            taken.insert("owner".to_owned(), string(shop.card.id.to_string()));
            transaction.add(Purpose::Handle, put(&self.table, taken, &Condition::absent())?);
        }
        Ok(transaction)
    }
}

pub(super) fn shop_of(found: &Attributes) -> Result<Shop, Error> {
    read(found)
}
