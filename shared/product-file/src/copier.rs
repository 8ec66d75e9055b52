//! Copies some rows of a file as they are, each with a reason: to be mended and sent again.

use super::columns::REASON;
use super::faults::FileError;
use super::layout::Mapping;
use super::passes::row_key;
use super::record::Record;
use super::records::Scanned;
use super::sheet::{Sheet, separator_of};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// The most bytes of a reason.
const REASON_LIMIT: usize = 1_000;

/// What was read of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// A row, which was copied or left out.
    Row,
    /// More of the file is needed: [`RowCopier::feed`] it or [`RowCopier::end`] it.
    NeedsMore,
    /// The file has been read to its end.
    End,
}

/// Copies rows of a file that is fed to it in chunks. It holds one row and the last chunk.
///
/// The copy is in UTF-8, with a byte order mark by which spreadsheets know that it is. It has the file's own header and
/// the rows as they are, blank ones left out, behind a first column with the reasons. Each reason begins with a quote
/// and one of `a` to `z`: when the row before it has an open quote, reading ends that row there, so that a malformed
/// row spoils no other one.
#[derive(Debug)]
pub struct RowCopier {
    sheet: Sheet,
    rows: u64,
    /// Rows that were copied before.
    skipped: u64,
}

impl RowCopier {
    /// A copier that goes on behind this many rows, which it has to be fed again. The copy begins with its header when
    /// it goes on behind none.
    pub fn resume(rows: u64) -> Self {
        Self { sheet: Sheet::default(), rows: 0, skipped: rows }
    }

    /// What the columns of the file mean, if its header is of no system that is known.
    #[must_use]
    pub fn mapped(self, mapping: Option<Mapping>) -> Self {
        Self { sheet: Sheet::mapped(mapping), ..self }
    }

    /// Takes the next chunk of the file and holds it until it is read: call it only when more is needed.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.sheet.feed(bytes);
    }

    /// Marks the end of the file.
    pub fn end(&mut self) {
        self.sheet.end();
    }

    /// Rows read so far, without the header and blank ones.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Reads the next row, and adds it to the copy if there is a reason for it. A reason is asked for by the row's
    /// [`key`](super::Entry::key) and line, and begins with `a` to `z`.
    ///
    /// # Errors
    /// The rest of the file cannot be read.
    pub fn copy_row(
        &mut self,
        reason: impl FnOnce(u64, u64) -> Option<String>,
        copy: &mut Vec<u8>,
    ) -> Result<Copied, FileError> {
        match self.sheet.next_row()? {
            Scanned::NeedsMore => return Ok(Copied::NeedsMore),
            Scanned::End => return Ok(Copied::End),
            Scanned::Record => {}
        }
        let Some(layout) = self.sheet.layout() else { return Ok(Copied::End) };
        let record = self.sheet.record();
        let records = self.sheet.records();
        let is_first = self.rows == 0;
        self.rows += 1;
        if self.rows <= self.skipped {
            return Ok(Copied::Row);
        }
        let separator = records.separator();
        let had_reasons = layout.begins_with_reason();
        if is_first {
            let line = self.sheet.header_line();
            let line = if had_reasons { without_first_cell(line, separator) } else { line };
            let mut first = Vec::new();
            add_line(&mut first, REASON, separator, line);
            copy.extend_from_slice(BYTE_ORDER_MARK);
            if separator_of(&first) != separator {
                copy.extend_from_slice(&[b's', b'e', b'p', b'=', separator, b'\n']);
            }
            copy.append(&mut first);
        }
        let key = layout.key_of(record);
        if let Some(reason) = reason(row_key(&key, records.offset()), record.line()) {
            match records.raw() {
                Some(raw) if had_reasons => add_line(copy, &reason, separator, without_first_cell(raw, separator)),
                Some(raw) => add_line(copy, &reason, separator, raw),
                None => add_line(copy, &reason, separator, &beginning(record, separator, usize::from(had_reasons))),
            }
        }
        Ok(Copied::Row)
    }
}

