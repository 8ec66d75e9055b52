//! Reads the products of a file, one at a time.

use std::collections::HashSet;
use std::io::{self, Read};

use domain::{Currency, Timestamp};

use super::assembly::{Assembled, Assembly};
use super::columns::Columns;
use super::faults::{Fault, FileError, RowError};
use super::group::Group;
use super::header::Header;
use super::layout::{Layout, Mapping};
use super::passes::{Next, Passes, Position, hash, row_key};
use super::product::ProductDraft;
use super::records::Scanned;
use super::row::Row;
use super::sheet::Sheet;
use super::woocommerce;

/// The most rows of a file, without the header. Bounds the memory for the handles that were seen.
pub const MAX_ROWS: u64 = 1_000_000;
/// Bytes that [`Products`] reads at a time.
const CHUNK: usize = 64 * 1024;

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
    /// The file must be fed from its start again, for other products of it.
    Again,
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
    /// For what holds between two dates.
    now: Option<Timestamp>,
    current: Option<Pending>,
    /// The [`key`](Entry::key) of that product.
    current_key: u64,
    /// Hashes of the handles seen: a million of them fit into memory, their texts would not.
    seen: HashSet<u64>,
    rows: u64,
    resumed: Option<Position>,
    passes: Option<Passes>,
}

/// A product whose rows are still being read.
#[derive(Debug)]
enum Pending {
    Assembly(Box<Assembly>),
    /// Its rows are read when all of them are there.
    Group(Group),
}

impl Pending {
    fn begin(layout: &Layout, row: Row<'_>, offset: u64, key: Vec<u8>, continues: bool) -> Self {
        match layout {
            Layout::Rows { .. } => Self::Assembly(Box::new(Assembly::begin(row, key, continues))),
            Layout::WooCommerce(_) => Self::Group(Group::new(row.record, offset, key, continues)),
        }
    }

    fn continues_with(&self, key: &[u8]) -> bool {
        match self {
            Self::Assembly(assembly) => assembly.continues_with(key),
            Self::Group(group) => !key.is_empty() && group.key == key,
        }
    }

    fn add(&mut self, row: Row<'_>) {
        match self {
            Self::Assembly(assembly) => assembly.add(row),
            Self::Group(group) => group.add(row.record),
        }
    }

    fn held(&self) -> usize {
        match self {
            Self::Assembly(assembly) => assembly.held(),
            Self::Group(group) => group.held(),
        }
    }
}

impl ProductReader {
    /// A reader of a file whose prices are in this currency.
    pub fn new(currency: Currency) -> Self {
        Self {
            sheet: Sheet::default(),
            currency,
            now: None,
            current: None,
            current_key: 0,
            seen: HashSet::new(),
            rows: 0,
            resumed: None,
            passes: None,
        }
    }

    /// What its columns mean, if its header is of no system that is known.
    #[must_use]
    pub fn mapped(self, mapping: Option<Mapping>) -> Self {
        Self { sheet: Sheet::mapped(mapping), ..self }
    }

