//! The layout of a file: which system it comes from, recognised by its header.

use std::collections::BTreeMap;

use domain::job::FileColumn;
use domain::text::Line;

use super::faults::FileError;
use super::header::{Header, indexes_of, is_reason, names_of};
use super::record::Record;
use super::row::key_of;
use super::woocommerce::{WooCommerce, is_woocommerce};

/// What the columns of files mean whose system is not recognised, by their headers.
pub type Mapping = BTreeMap<Line, FileColumn>;

/// How the rows of a file are read.
#[derive(Debug)]
pub(super) enum Layout {
    /// One after the other, each with the handle or key of its product.
    Rows { header: Header, is_mapped: bool },
    /// All of a product together.
    WooCommerce(Box<WooCommerce>),
}

impl Layout {
    /// Recognises the layout by the header, which was just read. The mapping is for a header of neither system.
    pub(super) fn read(record: &Record, mapping: Option<&Mapping>) -> Result<Self, FileError> {
        let (names, line) = (names_of(record)?, record.line());
        let has_handle = ["Handle", "URL handle"].iter().any(|name| !indexes_of(&names, name).is_empty());
        if !has_handle && is_woocommerce(&names) {
            return WooCommerce::new(names, line).map(Box::new).map(Self::WooCommerce);
        }
        let mapping = mapping.filter(|_| !has_handle);
        if let Some(header) = mapping.and_then(|mapping| Header::mapped(&names, line, mapping.iter())) {
            return Ok(Self::Rows { header: header?, is_mapped: true });
        }
        Header::shopify(names, line).map(|header| Self::Rows { header, is_mapped: false })
    }

    /// What rows of one product have in common; empty when it cannot be read.
    pub(super) fn key_of(&self, record: &Record) -> Vec<u8> {
        match self {
            Self::Rows { header, .. } => key_of(record, header),
            Self::WooCommerce(file) => file.key_of(record),
        }
    }

    /// The header of the rows that products are assembled from.
    pub(super) const fn header(&self) -> &Header {
        match self {
            Self::Rows { header, .. } => header,
            Self::WooCommerce(file) => file.header(),
        }
    }

    pub(super) const fn is_mapped(&self) -> bool {
        matches!(self, Self::Rows { is_mapped: true, .. })
    }

    /// The positions of kept columns for which a row has cells.
    pub(super) fn kept_of(&self, record: &Record) -> Vec<usize> {
        match self {
            Self::Rows { header, .. } => {
                let columns = header.extras().iter().enumerate();
                columns.filter(|(_, column)| !column.cell(record).is_empty()).map(|(position, _)| position).collect()
            }
            Self::WooCommerce(file) => file.kept_of(record).collect(),
        }
    }

    /// Whether the first column says why its rows were refused before.
    pub(super) fn begins_with_reason(&self) -> bool {
        is_reason(match self {
            Self::Rows { header, .. } => header.name(0),
            Self::WooCommerce(file) => file.first_name(),
        })
    }

    /// An estimate of the bytes held in memory.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Rows { header, .. } => header.held(),
            Self::WooCommerce(file) => file.held(),
        }
    }
}
