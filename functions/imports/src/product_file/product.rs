//! A product as a file has it.

use domain::catalog::{Image, ImageSource, Price, ProductOption, Seo};
use domain::text::{Handle, Line, Name, Sku, Title};
use serde::Serialize;

/// A product as a file has it: checked, but without an id, a category of the tree or anything else that only the shop knows. Written as
/// JSON it is never longer than the product in the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProductDraft {
    /// Its name in the file, in lower case.
    pub handle: Handle,
    /// What it is called.
    pub title: Title,
    /// The description, sanitised, and no longer than a [`domain::text::LongText`] when it was read. It is stored beside the product and does not
    /// count towards its size.
    #[serde(skip)]
    pub body_html: Option<String>,
    /// What the file calls its vendor.
    pub vendor: Option<Line>,
    /// What the file calls its category (`Type`).
    pub category: Option<Line>,
    /// Words that the seller sorts by.
    pub tags: Vec<Name>,
    /// Whether the seller wants it shown, if the file says so.
    pub published: Option<bool>,
    /// Where it stands in the seller's other shop, if the file says so.
    pub status: Option<Status>,
    /// Options, with the values that variants have in the order in which they appear.
    pub options: Vec<ProductOption>,
    /// Variants, at least one.
    pub variants: Vec<VariantDraft>,
    /// Pictures in the order of their positions.
    pub images: Vec<Image>,
    /// What search engines show.
    pub seo: Seo,
}

/// A variant as a file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VariantDraft {
    /// The line of the file in which its row starts; none for a variant of the shop.
    #[serde(skip)]
    pub line: Option<u64>,
    /// One value per option of the product, in the options' order.
    pub values: Vec<Name>,
    /// The seller's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// Weight in grams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grams: Option<u32>,
    /// Units on hand. None says nothing about stock: what is there stays, and a new variant starts with none.
    #[serde(skip)]
    pub quantity: Option<i64>,
    /// Whether orders are taken for more than is on hand; None says nothing.
    #[serde(skip)]
    pub continue_selling: Option<bool>,
    /// The price in the file's currency. None says nothing about prices: those that are there stay, and a new variant is refused.
    /// So an export can leave the cells of a variant empty that has no price in the export's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Its own picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSource>,
}

/// Where a product stands in the seller's other shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// For sale.
    Active,
    /// In preparation.
    Draft,
    /// Put away.
    Archived,
}

impl Status {
    /// As files spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draft => "draft",
            Self::Archived => "archived",
        }
    }
}

impl ProductDraft {
    /// Whether an import that publishes shows it: Published is not false, and Status is active or absent.
    pub fn wants_publishing(&self) -> bool {
        self.published != Some(false) && self.status.is_none_or(|status| status == Status::Active)
    }
}
