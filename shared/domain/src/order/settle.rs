//! Settlement: what a provider's news means for an order. Every channel calls it: the webhook, the buyer's return and the
//! reconciliation; in any order, any number of times.

use super::changes::refused;
use super::{Actor, EventKind, Late, OrderEvent, OrderFile, OrderState, VendorOrderEvent, VendorOrderState};
use crate::code::{Code, Refusal};
use crate::mint::Mint;
use crate::payment::{PaymentEvent, PaymentState, RefundEvent, RefundReason, RefundState};
use crate::{Money, PaymentId, RefundId, Timestamp, VendorId};

/// News of one payment attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoneyNews {
    /// The provider waits for the buyer or for a bank.
    Pending,
    /// The money is held.
    Authorized,
    /// The money was taken.
    Captured {
        /// How much, as the provider says.
        amount: Money,
    },
    /// It was declined.
    Failed {
        /// Why, in the provider's words.
        reason: String,
    },
    /// It was called off.
    Cancelled,
}

/// What came of the news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Something changed and has to be written.
    Changed,
    /// Known already, or of an older state: nothing to write.
    Unchanged,
}

impl OrderFile {
    /// Applies news of an attempt. `late` says what becomes of money that comes when the order is over: the caller tries to
    /// take the stock again, and when that fails reads the order anew and refunds.
    pub fn settle(
        &mut self,
        payment: PaymentId,
        news: &MoneyNews,
        late: Late,
        mint: &mut Mint,
    ) -> Result<Settled, Refusal> {
        let state = self.payments.iter().find(|known| known.id == payment).ok_or(Refusal::of(Code::NotFound))?.state;
        let event = match news {
            MoneyNews::Captured { amount } => return self.captured(payment, *amount, late, mint),
            MoneyNews::Pending => PaymentEvent::Pending,
            MoneyNews::Authorized => PaymentEvent::Authorized,
            MoneyNews::Failed { .. } => PaymentEvent::Failed,
            MoneyNews::Cancelled => PaymentEvent::Cancelled,
        };
        let Some(next) = state.after(event).filter(|next| *next != state) else {
            return Ok(Settled::Unchanged);
        };
        if let Some(known) = self.payments.iter_mut().find(|known| known.id == payment) {
            known.state = next;
            if let MoneyNews::Failed { reason } = news {
                known.failure = Some(reason.clone());
            }
        }
        if next == PaymentState::Failed {
            self.note("payment_failed", Actor::Provider, None, mint);
        }
        Ok(Settled::Changed)
    }

    fn captured(&mut self, payment: PaymentId, amount: Money, late: Late, mint: &mut Mint) -> Result<Settled, Refusal> {
        // An attempt that brought another amount than was asked for has not paid the order.
        let others_took = self.payments.iter().any(|known| known.id != payment && known.has_paid());
        let Some(known) = self.payments.iter_mut().find(|known| known.id == payment) else {
            return Err(Refusal::of(Code::NotFound));
        };
        if known.state.took_money() {
            return Ok(Settled::Unchanged);
        }
        known.captured = Some(amount);
        if amount != known.amount {
            let next = known.state.after(PaymentEvent::Conflicted).or(known.state.after(PaymentEvent::Captured));
            known.state = next.ok_or(Refusal::of(Code::WrongState))?;
            self.note("payment_conflicted", Actor::Provider, None, mint);
            self.announce(EventKind::PaymentConflicted, None, mint);
            return Ok(Settled::Changed);
        }
        known.state = known.state.after(PaymentEvent::Captured).ok_or(Refusal::of(Code::WrongState))?;
        if others_took {
            self.give_all_back(payment, amount, RefundReason::Duplicate, EventKind::DuplicatePaymentRefunded, mint)?;
            return Ok(Settled::Changed);
        }
        match self.order.state {
            OrderState::AwaitingPayment | OrderState::Confirmed => self.pay(payment, mint)?,
            OrderState::Expired | OrderState::Cancelled if late == Late::TakeStock && self.can_reopen() => {
                let off: Vec<VendorId> = self
                    .vendors
                    .iter()
                    .filter(|part| part.state == VendorOrderState::Cancelled)
                    .map(|part| part.vendor.id)
                    .collect();
                for vendor in off {
                    if let Some(part) = self.vendors.iter_mut().find(|part| part.vendor.id == vendor) {
                        part.state =
                            part.state.after(VendorOrderEvent::Reopened).ok_or(Refusal::of(Code::WrongState))?;
                    }
                    self.take_again(vendor);
                    self.note(VendorOrderEvent::Reopened.as_str(), Actor::Provider, Some(vendor), mint);
                }
                self.pay(payment, mint)?;
            }
            OrderState::Expired | OrderState::Cancelled => {
                self.give_all_back(payment, amount, RefundReason::Late, EventKind::LatePaymentRefunded, mint)?;
            }
            // Paid by nobody else, yet paid: only cash on delivery does that.
            OrderState::Paid | OrderState::Completed => {
                self.give_all_back(
                    payment,
                    amount,
                    RefundReason::Duplicate,
                    EventKind::DuplicatePaymentRefunded,
                    mint,
                )?;
            }
        }
        Ok(Settled::Changed)
    }

