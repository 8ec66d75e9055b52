//! Signing in, staying signed in, signing out.

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

/// Who wants in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The account's address.
    email: Email,
    /// Its password.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// What keeps somebody signed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshSession {
    /// The refresh token from the sign-in.
    #[schema(value_type = String)]
    refresh_token: RefreshToken,
}

/// Signed in, or one more step to take.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum SessionView {
    /// Signed in.
    Tokens(Tokens),
    /// The password was right, and something else is needed.
    Challenge(Challenge),
}

/// What a signed-in person holds.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// Goes into `Authorization: Bearer …`.
    access_token: String,
    /// Says who it is, for the shop's pages. It opens nothing.
    id_token: String,
    /// For new tokens once these have expired.
    refresh_token: String,
    /// For how many seconds the access token holds.
    expires_in: i32,
}

/// One more step before somebody is signed in.
#[derive(Serialize, ToSchema)]
pub struct Challenge {
    /// Which step.
    #[schema(example = "software_token_mfa")]
    challenge: String,
    /// What the answer has to carry.
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

/// Answers new tokens for a refresh token.
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

/// Signs out everywhere: all refresh tokens end. Access tokens end by themselves, within a quarter of an hour.
#[utoipa::path(post, path = "/v1/auth/sign-out", responses((status = NO_CONTENT)))]
pub async fn sign_out(State(app): State<App>, _: Buyer, Bearer(token): Bearer) -> Result<Answer, Problem> {
    match app.user_pool.sign_out(&token).await {
        // Signed out already.
        Ok(()) | Err(UserPoolError::Refused | UserPoolError::Unknown) => Ok(Answer::no_content()),
        Err(other) => Err(other.into()),
    }
}

/// A refresh token that is not replaced stays in force, so the answer has the same shape either way.
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
