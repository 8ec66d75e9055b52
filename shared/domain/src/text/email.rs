//! E-mail addresses in the one form that is kept and can be mailed.
//!
//! SES does not support SMTPUTF8 (RFC 6531): it sends to ASCII addresses only, with internationalised domains in
//! Punycode (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html>). So an address is brought
//! into that form first, and checked after that.

use icu_normalizer::ComposingNormalizerBorrowed;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Deserializer};

use super::{BadText, Email};
use crate::stored::is_unjudged;

const FORM: BadText = BadText::Form("must be an e-mail address");
const LOCAL_PART: BadText =
    BadText::Form("must have only ASCII letters, digits and signs before the @: no mail can be sent to others");

/// The longest local part (RFC 5321, section 4.5.3.1.1), in bytes.
const MAX_LOCAL_LENGTH: usize = 64;

/// The address with its compatibility forms composed (NFKC: input methods produce full-width letters), its domain as
/// A-labels (RFC 5891), in lower case.
pub(super) fn normalised(text: &str) -> Result<String, BadText> {
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(text).to_lowercase();
    let (local, host) = composed.trim().rsplit_once('@').ok_or(FORM)?;
    if !local.is_ascii() {
        return Err(if local.contains('@') { FORM } else { LOCAL_PART });
    }
    let host = Uts46::new()
        .to_ascii(host.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| FORM)?;
    let allowed = |character: char| character.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(character);
    if local.len() > MAX_LOCAL_LENGTH || !has_no_empty_part(local) || !local.chars().all(allowed) || !host.contains('.')
    {
        return Err(FORM);
    }
    let address = format!("{local}@{host}");
    if address.len() > Email::MAX_LENGTH { Err(BadText::TooLong(Email::MAX_LENGTH)) } else { Ok(address) }
}

fn has_no_empty_part(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('.') && !text.ends_with('.') && !text.contains("..")
}

/// What builds before 2026-11-29 kept: letters and digits of any script, in lower case. They checked before they
/// converted, and a Turkish capital I with its dot becomes two characters, so it may also be longer than they allowed.
fn as_kept_before(text: &str) -> Result<String, BadText> {
    let (local, host) = text.rsplit_once('@').ok_or(FORM)?;
    let of_any_script = |character: char| character.is_alphanumeric() || character == '\u{307}';
    let in_local = |character: char| of_any_script(character) || "!#$%&'*+/=?^_`{|}~.-".contains(character);
    let in_host = |character: char| of_any_script(character) || character == '-' || character == '.';
    if !has_no_empty_part(local)
        || !has_no_empty_part(host)
        || !host.contains('.')
        || !local.chars().all(in_local)
        || !host.chars().all(in_host)
    {
        return Err(FORM);
    }
    Ok(text.to_lowercase())
}

impl Email {
    /// An address that was stored. It is brought into today's form where it has one: an internationalised domain that
    /// was stored as it was typed can be mailed. Where it has none, it is read as it was stored.
    pub fn kept(text: &str) -> Result<Self, BadText> {
        Self::parse(text).or_else(|_| {
            let trimmed = super::checked(text.trim(), 3, 2 * Self::MAX_LENGTH, false)?;
            as_kept_before(trimmed).map(Self)
        })
    }

    /// Whether mail can be sent to it. No new address is accepted that this is not true of; old ones are stored.
    pub fn can_be_mailed(&self) -> bool {
        Self::parse(&self.0).is_ok()
    }

    /// The address as builds before 2026-11-29 kept it, with the domain in its own script. `None` when it has not
    /// changed. Their keys are made of it.
    pub fn with_unicode_domain(&self) -> Option<String> {
        let (local, host) = self.0.rsplit_once('@')?;
        let (host, valid) = idna::domain_to_unicode(host);
        let before = format!("{local}@{host}");
        (valid.is_ok() && before != self.0).then_some(before)
    }
}

/// Deserializes a stored address with [`Email::kept`], for `#[serde(deserialize_with = "domain::text::kept_email")]` on
/// every stored field, and on the fields of requests that only look for a stored address.
///
/// # Errors
/// When no build has stored such a text.
pub fn kept_email<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Email, D::Error> {
    stored(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn stored(text: String) -> Result<Email, BadText> {
    Email::kept(&text).or_else(|bad| is_unjudged().then_some(Email(text)).ok_or(bad))
}

/// [`kept_email`] for an optional field. Use it together with `#[serde(default)]`.
///
/// # Errors
/// When no build has stored such a text.
pub fn kept_optional_email<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Email>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| stored(text).map_err(serde::de::Error::custom)).transpose()
}

/// The longest name of a user that Cognito takes.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html>
pub const MAX_ACCOUNT_LENGTH: usize = 128;

