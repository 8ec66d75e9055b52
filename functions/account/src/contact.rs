//! Another address or telephone number for the account of the signed-in person.

use api::{Caller, Json, Now, Problem, SourceIp};
use axum::extract::State;
use axum::http::StatusCode;
use domain::contact::ContactPoint;
use domain::text::{LanguageTag, OneTimeCode};
use serde::Deserialize;
use shop::{Entered, Limited, RequestToken, SignInAnswer};
use utoipa::ToSchema;

use crate::{App, CodeRequestView, requested};

/// The contact with which the person wants to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskToChangeContact {
    /// An e-mail address or a telephone number.
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
pub struct ChangeContact {
    /// The e-mail address or the telephone number to be.
    #[serde(deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// The code that was sent to it.
    code: OneTimeCode,
    /// The `request` of the answer that the code was asked for with.
    #[schema(value_type = String, examples("5yIyn1uY0aLBZbV3gEsiHkdSgW6vgVGs0W3FfX2m4xk"))]
    request: RequestToken,
}

/// Sends a code to another contact for the account.
///
/// Nothing changes before it is entered. The answer does not reveal whether the contact has an account; one that has
/// gets no code. The sign-in must not be older than ten minutes.
#[utoipa::path(
    post, path = "/v1/me/contact", request_body = AskToChangeContact,
    responses((status = ACCEPTED, body = CodeRequestView))
)]
pub async fn ask_to_change_my_contact(
    State(people): State<App>,
    person: Caller,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<AskToChangeContact>,
) -> Result<(StatusCode, Json<CodeRequestView>), Problem> {
    let by = Limited { contact: &asked.contact, client: &client, now, language: asked.language.as_deref() };
    Ok(requested(people.ask_to_change_contact(person.user, person.signed_in_at, by).await?))
}

/// Enters another contact with the code that was sent to it.
///
/// An e-mail address takes the place of the one before, a telephone number that of the number; the one of the other
/// kind stays. The former contact is told. All sessions end; the answer begins a new one, or asks for the code of the
/// authenticator app.
#[utoipa::path(
    post, path = "/v1/me/contact/confirm", request_body = ChangeContact,
    responses((status = OK, body = SignInAnswer))
)]
pub async fn change_my_contact(
    State(people): State<App>,
    person: Caller,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ChangeContact>,
) -> Result<Json<SignInAnswer>, Problem> {
    let by = Limited { contact: &asked.contact, client: &client, now, language: None };
    let entered = Entered { code: &asked.code, request: &asked.request };
    Ok(Json(people.change_contact(person.user, person.signed_in_at, entered, by).await?))
}
