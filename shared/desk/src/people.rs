//! Looks up people in the Cognito user pool, by e-mail address or by id.

use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::DisplayErrorContext;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, UserStatusType};
use domain::text::Email;
use domain::{Code, Coded, UserId};
use store::Accounts;

use crate::Error;

#[derive(Clone, Debug)]
pub(crate) struct People {
    client: Client,
    pool: String,
    /// Knows who signs in with an address.
    accounts: Accounts,
}

/// A person with an enabled account and a confirmed address.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) email: Email,
}

#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    #[error("Cognito is not available: {0}")]
    Unavailable(String),
    #[error("Cognito refused: {0}")]
    Failed(String),
}

impl Coded for PeopleError {
    fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) => Code::Unavailable,
            Self::Failed(_) => Code::Internal,
        }
    }
}

impl People {
    pub(crate) fn new(client: Client, pool: impl Into<String>, accounts: Accounts) -> Self {
        Self { client, pool: pool.into(), accounts }
    }

    /// The person who signs in with this address. An unconfirmed account may have been made by anyone, so it counts as
    /// none.
    pub(crate) async fn with_email(&self, email: &Email) -> Result<Option<Person>, Error> {
        let Some(username) = self.accounts.username_of(email).await? else { return Ok(None) };
        Ok(self.find(username.as_str()).await?.filter(|person| person.email == *email))
    }

    pub(crate) async fn with_id(&self, user: UserId) -> Result<Option<Person>, PeopleError> {
        self.find(&user.to_string()).await
    }

    async fn find(&self, name: &str) -> Result<Option<Person>, PeopleError> {
        use aws_sdk_cognitoidentityprovider::error::ProvideErrorMetadata;
        let known = match self.client.admin_get_user().user_pool_id(&self.pool).username(name).send().await {
            Ok(known) => known,
            Err(error) => {
                let text = DisplayErrorContext(&error).to_string();
                return match error.as_service_error().map(|refused| refused.code().unwrap_or_default()) {
                    Some("UserNotFoundException") => Ok(None),
                    None | Some("TooManyRequestsException" | "InternalErrorException") => {
                        Err(PeopleError::Unavailable(text))
                    }
                    Some(_) => Err(PeopleError::Failed(text)),
                };
            }
        };
        if !known.enabled() || known.user_status() != Some(&UserStatusType::Confirmed) {
            return Ok(None);
        }
        let attribute = |name: &str| {
            known.user_attributes().iter().find(|attribute| attribute.name() == name).and_then(AttributeType::value)
        };
        let user = attribute("sub").and_then(|sub| sub.parse().ok());
        let email = attribute("email").and_then(|email| Email::kept(email).ok());
        match (user, email) {
            (Some(user), Some(email)) => Ok(Some(Person { user, email })),
            _ => Err(PeopleError::Failed("a person without id or address".to_owned())),
        }
    }
}
