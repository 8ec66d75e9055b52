//! Returns: goods that the buyer sends back to the vendor.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::order::ParcelLine;
use crate::text::Note;
use crate::{RefundId, Timestamp};

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
    /// The goods were not sent back in time.
    Expired,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
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
    /// The goods were not sent back in time.
    Expired,
}

impl ReturnState {
    pub const ALL: [Self; 6] =
        [Self::Requested, Self::Approved, Self::Declined, Self::Received, Self::Refunded, Self::Expired];

    /// The states in which a return can begin.
    pub const INITIAL: [Self; 1] = [Self::Requested];

    /// The state after a step; nothing when the step is not allowed in this state.
    pub const fn after(self, step: ReturnStep) -> Option<Self> {
        match (self, step) {
            (Self::Requested, ReturnStep::Approved) => Some(Self::Approved),
            (Self::Requested, ReturnStep::Declined) => Some(Self::Declined),
            (Self::Approved, ReturnStep::Received) => Some(Self::Received),
            (Self::Approved, ReturnStep::Expired) => Some(Self::Expired),
            (Self::Received, ReturnStep::Refunded) => Some(Self::Refunded),
            _ => None,
        }
    }
}

impl ReturnStep {
    pub const ALL: [Self; 5] = [Self::Approved, Self::Declined, Self::Received, Self::Refunded, Self::Expired];
}

/// Why the buyer gives something back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnReason {
    /// The buyer does not want it any more.
    ChangedMind,
    /// It came damaged or does not work.
    Damaged,
    /// It is not what was described.
    NotAsDescribed,
    /// It is not what was ordered.
    WrongItem,
    /// A reason that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// A return of a vendor order. Its number is its position among them, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    pub state: ReturnState,
    /// How many units of each line are given back, by the line's position.
    pub units: Vec<u32>,
    pub reason: ReturnReason,
    pub requested_at: Timestamp,
    /// When it came into its state.
    pub since: Timestamp,
    /// Why the vendor does not take it back, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// Whether its goods can be bought again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restocked: bool,
    /// The refund of what was paid for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
}

/// What a buyer wants to give back.
#[derive(Clone, Debug)]
pub struct NewReturn {
    pub lines: Vec<ParcelLine>,
    pub reason: ReturnReason,
}

impl Return {
    /// Whether somebody is awaited: its goods are not back yet, and it has not ended.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, ReturnState::Requested | ReturnState::Approved)
    }
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
        Approved + Expired -> Expired
        Received + Refunded -> Refunded
        ");
    }
}
