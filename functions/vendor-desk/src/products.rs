//! A seller's own products.

use api::{Answer, Buyer, Cursor, IfMatch, Json, Limit, Now, Page, Path, Problem, Query, VendorHeader, Versioned};
use axum::extract::State;
use domain::catalogue::{Product, Variant};
use domain::text::Handle;
use domain::vendor::{Permission, VendorFile};
use domain::{Code, Coded, ProductId, Refusal, VariantId, VendorId};
use serde::Deserialize;
use store::catalog::StoredProduct;
use store::{Catalog, Error};
use utoipa::IntoParams;

use crate::input::{Built, FirstStock, WriteProduct, build};
use crate::view::VendorProduct;
use crate::{App, TRIES};

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

    /// Brings the stock in line with a product that was written: the units of new variants, and where those of a variant lie that
    /// is spread over another number of counters.
    async fn lay_out(
        &self,
        before: Option<&Product>,
        after: &Product,
        first_stock: &FirstStock,
    ) -> Result<(), Problem> {
        self.stock.begin(first_stock).await?;
        for variant in &after.variants {
            let former = before.and_then(|before| before.variant(variant.id));
            if former.is_some_and(|former| former.shards != variant.shards) {
                self.level_out(variant).await;
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

fn counters_of(variant: &Variant) -> (VariantId, u16) {
    (variant.id, variant.layout().counters)
}

fn spreads(product: &Product) -> Vec<(VariantId, u16)> {
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
#[utoipa::path(get, path = "/v1/vendor/products", params(ListProducts), responses((status = OK, body = Page<VendorProduct>)))]
pub async fn list_products(
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
    post, path = "/v1/vendor/products", request_body = WriteProduct, responses((status = CREATED, body = VendorProduct))
)]
pub async fn create_product(
    State(app): State<App>,
    Now(now): Now,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Json(written): Json<WriteProduct>,
) -> Result<Answer, Problem> {
    let standing = app.standing(buyer.user, named, Permission::EditProducts).await?;
    let tree = app.catalog.categories().await?;
    let Built { mut product, description_html, first_stock } =
        build(&written, None, &standing.file.card, &tree, &mut platform::mint(now))?;
    let suggested = product.handle.clone();
    for attempt in 2..=u32::try_from(TRIES).unwrap_or(8) {
        match app.catalog.add(&StoredProduct::new(product.clone(), description_html.clone())).await {
            Ok(stored) => {
                app.lay_out(None, &stored.product, &first_stock).await?;
                let seen = app.seen(&stored, &standing.file).await?;
                let location = format!("/v1/vendor/products/{}", stored.product.id);
                return Ok(Answer::created(location, &seen)?.with_version(stored.product.version));
            }
            // A handle that the seller chose is refused; one that the title suggested gives way.
            Err(error) if error.code() == Code::HandleTaken && written.handle.is_none() => {
                product.handle = other_handle(&suggested, &standing.file.card.handle, attempt)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::of(Code::HandleTaken).into())
}

fn other_handle(suggested: &Handle, vendor: &Handle, attempt: u32) -> Result<Handle, Refusal> {
    let suffix = if attempt == 2 { vendor.to_string() } else { format!("{vendor}-{}", attempt - 1) };
    suggested.followed_by(&suffix).ok_or_else(|| Refusal::of(Code::HandleTaken))
}

/// Shows a product with its stock.
#[utoipa::path(
    get, path = "/v1/vendor/products/{id}", params(("id" = ProductId, Path, description = "The product.")),
    responses((status = OK, body = VendorProduct))
)]
pub async fn show_product(
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
        ("If-Match" = String, Header, description = "The version that is replaced.")
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
    Json(written): Json<WriteProduct>,
) -> Result<Versioned<VendorProduct>, Problem> {
    let standing = app.standing(buyer.user, named, Permission::EditProducts).await?;
    let tree = app.catalog.categories().await?;
    for _ in 0..TRIES {
        let loaded = app.own_product(id, standing.file.card.id).await?;
        expected.check(loaded.product.version)?;
        let built = build(&written, Some(&loaded.product), &standing.file.card, &tree, &mut platform::mint(now))?;
        app.check_nothing_is_promised(&loaded.product, |variant| built.product.variant(variant.id).is_none()).await?;
        let mut changed = loaded.clone();
        changed.availability.available.retain(|variant, _| built.product.variant(*variant).is_some());
        changed.product = built.product;
        changed.description_html = built.description_html;
        match app.catalog.save(&loaded, &changed).await {
            Ok(stored) => {
                app.lay_out(Some(&loaded.product), &stored.product, &built.first_stock).await?;
                return Ok(Versioned {
                    version: stored.product.version,
                    body: app.seen(&stored, &standing.file).await?,
                });
            }
            // Somebody else's change is caught by the version above; what is left is a sale that changed the availability.
            Err(Error::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Error::Conflict.into())
}

/// Deletes a product with its stock. Orders keep what they need of it; one that still has units to be shipped keeps it from going.
#[utoipa::path(
    delete, path = "/v1/vendor/products/{id}", params(("id" = ProductId, Path, description = "The product.")),
    responses((status = NO_CONTENT))
)]
pub async fn delete_product(
    State(app): State<App>,
    buyer: Buyer,
    VendorHeader(named): VendorHeader,
    Path(id): Path<ProductId>,
    expected: Option<IfMatch>,
) -> Result<Answer, Problem> {
    let standing = app.standing(buyer.user, named, Permission::EditProducts).await?;
    for _ in 0..TRIES {
        let loaded = app.own_product(id, standing.file.card.id).await?;
        IfMatch::check_if_given(expected.as_ref(), loaded.product.version)?;
        app.check_nothing_is_promised(&loaded.product, |_| true).await?;
        match app.catalog.delete(&loaded, &app.stock).await {
            Ok(()) => return Ok(Answer::no_content()),
            Err(Error::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Error::Conflict.into())
}
