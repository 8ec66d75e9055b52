//! What is said of a product in other languages than its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::product_fault::{FoundFault, ProductFault};
use super::{Product, ProductOption, Seo};
use crate::code::pointer_part;
use crate::text::{ContentLanguage, InLanguages, Name, Script, Title};

/// The most characters of a title in a list, where it stands in several languages.
const MAX_LISTED_TITLE: usize = 120;

/// The texts of a product in another language than its own. What is missing is shown in the product's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Translation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub seo: Seo,
    /// By the option's own name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<Name, OptionWords>,
}

/// How an option and its values are called in another language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionWords {
    /// Name of the option.
    #[serde(default, deserialize_with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Its values, by the product's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<Name, Name>,
}

impl OptionWords {
    pub fn is_empty(&self) -> bool {
        self.name.is_none() && self.values.is_empty()
    }
}

fn is_empty(seo: &Seo) -> bool {
    seo.title.is_none() && seo.description.is_none()
}

impl Translation {
    pub fn is_empty(&self) -> bool {
        self.title.is_none() && is_empty(&self.seo) && self.options.is_empty()
    }

    fn name_of<'a>(&'a self, option: &'a ProductOption) -> &'a Name {
        self.options.get(&option.name).and_then(|words| words.name.as_ref()).unwrap_or(&option.name)
    }

    fn value_of<'a>(&'a self, option: &ProductOption, value: &'a Name) -> &'a Name {
        self.options.get(&option.name).and_then(|words| words.values.get(value)).unwrap_or(value)
    }
}

/// In which language a product is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The language that its texts are written in; nothing where it is not known.
    pub written: Option<ContentLanguage>,
    /// Whether they are those of a translation, not the product's own.
    is_translated: bool,
    /// What was done with them for who asked.
    pub script: Script,
    /// The language that was asked for.
    wanted: ContentLanguage,
}

impl Wording {
    /// The language that the texts are in as they are shown; nothing where it is not known.
    pub fn shown(&self) -> Option<&ContentLanguage> {
        if self.script == Script::AsWritten { self.written.as_ref() } else { Some(&self.wanted) }
    }

    /// The product's description: `own`, or one of the `descriptions` in other languages.
    pub fn description(&self, own: String, descriptions: &InLanguages<String>) -> String {
        let translated = self.written.as_ref().filter(|_| self.is_translated).and_then(|tag| descriptions.get(tag));
        match (translated, self.is_translated) {
            (Some(translated), _) => self.script.write(translated).into_owned(),
            (None, true) => own,
            (None, false) => self.script.write(&own).into_owned(),
        }
    }
}

impl Product {
    /// The language in which it is shown to who asks for one: that, or another form of it; else its own.
    pub fn wording(&self, wanted: &ContentLanguage) -> Wording {
        let written = wanted.nearest(self.translations.languages().chain(&self.language));
        let is_translated = written.is_some_and(|written| self.translations.get(written).is_some());
        let script = written.map_or(Script::AsWritten, |written| wanted.script_from(written));
        let written = written.or(self.language.as_ref()).cloned();
        Wording { written, is_translated, script, wanted: wanted.clone() }
    }

    /// Shows its texts in a language: title, options, values of variants, and what search engines get. It is for who
    /// reads it, and never written.
    pub fn show_in(&mut self, wanted: &ContentLanguage) -> Wording {
        let wording = self.wording(wanted);
        let translations = std::mem::take(&mut self.translations);
        let translation = wording.written.as_ref().and_then(|written| translations.get(written));
        let translation = translation.filter(|_| wording.is_translated);
        if translation.is_none() && wording.script == Script::AsWritten {
            return wording;
        }
        let empty = Translation::default();
        let said = translation.unwrap_or(&empty);
        let script = wording.script;
        // Where a text is missing in the translation the product's own stands there, in whatever script it is.
        let own = if translation.is_some() { Script::AsWritten } else { script };
        let (options, seo) = (self.options.clone(), std::mem::take(&mut self.seo));
        if let Some(title) = &said.title {
            self.title = script.title(title);
            self.seo = said.seo.clone();
        } else {
            self.title = own.title(&self.title);
            self.seo = if is_empty(&said.seo) { seo } else { said.seo.clone() };
        }
        let word = |own_word: &Name, shown: &Name| if own_word == shown { own } else { script }.name(shown);
        for variant in &mut self.variants {
            for (option, value) in options.iter().zip(&mut variant.values) {
                *value = word(value, said.value_of(option, value));
            }
        }
        for (option, shown) in options.iter().zip(&mut self.options) {
            shown.name = word(&option.name, said.name_of(option));
            shown.values = option.values.iter().map(|value| word(value, said.value_of(option, value))).collect();
        }
        wording
    }

