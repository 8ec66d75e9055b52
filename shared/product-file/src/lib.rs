//! Product files: the CSV format in which Shopify and compatible shop systems export products.
//!
//! A file is read in chunks ([`ProductReader`]) or from any [`std::io::Read`] ([`Products`]), a product at a time, and
//! written the same way ([`write_header`], [`write_product`]). Reading what was written gives the same products.

mod assembly;
mod cells;
mod columns;
mod copier;
mod encoding;
mod faults;
mod product;
mod reader;
mod records;
mod row;
mod sanitise;
mod sheet;
mod writer;

#[cfg(test)]
mod tests;

pub use columns::Columns;
pub use copier::{Copied, RowCopier};
pub use encoding::{EncodingGuess, Transcoder};
pub use faults::{Fault, FileError, RowError};
pub use product::{ProductDraft, Status, VariantDraft};
pub use reader::{Entry, MAX_ROWS, Position, ProductReader, Products, ReadError, RowCount, RowCounter, Step};
pub use sanitise::shown_description;
pub use writer::{write_header, write_product};
