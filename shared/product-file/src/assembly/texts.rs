//! Reads the language of a product and its texts in other languages.

use std::collections::BTreeMap;

use domain::text::{ContentLanguage, Line, LongText, Name, Title};

use super::{Assembly, body};
use crate::cells;
use crate::faults::{Fault, RowError, shown_value};
use crate::header::Header;
use crate::product::TextsDraft;
use crate::row::Row;
use crate::texts::{Text, TextColumn};

/// What the rows of a product say of languages.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) language: Option<Option<ContentLanguage>>,
    pub(super) texts: BTreeMap<ContentLanguage, TextsDraft>,
}

impl Texts {
    /// Empty cells in all columns that the file has.
    pub(super) fn of(header: &Header) -> Self {
        let mut all = Self::default();
        for (_, column) in header.texts() {
            match column {
                TextColumn::Language => all.language = Some(None),
                TextColumn::Text(language, text) => {
                    let texts = all.texts.entry(language.clone()).or_default();
                    match *text {
                        Text::Title => texts.title = Some(None),
                        Text::Body => texts.body_html = Some(None),
                        Text::SeoTitle => texts.seo_title = Some(None),
                        Text::SeoDescription => texts.seo_description = Some(None),
                        Text::OptionName(index) => {
                            if let Some(option) = texts.options.get_mut(index) {
                                option.name = Some(None);
                            }
                        }
                        Text::OptionValue(index) => {
                            if let Some(option) = texts.options.get_mut(index) {
                                option.values = Some(BTreeMap::new());
                            }
                        }
                    }
                }
            }
        }
        all
    }

    /// An estimate of the bytes held in memory.
    pub(super) fn held(&self) -> usize {
        let of_text = |texts: &TextsDraft| {
            let body = texts.body_html.as_ref().and_then(Option::as_ref).map_or(0, String::len);
            let values = texts.options.iter().filter_map(|option| option.values.as_ref());
            size_of::<TextsDraft>() + body + values.map(|values| values.len() * 250).sum::<usize>()
        };
        self.texts.values().map(of_text).sum()
    }
}

/// Keeps what an earlier row said.
fn put<T>(slot: &mut Option<Option<T>>, text: Option<T>) {
    if text.is_some() {
        *slot = Some(text);
    }
}

impl Assembly {
    /// Adds the texts of a row: of the product in the row that speaks for it, of options in any, of their values in
    /// those of variants.
    pub(super) fn add_texts(&mut self, row: Row<'_>, is_of_product: bool, is_of_variant: bool) {
        for (index, column) in row.header.texts() {
            let index = *index;
            match column {
                TextColumn::Language if is_of_product => {
                    let read = self.read_at(row, index, |text| {
                        let language = ContentLanguage::parse(text).map(Some).ok_or(Fault::BadLanguage);
                        cells::or_instead(language, None, Fault::BadLanguage)
                    });
                    match read {
                        // One that is none says nothing, not that there is none.
                        Some(None) => self.texts.language = None,
                        read => put(&mut self.texts.language, read.flatten()),
                    }
                }
                TextColumn::Text(language, Text::OptionName(option)) => {
                    let Some(word) = self.read_at(row, index, |text| cells::line(text, Name::parse)) else { continue };
                    let texts = self.texts.texts.entry(language.clone()).or_default();
                    let Some(option) = texts.options.get_mut(*option) else { continue };
                    match option.name.as_ref().and_then(Option::as_ref) {
                        Some(known) if *known != word => self.report_at(row, index, Fault::WordChanged),
                        _ => option.name = Some(Some(word)),
                    }
                }
                TextColumn::Text(language, Text::OptionValue(option)) if is_of_variant => {
                    self.add_word(row, index, language, *option);
                }
                TextColumn::Text(language, text) if is_of_product => self.add_text(row, index, language, *text),
                TextColumn::Language | TextColumn::Text(..) => {}
            }
        }
    }

    /// Adds the word for a value of the variant that was read last.
    fn add_word(&mut self, row: Row<'_>, index: usize, language: &ContentLanguage, option: usize) {
        let Some(word) = self.read_at(row, index, |text| cells::line(text, Name::parse)) else { return };
        let line = row.record.line();
        // Beyond the most variants there is none of this row.
        let Some(variant) = self.variants.last().filter(|variant| variant.line == line) else { return };
        let Some(value) = variant.values.get(option).cloned().flatten() else {
            return self.report_at(row, index, Fault::WordWithoutValue);
        };
        let texts = self.texts.texts.entry(language.clone()).or_default();
        let Some(option) = texts.options.get_mut(option) else { return };
        let words = option.values.get_or_insert_default();
        match words.get(&value) {
            Some(known) if *known != word => self.report_at(row, index, Fault::WordChanged),
            _ => drop(words.insert(value, word)),
        }
    }

    fn add_text(&mut self, row: Row<'_>, index: usize, language: &ContentLanguage, text: Text) {
        let mut texts = self.texts.texts.remove(language).unwrap_or_default();
        match text {
            Text::Title => {
                put(&mut texts.title, self.read_at(row, index, |text| cells::line(text, Title::parse)));
            }
            Text::Body => {
                let read = self.read_at(row, index, body);
                put(&mut texts.body_html, read.filter(|body| !body.is_empty()));
            }
            Text::SeoTitle => {
                put(&mut texts.seo_title, self.read_at(row, index, |text| cells::line(text, Line::parse)));
            }
            Text::SeoDescription => {
                let read = self.read_at(row, index, |text| cells::mended(text, LongText::parse));
                put(&mut texts.seo_description, read);
            }
            // They are read in other rows as well.
            Text::OptionName(_) | Text::OptionValue(_) => {}
        }
        self.texts.texts.insert(language.clone(), texts);
    }

    fn read_at<T>(&mut self, row: Row<'_>, index: usize, parse: impl FnOnce(&str) -> cells::Cell<T>) -> Option<T> {
        self.read_cell(row, row.bytes_at(index), row.header.name(index), parse)
    }

    fn report_at(&mut self, row: Row<'_>, index: usize, fault: Fault) {
        let value = shown_value(row.bytes_at(index));
        self.add_report(RowError { value, ..RowError::new(row.record.line(), row.header.name(index), fault) });
    }
}
