//! The languages in which vendors and the operator write.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::LanguageTag;
use crate::text::{Name, Title, content_to_cyrillic, to_latin};

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
        self.0.split('-').any(|subtag| subtag == "Cyrl")
    }

    /// What has to be done with a text in another form of the language so that it is in this one.
    pub fn script_from(&self, written: &Self) -> Script {
        match (self.is_uzbek() && written.is_uzbek(), written.is_cyrillic(), self.is_cyrillic()) {
            (true, false, true) => Script::ToCyrillic,
            (true, true, false) => Script::ToLatin,
            _ => Script::AsWritten,
        }
    }

    /// Which of the languages that something is written in is the one that is asked for, else another form of it: who
    /// reads one script of Uzbek reads the other.
    pub fn nearest<'a>(&self, written: impl IntoIterator<Item = &'a Self> + Clone) -> Option<&'a Self> {
        let exact = written.clone().into_iter().find(|language| *language == self);
        exact.or_else(|| written.into_iter().find(|language| language.primary() == self.primary()))
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

    /// A title that would be too long in the other script stays as it is written.
    pub fn title(self, title: &Title) -> Title {
        if self == Self::AsWritten {
            return title.clone();
        }
        Title::parse(&self.write(title.as_str())).unwrap_or_else(|_| title.clone())
    }

    /// A name that would be too long in the other script stays as it is written.
    pub fn name(self, name: &Name) -> Name {
        if self == Self::AsWritten {
            return name.clone();
        }
        Name::parse(&self.write(name.as_str())).unwrap_or_else(|_| name.clone())
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
        Self::parse(&text).ok_or_else(|| de::Error::custom("must be the tag of a language, such as uz-Cyrl"))
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
        assert_eq!(Script::ToLatin.name(&long), long, "it would be too long");
    }
}
