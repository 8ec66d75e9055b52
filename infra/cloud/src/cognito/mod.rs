//! A Cognito user pool: sign-up with mailed codes, passwords, tokens, groups, triggers, and the errors that the SDKs
//! expect.
//!
//! [`Cognito::call`] serves the protocol of the SDKs. [`Cognito::verifier`] checks tokens for the gateway's JWT
//! authorizer, and [`Cognito::register`] creates the accounts that exist from the start.

mod account;
mod admin;
mod challenges;
mod codes;
mod database;
mod describe;
mod keys;
mod listing;
mod passwords;
mod pre_token;
mod reset;
mod secret;
mod sessions;
mod sign_in;
mod sign_up;
mod spec;
#[cfg(test)]
mod tests;
mod tokens;
mod triggers;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::mail::{Mail, Message};
use crate::sqs::Permit;
use crate::sqs::wire::{Call, Refusal, json_response};

use database::{Database, Status, User};
use keys::SigningKey;
pub use passwords::{Hashing, PasswordPolicy};
use sign_in::Caller;
pub use spec::{Trigger, Triggers, UserPool, UserPoolClient, is_standard, is_writable};
pub use tokens::{Reason, Verifier};
pub use triggers::{Invoker, TIMEOUT as TRIGGER_TIMEOUT};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Why a user pool could not be opened or filled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    #[error("the user pool's database failed")]
    Storage(#[from] rusqlite::Error),
    /// The stored signing key is damaged, or none could be generated.
    #[error("the user pool has no usable signing key: {0}")]
    Key(String),
    /// The message with which the pool rejected an account.
    #[error("the user pool rejects the account: {0}")]
    Refused(String),
}

/// An account that exists from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name to sign in with.
    pub username: String,
    /// The address, which counts as verified.
    pub email: String,
    /// Must follow the pool's policy.
    pub password: String,
    /// The attribute `name`.
    pub name: Option<String>,
    pub groups: Vec<String>,
}

/// The cloud's user pool. Clones share it.
#[derive(Clone)]
pub struct Cognito {
    inner: Arc<Inner>,
}

struct Inner {
    pool: UserPool,
    database: Database,
    key: Arc<SigningKey>,
    clock: Clock,
    mail: Mail,
    permit: Permit,
    hashing: Hashing,
    /// What invokes the functions of the triggers.
    invoker: OnceLock<Invoker>,
}

impl Cognito {
    /// Opens the pool stored in the SQLite file `path`, or one in memory. The file also holds the signing key, so that
    /// tokens survive a restart; in-memory pools share one key per process, because generating one is slow.
    ///
    /// # Errors
    /// When the file or its key cannot be used.
    pub fn open(
        path: Option<&Path>,
        clock: Clock,
        mail: Mail,
        permit: Permit,
        hashing: Hashing,
        pool: UserPool,
    ) -> Result<Self, PoolError> {
        let database = Database::open(path)?;
        let key = match path {
            None => SigningKey::of_this_process()?,
            Some(_) => Arc::new(SigningKey::load_or_create(&database)?),
        };
        Ok(Self {
            inner: Arc::new(Inner { pool, database, key, clock, mail, permit, hashing, invoker: OnceLock::new() }),
        })
    }

    /// A verifier of access tokens that requires one of `scopes`, or none when that is empty. It accepts the tokens of
    /// all the pool's clients.
    pub fn verifier(&self, scopes: Vec<String>) -> Verifier {
        let audience = self.inner.pool.clients.iter().map(|client| client.id.clone()).collect();
        Verifier::new(&self.inner.key, self.inner.pool.issuer(), audience, scopes)
    }

    /// Creates a confirmed account unless the name has one, adds its groups, and returns its `sub`.
    ///
    /// # Errors
    /// When the pool rejects the name, the address, the password or a group, or storage fails.
    pub async fn register(&self, account: &Account) -> Result<String, PoolError> {
        let refused = |refusal: Refusal| PoolError::Refused(refusal.message);
        let sub = admin::register(self, account).await.map_err(refused)?;
        Ok(sub)
    }

