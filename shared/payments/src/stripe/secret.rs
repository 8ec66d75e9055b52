//! The keys of one Stripe account.

use std::fmt;

use serde::Deserialize;

/// The JSON in the secret store: `{"api_key":"sk_…","webhook_secret":{"current":"whsec_…","previous":null}}`.
#[derive(Clone, Deserialize)]
pub struct StripeSecret {
    api_key: String,
    webhook_secret: WebhookSecret,
}

/// The webhook endpoint's secret, and the previous one while it is being rotated.
#[derive(Clone, Deserialize)]
pub struct WebhookSecret {
    current: String,
    #[serde(default)]
    previous: Option<String>,
}

impl StripeSecret {
    /// Reads the JSON of the secret store; `None` when it is something else, or a part of it is empty: anybody could
    /// forge a signature made with an empty secret.
    pub fn parse(text: &str) -> Option<Self> {
        let secret: Self = serde_json::from_str(text).ok()?;
        let filled = !secret.api_key.is_empty()
            && secret.api_key.bytes().all(|character| character.is_ascii_graphic())
            && secret.webhook_secrets().all(|secret| !secret.is_empty());
        filled.then_some(secret)
    }

    pub(super) fn api_key(&self) -> &str {
        &self.api_key
    }

    pub(super) fn webhook_secrets(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.webhook_secret.current.as_str()).chain(self.webhook_secret.previous.as_deref())
    }
}

impl fmt::Debug for StripeSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StripeSecret(…)")
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_with_and_without_a_previous_one_and_never_shown() {
        for text in [
            r#"{"api_key":"sk_test_key","webhook_secret":{"current":"whsec_a","previous":null}}"#,
            r#"{"api_key":"sk_test_key","webhook_secret":{"current":"whsec_a"}}"#,
        ] {
            let secret = StripeSecret::parse(text).unwrap();
            assert_eq!(secret.webhook_secrets().collect::<Vec<_>>(), ["whsec_a"]);
            assert!(!format!("{secret:?}{:?}", secret.webhook_secret).contains("_a"));
        }
        let rotated = r#"{"api_key":"k","webhook_secret":{"current":"whsec_b","previous":"whsec_a"}}"#;
        assert_eq!(StripeSecret::parse(rotated).unwrap().webhook_secrets().count(), 2);
    }

    #[test]
    fn an_empty_or_broken_secret_is_none() {
        for text in [
            "",
            "whsec_a",
            r#"{"api_key":"","webhook_secret":{"current":"whsec_a"}}"#,
            r#"{"api_key":"a b","webhook_secret":{"current":"whsec_a"}}"#,
            r#"{"api_key":"k","webhook_secret":{"current":""}}"#,
            r#"{"api_key":"k","webhook_secret":{"current":"whsec_b","previous":""}}"#,
        ] {
            assert!(StripeSecret::parse(text).is_none(), "{text}");
        }
    }
}
