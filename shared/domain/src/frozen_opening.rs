//! What an attempt sends to its provider, fixed when it is made.

use serde::{Deserialize, Serialize};

/// What is sent to a provider when an attempt is opened, besides its ids and its amount, which never change.
///
/// It is fixed when the attempt is made: opening it again sends the same bytes under the same idempotency key, also
/// after a deployment has changed what new attempts send. What is absent here is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenOpening {
    /// Where the buyer comes back to: sent by whoever opens the provider's page, the provider's file or its library in
    /// the buyer's client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// What the payment is for, as the provider shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The kinds of payment methods that it may be paid with, by the provider's names; nothing in attempts of releases
    /// before 2026-12-02, which left them to the provider's dashboard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Whether the buyer pays on the provider's own page, where the provider also has a library for the buyer's client.
    /// An older release that opens such an attempt again asks for the library's payment: the provider refuses that,
    /// since the attempt's idempotency key belongs to the page.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hosted_page: bool,
}
