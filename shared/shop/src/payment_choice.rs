//! How a buyer wants to pay: what is chosen at checkout, and for each further attempt.

use domain::payment::ProviderName;
use serde::Deserialize;
use utoipa::ToSchema;

/// The chosen payment method.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentChoice {
    /// One of the cart's payment methods.
    pub(crate) provider: ProviderName,
    /// Where the buyer comes back to after a redirect: on the address of the shop's pages, or of one that may call the
    /// API from a browser. `{order}` in it stands for the order's id.
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(format = "uri-template", examples("https://shop.example/orders/{order}"))]
    pub(crate) return_url: Option<String>,
    /// Whether the buyer pays on the provider's own page instead of with its library in yours: the answer's action is
    /// then `redirect`, and the buyer comes back to `return_url`, else to the shop's pages. For browsers without
    /// script, and clients without the library. A provider that has only one of the two ignores it.
    #[serde(default)]
    pub(crate) hosted_page: bool,
}

/// The payment method of the next attempt.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryPayment {
    /// One of the marketplace's payment methods, not necessarily the one of the last attempt.
    pub(crate) provider: ProviderName,
    /// Where the buyer comes back to after a redirect: on the address of the shop's pages, or of one that may call the
    /// API from a browser. `{order}` in it stands for the order's id.
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(format = "uri-template", examples("https://shop.example/orders/{order}"))]
    pub(crate) return_url: Option<String>,
    /// Whether the buyer pays on the provider's own page instead of with its library in yours: the answer's action is
    /// then `redirect`, and the buyer comes back to `return_url`, else to the shop's pages. For browsers without
    /// script, and clients without the library. A provider that has only one of the two ignores it.
    #[serde(default)]
    pub(crate) hosted_page: bool,
}