/// Deserializes the address of an account, which is shorter than others because Cognito has it as the user's name.
///
/// # Errors
/// When it is no address, or longer than Cognito takes.
pub fn account_email<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Email, D::Error> {
    let email = Email::deserialize(deserializer)?;
    if email.as_str().len() > MAX_ACCOUNT_LENGTH {
        return Err(serde::de::Error::custom(BadText::TooLong(MAX_ACCOUNT_LENGTH)));
    }
    Ok(email)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<String, BadText> {
        Email::parse(text).map(|email| email.to_string())
    }

    #[test]
    fn one_address_has_one_spelling() {
        for written in [
            " Buyer@Bozor.Test ",
            "buyer@bozor.test",
            // Full-width, as Chinese and Japanese input methods produce it.
            "\u{ff42}\u{ff55}\u{ff59}\u{ff45}\u{ff52}\u{ff20}\u{ff42}\u{ff4f}\u{ff5a}\u{ff4f}\u{ff52}\u{ff0e}test",
            "buyer@bozor\u{3002}test",
        ] {
            assert_eq!(parsed(written).as_deref(), Ok("buyer@bozor.test"), "{written}");
        }
    }

    #[test]
    fn an_internationalised_domain_is_kept_as_the_form_that_ses_mails_to() {
        for written in ["buyer@почта.рф", "BUYER@ПОЧТА.РФ", "buyer@xn--80a1acny.xn--p1ai"] {
            assert_eq!(parsed(written).as_deref(), Ok("buyer@xn--80a1acny.xn--p1ai"), "{written}");
        }
        for written in ["a@bu\u{308}cher.example", "a@b\u{fc}cher.example"] {
            assert_eq!(parsed(written).as_deref(), Ok("a@xn--bcher-kva.example"), "{written}");
        }
        assert_eq!(Email::parse("buyer@почта.рф").unwrap().with_unicode_domain().as_deref(), Some("buyer@почта.рф"));
        assert_eq!(Email::parse("buyer@bozor.test").unwrap().with_unicode_domain(), None);
    }

    #[test]
    fn what_is_no_address_or_cannot_be_mailed_is_refused() {
        for bad in [
            "a",
            "@b.c",
            "a@",
            "a@b",
            "a b@c.d",
            "a@b..c",
            "a@b.c.",
            ".a@b.c",
            "a.@b.c",
            "a@@b.c",
            "<a@b.c>",
            "a@[1.2.3.4]",
            "\"a b\"@c.d",
            "a@-b.c",
            "a@b-.c",
            "a@b_c.d",
            "a@xn--a.test",
            "a@b.c\r\nBcc: x@y.z",
            "a@b\u{ad}.",
            "a@b\u{2028}.c",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        for local in ["жанна@bozor.test", "j\u{f6}rg@bozor.test", "用户@例え.jp"] {
            assert_eq!(parsed(local), Err(LOCAL_PART), "{local}");
        }
        let label = "ёж".repeat(15);
        let long = format!("{}@{label}.{label}.{label}.{label}.{label}.test", "a".repeat(64));
        assert!(long.chars().count() <= Email::MAX_LENGTH && Email::parse(&long).is_err(), "too long as A-labels");
    }

    #[test]
    fn what_earlier_builds_stored_is_read_and_mailed_where_that_is_possible() {
        let kept = |text: &str| Email::kept(text).map(|email| (email.to_string(), email.can_be_mailed()));
        assert_eq!(kept("buyer@почта.рф"), Ok(("buyer@xn--80a1acny.xn--p1ai".to_owned(), true)));
        assert_eq!(kept("жанна@почта.рф"), Ok(("жанна@почта.рф".to_owned(), false)));
        assert_eq!(kept("a@-b.c"), Ok(("a@-b.c".to_owned(), false)));
        let long = format!("{}@bozor.test", "i\u{307}".repeat(64));
        assert_eq!(kept(&long), Ok((long.clone(), false)), "64 characters before they were converted");
        assert_eq!(kept("no address"), Err(FORM));

        #[derive(Deserialize)]
        struct Stored {
            #[serde(deserialize_with = "kept_email")]
            email: Email,
            #[serde(default, deserialize_with = "kept_optional_email")]
            other: Option<Email>,
        }
        let read: Stored = serde_json::from_str(r#"{"email":"жанна@почта.рф","other":null}"#).unwrap();
        assert_eq!((read.email.as_str(), read.other), ("жанна@почта.рф", None));
        assert!(serde_json::from_str::<Email>(r#""жанна@почта.рф""#).is_err(), "the wire takes no such address");
    }

    proptest! {
        #[test]
        fn what_was_parsed_parses_to_itself_and_is_ascii(
            local in "[a-zA-Z0-9.+жÉ\u{ff41}ß\u{212a}\u{130}-]{1,20}",
            host in "[a-zA-Z0-9.жÉ\u{ff41}ß\u{fb01}\u{3002}用\u{130}-]{1,30}",
        ) {
            let text = format!("{local}@{host}");
            if let Ok(email) = Email::parse(&text) {
                prop_assert!(email.as_str().is_ascii());
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                prop_assert_eq!(Email::kept(email.as_str()), Ok(email));
            }
        }

        #[test]
        fn whatever_an_earlier_build_stored_is_read(text in "[a-zA-Z0-9.+жÉßİ用-]{1,20}@[a-zA-Z0-9.жÉßİ用-]{1,30}") {
            if let Ok(stored) = as_kept_before(&text) {
                let read = Email::kept(&stored);
                prop_assert!(read.is_ok(), "{}", stored);
                let again = read.as_ref().map(|email| Email::kept(email.as_str()));
                prop_assert_eq!(again, Ok(read.clone()));
            }
        }
    }
}
