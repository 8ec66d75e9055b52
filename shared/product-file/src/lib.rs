//! Product files: the CSV formats in which Shopify, compatible shop systems and WooCommerce export products, and others
//! whose columns are mapped.
//!
//! A file is read in chunks ([`ProductReader`]) or from any [`std::io::Read`] ([`Products`]), a product at a time, and
//! written the same way ([`ProductWriter`]). Reading what was written gives the same products.

mod assembly;
mod cells;
mod columns;
mod copier;
mod count;
mod encoding;
mod faults;
mod group;
mod header;
mod layout;
mod passes;
mod product;
mod reader;
mod record;
mod records;
mod row;
mod sanitise;
mod sheet;
mod texts;
mod woocommerce;
mod writer;

#[cfg(test)]
mod tests;

pub use cells::escape_formula;
pub use columns::Columns;
pub use copier::{Copied, RowCopier};
pub use count::{RowCount, RowCounter};
pub use encoding::{EncodingGuess, Transcoder};
pub use faults::{Fault, FileError, RowError};
pub use header::names_listed;
pub use layout::Mapping;
pub use passes::Position;
pub use product::{OptionTexts, ProductDraft, Status, TextsDraft, VariantDraft};
pub use reader::{Entry, MAX_ROWS, ProductReader, Products, ReadError, Step};
pub use sanitise::shown_description;
pub use texts::{is_text_header, text_headers, text_languages};
pub use writer::ProductWriter;
