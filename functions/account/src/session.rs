//! Sign-in, token refresh and sign-out.

use api::{Answer, Bearer, Buyer, Json, Now, Problem, SourceIp};
use axum::extract::State;
use domain::text::Email;
use serde::{Deserialize, Serialize};
use shop::{Limited, Password, RefreshToken, Session};
use utoipa::ToSchema;

use crate::App;

/// The credentials of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The account's e-mail address.
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

/// Tokens, or a challenge that has to be answered first.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum SessionView {
    /// The sign-in is complete.
    Tokens(Tokens),
    /// The password was right, and one more step is needed.
    Challenge(Challenge),
}

/// The tokens of a signed-in person.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// The token to send as `Authorization: Bearer …`.
    access_token: String,
    /// A JWT with the person's attributes, for display. It authorizes no call.
    id_token: String,
    /// The token to exchange for new tokens once the access token has expired.
    refresh_token: String,
    /// Lifetime of the access token in seconds.
    expires_in: i32,
}

/// One more step before the sign-in is complete.
#[derive(Serialize, ToSchema)]
pub struct Challenge {
    /// The step: Cognito's challenge name in lower case.
    #[schema(examples("software_token_mfa"))]
    challenge: String,
    /// The session to send with the answer to the challenge.
    session: String,
}

/// Signs in with an e-mail address and a password.
#[utoipa::path(post, path = "/v1/auth/sign-in", request_body = SignIn, responses((status = OK, body = SessionView)))]
pub async fn sign_in(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<SignIn>,
) -> Result<Json<SessionView>, Problem> {
    let by = Limited { email: &asked.email, client: &client, now };
    Ok(Json(people.sign_in(&asked.password, by).await?.into()))
}

/// Exchanges a refresh token for new tokens.
#[utoipa::path(
    post, path = "/v1/auth/refresh", request_body = RefreshSession, responses((status = OK, body = SessionView))
)]
pub async fn refresh_session(
    State(people): State<App>,
    Json(asked): Json<RefreshSession>,
) -> Result<Json<SessionView>, Problem> {
    Ok(Json(people.refresh(&asked.refresh_token).await?.into()))
}

/// Signs out on all devices.
///
/// All refresh tokens are revoked. Access tokens stay valid until they expire, 15 minutes at most.
#[utoipa::path(post, path = "/v1/auth/sign-out", responses((status = NO_CONTENT)))]
pub async fn sign_out(State(people): State<App>, _: Buyer, Bearer(token): Bearer) -> Result<Answer, Problem> {
    people.sign_out(&token).await?;
    Ok(Answer::no_content())
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        match session {
            Session::Tokens(shop::Tokens { access_token, id_token, refresh_token, expires_in }) => {
                Self::Tokens(Tokens { access_token, id_token, refresh_token, expires_in })
            }
            Session::Challenge { challenge, session } => Self::Challenge(Challenge { challenge, session }),
        }
    }
}
