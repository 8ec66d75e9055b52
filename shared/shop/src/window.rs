//! The shop window: lists, products, categories and shops as everybody sees them.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::catalog::{CategoryTree, Product, ProductCard, SaleUnit, Variant};
use domain::text::{ContentLanguage, Handle, Script};
use domain::vendor::{PublicIdentity, Shop};
use domain::{Code, Currency, Money, Refusal, Slice, Timestamp, VariantId};
use platform::{Config, Fatal};
use store::Catalog;
use store::catalog::{ListQuery, ProductAt, ProductPage};

use crate::Error;
use crate::identities::{AboutShop, Identities};

/// The catalog as everybody sees it.
#[derive(Clone, Debug)]
pub struct Window {
    catalog: Catalog,
    identities: Arc<Identities>,
    main_currency: Currency,
    /// Where own uploads are served, without a slash at the end.
    media_base: String,
}

/// What is at a product's handle.
#[derive(Clone, Debug)]
pub enum Found {
    Here(Box<ShownProduct>),
    /// The product has this handle by now.
    Moved(Handle),
    /// No product that is for sale, or none with a price in the currency.
    Nowhere,
}

/// A product as its page shows it in one currency.
#[derive(Clone, Debug)]
pub struct ShownProduct {
    pub product: Product,
    /// The language that its texts are in; nothing where its vendor has not said.
    pub language: Option<ContentLanguage>,
    /// The language that they were transliterated from, when nobody has written them in this one.
    pub transliterated_from: Option<ContentLanguage>,
    /// The long description: sanitised HTML.
    pub description_html: String,
    pub card: ProductCard,
    /// Who sells it; nothing for shops that were approved before it was asked for.
    pub vendor_identity: Option<PublicIdentity>,
    /// What a delivery by its shop costs, for a whole order; nothing when they do not deliver in the currency.
    pub delivery: Option<Money>,
    /// The variants that have a price in the currency.
    pub variants: Vec<ShownVariant>,
}

/// A variant with its price and its availability.
#[derive(Clone, Debug)]
pub struct ShownVariant {
    pub id: VariantId,
    pub sku: Option<String>,
    /// Its value of each option, by the option's name.
    pub options: BTreeMap<String, String>,
    pub price: Money,
    /// The former price, for comparison.
    pub compare_at_price: Option<Money>,
    /// What one unit is, when it is sold by measure.
    pub sale_unit: Option<SaleUnit>,
    /// The price of one measure of it.
    pub reference_price: Option<Money>,
    /// The address of its own picture.
    pub image: Option<String>,
    /// Units that can be bought. The number may be some seconds old: only checkout decides.
    pub available: i64,
    /// Whether more than these can be ordered, to be shipped when they come in.
    pub backorder: bool,
    /// When the vendor expects the backordered units.
    pub available_from: Option<Timestamp>,
}

