//! Returns: goods on their way back to their seller.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a return stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnState {
    /// The buyer asked for it.
    Requested,
    /// The seller takes the goods back.
    Approved,
    /// The seller does not take them back.
    Declined,
    /// They have arrived at the seller's.
    Received,
    /// Their money went back.
    Refunded,
}

/// What can happen to a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnStep {
    /// The seller takes the goods back.
    Approved,
    /// The seller does not take them back.
    Declined,
    /// They have arrived.
    Received,
    /// Their money went back.
    Refunded,
}

impl ReturnState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Requested, Self::Approved, Self::Declined, Self::Received, Self::Refunded];

    /// Where a return begins.
    pub const INITIAL: [Self; 1] = [Self::Requested];

    /// The state after a step; nothing when the step cannot happen now.
    pub const fn after(self, step: ReturnStep) -> Option<Self> {
        match (self, step) {
            (Self::Requested, ReturnStep::Approved) => Some(Self::Approved),
            (Self::Requested, ReturnStep::Declined) => Some(Self::Declined),
            (Self::Approved, ReturnStep::Received) => Some(Self::Received),
            (Self::Received, ReturnStep::Refunded) => Some(Self::Refunded),
            _ => None,
        }
    }
}

impl ReturnStep {
    /// Every step.
    pub const ALL: [Self; 4] = [Self::Approved, Self::Declined, Self::Received, Self::Refunded];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_return_is_exactly_this() {
        let mut life = String::new();
        for state in ReturnState::ALL {
            for step in ReturnStep::ALL {
                if let Some(next) = state.after(step) {
                    life.push_str(&format!("{state:?} + {step:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(life, @"
        Requested + Approved -> Approved
        Requested + Declined -> Declined
        Approved + Received -> Received
        Received + Refunded -> Refunded
        ");
    }
}
