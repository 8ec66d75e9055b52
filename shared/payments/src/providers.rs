//! All providers, selected by name.

use std::future::Future;
use std::sync::Arc;

use domain::payment::{Payment, ProviderName, Refund};
use domain::{Money, Timestamp};
use http::HeaderMap;

use crate::stripe::{self, Stripe, StripeSecret};
use crate::transport::{BoxFuture, Http};
use crate::{Cancellation, CashOnDelivery, Failure, Opened, Provider, ProviderNews, RefundNews, WebhookError};

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

/// All providers, called by name. Cheap to clone.
#[derive(Clone)]
pub struct Providers {
    http: Arc<dyn Http>,
    secrets: Arc<dyn Secrets>,
    stripe_url: Arc<str>,
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Providers").field("stripe_url", &self.stripe_url).finish_non_exhaustive()
    }
}

/// A provider with its secret, ready to be called.
enum Connected {
    Stripe(Stripe),
    CashOnDelivery(CashOnDelivery),
}

/// Calls a method of the connected provider.
macro_rules! ask {
    ($connected:expr, $method:ident($($argument:expr),*)) => {
        match $connected {
            Connected::Stripe(provider) => provider.$method($($argument),*).await,
            Connected::CashOnDelivery(provider) => provider.$method($($argument),*).await,
        }
    };
}

impl Providers {
    /// The providers, over a client and a source of secrets. `stripe_url` is [`stripe::URL`], or the local sandbox.
    pub fn new(http: Arc<dyn Http>, secrets: Arc<dyn Secrets>, stripe_url: impl Into<Arc<str>>) -> Self {
        Self { http, secrets, stripe_url: stripe_url.into() }
    }

    /// Whether a provider can take this amount: its currency, its decimals, and that it is more than zero.
    pub fn takes(name: ProviderName, amount: Money) -> bool {
        match name {
            ProviderName::Stripe => stripe::takes(amount),
            ProviderName::CashOnDelivery => amount.is_total(),
            ProviderName::Other => false,
        }
    }

