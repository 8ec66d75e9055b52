//! All providers, selected by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use domain::payment::{Payment, ProviderName, Refund};
use domain::{Money, Timestamp};
use http::{HeaderMap, Response};

use crate::stripe::StripeConnector;
use crate::transport::Http;
use crate::{
    Callbacks, Calls, Cancellation, CashOnDelivery, ClientKey, Connected, Connector, Facts, Failure, Freshness,
    NotTaken, Opened, ProviderNews, RefundNews, Secrets, WebhookError,
};

/// All providers, called by name. Cheap to clone.
#[derive(Clone)]
pub struct Providers {
    known: Arc<BTreeMap<ProviderName, Arc<dyn Connector>>>,
}

/// Providers that take the place of those of the same name, or none: a test's doubles.
#[derive(Clone, Default)]
pub struct OtherProviders(pub BTreeMap<ProviderName, Arc<dyn Connector>>);

/// A request of a provider that was found to be its own.
pub enum Received {
    /// News to settle, and what is answered once that is done.
    News(Box<ProviderNews>, Response<Bytes>),
    /// The provider drives the payment, and answers for itself.
    Call(Arc<dyn Callbacks>),
}

impl fmt::Debug for Providers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.known.keys()).finish()
    }
}

impl fmt::Debug for OtherProviders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl Providers {
    /// The providers, over a client and a source of secrets. `stripe_url` is [`URL`](crate::stripe::URL), or the local
    /// sandbox.
    pub fn new(http: Arc<dyn Http>, secrets: Arc<dyn Secrets>, stripe_url: impl Into<Arc<str>>) -> Self {
        let stripe: Arc<dyn Connector> = Arc::new(StripeConnector { http, secrets, url: stripe_url.into() });
        let cash: Arc<dyn Connector> = Arc::new(CashOnDelivery);
        let known = BTreeMap::from([(ProviderName::Stripe, stripe), (ProviderName::CashOnDelivery, cash)]);
        Self { known: Arc::new(known) }
    }

    /// The same with others in the place of some of them.
    #[must_use]
    pub fn with(mut self, others: &OtherProviders) -> Self {
        let known = Arc::make_mut(&mut self.known);
        known.extend(others.0.iter().map(|(name, other)| (*name, Arc::clone(other))));
        self
    }

    /// What is known of a provider without calling it; `None` for one that this release does not know.
    pub fn facts(&self, name: ProviderName) -> Option<&Facts> {
        self.known.get(&name).map(|connector| connector.facts())
    }

    /// Refuses an amount that a provider does not take.
    pub fn check(&self, name: ProviderName, amount: Money) -> Result<(), NotTaken> {
        self.facts(name).ok_or(NotTaken::Currency(amount.currency()))?.check(amount)
    }

