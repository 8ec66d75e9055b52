//! Texts that people write: checked for length and characters, and trimmed. A value of these types was always checked.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat};

/// Why a text is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// It is shorter than its minimum.
    #[error("must not be empty")]
    Empty,
    /// It is longer than its maximum, in characters.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// It has control characters that are not allowed in it.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// It does not have the form of its type, such as an e-mail address.
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

/// Reads an optional text, for `#[serde(default, deserialize_with = "domain::text::optional")]`: an empty one, or one of blanks only,
/// is none, as a form sends it for a field that was left out.
///
/// # Errors
/// What the text's own type refuses.
pub fn optional<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let given = text.filter(|text| !text.trim().is_empty());
    given.map(|text| T::deserialize(text.into_deserializer())).transpose()
}

/// The pattern of a kind of text in the OpenAPI document, of what is answered. More forms are accepted.
fn pattern(kind: &str) -> Option<&'static str> {
    match kind {
        "Handle" => Some("^[a-z0-9]+(-[a-z0-9]+)*$"),
        "Phone" => Some("^[+]?[0-9]+$"),
        _ => None,
    }
}

fn format(kind: &str) -> Option<SchemaFormat> {
    (kind == "Email").then_some(SchemaFormat::KnownFormat(KnownFormat::Email))
}

macro_rules! texts {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $min_length:literal..=$max_length:literal, lines: $lines:literal, $form:path, $example:literal;
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The maximum length in characters.
            pub const MAX_LENGTH: usize = $max_length;

            /// Trims a text and checks it.
            pub fn parse(text: &str) -> Result<Self, BadText> {
                let trimmed = checked(text, $min_length, $max_length, $lines)?;
                $form(trimmed).map(Self)
            }

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
                    .pattern(pattern(stringify!($name)))
                    .format(format(stringify!($name)))
                    .examples([$example])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )+};
}

texts! {
    /// A name in an address: lower-case letters and digits in groups, joined by hyphens.
    Handle: 1..=100, lines: false, handle, "blue-bowl";
    /// Title of a product.
    Title: 1..=250, lines: false, as_written, "Blue bowl, hand painted";
    /// Name of a person, a shop or an option.
    Name: 1..=100, lines: false, as_written, "Chorsu Ceramics";
    /// A vendor's stock keeping unit.
    Sku: 1..=64, lines: false, as_written, "BOWL-BLUE-M";
    /// One line of text.
    Line: 1..=250, lines: false, as_written, "12 Navoi Street";
    /// Several paragraphs, or the source of a description.
    LongText: 0..=40_000, lines: true, as_written, "Painted by hand in Rishtan.";
    /// A note to a person: a few lines.
    Note: 1..=500, lines: true, as_written, "Ring twice.";
    /// An e-mail address, in lower case.
    Email: 3..=254, lines: false, email, "buyer@bozor.test";
    /// A telephone number.
    Phone: 3..=64, lines: false, phone, "+998712000000";
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

/// The digits of a number, with a plus sign before them when one was written. What people put between them is left out, and digits
/// of full width, as Chinese and Japanese keyboards write them, are digits.
fn phone(text: &str) -> Result<String, BadText> {
    const FORM: BadText = BadText::Form("must be a telephone number");
    let mut number = String::with_capacity(text.len());
    for character in text.chars() {
        match to_half_width(character) {
            '+' if number.is_empty() => number.push('+'),
            digit if digit.is_ascii_digit() => number.push(digit),
            '-' | '(' | ')' | '.' | '/' => {}
            blank if blank.is_whitespace() => {}
            _ => return Err(FORM),
        }
    }
    let digits = number.trim_start_matches('+').len();
    match digits {
        // Release 0.1.0 stored whatever had a digit in 3 to 32 characters: it has to be read, and again once it is rewritten.
        1..=2 => Ok(text.to_owned()),
        3..=32 => Ok(number),
        _ => Err(FORM),
    }
}

/// The ASCII character that a full-width form stands for (Unicode block "Halfwidth and Fullwidth Forms").
fn to_half_width(character: char) -> char {
    const FIRST: u32 = 0xff01;
    const LAST: u32 = 0xff5e;
    match u32::from(character) {
        code @ FIRST..=LAST => char::from_u32(code - FIRST + u32::from('!')).unwrap_or(character),
        _ => character,
    }
}

impl Handle {
    /// The handle for a title: its ASCII letters and digits, with hyphens for the rest. Nothing when none are left.
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

    /// This handle with a hyphen and a suffix, for a handle that is taken. A long handle is shortened.
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

    #[test]
    fn a_phone_number_is_its_digits_however_it_is_written() {
        for written in [
            "+998 71 200 00 00",
            "\u{ff0b}\u{ff19}\u{ff19}\u{ff18} 71 200 00 00",
            " +998(71)200-00-00 ",
            "+998.71/2000000",
        ] {
            assert_eq!(Phone::parse(written).unwrap().as_str(), "+998712000000", "{written}");
        }
        assert_eq!(Phone::parse("102 33").unwrap().as_str(), "10233");
        for bad in ["", "+", "call me", "998+71", "1\u{200b}2345", &"1".repeat(33)] {
            assert!(Phone::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_optional_text_that_is_empty_is_none() {
        #[derive(Deserialize)]
        struct Form {
            #[serde(default, deserialize_with = "super::optional")]
            name: Option<Name>,
        }
        let read = |text: &str| serde_json::from_str::<Form>(text).map(|form| form.name.map(|name| name.to_string()));
        for none in ["{}", r#"{"name":null}"#, r#"{"name":""}"#, r#"{"name":"  "}"#] {
            assert_eq!(read(none).unwrap(), None, "{none}");
        }
        assert_eq!(read(r#"{"name":" Aziza "}"#).unwrap(), Some("Aziza".to_owned()));
        assert!(read(r#"{"name":7}"#).is_err());
    }

    proptest! {
        #[test]
        fn what_was_parsed_parses_to_itself(text in ".{0,300}") {
            if let Ok(title) = Title::parse(&text) {
                prop_assert_eq!(Title::parse(title.as_str()), Ok(title));
            }
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone));
            }
            if let Some(handle) = Handle::suggested_by(&text) {
                prop_assert_eq!(Handle::parse(handle.as_str()), Ok(handle.clone()));
                prop_assert!(handle.with_suffix("chorsu").is_some());
            }
        }
    }
}
