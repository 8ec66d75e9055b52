//! Creating an account and confirming its e-mail address or telephone number.

use api::{Json, Now, Problem, SourceIp};
use axum::extract::State;
use axum::http::StatusCode;
use domain::contact::ContactPoint;
use domain::text::{LanguageTag, Name, OneTimeCode};
use serde::Deserialize;
use shop::{Entered, Limited, Password, RequestToken};
use utoipa::ToSchema;

use crate::{Acknowledged, App, CodeRequestView, requested};

/// The account to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// The e-mail address or the telephone number with which the person signs in.
    #[serde(alias = "email", deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// The password. If it does not meet the policy, `errors` says what is missing. Without one the person signs in
    /// with codes.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Password>,
    /// The person's name for display.
    #[serde(default, deserialize_with = "domain::text::optional")]
    name: Option<Name>,
    /// The language of the message: a tag such as `uz` or `uz-Cyrl` (BCP 47).
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(value_type = Option<String>, examples("uz"))]
    language: Option<LanguageTag>,
}

/// The code that was sent, which proves that the person can read what is sent to the address or number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmSignUp {
    /// The account's e-mail address or telephone number.
    #[serde(alias = "email", deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// The code that was sent to it.
    code: OneTimeCode,
    /// The `request` of the answer that the code was asked for with.
    #[schema(value_type = String, examples("5yIyn1uY0aLBZbV3gEsiHkdSgW6vgVGs0W3FfX2m4xk"))]
    request: RequestToken,
    /// The account's password. It counts before that of the sign-up, and is needed where there were several sign-ups
    /// and one had a password.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Password>,
}

/// The account whose code is to be sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendCode {
    /// The account's e-mail address or telephone number.
    #[serde(alias = "email", deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// The language of the message: a tag such as `uz` or `uz-Cyrl` (BCP 47).
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(value_type = Option<String>, examples("uz"))]
    language: Option<LanguageTag>,
}

/// Begins an account and sends a code to the address or number.
///
/// The account exists once the code is entered. The answer does not reveal whether the contact has an account already.
#[utoipa::path(
    post, path = "/v1/auth/sign-up", request_body = SignUp, responses((status = ACCEPTED, body = CodeRequestView))
)]
pub async fn sign_up(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<SignUp>,
) -> Result<(StatusCode, Json<CodeRequestView>), Problem> {
    let by = Limited { contact: &asked.contact, client: &client, now, language: asked.language.as_deref() };
    Ok(requested(people.sign_up(asked.password.as_ref(), asked.name.as_ref(), by).await?))
}

/// Confirms an address or number with the code that was sent.
///
/// From then on the account exists and can be used. A code is valid for 15 minutes; asking again sends the same one.
#[utoipa::path(
    post, path = "/v1/auth/confirm", request_body = ConfirmSignUp, responses((status = OK, body = Acknowledged))
)]
pub async fn confirm_sign_up(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ConfirmSignUp>,
) -> Result<Json<Acknowledged>, Problem> {
    let by = Limited { contact: &asked.contact, client: &client, now, language: None };
    let entered = Entered { code: &asked.code, request: &asked.request };
    people.confirm(entered, asked.password.as_ref(), by).await?;
    Ok(Json(Acknowledged {}))
}

/// Sends the code again to the address or number.
///
/// The answer does not reveal whether there was a code to send.
#[utoipa::path(
    post, path = "/v1/auth/resend", request_body = ResendCode, responses((status = ACCEPTED, body = CodeRequestView))
)]
pub async fn resend_code(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ResendCode>,
) -> Result<(StatusCode, Json<CodeRequestView>), Problem> {
    let by = Limited { contact: &asked.contact, client: &client, now, language: asked.language.as_deref() };
    Ok(requested(people.resend_code(by).await?))
}
