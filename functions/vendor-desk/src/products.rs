//! The vendor's own products.

use std::collections::{BTreeMap, BTreeSet};

use api::{
    Answer, Caller, Cursor, Idempotent, IfMatch, Json, Limit, NoBody, Now, Page, Path, Problem, Query, ScopedRequest,
    VendorHeader, Versioned, replay_or_run,
};
use axum::extract::State;
use domain::catalog::{Product, Variant};
use domain::stock::StockShard;
use domain::text::Handle;
use domain::vendor::{Permission, VendorAccount};
use domain::{Code, Coded, ProductId, Refusal, VariantId, VendorId};
use serde::Deserialize;
use store::catalog::StoredProduct;
use store::{Catalog, Error};
use utoipa::IntoParams;

use crate::input::{Built, InitialStock, WriteProduct, build};
use crate::view::{ShardsByVariant, VendorProduct, product_answer};
use crate::{App, MAX_ATTEMPTS, scoped_to_member};

const PRODUCTS: &str = "/v1/vendor/products/";

/// Which page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListProducts {
    /// The most products of a page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The `next` of the previous page; nothing for the first.
    cursor: Option<String>,
}

impl App {
    /// The product with this id, if it is the vendor's; another vendor's product is answered like a missing one.
    pub(crate) async fn own_product(&self, id: ProductId, vendor: VendorId) -> Result<StoredProduct, Problem> {
        let stored = self.catalog.product(id).await?.filter(|stored| stored.product.vendor.id == vendor);
        stored.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }

    /// The product as its vendor sees it, with its current stock.
    pub(crate) async fn view_of(
        &self,
        stored: &StoredProduct,
        account: &VendorAccount,
    ) -> Result<VendorProduct, Problem> {
        let shards = self.stock.shards(&shard_counts(&stored.product)).await?;
        Ok(VendorProduct::new(&stored.product, Some(stored.description_html.clone()), &shards, account.currency))
    }

    /// Rebalances the variants whose number of shards has changed.
    async fn rebalance_changed(&self, before: &Product, after: &Product) {
        for variant in &after.variants {
            if before.variant(variant.id).is_some_and(|former| former.shards != variant.shards) {
                self.rebalance(variant).await;
            }
        }
    }

