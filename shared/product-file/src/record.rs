//! One row of a file, split into cells.

use std::borrow::Cow;

use super::cells::escape_formula;
use super::faults::Fault;

/// The fault that makes a record unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MalformedRecord {
    pub(super) fault: Fault,
    /// The index of the faulty cell; the cells before it are valid.
    pub(super) cell: usize,
}

/// The cells of a row, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// All cells, one after the other.
    pub(super) text: Vec<u8>,
    /// Where each cell ends in the text, in a number that is small: a file may have hundreds of columns.
    pub(super) ends: Vec<u32>,
    pub(super) line: u64,
    pub(super) malformed: Option<MalformedRecord>,
}

impl Default for Record {
    fn default() -> Self {
        Self { text: Vec::new(), ends: Vec::new(), line: 1, malformed: None }
    }
}

impl Record {
    /// A record that was made of others, with these cells as they are meant.
    pub(super) fn of(line: u64, cells: &[Cow<'_, str>]) -> Self {
        let mut record = Self { line, ..Self::default() };
        for cell in cells {
            record.text.extend_from_slice(escape_formula(cell).as_bytes());
            record.end_cell();
        }
        record
    }

    /// Ends a cell behind what the text has by now.
    pub(super) fn end_cell(&mut self) {
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// Where the last cell ends.
    pub(super) fn end(&self) -> usize {
        self.ends.last().map_or(0, |end| place(*end))
    }

    /// The line in which the record starts, counted from one.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn malformed(&self) -> Option<MalformedRecord> {
        self.malformed
    }

    /// The number of cells of the record.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell of the record; an absent one is empty.
    pub(super) fn cell(&self, index: usize) -> &[u8] {
        let from = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| place(*end));
        self.ends.get(index).and_then(|to| self.text.get(from..place(*to))).unwrap_or_default()
    }

    /// Whether all cells are empty: spreadsheets write such rows after the last one.
    pub(super) fn is_blank(&self) -> bool {
        self.malformed.is_none() && (0..self.len()).all(|index| self.cell(index).trim_ascii().is_empty())
    }

    /// The first cell that is not empty and for which the header has no column.
    pub(super) fn stray(&self, width: usize) -> Option<&[u8]> {
        (width..self.len()).map(|index| self.cell(index)).find(|cell| !cell.trim_ascii().is_empty())
    }

    /// An estimate of the bytes held in memory.
    pub(super) fn held(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<u32>() + size_of::<Self>()
    }
}

fn place(end: u32) -> usize {
    usize::try_from(end).unwrap_or(usize::MAX)
}
