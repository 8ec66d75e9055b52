//! The payment providers, connected to the platform's HTTP client and secrets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::order::PlacedOrder;
use domain::payment::ProviderName;
use domain::settings::Settings;
use domain::{Code, Money, Refusal};
use payments::{ClientKey, Freshness, HostedPage, HttpFailure, OtherProviders, Providers, SecretUnavailable};
use platform::{Config, Fatal, HttpError, Secret, SecretError};
use serde_json::Value;

use crate::Settlement;

/// Timeout of one call to a provider. API Gateway's timeout for the whole request is 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A way to pay a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentMethod {
    pub provider: ProviderName,
    /// The public key that the provider's library is loaded with, if the provider has one.
    pub publishable_key: Option<String>,
}

/// The providers with the keys and base URLs of this environment. Each secret is read under its provider's own name.
pub(crate) fn from_config(config: &Config) -> Result<Providers, Fatal> {
    let client = Arc::new(config.outbound()?);
    let http = move |request| {
        let client = Arc::clone(&client);
        async move {
            client.send(request, TIMEOUT).await.map_err(|error| match error {
                HttpError::Unsent(reason) => HttpFailure::Unsent(reason.to_string()),
                HttpError::Unclear(reason) => HttpFailure::Unclear(reason.to_string()),
            })
        }
    };
    let mut secrets: BTreeMap<ProviderName, Arc<Secret<Value>>> = BTreeMap::new();
    for (provider, variable) in
        ProviderName::ALL.into_iter().filter_map(|name| Some((name, Providers::secret_variable(name)?)))
    {
        secrets.insert(provider, Arc::new(config.secret(variable)?));
    }
    let read = move |provider, freshness| {
        let secret = secrets.get(&provider).cloned();
        async move {
            match secret {
                Some(secret) => text_of(&secret, freshness).await,
                None => Ok(String::new()),
            }
        }
    };
    let providers = Providers::new(Arc::new(http), Arc::new(read), config.required("STRIPE_API_BASE")?);
    Ok(match config.given::<OtherProviders>() {
        Some(others) => providers.with(others),
        None => providers,
    })
}

/// The text of a secret; empty when it has no value yet or is malformed. Either way the provider is off until the
/// operator puts its keys.
async fn text_of(secret: &Secret<Value>, freshness: Freshness) -> Result<String, SecretUnavailable> {
    let cached = secret.value().await;
    let read = match freshness {
        Freshness::Cached => cached,
        Freshness::ReadAgain => match secret.refresh_after_failure().await {
            Ok(Some(fresh)) => Ok(fresh),
            Ok(None) => cached,
            Err(error) => Err(error),
        },
    };
    match read {
        Ok(secret) => Ok(secret.to_string()),
        Err(SecretError::Missing { .. } | SecretError::Malformed { .. }) => Ok(String::new()),
        Err(error) => {
            tracing::warn!(cause = %error, "a provider's secret cannot be read");
            Err(SecretUnavailable)
        }
    }
}

impl Settlement {
    /// Refuses a payment method that is not offered, does not take this amount or has no provider key yet: before stock
    /// is reserved for a payment that cannot succeed.
    pub async fn check_method(
        &self,
        provider: ProviderName,
        total: Money,
        offered: &[ProviderName],
    ) -> Result<PaymentMethod, Refusal> {
        let unavailable = Code::PaymentMethodUnavailable;
        if !offered.contains(&provider) {
            return Err(Refusal::of(unavailable));
        }
        self.providers.check(provider, total).map_err(|not_taken| {
            Refusal::because(unavailable, format!("{} cannot take {total}: {not_taken}", provider.as_str()))
        })?;
        let publishable_key = match self.providers.client_key(provider).await {
            Some(ClientKey::Missing) => return Err(Refusal::of(unavailable)),
            Some(key) => key.key().map(str::to_owned),
            // Its keys cannot be read now. The attempt may be opened later.
            None => None,
        };
        Ok(PaymentMethod { provider, publishable_key })
    }

    /// Fixes what the attempt that was just made may be paid with, and how long a bank may take for it: what is offered
    /// is the shop's to say, and never that of whoever is at a provider's dashboard.
    pub fn freeze_methods(&self, placed: &mut PlacedOrder, settings: &Settings) {
        let Some(facts) = self.providers.facts(placed.order.provider) else { return };
        let offered = settings.kinds.iter().filter_map(|kind| (facts.method)(*kind, placed.order.currency));
        let methods = offered.map(str::to_owned).collect();
        placed.freeze_methods(methods, settings.deadlines.slow_payment);
    }

    /// The ways to pay this amount: exactly those that [`Self::check_method`] does not refuse. Zero is not paid.
    pub async fn methods(&self, total: Money, offered: &[ProviderName]) -> Vec<PaymentMethod> {
        if total.is_zero() {
            return vec![PaymentMethod { provider: ProviderName::Unneeded, publishable_key: None }];
        }
        let mut methods = Vec::new();
        for provider in offered {
            methods.extend(self.check_method(*provider, total, offered).await.ok());
        }
        methods
    }

    /// The origins of the pages on which these providers are paid.
    pub fn hosted_pages(&self, providers: &[ProviderName]) -> Vec<&'static str> {
        providers.iter().filter_map(|provider| self.providers.facts(*provider)?.page.origin()).collect()
    }

    /// Fixes what is sent to the provider of the attempt that was just made. Where its pages send the buyer back, an
    /// attempt without a return address comes back to the shop's pages. `hosted_page` asks for the provider's own page,
    /// where the provider lets the shop choose; another has one way of paying.
    pub fn freeze_opening(
        &self,
        placed: &mut PlacedOrder,
        return_url: Option<&str>,
        hosted_page: bool,
        store_url: &str,
    ) {
        let page = self.providers.facts(placed.order.provider).map_or(HostedPage::Never, |facts| facts.page);
        let hosted_page = hosted_page && matches!(page, HostedPage::Asked(_));
        let redirects = hosted_page || matches!(page, HostedPage::Always(_));
        let refunds = self.refund_rules(placed.order.provider, placed.order.currency);
        placed.freeze_opening(return_url.or(redirects.then_some(store_url)), hosted_page, refunds);
    }
}
