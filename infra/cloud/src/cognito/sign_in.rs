//! Signing in, refreshing tokens, and revoking a refresh token.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::database::{Session, later};
use super::secret::{self, check_hash, is_secret};
use super::{Cognito, Status, User, UserPoolClient, invalid_parameter, not_authorized, wrong_password};
use crate::sqs::wire::{Refusal, random_uuid};

/// How long a `NEW_PASSWORD_REQUIRED` challenge stays open.
const CHALLENGE_LIFETIME: Duration = Duration::from_mins(3);

/// After this many wrong passwords in a row a user is locked out: for one second, then twice as long after each further
/// one, up to [`MAX_LOCK`].
const FREE_FAILURES: u32 = 5;
const MAX_LOCK: Duration = Duration::from_mins(15);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InitiateInput {
    client_id: String,
    auth_flow: String,
    #[serde(default)]
    auth_parameters: BTreeMap<String, String>,
}

pub(super) async fn initiate(cognito: &Cognito, input: InitiateInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    let (flow, setting) = match input.auth_flow.as_str() {
        "USER_PASSWORD_AUTH" => ("USER_PASSWORD_AUTH", "ALLOW_USER_PASSWORD_AUTH"),
        "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN" => ("REFRESH_TOKEN", "ALLOW_REFRESH_TOKEN_AUTH"),
        other => return Err(invalid_parameter(format!("Initiate Auth method not supported: {other}"))),
    };
    if !client.allows(setting) {
        return Err(invalid_parameter(format!("{flow} flow not enabled for this client")));
    }
    let parameter = |name: &str| {
        let value = input.auth_parameters.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| invalid_parameter(format!("Missing required parameter {name}")))
    };
    let hash = input.auth_parameters.get("SECRET_HASH").map(String::as_str);
    if flow == "REFRESH_TOKEN" {
        let (session, user) = refreshable(cognito, client, parameter("REFRESH_TOKEN")?)?;
        // The hash is of the real username, whatever name the user signed in with.
        check_hash(client, &user.username, hash)?;
        let tokens = cognito.tokens(&user, client, &session, None)?;
        return Ok(json!({ "ChallengeParameters": {}, "AuthenticationResult": tokens }));
    }
    let (username, password) = (parameter("USERNAME")?, parameter("PASSWORD")?);
    check_hash(client, username, hash)?;
    let Some(user) = cognito.find_user(client, username)? else { return Err(wrong_password()) };
    check_password(cognito, &user, password, "Password attempts exceeded").await?;
    if !user.enabled {
        return Err(not_authorized("User is disabled."));
    }
    match user.status {
        Status::Unconfirmed => Err(Refusal::new("UserNotConfirmedException", "User is not confirmed.")),
        Status::ForceChangePassword => challenge(cognito, client, &user),
        Status::Confirmed => signed_in(cognito, client, &user),
    }
}

/// Rejects and counts a wrong password; while the user is locked out, rejects every password without counting it.
pub(super) async fn check_password(
    cognito: &Cognito,
    user: &User,
    password: &str,
    locked_out: &str,
) -> Result<(), Refusal> {
    let now = cognito.now();
    let failures = if later(user.failed_at, MAX_LOCK) > now { user.failures } else { 0 };
    if let Some(over) = failures.checked_sub(FREE_FAILURES) {
        let lock = Duration::from_secs(1_u64 << over.min(32)).min(MAX_LOCK);
        if later(user.failed_at, lock) > now {
            return Err(not_authorized(locked_out));
        }
    }
    if cognito.inner.hashing.matches(password, user.password.as_deref()).await? {
        if user.failures > 0 {
            cognito.inner.database.set_failures(&user.sub, 0, 0)?;
        }
        return Ok(());
    }
    cognito.inner.database.set_failures(&user.sub, failures.saturating_add(1), now)?;
    Err(wrong_password())
}

fn challenge(cognito: &Cognito, client: &UserPoolClient, user: &User) -> Result<Value, Refusal> {
    if user.temporary_until.is_some_and(|until| until <= cognito.now()) {
        return Err(not_authorized("Temporary password has expired and must be reset by an administrator."));
    }
    let session = cognito.inner.database.challenge(&user.sub, &client.id, later(cognito.now(), CHALLENGE_LIFETIME))?;
    Ok(json!({
        "ChallengeName": "NEW_PASSWORD_REQUIRED",
        "Session": session,
        "ChallengeParameters": {
            "USER_ID_FOR_SRP": user.sub,
            "requiredAttributes": "[]",
            "userAttributes": json!(user.attributes).to_string(),
        },
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RespondInput {
    client_id: String,
    challenge_name: String,
    session: Option<String>,
    #[serde(default)]
    challenge_responses: BTreeMap<String, String>,
}

pub(super) async fn respond(cognito: &Cognito, input: RespondInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    if input.challenge_name != "NEW_PASSWORD_REQUIRED" {
        return Err(invalid_parameter(format!("the embedded cloud has no challenge {}", input.challenge_name)));
    }
    let response = |name: &str| {
        let value = input.challenge_responses.get(name);
        value.ok_or_else(|| invalid_parameter(format!("Missing required parameter {name}")))
    };
    let (username, password) = (response("USERNAME")?, response("NEW_PASSWORD")?);
    check_hash(client, username, input.challenge_responses.get("SECRET_HASH").map(String::as_str))?;
    let no_session = || not_authorized("Invalid session for the user.");
    let session = input.session.as_deref().ok_or_else(no_session)?;
    let user = cognito.inner.database.user(username)?.ok_or_else(no_session)?;
    if !cognito.inner.database.is_open(session, &user.sub, &client.id, cognito.now())? {
        return Err(no_session());
    }
    // A rejected password leaves the challenge open for another.
    cognito.inner.pool.password_policy.check(password)?;
    let hash = cognito.inner.hashing.hash(password).await?;
    if !cognito.inner.database.close(session)? {
        return Err(no_session());
    }
    cognito.inner.database.set_password(&user.sub, &hash, Status::Confirmed, None, cognito.now())?;
    signed_in(cognito, client, &user)
}

fn signed_in(cognito: &Cognito, client: &UserPoolClient, user: &User) -> Result<Value, Refusal> {
    let now = cognito.inner.clock.now();
    let session = Session {
        origin_jti: random_uuid(),
        sub: user.sub.clone(),
        client: client.id.clone(),
        auth_time: now.seconds(),
        expires_at: (now + client.refresh_lifetime).millis(),
        revoked: false,
    };
    let refresh = cognito.inner.database.begin(&session)?;
    let tokens = cognito.tokens(user, client, &session, Some(&refresh))?;
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
pub(super) fn refresh_with_secret(cognito: &Cognito, input: &RefreshInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    if !is_secret(client, input.client_secret.as_deref()) {
        return Err(secret::wrong(client));
    }
    let (session, user) = refreshable(cognito, client, &input.refresh_token)?;
    Ok(json!({ "AuthenticationResult": cognito.tokens(&user, client, &session, None)? }))
}

/// The session of a refresh token that is still good, and its user.
fn refreshable(cognito: &Cognito, client: &UserPoolClient, token: &str) -> Result<(Session, User), Refusal> {
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
    if !user.enabled {
        return Err(not_authorized("User is disabled."));
    }
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
