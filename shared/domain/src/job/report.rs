//! The report on a file that is imported.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ImportFault;

/// How much an entry in the report on a file matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The product was not imported.
    #[default]
    Error,
    /// The product was imported, otherwise than the file says.
    Warning,
    /// What was done, or would be done.
    Info,
    /// One that only a newer release knows.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// An entry in the report on a file: one for each product and kind of fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportRowError {
    /// How much it matters.
    #[serde(default)]
    pub severity: Severity,
    /// Line of the file, counted from 1.
    pub line: u64,
    /// The product, by its handle in the file; empty when the file as a whole is meant.
    #[serde(default)]
    #[schema(examples("blue-bowl"))]
    pub product: String,
    /// The column as the file's header spells it; empty when the whole row or product is meant.
    #[schema(examples("Variant Price"))]
    pub column: String,
    /// The beginning of the cell. Where no cell is meant, what the entry is about, such as the columns that the file
    /// has with `missing_column`, and the limit with `too_many_rows`; else empty.
    #[serde(default)]
    #[schema(examples("12,50"))]
    pub value: String,
    /// How often the product has it; line, column and value are those of the first.
    #[serde(default = "once")]
    #[schema(minimum = 1)]
    pub times: u32,
    /// A short name in `snake_case`.
    #[schema(examples("bad_price"))]
    pub code: String,
    /// One sentence for people.
    #[schema(examples("is no price"))]
    pub detail: String,
}

const fn once() -> u32 {
    1
}

impl ImportRowError {
    /// An error of the file as a whole.
    pub fn of_file(fault: ImportFault, detail: &str) -> Self {
        Self {
            severity: Severity::Error,
            line: 0,
            product: String::new(),
            column: String::new(),
            value: String::new(),
            times: 1,
            code: fault.code().to_owned(),
            detail: detail.to_owned(),
        }
    }
}

/// What an import does with the units on hand that a file gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StockImport {
    /// New variants get them; those of variants that exist stay as they are.
    Keep,
    /// All variants get them. What was sold since the file was made comes back.
    #[default]
    Set,
    /// New variants get them; to those of variants that exist they are added.
    Add,
    /// A choice that only a newer release knows.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}
