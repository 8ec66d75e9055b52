//! The codes of authenticator apps ([RFC 6238](https://www.rfc-editor.org/rfc/rfc6238) with SHA-1, six digits and 30
//! seconds, which is what every app does), and how an app gets their secret.

use std::fmt;

use ring::hmac;

use crate::NotSealed;
use crate::persons::random;

/// Bytes of a secret: as many as SHA-1 has (RFC 4226, section 4).
const LENGTH: usize = 20;

/// What an app and we compute codes from.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; LENGTH]);

impl fmt::Debug for TotpSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TotpSecret(…)")
    }
}

impl TotpSecret {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new() -> Result<Self, NotSealed> {
        random().map(Self)
    }

    /// The secret of these bytes; nothing when they are not as many as one has.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub const fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// The code of a step of 30 seconds.
    pub fn code(&self, step: u64) -> String {
        format!("{:06}", self.truncated(step) % 1_000_000)
    }

    /// Whether this is the code of the step. Compared in constant time.
    pub fn is_code(&self, shown: &str, step: u64) -> bool {
        // Tags of both texts are compared instead of the texts.
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, self.code(step).as_bytes());
        hmac::verify(&key, shown.as_bytes(), tag.as_ref()).is_ok()
    }

    /// The dynamic truncation of RFC 4226, section 5.3.
    fn truncated(&self, step: u64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let offset = tag.as_ref().last().map_or(0, |last| usize::from(last & 0xf));
        let bytes = tag.as_ref().get(offset..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        u32::from_be_bytes(bytes) & 0x7fff_ffff
    }

    /// The text that people type into an app which cannot read the picture: base32 (RFC 4648) without padding.
    pub fn text(&self) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let symbol = |group: u64, place: u32| {
            let index = usize::try_from((group >> (5 * place)) & 31).unwrap_or(0);
            char::from(ALPHABET.get(index).copied().unwrap_or(b'A'))
        };
        // Five bytes are eight symbols.
        let groups = self.0.chunks(5).map(|five| five.iter().fold(0, |group, byte| group << 8 | u64::from(*byte)));
        groups.flat_map(|group| (0..8).rev().map(move |place| symbol(group, place))).collect()
    }

    /// What an app reads from the picture: the secret with the names under which it shows the codes.
    /// <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (escaped(issuer), escaped(account));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.text())
    }
}

/// Percent-encoded but for what RFC 3986 calls unreserved.
fn escaped(text: &str) -> String {
    use fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    /// The last six of the eight digits of RFC 6238, appendix B.
    #[test]
    fn codes_are_those_of_the_specification() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().code(seconds / 30), code, "{seconds}");
            assert!(secret().is_code(code, seconds / 30) && !secret().is_code(code, seconds / 30 + 1), "{seconds}");
        }
        assert!(!secret().is_code("", 1) && !secret().is_code("2870820", 1));
    }

    #[test]
    fn an_app_reads_the_secret_and_the_names() {
        assert_eq!(secret().text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            secret().uri("Bozor & Co", "aziza@people.test"),
            "otpauth://totp/Bozor%20%26%20Co:aziza%40people.test?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bozor%20%26%20Co"
        );
        assert_eq!(format!("{:?}", secret()), "TotpSecret(…)");
    }
}
