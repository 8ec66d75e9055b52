//! A row of a file, by its columns.

use domain::Currency;

use super::cells;
use super::columns::Column;
use super::header::Header;
use super::record::Record;

/// A row and what is needed to read it.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) record: &'a Record,
    pub(super) header: &'a Header,
    pub(super) currency: Currency,
    /// Whether prices may have a decimal comma.
    pub(super) decimal_comma: bool,
}

impl Row<'_> {
    pub(super) fn bytes(&self, column: Column) -> &[u8] {
        self.header.index_of(column).map_or(&[][..], |index| self.bytes_at(index))
    }

    /// The cell with this index.
    pub(super) fn bytes_at(&self, index: usize) -> &[u8] {
        cells::unescape_formula(self.record.cell(index))
    }

    pub(super) fn is_empty(&self, column: Column) -> bool {
        self.bytes(column).trim_ascii().is_empty()
    }
}

/// The cell that tells which product a row belongs to, in lower case, which rows of one product have in common; empty
/// when it cannot be read.
pub(super) fn key_of(record: &Record, header: &Header) -> Vec<u8> {
    let index = header.index_of(header.key_column());
    let known = record.malformed().is_none_or(|malformed| index < Some(malformed.cell));
    let cell = index.filter(|_| known).map_or(&[][..], |index| record.cell(index));
    cells::unescape_formula(cell).trim_ascii().to_ascii_lowercase()
}
