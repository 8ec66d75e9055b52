//! The calls of signed-in users on their own account, authorized by the access token.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::sign_in::check_password;
use super::sign_up::unwritable;
use super::{Attribute, Cognito, invalid_parameter, limit_exceeded, not_authorized};
use crate::sqs::wire::Refusal;

/// The attributes that every pool has and users may set
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html>).
const STANDARD: [&str; 18] = [
    "address",
    "birthdate",
    "email",
    "email_verified",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "phone_number",
    "phone_number_verified",
    "picture",
    "preferred_username",
    "profile",
    "website",
    "zoneinfo",
];

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
    Ok(json!({ "Username": user.sub, "UserAttributes": listed(&user.sub, &readable) }))
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
    for attribute in &input.user_attributes {
        if attribute.name.ends_with("_verified") || !client.writes(&attribute.name) {
            return Err(unwritable(&attribute.name));
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

/// Attributes by name. Rejects names outside the pool's schema and values that are too long.
pub(super) fn checked_attributes(attributes: Vec<Attribute>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut checked = BTreeMap::new();
    for Attribute { name, value } in attributes {
        if name == "sub" {
            return Err(invalid_parameter("Cannot modify the non-mutable attribute sub"));
        }
        if !STANDARD.contains(&name.as_str()) {
            return Err(invalid_parameter(format!(
                "Attributes did not conform to the schema: {name}: Attribute does not exist in the schema."
            )));
        }
        if value.chars().count() > MAX_VALUE_LENGTH {
            return Err(invalid_parameter(format!(
                "Attributes did not conform to the schema: {name}: String must be no longer than {MAX_VALUE_LENGTH} characters"
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
