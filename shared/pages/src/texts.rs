//! What pages say, in every language: a table for each, in which no message can be missing.

use std::sync::OnceLock;

use domain::catalog::Category;

use crate::plural::{Plural, plural};
use crate::{Language, to_cyrillic};

pub use crate::languages::messages::Texts;

impl Texts {
    /// The messages of a language.
    pub fn of(language: Language) -> &'static Self {
        static CYRILLIC: OnceLock<Texts> = OnceLock::new();
        match language {
            Language::En => &crate::languages::en::TEXTS,
            Language::Ru => &crate::languages::ru::TEXTS,
            Language::Uz => &crate::languages::uz::TEXTS,
            Language::Zh => &crate::languages::zh::TEXTS,
            // Once for each process: what is leaked is as long as the table.
            Language::UzCyrl => {
                CYRILLIC.get_or_init(|| crate::languages::uz::TEXTS.map(|text| to_cyrillic(text).leak()))
            }
        }
    }
}

/// What the operator has written, given by tags of languages: in the language of a page, or else in the one that its
/// readers understand best, with its tag. Uzbek that is there in Latin script alone is transliterated.
pub fn operators_text<'a>(
    texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    language: Language,
) -> Option<(String, String)> {
    let texts: Vec<(&str, &str)> = texts.into_iter().collect();
    let in_one = |wanted: Language| {
        let mut fitting = texts.iter().filter(|(tag, _)| Language::from_tag(tag) == Some(wanted));
        let exact = texts.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(wanted.tag()));
        exact.or_else(|| fitting.next()).map(|(_, text)| (wanted.tag().to_owned(), (*text).to_owned()))
    };
    let transliterated = || {
        let (_, latin) = (language == Language::UzCyrl).then(|| in_one(Language::Uz))??;
        Some((language.tag().to_owned(), to_cyrillic(&latin)))
    };
    // Who reads one script of Uzbek reads the other, and most of them Russian.
    let near = [Language::Uz, Language::UzCyrl, Language::Ru, Language::En].into_iter();
    let near = near.skip(if matches!(language, Language::Uz | Language::UzCyrl) { 0 } else { 3 });
    let any = || texts.first().map(|(tag, text)| ((*tag).to_owned(), (*text).to_owned()));
    in_one(language).or_else(transliterated).or_else(|| near.filter_map(in_one).next()).or_else(any)
}

/// The name of a category in the language of a page, else its own. One that is there in Uzbek's Latin script alone is
/// transliterated: names are short.
pub fn category_name(category: &Category, language: Language) -> String {
    let Some(wanted) = language.content() else { return category.name.to_string() };
    category.name_in(&wanted).to_string()
}

/// A message with its places filled in.
pub fn fill(message: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(message.len() + 16);
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            filled.push_str(value);
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The form of a message for a number, with the number in the place of `{n}`.
pub fn count(message: &str, n: u64, language: Language) -> String {
    let form = match (language, plural(n, language)) {
        (_, Plural::One) => 0,
        (Language::Ru, Plural::Few) => 1,
        (Language::Ru, _) => 2,
        _ => 1,
    };
    let forms: Vec<&str> = message.split('|').collect();
    let chosen = forms.get(form).or(forms.last()).copied().unwrap_or_default();
    let number = crate::number(i64::try_from(n).unwrap_or(i64::MAX), language);
    fill(chosen, &[("n", &number)])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn places(message: &str) -> BTreeSet<&str> {
        message.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_message_has_the_same_places_in_every_language() {
        let english = Texts::of(Language::En).all();
        for language in Language::ALL {
            for ((name, english), (_, other)) in english.iter().zip(Texts::of(language).all()) {
                assert_eq!(places(english), places(other), "{name} in {language:?}: {other}");
                assert!(!other.trim().is_empty(), "{name} is empty in {language:?}");
            }
        }
    }

    #[test]
    fn a_message_with_a_number_has_the_forms_of_its_language() {
        let english = Texts::of(Language::En).all();
        for language in Language::ALL {
            let forms = match language {
                Language::Ru => 3,
                Language::Zh => 1,
                _ => 2,
            };
            for ((name, english), (_, other)) in english.iter().zip(Texts::of(language).all()) {
                let expected = if english.contains('|') { forms } else { 1 };
                assert_eq!(other.split('|').count(), expected, "{name} in {language:?}: {other}");
            }
        }
    }

    #[test]
    fn what_the_operator_has_written_is_read_in_the_language_that_fits_best() {
        let all = [("en", "Hello"), ("ru-RU", "Привет"), ("uz", "Salom"), ("zh-Hans", "你好")];
        let read = |texts: &[(&'static str, &'static str)], language| {
            operators_text(texts.iter().copied(), language).map(|(tag, text)| format!("{tag}: {text}"))
        };
        let of_all = Language::ALL.map(|language| read(&all, language).unwrap());
        assert_eq!(of_all, ["uz: Salom", "uz-Cyrl: Салом", "ru: Привет", "en: Hello", "zh: 你好"]);
        let without =
            |left_out: &str| all.iter().copied().filter(|(tag, _)| !tag.starts_with(left_out)).collect::<Vec<_>>();
        assert_eq!(read(&without("uz"), Language::UzCyrl).as_deref(), Some("ru: Привет"));
        assert_eq!(read(&without("zh"), Language::Zh).as_deref(), Some("en: Hello"));
        assert_eq!(read(&[("uz-Cyrl", "Салом")], Language::Uz).as_deref(), Some("uz-Cyrl: Салом"));
        assert_eq!(read(&[("kk", "Сәлем")], Language::En).as_deref(), Some("kk: Сәлем"));
        assert_eq!(read(&[], Language::En), None);
    }

    #[test]
    fn a_message_is_filled_and_what_is_filled_in_is_not_read_again() {
        assert_eq!(fill("{a} of {b}{c}", &[("a", "{b}"), ("b", "2")]), "{b} of 2");
        assert_eq!(fill("no { place", &[]), "no { place");
        assert_eq!(count("{n} item|{n} items", 1, Language::En), "1 item");
        assert_eq!(count("{n} item|{n} items", 1_200, Language::En), "1,200 items");
        let goods = "{n} товар|{n} товара|{n} товаров";
        let said = [1, 3, 11, 21].map(|n| count(goods, n, Language::Ru));
        assert_eq!(said, ["1 товар", "3 товара", "11 товаров", "21 товар"]);
        assert_eq!(count("{n} 件商品", 5, Language::Zh), "5 件商品");
    }
}
