//! Looks up people in the Cognito user pool by their ids.

use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::DisplayErrorContext;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, UserStatusType};
use domain::contact::ContactPoint;
use domain::text::Email;
use domain::{Code, Coded, UserId};

#[derive(Clone, Debug)]
pub(crate) struct People {
    client: Client,
    pool: String,
}

/// A person with an enabled account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    /// Their address, proven or not.
    pub(crate) email: Option<Email>,
    /// The contacts that they have proven, the address first.
    pub(crate) proven: Vec<ContactPoint>,
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
    pub(crate) fn new(client: Client, pool: impl Into<String>) -> Self {
        Self { client, pool: pool.into() }
    }

    /// The person with this id; nothing when they are gone, disabled or never confirmed.
    pub(crate) async fn with_id(&self, user: UserId) -> Result<Option<Person>, PeopleError> {
        use aws_sdk_cognitoidentityprovider::error::ProvideErrorMetadata;
        let asked = self.client.admin_get_user().user_pool_id(&self.pool).username(user.to_string());
        let known = match asked.send().await {
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
        let proven = |name: &str, verified: &str| attribute(name).filter(|_| attribute(verified) == Some("true"));
        let email = proven("email", "email_verified").and_then(|email| Email::kept(email).ok());
        let number = proven("phone_number", "phone_number_verified").and_then(|number| number.parse().ok());
        let proven = email.map(ContactPoint::Email).into_iter().chain(number.map(ContactPoint::Phone)).collect();
        let user = attribute("sub").and_then(|sub| sub.parse().ok());
        let user = user.ok_or_else(|| PeopleError::Failed("a person without id".to_owned()))?;
        let email = attribute("email").and_then(|email| Email::kept(email).ok());
        Ok(Some(Person { user, email, proven }))
    }
}
