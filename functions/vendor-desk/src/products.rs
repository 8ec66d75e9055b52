//! A seller's own products.

use std::collections::{BTreeMap, BTreeSet};

use api::{
    Answer, Buyer, Call, Cursor, IfMatch, IfMatchHeader, Json, KeyHeader, Keyed, Limit, NoBody, Now, Page, Path,
    Problem, Query, VendorHeader, VendorIdHeader, Versioned, once,
};
use axum::extract::State;
use domain::catalogue::{Product, Variant};
use domain::stock::Counter;
use domain::text::Handle;
use domain::vendor::{Permission, VendorFile};
use domain::{Code, Coded, ProductId, Refusal, VariantId, VendorId};
use serde::Deserialize;
use store::catalog::StoredProduct;
use store::{Catalog, Error};
use utoipa::IntoParams;

use crate::input::{Built, FirstStock, WriteProduct, build};
use crate::view::{Counters, VendorProduct, shown};
use crate::{App, TRIES, of_member};

/// Where a seller's products are.
const PRODUCTS: &str = "/v1/vendor/products/";

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListProducts {
    /// How many, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// Where the page before ended.
    cursor: Option<String>,
}

impl App {
    /// The product with this id, if it is the seller's; another's is as good as none.
    pub(crate) async fn own_product(&self, id: ProductId, vendor: VendorId) -> Result<StoredProduct, Problem> {
        let stored = self.catalog.product(id).await?.filter(|stored| stored.product.vendor.id == vendor);
        stored.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }

    /// The product as its seller sees it, with its stock of now.
    pub(crate) async fn seen(&self, stored: &StoredProduct, file: &VendorFile) -> Result<VendorProduct, Problem> {
        let counters = self.stock.counters(&spreads(&stored.product)).await?;
        Ok(VendorProduct::new(&stored.product, Some(stored.description_html.clone()), &counters, file.currency))
    }

    /// Moves the units of variants that are spread over another number of counters than before.
    async fn lay_out(&self, before: &Product, after: &Product) {
        for variant in &after.variants {
            if before.variant(variant.id).is_some_and(|former| former.shards != variant.shards) {
                self.level_out(variant).await;
            }
        }
    }

