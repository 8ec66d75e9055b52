//! Splits bytes into records: RFC 4180 with the deviations found in vendors' files.
//!
//! Written by hand because product files are untrusted input: cells and records must be bounded, a quote that is never
//! closed must cost one row and not the rest of the file, and every error must name a line.

use super::faults::Fault;
use super::record::{MalformedRecord, Record};

/// The most bytes of a cell.
pub(super) const CELL_LIMIT: usize = 256 * 1024;
/// The most bytes of a record. A quote that is still open then is treated as a stray one.
pub(super) const RECORD_LIMIT: usize = 1024 * 1024;
/// The most cells of a record.
pub(super) const CELLS_LIMIT: usize = 2_000;
/// The most bytes of a file that are read a second time after stray quotes: bounds the work for a file full of quotes.
const REREAD_LIMIT: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scanned {
    /// A record is ready to be read with [`Records::cell`].
    Record,
    /// More bytes are needed: feed them, or mark the end of the file.
    NeedsMore,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte of a cell.
    Start,
    /// In a cell without quotes.
    Plain,
    /// In a cell within quotes.
    Quoted,
    /// After a quote within quotes: the end of the cell, or half of a doubled quote.
    Closing,
    /// After the end of a quoted cell, where only spaces may stand.
    Closed,
    /// In the rest of the line of a malformed record.
    Skipping,
}

/// The opening quote of a cell.
#[derive(Clone, Copy, Debug)]
struct Quote {
    line: u64,
    /// The index in the buffer after the first line break within the quotes: where reading goes on if the quote turns
    /// out to be a stray one.
    next_line: Option<usize>,
}

/// Splits the bytes that it is fed into records. Holds no more than one record and the last chunk.
#[derive(Debug)]
pub(super) struct Records {
    separator: u8,
    buffer: Vec<u8>,
    cursor: usize,
    /// The index in the buffer at which the current record starts.
    start: usize,
    /// The offset in the file of the buffer's first byte.
    base: u64,
    ended: bool,
    /// The line the cursor is in, counted from one.
    cursor_line: u64,
    state: State,
    quote: Quote,
    reread: usize,
    record: Record,
    offset: u64,
    in_record: bool,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            separator: b',',
            buffer: Vec::new(),
            cursor: 0,
            start: 0,
            base: 0,
            ended: false,
            cursor_line: 1,
            state: State::Start,
            quote: Quote { line: 1, next_line: None },
            reread: 0,
            record: Record::default(),
            offset: 0,
            in_record: false,
        }
    }
}

impl Records {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        // Bytes that were read are dropped here and not after each record: the rest of the buffer is moved once per
        // chunk instead of once per row.
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.base = self.base.saturating_add(u64::try_from(self.start).unwrap_or(u64::MAX));
            self.cursor = self.cursor.saturating_sub(self.start);
            self.quote.next_line = self.quote.next_line.map(|at| at.saturating_sub(self.start));
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Marks the end of the file.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether [`Records::end`] was called.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// The bytes that were fed and not yet read.
    pub(super) fn unread(&self) -> &[u8] {
        self.buffer.get(self.cursor..).unwrap_or_default()
    }

    /// Skips bytes between records, such as a byte order mark; with `line_break` they end a line.
    pub(super) fn skip(&mut self, bytes: usize, line_break: bool) {
        self.cursor = self.cursor.saturating_add(bytes).min(self.buffer.len());
        self.start = self.cursor;
        self.cursor_line += u64::from(line_break);
    }

    pub(super) fn set_separator(&mut self, separator: u8) {
        self.separator = separator;
    }

    pub(super) fn separator(&self) -> u8 {
        self.separator
    }

    /// An estimate of the bytes held in memory.
    pub(super) fn held(&self) -> usize {
        self.buffer.capacity() + self.record.held()
    }

    /// The record that was read last.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// The offset in the file at which the record starts, in bytes.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The offset in the file up to which it has been read, in bytes.
    fn reached(&self) -> u64 {
        self.base.saturating_add(u64::try_from(self.cursor).unwrap_or(u64::MAX))
    }

    /// The record as the file has it, with its line break; nothing when it is longer than [`RECORD_LIMIT`], because its
    /// beginning is not held any more. Valid until more is fed.
    pub(super) fn raw(&self) -> Option<&[u8]> {
        let begins = self.base.saturating_add(u64::try_from(self.start).unwrap_or(u64::MAX));
        if begins == self.offset { self.buffer.get(self.start..self.cursor) } else { None }
    }

    /// Reads on to the end of the next record. Blank lines are skipped.
    pub(super) fn next_record(&mut self) -> Scanned {
        loop {
            if !self.in_record {
                self.open_record();
            }
            match self.scan_record() {
                Scanned::Record
                    if self.record.malformed.is_none()
                        && self.record.ends.len() == 1
                        && self.record.text.is_empty() => {}
                scanned => return scanned,
            }
        }
    }