    /// Takes prices as they are at this time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Self { now: Some(now), ..self }
    }

    /// Reads the whole file so many times, each time for some of its products, as [`RowCount::passes`] says; from a
    /// position on. Zero is for a file that is read once.
    #[must_use]
    pub fn in_passes(self, count: u32, position: Position) -> Self {
        if count == 0 {
            return self;
        }
        Self { passes: Some(Passes::new(count, position)), resumed: None, ..self }
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
        self.header().map(Header::columns)
    }

    /// The names of the columns that are not read, only kept; known after the header was read.
    pub fn kept_columns(&self) -> Vec<String> {
        let columns = self.header().map(Header::extras).unwrap_or_default();
        columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The header as the file spells it for a column that an export calls so.
    pub fn spelling(&self, header: &str) -> Option<&str> {
        self.header()?.spelling_of(header)
    }

    fn header(&self) -> Option<&Header> {
        self.sheet.layout().map(Layout::header)
    }

    /// Rows read so far, including those of the product that is being assembled.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// An estimate of the bytes held in memory.
    pub fn held(&self) -> usize {
        // Each slot of the hash table takes eight bytes and one control byte, and the table is at most 7/8 full.
        let passes = self.passes.as_ref().map_or(0, Passes::held);
        self.sheet.held() + self.current.as_ref().map_or(0, Pending::held) + self.seen.capacity() * 11 + passes
    }

    /// Reads on to the end of the next product.
    ///
    /// # Errors
    /// When the rest of the file cannot be read. Faults of single rows are in their [`Entry`].
    pub fn step(&mut self) -> Result<Step, FileError> {
        if self.passes.is_some() {
            return self.step_of_pass();
        }
        loop {
            match self.sheet.next_row()? {
                Scanned::NeedsMore => return Ok(Step::NeedsMore),
                Scanned::End => {
                    if self.resumed.take().is_some_and(|until| self.rows < until.rows) {
                        return Err(self.refusal(Fault::FileChanged));
                    }
                    let next = Position { rows: self.rows, ..self.here() };
                    let Some(last) = self.current.take() else { return Ok(Step::End) };
                    return Ok(self.product(last, self.current_key, next));
                }
                Scanned::Record => {}
            }
            if self.rows >= MAX_ROWS {
                return Err(too_many_rows(self.sheet.record().line()));
            }
            let before = Position { rows: self.rows, ..self.here() };
            let Some(layout) = self.sheet.layout() else { return Ok(Step::End) };
            let record = self.sheet.record();
            let decimal_comma = self.sheet.records().separator() != b',';
            let row = Row { record, header: layout.header(), currency: self.currency, decimal_comma };
            let key = layout.key_of(record);
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
                    let begun = Pending::begin(layout, row, before.offset, key, repeated);
                    if let Some(finished) = self.current.replace(begun) {
                        return Ok(self.product(finished, finished_key, before));
                    }
                }
            }
        }
    }

    /// Gathers the products of a pass, then gives one after the other.
    fn step_of_pass(&mut self) -> Result<Step, FileError> {
        loop {
            let Some(passes) = &mut self.passes else { return Ok(Step::End) };
            match passes.next() {
                Next::Row => {}
                Next::Product(group, next) => {
                    let key = row_key(&group.key, group.offset);
                    return Ok(self.product(Pending::Group(group), key, next));
                }
                Next::Pass => {
                    (self.rows, self.sheet) = (0, self.sheet.again());
                    return Ok(Step::Again);
                }
                Next::End => return Ok(Step::End),
            }
            match self.sheet.next_row()? {
                Scanned::NeedsMore => return Ok(Step::NeedsMore),
                Scanned::End => passes.begin_giving(),
                Scanned::Record => {
                    if self.rows >= MAX_ROWS {
                        return Err(too_many_rows(self.sheet.record().line()));
                    }
                    self.rows += 1;
                    let record = self.sheet.record();
                    let key = self.sheet.layout().map(|layout| layout.key_of(record)).unwrap_or_default();
                    passes.add(record, self.sheet.records().offset(), key).map_err(|fault| self.refusal(fault))?;
                }
            }
        }
    }

    /// The product of the rows that were read.
    fn product(&self, finished: Pending, key: u64, next: Position) -> Step {
        let Some(layout) = self.sheet.layout() else { return Step::End };
        let assembled = match (finished, layout) {
            (Pending::Group(group), Layout::WooCommerce(file)) => {
                woocommerce::assemble(file, group, self.currency, self.now)
            }
            (Pending::Assembly(assembly), layout) => assembly.finish(layout.header()),
            // What was begun is of the layout.
            (Pending::Group(_), Layout::Rows { .. }) => return Step::End,
        };
        let Assembled { handle, line, rows, product, warnings, continues } = assembled;
        Step::Product(Box::new(Entry { handle, line, rows, product, warnings, continues, key, next }))
    }

    fn here(&self) -> Position {
        let (line, offset) = (self.sheet.record().line(), self.sheet.records().offset());
        Position { rows: self.rows, line, offset, ..Position::default() }
    }

    fn refusal(&self, fault: Fault) -> FileError {
        FileError(RowError::new(self.sheet.record().line(), "", fault))
    }
}

/// The fault of a file that has a row in this line and may have no further one.
pub(super) fn too_many_rows(line: u64) -> FileError {
    FileError(RowError { value: MAX_ROWS.to_string(), ..RowError::new(line, "", Fault::TooManyRows) })
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
                Step::End | Step::Again => return Ok(None),
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
