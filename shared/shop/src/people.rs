//! Accounts of people: signing up and in, resetting a password.
//!
//! Where the answer must not reveal whether an address has an account, success and such errors come to the same.

use std::sync::Arc;

use aws_sdk_cognitoidentityprovider::types::AuthenticationResultType;
use domain::text::{Email, Name};
use domain::{Code, Identifier, Refusal, Timestamp};
use platform::{Config, Fatal, PersonsSecret, Secret};
use serde::Serialize;
use store::accounts::Username;
use store::rate_limits::Target;
use store::{Accounts, RateLimits, SettingsTable};
use utoipa::ToSchema;

use crate::Error;
use crate::credentials::{MailedCode, Password, RefreshToken};
use crate::user_pool::{UserPool, UserPoolError};

/// People with their accounts and profiles.
#[derive(Clone, Debug)]
pub struct People {
    pub(crate) accounts: Accounts,
    pub(crate) user_pool: UserPool,
    rate_limits: RateLimits,
    settings: SettingsTable,
    /// By which people are counted without being named.
    persons: Arc<Secret<PersonsSecret>>,
}

/// A call that is rate-limited: the address that it names, the network address that it comes from, and when.
#[derive(Clone, Copy, Debug)]
pub struct Limited<'a> {
    pub email: &'a Email,
    pub client: &'a str,
    pub now: Timestamp,
}

/// The kind of a rate-limited call, which decides the limit that applies.
enum LimitedCall {
    /// Tries a password or a mailed code. Each has a count of its own, under this name.
    Credential(&'static str),
    /// Sends mail to an address that the caller names. All such calls share one count, so that nobody can flood a
    /// mailbox by alternating between them.
    Mail,
}

/// Tokens, or a challenge that has to be answered first.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SessionView)]
pub enum Session {
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
    /// The token to exchange for new tokens once the access token has expired.
    pub refresh_token: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: i32,
}

/// One more step before the sign-in is complete.
#[derive(Serialize, ToSchema)]
pub struct Challenge {
    /// The step: Cognito's challenge name in lower case.
    #[schema(examples("software_token_mfa"))]
    pub challenge: String,
    /// The session to send with the answer to the challenge.
    pub session: String,
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
            persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
            accounts: Accounts::new(dynamodb, table),
            user_pool: UserPool::new(
                config.cognito()?,
                config.required("USER_POOL_ID")?,
                config.required("USER_POOL_CLIENT_ID")?,
            ),
        })
    }

    /// Counts a call by client and by e-mail address, and refuses it once either is over its rate limit.
    async fn count(&self, call: LimitedCall, by: Limited<'_>) -> Result<(), Error> {
        // Side by side: of both, only the first call of a sandbox waits.
        let (settings, persons) = tokio::join!(self.settings.current(), self.persons.value());
        let (limits, persons) = (settings?.limits, persons?);
        let (call, limits) = match call {
            LimitedCall::Credential(call) => (call, limits.sign_in),
            LimitedCall::Mail => ("mail", limits.mail),
        };
        let client = persons.look_up(Identifier::Client(by.client));
        let target = Target::Contact(persons.look_up(by.email));
        Ok(self.rate_limits.count(call, client, target, limits, by.now).await?)
    }

    /// The name of whoever signs in with the address. An address of nobody gets a name that nobody has, so that the
    /// same calls are made for both, and the pool hides the difference.
    async fn username(&self, by: Limited<'_>) -> Result<Username, Error> {
        let known = self.accounts.username_of(by.email).await?;
        Ok(known.unwrap_or_else(|| new_username(by.now)))
    }

    /// Creates an account and mails a code to its address.
    pub async fn sign_up(&self, password: &Password, name: Option<&Name>, by: Limited<'_>) -> Result<(), Error> {
        self.count(LimitedCall::Mail, by).await?;
        // The address is claimed first: a call that dies in between leaves a reserved name, which the next one takes.
        let username = match self.accounts.username_of(by.email).await? {
            Some(username) => username,
            None => self.accounts.claim_email(by.email, new_username(by.now), by.now).await?,
        };
        match self.user_pool.sign_up(&username, by.email, password, name).await {
            // The name stays reserved for the next try: taking it back would take it from somebody who has signed up
            // under it in between.
            Err(refused @ (UserPoolError::BadPassword(_) | UserPoolError::BadInput(_))) => Err(refused.into()),
            // The pool does not permit sign-up, or this app client may not write the attributes: an error in our
            // configuration.
            Err(UserPoolError::Refused) => {
                Err(Refusal::because(Code::Internal, "the user pool does not let people sign up").into())
            }
            done => acknowledged(done),
        }
    }

    /// Confirms an e-mail address with the mailed code. From then on the account can be used.
    pub async fn confirm(&self, code: &MailedCode, by: Limited<'_>) -> Result<(), Error> {
        self.count(LimitedCall::Credential("confirm"), by).await?;
        match self.user_pool.confirm(&self.username(by).await?, code).await {
            // An unknown or already confirmed address answers like an expired code, so that neither is revealed.
            Err(UserPoolError::Unknown | UserPoolError::Refused) => Err(Refusal::of(Code::CodeExpired).into()),
            done => Ok(done?),
        }
    }

    /// Mails the confirmation code again.
    pub async fn resend_code(&self, by: Limited<'_>) -> Result<(), Error> {
        self.count(LimitedCall::Mail, by).await?;
        match self.user_pool.resend(&self.username(by).await?).await {
            // The address is confirmed already.
            Err(UserPoolError::BadInput(_)) => Ok(()),
            done => acknowledged(done),
        }
    }

    /// Mails a code for resetting the password.
    pub async fn request_password_reset(&self, by: Limited<'_>) -> Result<(), Error> {
        self.count(LimitedCall::Mail, by).await?;
        match self.user_pool.forgot_password(&self.username(by).await?).await {
            // The account has no confirmed address to mail to.
            Err(UserPoolError::BadInput(_)) => Ok(()),
            done => acknowledged(done),
        }
    }

    /// Sets a new password with the mailed code.
    pub async fn reset_password(&self, code: &MailedCode, password: &Password, by: Limited<'_>) -> Result<(), Error> {
        self.count(LimitedCall::Credential("reset"), by).await?;
        match self.user_pool.reset_password(&self.username(by).await?, code, password).await {
            // An unknown address, no reset under way, a wrong code, an expired code and too many guesses answer alike:
            // a difference would reveal to somebody who guesses codes which addresses have an account.
            Err(
                UserPoolError::Unknown
                | UserPoolError::Refused
                | UserPoolError::NotConfirmed
                | UserPoolError::CodeMismatch
                | UserPoolError::CodeExpired
                | UserPoolError::AccountLimit,
            ) => {
                let detail = "The code is wrong, or it has expired; ask for a new one.";
                Err(Refusal::because(Code::CodeMismatch, detail).into())
            }
            done => Ok(done?),
        }
    }

    /// Signs in with an e-mail address and a password.
    pub async fn sign_in(&self, password: &Password, by: Limited<'_>) -> Result<Session, Error> {
        self.count(LimitedCall::Credential("sign-in"), by).await?;
        match self.user_pool.sign_in(&self.username(by).await?, password).await {
            // Also of an account that is locked after too many failures: an address of nobody is never locked.
            Err(
                UserPoolError::Unknown
                | UserPoolError::Refused
                | UserPoolError::BadInput(_)
                | UserPoolError::AccountLimit,
            ) => Err(Refusal::of(Code::InvalidCredentials).into()),
            answer => {
                let answer = answer?;
                if let Some(challenge) = answer.challenge_name() {
                    let session = answer.session().unwrap_or_default().to_owned();
                    return Ok(Session::Challenge(Challenge { challenge: challenge.as_str().to_lowercase(), session }));
                }
                tokens(answer.authentication_result(), None)
            }
        }
    }

    /// Exchanges a refresh token for new tokens.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<Session, Error> {
        match self.user_pool.refresh(token).await {
            Err(UserPoolError::Unknown | UserPoolError::BadInput(_)) => Err(Refusal::of(Code::Unauthorized).into()),
            answer => tokens(answer?.as_ref(), Some(token)),
        }
    }

    /// Signs out on all devices.
    pub async fn sign_out(&self, access_token: &str) -> Result<(), Error> {
        match self.user_pool.sign_out(access_token).await {
            // The person is signed out already.
            Err(UserPoolError::Refused | UserPoolError::Unknown) => Ok(()),
            done => Ok(done?),
        }
    }
}

