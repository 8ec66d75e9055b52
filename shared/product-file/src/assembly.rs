//! Assembles a product from its rows.

use std::borrow::Cow;

use domain::Currency;
use domain::catalog::{
    Image, MAX_IMAGES, MAX_OPTIONS, MAX_PRODUCT_BYTES, MAX_TAGS, MAX_VARIANTS, NO_OPTION, Price, ProductOption, Seo,
};
use domain::text::{BadText, Handle, Line, LongText, Name, Sku, Title};

use super::cells;
use super::columns::{Column, Header};
use super::faults::{Fault, RowError};
use super::product::{ProductDraft, Status, VariantDraft};
use super::records::Records;
use super::sanitise::shown_description;

/// The most errors that are reported for one product.
const MAX_ERRORS: usize = 20;
const OPTION_NAMES: [Column; MAX_OPTIONS] = [Column::Option1Name, Column::Option2Name, Column::Option3Name];
const OPTION_VALUES: [Column; MAX_OPTIONS] = [Column::Option1Value, Column::Option2Value, Column::Option3Value];
/// A row with a value in one of these describes a variant; other rows only add a picture.
const VARIANT_COLUMNS: [Column; 9] = [
    Column::Option1Value,
    Column::Option2Value,
    Column::Option3Value,
    Column::Option4Value,
    Column::Sku,
    Column::Price,
    Column::CompareAtPrice,
    Column::Quantity,
    Column::VariantImage,
];

/// A row and what is needed to read it.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) records: &'a Records,
    pub(super) header: &'a Header,
    pub(super) currency: Currency,
}

impl Row<'_> {
    fn bytes(&self, column: Column) -> &[u8] {
        let cell = self.header.index_of(column).map_or(&[][..], |index| self.records.cell(index));
        cells::unescape_formula(cell)
    }

    fn is_empty(&self, column: Column) -> bool {
        self.bytes(column).trim_ascii().is_empty()
    }

    /// The handle in lower case, which rows of one product have in common; empty when it cannot be read.
    pub(super) fn handle(&self) -> Vec<u8> {
        let known = self
            .records
            .malformed()
            .is_none_or(|malformed| self.header.index_of(Column::Handle) < Some(malformed.cell));
        if known { self.bytes(Column::Handle).trim_ascii().to_ascii_lowercase() } else { Vec::new() }
    }
}

/// A product whose rows are still being read.
#[derive(Debug)]
pub(super) struct Assembly {
    key: Vec<u8>,
    line: u64,
    rows: u64,
    handle: Option<Handle>,
    title: Option<Title>,
    body_html: Option<String>,
    vendor: Option<Line>,
    category: Option<Line>,
    tags: Vec<Name>,
    published: Option<bool>,
    status: Option<Status>,
    option_names: [Option<Name>; MAX_OPTIONS],
    variants: Vec<VariantDraft>,
    images: Vec<(u32, Image)>,
    seo: Seo,
    errors: Vec<RowError>,
}

pub(super) struct Assembled {
    pub(super) handle: String,
    pub(super) line: u64,
    pub(super) rows: u64,
    pub(super) product: Result<ProductDraft, Vec<RowError>>,
}

impl Assembly {
    /// Starts a product with its first row.
    pub(super) fn begin(row: Row<'_>, key: Vec<u8>, repeated: bool) -> Self {
        let mut assembly = Self {
            key,
            line: row.records.line(),
            rows: 0,
            handle: None,
            title: None,
            body_html: None,
            vendor: None,
            category: None,
            tags: Vec::new(),
            published: None,
            status: None,
            option_names: [const { None }; MAX_OPTIONS],
            variants: Vec::new(),
            images: Vec::new(),
            seo: Seo::default(),
            errors: Vec::new(),
        };
        if assembly.key.is_empty() && row.records.malformed().is_none() {
            assembly.add_error(row, Column::Handle, Fault::MissingHandle);
        } else if repeated {
            assembly.add_error(row, Column::Handle, Fault::HandleRepeated);
        }
        assembly.add(row);
        assembly
    }

    /// Whether a row with this handle belongs to the product. Rows without a handle never belong together.
    pub(super) fn continues_with(&self, key: &[u8]) -> bool {
        !self.key.is_empty() && self.key == key
    }

    /// An estimate of the bytes held in memory.
    pub(super) fn held(&self) -> usize {
        let variants: usize =
            self.variants.iter().map(|variant| size_of::<VariantDraft>() + variant.values.len() * 125).sum();
        let images: usize =
            self.images.iter().map(|(_, image)| size_of::<Image>() + image.src.as_str().len() + 250).sum();
        self.body_html.as_ref().map_or(0, String::len) + self.tags.len() * 125 + variants + images + size_of::<Self>()
    }

