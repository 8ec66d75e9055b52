//! What the user pool asks: which scopes a token has, and whether a sign-in by code is ours.
//!
//! A token of ours has the scope of our API in the place of the pool's own, with which whoever has it could delete its
//! owner, change their attributes and turn their second factor off at Cognito itself.
//!
//! A sign-in by code is one custom challenge. Its answer is a proof that the account function makes once it has checked
//! the code: nobody else can begin a session without a password.

use std::sync::Arc;

use domain::Timestamp;
use platform::{Config, Fatal, Rotating, Secret, SecretError, UserPoolEvent};
use serde_json::{Value, json};

/// The scope that the authorizer of the API asks for.
pub const API_SCOPE: &str = "bozor/api";
/// The scope with which a token's owner calls Cognito directly.
const POOL_SCOPE: &str = "aws.cognito.signin.user.admin";

const CHALLENGE: &str = "CUSTOM_CHALLENGE";
/// How many answers may be given in one sign-in. Each of ours is right; more than one is a proof that came too late.
const MAX_ANSWERS: usize = 3;

/// State of the handler.
#[derive(Debug)]
pub struct App {
    proofs: Arc<Secret<Rotating>>,
}

/// Why an event is not answered, which fails the sign-in.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    #[error("{0} is not a trigger of ours")]
    Unknown(String),
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl App {
    /// Builds the client of the secret, which is read at the first proof.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    #[expect(clippy::unused_async, reason = "every function's state is made alike")]
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        Ok(Self { proofs: Arc::new(config.secret("SIGN_IN_SECRET_ARN")?) })
    }

    /// A proof that does not fit may be under a secret that was put after ours was read.
    async fn is_proof(&self, answer: &str, sub: &str, now: Timestamp) -> Result<bool, SecretError> {
        if self.proofs.value().await?.is_sign_in_proof(answer, sub, now) {
            return Ok(true);
        }
        let newer = self.proofs.refresh_after_failure().await?;
        Ok(newer.is_some_and(|newer| newer.is_sign_in_proof(answer, sub, now)))
    }
}

/// Answers one event: what its `response` becomes.
///
/// # Errors
/// The event is not known, or the secret cannot be read.
pub async fn handle(app: &App, event: &UserPoolEvent, now: Timestamp) -> Result<Value, TriggerError> {
    let request = &event.request;
    match event.trigger() {
        "TokenGeneration" => Ok(scopes(request)),
        "DefineAuthChallenge" => Ok(next_step(request)),
        "CreateAuthChallenge" => Ok(challenge(request)),
        "VerifyAuthChallengeResponse" => {
            let is_right = match (subject(request), request["challengeAnswer"].as_str()) {
                (Some(sub), Some(answer)) => app.is_proof(answer, sub, now).await?,
                _ => false,
            };
            Ok(json!({ "answerCorrect": is_right }))
        }
        _ => Err(TriggerError::Unknown(event.source.clone())),
    }
}

/// Whom the event is about; nobody when the name is unknown.
fn subject(request: &Value) -> Option<&str> {
    let is_known = request.get("userNotFound") != Some(&Value::Bool(true));
    request.pointer("/userAttributes/sub").and_then(Value::as_str).filter(|sub| is_known && !sub.is_empty())
}

/// Cognito takes the groups away unless they are given back
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html>).
fn scopes(request: &Value) -> Value {
    json!({ "claimsAndScopeOverrideDetails": {
        "accessTokenGeneration": { "scopesToAdd": [API_SCOPE], "scopesToSuppress": [POOL_SCOPE] },
        "groupOverrideDetails": request["groupConfiguration"],
    } })
}

/// One challenge, answered rightly in one of a few tries. A sign-in that has begun with anything else fails.
fn next_step(request: &Value) -> Value {
    let answered = request["session"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_ours = answered.iter().all(|one| one["challengeName"] == CHALLENGE);
    let is_right = is_ours && answered.last().is_some_and(|last| last["challengeResult"] == true);
    let goes_on = is_ours && !is_right && answered.len() < MAX_ANSWERS;
    json!({
        "challengeName": if goes_on { json!(CHALLENGE) } else { Value::Null },
        "issueTokens": is_right,
        "failAuthentication": !is_right && !goes_on,
    })
}

/// Whose proof is asked for. Of an unknown name there is a challenge as well, which no proof answers.
fn challenge(request: &Value) -> Value {
    let shown = subject(request).map_or_else(|| json!({}), |sub| json!({ "sub": sub }));
    json!({ "publicChallengeParameters": shown, "privateChallengeParameters": {}, "challengeMetadata": "SIGN_IN" })
}

#[cfg(test)]
mod tests;
