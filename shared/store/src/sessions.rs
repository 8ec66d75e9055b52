//! The table Sessions: who is signed in where, the codes that were asked for, and invitations. Secrets that expire,
//! none of which is in it in the clear.

mod invitations;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use domain::proof::{CodePurpose, CodeRequest, PendingCode, REQUEST_GUESSES};
use domain::session::{CHALLENGE_GUESSES, Session, SignInChallenge};
use domain::{LookUp, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::item::{Attributes, Condition, all_readable, body, item, key, number, text, version};
use crate::retry::{QueryRequest, delete_one, get, mark, put_one, query_all, update_one};
use crate::stored::{read, stored, write};
use crate::{Backoff, Error};

const CODE: &str = "code";
const CODE_REQUEST: &str = "code_request";
const SESSION: &str = "session";
const CHALLENGE: &str = "challenge";
const GUESSES: &str = "guesses";
/// When an item may be deleted, in seconds since the epoch. Every read looks at the time in the body.
const EXPIRES: &str = "expires_at_s";
const SESSION_PREFIX: &str = "SESSION#";
const ENDED: &str = "sessions_ended";
/// How long it is known that sessions have ended: longer than an access token lives.
const ENDED_KEPT: Duration = Duration::from_secs(3_600);

/// That all sessions of a person have ended.
#[derive(Serialize, Deserialize)]
struct Ended {
    since: Timestamp,
}

stored! {
    SESSION => Session: ["expires_at_s"];
}

fn code_key(purpose: CodePurpose, contact: LookUp) -> Attributes {
    key(format!("CODE#{}#{contact}", purpose.as_str()), "CODE")
}

/// Beside the code: the token of a request is looked for under the contact that it is shown with, and nowhere else.
fn request_key(purpose: CodePurpose, contact: LookUp, hash: &str) -> Attributes {
    key(format!("CODE#{}#{contact}", purpose.as_str()), format!("REQUEST#{hash}"))
}

fn user_partition(user: UserId) -> String {
    format!("USER#{user}")
}

fn session_key(user: UserId, session: SessionId) -> Attributes {
    key(user_partition(user), format!("{SESSION_PREFIX}{session}"))
}

/// Beside the sessions of the person, so that whatever ends them ends it too.
fn challenge_key(user: UserId, id: SessionId) -> Attributes {
    key(user_partition(user), format!("CHALLENGE#{id}"))
}

fn ended_key(user: UserId) -> Attributes {
    key(user_partition(user), "ENDED")
}

fn code_of(found: &Attributes) -> Result<PendingCode, Error> {
    let mut code: PendingCode = body(found, CODE)?;
    code.version = version(found);
    Ok(code)
}

#[derive(Clone, Debug)]
pub struct Sessions {
    client: Client,
    table: String,
}

impl Sessions {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// The code of a contact, read consistently. One that has ended may still be there.
    pub async fn code(&self, purpose: CodePurpose, contact: LookUp) -> Result<Option<PendingCode>, Error> {
        let found = get(&self.client, &self.table, code_key(purpose, contact), true).await?;
        found.as_ref().map(code_of).transpose()
    }

    /// Stores a code in the place of the one that was read, `None` when there was none. False when somebody else has
    /// written it meanwhile.
    pub async fn put_code(&self, code: &PendingCode, read: Option<u64>) -> Result<bool, Error> {
        let version = read.map_or(1, |read| read + 1);
        let mut written = item(code_key(code.purpose, code.contact), CODE, version, code)?;
        written.insert(EXPIRES.to_owned(), number(code.expires_at.seconds()));
        let condition = read.map_or_else(Condition::absent, Condition::at_version);
        match put_one(&self.client, &self.table, written, &condition).await {
            Ok(()) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Stores a request for a code under the hash of its token, which nobody has had before.
    pub async fn put_request(
        &self,
        (purpose, contact): (CodePurpose, LookUp),
        hash: &str,
        request: CodeRequest,
    ) -> Result<(), Error> {
        let mut written = item(request_key(purpose, contact, hash), CODE_REQUEST, 1, &request)?;
        written.insert(GUESSES.to_owned(), number(0));
        written.insert(EXPIRES.to_owned(), number(request.expires_at.seconds()));
        Ok(put_one(&self.client, &self.table, written, &Condition::absent()).await?)
    }

    /// Counts one try with a request before the code is compared, so that guesses side by side are counted too, and
    /// returns it; `None` when the contact has none of that token with which a code can be entered.
    pub async fn try_request(
        &self,
        (purpose, contact): (CodePurpose, LookUp),
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<CodeRequest>, Error> {
        let condition = Condition::of("attribute_exists(pk) AND guesses < :most AND expires_at_s > :now")
            .name("#version", "version")
            .value(":most", number(REQUEST_GUESSES))
            .value(":now", number(now.seconds()))
            .value(":one", number(1));
        let change = "ADD guesses :one, #version :one";
        match update_one(&self.client, &self.table, request_key(purpose, contact, hash), change, &condition).await {
            Ok(found) => body(&found, CODE_REQUEST).map(Some),
            Err(Failure::ConditionFailed) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// Uses up a code that was read. False when another call has used it up or ended it meanwhile: of two who enter it
    /// at once, one is let in.
    pub async fn use_up_code(&self, code: &PendingCode) -> Result<bool, Error> {
        let (mut known, mut backoff) = (code.clone(), Backoff::default());
        loop {
            let used = PendingCode { expires_at: Timestamp::from_millis(0), ..known.clone() };
            let mut written = item(code_key(code.purpose, code.contact), CODE, known.version + 1, &used)?;
            written.insert(EXPIRES.to_owned(), number(code.expires_at.seconds()));
            written.extend([mark()]);
            match put_one(&self.client, &self.table, written, &Condition::at_version(known.version)).await {
                Ok(()) => return Ok(true),
                Err(Failure::ConditionFailed) => {}
                Err(other) => return Err(other.into()),
            }
            // That it was sent is noted in it, for instance, at the moment at which it is entered.
            let now = self.code(code.purpose, code.contact).await?;
            match now.filter(|now| now.key == code.key && now.expires_at == code.expires_at) {
                Some(now) => known = now,
                None => return Ok(false),
            }
            backoff.pause().await?;
        }
    }

    /// Ends a code that was entered. One that is gone counts as ended.
    pub async fn end_code(&self, purpose: CodePurpose, contact: LookUp) -> Result<(), Error> {
        Ok(delete_one(&self.client, &self.table, code_key(purpose, contact), &Condition::present()).await?)
    }

    /// A session, read consistently.
    pub async fn session(&self, user: UserId, id: SessionId) -> Result<Option<Session>, Error> {
        let found = get(&self.client, &self.table, session_key(user, id), true).await?;
        found.as_ref().map(read).transpose()
    }

    /// The sessions of a person, read consistently, the oldest first. One whose time is over may still be there.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, Error> {
        let found = self.of_person(user).await?;
        let sessions: Vec<_> = found.into_iter().filter(|item| text(item, "kind") == Some(SESSION)).collect();
        all_readable(&sessions, read)
    }

    async fn of_person(&self, user: UserId) -> Result<Vec<Attributes>, Error> {
        let partition = ("pk", user_partition(user));
        let table = self.table.clone();
        let request = QueryRequest { table, partition, consistent: true, ..QueryRequest::default() };
        query_all(&self.client, request).await
    }

    /// Stores a sign-in that waits for a second factor.
    pub async fn put_challenge(&self, challenge: &SignInChallenge) -> Result<(), Error> {
        let mut written = item(challenge_key(challenge.user, challenge.id), CHALLENGE, 1, challenge)?;
        written.insert(GUESSES.to_owned(), number(0));
        written.insert(EXPIRES.to_owned(), number(challenge.expires_at.seconds()));
        Ok(put_one(&self.client, &self.table, written, &Condition::absent()).await?)
    }

    /// Counts one try at a waiting sign-in before it is compared, and returns it; `None` when there is none that can go
    /// on.
    pub async fn try_challenge(
        &self,
        user: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<SignInChallenge>, Error> {
        let condition = Condition::of("attribute_exists(pk) AND guesses < :most AND expires_at_s > :now")
            .name("#version", "version")
            .value(":most", number(CHALLENGE_GUESSES))
            .value(":now", number(now.seconds()))
            .value(":one", number(1));
        let change = "ADD guesses :one, #version :one";
        match update_one(&self.client, &self.table, challenge_key(user, id), change, &condition).await {
            Ok(found) => body(&found, CHALLENGE).map(Some),
            Err(Failure::ConditionFailed) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// Ends a sign-in that waited. One that is gone counts as ended.
    pub async fn end_challenge(&self, user: UserId, id: SessionId) -> Result<(), Error> {
        Ok(delete_one(&self.client, &self.table, challenge_key(user, id), &Condition::present()).await?)
    }

    /// Stores a session under the version that was read. False when somebody else has written it meanwhile.
    pub async fn put_session(&self, session: &Session) -> Result<bool, Error> {
        let key = session_key(session.user, session.id);
        let mut written = write(key, session.version + 1, session)?;
        written.insert(EXPIRES.to_owned(), number(session.expires_at.seconds()));
        let condition = match session.version {
            0 => Condition::absent(),
            loaded => Condition::at_version(loaded),
        };
        match put_one(&self.client, &self.table, written, &condition).await {
            Ok(()) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Ends a session. One that is gone counts as ended.
    pub async fn end_session(&self, user: UserId, id: SessionId) -> Result<(), Error> {
        Ok(delete_one(&self.client, &self.table, session_key(user, id), &Condition::present()).await?)
    }

    /// Ends all sessions of a person but one that may stay, and every sign-in that waits for a second factor. Whoever
    /// signed in before `since` has done so with what is no credential any more: see [`Self::ended_since`].
    pub async fn end_sessions(&self, user: UserId, but: Option<SessionId>, since: Timestamp) -> Result<(), Error> {
        let mut ended = item(ended_key(user), ENDED, 1, &Ended { since })?;
        ended.insert(EXPIRES.to_owned(), number((since + ENDED_KEPT).seconds()));
        put_one(&self.client, &self.table, ended, &Condition::any()).await?;
        let stays = [Some(ended_key(user)), but.map(|session| session_key(user, session))];
        for found in self.of_person(user).await? {
            let key: Attributes = found.into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect();
            if !stays.iter().flatten().any(|stays| *stays == key) {
                delete_one(&self.client, &self.table, key, &Condition::present()).await?;
            }
        }
        Ok(())
    }

    /// When all sessions of a person ended last, read consistently; nothing when that is longer ago than an access
    /// token lives, which nobody can take back.
    pub async fn ended_since(&self, user: UserId) -> Result<Option<Timestamp>, Error> {
        let found = get(&self.client, &self.table, ended_key(user), true).await?;
        let ended: Option<Ended> = found.map(|found| body(&found, ENDED)).transpose()?;
        Ok(ended.map(|ended| ended.since))
    }
}