    /// Its titles for lists, by the tags of their languages: as they are written, Uzbek in both scripts, and each also
    /// for who asks for its language without script and country. Cut, because every list has all of them.
    pub fn listed_titles(&self) -> BTreeMap<String, String> {
        let translated = self.translations.iter().filter_map(|(tag, said)| Some((tag, said.title.as_ref()?)));
        let written: Vec<(&ContentLanguage, &Title)> =
            translated.chain(self.language.iter().map(|own| (own, &self.title))).collect();
        if written.len() < 2 && self.translations.is_empty() && !written.iter().any(|(tag, _)| tag.is_uzbek()) {
            // It is the title that the card has.
            return BTreeMap::new();
        }
        let cut = |title: &str| title.chars().take(MAX_LISTED_TITLE).collect::<String>();
        let mut titles: BTreeMap<String, String> =
            written.iter().map(|(tag, title)| (tag.to_string(), cut(title.as_str()))).collect();
        for form in ContentLanguage::uzbek() {
            if let Some((tag, title)) = form
                .nearest(written.iter().map(|(tag, _)| *tag))
                .and_then(|nearest| written.iter().find(|(tag, _)| *tag == nearest))
                && tag.is_uzbek()
            {
                let made = || cut(&form.script_from(tag).write(title.as_str()));
                titles.entry(form.to_string()).or_insert_with(made);
            }
        }
        for (tag, title) in written {
            titles.entry(tag.primary().to_owned()).or_insert_with(|| cut(title.as_str()));
        }
        titles
    }

    /// Forgets words of options and values that it does not have any more. A language in which nothing else is said
    /// stays: there may be a description in it.
    pub fn forget_words(&mut self) {
        let options = &self.options;
        let translations = std::mem::take(&mut self.translations).into_iter().map(|(language, mut said)| {
            said.options.retain(|name, words| {
                let Some(option) = options.iter().find(|option| option.name == *name) else { return false };
                words.values.retain(|value, _| option.values.contains(value));
                !words.is_empty()
            });
            (language, said)
        });
        self.translations = translations.collect();
    }

