//! The secret of the app client, and the hashes by which a call shows that it knows it.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use store::accounts::Username;

/// Without it nobody can sign up, guess passwords or have codes mailed past our own rate limits.
pub(crate) struct ClientSecret(String);

impl ClientSecret {
    pub(crate) fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, which a refresh sends: a refresh token does not say whose it is.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The `SECRET_HASH` of a call about a person: the HMAC-SHA256 of their name and the client's id, in base64
    /// (<https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html>).
    pub(crate) fn hash(&self, username: &Username, client_id: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        BASE64_STANDARD.encode(hmac::sign(&key, format!("{username}{client_id}").as_bytes()))
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected value is openssl's: `printf name7client | openssl dgst -sha256 -hmac key -binary | base64`.
    #[test]
    fn a_hash_is_of_the_name_and_the_client_and_the_secret_is_not_printed() {
        let secret = ClientSecret::new("key");
        assert_eq!(secret.hash(&Username::known("name7"), "client"), "FSAmIgtMmaTiYlCaETniV5DifeF6uCzCHl20YnfJs/s=");
        assert_eq!(format!("{secret:?}"), "ClientSecret(…)");
    }
}
