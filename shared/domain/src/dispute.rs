//! Disputes: a buyer's bank wants money back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DisputeId, Money, OrderId, PaymentId, Timestamp};

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    /// The money is held back.
    Opened,
    /// It came back to us.
    Won,
    /// It went to the buyer.
    Lost,
}

/// What can happen to a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStep {
    /// The bank decided for the shop.
    Won,
    /// The bank decided for the buyer.
    Lost,
}

impl DisputeState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Opened, Self::Won, Self::Lost];

    /// Where a dispute begins.
    pub const INITIAL: [Self; 1] = [Self::Opened];

    /// The state after a step; nothing when the step cannot happen now.
    pub const fn after(self, step: DisputeStep) -> Option<Self> {
        match (self, step) {
            (Self::Opened, DisputeStep::Won) => Some(Self::Won),
            (Self::Opened, DisputeStep::Lost) => Some(Self::Lost),
            (Self::Won | Self::Lost, DisputeStep::Won | DisputeStep::Lost) => None,
        }
    }
}

impl DisputeStep {
    /// Every step.
    pub const ALL: [Self; 2] = [Self::Won, Self::Lost];
}

/// A dispute about one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Id.
    pub id: DisputeId,
    /// Which order.
    pub order: OrderId,
    /// About which payment.
    pub payment: PaymentId,
    /// The provider's name for it.
    pub reference: String,
    /// How much; nothing when it is no amount that we can express.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Where it stands.
    pub state: DisputeState,
    /// What the buyer's bank says is wrong.
    pub reason: String,
    /// When it was opened; nothing while only its end is known, because the news of it came first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_dispute_is_exactly_this() {
        let mut life = String::new();
        for state in DisputeState::ALL {
            for step in DisputeStep::ALL {
                if let Some(next) = state.after(step) {
                    life.push_str(&format!("{state:?} + {step:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(life, @"
        Opened + Won -> Won
        Opened + Lost -> Lost
        ");
    }
}
