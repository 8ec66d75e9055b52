//! Assembles a product from its rows.

mod finish;
mod texts;

use std::borrow::Cow;

use domain::catalog::{
    Image, ImageSource, MAX_IMAGES, MAX_KEPT_BYTES, MAX_OPTIONS, MAX_TAGS, MAX_VARIANTS, Price, SaleUnit, Seo,
};
use domain::text::{BadText, Line, LongText, Name, Sku, Title};

use super::cells::{self, Cell};
use super::columns::Column;
use super::faults::{Fault, RowError, shown_value};
use super::header::Identity;
use super::product::{ProductDraft, Status, VariantDraft};
use super::row::Row;
use super::sanitise::shown_description;

use self::texts::Texts;

const OPTION_NAMES: [Column; MAX_OPTIONS] = [Column::Option1Name, Column::Option2Name, Column::Option3Name];
const OPTION_VALUES: [Column; MAX_OPTIONS] = [Column::Option1Value, Column::Option2Value, Column::Option3Value];
/// What a kept cell takes beside its text.
const KEPT_CELL_BYTES: usize = 12;
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

/// A product whose rows are still being read.
#[derive(Debug)]
pub(super) struct Assembly {
    key: Vec<u8>,
    line: u64,
    rows: u64,
    /// Whether rows of the product came before, with other products in between.
    continues: bool,
    /// The handle or the key, as the file has it.
    named: Option<Line>,
    title: Option<Title>,
    body_html: Option<String>,
    vendor: Option<Line>,
    category: Option<Line>,
    pub(super) other_categories: Vec<Line>,
    /// The handle, where rows of another format have one beside what tells their product.
    pub(super) handle: Option<Line>,
    /// See [`ProductDraft::former_key`].
    pub(super) former_key: Option<Line>,
    tags: Vec<Name>,
    published: Option<bool>,
    status: Option<Status>,
    option_names: [Option<Name>; MAX_OPTIONS],
    variants: Vec<VariantRow>,
    images: Vec<(u32, Image)>,
    seo: Seo,
    texts: Texts,
    kept: Vec<(usize, String)>,
    kept_bytes: usize,
    errors: Vec<RowError>,
    warnings: Vec<RowError>,
}

/// A row that describes a variant.
#[derive(Debug)]
struct VariantRow {
    line: u64,
    /// Whether it has only what the product has.
    is_bare: bool,
    values: [Option<Name>; MAX_OPTIONS],
    variant: VariantDraft,
}

pub(super) struct Assembled {
    pub(super) handle: String,
    pub(super) line: u64,
    pub(super) rows: u64,
    pub(super) product: Result<ProductDraft, Vec<RowError>>,
    pub(super) warnings: Vec<RowError>,
    pub(super) continues: bool,
}

