//! Sessions of ours: a client holds a token that opens nothing at the user pool, whose own token stays sealed with us.

use aws_sdk_cognitoidentityprovider::types::AuthenticationResultType;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::sealed::{PersonKey, Sealed, SealedIn};
use domain::session::{Browser, CHALLENGE_LIFETIME, SESSION_LIFETIME, Session, Shown, SignInChallenge};
use domain::stored::Kept;
use domain::text::SecondFactorCode;
use domain::{Code, Refusal, SessionId, Timestamp, UserId};
use platform::{NotOpened, PersonsSecret};
use ring::digest;
use serde::Deserialize;
use store::Backoff;

use crate::credentials::RefreshToken;
use crate::mfa::{Entered, SecondFactor};
use crate::people::{Challenge, ChallengeKind, SignInAnswer, Tokens, wrong_code};
use crate::user_pool::UserPoolError;
use crate::{Error, People};

/// How many sessions one person may have.
const MAX_SESSIONS: usize = 50;

/// Whose session it is, which one, and the secret that shows it: 16 + 16 + 32 bytes in base64url.
pub(crate) struct SessionToken {
    pub(crate) user: UserId,
    pub(crate) id: SessionId,
    pub(crate) secret: [u8; 32],
}

impl SessionToken {
    pub(crate) fn parse(token: &RefreshToken) -> Option<Self> {
        Self::parse_text(token.as_str())
    }

    pub(crate) fn parse_text(token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (user, rest) = bytes.split_first_chunk::<16>()?;
        let (id, secret) = rest.split_first_chunk::<16>()?;
        Some(Self {
            user: UserId::from_bits(u128::from_be_bytes(*user)),
            id: SessionId::from_bits(u128::from_be_bytes(*id)),
            secret: secret.try_into().ok()?,
        })
    }

    pub(crate) fn text(&self) -> String {
        let parts = [self.user.bits().to_be_bytes().as_slice(), &self.id.bits().to_be_bytes(), &self.secret].concat();
        URL_SAFE_NO_PAD.encode(parts)
    }

    pub(crate) fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &self.secret))
    }
}

/// The part of an access token that says whose it is. It comes from the pool itself, so nothing is verified.
#[derive(Deserialize)]
struct Claims {
    sub: UserId,
    #[serde(default, rename = "cognito:groups")]
    groups: Vec<String>,
}

pub(crate) fn failed(reason: &str) -> Error {
    Refusal::because(Code::Internal, reason.to_owned()).into()
}

fn claims_of(access_token: &str) -> Result<Claims, Error> {
    let claims = access_token.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    let claims = claims.and_then(|claims| serde_json::from_slice::<Claims>(&claims).ok());
    claims.ok_or_else(|| failed("an access token of nobody"))
}

fn new_session(
    (user, id): (UserId, SessionId),
    hash: String,
    key: String,
    pool_token: Sealed,
    browser: Option<Browser>,
    now: Timestamp,
) -> Session {
    Session {
        id,
        user,
        hash,
        previous: None,
        key,
        pool_token,
        created_at: now,
        used_at: now,
        expires_at: now + SESSION_LIFETIME,
        browser,
        version: 0,
        kept: Kept::default(),
    }
}

pub(crate) fn key_of(key: &str) -> Result<PersonKey, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(key).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(PersonKey::from_bytes).ok_or_else(|| failed("a session without its random bytes"))
}

fn tokens(issued: &AuthenticationResultType, refresh_token: String) -> SignInAnswer {
    SignInAnswer::Tokens(Tokens {
        access_token: issued.access_token().unwrap_or_default().to_owned(),
        id_token: issued.id_token().unwrap_or_default().to_owned(),
        refresh_token,
        expires_in: issued.expires_in(),
    })
}

