//! Payment providers: one file each, and their signatures.
//!
//! A provider is called through [`Providers`], by name. What it reports about a payment, in an answer or in a webhook,
//! is always a [`ProviderNews`], and one settle function acts on it, whatever its source. This crate never decides what
//! becomes of an order, stores nothing, reads no clock, and never takes an unclear answer for a failed payment.

mod cash_on_delivery;
mod provider;
mod providers;
pub mod stripe;
mod transport;

pub use cash_on_delivery::CashOnDelivery;
pub use domain::provider_news::{DisputeNews, NewsKind, PaymentNews, ProviderNews, RefundNews, RefundOutcome};
pub use provider::{Cancellation, Failure, Opened, PAYMENT_DISPUTED, Provider, WebhookError};
pub use providers::{Freshness, Providers, SecretUnavailable, Secrets};
pub use transport::{BoxFuture, Http, HttpFailure};
