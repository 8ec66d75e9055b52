//! Lists of products, and one product's page.

use std::collections::BTreeMap;

use api::{Cached, CachedBytes, Limit, Now, Page, Path, Problem, Query, Reply};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::address::Country;
use domain::catalog::{Image, ImageLink, List, Product, ProductCard, ProductOption, SaleUnit, Seo};
use domain::text::{Handle, Name};
use domain::vendor::PublicIdentity;
use domain::{Code, Currency, Money, Refusal, Timestamp, VariantId};
use serde::{Deserialize, Serialize};
use store::catalog::{ListQuery, ProductAt, ProductPage, Sort};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Seconds for which the CDN may serve a list. Cards change only with their products, so a list may be a little older.
const LIST_FRESH_S: u32 = 30;
const PRODUCT_FRESH_S: u32 = 10;
const STALE_S: u32 = 300;

/// Filter and order of the list of products.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListProducts {
    /// Only products of this category and those below it, by handle.
    category: Option<Handle>,
    /// Only products of this vendor, by handle.
    vendor: Option<Handle>,
    /// The currency of the prices; by default the marketplace's main currency.
    currency: Option<Currency>,
    /// Lowest price, a decimal in the currency. Needs `sort=price` or `sort=-price`.
    min_price: Option<String>,
    /// Highest price, a decimal in the currency. Needs `sort=price` or `sort=-price`.
    max_price: Option<String>,
    /// The order.
    #[serde(default)]
    #[param(inline, required = false)]
    sort: ProductSort,
    /// Items per page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The value of `next` on the page before.
    cursor: Option<String>,
}

/// The order of a list of products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum ProductSort {
    /// The newest first.
    #[default]
    #[serde(rename = "newest")]
    Newest,
    /// The cheapest first.
    #[serde(rename = "price")]
    Price,
    /// The dearest first.
    #[serde(rename = "-price")]
    PriceDescending,
}

/// Fails with `not_found` when there is no such category or no such vendor.
async fn check_filter(app: &App, category: Option<&Handle>, vendor: Option<&Handle>) -> Result<(), Problem> {
    if let Some(category) = category
        && app.catalog.categories().await?.path_to(category).is_none()
    {
        return Err(Refusal::because(Code::NotFound, "There is no such category.").into());
    }
    if let Some(vendor) = vendor
        && !app.catalog.shop(vendor).await?.is_some_and(|shop| shop.sells())
    {
        return Err(Refusal::because(Code::NotFound, "There is no such vendor.").into());
    }
    Ok(())
}

/// Lists products that are for sale.
#[utoipa::path(get, path = "/v1/products", params(ListProducts), responses((status = OK, body = Page<ProductCard>)))]
pub async fn list_products(State(app): State<App>, Query(asked): Query<ListProducts>) -> Result<CachedBytes, Problem> {
    let currency = asked.currency.unwrap_or(app.main_currency);
    let sort = match asked.sort {
        ProductSort::Newest => Sort::Newest,
        ProductSort::Price => Sort::Price,
        ProductSort::PriceDescending => Sort::PriceDescending,
    };
    let bound = |name: &str, text: Option<&String>| {
        text.map(|text| Money::parse(text, currency))
            .transpose()
            .ok()
            .filter(|bound| bound.is_none_or(Money::is_total))
            .ok_or_else(|| Refusal::field(name, "invalid", format!("must be a decimal with the digits of {currency}")))
    };
    let min_price = bound("min_price", asked.min_price.as_ref())?;
    let max_price = bound("max_price", asked.max_price.as_ref())?;
    if sort == Sort::Newest && (min_price.is_some() || max_price.is_some()) {
        return Err(Refusal::field("sort", "price_needed", "bounds on the price need sort=price or sort=-price").into());
    }
    if let (Some(least), Some(most)) = (min_price, max_price)
        && least.minor() > most.minor()
    {
        return Err(Refusal::field("min_price", "out_of_range", "must not be above max_price").into());
    }
    let (category, vendor) = (asked.category.clone(), asked.vendor.clone());
    let list = List { category: asked.category, vendor: asked.vendor, currency };
    let (first, page) = (asked.cursor.is_none(), asked.limit.page(asked.cursor));
    let found = app.catalog.list(ListQuery { list, sort, min_price, max_price, page }, &app.media_base).await?;
    // Only an empty list asks whether what it was filtered by exists: a list with products takes one round trip.
    if found.items.is_empty() && first {
        check_filter(&app, category.as_ref(), vendor.as_ref()).await?;
    }
    let page = Page { items: found.items, next: found.next };
    Ok(CachedBytes::json(page.joined(), LIST_FRESH_S, STALE_S))
}

/// How a product is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowProduct {
    /// The currency of the prices; by default the marketplace's main currency.
    currency: Option<Currency>,
}

/// A product with its variants in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductView {
    #[serde(flatten)]
    card: ProductCard,
    /// The description as sanitised HTML.
    description_html: String,
    /// The handle of the product's category.
    #[schema(required = true)]
    category: Option<Handle>,
    /// The options in which variants differ, with their values.
    options: Vec<ProductOption>,
    /// The pictures in display order.
    images: Vec<ImageLink>,
    /// Title and description for search engines.
    seo: Seo,
    /// Who makes it; null when its vendor has not said so.
    #[schema(required = true)]
    manufacturer: Option<Name>,
    /// Who brings it into the country.
    #[schema(required = true)]
    importer: Option<Name>,
    /// The country that it comes from.
    #[schema(required = true)]
    country_of_origin: Option<Country>,
    /// Who sells it; null for shops that were approved before it was asked for.
    #[schema(required = true)]
    vendor_identity: Option<PublicIdentity>,
    /// Variants that have a price in the currency.
    variants: Vec<VariantView>,
}

