//! Parameters of pages that everybody links to: what cannot be read is passed over.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A value that parses; nothing instead of another one.
pub(crate) fn known<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    let told = Option::<String>::deserialize(deserializer)?;
    Ok(told.and_then(|told| told.parse().ok()))
}
