//! The direction in which money moved at a provider.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The direction in which money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoneyMovement {
    /// A buyer paid.
    Payment,
    /// A buyer was refunded.
    Refund,
    /// A buyer's bank wants the money back.
    Dispute,
    /// A movement that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

impl MoneyMovement {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::Other => "other",
        }
    }
}
