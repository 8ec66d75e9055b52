//! Products: one transaction writes a product with its handle, its availability and its listing rows.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::catalog::{Alike, Availability, FileColumns, MAX_PRODUCT_BYTES, Product};
use domain::pricing::CatalogSnapshot;
use domain::text::{Handle, InLanguages};
use domain::{Code, LowStock, Outcome, Prepared, ProductId, Refusal, Timestamp, VendorId};

use super::handles::{HandleHolder, LEADS_UNTIL, holder_of, place_of, set_product_keys};
use super::listing::Rows;
use super::{
    AVAILABILITY, Catalog, DESCRIPTION, DESCRIPTIONS, Entry, PRODUCT, ProductAt, ProductPage, SHOP, product_handle,
    vendor_products,
};
use crate::error::Failure;
use crate::idempotency::transact;
use crate::item::{Attributes, Condition, body, delete, integer, item, put, readable, string, text, version};
use crate::retry::{QueryRequest, batch, query};
use crate::stored::{check_known, read, write};
use crate::transaction::{MAX_ACTIONS, Purpose, Transaction};
use crate::{Backoff, Decision, Error, Orders, Stock};

/// Makes the response from a product as it is written, with its new version.
pub type Respond<'a, R> = &'a (dyn Fn(&StoredProduct) -> Result<Prepared<R>, Refusal> + Send + Sync);

/// For a change that answers nobody.
const NOBODY: Respond<'static, ()> = &|_| Ok(((), None));

/// A product as it is stored, with the versions that a write checks.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredProduct {
    pub product: Product,
    /// The long description: sanitised HTML.
    pub description_html: String,
    /// The descriptions in other languages than its own, sanitised like it.
    pub descriptions: InLanguages<String>,
    /// Whether these are at a handle that it had: a release that does not know them has renamed it.
    descriptions_stay_behind: bool,
    /// The availability that pages show, which may lag behind the stock.
    pub availability: Availability,
    pub(super) availability_version: u64,
    /// What product files say of it beyond what is used, for imports and exports; nothing when it was not read, and
    /// then it is not written.
    pub file_columns: Option<FileColumns>,
}

impl StoredProduct {
    /// A product that is not stored yet.
    pub fn new(product: Product, description_html: String) -> Self {
        Self {
            product,
            description_html,
            descriptions: InLanguages::new(),
            descriptions_stay_behind: false,
            availability: Availability::default(),
            availability_version: 0,
            file_columns: None,
        }
    }
}

/// The versions up to this one that differ in their pictures only.
fn alike(loaded: Option<&StoredProduct>, stored: &StoredProduct, now: u64) -> Option<Alike> {
    let loaded = loaded?;
    let is_alike = stored.product.differs_in_pictures_only(&loaded.product)
        && loaded.description_html == stored.description_html
        && loaded.descriptions == stored.descriptions;
    let before = loaded.product.alike.filter(|before| before.to == loaded.product.version);
    is_alike.then(|| Alike { from: before.map_or(loaded.product.version, |before| before.from), to: now })
}

impl Catalog {
    /// The page of a product: one query reads the product, its descriptions and its availability. It also finds where a
    /// handle leads that was given up less than a year ago.
    pub async fn product_page(&self, handle: &Handle, now: Timestamp) -> Result<ProductAt, Error> {
        let found =
            query(&self.client, QueryRequest::of(&self.table, "by_handle", ("handle_key", product_handle(handle))))
                .await?;
        if let Some(stored) = assemble(&found.items)? {
            let StoredProduct { product, description_html, descriptions, availability, .. } = stored;
            let page = ProductPage { product, description_html, descriptions, availability };
            return Ok(ProductAt::Here(Box::new(page)));
        }
        let leads = |item: &&Attributes| integer(item, LEADS_UNTIL).is_some_and(|until| until > now.seconds());
        let owner = found.items.iter().find(leads).and_then(|item| text(item, "owner")?.parse().ok());
        let renamed = match owner {
            Some(owner) => self.product_alone(owner).await?,
            None => None,
        };
        Ok(renamed.map_or(ProductAt::Nowhere, |product| ProductAt::Renamed(Box::new(product))))
    }

