//! The calls of signed-in users on their own account, authorized by the access token.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::sign_in::check_password;
use super::spec::is_standard;
use super::{Attribute, Cognito, UserPool, UserPoolClient, invalid_parameter, limit_exceeded, not_authorized};
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
    if input.user_attributes.iter().any(|attribute| attribute.name == "email" && !attribute.value.is_empty()) {
        // Cognito has a changed address verified before it takes effect; this subset does not implement that.
        return Err(invalid_parameter("the embedded cloud does not change addresses"));
    }
    let attributes = changed(&cognito.inner.pool, &user.attributes, input.user_attributes)?;
    cognito.inner.database.set_attributes(&user.sub, &attributes, cognito.now())?;
    Ok(json!({ "CodeDeliveryDetailsList": [] }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteAttributesInput {
    access_token: String,
    user_attribute_names: Vec<String>,
}

pub(super) fn delete_attributes(cognito: &Cognito, input: DeleteAttributesInput) -> Result<Value, Refusal> {
    let (user, client) = cognito.bearer(&input.access_token)?;
    let emptied = emptied(input.user_attribute_names);
    check_written(client, &emptied)?;
    let attributes = changed(&cognito.inner.pool, &user.attributes, emptied)?;
    cognito.inner.database.set_attributes(&user.sub, &attributes, cognito.now())?;
    Ok(json!({}))
}

/// The change that deletes attributes.
pub(super) fn emptied(names: Vec<String>) -> Vec<Attribute> {
    names.into_iter().map(|name| Attribute { name, value: String::new() }).collect()
}

/// The attributes after a change, in which an empty value deletes an attribute. An address that changes is no longer
/// verified, unless the change says that it is, which only an administrator's can
/// (<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminUpdateUserAttributes.html>);
/// that its `…_verified` goes with a deleted address is assumed. The words for a `…_verified` without an address are
/// those of cognito-local.
pub(super) fn changed(
    pool: &UserPool,
    current: &BTreeMap<String, String>,
    changes: Vec<Attribute>,
) -> Result<BTreeMap<String, String>, Refusal> {
    for attribute in &changes {
        if pool.immutable_attributes.contains(&attribute.name) {
            return Err(not_mutable(&attribute.name));
        }
        if attribute.value.is_empty() && pool.required_attributes.contains(&attribute.name) {
            return Err(required(&attribute.name));
        }
    }
    let mut changes = checked_attributes(changes)?;
    for (address, verified, lacking) in [
        ("email", "email_verified", "Email is required to verify/un-verify an email"),
        ("phone_number", "phone_number_verified", "Phone Number is required to verify/un-verify a phone number"),
    ] {
        let before = current.get(address);
        let after = changes.get(address).or(before).filter(|value| !value.is_empty());
        if after.is_none() && changes.get(verified).is_some_and(|verified| !verified.is_empty()) {
            return Err(invalid_parameter(lacking));
        }
        let value = if after.is_some() { "false" } else { "" };
        if after != before && !changes.contains_key(verified) {
            changes.insert(verified.into(), value.into());
        }
    }
    let mut attributes = current.clone();
    for (name, value) in changes {
        if value.is_empty() {
            attributes.remove(&name);
        } else {
            attributes.insert(name, value);
        }
    }
    Ok(attributes)
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

/// Attributes by name. Rejects names outside the pool's schema, and values that are too long or not of their form;
/// an empty value has no form.
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
        if !value.is_empty() {
            check_form(&name, &value)?;
        }
        checked.insert(name, value);
    }
    Ok(checked)
}

/// Rejects a telephone number that is not in E.164 and a `…_verified` that is neither true nor false
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html>). What Cognito says
/// to the latter is not known.
fn check_form(name: &str, value: &str) -> Result<(), Refusal> {
    let is_number = || {
        let digits = value.strip_prefix('+').unwrap_or_default();
        (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    };
    match name {
        "email" => check_address(value),
        "phone_number" if !is_number() => Err(invalid_parameter("Invalid phone number format.")),
        "email_verified" | "phone_number_verified" if !["true", "false"].contains(&value) => {
            Err(invalid_parameter(format!("Attributes did not conform to the schema: {name}: it is no boolean")))
        }
        _ => Ok(()),
    }
}

/// Rejects an attribute `email` that is no address.
pub(super) fn check_address(address: &str) -> Result<(), Refusal> {
    let parts = address.split_once('@').filter(|(local, domain)| {
        !local.is_empty()
            && !domain.contains('@')
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains("..")
            && !address.contains(char::is_whitespace)
    });
    if parts.is_some() { Ok(()) } else { Err(invalid_parameter("Invalid email address format.")) }
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

/// Deletes the user. Their other access tokens are refused from now on, because nobody has them.
pub(super) fn delete(cognito: &Cognito, input: &BearerInput) -> Result<Value, Refusal> {
    let (user, _) = cognito.bearer(&input.access_token)?;
    cognito.inner.database.delete(&user.sub)?;
    Ok(json!({}))
}

/// The tokens of a user choose their second factor. There is none here, but whoever may not choose is refused.
pub(super) fn set_mfa(cognito: &Cognito, input: &BearerInput) -> Result<Value, Refusal> {
    cognito.bearer(&input.access_token)?;
    Err(invalid_parameter("the embedded cloud has no MFA"))
}

pub(super) fn global_sign_out(cognito: &Cognito, input: &BearerInput) -> Result<Value, Refusal> {
    let (user, _) = cognito.bearer(&input.access_token)?;
    cognito.inner.database.revoke_all(&user.sub)?;
    Ok(json!({}))
}