impl People {
    /// Begins a session with the tokens of a sign-in; when the person has a second factor, that is asked for first, and
    /// the tokens wait.
    pub(crate) async fn begin_session(
        &self,
        issued: Option<&AuthenticationResultType>,
        now: Timestamp,
    ) -> Result<SignInAnswer, Error> {
        let issued = issued.ok_or_else(|| failed("Cognito answered a sign-in without tokens"))?;
        let pool_token = issued.refresh_token().ok_or_else(|| failed("Cognito answered without a refresh token"))?;
        let (persons, key) = (self.persons.value().await?, PersonsSecret::new_key()?);
        let Claims { sub: user, groups } = claims_of(issued.access_token().unwrap_or_default())?;
        let id = SessionId::new(now, platform::ids(now).bits());
        // The first secret follows from the random bytes as the later ones do.
        let token = SessionToken { user, id, secret: persons.next_token(&key, "") };
        let sealed = persons.seal(pool_token.as_bytes(), &key, SealedIn::Session(id))?;
        let key = URL_SAFE_NO_PAD.encode(key.bytes());
        if self.accounts.mfa(user).await?.is_some_and(|mfa| mfa.since.is_some()) {
            let expires_at = now + CHALLENGE_LIFETIME;
            let (hash, new_password) = (token.hash(), false);
            let waiting = SignInChallenge { id, user, hash, key, pool_token: sealed, new_password, expires_at };
            self.sessions.put_challenge(&waiting).await?;
            return Ok(SignInAnswer::Challenge(Challenge { challenge: ChallengeKind::Totp, session: token.text() }));
        }
        let browser = self.browsers.then_some(Browser { groups });
        let session = new_session((user, id), token.hash(), key, sealed, browser, now);
        if !self.sessions.put_session(&session).await? {
            return Err(failed("a session's id was used already"));
        }
        self.end_oldest(user, &persons).await;
        Ok(tokens(issued, token.text()))
    }

