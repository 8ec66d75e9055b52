//! Signing in, as `InitiateAuth` and `RespondToAuthChallenge` have it and as their `Admin…` twins have it, which want a
//! permission and have flows of their own. Both count wrong passwords together.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::database::later;
use super::pre_token::TokenSource;
use super::secret::check_hash;
use super::sessions::{CHALLENGE_LIFETIME, check_enabled, no_session, refreshable, signed_in, unconfirmed};
use super::{Cognito, Status, User, UserPoolClient, challenges, invalid_parameter, not_authorized, wrong_password};
use crate::sqs::wire::Refusal;

/// After this many wrong passwords in a row a user is locked out: for one second, then twice as long after each further
/// one, up to [`MAX_LOCK`]. It counts what roles try as well, and has no switch
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html#authentication-flow-lockout-behavior>
const FREE_FAILURES: u32 = 5;
const MAX_LOCK: Duration = Duration::from_mins(15);

/// Who starts a sign-in: each has flows that the other does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Anybody, with `InitiateAuth`.
    Anybody,
    /// A role, with `AdminInitiateAuth`.
    Privileged,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InitiateInput {
    client_id: String,
    auth_flow: String,
    #[serde(default)]
    auth_parameters: BTreeMap<String, String>,
}

impl InitiateInput {
    fn parameter(&self, name: &str) -> Result<&str, Refusal> {
        let value = self.auth_parameters.get(name).filter(|value| !value.is_empty());
        value.map(String::as_str).ok_or_else(|| missing_parameter(name))
    }

    fn hash(&self) -> Option<&str> {
        self.auth_parameters.get("SECRET_HASH").map(String::as_str)
    }
}

pub(super) fn missing_parameter(name: &str) -> Refusal {
    invalid_parameter(format!("Missing required parameter {name}"))
}

#[derive(Clone, Copy)]
enum Flow {
    Password,
    Refresh,
    Custom,
}

/// The flow that a call names, if the caller may start it and the client has it. The words are Cognito's
/// (<https://github.com/awsdocs/aws-doc-sdk-examples/issues/5289>,
/// <https://github.com/soto-project/soto-cognito-authentication-kit/issues/10>,
/// <https://github.com/floci-io/floci/pull/3974>); `Auth flow not enabled for this client` is what many have met who
/// had not enabled `ADMIN_USER_PASSWORD_AUTH`.
fn flow(client: &UserPoolClient, caller: Caller, name: &str) -> Result<Flow, Refusal> {
    let not_enabled = |flow: &str| format!("{flow} flow not enabled for this client");
    let (flow, setting, refused) = match (name, caller) {
        ("ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH", Caller::Privileged) => {
            (Flow::Password, "ALLOW_ADMIN_USER_PASSWORD_AUTH", not_enabled("Auth"))
        }
        ("USER_PASSWORD_AUTH", Caller::Anybody) => (Flow::Password, "ALLOW_USER_PASSWORD_AUTH", not_enabled(name)),
        ("CUSTOM_AUTH", _) => (Flow::Custom, "ALLOW_CUSTOM_AUTH", not_enabled("Custom auth")),
        ("REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN", _) => {
            (Flow::Refresh, "ALLOW_REFRESH_TOKEN_AUTH", not_enabled("REFRESH_TOKEN"))
        }
        ("ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH" | "USER_PASSWORD_AUTH", _) => {
            return Err(invalid_parameter("Initiate Auth method not supported."));
        }
        _ => return Err(invalid_parameter(format!("the embedded cloud has no flow {name}"))),
    };
    if client.allows(setting) { Ok(flow) } else { Err(invalid_parameter(refused)) }
}

pub(super) async fn initiate(cognito: &Cognito, caller: Caller, input: InitiateInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    match flow(client, caller, &input.auth_flow)? {
        Flow::Refresh => {
            let (session, user) = refreshable(cognito, client, input.parameter("REFRESH_TOKEN")?)?;
            // The hash is of the real username, whatever name the user signed in with.
            check_hash(client, &user.username, input.hash())?;
            let tokens = cognito.tokens(&user, client, &session, TokenSource::Refresh).await?;
            Ok(json!({ "ChallengeParameters": {}, "AuthenticationResult": tokens }))
        }
        Flow::Password => {
            let (username, password) = (input.parameter("USERNAME")?, input.parameter("PASSWORD")?);
            check_hash(client, username, input.hash())?;
            let Some(user) = cognito.find_user(client, username)? else { return Err(wrong_password()) };
            check_password(cognito, &user, password, "Password attempts exceeded").await?;
            check_enabled(&user)?;
            match user.status {
                Status::Unconfirmed => Err(unconfirmed()),
                Status::ForceChangePassword => challenge(cognito, client, &user),
                Status::Confirmed => signed_in(cognito, client, &user, TokenSource::Authentication).await,
            }
        }
        // Not counted as a wrong password is, and not held up by the lock of one.
        Flow::Custom => {
            if input.auth_parameters.contains_key("CHALLENGE_NAME") {
                return Err(invalid_parameter("the embedded cloud begins no custom challenge with a password"));
            }
            let username = input.parameter("USERNAME")?;
            check_hash(client, username, input.hash())?;
            challenges::begin(cognito, client, username).await
        }
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

impl RespondInput {
    fn response(&self, name: &str) -> Result<&str, Refusal> {
        self.challenge_responses.get(name).map(String::as_str).ok_or_else(|| missing_parameter(name))
    }

    fn hash(&self) -> Option<&str> {
        self.challenge_responses.get("SECRET_HASH").map(String::as_str)
    }
}

pub(super) async fn respond(cognito: &Cognito, input: RespondInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    if input.challenge_name == "CUSTOM_CHALLENGE" {
        let (username, answer) = (input.response("USERNAME")?, input.response("ANSWER")?);
        check_hash(client, username, input.hash())?;
        let session = input.session.as_deref().ok_or_else(no_session)?;
        return challenges::respond(cognito, client, username, session, answer).await;
    }
    if input.challenge_name != "NEW_PASSWORD_REQUIRED" {
        return Err(invalid_parameter(format!("the embedded cloud has no challenge {}", input.challenge_name)));
    }
    // Attributes that the pool requires and an administrator left out would come here. There are none: creating
    // somebody without them is refused.
    if let Some(name) = input.challenge_responses.keys().find(|name| name.starts_with("userAttributes.")) {
        return Err(invalid_parameter(format!("the embedded cloud takes no {name} with a new password")));
    }
    let (username, password) = (input.response("USERNAME")?, input.response("NEW_PASSWORD")?);
    check_hash(client, username, input.hash())?;
    let session = input.session.as_deref().ok_or_else(no_session)?;
    let user = cognito.inner.database.user(username)?.ok_or_else(no_session)?;
    if !cognito.inner.database.is_open(session, &user.sub, &client.id, cognito.now())? {
        return Err(no_session());
    }
    check_enabled(&user)?;
    // A rejected password leaves the challenge open for another.
    cognito.inner.pool.password_policy.check(password)?;
    let hash = cognito.inner.hashing.hash(password).await?;
    if !cognito.inner.database.close(session)? {
        return Err(no_session());
    }
    cognito.inner.database.set_password(&user.sub, &hash, Status::Confirmed, None, cognito.now())?;
    let user = User { status: Status::Confirmed, ..user };
    signed_in(cognito, client, &user, TokenSource::NewPassword).await
}
