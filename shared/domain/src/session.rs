//! Sessions: who is signed in where. A session's token is ours and opens nothing but this; the user pool's own refresh
//! token lies sealed in the session and never leaves us.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sealed::Sealed;
use crate::stored::Kept;
use crate::{SessionId, Timestamp, UserId};

/// How long a session lasts: as long as the user pool's refresh token in it.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How long the token before the current one is still answered with the current one: the answer to a client may have
/// been lost, or two of its tabs have asked at once.
pub const ROTATION_GRACE: Duration = Duration::from_secs(30);

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    /// SHA-256 of the current token's secret, in base64url without padding.
    pub hash: String,
    /// The one before it, as long as it is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// 32 random bytes in base64url without padding, with which `pool_token` is sealed.
    pub key: String,
    /// The refresh token of the user pool.
    pub pool_token: Sealed,
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub used_at: Timestamp,
    pub expires_at: Timestamp,
    /// What a browser's session knows besides; nothing in the session of a client of the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<Browser>,
    /// Incremented by each write, which is conditional on it.
    #[serde(skip)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// A session whose token is a browser's cookie. It is no refresh token: it stays the same while the session lives, and
/// the API gives no tokens for it, so that whoever reads a cookie gets nothing that outlives the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Browser {
    /// The groups of the user pool, of which `admin` makes the first owner of the marketplace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// How long a second factor may be entered after the password was right.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// How long a password may be chosen in the place of one that is for once: as long as the user pool's own session of
/// it.
pub const NEW_PASSWORD_LIFETIME: Duration = Duration::from_secs(3 * 60);
/// How many codes may be tried for one password.
pub const CHALLENGE_GUESSES: u32 = 5;

/// A sign-in that waits for the person's second factor: the password was right, and the tokens stay with us until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInChallenge {
    /// The id of the session that it becomes.
    pub id: SessionId,
    pub user: UserId,
    /// SHA-256 of the token's secret, in base64url without padding.
    pub hash: String,
    /// 32 random bytes in base64url without padding, with which `pool_token` is sealed.
    pub key: String,
    /// The refresh token of the user pool; where a password is awaited, the pool's own challenge.
    pub pool_token: Sealed,
    /// Whether it waits for another password and not for a second factor.
    #[serde(default)]
    pub new_password: bool,
    pub expires_at: Timestamp,
}

/// A token that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    pub hash: String,
    pub replaced_at: Timestamp,
}

/// What a token that was shown is to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The current one: the session goes on with the next one.
    Current,
    /// The one before, a moment ago: the answer is repeated.
    JustReplaced,
    /// One that was replaced: somebody has a copy, so the session ends.
    Reused,
    /// The session is over.
    Expired,
}

impl Session {
    /// What a token with this hash is. Hashes of random secrets are compared, so that timing discloses nothing.
    pub fn shown(&self, hash: &str, now: Timestamp) -> Shown {
        if self.expires_at <= now {
            return Shown::Expired;
        }
        if self.hash == hash {
            return Shown::Current;
        }
        let just_replaced = |previous: &Previous| previous.hash == hash && now < previous.replaced_at + ROTATION_GRACE;
        if self.previous.as_ref().is_some_and(just_replaced) { Shown::JustReplaced } else { Shown::Reused }
    }

    /// The session goes on with the next token.
    pub fn rotate(&mut self, next: String, now: Timestamp) {
        let hash = std::mem::replace(&mut self.hash, next);
        self.previous = Some(Previous { hash, replaced_at: now });
        self.used_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::NOW;

    fn session() -> Session {
        Session {
            id: SessionId::from_bits(1),
            user: "00000000-0000-4000-8000-000000000004".parse().unwrap(),
            hash: "first".to_owned(),
            previous: None,
            key: "key".to_owned(),
            pool_token: Sealed { master: "m".to_owned(), key: "k".to_owned(), text: "c".to_owned() },
            created_at: NOW,
            used_at: NOW,
            expires_at: NOW + SESSION_LIFETIME,
            browser: None,
            version: 1,
            kept: Kept::default(),
        }
    }

    #[test]
    fn a_replaced_token_is_answered_for_a_moment_and_then_ends_the_session() {
        let mut known = session();
        assert_eq!(known.shown("first", NOW), Shown::Current);
        known.rotate("second".to_owned(), NOW);
        assert_eq!((known.shown("second", NOW), known.shown("first", NOW)), (Shown::Current, Shown::JustReplaced));
        assert_eq!(known.shown("first", NOW + ROTATION_GRACE), Shown::Reused);
        known.rotate("third".to_owned(), NOW);
        assert_eq!(known.shown("first", NOW), Shown::Reused, "two steps back");
        assert_eq!(known.shown("third", NOW + SESSION_LIFETIME), Shown::Expired);
    }
}
