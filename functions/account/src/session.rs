//! Sign-in, token refresh and sign-out.

use api::{Answer, Buyer, Json, Now, Problem, SourceIp};
use axum::extract::State;
use domain::contact::ContactPoint;
use serde::Deserialize;
use shop::{Limited, Password, RefreshToken, SignInAnswer};
use utoipa::ToSchema;

use crate::App;

/// The credentials of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The account's e-mail address or telephone number.
    #[serde(alias = "email", deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
    /// The account's password.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// A refresh token to exchange for new tokens.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshSession {
    /// The refresh token from the sign-in.
    #[schema(value_type = String)]
    refresh_token: RefreshToken,
}

/// Signs in with an e-mail address and a password.
#[utoipa::path(post, path = "/v1/auth/sign-in", request_body = SignIn, responses((status = OK, body = SignInAnswer)))]
pub async fn sign_in(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<SignIn>,
) -> Result<Json<SignInAnswer>, Problem> {
    let by = Limited { contact: &asked.contact, client: &client, now, language: None };
    Ok(Json(people.sign_in(&asked.password, by).await?))
}

/// Exchanges a refresh token for new tokens.
///
/// The answer has another refresh token: the one that was sent is answered alike for half a minute. Showing it later
/// ends the session, since somebody must have copied it.
#[utoipa::path(
    post, path = "/v1/auth/refresh", request_body = RefreshSession, responses((status = OK, body = SignInAnswer))
)]
pub async fn refresh_session(
    State(people): State<App>,
    Now(now): Now,
    Json(asked): Json<RefreshSession>,
) -> Result<Json<SignInAnswer>, Problem> {
    Ok(Json(people.refresh(&asked.refresh_token, now).await?))
}

/// Signs out on all devices.
///
/// All sessions end. Access tokens stay valid until they expire, 15 minutes at most.
#[utoipa::path(post, path = "/v1/auth/sign-out", responses((status = NO_CONTENT)))]
pub async fn sign_out(State(people): State<App>, buyer: Buyer, Now(now): Now) -> Result<Answer, Problem> {
    people.sign_out(buyer.user, now).await?;
    Ok(Answer::no_content())
}
