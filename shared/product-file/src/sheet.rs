//! Reads the rows of a file: skips a byte order mark, detects the separator and reads the header.

use super::faults::{Fault, FileError, RowError};
use super::header::HEADER_LIMIT;
use super::layout::{Layout, Mapping};
use super::record::Record;
use super::records::{Records, Scanned};

/// What is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The start of the file, where a byte order mark may stand.
    ByteOrderMark,
    /// The first line: the header, from which the separator is guessed, or a spreadsheet's declaration such as `sep=;`.
    Separator,
    HeaderRow,
    Rows,
}

/// A file that is fed in chunks and read row by row.
#[derive(Debug)]
pub(super) struct Sheet {
    records: Records,
    stage: Stage,
    layout: Option<Layout>,
    /// For a file whose system is not recognised.
    mapping: Option<Mapping>,
    /// The header as the file has it.
    header_line: Vec<u8>,
}

/// The first line of a text.
enum FirstLine {
    /// Its length and that of its line break in bytes, and the separator that it has most often.
    Whole { bytes: usize, line_break: usize, separator: u8 },
    /// The line break has not been fed yet.
    Unfinished,
}

impl Default for Sheet {
    fn default() -> Self {
        Self {
            records: Records::default(),
            stage: Stage::ByteOrderMark,
            layout: None,
            mapping: None,
            header_line: Vec::new(),
        }
    }
}

impl Sheet {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.records.feed(bytes);
    }

    /// Marks the end of the file.
    pub(super) fn end(&mut self) {
        self.records.end();
    }

    /// A sheet whose columns mean this, when its header is of no system that is known.
    pub(super) fn mapped(mapping: Option<Mapping>) -> Self {
        Self { mapping, ..Self::default() }
    }

    /// The same sheet before anything of it was read.
    pub(super) fn again(&self) -> Self {
        Self::mapped(self.mapping.clone())
    }

    /// The row that was read last.
    pub(super) fn record(&self) -> &Record {
        self.records.record()
    }

    pub(super) fn records(&self) -> &Records {
        &self.records
    }

    /// The layout, once the header has been read.
    pub(super) fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }

    /// The header as the file has it, once it has been read.
    pub(super) fn header_line(&self) -> &[u8] {
        &self.header_line
    }

    /// An estimate of the bytes held in memory.
    pub(super) fn held(&self) -> usize {
        self.header_line.capacity() + self.records.held() + self.layout.as_ref().map_or(0, Layout::held)
    }

    /// Reads on to the next row that is not blank.
    pub(super) fn next_row(&mut self) -> Result<Scanned, FileError> {
        loop {
            let going_on = match self.stage {
                Stage::ByteOrderMark => self.skip_byte_order_mark()?,
                Stage::Separator => self.find_separator()?,
                Stage::HeaderRow => match self.records.next_record() {
                    Scanned::Record => {
                        self.layout = Some(Layout::read(self.records.record(), self.mapping.as_ref())?);
                        self.header_line = self.records.raw().unwrap_or_default().to_vec();
                        self.stage = Stage::Rows;
                        true
                    }
                    Scanned::NeedsMore => false,
                    Scanned::End => return Err(self.refusal(Fault::EmptyFile)),
                },
                Stage::Rows => match self.records.next_record() {
                    Scanned::Record if self.records.record().is_blank() => true,
                    scanned => return Ok(scanned),
                },
            };
            if !going_on {
                return Ok(Scanned::NeedsMore);
            }
        }
    }

    fn refusal(&self, fault: Fault) -> FileError {
        FileError(RowError::new(self.record().line(), "", fault))
    }

    fn skip_byte_order_mark(&mut self) -> Result<bool, FileError> {
        let unread = self.records.unread();
        if unread.len() < 3 && !self.records.ended() {
            return Ok(false);
        }
        if unread.starts_with(&[0xff, 0xfe]) || unread.starts_with(&[0xfe, 0xff]) {
            return Err(self.refusal(Fault::BadEncoding));
        }
        if unread.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.records.skip(3, false);
        }
        self.stage = Stage::Separator;
        Ok(true)
    }

    fn find_separator(&mut self) -> Result<bool, FileError> {
        let unread = self.records.unread();
        let ended = self.records.ended();
        let (bytes, line_break, separator) = match first_line(unread, ended) {
            FirstLine::Whole { bytes, .. } if bytes > HEADER_LIMIT => return Err(self.refusal(Fault::BadHeader)),
            FirstLine::Unfinished if unread.len() > HEADER_LIMIT => return Err(self.refusal(Fault::BadHeader)),
            FirstLine::Whole { bytes, line_break, separator } => (bytes, line_break, separator),
            FirstLine::Unfinished => return Ok(false),
        };
        let line = unread.get(..bytes).unwrap_or_default().trim_ascii();
        let declared = match line {
            [s, e, p, b'=', declared @ (b',' | b';' | b'\t')] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => {
                Some(*declared)
            }
            _ => None,
        };
        // `trim_ascii` removed the tab of `sep=<tab>`.
        let declared = declared.or_else(|| line.eq_ignore_ascii_case(b"sep=").then_some(b'\t'));
        if let Some(declared) = declared {
            self.records.set_separator(declared);
            self.records.skip(bytes + line_break, line_break > 0);
            self.stage = Stage::HeaderRow;
        } else if line.is_empty() && line_break > 0 {
            self.records.skip(bytes + line_break, true);
        } else {
            self.records.set_separator(separator);
            self.stage = Stage::HeaderRow;
        }
        Ok(true)
    }
}

/// The separator that a file with this first line is taken to have.
pub(super) fn separator_of(first: &[u8]) -> u8 {
    match first_line(first, true) {
        FirstLine::Whole { separator, .. } => separator,
        FirstLine::Unfinished => b',',
    }
}

/// Finds the end of the first line and the separator that it has most often, outside of quotes.
fn first_line(text: &[u8], ended: bool) -> FirstLine {
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let separator_of = |counts: &[(u8, usize); 3]| {
        // `max_by_key` answers the last maximum; reversed, ties go to the first: a comma when there is no separator.
        counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
    };
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => {
                return FirstLine::Whole { bytes: index, line_break: 1, separator: separator_of(&counts) };
            }
            b'\r' if !quoted => match text.get(index + 1) {
                Some(b'\n') => {
                    return FirstLine::Whole { bytes: index, line_break: 2, separator: separator_of(&counts) };
                }
                None if !ended => return FirstLine::Unfinished,
                _ => return FirstLine::Whole { bytes: index, line_break: 1, separator: separator_of(&counts) },
            },
            _ if !quoted => {
                if let Some((_, count)) = counts.iter_mut().find(|(separator, _)| separator == byte) {
                    *count += 1;
                }
            }
            _ => {}
        }
    }
    if ended {
        FirstLine::Whole { bytes: text.len(), line_break: 0, separator: separator_of(&counts) }
    } else {
        FirstLine::Unfinished
    }
}
