//! News of disputes, and what they mean for the refunds of the same payment: while a dispute is open, the provider
//! makes no refunds, and what was charged back is not refunded a second time.

use crate::stored::Kept;
use std::time::Duration;

use super::settle::Settled;
use super::{Actor, HistoryEvent, OrderEventKind, PlacedOrder};
use crate::code::Refusal;
use crate::dispute::{Dispute, DisputeState, DisputeStep};
use crate::id_source::Ids;
use crate::payment::RefundState;
use crate::provider_news::DisputeNews;
use crate::{DisputeId, Money, PaymentId, RefundId, Timestamp};

/// How long to wait before a refund is requested again while a dispute is open.
pub const DISPUTE_RETRY_INTERVAL: Duration = Duration::from_secs(24 * 3600);

impl Dispute {
    /// Takes over the time until which it may be answered, unless newer news has named one. Answers whether it is
    /// another one now.
    fn moves_deadline(&mut self, news: &DisputeNews, at: Timestamp) -> bool {
        let is_newer = self.due_told_at.is_none_or(|told| told <= at);
        let due = news.evidence_due_at.filter(|due| is_newer && self.evidence_due_at != Some(*due));
        let Some(due) = due else { return false };
        self.evidence_due_at = Some(due);
        self.due_told_at = Some(at);
        true
    }
}

impl PlacedOrder {
    /// Applies news of a dispute. The news of its opening and of its decision may arrive in either order.
    ///
    /// `at` is when it happened.
    pub fn dispute_changed(
        &mut self,
        payment: PaymentId,
        news: &DisputeNews,
        at: Timestamp,
        ids: &mut Ids,
    ) -> Result<Settled, Refusal> {
        let before = self.disputes.iter().position(|known| known.reference == news.reference);
        let index = before.unwrap_or_else(|| {
            self.disputes.push(Dispute {
                id: DisputeId::new(ids.now(), ids.bits()),
                order: self.order.id,
                payment,
                reference: news.reference.clone(),
                amount: news.amount,
                state: DisputeState::Opened,
                reason: news.reason.clone(),
                evidence_due_at: None,
                due_told_at: None,
                opened_at: None,
                closed_at: None,
                version: 0,
                kept: Kept::default(),
            });
            self.disputes.len() - 1
        });
        let Some(known) = self.disputes.get_mut(index) else { return Ok(Settled::Unchanged) };
        let is_moved = known.moves_deadline(news, at);
        let decision = match news.state {
            DisputeState::Opened => None,
            // No provider reports it: it is read from stored disputes only.
            DisputeState::Other => return Ok(Settled::Unchanged),
            DisputeState::Won => Some(DisputeStep::Won),
            DisputeState::Lost => Some(DisputeStep::Lost),
        };
        let Some(decision) = decision else {
            if known.opened_at.is_some() {
                return Ok(if is_moved { Settled::Changed } else { Settled::Unchanged });
            }
            known.opened_at = Some(at);
            let payment = known.payment;
            // The opening of a dispute that is already decided is not worth an event.
            if known.state == DisputeState::Opened {
                self.record(HistoryEvent::DisputeOpened, Actor::Provider, None, ids);
                self.emit(OrderEventKind::DisputeOpened, None, ids);
                self.reconcile_refunds(payment, ids);
                if self.is_held() {
                    self.await_vendors(ids);
                }
            }
            return Ok(Settled::Changed);
        };
        let Some(next) = known.state.after(decision) else {
            return Ok(if is_moved { Settled::Changed } else { Settled::Unchanged });
        };
        known.state = next;
        known.closed_at = Some(at);
        let event = match decision {
            DisputeStep::Won => HistoryEvent::DisputeWon,
            DisputeStep::Lost => HistoryEvent::DisputeLost,
        };
        let payment = known.payment;
        self.record(event, Actor::Provider, None, ids);
        self.emit(OrderEventKind::DisputeClosed, None, ids);
        self.reconcile_refunds(payment, ids);
        self.stop_goods_without_money(ids)?;
        if !self.is_held() {
            self.await_vendors(ids);
        }
        self.settle_returns(ids);
        Ok(Settled::Changed)
    }

    /// Whether a dispute about the payment is open.
    pub fn is_disputed(&self, payment: PaymentId) -> bool {
        self.disputes.iter().any(|dispute| dispute.payment == payment && dispute.state == DisputeState::Opened)
    }

    /// Whether a dispute about the payment was lost, so that money was charged back.
    pub fn was_charged_back(&self, payment: PaymentId) -> bool {
        self.disputes.iter().any(|dispute| dispute.payment == payment && dispute.state == DisputeState::Lost)
    }

    /// The charged back amount of a payment, in minor units of `taken`. A lost dispute in another or an unknown amount
    /// counts as all of the payment: it is safer to refund too little automatically than something twice.
    pub(super) fn chargeback_total(&self, payment: PaymentId, taken: Money) -> i64 {
        let lost = self.disputes.iter().filter(|known| known.payment == payment && known.state == DisputeState::Lost);
        lost.fold(0, |sum: i64, dispute| match dispute.amount {
            Some(amount) if amount.currency() == taken.currency() => sum.saturating_add(amount.minor()),
            _ => i64::MAX,
        })
    }