    /// A product with its descriptions and availability, read consistently.
    pub async fn product(&self, id: ProductId) -> Result<Option<StoredProduct>, Error> {
        let entries = [Entry::Product(id), Entry::Description(id), Entry::Descriptions(id), Entry::Availability(id)];
        let keys = entries.iter().map(Entry::key).collect();
        let found = batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        let items: Vec<Attributes> = found.into_iter().map(|(_, item)| item).collect();
        assemble(&items)
    }

    /// A product without its description and availability, for who only needs its names.
    pub async fn product_alone(&self, id: ProductId) -> Result<Option<Product>, Error> {
        let found = crate::retry::get(&self.client, &self.table, Entry::Product(id).key(), false).await?;
        found.map(|found| body(&found, PRODUCT)).transpose()
    }

    /// Who has this handle, if the vendor cannot take it. Read from the item that keeps handles unique.
    pub async fn holder_of_handle(&self, handle: &Handle, vendor: VendorId) -> Result<Option<HandleHolder>, Error> {
        let found = crate::retry::get(&self.client, &self.table, Entry::ProductHandle(handle).key(), true).await?;
        Ok(found.as_ref().and_then(|found| holder_of(found, vendor)))
    }

    /// The query of a vendor's products, oldest first.
    pub(super) fn products_query(&self, vendor: VendorId) -> QueryRequest {
        QueryRequest::of(&self.table, "by_vendor", ("vendor_key", vendor_products(vendor)))
    }

    /// The table and the keys of a product, its availability and, when its vendor is in the cache, its shop: for a read
    /// together with another table.
    pub(crate) fn product_keys(&self, id: ProductId) -> (String, Vec<Attributes>) {
        let mut keys = vec![Entry::Product(id).key(), Entry::Availability(id).key()];
        keys.extend(self.vendors.of(id).map(|vendor| Entry::Shop(vendor).key()));
        (self.table.clone(), keys)
    }

