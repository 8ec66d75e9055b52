//! The trigger that may change the claims and scopes of tokens before they are signed, with events of version `V2_0`
//! (<https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html>).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::triggers::{Question, attributes_of, unrecognizable};
use super::{Cognito, User, UserPoolClient};
use crate::sqs::wire::Refusal;

/// What somebody did to get tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenSource {
    Authentication,
    NewPassword,
    Refresh,
}

impl TokenSource {
    fn source(self) -> &'static str {
        match self {
            Self::Authentication => "TokenGeneration_Authentication",
            Self::NewPassword => "TokenGeneration_NewPasswordChallenge",
            Self::Refresh => "TokenGeneration_RefreshTokens",
        }
    }
}

/// What no trigger changes. What is asked of them is ignored here; what Cognito does then is not documented.
const PROTECTED: [&str; 21] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "client_id",
    "cognito:username",
    "device_key",
    "event_id",
    "exp",
    "iat",
    "identities",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "origin_jti",
    "sub",
    "token_use",
    "version",
];

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    claims_and_scope_override_details: Option<Overrides>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Overrides {
    id_token_generation: Option<Changes>,
    access_token_generation: Option<Changes>,
    group_override_details: Option<Groups>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Groups {
    groups_to_override: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    claims_to_add_or_override: Option<BTreeMap<String, Value>>,
    claims_to_suppress: Option<Vec<String>>,
    scopes_to_add: Option<Vec<String>>,
    scopes_to_suppress: Option<Vec<String>>,
}

impl Cognito {
    /// Lets the trigger change the claims of an access token and of an ID token, if the pool has one.
    pub(super) async fn customize(
        &self,
        source: TokenSource,
        user: &User,
        client: &UserPoolClient,
        access: &mut Map<String, Value>,
        id: &mut Map<String, Value>,
    ) -> Result<(), Refusal> {
        let Some(trigger) = &self.inner.pool.triggers.pre_token else { return Ok(()) };
        let groups = access.get("cognito:groups").cloned().unwrap_or_else(|| json!([]));
        let scopes: Vec<&str> = scopes_of(access);
        let question = Question {
            name: "PreTokenGeneration",
            source: source.source(),
            version: "2",
            username: &user.username,
            client,
            request: json!({
                "userAttributes": attributes_of(user),
                "groupConfiguration": {
                    "groupsToOverride": groups, "iamRolesToOverride": [], "preferredRole": null,
                },
                "scopes": scopes,
            }),
            response: json!({ "claimsAndScopeOverrideDetails": null }),
        };
        let answer: Answer = self.ask(trigger, question).await?;
        let overrides = answer.claims_and_scope_override_details.unwrap_or_default();
        if let Some(groups) = overrides.group_override_details.and_then(|groups| groups.groups_to_override) {
            for claims in [&mut *access, &mut *id] {
                claims.insert("cognito:groups".to_owned(), json!(groups));
            }
        }
        if let Some(changes) = &overrides.access_token_generation {
            changes.apply_to_scopes(access)?;
            changes.apply_to_claims(access);
        }
        if let Some(changes) = &overrides.id_token_generation {
            changes.apply_to_claims(id);
        }
        Ok(())
    }
}

fn scopes_of(claims: &Map<String, Value>) -> Vec<&str> {
    claims.get("scope").and_then(Value::as_str).unwrap_or_default().split_whitespace().collect()
}

impl Changes {
    /// A claim that is both added and suppressed is suppressed.
    fn apply_to_claims(&self, claims: &mut Map<String, Value>) {
        let is_free = |name: &str| !PROTECTED.contains(&name) && name != "scope";
        for (name, value) in self.claims_to_add_or_override.iter().flatten().filter(|(name, _)| is_free(name)) {
            claims.insert(name.clone(), value.clone());
        }
        for name in self.claims_to_suppress.iter().flatten().filter(|name| is_free(name)) {
            claims.remove(name);
        }
    }

    /// A scope needs no resource server, but must not contain a blank.
    fn apply_to_scopes(&self, claims: &mut Map<String, Value>) -> Result<(), Refusal> {
        let added = self.scopes_to_add.iter().flatten();
        if added.clone().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
            return Err(unrecognizable());
        }
        let mut scopes: Vec<String> = scopes_of(claims).into_iter().map(str::to_owned).collect();
        for scope in added {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        scopes.retain(|scope| !self.scopes_to_suppress.iter().flatten().any(|suppressed| suppressed == scope));
        if scopes.is_empty() {
            claims.remove("scope");
        } else {
            claims.insert("scope".to_owned(), json!(scopes.join(" ")));
        }
        Ok(())
    }
}
