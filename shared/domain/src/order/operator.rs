//! Decisions that only the operator makes.

use super::{Actor, History, HistoryEvent, LatePayment, OrderEventKind, OrderState, PlacedOrder};
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::payment::{PaymentState, PaymentStep, RefundReason};
use crate::{Money, PaymentId};

const WRONG_STATE: Refusal = Refusal::of(Code::WrongState);

impl PlacedOrder {
    /// Cancels every vendor order that was not shipped. When nothing was shipped, the whole order is cancelled.
    /// Otherwise it goes on with the shipped vendor orders, and an order that is payable on delivery is paid once all
    /// of them are delivered.
    pub fn cancel_unshipped(&mut self, ids: &mut Ids) -> Result<(), Refusal> {
        if !self.vendors.iter().any(|vendor_order| vendor_order.state.has_shipped()) {
            return self.cancel(Actor::Operator, ids);
        }
        if !matches!(self.order.state, OrderState::Paid | OrderState::Confirmed) {
            return Err(WRONG_STATE);
        }
        let cancelled = self.cancel_unshipped_vendor_orders(Actor::Operator, ids)?;
        if cancelled.is_empty() {
            return Err(Refusal::because(Code::WrongState, "everything that is not cancelled was already shipped"));
        }
        for vendor in cancelled {
            self.emit(OrderEventKind::VendorOrderCancelled, Some(vendor), ids);
        }
        self.end_if_all_is_done(Actor::Operator, ids)
    }

    /// Accepts a mismatched amount: the order is paid, and reopened if it is over. Fails when the money is in another
    /// currency, when another payment has paid the order, or when the order cannot be reopened.
    pub fn accept_amount(&mut self, payment: PaymentId, ids: &mut Ids) -> Result<(), Refusal> {
        let currency = self.order.currency;
        let paid_otherwise = matches!(self.order.state, OrderState::Paid | OrderState::Completed);
        let cannot_go_on = self.is_over() && !self.can_reopen();
        let known = self.payments.iter_mut().find(|known| known.id == payment).ok_or(Refusal::of(Code::NotFound))?;
        let next = known.state.after(PaymentStep::Accepted).ok_or(WRONG_STATE)?;
        let amount = known.captured.filter(|amount| amount.currency() == currency && !amount.is_zero());
        let amount = amount
            .ok_or_else(|| Refusal::because(Code::WrongState, "the captured amount is not in the order's currency"))?;
        if paid_otherwise || cannot_go_on {
            return Err(Refusal::because(Code::WrongState, "the order cannot take this money any more"));
        }
        if self.is_refunded_in_full(payment) {
            return Err(Refusal::because(Code::WrongState, "the money is already being refunded"));
        }
        if self.is_gone(payment) {
            return Err(Refusal::because(Code::WrongState, "the money went back already"));
        }
        if let Some(known) = self.payments.iter_mut().find(|known| known.id == payment) {
            known.state = next;
        }
        self.record(HistoryEvent::PaymentAccepted, Actor::Operator, None, ids);
        self.apply_payment(payment, amount, LatePayment::Fulfil, ids)?;
        self.update_refunded_state(payment);
        self.stop_goods_without_money(ids)?;
        Ok(())
    }

    /// Rejects a mismatched amount: it is refunded. The attempt stays `amount_mismatch` until the refund succeeds.
    pub fn reject_amount(&mut self, payment: PaymentId, ids: &mut Ids) -> Result<(), Refusal> {
        let known = self.payments.iter_mut().find(|known| known.id == payment).ok_or(Refusal::of(Code::NotFound))?;
        let back = known.state.after(PaymentStep::Refunded).filter(|_| known.state == PaymentState::AmountMismatch);
        let back = back.ok_or(WRONG_STATE)?;
        if known.captured.is_none_or(|amount| amount.is_zero()) {
            // The amount cannot be expressed here: the operator has refunded it manually at the provider, and says so.
            known.state = back;
            self.record(HistoryEvent::PaymentRejected, Actor::Operator, None, ids);
            return Ok(());
        }
        if self.is_refunded_in_full(payment) {
            return Err(Refusal::because(Code::WrongState, "the money is already being refunded"));
        }
        let left = self.left_to_decide(payment).ok_or(WRONG_STATE)?;
        if self.refundable_amount(payment).is_none_or(Money::is_zero) {
            return Err(Refusal::because(Code::WrongState, "the money is already being refunded"));
        }
        self.record(HistoryEvent::PaymentRejected, Actor::Operator, None, ids);
        self.queue_refund(payment, left, Vec::new(), RefundReason::AmountMismatch, ids)?;
        self.emit(OrderEventKind::MismatchedPaymentRefunded, None, ids);
        Ok(())
    }

    /// Whether the operator has already made this decision, so that repeating the request succeeds.
    pub fn has_decided(&self, payment: PaymentId, accepted: bool) -> bool {
        let Some(known) = self.payments.iter().find(|known| known.id == payment) else { return false };
        let was_mismatched = known.captured.is_some_and(|amount| amount != known.amount);
        if accepted {
            was_mismatched && known.has_paid()
        } else {
            was_mismatched && (self.is_refunded_in_full(payment) || known.state == PaymentState::Refunded)
        }
    }

    /// Whether the operator has cancelled all that can be cancelled, so that repeating the request succeeds.
    pub fn is_cancelled_by_operator(&self) -> bool {
        let by_operator = |vendor| {
            let is_of_it = |entry: &&History| entry.vendor == Some(vendor) && entry.event == HistoryEvent::Cancelled;
            self.history.iter().rev().find(is_of_it).is_some_and(|entry| entry.by == Actor::Operator)
        };
        self.order.state == OrderState::Cancelled
            || (!self.vendors.iter().any(|vendor_order| vendor_order.state.holds_stock())
                && self.vendors.iter().any(|vendor_order| {
                    vendor_order.lines.iter().any(|line| line.cancelled > 0) && by_operator(vendor_order.vendor.id)
                }))
    }
}
