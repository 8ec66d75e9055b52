//! Sign-in, token refresh and sign-out.

use api::{Answer, Bearer, Buyer, Json, Now, Problem, SourceIp};
use axum::extract::State;
use domain::text::Email;
use serde::Deserialize;
use shop::{Limited, Password, RefreshToken, Session};
use utoipa::ToSchema;

use crate::App;

/// The credentials of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The account's e-mail address.
    #[serde(deserialize_with = "domain::text::account_email")]
    email: Email,
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
#[utoipa::path(post, path = "/v1/auth/sign-in", request_body = SignIn, responses((status = OK, body = Session)))]
pub async fn sign_in(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<SignIn>,
) -> Result<Json<Session>, Problem> {
    let by = Limited { email: &asked.email, client: &client, now };
    Ok(Json(people.sign_in(&asked.password, by).await?))
}

/// Exchanges a refresh token for new tokens.
#[utoipa::path(
    post, path = "/v1/auth/refresh", request_body = RefreshSession, responses((status = OK, body = Session))
)]
pub async fn refresh_session(
    State(people): State<App>,
    Json(asked): Json<RefreshSession>,
) -> Result<Json<Session>, Problem> {
    Ok(Json(people.refresh(&asked.refresh_token).await?))
}

/// Signs out on all devices.
///
/// All refresh tokens are revoked. Access tokens stay valid until they expire, 15 minutes at most.
#[utoipa::path(post, path = "/v1/auth/sign-out", responses((status = NO_CONTENT)))]
pub async fn sign_out(State(people): State<App>, _: Buyer, Bearer(token): Bearer) -> Result<Answer, Problem> {
    people.sign_out(&token).await?;
    Ok(Answer::no_content())
}
