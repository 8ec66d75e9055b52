//! A seller's own products.

use api::{Answer, Buyer, Cursor, IfMatch, Json, Limit, Now, Page, Path, Problem, Query, VendorHeader, Versioned};
use axum::extract::State;
use domain::catalogue::Product;
use domain::text::Handle;
use domain::vendor::{Permission, VendorFile};
use domain::{Code, Coded, ProductId, Refusal, VendorId};
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

    async fn set_first_stock(&self, first_stock: &FirstStock) -> Result<(), Problem> {
        for (variant, shards, units) in first_stock {
            self.stock.set_on_hand(*variant, *shards, *units).await?;
        }
        Ok(())
    }

    /// Refuses a change that would lose units: of a variant that goes while some are promised, or of counters that are no
    /// longer looked at.
    async fn check_stock_stays(&self, before: &Product, after: &Product) -> Result<(), Problem> {
        let counters = self.stock.counters(&spreads(before)).await?;
        for variant in &before.variants {
            let all = counters.get(&variant.id).map(Vec::as_slice).unwrap_or_default();
            match after.variant(variant.id) {
                None if all.iter().any(|counter| counter.reserved > 0) => {
                    let detail =
                        format!("{} has units that were ordered and not yet shipped", before.title_of(variant));
                    return Err(Refusal::because(Code::WrongState, detail).into());
                }
                Some(kept) if all.iter().skip(usize::from(kept.shards)).any(|counter| counter.on_hand() > 0) => {
                    let detail = format!(
                        "{} has units in the counters that would go; set its stock to zero first",
                        before.title_of(variant)
                    );
                    return Err(Refusal::because(Code::WrongState, detail).into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn spreads(product: &Product) -> Vec<(domain::VariantId, u16)> {
    product.variants.iter().map(|variant| (variant.id, variant.shards)).collect()
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
    let page = app.catalog.products_of(vendor, u16::try_from(asked.limit.get()).unwrap_or(20), start).await?;
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
                app.set_first_stock(&first_stock).await?;
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
        app.check_stock_stays(&loaded.product, &built.product).await?;
        let mut changed = loaded.clone();
        changed.availability.available.retain(|variant, _| built.product.variant(*variant).is_some());
        changed.product = built.product;
        changed.description_html = built.description_html;
        match app.catalog.save(&loaded, &changed).await {
            Ok(stored) => {
                app.set_first_stock(&built.first_stock).await?;
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

/// Deletes a product. Orders keep what they need of it.
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
        match app.catalog.delete(&loaded).await {
            Ok(()) => return Ok(Answer::no_content()),
            Err(Error::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Error::Conflict.into())
}
