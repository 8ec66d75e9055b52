//! The vendor's own products.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use domain::catalog::{CategoryTree, Product, ProductState, Variant};
use domain::settings::Quotas;
use domain::stock::StockShard;
use domain::text::{ContentLanguage, Handle, InLanguages};
use domain::vendor::{Member, Permission};
use domain::{
    Call, Code, Coded, Currency, Expected, Outcome, PageRequest, ProductId, Refusal, Slice, Timestamp, VariantId,
    VendorId,
};
use store::catalog::{FindProducts, HandleHolder, StoredProduct};
use store::{Backoff, Decision};

use crate::draft::{Built, InitialStock, WriteProduct, build};
use crate::{Desk, Done, Error};

/// How many handles are tried for a product whose own is taken.
const MAX_HANDLES: u32 = 8;
/// The most shards that are read for a page of the list: twenty calls.
const MAX_SHARDS_PER_PAGE: usize = 2_000;

/// A product as its vendor sees it.
#[derive(Clone, Debug)]
pub struct OwnProduct {
    pub product: Product,
    /// The sanitised description; absent in lists.
    pub description_html: Option<String>,
    /// The sanitised descriptions in other languages; none in lists.
    pub descriptions: InLanguages<String>,
    /// The units of each variant, of all its shards together.
    pub units: BTreeMap<VariantId, StockShard>,
    /// The vendor's own currency.
    pub currency: Currency,
}

pub(crate) type ShardsByVariant = BTreeMap<VariantId, Vec<StockShard>>;

impl OwnProduct {
    /// The languages in which something is said besides its own.
    pub fn languages(&self) -> BTreeSet<&ContentLanguage> {
        self.product.translations.languages().chain(self.descriptions.languages()).collect()
    }

    pub(crate) fn new(stored: &StoredProduct, shards: &ShardsByVariant, member: &Member) -> Self {
        let listed = Self::listed(stored.product.clone(), shards, member);
        Self {
            description_html: Some(stored.description_html.clone()),
            descriptions: stored.descriptions.clone(),
            ..listed
        }
    }

    fn listed(product: Product, shards: &ShardsByVariant, member: &Member) -> Self {
        let sum = |shards: &Vec<StockShard>| shards.iter().fold(StockShard::default(), |sum, shard| sum.plus(*shard));
        let variants = product.variants.iter();
        let units = variants.filter_map(|variant| Some((variant.id, sum(shards.get(&variant.id)?)))).collect();
        let descriptions = InLanguages::new();
        Self { product, description_html: None, descriptions, units, currency: member.account.currency }
    }
}

/// What a change of a product needs besides the product.
struct Replaced {
    shards: ShardsByVariant,
    initial_stock: InitialStock,
    /// The variants whose number of shards has changed.
    to_rebalance: Vec<Variant>,
}

/// The product, if it is the vendor's; another vendor's is answered like a missing one.
pub(crate) fn own(stored: StoredProduct, vendor: VendorId) -> Result<StoredProduct, Refusal> {
    if stored.product.vendor.id == vendor { Ok(stored) } else { Err(Refusal::of(Code::NotFound)) }
}

