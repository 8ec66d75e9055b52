//! Writes products in WooCommerce's format: a row for each product, and one for each variation of a variable one.

use std::io::{self, Write};

use domain::catalog::Image;
use domain::text::{Name, Sku};

use super::layout::{PARTS, Place, WrittenColumns, attribute_column};
use super::{Source, cells};
use crate::cells::escape_formula;
use crate::product::{ProductDraft, VariantDraft};

/// The cells of a row.
struct Cells<'a> {
    columns: &'a WrittenColumns,
    cells: Vec<String>,
}

impl<'a> Cells<'a> {
    /// A row of a product, which carries its handle, with cells that are only kept.
    fn new(columns: &'a WrittenColumns, product: &ProductDraft) -> Self {
        let mut row = Self { columns, cells: vec![String::new(); columns.names.len()] };
        row.set(Source::Handle, product.file_handle.clone());
        row
    }

    fn keep(&mut self, kept: &[(usize, String)], column: impl Fn(&Place) -> Option<usize>) {
        for (position, text) in kept {
            let at = self.columns.places.get(*position).and_then(&column);
            if let Some(cell) = at.and_then(|at| self.cells.get_mut(at)).filter(|cell| cell.is_empty()) {
                cell.clone_from(text);
            }
        }
    }

    fn set(&mut self, source: Source, text: impl Into<String>) {
        self.set_named(header_of(source), text);
    }

    fn set_named(&mut self, name: &str, text: impl Into<String>) {
        let at = self.columns.position(name);
        if let Some(cell) = at.and_then(|at| self.cells.get_mut(at)) {
            *cell = text.into();
        }
    }

    fn get(&self, name: &str) -> &str {
        self.columns.position(name).and_then(|at| self.cells.get(at)).map_or("", String::as_str)
    }
}

fn header_of(source: Source) -> &'static str {
    Source::ALL.iter().find(|(known, _)| *known == source).map_or("", |(_, header)| header)
}

/// Writes the header.
pub(crate) fn write_header(sink: impl Write, columns: &WrittenColumns) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(sink);
    rows.write_record(columns.names.iter().map(|name| escape_formula(name).into_owned().into_bytes()))?;
    rows.flush()
}

/// Writes a product. Returns how many rows it has. An import of them reads the same product.
pub(crate) fn write(sink: impl Write, product: &ProductDraft, columns: &WrittenColumns) -> io::Result<u64> {
    let mut written: Vec<Vec<String>> = Vec::with_capacity(product.variants.len() + 1);
    let is_variable = !product.options.is_empty() || product.variants.len() > 1;
    let mut first = row_of_product(product, columns, is_variable);
    if is_variable {
        let parent = parent_of(product, first.get("ID"));
        first.set(Source::Sku, parent.0);
        let attributes = attributes_of(&mut first, product);
        let variations = product.variants.iter();
        written.extend(variations.map(|variant| row_of_variation(product, variant, columns, &parent.1, &attributes)));
    } else if let Some(variant) = product.variants.first() {
        set_variant(&mut first, variant);
        first.keep(&variant.kept, |place| place.of_variants);
        if let Some(image) = &variant.image {
            first.set(Source::VariantImage, image.as_str());
        }
    }
    written.insert(0, first.cells);
    let mut rows = csv::Writer::from_writer(sink);
    for cells in &written {
        rows.write_record(cells.iter().map(|cell| escape_formula(cell).into_owned().into_bytes()))?;
    }
    rows.flush()?;
    Ok(u64::try_from(written.len()).unwrap_or(u64::MAX))
}

fn row_of_product<'a>(product: &ProductDraft, columns: &'a WrittenColumns, is_variable: bool) -> Cells<'a> {
    let mut row = Cells::new(columns, product);
    row.keep(&product.kept, |place| place.of_product);
    row.set(Source::Type, if is_variable { "variable" } else { "simple" });
    row.set(Source::Name, text(product.title.as_ref()));
    // WooCommerce says by -1 that a product is a draft.
    row.set(Source::Published, if product.wants_publishing() { "1" } else { "-1" });
    if product.wants_publishing() && row.get("Visibility in catalog").eq_ignore_ascii_case("hidden") {
        // It was a draft for that, and has been published here.
        row.set(Source::Visibility, "");
    }
    row.set(Source::Description, cells::written_description(product.body_html.as_deref().unwrap_or_default()));
    row.set(Source::Vendor, text(product.vendor.as_ref()));
    set_categories(&mut row, product);
    row.set(Source::Tags, cells::written_list(product.tags.iter().map(Name::as_str)));
    row.set(Source::Images, cells::written_list(product.images.iter().map(|image| image.src.as_str())));
    row.set(Source::ImageTexts, image_texts(&product.images));
    row.set(Source::SeoTitle, text(product.seo.title.as_ref()));
    row.set(Source::SeoDescription, text(product.seo.description.as_ref()));
    row
}

/// The category is the first one that a reader finds; the list may name others, as it came in. What a list cannot say
/// has a column of its own.
fn set_categories(row: &mut Cells<'_>, product: &ProductDraft) {
    let Some(category) = product.category.as_ref().map(AsRef::<str>::as_ref) else {
        // Others would come back with the file.
        row.set(Source::Categories, "");
        return;
    };
    let is_first = |list: &str| cells::categories(list, false).first().is_some_and(|first| first == category);
    let listed = row.get("Categories").to_owned();
    let own = cells::written_list([category].into_iter());
    if is_first(&listed) {
        return;
    }
    if listed.is_empty() && is_first(&own) && !category.contains('>') {
        row.set(Source::Categories, own);
    } else {
        row.set(Source::OwnCategory, category);
    }
}

