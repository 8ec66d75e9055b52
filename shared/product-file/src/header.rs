//! The header of a file: where its columns stand.

use std::borrow::Cow;
use std::collections::HashMap;

use domain::job::{FileColumn, normalised_header};
use domain::text::{Line, is_forbidden, is_line_break};

use super::cells::unescape_formula;
use super::columns::{Column, Columns, REASON};
use super::faults::{Fault, FileError, RowError};
use super::record::Record;
use super::texts::{self, TextColumn, is_text_header};

/// The most bytes of the header.
pub(super) const HEADER_LIMIT: usize = 64 * 1024;
/// The most characters of a column name that are kept: reports and exports repeat the name.
const NAME_LIMIT: usize = 250;
/// The beginnings of the names of columns that speak of a variant, not of its product, also in the product's first row.
const OF_VARIANTS: [&str; 5] = ["variant ", "cost per item", "price / ", "compare at price / ", "compare-at price / "];

/// What tells which product a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The handle.
    Handle,
    /// The SKU. The handle is made from the title.
    Sku,
    /// A key that was found when the row was made of those of another format. The handle is made from the title.
    Given,
}

/// A column that is not read, only kept.
#[derive(Clone, Debug)]
pub(super) struct ExtraColumn {
    /// The index in the file's rows.
    pub(super) index: usize,
    /// Further columns whose names differ in signs and case only: they speak where this one is empty.
    pub(super) others: Vec<usize>,
    pub(super) name: String,
    /// Whether it speaks of the variant also in the first row of a product.
    pub(super) of_variants: bool,
}

impl ExtraColumn {
    fn new(index: usize, name: String) -> Self {
        Self { index, others: Vec::new(), of_variants: speaks_of_variants(&name), name }
    }

    /// The cell of a row, without the spaces around it; the first one that is not empty of several spellings.
    pub(super) fn cell<'a>(&self, record: &'a Record) -> Cow<'a, str> {
        let mut cells =
            std::iter::once(&self.index).chain(&self.others).map(|index| unescape_formula(record.cell(*index)));
        let filled = cells.find(|cell| !cell.trim_ascii().is_empty());
        match String::from_utf8_lossy(filled.unwrap_or_default()) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        }
    }
}

/// The positions of the columns in a file's rows.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// The names as the file spells them, cut to [`NAME_LIMIT`].
    names: Vec<String>,
    /// The index of each column of [`Column::ALL`].
    indexes: Vec<Option<usize>>,
    identity: Identity,
    extras: Vec<ExtraColumn>,
    /// The columns that speak of languages, with their indexes.
    texts: Vec<(usize, TextColumn)>,
}

/// The names of the columns, from the first record of a file.
pub(super) fn names_of(record: &Record) -> Result<Vec<String>, FileError> {
    let refuse = |fault| FileError(RowError::new(record.line(), "", fault));
    if let Some(malformed) = record.malformed() {
        // A row with too many cells is said to have more than the header, which this is.
        let fault = if malformed.fault == Fault::RowTooWide { Fault::BadHeader } else { malformed.fault };
        return Err(refuse(fault));
    }
    let mut names = Vec::with_capacity(record.len());
    for index in 0..record.len() {
        let name = std::str::from_utf8(record.cell(index)).map_err(|_| refuse(Fault::BadEncoding))?;
        // Names are repeated in answers, so they have only what a text may have.
        let shown = name.trim().chars().filter(|found| !is_forbidden(*found) && !is_line_break(*found));
        names.push(shown.take(NAME_LIMIT).collect::<String>().trim().to_owned());
    }
    Ok(names)
}

