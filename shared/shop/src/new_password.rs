//! People whom an administrator has made in the user pool, or whose password they have replaced: the password is for
//! once, and they choose their own before the sign-in is complete.

use aws_sdk_cognitoidentityprovider::operation::admin_initiate_auth::AdminInitiateAuthOutput;
use aws_sdk_cognitoidentityprovider::types::ChallengeNameType;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::contact::ContactPoint;
use domain::sealed::SealedIn;
use domain::session::{NEW_PASSWORD_LIFETIME, SignInChallenge};
use domain::{Code, Refusal, SessionId, Timestamp};
use platform::PersonsSecret;
use serde::{Deserialize, Serialize};
use store::accounts::Username;

use crate::credentials::{Password, RefreshToken};
use crate::passwords;
use crate::people::{Challenge, ChallengeKind, Limited, SignInAnswer, wrong_code};
use crate::sessions::{SessionToken, failed, key_of};
use crate::user_pool::UserPoolError;
use crate::{Error, People};

/// What waits, sealed, for the person's own password.
#[derive(Deserialize, Serialize)]
struct Waiting {
    username: Username,
    /// In the form in which it is looked up.
    contact: String,
    /// The user pool's session of the challenge.
    session: String,
}

impl People {
    /// Keeps the user pool's challenge, and asks for the person's own password.
    pub(crate) async fn ask_for_own_password(
        &self,
        begun: &AdminInitiateAuthOutput,
        username: &Username,
        by: Limited<'_>,
    ) -> Result<SignInAnswer, Error> {
        if begun.challenge_name() != Some(&ChallengeNameType::NewPasswordRequired) {
            return Err(UserPoolError::ResetRequired.into());
        }
        let session = begun.session().ok_or_else(|| failed("Cognito asked for a password without a session"))?;
        let person = self.user_pool.person(username.as_str()).await?;
        let user = person.id.ok_or_else(|| failed("a person without an id"))?;
        // Whoever made the person has given them another address.
        if !person.contacts().any(|contact| contact == *by.contact) {
            return Err(Refusal::of(Code::InvalidCredentials).into());
        }
        let contact = by.contact.as_str().to_owned();
        let waiting = Waiting { username: username.clone(), contact, session: session.to_owned() };
        let waiting = serde_json::to_vec(&waiting).map_err(|_| failed("a challenge that is no JSON"))?;
        let (persons, key) = (self.persons.value().await?, PersonsSecret::new_key()?);
        let id = SessionId::new(by.now, platform::ids(by.now).bits());
        let token = SessionToken { user, id, secret: persons.next_token(&key, "") };
        let challenge = SignInChallenge {
            id,
            user,
            hash: token.hash(),
            pool_token: persons.seal(&waiting, &key, SealedIn::Session(id))?,
            key: URL_SAFE_NO_PAD.encode(key.bytes()),
            new_password: true,
            expires_at: by.now + NEW_PASSWORD_LIFETIME,
        };
        self.sessions.put_challenge(&challenge).await?;
        Ok(SignInAnswer::Challenge(Challenge { challenge: ChallengeKind::NewPassword, session: token.text() }))
    }

    /// Completes a sign-in with the person's own password. Who has a second factor is asked for it then.
    pub async fn choose_password(
        &self,
        shown: &RefreshToken,
        password: &Password,
        now: Timestamp,
    ) -> Result<SignInAnswer, Error> {
        let token = SessionToken::parse(shown).ok_or_else(wrong_code)?;
        let challenge = self.sessions.try_challenge(token.user, token.id, now).await?.ok_or_else(wrong_code)?;
        if challenge.hash != token.hash() || !challenge.new_password {
            return Err(wrong_code());
        }
        let persons = self.persons.value().await?;
        let key = key_of(&challenge.key)?;
        let opened = persons.open(&challenge.pool_token, Some(&key), SealedIn::Session(challenge.id))?;
        let waiting: Waiting = serde_json::from_slice(&opened).map_err(|_| failed("a challenge that is no JSON"))?;
        let contact = ContactPoint::parse(&waiting.contact).map_err(|_| failed("a challenge without a contact"))?;
        passwords::check(password, &contact)?;
        // The address finds the person from now on, unless it is somebody else's by now.
        let owner = self.accounts.claim_contact(&contact, waiting.username.clone(), now).await?;
        if owner != waiting.username {
            return Err(Refusal::of(Code::InvalidCredentials).into());
        }
        let issued = match self.user_pool.choose_password(&waiting.username, &waiting.session, password).await {
            // The challenge is over, or was answered; or the person is gone or disabled.
            Err(UserPoolError::Unknown | UserPoolError::Refused | UserPoolError::CodeMismatch) => {
                return Err(Refusal::of(Code::InvalidCredentials).into());
            }
            answer => answer?,
        };
        self.sessions.end_challenge(token.user, token.id).await?;
        // What was begun with the password of before ends.
        self.sessions.end_sessions(token.user, None, now).await?;
        self.begin_session(Some(&issued), now).await
    }
}
