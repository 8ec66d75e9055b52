//! Unmatched payments: a provider reports money that no order here knows. They are stored for the operator to resolve.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::payment::ProviderName;
use crate::{EventId, Money, OrderId, Timestamp};

/// Money that a provider reported and that no order here knows. Each payment, refund or dispute is stored once, however
/// often it is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnmatchedPayment {
    /// Id of the record, and of the outbox event that notifies the operator.
    pub id: EventId,
    /// The provider that reported it.
    pub provider: ProviderName,
    /// Whether money was paid, refunded or disputed.
    pub what: MoneyMovement,
    /// The provider's id of the payment, refund or dispute.
    #[schema(examples("pi_3Qx7Yb2eZvKYlo2C"))]
    pub reference: String,
    /// The amount; absent when it cannot be expressed in minor units of a known currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The order that the provider names: it does not exist here, or does not know this money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// When it was reported for the first time.
    pub at: Timestamp,
}

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
