//! What follows for goods when their money is disputed or gone, and for refunds when somebody has given the money back
//! at the provider's dashboard.

use super::{Actor, HistoryEvent, OrderEventKind, OrderState, PlacedOrder};
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::payment::{Refund, RefundState, RefundStep};
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
        self.is_gone(self.order.payment)
    }

    /// Whether the money of a payment went back: a dispute was lost, or somebody gave it back at the provider's
    /// dashboard, together with what has arrived of the refunds from here.
    pub(super) fn is_gone(&self, payment: PaymentId) -> bool {
        let Some(captured) = self.captured(payment) else { return self.was_charged_back(payment) };
        let arrived = |refund: &&Refund| {
            refund.payment == payment && refund.has_arrived() && refund.amount.currency() == captured.currency()
        };
        let back = self.refunds.iter().filter(arrived);
        let back = back.fold(0, |sum: i64, refund| sum.saturating_add(refund.to_send().minor()));
        let elsewhere = self.refunds.iter().filter(arrived).any(Refund::was_made_elsewhere);
        self.was_charged_back(payment) || (elsewhere && back >= captured.minor())
    }

    fn captured(&self, payment: PaymentId) -> Option<Money> {
        self.payments.iter().find(|known| known.id == payment)?.captured
    }

    /// What was given back of a payment at the provider's dashboard and has not taken the place of a refund from here
    /// yet, in minor units. What was paid beyond the order's total is given back first.
    pub(super) fn elsewhere_left(&self, payment: PaymentId) -> i64 {
        let Some(captured) = self.captured(payment) else { return 0 };
        let of_payment = || {
            let same =
                move |refund: &&Refund| refund.payment == payment && refund.amount.currency() == captured.currency();
            self.refunds.iter().filter(same)
        };
        let sum = |amounts: &mut dyn Iterator<Item = Money>| {
            amounts.fold(0, |sum: i64, amount| sum.saturating_add(amount.minor()))
        };
        // One that came back later has taken places all the same: it waits for another in its own.
        let made = of_payment().filter(|refund| refund.was_made_elsewhere() && refund.state == RefundState::Succeeded);
        let total = sum(&mut made.map(|refund| refund.amount));
        let taken = sum(&mut of_payment().filter_map(|refund| refund.refunded_elsewhere));
        let goes_on = self.vendors.iter().any(|vendor_order| !vendor_order.state.is_unfulfilled());
        let pays = self.order.payment == payment && goes_on && captured.currency() == self.order.currency;
        let surplus = captured.minor().saturating_sub(self.order.totals.total.minor());
        let surplus = if pays { surplus.max(0) } else { 0 };
        total.saturating_sub(taken).saturating_sub(surplus).max(0)
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
        let is_free = |refund: &Refund| refund.state == RefundState::Queued && !refund.may_be_made();
        // One that somebody has resolved with a note may have been resolved by this very refund.
        let is_resolved = |refund: &Refund| refund.resolution.is_some() && !refund.to_send().is_zero();
        let waits = |refund: &&Refund| {
            refund.payment == payment && (is_free(refund) || refund.did_not_arrive() || is_resolved(refund))
        };
        let mut waiting: Vec<&Refund> = self.refunds.iter().filter(waits).collect();
        // What would be sent by itself comes first, and another try at the dashboard last.
        waiting.sort_by_key(|refund| (refund.was_made_elsewhere(), is_resolved(refund), !is_free(refund)));
        let waiting: Vec<RefundId> = waiting.into_iter().map(|refund| refund.id).collect();
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
            // One that has succeeded and came back stays what it was: its money is covered.
            if let Some(next) = known.state.after(RefundStep::Resolved) {
                known.state = next;
            }
        }
        self.record(HistoryEvent::RefundCoveredElsewhere, Actor::System, vendor, ids);
    }
}
