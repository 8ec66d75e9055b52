//! Disputes, as the provider tells of them, and what they mean for the refunds of the same payment: while a buyer's bank
//! decides, providers send nothing back, and what the bank has given the buyer does not go to him a second time.

use super::settle::Settled;
use super::{Actor, EventKind, OrderFile};
use crate::dispute::{Dispute, DisputeEvent, DisputeState};
use crate::mint::Mint;
use crate::payment::{Refund, RefundEvent, RefundState};
use crate::{DisputeId, Money, PaymentId, RefundId, Timestamp};

/// News of a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeNews {
    /// The provider's name for it.
    pub reference: String,
    /// How much; nothing when it is no amount that we can express.
    pub amount: Option<Money>,
    /// What the buyer's bank says is wrong.
    pub reason: String,
    /// How it ended; nothing when it was opened.
    pub decision: Option<DisputeEvent>,
    /// When it happened.
    pub at: Timestamp,
}

impl OrderFile {
    /// Applies news of a dispute, in whichever order its opening and its end are told.
    pub fn dispute_changed(&mut self, payment: PaymentId, news: DisputeNews, mint: &mut Mint) -> Settled {
        let before = self.disputes.iter().position(|known| known.reference == news.reference);
        let index = before.unwrap_or_else(|| {
            self.disputes.push(Dispute {
                id: DisputeId::new(mint.now(), mint.bits()),
                order: self.order.id,
                payment,
                reference: news.reference,
                amount: news.amount,
                state: DisputeState::Opened,
                reason: news.reason,
                opened_at: None,
                closed_at: None,
                version: 0,
            });
            self.disputes.len() - 1
        });
        let Some(known) = self.disputes.get_mut(index) else { return Settled::Unchanged };
        let Some(decision) = news.decision else {
            if known.opened_at.is_some() {
                return Settled::Unchanged;
            }
            known.opened_at = Some(news.at);
            let payment = known.payment;
            // Of one that is over already nobody needs to hear that it began.
            if known.state == DisputeState::Opened {
                self.note("dispute_opened", Actor::Provider, None, mint);
                self.announce(EventKind::DisputeOpened, None, mint);
                self.weigh_refunds(payment, mint);
            }
            return Settled::Changed;
        };
        let Some(next) = known.state.after(decision) else { return Settled::Unchanged };
        known.state = next;
        known.closed_at = Some(news.at);
        let event = match decision {
            DisputeEvent::Won => "dispute_won",
            DisputeEvent::Lost => "dispute_lost",
        };
        let payment = known.payment;
        self.note(event, Actor::Provider, None, mint);
        self.announce(EventKind::DisputeClosed, None, mint);
        self.weigh_refunds(payment, mint);
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
    pub(super) fn charged_back(&self, payment: PaymentId, taken: Money) -> i64 {
        let lost = self.disputes.iter().filter(|known| known.payment == payment && known.state == DisputeState::Lost);
        lost.fold(0, |sum: i64, dispute| match dispute.amount {
            Some(amount) if amount.currency() == taken.currency() => sum.saturating_add(amount.minor()),
            _ => i64::MAX,
        })
    }

    /// Fits the refunds that wait to what the buyer's bank does: they wait for its decision; when it gives the money to the
    /// buyer, only what it left goes back here; when it does not, they go on.
    fn weigh_refunds(&mut self, payment: PaymentId, mint: &Mint) {
        let waits = |state| state == RefundState::Queued;
        if self.is_disputed(payment) {
            for refund in self.refunds.iter_mut().filter(|known| known.payment == payment && waits(known.state)) {
                refund.due_at = None;
            }
            return;
        }
        let Some(taken) = self.payments.iter().find(|known| known.id == payment).and_then(|known| known.captured)
        else {
            return;
        };
        let asked = |refund: &&Refund| refund.payment == payment && refund.holds_money() && !waits(refund.state);
        let gone = self
            .refunds
            .iter()
            .filter(asked)
            .fold(self.charged_back(payment, taken), |gone, refund| gone.saturating_add(refund.amount.minor()));
        let mut left = taken.minor().saturating_sub(gone).max(0);
        for refund in self.refunds.iter_mut().filter(|known| known.payment == payment && waits(known.state)) {
            // One that the provider may know already is asked for again as it is: its answer is the truth.
            if refund.tries == 0 && left > 0 && left < refund.amount.minor() {
                refund.amount = Money::new(left, refund.amount.currency());
            }
            if refund.tries == 0 && left == 0 {
                let pending = refund.state.after(RefundEvent::Asked);
                refund.state = pending.and_then(|state| state.after(RefundEvent::Failed)).unwrap_or(refund.state);
                refund.due_at = None;
            } else {
                left = left.saturating_sub(refund.amount.minor()).max(0);
                refund.due_at = Some(mint.now());
            }
        }
        let failed = |refund: &&Refund| refund.payment == payment && refund.state == RefundState::Failed;
        let failed: Vec<RefundId> = self.refunds.iter().filter(failed).map(|refund| refund.id).collect();
        for refund in failed {
            self.is_covered_by_dispute(refund, mint);
        }
    }

    /// Whether a refund that failed is needless, because the buyer's bank has given him all that was left of the payment:
    /// then it is written down, and nobody has to give anything back by hand.
    pub(super) fn is_covered_by_dispute(&mut self, refund: RefundId, mint: &Mint) -> bool {
        let Some(payment) = self.refunds.iter().find(|known| known.id == refund).map(|known| known.payment) else {
            return false;
        };
        let lost = self.disputes.iter().rev();
        let lost = lost.filter(|dispute| dispute.payment == payment && dispute.state == DisputeState::Lost);
        let Some(dispute) = lost.map(|dispute| dispute.id).next() else { return false };
        if !self.left_of(payment).is_some_and(Money::is_zero) {
            return false;
        }
        let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) else { return false };
        if known.dispute.is_none() {
            known.dispute = Some(dispute);
            let vendor = known.vendor;
            self.note("refund_covered_by_dispute", Actor::System, vendor, mint);
        }
        true
    }
}
