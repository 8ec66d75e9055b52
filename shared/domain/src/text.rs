//! Texts that people write, as types. The only way to a value is `parse`, also from the wire: it brings the text into
//! the one form in which it is kept, and checks length and characters of that form.

mod bad_text;
mod characters;
mod cyrillic;
mod email;
mod language_tag;
mod latin;
mod look_alike;
mod search;
mod uzbek_latin;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat};

use crate::stored::is_unjudged;

pub use self::bad_text::BadText;
pub use self::characters::{composed, is_forbidden, is_line_break, is_unseen};
pub use self::cyrillic::{content_to_cyrillic, to_cyrillic};
pub use self::email::{MAX_ACCOUNT_LENGTH, account_email, kept_email, kept_optional_email};
pub use self::language_tag::{ContentLanguage, InLanguages, LanguageTag, Script};
pub use self::look_alike::look_of;
pub use self::search::Search;
pub use self::uzbek_latin::to_latin;

/// The text, when its length in characters is within the limits and it has only characters that its type allows. With
/// `lines`, line breaks and tabs are allowed.
fn checked(text: &str, min_length: usize, max_length: usize, lines: bool) -> Result<&str, BadText> {
    let length = text.chars().count();
    if length < min_length {
        return Err(BadText::Empty);
    }
    if length > max_length {
        return Err(BadText::TooLong(max_length));
    }
    let breaks = |character| if lines { matches!(character, '\n' | '\t') } else { false };
    let separates = |character| !lines && is_line_break(character);
    match text.chars().find(|found| (is_forbidden(*found) && !breaks(*found)) || separates(*found)) {
        Some(found) if found.is_control() || is_line_break(found) => Err(BadText::ControlCharacter),
        Some(_) => Err(BadText::Hidden),
        None => Ok(text),
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
    let given = text.filter(|text| !characters::is_blank(text));
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

            /// Brings a text into the form in which it is kept, then checks it. What was parsed parses to itself.
            pub fn parse(text: &str) -> Result<Self, BadText> {
                let kept = characters::kept_form(text);
                $form(checked(&kept, $min_length, $max_length, $lines)?).map(Self)
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
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).or_else(|bad| {
                    let stored = is_unjudged().then(|| Self(text.into_owned()));
                    stored.ok_or_else(|| serde::de::Error::custom(bad))
                })
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
    /// What is searched for in a list: words that each occur in an entry.
    SearchText: 1..=100, lines: false, as_written, "blue bowl";
    /// An e-mail address that mail can be sent to, in the form in which it is sent: ASCII, in lower case, an
    /// internationalised domain in Punycode, so that one address has one spelling. Quoted local parts and address
    /// literals are refused. Stored fields read it with [`kept_email`].
    Email: 3..=254, lines: false, email::normalised, "buyer@bozor.test";
    /// A telephone number: its digits, with a plus sign if one was given. Separators are removed.
    Phone: 3..=64, lines: false, phone, "+998712000000";
    /// A code that was sent to somebody, as they enter it: six digits of any script, with blanks and hyphens anywhere.
    OneTimeCode: 6..=64, lines: false, one_time_code, "048151";
    /// A code of an authenticator app, six digits, or one on paper, ten letters and digits; with blanks and hyphens
    /// anywhere.
    SecondFactorCode: 6..=64, lines: false, second_factor_code, "048151";
}

fn one_time_code(text: &str) -> Result<String, BadText> {
    const FORM: BadText = BadText::Form("must be six digits");
    let written = text.chars().filter(|one| !one.is_whitespace() && !matches!(one, '-' | '\u{2010}'..='\u{2015}'));
    let digits: String = written.map(|one| characters::ascii_digit(one).ok_or(FORM)).collect::<Result<_, _>>()?;
    if digits.len() == 6 { Ok(digits) } else { Err(FORM) }
}

fn second_factor_code(text: &str) -> Result<String, BadText> {
    if let Ok(digits) = one_time_code(text) {
        return Ok(digits);
    }
    let written = text.chars().filter(|one| !one.is_whitespace() && !matches!(one, '-' | '\u{2010}'..='\u{2015}'));
    let symbols: String = written.map(|one| one.to_ascii_lowercase()).collect();
    let is_one = symbols.len() == 10 && symbols.bytes().all(|one| one.is_ascii_alphanumeric());
    if is_one { Ok(symbols) } else { Err(BadText::Form("must be six digits, or a code on paper")) }
}

fn handle(text: &str) -> Result<String, BadText> {
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    if !text.chars().all(plain) || text.starts_with('-') || text.ends_with('-') || text.contains("--") {
        return Err(BadText::Form("must be lower-case letters and digits, in groups joined by single hyphens"));
    }
    Ok(text.to_owned())
}

/// The digits of a telephone number, after a plus sign if one was given: ITU-T E.164 where there is one. Digits of any
/// script become ASCII, and separators and what is not shown are removed, because contacts are copied from elsewhere.
fn phone(text: &str) -> Result<String, BadText> {
    const FORM: BadText = BadText::Form("must be a telephone number");
    let mut number = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '+' | '\u{ff0b}' if number.is_empty() => number.push('+'),
            '-' | '(' | ')' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            '\u{ff08}' | '\u{ff09}' | '\u{ff0d}' | '\u{ff0e}' => {}
            blank if blank.is_whitespace() || is_unseen(blank) => {}
            digit => number.push(characters::ascii_digit(digit).ok_or(FORM)?),
        }
    }
    // E.164 has at most 15 digits: more are two numbers.
    let digits = number.trim_start_matches('+').len();
    if (3..=15).contains(&digits) { Ok(number) } else { Err(FORM) }
}