    /// Adapts the refunds of a payment to its disputes. While one is open, refunds wait and none needs a manual
    /// refund. When a lost dispute has charged money back, it takes the place of refunds, whatever the dispute was
    /// about: it is safer to refund too little automatically than something twice. The rest of a refund is requested,
    /// or, if the refund had failed, reported to the operator.
    pub(super) fn reconcile_refunds(&mut self, payment: PaymentId, ids: &Ids) {
        if !self.disputes.iter().any(|dispute| dispute.payment == payment) {
            return;
        }
        let deciding = |dispute: &&Dispute| dispute.payment == payment && dispute.state == DisputeState::Opened;
        let open = self.disputes.iter().find(deciding).map(|dispute| dispute.id);
        let of_payment = self.refunds.iter().filter(|refund| refund.payment == payment);
        // Queued refunds come first, because they go out automatically; of a failed one some may have been refunded
        // manually.
        let (waiting, ended): (Vec<_>, Vec<_>) = of_payment.partition(|refund| refund.state == RefundState::Queued);
        for id in waiting.into_iter().chain(ended).map(|refund| refund.id).collect::<Vec<_>>() {
            match open {
                // What another dispute has charged back already need not wait for this one.
                Some(_) if self.is_not_requested(id) && self.apply_chargeback(id, ids) => {}
                Some(dispute) => self.hold_refund(id, dispute, ids),
                None => self.resume_refund(id, ids),
            }
        }
    }

    fn is_not_requested(&self, refund: RefundId) -> bool {
        let known = self.refunds.iter().find(|known| known.id == refund);
        known.is_some_and(|known| known.state == RefundState::Queued && !known.may_be_made())
    }

    fn hold_refund(&mut self, refund: RefundId, dispute: DisputeId, ids: &Ids) {
        let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) else { return };
        match known.state {
            // The news of the decision may never come; then the provider accepts a refund again at some time.
            RefundState::Queued => known.due_at = Some(ids.now() + DISPUTE_RETRY_INTERVAL),
            _ if known.needs_manual_refund() => known.dispute = Some(dispute),
            _ => {}
        }
    }

    fn resume_refund(&mut self, refund: RefundId, ids: &Ids) {
        let Some(known) = self.refunds.iter().find(|known| known.id == refund) else { return };
        let (state, may_be_made, waits) = (known.state, known.may_be_made(), known.dispute.is_some());
        let did_not_arrive = known.did_not_arrive();
        match state {
            // A refund that the provider may have made is requested again unchanged: the response says whether it was.
            RefundState::Queued if may_be_made || !self.apply_chargeback(refund, ids) => {
                self.make_refund_due(refund, ids)
            }
            _ if did_not_arrive && !self.apply_chargeback(refund, ids) && waits => {
                if let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) {
                    known.dispute = None;
                }
                self.emit_manual_refund_needed(refund, ids);
            }
            _ => {}
        }
    }

    fn make_refund_due(&mut self, refund: RefundId, ids: &Ids) {
        if let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) {
            known.due_at = Some(ids.now());
        }
    }

    /// Deducts from a refund what was charged back of its payment and has not taken the place of another refund yet.
    /// Answers whether nothing of the refund is left; then it has ended.
    pub(super) fn apply_chargeback(&mut self, refund: RefundId, ids: &Ids) -> bool {
        let Some(known) = self.refunds.iter().find(|known| known.id == refund) else { return false };
        let (payment, vendor, to_send) = (known.payment, known.vendor, known.to_send());
        if to_send.is_zero() {
            return true;
        }
        let free = self
            .chargeback_total(payment, to_send)
            .saturating_sub(self.applied_chargebacks(payment))
            .clamp(0, to_send.minor());
        let lost = |dispute: &&Dispute| dispute.payment == payment && dispute.state == DisputeState::Lost;
        let dispute = self.disputes.iter().rev().find(lost).map(|dispute| dispute.id);
        let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund).filter(|_| free > 0) else {
            return false;
        };
        let before = known.charged_back.map_or(0, Money::minor);
        known.charged_back = Some(Money::new(before.saturating_add(free), to_send.currency()));
        let nothing_left = known.to_send().is_zero();
        if nothing_left {
            known.dispute = dispute;
            known.due_at = None;
            known.state = known.state.after_chargeback();
        }
        self.record(HistoryEvent::RefundChargedBack, Actor::System, vendor, ids);
        nothing_left
    }

    /// The charged back amount that has already taken the place of refunds, in minor units.
    fn applied_chargebacks(&self, payment: PaymentId) -> i64 {
        let of_payment = self.refunds.iter().filter(|refund| refund.payment == payment);
        of_payment.filter_map(|refund| refund.charged_back).fold(0, |sum, amount| sum.saturating_add(amount.minor()))
    }
}
