//! The languages in which vendors and the operator write.

use std::borrow::Cow;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::LanguageTag;
use crate::stored::is_unjudged;
use crate::text::{content_to_cyrillic, to_latin};

/// A language in which a text is written: a language tag in its usual spelling, such as `uz-Cyrl` or `zh-Hans`, however
/// its letters were typed. At most 35 characters (RFC 5646, section 2.1.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ContentLanguage(String);

impl ContentLanguage {
    /// The most languages that a text is written in besides its own.
    pub const MOST: usize = 8;

    pub fn parse(text: &str) -> Option<Self> {
        let (primary, rest) = text.split_once('-').map_or((text, None), |(primary, rest)| (primary, Some(rest)));
        let mut usual = primary.to_ascii_lowercase();
        for subtag in rest.into_iter().flat_map(|rest| rest.split('-')) {
            usual.push('-');
            // A script has four letters, a country two; whatever else there is has small ones.
            match (subtag.len(), subtag.bytes().all(|byte| byte.is_ascii_alphabetic())) {
                (2, true) => usual.push_str(&subtag.to_ascii_uppercase()),
                (4, true) => {
                    let (first, others) = subtag.split_at_checked(1)?;
                    usual.push_str(&first.to_ascii_uppercase());
                    usual.push_str(&others.to_ascii_lowercase());
                }
                _ => usual.push_str(&subtag.to_ascii_lowercase()),
            }
        }
        LanguageTag::parse(&usual).map(|tag| Self(tag.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without script and country.
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// Uzbek in Latin and in Cyrillic script, each of which is made from the other.
    pub fn uzbek() -> [Self; 2] {
        ["uz", "uz-Cyrl"].map(|tag| Self(tag.to_owned()))
    }

    pub fn is_uzbek(&self) -> bool {
        self.primary() == "uz"
    }

    fn is_cyrillic(&self) -> bool {
        self.script() == Some("Cyrl")
    }

    /// What has to be done with a text in another form of the language so that it is in this one.
    pub fn script_from(&self, written: &Self) -> Script {
        match (self.is_uzbek() && written.is_uzbek(), written.is_cyrillic(), self.is_cyrillic()) {
            (true, false, true) => Script::ToCyrillic,
            (true, true, false) => Script::ToLatin,
            _ => Script::AsWritten,
        }
    }

    /// The script that it names, of four characters. Uzbek without one is in Latin script.
    fn script(&self) -> Option<&str> {
        let named = self.0.split('-').skip(1).find(|subtag| subtag.len() == 4 && !subtag.contains(char::is_numeric));
        named.or(self.is_uzbek().then_some("Latn"))
    }

    /// The tags that say less of the same language: with its script alone, and without.
    pub fn wider(&self) -> impl Iterator<Item = String> + use<> {
        let (primary, whole) = (self.primary().to_owned(), self.0.clone());
        let scripted = self.script().filter(|_| whole != primary).map(|script| format!("{primary}-{script}"));
        scripted.into_iter().chain([primary]).filter(move |wider| *wider != whole)
    }

    /// Which of the languages that something is written in is the one that is asked for, else another form of it, in
    /// the same script where there is one: who reads one script of Uzbek reads the other.
    pub fn nearest<'a>(&self, written: impl IntoIterator<Item = &'a Self> + Clone) -> Option<&'a Self> {
        let alike = |language: &&Self| language.primary() == self.primary();
        let exact = written.clone().into_iter().find(|language| *language == self);
        let in_script =
            || written.clone().into_iter().find(|language| alike(language) && language.script() == self.script());
        exact.or_else(in_script).or_else(|| written.clone().into_iter().find(alike))
    }
}

/// What is done with a text for who reads another script of its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    AsWritten,
    /// Uzbek into Cyrillic script.
    ToCyrillic,
    /// Uzbek into Latin script.
    ToLatin,
}

impl Script {
    pub fn write(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::AsWritten => Cow::Borrowed(text),
            Self::ToCyrillic => Cow::Owned(content_to_cyrillic(text)),
            Self::ToLatin => Cow::Owned(to_latin(text)),
        }
    }

    /// A text that would be too long in the other script, or empty, stays as it is written.
    pub fn of<T: Clone + AsRef<str> + FromStr>(self, text: &T) -> T {
        match self {
            Self::AsWritten => text.clone(),
            Self::ToCyrillic | Self::ToLatin => self.write(text.as_ref()).parse().unwrap_or_else(|_| text.clone()),
        }
    }
}

