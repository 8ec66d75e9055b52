//! Disputes (chargebacks): the buyer's bank wants the money of a payment back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stored::Kept;
use crate::{DisputeId, Money, OrderId, PaymentId, Timestamp};

/// State of a dispute: open until the buyer's bank decides. One that was won may still be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    /// The bank has not decided; the provider holds the money back.
    Opened,
    /// The bank decided for the shop: the money stays.
    Won,
    /// The bank decided for the buyer: the money is charged back.
    Lost,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
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
    pub const ALL: [Self; 3] = [Self::Opened, Self::Won, Self::Lost];

    /// The states in which a dispute can begin.
    pub const INITIAL: [Self; 1] = [Self::Opened];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Other => "other",
        }
    }

    /// The state after a step; nothing when the step is not allowed in this state.
    pub const fn after(self, step: DisputeStep) -> Option<Self> {
        match (self, step) {
            (Self::Opened, DisputeStep::Won) => Some(Self::Won),
            // Some banks may open a dispute again that was won, and the second decision is final.
            (Self::Opened | Self::Won, DisputeStep::Lost) => Some(Self::Lost),
            (Self::Won | Self::Lost | Self::Other, DisputeStep::Won)
            | (Self::Lost | Self::Other, DisputeStep::Lost) => None,
        }
    }
}

impl DisputeStep {
    pub const ALL: [Self; 2] = [Self::Won, Self::Lost];
}

/// A dispute about one payment, known by what the provider reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    pub id: DisputeId,
    pub order: OrderId,
    pub payment: PaymentId,
    /// The provider's id of the dispute.
    pub reference: String,
    /// The disputed amount; nothing when it cannot be expressed as [`Money`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    pub state: DisputeState,
    /// The reason that the buyer's bank gives, as the provider spells it.
    pub reason: String,
    /// Until when the shop may answer it; nothing when the provider names no time, and in disputes of releases before
    /// 2026-12-03.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_due_at: Option<Timestamp>,
    /// When the provider named that time last: news that is older does not change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_told_at: Option<Timestamp>,
    /// When it was opened; nothing while only the news of its decision has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When it was decided; nothing while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
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
        Won + Lost -> Lost
        ");
    }
}
