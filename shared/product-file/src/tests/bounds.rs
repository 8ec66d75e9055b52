//! Bounds on memory, and resuming after an interruption.

use std::io::{self, Read};

use super::*;
use crate::{Fault, Position, RowCounter, Step};

/// A file of many rows that is generated while it is read.
struct Generated {
    rows: u64,
    next: u64,
    per_product: u64,
    line: Vec<u8>,
    given: usize,
}

impl Generated {
    fn new(rows: u64, per_product: u64) -> Self {
        Self {
            rows,
            next: 0,
            per_product,
            line: b"Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant Price\n".to_vec(),
            given: 0,
        }
    }
}

impl Read for Generated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.line.len() {
            if self.next == self.rows {
                return Ok(0);
            }
            let (product, row) = (self.next / self.per_product, self.next % self.per_product);
            let product_cells = if row == 0 { ("A product", "<p>Made by\nhand</p>", "Size") } else { ("", "", "") };
            self.line = format!(
                "product-{product},{},\"{}\",{},{row},12.50\r\n",
                product_cells.0,
                product_cells.1.repeat(2),
                product_cells.2
            )
            .into_bytes();
            self.next += 1;
            self.given = 0;
        }
        let rest = &self.line[self.given..];
        let bytes = rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&rest[..bytes]);
        self.given += bytes;
        Ok(bytes)
    }
}

#[test]
fn a_hundred_thousand_rows_are_read_in_little_memory() {
    let mut products = Products::new(io::BufReader::new(Generated::new(100_000, 4)), ProductReader::new(Currency::USD));
    let (mut read, mut most) = (0, 0);
    while let Some(entry) = products.next() {
        assert!(entry.unwrap().product.is_ok());
        read += 1;
        most = most.max(products.held());
    }
    assert_eq!(read, 25_000);
    assert!(most < 2 * 1024 * 1024, "{most} bytes were held");
}

#[test]
fn one_product_of_a_hundred_thousand_rows_is_no_larger_than_another() {
    let mut reader = ProductReader::new(Currency::USD);
    let mut source = io::BufReader::new(Generated::new(100_000, 100_000));
    let (mut buffer, mut most) = (vec![0; 8 * 1024], 0);
    let entry = loop {
        match reader.step().unwrap() {
            Step::Product(entry) => break entry,
            Step::End | Step::Again => panic!("no product"),
            Step::NeedsMore => match source.read(&mut buffer).unwrap() {
                0 => reader.end(),
                bytes => reader.feed(&buffer[..bytes]),
            },
        }
        most = most.max(reader.held());
    };
    assert_eq!(entry.rows, 100_000);
    assert_eq!(entry.product.unwrap_err().first().unwrap().fault, Fault::TooManyVariants);
    assert!(most < 256 * 1024, "{most} bytes were held");
}

#[test]
fn a_quote_that_is_never_closed_does_not_hold_the_file() {
    let file = format!("Handle,Title,Variant Price\na,\"{}", format!("{},1\nb,", "x".repeat(95)).repeat(50_000));
    assert!(file.len() > 4 * 1024 * 1024);
    let mut products = Products::new(file.as_bytes(), ProductReader::new(Currency::USD));
    let mut most = 0;
    while products.next().is_some() {
        most = most.max(products.held());
    }
    assert!(most < 3 * 1024 * 1024, "{most} bytes were held");
}

const FILE: &str = "\u{feff}Handle,Title,Option1 Name,Option1 Value,Variant Price\r\n\
    a,\"A\r\na\",Size,S,1\r\na,,,M,2\r\n\r\nb,B,,,1\r\n\"c,C,,,1\r\nd,D,,,x\r\na,A,,,1\r\n,,,,\r\ne,E,,,1";

#[test]
fn an_interrupted_reading_goes_on_with_the_next_product() {
    let whole = entries(FILE);
    assert_eq!(whole.len(), 6);
    for (index, entry) in whole.iter().enumerate() {
        let stored = serde_json::to_string(&entry.next).unwrap();
        let position: Position = serde_json::from_str(&stored).unwrap();
        let reader = ProductReader::resume(Currency::USD, position);
        let rest: Vec<Entry> = Products::new(FILE.as_bytes(), reader).map(Result::unwrap).collect();
        assert_eq!(rest, whole[index + 1..], "{position:?}");
    }
}

#[test]
fn a_position_says_where_the_next_product_starts() {
    let first = entries(FILE).first().unwrap().next;
    assert_eq!((first.rows, first.line), (2, 6));
    assert!(FILE[usize::try_from(first.offset).unwrap()..].starts_with("b,B"));
}

#[test]
fn another_file_is_not_gone_on_with() {
    for other in ["Handle,Title,Variant Price\na,A,1\nb,B,1\nc,C,1\n", "Handle,Title,Variant Price\na,A,1\n"] {
        let position = entries(FILE).first().unwrap().next;
        let mut products = Products::new(other.as_bytes(), ProductReader::resume(Currency::USD, position));
        let Some(Err(ReadError::File(FileError(error)))) = products.next() else { panic!("{other} was read") };
        assert_eq!(error.code(), "file_changed");
    }
}

#[test]
fn rows_are_counted_without_header_and_blanks() {
    for size in [1, 7, 1_000] {
        let mut row_counter = RowCounter::default();
        for piece in FILE.as_bytes().chunks(size) {
            row_counter.feed(piece).unwrap();
        }
        let entries = entries(FILE);
        assert_eq!(row_counter.finish().unwrap().rows, entries.iter().map(|entry| entry.rows).sum::<u64>());
        assert_eq!(entries.last().unwrap().next.rows, 7);
    }
}

#[test]
fn a_file_says_whether_the_rows_of_a_product_stand_apart() {
    let is_apart = |rows: &str| {
        let mut row_counter = RowCounter::default();
        row_counter.feed(format!("Handle,Title,Variant Price\n{rows}").as_bytes()).unwrap();
        row_counter.finish().unwrap().is_apart
    };
    assert!(!is_apart("a,A,1\nA,,2\n\nb,B,1\n"));
    assert!(is_apart("a,A,1\nb,B,1\na,,2\n"));
    assert!(is_apart("a,A,1\n,?,1\nb,B,1\nA,,2\n"));
    assert!(!is_apart(",?,1\n,?,1\n"), "rows without a handle are no product");
}
