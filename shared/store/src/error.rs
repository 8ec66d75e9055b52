//! Errors of the tables, and how a failed call to DynamoDB is classified.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use domain::{Code, Coded, FieldError, Refusal};

use crate::attributes::Attributes;
use crate::purpose::Purpose;

/// Why an operation on a table did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A condition did not hold: another write came first.
    #[error("the item has changed in the meantime")]
    Conflict,
    /// Refused by a rule of the marketplace.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A rate limit, or an e-mail address's limit of unpaid orders, is exceeded.
    #[error("{reason}")]
    TooMany {
        /// The problem's `detail`.
        reason: &'static str,
        /// In seconds.
        retry_after: u32,
    },
    /// The table is throttled, does not answer, or conflicting writes used up the retry budget.
    #[error("DynamoDB is not available: {0}")]
    Unavailable(String),
    /// DynamoDB rejected the request because of a defect on our side.
    #[error("DynamoDB refused: {0}")]
    Failed(String),
    /// An item's body is not the JSON of its kind.
    #[error("an item of kind {kind} cannot be read: {source}")]
    Corrupt {
        /// The expected kind.
        kind: &'static str,
        source: serde_json::Error,
    },
    /// A newer release has written the item, with a value that this release does not know.
    #[error("an item of kind {kind} has values of a newer release: this one shows it and does not change it")]
    Newer {
        /// The kind of the item.
        kind: &'static str,
    },
}

impl Error {
    /// Whether one item cannot be read: whoever goes through many leaves it aside and goes on.
    pub const fn is_unreadable(&self) -> bool {
        matches!(self, Self::Corrupt { .. })
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Conflict => Code::Conflict,
            Self::Refused(refusal) => refusal.code(),
            Self::TooMany { .. } => Code::TooManyRequests,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Newer { .. } => Code::NewerData,
            Self::Failed(_) | Self::Corrupt { .. } => Code::Internal,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Refused(refusal) => refusal.detail(),
            Self::TooMany { reason, .. } => Some((*reason).to_owned()),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Refused(refusal) => refusal.fields(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Unavailable(_) => Some(2),
            // For as long as a deployment takes.
            Self::Newer { .. } => Some(60),
            Self::TooMany { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }
}

/// A failed call, classified by what to do about it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Retry with backoff: a transaction conflict, or a throttled table.
    Retryable(String),
    /// The condition of a single write did not hold.
    ConditionFailed,
    /// A transaction was cancelled.
    Cancelled(Cancelled),
    /// The start key of a list is not a key of its index.
    InvalidPageKey,
    /// Refused by a rule of the marketplace.
    Refused(Refusal),
    /// The table does not answer, or the outcome of the write is unknown.
    Unavailable(String),
    /// Anything else.
    Failed(String),
}

/// Why a transaction was cancelled: the purpose of each action, and what DynamoDB says of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancelled(pub(crate) Vec<(Purpose, Reason)>);

/// The cancellation reason of one action; its code is `None` when the action did not cause the cancellation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reason {
    pub(crate) code: String,
    /// The existing item, where the action asks for it.
    pub(crate) item: Option<Attributes>,
}

impl Reason {
    fn is_condition(&self) -> bool {
        self.code == "ConditionalCheckFailed"
    }
}

impl Cancelled {
    /// The purposes of the actions whose conditions did not hold.
    pub(crate) fn purposes(&self) -> impl Iterator<Item = Purpose> {
        self.0.iter().filter(|(_, reason)| reason.is_condition()).map(|(purpose, _)| *purpose)
    }

    /// Whether the condition of an action of this purpose did not hold.
    pub(crate) fn refused(&self, purpose: Purpose) -> bool {
        self.purposes().any(|refused| refused == purpose)
    }

    /// The existing item that kept the condition of an action of this purpose from holding.
    pub(crate) fn existing(&self, purpose: Purpose) -> Option<&Attributes> {
        let mut refused = self.0.iter().filter(|(_, reason)| reason.is_condition());
        refused.find(|(refused, _)| *refused == purpose).and_then(|(_, reason)| reason.item.as_ref())
    }

    /// Whether nothing else than contention or throttling cancelled it, so that it may be run again.
    pub(crate) fn is_transient(&self) -> bool {
        let transient = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
        self.purposes().next().is_none() && self.0.iter().any(|(_, reason)| transient.contains(&reason.code.as_str()))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::ConditionFailed => Self::Conflict,
            Failure::Refused(refusal) => Self::Refused(refusal),
            Failure::InvalidPageKey => Self::Refused(Refusal::of(Code::InvalidCursor)),
            // No later try gets it, and what the provider told of it belongs to one of the two orders only.
            Failure::Cancelled(cancelled) if cancelled.refused(Purpose::Reference) => {
                Self::Failed("another order has this reference of a provider".to_owned())
            }
            Failure::Cancelled(cancelled) if cancelled.purposes().next().is_some() => Self::Conflict,
            Failure::Cancelled(Cancelled(reasons)) => {
                let codes: Vec<_> = reasons.into_iter().map(|(_, reason)| reason.code).collect();
                Self::Failed(format!("transaction cancelled: {}", codes.join(", ")))
            }
            Failure::Retryable(text) | Failure::Unavailable(text) => Self::Unavailable(text),
            Failure::Failed(text) => Self::Failed(text),
        }
    }
}

/// An action of a transaction could not be built.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Classifies an SDK error by its error code.
pub(crate) fn failure<E, R>(error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let SdkError::ServiceError(service) = error else { return Failure::Unavailable(format!("{}", Chain(error))) };
    let text = format!("{}", Chain(service.err()));
    match service.err().code().unwrap_or_default() {
        "ConditionalCheckFailedException" => Failure::ConditionFailed,
        "TransactionConflictException"
        | "TransactionInProgressException"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "ProvisionedThroughputExceededException" => Failure::Retryable(text),
        "InternalServerError" | "InternalServerErrorException" | "ServiceUnavailable" => Failure::Unavailable(text),
        _ => Failure::Failed(text),
    }
}

/// An error with its causes, on one line.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut next = Some(self.0);
        let mut separator = "";
        while let Some(error) = next {
            write!(formatter, "{separator}{error}")?;
            separator = ": ";
            next = error.source();
        }
        Ok(())
    }
}
