//! Sessions of browsers: whose a cookie is. Reading one needs the table of sessions and no secret.

use domain::session::Shown;
use domain::{SessionId, Timestamp, UserId};
use platform::{Config, Fatal};
use store::Sessions;

use crate::Error;
use crate::sessions::SessionToken;

/// Who is signed in with a cookie.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    pub id: SessionId,
    pub user: UserId,
    /// When they showed who they are.
    pub signed_in_at: Timestamp,
    pub groups: Vec<String>,
}

/// The sessions of browsers.
#[derive(Clone, Debug)]
pub struct BrowserSessions {
    sessions: Sessions,
}

impl BrowserSessions {
    /// Builds the client.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("SESSIONS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        Ok(Self { sessions: Sessions::new(dynamodb, table) })
    }

    /// Who is signed in with a cookie; nobody when it is none of ours, or its session is over. One read.
    pub async fn signed_in(&self, cookie: &str, now: Timestamp) -> Result<Option<BrowserSession>, Error> {
        let Some(token) = SessionToken::parse_text(cookie) else { return Ok(None) };
        let session = self.sessions.session(token.user, token.id).await?;
        let session = session.filter(|session| session.shown(&token.hash(), now) == Shown::Current);
        Ok(session.and_then(|session| {
            let groups = session.browser?.groups;
            Some(BrowserSession { id: session.id, user: session.user, signed_in_at: session.created_at, groups })
        }))
    }
}