/// Adds a line of the file behind a cell of its own. What is not UTF-8 becomes U+FFFD.
fn add_line(copy: &mut Vec<u8>, cell: &str, separator: u8, line: &[u8]) {
    copy.push(b'"');
    let shown = cell.chars().map(|character| if character.is_control() { ' ' } else { character });
    let mut room = REASON_LIMIT;
    for character in shown {
        room = match room.checked_sub(character.len_utf8()) {
            Some(left) => left,
            None => break,
        };
        if character == '"' {
            copy.push(b'"');
        }
        copy.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    copy.extend_from_slice(&[b'"', separator]);
    copy.extend_from_slice(String::from_utf8_lossy(line).as_bytes());
    if !line.ends_with(b"\n") && !line.ends_with(b"\r") {
        copy.push(b'\n');
    }
}

/// The line behind its first cell and the separator; the whole line when the cell has no end.
fn without_first_cell(line: &[u8], separator: u8) -> &[u8] {
    let mut quoted = false;
    for (index, byte) in line.iter().enumerate() {
        match byte {
            // A doubled quote ends the cell and opens it again.
            b'"' => quoted = !quoted,
            byte if *byte == separator && !quoted => return line.get(index + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    line
}

/// The cells that are known of a row that is too long to be held.
fn beginning(record: &Record, separator: u8, from: usize) -> Vec<u8> {
    let mut cells = Vec::new();
    let known = record.malformed().map_or(record.len(), |malformed| malformed.cell);
    for index in from..known {
        if index > from {
            cells.push(separator);
        }
        cells.push(b'"');
        for byte in record.cell(index) {
            if *byte == b'"' {
                cells.push(b'"');
            }
            cells.push(*byte);
        }
        cells.push(b'"');
    }
    cells
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;
    use crate::{Entry, ProductReader, Products};

    /// The copy of the rows of all products that are refused, read in chunks of a size.
    fn copy(file: &[u8], skipped: u64, chunk: usize) -> (Vec<u8>, Vec<Entry>) {
        let entries: Vec<Entry> =
            Products::new(file, ProductReader::new(Currency::USD)).map(|entry| entry.unwrap()).collect();
        let refused: Vec<u64> = entries.iter().filter(|entry| entry.product.is_err()).map(|entry| entry.key).collect();
        let mut copier = RowCopier::resume(skipped);
        let (mut chunks, mut copied) = (file.chunks(chunk), Vec::new());
        loop {
            let reason = |key, line| refused.contains(&key).then(|| format!("line {line}: \"bad\"\nrow"));
            match copier.copy_row(reason, &mut copied).unwrap() {
                Copied::Row => {}
                Copied::NeedsMore => match chunks.next() {
                    Some(bytes) => copier.feed(bytes),
                    None => copier.end(),
                },
                Copied::End => return (copied, entries),
            }
        }
    }

    fn text(file: &str) -> String {
        let whole = copy(file.as_bytes(), 0, 1_000_000).0;
        for chunk in [1, 7] {
            assert_eq!(copy(file.as_bytes(), 0, chunk).0, whole, "in chunks of {chunk}");
        }
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn all_rows_of_refused_products_are_copied_as_they_are_wherever_they_stand() {
        let file = "Handle;Title;Option1 Name;Option1 Value;Variant Price\r\na;\"A \"\"1\"\"\";Size;S;1,00\r\nb;B;;;2\r\n\
                    ;;;;\r\nc;\"C\nc\";;;x\r\na;;;L;dear\r\n;nobody;;;1\r\n;nobody;;;1";
        assert_eq!(
            text(file),
            "\u{feff}\"Refused because\";Handle;Title;Option1 Name;Option1 Value;Variant Price\r\n\
             \"line 2: \"\"bad\"\" row\";a;\"A \"\"1\"\"\";Size;S;1,00\r\n\
             \"line 5: \"\"bad\"\" row\";c;\"C\nc\";;;x\r\n\
             \"line 7: \"\"bad\"\" row\";a;;;L;dear\r\n\
             \"line 8: \"\"bad\"\" row\";;nobody;;;1\r\n\
             \"line 9: \"\"bad\"\" row\";;nobody;;;1\n"
        );
    }

    #[test]
    fn a_copy_of_a_copy_has_one_column_of_reasons_and_the_same_rows() {
        let file = "sep=;\nHandle;a,b,c,d,e;Title;Variant Price\na;;A;x\nb;;\"B;x\nc;;C;x\nd;;D;4\n";
        let first = text(file);
        assert!(first.starts_with("\u{feff}sep=;\n\"Refused because\";Handle;a,b,c,d,e;"), "{first}");
        let rows = |text: &str| -> Vec<String> {
            text.lines().skip(2).map(|line| line.split_once("\";").unwrap().1.to_owned()).collect()
        };
        let second = text(&first);
        assert_eq!(second.matches("Refused because").count(), 1);
        assert_eq!(
            (rows(&first), rows(&second)),
            (vec!["a;;A;x".into(), "b;;\"B;x".into(), "c;;C;x".into()], rows(&first))
        );
    }

    #[test]
    fn a_malformed_row_spoils_no_other_row_of_the_copy() {
        let file = "Handle,Title,Variant Price\na,\"A,1\nb,\"B\"x,2\nc,C,\"3\nd,D,\"x\"\ne,E,5,6\nf,F,x\n";
        let (copied, entries) = copy(file.as_bytes(), 0, 5);
        let read = |file: &[u8]| -> Vec<(String, bool)> {
            let entries = Products::new(file, ProductReader::new(Currency::USD)).map(|entry| entry.unwrap());
            entries.map(|entry| (entry.handle, entry.product.is_err())).collect()
        };
        assert!(entries.iter().all(|entry| entry.product.is_err()), "{entries:?}");
        assert_eq!(read(&copied), read(file.as_bytes()), "{}", String::from_utf8_lossy(&copied));
        let mended = String::from_utf8(copied).unwrap().replace("\"A,1", "A,1").replace("\"B\"x", "B");
        let mended = mended.replace("\"3", "3").replace("D,\"x\"", "D,4").replace("5,6", "5").replace("f,F,x", "f,F,6");
        assert_eq!(read(mended.as_bytes()), ["a", "b", "c", "d", "e", "f"].map(|handle| (handle.to_owned(), false)));
    }

    #[test]
    fn a_copier_goes_on_behind_the_rows_that_it_has_copied() {
        let file = b"Handle,Title,Variant Price\na,A,x\nb,B,1\nc,C,x\n";
        let (whole, rest) = (copy(file, 0, 9).0, copy(file, 2, 9).0);
        assert_eq!(rest, b"\"line 4: \"\"bad\"\" row\",c,C,x\n");
        assert!(whole.ends_with(&rest) && whole.len() > 2 * rest.len());
    }

    #[test]
    fn of_a_row_that_is_too_long_to_be_held_its_beginning_is_copied() {
        let file = format!("Handle,Title,Variant Price\na,A \"\"1,{}\nb,B,x\n", "9,".repeat(600_000));
        let copied = String::from_utf8(copy(file.as_bytes(), 0, 64 * 1024).0).unwrap();
        let lines: Vec<&str> = copied.lines().collect();
        assert_eq!(lines.len(), 3, "{:?}", lines.iter().map(|line| line.len()).collect::<Vec<_>>());
        assert!(lines[1].contains(",\"a\",\"A \"\"\"\"1\",\"9\",") && lines[1].len() < 1024 * 1024);
        assert!(lines[2].ends_with(",b,B,x"));
    }

    #[test]
    fn what_is_not_utf_8_is_marked() {
        let file = b"Handle,Title,Variant Price\nkosa,\xca\xee,9\n";
        let copied = String::from_utf8(copy(file, 0, 9).0).unwrap();
        assert!(copied.ends_with(",kosa,\u{fffd}\u{fffd},9\n"), "{copied}");
    }

    #[test]
    fn the_key_of_a_row_is_the_same_in_every_release() {
        assert_eq!(row_key(b"bowl", 7), row_key(b"bowl", 8));
        assert_ne!(row_key(b"", 7), row_key(b"", 8));
        assert_eq!((row_key(b"bowl", 7), row_key(b"", 7)), (18_120_635_294_409_645_989, 12_161_954_516_460_776_928));
    }
}
