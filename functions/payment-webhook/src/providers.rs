//! The payment providers, connected to the platform's HTTP client and secrets.

use std::sync::Arc;
use std::time::Duration;

use payments::{Freshness, HttpFailure, Providers, SecretUnavailable};
use platform::{Config, Fatal, HttpError, SecretError};
use serde_json::Value;

/// Timeout of one call to a provider. API Gateway's timeout for the whole request is 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The providers with the keys and base URLs of this environment.
///
/// # Errors
/// An environment variable is missing or invalid.
pub fn from_config(config: &Config) -> Result<Providers, Fatal> {
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
    let stripe = Arc::new(config.secret::<Value>("STRIPE_SECRET_ARN")?);
    let secrets = move |_, freshness| {
        let stripe = Arc::clone(&stripe);
        async move {
            let cached = stripe.value().await;
            let read = match freshness {
                Freshness::Cached => cached.map(Some),
                Freshness::ReadAgain => match stripe.refresh_after_failure().await {
                    Ok(None) => cached.map(Some),
                    other => other,
                },
            };
            match read {
                Ok(Some(secret)) => Ok(secret.to_string()),
                Ok(None) => Err(SecretUnavailable),
                // Treated like a missing key: the operator has to correct the secret before anything can be paid.
                Err(SecretError::Malformed { .. }) => Ok(String::new()),
                Err(error) => {
                    tracing::error!(cause = %error, "a provider's secret cannot be read");
                    Err(SecretUnavailable)
                }
            }
        }
    };
    Ok(Providers::new(Arc::new(http), Arc::new(secrets), config.required("STRIPE_API_BASE")?))
}
