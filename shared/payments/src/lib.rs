//! Payment providers: one file each, and their signatures.
//!
//! A provider is asked through [`Providers`], by name. What it says about a payment, in an answer or in a webhook, is
//! always a [`ProviderNews`]; one settle function acts on news, whoever brought them. What this crate never does: decide
//! what becomes of an order, write anything down, read a clock, or take an unclear answer for a failed payment.

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