    pub(super) fn translation_faults(&self) -> Vec<FoundFault> {
        let mut found = Vec::new();
        if self.translations.len() > ContentLanguage::MOST {
            let detail = format!("at most {} languages", ContentLanguage::MOST);
            let fault = FoundFault::new(ProductFault::TooManyLanguages, "/translations", detail);
            found.push(FoundFault { number: Some(self.translations.len()), ..fault });
            return found;
        }
        for (language, said) in &self.translations {
            let pointer = format!("/translations/{language}");
            if self.language.as_ref() == Some(language) {
                let detail = "this is the language of the product's own texts";
                found.push(FoundFault::new(ProductFault::OwnLanguageTwice, pointer.clone(), detail));
            }
            for (name, words) in &said.options {
                let pointer = format!("{pointer}/options/{}", pointer_part(name.as_str()));
                let Some(option) = self.options.iter().find(|option| option.name == *name) else {
                    found.push(FoundFault::new(ProductFault::UnknownWord, pointer, "the product has no such option"));
                    continue;
                };
                for value in words.values.keys().filter(|value| !option.values.contains(value)) {
                    let pointer = format!("{pointer}/values/{}", pointer_part(value.as_str()));
                    found.push(FoundFault::new(ProductFault::UnknownWord, pointer, "the option has no such value"));
                }
            }
            // As buyers see them: a word that is not translated may be that of another one.
            let mut names = BTreeSet::new();
            for option in &self.options {
                let pointer = format!("{pointer}/options/{}", pointer_part(option.name.as_str()));
                if !names.insert(said.name_of(option)) {
                    let detail = "two options are called alike in this language";
                    found.push(FoundFault::new(ProductFault::SameWord, format!("{pointer}/name"), detail));
                }
                let mut values = BTreeSet::new();
                for value in option.values.iter().filter(|value| !values.insert(said.value_of(option, value))) {
                    let pointer = format!("{pointer}/values/{}", pointer_part(value.as_str()));
                    let detail = "two values are called alike in this language";
                    found.push(FoundFault::new(ProductFault::SameWord, pointer, detail));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn language(tag: &str) -> ContentLanguage {
        ContentLanguage::parse(tag).unwrap()
    }

    /// A bowl whose own texts are in Uzbek, with Russian ones, and a title in Chinese.
    fn bowl() -> Product {
        let id = |ordinal| crate::VariantId::new(crate::ProductId::from_bits(1), ordinal);
        let variant = |ordinal, value| json!({"id": id(ordinal), "values": [value], "prices": [], "ordinal": ordinal});
        serde_json::from_value(json!({
            "id": crate::ProductId::from_bits(1), "handle": "kosa", "title": "Kosa", "language": "uz", "state": "draft",
            "options": [{"name": "Rang", "values": ["Koʻk", "Oq"]}],
            "variants": [variant(1, "Koʻk"), variant(2, "Oq")],
            "seo": {"title": "Kosa — Rishton"},
            "translations": {
                "ru": {"title": "Миска", "options": {"Rang": {"name": "Цвет", "values": {"Koʻk": "Синий"}}}},
                "zh-Hans": {"title": "碗"}
            },
            "vendor": {"id": crate::VendorId::from_bits(2), "handle": "ceramics", "name": "Ceramics"},
            "created_at": "2026-11-30T00:00:00Z", "next_ordinal": 3,
        }))
        .unwrap()
    }

    /// Title, SEO title, name of the option and its values as they are shown, with the language that is said.
    fn shown(product: &Product, wanted: &str) -> (Vec<String>, Option<String>) {
        let mut product = product.clone();
        let wording = product.show_in(&language(wanted));
        assert!(product.translations.is_empty(), "nobody reads them twice");
        let mut texts = vec![product.title.to_string()];
        texts.extend(product.seo.title.iter().map(ToString::to_string));
        for option in &product.options {
            texts.push(option.name.to_string());
            texts.extend(option.values.iter().map(ToString::to_string));
        }
        let values: Vec<&Name> = product.variants.iter().flat_map(|variant| &variant.values).collect();
        assert_eq!(values, product.options[0].values.iter().collect::<Vec<_>>(), "variants have the same words");
        (texts, wording.shown().map(ToString::to_string))
    }

    #[test]
    fn a_product_is_shown_in_the_language_that_is_asked_for_and_else_in_its_own() {
        let expect = |wanted: &str, texts: &[&str], said: &str| {
            let (found, language) = shown(&bowl(), wanted);
            assert_eq!(
                (found.iter().map(String::as_str).collect::<Vec<_>>(), language.as_deref()),
                (texts.to_vec(), Some(said)),
                "{wanted}"
            );
        };
        expect("uz", &["Kosa", "Kosa — Rishton", "Rang", "Koʻk", "Oq"], "uz");
        expect("uz-Cyrl", &["Коса", "Kosa — Rishton", "Ранг", "Кўк", "Оқ"], "uz-Cyrl");
        // What is missing in the translation stands in the product's own language.
        expect("ru", &["Миска", "Цвет", "Синий", "Oq"], "ru");
        expect("ru-RU", &["Миска", "Цвет", "Синий", "Oq"], "ru");
        expect("zh", &["碗", "Rang", "Koʻk", "Oq"], "zh-Hans");
        expect("en", &["Kosa", "Kosa — Rishton", "Rang", "Koʻk", "Oq"], "uz");
        let unknown = Product { language: None, ..bowl() };
        assert_eq!(shown(&unknown, "uz-Cyrl").1, None, "nobody says that it is Uzbek");
    }

    #[test]
    fn a_description_follows_the_texts_beside_it() {
        let descriptions: InLanguages<String> = [(language("ru"), "<p>Глина</p>".to_owned())].into_iter().collect();
        let said = |wanted: &str| bowl().wording(&language(wanted)).description("<p>Loy</p>".to_owned(), &descriptions);
        assert_eq!(
            ["ru", "uz", "uz-Cyrl", "zh", "en"].map(said),
            ["<p>Глина</p>", "<p>Loy</p>", "<p>Лой</p>", "<p>Loy</p>", "<p>Loy</p>"]
        );
    }

    #[test]
    fn lists_have_each_title_once_cut_and_uzbek_in_both_scripts() {
        let titles = bowl().listed_titles();
        let titles: Vec<(&str, &str)> = titles.iter().map(|(tag, title)| (tag.as_str(), title.as_str())).collect();
        assert_eq!(titles, [("ru", "Миска"), ("uz", "Kosa"), ("uz-Cyrl", "Коса"), ("zh", "碗"), ("zh-Hans", "碗")]);
        let mut long = bowl();
        let title = Title::parse(&"ў".repeat(200)).unwrap();
        long.translations =
            [(language("uz-Cyrl"), Translation { title: Some(title), ..Translation::default() })].into_iter().collect();
        long.language = None;
        let titles = long.listed_titles();
        assert_eq!(titles["uz-Cyrl"].chars().count(), MAX_LISTED_TITLE);
        assert!(titles["uz"].starts_with("oʻoʻ"));
        let alone = Product { translations: InLanguages::new(), language: Some(language("ru")), ..bowl() };
        assert!(alone.listed_titles().is_empty(), "the card says it");
        let silent = Product { translations: InLanguages::new(), language: None, ..bowl() };
        assert!(silent.listed_titles().is_empty());
    }

    #[test]
    fn words_that_mean_nothing_or_the_same_are_refused_where_they_stand() {
        let faults = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut product = serde_json::to_value(bowl()).unwrap();
            change(&mut product);
            let product: Product = serde_json::from_value(product).unwrap();
            let faults = product.translation_faults();
            faults.into_iter().map(|found| format!("{} {}", found.pointer, found.fault.code())).collect::<Vec<_>>()
        };
        assert!(faults(&|_| {}).is_empty());
        assert_eq!(
            faults(&|product| product["translations"]["uz"] = json!({"title": "Kosa"})),
            ["/translations/uz product_own_language_twice"]
        );
        let words = |words: serde_json::Value| {
            move |product: &mut serde_json::Value| product["translations"]["ru"]["options"] = words.clone()
        };
        assert_eq!(
            faults(&words(json!({"A/b": {"name": "Цвет"}}))),
            ["/translations/ru/options/A~1b product_unknown_word"]
        );
        assert_eq!(
            faults(&words(json!({"Rang": {"values": {"Qizil": "Красный"}}}))),
            ["/translations/ru/options/Rang/values/Qizil product_unknown_word"]
        );
        assert_eq!(
            faults(&words(json!({"Rang": {"values": {"Koʻk": "Oq"}}}))),
            ["/translations/ru/options/Rang/values/Oq product_same_word"],
            "with the one that is not translated"
        );
        let tags = ["en", "ru", "kk", "ky", "tg", "tr", "zh", "de", "fr"];
        let many = |product: &mut serde_json::Value| {
            product["translations"] = tags.iter().map(|tag| ((*tag).to_owned(), json!({"title": "x"}))).collect();
        };
        assert_eq!(faults(&many), ["/translations product_too_many_languages"]);
    }

    #[test]
    fn words_of_what_is_gone_are_forgotten() {
        let mut product = bowl();
        product.options[0].values.remove(0);
        product.forget_words();
        let russian = product.translations.get(&language("ru")).unwrap();
        assert_eq!(russian.options.values().map(|words| words.values.len()).collect::<Vec<_>>(), [0]);
        product.options.clear();
        product.forget_words();
        assert!(product.translations.get(&language("ru")).unwrap().options.is_empty());
        assert!(product.translation_faults().is_empty());
    }
}
