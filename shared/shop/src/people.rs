//! Accounts of people: signing up and in, choosing another password.
//!
//! Where the answer must not reveal whether an address has an account, the same calls are made for both: codes are kept
//! for whoever asks, and only the function that sends them looks whose address it is.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::contact::ContactPoint;
use domain::proof::{AccountChange, Applicant, CodePurpose, MessageJob};
use domain::text::Name;
use domain::{Code, Identifier, LookUp, Refusal, Timestamp, UserId};
use platform::{Config, Fatal, JobQueue, PersonsSecret, Rotating, Secret};
use serde::Serialize;
use store::accounts::Username;
use store::{Accounts, RateLimits, Sessions, SettingsTable};
use utoipa::ToSchema;

use crate::Error;
use crate::changing::{Changes, Changing};
use crate::credentials::{Entered, Password, Proven, RefreshToken};
use crate::passwords;
use crate::user_pool::{Person, UserPool, UserPoolError};

/// How many wrong passwords one client may send in a row: Cognito locks the account at the fifth.
const PASSWORD_GUESSES: u32 = 4;
/// How many wrong codes of a second factor one client may send in a row.
pub(crate) const CODE_GUESSES: u32 = 5;

/// People with their accounts and profiles.
#[derive(Clone, Debug)]
pub struct People {
    pub(crate) accounts: Accounts,
    pub(crate) user_pool: UserPool,
    pub(crate) sessions: Sessions,
    pub(crate) messages: JobQueue,
    pub(crate) rate_limits: RateLimits,
    pub(crate) settings: SettingsTable,
    /// The marketplace's name, under which an authenticator app shows its codes.
    pub(crate) shop_name: String,
    /// By which people are counted without being named, and under which their codes and sessions are sealed.
    pub(crate) persons: Arc<Secret<PersonsSecret>>,
    /// Under which we prove to the user pool that somebody has entered their code.
    pub(crate) proofs: Arc<Secret<Rotating>>,
    /// Whether its sessions are those of browsers.
    pub(crate) browsers: bool,
}

/// A call that is rate-limited: the contact that it names, the network address that it comes from, and when.
#[derive(Clone, Copy, Debug)]
pub struct Limited<'a> {
    pub contact: &'a ContactPoint,
    pub client: &'a str,
    pub now: Timestamp,
    /// The language of messages about it, as a BCP 47 tag.
    pub language: Option<&'a str>,
}

/// A guess at a password: what it is counted for, and whose account it is.
pub(crate) struct Guess {
    /// Client and contact.
    pair: (LookUp, LookUp),
    /// Client and account.
    account: (LookUp, LookUp),
    pub(crate) username: Username,
}

/// Tokens, or a challenge that has to be answered first.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SessionView)]
pub enum SignInAnswer {
    /// The sign-in is complete.
    Tokens(Tokens),
    /// The password was right, and one more step is needed.
    Challenge(Challenge),
}

/// The tokens of a signed-in person.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// The token to send as `Authorization: Bearer …`.
    pub access_token: String,
    /// A JWT with the person's attributes, for display. It authorizes no call.
    pub id_token: String,
    /// The token to exchange for new tokens once the access token has expired. Each exchange replaces it.
    pub refresh_token: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: i32,
}

/// One more step before the sign-in is complete.
#[derive(Serialize, ToSchema)]
#[schema(as = ChallengeView)]
pub struct Challenge {
    /// The step.
    pub challenge: ChallengeKind,
    /// The token to send with the answer to the challenge, within five minutes.
    pub session: String,
}

/// What has to be done before a sign-in is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeKind {
    /// Enter a code of the authenticator app, or one on paper.
    Totp,
    /// Choose a password: the one before was for once.
    NewPassword,
}

