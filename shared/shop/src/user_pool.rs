//! The user pool (Cognito), with its exceptions mapped to what they mean here.

mod new_password;

use std::sync::Arc;

use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::operation::admin_initiate_auth::AdminInitiateAuthOutput;
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, AuthFlowType, AuthenticationResultType, ChallengeNameType, MessageActionType, UserStatusType,
};
use domain::contact::{ContactPoint, PhoneNumber};
use domain::text::{Email, Name};
use domain::{Code, Coded, FieldError, UserId};
use store::accounts::Username;
use tokio::sync::OnceCell;

use crate::client_secret::ClientSecret;
use crate::credentials::Password;

/// The user pool, through the marketplace's app client. Whoever a call is about is named by their [`Username`].
#[derive(Clone, Debug)]
pub(crate) struct UserPool {
    client: Client,
    pool_id: String,
    client_id: String,
    /// Read at the first call that needs it, and kept: a client's secret never changes.
    secret: Arc<OnceCell<ClientSecret>>,
}

/// A person's attributes in the user pool.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: Option<UserId>,
    pub(crate) username: Username,
    pub(crate) email: Option<Email>,
    pub(crate) phone: Option<PhoneNumber>,
    pub(crate) name: Option<Name>,
    /// The language that they have signed up in, as a BCP 47 tag.
    pub(crate) language: Option<String>,
    /// Whether a password was set for good: by the person, or one that nobody knows.
    pub(crate) is_confirmed: bool,
}

impl Person {
    /// Whatever they sign in with.
    pub(crate) fn contacts(&self) -> impl Iterator<Item = ContactPoint> {
        let email = self.email.clone().map(ContactPoint::Email);
        email.into_iter().chain(self.phone.clone().map(ContactPoint::Phone))
    }

    /// The first of them.
    pub(crate) fn contact(&self) -> Result<ContactPoint, UserPoolError> {
        self.contacts().next().ok_or_else(|| UserPoolError::Failed("a person without a contact".to_owned()))
    }
}

/// A sign-in without a password that waits for a proof.
pub(crate) struct Challenged {
    /// Whose proof it waits for; of nobody the name that was asked for.
    pub(crate) sub: String,
    session: String,
}

#[derive(Debug, thiserror::Error)]
pub enum UserPoolError {
    #[error("the address has an account")]
    Exists,
    #[error("the address has no account")]
    Unknown,
    #[error("the credentials are refused")]
    Refused,
    #[error("the address is not confirmed")]
    NotConfirmed,
    #[error("the password must be reset")]
    ResetRequired,
    #[error("the code is wrong")]
    CodeMismatch,
    #[error("the code has expired")]
    CodeExpired,
    #[error("the password does not follow the policy: {0}")]
    BadPassword(String),
    #[error("a parameter is refused: {0}")]
    BadInput(String),
    /// Cognito's limit per account. It reveals that the account exists, so an endpoint that hides this must not answer
    /// it.
    #[error("too many attempts with this account")]
    AccountLimit,
    #[error("too many attempts")]
    TooMany,
    #[error("the code could not be mailed")]
    Undelivered,
    #[error("Cognito is not available: {0}")]
    Unavailable(String),
    #[error("Cognito refused: {0}")]
    Failed(String),
}

impl Coded for UserPoolError {
    fn code(&self) -> Code {
        match self {
            Self::Exists => Code::AlreadyExists,
            Self::Unknown => Code::NotFound,
            Self::Refused => Code::Unauthorized,
            Self::NotConfirmed => Code::NotConfirmed,
            Self::ResetRequired => Code::InvalidCredentials,
            Self::CodeMismatch => Code::CodeMismatch,
            Self::CodeExpired => Code::CodeExpired,
            Self::BadPassword(_) | Self::BadInput(_) => Code::Invalid,
            Self::AccountLimit | Self::TooMany => Code::TooManyRequests,
            Self::Undelivered | Self::Unavailable(_) => Code::Unavailable,
            Self::Failed(_) => Code::Internal,
        }
    }

