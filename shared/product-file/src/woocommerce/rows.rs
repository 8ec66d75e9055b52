//! Makes rows of a product's rows.

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::catalog::{MAX_IMAGES, MAX_OPTIONS, MAX_VARIANTS};
use domain::text::Line;
use domain::{Currency, Timestamp};

use super::{Source, WooCommerce, cells, text_of};
use crate::assembly::{Assembled, Assembly};
use crate::columns::Column;
use crate::faults::{Fault, RowError, shown_value};
use crate::group::Group;
use crate::record::Record;
use crate::row::Row;

/// An attribute with a value; an empty one stands for any.
type Value = (String, String);

/// A row that is made, and whether its price is a sale price.
struct Made {
    record: Record,
    is_on_sale: bool,
}

/// The cells of a row that is made.
struct Cells<'a> {
    line: u64,
    cells: Vec<Cow<'a, str>>,
}

impl Cells<'_> {
    fn new(line: u64, width: usize) -> Self {
        Self { line, cells: vec![Cow::Borrowed(""); width] }
    }

    fn set(&mut self, column: Column, text: impl Into<String>) {
        let at = Column::ALL.iter().position(|known| *known == column);
        if let Some(cell) = at.and_then(|at| self.cells.get_mut(at)) {
            *cell = Cow::Owned(text.into());
        }
    }

    fn has(&self, column: Column) -> bool {
        let at = Column::ALL.iter().position(|known| *known == column);
        at.and_then(|at| self.cells.get(at)).is_some_and(|cell| !cell.is_empty())
    }
}

/// What is the same for all rows of a product.
struct Making<'a> {
    file: &'a WooCommerce,
    now: Option<Timestamp>,
    reports: Vec<RowError>,
}

/// Makes a product of its rows, which stand in any order.
pub(crate) fn assemble(file: &WooCommerce, group: Group, currency: Currency, now: Option<Timestamp>) -> Assembled {
    let mut making = Making { file, now, reports: Vec::new() };
    let categories = making.categories(&group.records);
    let cells = |source: Source| group.records.iter().map(move |record| file.cell(record, source));
    let group_handle = cells(Source::Handle).find_map(|handle| Line::parse(&handle).ok());
    let parent = group.records.iter().find(|record| !file.is_variation(record));
    let former_key = parent.and_then(|parent| Line::parse(&file.other_key(parent)?).ok());
    let rows = making.rows(&group);
    if group.key.is_empty() && making.reports.iter().any(|report| !report.fault.is_warning()) {
        // Nobody knows which product it would have been.
        let Group { line, rows, continues, .. } = group;
        let (warnings, errors) = making.reports.into_iter().partition(|report| report.fault.is_warning());
        return Assembled { handle: String::new(), line, rows, product: Err(errors), warnings, continues };
    }
    let mut rows = rows.iter();
    let (first, line) = (rows.next(), group.line);
    let none = Made { record: Record { line, ..Record::default() }, is_on_sale: false };
    let row_of = |made: &'_ Made| (if made.is_on_sale { &file.on_sale } else { &file.made }, made.record.clone());
    let (header, record) = row_of(first.unwrap_or(&none));
    let row = Row { record: &record, header, currency, decimal_comma: true };
    let mut assembly = Assembly::begin(row, group.key, group.continues);
    for made in rows {
        let (header, record) = row_of(made);
        assembly.add(Row { record: &record, header, currency, decimal_comma: true });
    }
    making.reports.into_iter().for_each(|report| assembly.add_report(report));
    assembly.handle = group_handle;
    assembly.former_key = former_key;
    assembly.other_categories = categories.into_iter().skip(1).filter_map(|name| Line::parse(&name).ok()).collect();
    Assembled { line, rows: group.rows, ..assembly.finish(&file.made) }
}

