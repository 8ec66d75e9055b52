//! Deadlines of vendor orders: what has to exist before each, and the time in which it passes.

use std::time::Duration;

use super::scenario::Scenario;

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Longer than the interval of housekeeping.
const A_ROUND: Duration = Duration::from_secs(61);

/// A deadline of the vendor orders of a paid order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deadline {
    /// Nobody accepts.
    Acceptance,
    /// What was accepted is not shipped, and the operator was told.
    Shipping,
    /// Nobody says that it was delivered.
    Transit,
    /// Nothing can be given back any more.
    ReturnWindow,
    /// Nobody answers a return.
    ReturnAnswer,
    /// The goods of an approved return do not come.
    ReturnSending,
}

impl Scenario {
    pub(super) async fn prepare_deadline(&self, deadline: Deadline) {
        self.shop.stripe(self.id(), "succeed").await;
        let steps: &[&str] = match deadline {
            Deadline::Acceptance => &[],
            Deadline::Shipping => &["accept"],
            Deadline::Transit => &["accept", "ship"],
            Deadline::ReturnWindow | Deadline::ReturnAnswer | Deadline::ReturnSending => &["accept", "ship", "deliver"],
        };
        for vendor in [&self.bowl.vendor, &self.scarf.vendor] {
            for step in steps {
                self.vendor_step(vendor, step).await.expect(200);
            }
        }
        match deadline {
            Deadline::Acceptance => self.shop.advance(DAY).await,
            Deadline::Shipping => self.shop.advance(DAY * 7 + A_ROUND).await,
            Deadline::Transit | Deadline::ReturnWindow => {}
            Deadline::ReturnAnswer | Deadline::ReturnSending => {
                self.ask_for_return().await.expect(200);
            }
        }
        if deadline == Deadline::ReturnSending {
            self.vendor_step(&self.bowl.vendor, "returns/1/approve").await.expect(200);
        }
    }

    pub(super) async fn pass_deadline(&self, deadline: Deadline) {
        let days = match deadline {
            Deadline::Acceptance => 1,
            Deadline::Shipping | Deadline::ReturnAnswer => 7,
            Deadline::ReturnWindow => 15,
            Deadline::Transit | Deadline::ReturnSending => 30,
        };
        self.shop.advance(DAY * days + A_ROUND).await;
    }
}
