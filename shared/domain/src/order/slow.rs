//! Slow payment methods: a bank may take days to decide, and nobody can stop it meanwhile. The order waits for it, to a
//! deadline of its own.

use std::time::Duration;

use super::{OrderState, PlacedOrder};
use crate::payment::{FrozenOpening, Payment, Processing, SLOW_DEADLINE};
use crate::provider_news::PaymentNews;
use crate::{PaymentId, Timestamp};

/// The longest time to pay by other means after a bank has refused: a deadline that earlier banks have moved would grow
/// with each of them.
const MAX_GRACE: Duration = Duration::from_secs(24 * 3600);

impl PlacedOrder {
    /// Fixes what the attempt that was just made may be paid with, by its provider's names, and how long a bank may
    /// take for it.
    pub fn freeze_methods(&mut self, methods: Vec<String>, slow_deadline: Duration) {
        let current = self.order.payment;
        let made = self.payments.iter_mut().find(|payment| payment.id == current);
        let Some(payment) = made.filter(|payment| !payment.provider.is_on_delivery()) else { return };
        payment.slow_deadline = Some(slow_deadline);
        payment.opening.get_or_insert_with(FrozenOpening::default).methods = methods;
    }

    /// Notes whether a bank works on an attempt, and moves the order's deadline with it. Answers whether anything has
    /// changed. News that is merely pending may be older than what is known, so it ends nothing.
    pub(super) fn note_processing(&mut self, payment: PaymentId, news: &PaymentNews, now: Timestamp) -> bool {
        match news {
            PaymentNews::Processing => self.begin_processing(payment, now),
            PaymentNews::Pending => false,
            PaymentNews::Authorized { .. }
            | PaymentNews::Captured { .. }
            | PaymentNews::Failed { .. }
            | PaymentNews::Cancelled => self.end_processing(payment, now),
        }
    }

    fn begin_processing(&mut self, payment: PaymentId, now: Timestamp) -> bool {
        let order_due = self.order.due_at.filter(|_| self.order.state == OrderState::AwaitingPayment);
        let known = self.payments.iter_mut().find(|known| known.id == payment);
        let Some(known) = known.filter(|known| known.processing.is_none() && known.may_be_paid()) else { return false };
        let until = now + known.slow_deadline.unwrap_or(SLOW_DEADLINE);
        known.processing = Some(Processing { since: now, until, order_due });
        if let Some(due) = order_due {
            self.order.due_at = Some(due.max(until));
        }
        true
    }

    fn end_processing(&mut self, payment: PaymentId, now: Timestamp) -> bool {
        let known = self.payments.iter_mut().find(|known| known.id == payment);
        let Some(ended) = known.and_then(|known| known.processing.take()) else { return false };
        let Some(order_due) = ended.order_due else { return true };
        // Another one that began meanwhile goes back behind both.
        for other in self.payments.iter_mut().filter_map(|other| other.processing.as_mut()) {
            other.order_due = other.order_due.map(|due| due.min(order_due));
        }
        if self.order.state == OrderState::AwaitingPayment && self.order.due_at.is_some() {
            // The buyer gets once more the time that they had, to pay by other means.
            let again = now + order_due.since(self.order.placed_at).min(MAX_GRACE);
            let others = self.payments.iter().filter_map(|other| other.processing).map(|other| other.until);
            self.order.due_at = others.chain([order_due.max(again)]).max();
        }
        true
    }

