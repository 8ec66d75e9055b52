//! What only the operator decides.

use super::{Actor, HistoryEvent, LatePayment, OrderEventKind, OrderState, PlacedOrder};
use crate::PaymentId;
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::payment::{PaymentState, PaymentStep, RefundReason};

const WRONG_STATE: Refusal = Refusal::of(Code::WrongState);

impl PlacedOrder {
    /// Calls off whatever was not shipped. When nothing was, the whole order ends; otherwise the rest of it goes on, and an
    /// order that is payable on delivery is paid as soon as all that is still on was delivered.
    pub fn cancel_unshipped(&mut self, ids: &mut Ids) -> Result<(), Refusal> {
        if !self.vendors.iter().any(|vendor_order| vendor_order.state.has_shipped()) {
            return self.cancel(Actor::Operator, ids);
        }
        if !matches!(self.order.state, OrderState::Paid | OrderState::Confirmed) {
            return Err(WRONG_STATE);
        }
        let cancelled = self.cancel_unshipped_vendor_orders(Actor::Operator, ids)?;
        if cancelled.is_empty() {
            return Err(Refusal::because(Code::WrongState, "everything that is still on was already shipped"));
        }
        for vendor in cancelled {
            self.emit(OrderEventKind::VendorOrderCancelled, Some(vendor), ids);
        }
        self.collect_cash(ids)
    }

    /// Takes an amount that was not asked for as good: the order is paid, and taken up again when it was over meanwhile.
    /// Refused when the money is of another currency, when the order is paid by other money, or when it cannot go on.
    pub fn accept_amount(&mut self, payment: PaymentId, ids: &mut Ids) -> Result<(), Refusal> {
        let currency = self.order.currency;
        let paid_otherwise = matches!(self.order.state, OrderState::Paid | OrderState::Completed);
        let cannot_go_on = self.is_over() && !self.can_reopen();
        let known = self.payments.iter_mut().find(|known| known.id == payment).ok_or(Refusal::of(Code::NotFound))?;
        let next = known.state.after(PaymentStep::Accepted).ok_or(WRONG_STATE)?;
        let amount = known.captured.filter(|amount| amount.currency() == currency && !amount.is_zero());
        let amount = amount
            .ok_or_else(|| Refusal::because(Code::WrongState, "what came is no amount in the order's currency"))?;
        if paid_otherwise || cannot_go_on {
            return Err(Refusal::because(Code::WrongState, "the order cannot take this money any more"));
        }
        if self.is_refunded_in_full(payment) {
            return Err(Refusal::because(Code::WrongState, "the money is on its way back"));
        }
        if let Some(known) = self.payments.iter_mut().find(|known| known.id == payment) {
            known.state = next;
        }
        self.record(HistoryEvent::PaymentAccepted, Actor::Operator, None, ids);
        self.apply_payment(payment, amount, LatePayment::Fulfil, ids)?;
        self.update_refunded_state(payment)
    }

    /// Sends an amount that was not asked for back. The attempt stays `amount_mismatch` until the money is back.
    pub fn reject_amount(&mut self, payment: PaymentId, ids: &mut Ids) -> Result<(), Refusal> {
        let known = self.payments.iter_mut().find(|known| known.id == payment).ok_or(Refusal::of(Code::NotFound))?;
        let back = known.state.after(PaymentStep::Refunded).filter(|_| known.state == PaymentState::AmountMismatch);
        let back = back.ok_or(WRONG_STATE)?;
        if known.captured.is_none_or(|amount| amount.is_zero()) {
            // No amount of ours: it can only go back by hand at the provider, and with this word it has.
            known.state = back;
            self.record(HistoryEvent::PaymentRejected, Actor::Operator, None, ids);
            return Ok(());
        }
        if self.is_refunded_in_full(payment) {
            return Err(Refusal::because(Code::WrongState, "the money is on its way back"));
        }
        let left = self.refundable_amount(payment).ok_or(WRONG_STATE)?;
        if left.is_zero() {
            return Err(Refusal::because(Code::WrongState, "the money is on its way back"));
        }
        self.record(HistoryEvent::PaymentRejected, Actor::Operator, None, ids);
        self.queue_refund(payment, None, left, RefundReason::AmountMismatch, ids)?;
        self.emit(OrderEventKind::MismatchedPaymentRefunded, None, ids);
        Ok(())
    }

    /// Whether the operator has decided so already, so that a repeat is harmless.
    pub fn has_decided(&self, payment: PaymentId, accepted: bool) -> bool {
        let Some(known) = self.payments.iter().find(|known| known.id == payment) else { return false };
        let was_mismatched = known.captured.is_some_and(|amount| amount != known.amount);
        if accepted {
            was_mismatched && known.has_paid()
        } else {
            was_mismatched && (self.is_refunded_in_full(payment) || known.state == PaymentState::Refunded)
        }
    }

    /// Whether the operator has called off all that can be called off, so that a repeat is harmless.
    pub fn is_cancelled_by_operator(&self) -> bool {
        let by_operator = |vendor| {
            let last_entry = self.order.history.iter().rev().find(|entry| entry.vendor == Some(vendor));
            last_entry.is_some_and(|entry| entry.by == Actor::Operator)
        };
        self.order.state == OrderState::Cancelled
            || (!self.vendors.iter().any(|vendor_order| vendor_order.state.holds_stock())
                && self.vendors.iter().any(|vendor_order| {
                    vendor_order.state.is_cancelled_or_declined() && by_operator(vendor_order.vendor.id)
                }))
    }
}
