//! A product as a file has it.

use std::collections::BTreeMap;

use domain::catalog::{Image, ImageSource, MAX_OPTIONS, Price, ProductOption, SaleUnit, Seo, SeoText};
use domain::text::{ContentLanguage, Handle, Line, Name, Sku, Title};
use serde::Serialize;

/// A product as a file has it: checked, but without its id, its place in the category tree and all else that is only
/// known of stored products. As JSON it is never longer than the stored product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProductDraft {
    /// The handle that stands for the one in the file; the stored product may get another one.
    pub handle: Handle,
    /// The handle as the file has it, possibly of characters that a handle does not have here.
    #[serde(skip)]
    pub file_handle: String,
    /// What tells the product in files of its system, when that is not the handle: an SKU, or `id:` and a number. In
    /// lower case.
    #[serde(skip)]
    pub file_key: Option<Line>,
    /// The key that the product had in earlier files, when it had no SKU yet.
    #[serde(skip)]
    pub former_key: Option<Line>,
    /// The title; none in a file without titles, or in rows that stand apart from the product's first.
    pub title: Option<Title>,
    /// Whether rows of the product came before, with other products in between: these rows add to it.
    #[serde(skip)]
    pub continues: bool,
    /// The description, sanitised; when it was read from a file, no longer than a [`domain::text::LongText`]. It is
    /// stored beside the product and does not count towards the product's size.
    #[serde(skip)]
    pub body_html: Option<String>,
    /// The `Vendor` cell.
    pub vendor: Option<Line>,
    /// The `Type` cell.
    pub category: Option<Line>,
    /// The categories that the file has besides, for when the first one is not known.
    #[serde(skip)]
    pub other_categories: Vec<Line>,
    pub tags: Vec<Name>,
    /// The `Published` cell; nothing when it is empty.
    pub published: Option<bool>,
    /// The `Status` cell; nothing when it is empty.
    pub status: Option<Status>,
    /// Options, each with the values that variants have, in the order in which they appear.
    pub options: Vec<ProductOption>,
    /// Variants; at least one where there is a title.
    pub variants: Vec<VariantDraft>,
    /// Pictures in the order of their positions.
    pub images: Vec<Image>,
    pub seo: Seo,
    /// The language of its texts: nothing when the file has no column for it, and no language when its cell is empty.
    #[serde(skip)]
    pub language: Option<Option<ContentLanguage>>,
    /// Its texts in the other languages that the file has columns for.
    #[serde(skip)]
    pub texts: BTreeMap<ContentLanguage, TextsDraft>,
    /// Its cells in columns that are only kept, by the position of the column among them.
    #[serde(skip)]
    pub kept: Vec<(usize, String)>,
}

/// What a file says of a product in another language than its own: nothing of what it has no column for, and no text
/// where the cell is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextsDraft {
    pub title: Option<Option<Title>>,
    /// The description, sanitised as the product's own.
    pub body_html: Option<Option<String>>,
    pub seo_title: Option<Option<Line>>,
    pub seo_description: Option<Option<SeoText>>,
    /// How the options are called, by their position.
    pub options: [OptionTexts; MAX_OPTIONS],
}

/// How a file calls an option and its values in another language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionTexts {
    pub name: Option<Option<Name>>,
    /// By the product's own values. One that a variant has and that is not there has an empty cell.
    pub values: Option<BTreeMap<Name, Name>>,
}

impl OptionTexts {
    /// Leaves the cells of its columns empty.
    pub(super) fn clear(&mut self) {
        self.name = self.name.take().map(|_| None);
        self.values = self.values.take().map(|_| BTreeMap::new());
    }
}

/// A variant as a file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VariantDraft {
    /// The line of the file in which its row starts, counted from one; none for a stored variant.
    #[serde(skip)]
    pub line: Option<u64>,
    /// One value per option of the product, in the options' order. In rows that do not name the options, the values of
    /// the options that the stored product has; empty when the file does not tell the variant by its values.
    pub values: Vec<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grams: Option<u32>,
    /// What one unit is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_unit: Option<SaleUnit>,
    /// Units on hand, below zero when more was sold than there was. With None the stored stock stays, and a new variant
    /// starts without stock.
    #[serde(skip)]
    pub quantity: Option<i64>,
    /// Whether orders beyond the units on hand are accepted. Where the file has the column, None counts as false.
    #[serde(skip)]
    pub continue_selling: Option<bool>,
    /// The price in the file's currency. With None the stored prices stay, and a new variant is refused: so an export
    /// can leave the cell empty for a variant that has no price in the export's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSource>,
    /// Its cells in columns that are only kept, by the position of the column among them.
    #[serde(skip)]
    pub kept: Vec<(usize, String)>,
}

impl VariantDraft {
    /// Whether its row has a cell about a variant: the first row of a product may be there for the product alone.
    pub fn says_something(&self) -> bool {
        let Self { line: _, values, sku, grams, sale_unit, quantity, continue_selling, price, image, kept } = self;
        let is_told = !values.is_empty() || sku.is_some() || price.is_some() || quantity.is_some();
        is_told
            || grams.is_some()
            || sale_unit.is_some()
            || continue_selling.is_some()
            || image.is_some()
            || !kept.is_empty()
    }
}

/// The state of the product in the shop system from which the file was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Active,
    Draft,
    Archived,
}

impl Status {
    /// The spelling in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draft => "draft",
            Self::Archived => "archived",
        }
    }
}

impl ProductDraft {
    /// Whether an import with `publish` publishes it: `Published` is not false, and `Status` is active or absent.
    pub fn wants_publishing(&self) -> bool {
        self.published != Some(false) && self.status.is_none_or(|status| status == Status::Active)
    }
}
