//! Products, their variants, and their rows in lists.

mod card;
mod category;
mod color;
mod file_columns;
mod hidden;
mod image;
mod picture;
mod picture_fault;
mod product_fault;
mod product_file;
mod sale_unit;
mod stock_level;
mod translation;
mod variant;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::address::Country;
use crate::stored::Kept;
use crate::text::{ContentLanguage, Handle, InLanguages, Line, Name, Title};
use crate::vendor::VendorCard;
use crate::{Currency, ProductId, Timestamp, VariantId};

pub use card::ProductCard;
pub use category::{Category, CategoryTree};
pub use color::Color;
pub use file_columns::{FileCells, FileColumns, FileHeaders, MAX_KEPT_BYTES};
pub use hidden::Hidden;
pub use image::{Image, ImageFile, ImageLink, ImageSource};
pub use picture::{Alike, Picture, PictureFiles, PictureName, VendorPicture};
pub use picture_fault::PictureFault;
pub use product_fault::{FoundFault, ProductFault, check_counts};
pub use product_file::NO_OPTION;
pub use sale_unit::{Measure, SaleUnit, Step};
pub use stock_level::StockLevel;
pub use translation::{MAX_DESCRIPTIONS_BYTES, OptionWords, Translation, Wording};
pub use variant::{InventoryPolicy, Price, Variant};

/// The most variants of a product.
pub const MAX_VARIANTS: usize = 100;
/// The most options of a product.
pub const MAX_OPTIONS: usize = 3;
/// The most pictures of a product.
pub const MAX_IMAGES: usize = 50;
/// The most tags of a product.
pub const MAX_TAGS: usize = 250;
/// The most currencies in which a variant has a price.
pub const MAX_CURRENCIES: usize = 8;
/// The most bytes of a product with its variants, which are one item.
pub const MAX_PRODUCT_BYTES: usize = 64 * 1024;
/// The most listing rows of a product, one per list and currency.
pub const MAX_LISTING_ROWS: usize = 80;
/// The most shards of a variant's stock.
pub const MAX_SHARDS: u16 = 32;
/// The most shards of all variants of a product together, so that a few calls read them.
pub const MAX_PRODUCT_SHARDS: usize = 400;
/// The most units of a variant that may be ordered beyond its stock.
pub const MAX_OVERSELL: u32 = 1_000_000;
/// The most units of a variant on hand.
pub const MAX_ON_HAND: i64 = 10_000_000;

/// An option of a product, such as a colour, with the values that its variants have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductOption {
    /// Name of the option, such as `Colour`; unique within the product.
    pub name: Name,
    /// Values in the order in which they are shown.
    #[serde(default)]
    pub values: Vec<Name>,
}

/// Title and description for search engines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seo {
    /// Title; without one the product's own is used.
    #[serde(default, deserialize_with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    pub title: Option<Line>,
    /// Description: one paragraph of plain text.
    #[serde(default, deserialize_with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    pub description: Option<SeoText>,
}

/// A description for search engines: one paragraph of plain text.
pub type SeoText = crate::text::LongText;

/// Whether buyers can see a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProductState {
    /// Only its vendor sees it.
    Draft,
    /// Buyers see it and can buy it.
    Published,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// Who makes a product, who brings it into the country, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importer: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
}

impl Origin {
    /// Whether nothing is known of it, as of products of releases before 2026-12-04.
    pub const fn is_unknown(&self) -> bool {
        self.manufacturer.is_none() && self.importer.is_none() && self.country.is_none()
    }
}

