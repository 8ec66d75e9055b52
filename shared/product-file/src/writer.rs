//! Writes products to a file: with Shopify's columns in Shopify's order, or in WooCommerce's format.

use std::borrow::Cow;
use std::io::{self, Write};

use domain::catalog::NO_OPTION;
use domain::job::FileFormat;
use domain::text::Name;

use super::cells::escape_formula;
use super::columns::Column;
use super::product::ProductDraft;
use super::texts::{TextColumn, with_texts};
use super::woocommerce::{self, WrittenColumns};

/// Writes a file in one of the formats.
#[derive(Debug)]
pub struct ProductWriter {
    kept: Vec<String>,
    /// Those of them that speak of languages, with their positions.
    texts: Vec<(usize, TextColumn)>,
    /// Those of WooCommerce's format, if that is the format.
    woocommerce: Option<WrittenColumns>,
}

impl ProductWriter {
    /// A writer of a file with columns behind those of the format that are only kept. In Shopify's format, those for
    /// texts in several languages ([`text_headers`](crate::text_headers)) have what the product says there.
    pub fn new(format: FileFormat, kept: &[String]) -> Self {
        let woocommerce = (format == FileFormat::WooCommerce).then(|| WrittenColumns::new(kept));
        let texts = kept.iter().enumerate().filter_map(|(at, header)| Some((at, TextColumn::of(header)?)));
        let texts = texts.filter(|_| woocommerce.is_none()).collect();
        Self { kept: kept.to_vec(), texts, woocommerce }
    }

    /// Writes the header.
    pub fn write_header(&self, sink: impl Write) -> io::Result<()> {
        match &self.woocommerce {
            Some(columns) => woocommerce::write_header(sink, columns),
            None => write_header(sink, &self.kept),
        }
    }

    /// Writes a product. Returns how many rows it has.
    ///
    /// An import of these rows reads the same product, provided that it passes `Product::check`.
    pub fn write(&self, sink: impl Write, product: &ProductDraft) -> io::Result<u64> {
        match &self.woocommerce {
            Some(columns) => woocommerce::write(sink, product, columns),
            None => write_product(sink, &with_texts(product, &self.texts), self.kept.len()),
        }
    }
}

/// Writes the header, with columns behind ours that are only kept.
fn write_header(sink: impl Write, kept: &[String]) -> io::Result<()> {
    let names = kept.iter().map(|name| escape_formula(name));
    write_record(&mut csv::Writer::from_writer(sink), |column| column.header().into(), names)
}

/// Writes a product: as many rows as it has variants or pictures, whichever are more, with so many kept columns.
fn write_product(sink: impl Write, product: &ProductDraft, kept: usize) -> io::Result<u64> {
    let count = product.variants.len().max(product.images.len()).max(1);
    let mut rows = csv::Writer::from_writer(sink);
    for row in 0..count {
        let of_variant = product.variants.get(row).map_or(&[][..], |variant| &variant.kept);
        let of_product = if row == 0 { &product.kept[..] } else { &[] };
        let extras = (0..kept).map(|column| {
            let mut cells = of_product.iter().chain(of_variant);
            cells.find(|(at, _)| *at == column).map_or("".into(), |(_, cell)| escape_formula(cell))
        });
        write_record(&mut rows, |column| escaped_cell(product, row, column), extras)?;
    }
    rows.flush()?;
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

fn write_record<'a>(
    rows: &mut csv::Writer<impl Write>,
    cell: impl Fn(Column) -> Cow<'a, str>,
    extras: impl Iterator<Item = Cow<'a, str>>,
) -> io::Result<()> {
    let written = Column::ALL.iter().filter(|column| column.is_written()).map(|column| cell(*column));
    rows.write_record(written.chain(extras).map(|cell| cell.into_owned().into_bytes())).map_err(io::Error::from)
}

fn escaped_cell(product: &ProductDraft, row: usize, column: Column) -> Cow<'_, str> {
    match cell(product, row, column) {
        Cow::Borrowed(text) => escape_formula(text),
        Cow::Owned(text) => Cow::Owned(escape_formula(&text).into_owned()),
    }
}

