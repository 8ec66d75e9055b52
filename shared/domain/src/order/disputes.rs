//! Disputes, as the provider tells of them, and what they mean for the refunds of the same payment: while a buyer's bank
//! decides, providers send nothing back, and what the bank has given the buyer does not go to him a second time.

use std::time::Duration;

use super::settle::Settled;
use super::{Actor, HistoryEvent, OrderEventKind, PlacedOrder};
use crate::dispute::{Dispute, DisputeState, DisputeStep};
use crate::id_source::Ids;
use crate::payment::{RefundState, RefundStep};
use crate::provider_news::DisputeNews;
use crate::{DisputeId, Money, PaymentId, RefundId, Timestamp};

/// How often a refund is asked for while the buyer's bank decides.
pub const DISPUTE_RETRY_INTERVAL: Duration = Duration::from_secs(24 * 3600);

impl PlacedOrder {
    /// Applies news of a dispute, in whichever order its opening and its end are told.
    ///
    /// `at` is when it happened.
    pub fn dispute_changed(&mut self, payment: PaymentId, news: &DisputeNews, at: Timestamp, ids: &mut Ids) -> Settled {
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
                opened_at: None,
                closed_at: None,
                version: 0,
            });
            self.disputes.len() - 1
        });
        let Some(known) = self.disputes.get_mut(index) else { return Settled::Unchanged };
        let decision = match news.state {
            DisputeState::Opened => None,
            DisputeState::Won => Some(DisputeStep::Won),
            DisputeState::Lost => Some(DisputeStep::Lost),
        };
        let Some(decision) = decision else {
            if known.opened_at.is_some() {
                return Settled::Unchanged;
            }
            known.opened_at = Some(at);
            let payment = known.payment;
            // Of one that is over already nobody needs to hear that it began.
            if known.state == DisputeState::Opened {
                self.record(HistoryEvent::DisputeOpened, Actor::Provider, None, ids);
                self.emit(OrderEventKind::DisputeOpened, None, ids);
                self.reconcile_refunds(payment, ids);
            }
            return Settled::Changed;
        };
        let Some(next) = known.state.after(decision) else { return Settled::Unchanged };
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
        Settled::Changed
    }

    /// Whether a buyer's bank is deciding about a payment.
    pub fn is_disputed(&self, payment: PaymentId) -> bool {
        self.disputes.iter().any(|dispute| dispute.payment == payment && dispute.state == DisputeState::Opened)
    }

    /// Whether the buyer's bank has given money of a payment back to him.
    pub fn was_charged_back(&self, payment: PaymentId) -> bool {
        self.disputes.iter().any(|dispute| dispute.payment == payment && dispute.state == DisputeState::Lost)
    }

    /// What the buyer's bank has given back of a payment, in minor units of what was taken. A dispute whose amount is no such
    /// amount counts as all of it: rather nothing goes back by itself than something twice.
    pub(super) fn chargeback_total(&self, payment: PaymentId, taken: Money) -> i64 {
        let lost = self.disputes.iter().filter(|known| known.payment == payment && known.state == DisputeState::Lost);
        lost.fold(0, |sum: i64, dispute| match dispute.amount {
            Some(amount) if amount.currency() == taken.currency() => sum.saturating_add(amount.minor()),
            _ => i64::MAX,
        })
    }

    /// Fits refunds to what the buyer's bank does. While it decides they wait, and nobody has to give anything back by hand.
    /// What it has given to the buyer takes the place of what was going back to him, whatever it gave it for: rather too
    /// little goes back by itself than something twice. What is left goes on, or is said to the operator when it had failed.
    pub(super) fn reconcile_refunds(&mut self, payment: PaymentId, ids: &Ids) {
        if !self.disputes.iter().any(|dispute| dispute.payment == payment) {
            return;
        }
        let deciding = |dispute: &&Dispute| dispute.payment == payment && dispute.state == DisputeState::Opened;
        let open = self.disputes.iter().find(deciding).map(|dispute| dispute.id);
        let of_payment = self.refunds.iter().filter(|refund| refund.payment == payment);
        // First what would go out by itself: of what failed some may have been given back by hand already.
        let (waiting, ended): (Vec<_>, Vec<_>) = of_payment.partition(|refund| refund.state == RefundState::Queued);
        for id in waiting.into_iter().chain(ended).map(|refund| refund.id).collect::<Vec<_>>() {
            match open {
                Some(dispute) => self.hold_refund(id, dispute, ids),
                None => self.resume_refund(id, ids),
            }
        }
    }

    fn hold_refund(&mut self, refund: RefundId, dispute: DisputeId, ids: &Ids) {
        let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) else { return };
        match known.state {
            // News of the decision may never come, but then the provider will take the refund one day.
            RefundState::Queued => known.due_at = Some(ids.now() + DISPUTE_RETRY_INTERVAL),
            _ if known.needs_manual_refund() => known.dispute = Some(dispute),
            _ => {}
        }
    }

    fn resume_refund(&mut self, refund: RefundId, ids: &Ids) {
        let Some(known) = self.refunds.iter().find(|known| known.id == refund) else { return };
        let (state, may_be_made, waits) = (known.state, known.may_be_made(), known.dispute.is_some());
        let is_stranded = known.is_stranded();
        match state {
            // One that the provider may have made is asked for as it is: its answer is the truth.
            RefundState::Queued if may_be_made || !self.cover_by_bank(refund, ids) => self.make_refund_due(refund, ids),
            _ if is_stranded && !self.cover_by_bank(refund, ids) && waits => {
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

    /// Takes off a refund what the buyer's bank has given him of the payment, as far as it has taken the place of no other refund
    /// yet. Answers whether nothing of it is left: then it is over.
    pub(super) fn cover_by_bank(&mut self, refund: RefundId, ids: &Ids) -> bool {
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
            let asked = known.state.after(RefundStep::Submitted).unwrap_or(known.state);
            known.state = asked.after(RefundStep::Failed).unwrap_or(asked);
        }
        self.record(HistoryEvent::RefundChargedBack, Actor::System, vendor, ids);
        nothing_left
    }

    /// What the bank gave that has taken the place of refunds already, in minor units.
    fn applied_chargebacks(&self, payment: PaymentId) -> i64 {
        let of_payment = self.refunds.iter().filter(|refund| refund.payment == payment);
        of_payment.filter_map(|refund| refund.charged_back).fold(0, |sum, amount| sum.saturating_add(amount.minor()))
    }
}
