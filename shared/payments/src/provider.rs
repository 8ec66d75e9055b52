//! What a provider can do: what every one can, and its abilities, which it has or not.

use domain::Timestamp;
use domain::code::{Code, Coded};
use domain::payment::{Action, Payment, Refund};
use http::{HeaderMap, Response};

use bytes::Bytes;

use crate::transport::BoxFuture;
use crate::{PaymentNews, ProviderNews, RefundNews};

/// A payment that exists at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The provider's reference of the payment, to be stored: later calls and webhooks name the payment by it. Nothing
    /// where the provider makes one when the buyer pays.
    pub reference: Option<String>,
    /// The provider's id of the page on which the buyer pays, to be stored as well: some news and calls name only that.
    pub page: Option<String>,
    /// What the buyer does next.
    pub action: Action,
    /// Its state: `Pending`, unless the opening was repeated after the payment had moved on.
    pub news: PaymentNews,
}

/// The outcome of cancelling a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It is cancelled, now or earlier: it cannot be paid any more.
    Cancelled,
    /// Too late, the payment was captured: settle with this.
    Captured(ProviderNews),
    /// The provider is still processing it and cannot stop: ask again later, and release no stock.
    Undecided(ProviderNews),
}

/// The code of a refund that is refused because the buyer's bank disputes the payment, or has charged it back.
pub const PAYMENT_DISPUTED: &str = "payment_disputed";

/// Why a provider did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Certainly nothing was done, and the same call may succeed later.
    #[error("the provider is not available: {0}")]
    Unavailable(String),
    /// Certainly nothing was done, and nothing can be before the operator acts: the key is missing, or the provider
    /// rejects it.
    #[error("the provider's key is missing or rejected: {0}")]
    NoKey(String),
    /// Unknown whether it was done: treat it as pending, and repeat the same call or look the payment up.
    #[error("the provider's answer is unclear: {0}")]
    Unclear(String),
    /// Unknown whether it was done, and the provider answers the same to every repeat under this idempotency key: only
    /// another key can succeed.
    #[error("the provider failed, and stores that under the idempotency key: {0}")]
    KeySpent(String),
    /// Certainly nothing was done, and repeating the call does not help.
    #[error("the provider refused: {code}")]
    Refused {
        /// The provider's own code, or one of ours: `amount_not_payable`, [`PAYMENT_DISPUTED`].
        code: String,
    },
}

impl Coded for Failure {
    fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) | Self::NoKey(_) | Self::Unclear(_) | Self::KeySpent(_) => Code::Unavailable,
            Self::Refused { .. } => Code::PaymentMethodUnavailable,
        }
    }
    fn retry_after(&self) -> Option<u32> {
        (!matches!(self, Self::Refused { .. })).then_some(5)
    }
}

/// Why a webhook is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The provider calls nothing here: the path does not exist.
    #[error("this provider sends no webhooks")]
    NoWebhook,
    /// The signature is absent, malformed, or made for another message or with another key.
    #[error("the signature does not belong to this message")]
    BadSignature,
    /// The signature is valid but too old: it may be a replay.
    #[error("the signature is too old")]
    Stale,
    /// The signature is valid, but the body is no event that can be read.
    #[error("not an event of this provider")]
    Unreadable,
    /// The webhook's secret could not be read: the provider must send the webhook again.
    #[error("the webhook's secret is not available")]
    SecretUnavailable,
}

impl Coded for WebhookError {
    fn code(&self) -> Code {
        match self {
            Self::NoWebhook => Code::NotFound,
            Self::BadSignature | Self::Stale => Code::BadSignature,
            Self::Unreadable => Code::Malformed,
            Self::SecretUnavailable => Code::Unavailable,
        }
    }
    fn retry_after(&self) -> Option<u32> {
        matches!(self, Self::SecretUnavailable).then_some(5)
    }
}

/// A payment provider: what every one of them can do.
pub trait Provider: Send + Sync {
    /// Creates the payment at the provider. Repeating it for the same payment attempt finds the same payment.
    fn open<'a>(&'a self, payment: &'a Payment) -> BoxFuture<'a, Result<Opened, Failure>>;

    /// Makes sure that a payment cannot be paid any more, or finds out that it was. May be repeated.
    fn cancel<'a>(&'a self, payment: &'a Payment) -> BoxFuture<'a, Result<Cancellation, Failure>>;
}

/// The ability to tell the state of a payment. Without it, its news is waited for.
pub trait LooksUp: Send + Sync {
    /// Reads the state of a payment. Without a reference the opening is repeated first, which finds a payment whose
    /// answer was lost.
    fn look_up<'a>(&'a self, payment: &'a Payment) -> BoxFuture<'a, Result<ProviderNews, Failure>>;
}

/// The ability to send money back. Without it, a refund needs a person.
pub trait Refunds: Send + Sync {
    /// Refunds money once, however often it is called for the same refund, and returns the state of that refund.
    /// `payment_reference` is the provider's reference of the payment that is refunded.
    fn refund<'a>(
        &'a self,
        refund: &'a Refund,
        payment_reference: &'a str,
    ) -> BoxFuture<'a, Result<RefundNews, Failure>>;

    /// All refunds that the provider has of a payment, whoever has asked for them.
    fn made<'a>(&'a self, payment_reference: &'a str) -> BoxFuture<'a, Result<Vec<RefundNews>, Failure>>;
}

/// The ability to capture money that was reserved before.
pub trait Captures: Send + Sync {
    /// Captures all of an authorized payment. May be repeated.
    fn capture<'a>(&'a self, payment: &'a Payment) -> BoxFuture<'a, Result<ProviderNews, Failure>>;
}

/// News that the provider sends by itself, signed, and in any order.
pub trait Webhooks: Send + Sync {
    /// Verifies a webhook and reads it: first the signature over the raw bytes, then its age, last the content.
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<ProviderNews, WebhookError>;

    /// What the provider expects as the answer to news that was taken: any other, and it sends it again.
    fn taken(&self) -> Response<Bytes>;
}
