//! The formats of product files.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The format in which products are exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Shopify's CSV format.
    #[default]
    Shopify,
    /// WooCommerce's CSV format.
    #[serde(rename = "woocommerce")]
    WooCommerce,
    /// A format that only a newer release knows.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}
