//! Sessions: what a sign-in begins, what a refresh token continues, and what a revocation ends.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::database::Session;
use super::pre_token::TokenSource;
use super::secret::{self, is_secret};
use super::{Cognito, User, UserPoolClient, not_authorized};
use crate::sqs::wire::{Refusal, random_uuid};

/// How long a challenge stays open.
pub(super) const CHALLENGE_LIFETIME: Duration = Duration::from_mins(3);

pub(super) fn check_enabled(user: &User) -> Result<(), Refusal> {
    if user.enabled { Ok(()) } else { Err(not_authorized("User is disabled.")) }
}

pub(super) fn unconfirmed() -> Refusal {
    Refusal::new("UserNotConfirmedException", "User is not confirmed.")
}

pub(super) fn no_session() -> Refusal {
    not_authorized("Invalid session for the user.")
}

pub(super) async fn signed_in(
    cognito: &Cognito,
    client: &UserPoolClient,
    user: &User,
    source: TokenSource,
) -> Result<Value, Refusal> {
    let now = cognito.inner.clock.now();
    let session = Session {
        origin_jti: random_uuid(),
        sub: user.sub.clone(),
        client: client.id.clone(),
        auth_time: now.seconds(),
        expires_at: (now + client.refresh_lifetime).millis(),
        revoked: false,
    };
    let mut tokens = cognito.tokens(user, client, &session, source).await?;
    // Begun once a trigger has let it pass.
    let refresh = cognito.inner.database.begin(&session)?;
    tokens.insert("RefreshToken".into(), json!(refresh));
    Ok(json!({ "ChallengeParameters": {}, "AuthenticationResult": tokens }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RefreshInput {
    client_id: String,
    client_secret: Option<String>,
    refresh_token: String,
}

/// `GetTokensFromRefreshToken`, which takes the client's secret itself, because a refresh token does not say whose it
/// is. Which error a wrong secret has is not documented; here it is that of a wrong hash.
pub(super) async fn refresh_with_secret(cognito: &Cognito, input: &RefreshInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    if !is_secret(client, input.client_secret.as_deref()) {
        return Err(secret::wrong(client));
    }
    let (session, user) = refreshable(cognito, client, &input.refresh_token)?;
    let tokens = cognito.tokens(&user, client, &session, TokenSource::Refresh).await?;
    Ok(json!({ "AuthenticationResult": tokens }))
}

/// The session of a refresh token that is still good, and its user.
pub(super) fn refreshable(cognito: &Cognito, client: &UserPoolClient, token: &str) -> Result<(Session, User), Refusal> {
    let invalid = || not_authorized("Invalid Refresh Token");
    let session = cognito.inner.database.session(token)?.filter(|session| session.client == client.id);
    let session = session.ok_or_else(invalid)?;
    if session.revoked {
        return Err(not_authorized("Refresh Token has been revoked"));
    }
    if session.expires_at <= cognito.now() {
        return Err(not_authorized("Refresh Token has expired"));
    }
    let user = cognito.inner.database.user(&session.sub)?.ok_or_else(invalid)?;
    check_enabled(&user)?;
    Ok((session, user))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RevokeInput {
    client_id: String,
    client_secret: Option<String>,
    token: String,
}

/// Revokes a refresh token and the access tokens of its session. An unknown token is no error (RFC 7009, section 2.2).
pub(super) fn revoke(cognito: &Cognito, input: &RevokeInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    if !is_secret(client, input.client_secret.as_deref()) {
        return Err(Refusal::new("UnauthorizedException", "Invalid client secret."));
    }
    // Access and ID tokens are JWTs, which have three parts; refresh tokens have one.
    if input.token.split('.').count() == 3 {
        return Err(Refusal::new("UnsupportedTokenTypeException", "Unsupported token type."));
    }
    if let Some(session) = cognito.inner.database.session(&input.token)? {
        if session.client != client.id {
            return Err(Refusal::new("UnauthorizedException", "The token was not issued to this client."));
        }
        cognito.inner.database.revoke(&session.origin_jti)?;
    }
    Ok(json!({}))
}