impl std::fmt::Display for ContentLanguage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ContentLanguage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        // A newer release may take more tags, and what is stored is never lost for one.
        let stored = || is_unjudged().then(|| Self(text.clone().into_owned()));
        let language = Self::parse(&text).or_else(stored);
        language.ok_or_else(|| de::Error::custom("must be the tag of a language, such as uz-Cyrl"))
    }
}

/// A tag on the wire is a text.
impl utoipa::PartialSchema for ContentLanguage {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for ContentLanguage {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Name;

    fn language(tag: &str) -> ContentLanguage {
        ContentLanguage::parse(tag).unwrap_or_else(|| panic!("{tag}"))
    }

    #[test]
    fn a_language_has_one_spelling_however_it_is_typed() {
        for (typed, usual) in [
            ("UZ", "uz"),
            ("uz-cyrl", "uz-Cyrl"),
            ("ZH-HANS-cn", "zh-Hans-CN"),
            ("en-gb", "en-GB"),
            ("es-419", "es-419"),
        ] {
            assert_eq!(language(typed).as_str(), usual);
            assert_eq!(language(usual).as_str(), usual);
            let read: ContentLanguage = serde_json::from_value(typed.into()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), usual);
        }
        for wrong in [
            "",
            "u",
            "uzbek",
            "uz-",
            "-uz",
            "uz--cyrl",
            "uz_cyrl",
            "ўз",
            "uz-Ўзбек",
            "ru-ru-ru-ru-ru-ru-ru-ru-ru-ru-ru-ru-ru",
        ] {
            assert_eq!(ContentLanguage::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_asked_for_is_found_in_its_own_form_first_and_then_in_another() {
        let written = ["en", "uz", "uz-Cyrl", "zh-Hans"].map(language);
        let nearest = |tag: &str| language(tag).nearest(&written).map(ContentLanguage::as_str);
        assert_eq!(
            ["uz", "uz-Cyrl", "zh", "en-GB", "ru"].map(nearest),
            [Some("uz"), Some("uz-Cyrl"), Some("zh-Hans"), Some("en"), None]
        );
        let latin = [language("uz")];
        assert_eq!(language("uz-Cyrl").nearest(&latin), Some(&latin[0]));
        // Another form in the same script comes first.
        let both = ["uz-Cyrl", "uz-Latn"].map(language);
        let nearest = |tag: &str| language(tag).nearest(&both).map(ContentLanguage::as_str);
        assert_eq!(["uz", "uz-UZ", "uz-Cyrl-UZ"].map(nearest), [Some("uz-Latn"), Some("uz-Latn"), Some("uz-Cyrl")]);
    }

    #[test]
    fn a_tag_is_said_with_less_step_by_step() {
        let wider = |tag: &str| language(tag).wider().collect::<Vec<_>>();
        assert_eq!(wider("zh-Hant-TW"), ["zh-Hant", "zh"]);
        assert_eq!(wider("uz-UZ"), ["uz-Latn", "uz"]);
        assert_eq!(wider("uz-Cyrl"), ["uz"]);
        assert_eq!(wider("ru-RU"), ["ru"]);
        assert!(wider("ru").is_empty());
    }

    #[test]
    fn uzbek_is_made_from_its_other_script_and_nothing_else_is() {
        let shown = |wanted: &str, written: &str, text: &str| {
            language(wanted).script_from(&language(written)).write(text).into_owned()
        };
        assert_eq!(shown("uz-Cyrl", "uz", "Koʻk kosa"), "Кўк коса");
        assert_eq!(shown("uz-Cyrl-UZ", "uz-Latn", "Koʻk kosa"), "Кўк коса");
        assert_eq!(shown("uz", "uz-Cyrl", "Кўк коса"), "Koʻk kosa");
        assert_eq!(shown("uz", "uz-Latn", "Koʻk kosa"), "Koʻk kosa");
        assert_eq!(shown("ru", "uz", "Koʻk kosa"), "Koʻk kosa");
        assert_eq!(shown("sr-Cyrl", "sr", "kosa"), "kosa");
        let long = Name::parse(&"ш".repeat(Name::MAX_LENGTH)).unwrap();
        assert_eq!(Script::ToLatin.of(&long), long, "it would be too long");
        let soft = Name::parse("Ь").unwrap();
        assert_eq!(Script::ToLatin.of(&soft), soft, "nothing would be left");
    }
}
