//! Creating an account and confirming its address.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::account::{check_address, check_required, check_written, checked_attributes};
use super::codes::{Purpose, Redeemed};
use super::secret::check_hash;
use super::{Attribute, Cognito, Status, User, delivery, invalid_parameter, limit_exceeded, not_authorized};
use crate::sqs::wire::{Refusal, random_uuid};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SignUpInput {
    client_id: String,
    username: String,
    password: String,
    secret_hash: Option<String>,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
}

pub(super) async fn sign_up(cognito: &Cognito, input: SignUpInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    check_hash(client, &input.username, input.secret_hash.as_deref())?;
    if cognito.inner.pool.admin_creates_only {
        return Err(not_authorized("SignUp is not permitted for this user pool"));
    }
    check_username(&input.username)?;
    cognito.inner.pool.password_policy.check(&input.password)?;
    check_written(client, &input.user_attributes)?;
    let attributes = checked_attributes(input.user_attributes)?;
    let hash = cognito.inner.hashing.hash(&input.password).await?;
    let user = new_user(cognito, &input.username, attributes, Status::Unconfirmed, &hash)?;
    if !cognito.inner.database.insert(&user)? {
        return Err(already_exists());
    }
    send_code(cognito, &user, Purpose::SignUp)?;
    Ok(json!({ "UserConfirmed": false, "UserSub": user.sub, "CodeDeliveryDetails": user.email().map(delivery) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ConfirmInput {
    client_id: String,
    username: String,
    confirmation_code: String,
    secret_hash: Option<String>,
}

pub(super) fn confirm(cognito: &Cognito, input: &ConfirmInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    check_hash(client, &input.username, input.secret_hash.as_deref())?;
    let Some(mut user) = cognito.find_user(client, &input.username)? else { return Err(expired_code()) };
    if user.status != Status::Unconfirmed {
        return Err(not_to_be_confirmed(user.status));
    }
    let now = cognito.now();
    match cognito.inner.database.redeem(&user.sub, Purpose::SignUp, &input.confirmation_code, now)? {
        Redeemed::Accepted => {}
        Redeemed::Mismatch => return Err(wrong_code()),
        Redeemed::Expired => return Err(expired_code()),
        Redeemed::TooMany => {
            return Err(Refusal::new("TooManyFailedAttemptsException", "Too many failed attempts, try again later."));
        }
    }
    // The code was mailed to the address, so the user can read mail there.
    user.attributes.insert("email_verified".into(), "true".into());
    cognito.inner.database.set_attributes(&user.sub, &user.attributes, now)?;
    cognito.inner.database.set_status(&user.sub, Status::Confirmed, now)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ResendInput {
    client_id: String,
    username: String,
    secret_hash: Option<String>,
}

pub(super) fn resend(cognito: &Cognito, input: &ResendInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    check_hash(client, &input.username, input.secret_hash.as_deref())?;
    let details = |address: &str| json!({ "CodeDeliveryDetails": delivery(address) });
    let Some(user) = cognito.find_user(client, &input.username)? else { return Ok(details(&input.username)) };
    if user.status != Status::Unconfirmed {
        return Err(invalid_parameter("User is already confirmed."));
    }
    send_code(cognito, &user, Purpose::SignUp)?;
    Ok(details(user.email().unwrap_or_default()))
}

/// Creates a code and mails it. `LimitExceededException` when too many were sent.
pub(super) fn send_code(cognito: &Cognito, user: &User, purpose: Purpose) -> Result<(), Refusal> {
    let code = cognito.inner.database.new_code(&user.sub, purpose, cognito.now())?.ok_or_else(limit_exceeded)?;
    cognito.mail_code(user, &code)
}

/// A user that is not stored yet.
pub(super) fn new_user(
    cognito: &Cognito,
    username: &str,
    attributes: BTreeMap<String, String>,
    status: Status,
    password: &str,
) -> Result<User, Refusal> {
    if let Some(address) = attributes.get("email") {
        check_address(address)?;
    }
    check_required(&cognito.inner.pool.required_attributes, &attributes)?;
    let now = cognito.now();
    let sub = random_uuid();
    Ok(User {
        sub,
        username: username.to_lowercase(),
        status,
        enabled: true,
        password: Some(password.to_owned()),
        temporary_until: None,
        attributes,
        created_at: now,
        updated_at: now,
        failures: 0,
        failed_at: 0,
        row: 0,
    })
}

/// The longest username, in characters
/// (<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html>).
const MAX_USERNAME_LENGTH: usize = 128;

/// Rejects what is no username in any call, before it is looked up.
pub(super) fn check_username(username: &str) -> Result<(), Refusal> {
    let constraint = if username.is_empty() {
        "Member must have length greater than or equal to 1"
    } else if username.chars().count() > MAX_USERNAME_LENGTH {
        "Member must have length less than or equal to 128"
    } else if username.contains(|one: char| one.is_whitespace() || one.is_control()) {
        // https://github.com/amazon-archives/amazon-cognito-identity-js/issues/551
        r"Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+"
    } else {
        return Ok(());
    };
    Err(invalid_parameter(format!(
        "1 validation error detected: Value at 'username' failed to satisfy constraint: {constraint}"
    )))
}

pub(super) fn already_exists() -> Refusal {
    Refusal::new("UsernameExistsException", "User already exists")
}

pub(super) fn not_to_be_confirmed(status: Status) -> Refusal {
    not_authorized(&format!("User cannot be confirmed. Current status is {}", status.as_str()))
}

pub(super) fn wrong_code() -> Refusal {
    Refusal::new("CodeMismatchException", "Invalid verification code provided, please try again.")
}

pub(super) fn expired_code() -> Refusal {
    Refusal::new("ExpiredCodeException", "Invalid code provided, please request a code again.")
}
