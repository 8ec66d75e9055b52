//! The keys of one Stripe account.

use std::fmt;

use serde::Deserialize;

/// The longest publishable key, in bytes: Stripe's have about a hundred.
const MAX_KEY_LENGTH: usize = 255;

/// The JSON in the secret store:
/// `{"api_key":"sk_…","publishable_key":"pk_…","webhook_secret":{"current":"whsec_…","previous":null}}`.
#[derive(Clone, Deserialize)]
pub struct StripeSecret {
    api_key: String,
    /// The key that is handed to buyers' clients (<https://docs.stripe.com/keys>). Secrets that were put before
    /// 2026-12-02 have none.
    #[serde(default)]
    publishable_key: Option<String>,
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
    /// Reads the JSON of the secret store; `None` when it is something else, a part of it is empty (anybody could forge
    /// a signature made with an empty secret), or the publishable key stands in the place of the secret one.
    pub fn parse(text: &str) -> Option<Self> {
        let secret: Self = serde_json::from_str(text).ok()?;
        let filled = !secret.api_key.is_empty()
            && secret.api_key.bytes().all(|character| character.is_ascii_graphic())
            && !secret.api_key.starts_with(PUBLISHABLE)
            && secret.webhook_secrets().all(|secret| !secret.is_empty());
        filled.then_some(secret)
    }

    /// The key for buyers' clients, if it is certainly one: it is shown to everybody, so anything else, such as a
    /// secret key by mistake, is kept here. One for tests opens nothing of a live account, nor the other way round.
    pub fn publishable_key(&self) -> Option<&str> {
        let key = self.publishable_key.as_deref()?;
        let is_plain = |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_one = key.len() <= MAX_KEY_LENGTH
            && key.strip_prefix(PUBLISHABLE).is_some_and(|rest| !rest.is_empty() && is_plain(rest));
        let fits = match (mode(key), mode(&self.api_key)) {
            (Some(public), Some(secret)) => public == secret,
            _ => true,
        };
        (is_one && fits).then_some(key)
    }

    pub(super) fn api_key(&self) -> &str {
        &self.api_key
    }

    pub(super) fn webhook_secrets(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.webhook_secret.current.as_str()).chain(self.webhook_secret.previous.as_deref())
    }
}

/// How each publishable key begins. Secret ones begin with `sk_`, or `rk_` when they are restricted.
const PUBLISHABLE: &str = "pk_";

/// `live` or `test`, the second part of a key; nothing for a key that does not say.
fn mode(key: &str) -> Option<&str> {
    key.split('_').nth(1).filter(|mode| ["live", "test"].contains(mode))
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
    fn only_what_is_certainly_a_publishable_key_of_the_same_mode_is_shown() {
        let shown = |api_key: &str, publishable: &str| {
            let text = format!(
                r#"{{"api_key":"{api_key}","publishable_key":"{publishable}","webhook_secret":{{"current":"whsec_a"}}}}"#
            );
            StripeSecret::parse(&text).and_then(|secret| secret.publishable_key().map(str::to_owned))
        };
        for (api_key, key) in
            [("sk_live_1", "pk_live_1"), ("rk_test_1", "pk_test_51Qx_2"), ("k", "pk_live_1"), ("sk_test_1", "pk_1")]
        {
            assert_eq!(shown(api_key, key).as_deref(), Some(key), "{api_key}");
        }
        let long = format!("pk_live_{}", "x".repeat(MAX_KEY_LENGTH));
        for key in ["", "pk_", "sk_live_1", "rk_live_1", "whsec_a", "PK_live_1", " pk_live_1", "pk_live_<1>", &long] {
            assert_eq!(shown("sk_live_1", key), None, "{key}");
        }
        assert_eq!(shown("sk_live_1", "pk_test_1"), None, "of another mode");
        assert_eq!(shown("pk_live_1", "pk_live_1"), None, "no secret key at all");
        let text = r#"{"api_key":"k","publishable_key":null,"webhook_secret":{"current":"whsec_a"}}"#;
        assert_eq!(StripeSecret::parse(text).unwrap().publishable_key(), None);
    }

    #[test]
    fn an_empty_or_broken_secret_is_none() {
        for text in [
            "",
            "whsec_a",
            r#"{"api_key":"","webhook_secret":{"current":"whsec_a"}}"#,
            r#"{"api_key":"a b","webhook_secret":{"current":"whsec_a"}}"#,
            r#"{"api_key":"pk_live_1","webhook_secret":{"current":"whsec_a"}}"#,
            r#"{"api_key":"k","webhook_secret":{"current":""}}"#,
            r#"{"api_key":"k","webhook_secret":{"current":"whsec_b","previous":""}}"#,
        ] {
            assert!(StripeSecret::parse(text).is_none(), "{text}");
        }
    }
}
