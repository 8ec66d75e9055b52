//! Imports and exports of product files.
