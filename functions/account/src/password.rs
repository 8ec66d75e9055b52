//! A forgotten password.

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

/// Who has forgotten the password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPassword {
    /// The account's address.
    email: Email,
}

/// A new password, with the code that allows it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// The account's address.
    email: Email,
    /// The code that was mailed to it.
    #[schema(value_type = String, example = "123456")]
    code: MailedCode,
    /// The new password: `errors` of a refusal say what it lacks.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// Mails a code for a new password. Says nothing about whether the address has an account.
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
        // No confirmed address to mail to.
        Err(UserPoolError::BadInput(_)) => acknowledged(Ok(())),
        done => acknowledged(done),
    }
}

/// Sets a new password with the code that was mailed.
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
        // An address without an account, one that asked for nothing, one whose code is wrong, and one whose code has expired or
        // was guessed at too often: they answer alike, or guessing any code would tell who has an account.
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
