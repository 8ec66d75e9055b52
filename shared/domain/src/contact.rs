//! How somebody is reached: by e-mail, by telephone, or both.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::text::{BadText, Email, MAX_ACCOUNT_LENGTH, Phone, optional};

const FORM: BadText = BadText::Form("must be an e-mail address, or a telephone number with + and its country's code");
const PREFIX: BadText = BadText::Form("must be + and one to seven digits, such as +998");
const NUMBER: BadText = BadText::Form("must be a telephone number with + and its country's code");

/// A telephone number that a message can be sent to: `+`, and 7 to 15 digits that begin with its country's code (ITU-T
/// E.164). Digits of all scripts, spaces, brackets, dashes and marks of direction are folded, and `00` counts as `+`.
/// A number without either belongs to a country that nobody has named, so it is refused instead of guessed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(Phone);

impl PhoneNumber {
    /// Brings a number into the form in which it is kept, then checks it. What was parsed parses to itself.
    ///
    /// # Errors
    /// When no message can be sent to it.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        Self::of(&Phone::parse(text).map_err(|_| NUMBER)?).ok_or(NUMBER)
    }

    /// A number that somebody gave; nothing when it does not say its country.
    pub fn of(phone: &Phone) -> Option<Self> {
        let written = phone.as_str();
        let digits = written.strip_prefix('+').or_else(|| written.strip_prefix("00"))?;
        let is_number = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        let number = is_number.then(|| Phone::parse(&format!("+{digits}")).ok())?;
        number.map(Self)
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The number without its `+`, as most gateways take it.
    pub fn digits(&self) -> &str {
        self.as_str().trim_start_matches('+')
    }

    pub const fn as_phone(&self) -> &Phone {
        &self.0
    }
}

/// The beginning of telephone numbers: `+` and one to seven digits, such as `+998`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhonePrefix(String);

impl PhonePrefix {
    /// # Errors
    /// When no number begins like that.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let is_prefix = (1..=7).contains(&digits.len()) && digits.bytes().all(|one| one.is_ascii_digit());
        if is_prefix && !digits.starts_with('0') { Ok(Self(text.to_owned())) } else { Err(PREFIX) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a buyer is reached about an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// E-mail address: messages about the order go to it.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Telephone number. Without an e-mail address short messages about the order go to it; then it begins with + and
    /// its country's code.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

impl Contact {
    /// Where messages go: to the e-mail address if there is one, which costs nothing and can be read again. Nothing
    /// when there is neither that nor a number with its country.
    pub fn point(&self) -> Option<ContactPoint> {
        match (&self.email, &self.phone) {
            (Some(email), _) => Some(ContactPoint::Email(email.clone())),
            (None, Some(phone)) => PhoneNumber::of(phone).map(ContactPoint::Phone),
            (None, None) => None,
        }
    }
}

/// One place where somebody is reached, and by which they are known: an e-mail address or a telephone number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContactPoint {
    Email(Email),
    Phone(PhoneNumber),
}

impl ContactPoint {
    /// Only an e-mail address has an `@`, which input methods also write as `＠`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        if text.contains(['@', '\u{ff20}', '\u{fe6b}']) {
            return Email::parse(text).map(Self::Email);
        }
        PhoneNumber::parse(text).map(Self::Phone).map_err(|_| FORM)
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Phone(number) => number.as_str(),
        }
    }

    pub const fn email(&self) -> Option<&Email> {
        match self {
            Self::Email(email) => Some(email),
            Self::Phone(_) => None,
        }
    }

    pub const fn phone(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Phone(number) => Some(number),
            Self::Email(_) => None,
        }
    }
}

/// The contact in two fields of which one is there: the address, or else the number.
pub fn point_of(email: Option<&Email>, phone: Option<&PhoneNumber>) -> Option<ContactPoint> {
    let email = email.cloned().map(ContactPoint::Email);
    email.or_else(|| phone.cloned().map(ContactPoint::Phone))
}

impl From<Email> for ContactPoint {
    fn from(email: Email) -> Self {
        Self::Email(email)
    }
}

impl From<PhoneNumber> for ContactPoint {
    fn from(number: PhoneNumber) -> Self {
        Self::Phone(number)
    }
}

/// Deserializes a contact that something stored is looked for by, for `#[serde(deserialize_with =
/// "domain::contact::kept")]`: an address as earlier releases kept it is taken too.
///
/// # Errors
/// When it is neither an address nor a number.
pub fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ContactPoint, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    let kept = if text.contains('@') {
        Email::kept(&text).map(ContactPoint::Email)
    } else {
        PhoneNumber::parse(&text).map(ContactPoint::Phone)
    };
    kept.map_err(serde::de::Error::custom)
}

/// Deserializes the contact of an account, for `#[serde(deserialize_with = "domain::contact::of_account")]`.
///
/// # Errors
/// When it is neither an address nor a number, or longer than Cognito takes.
pub fn of_account<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ContactPoint, D::Error> {
    let contact = ContactPoint::deserialize(deserializer)?;
    if contact.as_str().len() > MAX_ACCOUNT_LENGTH {
        return Err(serde::de::Error::custom(BadText::TooLong(MAX_ACCOUNT_LENGTH)));
    }
    Ok(contact)
}

