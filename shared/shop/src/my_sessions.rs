//! What a signed-in person sees and changes of how they get in: their sessions, and their password.

use domain::proof::AccountChange;
use domain::session::Session;
use domain::{Code, Refusal, SessionId, Timestamp, UserId};

use crate::credentials::Password;
use crate::people::{Limited, SignInAnswer};
use crate::user_pool::UserPoolError;
use crate::{Error, People, passwords};

impl People {
    /// The sessions of a person that are not over, the one that was used last first.
    pub async fn my_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        let mut sessions = self.sessions.sessions(user).await?;
        sessions.retain(|session| session.expires_at > now);
        sessions.sort_by_key(|session| std::cmp::Reverse(session.used_at));
        Ok(sessions)
    }

    /// Ends one session of a person.
    pub async fn end_my_session(&self, user: UserId, id: SessionId) -> Result<(), Error> {
        let session = self.sessions.session(user, id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        let persons = self.persons.value().await?;
        self.end(&session, &persons).await
    }

    /// Changes the password of who knows the one before. Every session ends, and the answer begins a new one, or asks
    /// for the second factor.
    pub async fn change_my_password(
        &self,
        user: UserId,
        (current, chosen): (&Password, &Password),
        client: &str,
        now: Timestamp,
    ) -> Result<SignInAnswer, Error> {
        let person = self.signed_in(user).await?;
        let contact = person.contact()?;
        let by = Limited { contact: &contact, client, now, language: None };
        passwords::check(chosen, &contact)?;
        // Counted as a sign-in: a stolen token is worth no more guesses than none.
        let guess = self.count_password(by).await?;
        match self.user_pool.sign_in(&guess.username, current).await {
            Err(
                UserPoolError::Unknown
                | UserPoolError::Refused
                | UserPoolError::NotConfirmed
                | UserPoolError::BadInput(_)
                | UserPoolError::AccountLimit,
            ) => return Err(Refusal::of(Code::InvalidCredentials).into()),
            answer => drop(answer?),
        }
        self.guessed_right(&guess).await;
        self.change_password(&person, chosen.as_str(), now).await?;
        self.notify(user, AccountChange::PasswordChanged).await;
        let answer = self.user_pool.sign_in(&guess.username, chosen).await?;
        self.begin_session(answer.authentication_result(), now).await
    }
}
