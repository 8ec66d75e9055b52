//! Signing in with a code in the place of a password.

use api::{Json, Now, Problem, SourceIp};
use axum::extract::State;
use axum::http::StatusCode;
use domain::contact::ContactPoint;
use domain::text::{LanguageTag, OneTimeCode};
use serde::Deserialize;
use shop::{Entered, Limited, RequestToken, SignInAnswer};
use utoipa::ToSchema;

use crate::{App, CodeRequestView, requested};

/// Whom to send a code to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskForCode {
    /// The account's e-mail address or telephone number.
    #[serde(deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// The language of the message: a tag such as `uz` or `uz-Cyrl` (BCP 47).
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(value_type = Option<String>, examples("uz"))]
    language: Option<LanguageTag>,
}

/// The code that was sent, which proves that the contact is the person's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInByCode {
    /// The account's e-mail address or telephone number.
    #[serde(deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// The code that was sent to it.
    code: OneTimeCode,
    /// The `request` of the answer that the code was asked for with.
    #[schema(value_type = String, examples("5yIyn1uY0aLBZbV3gEsiHkdSgW6vgVGs0W3FfX2m4xk"))]
    request: RequestToken,
}

/// Sends a code to sign in with.
///
/// The answer does not reveal whether the contact has an account. A code is valid for 15 minutes; asking again sends
/// the same one, and answers with another `request`, which has five guesses of its own.
#[utoipa::path(
    post, path = "/v1/auth/code", request_body = AskForCode, responses((status = ACCEPTED, body = CodeRequestView))
)]
pub async fn send_sign_in_code(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<AskForCode>,
) -> Result<(StatusCode, Json<CodeRequestView>), Problem> {
    let by = Limited { contact: &asked.contact, client: &client, now, language: asked.language.as_deref() };
    Ok(requested(people.ask_to_sign_in(by).await?))
}

/// Signs in with a code that was sent.
///
/// A code works once. It also works while the password is held up because others have guessed at it.
#[utoipa::path(
    post, path = "/v1/auth/code/sign-in", request_body = SignInByCode, responses((status = OK, body = SignInAnswer))
)]
pub async fn sign_in_by_code(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<SignInByCode>,
) -> Result<Json<SignInAnswer>, Problem> {
    let by = Limited { contact: &asked.contact, client: &client, now, language: None };
    Ok(Json(people.sign_in_by_code(Entered { code: &asked.code, request: &asked.request }, by).await?))
}
