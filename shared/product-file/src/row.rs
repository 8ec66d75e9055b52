//! A row of a file, by its columns.

use domain::Currency;

use super::cells;
use super::columns::{Column, Header};
use super::records::Records;

/// A row and what is needed to read it.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) records: &'a Records,
    pub(super) header: &'a Header,
    pub(super) currency: Currency,
}

impl Row<'_> {
    pub(super) fn bytes(&self, column: Column) -> &[u8] {
        let cell = self.header.index_of(column).map_or(&[][..], |index| self.records.cell(index));
        cells::unescape_formula(cell)
    }

    pub(super) fn is_empty(&self, column: Column) -> bool {
        self.bytes(column).trim_ascii().is_empty()
    }

    /// The handle in lower case, which rows of one product have in common; empty when it cannot be read.
    pub(super) fn handle(&self) -> Vec<u8> {
        let known = self
            .records
            .malformed()
            .is_none_or(|malformed| self.header.index_of(Column::Handle) < Some(malformed.cell));
        if known { self.bytes(Column::Handle).trim_ascii().to_ascii_lowercase() } else { Vec::new() }
    }
}