    /// Ends the oldest sessions of who has more than anybody needs: all of them are ended one by one some day. The
    /// sign-in is complete by then, so what fails here is left to the next one.
    async fn end_oldest(&self, user: UserId, persons: &PersonsSecret) {
        let ended = async {
            let sessions = self.sessions.sessions(user).await?;
            for session in sessions.iter().take(sessions.len().saturating_sub(MAX_SESSIONS)) {
                self.end(session, persons).await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(cause) = ended.await {
            tracing::warn!(user.id = %user, %cause, "the oldest sessions of somebody with many are not ended");
        }
    }

    /// Goes on with a sign-in that waits for a second factor, with a code of the app or one on paper.
    pub async fn answer_challenge(
        &self,
        shown: &RefreshToken,
        code: &SecondFactorCode,
        client: &str,
        now: Timestamp,
    ) -> Result<SignInAnswer, Error> {
        let token = SessionToken::parse(shown).ok_or_else(wrong_code)?;
        // Counted before anything is compared, so that a password is worth five codes whatever runs side by side.
        let waiting = self.sessions.try_challenge(token.user, token.id, now).await?.ok_or_else(wrong_code)?;
        if waiting.hash != token.hash() || waiting.new_password {
            return Err(wrong_code());
        }
        // Only who has the token counts for the person.
        let pair = self.count_second_factor(SecondFactor { user: token.user, client, now }).await?;
        let Some(entered) = self.enter(token.user, code, now).await? else {
            // The second factor that was asked for is gone, so this sign-in proves too little.
            self.sessions.end_challenge(token.user, token.id).await?;
            return Err(Refusal::of(Code::InvalidCredentials).into());
        };
        self.rate_limits.forget("mfa", pair).await;
        let persons = self.persons.value().await?;
        let key = key_of(&waiting.key)?;
        let opened = persons.open(&waiting.pool_token, Some(&key), SealedIn::Session(waiting.id))?;
        let pool_token = String::from_utf8(opened).map_err(|_| failed("a session without its token"))?;
        let issued = match self.user_pool.refresh(&pool_token).await {
            // The person is gone or disabled, or another password was chosen meanwhile.
            Err(UserPoolError::Unknown | UserPoolError::Refused | UserPoolError::BadInput(_)) => {
                return Err(Refusal::of(Code::InvalidCredentials).into());
            }
            answer => answer?.ok_or_else(|| failed("Cognito answered a refresh without tokens"))?,
        };
        // The token that was shown has done its work: the session begins with the next one.
        let next = SessionToken { secret: persons.next_token(&key, &waiting.hash), ..token };
        let groups = claims_of(issued.access_token().unwrap_or_default())?.groups;
        let browser = self.browsers.then_some(Browser { groups });
        let session = new_session((token.user, token.id), next.hash(), waiting.key, waiting.pool_token, browser, now);
        if !self.sessions.put_session(&session).await? {
            return Err(failed("a session's id was used already"));
        }
        self.end_oldest(token.user, &persons).await;
        if matches!(entered, Entered::Paper) {
            // What was begun with the app that is lost ends.
            for other in self.sessions.sessions(token.user).await?.iter().filter(|other| other.id != token.id) {
                self.end(other, &persons).await?;
            }
            // This one began when its password was entered.
            let since = waiting.expires_at - CHALLENGE_LIFETIME;
            self.sessions.end_sessions(token.user, Some(token.id), since).await?;
        }
        self.sessions.end_challenge(token.user, token.id).await?;
        Ok(tokens(&issued, next.text()))
    }

    /// Goes on with a session: new tokens for its current one, and the same again for the one before for a moment. One
    /// that was replaced earlier has been copied by somebody, so its session ends.
    pub(crate) async fn go_on(&self, shown: &RefreshToken, now: Timestamp) -> Result<SignInAnswer, Error> {
        let unauthorized = || Error::from(Refusal::of(Code::Unauthorized));
        let token = SessionToken::parse(shown).ok_or_else(unauthorized)?;
        let persons = self.persons.value().await?;
        let mut backoff = Backoff::default();
        loop {
            let Some(mut session) = self.sessions.session(token.user, token.id).await? else {
                return Err(unauthorized());
            };
            // A cookie is no refresh token: whoever has read one gets no tokens for it.
            if session.browser.is_some() {
                return Err(unauthorized());
            }
            let key = key_of(&session.key)?;
            let hash = token.hash();
            let next = SessionToken { secret: persons.next_token(&key, &hash), ..token };
            let is_current = match session.shown(&hash, now) {
                Shown::Current => true,
                Shown::JustReplaced if next.hash() == session.hash => false,
                Shown::JustReplaced | Shown::Expired => return Err(unauthorized()),
                Shown::Reused => {
                    tracing::warn!(session.id = %session.id, "a replaced token of a session was shown: the session ends");
                    self.end(&session, &persons).await?;
                    return Err(unauthorized());
                }
            };
            let pool_token = match persons.open(&session.pool_token, Some(&key), SealedIn::Session(session.id)) {
                // The master secret was taken away under which it began.
                Err(NotOpened::UnknownMaster) => {
                    self.sessions.end_session(session.user, session.id).await?;
                    return Err(unauthorized());
                }
                opened => opened?,
            };
            let pool_token = String::from_utf8(pool_token).map_err(|_| failed("a session without its token"))?;
            // First, so that a pool that does not answer costs nobody their session: its own token stays the same.
            let issued = match self.user_pool.refresh(&pool_token).await {
                // The person is gone or disabled, or was signed out in the pool.
                Err(UserPoolError::Unknown | UserPoolError::Refused | UserPoolError::BadInput(_)) => {
                    self.sessions.end_session(session.user, session.id).await?;
                    return Err(unauthorized());
                }
                answer => answer?.ok_or_else(|| failed("Cognito answered a refresh without tokens"))?,
            };
            if is_current {
                session.rotate(next.hash(), now);
                if !self.sessions.put_session(&session).await? {
                    // Another call has rotated it, or it has ended meanwhile.
                    backoff.pause().await?;
                    continue;
                }
            }
            return Ok(tokens(&issued, next.text()));
        }
    }

    /// Ends a session, here and at the user pool.
    pub(crate) async fn end(&self, session: &Session, persons: &PersonsSecret) -> Result<(), Error> {
        self.sessions.end_session(session.user, session.id).await?;
        let key = key_of(&session.key)?;
        let pool_token = match persons.open(&session.pool_token, Some(&key), SealedIn::Session(session.id)) {
            // The master secret was taken away under which it began: nobody can use what is in it.
            Err(NotOpened::UnknownMaster) => return Ok(()),
            opened => opened?,
        };
        let pool_token = String::from_utf8(pool_token).map_err(|_| failed("a session without its token"))?;
        match self.user_pool.revoke(&pool_token).await {
            Err(UserPoolError::Unknown | UserPoolError::Refused | UserPoolError::BadInput(_)) => Ok(()),
            done => Ok(done?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_another_text_is_none() {
        let user: UserId = "0192f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d".parse().unwrap();
        let token = SessionToken { user, id: SessionId::from_bits(7), secret: [9; 32] };
        let read =
            |text: &str| serde_json::from_value(serde_json::json!(text)).ok().and_then(|one| SessionToken::parse(&one));
        let again = read(&token.text()).unwrap();
        assert_eq!((again.user, again.id, again.secret), (token.user, token.id, token.secret));
        for wrong in ["x", "eyJjdHkiOiJKV1QifQ", &token.text()[1..], &format!("{}AAAA", token.text())] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn whose_an_access_token_is_stands_in_its_claims() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"0192f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d","scope":"x"}"#);
        let read = claims_of(&format!("e30.{claims}.x")).unwrap();
        assert_eq!((read.sub.to_string().as_str(), read.groups.len()), ("0192f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d", 0));
        assert!(claims_of("nonsense").is_err());
    }
}
