//! The interface of payment providers, and its errors.

use std::future::Future;

use domain::Timestamp;
use domain::code::{Code, Coded};
use domain::payment::{Action, Payment, Refund};
use http::HeaderMap;

use crate::{PaymentNews, ProviderNews, RefundNews};

/// A payment that exists at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The provider's reference of the payment, to be stored: later calls and webhooks name the payment by it.
    pub reference: String,
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
    /// Certainly nothing was done, and repeating the call does not help.
    #[error("the provider refused: {code}")]
    Refused {
        /// The provider's own code, or one of ours: `amount_not_payable`, `paid_in_cash`, [`PAYMENT_DISPUTED`].
        code: String,
    },
}

impl Coded for Failure {
    fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) | Self::NoKey(_) | Self::Unclear(_) => Code::Unavailable,
            Self::Refused { .. } => Code::PaymentMethodUnavailable,
        }
    }
    fn retry_after(&self) -> Option<u32> {
        matches!(self, Self::Unavailable(_) | Self::NoKey(_) | Self::Unclear(_)).then_some(5)
    }
}

/// Why a webhook is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The provider sends no webhooks: the path does not exist.
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

/// A payment provider. Every method is required: a provider that does not support one returns [`Failure::Refused`].
pub trait Provider {
    /// Creates the payment at the provider. Repeating it for the same payment attempt finds the same payment.
    fn open(&self, payment: &Payment) -> impl Future<Output = Result<Opened, Failure>> + Send;

    /// Reads the state of a payment. Without a reference the opening is repeated first, which finds a payment whose
    /// answer was lost.
    fn look_up(&self, payment: &Payment) -> impl Future<Output = Result<ProviderNews, Failure>> + Send;

    /// Makes sure that a payment cannot be paid any more, or finds out that it was. May be repeated.
    fn cancel(&self, payment: &Payment) -> impl Future<Output = Result<Cancellation, Failure>> + Send;

    /// Refunds money once, however often it is called for the same refund, and returns the state of that refund.
    /// `payment_reference` is the provider's reference of the payment that is refunded.
    fn refund(
        &self,
        refund: &Refund,
        payment_reference: &str,
    ) -> impl Future<Output = Result<RefundNews, Failure>> + Send;

    /// Verifies a webhook and reads it: first the signature over the raw bytes, then its age, last the content.
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<ProviderNews, WebhookError>;
}
