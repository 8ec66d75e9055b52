//! Where the keys of providers come from.

use std::future::Future;

use domain::payment::ProviderName;

use crate::transport::BoxFuture;

/// How fresh a secret must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// A secret that was read some minutes ago is good enough.
    Cached,
    /// A signature did not match: the secret may have been rotated since. The source limits how often it really reads
    /// again.
    ReadAgain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret could not be read")]
pub struct SecretUnavailable;

/// The source of a provider's secret: its text (for Stripe the JSON of [`StripeSecret`]). It is read only when it is
/// needed: an order paid in cash needs none.
pub trait Secrets: Send + Sync {
    /// Reads the secret of a provider.
    fn read(&self, provider: ProviderName, freshness: Freshness) -> BoxFuture<'_, Result<String, SecretUnavailable>>;
}

/// A function can be the source: this is how callers connect the platform's secrets with this crate.
impl<F, Answer> Secrets for F
where
    F: Fn(ProviderName, Freshness) -> Answer + Send + Sync,
    Answer: Future<Output = Result<String, SecretUnavailable>> + Send + 'static,
{
    fn read(&self, provider: ProviderName, freshness: Freshness) -> BoxFuture<'_, Result<String, SecretUnavailable>> {
        Box::pin(self(provider, freshness))
    }
}
