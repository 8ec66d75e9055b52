//! WooCommerce's own product export: a row for each product and each variation, which names its parent. The rows of a
//! product are made into rows of the format that [`Assembly`](super::assembly::Assembly) reads.

mod cells;
mod rows;

use domain::job::normalised_header;

use super::cells::unescape_formula;
use super::columns::Column;
use super::faults::{Fault, FileError, RowError};
use super::header::{Header, may_be_kept};
use super::record::Record;

pub(super) use self::rows::assemble;

/// Declares the columns that are read: name and header, compared by letters and digits.
macro_rules! columns {
    ($($name:ident = $header:literal,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Source { $($name,)+ }

        impl Source {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, $header)),+];
        }
    };
}

columns! {
    Id = "ID",
    Type = "Type",
    Sku = "SKU",
    Name = "Name",
    Published = "Published",
    Visibility = "Visibility in catalog",
    ShortDescription = "Short description",
    Description = "Description",
    SaleStarts = "Date sale price starts",
    SaleEnds = "Date sale price ends",
    InStock = "In stock?",
    Stock = "Stock",
    Backorders = "Backorders allowed?",
    SalePrice = "Sale price",
    RegularPrice = "Regular price",
    Categories = "Categories",
    Tags = "Tags",
    Images = "Images",
    Parent = "Parent",
}

/// The columns whose cells are kept besides being read, because not all of them is used.
const ALSO_KEPT: [Source; 5] =
    [Source::Id, Source::Visibility, Source::ShortDescription, Source::Categories, Source::SaleEnds];
/// The most attributes of a file.
const MAX_ATTRIBUTES: usize = 100;

/// The columns of an attribute.
#[derive(Clone, Copy, Debug)]
struct Attribute {
    name: usize,
    values: usize,
}

/// A column that is kept.
#[derive(Clone, Copy, Debug)]
struct KeptColumn {
    index: usize,
    /// Whether it is one of an attribute, which are kept as the product has them: those of variations are its options.
    is_of_attribute: bool,
}

/// Where the columns of a file stand, and the headers of the rows that are made of its rows.
#[derive(Debug)]
pub(super) struct WooCommerce {
    names: Vec<String>,
    /// The index of each of [`Source::ALL`].
    indexes: Vec<Option<usize>>,
    weight: Option<usize>,
    /// What its unit has of milligrams.
    milligrams: u64,
    attributes: Vec<Attribute>,
    /// The columns that are kept.
    kept: Vec<KeptColumn>,
    /// The header of the rows that are made.
    made: Header,
    /// The same for a row with a sale price, which is the price then.
    on_sale: Header,
}

/// Whether these are the columns of WooCommerce's export.
pub(super) fn is_woocommerce(names: &[String]) -> bool {
    let has = |header: &str| names.iter().any(|name| normalised_header(name) == normalised_header(header));
    has("Type") && (has("SKU") || has("ID")) && (has("Regular price") || has("Parent")) && !has("Handle")
}

impl WooCommerce {
    pub(super) fn new(names: Vec<String>, line: u64) -> Result<Self, FileError> {
        let normalised: Vec<String> = names.iter().map(|name| normalised_header(name)).collect();
        let mut indexes = Vec::with_capacity(Source::ALL.len());
        for (_, header) in Source::ALL {
            let header = normalised_header(header);
            let mut found = normalised.iter().enumerate().filter(|(_, name)| **name == header).map(|(index, _)| index);
            indexes.push(found.next());
            if let Some(again) = found.next().and_then(|index| names.get(index)) {
                return Err(FileError(RowError::new(line, again, Fault::DuplicateColumn)));
            }
        }
        let units = ["kg", "g", "lbs", "lb", "oz"];
        let weighed = units.iter().find_map(|unit| {
            let index = normalised.iter().position(|name| *name == format!("weight{unit}"))?;
            Some((index, cells::milligrams_of(unit)))
        });
        let (weight, milligrams) = weighed.map_or((None, 1), |(index, milligrams)| (Some(index), milligrams));
        let at = |name: String| normalised.iter().position(|known| *known == name);
        let attributes: Vec<Attribute> = (1..=MAX_ATTRIBUTES)
            .map_while(|number| {
                let name = at(format!("attribute{number}name"))?;
                Some(Attribute { name, values: at(format!("attribute{number}values"))? })
            })
            .collect();
        let is_read = |index: usize| {
            let source =
                Source::ALL.iter().zip(&indexes).find(|(_, at)| **at == Some(index)).map(|((known, _), _)| *known);
            source.is_some_and(|source| !ALSO_KEPT.contains(&source)) || weight == Some(index)
        };
        let kept: Vec<KeptColumn> = names
            .iter()
            .enumerate()
            .filter(|(index, name)| !is_read(*index) && may_be_kept(name) && may_be_kept(&of_variants(name)))
            .map(|(index, name)| KeptColumn { index, is_of_attribute: is_of_attribute(name) })
            .collect();
        let (made, on_sale) = headers(&names, &indexes, weight, &attributes, &kept);
        Ok(Self { names, indexes, weight, milligrams, attributes, kept, made, on_sale })
    }

    /// The header of the rows that are made.
    pub(super) const fn header(&self) -> &Header {
        &self.made
    }