impl Window {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("CATALOG_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        Ok(Self {
            catalog: Catalog::new(dynamodb, table),
            identities: Arc::default(),
            media_base: config.required("MEDIA_BASE_URL")?.to_owned(),
            main_currency: config.required("MAIN_CURRENCY")?.parse().map_err(Fatal::new)?,
        })
    }

    /// The currency of prices where nobody has asked for another.
    pub const fn main_currency(&self) -> Currency {
        self.main_currency
    }

    /// Where own uploads are served, without a slash at the end.
    pub fn media_base(&self) -> &str {
        &self.media_base
    }

    /// A page of cards, each as JSON: see [`Catalog::list`]. One round trip; only an empty first page asks whether what
    /// it is filtered by exists.
    ///
    /// # Errors
    /// `not_found` when there is no such category or no such vendor; `invalid_cursor`.
    pub async fn list(&self, asked: ListQuery) -> Result<Slice<String>, Error> {
        let (category, vendor) = (asked.list.category.clone(), asked.list.vendor.clone());
        let is_first = asked.page.cursor.is_none();
        let found = self.catalog.list(asked, &self.media_base).await?;
        if found.items.is_empty() && is_first {
            self.check_filter(category.as_ref(), vendor.as_ref()).await?;
        }
        Ok(found)
    }

    async fn check_filter(&self, category: Option<&Handle>, vendor: Option<&Handle>) -> Result<(), Error> {
        if let Some(category) = category
            && self.catalog.categories().await?.path_to(category).is_none()
        {
            return Err(Refusal::because(Code::NotFound, "There is no such category.").into());
        }
        if let Some(vendor) = vendor
            && self.shop(vendor).await?.is_none()
        {
            return Err(Refusal::because(Code::NotFound, "There is no such vendor.").into());
        }
        Ok(())
    }

    /// What is at a product's handle, with prices in a currency and texts in a language, where they are in it. One
    /// round trip, and now and then one more for who sells it.
    pub async fn product(
        &self,
        handle: &Handle,
        currency: Currency,
        language: Option<&ContentLanguage>,
        now: Timestamp,
    ) -> Result<Found, Error> {
        let page = match self.catalog.product_page(handle, now).await? {
            ProductAt::Here(page) if page.product.is_for_sale() && page.product.handle == *handle => *page,
            ProductAt::Renamed(product) if product.is_for_sale() => return Ok(Found::Moved(product.handle)),
            _ => return Ok(Found::Nowhere),
        };
        let about = self.identities.of(&self.catalog, page.product.vendor.id, now).await?;
        let shown = shown(page, about, currency, language, &self.media_base);
        Ok(shown.map_or(Found::Nowhere, |shown| Found::Here(Box::new(shown))))
    }

    /// A shop that sells, by its handle.
    pub async fn shop(&self, handle: &Handle) -> Result<Option<Shop>, Error> {
        Ok(self.catalog.shop(handle).await?.filter(Shop::sells))
    }

    /// The category tree.
    pub async fn categories(&self) -> Result<CategoryTree, Error> {
        Ok(self.catalog.categories().await?)
    }
}

/// The product in a currency; `None` when no variant has a price in it: the product is not listed in that currency
/// either.
fn shown(
    page: ProductPage,
    about: AboutShop,
    currency: Currency,
    language: Option<&ContentLanguage>,
    media_base: &str,
) -> Option<ShownProduct> {
    let ProductPage { mut product, mut description_html, descriptions, availability } = page;
    if let Some(language) = language {
        description_html = product.description_in(language, &description_html, &descriptions);
    }
    let wording = language.map(|language| product.show_in(language));
    let card = product.shown_card(currency, product.is_available(&availability), media_base)?;
    let variant = |variant: &Variant| {
        let price = variant.price_in(currency)?;
        let units = availability.units(variant.id);
        let more = u32::try_from(units.max(0)).unwrap_or(u32::MAX).saturating_add(1);
        Some(ShownVariant {
            id: variant.id,
            sku: variant.sku.as_ref().map(ToString::to_string),
            options: product.options_of(variant),
            price: price.price,
            compare_at_price: price.compare_at,
            sale_unit: variant.sale_unit,
            reference_price: variant.sale_unit.and_then(|unit| unit.reference_price(price.price)),
            image: product.shown_variant(variant, media_base).map(|image| image.url),
            available: availability.of(variant.id),
            backorder: variant.backorder(more, units).is_some(),
            available_from: variant.available_from,
        })
    };
    let variants = product.variants.iter().filter_map(variant).collect();
    let delivery = about.shipping_rates.into_iter().find(|rate| rate.currency() == currency);
    let language = match &wording {
        Some(wording) => wording.shown().cloned(),
        None => product.language.clone(),
    };
    let transliterated_from = wording.filter(|wording| wording.script != Script::AsWritten);
    let transliterated_from = transliterated_from.and_then(|wording| wording.written);
    Some(ShownProduct {
        language,
        transliterated_from,
        description_html,
        card,
        vendor_identity: about.identity,
        delivery,
        variants,
        product,
    })
}
