//! Looks through a file before it is imported.

use std::collections::HashSet;

use super::faults::FileError;
use super::layout::{Layout, Mapping};
use super::passes::{hash, held_by, passes_for};
use super::reader::{MAX_ROWS, too_many_rows};
use super::records::Scanned;
use super::sheet::Sheet;

/// Counts the rows of a file that is fed to it in chunks, so that an import can show its progress, and says how it has
/// to be read.
#[derive(Debug, Default)]
pub struct RowCounter {
    sheet: Sheet,
    rows: u64,
    /// Hashes of the handles seen, and that of the last row.
    seen: HashSet<u64>,
    last: Option<u64>,
    is_apart: bool,
    /// What all rows take in memory when their products are held.
    held: u64,
    /// The positions of the kept columns that have cells.
    kept: HashSet<usize>,
}

/// What was counted in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCount {
    /// Rows without the header and blank ones.
    pub rows: u64,
    /// Whether the rows of some product do not stand together and are read where they stand.
    pub is_apart: bool,
    /// How often the file must be read so that rows of a product which stand apart come together; zero when it is read
    /// once.
    pub passes: u32,
    /// Whether the mapping of the columns was needed.
    pub is_mapped: bool,
    /// The names of the columns that are only kept and not empty, in the order of the file.
    pub kept_columns: Vec<String>,
}

impl RowCounter {
    /// What the columns of the file mean, if its header is of no system that is known.
    pub fn mapped(mapping: Option<Mapping>) -> Self {
        Self { sheet: Sheet::mapped(mapping), ..Self::default() }
    }

    /// Counts the rows that end in the next chunk.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.sheet.feed(bytes);
        self.count()
    }

    /// Rows counted so far.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// What was counted, after the last chunk.
    pub fn finish(mut self) -> Result<RowCount, FileError> {
        self.sheet.end();
        self.count()?;
        let layout = self.sheet.layout();
        let is_grouped = matches!(layout, Some(Layout::WooCommerce(_)));
        let passes = if is_grouped && self.is_apart { passes_for(self.held) } else { 0 };
        let extras = layout.map(|layout| layout.header().extras()).unwrap_or_default().iter().enumerate();
        let kept = extras.filter(|(position, _)| self.kept.contains(position)).map(|(_, column)| column.name.clone());
        Ok(RowCount {
            rows: self.rows,
            is_apart: self.is_apart && !is_grouped,
            passes,
            is_mapped: layout.is_some_and(Layout::is_mapped),
            kept_columns: kept.collect(),
        })
    }

    fn count(&mut self) -> Result<(), FileError> {
        while self.sheet.next_row()? == Scanned::Record {
            if self.rows >= MAX_ROWS {
                return Err(too_many_rows(self.sheet.record().line()));
            }
            self.rows += 1;
            let Some(layout) = self.sheet.layout() else { continue };
            self.kept.extend(layout.kept_of(self.sheet.record()));
            let key = layout.key_of(self.sheet.record());
            let hashed = hash(&key);
            let is_first = key.is_empty() || self.last != Some(hashed) && self.seen.insert(hashed);
            self.held = self.held.saturating_add(held_by(self.sheet.record(), &key, is_first));
            self.is_apart |= !is_first && self.last != Some(hashed);
            self.last = (!key.is_empty()).then_some(hashed);
        }
        Ok(())
    }
}
