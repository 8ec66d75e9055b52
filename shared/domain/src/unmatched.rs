//! News of money that belongs to no order of ours. It is kept: somebody paid, and somebody has to find out for what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::payment::ProviderName;
use crate::{EventId, Money, OrderId, Timestamp};

/// What a provider told of money that no order here knows. Each thing at the provider is kept once, however often it tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmatchedPayment {
    /// Id, and that of the event by which the operator is told.
    pub id: EventId,
    /// Who told it.
    pub provider: ProviderName,
    /// What moved.
    pub what: MoneyMovement,
    /// The provider's name for it.
    pub reference: String,
    /// How much; nothing when it is no amount that can be expressed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The order that the provider names, which is not here or does not know of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// When it was told first.
    pub at: Timestamp,
}

/// Which way money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoneyMovement {
    /// It was taken from a buyer.
    Payment,
    /// It went back.
    Refund,
    /// A bank wants it back.
    Dispute,
}

impl MoneyMovement {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
        }
    }
}
