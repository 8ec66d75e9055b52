//! What product files say of products: the keys by which they tell them, and the columns that are only kept.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::catalog::{FileColumns, FileHeaders, Product};
use domain::{ProductId, VendorId};

use super::{Catalog, Entry, FILE_COLUMNS, FILE_KEY, StoredProduct};
use crate::item::{Attributes, Condition, delete, number, put, raw_item, readable, string, text};
use crate::retry::{batch, delete_one, get, put_one};
use crate::stored::{read, write};
use crate::{Backoff, Error};

impl Catalog {
    /// The products that have these keys in the vendor's files.
    pub async fn products_with_file_keys(
        &self,
        vendor: VendorId,
        file_keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, ProductId>, Error> {
        if file_keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let keys = file_keys.iter().map(|key| Entry::FileKey(vendor, key).key()).collect();
        let found = batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        let beginning = format!("FILE#{vendor}#");
        let owner = |item: &Attributes| {
            let key = text(item, "pk")?.strip_prefix(&beginning)?.to_owned();
            Some((key, text(item, "owner")?.parse().ok()?))
        };
        Ok(found.iter().filter_map(|(_, item)| owner(item)).collect())
    }

    /// Those of these products that are not there at all. Others may be there and cannot be read.
    pub async fn gone_products(&self, ids: &BTreeSet<ProductId>) -> Result<BTreeSet<ProductId>, Error> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let keys = ids.iter().map(|id| Entry::Product(*id).key()).collect();
        let found = batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        let is_there = |id: &ProductId| {
            let key = Entry::Product(*id).key();
            found.iter().any(|(_, item)| text(item, "pk") == text(&key, "pk"))
        };
        Ok(ids.iter().copied().filter(|id| !is_there(id)).collect())
    }

    /// Gives up a key of a vendor's files, if it still belongs to this product: one that is gone, or that has another
    /// key. A release that does not know of keys leaves them behind when it deletes a product.
    pub async fn give_up_file_key(&self, vendor: VendorId, file_key: &str, owner: ProductId) -> Result<(), Error> {
        let key = Entry::FileKey(vendor, file_key).key();
        match delete_one(&self.client, &self.table, key, &free_or_of(owner)).await.map_err(Error::from) {
            // Somebody else has taken it meanwhile.
            Err(Error::Conflict) | Ok(()) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// The columns that the vendor's files had beyond those that are used.
    pub async fn file_headers(&self, vendor: VendorId) -> Result<FileHeaders, Error> {
        let found = get(&self.client, &self.table, Entry::FileHeaders(vendor).key(), true).await?;
        Ok(found.map(|found| readable(read(&found), &found)).transpose()?.flatten().unwrap_or_default())
    }

    /// Adds to the columns that the vendor's files had beyond those that are used. Returns those for which there is no
    /// room.
    pub async fn add_file_headers(&self, vendor: VendorId, headers: &[String]) -> Result<Vec<String>, Error> {
        let mut backoff = Backoff::default();
        loop {
            let known = self.file_headers(vendor).await?;
            let more = FileHeaders { version: known.version + 1, ..known.with(headers) };
            let left_out = headers.iter().filter(|header| !more.has(header)).cloned().collect();
            if more.headers == known.headers {
                return Ok(left_out);
            }
            let item = write(Entry::FileHeaders(vendor).key(), more.version, &more)?;
            match put_one(&self.client, &self.table, item, &Condition::at_version(known.version)).await {
                Ok(()) => return Ok(left_out),
                Err(failed) => match Error::from(failed) {
                    Error::Conflict => backoff.pause().await?,
                    other => return Err(other),
                },
            }
        }
    }

    /// The actions that write what files have of a product, where it differs from what was loaded.
    pub(super) fn file_actions(
        &self,
        loaded: Option<&StoredProduct>,
        stored: &StoredProduct,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let product = &stored.product;
        let mut actions = Vec::new();
        let before = loaded.and_then(|loaded| loaded.file_columns.clone()).unwrap_or_default();
        if let Some(columns) = stored.file_columns.as_ref().filter(|columns| **columns != before) {
            let columns = FileColumns { version: product.version, ..columns.clone() };
            let written = write(Entry::FileColumns(product.id).key(), product.version, &columns)?;
            let condition = Condition::of("attribute_not_exists(pk) OR #version < :now")
                .name("#version", "version")
                .value(":now", number(product.version));
            actions.push(put(&self.table, written, &condition)?);
        }
        let known = loaded.and_then(|loaded| loaded.product.file_key.as_ref());
        if product.file_key.as_ref() != known {
            if let Some(key) = &product.file_key {
                let entry = Entry::FileKey(product.vendor.id, key.as_str());
                let mut taken = raw_item(entry.key(), FILE_KEY, 1, "{}".to_owned());
                taken.insert("owner".to_owned(), string(product.id.to_string()));
                actions.push(put(&self.table, taken, &free_or_of(product.id))?);
            }
            if let Some(key) = known {
                let entry = Entry::FileKey(product.vendor.id, key.as_str());
                actions.push(delete(&self.table, entry.key(), &free_or_of(product.id))?);
            }
        }
        Ok(actions)
    }

    /// The actions that delete what files have of a product.
    pub(super) fn delete_file_actions(&self, product: &Product) -> Result<Vec<TransactWriteItem>, Error> {
        let whatever = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)");
        let mut actions = vec![delete(&self.table, Entry::FileColumns(product.id).key(), &whatever)?];
        if let Some(key) = &product.file_key {
            let entry = Entry::FileKey(product.vendor.id, key.as_str());
            actions.push(delete(&self.table, entry.key(), &free_or_of(product.id))?);
        }
        Ok(actions)
    }
}

/// The key is nobody's, or this product's.
fn free_or_of(product: ProductId) -> Condition {
    Condition::of("attribute_not_exists(pk) OR #owner = :id")
        .name("#owner", "owner")
        .value(":id", string(product.to_string()))
}

/// The kept columns among the items of a product; nothing when they cannot be read, so that they stay as they are.
pub(super) fn file_columns_of(items: &[Attributes]) -> Result<Option<FileColumns>, Error> {
    match items.iter().find(|item| text(item, "kind") == Some(FILE_COLUMNS)) {
        Some(found) => readable(read(found), found),
        None => Ok(Some(FileColumns::default())),
    }
}