impl Desk {
    pub(crate) async fn own_product(&self, id: ProductId, vendor: VendorId) -> Result<StoredProduct, Error> {
        let stored = self.catalog.product(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        Ok(own(stored, vendor)?)
    }

    /// Those of the vendor's products, newest first: as many of a page as their shards allow, at least one.
    pub async fn products(
        &self,
        member: &Member,
        find: &FindProducts,
        page: &PageRequest,
    ) -> Result<Slice<OwnProduct>, Error> {
        member.may(Permission::ReadProducts)?;
        let mut found = self.catalog.products_of(member.vendor(), find, page).await?;
        let fitting = fitting(&found.items);
        if fitting < found.items.len() {
            // Read the shorter page again, because its cursor must point behind its last product.
            let shorter = PageRequest { limit: u16::try_from(fitting).unwrap_or(1), ..page.clone() };
            found = self.catalog.products_of(member.vendor(), find, &shorter).await?;
        }
        let all: Vec<_> = found.items.iter().flat_map(shard_counts).collect();
        let shards = self.stock.shards(&all).await?;
        let own = |product| OwnProduct::listed(product, &shards, member);
        Ok(Slice { items: found.items.into_iter().map(own).collect(), next: found.next })
    }

    /// The categories that a product can be put into.
    pub async fn categories(&self, member: &Member) -> Result<CategoryTree, Error> {
        member.may(Permission::ReadProducts)?;
        Ok(self.catalog.categories().await?)
    }

    /// A product with its stock.
    pub async fn product(&self, member: &Member, id: ProductId) -> Result<OwnProduct, Error> {
        member.may(Permission::ReadProducts)?;
        let stored = self.own_product(id, member.vendor()).await?;
        let shards = self.stock.shards(&shard_counts(&stored.product)).await?;
        Ok(OwnProduct::new(&stored, &shards, member))
    }

    /// Creates a product as a draft, with its initial stock. A taken handle is refused when the vendor chose it; one
    /// that was made from the title gets a suffix.
    pub async fn create_product<R>(
        &self,
        member: &Member,
        written: &WriteProduct,
        call: Call<'_, OwnProduct, R>,
    ) -> Done<R> {
        let now = call.at();
        member.may(Permission::EditProducts)?;
        let (mut initial_stock, mut has_place) = (InitialStock::new(), false);
        let work = async {
            has_place = self.check_product_quota(member, &self.settings.current().await?.quotas, now).await?;
            let tree = self.catalog.categories().await?;
            let mut built = build(written, None, &member.account.card, &tree, &mut platform::ids(now))?;
            built.product.awaits_handle = !member.account.state.holds_handle();
            initial_stock.clone_from(&built.initial_stock);
            self.add_product(member, built, written.handle.is_none(), call).await
        };
        let added = self.catalog.once(call.request(), work).await;
        if has_place && !matches!(added, Ok(Outcome::Done(_))) {
            self.catalog.give_draft_back(member.vendor()).await;
        }
        let added = added?;
        if matches!(added, Outcome::Done(_)) {
            self.stock.create(&initial_stock).await?;
        }
        Ok(added)
    }

    /// Refuses one more product than a vendor may have, and answers whether the place of a draft was taken. Drafts of a
    /// vendor who is not approved are few, and none is too many; the products of others are counted at most every ten
    /// minutes by a sandbox, so that some more may come to be meanwhile.
    async fn check_product_quota(&self, member: &Member, quotas: &Quotas, now: Timestamp) -> Result<bool, Error> {
        let (state, vendor) = (member.account.state, member.vendor());
        let (most, is_draft) = (quotas.products_in(state), !state.holds_handle());
        let is_full = if is_draft {
            !self.catalog.take_draft(vendor, most, now).await?
        } else {
            self.catalog.has_many_products(vendor, most).await?
        };
        if is_full {
            let detail = format!("the vendor has the most products that are allowed: {most}");
            return Err(Refusal::because(Code::LimitReached, detail).into());
        }
        Ok(is_draft)
    }

    async fn add_product<R>(
        &self,
        member: &Member,
        built: Built,
        may_give_way: bool,
        call: Call<'_, OwnProduct, R>,
    ) -> Done<R> {
        let mut new = StoredProduct::new(built.product, built.description_html);
        new.descriptions = built.descriptions.unwrap_or_default();
        let shards = initial_shards(&built.initial_stock);
        let (suggested, vendor) = (new.product.handle.clone(), &member.account.card.handle);
        if !new.product.awaits_handle && self.is_known_in_files(&suggested, &new.product).await? {
            if !may_give_way {
                return Err(Refusal::of(Code::HandleTaken).into());
            }
            new.product.handle = other_handle(&suggested, vendor, 2)?;
        }
        for attempt in 2..=MAX_HANDLES {
            let respond = |stored: &StoredProduct| call.answer(&OwnProduct::new(stored, &shards, member));
            match self.catalog.add(&new, &respond).await {
                Err(error) if error.code() == Code::HandleTaken && may_give_way => {
                    new.product.handle = other_handle(&suggested, vendor, attempt)?;
                }
                done => return Ok(done?),
            }
        }
        Err(Refusal::of(Code::HandleTaken).into())
    }

    /// Whether another product of the same vendor has this handle in their files, though a different one here: a second
    /// product with this handle would share its rows in an export.
    async fn is_known_in_files(&self, handle: &Handle, product: &Product) -> Result<bool, Error> {
        let vendor = &product.vendor;
        let others = (2..=MAX_HANDLES).filter_map(|at| other_handle(handle, &vendor.handle, at).ok());
        let ids: BTreeSet<ProductId> = self
            .catalog
            .holders_of_handles(&others.collect(), vendor.id)
            .await?
            .values()
            .filter_map(HandleHolder::product)
            .filter(|id| *id != product.id)
            .collect();
        let found = if ids.is_empty() { BTreeMap::new() } else { self.catalog.products(&ids).await? };
        let is_it = |known: &Product| {
            known.vendor.id == vendor.id
                && known.file_handle.as_ref().is_some_and(|known| known.as_str().eq_ignore_ascii_case(handle.as_str()))
        };
        Ok(found.values().any(|stored| is_it(&stored.product)))
    }

    /// Replaces a product. Variants are matched by their ids: one without an id is new and gets its initial stock, and
    /// a stored variant that is not written any more is removed.
    pub async fn replace_product<R>(
        &self,
        member: &Member,
        id: ProductId,
        written: &WriteProduct,
        expected: &Expected,
        call: Call<'_, OwnProduct, R>,
    ) -> Done<R> {
        let now = call.at();
        member.may(Permission::EditProducts)?;
        let mut initial_stock = InitialStock::new();
        let work = async {
            let tree = self.catalog.categories().await?;
            let decide = |stored: StoredProduct| async {
                let loaded = own(stored, member.vendor())?;
                loaded.product.check_seen(expected)?;
                let card = &member.account.card;
                let mut built = build(written, Some(&loaded.product), card, &tree, &mut platform::ids(now))?;
                built.product.awaits_handle &= !member.account.state.holds_handle();
                if built.product.handle != loaded.product.handle && !loaded.product.awaits_handle {
                    built.product.renamed_at = Some(now);
                }
                self.decide_replacement(loaded, built).await
            };
            let respond = |stored: &StoredProduct, replaced: &Replaced| {
                call.answer(&OwnProduct::new(stored, &replaced.shards, member))
            };
            let (outcome, replaced) = self.catalog.change(id, decide, respond).await?;
            if matches!(outcome, Outcome::Done(_)) {
                initial_stock = replaced.initial_stock;
                for variant in &replaced.to_rebalance {
                    self.rebalance(variant).await;
                }
            }
            Ok::<_, Error>(outcome)
        };
        let replaced = self.catalog.once(call.request(), work).await?;
        self.stock.create(&initial_stock).await?;
        Ok(replaced)
    }

    async fn decide_replacement(
        &self,
        loaded: StoredProduct,
        built: Built,
    ) -> Result<Decision<StoredProduct, Replaced>, Error> {
        let renamed = &built.product.handle;
        if *renamed != loaded.product.handle && self.is_known_in_files(renamed, &loaded.product).await? {
            return Err(Refusal::of(Code::HandleTaken).into());
        }
        self.check_nothing_is_reserved(&loaded.product, |variant| built.product.variant(variant.id).is_none()).await?;
        let spread = |variant: &&Variant| {
            loaded.product.variant(variant.id).is_some_and(|former| former.shards != variant.shards)
        };
        let to_rebalance = built.product.variants.iter().filter(spread).cloned().collect();
        let mut changed = loaded.clone();
        changed.availability.available.retain(|variant, _| built.product.variant(*variant).is_some());
        changed.product = built.product;
        changed.description_html = built.description_html;
        if let Some(descriptions) = built.descriptions {
            changed.descriptions = descriptions;
        }
        let mut shards = self.stock.shards(&shard_counts(&changed.product)).await?;
        shards.extend(initial_shards(&built.initial_stock));
        Ok(Decision::Write(changed, Replaced { shards, initial_stock: built.initial_stock, to_rebalance }))
    }

    /// Completes the initial stock of a product whose request was interrupted, when it is replayed: as long as the
    /// product has the version that the request gave it, variants without any shard get their initial stock.
    pub async fn complete_initial_stock(
        &self,
        id: ProductId,
        version: Option<u64>,
        written: &WriteProduct,
    ) -> Result<(), Error> {
        let Some(stored) = self.catalog.product(id).await? else { return Ok(()) };
        let written_as = Expected::Versions(version.into_iter().collect());
        if stored.product.check_seen(&written_as).is_err() {
            return Ok(());
        }
        for (variant, units) in stored.product.variants.iter().zip(written.units()) {
            let Some(units) = units else { continue };
            match self.stock.create(&[(variant.id, variant.layout(), units)]).await {
                Ok(()) | Err(store::Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(())
    }

    /// Publishes a product, or makes it a draft again. One that is in the state already stays as it is.
    pub async fn set_product_state<R>(
        &self,
        member: &Member,
        id: ProductId,
        state: ProductState,
        expected: &Expected,
        call: Call<'_, OwnProduct, R>,
    ) -> Done<R> {
        let now = call.at();
        member.may(Permission::EditProducts)?;
        if state == ProductState::Published {
            member.is_approved()?;
        }
        let is_first = AtomicBool::new(true);
        let decide = |stored: StoredProduct| async {
            if !is_first.swap(false, Ordering::Relaxed) {
                // The vendor may have been suspended during the pause.
                let vendor = Some(member.vendor());
                let now = self.accounts.member(member.membership.user, vendor).await?;
                now.membership.check(now.account.state, Permission::EditProducts)?;
            }
            let mut changed = own(stored, member.vendor())?;
            changed.product.check_seen(expected)?;
            let shards = self.stock.shards(&shard_counts(&changed.product)).await?;
            match state {
                ProductState::Published if changed.product.state != state => {
                    if let Some(hidden) = &changed.product.hidden {
                        let detail = format!("the operator hides this product: {}", hidden.reason);
                        return Err(Refusal::because(Code::WrongState, detail).into());
                    }
                    // It was checked when it was written, perhaps by an older version with laxer rules.
                    changed.product.check()?;
                    changed.product.publish(now);
                    changed.product.awaits_handle = false;
                    changed.product.listed = true;
                }
                ProductState::Published | ProductState::Other => {}
                ProductState::Draft => changed.product.unpublish(),
            }
            Ok::<_, Error>(Decision::Write(changed, shards))
        };
        let respond =
            |stored: &StoredProduct, shards: &ShardsByVariant| call.answer(&OwnProduct::new(stored, shards, member));
        let work = async { Ok::<_, Error>(self.catalog.change(id, decide, respond).await?.0) };
        self.catalog.once(call.request(), work).await
    }

    /// Deletes a product with its stock. Orders keep their own copy of what they show of it. A product with units that
    /// were ordered and not yet shipped cannot be deleted.
    pub async fn delete_product<R>(
        &self,
        member: &Member,
        id: ProductId,
        expected: &Expected,
        call: Call<'_, (), R>,
    ) -> Done<R> {
        member.may(Permission::EditProducts)?;
        let work = async {
            let mut backoff = Backoff::default();
            loop {
                let loaded = self.own_product(id, member.vendor()).await?;
                loaded.product.check_seen(expected)?;
                self.check_nothing_is_reserved(&loaded.product, |_| true).await?;
                match self.catalog.delete(&loaded, &self.stock, call.answer(&())?).await {
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        let deleted = self.catalog.once(call.request(), work).await?;
        if matches!(deleted, Outcome::Done(_)) && !member.account.state.holds_handle() {
            self.catalog.give_draft_back(member.vendor()).await;
        }
        Ok(deleted)
    }

    /// Moves the units of a variant to the shards that allocation tries first. Units in other shards are found too,
    /// only later, so a failure is logged and does not fail the request.
    pub(crate) async fn rebalance(&self, variant: &Variant) {
        if let Err(error) = self.stock.rebalance(variant.id, variant.layout()).await {
            tracing::warn!(variant.id = %variant.id, cause = %error, "the stock could not be rebalanced");
        }
    }

    /// Refuses to remove variants of which units are reserved for buyers.
    async fn check_nothing_is_reserved(
        &self,
        product: &Product,
        goes: impl Fn(&&Variant) -> bool,
    ) -> Result<(), Error> {
        let going: Vec<_> = product.variants.iter().filter(goes).collect();
        let shards = self.stock.shards(&going.iter().map(|variant| shard_count(variant)).collect::<Vec<_>>()).await?;
        for variant in going {
            if shards.get(&variant.id).into_iter().flatten().any(|shard| shard.reserved > 0) {
                let detail = format!("{} has units that were ordered and not yet shipped", product.title_of(variant));
                return Err(Refusal::because(Code::WrongState, detail).into());
            }
        }
        Ok(())
    }
}

/// The initial units of each variant as if they were in one shard: an answer only shows their sum.
fn initial_shards(initial_stock: &InitialStock) -> ShardsByVariant {
    let shard = |units| vec![StockShard { available: units, reserved: 0 }];
    initial_stock.iter().map(|(variant, _, units)| (*variant, shard(*units))).collect()
}

fn shard_count(variant: &Variant) -> (VariantId, u16) {
    (variant.id, variant.layout().peak_shards)
}

pub(crate) fn shard_counts(product: &Product) -> Vec<(VariantId, u16)> {
    product.variants.iter().map(shard_count).collect()
}

/// The number of these products that a page shows: at least one, and as many more as [`MAX_SHARDS_PER_PAGE`] allows.
fn fitting(products: &[Product]) -> usize {
    let mut shards = 0_usize;
    let fits = |product: &&Product| {
        shards += shard_counts(product).iter().map(|(_, count)| usize::from(*count)).sum::<usize>();
        shards <= MAX_SHARDS_PER_PAGE
    };
    products.iter().take_while(fits).count().max(1)
}

fn other_handle(suggested: &Handle, vendor: &Handle, attempt: u32) -> Result<Handle, Refusal> {
    let suffix = if attempt == 2 { vendor.to_string() } else { format!("{vendor}-{}", attempt - 1) };
    suggested.with_suffix(&suffix).ok_or_else(|| Refusal::of(Code::HandleTaken))
}
