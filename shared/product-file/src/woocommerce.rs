//! WooCommerce's own product export: a row for each product and each variation, which names its parent. The rows of a
//! product are made into rows of the format that [`Assembly`](super::assembly::Assembly) reads.

mod cells;
mod language;
mod layout;
mod rows;
mod writer;

use std::collections::HashSet;

use domain::job::normalised_header;

use super::cells::unescape_formula;
use super::columns::Column;
use super::faults::{Fault, FileError, RowError};
use super::header::{Header, may_be_kept};
use super::record::Record;

use self::language::{in_english, is_known};
pub(super) use self::layout::WrittenColumns;
pub(super) use self::rows::assemble;
pub(super) use self::writer::{write, write_header};

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

// Those of ours come first: an export has them for what WooCommerce has no column for.
columns! {
    Handle = "Meta: bozor_handle",
    Vendor = "Meta: bozor_vendor",
    OwnCategory = "Meta: bozor_category",
    ComparedPrice = "Meta: bozor_compare_at_price",
    VariantImage = "Meta: bozor_variant_image",
    ImageTexts = "Meta: bozor_image_texts",
    SeoTitle = "Meta: bozor_seo_title",
    SeoDescription = "Meta: bozor_seo_description",
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
    /// Whether it is shown, and whether it is one of the shop.
    flags: [Option<usize>; 2],
}

/// A column that is kept.
#[derive(Clone, Copy, Debug)]
struct KeptColumn {
    index: usize,
    /// The attribute whose column it is. They are kept as the product has them: those of variations are its options.
    attribute: Option<usize>,
    /// The position among the kept columns of its cells in rows of products.
    of_products: usize,
    /// The same for rows of variations.
    of_variations: usize,
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

/// Whether these are the columns of WooCommerce's export, in a language that is known.
pub(super) fn is_woocommerce(names: &[String]) -> bool {
    let names = in_english(names);
    let has = |header: &str| names.iter().any(|name| normalised_header(name) == normalised_header(header));
    has("Type") && (has("SKU") || has("ID")) && (has("Regular price") || has("Parent")) && !has("Handle")
}

impl WooCommerce {
    pub(super) fn new(names: Vec<String>, line: u64) -> Result<Self, FileError> {
        let english = in_english(&names);
        let normalised: Vec<String> = english.iter().map(|name| normalised_header(name)).collect();
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
                let values = at(format!("attribute{number}values"))?;
                let flags = ["visible", "global"].map(|flag| at(format!("attribute{number}{flag}")));
                Some(Attribute { name, values, flags })
            })
            .collect();
        let is_read = |index: usize| {
            let source =
                Source::ALL.iter().zip(&indexes).find(|(_, at)| **at == Some(index)).map(|((known, _), _)| *known);
            source.is_some_and(|source| !ALSO_KEPT.contains(&source)) || weight == Some(index)
        };
        let mut seen = HashSet::new();
        let kept: Vec<(usize, &String)> = english
            .iter()
            .enumerate()
            .filter(|(index, name)| !is_read(*index) && may_be_kept(name) && may_be_kept(&of_variants(name)))
            // Of several spellings of a column the first one is taken.
            .filter(|(index, _)| normalised.get(*index).is_some_and(|name| name.is_empty() || seen.insert(name)))
            .collect();
        let is_own = indexes.first().is_some_and(Option::is_some);
        let mut extras: Vec<String> = kept.iter().map(|(_, name)| (*name).clone()).collect();
        let kept: Vec<KeptColumn> = kept
            .into_iter()
            .enumerate()
            .map(|(of_products, (index, name))| {
                // Others speak of products in their rows and of variations in theirs, under one name.
                let attribute = attribute_of(name);
                let is_apart = (!is_own || is_known(name)) && attribute.is_none();
                if is_apart {
                    extras.push(of_variants(name));
                }
                let of_variations = if is_apart { extras.len() - 1 } else { of_products };
                KeptColumn { index, attribute, of_products, of_variations }
            })
            .collect();
        let (made, on_sale) = headers(&names, &indexes, weight, &attributes, &extras);
        Ok(Self { names, indexes, weight, milligrams, attributes, kept, made, on_sale })
    }

    /// The header of the rows that are made.
    pub(super) const fn header(&self) -> &Header {
        &self.made
    }

    /// What rows of one product have in common, in lower case: the handle in a file of ours; else the SKU of the
    /// product or else `id:` and its number, which is how a variation names its parent. Empty when it cannot be read.
    pub(super) fn key_of(&self, record: &Record) -> Vec<u8> {
        let read = |source| {
            let index = self.index_of(source)?;
            let known = record.malformed().is_none_or(|malformed| index < malformed.cell);
            known.then(|| self.cell(record, source)).filter(|cell| !cell.is_empty())
        };
        let told = || {
            if self.is_variation(record) {
                read(Source::Parent)
            } else {
                read(Source::Sku).or_else(|| read(Source::Id).map(|id| format!("id:{id}")))
            }
        };
        read(Source::Handle).or_else(told).unwrap_or_default().to_ascii_lowercase().into_bytes()
    }

    /// The keys that a product of a file that is not ours has besides: the number of one that has an SKU.
    fn other_key(&self, record: &Record) -> Option<String> {
        let (sku, id) = (self.cell(record, Source::Sku), self.cell(record, Source::Id));
        (!self.is_own() && !sku.is_empty() && !id.is_empty()).then(|| format!("id:{}", id.to_ascii_lowercase()))
    }

    /// Whether an export of ours is the source, which has all of a product as it is.
    fn is_own(&self) -> bool {
        self.has(Source::Handle)
    }

    /// The positions of kept columns for which a row has cells.
    pub(super) fn kept_of(&self, record: &Record) -> impl Iterator<Item = usize> {
        self.kept_cells(record).into_iter().map(|(position, _)| position)
    }

    /// The cells of a row in columns that are kept, by their position among these.
    fn kept_cells(&self, record: &Record) -> Vec<(usize, String)> {
        let is_variation = self.is_variation(record);
        let categories = self.index_of(Source::Categories).filter(|_| !is_variation);
        let mut cells = Vec::new();
        for column in &self.kept {
            let text = text_of(record, column.index);
            if text.is_empty() {
                continue;
            }
            let is_used = match column.attribute {
                Some(_) if is_variation => true,
                Some(number) => self.is_own() && self.is_option_only(record, number),
                // One category alone is the product's.
                None => Some(column.index) == categories && is_one(&text, !self.is_own()),
            };
            if !is_used {
                cells.push((if is_variation { column.of_variations } else { column.of_products }, text));
            }
        }
        cells
    }

    /// Whether an attribute is there for the product's options only: WooCommerce says of each of its own whether it is
    /// shown.
    fn is_option_only(&self, record: &Record, number: usize) -> bool {
        let attribute = number.checked_sub(1).and_then(|at| self.attributes.get(at));
        let mut flags = attribute.map(|attribute| attribute.flags).into_iter().flatten().flatten();
        flags.all(|index| text_of(record, index).is_empty())
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
        cells::list(&self.cell(record, Source::Type).to_lowercase(), true)
    }

    fn is_variation(&self, record: &Record) -> bool {
        self.kinds(record).first().is_some_and(|kind| kind.ends_with("variation"))
    }
}

