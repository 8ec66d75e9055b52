//! How long the steps of a vendor order may take.

use serde::{Deserialize, Serialize};

const DAY: u32 = 24 * 60 * 60;

/// How long each step of a vendor order may take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FulfilmentTimes {
    /// Until the vendor accepts: after half of it they are reminded, and at its end it is cancelled.
    pub acceptance_s: u32,
    /// From there until a parcel is shipped: after half of it the vendor is reminded, at its end the operator is told,
    /// and after as long again what was not shipped is cancelled.
    pub shipping_s: u32,
    /// How long a parcel is on its way before it is taken for delivered.
    pub transit_s: u32,
    /// Until the vendor answers a return: at its end it is approved.
    pub return_answer_s: u32,
    /// From there until the goods are back: at its end the return has lapsed.
    pub return_sending_s: u32,
}

impl Default for FulfilmentTimes {
    fn default() -> Self {
        Self {
            acceptance_s: 2 * DAY,
            shipping_s: 7 * DAY,
            transit_s: 30 * DAY,
            return_answer_s: 7 * DAY,
            return_sending_s: 30 * DAY,
        }
    }
}
