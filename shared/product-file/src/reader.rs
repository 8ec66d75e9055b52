//! Reads the products of a file, one at a time.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};

use domain::Currency;
use serde::{Deserialize, Serialize};

use super::assembly::{Assembled, Assembly};
use super::columns::{Columns, Header};
use super::faults::{Fault, FileError, RowError};
use super::product::ProductDraft;
use super::records::Scanned;
use super::row::Row;
use super::sheet::Sheet;

/// The most rows of a file, without the header. Bounds the memory for the handles that were seen.
pub const MAX_ROWS: u64 = 1_000_000;
/// Bytes that [`Products`] reads at a time.
const CHUNK: usize = 64 * 1024;

/// How far a file has been read: what an import stores to go on after an interruption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Rows before the next product, without the header and blank rows.
    pub rows: u64,
    /// The line in which the next product starts, counted from one.
    pub line: u64,
    /// The offset in bytes at which the next product starts.
    pub offset: u64,
}

/// A product of the file, or its errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The handle as the file has it, in lower case; not validated when the product has errors.
    pub handle: String,
    /// The line in which its first row starts, counted from one.
    pub line: u64,
    pub rows: u64,
    /// The product, or at least one error.
    pub product: Result<ProductDraft, Vec<RowError>>,
    /// What the product is taken in without, or otherwise than the file has it.
    pub warnings: Vec<RowError>,
    /// Whether rows of the product came before, with other products in between.
    pub continues: bool,
    /// What all rows of the product have in common: see [`RowCopier`](crate::RowCopier).
    pub key: u64,
    /// Where the next product starts.
    pub next: Position,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Product(Box<Entry>),
    /// More of the file is needed: [`ProductReader::feed`] it or [`ProductReader::end`] it.
    NeedsMore,
    /// The file has been read to its end.
    End,
}

/// Reads a product file that is fed to it in chunks. It holds one row and one product at a time, and a hash per handle.
///
/// A faulty row makes its own product fail and no other. Rows of a product that do not stand together come as several
/// entries, of which all but the first [continue](Entry::continues) the product.
#[derive(Debug)]
pub struct ProductReader {
    sheet: Sheet,
    currency: Currency,
    current: Option<Assembly>,
    /// The [`key`](Entry::key) of that product.
    current_key: u64,
    /// Hashes of the handles seen: a million of them fit into memory, their texts would not.
    seen: HashSet<u64>,
    rows: u64,
    resumed: Option<Position>,
}

impl ProductReader {
    /// A reader of a file whose prices are in this currency.
    pub fn new(currency: Currency) -> Self {
        Self {
            sheet: Sheet::default(),
            currency,
            current: None,
            current_key: 0,
            seen: HashSet::new(),
            rows: 0,
            resumed: None,
        }
    }

    /// A reader that goes on at the position where an interrupted one stopped. It is fed the file from its start and
    /// skips the rows before the position, remembering their handles, so that repeated handles are still found. When
    /// the line and offset of the position are no longer the same, reading fails with [`Fault::FileChanged`].
    pub fn resume(currency: Currency, position: Position) -> Self {
        Self { resumed: (position.rows > 0).then_some(position), ..Self::new(currency) }
    }

    /// Takes the next chunk of the file and holds it until it is read: call it only when a step needs more.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.sheet.feed(bytes);
    }

    /// Marks the end of the file.
    pub fn end(&mut self) {
        self.sheet.end();
    }

    /// The parts of a product for which the file has columns; known after the header was read.
    pub fn columns(&self) -> Option<Columns> {
        self.sheet.header().map(Header::columns)
    }

    /// Rows read so far, including those of the product that is being assembled.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// An estimate of the bytes held in memory.
    pub fn held(&self) -> usize {
        // Each slot of the hash table takes eight bytes and one control byte, and the table is at most 7/8 full.
        self.sheet.held() + self.current.as_ref().map_or(0, Assembly::held) + self.seen.capacity() * 11
    }

    /// Reads on to the end of the next product.
    ///
    /// # Errors
    /// When the rest of the file cannot be read. Faults of single rows are in their [`Entry`].
    pub fn step(&mut self) -> Result<Step, FileError> {
        loop {
            match self.sheet.next_row()? {
                Scanned::NeedsMore => return Ok(Step::NeedsMore),
                Scanned::End => {
                    if self.resumed.take().is_some_and(|until| self.rows < until.rows) {
                        return Err(self.refusal(Fault::FileChanged));
                    }
                    let next = Position { rows: self.rows, ..self.here() };
                    let Some(last) = self.current.take() else { return Ok(Step::End) };
                    let key = self.current_key;
                    return Ok(self.sheet.header().map_or(Step::End, |header| product(last, key, next, header)));
                }
                Scanned::Record => {}
            }
            if self.rows >= MAX_ROWS {
                return Err(self.refusal(Fault::TooManyRows));
            }
            let before = Position { rows: self.rows, ..self.here() };
            let Some(header) = self.sheet.header() else { return Ok(Step::End) };
            let row = Row { records: self.sheet.records(), header, currency: self.currency };
            let key = row.handle();
            self.rows += 1;
            if let Some(until) = self.resumed {
                if before.rows < until.rows {
                    self.seen.insert(hash(&key));
                    continue;
                }
                self.resumed = None;
                if before != until {
                    return Err(self.refusal(Fault::FileChanged));
                }
            }
            match &mut self.current {
                Some(current) if current.continues_with(&key) => current.add(row),
                _ => {
                    let repeated = !key.is_empty() && !self.seen.insert(hash(&key));
                    let finished_key = std::mem::replace(&mut self.current_key, row_key(&key, before.offset));
                    let begun = Assembly::begin(row, key, repeated);
                    if let Some(finished) = self.current.replace(begun) {
                        return Ok(product(finished, finished_key, before, header));
                    }
                }
            }
        }
    }

    fn here(&self) -> Position {
        let records = self.sheet.records();
        Position { rows: self.rows, line: records.line(), offset: records.offset() }
    }

    fn refusal(&self, fault: Fault) -> FileError {
        FileError(RowError::new(self.sheet.records().line(), "", fault))
    }
}

