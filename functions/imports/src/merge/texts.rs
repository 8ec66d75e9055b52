//! The language of a product, and its texts in other languages.

use domain::catalog::{Product, ProductOption, Translation};
use domain::text::InLanguages;

use product_file::{OptionTexts, ProductDraft};

/// Sets what the file says in other languages, once the product has its options, and forgets the words of options and
/// values that are gone. Returns the descriptions, `former` ones in the languages that the file has no columns for.
pub(super) fn set(product: &mut Product, former: &InLanguages<String>, draft: &ProductDraft) -> InLanguages<String> {
    put(&mut product.language, draft.language.as_ref(), draft);
    let mut descriptions = former.clone();
    for (language, texts) in &draft.texts {
        let mut said = product.translations.remove(language).unwrap_or_default();
        put(&mut said.title, texts.title.as_ref(), draft);
        put(&mut said.seo.title, texts.seo_title.as_ref(), draft);
        put(&mut said.seo.description, texts.seo_description.as_ref(), draft);
        for (index, (option, words)) in product.options.iter().zip(&texts.options).enumerate() {
            set_words(&mut said, (index, option), words, draft);
        }
        product.translations.insert(language.clone(), said);
        let mut description = descriptions.remove(language);
        put(&mut description, texts.body_html.as_ref(), draft);
        if let Some(description) = description {
            descriptions.insert(language.clone(), description);
        }
    }
    product.forget_words();
    // One in which nothing is said tells that there is a description in it.
    let translations = std::mem::take(&mut product.translations).into_iter();
    product.translations =
        translations.filter(|(language, said)| !said.is_empty() || descriptions.get(language).is_some()).collect();
    descriptions
}

/// Sets a text to what its cell says. Rows that stand apart from the product's first only add to it.
fn put<T: Clone>(text: &mut Option<T>, told: Option<&Option<T>>, draft: &ProductDraft) {
    if let Some(told) = told.filter(|told| told.is_some() || !draft.continues) {
        text.clone_from(told);
    }
}

/// Sets the words of the option at an index, and of the values that the file names.
fn set_words(
    said: &mut Translation,
    (index, option): (usize, &ProductOption),
    texts: &OptionTexts,
    draft: &ProductDraft,
) {
    let mut words = said.options.remove(&option.name).unwrap_or_default();
    put(&mut words.name, texts.name.as_ref(), draft);
    if let Some(told) = &texts.values {
        for value in draft.variants.iter().filter_map(|variant| variant.values.get(index)) {
            let mut word = words.values.remove(value);
            put(&mut word, Some(&told.get(value).cloned()), draft);
            words.values.extend(word.map(|word| (value.clone(), word)));
        }
    }
    if !words.is_empty() {
        said.options.insert(option.name.clone(), words);
    }
}