    /// The environment variable with the name of a provider's secret; nothing for one that needs none. Each provider
    /// has a variable of its own.
    pub const fn secret_variable(name: ProviderName) -> Option<&'static str> {
        match name {
            ProviderName::Stripe => Some("STRIPE_SECRET_ARN"),
            ProviderName::CashOnDelivery | ProviderName::Other => None,
        }
    }

    /// Whether a key for this provider is configured. One that cannot be read at the moment counts as configured.
    pub async fn has_key(&self, name: ProviderName) -> bool {
        !matches!(self.connect(name).await, Err(Failure::NoKey(_)))
    }

    /// [`Provider::open`].
    pub async fn open(&self, payment: &Payment) -> Result<Opened, Failure> {
        ask!(self.connect(payment.provider).await?, open(payment))
    }

    /// [`Provider::look_up`].
    pub async fn look_up(&self, payment: &Payment) -> Result<ProviderNews, Failure> {
        ask!(self.connect(payment.provider).await?, look_up(payment))
    }

    /// [`Provider::cancel`].
    pub async fn cancel(&self, payment: &Payment) -> Result<Cancellation, Failure> {
        ask!(self.connect(payment.provider).await?, cancel(payment))
    }

    /// [`Provider::refund`].
    pub async fn refund(
        &self,
        provider: ProviderName,
        refund: &Refund,
        payment_reference: &str,
    ) -> Result<RefundNews, Failure> {
        ask!(self.connect(provider).await?, refund(refund, payment_reference))
    }

    /// [`Provider::verify`]. When the signature does not match, the secret is read again and the check repeated once:
    /// the secret may have been rotated since it was cached.
    pub async fn verify(
        &self,
        name: ProviderName,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderNews, WebhookError> {
        match self.verify_with(name, headers, body, now, Freshness::Cached).await {
            Err(WebhookError::BadSignature) => self.verify_with(name, headers, body, now, Freshness::ReadAgain).await,
            answer => answer,
        }
    }

    async fn verify_with(
        &self,
        name: ProviderName,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
        freshness: Freshness,
    ) -> Result<ProviderNews, WebhookError> {
        match self.connect_with(name, freshness).await.map_err(|_| WebhookError::SecretUnavailable)? {
            Connected::Stripe(provider) => provider.verify(headers, body, now),
            Connected::CashOnDelivery(provider) => provider.verify(headers, body, now),
        }
    }

    async fn connect(&self, name: ProviderName) -> Result<Connected, Failure> {
        self.connect_with(name, Freshness::Cached).await
    }

    async fn connect_with(&self, name: ProviderName, freshness: Freshness) -> Result<Connected, Failure> {
        match name {
            ProviderName::CashOnDelivery => Ok(Connected::CashOnDelivery(CashOnDelivery)),
            ProviderName::Other => Err(Failure::Unavailable("this release does not know the provider".to_owned())),
            ProviderName::Stripe => {
                let read = self.secrets.read(name, freshness).await;
                let text = read.map_err(|unavailable| Failure::Unavailable(unavailable.to_string()))?;
                let secret = StripeSecret::parse(&text).ok_or_else(|| {
                    tracing::warn!("the secret of Stripe is empty, or not the expected JSON");
                    Failure::NoKey("the secret is empty or malformed".to_owned())
                })?;
                Ok(Connected::Stripe(Stripe::new(Arc::clone(&self.http), Arc::clone(&self.stripe_url), secret)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;
    use domain::examples::{self, NOW, usd};
    use domain::payment::{Action, PaymentState};
    use domain::{Currency, OrderId};
    use http::{Request, Response};

    use super::*;
    use crate::{HttpFailure, NewsKind, PaymentNews};

    fn providers(secrets: impl Secrets + 'static) -> Providers {
        let http =
            |_: Request<Bytes>| std::future::ready(Err::<Response<Bytes>, _>(HttpFailure::Unsent("no network".into())));
        Providers::new(Arc::new(http), Arc::new(secrets), stripe::URL)
    }

    fn no_secrets(_: ProviderName, _: Freshness) -> std::future::Ready<Result<String, SecretUnavailable>> {
        std::future::ready(Err(SecretUnavailable))
    }

    /// An attempt that the provider does not know yet.
    fn payment(provider: ProviderName) -> Payment {
        let payment = examples::payment(2, OrderId::from_bits(1), provider, usd(1_250));
        Payment { state: PaymentState::Created, reference: None, ..payment }
    }

    #[tokio::test]
    async fn cash_opens_at_once_without_a_secret_and_has_no_webhook() {
        let providers = providers(no_secrets);
        let cash = payment(ProviderName::CashOnDelivery);
        let opened = providers.open(&cash).await.unwrap();
        assert_eq!((opened.action, opened.news), (Action::None, PaymentNews::Pending));
        assert_eq!(opened.reference, cash.id.to_string());
        assert_eq!(providers.look_up(&cash).await.unwrap().kind, NewsKind::Payment(PaymentNews::Pending));
        assert_eq!(providers.cancel(&cash).await, Ok(Cancellation::Cancelled));
        let refused =
            providers.verify(ProviderName::CashOnDelivery, &HeaderMap::new(), b"", Timestamp::from_millis(0)).await;
        assert_eq!(refused, Err(WebhookError::NoWebhook));
    }

    #[tokio::test]
    async fn without_its_secret_a_provider_is_unavailable_and_its_webhooks_are_retried() {
        let providers = providers(no_secrets);
        assert!(matches!(providers.open(&payment(ProviderName::Stripe)).await, Err(Failure::Unavailable(_))));
        let refused = providers.verify(ProviderName::Stripe, &HeaderMap::new(), b"", Timestamp::from_millis(0)).await;
        assert_eq!(refused, Err(WebhookError::SecretUnavailable));
    }

    #[tokio::test]
    async fn a_signature_that_does_not_fit_makes_the_secret_be_read_once_more() {
        let reads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reads);
        let providers = providers(move |_, freshness| {
            seen.lock().unwrap().push(freshness);
            let current = if freshness == Freshness::Cached { "whsec_old" } else { "whsec_new" };
            std::future::ready(Ok(format!(r#"{{"api_key":"k","webhook_secret":{{"current":"{current}"}}}}"#)))
        });
        let body = br#"{"id":"evt_1","object":"event","type":"x","created":1,"data":{"object":{}}}"#;
        let mut headers = HeaderMap::new();
        headers.insert("stripe-signature", stripe::sign(body, NOW, "whsec_new").parse().unwrap());
        let news = providers.verify(ProviderName::Stripe, &headers, body, NOW).await.unwrap();
        assert_eq!(news.event_id.as_deref(), Some("evt_1"));

        headers.insert("stripe-signature", stripe::sign(body, NOW, "whsec_forged").parse().unwrap());
        assert_eq!(providers.verify(ProviderName::Stripe, &headers, body, NOW).await, Err(WebhookError::BadSignature));
        let expected = [Freshness::Cached, Freshness::ReadAgain, Freshness::Cached, Freshness::ReadAgain];
        assert_eq!(*reads.lock().unwrap(), expected);
    }

    #[test]
    fn a_way_of_paying_is_offered_only_for_amounts_it_takes() {
        let dinar = Money::new(1_001, Currency::KWD);
        assert!(!Providers::takes(ProviderName::Stripe, dinar));
        assert!(Providers::takes(ProviderName::CashOnDelivery, dinar));
        assert!(!Providers::takes(ProviderName::Stripe, Money::zero(Currency::USD)));
    }
}
