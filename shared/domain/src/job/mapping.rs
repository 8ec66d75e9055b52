//! How the columns of a shop's product files are named, when the files are of a system that is not recognised.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::{Code, FieldError, Refusal, pointer_part};
use crate::stored::Kept;
use crate::text::Line;

/// The most columns that are mapped.
const MAX_MAPPED: usize = 100;

/// What a column of a product file means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileColumn {
    /// The handle, which all rows of a product have in common.
    Handle,
    /// The title, which the first row of a product has.
    Title,
    /// The description: HTML or text.
    Description,
    /// The brand.
    Vendor,
    /// The category, by its handle or name.
    Category,
    /// Tags, separated by commas.
    Tags,
    /// Whether the product is to be published.
    Published,
    /// `active`, `draft` or `archived`.
    Status,
    /// The name of the first option.
    Option1Name,
    /// A variant's value of the first option.
    Option1Value,
    /// The name of the second option.
    Option2Name,
    /// A variant's value of the second option.
    Option2Value,
    /// The name of the third option.
    Option3Name,
    /// A variant's value of the third option.
    Option3Value,
    /// The SKU. In a file without handles, it tells which product a row means.
    Sku,
    /// The weight in grams.
    Grams,
    /// What one unit is, such as `0.5 m` or `250 g`.
    SaleUnit,
    /// Units on hand.
    Quantity,
    /// `deny`, or `continue` for what is sold beyond its stock.
    Policy,
    /// The price.
    Price,
    /// The price to compare with.
    CompareAtPrice,
    /// The address of a picture of the product.
    Image,
    /// The position of that picture.
    ImagePosition,
    /// The alternative text of that picture.
    ImageAlt,
    /// The address of the variant's own picture.
    VariantImage,
    /// The title for search engines.
    SeoTitle,
    /// The description for search engines.
    SeoDescription,
    /// One that only a newer release knows.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// What the columns of a shop's product files mean, as it is stored. Their headers are compared by their letters and
/// digits, in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnMapping {
    pub columns: BTreeMap<Line, FileColumn>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// A header in lower case and with letters and digits only, so that `variant price` matches `Variant Price`.
pub fn normalised_header(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl ColumnMapping {
    /// The header that stands for a column.
    pub fn header_of(&self, column: FileColumn) -> Option<&Line> {
        self.columns.iter().find(|(_, known)| **known == column).map(|(header, _)| header)
    }

    /// Fails with `invalid` when it does not tell which product a row means, or when it is ambiguous.
    pub fn check(&self) -> Result<(), Refusal> {
        let mut errors = Vec::new();
        if self.columns.len() > MAX_MAPPED {
            errors.push(FieldError::new("/columns", "too_many", format!("at most {MAX_MAPPED} columns")));
        }
        if !self.columns.is_empty()
            && self.header_of(FileColumn::Handle).is_none()
            && self.header_of(FileColumn::Sku).is_none()
        {
            let detail = "a column for `handle`, or else for `sku`, tells which product a row means";
            errors.push(FieldError::new("/columns", "missing", detail));
        }
        let (mut headers, mut meanings) = (BTreeSet::new(), BTreeSet::new());
        for (header, column) in &self.columns {
            let pointer = format!("/columns/{}", pointer_part(header.as_str()));
            let normalised = normalised_header(header.as_str());
            if normalised.is_empty() {
                errors.push(FieldError::new(pointer.clone(), "malformed", "a header has letters or digits"));
            } else if !headers.insert(normalised) {
                errors.push(FieldError::new(pointer.clone(), "duplicate", "another header differs in signs only"));
            }
            if !meanings.insert(column) {
                errors.push(FieldError::new(pointer, "duplicate", "another header has this meaning"));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Invalid, errors)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Coded;

    fn codes(columns: &[(&str, FileColumn)]) -> Vec<String> {
        let columns = columns.iter().map(|(header, column)| (Line::parse(header).unwrap(), *column)).collect();
        let mapping = ColumnMapping { columns, ..ColumnMapping::default() };
        let fields = mapping.check().err().map(|refusal| refusal.fields()).unwrap_or_default();
        fields.into_iter().map(|field| format!("{} {}", field.pointer, field.code)).collect()
    }

    #[test]
    fn a_mapping_tells_the_product_and_is_not_ambiguous() {
        assert!(codes(&[]).is_empty(), "no mapping at all");
        use FileColumn::{Handle, Price, Sku, Title};
        assert!(codes(&[("Артикул", Sku), ("Narxi", Price)]).is_empty());
        assert!(codes(&[("Kod", Handle)]).is_empty());
        assert_eq!(codes(&[("Nomi", Title)]), ["/columns missing"]);
        assert_eq!(codes(&[("Kod", Sku), ("kod ", Title), ("a/b", Title), ("kod!", Price)]).len(), 3);
        assert_eq!(codes(&[("Kod", Sku), ("№/", Title)]), ["/columns/№~1 malformed"]);
    }
}
