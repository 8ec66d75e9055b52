//! Orders that await payment: their payment attempts are looked up at the provider from time to time. Past the deadline
//! the attempts are cancelled at the provider first; then the stock is released and the cart reopened.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::order::PlacedOrder;
use domain::{Outcome, Timestamp};
use settlement::{Closed, Closing};
use store::orders::{Due, Start, next_check};
use store::{Decision, Error};

use crate::Summary;
use crate::round::{Round, is_stuck};

/// Pause before an order is tried again whose provider does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(60);
/// The same for one whose bank is late with its decision: it takes days, and a call a minute would not hurry it.
const UNDECIDED_RETRY_AFTER: Duration = Duration::from_secs(6 * 3600);

/// What becomes of an order with a deadline.
#[derive(Clone, Debug)]
enum Deadline {
    /// It has none any more: the index is eventually consistent.
    None,
    /// It is in the future.
    Ahead(Box<PlacedOrder>),
    /// Something was shipped, so the order stays.
    Waived,
    Expired,
    /// A payment is undecided, or its provider does not answer: nothing is released.
    NotYet(NotYet),
}

/// An order that is past its deadline and cannot be ended yet.
#[derive(Clone, Copy, Debug)]
struct NotYet {
    /// The deadline.
    due_at: Timestamp,
    /// The pause until the next try.
    pause: Duration,
    /// The version of the order that was judged.
    version: u64,
}

impl Round {
    /// Ends an order whose deadline has passed; before the deadline, looks up its payment attempts.
    pub(crate) async fn process_deadline(&self, due: &Due, order: Start, summary: &mut Summary) -> Result<(), Error> {
        let is_paid = AtomicBool::new(false);
        let decide = |placed| self.decide(placed, &is_paid);
        let respond = |_: &PlacedOrder, deadline: &Deadline| Ok((deadline.clone(), None));
        let Outcome::Done(deadline) = self.settlement.orders().change(order, decide, respond).await? else {
            return Ok(());
        };
        match deadline {
            Deadline::None => {
                summary.settled += u32::from(is_paid.into_inner());
                return Ok(());
            }
            Deadline::Ahead(placed) => return self.look_up_payments(due, &placed, summary).await,
            Deadline::NotYet(order) => {
                summary.waiting += 1;
                summary.stuck += u32::from(is_stuck(order.due_at, self.now));
                // Postponed, so that it does not delay what is due after it.
                let at = self.now + order.pause;
                return self.settlement.orders().postpone_at_version(due, at, order.version).await;
            }
            Deadline::Waived => summary.waived += 1,
            Deadline::Expired => summary.expired += 1,
        }
        tracing::info!(order.id = %due.order, order.deadline = ?deadline, "the deadline has passed");
        Ok(())
    }

    async fn decide(
        &self,
        mut placed: PlacedOrder,
        is_paid: &AtomicBool,
    ) -> Result<Decision<PlacedOrder, Deadline>, Error> {
        let Some(due_at) = placed.order.due_at else { return Ok(Decision::Write(placed, Deadline::None)) };
        if due_at > self.now {
            let ahead = Deadline::Ahead(Box::new(placed.clone()));
            return Ok(Decision::Write(placed, ahead));
        }
        let mut ids = platform::ids(self.now);
        if is_under_way(&placed) {
            placed.waive_deadline(&mut ids)?;
            return Ok(Decision::Write(placed, Deadline::Waived));
        }
        let version = placed.order.version;
        let not_yet = |pause| Deadline::NotYet(NotYet { due_at, pause, version });
        match self.settlement.close_open_attempts(&placed, Closing::ToRelease, self.now).await? {
            Closed::All(closed) => {
                placed.close_attempts(&closed, self.now);
                placed.expire(&mut ids)?;
                Ok(Decision::Write(placed, Deadline::Expired))
            }
            // After an amount mismatch the order is still due, and expires.
            Closed::Paid => {
                is_paid.store(true, Ordering::Relaxed);
                Ok(Decision::LoadAgain)
            }
            // That a bank is deciding was news: the order has the time that the bank may take.
            Closed::Undecided(Some(until)) if until > self.now => Ok(Decision::LoadAgain),
            Closed::Undecided(until) => {
                let pause = if until.is_some() { UNDECIDED_RETRY_AFTER } else { RETRY_AFTER };
                Ok(Decision::Write(placed, not_yet(pause)))
            }
            Closed::Silent(_) => Ok(Decision::Write(placed, not_yet(RETRY_AFTER))),
        }
    }

    /// Looks up the payment attempts of an order that awaits payment, because a webhook may have been lost.
    async fn look_up_payments(&self, due: &Due, placed: &PlacedOrder, summary: &mut Summary) -> Result<(), Error> {
        let looked_up = self.settlement.look_up(placed, self.now).await?;
        if looked_up.settled > 0 {
            tracing::warn!(order.id = %due.order, "a lookup found news that no webhook had delivered");
            summary.settled += looked_up.settled;
        }
        match next_check(&placed.order, self.now) {
            // Only the order that was judged: news may have brought another deadline.
            Some(at) => self.settlement.orders().postpone_at_version(due, at, placed.order.version).await,
            None => Ok(()),
        }
    }
}

/// Whether something was already shipped, so that the order goes on without what was not.
fn is_under_way(placed: &PlacedOrder) -> bool {
    placed.vendors.iter().any(|vendor_order| vendor_order.state.has_shipped())
}

#[cfg(test)]
mod tests {
    use domain::examples::{after, ids};
    use domain::order::{NewParcel, OrderState, VendorOrderState};
    use domain::payment::ProviderName;

    use super::*;
    use crate::fixture::{VENDOR, order};

    #[test]
    fn an_order_with_a_parcel_under_way_keeps_what_it_holds() {
        let mut placed = order(ProviderName::CashOnDelivery);
        assert!(!is_under_way(&placed));
        placed.accept(VENDOR, &mut ids(after(60))).unwrap();
        assert!(!is_under_way(&placed));
        placed.ship(VENDOR, &NewParcel::default(), &mut ids(after(120))).unwrap();
        assert!(is_under_way(&placed));
        assert!(placed.waive_deadline(&mut ids(after(899))).is_err(), "the deadline has not passed");
        placed.waive_deadline(&mut ids(after(900))).unwrap();
        assert_eq!((placed.order.due_at, placed.order.state), (None, OrderState::Confirmed));
        assert_eq!(placed.vendors[0].state, VendorOrderState::Shipped);
    }
}