/// A product with its variants. The long description is an item of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub id: ProductId,
    pub vendor: VendorCard,
    /// Its name in addresses, unique in the marketplace.
    pub handle: Handle,
    pub title: Title,
    /// The language of its own texts, when its vendor has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<ContentLanguage>,
    /// Its texts in other languages. Descriptions are an item of their own.
    #[serde(default, skip_serializing_if = "InLanguages::is_empty")]
    pub translations: InLanguages<Translation>,
    /// The path from the root of the tree to the product's own category, or to what is left of it: the lists that the
    /// product is in.
    #[serde(default)]
    pub categories: Vec<Handle>,
    /// The product's own category, when the path does not lead to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_category: Option<RemovedCategory>,
    #[serde(default)]
    pub options: Vec<ProductOption>,
    /// At least one, at most [`MAX_VARIANTS`].
    pub variants: Vec<Variant>,
    /// The first one is shown on the card.
    #[serde(default)]
    pub images: Vec<Image>,
    /// What became of the pictures that it and its variants name, by their sources. An own upload that is not among
    /// them was public before pictures were looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pictures: BTreeMap<String, Picture>,
    /// Its latest versions, when they differ in their pictures only, which nobody has written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alike: Option<Alike>,
    /// Free keywords of the vendor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Name>,
    /// Title and description for search engines.
    #[serde(default)]
    pub seo: Seo,
    /// Who makes it, who brings it into the country, and where it comes from.
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
    /// The handle that an imported file has for it, when it is not its own; any text, as another shop system has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_handle: Option<Line>,
    /// The category as the imported file spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_type: Option<Line>,
    /// The vendor as the imported file spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_vendor: Option<Line>,
    /// What tells it in files of a system without handles: its SKU there, or `id:` and its number. Unique in the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_key: Option<Line>,
    /// When it got another handle for the last time; the former one leads here for a year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_at: Option<Timestamp>,
    /// Whether its handle is only wished for: its shop was not approved when it was written, and keeps nobody from it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub awaits_handle: bool,
    /// Whether buyers can see it.
    pub state: ProductState,
    /// Why the operator hides it; then it is a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Hidden>,
    /// Whether its shop is open: false while the vendor is suspended.
    #[serde(default = "yes")]
    pub listed: bool,
    /// When it was published for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The ordinal of the next variant; ordinals are never reused.
    pub next_ordinal: u16,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

const fn yes() -> bool {
    true
}

/// A category that a product was put into and cannot be listed in: the tree does not have it any more, or the product
/// would have more listing rows with it than a product may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedCategory {
    pub handle: Handle,
    /// The path that the product has instead. A release from before 2026-11-30 changes only the product's path: with
    /// another one, this is over.
    pub left: Vec<Handle>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingRow {
    pub list: List,
    /// The product's titles by the tags of their languages.
    pub titles: Arc<BTreeMap<String, String>>,
    /// The card in the list's currency, with prices in it.
    pub card: ProductCard,
    /// When the product was published for the first time, which orders the list by newest.
    pub published_at: Timestamp,
}

/// A list of products in one currency: all of them, a category's, a vendor's, or a vendor's within a category.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List {
    /// Its category; nothing for a list across categories.
    pub category: Option<Handle>,
    /// Its vendor's handle; nothing for a list across vendors.
    pub vendor: Option<Handle>,
    /// The currency of all its prices.
    pub currency: Currency,
}

impl Product {
    /// Whether buyers can see and buy it.
    pub fn is_for_sale(&self) -> bool {
        self.state == ProductState::Published && self.listed && self.hidden.is_none()
    }

    /// Makes it a draft: buyers do not see it any more. One that is hidden stays a draft when it is shown again.
    pub const fn unpublish(&mut self) {
        self.state = ProductState::Draft;
        if let Some(hidden) = &mut self.hidden {
            hidden.was_published = false;
        }
    }

    /// Publishes it, unless it is hidden; the time of the first publication stays.
    pub fn publish(&mut self, now: Timestamp) {
        if self.hidden.is_some() {
            return;
        }
        self.state = ProductState::Published;
        self.published_at.get_or_insert(now);
    }

    /// The category that its vendor put it into, also when it cannot be listed in it.
    pub fn category(&self) -> Option<&Handle> {
        let removed = self.removed_category.as_ref().filter(|removed| removed.left == self.categories);
        removed.map(|removed| &removed.handle).or_else(|| self.categories.last())
    }

