//! The columns for the language of products and for their texts in other languages, such as `Title / ru`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::catalog::MAX_OPTIONS;
use domain::job::normalised_header;
use domain::text::{ContentLanguage, Name};

use super::columns::Column;
use super::faults::{Fault, FileError, RowError};
use super::product::{ProductDraft, TextsDraft};

/// The header of the column for the language of the products' own texts. Not `Language`, which shops have for that of a
/// book or a film.
const LANGUAGE: &str = "Text Language";
/// The texts that a product may have in other languages, each with the column of its own one, in the order in which
/// they are written.
const TEXTS: [(Text, Column); 4 + 2 * MAX_OPTIONS] = [
    (Text::Title, Column::Title),
    (Text::Body, Column::Body),
    (Text::OptionName(0), Column::Option1Name),
    (Text::OptionValue(0), Column::Option1Value),
    (Text::OptionName(1), Column::Option2Name),
    (Text::OptionValue(1), Column::Option2Value),
    (Text::OptionName(2), Column::Option3Name),
    (Text::OptionValue(2), Column::Option3Value),
    (Text::SeoTitle, Column::SeoTitle),
    (Text::SeoDescription, Column::SeoDescription),
];

/// A text of a product that may be in other languages; options by their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Title,
    Body,
    SeoTitle,
    SeoDescription,
    OptionName(usize),
    OptionValue(usize),
}

/// What a column says of languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextColumn {
    /// The language of the product's own texts.
    Language,
    /// A text in another language.
    Text(ContentLanguage, Text),
}

impl TextColumn {
    /// The column that a header names. One with an unknown tag is none of them.
    pub(super) fn of(header: &str) -> Option<Self> {
        if normalised_header(header) == normalised_header(LANGUAGE) {
            return Some(Self::Language);
        }
        let (text, tag) = header.rsplit_once('/')?;
        let (language, text) = (ContentLanguage::parse(tag.trim())?, normalised_header(text));
        let is_meant = |column: Column| column.spellings().iter().any(|known| normalised_header(known) == text);
        TEXTS.iter().find(|(_, column)| is_meant(*column)).map(|(text, _)| Self::Text(language, *text))
    }

    /// The cell of a product in a row.
    fn cell<'a>(&self, product: &'a ProductDraft, row: usize) -> Option<Cow<'a, str>> {
        let is_first = row == 0;
        let (language, text) = match self {
            Self::Language => {
                let language = product.language.as_ref().filter(|_| is_first)?.as_ref();
                return language.map(|language| Cow::Borrowed(language.as_str()));
            }
            Self::Text(language, text) => (language, *text),
        };
        let texts = product.texts.get(language)?;
        match text {
            Text::OptionName(index) => written(texts.options.get(index)?.name.as_ref().filter(|_| is_first)),
            Text::OptionValue(index) => {
                let value = product.variants.get(row)?.values.get(index)?;
                texts.options.get(index)?.values.as_ref()?.get(value).map(|word| Cow::Borrowed(word.as_str()))
            }
            _ if !is_first => None,
            Text::Title => written(texts.title.as_ref()),
            Text::Body => written(texts.body_html.as_ref()),
            Text::SeoTitle => written(texts.seo_title.as_ref()),
            Text::SeoDescription => written(texts.seo_description.as_ref()),
        }
    }
}

fn written<T: AsRef<str>>(told: Option<&Option<T>>) -> Option<Cow<'_, str>> {
    told?.as_ref().map(|text| Cow::Borrowed(text.as_ref()))
}

/// The columns of a file that speak of languages, with their indexes; none of those that are `taken`.
pub(super) fn columns_in(
    names: &[String],
    taken: impl Fn(usize) -> bool,
    line: u64,
) -> Result<Vec<(usize, TextColumn)>, FileError> {
    let (mut found, mut languages): (Vec<(usize, TextColumn)>, BTreeSet<ContentLanguage>) = Default::default();
    for (index, name) in names.iter().enumerate().filter(|(index, _)| !taken(*index)) {
        let Some(column) = TextColumn::of(name) else { continue };
        if found.iter().any(|(_, known)| *known == column) {
            return Err(FileError(RowError::new(line, name, Fault::DuplicateColumn)));
        }
        if let TextColumn::Text(language, _) = &column {
            languages.insert(language.clone());
            if languages.len() > ContentLanguage::MOST {
                return Err(FileError(RowError::new(line, name, Fault::TooManyLanguages)));
            }
        }
        found.push((index, column));
    }
    Ok(found)
}

/// The headers for the language of products and for their texts in these languages.
pub fn text_headers<'a>(languages: impl IntoIterator<Item = &'a ContentLanguage>) -> Vec<String> {
    let headers = |language: &'a ContentLanguage| {
        TEXTS.iter().map(move |(_, column)| format!("{} / {language}", column.header()))
    };
    std::iter::once(LANGUAGE.to_owned()).chain(languages.into_iter().flat_map(headers)).collect()
}

/// Whether a column speaks of the language of products, or has texts in another one.
pub fn is_text_header(header: &str) -> bool {
    TextColumn::of(header).is_some()
}

/// The other languages in which a file with these columns has texts.
pub fn text_languages(headers: &[String]) -> BTreeSet<ContentLanguage> {
    let language = |header: &String| match TextColumn::of(header)? {
        TextColumn::Language => None,
        TextColumn::Text(language, _) => Some(language),
    };
    headers.iter().filter_map(language).collect()
}

/// The product with what it has in these columns, which stand among those that are only kept.
pub(super) fn with_texts<'a>(product: &'a ProductDraft, columns: &[(usize, TextColumn)]) -> Cow<'a, ProductDraft> {
    if columns.is_empty() {
        return Cow::Borrowed(product);
    }
    let mut written = product.clone();
    let is_other = |(position, _): &(usize, String)| columns.iter().all(|(at, _)| at != position);
    written.kept.retain(is_other);
    for (row, variant) in written.variants.iter_mut().enumerate() {
        variant.kept.retain(is_other);
        let cell = |(at, column): &(usize, TextColumn)| Some((*at, column.cell(product, row)?.into_owned()));
        variant.kept.extend(columns.iter().filter_map(cell));
    }
    if written.variants.is_empty() {
        let cell = |(at, column): &(usize, TextColumn)| Some((*at, column.cell(product, 0)?.into_owned()));
        written.kept.extend(columns.iter().filter_map(cell));
    }
    Cow::Owned(written)
}

impl TextsDraft {
    /// Puts the words where the options are that have names, and forgets those of others. Without any names, they are
    /// where the stored options are.
    pub(super) fn move_words(&mut self, names: &[Option<Name>; MAX_OPTIONS]) {
        if names.iter().all(Option::is_none) {
            return;
        }
        let words = std::mem::take(&mut self.options);
        let (named, mut others): (Vec<_>, Vec<_>) = words.into_iter().zip(names).partition(|(_, name)| name.is_some());
        others.iter_mut().for_each(|(words, _)| words.clear());
        for (slot, (words, _)) in self.options.iter_mut().zip(named.into_iter().chain(others)) {
            *slot = words;
        }
    }
}