    /// Writes a new product, and answers with its initial stock. A taken handle is refused when the vendor chose it;
    /// one that was made from the title gets a suffix (`may_give_way`).
    async fn add_product(
        &self,
        built: Built,
        may_give_way: bool,
        account: &VendorAccount,
        call: &ScopedRequest,
    ) -> Result<Answer, Problem> {
        let mut new = StoredProduct::new(built.product, built.description_html);
        let shards = initial_shards(&built.initial_stock);
        let suggested = new.product.handle.clone();
        if self.is_known_in_files(&suggested, &new.product).await? {
            if !may_give_way {
                return Err(Refusal::of(Code::HandleTaken).into());
            }
            new.product.handle = other_handle(&suggested, &account.card.handle, 2)?;
        }
        for attempt in 2..=u32::try_from(MAX_ATTEMPTS).unwrap_or(8) {
            let mut stored = new.clone();
            stored.product.version = 1;
            let answer = product_answer(&stored, &shards, account)?.at(format!("{PRODUCTS}{}", new.product.id));
            match self.catalog.storing(call.stored(&answer)?).add(&new).await {
                Ok(_) => return Ok(answer),
                Err(error) if error.code() == Code::HandleTaken && may_give_way => {
                    new.product.handle = other_handle(&suggested, &account.card.handle, attempt)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::of(Code::HandleTaken).into())
    }

    /// Whether another product of the same vendor has this handle in their files, though a different one here: a second
    /// product with this handle would share its rows in an export.
    async fn is_known_in_files(&self, handle: &Handle, product: &Product) -> Result<bool, Error> {
        let vendor = &product.vendor;
        let others = (2..=u32::try_from(MAX_ATTEMPTS).unwrap_or(8))
            .filter_map(|at| other_handle(handle, &vendor.handle, at).ok());
        let ids: BTreeSet<ProductId> = self
            .catalog
            .products_with_handles(&others.collect())
            .await?
            .into_values()
            .filter(|id| *id != product.id)
            .collect();
        let found = if ids.is_empty() { BTreeMap::new() } else { self.catalog.products(&ids).await? };
        let is_it = |known: &Product| known.vendor.id == vendor.id && known.file_handle.as_ref() == Some(handle);
        Ok(found.values().any(|stored| is_it(&stored.product)))
    }

    /// Writes a changed product. Answers with its stock after the change, and with the initial stock of new variants.
    async fn replace(
        &self,
        loaded: &StoredProduct,
        built: Built,
        account: &VendorAccount,
        call: &ScopedRequest,
    ) -> Result<(Answer, InitialStock), Problem> {
        let renamed = &built.product.handle;
        if *renamed != loaded.product.handle && self.is_known_in_files(renamed, &loaded.product).await? {
            return Err(Refusal::of(Code::HandleTaken).into());
        }
        self.check_nothing_is_reserved(&loaded.product, |variant| built.product.variant(variant.id).is_none()).await?;
        let mut changed = loaded.clone();
        changed.availability.available.retain(|variant, _| built.product.variant(*variant).is_some());
        changed.product = built.product;
        changed.description_html = built.description_html;
        let mut shards = self.stock.shards(&shard_counts(&changed.product)).await?;
        shards.extend(initial_shards(&built.initial_stock));
        let mut stored = changed.clone();
        stored.product.version = self.catalog.version_after(loaded, &changed);
        let answer = product_answer(&stored, &shards, account)?;
        self.catalog.storing(call.stored(&answer)?).save(loaded, &changed).await?;
        self.rebalance_changed(&loaded.product, &changed.product).await;
        Ok((answer, built.initial_stock))
    }

    /// Writes the initial stock of new variants. A replay completes a first call that was interrupted: as long as the
    /// product has the version that the call gave it, variants without any shard get their initial stock.
    async fn begin_stock(
        &self,
        initial_stock: &InitialStock,
        answer: &Answer,
        id: ProductId,
        written: &WriteProduct,
    ) -> Result<(), Problem> {
        if !answer.is_replayed() {
            self.stock.create(initial_stock).await?;
            return Ok(());
        }
        let Some(stored) = self.catalog.product(id).await? else { return Ok(()) };
        if Some(stored.product.version) != answer.version() {
            return Ok(());
        }
        for (variant, units) in stored.product.variants.iter().zip(written.units()) {
            let Some(units) = units else { continue };
            match self.stock.create(&[(variant.id, variant.layout(), units)]).await {
                Ok(()) | Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(())
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
    ) -> Result<(), Problem> {
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

/// The most shards that are read for a page of the list: twenty calls.
const MAX_SHARDS_PER_PAGE: usize = 2_000;

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

/// Lists the vendor's products, newest first.
#[utoipa::path(
    get, path = "/v1/vendor/products",
    params(ListProducts),
    responses((status = OK, body = Page<VendorProduct>))
)]
pub async fn list_vendor_products(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Query(asked): Query<ListProducts>,
) -> Result<Json<Page<VendorProduct>>, Problem> {
    let member = app.member(caller.user, vendor_id, Permission::ReadProducts).await?;
    let vendor = member.account.card.id;
    let partition = Catalog::vendor_partition(vendor);
    let scope = format!("GET /v1/vendor/products|{partition}");
    let start = match &asked.cursor {
        Some(cursor) => Some(Cursor::decode(cursor, &scope, ("vendor_key", &format!("s{partition}")))?),
        None => None,
    };
    let limit = u16::try_from(asked.limit.get()).unwrap_or(20);
    let mut page = app.catalog.products_of(vendor, limit, start.clone()).await?;
    let fitting = fitting(&page.items);
    if fitting < page.items.len() {
        // Read the shorter page again, because its cursor must point behind its last product.
        page = app.catalog.products_of(vendor, u16::try_from(fitting).unwrap_or(1), start).await?;
    }
    let all: Vec<_> = page.items.iter().flat_map(shard_counts).collect();
    let shards = app.stock.shards(&all).await?;
    let items =
        page.items.iter().map(|product| VendorProduct::new(product, None, &shards, member.account.currency)).collect();
    Ok(Json(Page { items, next: page.next.map(|key| Cursor::encode(&scope, &key)) }))
}

/// Creates a product as a draft.
#[utoipa::path(
    post, path = "/v1/vendor/products", request_body = WriteProduct,
    responses((status = CREATED, body = VendorProduct))
)]
pub async fn create_vendor_product(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Idempotent { body: Json(written), call }: Idempotent<Json<WriteProduct>>,
) -> Result<Answer, Problem> {
    let member = app.member(caller.user, vendor_id, Permission::EditProducts).await?;
    let vendor = member.account.card.id;
    let call = scoped_to_member(call, caller.user, vendor);
    let tree = app.catalog.categories().await?;
    let built = build(&written, None, &member.account.card, &tree, &mut platform::ids(now))?;
    let initial_stock = built.initial_stock.clone();
    let added = app.add_product(built, written.handle.is_none(), &member.account, &call);
    let answer = replay_or_run(app.catalog.stored_response(call.as_idempotent()), added).await?;
    let location =
        answer.location().and_then(|location| location.strip_prefix(PRODUCTS)).and_then(|id| id.parse().ok());
    let id = location.ok_or_else(|| Problem::internal("a product without a location"))?;
    app.begin_stock(&initial_stock, &answer, id, &written).await?;
    Ok(answer)
}

fn other_handle(suggested: &Handle, vendor: &Handle, attempt: u32) -> Result<Handle, Refusal> {
    let suffix = if attempt == 2 { vendor.to_string() } else { format!("{vendor}-{}", attempt - 1) };
    suggested.with_suffix(&suffix).ok_or_else(|| Refusal::of(Code::HandleTaken))
}

/// Shows a product with its stock.
#[utoipa::path(
    get, path = "/v1/vendor/products/{id}",
    params(("id" = ProductId, Path, description = "The product.")),
    responses((status = OK, body = VendorProduct))
)]
pub async fn show_vendor_product(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<ProductId>,
) -> Result<Versioned<VendorProduct>, Problem> {
    let member = app.member(caller.user, vendor_id, Permission::ReadProducts).await?;
    let stored = app.own_product(id, member.account.card.id).await?;
    Ok(Versioned { version: stored.product.version, body: app.view_of(&stored, &member.account).await? })
}