    /// Writes a new product, and answers with the stock that it begins with. A handle that the seller chose is refused when it is
    /// taken; one that the title suggested gives way.
    async fn add_product(
        &self,
        built: Built,
        may_give_way: bool,
        file: &VendorFile,
        call: &Call,
    ) -> Result<Answer, Problem> {
        let mut new = StoredProduct::new(built.product, built.description_html);
        let counters = begun(&built.first_stock);
        let suggested = new.product.handle.clone();
        if self.is_known_in_files(&suggested, &new.product).await? {
            if !may_give_way {
                return Err(Refusal::of(Code::HandleTaken).into());
            }
            new.product.handle = other_handle(&suggested, &file.card.handle, 2)?;
        }
        for attempt in 2..=u32::try_from(TRIES).unwrap_or(8) {
            let mut stored = new.clone();
            stored.product.version = 1;
            let answer = shown(&stored, &counters, file)?.at(format!("{PRODUCTS}{}", new.product.id));
            match self.catalog.keeping(call.keeps(&answer)?).add(&new).await {
                Ok(_) => return Ok(answer),
                Err(error) if error.code() == Code::HandleTaken && may_give_way => {
                    new.product.handle = other_handle(&suggested, &file.card.handle, attempt)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::of(Code::HandleTaken).into())
    }

    /// Whether another product of the same seller is the one that his files call so, though it has another handle here: a second one
    /// of that name would be written into the same rows.
    async fn is_known_in_files(&self, handle: &Handle, product: &Product) -> Result<bool, Error> {
        let vendor = &product.vendor;
        let others =
            (2..=u32::try_from(TRIES).unwrap_or(8)).filter_map(|at| other_handle(handle, &vendor.handle, at).ok());
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

    /// Writes a changed product. Answers with the stock that it has then, and with what its new variants begin with.
    async fn replace(
        &self,
        loaded: &StoredProduct,
        built: Built,
        file: &VendorFile,
        call: &Call,
    ) -> Result<(Answer, FirstStock), Problem> {
        let renamed = &built.product.handle;
        if *renamed != loaded.product.handle && self.is_known_in_files(renamed, &loaded.product).await? {
            return Err(Refusal::of(Code::HandleTaken).into());
        }
        self.check_nothing_is_promised(&loaded.product, |variant| built.product.variant(variant.id).is_none()).await?;
        let mut changed = loaded.clone();
        changed.availability.available.retain(|variant, _| built.product.variant(*variant).is_some());
        changed.product = built.product;
        changed.description_html = built.description_html;
        let mut counters = self.stock.counters(&spreads(&changed.product)).await?;
        counters.extend(begun(&built.first_stock));
        let mut stored = changed.clone();
        stored.product.version = self.catalog.version_after(loaded, &changed);
        let answer = shown(&stored, &counters, file)?;
        self.catalog.keeping(call.keeps(&answer)?).save(loaded, &changed).await?;
        self.lay_out(&loaded.product, &changed.product).await;
        Ok((answer, built.first_stock))
    }

    /// Gives new variants the stock that they begin with. A repeat gives it to those that the first call did not come to: to a
    /// variant whose counters were never written, as long as the product is as that call left it.
    async fn begin_stock(
        &self,
        first_stock: &FirstStock,
        answer: &Answer,
        id: ProductId,
        written: &WriteProduct,
    ) -> Result<(), Problem> {
        if !answer.is_replayed() {
            self.stock.begin(first_stock).await?;
            return Ok(());
        }
        let Some(stored) = self.catalog.product(id).await? else { return Ok(()) };
        if Some(stored.product.version) != answer.version() {
            return Ok(());
        }
        for (variant, units) in stored.product.variants.iter().zip(written.units()) {
            let Some(units) = units else { continue };
            match self.stock.begin(&[(variant.id, variant.layout(), units)]).await {
                Ok(()) | Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(())
    }

    /// Moves the units of a variant to where they are looked for first. Where they are they are found too, only later, so a
    /// failure is no reason to fail the call.
    pub(crate) async fn level_out(&self, variant: &Variant) {
        if let Err(error) = self.stock.level_out(variant.id, variant.layout()).await {
            tracing::warn!(variant.id = %variant.id, cause = %error, "the stock could not be spread anew");
        }
    }

    /// Refuses to let go of variants of which units are promised to buyers.
    async fn check_nothing_is_promised(
        &self,
        product: &Product,
        goes: impl Fn(&&Variant) -> bool,
    ) -> Result<(), Problem> {
        let going: Vec<_> = product.variants.iter().filter(goes).collect();
        let counters =
            self.stock.counters(&going.iter().map(|variant| counters_of(variant)).collect::<Vec<_>>()).await?;
        for variant in going {
            if counters.get(&variant.id).into_iter().flatten().any(|counter| counter.reserved > 0) {
                let detail = format!("{} has units that were ordered and not yet shipped", product.title_of(variant));
                return Err(Refusal::because(Code::WrongState, detail).into());
            }
        }
        Ok(())
    }
}

/// The most counters that a page of the list reads: twenty calls.
const MOST_COUNTERS_OF_A_PAGE: usize = 2_000;

/// The counters of variants that have just begun.
fn begun(first_stock: &FirstStock) -> Counters {
    let counter = |units| vec![Counter { available: units, reserved: 0 }];
    first_stock.iter().map(|(variant, _, units)| (*variant, counter(*units))).collect()
}

fn counters_of(variant: &Variant) -> (VariantId, u16) {
    (variant.id, variant.layout().counters)
}

pub(crate) fn spreads(product: &Product) -> Vec<(VariantId, u16)> {
    product.variants.iter().map(counters_of).collect()
}

/// How many of these products a page shows: always one, and as many more as its counters allow.
fn fitting(products: &[Product]) -> usize {
    let mut counters = 0_usize;
    let fits = |product: &&Product| {
        counters += spreads(product).iter().map(|(_, count)| usize::from(*count)).sum::<usize>();
        counters <= MOST_COUNTERS_OF_A_PAGE
    };
    products.iter().take_while(fits).count().max(1)
}

/// Lists the shop's products, newest first.
#[utoipa::path(
    get, path = "/v1/vendor/products",
    params(ListProducts, VendorIdHeader),
    responses((status = OK, body = Page<VendorProduct>))
)]
pub async fn list_own_products(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Query(asked): Query<ListProducts>,
) -> Result<Json<Page<VendorProduct>>, Problem> {
    let standing = app.standing(buyer.user, named, Permission::ReadProducts).await?;
    let vendor = standing.file.card.id;
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
        // The page ends earlier, and its cursor with it.
        page = app.catalog.products_of(vendor, u16::try_from(fitting).unwrap_or(1), start).await?;
    }
    let all: Vec<_> = page.items.iter().flat_map(spreads).collect();
    let counters = app.stock.counters(&all).await?;
    let items =
        page.items.iter().map(|product| VendorProduct::new(product, None, &counters, standing.file.currency)).collect();
    Ok(Json(Page { items, next: page.next.map(|key| Cursor::encode(&scope, &key)) }))
}

/// Makes a product, as a draft.
#[utoipa::path(
    post, path = "/v1/vendor/products", params(VendorIdHeader, KeyHeader), request_body = WriteProduct,
    responses((status = CREATED, body = VendorProduct))
)]
pub async fn create_product(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Keyed { body: Json(written), call }: Keyed<Json<WriteProduct>>,
) -> Result<Answer, Problem> {
    let standing = app.standing(buyer.user, named, Permission::EditProducts).await?;
    let vendor = standing.file.card.id;
    let call = of_member(call, buyer.user, vendor);
    let tree = app.catalog.categories().await?;
    let built = build(&written, None, &standing.file.card, &tree, &mut platform::mint(now))?;
    let first_stock = built.first_stock.clone();
    let added = app.add_product(built, written.handle.is_none(), &standing.file, &call);
    let answer = once(app.catalog.kept(call.named()), added).await?;
    let place = answer.location().and_then(|place| place.strip_prefix(PRODUCTS)).and_then(|id| id.parse().ok());
    let id = place.ok_or_else(|| Problem::internal("a product without a place"))?;
    app.begin_stock(&first_stock, &answer, id, &written).await?;
    Ok(answer)
}

