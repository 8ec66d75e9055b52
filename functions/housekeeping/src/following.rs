//! Payment attempts that their orders do not wait for, because another one has paid or the order has ended: their
//! providers are asked to close them until they cannot be paid any more.

use std::time::Duration;

use domain::order::{LatePayment, PlacedOrder};
use domain::provider_news::PaymentNews;
use domain::{Outcome, PaymentId, Timestamp};
use settlement::Followed;
use store::orders::{Due, Start};
use store::{Decision, Error};

use crate::Summary;
use crate::round::{Round, is_stuck};

/// The shortest pause before the provider is asked again.
const MIN_PAUSE: Duration = Duration::from_secs(60);
/// The longest one.
const MAX_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// An attempt that may still be paid.
#[derive(Clone, Copy, Debug)]
struct LeftOpen {
    made_at: Timestamp,
    /// Whether a bank decides about it, which takes days and needs nobody.
    is_deciding: bool,
}

/// The pause before something is tried again that has been waiting since then: half of that time, so that tries become
/// ever more seldom.
pub(crate) fn pause_after_waiting(since: Timestamp, now: Timestamp, most: Duration) -> Duration {
    (now.since(since) / 2).clamp(MIN_PAUSE, most)
}

impl Round {
    /// Asks the provider to close an attempt, if that is still to be done: the index is eventually consistent.
    pub(crate) async fn follow(
        &self,
        due: &Due,
        order: Start,
        id: PaymentId,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        let decide = |placed| self.decide_following(placed, id);
        let respond = |_: &PlacedOrder, left_open: &Option<LeftOpen>| Ok((*left_open, None));
        let changed = self.settlement.orders().change(order, decide, respond).await?;
        let Outcome::Done(Some(open)) = changed else { return Ok(()) };
        summary.waiting += 1;
        summary.stuck += u32::from(!open.is_deciding && is_stuck(open.made_at, self.now));
        self.postpone(due, pause_after_waiting(open.made_at, self.now, MAX_PAUSE), summary).await;
        Ok(())
    }

    /// The order with the attempt closed, or what is known of one that may still be paid.
    async fn decide_following(
        &self,
        mut placed: PlacedOrder,
        id: PaymentId,
    ) -> Result<Decision<PlacedOrder, Option<LeftOpen>>, Error> {
        let followed = placed.payments.iter().find(|payment| payment.id == id && payment.is_followed).cloned();
        let Some(payment) = followed else { return Ok(Decision::Write(placed, None)) };
        match self.settlement.follow(&payment, self.now).await? {
            Followed::Closed => {
                let mut ids = platform::ids(self.now);
                placed.settle(id, &PaymentNews::Cancelled, LatePayment::Refund, &mut ids)?;
                Ok(Decision::Write(placed, None))
            }
            Followed::Paid => Ok(Decision::LoadAgain),
            Followed::Open => {
                let open = LeftOpen { made_at: payment.created_at, is_deciding: payment.processing.is_some() };
                Ok(Decision::Write(placed, Some(open)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::examples::after;

    use super::*;

    #[test]
    fn a_provider_that_keeps_an_attempt_open_is_asked_ever_more_seldom() {
        let mut at = after(0);
        let mut pauses = Vec::new();
        for _ in 0..14 {
            let pause = pause_after_waiting(after(0), at, MAX_PAUSE);
            pauses.push(pause.as_secs() / 60);
            at = at + pause;
        }
        assert_eq!(pauses, [1, 1, 1, 1, 2, 3, 5, 7, 11, 17, 25, 38, 57, 86]);
        assert_eq!(pause_after_waiting(after(0), after(1_000_000), MAX_PAUSE), MAX_PAUSE);
    }
}
