//! The rows of a product that are held until all of them are there.

use super::record::Record;

/// The most rows that are held of a product, which are more than it may have variants.
const MAX_RECORDS: usize = 500;
/// The most bytes that are held of a product.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// The rows of a product.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: Vec<u8>,
    /// The offset in bytes at which its first row starts.
    pub(super) offset: u64,
    /// The line of its first row.
    pub(super) line: u64,
    /// All its rows, also those that are not held.
    pub(super) rows: u64,
    pub(super) records: Vec<Record>,
    /// Whether rows of the product came before, with other products in between.
    pub(super) continues: bool,
    /// Whether it has more than can be held.
    pub(super) is_too_large: bool,
    held: usize,
}

impl Group {
    pub(super) fn new(record: &Record, offset: u64, key: Vec<u8>, continues: bool) -> Self {
        let line = record.line();
        let mut group =
            Self { key, offset, line, rows: 0, records: Vec::new(), continues, is_too_large: false, held: 0 };
        group.add(record);
        group
    }

    pub(super) fn add(&mut self, record: &Record) {
        self.rows += 1;
        // Without the room that the reader's record has for larger rows.
        let (text, ends) = (record.text.as_slice().into(), record.ends.as_slice().into());
        let record = Record { text, ends, line: record.line, malformed: record.malformed };
        if self.records.len() >= MAX_RECORDS || self.held.saturating_add(record.held()) > MAX_BYTES {
            self.is_too_large = true;
            return;
        }
        self.held += record.held();
        self.records.push(record);
    }

    /// An estimate of the bytes held in memory.
    pub(super) fn held(&self) -> usize {
        self.held + self.key.len() + size_of::<Self>()
    }
}
