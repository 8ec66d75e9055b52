//! Products as vendors write them.

mod prices;
mod translations;

use std::collections::{BTreeMap, BTreeSet};

use domain::address::Country;
use domain::catalog::{
    CategoryTree, Image, ImageSource, InventoryPolicy, Origin, Product, ProductOption, ProductState, SaleUnit, Seo,
    Variant, check_counts,
};
use domain::stock::Layout;
use domain::text::{BadText, ContentLanguage, Handle, InLanguages, LongText, Name, Sku, Title};
use domain::vendor::VendorCard;
use domain::{Code, Ids, Money, ProductId, Refusal, Timestamp, VariantId};
use serde::Deserialize;
use utoipa::ToSchema;

use self::prices::prices;
pub use self::translations::WriteTranslation;
use self::translations::translated;

/// A product as its vendor writes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "title": "Blue bowl", "handle": "blue-bowl", "description_html": "<p>Thrown in Rishton.</p>", "category": "bowls",
    "options": [{"name": "Size"}], "tags": ["handmade"], "seo": {"title": "Blue bowl from Rishton"},
    "images": [{"src": "https://shop.example/bowl.jpg", "alt": "A blue bowl"}],
    "variants": [{
        "sku": "BOWL-S", "options": {"Size": "S"}, "prices": [{"amount": "12.50", "currency": "USD"}],
        "compare_at_prices": [{"amount": "15.00", "currency": "USD"}], "grams": 450, "on_hand": 8, "low_stock_at": 2
    }]
}))]
pub struct WriteProduct {
    title: Title,
    /// The language of these texts, as a tag such as `uz-Cyrl`. Without it a stored product keeps its own.
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(value_type = Option<String>)]
    language: Option<ContentLanguage>,
    /// The texts in other languages, by their tags: at most 8. Without it a stored product keeps those that it has, of
    /// options and values that it still has.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, WriteTranslation>>)]
    translations: Option<InLanguages<WriteTranslation>>,
    /// The product's name in addresses. Without one, a new product gets a handle made from its title, and a stored
    /// product keeps its own.
    #[serde(default, deserialize_with = "domain::text::optional")]
    pub(crate) handle: Option<Handle>,
    /// HTML. It is sanitised: only plain formatting is kept.
    #[serde(default, deserialize_with = "domain::text::optional")]
    description_html: Option<LongText>,
    /// The category's handle.
    #[serde(default, deserialize_with = "domain::text::optional")]
    category: Option<Handle>,
    /// At most 3 options.
    #[serde(default)]
    options: Vec<ProductOption>,
    /// 1 to 100 variants.
    variants: Vec<WriteVariant>,
    /// Pictures in the order in which they are shown, each `src` once.
    #[serde(default)]
    images: Vec<Image>,
    /// Each tag once. A tag has no commas.
    #[serde(default)]
    tags: Vec<Name>,
    #[serde(default)]
    seo: Seo,
    /// Who makes it.
    #[serde(default, deserialize_with = "domain::text::optional")]
    manufacturer: Option<Name>,
    /// Who brings it into the country.
    #[serde(default, deserialize_with = "domain::text::optional")]
    importer: Option<Name>,
    /// The country that it comes from.
    #[serde(default, deserialize_with = "domain::text::optional")]
    country_of_origin: Option<Country>,
}

/// A variant as its vendor writes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteVariant {
    /// The id of the stored variant that is replaced; a variant without an id is new.
    #[serde(default)]
    id: Option<VariantId>,
    #[serde(default, deserialize_with = "domain::text::optional")]
    sku: Option<Sku>,
    /// The variant's value of each option, by the option's name.
    #[serde(default)]
    options: BTreeMap<Name, Name>,
    /// The price in one currency; `prices` for several currencies.
    #[serde(default)]
    price: Option<Money>,
    /// One price per currency.
    #[serde(default)]
    prices: Vec<Money>,
    /// The former price, in a currency in which the variant has a price; above zero.
    #[serde(default)]
    compare_at_price: Option<Money>,
    /// The former prices, one per currency in which the variant has a price; above zero.
    #[serde(default)]
    compare_at_prices: Vec<Money>,
    /// Weight in grams.
    #[serde(default)]
    grams: Option<u32>,
    /// What one unit is, when the variant is sold by measure: quantities count such units, and prices are those of one.
    #[serde(default)]
    sale_unit: Option<SaleUnit>,
    /// The variant's own picture.
    #[serde(default, deserialize_with = "domain::text::optional")]
    image: Option<ImageSource>,
    /// Initial units on hand; only for a new variant.
    #[serde(default)]
    on_hand: Option<i64>,
    /// The number of shards over which the stock is spread, for a flash sale: 1 to 32.
    #[serde(default)]
    shards: Option<u16>,
    /// What happens to an order beyond the stock. By default a stored variant keeps its policy, and a new one denies
    /// such orders.
    #[serde(default, deserialize_with = "domain::text::optional")]
    inventory_policy: Option<InventoryPolicy>,
    /// With `inventory_policy`: when units ordered beyond the stock are expected.
    #[serde(default, deserialize_with = "domain::text::optional")]
    available_from: Option<Timestamp>,
    /// With `inventory_policy`: the most units that may be ordered beyond the stock; by default a million.
    #[serde(default)]
    oversell_limit: Option<u32>,
    /// The vendor gets a message when the units that can be bought fall to this number, and again only after they have
    /// risen above it.
    #[serde(default)]
    low_stock_at: Option<i64>,
}

