//! The columns of a Shopify product file: those that are read, those that are written, and how headers spell them.

use super::faults::{Fault, FileError, RowError};
use super::records::Records;

/// Declares the columns once: their names in Rust, the header an export writes, and other headers an import knows.
macro_rules! columns {
    ($($name:ident = $header:literal $(| $alias:literal)*,)+) => {
        /// A column that means something here; a file may have others.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Column { $($name,)+ }

        impl Column {
            /// Every column, in Shopify's order.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The header an export writes.
            pub(super) const fn header(self) -> &'static str {
                match self { $(Self::$name => $header,)+ }
            }

            /// The headers by which it is known, the one that counts first.
            const fn spellings(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$header $(, $alias)*],)+ }
            }
        }
    };
}

// The aliases are the headers of the product template that Shopify introduced in 2024.
columns! {
    Handle = "Handle" | "URL handle",
    Title = "Title",
    Body = "Body (HTML)" | "Body" | "Description",
    Vendor = "Vendor",
    Type = "Type",
    Tags = "Tags",
    Published = "Published" | "Published on online store",
    Option1Name = "Option1 Name",
    Option1Value = "Option1 Value",
    Option2Name = "Option2 Name",
    Option2Value = "Option2 Value",
    Option3Name = "Option3 Name",
    Option3Value = "Option3 Value",
    Option4Value = "Option4 Value",
    Sku = "Variant SKU" | "SKU",
    Grams = "Variant Grams" | "Weight value (grams)",
    Quantity = "Variant Inventory Qty" | "Inventory quantity",
    Policy = "Variant Inventory Policy" | "Continue selling when out of stock",
    Price = "Variant Price" | "Price",
    CompareAtPrice = "Variant Compare At Price" | "Compare-at price",
    Image = "Image Src" | "Product image URL",
    ImagePosition = "Image Position",
    ImageAlt = "Image Alt Text",
    SeoTitle = "SEO Title",
    SeoDescription = "SEO Description",
    VariantImage = "Variant Image" | "Variant image URL",
    Status = "Status",
}

/// The header may have this many bytes.
pub(super) const HEADER_LIMIT: usize = 64 * 1024;
const REQUIRED: [Column; 3] = [Column::Handle, Column::Title, Column::Price];
/// A column name of an error is cut here, so that a strange header does not fill every error with itself.
const NAME_LIMIT: usize = 80;

/// Where in a file's rows the columns stand.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// The names as the file spells them.
    names: Vec<String>,
    /// The index of each column of [`Column::ALL`].
    indexes: Vec<Option<usize>>,
}

/// Which parts of a product a file speaks of. What it has no column for stays as it is in the shop; what stands in an empty cell
/// is taken away, all but prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The description.
    pub body: bool,
    /// What the file calls its vendor.
    pub vendor: bool,
    /// What the file calls its category.
    pub category: bool,
    /// Words that the seller sorts by.
    pub tags: bool,
    /// Pictures.
    pub images: bool,
    /// The title for search engines.
    pub seo_title: bool,
    /// The description for search engines.
    pub seo_description: bool,
    /// The seller's numbers.
    pub sku: bool,
    /// Weights.
    pub grams: bool,
    /// Whether variants are sold beyond their stock.
    pub policy: bool,
    /// Higher prices to compare with.
    pub compare_at_price: bool,
    /// Pictures of variants.
    pub variant_image: bool,
}

impl Columns {
    /// A file that has all of them, as our own exports do.
    pub const ALL: Self = Self {
        body: true,
        vendor: true,
        category: true,
        tags: true,
        images: true,
        seo_title: true,
        seo_description: true,
        sku: true,
        grams: true,
        policy: true,
        compare_at_price: true,
        variant_image: true,
    };
}

/// A header's name without case, spaces, signs and byte order mark, so that `variant price` is `Variant Price`.
fn normalised(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Header {
    /// Reads the header from the record just scanned.
    pub(super) fn read(records: &Records) -> Result<Self, FileError> {
        let line = records.line();
        let refuse = |fault, column: &str| FileError(RowError { line, column: column.to_owned(), fault });
        if let Some(malformed) = records.malformed() {
            return Err(refuse(malformed.fault, ""));
        }
        let mut names = Vec::with_capacity(records.len());
        for index in 0..records.len() {
            let name = std::str::from_utf8(records.cell(index)).map_err(|_| refuse(Fault::BadEncoding, ""))?;
            names.push(name.trim().chars().take(NAME_LIMIT).collect::<String>());
        }
        let normalised_names: Vec<String> = names.iter().map(|name| normalised(name)).collect();
        let indexes_of = |spelling: &str| -> Vec<usize> {
            let spelling = normalised(spelling);
            normalised_names.iter().enumerate().filter(|(_, name)| **name == spelling).map(|(index, _)| index).collect()
        };
        let mut indexes = Vec::with_capacity(Column::ALL.len());
        for column in Column::ALL {
            // A shop may have a column of its own that is called like one of the later headers: beside the first it means nothing.
            let found = column.spellings().iter().map(|spelling| indexes_of(spelling)).find(|found| !found.is_empty());
            let found = found.unwrap_or_default();
            if let Some(again) = found.get(1).and_then(|index| names.get(*index)) {
                return Err(refuse(Fault::DuplicateColumn, again));
            }
            indexes.push(found.first().copied());
        }
        let header = Self { names, indexes };
        for column in REQUIRED {
            if header.index_of(column).is_none() {
                return Err(refuse(Fault::MissingColumn, column.header()));
            }
        }
        Ok(header)
    }

    /// The index of a column, if the file has it.
    pub(super) fn index_of(&self, column: Column) -> Option<usize> {
        self.indexes.iter().zip(Column::ALL).find(|(_, known)| **known == column).and_then(|(index, _)| *index)
    }

    /// Which parts of a product it has columns for.
    pub(super) fn columns(&self) -> Columns {
        let has = |column| self.index_of(column).is_some();
        Columns {
            body: has(Column::Body),
            vendor: has(Column::Vendor),
            category: has(Column::Type),
            tags: has(Column::Tags),
            images: has(Column::Image),
            seo_title: has(Column::SeoTitle),
            seo_description: has(Column::SeoDescription),
            sku: has(Column::Sku),
            grams: has(Column::Grams),
            policy: has(Column::Policy),
            compare_at_price: has(Column::CompareAtPrice),
            variant_image: has(Column::VariantImage),
        }
    }

    /// A column as the file spells it.
    pub(super) fn spelling(&self, column: Column) -> &str {
        self.index_of(column).map_or(column.header(), |index| self.name(index))
    }

    /// The name of the column with this index; empty beyond the last.
    pub(super) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// How many columns the file has.
    pub(super) fn width(&self) -> usize {
        self.names.len()
    }

    /// The bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.names.iter().map(|name| name.capacity() + size_of::<String>()).sum()
    }
}