    fn detail(&self) -> Option<String> {
        matches!(self, Self::ResetRequired).then(|| "The password has to be reset first.".to_owned())
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::BadPassword(reason) => vec![FieldError::new("/password", missing_of(reason), reason.clone())],
            Self::BadInput(_) => vec![FieldError::new("/contact", "invalid", "is not accepted")],
            _ => Vec::new(),
        }
    }
}

/// The code for what a password lacks, derived from Cognito's message: the policy is configured in the user pool and
/// not repeated here.
fn missing_of(reason: &str) -> &'static str {
    const REASONS: [(&str, &str); 5] = [
        ("long enough", "too_short"),
        ("lowercase", "lowercase_missing"),
        ("uppercase", "uppercase_missing"),
        ("numeric", "digit_missing"),
        ("symbol", "symbol_missing"),
    ];
    REASONS.iter().find(|(words, _)| reason.contains(words)).map_or("too_weak", |(_, code)| code)
}

fn user_pool_error<E, R>(error: SdkError<E, R>) -> UserPoolError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let text = || DisplayErrorContext(&error).to_string();
    let SdkError::ServiceError(service) = &error else { return UserPoolError::Unavailable(text()) };
    let message = service.err().message().unwrap_or_default();
    match service.err().code().unwrap_or_default() {
        "UsernameExistsException" | "AliasExistsException" => UserPoolError::Exists,
        "UserNotFoundException" => UserPoolError::Unknown,
        // Only the message distinguishes a locked account from a wrong password.
        "NotAuthorizedException" if message.contains("attempts exceeded") => UserPoolError::AccountLimit,
        // Only the message says that it is we who are refused: the secret is not this client's.
        "NotAuthorizedException" if message.to_ascii_lowercase().contains("secret") => UserPoolError::Failed(text()),
        "NotAuthorizedException" | "RefreshTokenReuseException" => UserPoolError::Refused,
        "UserNotConfirmedException" => UserPoolError::NotConfirmed,
        "PasswordResetRequiredException" => UserPoolError::ResetRequired,
        "CodeMismatchException" => UserPoolError::CodeMismatch,
        "ExpiredCodeException" => UserPoolError::CodeExpired,
        "InvalidPasswordException" => {
            UserPoolError::BadPassword(message.rsplit_once("policy: ").map_or(message, |(_, reason)| reason).to_owned())
        }
        "InvalidParameterException" => UserPoolError::BadInput(message.to_owned()),
        "LimitExceededException" | "TooManyFailedAttemptsException" => UserPoolError::AccountLimit,
        "TooManyRequestsException" | "ThrottlingException" => UserPoolError::TooMany,
        // The latter when SES does not send for the pool, for instance because the sender's identity is lost.
        "CodeDeliveryFailureException" | "InvalidEmailRoleAccessPolicyException" => UserPoolError::Undelivered,
        "InternalErrorException" | "InternalServerError" | "ServiceUnavailable" => UserPoolError::Unavailable(text()),
        // The function that the pool asks did not answer, or could not read its secret.
        "UnexpectedLambdaException" | "UserLambdaValidationException" => UserPoolError::Unavailable(text()),
        _ => UserPoolError::Failed(text()),
    }
}

impl UserPool {
    pub(crate) fn new(client: Client, pool_id: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self { client, pool_id: pool_id.into(), client_id: client_id.into(), secret: Arc::default() }
    }

    /// The client's secret. A read that fails is repeated by the next call.
    async fn secret(&self) -> Result<&ClientSecret, UserPoolError> {
        let read = || async {
            let call = self.client.describe_user_pool_client().user_pool_id(&self.pool_id).client_id(&self.client_id);
            let described = call.send().await.map_err(|error| match user_pool_error(error) {
                unavailable @ (UserPoolError::Unavailable(_) | UserPoolError::TooMany) => unavailable,
                // Nobody's credentials are refused here but ours.
                other => UserPoolError::Failed(other.to_string()),
            })?;
            let secret = described.user_pool_client().and_then(|client| client.client_secret());
            let secret = secret.ok_or_else(|| UserPoolError::Failed("the app client has no secret".to_owned()))?;
            Ok(ClientSecret::new(secret))
        };
        self.secret.get_or_try_init(read).await
    }