/// Success, and every error that would reveal whether the address has an account.
fn acknowledged(done: Result<(), UserPoolError>) -> Result<(), Error> {
    match done {
        Err(
            UserPoolError::Exists
            | UserPoolError::Unknown
            | UserPoolError::Refused
            | UserPoolError::NotConfirmed
            | UserPoolError::AccountLimit,
        ) => Ok(()),
        Err(UserPoolError::Undelivered) => {
            // Nobody but the operator learns of it: an unknown address is never mailed to. The code can be asked for
            // again.
            tracing::warn!("a code could not be mailed");
            Ok(())
        }
        done => Ok(done?),
    }
}

fn new_username(now: Timestamp) -> Username {
    Username::new(platform::ids(now).random_bits())
}

/// The tokens of a sign-in or a refresh. When Cognito issues no new refresh token, the `previous` one stays valid and
/// is answered, so that both have answers of the same shape.
fn tokens(issued: Option<&AuthenticationResultType>, previous: Option<&RefreshToken>) -> Result<Session, Error> {
    let refresh_token = issued.and_then(|tokens| tokens.refresh_token()).or(previous.map(RefreshToken::as_str));
    match (issued, refresh_token) {
        (Some(tokens), Some(refresh_token)) => Ok(Session::Tokens(Tokens {
            access_token: tokens.access_token().unwrap_or_default().to_owned(),
            id_token: tokens.id_token().unwrap_or_default().to_owned(),
            refresh_token: refresh_token.to_owned(),
            expires_in: tokens.expires_in(),
        })),
        _ => Err(Refusal::because(Code::Internal, "Cognito answered a sign-in without tokens").into()),
    }
}