impl Assembly {
    /// Starts a product with its first row, or goes on with one whose rows do not stand together.
    pub(super) fn begin(row: Row<'_>, key: Vec<u8>, continues: bool) -> Self {
        let mut assembly = Self {
            key,
            line: row.record.line(),
            rows: 0,
            continues,
            named: None,
            title: None,
            body_html: None,
            vendor: None,
            category: None,
            other_categories: Vec::new(),
            handle: None,
            former_key: None,
            tags: Vec::new(),
            published: None,
            status: None,
            option_names: [const { None }; MAX_OPTIONS],
            variants: Vec::new(),
            images: Vec::new(),
            seo: Seo::default(),
            texts: Texts::of(row.header),
            kept: Vec::new(),
            kept_bytes: 0,
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        if assembly.key.is_empty() && row.record.malformed().is_none() {
            assembly.report(row, row.header.key_column(), Fault::MissingHandle);
        } else if continues {
            assembly.report(row, row.header.key_column(), Fault::RowsApart);
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
            self.variants.iter().map(|row| size_of::<VariantRow>() + row.values.iter().flatten().count() * 125).sum();
        let images: usize =
            self.images.iter().map(|(_, image)| size_of::<Image>() + image.src.as_str().len() + 250).sum();
        let texts = self.body_html.as_ref().map_or(0, String::len) + self.texts.held() + self.kept_bytes;
        texts + self.tags.len() * 125 + variants + images + size_of::<Self>()
    }

    pub(super) fn add(&mut self, row: Row<'_>) {
        let first = self.rows == 0;
        self.rows += 1;
        if let Some(malformed) = row.record.malformed() {
            let column = match malformed.fault {
                Fault::UnbalancedQuotes | Fault::FieldTooLong => row.header.name(malformed.cell),
                _ => "",
            };
            self.add_report(RowError::new(row.record.line(), column, malformed.fault));
            return;
        }
        if let Some(stray) = row.record.stray(row.header.width()) {
            let value = shown_value(stray);
            self.add_report(RowError { value, ..RowError::new(row.record.line(), "", Fault::RowTooWide) });
            return;
        }
        // The product fails as a whole, so faults of single cells would only be noise.
        if self.has(Fault::MissingHandle) {
            return;
        }
        if first {
            self.named = match row.header.identity() {
                Identity::Handle => self.read(row, Column::Handle, cells::handle),
                Identity::Sku | Identity::Given => {
                    let key = Line::parse(&String::from_utf8_lossy(&self.key)).ok();
                    if key.is_none() {
                        self.report(row, row.header.key_column(), Fault::BadHandle);
                    }
                    key
                }
            };
        }
        // In a sorted file, the row that has the title may be another one than the first.
        let is_of_product = first || (self.title.is_none() && !row.is_empty(Column::Title));
        if is_of_product {
            self.add_product(row);
        }
        self.add_option_names(row);
        // An SKU that only tells the product says nothing of a variant.
        let is_key = |column| row.header.identity() == Identity::Sku && column == Column::Sku;
        let is_bare = VARIANT_COLUMNS.iter().all(|column| is_key(*column) || row.is_empty(*column));
        if first || !is_bare {
            self.add_variant(row, is_bare);
        }
        self.add_texts(row, is_of_product, first || !is_bare);
        self.add_kept(row, is_of_product && !self.continues, first || !is_bare);
        self.add_image(row);
    }

    /// Adds the cells of columns that are only kept: to the product in the row that speaks for it, to the variant in
    /// other rows.
    fn add_kept(&mut self, row: Row<'_>, is_of_product: bool, is_of_variant: bool) {
        for (position, column) in row.header.extras().iter().enumerate() {
            let text = column.cell(row.record);
            if text.is_empty() {
                continue;
            }
            let list = if is_of_product && !column.of_variants {
                &mut self.kept
            } else if let Some(row) = self.variants.last_mut().filter(|_| is_of_variant) {
                &mut row.variant.kept
            } else {
                continue;
            };
            if self.kept_bytes.saturating_add(text.len()) > MAX_KEPT_BYTES {
                let value = shown_value(text.as_bytes());
                self.add_report(RowError {
                    value,
                    ..RowError::new(row.record.line(), column.name.clone(), Fault::ColumnsLeftOut)
                });
                return;
            }
            self.kept_bytes += text.len() + KEPT_CELL_BYTES;
            list.push((position, text.into_owned()));
        }
    }

    fn add_product(&mut self, row: Row<'_>) {
        /// Keeps what an earlier row said when this one says nothing.
        fn put<T>(slot: &mut Option<T>, value: Option<T>) {
            if value.is_some() {
                *slot = value;
            }
        }
        let title = self.read(row, Column::Title, |text| cells::line(text, Title::parse));
        put(&mut self.title, title);
        let body_html = self.read(row, Column::Body, body);
        put(&mut self.body_html, body_html.filter(|body| !body.is_empty()));
        let vendor = self.read(row, Column::Vendor, |text| cells::line(text, Line::parse));
        put(&mut self.vendor, vendor);
        let category = self.read(row, Column::Type, |text| cells::line(text, Line::parse));
        let category = category
            .or_else(|| self.read(row, Column::Category, |text| cells::line(cells::last_category(text), Line::parse)));
        put(&mut self.category, category);
        if !row.is_empty(Column::Tags) {
            self.add_tags(row);
        }
        let published =
            self.read(row, Column::Published, |text| cells::or_instead(cells::boolean(text), false, Fault::BadBoolean));
        put(&mut self.published, published);
        let status = self
            .read(row, Column::Status, |text| cells::or_instead(cells::status(text), Status::Draft, Fault::BadStatus));
        put(&mut self.status, status);
        let seo_title = self.read(row, Column::SeoTitle, |text| cells::line(text, Line::parse));
        put(&mut self.seo.title, seo_title);
        let seo_description = self.read(row, Column::SeoDescription, |text| cells::mended(text, LongText::parse));
        put(&mut self.seo.description, seo_description);
    }

    fn add_tags(&mut self, row: Row<'_>) {
        let mut faults = Vec::new();
        let tags = self.read(row, Column::Tags, |text| {
            let mut tags: Vec<Name> = Vec::new();
            let line: Cow<'_, str> = cells::one_line(text);
            for tag in line.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
                if tags.len() >= MAX_TAGS {
                    faults.push((Fault::TooManyTags, tag.to_owned()));
                    break;
                }
                let (tag_read, fault) = cells::line(tag, Name::parse)?;
                faults.extend(fault.map(|fault| (fault, tag.to_owned())));
                if !tags.contains(&tag_read) {
                    tags.push(tag_read);
                }
            }
            Ok((tags, None))
        });
        for (fault, tag) in faults {
            let value = shown_value(tag.as_bytes());
            self.add_report(RowError {
                value,
                ..RowError::new(row.record.line(), row.header.spelling(Column::Tags), fault)
            });
        }
        if let Some(tags) = tags {
            self.tags = tags;
        }
    }

    /// The first row names the options; others may repeat the names, but must not change them.
    fn add_option_names(&mut self, row: Row<'_>) {
        for (index, column) in OPTION_NAMES.into_iter().enumerate() {
            let Some(name) = self.read(row, column, |text| cells::line(text, Name::parse)) else { continue };
            let known = self.option_names.get(index).and_then(Option::as_ref);
            if known == Some(&name) {
                continue;
            }
            if known.is_some() {
                self.report(row, column, Fault::OptionNameChanged);
            } else if self.option_names.contains(&Some(name.clone())) {
                self.report(row, column, Fault::DuplicateOption);
            } else if let Some(slot) = self.option_names.get_mut(index) {
                *slot = Some(name);
            }
        }
    }

    fn add_variant(&mut self, row: Row<'_>, is_bare: bool) {
        let values = OPTION_VALUES.map(|column| self.read(row, column, |text| cells::line(text, Name::parse)));
        if !row.is_empty(Column::Option4Value) {
            self.report(row, Column::Option4Value, Fault::TooManyOptions);
        }
        let sku = self.read(row, Column::Sku, |text| match Sku::parse(&cells::one_line(text)) {
            Ok(sku) => Ok((Some(sku), None)),
            // A part of an SKU might be another one.
            Err(BadText::TooLong(_)) => Ok((None, Some(Fault::SkuLeftOut))),
            Err(_) => cells::line(text, Sku::parse).map(|(sku, fault)| (Some(sku), fault)),
        });
        let grams = self
            .read(row, Column::Grams, |text| cells::or_instead(cells::grams(text).map(Some), None, Fault::BadGrams));
        let sale_unit = self.read(row, Column::SaleUnit, |text| {
            cells::exactly(SaleUnit::parse(text).map(Some).ok_or(Fault::BadSaleUnit))
        });
        let continue_selling =
            self.read(row, Column::Policy, |text| cells::or_instead(cells::policy(text), false, Fault::BadPolicy));
        let quantity = self.read(row, Column::Quantity, |text| cells::exactly(cells::quantity(text)));
        let price = self.read_price(row);
        let image = self.read_image(row, Column::VariantImage);
        if self.variants.len() < MAX_VARIANTS {
            let line = row.record.line();
            let variant = VariantDraft {
                line: Some(line),
                values: Vec::new(),
                sku: sku.flatten(),
                grams: grams.flatten(),
                sale_unit: sale_unit.flatten(),
                quantity,
                continue_selling,
                price,
                image,
                kept: Vec::new(),
            };
            self.variants.push(VariantRow { line, is_bare, values, variant });
        } else {
            self.report(row, Column::Option1Value, Fault::TooManyVariants);
        }
    }

    fn read_price(&mut self, row: Row<'_>) -> Option<Price> {
        let decimal_comma = row.decimal_comma;
        let parse = |text: &str| cells::price(text, row.currency, decimal_comma);
        let price = self.read(row, Column::Price, |text| cells::exactly(parse(text)));
        let compare_at = self.read(row, Column::CompareAtPrice, |text| {
            cells::or_instead(parse(text).map(Some), None, Fault::CompareAtLeftOut)
        });
        // Some shop systems export a zero when there is no price to compare with.
        let compare_at = compare_at.flatten().filter(|compared| !compared.is_zero());
        if compare_at.is_some() && row.is_empty(Column::Price) {
            self.report(row, Column::CompareAtPrice, Fault::CompareAtWithoutPrice);
        }
        price.map(|price| Price { price, compare_at })
    }

    fn read_image(&mut self, row: Row<'_>, column: Column) -> Option<ImageSource> {
        self.read(row, column, |text| match cells::image(text) {
            Ok((source, fault)) => Ok((Some(source), fault)),
            Err(fault) => Ok((None, Some(fault))),
        })
        .flatten()
    }

    fn add_image(&mut self, row: Row<'_>) {
        let Some(src) = self.read_image(row, Column::Image) else { return };
        let alt = self.read(row, Column::ImageAlt, |text| cells::line(text, Line::parse));
        let position = self.read(row, Column::ImagePosition, |text| {
            cells::or_instead(cells::position(text).map(Some), None, Fault::BadPosition)
        });
        // Some shop systems repeat the first picture in the row of each variant.
        if self.images.iter().any(|(_, image)| image.src == src) {
            return;
        }
        if self.images.len() < MAX_IMAGES {
            // A picture without a position comes after those of the rows before it.
            let behind = self.images.last().map_or(1, |(position, _)| position.saturating_add(1));
            self.images.push((position.flatten().unwrap_or(behind), Image { src, alt }));
        } else {
            self.report(row, Column::Image, Fault::TooManyImages);
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.errors.iter().any(|error| error.fault == fault)
    }

    /// Reads a cell that may be empty; a fault is reported for its row and column.
    fn read<T>(&mut self, row: Row<'_>, column: Column, parse: impl FnOnce(&str) -> Cell<T>) -> Option<T> {
        self.read_cell(row, row.bytes(column), row.header.spelling(column), parse)
    }

    /// The same for a cell in a column that the file calls so.
    fn read_cell<T>(
        &mut self,
        row: Row<'_>,
        cell: &[u8],
        column: &str,
        parse: impl FnOnce(&str) -> Cell<T>,
    ) -> Option<T> {
        let read = std::str::from_utf8(cell).map_err(|_| Fault::BadUtf8).and_then(|text| match text.trim() {
            "" => Ok((None, None)),
            trimmed => parse(trimmed).map(|(value, fault)| (Some(value), fault)),
        });
        let (value, fault) = read.unwrap_or_else(|fault| (None, Some(fault)));
        if let Some(fault) = fault {
            let value = shown_value(cell);
            self.add_report(RowError { value, ..RowError::new(row.record.line(), column, fault) });
        }
        value
    }

    fn report(&mut self, row: Row<'_>, column: Column, fault: Fault) {
        let value = shown_value(row.bytes(column));
        self.add_report(RowError { value, ..RowError::new(row.record.line(), row.header.spelling(column), fault) });
    }

    /// One entry for each kind of fault of the product.
    pub(super) fn add_report(&mut self, report: RowError) {
        let list = if report.fault.is_warning() { &mut self.warnings } else { &mut self.errors };
        match list.iter_mut().find(|known| known.fault == report.fault) {
            Some(known) => known.times = known.times.saturating_add(1),
            None => list.push(report),
        }
    }
}

/// Reads a description.
fn body(text: &str) -> Cell<String> {
    let lines = cells::lines(text);
    let written = match LongText::parse(&lines) {
        Err(BadText::TooLong(_)) => return Err(Fault::TextTooLong),
        Ok(written) => Ok((written, None)),
        Err(_) => cells::mended(&lines, LongText::parse),
    };
    // A part of a description would not be what its vendor wrote.
    let (written, fault) =
        written.and_then(|read| if read.1 == Some(Fault::TextCut) { Err(Fault::TextTooLong) } else { Ok(read) })?;
    let shown = shown_description(&written).map_err(|bad| cells::text_fault(&bad))?;
    Ok((shown.to_string(), fault))
}
