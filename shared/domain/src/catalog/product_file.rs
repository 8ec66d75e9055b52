//! What a product file cannot express. It is rejected wherever a product comes from, so that importing an export
//! changes nothing.

use std::collections::BTreeSet;

use super::{MAX_IMAGES, MAX_TAGS, Product};
use crate::code::FieldError;

/// The option and its only value, in any case, by which a product file says that a product has no options.
pub const NO_OPTION: (&str, &str) = ("Title", "Default Title");

impl Product {
    /// The parts of the product that exporting and importing it would change.
    pub(super) fn round_trip_errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.reads_as_optionless() {
            let (option, value) = NO_OPTION;
            let detail = format!("{option} with {value} alone means that there are no options: leave them out");
            errors.push(FieldError::new("/options/0", "reserved", detail));
        }
        // Files separate tags by commas.
        let mut tags = BTreeSet::new();
        for (index, tag) in self.tags.iter().enumerate().take(MAX_TAGS) {
            if tag.as_str().contains(',') {
                errors.push(FieldError::new(format!("/tags/{index}"), "comma", "must not have a comma"));
            } else if !tags.insert(tag) {
                errors.push(FieldError::new(format!("/tags/{index}"), "duplicate", "the product has this tag already"));
            }
        }
        // Files repeat a picture in the row of each variant, so that a second one with its address is read as the same.
        let mut sources = BTreeSet::new();
        for (index, image) in self.images.iter().enumerate().take(MAX_IMAGES) {
            if !sources.insert(image.src.as_str()) {
                let detail = "two pictures have this address";
                errors.push(FieldError::new(format!("/images/{index}/src"), "duplicate", detail));
            }
        }
        // Files have a zero where there is nothing to compare with.
        for (index, variant) in self.variants.iter().enumerate() {
            if variant.prices.iter().filter_map(|price| price.compare_at).any(|compared| compared.is_zero()) {
                let pointer = format!("/variants/{index}/compare_at_prices");
                errors.push(FieldError::new(pointer, "out_of_range", "must be above zero, or be left out"));
            }
        }
        errors
    }

    fn reads_as_optionless(&self) -> bool {
        let (name, value) = NO_OPTION;
        let ([option], [variant]) = (self.options.as_slice(), self.variants.as_slice()) else { return false };
        option.name.as_str().eq_ignore_ascii_case(name)
            && variant.values.iter().all(|known| known.as_str().eq_ignore_ascii_case(value))
    }
}
