//! Issuing tokens with Cognito's claims, and verifying them.

use std::sync::Arc;

use crate::time::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};

use super::database::{Session, User};
use super::keys::SigningKey;
use super::pre_token::TokenSource;
use super::{Cognito, UserPoolClient};
use crate::sqs::wire::{Refusal, random_uuid};

/// The scope of every token that the user pool's API gives out, unless a trigger takes it away: the calls of users on
/// their own account want it.
const SCOPE: &str = "aws.cognito.signin.user.admin";

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    #[error("the token cannot be read")]
    Malformed,
    /// Its signature is not the pool's, or not RS256.
    #[error("the token's signature is not the pool's")]
    Signature,
    #[error("the token is another issuer's")]
    Issuer,
    #[error("the token is for another client")]
    Audience,
    /// `exp` is in the past or missing.
    #[error("the token has expired")]
    Expired,
    /// `iat` or `nbf` is in the future, or `iat` is missing.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It has none of the required scopes. An ID token never has any.
    #[error("the token lacks the scope")]
    Scope,
}

impl Reason {
    /// API Gateway answers 403 when only the scope is missing, and 401 otherwise.
    pub fn is_forbidden(self) -> bool {
        self == Self::Scope
    }
}

/// Verifies access tokens as API Gateway's JWT authorizer does: signature, issuer, audience or client, times, scopes.
/// Revocation is not checked: a token stays valid until it expires, also after a sign-out.
#[derive(Clone)]
pub struct Verifier {
    key: Arc<SigningKey>,
    issuer: String,
    audience: Vec<String>,
    scopes: Vec<String>,
}

impl Verifier {
    pub(super) fn new(key: &Arc<SigningKey>, issuer: String, audience: Vec<String>, scopes: Vec<String>) -> Self {
        Self { key: key.clone(), issuer, audience, scopes }
    }

    /// The claims of a token that is valid at `now`.
    ///
    /// # Errors
    /// The first check that the token fails.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Map<String, Value>, Reason> {
        let claims = signed_claims(&self.key, token)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(self.issuer.as_str()) {
            return Err(Reason::Issuer);
        }
        // API Gateway looks at `client_id` only where there is no `aud`.
        if !text("aud")
            .or_else(|| text("client_id"))
            .is_some_and(|client| self.audience.iter().any(|one| one == client))
        {
            return Err(Reason::Audience);
        }
        check_times(&claims, now)?;
        let mut carried = text("scope").unwrap_or_default().split(' ');
        if !self.scopes.is_empty() && !carried.any(|scope| self.scopes.iter().any(|one| one == scope)) {
            return Err(Reason::Scope);
        }
        Ok(claims)
    }
}

/// The claims of a token that the pool signed, expired or not.
fn signed_claims(key: &SigningKey, token: &str) -> Result<Map<String, Value>, Reason> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Reason::Malformed)?;
    if header.kid.as_deref() != Some(&key.id) {
        return Err(Reason::Signature);
    }
    let decoding: &DecodingKey = &key.decoding;
    // Only the signature is checked here: times go by the embedded cloud's clock, and the audience depends on the kind
    // of token.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    match jsonwebtoken::decode::<Map<String, Value>>(token, decoding, &validation) {
        Ok(decoded) => Ok(decoded.claims),
        Err(cause) => Err(match cause.kind() {
            ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => Reason::Signature,
            _ => Reason::Malformed,
        }),
    }
}

fn check_times(claims: &Map<String, Value>, now: Timestamp) -> Result<(), Reason> {
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    if time("exp").is_none_or(|expires| expires <= now.seconds()) {
        return Err(Reason::Expired);
    }
    if time("iat").is_none_or(|made| made > now.seconds()) || time("nbf").is_some_and(|from| from > now.seconds()) {
        return Err(Reason::NotYetValid);
    }
    Ok(())
}

impl Cognito {
    /// New tokens of a session, as `AuthenticationResult` has them, without a refresh token.
    pub(super) async fn tokens(
        &self,
        user: &User,
        client: &UserPoolClient,
        session: &Session,
        source: TokenSource,
    ) -> Result<Map<String, Value>, Refusal> {
        let issued = self.inner.clock.now();
        let groups = self.inner.database.groups(&user.sub)?;
        let mut common = Map::new();
        common.insert("sub".into(), json!(user.sub));
        if !groups.is_empty() {
            common.insert("cognito:groups".into(), json!(groups));
        }
        common.insert("iss".into(), json!(self.inner.pool.issuer()));
        common.insert("origin_jti".into(), json!(session.origin_jti));
        common.insert("event_id".into(), json!(random_uuid()));
        common.insert("auth_time".into(), json!(session.auth_time));
        common.insert("iat".into(), json!(issued.seconds()));

        let mut access = common.clone();
        access.insert("client_id".into(), json!(client.id));
        access.insert("token_use".into(), json!("access"));
        access.insert("scope".into(), json!(SCOPE));
        access.insert("exp".into(), json!((issued + client.access_lifetime).seconds()));
        access.insert("jti".into(), json!(random_uuid()));
        access.insert("username".into(), json!(user.username));

        let mut id = common;
        id.insert("aud".into(), json!(client.id));
        id.insert("token_use".into(), json!("id"));
        id.insert("exp".into(), json!((issued + client.id_lifetime).seconds()));
        id.insert("jti".into(), json!(random_uuid()));
        id.insert("cognito:username".into(), json!(user.username));
        for (name, value) in &user.attributes {
            if client.reads(name) {
                let claim = if name.ends_with("_verified") { json!(value == "true") } else { json!(value) };
                id.insert(name.clone(), claim);
            }
        }

        self.customize(source, user, client, &mut access, &mut id).await?;
        let mut result = Map::new();
        result.insert("AccessToken".into(), json!(self.inner.key.sign(&access)?));
        result.insert("IdToken".into(), json!(self.inner.key.sign(&id)?));
        result.insert("ExpiresIn".into(), json!(client.access_lifetime.as_secs()));
        result.insert("TokenType".into(), json!("Bearer"));
        Ok(result)
    }

    /// The user of an access token, and the client it was issued to. Unlike the gateway, Cognito itself rejects the
    /// tokens of a revoked session, and those that a trigger has taken its own scope from
    /// (<https://github.com/aws-amplify/amplify-js/issues/5921>).
    pub(super) fn bearer(&self, token: &str) -> Result<(User, &UserPoolClient), Refusal> {
        let refused = |message: &str| super::not_authorized(message);
        let claims = signed_claims(&self.inner.key, token).map_err(|_| refused("Invalid Access Token"))?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("token_use") != "access" || text("iss") != self.inner.pool.issuer() {
            return Err(refused("Invalid Access Token"));
        }
        check_times(&claims, self.inner.clock.now()).map_err(|_| refused("Access Token has expired"))?;
        if self.inner.database.is_revoked(text("origin_jti"))? {
            return Err(refused("Access Token has been revoked"));
        }
        if !text("scope").split(' ').any(|scope| scope == SCOPE) {
            return Err(refused("Access Token does not have required scopes"));
        }
        let client = self.client(text("client_id"))?;
        let user = self.inner.database.user(text("sub"))?.ok_or_else(super::user_not_found)?;
        if user.enabled { Ok((user, client)) } else { Err(refused("User is disabled.")) }
    }
}
