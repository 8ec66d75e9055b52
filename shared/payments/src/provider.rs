//! What every provider can do.

use std::future::Future;

use domain::Timestamp;
use domain::code::{Code, Coded};
use domain::payment::{Action, Payment, Refund};
use http::HeaderMap;

use crate::{PaymentNews, ProviderNews, RefundNews};

/// A payment that the provider knows now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The payment's name at the provider: keep it, everything later is found by it.
    pub reference: String,
    /// What the buyer does next.
    pub action: Action,
    /// How it stands: `Pending`, unless an opening was repeated after the payment had gone on.
    pub news: PaymentNews,
}

/// What became of a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It is cancelled (perhaps it was before): no money can come of it.
    Cancelled,
    /// Too late, the money was taken: settle with this.
    Captured(ProviderNews),
    /// The provider is still working on it and cannot stop: ask again later, release nothing.
    Undecided(ProviderNews),
}

/// The code with which a refund is refused because the buyer's bank wants, or has taken, the money back itself.
pub const PAYMENT_DISPUTED: &str = "payment_disputed";

/// Why a provider did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Surely nothing was done, and the same call may succeed later.
    #[error("the provider is not available: {0}")]
    Unavailable(String),
    /// Surely nothing was done, and nothing can be before the operator puts it right: there is no key, or the provider refuses it.
    #[error("the provider does not know us: {0}")]
    NoKey(String),
    /// Nobody knows whether it was done: take it as pending, and repeat the same call or look it up.
    #[error("the provider's answer is unclear: {0}")]
    Unclear(String),
    /// Surely nothing was done, and repeating the call does not help.
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

/// Why a webhook is not believed or not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The provider sends no webhooks: the path does not exist.
    #[error("this provider sends no webhooks")]
    NoWebhook,
    /// The signature is absent, malformed, or of another message or key.
    #[error("the signature does not belong to this message")]
    BadSignature,
    /// The signature is good but too old: somebody may be replaying it.
    #[error("the signature is too old")]
    Stale,
    /// Signed, and still not an event that can be read.
    #[error("not an event of this provider")]
    Unreadable,
    /// Our own secret could not be read: the provider must try again.
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

/// A provider. Every method is required: one that cannot do something says so with [`Failure::Refused`].
pub trait Provider {
    /// Makes the payment known to the provider. Repeating it for the same attempt finds the same payment.
    fn open(&self, payment: &Payment) -> impl Future<Output = Result<Opened, Failure>> + Send;

    /// Asks how a payment stands. Without a reference the opening is repeated first, so that an answer that was lost is
    /// found again.
    fn look_up(&self, payment: &Payment) -> impl Future<Output = Result<ProviderNews, Failure>> + Send;

    /// Sees to it that a payment cannot be paid any more, or finds out that it was. May be repeated.
    fn cancel(&self, payment: &Payment) -> impl Future<Output = Result<Cancellation, Failure>> + Send;

    /// Gives money back once, however often it is called for the same refund, and says how that refund stands.
    /// `payment_reference` is the provider's name for the payment it comes out of.
    fn refund(
        &self,
        refund: &Refund,
        payment_reference: &str,
    ) -> impl Future<Output = Result<RefundNews, Failure>> + Send;

    /// Believes a webhook or not: the signature over the raw bytes first, its age second, the content last.
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<ProviderNews, WebhookError>;
}
