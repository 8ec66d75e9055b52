//! Vendor orders that wait for somebody: who is awaited is reminded, and what nobody does is done or undone.

use std::time::Duration;

use domain::order::{Lapse, PlacedOrder};
use domain::{Outcome, Refusal, Timestamp, VendorId};
use store::orders::{Due, Start};
use store::{Decision, Error};

use crate::Summary;
use crate::round::Round;

/// Pause before a vendor order is looked at again for which nobody is awaited while a bank decides about the payment.
/// The bank's decision sets its deadline anew.
const WHILE_DISPUTED: Duration = Duration::from_secs(24 * 3600);

impl Round {
    /// Does what the passed deadline of a vendor order is for.
    pub(crate) async fn lapse(
        &self,
        due: &Due,
        order: Start,
        vendor: VendorId,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        let decide = |mut placed: PlacedOrder| {
            let lapse = lapse_all(&mut placed, vendor, self.now).map_err(Error::from);
            let next = placed.vendor_order(vendor).and_then(|one| one.next_deadline()).map(|(at, _)| at);
            std::future::ready(lapse.map(|lapse| Decision::Write(placed, (lapse, next))))
        };
        let respond = |_: &PlacedOrder, done: &(Option<Lapse>, Option<Timestamp>)| Ok((*done, None));
        match self.settlement.orders().change(order, decide, respond).await? {
            Outcome::Done((Some(lapse), _)) => {
                tracing::info!(
                    order.id = %due.order, vendor.id = %vendor, ?lapse, "the deadline of a vendor order has passed"
                );
                summary.lapsed += 1;
            }
            // A bank decides; or the index has a time that is no longer its own, such as one that an earlier release,
            // which knows none, has left.
            Outcome::Done((None, next)) => {
                let ahead = next.filter(|next| *next > self.now).map(|next| next.since(self.now));
                self.postpone(due, ahead.map_or(WHILE_DISPUTED, |ahead| ahead.min(WHILE_DISPUTED)), summary).await;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Does all that is due about a vendor order, up to a reminder, which somebody has to be able to heed. Answers with
/// the last of it.
fn lapse_all(placed: &mut PlacedOrder, vendor: VendorId, now: Timestamp) -> Result<Option<Lapse>, Refusal> {
    let mut last = None;
    while let Some(lapse) = placed.lapse(vendor, &mut platform::ids(now))? {
        last = Some(lapse);
        if lapse.is_reminder() {
            break;
        }
    }
    Ok(last)
}
