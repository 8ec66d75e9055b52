//! Tags of languages.

mod content_language;
mod in_languages;

use std::ops::Deref;

use serde::{Deserialize, Deserializer, de};

pub use self::content_language::{ContentLanguage, Script};
pub use self::in_languages::InLanguages;

/// A language tag: two or three lower-case letters, then subtags of two to eight letters and digits after hyphens; at
/// most 35 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageTag(String);

impl LanguageTag {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut subtags = text.split('-');
        let language = subtags.next().is_some_and(|subtag| {
            matches!(subtag.len(), 2 | 3) && subtag.bytes().all(|character| character.is_ascii_lowercase())
        });
        let rest = subtags.all(|subtag| {
            (2..=8).contains(&subtag.len()) && subtag.bytes().all(|character| character.is_ascii_alphanumeric())
        });
        (language && rest && text.len() <= 35).then(|| Self(text.to_owned()))
    }
}

impl Deref for LanguageTag {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<LanguageTag> for String {
    fn from(tag: LanguageTag) -> Self {
        tag.0
    }
}

/// A tag on the wire is a text.
impl utoipa::PartialSchema for LanguageTag {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for LanguageTag {}

impl<'de> Deserialize<'de> for LanguageTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("must be the tag of a language, such as uz"))
    }
}
