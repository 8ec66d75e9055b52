//! Payment providers: one file each, and their signatures.
//!
//! A provider is called through [`Providers`], by name. Every one can open and cancel; its other abilities are values
//! that it has or not. What it reports about a payment, in an answer or in a webhook, is always a [`ProviderNews`], and
//! one settle function acts on it, whatever its source; one that drives the payment itself acts through a [`Desk`].
//! This crate never decides what becomes of an order, stores nothing, reads no clock, and never takes an unclear answer
//! for a failed payment.

mod callbacks;
mod cash_on_delivery;
mod connected;
mod facts;
mod provider;
mod providers;
mod secrets;
pub mod stripe;
mod transport;

pub use callbacks::{Begin, Callbacks, Desk, DeskError, Offer, StepAnswer};
pub use cash_on_delivery::CashOnDelivery;
pub use connected::{Calls, ClientKey, Connected, Connector};
pub use domain::provider_news::{DisputeNews, NewsKind, PaymentNews, ProviderNews, RefundNews, RefundOutcome};
pub use facts::{Amounts, Facts, HostedPage, NotTaken};
pub use provider::{
    Cancellation, Captures, Failure, LooksUp, Opened, PAYMENT_DISPUTED, Provider, Refunds, WebhookError, Webhooks,
};
pub use providers::{OtherProviders, Providers, Received};
pub use secrets::{Freshness, SecretUnavailable, Secrets};
pub use transport::{BoxFuture, Http, HttpFailure};