/// The text of a cell. All rows carry the handle, only the first one the other properties of the product.
fn cell(product: &ProductDraft, row: usize, column: Column) -> Cow<'_, str> {
    match column {
        Column::Handle => product.file_handle.as_str().into(),
        Column::Title
        | Column::Body
        | Column::Vendor
        | Column::Type
        | Column::Tags
        | Column::Published
        | Column::SeoTitle
        | Column::SeoDescription
        | Column::Status
            if row == 0 =>
        {
            product_cell(product, column)
        }
        Column::Option1Name => option_name(product, row, 0),
        Column::Option2Name => option_name(product, row, 1),
        Column::Option3Name => option_name(product, row, 2),
        Column::Option1Value => option_value(product, row, 0),
        Column::Option2Value => option_value(product, row, 1),
        Column::Option3Value => option_value(product, row, 2),
        Column::Image | Column::ImagePosition | Column::ImageAlt => image_cell(product, row, column),
        _ => variant_cell(product, row, column),
    }
}

fn product_cell(product: &ProductDraft, column: Column) -> Cow<'_, str> {
    match column {
        Column::Title => text(product.title.as_ref()),
        Column::Body => text(product.body_html.as_ref()),
        Column::Vendor => text(product.vendor.as_ref()),
        Column::Type => text(product.category.as_ref()),
        Column::Tags => product.tags.iter().map(Name::as_str).collect::<Vec<_>>().join(", ").into(),
        Column::Published => product.published.map_or("", |published| if published { "true" } else { "false" }).into(),
        Column::SeoTitle => text(product.seo.title.as_ref()),
        Column::SeoDescription => text(product.seo.description.as_ref()),
        Column::Status => product.status.map_or("", |status| status.as_str()).into(),
        _ => "".into(),
    }
}

fn variant_cell(product: &ProductDraft, row: usize, column: Column) -> Cow<'_, str> {
    let Some(variant) = product.variants.get(row) else { return "".into() };
    match column {
        Column::Sku => text(variant.sku.as_ref()),
        Column::Grams => number(variant.grams),
        Column::SaleUnit => number(variant.sale_unit),
        Column::Quantity => number(variant.quantity),
        Column::Policy => variant
            .continue_selling
            .map_or("", |continue_selling| if continue_selling { "continue" } else { "deny" })
            .into(),
        Column::Price => number(variant.price.map(|price| price.price.decimal())),
        Column::CompareAtPrice => {
            number(variant.price.and_then(|price| price.compare_at).map(|compared| compared.decimal()))
        }
        Column::VariantImage => variant.image.as_ref().map_or("", |image| image.as_str()).into(),
        _ => "".into(),
    }
}

fn image_cell(product: &ProductDraft, row: usize, column: Column) -> Cow<'_, str> {
    let Some(image) = product.images.get(row) else { return "".into() };
    match column {
        Column::Image => image.src.as_str().into(),
        Column::ImagePosition => number(Some(row + 1)),
        _ => text(image.alt.as_ref()),
    }
}

fn option_name(product: &ProductDraft, row: usize, index: usize) -> Cow<'_, str> {
    match product.options.get(index) {
        Some(option) if row == 0 => option.name.as_str().into(),
        None if row == 0 && index == 0 => NO_OPTION.0.into(),
        _ => "".into(),
    }
}

fn option_value(product: &ProductDraft, row: usize, index: usize) -> Cow<'_, str> {
    match product.variants.get(row).and_then(|variant| variant.values.get(index)) {
        Some(value) => value.as_str().into(),
        None if row == 0 && index == 0 && product.options.is_empty() => NO_OPTION.1.into(),
        None => "".into(),
    }
}

fn text<T: AsRef<str>>(text: Option<&T>) -> Cow<'_, str> {
    text.map_or("", AsRef::as_ref).into()
}

fn number<T: ToString>(number: Option<T>) -> Cow<'static, str> {
    number.map(|number| number.to_string()).unwrap_or_default().into()
}