    /// What rows of one product have in common, in lower case: the SKU of the product or else `id:` and its number,
    /// which is how a variation names its parent. Empty when it cannot be read.
    pub(super) fn key_of(&self, record: &Record) -> Vec<u8> {
        let read = |source| {
            let index = self.index_of(source)?;
            let known = record.malformed().is_none_or(|malformed| index < malformed.cell);
            known.then(|| self.cell(record, source)).filter(|cell| !cell.is_empty())
        };
        let key = if self.is_variation(record) {
            read(Source::Parent)
        } else {
            read(Source::Sku).or_else(|| read(Source::Id).map(|id| format!("id:{id}")))
        };
        key.unwrap_or_default().to_ascii_lowercase().into_bytes()
    }

    /// The positions of kept columns for which a row has cells.
    pub(super) fn kept_of<'a>(&'a self, record: &'a Record) -> impl Iterator<Item = usize> + 'a {
        let is_variation = self.is_variation(record);
        let first = if is_variation { self.kept.len() } else { 0 };
        let filled = move |column: &KeptColumn| {
            let is_option = is_variation && column.is_of_attribute;
            !is_option && !record.cell(column.index).trim_ascii().is_empty()
        };
        self.kept
            .iter()
            .enumerate()
            .filter(move |(_, column)| filled(column))
            .map(move |(position, _)| first + position)
    }

    /// The name of the first column of the file.
    pub(super) fn first_name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// An estimate of the bytes held in memory.
    pub(super) fn held(&self) -> usize {
        self.made.held() + self.on_sale.held() + self.names.iter().map(|name| name.capacity() + 32).sum::<usize>()
    }

    fn index_of(&self, source: Source) -> Option<usize> {
        self.indexes.iter().zip(Source::ALL).find(|(_, (known, _))| *known == source).and_then(|(index, _)| *index)
    }

    fn has(&self, source: Source) -> bool {
        self.index_of(source).is_some()
    }

    fn cell(&self, record: &Record, source: Source) -> String {
        self.index_of(source).map(|index| text_of(record, index)).unwrap_or_default()
    }

    /// The kinds of a row in lower case, such as `simple` and `virtual`.
    fn kinds(&self, record: &Record) -> Vec<String> {
        cells::list(&self.cell(record, Source::Type).to_lowercase())
    }

    fn is_variation(&self, record: &Record) -> bool {
        self.kinds(record).first().is_some_and(|kind| kind.ends_with("variation"))
    }
}

/// Whether a column is one of an attribute, such as `Attribute 2 visible`.
fn is_of_attribute(name: &str) -> bool {
    let name = normalised_header(name);
    name.strip_prefix("attribute").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// A cell without its surrounding spaces.
fn text_of(record: &Record, index: usize) -> String {
    String::from_utf8_lossy(unescape_formula(record.cell(index))).trim().to_owned()
}

/// The headers of the rows that are made, with the names that this file has for the columns. The cells of variations in
/// kept columns have names of their own, because the first variation shares a row with its product in an export.
/// How a column that is kept of variations is called.
fn of_variants(name: &str) -> String {
    format!("Variant {name}")
}

fn headers(
    names: &[String],
    indexes: &[Option<usize>],
    weight: Option<usize>,
    attributes: &[Attribute],
    kept: &[KeptColumn],
) -> (Header, Header) {
    let name = |index: Option<usize>| index.and_then(|index| names.get(index)).cloned();
    let named = |source: Source| {
        let found = Source::ALL.iter().zip(indexes).find(|((known, _), _)| *known == source);
        name(found.and_then(|(_, index)| *index))
    };
    let attribute = attributes.first();
    let spelling = |column: Column, is_on_sale: bool| match column {
        Column::Title => named(Source::Name),
        Column::Body => named(Source::Description).or_else(|| named(Source::ShortDescription)),
        Column::Type => named(Source::Categories),
        Column::Tags => named(Source::Tags),
        Column::Published | Column::Status => named(Source::Published),
        Column::Option1Name | Column::Option2Name | Column::Option3Name => {
            name(attribute.map(|attribute| attribute.name))
        }
        Column::Option1Value | Column::Option2Value | Column::Option3Value | Column::Option4Value => {
            name(attribute.map(|attribute| attribute.values))
        }
        Column::Sku => named(Source::Sku).or_else(|| named(Source::Id)),
        Column::Grams => name(weight),
        Column::Quantity => named(Source::Stock).or_else(|| named(Source::InStock)),
        Column::Policy => named(Source::Backorders).or_else(|| named(Source::InStock)).or_else(|| named(Source::Stock)),
        Column::Price if is_on_sale => named(Source::SalePrice),
        Column::Price => named(Source::RegularPrice),
        Column::CompareAtPrice if is_on_sale => named(Source::RegularPrice),
        Column::CompareAtPrice => named(Source::SalePrice),
        Column::Image | Column::VariantImage => named(Source::Images),
        _ => None,
    };
    let of_products = kept.iter().filter_map(|column| names.get(column.index).cloned());
    let of_variations = kept.iter().filter_map(|column| names.get(column.index).map(|name| of_variants(name)));
    let all: Vec<String> = of_products.chain(of_variations).collect();
    let made = |is_on_sale: bool| {
        let spellings = Column::ALL.iter().map(|column| spelling(*column, is_on_sale));
        Header::made(spellings, all.iter().cloned())
    };
    (made(false), made(true))
}