/// Names of columns in one text, with commas between; one with a comma or a quotation mark stands in quotation marks,
/// which are doubled in it (RFC 4180).
fn listed(names: &[String]) -> String {
    let quoted = |name: &String| {
        if name.contains([',', '"']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.clone() }
    };
    names.iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// The names of columns that stand in one text, as the fault of a file without a needed column has them. What was cut
/// off at the end is left out.
pub fn names_listed(text: &str) -> Vec<String> {
    let (mut names, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (name, after) = match rest.strip_prefix('"') {
            None => {
                let (name, after) = rest.split_once(", ").unwrap_or((rest, ""));
                (name.to_owned(), after)
            }
            Some(quoted) => {
                let mut name = String::new();
                let mut left = quoted;
                loop {
                    let Some((part, after)) = left.split_once('"') else { return names };
                    name.push_str(part);
                    let Some(doubled) = after.strip_prefix('"') else {
                        left = after;
                        break;
                    };
                    name.push('"');
                    left = doubled;
                }
                (name, left.strip_prefix(", ").unwrap_or(left))
            }
        };
        names.extend(Some(name.trim().to_owned()).filter(|name| !name.is_empty()));
        rest = after;
    }
    names
}

/// The fault of a file without a column, with the columns that it has instead.
pub(super) fn missing(line: u64, column: &str, names: &[String]) -> FileError {
    // More than of a cell: this is what is to be mapped.
    let value = listed(names).chars().take(8 * NAME_LIMIT).collect();
    FileError(RowError { value, ..RowError::new(line, column, Fault::MissingColumn) })
}

/// The indexes of the columns with this name, compared by letters and digits.
pub(super) fn indexes_of(names: &[String], spelling: &str) -> Vec<usize> {
    let spelling = normalised_header(spelling);
    let same = |(_, name): &(usize, &String)| normalised_header(name) == spelling;
    names.iter().enumerate().filter(same).map(|(index, _)| index).collect()
}

impl Header {
    /// The header of a file in Shopify's format.
    pub(super) fn shopify(names: Vec<String>, line: u64) -> Result<Self, FileError> {
        let normalised: Vec<String> = names.iter().map(|name| normalised_header(name)).collect();
        let indexes_of = |spelling: &str| -> Vec<usize> {
            let spelling = normalised_header(spelling);
            normalised.iter().enumerate().filter(|(_, name)| **name == spelling).map(|(index, _)| index).collect()
        };
        let mut indexes = Vec::with_capacity(Column::ALL.len());
        for column in Column::ALL {
            // A file may have custom columns whose names equal an alias: they are ignored when an earlier spelling is
            // there too.
            let found = column.spellings().iter().map(|spelling| indexes_of(spelling)).find(|found| !found.is_empty());
            let found = found.unwrap_or_default();
            // What an export keeps under several spellings comes in again.
            if let Some(again) = found.get(1).and_then(|index| names.get(*index)).filter(|_| column.is_written()) {
                return Err(FileError(RowError::new(line, again, Fault::DuplicateColumn)));
            }
            indexes.push(found.first().copied());
        }
        if indexes.first().is_none_or(Option::is_none) {
            return Err(missing(line, Column::Handle.header(), &names));
        }
        Self::new(names, indexes, Identity::Handle, line)
    }

    /// The header of a file whose columns are mapped. Nothing when the file has no column that tells its products.
    pub(super) fn mapped<'a>(
        names: &[String],
        line: u64,
        mapping: impl Iterator<Item = (&'a Line, &'a FileColumn)>,
    ) -> Option<Result<Self, FileError>> {
        let mut indexes = vec![None; Column::ALL.len()];
        for (header, meant) in mapping {
            let column = column_of(*meant);
            let at = Column::ALL.iter().position(|known| Some(*known) == column);
            if let Some(slot) = at.and_then(|at| indexes.get_mut(at)) {
                *slot = indexes_of(names, header.as_str()).first().copied();
            }
        }
        let has = |column| Column::ALL.iter().zip(&indexes).any(|(known, index)| *known == column && index.is_some());
        let identity = match (has(Column::Handle), has(Column::Sku)) {
            (true, _) => Identity::Handle,
            (false, true) => Identity::Sku,
            (false, false) => return None,
        };
        Some(Self::new(names.to_vec(), indexes, identity, line))
    }

    fn new(names: Vec<String>, indexes: Vec<Option<usize>>, identity: Identity, line: u64) -> Result<Self, FileError> {
        let texts = texts::columns_in(&names, |index| indexes.contains(&Some(index)), line)?;
        let (mut extras, mut places): (Vec<ExtraColumn>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
        for (index, name) in names.iter().enumerate() {
            let is_read =
                Column::ALL.iter().zip(&indexes).any(|(column, at)| *at == Some(index) && column.is_written());
            if is_read || !may_be_kept(name) || is_text_header(name) {
                continue;
            }
            let normalised = Some(normalised_header(name)).filter(|normalised| !normalised.is_empty());
            let place = *places.entry(normalised.unwrap_or_else(|| name.clone())).or_insert(extras.len());
            match extras.get_mut(place) {
                Some(known) => known.others.push(index),
                None => extras.push(ExtraColumn::new(index, name.clone())),
            }
        }
        Ok(Self { names, indexes, identity, extras, texts })
    }

    /// The header of rows that were made of those of another format: each column stands at its place in
    /// [`Column::ALL`], the kept ones behind them.
    pub(super) fn made(spellings: impl Iterator<Item = Option<String>>, kept: impl Iterator<Item = String>) -> Self {
        let (mut names, mut indexes) = (Vec::new(), Vec::new());
        for (index, (column, spelling)) in Column::ALL.iter().zip(spellings).enumerate() {
            indexes.push(spelling.is_some().then_some(index));
            names.push(spelling.unwrap_or_else(|| column.header().to_owned()));
        }
        let mut extras = Vec::new();
        for name in kept {
            extras.push(ExtraColumn::new(names.len(), name.clone()));
            names.push(name);
        }
        Self { names, indexes, identity: Identity::Given, extras, texts: Vec::new() }
    }

    /// The index of a column, if the file has it.
    pub(super) fn index_of(&self, column: Column) -> Option<usize> {
        self.indexes.iter().zip(Column::ALL).find(|(_, known)| **known == column).and_then(|(index, _)| *index)
    }

    pub(super) const fn identity(&self) -> Identity {
        self.identity
    }

    /// The column that tells which product a row belongs to.
    pub(super) const fn key_column(&self) -> Column {
        match self.identity {
            Identity::Handle => Column::Handle,
            Identity::Sku | Identity::Given => Column::Sku,
        }
    }

    /// The columns that are only kept.
    pub(super) fn extras(&self) -> &[ExtraColumn] {
        &self.extras
    }

    /// The columns that speak of languages, with their indexes.
    pub(super) fn texts(&self) -> &[(usize, TextColumn)] {
        &self.texts
    }

    pub(super) fn columns(&self) -> Columns {
        let has = |column| self.index_of(column).is_some();
        Columns {
            title: has(Column::Title),
            options: has(Column::Option1Name) || has(Column::Option1Value),
            body: has(Column::Body),
            vendor: has(Column::Vendor),
            category: has(Column::Type) || has(Column::Category),
            tags: has(Column::Tags),
            images: has(Column::Image),
            image_alt: has(Column::ImageAlt),
            seo_title: has(Column::SeoTitle),
            seo_description: has(Column::SeoDescription),
            sku: has(Column::Sku),
            grams: has(Column::Grams),
            sale_unit: has(Column::SaleUnit),
            policy: has(Column::Policy),
            compare_at_price: has(Column::CompareAtPrice),
            variant_image: has(Column::VariantImage),
        }
    }

    /// The column's header as the file spells it.
    pub(super) fn spelling(&self, column: Column) -> &str {
        self.index_of(column).map_or(column.header(), |index| self.name(index))
    }

    /// The spelling of the column that an export calls so; nothing for others.
    pub(super) fn spelling_of(&self, header: &str) -> Option<&str> {
        Column::ALL.iter().find(|column| column.header() == header).map(|column| self.spelling(*column))
    }

    /// The name of the column with this index; empty beyond the last.
    pub(super) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// The number of columns of the file, ignored ones included.
    pub(super) fn width(&self) -> usize {
        self.names.len()
    }

    /// An estimate of the bytes held in memory.
    pub(super) fn held(&self) -> usize {
        let extras = self.extras.iter().map(|extra| extra.name.capacity() + size_of::<ExtraColumn>());
        self.names.iter().map(|name| name.capacity() + size_of::<String>()).chain(extras).sum()
    }
}

/// Whether a column may stand in an export beside ours: one that is called like ours would be read as it.
pub(super) fn may_be_kept(name: &str) -> bool {
    let normalised = normalised_header(name);
    let is_ours = |column: &&Column| column.is_written() && normalised_header(column.header()) == normalised;
    !name.is_empty() && !is_reason(name) && !Column::ALL.iter().any(|column| is_ours(&column))
}

/// Whether a column says why its rows were refused before.
pub(super) fn is_reason(name: &str) -> bool {
    normalised_header(name) == normalised_header(REASON)
}

/// Whether a column that is kept speaks of a variant also in the first row of a product.
fn speaks_of_variants(name: &str) -> bool {
    let name = name.to_lowercase();
    OF_VARIANTS.iter().any(|beginning| name.starts_with(beginning))
}

const fn column_of(meant: FileColumn) -> Option<Column> {
    Some(match meant {
        FileColumn::Handle => Column::Handle,
        FileColumn::Title => Column::Title,
        FileColumn::Description => Column::Body,
        FileColumn::Vendor => Column::Vendor,
        FileColumn::Category => Column::Type,
        FileColumn::Tags => Column::Tags,
        FileColumn::Published => Column::Published,
        FileColumn::Status => Column::Status,
        FileColumn::Option1Name => Column::Option1Name,
        FileColumn::Option1Value => Column::Option1Value,
        FileColumn::Option2Name => Column::Option2Name,
        FileColumn::Option2Value => Column::Option2Value,
        FileColumn::Option3Name => Column::Option3Name,
        FileColumn::Option3Value => Column::Option3Value,
        FileColumn::Sku => Column::Sku,
        FileColumn::Grams => Column::Grams,
        FileColumn::SaleUnit => Column::SaleUnit,
        FileColumn::Quantity => Column::Quantity,
        FileColumn::Policy => Column::Policy,
        FileColumn::Price => Column::Price,
        FileColumn::CompareAtPrice => Column::CompareAtPrice,
        FileColumn::Image => Column::Image,
        FileColumn::ImagePosition => Column::ImagePosition,
        FileColumn::ImageAlt => Column::ImageAlt,
        FileColumn::VariantImage => Column::VariantImage,
        FileColumn::SeoTitle => Column::SeoTitle,
        FileColumn::SeoDescription => Column::SeoDescription,
        FileColumn::Other => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_that_are_listed_in_one_text_read_back(names in prop::collection::vec("[a-z,\" ]{0,8}[a-z]", 0..6)) {
            let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
            prop_assert_eq!(names_listed(&listed(&names)), names);
        }
    }

    #[test]
    fn a_list_that_was_cut_off_loses_its_last_name_alone() {
        assert_eq!(names_listed("Kod, \"Narxi, UZS\", \"Miqdori, do"), ["Kod", "Narxi, UZS"]);
    }
}
