//! What the operator sets. Read from a cache that is at most 30 seconds old.

use serde::{Deserialize, Serialize};

use crate::order::Deadlines;
use crate::payment::ProviderName;
use crate::pricing::Rates;

/// The shop's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Tax and commission.
    pub rates: Rates,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// How orders can be paid, in the order in which they are offered.
    pub providers: Vec<ProviderName>,
    /// Counts changes.
    pub version: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rates: Rates::default(),
            deadlines: Deadlines::default(),
            providers: ProviderName::ALL.to_vec(),
            version: 0,
        }
    }
}