    pub(super) fn add(&mut self, row: Row<'_>) {
        let first = self.rows == 0;
        self.rows += 1;
        if let Some(malformed) = row.records.malformed() {
            let column = match malformed.fault {
                Fault::UnbalancedQuotes | Fault::FieldTooLong => row.header.name(malformed.cell),
                _ => "",
            };
            self.add_error_at(row.records.line(), column, malformed.fault);
            return;
        }
        let extra_cells = row.header.width()..row.records.len();
        if extra_cells.into_iter().any(|index| !row.records.cell(index).trim_ascii().is_empty()) {
            self.add_error_at(row.records.line(), "", Fault::RowTooWide);
            return;
        }
        // The product fails as a whole, so faults of single cells would only be noise.
        if self.errors.iter().any(|error| matches!(error.fault, Fault::HandleRepeated | Fault::MissingHandle)) {
            return;
        }
        if first {
            self.add_product(row);
        }
        self.add_option_names(row, first);
        if first || VARIANT_COLUMNS.iter().any(|column| !row.is_empty(*column)) {
            self.add_variant(row);
        }
        self.add_image(row);
    }

    fn add_product(&mut self, row: Row<'_>) {
        self.handle = self.read(row, Column::Handle, cells::handle);
        if row.is_empty(Column::Title) {
            self.add_error(row, Column::Title, Fault::MissingTitle);
        }
        self.title = self.read(row, Column::Title, |text| text_of(&cells::one_line(text), Title::parse));
        let body_html = self.read(row, Column::Body, |text| {
            let written = text_of(&cells::lines(text), LongText::parse)?;
            shown_description(&written).map_err(|bad| cells::text_fault(&bad))
        });
        self.body_html = body_html.map(|body| body.to_string()).filter(|body| !body.is_empty());
        self.vendor = self.read(row, Column::Vendor, |text| text_of(&cells::one_line(text), Line::parse));
        self.category = self.read(row, Column::Type, |text| text_of(&cells::one_line(text), Line::parse));
        self.tags = self.read(row, Column::Tags, tags).unwrap_or_default();
        self.published = self.read(row, Column::Published, cells::boolean);
        self.status = self.read(row, Column::Status, cells::status);
        self.seo.title = self.read(row, Column::SeoTitle, |text| text_of(&cells::one_line(text), Line::parse));
        self.seo.description = self.read(row, Column::SeoDescription, |text| text_of(text, LongText::parse));
    }

    /// The first row names the options; others may repeat the names, but must not change them.
    fn add_option_names(&mut self, row: Row<'_>, first: bool) {
        for (index, column) in OPTION_NAMES.into_iter().enumerate() {
            let Some(name) = self.read(row, column, |text| text_of(&cells::one_line(text), Name::parse)) else {
                continue;
            };
            let fault = if !first {
                (self.option_names.get(index) != Some(&Some(name.clone()))).then_some(Fault::OptionNameChanged)
            } else if self.option_names.contains(&Some(name.clone())) {
                Some(Fault::DuplicateOption)
            } else {
                if let Some(slot) = self.option_names.get_mut(index) {
                    *slot = Some(name);
                }
                None
            };
            if let Some(fault) = fault {
                self.add_error(row, column, fault);
            }
        }
    }

    fn add_variant(&mut self, row: Row<'_>) {
        let errors = self.errors.len();
        let mut values = Vec::new();
        for (index, column) in OPTION_VALUES.into_iter().enumerate() {
            let named = self.option_names.get(index).is_some_and(Option::is_some);
            let value = self.read(row, column, |text| text_of(&cells::one_line(text), Name::parse));
            match (named, row.is_empty(column)) {
                (true, true) => self.add_error(row, column, Fault::MissingOptionValue),
                (false, false) => self.add_error(row, column, Fault::MissingOptionName),
                _ => values.extend(value),
            }
        }
        if !row.is_empty(Column::Option4Value) {
            self.add_error(row, Column::Option4Value, Fault::TooManyOptions);
        }
        // Without all of its values a variant cannot be compared with the others.
        let comparable = self.errors.len() == errors;
        let sku = self.read(row, Column::Sku, |text| text_of(&cells::one_line(text), Sku::parse));
        let grams = self.read(row, Column::Grams, cells::grams);
        let quantity = self.read(row, Column::Quantity, cells::quantity);
        let continue_selling = self.read(row, Column::Policy, cells::policy);
        let price = self.read_price(row);
        let image = self.read(row, Column::VariantImage, cells::image);
        if comparable && self.variants.iter().any(|variant| variant.values == values) {
            self.add_error(row, Column::Option1Value, Fault::DuplicateVariant);
        }
        if self.variants.len() < MAX_VARIANTS {
            let line = Some(row.records.line());
            self.variants.push(VariantDraft { line, values, sku, grams, quantity, continue_selling, price, image });
        } else if !self.has(Fault::TooManyVariants) {
            self.add_error(row, Column::Option1Value, Fault::TooManyVariants);
        }
    }

    fn read_price(&mut self, row: Row<'_>) -> Option<Price> {
        let decimal_comma = row.records.separator() != b',';
        let parse = |text: &str| cells::price(text, row.currency, decimal_comma);
        let price = self.read(row, Column::Price, parse);
        // Some shop systems export a zero when there is no price to compare with.
        let compare_at = self.read(row, Column::CompareAtPrice, parse).filter(|compared| !compared.is_zero());
        if compare_at.is_some() && row.is_empty(Column::Price) {
            self.add_error(row, Column::Price, Fault::MissingPrice);
        }
        price.map(|price| Price { price, compare_at })
    }