    /// Until when a bank decides about an attempt of an order that waits for it; nothing when none does.
    pub fn decided_by(&self) -> Option<Timestamp> {
        let awaits = self.order.state == OrderState::AwaitingPayment;
        let deciding = self.payments.iter().filter(|payment| awaits && payment.may_be_paid());
        deciding.filter_map(|payment: &Payment| payment.processing).map(|processing| processing.until).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VendorId;
    use crate::examples::{self, after, ids, usd, vendor_card};
    use crate::order::LatePayment;
    use crate::payment::{PaymentState, ProviderName};

    const DAY: u64 = 24 * 3600;

    fn order() -> PlacedOrder {
        let mut placed = examples::order(ProviderName::Stripe, &[vendor_card(VendorId::from_bits(3), "Chorsu")]);
        placed.freeze_methods(vec!["card".to_owned(), "sepa_debit".to_owned()], Duration::from_secs(5 * DAY));
        placed
    }

    fn settle(placed: &mut PlacedOrder, at: u64, news: &PaymentNews) {
        let payment = placed.payments[0].id;
        placed.settle(payment, news, LatePayment::Refund, &mut ids(after(at))).unwrap();
    }

    #[test]
    fn an_order_waits_for_the_bank_and_goes_back_to_its_own_deadline_when_the_bank_refuses() {
        let mut placed = order();
        let due = placed.order.due_at.unwrap();
        let time_to_pay = due.since(placed.order.placed_at).as_secs();
        settle(&mut placed, 60, &PaymentNews::Processing);
        assert_eq!((placed.order.due_at, placed.decided_by()), (Some(after(60 + 5 * DAY)), Some(after(60 + 5 * DAY))));
        // The same again, and older news, move nothing.
        settle(&mut placed, 90, &PaymentNews::Processing);
        settle(&mut placed, 95, &PaymentNews::Pending);
        assert_eq!(placed.order.due_at, Some(after(60 + 5 * DAY)));
        let refused = PaymentNews::Failed { code: "insufficient_funds".into() };
        settle(&mut placed, 3 * DAY, &refused);
        assert_eq!(placed.payments[0].state, PaymentState::Failed);
        assert_eq!((placed.order.due_at, placed.decided_by()), (Some(after(3 * DAY + time_to_pay)), None));
    }

    #[test]
    fn a_bank_that_refuses_again_and_again_moves_the_deadline_by_a_day_at_most() {
        let mut placed = order();
        let refused = PaymentNews::Failed { code: "insufficient_funds".into() };
        for round in 0..4_u64 {
            let at = 60 + round * 6 * DAY;
            // The attempt may be paid again after it was declined.
            settle(&mut placed, at, &PaymentNews::Processing);
            settle(&mut placed, at + 4 * DAY, &refused);
            assert!(placed.order.due_at.unwrap() <= after(at + 5 * DAY), "round {round}");
            placed.order.due_at = placed.order.due_at.map(|due| due.max(after(at + 6 * DAY + 60)));
        }
    }

    #[test]
    fn money_that_a_bank_sends_after_days_pays_the_order() {
        let mut placed = order();
        settle(&mut placed, 60, &PaymentNews::Processing);
        let amount = Some(placed.order.totals.total);
        settle(&mut placed, 4 * DAY, &PaymentNews::Captured { amount });
        assert_eq!((placed.order.state, placed.order.due_at, placed.decided_by()), (OrderState::Paid, None, None));
    }

    #[test]
    fn two_banks_that_decide_at_once_leave_the_first_deadline_behind_them() {
        let mut placed = order();
        let due = placed.order.due_at.unwrap();
        let second = examples::payment(9, placed.order.id, ProviderName::Stripe, usd(1));
        placed.payments.push(second.clone());
        settle(&mut placed, 60, &PaymentNews::Processing);
        placed.settle(second.id, &PaymentNews::Processing, LatePayment::Refund, &mut ids(after(90))).unwrap();
        let refused = PaymentNews::Failed { code: "declined".into() };
        settle(&mut placed, 100, &refused);
        assert_eq!(placed.order.due_at, Some(after(90) + SLOW_DEADLINE));
        placed.settle(second.id, &refused, LatePayment::Refund, &mut ids(after(110))).unwrap();
        assert_eq!(placed.order.due_at, Some(after(110) + due.since(placed.order.placed_at)));
    }
}