    async fn hash(&self, username: &Username) -> Result<String, UserPoolError> {
        Ok(self.secret().await?.hash(username, &self.client_id))
    }

    /// Makes the person, whose contact is proven, without a message. One that is there already is kept.
    pub(crate) async fn create(
        &self,
        username: &Username,
        contact: &ContactPoint,
        (name, language): (Option<&Name>, Option<&str>),
    ) -> Result<(), UserPoolError> {
        let mut attributes = proven(contact)?;
        let told = [("name", name.map(Name::as_str)), ("locale", language)];
        for (known, told) in told.into_iter().filter_map(|(known, told)| Some((known, told?))) {
            attributes.push(attribute(known, told)?);
        }
        let call = self.client.admin_create_user().user_pool_id(&self.pool_id).username(username.as_str());
        let call = call.message_action(MessageActionType::Suppress).set_user_attributes(Some(attributes));
        match call.send().await.map(|_| ()).map_err(user_pool_error) {
            // Also a person who never confirmed a sign-up with an earlier release.
            Err(UserPoolError::Exists) => self.prove(username, contact).await,
            done => done,
        }
    }

    /// Says that a person's contact is proven. It takes the place of the one before of its kind.
    pub(crate) async fn prove(&self, username: &Username, contact: &ContactPoint) -> Result<(), UserPoolError> {
        let proven = proven(contact)?;
        let call = self.client.admin_update_user_attributes().user_pool_id(&self.pool_id).username(username.as_str());
        call.set_user_attributes(Some(proven)).send().await.map(|_| ()).map_err(user_pool_error)
    }

    /// Sets a person's password for good: whoever has proven the address chooses it.
    pub(crate) async fn set_password(&self, username: &Username, password: &str) -> Result<(), UserPoolError> {
        let call = self.client.admin_set_user_password().user_pool_id(&self.pool_id).username(username.as_str());
        call.password(password).permanent(true).send().await.map(|_| ()).map_err(user_pool_error)
    }

    /// Checks a password and answers with tokens, or with a step that is needed first.
    pub(crate) async fn sign_in(
        &self,
        username: &Username,
        password: &Password,
    ) -> Result<AdminInitiateAuthOutput, UserPoolError> {
        let call = self.client.admin_initiate_auth().user_pool_id(&self.pool_id).client_id(&self.client_id);
        call.auth_flow(AuthFlowType::AdminUserPasswordAuth)
            .auth_parameters("USERNAME", username.as_str())
            .auth_parameters("PASSWORD", password.as_str())
            .auth_parameters("SECRET_HASH", self.hash(username).await?)
            .send()
            .await
            .map_err(user_pool_error)
    }

    /// Begins a sign-in without a password. The pool begins one for an unknown name as well.
    pub(crate) async fn challenge(&self, username: &Username) -> Result<Challenged, UserPoolError> {
        let call = self.client.admin_initiate_auth().user_pool_id(&self.pool_id).client_id(&self.client_id);
        let call = call.auth_flow(AuthFlowType::CustomAuth).auth_parameters("USERNAME", username.as_str());
        let call = call.auth_parameters("SECRET_HASH", self.hash(username).await?);
        let begun = call.send().await.map_err(user_pool_error)?;
        let sub = begun.challenge_parameters().and_then(|shown| shown.get("sub"));
        Ok(Challenged {
            sub: sub.map_or_else(|| username.to_string(), Clone::clone),
            session: begun.session().unwrap_or_default().to_owned(),
        })
    }

