//! Resetting a forgotten password.

use api::{Json, Now, Problem, SourceIp};
use axum::extract::State;
use axum::http::StatusCode;
use domain::text::Email;
use domain::{Code, Refusal};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::credentials::{MailedCode, Password};
use crate::sign_up::acknowledged;
use crate::user_pool::UserPoolError;
use crate::{Acknowledged, App, LimitedCall};

/// The account whose password is to be reset.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPassword {
    /// The account's e-mail address.
    email: Email,
}

/// A new password, with the mailed code that permits it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// The account's e-mail address.
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
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ForgotPassword>,
) -> Result<(StatusCode, Json<Acknowledged>), Problem> {
    app.count(LimitedCall::Mail, &client, &asked.email, now).await?;
    match app.user_pool.forgot_password(&asked.email).await {
        // The account has no confirmed address to mail to.
        Err(UserPoolError::BadInput(_)) => acknowledged(Ok(())),
        done => acknowledged(done),
    }
}

/// Sets a new password with the mailed code.
#[utoipa::path(
    post, path = "/v1/auth/reset-password", request_body = ResetPassword, responses((status = OK, body = Acknowledged))
)]
pub async fn reset_password(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ResetPassword>,
) -> Result<Json<Acknowledged>, Problem> {
    app.count(LimitedCall::Credential("reset"), &client, &asked.email, now).await?;
    match app.user_pool.reset_password(&asked.email, &asked.code, &asked.password).await {
        Ok(()) => Ok(Json(Acknowledged {})),
        // An unknown address, no reset under way, a wrong code, an expired code and too many guesses answer alike: a
        // difference would reveal to somebody who guesses codes which addresses have an account.
        Err(
            UserPoolError::Unknown
            | UserPoolError::Refused
            | UserPoolError::NotConfirmed
            | UserPoolError::CodeMismatch
            | UserPoolError::CodeExpired
            | UserPoolError::AccountLimit,
        ) => {
            Err(Refusal::because(Code::CodeMismatch, "The code is wrong, or it has expired; ask for a new one.").into())
        }
        Err(other) => Err(other.into()),
    }
}
