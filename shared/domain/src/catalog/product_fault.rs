//! What can be wrong with a product as a whole: its parts do not fit together, or there are too many of them.

use std::collections::BTreeSet;

use super::{
    Image, InventoryPolicy, MAX_CURRENCIES, MAX_IMAGES, MAX_LISTING_ROWS, MAX_ON_HAND, MAX_OPTIONS, MAX_OVERSELL,
    MAX_PRODUCT_SHARDS, MAX_SHARDS, MAX_TAGS, MAX_VARIANTS, Product, ProductOption, Variant,
};
use crate::code::{Code, FieldError, Refusal};
use crate::text::{InLanguages, Name};

/// Declares the faults once: name, code beside the field of a request, code in the report on a file, and meaning.
macro_rules! product_faults {
    ($($(#[doc = $doc:literal])+ $name:ident = ($field:literal, $code:literal),)+) => {
        /// A fault of a product as a whole.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProductFault { $($(#[doc = $doc])+ $name,)+ }

        impl ProductFault {
            /// Every fault, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code beside the field of a request. Several faults have the same: the field tells them apart.
            pub const fn field_code(self) -> &'static str {
                match self { $(Self::$name => $field,)+ }
            }

            /// The code in the report on a file, where no field stands beside it: each fault has its own. Part of the
            /// HTTP contract: never renamed.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

product_faults! {
    /// It has more variants than [`MAX_VARIANTS`].
    TooManyVariants = ("too_many", "product_too_many_variants"),
    /// It has more options than [`MAX_OPTIONS`].
    TooManyOptions = ("too_many", "product_too_many_options"),
    /// It has more pictures than [`MAX_IMAGES`].
    TooManyImages = ("too_many", "product_too_many_images"),
    /// It has more tags than [`MAX_TAGS`].
    TooManyTags = ("too_many", "product_too_many_tags"),
    /// It has no variant.
    NoVariant = ("missing", "product_without_variants"),
    /// Two of its options have the same name.
    SameOption = ("duplicate", "product_same_option"),
    /// A variant has more or fewer values than the product has options.
    ValuesMismatch = ("mismatch", "product_values_mismatch"),
    /// Two of its variants have the same values.
    SameVariant = ("duplicate", "product_same_variant"),
    /// A variant has no price.
    NoPrice = ("missing", "product_without_price"),
    /// A variant has prices in more currencies than [`MAX_CURRENCIES`].
    TooManyCurrencies = ("too_many", "product_too_many_currencies"),
    /// The stock of a variant is spread over no shard, or over more than [`MAX_SHARDS`].
    ShardsOutOfRange = ("out_of_range", "product_shards_out_of_range"),
    /// A variant is preordered, and nobody says from when on there is some of it.
    NoPreorderDate = ("missing", "product_without_preorder_date"),
    /// A variant that is not sold beyond its stock has a date or an oversell limit.
    PolicyMismatch = ("mismatch", "product_policy_mismatch"),
    /// The oversell limit of a variant is above [`MAX_OVERSELL`].
    OversellOutOfRange = ("out_of_range", "product_oversell_limit_out_of_range"),
    /// The number from which on few units are left is below zero, or above [`MAX_ON_HAND`].
    LowStockOutOfRange = ("out_of_range", "product_low_stock_out_of_range"),
    /// A price is below zero or too high, or the one that it is compared to is, or has another currency.
    PriceOutOfRange = ("out_of_range", "product_price_out_of_range"),
    /// A price is compared to zero.
    ComparedToZero = ("out_of_range", "product_compared_to_zero"),
    /// A variant has two prices in one currency.
    SameCurrency = ("duplicate", "product_same_currency"),
    /// The stock of all variants is spread over more shards than [`MAX_PRODUCT_SHARDS`].
    TooManyShards = ("too_many", "product_too_many_shards"),
    /// Categories and currencies make more listing rows than [`MAX_LISTING_ROWS`].
    TooManyListingRows = ("too_many", "product_too_many_listing_rows"),
    /// The only option with its only value is what a file says of a product without options.
    ReservedOption = ("reserved", "product_reserved_option"),
    /// A tag has a comma, by which files separate tags.
    CommaInTag = ("comma", "product_comma_in_tag"),
    /// Two of its tags are the same.
    SameTag = ("duplicate", "product_same_tag"),
    /// Two of its pictures have the same address.
    SameImage = ("duplicate", "product_same_image"),
    /// Its texts are in more languages than [`ContentLanguage::MOST`](crate::text::ContentLanguage::MOST) besides its
    /// own.
    TooManyLanguages = ("too_many", "product_too_many_languages"),
    /// It has other texts in the language of its own texts.
    OwnLanguageTwice = ("duplicate", "product_own_language_twice"),
    /// Its descriptions in other languages take more than [`MAX_DESCRIPTIONS_BYTES`](super::MAX_DESCRIPTIONS_BYTES).
    DescriptionsTooLarge = ("too_large", "product_descriptions_too_large"),
    /// A word is translated that no option or value of it is.
    UnknownWord = ("unknown", "product_unknown_word"),
    /// Two options, or two values of one, are called alike in another language.
    SameWord = ("duplicate", "product_same_word"),
}

/// A fault of a product, and the part that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFault {
    pub fault: ProductFault,
    /// An RFC 6901 pointer to the part.
    pub pointer: String,
    /// How many there are, where the fault is that there are too many of something.
    pub number: Option<usize>,
    /// One sentence for people, in English.
    pub detail: String,
}

impl FoundFault {
    pub(super) fn new(fault: ProductFault, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { fault, pointer: pointer.into(), number: None, detail: detail.into() }
    }
}

impl From<FoundFault> for FieldError {
    fn from(found: FoundFault) -> Self {
        Self::new(found.pointer, found.fault.field_code(), found.detail)
    }
}

/// Fails with `invalid` when a product has more parts than one may have. To be called before the parts are compared
/// with each other, because the work of that grows faster than their number.
pub fn check_counts<T>(
    variants: &[T],
    options: &[ProductOption],
    images: &[Image],
    tags: &[Name],
) -> Result<(), Refusal> {
    refused(too_many(variants, options, images, tags))
}

fn too_many<T>(variants: &[T], options: &[ProductOption], images: &[Image], tags: &[Name]) -> Vec<FoundFault> {
    let counts = [
        (ProductFault::TooManyVariants, "/variants", variants.len(), MAX_VARIANTS),
        (ProductFault::TooManyOptions, "/options", options.len(), MAX_OPTIONS),
        (ProductFault::TooManyImages, "/images", images.len(), MAX_IMAGES),
        (ProductFault::TooManyTags, "/tags", tags.len(), MAX_TAGS),
    ];
    let over = counts.into_iter().filter(|(_, _, length, most)| length > most);
    over.map(|(fault, list, length, most)| FoundFault {
        number: Some(length),
        ..FoundFault::new(fault, list, format!("at most {most}"))
    })
    .collect()
}

fn refused(found: Vec<FoundFault>) -> Result<(), Refusal> {
    let errors: Vec<FieldError> = found.into_iter().map(FieldError::from).collect();
    if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Invalid, errors)) }
}

