//! Parcels: which units of a vendor order were shipped together, and what became of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text::Line;
use crate::{Money, Timestamp, VariantId};

/// State of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParcelState {
    /// It is on its way.
    Shipped,
    /// The buyer has it.
    Delivered,
    /// The carrier has lost it, or what arrived was worthless.
    Lost,
    /// The buyer did not take it, or was not found, and the vendor has it again.
    ReturnedToSender,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// What can happen to a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParcelStep {
    /// The buyer received it.
    Delivered,
    /// It is given up.
    Lost,
    /// It came back to the vendor.
    ReturnedToSender,
}

impl ParcelState {
    pub const ALL: [Self; 4] = [Self::Shipped, Self::Delivered, Self::Lost, Self::ReturnedToSender];

    /// The states in which a parcel can begin.
    pub const INITIAL: [Self; 1] = [Self::Shipped];

    /// The state after a step; nothing when the step is not allowed in this state.
    pub const fn after(self, step: ParcelStep) -> Option<Self> {
        match (self, step) {
            (Self::Shipped, ParcelStep::Delivered) => Some(Self::Delivered),
            (Self::Shipped, ParcelStep::Lost) => Some(Self::Lost),
            (Self::Shipped, ParcelStep::ReturnedToSender) => Some(Self::ReturnedToSender),
            _ => None,
        }
    }

    /// Whether its goods never came to the buyer and will not come any more.
    pub const fn has_failed(self) -> bool {
        matches!(self, Self::Lost | Self::ReturnedToSender)
    }
}

impl ParcelStep {
    pub const ALL: [Self; 3] = [Self::Delivered, Self::Lost, Self::ReturnedToSender];

    /// The state to which it leads.
    pub const fn leads_to(self) -> ParcelState {
        match self {
            Self::Delivered => ParcelState::Delivered,
            Self::Lost => ParcelState::Lost,
            Self::ReturnedToSender => ParcelState::ReturnedToSender,
        }
    }
}

/// A parcel of a vendor order. Its number is its position among them, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// How many units of each line are in it, by the line's position.
    pub units: Vec<u32>,
    /// Carrier, as the vendor names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Line>,
    /// The carrier's tracking number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<Line>,
    pub state: ParcelState,
    pub shipped_at: Timestamp,
    /// When it was delivered, given up, or came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What the carrier collects for it, of an order that is payable on delivery. Fixed when it is shipped, since the
    /// carrier is told then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Money>,
    /// Whether its goods came back and can be bought again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restocked: bool,
}

/// A parcel of a vendor order, as if there was only one. Releases before 2026-12-02 know no other, and the contract
/// keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shipment {
    /// Carrier, as the vendor names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub carrier: Option<Line>,
    /// The carrier's tracking number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tracking_number: Option<Line>,
    /// When the parcel was shipped.
    pub shipped_at: Timestamp,
    /// When the parcel was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub delivered_at: Option<Timestamp>,
}

impl From<&Parcel> for Shipment {
    fn from(parcel: &Parcel) -> Self {
        Self {
            carrier: parcel.carrier.clone(),
            tracking_number: parcel.tracking_number.clone(),
            shipped_at: parcel.shipped_at,
            delivered_at: parcel.ended_at.filter(|_| parcel.state == ParcelState::Delivered),
        }
    }
}

/// Units of a line that go into a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParcelLine {
    /// Id of the variant.
    pub variant_id: VariantId,
    /// Number of units.
    #[schema(minimum = 1, maximum = 9999)]
    pub quantity: u32,
}

/// A parcel to ship.
#[derive(Clone, Debug, Default)]
pub struct NewParcel {
    pub carrier: Option<Line>,
    pub tracking_number: Option<Line>,
    /// What is in it; without lines, all that is left.
    pub lines: Option<Vec<ParcelLine>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_parcel_is_exactly_this() {
        let mut life = String::new();
        for state in ParcelState::ALL {
            for step in ParcelStep::ALL {
                if let Some(next) = state.after(step) {
                    assert_eq!(next, step.leads_to());
                    life.push_str(&format!("{state:?} + {step:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(life, @"
        Shipped + Delivered -> Delivered
        Shipped + Lost -> Lost
        Shipped + ReturnedToSender -> ReturnedToSender
        ");
    }
}