    /// Whether the order can go on as a whole: a part that its seller refused cannot.
    fn can_reopen(&self) -> bool {
        self.vendors.iter().all(|part| part.state == VendorOrderState::Cancelled)
    }

    fn pay(&mut self, payment: PaymentId, mint: &mut Mint) -> Result<(), Refusal> {
        self.order.state = self.order.state.after(OrderEvent::Paid).ok_or(Refusal::of(Code::WrongState))?;
        self.order.due_at = None;
        self.order.payment = payment;
        if let Some(known) = self.payments.iter().find(|known| known.id == payment) {
            self.order.provider = known.provider;
        }
        for part in &mut self.vendors {
            part.visible = true;
        }
        self.note("paid", Actor::Provider, None, mint);
        self.announce(EventKind::OrderPaid, None, mint);
        Ok(())
    }

    fn give_all_back(
        &mut self,
        payment: PaymentId,
        amount: Money,
        reason: RefundReason,
        event: EventKind,
        mint: &mut Mint,
    ) -> Result<(), Refusal> {
        self.queue_refund(payment, None, amount, reason, mint)?;
        self.announce(event, None, mint);
        Ok(())
    }

    /// Applies news of a refund.
    pub fn refund_changed(
        &mut self,
        refund: RefundId,
        event: RefundEvent,
        reference: Option<String>,
        mint: &Mint,
    ) -> Result<Settled, Refusal> {
        let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) else {
            return Err(Refusal::of(Code::NotFound));
        };
        // News may overtake the answer to our own request.
        let asked = if known.state == RefundState::Queued && event != RefundEvent::Asked {
            RefundState::Pending
        } else {
            known.state
        };
        let Some(next) = asked.after(event) else {
            return Ok(Settled::Unchanged);
        };
        known.state = next;
        known.reference = reference.or(known.reference.take());
        let (payment, vendor) = (known.payment, known.vendor);
        match next {
            RefundState::Succeeded => {
                known.due_at = None;
                self.note("refunded", Actor::Provider, vendor, mint);
                self.count_refunds(payment)?;
            }
            RefundState::Failed => {
                known.due_at = None;
                self.note("refund_failed", Actor::Provider, vendor, mint);
            }
            RefundState::Queued | RefundState::Pending => {}
        }
        Ok(Settled::Changed)
    }

    /// Writes down that a refund was asked for and is not at its end: when to ask again.
    pub fn refund_waits(&mut self, refund: RefundId, until: Timestamp) -> Result<(), Refusal> {
        let known = self.refunds.iter_mut().find(|known| known.id == refund).ok_or(Refusal::of(Code::NotFound))?;
        if !matches!(known.state, RefundState::Queued | RefundState::Pending) {
            return Err(Refusal::of(Code::WrongState));
        }
        known.tries = known.tries.saturating_add(1);
        known.due_at = Some(until);
        Ok(())
    }

    /// Writes down something that a provider tells and that changes no state here, once per reference.
    pub fn remark(&mut self, event: &str, reference: &str, mint: &Mint) -> Settled {
        let text = format!("{event}:{reference}");
        if self.order.history.iter().any(|history| history.event == text) {
            return Settled::Unchanged;
        }
        self.note(&text, Actor::Provider, None, mint);
        Settled::Changed
    }

    fn count_refunds(&mut self, payment: PaymentId) -> Result<(), Refusal> {
        let back =
            self.refunds.iter().filter(|refund| refund.payment == payment && refund.state == RefundState::Succeeded);
        let amounts: Vec<Money> = back.map(|refund| refund.amount).collect();
        if let Some(known) = self.payments.iter_mut().find(|known| known.id == payment)
            && let Some(taken) = known.captured
        {
            // In the currency that came, which need not be the order's.
            let back = Money::sum(taken.currency(), amounts).map_err(refused)?;
            let all = back.minor() >= taken.minor();
            let event = if all { PaymentEvent::Refunded } else { PaymentEvent::PartiallyRefunded };
            if let Some(next) = known.state.after(event) {
                known.state = next;
            }
        }
        Ok(())
    }
}
