//! Sign-in, token refresh and sign-out.

use api::{Answer, Bearer, Buyer, Json, Now, Problem, SourceIp};
use aws_sdk_cognitoidentityprovider::operation::initiate_auth::InitiateAuthOutput;
use axum::extract::State;
use domain::text::Email;
use domain::{Code, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::credentials::{Password, RefreshToken};
use crate::user_pool::UserPoolError;
use crate::{App, LimitedCall};

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
    State(app): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<SignIn>,
) -> Result<Json<SessionView>, Problem> {
    app.count(LimitedCall::Credential("sign-in"), &client, &asked.email, now).await?;
    match app.user_pool.sign_in(&asked.email, &asked.password).await {
        Ok(answer) => view(&answer, None).map(Json),
        Err(UserPoolError::Unknown | UserPoolError::Refused | UserPoolError::BadInput(_)) => {
            Err(Refusal::of(Code::InvalidCredentials).into())
        }
        Err(other) => Err(other.into()),
    }
}

/// Exchanges a refresh token for new tokens.
#[utoipa::path(
    post, path = "/v1/auth/refresh", request_body = RefreshSession, responses((status = OK, body = SessionView))
)]
pub async fn refresh_session(
    State(app): State<App>,
    Json(asked): Json<RefreshSession>,
) -> Result<Json<SessionView>, Problem> {
    match app.user_pool.refresh(&asked.refresh_token).await {
        Ok(answer) => view(&answer, Some(&asked.refresh_token)).map(Json),
        Err(UserPoolError::Unknown | UserPoolError::BadInput(_)) => Err(Refusal::of(Code::Unauthorized).into()),
        Err(other) => Err(other.into()),
    }
}

/// Signs out on all devices.
///
/// All refresh tokens are revoked. Access tokens stay valid until they expire, 15 minutes at most.
#[utoipa::path(post, path = "/v1/auth/sign-out", responses((status = NO_CONTENT)))]
pub async fn sign_out(State(app): State<App>, _: Buyer, Bearer(token): Bearer) -> Result<Answer, Problem> {
    match app.user_pool.sign_out(&token).await {
        // The person is signed out already.
        Ok(()) | Err(UserPoolError::Refused | UserPoolError::Unknown) => Ok(Answer::no_content()),
        Err(other) => Err(other.into()),
    }
}

/// The view of a sign-in or a refresh. When Cognito issues no new refresh token, the `previous` one stays valid and is
/// answered, so that both calls have answers of the same shape.
fn view(answer: &InitiateAuthOutput, previous: Option<&RefreshToken>) -> Result<SessionView, Problem> {
    if let Some(challenge) = answer.challenge_name() {
        return Ok(SessionView::Challenge(Challenge {
            challenge: challenge.as_str().to_lowercase(),
            session: answer.session().unwrap_or_default().to_owned(),
        }));
    }
    let result = answer.authentication_result();
    let refresh_token = result.and_then(|tokens| tokens.refresh_token()).or(previous.map(RefreshToken::as_str));
    match (result, refresh_token) {
        (Some(tokens), Some(refresh_token)) => Ok(SessionView::Tokens(Tokens {
            access_token: tokens.access_token().unwrap_or_default().to_owned(),
            id_token: tokens.id_token().unwrap_or_default().to_owned(),
            refresh_token: refresh_token.to_owned(),
            expires_in: tokens.expires_in(),
        })),
        _ => Err(Problem::internal("Cognito answered a sign-in without tokens")),
    }
}
