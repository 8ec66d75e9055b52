//! The secret of an app client, and the hashes by which a call shows that it knows it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;

use super::{UserPoolClient, not_authorized};
use crate::sqs::wire::Refusal;

/// Checks `SecretHash`, which a sign-in calls `SECRET_HASH`: the HMAC-SHA256 of the username and the client's id under
/// the client's secret, in base64
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html>). It is checked
/// before the user is looked up. The messages are Cognito's
/// (<https://github.com/aws-amplify/amplify-android/issues/2504>,
/// <https://github.com/ArranJacques/laravel-aws-cognito-auth/issues/26>).
pub(super) fn check_hash(client: &UserPoolClient, username: &str, hash: Option<&str>) -> Result<(), Refusal> {
    match (&client.secret, hash) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(missing(client)),
        (Some(secret), Some(hash)) if is_hash(secret, &[username, &client.id].concat(), hash) => Ok(()),
        (_, Some(_)) => Err(wrong(client)),
    }
}

fn is_hash(secret: &str, message: &str, hash: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    BASE64_STANDARD.decode(hash).is_ok_and(|tag| hmac::verify(&key, message.as_bytes(), &tag).is_ok())
}

/// Whether the client's secret itself was sent, or the client has none.
pub(super) fn is_secret(client: &UserPoolClient, sent: Option<&str>) -> bool {
    client.secret.is_none() || client.secret.as_deref() == sent
}

impl UserPoolClient {
    /// The `SECRET_HASH` of a call about a person; `None` for a client without a secret.
    pub fn secret_hash(&self, username: &str) -> Option<String> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_ref()?.as_bytes());
        Some(BASE64_STANDARD.encode(hmac::sign(&key, format!("{username}{}", self.id).as_bytes())))
    }
}

fn missing(client: &UserPoolClient) -> Refusal {
    not_authorized(&format!("Client {} is configured with secret but SECRET_HASH was not received", client.id))
}

pub(super) fn wrong(client: &UserPoolClient) -> Refusal {
    not_authorized(&format!("Unable to verify secret hash for client {}", client.id))
}
