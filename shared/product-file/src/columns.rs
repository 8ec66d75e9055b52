//! The columns of a Shopify product file and the spellings of their headers.

use domain::text::{is_forbidden, is_line_break};

use super::faults::{Fault, FileError, RowError};
use super::records::Records;

/// Declares the columns once: name, the header that an export writes, and aliases that an import accepts.
macro_rules! columns {
    ($($name:ident = $header:literal $(| $alias:literal)*,)+) => {
        /// A column that is read; others in a file are ignored.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Column { $($name,)+ }

        impl Column {
            /// Every column, in Shopify's order.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The header an export writes.
            pub(super) const fn header(self) -> &'static str {
                match self { $(Self::$name => $header,)+ }
            }

            /// The headers by which the column is found, in order of precedence.
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
    Category = "Product Category",
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

/// The column that says in a file of refused rows why they were refused. It is no column of a product, so that an
/// import of the mended file ignores it.
pub(super) const REASON: &str = "Refused because";

/// The most bytes of the header.
pub(super) const HEADER_LIMIT: usize = 64 * 1024;
const REQUIRED: [Column; 1] = [Column::Handle];
/// The most characters of a column name that are kept: errors repeat the name.
const NAME_LIMIT: usize = 80;

/// The positions of the columns in a file's rows.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// The names as the file spells them, cut to [`NAME_LIMIT`].
    names: Vec<String>,
    /// The index of each column of [`Column::ALL`].
    indexes: Vec<Option<usize>>,
}

/// The optional columns that a file has. What has no column stays as it is stored. An empty cell removes the stored
/// value, except for prices and units on hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The title: without it, the file changes products and does not name all of their variants.
    pub title: bool,
    /// The description.
    pub body: bool,
    pub vendor: bool,
    /// The category (`Type`).
    pub category: bool,
    pub tags: bool,
    pub images: bool,
    pub seo_title: bool,
    pub seo_description: bool,
    pub sku: bool,
    pub grams: bool,
    /// The inventory policy: whether variants are sold beyond their stock.
    pub policy: bool,
    pub compare_at_price: bool,
    pub variant_image: bool,
}

impl Columns {
    /// All columns, as in Bozor's own exports.
    pub const ALL: Self = Self {
        title: true,
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

/// A header in lower case and with letters and digits only, so that `variant price` matches `Variant Price`.
fn normalised(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Header {
    /// Reads the header from the record just scanned.
    pub(super) fn read(records: &Records) -> Result<Self, FileError> {
        let line = records.line();
        let refuse = |fault, column: &str| FileError(RowError::new(line, column, fault));
        if let Some(malformed) = records.malformed() {
            return Err(refuse(malformed.fault, ""));
        }
        let mut names = Vec::with_capacity(records.len());
        for index in 0..records.len() {
            let name = std::str::from_utf8(records.cell(index)).map_err(|_| refuse(Fault::BadEncoding, ""))?;
            // Names are repeated in answers, so they have only what a text may have.
            let shown = name.trim().chars().filter(|found| !is_forbidden(*found) && !is_line_break(*found));
            names.push(shown.take(NAME_LIMIT).collect::<String>());
        }
        let normalised_names: Vec<String> = names.iter().map(|name| normalised(name)).collect();
        let indexes_of = |spelling: &str| -> Vec<usize> {
            let spelling = normalised(spelling);
            normalised_names.iter().enumerate().filter(|(_, name)| **name == spelling).map(|(index, _)| index).collect()
        };
        let mut indexes = Vec::with_capacity(Column::ALL.len());
        for column in Column::ALL {
            // A file may have custom columns whose names equal an alias: they are ignored when an earlier spelling is
            // there too.
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

    pub(super) fn columns(&self) -> Columns {
        let has = |column| self.index_of(column).is_some();
        Columns {
            title: has(Column::Title),
            body: has(Column::Body),
            vendor: has(Column::Vendor),
            category: has(Column::Type) || has(Column::Category),
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

    /// The column's header as the file spells it.
    pub(super) fn spelling(&self, column: Column) -> &str {
        self.index_of(column).map_or(column.header(), |index| self.name(index))
    }

    /// The name of the column with this index; empty beyond the last.
    pub(super) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// Whether the first column is [`REASON`]: the file is one of rows that were refused before.
    pub(super) fn begins_with_reason(&self) -> bool {
        normalised(self.name(0)) == normalised(REASON)
    }

    /// The number of columns of the file, ignored ones included.
    pub(super) fn width(&self) -> usize {
        self.names.len()
    }

    /// An estimate of the bytes held in memory.
    pub(super) fn held(&self) -> usize {
        self.names.iter().map(|name| name.capacity() + size_of::<String>()).sum()
    }
}
