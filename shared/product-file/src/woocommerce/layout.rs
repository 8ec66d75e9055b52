//! The columns of a file that is written in WooCommerce's format, and where the cells go that are only kept.

use std::collections::HashMap;

use domain::job::normalised_header;

use super::{ALSO_KEPT, Source, attribute_of, is_known, of_variants};

/// WooCommerce's columns, in its order, without those that it has not for the options of products.
const COLUMNS: &str = "ID|Type|SKU|GTIN, UPC, EAN, or ISBN|Name|Published|Is featured?|Visibility in catalog|\
    Short description|Description|Date sale price starts|Date sale price ends|Tax status|Tax class|In stock?|Stock|\
    Low stock amount|Backorders allowed?|Sold individually?|Weight (kg)|Allow customer reviews?|Purchase note|Sale price|\
    Regular price|Categories|Tags|Shipping class|Images|Download limit|Download expiry days|Parent|Grouped products|\
    Upsells|Cross-sells|External URL|Button text|Position";
/// The parts of an attribute, as its columns call them.
pub(super) const PARTS: [&str; 4] = ["name", "value(s)", "visible", "global"];
/// The least attributes that a file has columns for: as many as a product may have options.
const ATTRIBUTES: usize = domain::catalog::MAX_OPTIONS;
/// The most attributes that columns are written for.
const MAX_ATTRIBUTES: usize = 25;

/// Where the cells of a column go that is only kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// The column of the product's cell, in the row of the product.
    pub(super) of_product: Option<usize>,
    /// That of the cells of variants, in the rows of variations.
    pub(super) of_variants: Option<usize>,
}

/// The columns of a file that is written.
#[derive(Debug)]
pub(crate) struct WrittenColumns {
    pub(super) names: Vec<String>,
    /// The positions of the names.
    positions: HashMap<String, usize>,
    /// The places of the columns that are only kept, in their order.
    pub(super) places: Vec<Place>,
    /// The number of attributes that have columns.
    pub(super) attributes: usize,
}

impl WrittenColumns {
    /// The columns of a shop whose files had these columns besides those that are used.
    pub(crate) fn new(kept: &[String]) -> Self {
        let numbers = kept.iter().filter_map(|header| attribute_of(header));
        let attributes = numbers.filter(|number| *number <= MAX_ATTRIBUTES).fold(ATTRIBUTES, usize::max);
        let mut names: Vec<String> = COLUMNS.split('|').map(str::to_owned).collect();
        for number in 1..=attributes {
            names.extend(PARTS.iter().map(|part| attribute_column(number, part)));
        }
        let is_ours = |(_, header): &&(Source, &str)| header.starts_with("Meta: bozor_");
        names.extend(Source::ALL.iter().filter(is_ours).map(|(_, header)| (*header).to_owned()));
        let positions = names.iter().enumerate().map(|(position, name)| (name.clone(), position)).collect();
        let mut columns = Self { names, positions, places: Vec::with_capacity(kept.len()), attributes };
        for header in kept {
            let place = columns.place_of(header);
            columns.places.push(place);
        }
        columns
    }

    fn place_of(&mut self, header: &str) -> Place {
        // What variations say in a column of WooCommerce's own is kept under a name of its own.
        let named = header.strip_prefix("Variant ").filter(|named| is_known(named) && of_variants(named) == header);
        if let Some(named) = named.filter(|named| !is_used(named)) {
            let of_variants = attribute_of(named).is_none().then(|| self.column_of(named));
            return Place { of_variants, ..Place::default() };
        }
        // A column that means something else in WooCommerce's format has no place in it.
        if is_used(header) || normalised_header(header).is_empty() {
            return Place::default();
        }
        let column = Some(self.column_of(header));
        Place { of_product: column, of_variants: column.filter(|_| !is_known(header)) }
    }

    /// The position of a column, compared as it is when the file is read. It is added when there is none.
    fn column_of(&mut self, name: &str) -> usize {
        let wanted = normalised_header(name);
        let known = self.names.iter().position(|known| normalised_header(known) == wanted);
        known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.positions.insert(name.to_owned(), self.names.len() - 1);
            self.names.len() - 1
        })
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).copied()
    }
}

/// The name of an attribute's column.
pub(super) fn attribute_column(number: usize, part: &str) -> String {
    format!("Attribute {number} {part}")
}

/// Whether a column is read, and not kept besides.
fn is_used(name: &str) -> bool {
    let name = normalised_header(name);
    let is_read = |(source, header): &(Source, &str)| normalised_header(header) == name && !ALSO_KEPT.contains(source);
    Source::ALL.iter().any(is_read) || name == "weightkg"
}
