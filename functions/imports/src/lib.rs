//! Imports and exports of product files.

pub mod product_file;
