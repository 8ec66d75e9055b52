//! Texts that people write, as types. The only way to a value is `parse`, also from the wire: it trims the text and
//! checks length and characters.

mod characters;
mod email;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat};

pub use self::characters::{composed, is_forbidden};
pub use self::email::{kept_email, kept_optional_email};

/// Why a text is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// It is shorter than its minimum.
    #[error("must not be empty")]
    Empty,
    /// It is longer than this maximum, in characters.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// It has control characters. Line breaks and tabs are allowed in types of several lines only.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// It does not have the form of its type, such as an e-mail address. The text says what is required.
    #[error("{0}")]
    Form(&'static str),
}

/// The trimmed text, when its length in characters is within the limits and it has no control characters. With `lines`,
/// line breaks and tabs are allowed.
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

/// Deserializes an optional text, for `#[serde(default, deserialize_with = "domain::text::optional")]`. An empty or
/// blank text is `None`: HTML forms send one for a field that was not filled in.
///
/// # Errors
/// When the text is neither blank nor valid for its type.
pub fn optional<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let given = text.filter(|text| !text.trim().is_empty());
    given.map(|text| T::deserialize(text.into_deserializer())).transpose()
}

/// The pattern of a type in the OpenAPI document. It describes responses; requests may use more forms, such as
/// full-width digits in a phone number.
fn pattern(kind: &str) -> Option<&'static str> {
    match kind {
        "Handle" => Some("^[a-z0-9]+(-[a-z0-9]+)*$"),
        "Phone" => Some("^[-+0-9() ./]+$"),
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

            /// Trims a text and checks it. What was parsed parses to itself.
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
    )+

        /// Every kind of text by its name, with what is kept of a text of this kind.
        #[cfg(any(test, feature = "examples"))]
        pub const KINDS: &[(&str, fn(&str) -> Result<String, BadText>)] = &[
            $((stringify!($name), |text| $name::parse(text).map(|kept| kept.0)),)+
        ];
    };
}

texts! {
    /// The part of a URL that names a product, category or vendor: groups of lower-case letters and digits, joined by
    /// hyphens.
    Handle: 1..=100, lines: false, handle, "blue-bowl";
    /// The title of a product, on one line.
    Title: 1..=250, lines: false, as_written, "Blue bowl, hand painted";
    /// The name of a person, a vendor or an option.
    Name: 1..=100, lines: false, as_written, "Chorsu Ceramics";
    /// A stock keeping unit: the vendor's own code for a variant.
    Sku: 1..=64, lines: false, as_written, "BOWL-BLUE-M";
    /// One line of any text, such as a line of an address or a file name.
    Line: 1..=250, lines: false, as_written, "12 Navoi Street";
    /// Several paragraphs, such as the source of a product description. May be empty.
    LongText: 0..=40_000, lines: true, as_written, "Painted by hand in Rishtan.";
    /// A note to a person, of a few lines.
    Note: 1..=500, lines: true, as_written, "Ring twice.";
    /// An e-mail address that mail can be sent to, in the form in which it is sent: ASCII, in lower case, an
    /// internationalised domain in Punycode, so that one address has one spelling. Quoted local parts and address
    /// literals are refused. Stored fields read it with [`kept_email`].
    Email: 3..=254, lines: false, email::normalised, "buyer@bozor.test";
    /// A telephone number: its digits, with a plus sign if one was given. Separators are removed, except from a text
    /// that is no number without them but that release 0.1.0 may have stored.
    Phone: 3..=64, lines: false, phone, "+998712000000";
}

fn handle(text: &str) -> Result<String, BadText> {
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    if !text.chars().all(plain) || text.starts_with('-') || text.ends_with('-') || text.contains("--") {
        return Err(BadText::Form("must be lower-case letters and digits, in groups joined by single hyphens"));
    }
    Ok(text.to_owned())
}

/// The digits of a telephone number, after a plus sign if one was given. Separators are removed, and full-width digits,
/// as Chinese and Japanese input methods produce them, become ASCII.
fn phone(text: &str) -> Result<String, BadText> {
    let mut number = String::with_capacity(text.len());
    for character in text.chars() {
        match to_half_width(character) {
            '+' if number.is_empty() => number.push('+'),
            digit if digit.is_ascii_digit() => number.push(digit),
            '-' | '(' | ')' | '.' => {}
            blank if blank.is_whitespace() => {}
            _ => return as_first_release_stored(text),
        }
    }
    let digits = number.trim_start_matches('+').len();
    // ITU-T E.164 has at most 15 digits: more are two numbers.
    if (3..=15).contains(&digits) { Ok(number) } else { as_first_release_stored(text) }
}

/// Accepts what release 0.1.0 stored: any text of these characters with a digit in it, such as two numbers with a slash
/// between them. It is kept unchanged, so that stored items stay readable and parse again after they are written back.
fn as_first_release_stored(text: &str) -> Result<String, BadText> {
    let known = |character: char| character.is_ascii_digit() || "+-() ./".contains(character);
    let stored =
        text.len() <= 32 && text.chars().all(known) && text.chars().any(|character| character.is_ascii_digit());
    if stored { Ok(text.to_owned()) } else { Err(BadText::Form("must be a telephone number")) }
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
    /// A handle from a title: its ASCII letters and digits in lower case, other characters replaced by hyphens and
    /// apostrophes removed, cut at 80 characters. None when nothing is left, as for a title in Cyrillic.
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

    /// This handle with a hyphen and a suffix, for when the handle is taken. It is shortened to stay within the maximum
    /// length. None when the suffix is not a valid end of a handle, or too long.
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
    fn a_phone_number_is_its_digits_however_it_is_written() {
        for written in [
            "+998 71 200 00 00",
            "\u{ff0b}\u{ff19}\u{ff19}\u{ff18} 71 200 00 00",
            " +998(71)200-00-00 ",
            "+998.71.2000000",
        ] {
            assert_eq!(Phone::parse(written).unwrap().as_str(), "+998712000000", "{written}");
        }
        assert_eq!(Phone::parse("102 33").unwrap().as_str(), "10233");
        for stored in [
            "+998711112233/+998712223344",
            "998711112233/998712223344",
            "712000000/01",
            "998711112233 998712223344",
            "8(+998)712000000",
            "(1)",
            "998+71",
        ] {
            assert_eq!(Phone::parse(stored).unwrap().as_str(), stored, "release 0.1.0 may have stored it");
        }
        for bad in ["", "+", "(-)", "12", "call me", "1\u{200b}2345", &"1".repeat(33)] {
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