impl Handle {
    /// A handle from a title: its letters and digits as ASCII in lower case, transliterated where need be, hyphens
    /// between them, cut at 80 characters. None when nothing is left, as for a title in Chinese.
    pub fn suggested_by(title: &str) -> Option<Self> {
        let ascii: String = latin::latin(title).trim_start_matches('-').chars().take(80).collect();
        Self::parse(ascii.trim_end_matches('-')).ok()
    }

    /// The handle for one of another shop system: the same if it is one; else made of it as of a title. One that had to
    /// be cut, or of which nothing is left, ends in a number that is made of the whole, so that two of them differ.
    pub fn mapped_from(foreign: &str) -> Self {
        let ascii = latin::latin(foreign);
        let ascii = ascii.trim_matches('-');
        let number = || format!("{:08x}", number_of(foreign));
        let handle = match ascii {
            "" => Self::parse(&format!("product-{}", number())),
            long if long.len() > Self::MAX_LENGTH => {
                let beginning: String = long.chars().take(Self::MAX_LENGTH - 9).collect();
                Self::parse(&format!("{}-{}", beginning.trim_end_matches('-'), number()))
            }
            short => Self::parse(short),
        };
        // What was made is a handle; the number alone is one as well.
        handle.unwrap_or_else(|_| Self(number()))
    }

    /// This handle with a hyphen and a suffix, for when the handle is taken. It is shortened to stay within the maximum
    /// length. None when the suffix is not a valid end of a handle, or too long.
    pub fn with_suffix(&self, suffix: &str) -> Option<Self> {
        let room = Self::MAX_LENGTH.checked_sub(suffix.len() + 1)?;
        let shortened: String = self.0.chars().take(room).collect();
        Self::parse(&format!("{}-{suffix}", shortened.trim_end_matches('-'))).ok()
    }
}