    fn open_record(&mut self) {
        self.in_record = true;
        self.start = self.cursor;
        self.state = State::Start;
        self.record.line = self.cursor_line;
        self.offset = self.reached();
        self.record.malformed = None;
        self.record.text.clear();
        self.record.ends.clear();
    }

    fn scan_record(&mut self) -> Scanned {
        while let Some(byte) = self.buffer.get(self.cursor).copied() {
            if self.cursor - self.start >= RECORD_LIMIT {
                if self.give_up_record() {
                    return self.close_record();
                }
                continue;
            }
            match self.state {
                State::Quoted => self.within_quotes(byte),
                State::Closing if byte == b'"' => {
                    self.push(byte);
                    self.state = State::Quoted;
                }
                _ if byte == b'\n' || byte == b'\r' => match self.line_break(byte) {
                    Some(bytes) => {
                        self.cursor += bytes;
                        self.cursor_line += 1;
                        self.close_cell();
                        return self.close_record();
                    }
                    None => return Scanned::NeedsMore,
                },
                State::Skipping => {}
                _ if byte == self.separator => self.close_cell(),
                State::Start if byte == b'"' => {
                    self.state = State::Quoted;
                    self.quote = Quote { line: self.cursor_line, next_line: None };
                }
                State::Start | State::Plain => {
                    self.push(byte);
                    self.state = State::Plain;
                }
                State::Closing | State::Closed if byte == b' ' => self.state = State::Closed,
                State::Closing | State::Closed => {
                    if self.give_up_quote() {
                        return self.close_record();
                    }
                }
            }
            self.cursor += 1;
        }
        if !self.ended {
            return Scanned::NeedsMore;
        }
        match self.state {
            State::Start if self.record.ends.is_empty() => return Scanned::End,
            State::Quoted => {
                if !self.give_up_quote() {
                    self.close_cell();
                }
            }
            _ => self.close_cell(),
        }
        self.close_record()
    }

    fn close_record(&mut self) -> Scanned {
        self.in_record = false;
        Scanned::Record
    }

    fn within_quotes(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.state = State::Closing;
                return;
            }
            b'\r' => {
                self.cursor_line += 1;
                self.quote.next_line = self.quote.next_line.or(Some(self.cursor + 1));
            }
            b'\n' => {
                let after_return =
                    self.cursor.checked_sub(1).and_then(|before| self.buffer.get(before)) == Some(&b'\r');
                if !after_return {
                    self.cursor_line += 1;
                }
                if self.quote.next_line.is_none() || (after_return && self.quote.next_line == Some(self.cursor)) {
                    self.quote.next_line = Some(self.cursor + 1);
                }
            }
            _ => {}
        }
        self.push(byte);
    }

    /// The length in bytes of the line break at the cursor; nothing when it depends on the next chunk.
    fn line_break(&self, byte: u8) -> Option<usize> {
        match self.buffer.get(self.cursor + 1) {
            _ if byte == b'\n' => Some(1),
            Some(b'\n') => Some(2),
            Some(_) => Some(1),
            None => self.ended.then_some(1),
        }
    }

    fn push(&mut self, byte: u8) {
        if self.record.text.len() - self.record.end() < CELL_LIMIT {
            self.record.text.push(byte);
        } else {
            self.mark_malformed(Fault::FieldTooLong);
        }
    }

    fn mark_malformed(&mut self, fault: Fault) {
        self.record.malformed = self.record.malformed.or(Some(MalformedRecord { fault, cell: self.record.ends.len() }));
    }

    fn close_cell(&mut self) {
        if self.state == State::Skipping {
            return;
        }
        if self.record.ends.len() < CELLS_LIMIT {
            self.record.end_cell();
        } else {
            self.mark_malformed(Fault::RowTooWide);
        }
        self.state = State::Start;
    }

    /// Ends a record whose quotes are unbalanced with the line in which its last quote was opened. Answers whether the
    /// record is complete; if not, the rest of the line is skipped.
    fn give_up_quote(&mut self) -> bool {
        // Replaces an earlier fault, which the open quote has caused.
        self.record.malformed = Some(MalformedRecord { fault: Fault::UnbalancedQuotes, cell: self.record.ends.len() });
        self.state = State::Skipping;
        let Some(next_line) = self.quote.next_line else { return false };
        let again = self.cursor.saturating_sub(next_line);
        if self.reread.saturating_add(again) > REREAD_LIMIT {
            return false;
        }
        self.reread += again;
        self.cursor = next_line;
        self.cursor_line = self.quote.line + 1;
        true
    }

    /// Ends a record that is longer than [`RECORD_LIMIT`], or goes on skipping its line. Answers like
    /// [`Records::give_up_quote`].
    fn give_up_record(&mut self) -> bool {
        let complete = match self.state {
            State::Quoted | State::Closing => self.give_up_quote(),
            State::Skipping => false,
            _ => {
                self.mark_malformed(Fault::RowTooLong);
                self.state = State::Skipping;
                false
            }
        };
        if !complete {
            // Skipped bytes are released with the next chunk.
            self.start = self.cursor;
        }
        complete
    }
}
