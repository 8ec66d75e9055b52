//! The closed list of faults of a product file.

use std::fmt;

use domain::text::{is_forbidden, is_line_break};

/// Declares the faults once: name, code for clients, and meaning. The doc comment of a fault is its meaning and is
/// shown to the vendor.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// A fault of a file, a row or a cell.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fault { $($(#[doc = $doc])+ $name,)+ }

        impl Fault {
            /// Every fault, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code for clients. Part of the HTTP contract: never renamed.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// One sentence for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

faults! {
    /// The file has no header line.
    EmptyFile = "empty_file",
    /// The file is not in UTF-8; save it as CSV UTF-8.
    BadEncoding = "bad_encoding",
    /// The header line is too long or has too many columns.
    BadHeader = "bad_header",
    /// The file lacks a column that is needed; the value has the columns that were found. A file of another system is
    /// read when the shop has said what its columns mean (PUT /v1/vendor/import-mapping). Headers of WooCommerce's
    /// export are known in English, Russian, Uzbek, German, French, Spanish, Turkish and Chinese: switch the language
    /// of your user there to one of these before you export.
    MissingColumn = "missing_column",
    /// The file has this column twice.
    DuplicateColumn = "duplicate_column",
    /// A file has the texts of products in at most 8 languages besides their own.
    TooManyLanguages = "too_many_languages",
    /// The file has more rows than a file may have, which are the value; split it.
    TooManyRows = "too_many_rows",
    /// The file is not the one whose import was interrupted.
    FileChanged = "file_changed",
    /// The file is in no character encoding that is known here; save it as CSV UTF-8.
    UnknownEncoding = "unknown_encoding",
    /// The row names no product.
    MissingHandle = "missing_handle",
    /// The handle, SKU or ID by which a product is told is one line of at most 250 characters.
    BadHandle = "bad_handle",
    /// Here the product's address is made from this handle, which has other characters; an export has it as it was.
    HandleMapped = "handle_mapped",
    /// Rows of this product stand apart, so variants that the file does not name are kept.
    RowsApart = "rows_apart",
    /// A new product must have a title.
    MissingTitle = "missing_title",
    /// A new variant must have a price.
    MissingPrice = "missing_price",
    /// Not a price in this currency: digits, and at most as many after the point as the currency has.
    BadPrice = "bad_price",
    /// A price to compare with is a price in this currency: it was left out.
    CompareAtLeftOut = "compare_at_left_out",
    /// A price to compare with needs a price in its row: it was left out.
    CompareAtWithoutPrice = "compare_at_without_price",
    /// A quantity is a whole number from -1,000,000 to 10,000,000.
    BadQuantity = "bad_quantity",
    /// Only what is sold beyond its stock can have less than nothing: the quantity was taken for 0.
    NegativeQuantity = "negative_quantity",
    /// An inventory policy is deny or continue: it was taken for deny.
    BadPolicy = "bad_policy",
    /// A weight is a number of grams and not negative: it was left out.
    BadGrams = "bad_grams",
    /// A sale unit is a number with kg, g, m, cm, l, ml or pcs. Without it nobody knows what the price is for.
    BadSaleUnit = "bad_sale_unit",
    /// A picture is an https address or media:ID of an upload: it was left out.
    BadUrl = "bad_url",
    /// The address of the picture was mended: https in place of http, and no spaces.
    AddressMended = "address_mended",
    /// An image position is a whole number above zero: the picture comes after those before it.
    BadPosition = "bad_position",
    /// Must be true or false: it was taken for false.
    BadBoolean = "bad_boolean",
    /// A status is active, draft or archived: it was taken for draft.
    BadStatus = "bad_status",
    /// A language is a tag such as uz, uz-Cyrl or ru: it was left out.
    BadLanguage = "bad_language",
    /// An earlier row of the product has this option or value otherwise in this language: the earlier one was taken.
    WordChanged = "word_changed",
    /// A value in another language needs the product's own one in its row: it was left out.
    WordWithoutValue = "word_without_value",
    /// The text is too long.
    TextTooLong = "text_too_long",
    /// The text was too long and has been cut.
    TextCut = "text_cut",
    /// An SKU has at most 64 characters: it was left out.
    SkuLeftOut = "sku_left_out",
    /// Characters that cannot be shown were taken out.
    CharactersRemoved = "characters_removed",
    /// The text holds characters that cannot be shown.
    BadText = "bad_text",
    /// The cell is not in UTF-8.
    BadUtf8 = "bad_utf8",
    /// An option value needs the option's name in the first row of the product.
    MissingOptionName = "missing_option_name",
    /// Every variant needs a value for each option of the product.
    MissingOptionValue = "missing_option_value",
    /// The option has another name in the first row of the product.
    OptionNameChanged = "option_name_changed",
    /// Two options of a product have the same name.
    DuplicateOption = "duplicate_option",
    /// Another variant of the product has the same option values.
    DuplicateVariant = "duplicate_variant",
    /// A product has at most 3 options.
    TooManyOptions = "too_many_options",
    /// A product has at most 100 variants.
    TooManyVariants = "too_many_variants",
    /// A product has at most 50 pictures: the others were left out.
    TooManyImages = "too_many_images",
    /// A product has at most 250 tags: the others were left out.
    TooManyTags = "too_many_tags",
    /// The product is larger than 64 KB.
    ProductTooLarge = "product_too_large",
    /// The rows of a product are at most 500, with at most 2 MB of text.
    TooManyRowsOfProduct = "too_many_rows_of_product",
    /// Rows of products stand too far apart in this file: sort it by product.
    RowsTooFarApart = "rows_too_far_apart",
    /// Other columns than those used here are kept up to 32 KB for each product: the rest of them was left out.
    ColumnsLeftOut = "columns_left_out",
    /// Two rows of the file are the same product, by SKU or ID.
    DuplicateProduct = "duplicate_product",
    /// Grouped and external products, and types of extensions, are not sold here.
    UnsupportedType = "unsupported_type",
    /// The file has no variation of this product that is switched on and has a price.
    MissingVariations = "missing_variations",
    /// A variation that is switched off or has no price is not sold: it was left out.
    VariationLeftOut = "variation_left_out",
    /// A variation that stands for any value of an attribute has become one variant for each; units are with the first.
    AnyValue = "any_value",
    /// All variations share one stock, which variants here do not: set the units of each.
    SharedStock = "shared_stock",
    /// What is in stock without being counted is sold beyond its stock here, until its units and its policy are set.
    StockNotCounted = "stock_not_counted",
    /// The sale price does not hold today: the regular price was taken.
    SaleNotNow = "sale_not_now",
    /// Files to download are not sold here: the product came in without them.
    DownloadsLeftOut = "downloads_left_out",
    /// A quote was opened and not closed, or text follows a closing quote.
    UnbalancedQuotes = "unbalanced_quotes",
    /// The cell is longer than 256 KB.
    FieldTooLong = "field_too_long",
    /// The row is longer than 1 MB.
    RowTooLong = "row_too_long",
    /// The row has more cells than the header.
    RowTooWide = "row_too_wide",
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.meaning())
    }
}

