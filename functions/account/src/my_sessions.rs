//! Where the person is signed in, and another password.

use api::{Answer, Buyer, Json, Now, Path, Problem, SourceIp};
use axum::extract::State;
use domain::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use shop::{Password, SignInAnswer};
use utoipa::ToSchema;

use crate::App;

/// Where the person is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionListView {
    /// The sessions, the one that was used last first.
    items: Vec<SessionItemView>,
}

/// A session: one client that is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionItemView {
    id: SessionId,
    /// When the person signed in.
    created_at: Timestamp,
    /// When the client last got new tokens.
    used_at: Timestamp,
    /// When it ends: 30 days after the person signed in.
    expires_at: Timestamp,
}

/// Another password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password of now.
    #[schema(value_type = String, format = Password)]
    current_password: Password,
    /// The password to be. If it is too weak, `errors` says why.
    #[schema(value_type = String, format = Password)]
    password: Password,
}

/// Lists where the person is signed in.
#[utoipa::path(get, path = "/v1/me/sessions", responses((status = OK, body = SessionListView)))]
pub async fn list_my_sessions(
    State(people): State<App>,
    person: Buyer,
    Now(now): Now,
) -> Result<Json<SessionListView>, Problem> {
    let sessions = people.my_sessions(person.user, now).await?;
    let items = sessions.into_iter().map(|session| SessionItemView {
        id: session.id,
        created_at: session.created_at,
        used_at: session.used_at,
        expires_at: session.expires_at,
    });
    Ok(Json(SessionListView { items: items.collect() }))
}

/// Ends a session.
///
/// Its access tokens stay valid until they expire, 15 minutes at most.
#[utoipa::path(
    delete, path = "/v1/me/sessions/{id}", params(("id" = SessionId, Path, description = "The session.")),
    responses((status = NO_CONTENT))
)]
pub async fn end_my_session(
    State(people): State<App>,
    person: Buyer,
    Path(id): Path<SessionId>,
) -> Result<Answer, Problem> {
    people.end_my_session(person.user, id).await?;
    Ok(Answer::no_content())
}

/// Changes the password.
///
/// All sessions end. The answer begins a new one, or asks for the code of the authenticator app.
#[utoipa::path(
    post, path = "/v1/me/password", request_body = ChangePassword, responses((status = OK, body = SignInAnswer))
)]
pub async fn change_my_password(
    State(people): State<App>,
    person: Buyer,
    Now(now): Now,
    SourceIp(client): SourceIp,
    Json(asked): Json<ChangePassword>,
) -> Result<Json<SignInAnswer>, Problem> {
    let passwords = (&asked.current_password, &asked.password);
    Ok(Json(people.change_my_password(person.user, passwords, &client, now).await?))
}