impl WriteProduct {
    /// The initial units of each variant, in the variants' order.
    pub(crate) fn units(&self) -> impl Iterator<Item = Option<i64>> {
        self.variants.iter().map(|variant| variant.on_hand)
    }
}

/// Initial units on hand of new variants.
pub(crate) type InitialStock = Vec<(VariantId, Layout, i64)>;

pub(crate) struct Built {
    pub(crate) product: Product,
    pub(crate) description_html: String,
    /// The descriptions in other languages; nothing when those that are stored stay.
    pub(crate) descriptions: Option<InLanguages<String>>,
    pub(crate) initial_stock: InitialStock,
}

/// Builds a product from what its vendor wrote and from the stored one, if there is one.
pub(crate) fn build(
    written: &WriteProduct,
    known: Option<&Product>,
    vendor: &VendorCard,
    tree: &CategoryTree,
    ids: &mut Ids,
) -> Result<Built, Refusal> {
    check_counts(&written.variants, &written.options, &written.images, &written.tags)?;
    let (categories, removed_category) = match &written.category {
        Some(category) => match tree.path_to(category) {
            Some(path) => (path, None),
            // The operator has removed it, which the vendor need not know to change something else.
            None => match known.filter(|known| known.category() == Some(category)) {
                Some(known) => {
                    let mut placed = known.clone();
                    placed.follow(tree);
                    (placed.categories, placed.removed_category)
                }
                None => return Err(Refusal::field("/category", "unknown", "there is no such category")),
            },
        },
        None => (Vec::new(), None),
    };
    let id = known.map_or_else(|| ProductId::new(ids.now(), ids.bits()), |known| known.id);
    let handle = match (&written.handle, known) {
        (Some(handle), _) => handle.clone(),
        (None, Some(known)) => known.handle.clone(),
        (None, None) => Handle::suggested_by(written.title.as_str()).ok_or_else(|| {
            Refusal::field("/handle", "missing", "none can be made from the title: give one in latin letters")
        })?,
    };
    let mut next_ordinal = known.map_or(1, |known| known.next_ordinal);
    let (mut variants, mut initial_stock) = (Vec::new(), Vec::new());
    for (index, variant) in written.variants.iter().enumerate() {
        let built = build_variant(variant, index, id, known, &written.options, &mut next_ordinal)?;
        if variants.iter().any(|other: &Variant| other.id == built.id) {
            return Err(Refusal::field(format!("/variants/{index}/id"), "duplicate", "two variants have this id"));
        }
        if let Some(units) = variant.on_hand {
            initial_stock.push((built.id, built.layout(), units));
        }
        variants.push(built);
    }
    let (translations, descriptions) = match written.translations.as_ref().map(translated).transpose()? {
        Some((translations, descriptions)) => (Some(translations), Some(descriptions)),
        None => (None, None),
    };
    let mut product = Product {
        id,
        vendor: vendor.clone(),
        handle,
        title: written.title.clone(),
        language: written.language.clone().or_else(|| known.and_then(|known| known.language.clone())),
        translations: InLanguages::new(),
        categories,
        removed_category,
        options: with_values(&written.options, &variants),
        variants,
        images: written.images.clone(),
        pictures: known.map(|known| known.pictures.clone()).unwrap_or_default(),
        alike: known.and_then(|known| known.alike),
        tags: written.tags.clone(),
        // An empty description is stored as none, because a product file cannot tell the two apart.
        seo: Seo {
            description: written.seo.description.clone().filter(|text| !text.as_str().is_empty()),
            ..written.seo.clone()
        },
        origin: Origin {
            manufacturer: written.manufacturer.clone(),
            importer: written.importer.clone(),
            country: written.country_of_origin.clone(),
        },
        file_handle: known.and_then(|known| known.file_handle.clone()),
        file_type: known.and_then(|known| known.file_type.clone()),
        file_vendor: known.and_then(|known| known.file_vendor.clone()),
        file_key: known.and_then(|known| known.file_key.clone()),
        renamed_at: known.and_then(|known| known.renamed_at),
        hidden: known.and_then(|known| known.hidden.clone()),
        awaits_handle: known.is_some_and(|known| known.awaits_handle),
        state: known.map_or(ProductState::Draft, |known| known.state),
        listed: known.is_none_or(|known| known.listed),
        published_at: known.and_then(|known| known.published_at),
        created_at: known.map_or_else(|| ids.now(), |known| known.created_at),
        next_ordinal,
        version: known.map_or(0, |known| known.version),
        kept: known.map(|known| known.kept.clone()).unwrap_or_default(),
    };
    match (translations, known) {
        (Some(translations), _) => product.translations = translations,
        (None, Some(known)) => product.keep_words(known),
        (None, None) => {}
    }
    product.check()?;
    if let Some(descriptions) = &descriptions {
        product.check_descriptions(descriptions)?;
    }
    let description_html = written.description_html.as_ref();
    let description_html = description_html.map(|html| shown_description(html, "/description_html")).transpose()?;
    Ok(Built { product, description_html: description_html.unwrap_or_default(), descriptions, initial_stock })
}

