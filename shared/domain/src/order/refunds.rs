//! Settlement of money that goes back: refunds, as the provider tells of them.

use super::changes::refused;
use super::settle::Settled;
use super::{Actor, History, HistoryEvent, OrderEvent, OrderEventKind, PlacedOrder};
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::payment::{PaymentStep, Refund, RefundReason, RefundState, RefundStep};
use crate::provider_news::RefundNews;
use crate::{EventId, Money, PaymentId, RefundId, Timestamp};

impl PlacedOrder {
    /// Applies news of a refund.
    pub fn refund_changed(
        &mut self,
        refund: RefundId,
        step: RefundStep,
        reference: Option<String>,
        ids: &Ids,
    ) -> Result<Settled, Refusal> {
        let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) else {
            return Err(Refusal::of(Code::NotFound));
        };
        if known.has_arrived() && step == RefundStep::Failed {
            // The buyer's bank sent it back. A refund that succeeded stays one; that it came back is a fact of its own.
            known.returned_at = Some(ids.now());
            let (id, payment, vendor) = (known.id, known.payment, known.vendor);
            self.record(HistoryEvent::RefundReturned, Actor::Provider, vendor, ids);
            if self.is_disputed(payment) {
                self.reconcile_refunds(payment, ids);
            } else if !self.cover_by_bank(id, ids) {
                self.emit_refund_failed(id, 1, ids);
            }
            return Ok(Settled::Changed);
        }
        if known.state == RefundState::Failed && step == RefundStep::Succeeded {
            // It was over here, and went out all the same: nobody can call it back, but somebody has to know.
            let id = known.id;
            return Ok(self.record_once(HistoryEvent::RefundSucceededAfterFailure, &id.to_string(), ids));
        }
        // News may overtake the answer to our own request.
        let asked = if known.state == RefundState::Queued && step != RefundStep::Submitted {
            RefundState::Pending
        } else {
            known.state
        };
        let Some(next) = asked.after(step) else {
            return Ok(Settled::Unchanged);
        };
        known.state = next;
        known.reference = reference.or(known.reference.take());
        let (payment, vendor) = (known.payment, known.vendor);
        match next {
            RefundState::Succeeded => {
                known.due_at = None;
                self.record(HistoryEvent::Refunded, Actor::Provider, vendor, ids);
                self.update_refunded_state(payment)?;
            }
            RefundState::Failed => {
                known.due_at = None;
                self.record(HistoryEvent::RefundFailed, Actor::Provider, vendor, ids);
                if self.is_disputed(payment) {
                    self.reconcile_refunds(payment, ids);
                } else if !self.cover_by_bank(refund, ids) {
                    self.emit_manual_refund_needed(refund, ids);
                }
            }
            RefundState::Queued | RefundState::Pending => {}
        }
        Ok(Settled::Changed)
    }

    /// Applies news of a refund that was made at the provider: the first news writes it down, the next change it.
    pub fn refunded_elsewhere(
        &mut self,
        payment: PaymentId,
        news: &RefundNews,
        ids: &mut Ids,
    ) -> Result<Settled, Refusal> {
        let known = self
            .refunds
            .iter()
            .find(|refund| refund.payment == payment && refund.reference.as_deref() == Some(news.reference.as_str()))
            .map(|refund| refund.id);
        if let Some(refund) = known {
            return self.refund_changed(refund, news.outcome.step(), None, ids);
        }
        let Some(amount) = news.amount else {
            // It cannot be counted, so at least it is said.
            return Ok(self.record_once(HistoryEvent::RefundedElsewhere, &news.reference, ids));
        };
        let id = RefundId::new(ids.now(), ids.bits());
        self.refunds.push(Refund {
            id,
            order: self.order.id,
            payment,
            vendor: None,
            amount,
            charged_back: None,
            // Where it stood when it was asked for; the news takes it on from there. Nobody here is to ask for it again.
            state: RefundState::Pending,
            reference: Some(news.reference.clone()),
            reason: RefundReason::RefundedElsewhere,
            created_at: ids.now(),
            due_at: None,
            attempts: 0,
            refusals: 0,
            returned_at: None,
            dispute: None,
            version: 0,
        });
        self.record(HistoryEvent::RefundedElsewhere, Actor::Provider, None, ids);
        self.refund_changed(id, news.outcome.step(), None, ids)?;
        Ok(Settled::Changed)
    }

    /// Writes down that a refund was asked for and is not at its end: when to ask again.
    pub fn schedule_refund_retry(&mut self, refund: RefundId, until: Timestamp) -> Result<(), Refusal> {
        let known = self.refunds.iter_mut().find(|known| known.id == refund).ok_or(Refusal::of(Code::NotFound))?;
        if !matches!(known.state, RefundState::Queued | RefundState::Pending) {
            return Err(Refusal::of(Code::WrongState));
        }
        known.attempts = known.attempts.saturating_add(1);
        known.due_at = Some(until);
        Ok(())
    }

    /// Writes down that the provider sends nothing back while the buyer's bank decides, of which no news has come here yet.
    pub fn schedule_refund_retry_while_disputed(&mut self, refund: RefundId, until: Timestamp) -> Result<(), Refusal> {
        self.schedule_refund_retry(refund, until)?;
        if let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) {
            // It was looked for before it was asked for, so that what was unclear before is not any more: it was not made.
            known.refusals = known.attempts;
        }
        Ok(())
    }

    /// Writes down something that a provider tells and that changes no state here, once per reference.
    fn record_once(&mut self, event: HistoryEvent, subject: &str, ids: &Ids) -> Settled {
        let is_same = |entry: &History| entry.event == event && entry.subject.as_deref() == Some(subject);
        if self.order.history.iter().any(is_same) {
            return Settled::Unchanged;
        }
        let (at, subject) = (ids.now(), Some(subject.to_owned()));
        self.order.history.push(History { at, event, subject, by: Actor::Provider, vendor: None });
        Settled::Changed
    }

    /// Says that a refund failed and that its money has to go back by hand: once, and again when a bank has decided since.
    pub(super) fn emit_manual_refund_needed(&mut self, refund: RefundId, ids: &Ids) {
        let decided = u8::try_from(self.disputes.len()).unwrap_or(u8::MAX);
        let round = if decided == 0 { 0 } else { decided.saturating_add(1) };
        self.emit_refund_failed(refund, round, ids);
    }

    /// Says that a refund did not reach the buyer. The event's id follows from the refund's, so that no repeat tells it twice.
    fn emit_refund_failed(&mut self, refund: RefundId, round: u8, ids: &Ids) {
        let mut bits = [round; 10];
        for (bit, known) in bits.iter_mut().rev().zip(refund.bits().to_le_bytes()) {
            *bit ^= known;
        }
        self.events.push(OrderEvent {
            id: EventId::new(ids.now(), bits),
            kind: OrderEventKind::RefundFailed,
            order: self.order.id,
            vendor: None,
            at: ids.now(),
        });
    }

    /// Brings a payment's state up to what has gone back of it. What came back from the buyer's bank does not count, but a
    /// payment that was refunded does not become another again: what is left of it is said by its refunds.
    pub(super) fn update_refunded_state(&mut self, payment: PaymentId) -> Result<(), Refusal> {
        let back: Vec<Money> = self
            .refunds
            .iter()
            .filter(|refund| refund.payment == payment && refund.has_arrived())
            .map(Refund::to_send)
            .collect();
        if let Some(known) = self.payments.iter_mut().find(|known| known.id == payment)
            && let Some(taken) = known.captured
            && !back.is_empty()
        {
            // In the currency that came, which need not be the order's.
            let back = back.into_iter().filter(|amount| amount.currency() == taken.currency());
            let back = Money::sum(taken.currency(), back).map_err(refused)?;
            let all = back.minor() >= taken.minor();
            let step = if all { PaymentStep::Refunded } else { PaymentStep::PartiallyRefunded };
            if let Some(next) = known.state.after(step) {
                known.state = next;
            }
        }
        Ok(())
    }
}
