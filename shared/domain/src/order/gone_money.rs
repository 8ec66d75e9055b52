//! What follows for goods when their money is disputed or gone, and for refunds when somebody has given the money back
//! at the provider's dashboard.

use super::{Actor, HistoryEvent, OrderEventKind, OrderState, PlacedOrder};
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::payment::{Refund, RefundReason, RefundState, RefundStep};
use crate::{Money, PaymentId, RefundId};

impl PlacedOrder {
    /// Whether nothing may be accepted or shipped for now: the buyer's bank decides about the payment.
    pub fn is_held(&self) -> bool {
        self.is_disputed(self.order.payment)
    }

    pub(super) fn check_not_held(&self) -> Result<(), Refusal> {
        if self.is_held() { Err(Refusal::of(Code::PaymentDisputed)) } else { Ok(()) }
    }

    /// Cancels what was not shipped of a paid order whose money is gone: a dispute was lost, or all of it was given
    /// back at the provider's dashboard, together with what was refunded from here.
    pub(super) fn stop_goods_without_money(&mut self, ids: &mut Ids) -> Result<(), Refusal> {
        if self.order.state != OrderState::Paid || !self.is_money_gone() {
            return Ok(());
        }
        let cancelled = self.cancel_unshipped_vendor_orders(Actor::Provider, ids)?;
        if cancelled.is_empty() {
            return Ok(());
        }
        if self.vendors.iter().all(|vendor_order| vendor_order.state.is_cancelled_or_declined()) {
            return self.close(Actor::Provider, ids);
        }
        for vendor in cancelled {
            self.emit(OrderEventKind::VendorOrderCancelled, Some(vendor), ids);
        }
        self.end_if_all_is_done(Actor::Provider, ids)
    }

    fn is_money_gone(&self) -> bool {
        let payment = self.order.payment;
        let Some(captured) = self.payment().and_then(|payment| payment.captured) else { return false };
        let back = self.refunds.iter().filter(|refund| refund.payment == payment && refund.holds_money());
        let back = back.fold(0, |sum: i64, refund| sum.saturating_add(refund.to_send().minor()));
        self.was_charged_back(payment) || (self.elsewhere_total(payment) > 0 && back >= captured.minor())
    }

    /// What was given back of a payment at the provider's dashboard, in minor units.
    fn elsewhere_total(&self, payment: PaymentId) -> i64 {
        let made_elsewhere = |refund: &&Refund| {
            refund.payment == payment && refund.reason == RefundReason::RefundedElsewhere && refund.holds_money()
        };
        self.refunds.iter().filter(made_elsewhere).fold(0, |sum, refund| sum.saturating_add(refund.to_send().minor()))
    }

    /// The part of it that has not taken the place of a refund from here yet, in minor units.
    pub(super) fn elsewhere_left(&self, payment: PaymentId) -> i64 {
        let of_payment = self.refunds.iter().filter(|refund| refund.payment == payment);
        let taken = of_payment.filter_map(|refund| refund.refunded_elsewhere);
        let taken = taken.fold(0, |sum: i64, amount| sum.saturating_add(amount.minor()));
        self.elsewhere_total(payment).saturating_sub(taken).max(0)
    }

    /// What refunds from here may come to: what is left of a payment, and what was given back elsewhere without being
    /// counted against one of them. Nothing when no money was captured.
    pub(super) fn left_to_decide(&self, payment: PaymentId) -> Option<Money> {
        let left = self.refundable_amount(payment)?;
        let elsewhere = self.elsewhere_left(payment);
        Some(Money::new(left.minor().saturating_add(elsewhere), left.currency()))
    }

    /// Counts what was given back at the provider's dashboard against the refunds of the same payment, whatever came
    /// first: those that were not requested yet, and those that did not arrive, which nobody has to make by hand then.
    pub(super) fn count_elsewhere(&mut self, payment: PaymentId, ids: &Ids) {
        let waits = |refund: &&Refund| {
            let is_free = refund.state == RefundState::Queued && !refund.may_be_made();
            refund.payment == payment
                && refund.reason != RefundReason::RefundedElsewhere
                && (is_free || refund.did_not_arrive())
        };
        let waiting: Vec<RefundId> = self.refunds.iter().filter(waits).map(|refund| refund.id).collect();
        for id in waiting {
            self.offset(id, payment, ids);
        }
    }

    fn offset(&mut self, refund: RefundId, payment: PaymentId, ids: &Ids) {
        let left = self.elsewhere_left(payment);
        let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) else { return };
        let (to_send, vendor) = (known.to_send(), known.vendor);
        let taken = left.min(to_send.minor());
        if taken <= 0 {
            return;
        }
        let before = known.refunded_elsewhere.map_or(0, Money::minor);
        known.refunded_elsewhere = Some(Money::new(before.saturating_add(taken), to_send.currency()));
        if known.to_send().is_zero() {
            known.due_at = None;
            known.state = known.state.after(RefundStep::Resolved).unwrap_or(known.state);
        }
        self.record(HistoryEvent::RefundCoveredElsewhere, Actor::System, vendor, ids);
    }
}
