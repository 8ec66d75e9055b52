//! Passwords, refresh tokens and tokens of requests, whose `Debug` hides the value, so that no log contains it; and
//! what a code has proven.

use std::borrow::Cow;
use std::fmt;

use domain::proof::{Applicant, PendingCode};
use domain::text::{OneTimeCode, composed, is_forbidden, is_line_break};
use serde::{Deserialize, Deserializer, de};

/// A password, 2 to 256 characters (UTF-16 units, which Cognito counts) on one line, with no blank at either end: what
/// Cognito's pattern takes. Composed, since systems type one accent in two ways. The user pool's policy decides whether
/// it is strong enough.
pub struct Password(String);

/// A session's token, or one of the user pool that an earlier release has handed out: 1 to 8,192 printable ASCII
/// characters.
pub struct RefreshToken(String);

/// The token of a request for a code. Whatever is none is answered as a wrong one: 1 to 256 printable ASCII characters.
pub struct RequestToken(String);

/// A code as it is entered, with the token of the request for it.
#[derive(Clone, Copy, Debug)]
pub struct Entered<'a> {
    pub code: &'a OneTimeCode,
    pub request: &'a RequestToken,
}

/// A contact that was proven.
pub(crate) struct Proven {
    /// Who has asked for the code.
    pub(crate) applicant: Applicant,
    pub(crate) code: PendingCode,
    /// Whether the password of the sign-up is of who has proven it.
    pub(crate) with_password: bool,
}

macro_rules! credential {
    ($name:ident, $max_length:literal, $allowed:expr, $form:literal) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                let allowed: fn(&str) -> bool = $allowed;
                let text = composed(&text);
                if text.is_empty() || text.encode_utf16().count() > $max_length || !allowed(&text) {
                    return Err(de::Error::custom($form));
                }
                Ok(Self(text.into_owned()))
            }
        }
    };
}

credential!(
    Password,
    256,
    |text| {
        let breaks = |character: char| is_forbidden(character) || is_line_break(character);
        text.chars().count() > 1 && text.trim() == text && !text.contains(breaks)
    },
    "must have 2 to 256 characters, no blank at either end and no control character"
);
credential!(
    RefreshToken,
    8192,
    |text| text.chars().all(|character| character.is_ascii_graphic()),
    "is no refresh token"
);
credential!(
    RequestToken,
    256,
    |text| text.chars().all(|character| character.is_ascii_graphic()),
    "is no token of a request"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_bounded_and_does_not_show_itself() {
        let read = |text: &str| serde_json::from_str::<Password>(&serde_json::json!(text).to_string());
        assert_eq!(format!("{:?}", read("Correct horse 1").unwrap()), "Password(…)");
        let long = [&"x".repeat(257), &"\u{1f511}".repeat(129)].map(ToString::to_string);
        for bad in ["", "x", " xx", "x\n", "x\ny", "x\u{2028}y", &long[0], &long[1]] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.starts_with("must have 2 to 256"), "{error}");
        }
        assert_eq!(read("Cafe\u{301} 1").unwrap().as_str(), read("Caf\u{e9} 1").unwrap().as_str());
    }
}