/// The number of the attribute whose column this is, such as `Attribute 2 visible`.
fn attribute_of(name: &str) -> Option<usize> {
    let name = normalised_header(name);
    let rest = name.strip_prefix("attribute")?;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// Whether a list of categories is one category, and no path to it.
fn is_one(categories: &str, may_be_barred: bool) -> bool {
    !categories.contains('>') && cells::list(categories, may_be_barred).len() == 1
}

/// A cell without its surrounding spaces.
fn text_of(record: &Record, index: usize) -> String {
    String::from_utf8_lossy(unescape_formula(record.cell(index))).trim().to_owned()
}

/// How a column that is kept of variations is called, because the first one shares a row with its product in a file of
/// Shopify.
fn of_variants(name: &str) -> String {
    format!("Variant {name}")
}

/// The headers of the rows that are made, with the names that this file has for the columns.
fn headers(
    names: &[String],
    indexes: &[Option<usize>],
    weight: Option<usize>,
    attributes: &[Attribute],
    extras: &[String],
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
        Column::Vendor => named(Source::Vendor),
        Column::Type => named(Source::Categories).or_else(|| named(Source::OwnCategory)),
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
        Column::ImageAlt => named(Source::ImageTexts),
        Column::SeoTitle => named(Source::SeoTitle),
        Column::SeoDescription => named(Source::SeoDescription),
        _ => None,
    };
    let made = |is_on_sale: bool| {
        let spellings = Column::ALL.iter().map(|column| spelling(*column, is_on_sale));
        Header::made(spellings, extras.iter().cloned())
    };
    (made(false), made(true))
}