impl Fault {
    /// Whether the product is taken in all the same: what was done instead is in the meaning.
    pub const fn is_warning(self) -> bool {
        matches!(
            self,
            Self::HandleMapped
                | Self::RowsApart
                | Self::CompareAtLeftOut
                | Self::CompareAtWithoutPrice
                | Self::NegativeQuantity
                | Self::BadPolicy
                | Self::BadGrams
                | Self::BadUrl
                | Self::AddressMended
                | Self::BadPosition
                | Self::BadBoolean
                | Self::BadStatus
                | Self::BadLanguage
                | Self::WordChanged
                | Self::WordWithoutValue
                | Self::TextCut
                | Self::SkuLeftOut
                | Self::CharactersRemoved
                | Self::TooManyImages
                | Self::TooManyTags
                | Self::ColumnsLeftOut
                | Self::VariationLeftOut
                | Self::AnyValue
                | Self::SharedStock
                | Self::StockNotCounted
                | Self::SaleNotNow
                | Self::DownloadsLeftOut
        )
    }
}

/// The most characters of a cell that are repeated in a report.
const VALUE_LIMIT: usize = 80;

/// The beginning of a cell, as a report repeats it: only what a text may have.
pub(super) fn shown_value(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell.get(..4 * VALUE_LIMIT).unwrap_or(cell)).into_owned();
    let shown = text.trim().chars().filter(|character| !is_forbidden(*character) && !is_line_break(*character));
    shown.take(VALUE_LIMIT).collect()
}

/// A fault and its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line of the file in which the row starts, counted from one as in an editor: line breaks within quotes count.
    pub line: u64,
    /// The column as the file's header spells it; empty when the whole row is meant.
    pub column: String,
    pub fault: Fault,
    /// The beginning of the cell; empty when no cell is meant.
    pub value: String,
    /// How often the product has the fault; the place is that of the first.
    pub times: u32,
}

impl RowError {
    pub(super) fn new(line: u64, column: impl Into<String>, fault: Fault) -> Self {
        Self { line, column: column.into(), fault, value: String::new(), times: 1 }
    }

    /// The code for clients.
    pub const fn code(&self) -> &'static str {
        self.fault.code()
    }

    /// The meaning, for people.
    pub const fn detail(&self) -> &'static str {
        self.fault.meaning()
    }
}

/// A fault because of which the rest of the file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {:?}: {}", .0.line, .0.column, .0.detail())]
pub struct FileError(pub RowError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_snake_case_and_differ() {
        let mut codes: Vec<_> = Fault::ALL.iter().map(|fault| fault.code()).collect();
        assert!(codes.iter().all(|code| {
            code.bytes()
                .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == b'_')
        }));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Fault::ALL.len());
    }
}