    /// Ends a sign-in without a password with a proof of ours. `Refused` also when the pool asks for another one.
    pub(crate) async fn answer(
        &self,
        username: &Username,
        challenged: &Challenged,
        proof: &str,
    ) -> Result<AuthenticationResultType, UserPoolError> {
        let call = self.client.admin_respond_to_auth_challenge().user_pool_id(&self.pool_id).client_id(&self.client_id);
        let call = call.challenge_name(ChallengeNameType::CustomChallenge).session(&challenged.session);
        let call = call.challenge_responses("USERNAME", username.as_str()).challenge_responses("ANSWER", proof);
        let call = call.challenge_responses("SECRET_HASH", self.hash(username).await?);
        let answered = call.send().await.map_err(user_pool_error)?;
        answered.authentication_result.ok_or(UserPoolError::Refused)
    }

    /// New tokens for a refresh token of the pool. `AdminInitiateAuth` would want a hash of the person's name.
    pub(crate) async fn refresh(&self, token: &str) -> Result<Option<AuthenticationResultType>, UserPoolError> {
        let call = self.client.get_tokens_from_refresh_token().client_id(&self.client_id);
        let call = call.client_secret(self.secret().await?.as_str()).refresh_token(token);
        call.send().await.map(|answer| answer.authentication_result).map_err(user_pool_error)
    }

    /// Revokes a refresh token of the pool, with all access tokens that came of it.
    pub(crate) async fn revoke(&self, token: &str) -> Result<(), UserPoolError> {
        let call = self.client.revoke_token().client_id(&self.client_id);
        let call = call.client_secret(self.secret().await?.as_str()).token(token);
        call.send().await.map(|_| ()).map_err(user_pool_error)
    }

    /// Revokes all tokens of a person, who is named by their username or their id.
    pub(crate) async fn sign_out(&self, person: &str) -> Result<(), UserPoolError> {
        let call = self.client.admin_user_global_sign_out().user_pool_id(&self.pool_id).username(person);
        call.send().await.map(|_| ()).map_err(user_pool_error)
    }

    /// The person with this id or username.
    pub(crate) async fn person(&self, person: &str) -> Result<Person, UserPoolError> {
        let call = self.client.admin_get_user().user_pool_id(&self.pool_id).username(person);
        let known = call.send().await.map_err(user_pool_error)?;
        let attribute = |name: &str| {
            known.user_attributes().iter().find(|attribute| attribute.name() == name).and_then(AttributeType::value)
        };
        let email = attribute("email").and_then(|email| Email::kept(email).ok());
        let phone = attribute("phone_number").and_then(|number| PhoneNumber::parse(number).ok());
        Ok(Person {
            id: attribute("sub").and_then(|sub| sub.parse().ok()),
            username: Username::known(known.username()),
            email,
            phone,
            name: attribute("name").and_then(|name| Name::parse(name).ok()),
            language: attribute("locale").map(str::to_owned),
            is_confirmed: known.user_status() == Some(&UserStatusType::Confirmed),
        })
    }
}

/// The attributes that say that a contact is the person's.
fn proven(contact: &ContactPoint) -> Result<Vec<AttributeType>, UserPoolError> {
    let (name, is_verified) = match contact {
        ContactPoint::Email(_) => ("email", "email_verified"),
        ContactPoint::Phone(_) => ("phone_number", "phone_number_verified"),
    };
    Ok(vec![attribute(name, contact.as_str())?, attribute(is_verified, "true")?])
}

fn attribute(name: &str, value: &str) -> Result<AttributeType, UserPoolError> {
    let built = AttributeType::builder().name(name).value(value).build();
    built.map_err(|error| UserPoolError::Failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_password_lacks_has_a_short_name() {
        for (reason, code) in [
            ("Password not long enough", "too_short"),
            ("Password must have lowercase characters", "lowercase_missing"),
            ("Password must have uppercase characters", "uppercase_missing"),
            ("Password must have numeric characters", "digit_missing"),
            ("Password must have symbol characters", "symbol_missing"),
            ("Password has previously been used", "too_weak"),
        ] {
            let fields = UserPoolError::BadPassword(reason.to_owned()).fields();
            assert_eq!(fields, [FieldError::new("/password", code, reason)]);
        }
    }
}
