//! Resetting a forgotten password.

use api::{Json, Now, Problem, SourceIp};
use axum::extract::State;
use axum::http::StatusCode;
use domain::contact::ContactPoint;
use domain::text::{LanguageTag, OneTimeCode};
use serde::Deserialize;
use shop::{Entered, Limited, Password, RequestToken};
use utoipa::ToSchema;

use crate::{Acknowledged, App, CodeRequestView, requested};

/// The account whose password is to be reset.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPassword {
    /// The account's e-mail address or telephone number.
    #[serde(alias = "email", deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// The language of the message: a tag such as `uz` or `uz-Cyrl` (BCP 47).
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(value_type = Option<String>, examples("uz"))]
    language: Option<LanguageTag>,
}

/// A new password, with the code that permits it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// The account's e-mail address or telephone number.
    #[serde(alias = "email", deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// The code that was sent to it.
    code: OneTimeCode,
    /// The `request` of the answer that the code was asked for with.
    #[schema(value_type = String, examples("5yIyn1uY0aLBZbV3gEsiHkdSgW6vgVGs0W3FfX2m4xk"))]
    request: RequestToken,
    /// The new password. If it does not meet the policy, `errors` says what is missing.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// Sends a code for another password to the address or number.
///
/// The answer does not reveal whether the contact has an account.
#[utoipa::path(
    post, path = "/v1/auth/forgot-password", request_body = ForgotPassword,
    responses((status = ACCEPTED, body = CodeRequestView))
)]
pub async fn request_password_reset(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ForgotPassword>,
) -> Result<(StatusCode, Json<CodeRequestView>), Problem> {
    let by = Limited { contact: &asked.contact, client: &client, now, language: asked.language.as_deref() };
    Ok(requested(people.request_password_reset(by).await?))
}

/// Sets a new password with the code that was sent.
///
/// All sessions of the account end.
#[utoipa::path(
    post, path = "/v1/auth/reset-password", request_body = ResetPassword, responses((status = OK, body = Acknowledged))
)]
pub async fn reset_password(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ResetPassword>,
) -> Result<Json<Acknowledged>, Problem> {
    let by = Limited { contact: &asked.contact, client: &client, now, language: None };
    let entered = Entered { code: &asked.code, request: &asked.request };
    people.reset_password(entered, &asked.password, by).await?;
    Ok(Json(Acknowledged {}))
}
