//! Lists of products, and one product's page.

use std::collections::BTreeMap;

use api::{Cached, Cursor, Limit, Page, Path, Problem, Query};
use axum::extract::State;
use domain::catalog::{Image, ImageLink, List, Product, ProductCard, ProductOption, Seo};
use domain::text::Handle;
use domain::{Code, Currency, Money, Refusal, Timestamp, VariantId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::Catalog;
use store::catalog::{ListQuery, ProductPage, Sort};
use utoipa::{IntoParams, ToSchema};

use crate::App;

/// Lists may be a little old: a card changes when its product does.
const LIST_FRESH_S: u32 = 30;
const PRODUCT_FRESH_S: u32 = 10;
const STALE_S: u32 = 300;

/// Which products, in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListProducts {
    /// Only of this category and those below it.
    category: Option<Handle>,
    /// Only of this shop: its handle.
    vendor: Option<Handle>,
    /// The currency of the prices; the shop's main one when nothing is said.
    currency: Option<Currency>,
    /// Only from this price on: a decimal in the currency. Needs an order by price.
    min_price: Option<String>,
    /// Only up to this price: a decimal in the currency. Needs an order by price.
    max_price: Option<String>,
    /// `newest` (default), `price` or `-price`.
    sort: Option<String>,
    /// How many, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// Lists products that are for sale.
#[utoipa::path(get, path = "/v1/products", params(ListProducts), responses((status = OK, body = Page<ProductCard>)))]
pub async fn list_products(
    State(app): State<App>,
    Query(asked): Query<ListProducts>,
) -> Result<Cached<Page<Box<RawValue>>>, Problem> {
    let currency = asked.currency.unwrap_or(app.main_currency);
    let sort = match asked.sort.as_deref() {
        None | Some("newest") => Sort::Newest,
        Some("price") => Sort::Price,
        Some("-price") => Sort::PriceDescending,
        Some(_) => return Err(Refusal::field("sort", "unknown", "must be newest, price or -price").into()),
    };
    let bound = |name: &str, text: Option<&String>| {
        text.map(|text| Money::parse(text, currency))
            .transpose()
            .ok()
            .filter(|bound| bound.is_none_or(Money::is_price))
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
    let list = List { category: asked.category, vendor: asked.vendor, currency };
    let partition = Catalog::list_partition(&list);
    let scope = format!("{partition}|{sort:?}|{min_price:?}|{max_price:?}");
    let start = match &asked.cursor {
        Some(cursor) => Some(Cursor::decode(cursor, &scope, ("pk", &format!("s{partition}")))?),
        None => None,
    };
    let limit = u16::try_from(asked.limit.get()).unwrap_or(20);
    let page = app.catalog.list(ListQuery { list, sort, min_price, max_price, limit, start }).await?;
    let next = page.next.map(|key| Cursor::encode(&scope, &key));
    Ok(Cached::new(Page { items: page.items, next }, LIST_FRESH_S, STALE_S))
}

/// Which currency.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowProduct {
    /// The currency of the prices; the shop's main one when nothing is said.
    currency: Option<Currency>,
}

/// A product's page.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductView {
    #[serde(flatten)]
    card: ProductCard,
    /// Sanitised HTML.
    description_html: String,
    /// The category's handle.
    category: Option<Handle>,
    /// Options.
    options: Vec<ProductOption>,
    /// Pictures.
    images: Vec<ImageLink>,
    /// What search engines show.
    seo: Seo,
    /// Variants that have a price in the currency.
    variants: Vec<VariantView>,
}

/// A variant on a product's page.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantView {
    id: VariantId,
    /// The seller's number.
    sku: Option<String>,
    /// Its value of each option.
    options: BTreeMap<String, String>,
    price: Money,
    /// What it used to cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    compare_at_price: Option<Money>,
    /// Its own picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// Units that can be bought, as of some seconds ago. Checkout is the truth.
    available: i64,
    /// Whether more than that can be ordered, to be shipped when it comes in.
    backorder: bool,
    /// When that is expected, if the seller says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    available_from: Option<Timestamp>,
}

/// Shows a product that is for sale.
#[utoipa::path(
    get, path = "/v1/products/{handle}",
    params(("handle" = Handle, Path, description = "The product's handle."), ShowProduct),
    responses((status = OK, body = ProductView))
)]
pub async fn show_product(
    State(app): State<App>,
    Path(handle): Path<Handle>,
    Query(asked): Query<ShowProduct>,
) -> Result<Cached<ProductView>, Problem> {
    let currency = asked.currency.unwrap_or(app.main_currency);
    let page = app
        .catalog
        .product_page(&handle)
        .await?
        .filter(|page| page.product.is_for_sale() && page.product.handle == handle);
    let view = page
        .and_then(|page| view(page, currency, app.catalog.media_base()))
        .ok_or_else(|| Refusal::of(Code::NotFound))?;
    Ok(Cached::new(view, PRODUCT_FRESH_S, STALE_S))
}

/// The page in a currency; nothing when no variant has a price in it, as the product is not listed for it either.
fn view(page: ProductPage, currency: Currency, media_base: &str) -> Option<ProductView> {
    let Product { options, images, seo, categories, variants, .. } = &page.product;
    let card = page.product.card(currency, page.product.is_available(&page.availability), media_base)?;
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
        card,
        variants,
    })
}
