//! What an import did, in numbers.

use serde::{Deserialize, Serialize};

/// What an import did to products. After an interruption, new products may be counted as unchanged: their batch was
/// written, but the job was not saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportCounts {
    /// Products that were imported, unchanged ones included.
    pub products: u64,
    /// Variants of those products.
    pub variants: u64,
    /// Products that were new.
    pub created: u64,
    /// Products that existed and were changed.
    pub updated: u64,
    /// Errors of the file, including those beyond [`super::MAX_ROW_ERRORS`] that are not stored.
    #[serde(alias = "faults")]
    pub errors: u64,
    /// The same of warnings.
    #[serde(default)]
    pub warnings: u64,
    /// The same of what is only told.
    #[serde(default)]
    pub infos: u64,
    /// Products that were not imported because of errors.
    #[serde(default)]
    pub refused: u64,
    /// Products that could not be written at the moment; importing the file again takes them in.
    #[serde(default)]
    pub skipped: u64,
    /// Variants whose units on hand the file gives otherwise than they are, and that were left as they are.
    #[serde(default)]
    pub stock_kept: u64,
    /// Pictures that are fetched from the addresses that the file gives for them. After an interruption, some may be
    /// counted twice.
    #[serde(default)]
    pub pictures: u64,
}

impl ImportCounts {
    /// The sums of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            products: self.products.saturating_add(other.products),
            variants: self.variants.saturating_add(other.variants),
            created: self.created.saturating_add(other.created),
            updated: self.updated.saturating_add(other.updated),
            errors: self.errors.saturating_add(other.errors),
            warnings: self.warnings.saturating_add(other.warnings),
            infos: self.infos.saturating_add(other.infos),
            refused: self.refused.saturating_add(other.refused),
            skipped: self.skipped.saturating_add(other.skipped),
            stock_kept: self.stock_kept.saturating_add(other.stock_kept),
            pictures: self.pictures.saturating_add(other.pictures),
        }
    }
}