    /// Puts it where the tree has its category now. While the tree does not have it, the product is in the lowest
    /// category above it that is left, and it is never in more lists than a product may be.
    pub fn follow(&mut self, tree: &CategoryTree) {
        let Some(own) = self.category().cloned() else { return };
        let known = tree.path_to(&own);
        let above = || self.categories.iter().rev().find_map(|above| tree.path_to(above)).unwrap_or_default();
        let mut path = known.clone().unwrap_or_else(above);
        while !path.is_empty() && self.rows_with(path.len()) > MAX_LISTING_ROWS {
            path.pop();
        }
        self.removed_category =
            (known.as_ref() != Some(&path)).then(|| RemovedCategory { handle: own, left: path.clone() });
        self.categories = path;
    }

    /// The number of its listing rows with a path of so many categories.
    fn rows_with(&self, categories: usize) -> usize {
        (categories + 1) * 2 * self.currencies().len()
    }

    pub fn variant(&self, id: VariantId) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.id == id)
    }

    /// Whether at least one variant can be bought now, backorders included.
    pub fn is_available(&self, availability: &Availability) -> bool {
        self.variants.iter().any(|variant| {
            let units = availability.units(variant.id);
            units > 0 || variant.backorder(1, units).is_some()
        })
    }

    /// The currencies in which at least one variant has a price.
    pub fn currencies(&self) -> BTreeSet<Currency> {
        self.variants.iter().flat_map(|variant| variant.prices.iter().map(|price| price.price.currency())).collect()
    }

    /// Its rows in all lists: everything, its category and those above it, its vendor, its vendor within each category;
    /// each per currency. Empty when it is not for sale. Their pictures have the addresses that the product has: an own
    /// upload is `media:` and its id until the row is read.
    pub fn listing_rows(&self, available: bool) -> Vec<ListingRow> {
        let (true, Some(published_at)) = (self.is_for_sale(), self.published_at) else {
            return Vec::new();
        };
        let titles = Arc::new(self.listed_titles());
        let scopes = std::iter::once(None).chain(self.categories.iter().cloned().map(Some));
        let mut rows = Vec::new();
        for category in scopes {
            for vendor in [None, Some(self.vendor.handle.clone())] {
                for currency in self.currencies() {
                    if let Some(card) = self.card(currency, available, |path| format!("media:{path}")) {
                        let list = List { category: category.clone(), vendor: vendor.clone(), currency };
                        rows.push(ListingRow { list, titles: Arc::clone(&titles), card, published_at });
                    }
                }
            }
        }
        rows
    }

    /// A variant's values by the name of their option: `{"Colour": "Blue"}`.
    pub fn options_of(&self, variant: &Variant) -> BTreeMap<String, String> {
        self.options
            .iter()
            .zip(&variant.values)
            .map(|(option, value)| (option.name.to_string(), value.to_string()))
            .collect()
    }

    /// The title with the variant's values, for carts, orders and mail.
    pub fn title_of(&self, variant: &Variant) -> String {
        if variant.values.is_empty() {
            return self.title.to_string();
        }
        let values: Vec<&str> = variant.values.iter().map(Name::as_str).collect();
        format!("{} ({})", self.title, values.join(", "))
    }
}

/// Units of each variant of a product that can be bought: a projection of Stock, which lags behind it by seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// Units by variant; negative while units are owed to buyers.
    pub available: BTreeMap<VariantId, i64>,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl Availability {
    /// Units of one variant that can be bought; zero while units are owed to buyers.
    pub fn of(&self, variant: VariantId) -> i64 {
        self.units(variant).max(0)
    }

    /// Units of one variant that can be bought; negative while units are owed to buyers.
    pub fn units(&self, variant: VariantId) -> i64 {
        self.available.get(&variant).copied().unwrap_or(0)
    }
}