    fn add_image(&mut self, row: Row<'_>) {
        let Some(src) = self.read(row, Column::Image, cells::image) else { return };
        let alt = self.read(row, Column::ImageAlt, |text| text_of(&cells::one_line(text), Line::parse));
        let position = self.read(row, Column::ImagePosition, cells::position);
        // Some shop systems repeat the first picture in the row of each variant.
        if self.images.iter().any(|(_, image)| image.src == src) {
            return;
        }
        if self.images.len() < MAX_IMAGES {
            // A picture without a position comes after those of the rows before it.
            let behind = self.images.last().map_or(1, |(position, _)| position.saturating_add(1));
            self.images.push((position.unwrap_or(behind), Image { src, alt }));
        } else if !self.has(Fault::TooManyImages) {
            self.add_error(row, Column::Image, Fault::TooManyImages);
        }
    }

    pub(super) fn finish(mut self) -> Assembled {
        let (line, rows) = (self.line, self.rows);
        let handle = String::from_utf8_lossy(&self.key).chars().take(Handle::MAX_LENGTH).collect();
        if self.errors.is_empty() && self.option_names.iter().flatten().count() == 1 && self.is_without_options() {
            self.option_names = [const { None }; MAX_OPTIONS];
            self.variants.iter_mut().for_each(|variant| variant.values.clear());
        }
        let product = match (self.handle, self.title) {
            (Some(handle), Some(title)) if self.errors.is_empty() => {
                self.images.sort_by_key(|(position, _)| *position);
                let draft = ProductDraft {
                    handle,
                    title,
                    body_html: self.body_html,
                    vendor: self.vendor,
                    category: self.category,
                    tags: self.tags,
                    published: self.published,
                    status: self.status,
                    options: options_of(self.option_names, &self.variants),
                    variants: self.variants,
                    images: self.images.into_iter().map(|(_, image)| image).collect(),
                    seo: self.seo,
                };
                if size_of_product(&draft) > MAX_PRODUCT_BYTES {
                    Err(vec![RowError { line, column: String::new(), fault: Fault::ProductTooLarge }])
                } else {
                    Ok(draft)
                }
            }
            _ => Err(self.errors),
        };
        Assembled { handle, line, rows, product }
    }

    /// Whether the only option is the one by which Shopify's files mark a product without options ([`NO_OPTION`]).
    fn is_without_options(&self) -> bool {
        let (name, value) = NO_OPTION;
        let named = self.option_names.iter().flatten().all(|known| known.as_str().eq_ignore_ascii_case(name));
        let [variant] = self.variants.as_slice() else { return false };
        named && variant.values.iter().all(|known| known.as_str().eq_ignore_ascii_case(value))
    }

    fn has(&self, fault: Fault) -> bool {
        self.errors.iter().any(|error| error.fault == fault)
    }

    /// Reads a cell that may be empty; a fault becomes an error of its row and column.
    fn read<T>(&mut self, row: Row<'_>, column: Column, parse: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        let read =
            std::str::from_utf8(row.bytes(column)).map_err(|_| Fault::BadUtf8).and_then(|text| match text.trim() {
                "" => Ok(None),
                trimmed => parse(trimmed).map(Some),
            });
        match read {
            Ok(value) => value,
            Err(fault) => {
                self.add_error(row, column, fault);
                None
            }
        }
    }

    fn add_error(&mut self, row: Row<'_>, column: Column, fault: Fault) {
        self.add_error_at(row.records.line(), row.header.spelling(column), fault);
    }

    fn add_error_at(&mut self, line: u64, column: &str, fault: Fault) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(RowError { line, column: column.to_owned(), fault });
        }
    }
}

fn text_of<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, BadText>) -> Result<T, Fault> {
    parse(text).map_err(|bad| cells::text_fault(&bad))
}

fn tags(text: &str) -> Result<Vec<Name>, Fault> {
    let mut tags: Vec<Name> = Vec::new();
    let line: Cow<'_, str> = cells::one_line(text);
    for tag in line.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        let tag = text_of(tag, Name::parse)?;
        if tags.len() >= MAX_TAGS {
            return Err(Fault::TooManyTags);
        }
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

/// The options with the values that variants have, in the order in which they appear.
fn options_of(names: [Option<Name>; MAX_OPTIONS], variants: &[VariantDraft]) -> Vec<ProductOption> {
    let named = names.into_iter().flatten().enumerate();
    named
        .map(|(index, name)| {
            let mut values: Vec<Name> = Vec::new();
            for value in variants.iter().filter_map(|variant| variant.values.get(index)) {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            ProductOption { name, values }
        })
        .collect()
}

/// The least size of the stored product in bytes. The real size is only known after merging with the stored product.
fn size_of_product(draft: &ProductDraft) -> usize {
    serde_json::to_vec(draft).map_or(usize::MAX, |json| json.len())
}
