//! Products as their vendors see them.

use std::collections::BTreeMap;

use api::Answer;
use desk::{Desk, OwnProduct};
use domain::address::Country;
use domain::catalog::{
    Image, ImageSource, InventoryPolicy, OptionWords, ProductOption, ProductState, SaleUnit, Seo, Translation,
};
use domain::text::{ContentLanguage, Handle, InLanguages, LongText, Name, Title};
use domain::{Money, ProductId, Refusal, Timestamp, VariantId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::media::PictureView;

/// A product as its vendor sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorProduct {
    id: ProductId,
    handle: Handle,
    title: Title,
    /// The language of its own texts; null where its vendor has not said.
    #[schema(required = true, value_type = Option<String>)]
    language: Option<ContentLanguage>,
    /// Its texts in other languages, by their tags.
    #[serde(skip_serializing_if = "InLanguages::is_empty")]
    #[schema(value_type = BTreeMap<String, VendorTranslation>)]
    translations: InLanguages<VendorTranslation>,
    state: ProductState,
    /// Counts the changes of the product: send it in `If-Match`.
    version: u64,
    /// The sanitised description; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description_html: Option<String>,
    #[schema(required = true)]
    category: Option<Handle>,
    options: Vec<ProductOption>,
    images: Vec<Image>,
    /// What became of the pictures that it and its variants name, by their `src`. Foreign addresses that buyers see as
    /// they are, are not among them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pictures: BTreeMap<String, PictureView>,
    tags: Vec<Name>,
    seo: Seo,
    /// Who makes it.
    #[schema(required = true)]
    manufacturer: Option<Name>,
    /// Who brings it into the country.
    #[schema(required = true)]
    importer: Option<Name>,
    /// The country that it comes from.
    #[schema(required = true)]
    country_of_origin: Option<Country>,
    variants: Vec<VendorVariant>,
    created_at: Timestamp,
    #[schema(required = true)]
    published_at: Option<Timestamp>,
    /// Why the operator hides it: it cannot be published meanwhile. Absent when it is not hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    hidden: Option<HiddenView>,
}

/// A product's texts in another language, in the form in which they are written.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorTranslation {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    title: Option<Title>,
    /// The sanitised description; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    description_html: Option<String>,
    seo: Seo,
    /// How options and their values are called, by the option's own name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    options: BTreeMap<Name, OptionWords>,
}

/// Why the operator hides a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct HiddenView {
    reason: LongText,
    /// Since when.
    at: Timestamp,
}

/// A variant as its vendor sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorVariant {
    id: VariantId,
    #[schema(required = true)]
    sku: Option<String>,
    options: BTreeMap<String, String>,
    /// The price in the vendor's own currency; null when the variant has none.
    #[schema(required = true)]
    price: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    compare_at_price: Option<Money>,
    prices: Vec<Money>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compare_at_prices: Vec<Money>,
    #[schema(required = true)]
    grams: Option<u32>,
    /// What one unit is, when it is sold by measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sale_unit: Option<SaleUnit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    image: Option<ImageSource>,
    shards: u16,
    /// What happens to an order beyond the stock.
    inventory_policy: InventoryPolicy,
    /// When units ordered beyond the stock are expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    available_from: Option<Timestamp>,
    /// The most units that may be ordered beyond the stock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    oversell_limit: Option<u32>,
    /// The vendor gets a message when the units that can be bought fall to this number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    low_stock_at: Option<i64>,
    /// Units on hand: `available` and `reserved` together.
    on_hand: i64,
    /// Units that were ordered and not yet shipped.
    reserved: i64,
    /// Units that can be bought; below zero when more were ordered than are on hand.
    available: i64,
}

/// 200 with a product as its vendor sees it, and its version.
pub(crate) fn answer(desk: &Desk, own: &OwnProduct) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&VendorProduct::of(desk, own))?.with_version(own.product.version))
}

impl VendorProduct {
    pub(crate) fn of(desk: &Desk, own: &OwnProduct) -> Self {
        let product = &own.product;
        let hidden = product.hidden.as_ref();
        let pictures = product.pictures.iter();
        let pictures = pictures.map(|(source, picture)| (source.clone(), PictureView::of(desk, picture)));
        let variants = product
            .variants
            .iter()
            .map(|variant| {
                let units = own.units.get(&variant.id).copied().unwrap_or_default();
                let price = variant.price_in(own.currency);
                VendorVariant {
                    id: variant.id,
                    sku: variant.sku.as_ref().map(ToString::to_string),
                    options: product.options_of(variant),
                    price: price.map(|price| price.price),
                    compare_at_price: price.and_then(|price| price.compare_at),
                    prices: variant.prices.iter().map(|price| price.price).collect(),
                    compare_at_prices: variant.prices.iter().filter_map(|price| price.compare_at).collect(),
                    grams: variant.grams,
                    sale_unit: variant.sale_unit,
                    image: variant.image.clone(),
                    shards: variant.shards,
                    inventory_policy: variant.inventory_policy,
                    available_from: variant.available_from,
                    oversell_limit: variant.oversell_limit,
                    low_stock_at: variant.low_stock_at,
                    on_hand: units.on_hand(),
                    reserved: units.reserved,
                    available: units.available,
                }
            })
            .collect();
        let translation = |language: &ContentLanguage| {
            let Translation { title, seo, options } = product.translations.get(language).cloned().unwrap_or_default();
            let description_html = own.descriptions.get(language).cloned();
            (language.clone(), VendorTranslation { title, description_html, seo, options })
        };
        Self {
            id: product.id,
            handle: product.handle.clone(),
            title: product.title.clone(),
            language: product.language.clone(),
            translations: own.languages().into_iter().map(translation).collect(),
            state: product.state,
            version: product.version,
            description_html: own.description_html.clone(),
            category: product.category().cloned(),
            options: product.options.clone(),
            images: product.images.clone(),
            pictures: pictures.collect(),
            tags: product.tags.clone(),
            seo: product.seo.clone(),
            manufacturer: product.origin.manufacturer.clone(),
            importer: product.origin.importer.clone(),
            country_of_origin: product.origin.country.clone(),
            variants,
            created_at: product.created_at,
            published_at: product.published_at,
            hidden: hidden.map(|hidden| HiddenView { reason: hidden.reason.clone(), at: hidden.at }),
        }
    }
}