/// Replaces a product.
///
/// Variants are matched by their ids: one without an id is new, and a stored variant that is not in the body is
/// removed.
#[utoipa::path(
    put, path = "/v1/vendor/products/{id}",
    params(
        ("id" = ProductId, Path, description = "The product.")
    ),
    request_body = WriteProduct, responses((status = OK, body = VendorProduct))
)]
pub async fn replace_vendor_product(
    State(app): State<App>,
    Now(now): Now,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<ProductId>,
    expected: IfMatch,
    Idempotent { body: Json(written), call }: Idempotent<Json<WriteProduct>>,
) -> Result<Answer, Problem> {
    let member = app.member(caller.user, vendor_id, Permission::EditProducts).await?;
    let account = &member.account;
    let call = scoped_to_member(call, caller.user, account.card.id);
    let tree = app.catalog.categories().await?;
    let mut initial_stock = InitialStock::new();
    let answer = replay_or_run(app.catalog.stored_response(call.as_idempotent()), async {
        for _ in 0..MAX_ATTEMPTS {
            let loaded = app.own_product(id, account.card.id).await?;
            expected.check(loaded.product.version)?;
            let built = build(&written, Some(&loaded.product), &account.card, &tree, &mut platform::ids(now))?;
            match app.replace(&loaded, built, account, &call).await {
                Ok((answer, first)) => {
                    initial_stock = first;
                    return Ok(answer);
                }
                // Other edits fail the check of the version above. What remains are changes of the availability by the
                // projection of the Stock table: try again.
                Err(problem) if problem.code() == Code::Conflict && !problem.is_replay() => {}
                Err(problem) => return Err(problem),
            }
        }
        Err(Error::Conflict.into())
    })
    .await?;
    app.begin_stock(&initial_stock, &answer, id, &written).await?;
    Ok(answer)
}

/// Deletes a product with its stock.
///
/// Orders keep their own copy of what they show of it. A product with units that were ordered and not yet shipped
/// cannot be deleted.
#[utoipa::path(
    delete, path = "/v1/vendor/products/{id}",
    params(("id" = ProductId, Path, description = "The product.")),
    responses((status = NO_CONTENT))
)]
pub async fn delete_vendor_product(
    State(app): State<App>,
    caller: Caller,
    VendorHeader(vendor_id): VendorHeader,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
    asked: Idempotent<NoBody>,
) -> Result<Answer, Problem> {
    let member = app.member(caller.user, vendor_id, Permission::EditProducts).await?;
    let vendor = member.account.card.id;
    let call = scoped_to_member(asked.call, caller.user, vendor);
    replay_or_run(app.catalog.stored_response(call.as_idempotent()), async {
        let answer = Answer::no_content();
        for _ in 0..MAX_ATTEMPTS {
            let loaded = app.own_product(id, vendor).await?;
            IfMatch::check_if_given(expected.as_ref(), loaded.product.version)?;
            app.check_nothing_is_reserved(&loaded.product, |_| true).await?;
            match app.catalog.storing(call.stored(&answer)?).delete(&loaded, &app.stock).await {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    })
    .await
}
