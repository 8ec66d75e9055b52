//! What only the operator decides.

use super::{Actor, EventKind, Late, OrderFile, OrderState};
use crate::PaymentId;
use crate::code::{Code, Refusal};
use crate::mint::Mint;
use crate::payment::{PaymentEvent, PaymentState, RefundReason};

const WRONG_STATE: Refusal = Refusal::of(Code::WrongState);
/// In histories: the operator took another amount as good.
const ACCEPTED: &str = "payment_accepted";
/// In histories: the operator sends another amount back.
const REJECTED: &str = "payment_rejected";

impl OrderFile {
    /// Calls off whatever was not shipped. When nothing was, the whole order ends; otherwise the rest of it goes on, and an
    /// order that is payable on delivery is paid as soon as all that is still on was delivered.
    pub fn call_off(&mut self, mint: &mut Mint) -> Result<(), Refusal> {
        if !self.vendors.iter().any(|part| part.state.has_left()) {
            return self.cancel(Actor::Admin, mint);
        }
        if !matches!(self.order.state, OrderState::Paid | OrderState::Confirmed) {
            return Err(WRONG_STATE);
        }
        let called_off = self.cancel_held_parts(Actor::Admin, mint)?;
        if called_off.is_empty() {
            return Err(Refusal::because(Code::WrongState, "everything that is still on was already shipped"));
        }
        for vendor in called_off {
            self.announce(EventKind::VendorOrderCancelled, Some(vendor), mint);
        }
        self.collect_cash(mint)
    }

    /// Takes an amount that was not asked for as good: the order is paid, and taken up again when it was over meanwhile.
    /// Refused when the money is of another currency, when the order is paid by other money, or when it cannot go on.
    pub fn accept_amount(&mut self, payment: PaymentId, mint: &mut Mint) -> Result<(), Refusal> {
        let currency = self.order.currency;
        let paid_otherwise = matches!(self.order.state, OrderState::Paid | OrderState::Completed);
        let cannot_go_on = self.is_over() && !self.can_reopen();
        let known = self.payments.iter_mut().find(|known| known.id == payment).ok_or(Refusal::of(Code::NotFound))?;
        let next = known.state.after(PaymentEvent::Accepted).ok_or(WRONG_STATE)?;
        let amount = known.captured.filter(|amount| amount.currency() == currency && !amount.is_zero());
        let amount = amount
            .ok_or_else(|| Refusal::because(Code::WrongState, "what came is no amount in the order's currency"))?;
        if paid_otherwise || cannot_go_on {
            return Err(Refusal::because(Code::WrongState, "the order cannot take this money any more"));
        }
        if self.goes_back_whole(payment) {
            return Err(Refusal::because(Code::WrongState, "the money is on its way back"));
        }
        if let Some(known) = self.payments.iter_mut().find(|known| known.id == payment) {
            known.state = next;
        }
        self.note(ACCEPTED, Actor::Admin, None, mint);
        self.spend(payment, amount, Late::TakeStock, mint)?;
        self.count_refunds(payment)
    }

    /// Sends an amount that was not asked for back. The attempt stays `conflicted` until the money is back.
    pub fn reject_amount(&mut self, payment: PaymentId, mint: &mut Mint) -> Result<(), Refusal> {
        let known = self.payments.iter_mut().find(|known| known.id == payment).ok_or(Refusal::of(Code::NotFound))?;
        let back = known.state.after(PaymentEvent::Refunded).filter(|_| known.state == PaymentState::Conflicted);
        let back = back.ok_or(WRONG_STATE)?;
        if known.captured.is_none_or(|amount| amount.is_zero()) {
            // No amount of ours: it can only go back by hand at the provider, and with this word it has.
            known.state = back;
            self.note(REJECTED, Actor::Admin, None, mint);
            return Ok(());
        }
        if self.goes_back_whole(payment) {
            return Err(Refusal::because(Code::WrongState, "the money is on its way back"));
        }
        let left = self.left_of(payment).ok_or(WRONG_STATE)?;
        if left.is_zero() {
            return Err(Refusal::because(Code::WrongState, "the money is on its way back"));
        }
        self.note(REJECTED, Actor::Admin, None, mint);
        self.queue_refund(payment, None, left, RefundReason::Conflicted, mint)?;
        self.announce(EventKind::ConflictedPaymentRefunded, None, mint);
        Ok(())
    }

    /// Whether the operator has decided so already, so that a repeat is harmless.
    pub fn has_decided(&self, payment: PaymentId, accepted: bool) -> bool {
        let Some(known) = self.payments.iter().find(|known| known.id == payment) else { return false };
        let was_conflicted = known.captured.is_some_and(|amount| amount != known.amount);
        if accepted {
            was_conflicted && known.has_paid()
        } else {
            was_conflicted && (self.goes_back_whole(payment) || known.state == PaymentState::Refunded)
        }
    }

    /// Whether the operator has called off all that can be called off, so that a repeat is harmless.
    pub fn is_called_off(&self) -> bool {
        let by_operator = |vendor| {
            let of_part = self.order.history.iter().rev().find(|entry| entry.vendor == Some(vendor));
            of_part.is_some_and(|entry| entry.by == Actor::Admin)
        };
        self.order.state == OrderState::Cancelled
            || (!self.vendors.iter().any(|part| part.state.holds_stock())
                && self.vendors.iter().any(|part| part.state.is_off() && by_operator(part.vendor.id)))
    }
}
