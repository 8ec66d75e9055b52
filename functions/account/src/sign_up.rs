//! Making an account, and confirming its address.

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

/// A new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// The address with which the person signs in.
    email: Email,
    /// The password: `errors` of a refusal say what it lacks.
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// What to call the person.
    #[serde(default)]
    name: Option<Name>,
}

/// The code that proves an address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmSignUp {
    /// The address.
    email: Email,
    /// The code that was mailed to it.
    #[schema(value_type = String, example = "123456")]
    code: MailedCode,
}

/// Whose code is to be mailed again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendCode {
    /// The address.
    email: Email,
}

/// The one answer, when a fault would tell whether the address has an account.
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

/// Makes an account and mails a code to its address. Says nothing about an address that has one already.
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
        // The pool does not let people sign up, or this client may not write their attributes: that is ours to mend.
        Err(UserPoolError::Refused) => Err(Problem::internal("the user pool does not let people sign up")),
        done => acknowledged(done),
    }
}

/// Confirms an address with the code that was mailed to it. From then on the account can be used.
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
        // Unknown, or confirmed already: neither is to be told from a code that has expired.
        Err(UserPoolError::Unknown | UserPoolError::Refused) => Err(Refusal::of(Code::CodeExpired).into()),
        Err(other) => Err(other.into()),
    }
}

/// Mails the code for an address again. Says nothing about whether there was anything to mail.
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
        // Confirmed already.
        Err(UserPoolError::BadInput(_)) => acknowledged(Ok(())),
        done => acknowledged(done),
    }
}