fn product(finished: Assembly, key: u64, next: Position, header: &Header) -> Step {
    let Assembled { handle, line, rows, product, warnings, continues } = finished.finish(header);
    Step::Product(Box::new(Entry { handle, line, rows, product, warnings, continues, key, next }))
}

/// The [`key`](Entry::key) of a row: rows without a handle belong to nothing but themselves. It is stored, so it must
/// be the same in every release: FNV-1a of 64 bits (<https://datatracker.ietf.org/doc/draft-eastlake-fnv/>).
pub(super) fn row_key(handle: &[u8], offset: u64) -> u64 {
    let place = if handle.is_empty() { offset.to_be_bytes() } else { [0; 8] };
    let bytes = handle.iter().chain(&place);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Why a file could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the product file could not be read")]
    Io(#[from] io::Error),
    /// The content is not a product file.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The products of a file from a blocking [`Read`].
#[derive(Debug)]
pub struct Products<R> {
    source: R,
    reader: ProductReader,
    chunk: Vec<u8>,
    done: bool,
}

impl<R: Read> Products<R> {
    pub fn new(source: R, reader: ProductReader) -> Self {
        Self { source, reader, chunk: vec![0; CHUNK], done: false }
    }

    /// The parts of a product for which the file has columns; known after the header was read.
    pub fn columns(&self) -> Option<Columns> {
        self.reader.columns()
    }

    /// An estimate of the bytes held in memory.
    pub fn held(&self) -> usize {
        self.reader.held() + self.chunk.capacity()
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        loop {
            match self.reader.step()? {
                Step::Product(entry) => return Ok(Some(*entry)),
                Step::End => return Ok(None),
                Step::NeedsMore => match self.source.read(&mut self.chunk) {
                    Ok(0) => self.reader.end(),
                    Ok(bytes) => self.reader.feed(self.chunk.get(..bytes).unwrap_or_default()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                },
            }
        }
    }
}

impl<R: Read> Iterator for Products<R> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let read = self.next_entry();
        self.done = !matches!(read, Ok(Some(_)));
        read.transpose()
    }
}

/// Counts the rows of a file that is fed to it in chunks, so that an import can show its progress.
#[derive(Debug, Default)]
pub struct RowCounter {
    sheet: Sheet,
    rows: u64,
    /// Hashes of the handles seen, and that of the last row.
    seen: HashSet<u64>,
    last: Option<u64>,
    is_apart: bool,
}

/// What was counted in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowCount {
    /// Rows without the header and blank ones.
    pub rows: u64,
    /// Whether the rows of some product do not stand together.
    pub is_apart: bool,
}

impl RowCounter {
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
        Ok(RowCount { rows: self.rows, is_apart: self.is_apart })
    }

    fn count(&mut self) -> Result<(), FileError> {
        while self.sheet.next_row()? == Scanned::Record {
            if self.rows >= MAX_ROWS {
                return Err(FileError(RowError::new(self.sheet.records().line(), "", Fault::TooManyRows)));
            }
            self.rows += 1;
            let Some(header) = self.sheet.header() else { continue };
            // The currency matters to prices only.
            let key = Row { records: self.sheet.records(), header, currency: Currency::USD }.handle();
            if key.is_empty() {
                self.last = None;
                continue;
            }
            let key = hash(&key);
            if self.last != Some(key) {
                self.is_apart |= !self.seen.insert(key);
                self.last = Some(key);
            }
        }
        Ok(())
    }
}