impl Making<'_> {
    fn report(&mut self, record: &Record, source: Source, fault: Fault) {
        let value = shown_value(self.file.cell(record, source).as_bytes());
        let column =
            self.file.index_of(source).and_then(|index| self.file.names.get(index)).cloned().unwrap_or_default();
        self.reports.push(RowError { value, ..RowError::new(record.line(), column, fault) });
    }

    fn categories(&self, records: &[Record]) -> Vec<String> {
        let parent = records.iter().find(|record| !self.file.is_variation(record));
        parent.map(|parent| self.categories_of(parent)).unwrap_or_default()
    }

    /// The categories of a product, the first one of which is preferred.
    fn categories_of(&self, parent: &Record) -> Vec<String> {
        let own = self.file.cell(parent, Source::OwnCategory);
        if own.is_empty() {
            cells::categories(&self.file.cell(parent, Source::Categories), !self.file.is_own())
        } else {
            vec![own]
        }
    }

    fn list(&self, text: &str) -> Vec<String> {
        cells::list(text, !self.file.is_own())
    }

    fn rows(&mut self, group: &Group) -> Vec<Made> {
        if group.is_too_large {
            self.reports.push(RowError::new(group.line, "", Fault::TooManyRowsOfProduct));
            return Vec::new();
        }
        let mut sound = Vec::with_capacity(group.records.len());
        for record in &group.records {
            if let Some(malformed) = record.malformed() {
                let column = self.file.names.get(malformed.cell).map_or("", String::as_str);
                self.reports.push(RowError::new(record.line(), column, malformed.fault));
            } else if let Some(stray) = record.stray(self.file.names.len()) {
                let value = shown_value(stray);
                self.reports.push(RowError { value, ..RowError::new(record.line(), "", Fault::RowTooWide) });
            } else {
                sound.push(record);
            }
        }
        let (variations, parents): (Vec<&Record>, Vec<&Record>) =
            sound.into_iter().partition(|record| self.file.is_variation(record));
        if let Some(again) = parents.get(1) {
            self.report(again, Source::Sku, Fault::DuplicateProduct);
        }
        let parent = parents.first().copied();
        if let Some(parent) = parent
            && !self.may_be_sold(parent, !variations.is_empty())
        {
            return Vec::new();
        }
        let mut made = match parent {
            Some(parent) if variations.is_empty() && !self.is_variable(parent) => {
                let mut row = self.cells_of(parent);
                let is_on_sale = self.set_variant(&mut row, parent, None);
                row.set(Column::VariantImage, self.file.cell(parent, Source::VariantImage));
                vec![(row, is_on_sale)]
            }
            _ => self.of_variations(parent, &variations),
        };
        if made.is_empty() {
            if let Some(parent) = parent.filter(|_| self.reports.iter().all(|report| report.fault.is_warning())) {
                self.report(parent, Source::Type, Fault::MissingVariations);
            }
            return Vec::new();
        }
        if let Some(parent) = parent {
            if !variations.is_empty() {
                made.insert(0, (self.cells_of(parent), false));
            }
            if let Some((first, _)) = made.first_mut() {
                self.set_product(first, parent);
            }
            let texts = self.file.cell(parent, Source::ImageTexts);
            let texts: Vec<(&str, &str)> = texts.lines().filter_map(|line| line.trim().split_once(' ')).collect();
            // One more than a product may have, so that it is reported.
            let images = self.list(&self.file.cell(parent, Source::Images)).into_iter().take(MAX_IMAGES + 1);
            for image in images {
                let mut row = self.cells_of(parent);
                if let Some((_, text)) = texts.iter().find(|(address, _)| *address == image) {
                    row.set(Column::ImageAlt, *text);
                }
                row.set(Column::Image, image);
                made.push((row, false));
            }
        }
        let record =
            |(made, is_on_sale): (Cells<'_>, bool)| Made { record: Record::of(made.line, &made.cells), is_on_sale };
        made.into_iter().map(record).collect()
    }

    fn is_variable(&self, parent: &Record) -> bool {
        self.file.kinds(parent).iter().any(|kind| kind == "variable")
    }

    /// Whether products of this type are sold here; reports when not.
    fn may_be_sold(&mut self, parent: &Record, has_variations: bool) -> bool {
        let kinds = self.file.kinds(parent);
        if kinds.iter().any(|kind| kind == "downloadable") {
            self.report(parent, Source::Type, Fault::DownloadsLeftOut);
        }
        // A file without the type of a product leaves it to the variations.
        let known = ["simple", "variable", "virtual", "downloadable"];
        let is_known = kinds.iter().all(|kind| known.contains(&kind.as_str())) && (!kinds.is_empty() || has_variations);
        if !is_known {
            self.report(parent, Source::Type, Fault::UnsupportedType);
        }
        is_known
    }

    fn cells_of<'a>(&self, record: &Record) -> Cells<'a> {
        Cells::new(record.line(), self.file.made.width())
    }

    /// The cells that speak of the product.
    fn set_product(&self, row: &mut Cells<'_>, parent: &Record) {
        let cell = |source| self.file.cell(parent, source);
        row.set(Column::Title, cell(Source::Name));
        let long = cell(Source::Description);
        row.set(
            Column::Body,
            match (self.file.is_own(), long.is_empty()) {
                (true, _) => cells::unbroken(&long),
                (false, false) => cells::description(&long),
                (false, true) => cells::description(&cell(Source::ShortDescription)),
            },
        );
        row.set(Column::Vendor, cell(Source::Vendor));
        row.set(Column::SeoTitle, cell(Source::SeoTitle));
        row.set(Column::SeoDescription, cell(Source::SeoDescription));
        row.set(Column::Type, self.categories_of(parent).into_iter().next().unwrap_or_default());
        let tags = self.list(&cell(Source::Tags)).into_iter().map(|tag| tag.replace(',', " "));
        row.set(Column::Tags, tags.collect::<Vec<_>>().join(", "));
        let published = cell(Source::Published);
        let is_draft = published.starts_with('-');
        row.set(Column::Published, if is_draft { "false".to_owned() } else { published });
        if is_draft || cell(Source::Visibility).eq_ignore_ascii_case("hidden") {
            row.set(Column::Status, "draft");
        }
        self.keep(row, parent);
    }

    /// The cells of columns that are only kept.
    fn keep(&self, row: &mut Cells<'_>, record: &Record) {
        for (position, text) in self.file.kept_cells(record) {
            if let Some(cell) = row.cells.get_mut(Column::ALL.len() + position) {
                *cell = Cow::Owned(text);
            }
        }
    }

    /// The cells that speak of a variant, from the row of a product or of a variation of it. Returns whether its price
    /// is a sale price.
    fn set_variant(&mut self, row: &mut Cells<'_>, record: &Record, parent: Option<&Record>) -> bool {
        row.set(Column::Sku, self.file.cell(record, Source::Sku));
        self.set_weight(row, record, parent);
        self.set_stock(row, record);
        let price = |source| cells::price(&self.file.cell(record, source)).to_owned();
        let (regular, sale) = (price(Source::RegularPrice), price(Source::SalePrice));
        let is_on_sale = !sale.is_empty() && (regular.is_empty() || self.sale_is_on(record));
        if is_on_sale {
            row.set(Column::Price, sale);
            row.set(Column::CompareAtPrice, regular);
        } else {
            row.set(Column::Price, regular);
            row.set(Column::CompareAtPrice, price(Source::ComparedPrice));
        }
        is_on_sale
    }

    fn sale_is_on(&mut self, record: &Record) -> bool {
        // The dates of a sale are its own system's: here the price held when the file was made.
        let Some(now) = self.now.filter(|_| !self.file.is_own()) else { return true };
        let cell = |source| self.file.cell(record, source);
        let is_on = cells::is_on(&cell(Source::SaleStarts), &cell(Source::SaleEnds), now) == Some(true);
        if !is_on {
            self.report(record, Source::SalePrice, Fault::SaleNotNow);
        }
        is_on
    }

    /// A variation without a weight has that of its product.
    fn set_weight(&self, row: &mut Cells<'_>, record: &Record, parent: Option<&Record>) {
        let weight = |record: &Record| self.file.weight.map(|index| text_of(record, index)).unwrap_or_default();
        let own = weight(record);
        let text = if own.is_empty() { parent.map(weight).unwrap_or_default() } else { own };
        // What is no weight is reported where the cell is read.
        row.set(Column::Grams, cells::grams(&text, self.file.milligrams).map_or(text, |grams| grams.to_string()));
    }

    /// WooCommerce counts units only where it is told to: else a product is in stock or not.
    fn set_stock(&mut self, row: &mut Cells<'_>, record: &Record) {
        let cell = |source| self.file.cell(record, source).to_lowercase();
        let (stock, in_stock, backorders) = (cell(Source::Stock), cell(Source::InStock), cell(Source::Backorders));
        let backordered = matches!(backorders.as_str(), "1" | "yes" | "notify") || in_stock == "backorder";
        let policy = |is_sold: bool| if is_sold { "continue" } else { "deny" };
        if stock == "parent" {
            self.report(record, Source::Stock, Fault::SharedStock);
            row.set(Column::Policy, policy(backordered));
        } else if !stock.is_empty() {
            row.set(Column::Quantity, stock);
            row.set(Column::Policy, policy(backordered));
        } else if backordered {
            row.set(Column::Policy, policy(true));
        } else if matches!(in_stock.as_str(), "1" | "yes" | "true") {
            self.report(record, Source::InStock, Fault::StockNotCounted);
            row.set(Column::Policy, policy(true));
        } else if !in_stock.is_empty() {
            row.set(Column::Quantity, "0");
            row.set(Column::Policy, policy(false));
        } else if self.file.has(Source::Backorders) && !backorders.is_empty() {
            row.set(Column::Policy, policy(false));
        }
    }

    fn attributes(&self, record: &Record) -> Vec<Value> {
        let values = self
            .file
            .attributes
            .iter()
            .map(|attribute| (cells::value(&text_of(record, attribute.name)), text_of(record, attribute.values)));
        values.filter(|(name, _)| !name.is_empty()).collect()
    }

    /// A row for each variation that is sold.
    fn of_variations<'a>(&mut self, parent: Option<&Record>, variations: &[&Record]) -> Vec<(Cells<'a>, bool)> {
        let offered = parent.map(|parent| self.attributes(parent)).unwrap_or_default();
        let mut sold = Vec::with_capacity(variations.len());
        for variation in variations {
            let cell = |source| self.file.cell(variation, source);
            let is_off = self.file.has(Source::Published) && matches!(cell(Source::Published).as_str(), "0" | "-1");
            let is_priced = !cell(Source::RegularPrice).is_empty() || !cell(Source::SalePrice).is_empty();
            // An export leaves the price out where there is none in its currency.
            let lacks_price = self.file.has(Source::RegularPrice) && !is_priced && !self.file.is_own();
            if is_off || lacks_price {
                self.report(
                    variation,
                    if is_off { Source::Published } else { Source::RegularPrice },
                    Fault::VariationLeftOut,
                );
            } else {
                sold.push((*variation, self.attributes(variation)));
            }
        }
        // The options are what variations differ in, in the order in which the product names them.
        let used: BTreeSet<String> =
            sold.iter().flat_map(|(_, own)| own).map(|(name, _)| name.to_lowercase()).collect();
        let (mut names, mut named): (Vec<String>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
        for (name, _) in offered.iter().chain(sold.iter().flat_map(|(_, attributes)| attributes)) {
            let lower = name.to_lowercase();
            if used.contains(&lower) && named.insert(lower) {
                names.push(name.clone());
            }
            // One more than a product may have, so that it is refused.
            if names.len() > MAX_OPTIONS {
                break;
            }
        }
        let offered: Vec<(String, Vec<String>)> = offered
            .into_iter()
            .map(|(name, values)| {
                (name.to_lowercase(), self.list(&values).into_iter().take(MAX_VARIANTS + 1).collect())
            })
            .collect();
        let explicit: Vec<Vec<String>> = sold
            .iter()
            .map(|(_, own)| names.iter().map(|name| value_of(own, name).unwrap_or_default()).collect())
            .collect();
        let (mut made, mut taken) = (Vec::new(), Vec::new());
        for ((variation, _), own) in sold.iter().zip(&explicit) {
            let combinations = combinations(own, &names, &offered);
            let is_any = combinations.len() > 1;
            if is_any {
                self.report(variation, Source::Sku, Fault::AnyValue);
            }
            // What another variation says of itself counts more than what this one says of any value.
            let unsaid: Vec<Vec<String>> = combinations
                .into_iter()
                .filter(|values| !is_any || !(explicit.contains(values) || taken.contains(values)))
                .collect();
            for (index, values) in unsaid.into_iter().enumerate() {
                if made.len() > MAX_VARIANTS {
                    return made;
                }
                let mut row = self.cells_of(variation);
                let is_on_sale = self.set_variant(&mut row, variation, parent);
                if let Some(image) = self.list(&self.file.cell(variation, Source::Images)).into_iter().next() {
                    row.set(Column::VariantImage, image);
                }
                if index > 0 {
                    row.set(Column::Sku, "");
                    if row.has(Column::Quantity) {
                        row.set(Column::Quantity, "0");
                    }
                }
                self.set_options(&mut row, &names, &values, made.is_empty());
                self.keep(&mut row, variation);
                made.push((row, is_on_sale));
                taken.push(values);
            }
        }
        made
    }

    fn set_options(&self, row: &mut Cells<'_>, names: &[String], values: &[String], is_first: bool) {
        let columns = [
            (Column::Option1Name, Column::Option1Value),
            (Column::Option2Name, Column::Option2Value),
            (Column::Option3Name, Column::Option3Value),
        ];
        for (((of_name, of_value), name), value) in columns.into_iter().zip(names).zip(values) {
            if is_first {
                row.set(of_name, name.clone());
            }
            row.set(of_value, value.clone());
        }
        if names.len() > MAX_OPTIONS {
            row.set(
                Column::Option4Value,
                values.get(MAX_OPTIONS).filter(|value| !value.is_empty()).map_or("?", String::as_str),
            );
        }
    }
}

/// The value that a variation has of an attribute; an empty one means any.
fn value_of(attributes: &[Value], name: &str) -> Option<String> {
    let found = attributes.iter().find(|(known, _)| known.to_lowercase() == name.to_lowercase());
    found.map(|(_, value)| cells::value(value))
}

/// The values of a variation, with each of those that the product offers where the variation has any.
fn combinations(own: &[String], names: &[String], offered: &[(String, Vec<String>)]) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for (name, value) in names.iter().zip(own) {
        let any = offered.iter().find(|(known, _)| *known == name.to_lowercase()).map(|(_, values)| values.as_slice());
        let any = any.filter(|values| value.is_empty() && !values.is_empty());
        let values = any.unwrap_or(std::slice::from_ref(value));
        let next = all.iter().flat_map(|before| {
            values.iter().map(move |value| before.iter().chain([value]).cloned().collect::<Vec<String>>())
        });
        // One more than a product may have, so that it is refused.
        all = next.take(MAX_VARIANTS + 1).collect();
    }
    all
}
