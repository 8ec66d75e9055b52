//! Addresses as SES reads them.
//!
//! Its messages are those of JavaMail's `InternetAddress`, with ASCII only: "Local address contains control or
//! whitespace" for another local part (<https://github.com/egulias/EmailValidator/issues/414>), "Domain contains
//! illegal character" for another domain (<https://github.com/18F/identity-idp/pull/7380>, and through this SDK
//! <https://github.com/awslabs/aws-sdk-rust/issues/881>), "Illegal address" for an unquoted comma in a name
//! (<https://github.com/openstax/accounts/issues/253>). An internationalised domain is sent to as Punycode only
//! (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html>).

/// What a name or a local part must not contain outside quotes (RFC 5322, section 3.2.3), apart from the dot.
const SPECIALS: &str = "()<>,;:\\\"[]@";

const CONTROL_IN_LOCAL: &str = "Local address contains control or whitespace";
const ILLEGAL: &str = "Illegal address";

/// The sender or a recipient of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mailbox {
    /// As the caller wrote it, without the characters of the name that SES drops.
    pub(super) written: String,
    /// The bare address.
    pub(super) address: String,
}

impl Mailbox {
    /// Reads `Name <address>` or `address`; otherwise what SES says about it.
    pub(super) fn parse(written: &str) -> Result<Self, String> {
        let trimmed = written.trim();
        if trimmed.is_empty() {
            // https://github.com/domdomegg/aws-ses-v2-local/issues/44
            return Err(format!("Invalid email address {trimmed}."));
        }
        let Some((name, rest)) = split_name(trimmed)? else {
            check(trimmed)?;
            return Ok(Self { written: trimmed.to_owned(), address: trimmed.to_owned() });
        };
        let address = rest.strip_suffix('>').ok_or("Missing '>'")?;
        check(address)?;
        // Characters that are neither ASCII nor encoded (RFC 2047) vanish from a name:
        // https://github.com/aws/aws-sdk-js/issues/1585, https://github.com/cds-snc/notification-api/pull/1990.
        let name: String = name.chars().filter(char::is_ascii).collect();
        Ok(Self { written: format!("{}<{address}>", name), address: address.to_owned() })
    }

    /// Whether the mailbox is one of SES's simulator: it needs no verification in the sandbox, and is never suppressed.
    pub(super) fn is_simulated(&self) -> bool {
        self.domain() == "simulator.amazonses.com"
    }

    /// The domain in lower case, as identities are compared.
    pub(super) fn domain(&self) -> String {
        self.address.rsplit('@').next().unwrap_or_default().to_ascii_lowercase()
    }
}

/// The name in front of `<`, and what follows that; `None` when there is no name and no `<`.
fn split_name(written: &str) -> Result<Option<(&str, &str)>, String> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in written.char_indices() {
        if character.is_control() {
            // https://github.com/rdunlop/unicycling-registration/issues/749: a name with CR LF.
            return Err(CONTROL_IN_LOCAL.to_owned());
        }
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => {
                let (name, rest) = written.split_at(at);
                return Ok(Some((name, rest.strip_prefix('<').unwrap_or_default())));
            }
            ',' | ';' if !quoted => return Err(ILLEGAL.to_owned()),
            _ => {}
        }
    }
    if quoted { Err("Unterminated quote".to_owned()) } else { Ok(None) }
}

fn check(address: &str) -> Result<(), String> {
    let refused = |message: &str| Err(message.to_owned());
    let (local, domain) = match address.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (address, None),
    };
    if local.is_empty() {
        return refused("Missing local name");
    }
    if local.chars().any(|character| !character.is_ascii_graphic()) {
        return refused(CONTROL_IN_LOCAL);
    }
    if local.chars().any(|character| SPECIALS.contains(character)) {
        return refused("Local address contains illegal character");
    }
    check_dots(local, "Local address")?;
    let Some(domain) = domain else { return refused("Missing final '@domain'") };
    if domain.is_empty() {
        return refused("Missing domain");
    }
    if domain.chars().any(|character| character.is_ascii_control() || character == ' ') {
        return refused("Domain contains control or whitespace");
    }
    if domain.chars().any(|character| !character.is_ascii_alphanumeric() && character != '-' && character != '.') {
        return refused("Domain contains illegal character");
    }
    check_dots(domain, "Domain")
}

