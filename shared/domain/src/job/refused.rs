//! The rows of products that an import has refused: the vendor gets them as a file, to mend and send again.

use serde::{Deserialize, Serialize};

use crate::stored::Kept;
use crate::{ExportId, ImportId};

/// A product of a file that was refused, as a step of the import stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedProduct {
    /// By what its rows are found in the file, wherever they stand.
    pub key: u64,
    pub faults: Vec<RowFault>,
}

/// Why a product was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFault {
    /// The line of the file, counted from 1.
    pub line: u64,
    /// A short name in `snake_case`.
    pub code: String,
    /// The column and a sentence for people.
    pub why: String,
}

/// How far the file of refused rows is written. It is a multipart upload when it is long, like an export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusedFile {
    /// Rows of the imported file that the stored parts go back to.
    pub rows: u64,
    /// Id of the multipart upload, once it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// ETags of the uploaded parts, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// Whether it can be downloaded.
    pub is_complete: bool,
}

/// The import that a shop began last. It is written with each new import, under its version, so that of two imports
/// that begin at the same time one is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastImport {
    pub import: ImportId,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// The export that a shop began last, written with each new export as [`LastImport`] is with each import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExport {
    pub export: ExportId,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}
