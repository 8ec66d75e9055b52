//! Attempts that may still bring money although the order does not wait for them: their providers are asked until they
//! cannot be paid any more.

use super::{OrderState, PlacedOrder};
use crate::payment::{Payment, PaymentState};
use crate::{PaymentId, Timestamp};

impl Payment {
    /// Whether its provider may still take money for it: a buyer was given a way to pay, and neither has it been paid
    /// nor has its provider closed it.
    pub fn may_still_be_paid(&self) -> bool {
        let is_unpaid = self.state.is_open()
            || matches!(self.state, PaymentState::Failed | PaymentState::Cancelled | PaymentState::Expired);
        is_unpaid && self.closed_at.is_none() && self.was_handed_out() && !self.provider.is_on_delivery()
    }
}

impl PlacedOrder {
    /// Records that the providers of these attempts said that they cannot be paid any more.
    pub fn close_attempts(&mut self, closed: &[PaymentId], now: Timestamp) {
        for payment in self.payments.iter_mut().filter(|payment| closed.contains(&payment.id)) {
            payment.closed_at = payment.closed_at.or(Some(now));
        }
    }

    /// Records that a provider reports an attempt as cancelled. Answers whether that is new.
    pub(super) fn note_closed(&mut self, payment: PaymentId, now: Timestamp) -> bool {
        let is_new = |known: &Payment| known.id == payment && known.may_still_be_paid();
        let is_new = self.payments.iter().any(is_new);
        if is_new {
            self.close_attempts(&[payment], now);
        }
        is_new
    }

    /// Marks the attempts whose providers have to be asked because the order does not wait for them. `before` is the
    /// order before this change. Attempts that had ended before it were closed by earlier releases, which did not
    /// record that.
    pub fn follow_attempts(&mut self, before: Option<&Self>) {
        let waits = self.order.state == OrderState::AwaitingPayment;
        let ended = |payment: &Payment| matches!(payment.state, PaymentState::Cancelled | PaymentState::Expired);
        for payment in &mut self.payments {
            let known = before.and_then(|before| before.payments.iter().find(|known| known.id == payment.id));
            let was_left = known.is_some_and(|known| *known == *payment && ended(known) && !known.is_followed);
            payment.is_followed = !waits && !was_left && payment.may_still_be_paid();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VendorId;
    use crate::examples::{self, after, ids, vendor_card};
    use crate::order::LatePayment;
    use crate::payment::ProviderName;
    use crate::provider_news::PaymentNews;

    /// An order with two attempts that may be paid.
    fn order() -> PlacedOrder {
        let mut placed = examples::order(ProviderName::Stripe, &[vendor_card(VendorId::from_bits(3), "Chorsu")]);
        let second = examples::payment(9, placed.order.id, ProviderName::Stripe, placed.order.totals.total);
        placed.payments.push(second);
        placed
    }

    fn followed(placed: &PlacedOrder) -> Vec<bool> {
        placed.payments.iter().map(|payment| payment.is_followed).collect()
    }

    fn written(mut placed: PlacedOrder, before: &PlacedOrder) -> PlacedOrder {
        placed.follow_attempts(Some(before));
        placed
    }

    #[test]
    fn an_attempt_is_followed_from_the_time_on_when_another_one_has_paid_until_it_is_closed() {
        let before = order();
        assert_eq!(followed(&written(before.clone(), &before)), [false, false], "the order waits for both");
        let mut paid = before.clone();
        let news = PaymentNews::Captured { amount: Some(paid.order.totals.total) };
        paid.settle(paid.payments[0].id, &news, LatePayment::Refund, &mut ids(after(60))).unwrap();
        let paid = written(paid, &before);
        assert_eq!(followed(&paid), [false, true]);
        let mut closed = paid.clone();
        closed
            .settle(closed.payments[1].id, &PaymentNews::Cancelled, LatePayment::Refund, &mut ids(after(70)))
            .unwrap();
        assert_eq!(closed.payments[1].closed_at, Some(after(70)));
        assert_eq!(followed(&written(closed, &paid)), [false, false]);
    }

    #[test]
    fn an_order_that_ends_leaves_those_that_no_provider_has_closed() {
        let before = order();
        let mut expired = before.clone();
        let over = after(3_600);
        expired.close_attempts(&[expired.payments[0].id], over);
        expired.expire(&mut ids(over)).unwrap();
        let expired = written(expired, &before);
        assert_eq!(followed(&expired), [false, true]);
        // Whatever else is written later, it stays so.
        assert_eq!(followed(&written(expired.clone(), &expired)), [false, true]);
    }

    #[test]
    fn an_attempt_that_an_earlier_release_has_ended_and_one_that_nobody_can_pay_are_left_alone() {
        let mut before = order();
        before.expire(&mut ids(after(3_600))).unwrap();
        assert_eq!(followed(&written(before.clone(), &before)), [false, false]);
        let mut unopened = order();
        unopened.payments[1].reference = None;
        let before = unopened.clone();
        unopened.expire(&mut ids(after(3_600))).unwrap();
        assert_eq!(followed(&written(unopened, &before)), [true, false]);
    }
}