/// A variant with its price and availability.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantView {
    id: VariantId,
    /// The vendor's SKU (stock keeping unit).
    #[schema(required = true, examples("BOWL-BLUE-M"))]
    sku: Option<String>,
    /// The variant's value of each option, by the option's name.
    options: BTreeMap<String, String>,
    price: Money,
    /// The former price, for comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    compare_at_price: Option<Money>,
    /// What one unit is, when it is sold by measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sale_unit: Option<SaleUnit>,
    /// The price of one measure of it: of a kilogram, a metre, a litre.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reference_price: Option<Money>,
    /// The URL of the variant's own picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    image: Option<String>,
    /// Units that can be bought. The number may be some seconds old: only checkout decides.
    available: i64,
    /// Whether more than `available` units can be ordered, to be shipped when they come in.
    backorder: bool,
    /// When the vendor expects the backordered units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    available_from: Option<Timestamp>,
}

/// A product's page, or where it is now.
#[derive(Debug)]
pub enum Shown {
    Page(Box<Cached<ProductView>>),
    Moved(HeaderValue),
}

impl Reply for Shown {
    const ETAG: bool = true;
    const CACHED: bool = true;
}

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page.into_response(),
            Self::Moved(location) => {
                let fresh = HeaderValue::from_static("public, s-maxage=300");
                (StatusCode::MOVED_PERMANENTLY, [(LOCATION, location), (CACHE_CONTROL, fresh)]).into_response()
            }
        }
    }
}

/// Shows a product that is for sale.
///
/// A handle that its shop has given up leads to the product for a year.
#[utoipa::path(
    get, path = "/v1/products/{handle}",
    params(("handle" = Handle, Path, description = "The product's handle."), ShowProduct),
    responses(
        (status = OK, body = ProductView),
        (
            status = MOVED_PERMANENTLY, description = "The product has another handle now.",
            headers(("Location" = String, description = "Where the product is."))
        )
    )
)]
pub async fn show_product(
    State(app): State<App>,
    Path(handle): Path<Handle>,
    Query(asked): Query<ShowProduct>,
    Now(now): Now,
) -> Result<Shown, Problem> {
    let currency = asked.currency.unwrap_or(app.main_currency);
    let nothing = || Refusal::of(Code::NotFound);
    let page = match app.catalog.product_page(&handle, now).await? {
        ProductAt::Here(page) if page.product.is_for_sale() && page.product.handle == handle => *page,
        ProductAt::Renamed(product) if product.is_for_sale() => {
            let query = asked.currency.map(|currency| format!("?currency={currency}")).unwrap_or_default();
            let location = HeaderValue::try_from(format!("/v1/products/{}{query}", product.handle));
            return location.map(Shown::Moved).map_err(|_| nothing().into());
        }
        _ => return Err(nothing().into()),
    };
    let vendor_identity = app.identities.of(&app.catalog, page.product.vendor.id, now).await?;
    let view = view(page, vendor_identity, currency, &app.media_base).ok_or_else(nothing)?;
    Ok(Shown::Page(Box::new(Cached::new(view, PRODUCT_FRESH_S, STALE_S))))
}

/// The page in a currency; `None` when no variant has a price in it: the product is not listed in that currency either.
fn view(
    page: ProductPage,
    vendor_identity: Option<PublicIdentity>,
    currency: Currency,
    media_base: &str,
) -> Option<ProductView> {
    let Product { options, images, seo, origin, categories, variants, .. } = &page.product;
    let card = page.product.shown_card(currency, page.product.is_available(&page.availability), media_base)?;
    let variants = variants
        .iter()
        .filter_map(|variant| {
            let price = variant.price_in(currency)?;
            Some(VariantView {
                id: variant.id,
                sku: variant.sku.as_ref().map(ToString::to_string),
                options: page.product.options_of(variant),
                price: price.price,
                compare_at_price: price.compare_at,
                sale_unit: variant.sale_unit,
                reference_price: variant.sale_unit.and_then(|unit| unit.reference_price(price.price)),
                image: variant.image.as_ref().map(|image| image.url(media_base)),
                available: page.availability.of(variant.id),
                backorder: {
                    let units = page.availability.units(variant.id);
                    let more = u32::try_from(units.max(0)).unwrap_or(u32::MAX).saturating_add(1);
                    variant.backorder(more, units).is_some()
                },
                available_from: variant.available_from,
            })
        })
        .collect();
    let link = |image: &Image| ImageLink { url: image.src.url(media_base), alt: image.alt.clone() };
    Some(ProductView {
        description_html: page.description_html,
        category: categories.last().cloned(),
        options: options.clone(),
        images: images.iter().map(link).collect(),
        seo: seo.clone(),
        manufacturer: origin.manufacturer.clone(),
        importer: origin.importer.clone(),
        country_of_origin: origin.country.clone(),
        vendor_identity,
        card,
        variants,
    })
}
