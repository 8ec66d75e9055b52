//! What product files cannot say of a product. It is refused wherever it comes from, so that an export that is imported again
//! changes nothing.

use std::collections::BTreeSet;

use super::{MOST_IMAGES, MOST_TAGS, Product};
use crate::code::FieldError;

/// The option and its only value, in any case, by which a file says that a product has no options.
pub const NO_OPTION: (&str, &str) = ("Title", "Default Title");

impl Product {
    /// What a file would bring back otherwise than it is.
    pub(super) fn lost_in_files(&self) -> Vec<FieldError> {
        let mut lost = Vec::new();
        if self.passes_for_one_without_options() {
            let (option, value) = NO_OPTION;
            let detail = format!("{option} with {value} alone means that there are no options: leave them out");
            lost.push(FieldError::new("/options/0", "reserved", detail));
        }
        // Commas separate tags.
        let mut tags = BTreeSet::new();
        for (index, tag) in self.tags.iter().enumerate().take(MOST_TAGS) {
            if tag.as_str().contains(',') {
                lost.push(FieldError::new(format!("/tags/{index}"), "comma", "must not have a comma"));
            } else if !tags.insert(tag) {
                lost.push(FieldError::new(format!("/tags/{index}"), "duplicate", "the product has this tag already"));
            }
        }
        // Shops repeat a picture in the row of each variant, so that a second one with its address is the same.
        let mut sources = BTreeSet::new();
        for (index, image) in self.images.iter().enumerate().take(MOST_IMAGES) {
            if !sources.insert(image.src.as_str()) {
                let detail = "two pictures have this address";
                lost.push(FieldError::new(format!("/images/{index}/src"), "duplicate", detail));
            }
        }
        // Shops write a zero where there is nothing to compare with.
        for (index, variant) in self.variants.iter().enumerate() {
            if variant.prices.iter().filter_map(|price| price.compare_at).any(|compared| compared.is_zero()) {
                let place = format!("/variants/{index}/compare_at_prices");
                lost.push(FieldError::new(place, "out_of_range", "must be above zero, or be left out"));
            }
        }
        lost
    }

    fn passes_for_one_without_options(&self) -> bool {
        let (name, value) = NO_OPTION;
        let ([option], [variant]) = (self.options.as_slice(), self.variants.as_slice()) else { return false };
        option.name.as_str().eq_ignore_ascii_case(name)
            && variant.values.iter().all(|known| known.as_str().eq_ignore_ascii_case(value))
    }
}
