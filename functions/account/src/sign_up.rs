//! Creating an account and confirming its e-mail address.

use api::{Json, Now, Problem, SourceIp};
use axum::extract::State;
use axum::http::StatusCode;
use domain::text::{Email, Name};
use serde::Deserialize;
use shop::{Limited, MailedCode, Password};
use utoipa::ToSchema;

use crate::{ACKNOWLEDGED, Acknowledged, App};

/// The account to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// The e-mail address with which the person signs in.
    #[serde(deserialize_with = "domain::text::account_email")]
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
    #[serde(deserialize_with = "domain::text::account_email")]
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
    #[serde(deserialize_with = "domain::text::account_email")]
    email: Email,
}

/// Creates an account and mails a code to its address.
///
/// The answer does not reveal whether the address has an account already.
#[utoipa::path(
    post, path = "/v1/auth/sign-up", request_body = SignUp, responses((status = ACCEPTED, body = Acknowledged))
)]
pub async fn sign_up(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<SignUp>,
) -> Result<(StatusCode, Json<Acknowledged>), Problem> {
    let by = Limited { email: &asked.email, client: &client, now };
    people.sign_up(&asked.password, asked.name.as_ref(), by).await?;
    Ok(ACKNOWLEDGED)
}

/// Confirms an e-mail address with the mailed code.
///
/// From then on the account can be used.
#[utoipa::path(
    post, path = "/v1/auth/confirm", request_body = ConfirmSignUp, responses((status = OK, body = Acknowledged))
)]
pub async fn confirm_sign_up(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ConfirmSignUp>,
) -> Result<Json<Acknowledged>, Problem> {
    people.confirm(&asked.code, Limited { email: &asked.email, client: &client, now }).await?;
    Ok(Json(Acknowledged {}))
}

/// Mails the confirmation code again.
///
/// The answer does not reveal whether there was a code to mail.
#[utoipa::path(
    post, path = "/v1/auth/resend", request_body = ResendCode, responses((status = ACCEPTED, body = Acknowledged))
)]
pub async fn resend_code(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ResendCode>,
) -> Result<(StatusCode, Json<Acknowledged>), Problem> {
    people.resend_code(Limited { email: &asked.email, client: &client, now }).await?;
    Ok(ACKNOWLEDGED)
}
