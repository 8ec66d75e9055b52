//! A provider that is ready to be called, with the abilities that it has.

use std::fmt;
use std::sync::Arc;

use crate::transport::BoxFuture;
use crate::{Callbacks, Captures, Facts, Failure, Freshness, LooksUp, Provider, Refunds, Webhooks};

/// A provider as this environment has it: what is known of it, and how it becomes ready to be called.
pub trait Connector: Send + Sync {
    /// What is known of the provider without its keys.
    fn facts(&self) -> &Facts;

    /// The provider with its keys.
    fn connect(&self, freshness: Freshness) -> BoxFuture<'_, Result<Connected, Failure>>;
}

/// A provider that is ready to be called. An ability that it has not is absent: nothing stands in its place.
#[derive(Clone)]
pub struct Connected {
    pub provider: Arc<dyn Provider>,
    pub looks_up: Option<Arc<dyn LooksUp>>,
    pub refunds: Option<Arc<dyn Refunds>>,
    pub captures: Option<Arc<dyn Captures>>,
    pub calls: Calls,
    pub client_key: ClientKey,
}

/// The key with which the buyer's client uses the provider's library. It is public, unlike the ones that open the
/// provider's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKey {
    /// The provider has no such library: its page or its app is opened by an address.
    NotNeeded,
    Key(String),
    /// The operator has not put it: what is opened could be paid by nobody, so nothing is.
    Missing,
}

impl ClientKey {
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::NotNeeded | Self::Missing => None,
        }
    }
}

/// What a provider calls here.
#[derive(Clone)]
pub enum Calls {
    Nothing,
    /// Its news, as signed webhooks.
    Webhooks(Arc<dyn Webhooks>),
    /// It drives the payment.
    Callbacks(Arc<dyn Callbacks>),
}

impl Connected {
    /// A provider without any ability.
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        let client_key = ClientKey::NotNeeded;
        Self { provider, looks_up: None, refunds: None, captures: None, calls: Calls::Nothing, client_key }
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = match &self.calls {
            Calls::Nothing => "nothing",
            Calls::Webhooks(_) => "webhooks",
            Calls::Callbacks(_) => "callbacks",
        };
        formatter
            .debug_struct("Connected")
            .field("looks_up", &self.looks_up.is_some())
            .field("refunds", &self.refunds.is_some())
            .field("captures", &self.captures.is_some())
            .field("calls", &calls)
            .finish_non_exhaustive()
    }
}