    /// The environment variable with the name of a provider's secret; nothing for one that needs none. Each provider
    /// has a variable of its own.
    pub const fn secret_variable(name: ProviderName) -> Option<&'static str> {
        match name {
            ProviderName::Stripe => Some("STRIPE_SECRET_ARN"),
            ProviderName::CashOnDelivery | ProviderName::Unneeded | ProviderName::Other => None,
        }
    }

    /// The key for the buyer's client. `None` when the provider's keys cannot be read at the moment, which says nothing
    /// about whether they are there.
    pub async fn client_key(&self, name: ProviderName) -> Option<ClientKey> {
        match self.connect(name).await {
            Ok(connected) => Some(connected.client_key),
            Err(Failure::NoKey(_)) => Some(ClientKey::Missing),
            Err(_) => None,
        }
    }

    /// [`Provider::open`](crate::Provider::open).
    pub async fn open(&self, payment: &Payment) -> Result<Opened, Failure> {
        self.connect(payment.provider).await?.provider.open(payment).await
    }

    /// [`Provider::cancel`](crate::Provider::cancel).
    pub async fn cancel(&self, payment: &Payment) -> Result<Cancellation, Failure> {
        self.connect(payment.provider).await?.provider.cancel(payment).await
    }

    /// [`LooksUp::look_up`](crate::LooksUp::look_up); `None` from a provider that cannot: its news comes by itself.
    pub async fn look_up(&self, payment: &Payment) -> Result<Option<ProviderNews>, Failure> {
        match self.connect(payment.provider).await?.looks_up {
            Some(provider) => provider.look_up(payment).await.map(Some),
            None => Ok(None),
        }
    }

    /// [`Captures::capture`](crate::Captures::capture); `None` from a provider that cannot.
    pub async fn capture(&self, payment: &Payment) -> Result<Option<ProviderNews>, Failure> {
        match self.connect(payment.provider).await?.captures {
            Some(provider) => provider.capture(payment).await.map(Some),
            None => Ok(None),
        }
    }

    /// [`Refunds::refund`](crate::Refunds::refund); `None` from a provider that cannot: the refund needs a person.
    pub async fn refund(
        &self,
        provider: ProviderName,
        refund: &Refund,
        payment_reference: &str,
    ) -> Result<Option<RefundNews>, Failure> {
        match self.connect(provider).await?.refunds {
            Some(provider) => provider.refund(refund, payment_reference).await.map(Some),
            None => Ok(None),
        }
    }

    /// [`Refunds::made`](crate::Refunds::made); nothing from a provider that cannot refund.
    pub async fn refunds_made(
        &self,
        provider: ProviderName,
        payment_reference: &str,
    ) -> Result<Vec<RefundNews>, Failure> {
        match self.connect(provider).await?.refunds {
            Some(provider) => provider.made(payment_reference).await,
            None => Ok(Vec::new()),
        }
    }

    /// Finds out what a request to a provider's path is. A webhook is verified ([`Webhooks::verify`]); when its
    /// signature does not match, the secret is read again and the check repeated once: the secret may have been rotated
    /// since it was cached.
    ///
    /// [`Webhooks::verify`]: crate::Webhooks::verify
    pub async fn receive(
        &self,
        name: ProviderName,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Received, WebhookError> {
        match self.receive_with(name, headers, body, now, Freshness::Cached).await {
            Err(WebhookError::BadSignature) => self.receive_with(name, headers, body, now, Freshness::ReadAgain).await,
            answer => answer,
        }
    }

    async fn receive_with(
        &self,
        name: ProviderName,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
        freshness: Freshness,
    ) -> Result<Received, WebhookError> {
        match self.connect_with(name, freshness).await.map_err(|_| WebhookError::SecretUnavailable)?.calls {
            Calls::Nothing => Err(WebhookError::NoWebhook),
            Calls::Webhooks(webhooks) => {
                let news = webhooks.verify(headers, body, now)?;
                Ok(Received::News(Box::new(news), webhooks.taken()))
            }
            Calls::Callbacks(callbacks) => Ok(Received::Call(callbacks)),
        }
    }

    async fn connect(&self, name: ProviderName) -> Result<Connected, Failure> {
        self.connect_with(name, Freshness::Cached).await
    }

    async fn connect_with(&self, name: ProviderName, freshness: Freshness) -> Result<Connected, Failure> {
        match self.known.get(&name) {
            Some(connector) => connector.connect(freshness).await,
            None => Err(Failure::Unavailable("this release does not know the provider".to_owned())),
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
    use crate::{HttpFailure, PaymentNews, SecretUnavailable, stripe};

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

    /// The news of a webhook, which is answered as Stripe expects it.
    async fn verified(
        providers: &Providers,
        name: ProviderName,
        body: &[u8],
        signature: &str,
    ) -> Result<ProviderNews, WebhookError> {
        let mut headers = HeaderMap::new();
        headers.insert("stripe-signature", signature.parse().unwrap());
        match providers.receive(name, &headers, body, NOW).await? {
            Received::News(news, taken) => {
                assert_eq!(
                    (taken.status().as_u16(), taken.headers()["content-type"].as_bytes()),
                    (200, &b"application/json"[..])
                );
                assert_eq!(taken.body(), &br#"{"received":true}"#[..]);
                Ok(*news)
            }
            Received::Call(_) => panic!("{name:?} drives no payment"),
        }
    }

    #[tokio::test]
    async fn cash_opens_at_once_without_a_secret_and_has_no_webhook() {
        let providers = providers(no_secrets);
        let cash = payment(ProviderName::CashOnDelivery);
        let opened = providers.open(&cash).await.unwrap();
        assert_eq!((opened.action, opened.news), (Action::None, PaymentNews::Pending));
        assert_eq!(opened.reference, Some(cash.id.to_string()));
        assert_eq!(providers.cancel(&cash).await, Ok(Cancellation::Cancelled));
        assert_eq!(verified(&providers, ProviderName::CashOnDelivery, b"", "").await, Err(WebhookError::NoWebhook));
    }

    #[tokio::test]
    async fn without_its_secret_a_provider_is_unavailable_and_its_webhooks_are_retried() {
        let providers = providers(no_secrets);
        assert!(matches!(providers.open(&payment(ProviderName::Stripe)).await, Err(Failure::Unavailable(_))));
        let refused = verified(&providers, ProviderName::Stripe, b"", "").await;
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
        let signed = |secret| stripe::sign(body, NOW, secret);
        let news = verified(&providers, ProviderName::Stripe, body, &signed("whsec_new")).await.unwrap();
        assert_eq!(news.event_id.as_deref(), Some("evt_1"));

        let forged = verified(&providers, ProviderName::Stripe, body, &signed("whsec_forged")).await;
        assert_eq!(forged, Err(WebhookError::BadSignature));
        let expected = [Freshness::Cached, Freshness::ReadAgain, Freshness::Cached, Freshness::ReadAgain];
        assert_eq!(*reads.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn a_provider_refunds_when_its_facts_say_so_and_an_ability_that_is_not_there_is_no_answer() {
        let providers = providers(|_, _| {
            std::future::ready(Ok(r#"{"api_key":"k","webhook_secret":{"current":"whsec_a"}}"#.to_owned()))
        });
        for name in ProviderName::ALL {
            let connected = providers.connect(name).await.unwrap();
            let facts = providers.facts(name).unwrap();
            assert_eq!(connected.refunds.is_some(), facts.refunds.is_some(), "{name:?}");
        }
        let cash = payment(ProviderName::CashOnDelivery);
        assert_eq!(providers.look_up(&cash).await, Ok(None));
        assert_eq!(providers.capture(&cash).await, Ok(None));
        let refund = examples::refund(3, &cash, usd(500));
        assert_eq!(providers.refund(ProviderName::CashOnDelivery, &refund, "").await, Ok(None));
        assert!(providers.facts(ProviderName::Other).is_none());
    }

    #[test]
    fn a_way_of_paying_takes_only_its_amounts() {
        let providers = providers(no_secrets);
        let dinar = Money::new(1_001, Currency::KWD);
        assert!(providers.check(ProviderName::Stripe, dinar).is_err());
        assert_eq!(providers.check(ProviderName::CashOnDelivery, dinar), Ok(()));
        for (minor, takes) in [(0, false), (49, false), (50, true), (99_999_999, true), (100_000_000, false)] {
            assert_eq!(providers.check(ProviderName::Stripe, usd(minor)).is_ok(), takes, "{minor}");
        }
    }

    #[tokio::test]
    async fn the_key_for_the_buyers_client_is_there_missing_or_not_to_be_read_now() {
        let with = |secret: &'static str| providers(move |_, _| std::future::ready(Ok(secret.to_owned())));
        let key = async |providers: Providers| providers.client_key(ProviderName::Stripe).await;
        let whole = r#"{"api_key":"sk_test_1","publishable_key":"pk_test_1","webhook_secret":{"current":"whsec_a"}}"#;
        let without = r#"{"api_key":"sk_test_1","webhook_secret":{"current":"whsec_a"}}"#;
        assert_eq!(key(with(whole)).await, Some(ClientKey::Key("pk_test_1".to_owned())));
        assert_eq!(key(with(without)).await, Some(ClientKey::Missing));
        assert_eq!(key(with("")).await, Some(ClientKey::Missing));
        assert_eq!(key(providers(no_secrets)).await, None);
        assert_eq!(with("").client_key(ProviderName::CashOnDelivery).await, Some(ClientKey::NotNeeded));
        // Without it nothing is opened, and what was opened before goes on.
        let payment = payment(ProviderName::Stripe);
        assert!(matches!(with(without).open(&payment).await, Err(Failure::NoKey(_))));
        assert!(!matches!(with(without).cancel(&payment).await, Err(Failure::NoKey(_))));
    }
}
