//! What can go wrong with a table.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use domain::{Code, Coded, FieldError, Refusal};

/// Why an operation on a table did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A condition did not hold: somebody else was there first.
    #[error("the item has changed in the meantime")]
    Conflict,
    /// Refused for a reason of the marketplace's.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many attempts, or too many orders that wait for their money.
    #[error("{reason}")]
    TooMany {
        /// Of what, for people.
        reason: &'static str,
        /// In seconds.
        retry_after: u32,
    },
    /// The call was answered before under its key, and nothing was written: the answer, as it was kept.
    #[error("the call was answered before")]
    Replayed(String),
    /// The table is overloaded, or does not answer.
    #[error("DynamoDB is not available: {0}")]
    Unavailable(String),
    /// DynamoDB refused for a reason that is ours to mend.
    #[error("DynamoDB refused: {0}")]
    Failed(String),
    /// An item cannot be read.
    #[error("an item of kind {kind} cannot be read: {source}")]
    Corrupt {
        /// What it should have been.
        kind: &'static str,
        /// Why it cannot be read.
        source: serde_json::Error,
    },
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Conflict | Self::Replayed(_) => Code::Conflict,
            Self::Refused(refusal) => refusal.code(),
            Self::TooMany { .. } => Code::TooManyRequests,
            Self::Unavailable(_) => Code::Unavailable,
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
            Self::TooMany { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    fn stored_response(&self) -> Option<String> {
        match self {
            Self::Replayed(answer) => Some(answer.clone()),
            _ => None,
        }
    }
}

/// What to do about a failed call.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Try again soon: transactions that met, or a throttled table.
    Retryable(String),
    /// A single write's condition did not hold.
    ConditionFailed,
    /// A transaction was refused; one reason per action, with the item that stood in the way where it was asked for.
    Cancelled(Vec<Reason>),
    /// A list cannot go on from the key that was given.
    InvalidPageKey,
    /// Refused for a reason of the marketplace's.
    Refused(Refusal),
    /// The call was answered before under its key: the answer, as it was kept.
    Replayed(String),
    /// Whether the call was carried out is not known, or the table does not answer.
    Unavailable(String),
    /// Anything else.
    Failed(String),
}

/// Why one action of a transaction was refused; nothing when it was not the one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reason {
    pub(crate) code: String,
    pub(crate) item: Option<crate::item::Attributes>,
}

impl Reason {
    pub(crate) fn is_condition(&self) -> bool {
        self.code == "ConditionalCheckFailed"
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::ConditionFailed => Self::Conflict,
            Failure::Refused(refusal) => Self::Refused(refusal),
            Failure::Replayed(answer) => Self::Replayed(answer),
            Failure::InvalidPageKey => Self::Refused(Refusal::of(Code::InvalidCursor)),
            Failure::Cancelled(reasons) if reasons.iter().any(Reason::is_condition) => Self::Conflict,
            Failure::Cancelled(reasons) => {
                let codes: Vec<_> = reasons.into_iter().map(|reason| reason.code).collect();
                Self::Failed(format!("transaction cancelled: {}", codes.join(", ")))
            }
            Failure::Retryable(text) | Failure::Unavailable(text) => Self::Unavailable(text),
            Failure::Failed(text) => Self::Failed(text),
        }
    }
}

/// An action that could not be put together.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Sorts what the SDK says by what to do about it.
pub(crate) fn failure<E, R>(error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let SdkError::ServiceError(service) = error else {
        return Failure::Unavailable(format!("{}", Chain(error)));
    };
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