impl Product {
    /// Fails with `invalid` when the product has [`Product::faults`]; `errors` names each part.
    pub fn check(&self) -> Result<(), Refusal> {
        refused(self.faults())
    }

    /// Fails with `invalid` when its descriptions in other languages have [`Product::description_faults`].
    pub fn check_descriptions(&self, descriptions: &InLanguages<String>) -> Result<(), Refusal> {
        refused(self.description_faults(descriptions))
    }

    /// Where the product's parts do not fit together, or exporting and importing it would change it.
    pub fn faults(&self) -> Vec<FoundFault> {
        let mut found = too_many(&self.variants, &self.options, &self.images, &self.tags);
        if !found.is_empty() {
            return found;
        }
        if self.variants.is_empty() {
            found.push(FoundFault::new(ProductFault::NoVariant, "/variants", "a product has at least one variant"));
        }
        for (index, option) in self.options.iter().enumerate() {
            if self.options.iter().take(index).any(|earlier| earlier.name == option.name) {
                let pointer = format!("/options/{index}/name");
                found.push(FoundFault::new(ProductFault::SameOption, pointer, "two options have this name"));
            }
        }
        let mut seen: BTreeSet<&[Name]> = BTreeSet::new();
        for (index, variant) in self.variants.iter().enumerate() {
            let pointer = format!("/variants/{index}/options");
            if variant.values.len() != self.options.len() {
                let detail = "must have exactly one value for each option";
                found.push(FoundFault::new(ProductFault::ValuesMismatch, pointer, detail));
            } else if !seen.insert(&variant.values) {
                found.push(FoundFault::new(ProductFault::SameVariant, pointer, "two variants have these values"));
            }
            found.extend(faults_of_variant(index, variant));
        }
        let shards: usize = self.variants.iter().map(|variant| usize::from(variant.layout().peak_shards)).sum();
        if shards > MAX_PRODUCT_SHARDS {
            let detail = format!(
                "the stock of all variants, each at its peak so far, is spread over {shards} shards, \
                at most {MAX_PRODUCT_SHARDS}"
            );
            let fault = FoundFault::new(ProductFault::TooManyShards, "/variants", detail);
            found.push(FoundFault { number: Some(shards), ..fault });
        }
        let rows = self.rows_with(self.categories.len());
        if rows > MAX_LISTING_ROWS {
            let detail = format!("categories and currencies make {rows} listing rows, at most {MAX_LISTING_ROWS}");
            let fault = FoundFault::new(ProductFault::TooManyListingRows, "/variants", detail);
            found.push(FoundFault { number: Some(rows), ..fault });
        }
        found.extend(self.round_trip_faults());
        found.extend(self.translation_faults());
        found
    }
}

