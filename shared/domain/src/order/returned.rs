//! Settlement of money that goes back: refunds, as the provider tells of them.

use super::changes::refused;
use super::settle::Settled;
use super::{Actor, Event, EventKind, OrderFile};
use crate::code::{Code, Refusal};
use crate::mint::Mint;
use crate::payment::{PaymentEvent, Refund, RefundEvent, RefundReason, RefundState};
use crate::{EventId, Money, PaymentId, RefundId, Timestamp};

/// News of a refund that nobody asked for here: somebody made it at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundNews {
    /// The provider's name for it.
    pub reference: String,
    /// How much; nothing when it is no amount that we can express.
    pub amount: Option<Money>,
    /// How it stands.
    pub event: RefundEvent,
}

/// In histories: the provider has made a refund that had ended here.
pub const SENT_ALL_THE_SAME: &str = "refund_sent_all_the_same";

impl OrderFile {
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
        if known.has_arrived() && event == RefundEvent::Failed {
            // The buyer's bank sent it back. A refund that succeeded stays one; that it came back is a fact of its own.
            known.returned_at = Some(mint.now());
            let (id, payment, vendor) = (known.id, known.payment, known.vendor);
            self.note("refund_returned", Actor::Provider, vendor, mint);
            if self.is_disputed(payment) {
                self.weigh_refunds(payment, mint);
            } else if !self.cover_by_bank(id, mint) {
                self.announce_failure(id, 1, mint);
            }
            return Ok(Settled::Changed);
        }
        if known.state == RefundState::Failed && event == RefundEvent::Succeeded {
            // It was over here, and went out all the same: nobody can call it back, but somebody has to know.
            let id = known.id;
            return Ok(self.remark(SENT_ALL_THE_SAME, &id.to_string(), mint));
        }
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
                if self.is_disputed(payment) {
                    self.weigh_refunds(payment, mint);
                } else if !self.cover_by_bank(refund, mint) {
                    self.say_failed(refund, mint);
                }
            }
            RefundState::Queued | RefundState::Pending => {}
        }
        Ok(Settled::Changed)
    }

    /// Applies news of a refund that was made at the provider: the first news writes it down, the next change it.
    pub fn refunded_by_provider(
        &mut self,
        payment: PaymentId,
        news: RefundNews,
        mint: &mut Mint,
    ) -> Result<Settled, Refusal> {
        let known = self
            .refunds
            .iter()
            .find(|refund| refund.payment == payment && refund.reference.as_deref() == Some(news.reference.as_str()))
            .map(|refund| refund.id);
        if let Some(refund) = known {
            return self.refund_changed(refund, news.event, None, mint);
        }
        let Some(amount) = news.amount else {
            // It cannot be counted, so at least it is said.
            return Ok(self.remark("refunded_at_provider", &news.reference, mint));
        };
        let id = RefundId::new(mint.now(), mint.bits());
        self.refunds.push(Refund {
            id,
            order: self.order.id,
            payment,
            vendor: None,
            amount,
            by_bank: None,
            // Where it stood when it was asked for; the news takes it on from there. Nobody here is to ask for it again.
            state: RefundState::Pending,
            reference: Some(news.reference),
            reason: RefundReason::Provider,
            created_at: mint.now(),
            due_at: None,
            tries: 0,
            refusals: 0,
            returned_at: None,
            dispute: None,
            version: 0,
        });
        self.note("refunded_at_provider", Actor::Provider, None, mint);
        self.refund_changed(id, news.event, None, mint)?;
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

    /// Writes down that the provider sends nothing back while the buyer's bank decides, of which no news has come here yet.
    pub fn refund_waits_for_bank(&mut self, refund: RefundId, until: Timestamp) -> Result<(), Refusal> {
        self.refund_waits(refund, until)?;
        if let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) {
            // It was looked for before it was asked for, so that what was unclear before is not any more: it was not made.
            known.refusals = known.tries;
        }
        Ok(())
    }

    /// Writes down something that a provider tells and that changes no state here, once per reference.
    fn remark(&mut self, event: &str, reference: &str, mint: &Mint) -> Settled {
        let text = format!("{event}:{reference}");
        if self.order.history.iter().any(|history| history.event == text) {
            return Settled::Unchanged;
        }
        self.note(&text, Actor::Provider, None, mint);
        Settled::Changed
    }

    /// Says that a refund failed and that its money has to go back by hand: once, and again when a bank has decided since.
    pub(super) fn say_failed(&mut self, refund: RefundId, mint: &Mint) {
        let decided = u8::try_from(self.disputes.len()).unwrap_or(u8::MAX);
        let round = if decided == 0 { 0 } else { decided.saturating_add(1) };
        self.announce_failure(refund, round, mint);
    }

    /// Says that a refund did not reach the buyer. The event's id follows from the refund's, so that no repeat tells it twice.
    fn announce_failure(&mut self, refund: RefundId, round: u8, mint: &Mint) {
        let mut bits = [round; 10];
        for (bit, known) in bits.iter_mut().rev().zip(refund.bits().to_le_bytes()) {
            *bit ^= known;
        }
        self.events.push(Event {
            id: EventId::new(mint.now(), bits),
            kind: EventKind::RefundFailed,
            order: self.order.id,
            vendor: None,
            at: mint.now(),
        });
    }

    /// Brings a payment's state up to what has gone back of it. What came back from the buyer's bank does not count, but a
    /// payment that was refunded does not become another again: what is left of it is said by its refunds.
    pub(super) fn count_refunds(&mut self, payment: PaymentId) -> Result<(), Refusal> {
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
            let event = if all { PaymentEvent::Refunded } else { PaymentEvent::PartiallyRefunded };
            if let Some(next) = known.state.after(event) {
                known.state = next;
            }
        }
        Ok(())
    }
}
