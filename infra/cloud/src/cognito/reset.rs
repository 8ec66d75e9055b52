//! Resetting a forgotten password.

use serde::Deserialize;
use serde_json::{Value, json};

use super::codes::{Purpose, Redeemed};
use super::secret::check_hash;
use super::sign_up::{expired_code, send_code, wrong_code};
use super::{Cognito, Status, delivery, invalid_parameter, limit_exceeded, not_authorized};
use crate::sqs::wire::Refusal;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ForgotInput {
    client_id: String,
    username: String,
    secret_hash: Option<String>,
}

/// Mails a code. Without an account or a verified address the response is the same and nothing is mailed, so that the
/// response does not tell who has an account (where the client prevents user existence errors).
pub(super) fn forgot_password(cognito: &Cognito, input: &ForgotInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    check_hash(client, &input.username, input.secret_hash.as_deref())?;
    if cognito.inner.pool.admin_recovers_only {
        // The words are those of moto's `forgot_password`, which has them for this setting; that they come before
        // anybody is looked up is assumed.
        return Err(not_authorized("Contact administrator to reset password."));
    }
    let details = |address: &str| json!({ "CodeDeliveryDetails": delivery(address) });
    let Some(user) = cognito.find_user(client, &input.username)? else { return Ok(details(&input.username)) };
    if user.status == Status::ForceChangePassword {
        return Err(not_authorized("User password cannot be reset in the current state."));
    }
    let is_verified = user.attributes.get("email_verified").is_some_and(|verified| verified == "true");
    let verified = user.email().is_some() && is_verified;
    if !verified || !user.enabled {
        if client.prevents_user_existence_errors {
            return Ok(details(&input.username));
        }
        return Err(invalid_parameter(
            "Cannot reset password for the user as there is no registered/verified email or phone_number",
        ));
    }
    send_code(cognito, &user, Purpose::Reset)?;
    Ok(details(user.email().unwrap_or_default()))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ConfirmInput {
    client_id: String,
    username: String,
    confirmation_code: String,
    password: String,
    secret_hash: Option<String>,
}

pub(super) async fn confirm(cognito: &Cognito, input: ConfirmInput) -> Result<Value, Refusal> {
    let client = cognito.client(&input.client_id)?;
    check_hash(client, &input.username, input.secret_hash.as_deref())?;
    // Checked before the code, so that a rejected password does not use the code up.
    cognito.inner.pool.password_policy.check(&input.password)?;
    let Some(user) = cognito.find_user(client, &input.username)? else { return Err(wrong_code()) };
    if !user.enabled {
        return Err(wrong_code());
    }
    let hash = cognito.inner.hashing.hash(&input.password).await?;
    let now = cognito.now();
    match cognito.inner.database.redeem(&user.sub, Purpose::Reset, &input.confirmation_code, now)? {
        Redeemed::Accepted => {}
        Redeemed::Mismatch => return Err(wrong_code()),
        Redeemed::Expired => return Err(expired_code()),
        Redeemed::TooMany => return Err(limit_exceeded()),
    }
    cognito.inner.database.set_password(&user.sub, &hash, Status::Confirmed, None, now)?;
    Ok(json!({}))
}
