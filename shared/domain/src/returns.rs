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
    Refused,
    /// They have arrived at the seller's.
    Received,
    /// Their money went back.
    Refunded,
}

/// What can happen to a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnEvent {
    /// The seller takes the goods back.
    Approved,
    /// The seller does not take them back.
    Refused,
    /// They have arrived.
    Received,
    /// Their money went back.
    Refunded,
}

impl ReturnState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Requested, Self::Approved, Self::Refused, Self::Received, Self::Refunded];

    /// Where a return begins.
    pub const INITIAL: [Self; 1] = [Self::Requested];

    /// The state after an event; nothing when the event cannot happen now.
    pub const fn after(self, event: ReturnEvent) -> Option<Self> {
        match (self, event) {
            (Self::Requested, ReturnEvent::Approved) => Some(Self::Approved),
            (Self::Requested, ReturnEvent::Refused) => Some(Self::Refused),
            (Self::Approved, ReturnEvent::Received) => Some(Self::Received),
            (Self::Received, ReturnEvent::Refunded) => Some(Self::Refunded),
            _ => None,
        }
    }
}

impl ReturnEvent {
    /// Every event.
    pub const ALL: [Self; 4] = [Self::Approved, Self::Refused, Self::Received, Self::Refunded];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_return_is_exactly_this() {
        let mut life = String::new();
        for state in ReturnState::ALL {
            for event in ReturnEvent::ALL {
                if let Some(next) = state.after(event) {
                    life.push_str(&format!("{state:?} + {event:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(life, @"
        Requested + Approved -> Approved
        Requested + Refused -> Refused
        Approved + Received -> Received
        Received + Refunded -> Refunded
        ");
    }
}
