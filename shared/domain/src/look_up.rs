//! Finding what belongs to a person without storing who they are.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::contact::{ContactPoint, PhoneNumber};
use crate::ids::{BadId, decode, encode};
use crate::text::{Email, Phone};

/// What a person is recognised by. Texts are in the form in which they are kept, so that two spellings of one address
/// are one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Identifier<'a> {
    Email(&'a Email),
    Phone(&'a Phone),
    /// The network address that a call comes from.
    Client(&'a str),
    /// A code that can be guessed.
    Code(&'a str),
    /// An account, by its name in the user pool.
    Username(&'a str),
}

impl Identifier<'_> {
    /// Its kind and its text: a telephone number is never mistaken for a code of the same digits.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Email(email) => ("email", email.as_str()),
            Self::Phone(phone) => ("phone", phone.as_str()),
            Self::Client(address) => ("client", address),
            Self::Code(code) => ("code", code),
            Self::Username(name) => ("username", name),
        }
    }
}

/// Only the kind, so that nobody reaches a log by it.
impl fmt::Debug for Identifier<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}(…)", self.parts().0)
    }
}

impl<'a> From<&'a Email> for Identifier<'a> {
    fn from(email: &'a Email) -> Self {
        Self::Email(email)
    }
}

impl<'a> From<&'a Phone> for Identifier<'a> {
    fn from(phone: &'a Phone) -> Self {
        Self::Phone(phone)
    }
}

impl<'a> From<&'a PhoneNumber> for Identifier<'a> {
    fn from(number: &'a PhoneNumber) -> Self {
        Self::Phone(number.as_phone())
    }
}

impl<'a> From<&'a ContactPoint> for Identifier<'a> {
    fn from(contact: &'a ContactPoint) -> Self {
        match contact {
            ContactPoint::Email(email) => email.into(),
            ContactPoint::Phone(number) => number.into(),
        }
    }
}

/// 128 bits of an HMAC of an [`Identifier`], in the place of the identifier in keys and indexes. Without the secret
/// nobody can try out addresses on it, as on a plain hash. Its text is 26 characters of Crockford base32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookUp(u128);

impl LookUp {
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for LookUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&encode(self.0))
    }
}

impl fmt::Debug for LookUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for LookUp {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        decode(text).map(Self)
    }
}

impl Serialize for LookUp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LookUp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_identifier_prints_nobody() {
        let (email, phone) = (Email::parse("aziza@people.test").unwrap(), Phone::parse("+998712000000").unwrap());
        let all = [(&email).into(), (&phone).into(), Identifier::Client("203.0.113.9"), Identifier::Code("SPRING")];
        assert_eq!(format!("{all:?}"), "[email(…), phone(…), client(…), code(…)]");
    }

    proptest! {
        #[test]
        fn every_look_up_reads_back(bytes: [u8; 16]) {
            let look_up = LookUp::from_bytes(bytes);
            prop_assert_eq!(look_up.to_string().parse::<LookUp>(), Ok(look_up));
            let json = serde_json::to_string(&look_up).unwrap();
            prop_assert_eq!(serde_json::from_str::<LookUp>(&json).unwrap(), look_up);
        }
    }
}