/// The faults of a variant by itself.
fn faults_of_variant(index: usize, variant: &Variant) -> Vec<FoundFault> {
    let mut found = Vec::new();
    let mut wrong = |fault: ProductFault, part: &str, detail: String| {
        found.push(FoundFault::new(fault, format!("/variants/{index}/{part}"), detail));
    };
    if variant.prices.is_empty() {
        wrong(ProductFault::NoPrice, "prices", "must have a price".into());
    }
    if variant.prices.len() > MAX_CURRENCIES {
        wrong(ProductFault::TooManyCurrencies, "prices", format!("at most {MAX_CURRENCIES} currencies"));
    }
    if variant.shards == 0 || variant.shards > MAX_SHARDS {
        wrong(ProductFault::ShardsOutOfRange, "shards", format!("1 to {MAX_SHARDS}"));
    }
    if variant.inventory_policy == InventoryPolicy::Preorder && variant.available_from.is_none() {
        wrong(ProductFault::NoPreorderDate, "available_from", "a preorder needs a date".into());
    }
    if variant.inventory_policy.denies() && (variant.available_from.is_some() || variant.oversell_limit.is_some()) {
        let detail = "a date and a limit are for backorder and preorder";
        wrong(ProductFault::PolicyMismatch, "inventory_policy", detail.into());
    }
    if variant.oversell_limit.is_some_and(|limit| limit > MAX_OVERSELL) {
        wrong(ProductFault::OversellOutOfRange, "oversell_limit", format!("at most {MAX_OVERSELL}"));
    }
    if variant.low_stock_at.is_some_and(|units| !(0..=MAX_ON_HAND).contains(&units)) {
        wrong(ProductFault::LowStockOutOfRange, "low_stock_at", format!("0 to {MAX_ON_HAND}"));
    }
    let mut currencies = BTreeSet::new();
    for price in &variant.prices {
        let comparable = price
            .compare_at
            .is_none_or(|compared| compared.currency() == price.price.currency() && compared.is_price());
        for (fits, list) in [(price.price.is_price(), "prices"), (comparable, "compare_at_prices")] {
            if !fits {
                let detail = "prices are zero or more, within bounds, one currency each";
                wrong(ProductFault::PriceOutOfRange, list, detail.into());
            }
        }
        if !currencies.insert(price.price.currency()) {
            wrong(ProductFault::SameCurrency, "prices", "two prices in one currency".into());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_report_each_fault_has_a_code_of_its_own() {
        let codes: BTreeSet<&str> = ProductFault::ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(codes.len(), ProductFault::ALL.len());
        assert!(codes.iter().all(|code| code.starts_with("product_")), "no fault of a cell has the same");
    }
}