/// A number made of a text, the same in every release: FNV-1a, <https://datatracker.ietf.org/doc/rfc9923/>.
fn number_of(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
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
        assert_eq!(suggested("O\u{2018}zbek gilami"), Some("ozbek-gilami".to_owned()));
        assert_eq!(suggested("Cr\u{e8}me br\u{fb}l\u{e9}e"), Some("creme-brulee".to_owned()));
        assert_eq!(suggested("Кўк коса, Ғиждувон"), Some("kok-kosa-gijduvon".to_owned()));
        assert_eq!(suggested("茶壶"), None);
    }

    #[test]
    fn a_foreign_handle_stands_for_itself_as_far_as_it_can() {
        let stands = |foreign: &str| Handle::mapped_from(foreign).to_string();
        assert_eq!(stands("blue-bowl"), "blue-bowl");
        assert_eq!(
            ["kosa-360º", "nhẫn-1", "a_b", "-a--b-", "кўк-коса", "Kosa"].map(stands),
            ["kosa-360o", "nhan-1", "a-b", "a-b", "kok-kosa", "kosa"]
        );
        let long = |end: &str| stands(&format!("{}{end}", "gilam-".repeat(20)));
        assert!(long("a").len() <= Handle::MAX_LENGTH && long("a").starts_with("gilam-gilam-"));
        assert_ne!(long("a"), long("b"));
        assert!(stands("茶壶").starts_with("product-") && stands("茶壶") != stands("茶杯"), "{}", stands("茶壶"));
    }

    #[test]
    fn a_code_is_six_digits_however_it_is_written() {
        for written in ["048151", " 048 151", "048-151", "٠٤٨١٥١", "０４８１５１"] {
            assert_eq!(OneTimeCode::parse(written).unwrap().as_str(), "048151", "{written}");
        }
        for wrong in ["", "04815", "0481511", "o48151", "048\u{0}151", "-"] {
            assert!(OneTimeCode::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_second_factor_is_six_digits_or_a_code_on_paper() {
        for (written, kept) in [("048 151", "048151"), (" AB2DE-FGH3J ", "ab2defgh3j"), ("ab2defgh3j", "ab2defgh3j")] {
            assert_eq!(SecondFactorCode::parse(written).unwrap().as_str(), kept, "{written}");
        }
        for wrong in ["", "04815", "ab2defgh3", "ab2defgh3jk", "ab2defgh\u{e9}j", "ab2de_fgh3"] {
            assert!(SecondFactorCode::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_phone_number_is_its_digits_however_it_is_written() {
        for written in [
            "+998 71 200 00 00",
            "\u{ff0b}\u{ff19}\u{ff19}\u{ff18} 71 200 00 00",
            " +998(71)200-00-00 ",
            "+998.71.2000000",
            "\u{feff}+998\u{a0}71\u{2011}200\u{200e} 00\u{ad}00",
            "+\u{0669}\u{0669}\u{0668} \u{06f7}\u{06f1} 200 00 00",
        ] {
            assert_eq!(Phone::parse(written).unwrap().as_str(), "+998712000000", "{written}");
        }
        assert_eq!(Phone::parse("102 33").unwrap().as_str(), "10233");
        for bad in [
            "",
            "+",
            "(-)",
            "12",
            "call me",
            "712000000/01",
            "998+71",
            "(1)",
            "998711112233 998712223344",
            &"1".repeat(33),
        ] {
            assert!(Phone::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_text_that_shows_nothing_is_empty() {
        for nothing in ["", " ", "\u{200b}", "\u{2060}\u{200d}\u{feff}", "\u{3164}", "\u{ad}\u{a0}", "\u{fe0f}"] {
            assert_eq!(Title::parse(nothing), Err(BadText::Empty), "{nothing:?}");
            assert_eq!(LongText::parse(nothing).unwrap().as_str(), "", "{nothing:?}");
        }
        let seen = "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}";
        assert_eq!(Title::parse(&format!("\u{200b} {seen}\u{feff}")).unwrap().as_str(), seen, "a word has joiners");
    }

    #[test]
    fn what_turns_the_direction_of_writing_or_is_no_character_is_refused() {
        for hidden in ["a\u{202e}b", "\u{2067}", "a\u{2069}", "Bowl\u{fffe}", "\u{fdd0}a", "\u{10ffff}"] {
            assert_eq!(Title::parse(hidden), Err(BadText::Hidden), "{hidden:?}");
            assert_eq!(LongText::parse(hidden), Err(BadText::Hidden), "{hidden:?}");
        }
        for control in ["a\0b", "a\u{1b}", "a\u{2028}b", "a\nb"] {
            assert_eq!(Title::parse(control), Err(BadText::ControlCharacter), "{control:?}");
        }
        assert!(Title::parse("a\u{200f}b").is_ok(), "a mark of direction turns nothing but itself");
    }

    #[test]
    fn an_accent_has_one_spelling_and_a_line_one_end() {
        assert_eq!(Name::parse("Gro\u{308}\u{df}e").unwrap().as_str(), "Gr\u{f6}\u{df}e");
        assert_eq!(Note::parse("one\r\ntwo\rthree").unwrap().as_str(), "one\ntwo\nthree");
        assert!(Name::parse(&"e\u{301}".repeat(100)).is_ok(), "the length is that of the kept form");
        assert_eq!(Name::parse(&"\u{1d160}".repeat(50)), Err(BadText::TooLong(100)), "which may be longer");
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

    /// Texts of any characters, with many that are not shown or that compose.
    fn hostile() -> impl Strategy<Value = String> {
        const ODD: [char; 20] = [
            'e', '\u{301}', '\u{323}', '\u{338}', '>', '\u{1100}', '\u{1161}', '\u{212b}', '\u{fb01}', '\u{130}',
            '\u{200b}', '\u{200d}', '\u{feff}', '\u{202e}', '\u{fffe}', '\r', '\n', '@', '1', '.',
        ];
        let piece = prop_oneof![any::<char>(), prop::sample::select(ODD.to_vec()), prop::char::range(' ', '~')];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.into_iter().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_was_parsed_parses_to_itself_and_is_composed(text in hostile()) {
            for (name, parse) in KINDS {
                if let Ok(kept) = parse(&text) {
                    prop_assert_eq!(parse(&kept), Ok(kept.clone()), "{}", name);
                    prop_assert_eq!(composed(&kept), kept.as_str(), "{}", name);
                }
            }
        }

        #[test]
        fn two_spellings_of_one_text_are_one(text in hostile()) {
            let apart = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(&text).into_owned();
            for (name, parse) in KINDS {
                prop_assert_eq!(parse(&apart), parse(&text), "{}", name);
            }
        }
    }

    proptest! {
        #[test]
        fn a_phone_number_parses_to_itself(text in "[+0-9٠-٩() .-]{0,24}") {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone));
            }
        }

        #[test]
        fn a_suggested_handle_is_one(text in ".{0,300}") {
            if let Some(handle) = Handle::suggested_by(&text) {
                prop_assert_eq!(Handle::parse(handle.as_str()), Ok(handle.clone()));
                prop_assert!(handle.with_suffix("chorsu").is_some());
            }
        }
    }
}
