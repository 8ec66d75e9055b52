//! What a product file cannot express. It is rejected wherever a product comes from, so that importing an export
//! changes nothing.

use std::collections::BTreeSet;

use super::{FoundFault, MAX_IMAGES, MAX_TAGS, Product, ProductFault};

/// The option and its only value, in any case, by which a product file says that a product has no options.
pub const NO_OPTION: (&str, &str) = ("Title", "Default Title");

impl Product {
    /// The parts of the product that exporting and importing it would change.
    pub(super) fn round_trip_faults(&self) -> Vec<FoundFault> {
        let mut found = Vec::new();
        if self.reads_as_optionless() {
            let (option, value) = NO_OPTION;
            let detail = format!("{option} with {value} alone means that there are no options: leave them out");
            found.push(FoundFault::new(ProductFault::ReservedOption, "/options/0", detail));
        }
        // Files separate tags by commas.
        let mut tags = BTreeSet::new();
        for (index, tag) in self.tags.iter().enumerate().take(MAX_TAGS) {
            if tag.as_str().contains(',') {
                let pointer = format!("/tags/{index}");
                found.push(FoundFault::new(ProductFault::CommaInTag, pointer, "must not have a comma"));
            } else if !tags.insert(tag) {
                let pointer = format!("/tags/{index}");
                found.push(FoundFault::new(ProductFault::SameTag, pointer, "the product has this tag already"));
            }
        }
        // Files repeat a picture in the row of each variant, so that a second one with its address is read as the same.
        let mut sources = BTreeSet::new();
        for (index, image) in self.images.iter().enumerate().take(MAX_IMAGES) {
            if !sources.insert(image.src.as_str()) {
                let pointer = format!("/images/{index}/src");
                found.push(FoundFault::new(ProductFault::SameImage, pointer, "two pictures have this address"));
            }
        }
        // Files have a zero where there is nothing to compare with.
        for (index, variant) in self.variants.iter().enumerate() {
            if variant.prices.iter().filter_map(|price| price.compare_at).any(|compared| compared.is_zero()) {
                let pointer = format!("/variants/{index}/compare_at_prices");
                let detail = "must be above zero, or be left out";
                found.push(FoundFault::new(ProductFault::ComparedToZero, pointer, detail));
            }
        }
        found
    }

    fn reads_as_optionless(&self) -> bool {
        let (name, value) = NO_OPTION;
        let ([option], [variant]) = (self.options.as_slice(), self.variants.as_slice()) else { return false };
        option.name.as_str().eq_ignore_ascii_case(name)
            && variant.values.iter().all(|known| known.as_str().eq_ignore_ascii_case(value))
    }
}
