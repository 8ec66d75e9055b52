//! The second factor: setting up an authenticator app, entering its codes, taking it away.

use api::{Answer, Caller, Json, Now, Problem, SourceIp};
use axum::extract::State;
use domain::Refusal;
use domain::text::SecondFactorCode;
use serde::Deserialize;
use shop::{Enrolment, Password, RecoveryCodes, RefreshToken, SecondFactor, SignInAnswer};
use utoipa::ToSchema;

use crate::App;

/// A code of the authenticator app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterCode {
    /// The six digits that the app shows. Where the app is taken away, a code on paper does as well.
    code: SecondFactorCode,
}

/// The answer to the challenge of a sign-in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerChallenge {
    /// The `session` of the challenge.
    #[schema(value_type = String)]
    session: RefreshToken,
    /// Where the challenge is `totp`: the six digits that the app shows, or a code on paper.
    #[serde(default)]
    code: Option<SecondFactorCode>,
    /// Where the challenge is `new_password`: the person's own password.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Password>,
}

/// Completes a sign-in with a code, or with another password.
///
/// The code is of the authenticator app; the password is one's own, after one for once. A code on paper does as well,
/// and takes the app away: it has to be set up again. Five answers may be tried. After a password another challenge may
/// follow.
#[utoipa::path(
    post, path = "/v1/auth/challenge", request_body = AnswerChallenge, responses((status = OK, body = SignInAnswer))
)]
pub async fn answer_challenge(
    State(people): State<App>,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<AnswerChallenge>,
) -> Result<Json<SignInAnswer>, Problem> {
    match (&asked.code, &asked.password) {
        (Some(code), None) => Ok(Json(people.answer_challenge(&asked.session, code, &client, now).await?)),
        (None, Some(password)) => Ok(Json(people.choose_password(&asked.session, password, now).await?)),
        (None, None) => Err(Refusal::field("/code", "missing", "a code or a password").into()),
        (Some(_), Some(_)) => Err(Refusal::field("/password", "invalid", "a code or a password, not both").into()),
    }
}

/// Begins to set up an authenticator app.
///
/// Nothing changes before its first code is confirmed. Beginning again replaces the secret. The sign-in must not be
/// older than ten minutes.
#[utoipa::path(post, path = "/v1/me/mfa", responses((status = OK, body = Enrolment)))]
pub async fn begin_mfa(
    State(people): State<App>,
    person: Caller,
    Now(now): Now,
    SourceIp(client): SourceIp,
) -> Result<Json<Enrolment>, Problem> {
    let by = SecondFactor { user: person.user, client: &client, now };
    Ok(Json(people.begin_mfa(person.signed_in_at, by).await?))
}

/// Confirms an authenticator app with its first code.
///
/// From then on every sign-in asks for one. All sessions end, this one too. The answer has the codes on paper, which
/// are shown once.
#[utoipa::path(
    post, path = "/v1/me/mfa/confirm", request_body = EnterCode, responses((status = OK, body = RecoveryCodes))
)]
pub async fn confirm_mfa(
    State(people): State<App>,
    person: Caller,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<EnterCode>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let by = SecondFactor { user: person.user, client: &client, now };
    Ok(Json(people.confirm_mfa(person.signed_in_at, &asked.code, by).await?))
}

/// Takes the authenticator app away.
///
/// All sessions end.
#[utoipa::path(delete, path = "/v1/me/mfa", request_body = EnterCode, responses((status = NO_CONTENT)))]
pub async fn remove_mfa(
    State(people): State<App>,
    person: Caller,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<EnterCode>,
) -> Result<Answer, Problem> {
    people.remove_mfa(&asked.code, SecondFactor { user: person.user, client: &client, now }).await?;
    Ok(Answer::no_content())
}

/// Makes new codes on paper.
///
/// Those before work no more.
#[utoipa::path(
    post, path = "/v1/me/mfa/recovery-codes", request_body = EnterCode,
    responses((status = OK, body = RecoveryCodes))
)]
pub async fn replace_recovery_codes(
    State(people): State<App>,
    person: Caller,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<EnterCode>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let by = SecondFactor { user: person.user, client: &client, now };
    Ok(Json(people.replace_recovery_codes(&asked.code, by).await?))
}
