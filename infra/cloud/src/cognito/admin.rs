//! The `Admin…` calls, which work on any account and are authorized by the caller's role.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value, json};

use super::account::{changed, checked_attributes, emptied, listed};
use super::database::later;
use super::sign_up::{already_exists, check_username, new_user, not_to_be_confirmed};
use super::{Account, Attribute, Cognito, Status, User, UserPool, invalid_parameter, user_not_found};
use crate::sqs::wire::{Call, Refusal};

/// The input of an `Admin…` call: the pool's id and the call's own fields.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfPool<T> {
    user_pool_id: String,
    #[serde(flatten)]
    rest: T,
}

/// Reads the input of an `Admin…` call, after checking that the caller's role allows it and that the pool exists.
pub(super) fn permitted<T: DeserializeOwned>(cognito: &Cognito, call: &Call<'_>) -> Result<T, Refusal> {
    let input: OfPool<T> = call.input()?;
    let action = format!("cognito-idp:{}", call.operation);
    call.require(&cognito.inner.permit, &action, &UserPool::arn_of(&input.user_pool_id))?;
    if input.user_pool_id != cognito.inner.pool.id {
        let message = format!("User pool {} does not exist.", input.user_pool_id);
        return Err(Refusal::new("ResourceNotFoundException", message));
    }
    Ok(input.rest)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneUser {
    username: String,
}

fn known(cognito: &Cognito, username: &str) -> Result<User, Refusal> {
    check_username(username)?;
    cognito.inner.database.user(username)?.ok_or_else(user_not_found)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateInput {
    username: String,
    temporary_password: Option<String>,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
    message_action: Option<String>,
}

pub(super) async fn create_user(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: CreateInput = permitted(cognito, call)?;
    let (inner, policy) = (&cognito.inner, &cognito.inner.pool.password_policy);
    check_username(&input.username)?;
    let (resends, is_silent) = match input.message_action.as_deref() {
        None => (false, false),
        Some("RESEND") => (true, false),
        Some("SUPPRESS") => (false, true),
        Some(other) => return Err(invalid_parameter(format!("MessageAction {other} is neither RESEND nor SUPPRESS"))),
    };
    let password = input.temporary_password.unwrap_or_else(|| policy.generate());
    policy.check(&password)?;
    let attributes = checked_attributes(input.user_attributes)?;
    let hash = inner.hashing.hash(&password).await?;
    let until = later(cognito.now(), policy.temporary_validity);
    if resends {
        let user = known(cognito, &input.username)?;
        if user.status != Status::ForceChangePassword {
            return Err(Refusal::new("UnsupportedUserStateException", "User account is not in a state to resend."));
        }
        inner.database.set_password(&user.sub, &hash, user.status, Some(until), cognito.now())?;
    } else {
        let mut user = new_user(cognito, &input.username, attributes, Status::ForceChangePassword, &hash)?;
        user.temporary_until = Some(until);
        if !inner.database.insert(&user)? {
            return Err(already_exists());
        }
    }
    let user = known(cognito, &input.username)?;
    if !is_silent {
        let text = format!("Your username is {} and temporary password is {password}", user.username);
        cognito.deliver(&user, "Your temporary password", &text, &password)?;
    }
    Ok(json!({ "User": described(&user, "Attributes") }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetPasswordInput {
    username: String,
    password: String,
    #[serde(default)]
    permanent: bool,
}

/// Sets a password, and with it the status: a permanent one confirms the user, a temporary one has to be changed at the
/// next sign-in. Sessions go on
/// (<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword.html> says
/// nothing of them).
pub(super) async fn set_password(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: SetPasswordInput = permitted(cognito, call)?;
    let policy = &cognito.inner.pool.password_policy;
    let user = known(cognito, &input.username)?;
    policy.check(&input.password)?;
    let hash = cognito.inner.hashing.hash(&input.password).await?;
    let now = cognito.now();
    let (status, until) = if input.permanent {
        (Status::Confirmed, None)
    } else {
        (Status::ForceChangePassword, Some(later(now, policy.temporary_validity)))
    };
    cognito.inner.database.set_password(&user.sub, &hash, status, until, now)?;
    Ok(json!({}))
}

/// Confirms the account without verifying its address.
pub(super) fn confirm_sign_up(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: OneUser = permitted(cognito, call)?;
    let user = known(cognito, &input.username)?;
    if user.status != Status::Unconfirmed {
        return Err(not_to_be_confirmed(user.status));
    }
    cognito.inner.database.set_status(&user.sub, Status::Confirmed, cognito.now())?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateInput {
    username: String,
    user_attributes: Vec<Attribute>,
}

/// Writes any attribute of the schema that can be written, also whether an address is verified. Cognito mails a code
/// to an address that it verifies by itself unless the change says that it is verified; this subset does not.
pub(super) fn update_attributes(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: UpdateInput = permitted(cognito, call)?;
    change(cognito, &input.username, input.user_attributes)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteAttributesInput {
    username: String,
    user_attribute_names: Vec<String>,
}

pub(super) fn delete_attributes(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: DeleteAttributesInput = permitted(cognito, call)?;
    change(cognito, &input.username, emptied(input.user_attribute_names))
}

fn change(cognito: &Cognito, username: &str, changes: Vec<Attribute>) -> Result<Value, Refusal> {
    let user = known(cognito, username)?;
    let attributes = changed(&cognito.inner.pool, &user.attributes, changes)?;
    cognito.inner.database.set_attributes(&user.sub, &attributes, cognito.now())?;
    Ok(json!({}))
}

/// Deletes the user with all that belongs to them. The name is free again; the `sub` never comes back.
pub(super) fn delete(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: OneUser = permitted(cognito, call)?;
    cognito.inner.database.delete(&known(cognito, &input.username)?.sub)?;
    Ok(json!({}))
}

/// Disables or enables the user. Disabling revokes access tokens, as documented
/// (<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDisableUser.html>); that the
/// refresh tokens of their sessions do not come back with the user either is assumed.
pub(super) fn set_enabled(cognito: &Cognito, call: &Call<'_>, enabled: bool) -> Result<Value, Refusal> {
    let input: OneUser = permitted(cognito, call)?;
    let user = known(cognito, &input.username)?;
    cognito.inner.database.set_enabled(&user.sub, enabled, cognito.now())?;
    if !enabled {
        cognito.inner.database.revoke_all(&user.sub)?;
    }
    Ok(json!({}))
}

pub(super) fn user(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: OneUser = permitted(cognito, call)?;
    Ok(Value::Object(described(&known(cognito, &input.username)?, "UserAttributes")))
}

/// A user as responses describe them. The attribute list has another name in each call: `attributes`.
pub(super) fn described(user: &User, attributes: &str) -> Map<String, Value> {
    let mut description = Map::new();
    description.insert("Username".into(), json!(user.username));
    description.insert(attributes.into(), json!(listed(&user.sub, &user.attributes)));
    description.insert("UserCreateDate".into(), Value::Number(Number::from(user.created_at.div_euclid(1000))));
    description.insert("UserLastModifiedDate".into(), Value::Number(Number::from(user.updated_at.div_euclid(1000))));
    description.insert("Enabled".into(), json!(user.enabled));
    description.insert("UserStatus".into(), json!(user.status.as_str()));
    description
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MembershipInput {
    username: String,
    group_name: String,
}

fn membership(cognito: &Cognito, call: &Call<'_>) -> Result<(User, String), Refusal> {
    let input: MembershipInput = permitted(cognito, call)?;
    check_group(cognito, &input.group_name)?;
    Ok((known(cognito, &input.username)?, input.group_name))
}

fn check_group(cognito: &Cognito, name: &str) -> Result<(), Refusal> {
    if cognito.inner.pool.groups.iter().any(|group| group == name) {
        Ok(())
    } else {
        Err(Refusal::new("ResourceNotFoundException", "Group not found."))
    }
}

pub(super) fn add_to_group(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let (user, group) = membership(cognito, call)?;
    cognito.inner.database.join(&user.sub, &group)?;
    Ok(json!({}))
}

pub(super) fn remove_from_group(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let (user, group) = membership(cognito, call)?;
    cognito.inner.database.leave(&user.sub, &group)?;
    Ok(json!({}))
}

pub(super) fn groups(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: OneUser = permitted(cognito, call)?;
    let user = known(cognito, &input.username)?;
    let groups: Vec<Value> = cognito
        .inner
        .database
        .groups(&user.sub)?
        .into_iter()
        .map(|name| json!({ "GroupName": name, "UserPoolId": cognito.inner.pool.id }))
        .collect();
    Ok(json!({ "Groups": groups }))
}

pub(super) fn global_sign_out(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: OneUser = permitted(cognito, call)?;
    cognito.inner.database.revoke_all(&known(cognito, &input.username)?.sub)?;
    Ok(json!({}))
}

/// Creates a confirmed account with a verified address unless the name has one; adds its groups; returns its `sub`.
pub(super) async fn register(cognito: &Cognito, account: &Account) -> Result<String, Refusal> {
    for group in &account.groups {
        check_group(cognito, group)?;
    }
    let database = &cognito.inner.database;
    let sub = match database.user(&account.username)? {
        Some(user) => user.sub,
        None => {
            check_username(&account.username)?;
            cognito.inner.pool.password_policy.check(&account.password)?;
            let hash = cognito.inner.hashing.hash(&account.password).await?;
            let mut attributes = checked_attributes(Vec::new())?;
            attributes.insert("email".into(), account.email.clone());
            attributes.insert("email_verified".into(), "true".into());
            if let Some(name) = &account.name {
                attributes.insert("name".into(), name.clone());
            }
            let user = new_user(cognito, &account.username, attributes, Status::Confirmed, &hash)?;
            if database.insert(&user)? { user.sub } else { known(cognito, &account.username)?.sub }
        }
    };
    for group in &account.groups {
        database.join(&sub, group)?;
    }
    Ok(sub)
}