impl People {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("ACCOUNTS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        Ok(Self {
            rate_limits: RateLimits::new(dynamodb.clone(), config.required("CARTS_TABLE")?),
            settings: SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?),
            sessions: Sessions::new(dynamodb.clone(), config.required("SESSIONS_TABLE")?),
            messages: JobQueue::new(config, "MESSAGES_QUEUE_URL")?,
            shop_name: config.required("SHOP_NAME")?.to_owned(),
            persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
            proofs: Arc::new(config.secret("SIGN_IN_SECRET_ARN")?),
            browsers: false,
            accounts: Accounts::new(dynamodb, table),
            user_pool: UserPool::new(
                config.cognito()?,
                config.required("USER_POOL_ID")?,
                config.required("USER_POOL_CLIENT_ID")?,
            ),
        })
    }

    /// The same for pages: a refresh token that it answers with is a browser's cookie ([`crate::BrowserSessions`]), and
    /// the API gives no tokens for it.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn for_browsers(config: &Config) -> Result<Self, Fatal> {
        Ok(Self { browsers: true, ..Self::new(config).await? })
    }

    /// Counts a call of a list of routes, and refuses it when it is over the limit.
    pub async fn count_change(&self, list: &str, by: Changing<'_>, now: Timestamp) -> Result<(), Error> {
        let (rate_limits, settings) = (self.rate_limits.clone(), self.settings.clone());
        Changes { rate_limits, settings, persons: Arc::clone(&self.persons) }.count(list, by, now).await
    }

    /// The name of whoever signs in with the address. An address of nobody is taken for a name, so that the same calls
    /// are made for both, and the pool hides the difference: only whom an administrator has made has such a name.
    pub(crate) async fn username(&self, by: Limited<'_>) -> Result<Username, Error> {
        let known = self.accounts.username_of(by.contact).await?;
        Ok(known.unwrap_or_else(|| Username::known(by.contact.as_str())))
    }

    /// Begins an account: a code is sent to the address, and the account exists once that is entered. Without a
    /// password its owner signs in by codes. Answers with the token of the request.
    pub async fn sign_up(
        &self,
        password: Option<&Password>,
        name: Option<&Name>,
        by: Limited<'_>,
    ) -> Result<String, Error> {
        if let Some(password) = password {
            passwords::check(password, by.contact)?;
        }
        let counted = self.count_request(by).await?;
        self.ask_for_code(CodePurpose::SignUp, counted, by, Some((password, name))).await
    }

    /// Confirms an address with the code that was sent to it, which makes the account. The password that comes with the
    /// code counts; without one, that of the sign-up, if there was only one and the code comes with its request. Where
    /// no sign-up had any, none is needed.
    pub async fn confirm(
        &self,
        entered: Entered<'_>,
        password: Option<&Password>,
        by: Limited<'_>,
    ) -> Result<(), Error> {
        if let Some(password) = password {
            passwords::check(password, by.contact)?;
        }
        let (contact, persons) = self.count_entry("confirm", by).await?;
        let Proven { applicant, with_password, .. } =
            self.prove(CodePurpose::SignUp, contact, &persons, entered, by).await?;
        let of_sign_up = applicant.password.as_deref().filter(|_| with_password);
        let password = password.map(Password::as_str).or(of_sign_up);
        if password.is_none() && (applicant.password_needed || applicant.password.is_some()) {
            return Err(Refusal::of(Code::PasswordNeeded).into());
        }
        self.establish(&applicant, password, by).await?;
        self.entered_right(contact, &persons, by).await;
        Ok(self.sessions.end_code(CodePurpose::SignUp, contact).await?)
    }

    /// Makes the account of a proven address, or takes up one that is there: whoever has proven the address chooses its
    /// password. Repeating it is harmless.
    ///
    /// Without a password nobody gets to know the one that is set: whoever has begun the account before, with an
    /// earlier release, must not keep theirs. One that was chosen after a proof stays.
    ///
    /// Whoever has the account already is told that its password is another one.
    async fn establish(&self, applicant: &Applicant, password: Option<&str>, by: Limited<'_>) -> Result<(), Error> {
        let username = match self.accounts.username_of(by.contact).await? {
            Some(username) => username,
            None => self.accounts.claim_contact(by.contact, new_username(by.now), by.now).await?,
        };
        let told = (applicant.name.as_ref(), applicant.language.as_deref());
        self.user_pool.create(&username, by.contact, told).await?;
        let person = self.user_pool.person(username.as_str()).await?;
        let user = person.id.ok_or_else(without_id)?;
        match password {
            Some(password) => {
                self.change_password(&person, password, by.now).await?;
                if person.is_confirmed {
                    self.notify(user, AccountChange::PasswordChanged).await;
                }
            }
            None if person.is_confirmed => {}
            None => {
                let secret = URL_SAFE_NO_PAD.encode(PersonsSecret::new_key()?.bytes());
                self.change_password(&person, &secret, by.now).await?;
            }
        }
        Ok(self.accounts.note_proven(user, by.contact).await?)
    }

    /// Sets another password, and ends all sessions that were begun with the one before and the codes that were mailed
    /// meanwhile. Sessions end before as well: a call that breaks off leaves none of them.
    pub(crate) async fn change_password(&self, person: &Person, password: &str, now: Timestamp) -> Result<(), Error> {
        if person.is_confirmed {
            self.end_sessions(person, now).await?;
        }
        self.user_pool.set_password(&person.username, password).await?;
        self.end_sessions(person, now).await?;
        self.end_codes(person).await
    }

    /// Ends all sessions of a person, here and at the pool.
    pub(crate) async fn end_sessions(&self, person: &Person, now: Timestamp) -> Result<(), Error> {
        self.user_pool.sign_out(person.username.as_str()).await?;
        Ok(self.sessions.end_sessions(person.id.ok_or_else(without_id)?, None, now).await?)
    }

    /// Ends the codes with which somebody could get into the account.
    pub(crate) async fn end_codes(&self, person: &Person) -> Result<(), Error> {
        let persons = self.persons.value().await?;
        for contact in person.contacts().map(|contact| persons.look_up(&contact)) {
            self.sessions.end_code(CodePurpose::SignIn, contact).await?;
            self.sessions.end_code(CodePurpose::ResetPassword, contact).await?;
        }
        Ok(())
    }

    /// Sends the code of a sign-up again, and answers with the token of the request.
    pub async fn resend_code(&self, by: Limited<'_>) -> Result<String, Error> {
        let counted = self.count_request(by).await?;
        self.send_code_again(CodePurpose::SignUp, counted, by).await
    }

    /// Sends a code with which another password can be chosen, and answers with the token of the request.
    pub async fn request_password_reset(&self, by: Limited<'_>) -> Result<String, Error> {
        let counted = self.count_request(by).await?;
        self.ask_for_code(CodePurpose::ResetPassword, counted, by, None).await
    }

    /// Sets another password with the code, and ends all sessions.
    pub async fn reset_password(
        &self,
        entered: Entered<'_>,
        password: &Password,
        by: Limited<'_>,
    ) -> Result<(), Error> {
        passwords::check(password, by.contact)?;
        let (contact, persons) = self.count_entry("reset", by).await?;
        self.prove(CodePurpose::ResetPassword, contact, &persons, entered, by).await?;
        let person = match self.user_pool.person(self.username(by).await?.as_str()).await {
            // The code of an address without an account is sent to nobody, so this was a guess.
            Err(UserPoolError::Unknown) => return Err(wrong_code()),
            known => known?,
        };
        let user = person.id.ok_or_else(without_id)?;
        // First: once the codes have ended, the call cannot be repeated.
        self.drop_young_mfa(user, by.now).await?;
        self.notify(user, AccountChange::PasswordChanged).await;
        self.change_password(&person, password.as_str(), by.now).await?;
        self.entered_right(contact, &persons, by).await;
        Ok(self.sessions.end_code(CodePurpose::ResetPassword, contact).await?)
    }

    /// Has somebody told what has changed in their account. The change is made by then: when the queue does not answer,
    /// only the log has it.
    pub(crate) async fn notify(&self, user: UserId, change: AccountChange) {
        if let Err(cause) = self.messages.send_message(&MessageJob::AccountChanged { user, change }).await {
            tracing::warn!(user.id = %user, ?change, %cause, "somebody is not told what has changed in their account");
        }
    }

    /// Counts a guess at a password, and answers with what it is counted for and with whose it is.
    pub(crate) async fn count_password(&self, by: Limited<'_>) -> Result<Guess, Error> {
        // Side by side: of both, only the first call of a sandbox waits.
        let (settings, persons) = tokio::join!(self.settings.current(), self.persons.value());
        let (limits, persons) = (settings?.limits.sign_in, persons?);
        let client = persons.look_up(Identifier::Client(by.client));
        let pair = (client, persons.look_up(by.contact));
        // For the pair first: one client is refused before anything that would hold up the owner of the contact.
        self.rate_limits.count_guess("sign-in", pair, PASSWORD_GUESSES, limits, by.now).await?;
        let username = self.username(by).await?;
        // The pool locks the account, whichever of its contacts is guessed at. No answer shows that two of them are one
        // person's.
        let account = (client, persons.look_up(Identifier::Username(username.as_str())));
        match self.rate_limits.count_pair("sign-in-account", account, PASSWORD_GUESSES, by.now).await {
            Err(store::Error::TooMany { .. }) => Err(Refusal::of(Code::InvalidCredentials).into()),
            counted => {
                counted?;
                Ok(Guess { pair, account, username })
            }
        }
    }

    /// Forgets the guesses that led to the right password.
    pub(crate) async fn guessed_right(&self, guess: &Guess) {
        tokio::join!(
            self.rate_limits.forget("sign-in", guess.pair),
            self.rate_limits.forget("sign-in-account", guess.account)
        );
    }

    /// Signs in with a contact and a password.
    pub async fn sign_in(&self, password: &Password, by: Limited<'_>) -> Result<SignInAnswer, Error> {
        let guess = self.count_password(by).await?;
        match self.user_pool.sign_in(&guess.username, password).await {
            // Also of an account that is locked after too many failures: an address of nobody is never locked.
            Err(
                UserPoolError::Unknown
                | UserPoolError::Refused
                | UserPoolError::NotConfirmed
                | UserPoolError::BadInput(_)
                | UserPoolError::AccountLimit,
            ) => Err(Refusal::of(Code::InvalidCredentials).into()),
            answer => {
                let answer = answer?;
                self.guessed_right(&guess).await;
                if answer.challenge_name().is_some() {
                    return self.ask_for_own_password(&answer, &guess.username, by).await;
                }
                self.begin_session(answer.authentication_result(), by.now).await
            }
        }
    }

    /// Exchanges a session's token for new tokens.
    pub async fn refresh(&self, token: &RefreshToken, now: Timestamp) -> Result<SignInAnswer, Error> {
        self.go_on(token, now).await
    }

    /// Signs out everywhere.
    pub async fn sign_out(&self, user: UserId, now: Timestamp) -> Result<(), Error> {
        self.sessions.end_sessions(user, None, now).await?;
        match self.user_pool.sign_out(&user.to_string()).await {
            // The person is gone already.
            Err(UserPoolError::Unknown) => Ok(()),
            done => Ok(done?),
        }
    }
}

/// A wrong code, one that has expired and one that was never sent answer alike.
pub(crate) fn wrong_code() -> Error {
    Refusal::because(Code::CodeMismatch, "The code is wrong, or it has expired; ask for a new one.").into()
}

fn without_id() -> Refusal {
    Refusal::because(Code::Internal, "a person without an id")
}

fn new_username(now: Timestamp) -> Username {
    Username::new(platform::ids(now).random_bits())
}