    /// Serves one SDK request, or `GET /{pool}/.well-known/jwks.json` and `…/openid-configuration`.
    pub async fn call(&self, parts: Parts, body: Bytes) -> Response<Bytes> {
        if parts.method == Method::GET {
            return self.document(parts.uri.path());
        }
        let answered = match Call::read(&parts, &body, "AWSCognitoIdentityProviderService") {
            Ok(call) => self.answer(&call).await,
            Err(refusal) => Err(refusal),
        };
        match answered {
            Ok(output) => json_response(StatusCode::OK, CONTENT_TYPE, &output),
            Err(refusal) => refusal.response(CONTENT_TYPE),
        }
    }

    async fn answer(&self, call: &Call<'_>) -> Result<Value, Refusal> {
        match call.operation {
            "SignUp" => sign_up::sign_up(self, call.input()?).await,
            "ConfirmSignUp" => sign_up::confirm(self, &call.input()?),
            "ResendConfirmationCode" => sign_up::resend(self, &call.input()?),
            "InitiateAuth" => sign_in::initiate(self, Caller::Anybody, call.input()?).await,
            "RespondToAuthChallenge" => sign_in::respond(self, call.input()?).await,
            "AdminInitiateAuth" => sign_in::initiate(self, Caller::Privileged, admin::permitted(self, call)?).await,
            "AdminRespondToAuthChallenge" => sign_in::respond(self, admin::permitted(self, call)?).await,
            "GetTokensFromRefreshToken" => sessions::refresh_with_secret(self, &call.input()?).await,
            "DescribeUserPoolClient" => describe::client(self, call),
            "RevokeToken" => sessions::revoke(self, &call.input()?),
            "GlobalSignOut" => account::global_sign_out(self, &call.input()?),
            "GetUser" => account::user(self, &call.input()?),
            "UpdateUserAttributes" => account::update_attributes(self, call.input()?),
            "DeleteUserAttributes" => account::delete_attributes(self, call.input()?),
            "DeleteUser" => account::delete(self, &call.input()?),
            "SetUserMFAPreference" => account::set_mfa(self, &call.input()?),
            "ChangePassword" => account::change_password(self, call.input()?).await,
            "ForgotPassword" => reset::forgot_password(self, &call.input()?),
            "ConfirmForgotPassword" => reset::confirm(self, call.input()?).await,
            "AdminCreateUser" => admin::create_user(self, call).await,
            "AdminSetUserPassword" => admin::set_password(self, call).await,
            "AdminConfirmSignUp" => admin::confirm_sign_up(self, call),
            "AdminGetUser" => admin::user(self, call),
            "AdminUpdateUserAttributes" => admin::update_attributes(self, call),
            "AdminDeleteUserAttributes" => admin::delete_attributes(self, call),
            "AdminDeleteUser" => admin::delete(self, call),
            "AdminDisableUser" => admin::set_enabled(self, call, false),
            "AdminEnableUser" => admin::set_enabled(self, call, true),
            "AdminAddUserToGroup" => admin::add_to_group(self, call),
            "AdminRemoveUserFromGroup" => admin::remove_from_group(self, call),
            "AdminListGroupsForUser" => admin::groups(self, call),
            "AdminUserGlobalSignOut" => admin::global_sign_out(self, call),
            "ListUsers" => listing::list_users(self, call),
            _ => Err(call.unknown()),
        }
    }

    fn document(&self, path: &str) -> Response<Bytes> {
        let pool = &self.inner.pool;
        let issuer = pool.issuer();
        let asked = path.strip_prefix('/').and_then(|path| path.strip_prefix(pool.id.as_str()));
        let document = match asked {
            Some("/.well-known/jwks.json") => self.inner.key.jwks(),
            Some("/.well-known/openid-configuration") => json!({
                "issuer": issuer,
                "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "token"],
                "scopes_supported": ["openid", "email", "phone", "profile"],
                "subject_types_supported": ["public"],
            }),
            _ => return json_response(StatusCode::NOT_FOUND, "application/json", &json!({ "message": "Not Found" })),
        };
        json_response(StatusCode::OK, "application/json", &document)
    }