macro_rules! as_text {
    ($name:ident, $bounds:expr, $example:literal) => {
        impl FromStr for $name {
            type Err = BadText;
            fn from_str(text: &str) -> Result<Self, BadText> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let (least, most) = $bounds;
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some(concat!("Such as `", $example, "`.")))
                    .min_length(Some(least))
                    .max_length(Some(most))
                    .examples([$example])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

as_text!(PhonePrefix, (2, 8), "+998");
as_text!(PhoneNumber, (7, Phone::MAX_LENGTH), "+998712000000");
as_text!(ContactPoint, (3, Email::MAX_LENGTH), "+998712000000");

/// Neither reaches a log by mistake.
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PhoneNumber(…)")
    }
}

impl fmt::Debug for ContactPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Email(_) => "Email(…)",
            Self::Phone(_) => "Phone(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Option<String> {
        PhoneNumber::parse(text).ok().map(|number| number.to_string())
    }

    #[test]
    fn what_is_stored_is_looked_for_as_it_is_stored() {
        #[derive(Deserialize)]
        struct Asked(#[serde(deserialize_with = "kept")] ContactPoint);
        let read = |text: &str| serde_json::from_str::<Asked>(&format!("\"{text}\"")).map(|asked| asked.0);
        for known in ["\u{436}\u{430}\u{43d}\u{43d}\u{430}@people.test", "aziza@people.test"] {
            assert_eq!(read(known).unwrap().as_str(), known);
        }
        assert_eq!(read("+998 71 200-00-00").unwrap().as_str(), "+998712000000");
        assert!(read("nobody").is_err());
    }

    #[test]
    fn one_number_has_one_spelling() {
        for written in [
            "+998712000000",
            " +998 (71) 200-00-00 ",
            "00998 71 200 00 00",
            "\u{ff0b}\u{ff19}\u{ff19}\u{ff18}71 2000000",
            "+\u{669}\u{669}\u{668} \u{667}\u{661} \u{662}\u{660}\u{660} \u{660}\u{660} \u{660}\u{660}",
            "\u{200e}+998\u{a0}71\u{2013}200\u{2011}00\u{2212}00\u{200f}",
            "\u{6f0}\u{6f0}\u{6f9}\u{6f9}\u{6f8}712000000",
        ] {
            assert_eq!(number(written).as_deref(), Some("+998712000000"), "{written:?}");
        }
    }

    #[test]
    fn a_number_without_its_country_or_of_no_country_is_refused() {
        for bad in
            ["998712000000", "712000000", "+0998712000000", "+99871", "+1234567890123456", "0098", "", "+", "call"]
        {
            assert_eq!(number(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_contact_point_is_an_address_or_a_number() {
        let kept =
            |text: &str| ContactPoint::parse(text).ok().map(|point| (point.to_string(), point.phone().is_some()));
        assert_eq!(kept(" Aziza@People.test "), Some(("aziza@people.test".to_owned(), false)));
        assert_eq!(kept("aziza\u{ff20}people.test"), Some(("aziza@people.test".to_owned(), false)));
        assert_eq!(kept("+998 71 200 00 00"), Some(("+998712000000".to_owned(), true)));
        for bad in ["", "aziza", "998712000000", "@", "+998@people.test@"] {
            assert_eq!(kept(bad), None, "{bad:?}");
        }
        assert_eq!(format!("{:?}", ContactPoint::parse("+998712000000")), "Ok(Phone(…))");
    }

    #[test]
    fn messages_go_to_the_address_and_to_the_number_without_one() {
        let read = |text: &str| serde_json::from_str::<Contact>(text).unwrap().point().map(|point| point.to_string());
        assert_eq!(read(r#"{"email":"a@b.test","phone":"+998712000000"}"#).as_deref(), Some("a@b.test"));
        assert_eq!(read(r#"{"phone":"00998 712000000"}"#).as_deref(), Some("+998712000000"));
        assert_eq!(read(r#"{"email":"","phone":"712000000"}"#), None);
        assert_eq!(read("{}"), None);
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(
            text in "[+\u{ff0b}]?[0-9\u{660}-\u{669}\u{6f0}-\u{6f9}\u{ff10}-\u{ff19} ().\u{200e}\u{200f}\u{a0}-]{5,30}",
        ) {
            if let Ok(number) = PhoneNumber::parse(&text) {
                prop_assert!(number.as_str().starts_with('+') && number.digits().bytes().all(|one| one.is_ascii_digit()));
                prop_assert_eq!(PhoneNumber::parse(number.as_str()), Ok(number.clone()));
                prop_assert_eq!(&Phone::parse(number.as_str()).unwrap(), number.as_phone());
                let json = serde_json::to_string(&number).unwrap();
                prop_assert_eq!(serde_json::from_str::<ContactPoint>(&json).unwrap(), ContactPoint::from(number));
            }
        }

        #[test]
        fn whatever_is_kept_of_a_contact_parses_again(text in "\\PC{0,40}") {
            if let Ok(point) = ContactPoint::parse(&text) {
                prop_assert_eq!(ContactPoint::parse(point.as_str()), Ok(point));
            }
        }
    }
}