fn check_dots(part: &str, which: &str) -> Result<(), String> {
    if part.starts_with('.') {
        Err(format!("{which} starts with dot"))
    } else if part.contains("..") {
        Err(format!("{which} contains dot-dot"))
    } else if part.ends_with('.') {
        Err(format!("{which} ends with dot"))
    } else {
        Ok(())
    }
}

/// Whether Cognito takes it as the `From` of a pool's mail: an ASCII address, with a name before it whose special
/// characters are quoted. It refuses others with "Provided From email address is invalid"
/// (<https://github.com/aws/aws-cdk/issues/18903>, <https://github.com/aws/aws-cdk/issues/8473>).
pub fn is_sender_of_a_pool(written: &str) -> bool {
    let trimmed = written.trim();
    let Ok(mailbox) = Mailbox::parse(trimmed) else { return false };
    if !trimmed.is_ascii() {
        return false;
    }
    let Some((name, _)) = trimmed.strip_suffix('>').and_then(|written| written.rsplit_once('<')) else {
        return mailbox.address == trimmed;
    };
    let name = name.trim();
    let is_quoted = name.len() > 1 && name.starts_with('"') && name.ends_with('"');
    is_quoted || !name.chars().any(|character| SPECIALS.contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_ses_does_not_take_is_refused_in_its_words() {
        for (written, message) in [
            ("жанна@example.test", CONTROL_IN_LOCAL),
            ("a b@example.test", CONTROL_IN_LOCAL),
            ("Karen <karen @example.test>", CONTROL_IN_LOCAL),
            ("We are full\r\n a@b.test", CONTROL_IN_LOCAL),
            ("Shop\r\nBcc: x@y.test <a@b.test>", CONTROL_IN_LOCAL),
            ("github:haiodo", "Local address contains illegal character"),
            ("a@почта.рф", "Domain contains illegal character"),
            ("a@b_c.test", "Domain contains illegal character"),
            ("a@b c.test", "Domain contains control or whitespace"),
            ("a@b.test.", "Domain ends with dot"),
            ("a@b..test", "Domain contains dot-dot"),
            ("a@.b", "Domain starts with dot"),
            ("nobody", "Missing final '@domain'"),
            ("@b.test", "Missing local name"),
            ("a@", "Missing domain"),
            (".a@b.test", "Local address starts with dot"),
            ("Karen, Chan <karen@example.test>", ILLEGAL),
            ("a@b.test, c@d.test", ILLEGAL),
            ("Karen <karen@example.test", "Missing '>'"),
            ("\"Karen <karen@example.test>", "Unterminated quote"),
            ("", "Invalid email address ."),
        ] {
            assert_eq!(Mailbox::parse(written), Err(message.to_owned()), "{written:?}");
        }
    }

    #[test]
    fn a_name_may_be_quoted_or_encoded_and_loses_other_characters() {
        for (written, seen) in [
            ("a@B.test", "a@B.test"),
            ("a@xn--80a1acny.xn--p1ai", "a@xn--80a1acny.xn--p1ai"),
            ("Karen Chan <karen@example.test>", "Karen Chan <karen@example.test>"),
            ("\"Karen, \\\"K\\\" <Chan>\" <karen@example.test>", "\"Karen, \\\"K\\\" <Chan>\" <karen@example.test>"),
            ("=?UTF-8?B?0JHQvtC30L7RgA==?= <a@b.test>", "=?UTF-8?B?0JHQvtC30L7RgA==?= <a@b.test>"),
            ("Caf\u{e9} Бозор <a@b.test>", "Caf  <a@b.test>"),
        ] {
            assert_eq!(Mailbox::parse(written).map(|mailbox| mailbox.written).as_deref(), Ok(seen), "{written}");
        }
    }

    #[test]
    fn a_pool_takes_a_sender_whose_name_is_quoted_or_encoded_where_it_has_to_be() {
        for good in ["shop@bozor.test", "Bozor <shop@bozor.test>", "\"Bozor, Inc.\" <shop@bozor.test>"] {
            assert!(is_sender_of_a_pool(good), "{good}");
        }
        for bad in [
            "Bozor, Inc. <shop@bozor.test>",
            "shop@bozor.test <shop@bozor.test>",
            "Бозор <shop@bozor.test>",
            "shop@почта.рф",
            "Bozor <shop>",
            "",
        ] {
            assert!(!is_sender_of_a_pool(bad), "{bad}");
        }
    }
}
