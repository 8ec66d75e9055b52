//! The user pool (Cognito), with its exceptions mapped to what they mean here.

use std::sync::Arc;

use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::operation::initiate_auth::InitiateAuthOutput;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, AuthFlowType, AuthenticationResultType};
use domain::text::{Email, Name};
use domain::{Code, Coded, FieldError};
use store::accounts::Username;
use tokio::sync::OnceCell;

use crate::client_secret::ClientSecret;
use crate::credentials::{MailedCode, Password, RefreshToken};

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
    pub(crate) email: Email,
    pub(crate) name: Option<Name>,
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
            Self::BadInput(_) => vec![FieldError::new("/email", "invalid", "is not accepted")],
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

    pub(crate) async fn sign_up(
        &self,
        username: &Username,
        email: &Email,
        password: &Password,
        name: Option<&Name>,
    ) -> Result<(), UserPoolError> {
        let attribute = |name: &str, value: &str| {
            AttributeType::builder()
                .name(name)
                .value(value)
                .build()
                .map_err(|error| UserPoolError::Failed(error.to_string()))
        };
        let mut attributes = vec![attribute("email", email.as_str())?];
        if let Some(name) = name {
            attributes.push(attribute("name", name.as_str())?);
        }
        let call = self.client.sign_up().client_id(&self.client_id).username(username.as_str());
        call.secret_hash(self.hash(username).await?)
            .password(password.as_str())
            .set_user_attributes(Some(attributes))
            .send()
            .await
            .map(|_| ())
            .map_err(user_pool_error)
    }

    pub(crate) async fn confirm(&self, username: &Username, code: &MailedCode) -> Result<(), UserPoolError> {
        let call = self.client.confirm_sign_up().client_id(&self.client_id).username(username.as_str());
        let call = call.secret_hash(self.hash(username).await?).confirmation_code(code.as_str());
        call.send().await.map(|_| ()).map_err(user_pool_error)
    }

    pub(crate) async fn resend(&self, username: &Username) -> Result<(), UserPoolError> {
        let call = self.client.resend_confirmation_code().client_id(&self.client_id).username(username.as_str());
        let call = call.secret_hash(self.hash(username).await?);
        call.send().await.map(|_| ()).map_err(user_pool_error)
    }

    pub(crate) async fn sign_in(
        &self,
        username: &Username,
        password: &Password,
    ) -> Result<InitiateAuthOutput, UserPoolError> {
        let call = self.client.initiate_auth().client_id(&self.client_id).auth_flow(AuthFlowType::UserPasswordAuth);
        call.auth_parameters("USERNAME", username.as_str())
            .auth_parameters("PASSWORD", password.as_str())
            .auth_parameters("SECRET_HASH", self.hash(username).await?)
            .send()
            .await
            .map_err(user_pool_error)
    }

    /// New tokens. `InitiateAuth` would want a hash of the name that only the token's owner knows.
    pub(crate) async fn refresh(
        &self,
        token: &RefreshToken,
    ) -> Result<Option<AuthenticationResultType>, UserPoolError> {
        let call = self.client.get_tokens_from_refresh_token().client_id(&self.client_id);
        let call = call.client_secret(self.secret().await?.as_str()).refresh_token(token.as_str());
        call.send().await.map(|answer| answer.authentication_result).map_err(user_pool_error)
    }

    pub(crate) async fn sign_out(&self, access_token: &str) -> Result<(), UserPoolError> {
        self.client.global_sign_out().access_token(access_token).send().await.map(|_| ()).map_err(user_pool_error)
    }

    pub(crate) async fn forgot_password(&self, username: &Username) -> Result<(), UserPoolError> {
        let call = self.client.forgot_password().client_id(&self.client_id).username(username.as_str());
        let call = call.secret_hash(self.hash(username).await?);
        call.send().await.map(|_| ()).map_err(user_pool_error)
    }

    pub(crate) async fn reset_password(
        &self,
        username: &Username,
        code: &MailedCode,
        password: &Password,
    ) -> Result<(), UserPoolError> {
        let call = self.client.confirm_forgot_password().client_id(&self.client_id).username(username.as_str());
        call.secret_hash(self.hash(username).await?)
            .confirmation_code(code.as_str())
            .password(password.as_str())
            .send()
            .await
            .map(|_| ())
            .map_err(user_pool_error)
    }

    /// The owner of an access token. The token is refused once its owner has signed out.
    pub(crate) async fn person(&self, access_token: &str) -> Result<Person, UserPoolError> {
        let known = self.client.get_user().access_token(access_token).send().await.map_err(|error| {
            // The account was deleted, so its tokens are invalid.
            match user_pool_error(error) {
                UserPoolError::Unknown => UserPoolError::Refused,
                other => other,
            }
        })?;
        let attribute = |name: &str| {
            known.user_attributes().iter().find(|attribute| attribute.name() == name).and_then(AttributeType::value)
        };
        let email = attribute("email").and_then(|email| Email::kept(email).ok());
        Ok(Person {
            email: email.ok_or_else(|| UserPoolError::Failed("a person without an address".to_owned()))?,
            name: attribute("name").and_then(|name| Name::parse(name).ok()),
        })
    }
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