/// The texts of pictures, a line for each picture that has one, behind its address.
fn image_texts(images: &[Image]) -> String {
    let lines = images.iter().filter_map(|image| Some(format!("{} {}", image.src.as_str(), image.alt.as_ref()?)));
    lines.collect::<Vec<_>>().join("\n")
}

/// The SKU of a variable product, and how its variations name it.
fn parent_of(product: &ProductDraft, id: &str) -> (String, String) {
    let key = product.file_key.as_ref().map(|key| key.as_str().to_owned());
    match key.filter(|key| !key.starts_with("id:")) {
        Some(sku) => (sku.clone(), sku),
        None if !id.is_empty() => (String::new(), format!("id:{id}")),
        None => {
            // It must not be that of a variation: WooCommerce has each SKU once.
            let is_taken = |sku: &str| {
                let mut skus = product.variants.iter().filter_map(|variant| variant.sku.as_ref());
                skus.any(|known: &Sku| known.as_str().eq_ignore_ascii_case(sku))
            };
            let mut sku = product.handle.to_string();
            while is_taken(&sku) {
                sku.push_str("-all");
            }
            (sku.clone(), sku)
        }
    }
}

/// Writes the options as attributes of the product, where it has none that say the same. Returns for each option its
/// attribute.
fn attributes_of(row: &mut Cells<'_>, product: &ProductDraft) -> Vec<usize> {
    let cell = |row: &Cells<'_>, number: usize, part: &str| row.get(&attribute_column(number, part)).to_owned();
    let all = row.columns.attributes;
    let named: Vec<String> = (1..=all).map(|number| cells::value(&cell(row, number, "name"))).collect();
    let positions: Vec<usize> = product
        .options
        .iter()
        .filter_map(|option| named.iter().position(|name| name == option.name.as_str()))
        .map(|at| at + 1)
        .collect();
    // They came in so: in the order of the attributes.
    let is_same = positions.len() == product.options.len() && positions.is_sorted_by(|one, next| one < next);
    if is_same {
        return positions;
    }
    let is_option = |name: &str| product.options.iter().any(|option| option.name.as_str() == name);
    let others: Vec<[String; 4]> = (1..=all)
        .zip(&named)
        .filter(|(_, name)| !name.is_empty() && !is_option(name))
        .map(|(number, _)| PARTS.map(|part| cell(row, number, part)))
        .collect();
    let options = product.options.iter().map(|option| {
        let values = cells::written_list(option.values.iter().map(Name::as_str));
        [cells::written_value(option.name.as_str()), values, String::new(), String::new()]
    });
    let mut written = options.chain(others);
    for number in 1..=all {
        let attribute = written.next().unwrap_or_default();
        for (part, text) in PARTS.iter().zip(attribute) {
            row.set_named(&attribute_column(number, part), text);
        }
    }
    (1..=product.options.len()).collect()
}

fn row_of_variation(
    product: &ProductDraft,
    variant: &VariantDraft,
    columns: &WrittenColumns,
    parent: &str,
    attributes: &[usize],
) -> Vec<String> {
    let mut row = Cells::new(columns, product);
    row.keep(&variant.kept, |place| place.of_variants);
    row.set(Source::Type, "variation");
    let values: Vec<&str> = variant.values.iter().map(Name::as_str).collect();
    row.set(Source::Name, format!("{} - {}", text(product.title.as_ref()), values.join(", ")));
    row.set(Source::Published, "1");
    row.set(Source::Parent, parent);
    set_variant(&mut row, variant);
    row.set(Source::Images, cells::written_list(variant.image.iter().map(|image| image.as_str())));
    for ((option, value), number) in product.options.iter().zip(&variant.values).zip(attributes) {
        row.set_named(&attribute_column(*number, "name"), cells::written_value(option.name.as_str()));
        row.set_named(&attribute_column(*number, "value(s)"), cells::written_value(value.as_str()));
    }
    row.cells
}

fn set_variant(row: &mut Cells<'_>, variant: &VariantDraft) {
    row.set(Source::Sku, text(variant.sku.as_ref()));
    let grams = variant.grams.map(|grams| format!("{}.{:03}", grams / 1_000, grams % 1_000));
    row.set_named("Weight (kg)", grams.unwrap_or_default());
    let is_backordered = variant.continue_selling == Some(true);
    if let Some(units) = variant.quantity {
        row.set(Source::Stock, units.to_string());
        row.set(
            Source::InStock,
            if units > 0 {
                "1"
            } else if is_backordered {
                "backorder"
            } else {
                "0"
            },
        );
    }
    let backorders = variant.continue_selling.map_or("", |is_sold| if is_sold { "1" } else { "0" });
    row.set(Source::Backorders, backorders);
    let Some(price) = variant.price else { return };
    let (own, compared) = (price.price.decimal(), price.compare_at);
    match compared.map(|compared| (compared.decimal(), compared.minor() > price.price.minor())) {
        None => row.set(Source::RegularPrice, own),
        Some((compared, true)) => {
            row.set(Source::RegularPrice, compared);
            row.set(Source::SalePrice, own);
        }
        // WooCommerce has no price to compare with that is not above the other one.
        Some((compared, false)) => {
            row.set(Source::RegularPrice, own);
            row.set(Source::ComparedPrice, compared);
        }
    }
}

fn text<T: AsRef<str>>(text: Option<&T>) -> &str {
    text.map_or("", AsRef::as_ref)
}