    /// The snapshot of the items found under the keys of a product.
    pub(crate) fn product_snapshot<'a>(
        &self,
        found: impl Iterator<Item = &'a Attributes>,
    ) -> Result<CatalogSnapshot, Error> {
        let snapshot = snapshot_of(found)?;
        self.vendors.remember(&snapshot);
        Ok(snapshot)
    }

    /// Writes a new product. A handle that is taken is refused.
    pub async fn add<R>(&self, new: &StoredProduct, respond: Respond<'_, R>) -> Result<Outcome<R>, Error> {
        Ok(self.write(None, new, respond).await?.1)
    }

    /// Writes a new or changed product for nobody who waits for a response.
    pub async fn put(&self, loaded: Option<&StoredProduct>, changed: &StoredProduct) -> Result<(), Error> {
        self.write(loaded, changed, NOBODY).await.map(drop)
    }

    /// Changes a product: loads it, decides, and writes it if neither it nor its availability has changed since; when
    /// another change comes first, begins again. `respond` makes the response from the product as it is written, with
    /// its new version, and from what else was decided.
    pub async fn change<D: Sync, R, E: From<Error>, Deciding>(
        &self,
        id: ProductId,
        decide: impl Fn(StoredProduct) -> Deciding,
        respond: impl Fn(&StoredProduct, &D) -> Result<Prepared<R>, Refusal> + Send + Sync,
    ) -> Result<(Outcome<R>, D), E>
    where
        Deciding: Future<Output = Result<Decision<StoredProduct, D>, E>>,
    {
        let mut backoff = Backoff::default();
        loop {
            let loaded = self.product(id).await?.ok_or_else(|| Error::from(Refusal::of(Code::NotFound)))?;
            if let Decision::Write(changed, more) = decide(loaded.clone()).await? {
                let respond = |stored: &StoredProduct| respond(stored, &more);
                match self.write_if_changed(&loaded, &changed, &respond).await {
                    Err(Error::Conflict) => {}
                    done => return Ok((done?, more)),
                }
            }
            backoff.pause().await?;
        }
    }

    async fn write_if_changed<R>(
        &self,
        loaded: &StoredProduct,
        changed: &StoredProduct,
        respond: Respond<'_, R>,
    ) -> Result<Outcome<R>, Error> {
        if changed != loaded {
            return Ok(self.write(Some(loaded), changed, respond).await?.1);
        }
        Ok(transact(&self.client, &self.table, Transaction::default(), respond(loaded)?).await?)
    }

    /// Deletes a product with its description, availability, handle and stock. A conflict when units are reserved for
    /// buyers: their shards must stay, so that the units can be shipped or released. Once the shards are gone, nothing
    /// of the product can be sold.
    pub async fn delete<R>(
        &self,
        loaded: &StoredProduct,
        stock: &Stock,
        response: Prepared<R>,
    ) -> Result<Outcome<R>, Error> {
        let product = &loaded.product;
        check_known(product)?;
        let unlisted = if product.is_for_sale() {
            let mut draft = loaded.clone();
            draft.product.unpublish();
            // The response is stored with the last transaction, not with this one.
            self.write(Some(loaded), &draft, NOBODY).await?.0
        } else {
            loaded.clone()
        };
        self.give_up_pictures(product, |_| true).await?;
        let owner = Condition::of("attribute_not_exists(pk) OR #owner = :id")
            .name("#owner", "owner")
            .value(":id", string(product.id.to_string()));
        let shards: Vec<_> =
            product.variants.iter().map(|variant| (variant.id, variant.layout().peak_shards)).collect();
        let mut deletions = stock.delete_actions(&shards)?;
        // Product, descriptions, availability, handle and what files have of it take seven actions, a stored response
        // one. The shards that do not fit are deleted after the product, when nobody can buy it any more.
        let later = deletions.split_off(deletions.len().min(MAX_ACTIONS - 8));
        let mut actions = vec![
            delete(&self.table, Entry::Product(product.id).key(), &Condition::at_version(unlisted.product.version))?,
            delete(
                &self.table,
                Entry::Description(product.id).key(),
                &Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)"),
            )?,
            delete(
                &self.table,
                Entry::Descriptions(product.id).key(),
                &Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)"),
            )?,
            delete(
                &self.table,
                Entry::Availability(product.id).key(),
                &Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)"),
            )?,
        ];
        if !product.awaits_handle {
            actions.push(delete(&self.table, Entry::ProductHandle(&product.handle).key(), &owner)?);
        }
        actions.extend(self.delete_file_actions(product)?);
        actions.extend(deletions);
        let outcome = transact(&self.client, &self.table, Transaction::of(Purpose::Item, actions), response).await?;
        for chunk in later.chunks(MAX_ACTIONS) {
            if let Err(error) = Transaction::of(Purpose::Item, chunk.to_vec()).run(&self.client).await {
                // Units were reserved in the meantime: their shards stay, so that the units can be shipped or released.
                tracing::warn!(
                    product.id = %product.id, cause = %Error::from(error), "stock shards of a deleted product stay"
                );
            }
        }
        Ok(outcome)
    }

    async fn write<R>(
        &self,
        loaded: Option<&StoredProduct>,
        changed: &StoredProduct,
        respond: Respond<'_, R>,
    ) -> Result<(StoredProduct, Outcome<R>), Error> {
        let rows_of =
            |stored: &StoredProduct| stored.product.listing_rows(stored.product.is_available(&stored.availability));
        let now = loaded.map_or(0, |loaded| loaded.product.version) + 1;
        let mut stored = changed.clone();
        self.follow_pictures(loaded.map(|loaded| &loaded.product), &mut stored.product).await?;
        stored.product.alike = alike(loaded, &stored, now);
        let rows = Rows { before: loaded.map(rows_of).unwrap_or_default(), after: rows_of(&stored) };
        stored.product.version = now;
        let mut actions = Vec::new();
        let mut transaction = self.handle_actions(loaded.map(|loaded| &loaded.product), &stored.product)?;
        actions.push(self.put_product_action(&stored.product, loaded.map_or(0, |loaded| loaded.product.version))?);
        let handle_changed = loaded.is_none_or(|loaded| place_of(&loaded.product) != place_of(&stored.product));
        if handle_changed || loaded.is_some_and(|loaded| loaded.description_html != stored.description_html) {
            let mut description =
                item(Entry::Description(stored.product.id).key(), DESCRIPTION, now, &stored.description_html)?;
            set_product_keys(&mut description, &stored.product, "3");
            let condition = Condition::of("attribute_not_exists(pk) OR #version < :now")
                .name("#version", "version")
                .value(":now", crate::item::number(now));
            actions.push(put(&self.table, description, &condition)?);
        }
        let former = loaded.map(|loaded| &loaded.descriptions);
        if former.unwrap_or(&InLanguages::new()) != &stored.descriptions
            || ((handle_changed || stored.descriptions_stay_behind) && !stored.descriptions.is_empty())
        {
            actions.push(self.descriptions_action(&stored, now)?);
        }
        actions.extend(self.file_actions(loaded, &stored)?);
        let listed = rows.to_delete().next().is_some() || rows.to_put().next().is_some();
        if listed || handle_changed {
            // The rows show whether the product can be bought, so the availability that they are made from must not
            // change in between.
            stored.availability_version = changed.availability_version + 1;
            actions.push(self.put_availability_action(
                &stored.product,
                &stored.availability,
                changed.availability_version,
            )?);
        }
        for row in rows.to_put() {
            actions.push(self.put_row_action(row, now)?);
        }
        // A change of category can touch more rows than fit into one transaction: the rows in lists that the product
        // has left go after it then. A crash in between leaves them, and the product in more lists than it should be
        // until `rebuilds listings` finds them; never in fewer.
        let mut left = rows.to_delete().map(|row| self.delete_row_action(row, now)).collect::<Result<Vec<_>, _>>()?;
        let room = MAX_ACTIONS.saturating_sub(transaction.len() + actions.len() + 1);
        let later = if left.len() > room { std::mem::take(&mut left) } else { Vec::new() };
        actions.append(&mut left);
        transaction.append(Transaction::of(Purpose::Item, actions));
        let outcome = match transact(&self.client, &self.table, transaction, respond(&stored)?).await {
            Err(Failure::Cancelled(cancelled)) if cancelled.refused(Purpose::Handle) => {
                let detail = format!("the handle {} is taken", stored.product.handle);
                return Err(Refusal::because(Code::HandleTaken, detail).into());
            }
            outcome => outcome?,
        };
        if !later.is_empty()
            && matches!(outcome, Outcome::Done(_))
            && let Err(error) = Transaction::of(Purpose::Item, later).run(&self.client).await
        {
            tracing::warn!(
                product.id = %stored.product.id, cause = %Error::from(error), "rows in lists that a product has left stay"
            );
        }
        Ok((stored, outcome))
    }

    /// Writes the descriptions in other languages, or deletes their item when there are none.
    fn descriptions_action(&self, stored: &StoredProduct, now: u64) -> Result<TransactWriteItem, Error> {
        let key = Entry::Descriptions(stored.product.id).key();
        let condition = Condition::of("attribute_not_exists(pk) OR #version < :now")
            .name("#version", "version")
            .value(":now", crate::item::number(now));
        if stored.descriptions.is_empty() {
            return delete(&self.table, key, &condition);
        }
        let mut descriptions = item(key, DESCRIPTIONS, now, &stored.descriptions)?;
        set_product_keys(&mut descriptions, &stored.product, "4");
        put(&self.table, descriptions, &condition)
    }

    fn put_product_action(&self, product: &Product, loaded: u64) -> Result<TransactWriteItem, Error> {
        let mut written = write(Entry::Product(product.id).key(), product.version, product)?;
        if text(&written, "data").is_some_and(|data| data.len() > product.most_bytes()) {
            let detail = format!("a product with its variants takes at most {MAX_PRODUCT_BYTES} bytes");
            return Err(Refusal::because(Code::LimitReached, detail).into());
        }
        set_product_keys(&mut written, product, "1");
        written.insert("vendor_key".to_owned(), string(vendor_products(product.vendor.id)));
        written.insert("vendor_sort".to_owned(), string(product.id.to_string()));
        put(&self.table, written, &Condition::at_version(loaded))
    }

    pub(super) fn put_availability_action(
        &self,
        product: &Product,
        availability: &Availability,
        loaded: u64,
    ) -> Result<TransactWriteItem, Error> {
        let mut written = write(Entry::Availability(product.id).key(), loaded + 1, availability)?;
        set_product_keys(&mut written, product, "2");
        put(&self.table, written, &Condition::at_version(loaded))
    }

    /// Writes how many units are left of some of a product's variants. The listing rows change only when the product
    /// sells out or can be bought again. The product must be read before its stock: a write in between is a conflict,
    /// so that an older reading of the stock never replaces a newer one.
    ///
    /// The event that a variant's stock is low is emitted in the same transaction, so that it is emitted once: of
    /// several writers that see it at the same time, one succeeds.
    pub async fn save_availability(
        &self,
        loaded: &StoredProduct,
        left: &BTreeMap<domain::VariantId, i64>,
        low: Option<(&LowStock, &Orders)>,
    ) -> Result<(), Error> {
        let mut changed = loaded.availability.clone();
        changed.available.retain(|variant, _| loaded.product.variant(*variant).is_some());
        for (variant, units) in left {
            if loaded.product.variant(*variant).is_some() {
                changed.available.insert(*variant, *units);
            }
        }
        // For a variant with several shards another writer may hold an older reading: write a new version even when
        // nothing differs, so that its write conflicts.
        let is_sharded = |variant: &domain::VariantId| {
            loaded.product.variant(*variant).is_some_and(|known| known.layout().peak_shards > 1)
        };
        if changed == loaded.availability && !left.keys().any(is_sharded) {
            return Ok(());
        }
        let mut actions = vec![self.put_availability_action(&loaded.product, &changed, loaded.availability_version)?];
        if let Some((low, events)) = low {
            actions.push(events.low_stock_action(low)?);
        }
        let available = loaded.product.is_available(&changed);
        if available != loaded.product.is_available(&loaded.availability) {
            let version = loaded.product.version;
            for row in loaded.product.listing_rows(available) {
                actions.push(self.put_row_action(&row, version)?);
            }
        }
        Transaction::of(Purpose::Item, actions).run(&self.client).await.map_err(Error::from)
    }
}

