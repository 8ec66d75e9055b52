//! Lists of products, and one product's page.

use std::collections::BTreeMap;

use api::{Cached, CachedBytes, InLanguage, Limit, Now, Page, Path, Problem, Query, Reply};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::address::Country;
use domain::catalog::{ImageLink, List, Product, ProductCard, ProductOption, SaleUnit, Seo};
use domain::text::{ContentLanguage, Handle, Name};
use domain::vendor::PublicIdentity;
use domain::{Code, Currency, Money, Refusal, Timestamp, VariantId};
use serde::{Deserialize, Serialize};
use shop::{Found, ListQuery, ShownProduct, ShownVariant, Sort};
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
    /// The language of the titles, as a tag; one that is not there in it has its own.
    #[param(value_type = Option<String>, example = "uz")]
    lang: Option<ContentLanguage>,
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

/// Lists products that are for sale.
#[utoipa::path(get, path = "/v1/products", params(ListProducts), responses((status = OK, body = Page<ProductCard>)))]
pub async fn list_products(
    State(app): State<App>,
    Query(asked): Query<ListProducts>,
) -> Result<InLanguage<CachedBytes>, Problem> {
    let currency = asked.currency.unwrap_or(app.window.main_currency());
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
    let list = List { category: asked.category, vendor: asked.vendor, currency };
    let page = asked.limit.page(asked.cursor);
    let query = ListQuery { list, sort, min_price, max_price, page, language: asked.lang.clone() };
    let found = app.window.list(query).await?;
    let page = Page { items: found.items, next: found.next };
    Ok(InLanguage { language: asked.lang, reply: CachedBytes::json(page.joined(), LIST_FRESH_S, STALE_S) })
}

/// How a product is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowProduct {
    /// The currency of the prices; by default the marketplace's main currency.
    currency: Option<Currency>,
    /// The language of the texts, as a tag: title, description, options and their values, and those for search engines.
    /// What is not there in it is in the product's own language; Uzbek is made from its other script.
    #[param(value_type = Option<String>, example = "uz")]
    lang: Option<ContentLanguage>,
}

/// A product with its variants in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductView {
    #[serde(flatten)]
    card: ProductCard,
    /// The language that the texts are in; null where the vendor has not said.
    #[schema(required = true, value_type = Option<String>)]
    language: Option<ContentLanguage>,
    /// The language that the texts were transliterated from, because nobody has written them in the other script.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    transliterated_from: Option<ContentLanguage>,
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
    Page(Box<InLanguage<Cached<ProductView>>>),
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
    let currency = asked.currency.unwrap_or(app.window.main_currency());
    let nothing = || Refusal::of(Code::NotFound);
    match app.window.product(&handle, currency, asked.lang.as_ref(), now).await? {
        Found::Here(shown) => {
            let view = view(*shown, app.window.media_base());
            let language = view.language.clone();
            let reply = Cached::new(view, PRODUCT_FRESH_S, STALE_S);
            Ok(Shown::Page(Box::new(InLanguage { language, reply })))
        }
        Found::Moved(handle) => {
            let currency = asked.currency.map(|currency| format!("currency={currency}"));
            let language = asked.lang.map(|language| format!("lang={language}"));
            let query: Vec<String> = currency.into_iter().chain(language).collect();
            let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
            let location = HeaderValue::try_from(format!("/v1/products/{handle}{query}"));
            location.map(Shown::Moved).map_err(|_| nothing().into())
        }
        Found::Nowhere => Err(nothing().into()),
    }
}

fn view(shown: ShownProduct, media_base: &str) -> ProductView {
    let ShownProduct { product, language, transliterated_from, description_html, card, .. } = shown;
    let (vendor_identity, variants) = (shown.vendor_identity, shown.variants);
    let images = product.shown_images(media_base);
    let Product { options, seo, origin, categories, .. } = product;
    let variant = |variant: ShownVariant| VariantView {
        id: variant.id,
        sku: variant.sku,
        options: variant.options,
        price: variant.price,
        compare_at_price: variant.compare_at_price,
        sale_unit: variant.sale_unit,
        reference_price: variant.reference_price,
        image: variant.image,
        available: variant.available,
        backorder: variant.backorder,
        available_from: variant.available_from,
    };
    ProductView {
        language,
        transliterated_from,
        description_html,
        category: categories.last().cloned(),
        options,
        images,
        seo,
        manufacturer: origin.manufacturer,
        importer: origin.importer,
        country_of_origin: origin.country,
        vendor_identity,
        card,
        variants: variants.into_iter().map(variant).collect(),
    }
}
