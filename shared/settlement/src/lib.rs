//! Where orders and payment providers meet: what a provider tells changes an order, and an order's payments are opened,
//! looked up, closed and refunded. The only crate that knows both the tables and the providers.
//!
//! [`Settlement::settle`] is the only way in which news changes an order, whatever its source: a webhook, an answer to
//! a call, or housekeeping. A provider that drives the payment itself acts through its desk instead.

mod calls;
mod closing;
mod desk;
mod providers;
mod refunds;
mod reopening;
mod run;
mod settle;
mod unmatched;

use payments::{Failure, Providers, WebhookError};
use platform::{Config, Fatal};
use store::Orders;

pub use calls::LookedUp;
pub use closing::{Closed, Closing, Followed};
pub use providers::PaymentMethod;
pub use refunds::RefundAnswer;
pub use reopening::Reopening;

/// Orders and their providers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Settlement {
    orders: Orders,
    providers: Providers,
    run: Option<run::Run>,
}

domain::one_of! {
    /// Why a provider's news could not be settled, or a provider could not be called.
    pub enum Error {
        Store(store::Error),
        Refused(domain::Refusal),
        Provider(Failure),
        Webhook(WebhookError),
    }
}

impl Settlement {
    /// Connects the providers with the keys and base URLs of this environment.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub fn new(config: &Config, orders: Orders) -> Result<Self, Fatal> {
        Ok(Self { orders, providers: providers::from_config(config)?, run: None })
    }

    /// The orders that are settled.
    pub const fn orders(&self) -> &Orders {
        &self.orders
    }
}
