//! The calls of signed-in users on their own account, authorized by the access token.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::sign_in::check_password;
use super::spec::is_standard;
use super::{Attribute, Cognito, UserPoolClient, invalid_parameter, limit_exceeded, not_authorized};
use crate::sqs::wire::Refusal;

const MAX_VALUE_LENGTH: usize = 2048;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BearerInput {
    access_token: String,
}

pub(super) fn user(cognito: &Cognito, input: &BearerInput) -> Result<Value, Refusal> {
    let (user, client) = cognito.bearer(&input.access_token)?;
    let readable: BTreeMap<String, String> = user
        .attributes
        .iter()
        .filter(|(name, _)| client.reads(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Ok(json!({ "Username": user.username, "UserAttributes": listed(&user.sub, &readable) }))
}

/// Attributes as responses list them, the `sub` first.
pub(super) fn listed(sub: &str, attributes: &BTreeMap<String, String>) -> Vec<Value> {
    let sub = ("sub", sub);
    std::iter::once(sub)
        .chain(attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        .map(|(name, value)| json!({ "Name": name, "Value": value }))
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateInput {
    access_token: String,
    user_attributes: Vec<Attribute>,
}

pub(super) fn update_attributes(cognito: &Cognito, input: UpdateInput) -> Result<Value, Refusal> {
    let (user, client) = cognito.bearer(&input.access_token)?;
    check_written(client, &input.user_attributes)?;
    let pool = &cognito.inner.pool;
    for attribute in &input.user_attributes {
        if pool.immutable_attributes.contains(&attribute.name) {
            return Err(not_mutable(&attribute.name));
        }
        if attribute.value.is_empty() && pool.required_attributes.contains(&attribute.name) {
            return Err(required(&attribute.name));
        }
        if attribute.name == "email" {
            // Cognito has a changed address verified before it takes effect; this subset does not implement that.
            return Err(invalid_parameter("the embedded cloud does not change addresses"));
        }
    }
    let mut attributes = user.attributes;
    for (name, value) in checked_attributes(input.user_attributes)? {
        // An empty value deletes the attribute.
        if value.is_empty() {
            attributes.remove(&name);
        } else {
            attributes.insert(name, value);
        }
    }
    cognito.inner.database.set_attributes(&user.sub, &attributes, cognito.now())?;
    Ok(json!({ "CodeDeliveryDetailsList": [] }))
}

/// Rejects attributes that the client may not write, before anything else is said of them: also those that the schema
/// does not have (<https://github.com/aws/aws-sdk-js/issues/1084>), and those that nobody may write
/// (<https://github.com/aws/aws-sdk-js/issues/3603>).
pub(super) fn check_written(client: &UserPoolClient, attributes: &[Attribute]) -> Result<(), Refusal> {
    if attributes.iter().all(|attribute| client.writes(&attribute.name)) {
        return Ok(());
    }
    Err(not_authorized("A client attempted to write unauthorized attribute"))
}

/// Rejects a user that lacks an attribute which the pool requires.
pub(super) fn check_required(names: &[String], attributes: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let missing = names.iter().find(|name| attributes.get(*name).is_none_or(String::is_empty));
    missing.map_or(Ok(()), |name| Err(required(name)))
}

/// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html>
fn required(name: &str) -> Refusal {
    invalid_parameter(format!("Attributes did not conform to the schema: {name}: The attribute is required\n"))
}

/// <https://github.com/aws-amplify/amplify-swift/issues/3981>
fn not_mutable(name: &str) -> Refusal {
    invalid_parameter(format!("user.{name}: Attribute cannot be updated.\n"))
}

/// Attributes by name. Rejects names outside the pool's schema and values that are too long.
pub(super) fn checked_attributes(attributes: Vec<Attribute>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut checked = BTreeMap::new();
    for Attribute { name, value } in attributes {
        if name == "sub" {
            return Err(not_mutable(&name));
        }
        if !is_standard(&name) {
            return Err(invalid_parameter(format!(
                "Attributes did not conform to the schema: {name}: Attribute does not exist in the schema."
            )));
        }
        if value.chars().count() > MAX_VALUE_LENGTH {
            return Err(invalid_parameter(format!(
                "Attributes did not conform to the schema: {name}: String must be no longer than {MAX_VALUE_LENGTH} \
                 characters"
            )));
        }
        checked.insert(name, value);
    }
    Ok(checked)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangePasswordInput {
    access_token: String,
    previous_password: Option<String>,
    proposed_password: String,
}

/// Marks the lockout error of [`check_password`], for which this call has another error code than a sign-in.
const LOCKED_OUT: &str = "locked out";

pub(super) async fn change_password(cognito: &Cognito, input: ChangePasswordInput) -> Result<Value, Refusal> {
    let (user, _) = cognito.bearer(&input.access_token)?;
    cognito.inner.pool.password_policy.check(&input.proposed_password)?;
    let previous = input.previous_password.unwrap_or_default();
    check_password(cognito, &user, &previous, LOCKED_OUT)
        .await
        .map_err(|refusal| if refusal == not_authorized(LOCKED_OUT) { limit_exceeded() } else { refusal })?;
    let hash = cognito.inner.hashing.hash(&input.proposed_password).await?;
    cognito.inner.database.set_password(&user.sub, &hash, user.status, None, cognito.now())?;
    Ok(json!({}))
}

pub(super) fn global_sign_out(cognito: &Cognito, input: &BearerInput) -> Result<Value, Refusal> {
    let (user, _) = cognito.bearer(&input.access_token)?;
    cognito.inner.database.revoke_all(&user.sub)?;
    Ok(json!({}))
}
