//! Texts of products in several languages.

use domain::job::FileFormat;
use domain::text::ContentLanguage;

use super::*;
use crate::{ProductWriter, RowCounter, TextsDraft, text_headers, text_languages};

fn language(tag: &str) -> ContentLanguage {
    ContentLanguage::parse(tag).unwrap()
}

fn text<T: ToString>(told: Option<&Option<T>>) -> Option<Option<String>> {
    told.map(|told| told.as_ref().map(ToString::to_string))
}

/// A text that is in the file.
fn some(text: &str) -> Option<Option<String>> {
    Some(Some(text.to_owned()))
}

/// The words of an option: its name, and those of its values beside these.
fn words(texts: &TextsDraft, option: usize) -> (Option<Option<String>>, Vec<String>) {
    let option = &texts.options[option];
    let values = option.values.iter().flatten().map(|(value, word)| format!("{value}: {word}"));
    (text(option.name.as_ref()), values.collect())
}

const BOWL: &str = "Handle,Title,Text Language,title/RU,Body (HTML) / ru,SEO Title / ru,seo description/ru,Option1 Name,\
    Option1 Name / ru,Option1 Value,Option1 Value / ru,Title / uz-cyrl,Variant Price\n\
    kosa,Kosa,UZ,Миска,<p>Глина</p><script>x</script>,Миски,Синие миски,Rang,Цвет,Koʻk,Синий,,1\n\
    kosa,,,,,,,,,Oq,,,1\nkosa,,,,,,,,,Qora,Чёрный,,1\n";

#[test]
fn texts_are_read_however_their_headers_are_spelled() {
    let [bowl] = <[ProductDraft; 1]>::try_from(products(BOWL)).unwrap();
    assert_eq!(bowl.language, Some(Some(language("uz"))));
    let russian = &bowl.texts[&language("ru")];
    assert_eq!(text(russian.title.as_ref()), some("Миска"));
    assert_eq!(russian.body_html, some("<p>Глина</p>"));
    assert_eq!(text(russian.seo_title.as_ref()), some("Миски"));
    assert_eq!(text(russian.seo_description.as_ref()), some("Синие миски"));
    let expected = ["Koʻk: Синий", "Qora: Чёрный"].map(str::to_owned).to_vec();
    assert_eq!(words(russian, 0), (some("Цвет"), expected));
    assert_eq!(words(russian, 1), (None, Vec::new()), "the file has no column for it");
    let cyrillic = &bowl.texts[&language("uz-Cyrl")];
    assert_eq!((&cyrillic.title, &cyrillic.body_html), (&Some(None), &None));
    assert!(warnings(BOWL).is_empty());
    let alias = "Handle,Title,Description / ru,Variant Price\na,A,<p>Глина</p>,1\n";
    assert_eq!(products(alias)[0].texts[&language("ru")].body_html, some("<p>Глина</p>"));
}

#[test]
fn what_was_written_reads_the_same() {
    let mut drafts = products(BOWL);
    let languages = [language("ru"), language("uz-Cyrl")];
    let kept: Vec<String> = text_headers(&languages).into_iter().chain(["Collection".to_owned()]).collect();
    assert_eq!(text_languages(&kept).into_iter().collect::<Vec<_>>(), languages);
    let writer = ProductWriter::new(FileFormat::Shopify, &kept);
    let mut file = Vec::new();
    writer.write_header(&mut file).unwrap();
    drafts[0].kept = vec![(kept.len() - 1, "Spring".to_owned())];
    writer.write(&mut file, &drafts[0]).unwrap();
    let again = products(&file);
    assert_eq!((&again[0].language, again[0].texts.keys().count()), (&drafts[0].language, 2));
    let (before, after) = (&drafts[0].texts[&language("ru")], &again[0].texts[&language("ru")]);
    assert_eq!((&after.title, &after.body_html), (&before.title, &before.body_html));
    assert_eq!((&after.seo_title, &after.seo_description), (&before.seo_title, &before.seo_description));
    assert_eq!(words(after, 0), words(before, 0));
    assert_eq!(again[0].kept, [(0, "Spring".to_owned())]);
}

#[test]
fn an_unknown_tag_is_a_column_that_is_only_kept() {
    let file = "Handle,Title,Title / russian,Price / ru,Variant Price\na,A,Миска,2,1\n";
    let mut row_counter = RowCounter::default();
    row_counter.feed(file.as_bytes()).unwrap();
    assert_eq!(row_counter.finish().unwrap().kept_columns, ["Title / russian", "Price / ru"]);
    assert!(products(file)[0].texts.is_empty());
}

#[test]
fn a_file_has_each_text_once_and_in_at_most_as_many_languages_as_a_product() {
    let header = |columns: &[&str]| format!("Handle,Title,Variant Price,{}\n", columns.join(","));
    assert_eq!(refusal(header(&["Title / ru", "title/RU"])), "1 \"title/RU\" duplicate_column");
    assert_eq!(refusal(header(&["Body / ru", "Description / ru"])), "1 \"Description / ru\" duplicate_column");
    let tags = ["en", "ru", "kk", "ky", "tg", "tr", "zh", "de", "fr"].map(|tag| format!("Title / {tag}"));
    let columns: Vec<&str> = tags.iter().map(String::as_str).collect();
    assert!(entries(header(&columns[..ContentLanguage::MOST])).is_empty());
    assert_eq!(refusal(header(&columns)), "1 \"Title / fr\" too_many_languages");
}

#[test]
fn what_cannot_be_taken_is_told_with_its_column() {
    let header =
        "Handle,Title,Text Language,Body (HTML) / ru,Option1 Name,Option1 Value,Option1 Value / ru,Variant Price\n";
    let file = |language: &str, body: &str, rows: &str| format!("{header}a,A,{language},{body},{rows}");
    assert_eq!(warnings(file("O'zbek", "", "Rang,Oq,,1\n")), ["a: 2 \"Text Language\" bad_language O'zbek"]);
    let lone = file("", "", "Rang,Oq,Белый,1\n").replace("Option1 Value / ru", "Option2 Value / ru");
    assert_eq!(warnings(lone), ["a: 2 \"Option2 Value / ru\" word_without_value Белый"]);
    let long = "ш".repeat(40_001);
    assert_eq!(errors(file("", &long, "Rang,Oq,,1\n")), ["a: 2 \"Body (HTML) / ru\" text_too_long"]);
}

#[test]
fn of_two_words_for_one_value_the_first_is_taken() {
    let file = "Handle,Title,Option1 Name,Option1 Value,Option1 Value / ru,Option2 Name,Option2 Value,Variant Price\n\
        a,A,Rang,Oq,Белый,Hajm,S,1\na,,,Oq,Светлый,,M,1\na,,,Oq,,,L,1\n";
    assert_eq!(warnings(file), ["a: 3 \"Option1 Value / ru\" word_changed Светлый"]);
    assert_eq!(words(&products(file)[0].texts[&language("ru")], 0).1, ["Oq: Белый"]);
}
