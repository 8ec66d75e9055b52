//! Makes the product of what its rows have said.

use domain::catalog::{MAX_OPTIONS, MAX_PRODUCT_BYTES, NO_OPTION, ProductOption};
use domain::text::{Handle, Line, Name};

use super::{Assembled, Assembly, OPTION_VALUES};
use crate::columns::Column;
use crate::faults::{Fault, RowError, shown_value};
use crate::header::{Header, Identity};
use crate::product::{OptionTexts, ProductDraft, VariantDraft};

impl Assembly {
    pub(crate) fn finish(mut self, header: &Header) -> Assembled {
        let (line, rows, continues) = (self.line, self.rows, self.continues);
        let handle = String::from_utf8_lossy(&self.key).chars().take(Line::MAX_LENGTH).collect();
        if self.title.is_none() || (header.identity() != Identity::Handle && self.variants.len() > 1) {
            // A row that says nothing of a variant is there for the product.
            self.variants.retain(|row| !row.is_bare);
        }
        if self.is_without_options() {
            self.option_names = [const { None }; MAX_OPTIONS];
            self.variants.iter_mut().for_each(|row| row.values = [const { None }; MAX_OPTIONS]);
            let options = self.texts.texts.values_mut().flat_map(|texts| &mut texts.options);
            options.for_each(OptionTexts::clear);
        }
        self.texts.texts.values_mut().for_each(|texts| texts.move_words(&self.option_names));
        self.check_values(header);
        let mut variants: Vec<VariantDraft> = Vec::with_capacity(self.variants.len());
        for row in std::mem::take(&mut self.variants) {
            let mut variant = VariantDraft { values: row.values.into_iter().flatten().collect(), ..row.variant };
            if variant.quantity.is_some_and(|units| units < 0) && variant.continue_selling == Some(false) {
                let value = variant.quantity.map(|units| units.to_string()).unwrap_or_default();
                let column = header.spelling(Column::Quantity);
                self.add_report(RowError { value, ..RowError::new(row.line, column, Fault::NegativeQuantity) });
                variant.quantity = Some(0);
            }
            let is_told = self.title.is_some() || !variant.values.is_empty();
            if is_told && variants.iter().any(|other| other.values == variant.values) {
                let column = header.spelling(Column::Option1Value);
                self.add_report(RowError::new(row.line, column, Fault::DuplicateVariant));
            }
            variants.push(variant);
        }
        let product = match self.named {
            Some(named) if self.errors.is_empty() => {
                self.images.sort_by_key(|(position, _)| *position);
                let mapped = Handle::mapped_from(&named.as_str().to_ascii_lowercase());
                let (handle, file_handle, file_key) = match (header.identity(), self.handle) {
                    (Identity::Handle, _) => (mapped, named.to_string(), None),
                    (_, Some(handle)) => {
                        let mapped = Handle::mapped_from(&handle.as_str().to_ascii_lowercase());
                        (mapped, handle.to_string(), None)
                    }
                    (Identity::Sku | Identity::Given, None) => {
                        let of_title = self.title.as_ref().and_then(|title| Handle::suggested_by(title.as_str()));
                        let handle = of_title.unwrap_or(mapped);
                        (handle.clone(), handle.to_string(), Some(named))
                    }
                };
                let draft = ProductDraft {
                    handle,
                    file_handle,
                    former_key: self.former_key.filter(|_| file_key.is_some()),
                    file_key,
                    title: self.title,
                    continues,
                    body_html: self.body_html,
                    vendor: self.vendor,
                    category: self.category,
                    other_categories: self.other_categories,
                    tags: self.tags,
                    published: self.published,
                    status: self.status,
                    options: options_of(self.option_names, &variants),
                    variants,
                    images: self.images.into_iter().map(|(_, image)| image).collect(),
                    seo: self.seo,
                    language: self.texts.language,
                    texts: self.texts.texts,
                    kept: self.kept,
                };
                if size_of_product(&draft) > MAX_PRODUCT_BYTES {
                    Err(vec![RowError::new(line, "", Fault::ProductTooLarge)])
                } else {
                    Ok(draft)
                }
            }
            _ => Err(self.errors),
        };
        Assembled { handle, line, rows, product, warnings: self.warnings, continues }
    }

    /// Every variant has a value for each option that is named, and none for others. Rows that name no options, and do
    /// not begin a product, mean those of the stored one.
    fn check_values(&mut self, header: &Header) {
        if self.title.is_none() && self.option_names.iter().all(Option::is_none) {
            return;
        }
        let mut faults = Vec::new();
        for row in &self.variants {
            for ((name, value), column) in self.option_names.iter().zip(&row.values).zip(OPTION_VALUES) {
                let fault = match (name, value) {
                    (Some(_), None) => Fault::MissingOptionValue,
                    (None, Some(_)) => Fault::MissingOptionName,
                    _ => continue,
                };
                let value = value.as_ref().map(|value| shown_value(value.as_str().as_bytes())).unwrap_or_default();
                faults.push(RowError { value, ..RowError::new(row.line, header.spelling(column), fault) });
            }
        }
        faults.into_iter().for_each(|fault| self.add_report(fault));
    }

    /// Whether the only option is the one by which Shopify's files mark a product without options ([`NO_OPTION`]).
    fn is_without_options(&self) -> bool {
        let (name, value) = NO_OPTION;
        let named = self.option_names.iter().flatten().all(|known| known.as_str().eq_ignore_ascii_case(name));
        let [row] = self.variants.as_slice() else { return false };
        let mut values = row.values.iter().flatten();
        named
            && values.next().is_some_and(|known| known.as_str().eq_ignore_ascii_case(value))
            && values.next().is_none()
    }
}

/// The options with the values that variants have, in the order in which they appear.
fn options_of(names: [Option<Name>; MAX_OPTIONS], variants: &[VariantDraft]) -> Vec<ProductOption> {
    let named = names.into_iter().flatten().enumerate();
    named
        .map(|(index, name)| {
            let mut values: Vec<Name> = Vec::new();
            for value in variants.iter().filter_map(|variant| variant.values.get(index)) {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            ProductOption { name, values }
        })
        .collect()
}

/// The least size of the stored product in bytes. The real size is only known after merging with the stored product.
fn size_of_product(draft: &ProductDraft) -> usize {
    serde_json::to_vec(draft).map_or(usize::MAX, |json| json.len())
}
