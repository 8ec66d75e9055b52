//! Text that people write, bounded and clean. A value that exists was checked.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// It has fewer characters than it must have.
    #[error("must not be empty")]
    Empty,
    /// It has more characters than it may have.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// It holds control characters.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// It does not have the form of its kind.
    #[error("{0}")]
    Form(&'static str),
}

fn checked(text: &str, min_length: usize, max_length: usize, lines: bool) -> Result<&str, BadText> {
    let trimmed = text.trim();
    let length = trimmed.chars().count();
    if length < min_length {
        Err(BadText::Empty)
    } else if length > max_length {
        Err(BadText::TooLong(max_length))
    } else if trimmed
        .chars()
        .any(|character| character.is_control() && !(lines && matches!(character, '\n' | '\r' | '\t')))
    {
        Err(BadText::ControlCharacter)
    } else {
        Ok(trimmed)
    }
}

fn as_written(text: &str) -> Result<String, BadText> {
    Ok(text.to_owned())
}

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident: $min_length:literal..=$max_length:literal, lines: $lines:literal, $form:path, $example:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The most characters it may have.
            pub const MAX_LENGTH: usize = $max_length;

            /// Checks and trims a text.
            pub fn parse(text: &str) -> Result<Self, BadText> {
                let trimmed = checked(text, $min_length, $max_length, $lines)?;
                $form(trimmed).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadText;
            fn from_str(text: &str) -> Result<Self, BadText> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, formatter)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&Cow::<'de, str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .min_length(Some($min_length))
                    .max_length(Some($max_length))
                    .examples([$example])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )+};
}

texts! {
    /// The name of a thing in an address: lower-case letters and digits in groups, joined by hyphens.
    Handle: 1..=100, lines: false, handle, "blue-bowl";
    /// What a product is called.
    Title: 1..=250, lines: false, as_written, "Blue bowl, hand painted";
    /// What a person, a shop or an option is called.
    Name: 1..=100, lines: false, as_written, "Chorsu Ceramics";
    /// A seller's own number for a variant.
    Sku: 1..=64, lines: false, as_written, "BOWL-BLUE-M";
    /// One line of text.
    Line: 1..=250, lines: false, as_written, "12 Navoi Street";
    /// A few paragraphs, or the source of a description.
    LongText: 0..=40_000, lines: true, as_written, "Painted by hand in Rishtan.";
    /// An e-mail address, in lower case.
    Email: 3..=254, lines: false, email, "buyer@bozor.test";
    /// A telephone number.
    Phone: 3..=32, lines: false, phone, "+998 71 200 00 00";
}

fn handle(text: &str) -> Result<String, BadText> {
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    if !text.chars().all(plain) || text.starts_with('-') || text.ends_with('-') || text.contains("--") {
        return Err(BadText::Form("must be lower-case letters and digits, in groups joined by single hyphens"));
    }
    Ok(text.to_owned())
}

fn email(text: &str) -> Result<String, BadText> {
    const FORM: BadText = BadText::Form("must be an e-mail address");
    let (local, host) = text.rsplit_once('@').ok_or(FORM)?;
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let local_characters = |character: char| character.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(character);
    let host_characters = |character: char| character.is_alphanumeric() || character == '-' || character == '.';
    if local.chars().count() > 64
        || !plain(local)
        || !plain(host)
        || !host.contains('.')
        || !local.chars().all(local_characters)
        || !host.chars().all(host_characters)
    {
        return Err(FORM);
    }
    Ok(text.to_lowercase())
}

fn phone(text: &str) -> Result<String, BadText> {
    let known = |character: char| character.is_ascii_digit() || "+-() ./".contains(character);
    if text.chars().all(known) && text.chars().any(|character| character.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(BadText::Form("must be a telephone number"))
    }
}

impl Handle {
    /// The handle that a title suggests: its ASCII letters and digits, the rest as hyphens. Nothing when none are left.
    pub fn suggested_by(title: &str) -> Option<Self> {
        let mut text = String::new();
        for character in title.chars() {
            if character.is_ascii_alphanumeric() {
                text.push(character.to_ascii_lowercase());
            } else if character != '\''
                && character != '\u{2019}'
                && character != '\u{02bb}'
                && !text.is_empty()
                && !text.ends_with('-')
            {
                text.push('-');
            }
            if text.len() >= 80 {
                break;
            }
        }
        Self::parse(text.trim_end_matches('-')).ok()
    }

    /// This handle with another behind it: for one that is taken.
    pub fn with_suffix(&self, suffix: &str) -> Option<Self> {
        let room = Self::MAX_LENGTH.checked_sub(suffix.len() + 1)?;
        let shortened: String = self.0.chars().take(room).collect();
        Self::parse(&format!("{}-{suffix}", shortened.trim_end_matches('-'))).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_handle_has_one_spelling() {
        assert!(Handle::parse("blue-bowl-2").is_ok());
        for bad in ["", "Blue", "a--b", "-a", "a-", "a_b", "a b", "ä", "a/b"] {
            assert!(Handle::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_title_suggests_a_handle() {
        let suggested = |title: &str| Handle::suggested_by(title).map(|handle| handle.to_string());
        assert_eq!(suggested("Blue Bowl, 12 cm!"), Some("blue-bowl-12-cm".to_owned()));
        assert_eq!(suggested("G\u{02bb}ijduvon plate"), Some("gijduvon-plate".to_owned()));
        assert_eq!(suggested("Коса"), None);
    }

    #[test]
    fn an_email_address_is_kept_in_lower_case() {
        assert_eq!(Email::parse(" Buyer@Bozor.Test ").unwrap().as_str(), "buyer@bozor.test");
        for bad in ["a", "@b.c", "a@", "a@b", "a b@c.d", "a@b..c", ".a@b.c", "a@b.c\r\nBcc: x@y.z", "a@@b.c", "<a@b.c>"]
        {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_parsed_parses_to_itself(text in ".{0,300}") {
            if let Ok(title) = Title::parse(&text) {
                prop_assert_eq!(Title::parse(title.as_str()), Ok(title));
            }
            if let Some(handle) = Handle::suggested_by(&text) {
                prop_assert_eq!(Handle::parse(handle.as_str()), Ok(handle.clone()));
                prop_assert!(handle.with_suffix("chorsu").is_some());
            }
        }
    }
}
