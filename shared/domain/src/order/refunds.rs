//! Settlement of refunds: what a provider's news of a refund means for an order.

use super::settle::Settled;
use super::{Actor, History, HistoryEvent, OrderEvent, OrderEventKind, PlacedOrder};
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::payment::{PaymentStep, Refund, RefundReason, RefundState, RefundStep};
use crate::provider_news::RefundNews;
use crate::{EventId, Money, PaymentId, RefundId, Timestamp};

impl PlacedOrder {
    /// Applies news of a refund that is known here.
    pub fn refund_changed(
        &mut self,
        refund: RefundId,
        step: RefundStep,
        reference: Option<String>,
        ids: &mut Ids,
    ) -> Result<Settled, Refusal> {
        let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) else {
            return Err(Refusal::of(Code::NotFound));
        };
        if let Some(earlier) = reference.as_ref().filter(|named| known.earlier_references.contains(named)) {
            // What is said of one that did not arrive, after it was tried again: only money is worth a word.
            let made = step == RefundStep::Succeeded && Some(earlier) != known.reference.as_ref();
            let id = known.id;
            return Ok(if made {
                self.record_once(HistoryEvent::RefundSucceededAfterFailure, &id.to_string(), ids)
            } else {
                Settled::Unchanged
            });
        }
        if known.has_arrived() && step == RefundStep::Failed {
            // The buyer's bank sent the money back: the state stays `Succeeded`, and the return is recorded beside it.
            known.returned_at = Some(ids.now());
            let (id, payment, vendor) = (known.id, known.payment, known.vendor);
            self.record(HistoryEvent::RefundReturned, Actor::Provider, vendor, ids);
            self.count_elsewhere(payment, ids);
            if self.is_disputed(payment) {
                self.reconcile_refunds(payment, ids);
            } else if !self.apply_chargeback(id, ids) {
                self.emit_refund_failed(id, 1, ids);
            }
            return Ok(Settled::Changed);
        }
        let has_ended_without = matches!(known.state, RefundState::Failed | RefundState::Resolved);
        if has_ended_without && step == RefundStep::Succeeded {
            // The refund had failed here and was made after all. It cannot be cancelled any more, but the history shows
            // it.
            let id = known.id;
            return Ok(self.record_once(HistoryEvent::RefundSucceededAfterFailure, &id.to_string(), ids));
        }
        // A webhook may arrive before the response to our own request.
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
                self.update_refunded_state(payment);
                self.count_elsewhere(payment, ids);
                self.stop_goods_without_money(ids)?;
            }
            RefundState::Failed => {
                known.due_at = None;
                self.record(HistoryEvent::RefundFailed, Actor::Provider, vendor, ids);
                self.count_elsewhere(payment, ids);
                if self.is_disputed(payment) {
                    self.reconcile_refunds(payment, ids);
                } else if !self.apply_chargeback(refund, ids) {
                    self.emit_manual_refund_needed(refund, ids);
                }
            }
            RefundState::Queued | RefundState::Pending | RefundState::Resolved | RefundState::Other => {}
        }
        self.settle_returns(ids);
        Ok(Settled::Changed)
    }

    /// Applies news of a refund that was made at the provider's dashboard: the first news adds it, later ones change
    /// it.
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
            // An amount that cannot be expressed cannot be counted, but the history shows the refund.
            return Ok(self.record_once(HistoryEvent::RefundedElsewhere, &news.reference, ids));
        };
        let id = RefundId::new(ids.now(), ids.bits());
        let paid = self.payments.iter().find(|known| known.id == payment).ok_or(Refusal::of(Code::NotFound))?;
        self.refunds.push(Refund {
            // As if it was requested already; the news moves it on from there. Without `due_at` it is never requested.
            state: RefundState::Pending,
            reference: Some(news.reference.clone()),
            due_at: None,
            ..Refund::queued(id, paid, amount, RefundReason::RefundedElsewhere, ids.now())
        });
        self.record(HistoryEvent::RefundedElsewhere, Actor::Provider, None, ids);
        self.refund_changed(id, news.outcome.step(), None, ids)?;
        Ok(Settled::Changed)
    }

    /// Records that a refund was requested and has not ended, and when to ask the provider again.
    pub fn schedule_refund_retry(&mut self, refund: RefundId, until: Timestamp) -> Result<(), Refusal> {
        let known = self.refunds.iter_mut().find(|known| known.id == refund).ok_or(Refusal::of(Code::NotFound))?;
        if !matches!(known.state, RefundState::Queued | RefundState::Pending) {
            return Err(Refusal::of(Code::WrongState));
        }
        known.attempts = known.attempts.saturating_add(1);
        known.due_at = Some(until);
        Ok(())
    }

    /// Records that the provider rejects refunds because of an open dispute whose news has not arrived yet.
    pub fn schedule_refund_retry_while_disputed(&mut self, refund: RefundId, until: Timestamp) -> Result<(), Refusal> {
        self.schedule_refund_retry(refund, until)?;
        if let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) {
            // The refund was looked up before it was requested again, so no earlier attempt is in doubt: none was made.
            known.refusals = known.attempts;
        }
        Ok(())
    }

    /// Adds a history entry for news that changes no state, once per subject.
    fn record_once(&mut self, event: HistoryEvent, subject: &str, ids: &Ids) -> Settled {
        let is_same = |entry: &History| entry.event == event && entry.subject.as_deref() == Some(subject);
        if self.history.iter().any(is_same) {
            return Settled::Unchanged;
        }
        let (at, subject) = (ids.now(), Some(subject.to_owned()));
        self.history.push(History { at, event, subject, by: Actor::Provider, vendor: None });
        Settled::Changed
    }

    /// Emits the event that a failed refund needs a manual refund: once, and once more after each decision of a
    /// dispute.
    pub(super) fn emit_manual_refund_needed(&mut self, refund: RefundId, ids: &Ids) {
        let decided = u8::try_from(self.disputes.len()).unwrap_or(u8::MAX);
        let round = if decided == 0 { 0 } else { decided.saturating_add(1) };
        self.emit_refund_failed(refund, round, ids);
    }

    /// Emits the event that a refund did not reach the buyer. Its id is derived from the refund's, so that a repeat is
    /// the same event.
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
            parcel: None,
            return_number: None,
            at: ids.now(),
        });
    }

    /// Updates a payment's state by what was refunded of it. Money that the buyer's bank sent back does not count, but
    /// the payment does not leave its refunded state for that: the refunds have the difference.
    pub(super) fn update_refunded_state(&mut self, payment: PaymentId) {
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
            // In the currency that was captured, which need not be the order's.
            // Saturating: providers report these amounts, and a sum that does not fit is certainly all of it.
            let back = back.into_iter().filter(|amount| amount.currency() == taken.currency());
            let all = back.map(Money::minor).fold(0, i64::saturating_add) >= taken.minor();
            let step = if all { PaymentStep::Refunded } else { PaymentStep::PartiallyRefunded };
            if let Some(next) = known.state.after(step) {
                known.state = next;
            }
        }
    }
}
