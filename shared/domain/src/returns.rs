//! Returns: goods that the buyer sends back to the vendor.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// State of a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnState {
    /// The buyer asked for it.
    Requested,
    /// The vendor will take the goods back.
    Approved,
    /// The vendor will not take the goods back.
    Declined,
    /// The goods have arrived at the vendor.
    Received,
    /// The money for the goods was refunded.
    Refunded,
}

/// What can happen to a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnStep {
    /// The vendor agrees to take the goods back.
    Approved,
    /// The vendor does not take the goods back.
    Declined,
    /// The goods have arrived at the vendor.
    Received,
    /// The money for the goods was refunded.
    Refunded,
}

impl ReturnState {
    pub const ALL: [Self; 5] = [Self::Requested, Self::Approved, Self::Declined, Self::Received, Self::Refunded];

    /// The states in which a return can begin.
    pub const INITIAL: [Self; 1] = [Self::Requested];

    /// The state after a step; nothing when the step is not allowed in this state.
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