fn other_handle(suggested: &Handle, vendor: &Handle, attempt: u32) -> Result<Handle, Refusal> {
    let suffix = if attempt == 2 { vendor.to_string() } else { format!("{vendor}-{}", attempt - 1) };
    suggested.followed_by(&suffix).ok_or_else(|| Refusal::of(Code::HandleTaken))
}

/// Shows a product with its stock.
#[utoipa::path(
    get, path = "/v1/vendor/products/{id}",
    params(("id" = ProductId, Path, description = "The product."), VendorIdHeader),
    responses((status = OK, body = VendorProduct))
)]
pub async fn show_own_product(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<ProductId>,
) -> Result<Versioned<VendorProduct>, Problem> {
    let standing = app.standing(buyer.user, named, Permission::ReadProducts).await?;
    let stored = app.own_product(id, standing.file.card.id).await?;
    Ok(Versioned { version: stored.product.version, body: app.seen(&stored, &standing.file).await? })
}

/// Replaces a product. Variants are known by their ids; one without an id is new, one that is not named is gone.
#[utoipa::path(
    put, path = "/v1/vendor/products/{id}",
    params(
        ("id" = ProductId, Path, description = "The product."),
        ("If-Match" = String, Header, description = "The version that is replaced."),
        VendorIdHeader, KeyHeader
    ),
    request_body = WriteProduct, responses((status = OK, body = VendorProduct))
)]
pub async fn replace_product(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<ProductId>,
    expected: IfMatch,
    Keyed { body: Json(written), call }: Keyed<Json<WriteProduct>>,
) -> Result<Answer, Problem> {
    let standing = app.standing(buyer.user, named, Permission::EditProducts).await?;
    let file = &standing.file;
    let call = of_member(call, buyer.user, file.card.id);
    let tree = app.catalog.categories().await?;
    let mut first_stock = FirstStock::new();
    let answer = once(app.catalog.kept(call.named()), async {
        for _ in 0..TRIES {
            let loaded = app.own_product(id, file.card.id).await?;
            expected.check(loaded.product.version)?;
            let built = build(&written, Some(&loaded.product), &file.card, &tree, &mut platform::mint(now))?;
            match app.replace(&loaded, built, file, &call).await {
                Ok((answer, first)) => {
                    first_stock = first;
                    return Ok(answer);
                }
                // Somebody else's change is caught by the version above; what is left is a sale that changed the availability.
                Err(problem) if problem.code() == Code::Conflict && !problem.is_repeat() => {}
                Err(problem) => return Err(problem),
            }
        }
        Err(Error::Conflict.into())
    })
    .await?;
    app.begin_stock(&first_stock, &answer, id, &written).await?;
    Ok(answer)
}

/// Deletes a product with its stock. Orders keep what they need of it; one that still has units to be shipped keeps it from going.
#[utoipa::path(
    delete, path = "/v1/vendor/products/{id}",
    params(("id" = ProductId, Path, description = "The product."), VendorIdHeader, IfMatchHeader, KeyHeader),
    responses((status = NO_CONTENT))
)]
pub async fn delete_product(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
    asked: Keyed<NoBody>,
) -> Result<Answer, Problem> {
    let standing = app.standing(buyer.user, named, Permission::EditProducts).await?;
    let vendor = standing.file.card.id;
    let call = of_member(asked.call, buyer.user, vendor);
    once(app.catalog.kept(call.named()), async {
        let answer = Answer::no_content();
        for _ in 0..TRIES {
            let loaded = app.own_product(id, vendor).await?;
            IfMatch::check_if_given(expected.as_ref(), loaded.product.version)?;
            app.check_nothing_is_promised(&loaded.product, |_| true).await?;
            match app.catalog.keeping(call.keeps(&answer)?).delete(&loaded, &app.stock).await {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    })
    .await
}
