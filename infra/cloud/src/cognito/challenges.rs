//! Signing in with challenges that functions define, make and verify (`CUSTOM_AUTH`,
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-challenge.html>).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::database::{CustomChallenge, later};
use super::pre_token::TokenSource;
use super::sessions::{CHALLENGE_LIFETIME, check_enabled, no_session, signed_in, unconfirmed};
use super::triggers::{Question, attributes_of, object, unrecognizable};
use super::{Cognito, Status, Trigger, User, UserPoolClient, invalid_parameter, wrong_password};
use crate::sqs::wire::Refusal;

const NAME: &str = "CUSTOM_CHALLENGE";

/// A challenge that was answered.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    challenge_name: String,
    challenge_result: bool,
    challenge_metadata: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    challenge_name: Option<String>,
    issue_tokens: Option<bool>,
    fail_authentication: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    public_challenge_parameters: Option<BTreeMap<String, String>>,
    private_challenge_parameters: Option<BTreeMap<String, String>>,
    challenge_metadata: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    answer_correct: Option<bool>,
}

/// A sign-in under way. Of an unknown name there is one too, so that clients learn nothing: the functions are told.
struct SignIn<'a> {
    username: &'a str,
    user: Option<User>,
    client: &'a UserPoolClient,
    answered: Vec<Answered>,
}

fn configured(trigger: Option<&Trigger>) -> Result<&Trigger, Refusal> {
    trigger.ok_or_else(|| invalid_parameter("Custom auth lambda trigger is not configured for the user pool."))
}

pub(super) async fn begin(cognito: &Cognito, client: &UserPoolClient, username: &str) -> Result<Value, Refusal> {
    configured(cognito.inner.pool.triggers.define_challenge.as_ref())?;
    let user = cognito.find_user(client, username)?;
    if let Some(user) = &user {
        check_enabled(user)?;
    }
    let sign_in = SignIn { username, user, client, answered: Vec::new() };
    sign_in.go_on(cognito).await
}

/// Takes an answer. Its session is used up, whatever comes of it: the next challenge has one of its own.
pub(super) async fn respond(
    cognito: &Cognito,
    client: &UserPoolClient,
    username: &str,
    session: &str,
    answer: &str,
) -> Result<Value, Refusal> {
    let trigger = configured(cognito.inner.pool.triggers.verify_answer.as_ref())?;
    let known = cognito.inner.database.take_custom_challenge(session)?;
    let open = known.filter(|open| {
        open.client == client.id && open.username == username.to_lowercase() && open.expires_at > cognito.now()
    });
    let open = open.ok_or_else(no_session)?;
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let answered = serde_json::from_str(&open.answered).unwrap_or_default();
    let user = cognito.find_user(client, username)?;
    if let Some(user) = &user {
        check_enabled(user)?;
    }
    let mut sign_in = SignIn { username, user, client, answered };
    let request = sign_in
        .request([("privateChallengeParameters", read(&open.private_parameters)), ("challengeAnswer", json!(answer))]);
    let question = sign_in.question(
        "VerifyAuthChallengeResponse",
        "VerifyAuthChallengeResponse_Authentication",
        request,
        json!({ "answerCorrect": null }),
    );
    let verdict: Verdict = cognito.ask(trigger, question).await?;
    sign_in.answered.push(Answered {
        challenge_name: NAME.to_owned(),
        challenge_result: verdict.answer_correct.ok_or_else(unrecognizable)?,
        challenge_metadata: open.metadata,
    });
    sign_in.go_on(cognito).await
}

impl SignIn<'_> {
    /// What the events about it have in common. Whether there is nobody is told only then.
    fn request(&self, entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        let attributes = self.user.as_ref().map(attributes_of).unwrap_or_default();
        let nobody = if self.user.is_none() { json!(true) } else { Value::Null };
        let common = [("userAttributes", json!(attributes)), ("userNotFound", nobody)];
        object(common.into_iter().chain(entries))
    }

    fn question(&self, name: &'static str, source: &'static str, request: Value, response: Value) -> Question<'_> {
        let username = self.user.as_ref().map_or(self.username, |user| user.username.as_str());
        Question { name, source, version: "1", username, client: self.client, request, response }
    }

    /// Asks what comes next: another challenge, tokens, or the end.
    async fn go_on(&self, cognito: &Cognito) -> Result<Value, Refusal> {
        let trigger = configured(cognito.inner.pool.triggers.define_challenge.as_ref())?;
        let question = self.question(
            "DefineAuthChallenge",
            "DefineAuthChallenge_Authentication",
            self.request([("session", json!(self.answered))]),
            json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null }),
        );
        let next: Definition = cognito.ask(trigger, question).await?;
        if next.fail_authentication == Some(true) {
            return Err(wrong_password());
        }
        if next.issue_tokens == Some(true) {
            let user = self.user.as_ref().ok_or_else(wrong_password)?;
            return match user.status {
                Status::Unconfirmed => Err(unconfirmed()),
                // What Cognito does with somebody who has a temporary password is not documented.
                Status::ForceChangePassword => Err(wrong_password()),
                Status::Confirmed => signed_in(cognito, self.client, user, TokenSource::Authentication).await,
            };
        }
        if next.challenge_name.as_deref() != Some(NAME) {
            return Err(unrecognizable());
        }
        self.challenge(cognito).await
    }

    async fn challenge(&self, cognito: &Cognito) -> Result<Value, Refusal> {
        let trigger = configured(cognito.inner.pool.triggers.create_challenge.as_ref())?;
        let question = self.question(
            "CreateAuthChallenge",
            "CreateAuthChallenge_Authentication",
            self.request([("challengeName", json!(NAME)), ("session", json!(self.answered))]),
            json!({ "publicChallengeParameters": null, "privateChallengeParameters": null, "challengeMetadata": null }),
        );
        let made: Creation = cognito.ask(trigger, question).await?;
        let private = made.private_challenge_parameters.unwrap_or_default();
        let session = cognito.inner.database.open_custom_challenge(&CustomChallenge {
            username: self.username.to_lowercase(),
            client: self.client.id.clone(),
            expires_at: later(cognito.now(), CHALLENGE_LIFETIME),
            private_parameters: json!(private).to_string(),
            answered: json!(self.answered).to_string(),
            metadata: made.challenge_metadata,
        })?;
        let mut shown: Map<String, Value> = Map::new();
        for (name, value) in made.public_challenge_parameters.unwrap_or_default() {
            shown.insert(name, json!(value));
        }
        shown.insert("USERNAME".to_owned(), json!(self.username));
        Ok(json!({ "ChallengeName": NAME, "Session": session, "ChallengeParameters": shown }))
    }
}