    /// The client of an unauthenticated call.
    fn client(&self, id: &str) -> Result<&UserPoolClient, Refusal> {
        self.inner
            .pool
            .clients
            .iter()
            .find(|client| client.id == id)
            .ok_or_else(|| Refusal::new("ResourceNotFoundException", format!("User pool client {id} does not exist.")))
    }

    /// The user that an unauthenticated call names. An unknown name is `None` when the client prevents user existence
    /// errors, and `UserNotFoundException` otherwise.
    fn find_user(&self, client: &UserPoolClient, username: &str) -> Result<Option<User>, Refusal> {
        sign_up::check_username(username)?;
        match self.inner.database.user(username)? {
            Some(user) => Ok(Some(user)),
            None if client.prevents_user_existence_errors => Ok(None),
            None => Err(user_not_found()),
        }
    }

    fn now(&self) -> i64 {
        self.inner.clock.now().millis()
    }

    /// Whether an account has this name.
    ///
    /// # Errors
    /// When storage fails.
    pub fn has_user(&self, username: &str) -> Result<bool, PoolError> {
        Ok(self.inner.database.user(username)?.is_some())
    }

    /// Mails a code with the pool's subject and text.
    fn mail_code(&self, user: &User, code: &str) -> Result<(), Refusal> {
        let pool = &self.inner.pool;
        self.deliver(user, &pool.code_subject, &pool.code_message.replace("{####}", code), code)
    }

    /// Mails to the user's address. To one without an address Cognito sends nothing.
    fn deliver(&self, user: &User, subject: &str, text: &str, code: &str) -> Result<(), Refusal> {
        let Some(address) = user.email() else { return Ok(()) };
        let message = Message {
            to: address.to_owned(),
            from: self.inner.pool.mail_from.clone(),
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: None,
            code: Some(code.to_owned()),
        };
        if self.inner.pool.mail_identity.is_some() {
            self.inner.mail.send(&message, self.inner.pool.mail_configuration_set.as_deref()).map_err(undelivered)
        } else {
            Ok(self.inner.mail.deliver(&message)?)
        }
    }
}

/// What SES refused, as Cognito answers it: `InvalidEmailRoleAccessPolicyException` is documented for an unverified
/// address (<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html>), SES's words
/// stand in <https://github.com/aws/aws-cdk/issues/18964>; anything else is a code that was not delivered
/// (<https://github.com/amazon-archives/amazon-cognito-identity-js/issues/307>).
fn undelivered(refused: Refusal) -> Refusal {
    match refused.code {
        "MessageRejected" => Refusal::new(
            "InvalidEmailRoleAccessPolicyException",
            format!(
                "Cognito received the following error from Amazon SES when attempting to send email: {}",
                refused.message
            ),
        ),
        "InternalFailure" => refused,
        _ => Refusal::new("CodeDeliveryFailureException", "Invalid email provided/Unable to send the email"),
    }
}

/// An element of `UserAttributes` in a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    name: String,
    #[serde(default)]
    value: String,
}

/// `CodeDeliveryDetails`: where a code was sent, with most of the address masked (`b***@e***`).
fn delivery(address: &str) -> Value {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let first = |part: &str| part.chars().next().map(String::from).unwrap_or_default();
    json!({
        "Destination": format!("{}***@{}***", first(local), first(domain)),
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    })
}

fn user_not_found() -> Refusal {
    Refusal::new("UserNotFoundException", "User does not exist.")
}

fn not_authorized(message: &str) -> Refusal {
    Refusal::new("NotAuthorizedException", message)
}

fn wrong_password() -> Refusal {
    not_authorized("Incorrect username or password.")
}

fn invalid_parameter(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

fn limit_exceeded() -> Refusal {
    Refusal::new("LimitExceededException", "Attempt limit exceeded, please try after some time.")
}