fn shown_description(html: &LongText, pointer: &str) -> Result<String, Refusal> {
    product_file::shown_description(html).map(|shown| shown.to_string()).map_err(|bad| {
        let code = if matches!(bad, BadText::TooLong(_)) { "too_long" } else { "invalid" };
        Refusal::field(pointer, code, format!("after sanitising it {bad}"))
    })
}

fn build_variant(
    written: &WriteVariant,
    index: usize,
    product: ProductId,
    known: Option<&Product>,
    options: &[ProductOption],
    next_ordinal: &mut u16,
) -> Result<Variant, Refusal> {
    let at = |field: &str| format!("/variants/{index}/{field}");
    let former = match written.id {
        Some(id) => Some(
            known
                .and_then(|known| known.variant(id))
                .ok_or_else(|| Refusal::field(at("id"), "unknown", "the product has no such variant"))?,
        ),
        None => None,
    };
    match written.on_hand {
        Some(_) if former.is_some() => {
            return Err(Refusal::field(
                at("on_hand"),
                "not_new",
                "the stock of an existing variant is changed by an endpoint of its own",
            ));
        }
        Some(units) if !(0..=domain::catalog::MAX_ON_HAND).contains(&units) => {
            return Err(Refusal::field(
                at("on_hand"),
                "out_of_range",
                format!("0 to {}", domain::catalog::MAX_ON_HAND),
            ));
        }
        _ => {}
    }
    let id = match former {
        Some(former) => former.id,
        None => {
            let ordinal = *next_ordinal;
            *next_ordinal = ordinal
                .checked_add(1)
                .ok_or_else(|| Refusal::because(Code::LimitReached, "the product has had too many variants in all"))?;
            VariantId::new(product, ordinal)
        }
    };
    let known_name = |name: &Name| options.iter().any(|option| option.name == *name);
    if let Some(stranger) = written.options.keys().find(|name| !known_name(name)) {
        return Err(Refusal::field(at("options"), "unknown", format!("the product has no option {stranger}")));
    }
    if written.sale_unit.is_some_and(|unit| !unit.is_valid()) {
        return Err(Refusal::field(at("sale_unit/step"), "fraction", "pieces come in whole numbers"));
    }
    let values = options.iter().filter_map(|option| written.options.get(&option.name).cloned()).collect();
    let shards = written.shards.or_else(|| former.map(|former| former.shards)).unwrap_or(1);
    let mut variant = Variant {
        id,
        sku: written.sku.clone(),
        values,
        prices: prices(written, at)?,
        grams: written.grams,
        sale_unit: written.sale_unit,
        image: written.image.clone(),
        shards,
        peak_shards: former.map_or(1, |former| former.layout().peak_shards),
        inventory_policy: InventoryPolicy::Deny,
        available_from: written.available_from,
        oversell_limit: written.oversell_limit,
        low_stock_at: written.low_stock_at,
    };
    match (written.inventory_policy, former) {
        (Some(inventory_policy), _) => variant.inventory_policy = inventory_policy,
        (None, Some(former)) if written.available_from.is_none() && written.oversell_limit.is_none() => {
            variant.inventory_policy = former.inventory_policy;
            variant.available_from = former.available_from;
            variant.oversell_limit = former.oversell_limit;
        }
        (None, _) => {}
    }
    variant.spread_over(shards);
    Ok(variant)
}

/// The options with all values that variants have, each once: first in the order in which the option lists them, then
/// in the order in which variants name them.
fn with_values(options: &[ProductOption], variants: &[Variant]) -> Vec<ProductOption> {
    options
        .iter()
        .enumerate()
        .map(|(index, option)| {
            let named = || variants.iter().filter_map(|variant| variant.values.get(index));
            // Taken out one by one: an option may list far more values than its variants have.
            let mut used: BTreeSet<&Name> = named().collect();
            let values = option.values.iter().chain(named()).filter(|value| used.remove(value)).cloned().collect();
            ProductOption { name: option.name.clone(), values }
        })
        .collect()
}

#[cfg(test)]
mod tests;
