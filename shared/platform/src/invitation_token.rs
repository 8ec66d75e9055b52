//! The token by which an invitation is found and opened: whoever reads the mail has it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::sealed::PersonKey;
use domain::{LookUp, VendorId};
use ring::digest;

use crate::PersonsSecret;

/// Which invitation it is, and the secret that opens it: 16 + 16 + 32 bytes in base64url. Only the hash of the secret
/// is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InvitationToken {
    pub vendor: VendorId,
    pub contact: LookUp,
    secret: [u8; 32],
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InvitationToken(…)")
    }
}

impl InvitationToken {
    /// The token of a new invitation with these random bytes.
    pub fn new(vendor: VendorId, contact: LookUp, persons: &PersonsSecret, key: &PersonKey) -> Self {
        let secret = persons.invitation_secrets(key).next().unwrap_or_default();
        Self { vendor, contact, secret }
    }

    /// The token of an invitation that was stored with this hash; nothing when its master secret is gone.
    pub fn of_hash(
        hash: &str,
        (vendor, contact): (VendorId, LookUp),
        persons: &PersonsSecret,
        key: &PersonKey,
    ) -> Option<Self> {
        let mut tokens = persons.invitation_secrets(key).map(|secret| Self { vendor, contact, secret });
        tokens.find(|token| token.hash() == hash)
    }

    /// Reads the text of a token; nothing when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (vendor, rest) = bytes.split_first_chunk::<16>()?;
        let (contact, secret) = rest.split_first_chunk::<16>()?;
        Some(Self {
            vendor: VendorId::from_bits(u128::from_be_bytes(*vendor)),
            contact: LookUp::from_bytes(*contact),
            secret: secret.try_into().ok()?,
        })
    }

    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD
            .encode([self.vendor.bits().to_be_bytes().as_slice(), &self.contact.to_bytes(), &self.secret].concat())
    }

    /// SHA-256 of the secret in base64url.
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &self.secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> PersonsSecret {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_token_reads_back_and_is_found_again_after_the_secret_was_rotated() {
        let key = PersonKey::from_bytes([3; 32]);
        let (vendor, contact) = (VendorId::from_bits(9), LookUp::from_bytes([7; 16]));
        let old = secret(r#"{"current":"a secret of twenty bytes"}"#);
        let token = InvitationToken::new(vendor, contact, &old, &key);
        assert_eq!(InvitationToken::parse(&token.text()), Some(token));
        assert_eq!(format!("{token:?}"), "InvitationToken(…)");
        let rotated = secret(r#"{"current":"another secret of theirs","previous":"a secret of twenty bytes"}"#);
        assert_eq!(InvitationToken::of_hash(&token.hash(), (vendor, contact), &rotated, &key), Some(token));
        let other = secret(r#"{"current":"another secret of theirs"}"#);
        assert_eq!(InvitationToken::of_hash(&token.hash(), (vendor, contact), &other, &key), None);
        for wrong in ["", "x", &token.text()[1..], &format!("{}AAAA", token.text())] {
            assert_eq!(InvitationToken::parse(wrong), None, "{wrong}");
        }
    }
}
