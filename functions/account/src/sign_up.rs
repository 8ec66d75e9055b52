//! Creating an account and confirming its e-mail address.

use api::{Json, Now, Problem, SourceIp};
use axum::extract::State;
use axum::http::StatusCode;
use domain::text::{Email, Name};
use domain::{Code, Refusal};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::credentials::{MailedCode, Password};
use crate::user_pool::UserPoolError;
use crate::{Acknowledged, App, LimitedCall};

/// The account to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// The e-mail address with which the person signs in.
    email: Email,
    /// The password. If it does not meet the policy, `errors` says what is missing.
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// The person's name for display.
    #[serde(default, deserialize_with = "domain::text::optional")]
    name: Option<Name>,
}

/// The mailed code, which proves that the person can read mail to the address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmSignUp {
    /// The account's e-mail address.
    email: Email,
    /// The code that was mailed to it.
    #[schema(value_type = String, examples("123456"))]
    code: MailedCode,
}

/// The account whose code is to be mailed again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendCode {
    /// The account's e-mail address.
    email: Email,
}

/// The same answer for success and for every error that would reveal whether the address has an account.
pub(crate) fn acknowledged(done: Result<(), UserPoolError>) -> Result<(StatusCode, Json<Acknowledged>), Problem> {
    match done {
        Ok(())
        | Err(
            UserPoolError::Exists
            | UserPoolError::Unknown
            | UserPoolError::Refused
            | UserPoolError::NotConfirmed
            | UserPoolError::AccountLimit,
        ) => {}
        Err(UserPoolError::Undelivered) => tracing::warn!("a code could not be mailed"),
        Err(other) => return Err(other.into()),
    }
    Ok((StatusCode::ACCEPTED, Json(Acknowledged {})))
}

/// Creates an account and mails a code to its address.
///
/// The answer does not reveal whether the address has an account already.
#[utoipa::path(
    post, path = "/v1/auth/sign-up", request_body = SignUp, responses((status = ACCEPTED, body = Acknowledged))
)]
pub async fn sign_up(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<SignUp>,
) -> Result<(StatusCode, Json<Acknowledged>), Problem> {
    app.count(LimitedCall::Mail, &client, &asked.email, now).await?;
    match app.user_pool.sign_up(&asked.email, &asked.password, asked.name.as_ref()).await {
        // The pool does not permit sign-up, or this app client may not write the attributes: an error in our
        // configuration.
        Err(UserPoolError::Refused) => Err(Problem::internal("the user pool does not let people sign up")),
        done => acknowledged(done),
    }
}

/// Confirms an e-mail address with the mailed code.
///
/// From then on the account can be used.
#[utoipa::path(
    post, path = "/v1/auth/confirm", request_body = ConfirmSignUp, responses((status = OK, body = Acknowledged))
)]
pub async fn confirm_sign_up(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ConfirmSignUp>,
) -> Result<Json<Acknowledged>, Problem> {
    app.count(LimitedCall::Credential("confirm"), &client, &asked.email, now).await?;
    match app.user_pool.confirm(&asked.email, &asked.code).await {
        Ok(()) => Ok(Json(Acknowledged {})),
        // An unknown or already confirmed address answers like an expired code, so that neither is revealed.
        Err(UserPoolError::Unknown | UserPoolError::Refused) => Err(Refusal::of(Code::CodeExpired).into()),
        Err(other) => Err(other.into()),
    }
}

/// Mails the confirmation code again.
///
/// The answer does not reveal whether there was a code to mail.
#[utoipa::path(
    post, path = "/v1/auth/resend", request_body = ResendCode, responses((status = ACCEPTED, body = Acknowledged))
)]
pub async fn resend_code(
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ResendCode>,
) -> Result<(StatusCode, Json<Acknowledged>), Problem> {
    app.count(LimitedCall::Mail, &client, &asked.email, now).await?;
    match app.user_pool.resend(&asked.email).await {
        // The address is confirmed already.
        Err(UserPoolError::BadInput(_)) => acknowledged(Ok(())),
        done => acknowledged(done),
    }
}