/// Makes a snapshot of products, availabilities and shops; items of other kinds are skipped. What cannot be read is not
/// in it, so that nothing of it can be bought.
pub(super) fn snapshot_of<'a>(found: impl Iterator<Item = &'a Attributes>) -> Result<CatalogSnapshot, Error> {
    let mut snapshot = CatalogSnapshot::default();
    for found in found {
        match text(found, "kind") {
            Some(PRODUCT) => {
                if let Some(product) = readable(product_of(found), found)? {
                    snapshot.products.insert(product.id, product);
                }
            }
            Some(AVAILABILITY) => {
                let id = text(found, "pk").and_then(|pk| pk.strip_prefix("PRODUCT#")).and_then(|id| id.parse().ok());
                if let (Some(id), Some(availability)) = (id, readable(read(found), found)?) {
                    snapshot.availability.insert(id, availability);
                }
            }
            Some(SHOP) => {
                if let Some(shop) = readable(super::shops::shop_of(found), found)? {
                    snapshot.shops.insert(shop.card.id, shop);
                }
            }
            _ => {}
        }
    }
    Ok(snapshot)
}

pub(super) fn product_of(found: &Attributes) -> Result<Product, Error> {
    read(found)
}

pub(super) fn assemble(items: &[Attributes]) -> Result<Option<StoredProduct>, Error> {
    let of_kind = |kind: &str| items.iter().find(|item| text(item, "kind") == Some(kind));
    let Some(product) = of_kind(PRODUCT) else { return Ok(None) };
    let availability = of_kind(AVAILABILITY);
    // A release that does not know them leaves them behind when it deletes a product, and another may have its handle.
    let is_own =
        |item: &&Attributes| text(item, "kind") == Some(DESCRIPTIONS) && text(item, "pk") == text(product, "pk");
    let descriptions = items.iter().find(is_own);
    Ok(Some(StoredProduct {
        product: product_of(product)?,
        description_html: of_kind(DESCRIPTION).map(|found| body(found, DESCRIPTION)).transpose()?.unwrap_or_default(),
        descriptions: descriptions.map(|found| body(found, DESCRIPTIONS)).transpose()?.unwrap_or_default(),
        descriptions_stay_behind: descriptions
            .is_some_and(|found| text(found, "handle_key") != text(product, "handle_key")),
        availability: availability.map(read).transpose()?.unwrap_or_default(),
        availability_version: availability.map_or(0, version),
        file_columns: None,
    }))
}
