//! Resetting a forgotten password.

use api::{Json, Now, Problem, SourceIp};
use axum::extract::State;
use axum::http::StatusCode;
use domain::text::Email;
use serde::Deserialize;
use shop::{Limited, MailedCode, Password};
use utoipa::ToSchema;

use crate::{ACKNOWLEDGED, Acknowledged, App};

/// The account whose password is to be reset.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPassword {
    /// The account's e-mail address.
    #[serde(deserialize_with = "domain::text::account_email")]
    email: Email,
}

/// A new password, with the mailed code that permits it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// The account's e-mail address.
    #[serde(deserialize_with = "domain::text::account_email")]
    email: Email,
    /// The code that was mailed to it.
    #[schema(value_type = String, examples("123456"))]
    code: MailedCode,
    /// The new password. If it does not meet the policy, `errors` says what is missing.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// Mails a code for resetting the password.
///
/// The answer does not reveal whether the address has an account.
#[utoipa::path(
    post, path = "/v1/auth/forgot-password", request_body = ForgotPassword,
    responses((status = ACCEPTED, body = Acknowledged))
)]
pub async fn request_password_reset(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ForgotPassword>,
) -> Result<(StatusCode, Json<Acknowledged>), Problem> {
    people.request_password_reset(Limited { email: &asked.email, client: &client, now }).await?;
    Ok(ACKNOWLEDGED)
}

/// Sets a new password with the mailed code.
#[utoipa::path(
    post, path = "/v1/auth/reset-password", request_body = ResetPassword, responses((status = OK, body = Acknowledged))
)]
pub async fn reset_password(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ResetPassword>,
) -> Result<Json<Acknowledged>, Problem> {
    let by = Limited { email: &asked.email, client: &client, now };
    people.reset_password(&asked.code, &asked.password, by).await?;
    Ok(Json(Acknowledged {}))
}
