//! Settlement: what a provider's news means for an order. Every channel calls it: the webhook, the buyer's return and the
//! reconciliation; in any order, any number of times.

use std::collections::BTreeMap;

use super::{Actor, EventKind, Late, OrderEvent, OrderFile, OrderState, VendorOrderEvent, VendorOrderState};
use crate::code::{Code, Refusal};
use crate::mint::Mint;
use crate::payment::{PaymentEvent, PaymentState, RefundReason};
use crate::stock::{Draw, demand};
use crate::{Money, PaymentId, VariantId, VendorId};

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
    /// Applies news of an attempt. `late` says what becomes of money that comes when the order is over: the caller plans from
    /// which counters the stock is taken again ([`Self::draw_anew`]), and when there is none reads the order anew and refunds.
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
        let Some(known) = self.payments.iter_mut().find(|known| known.id == payment) else {
            return Err(Refusal::of(Code::NotFound));
        };
        if known.state.took_money() {
            return Ok(Settled::Unchanged);
        }
        known.captured = Some(amount);
        // An attempt that brought another amount than was asked for has not paid the order.
        let as_asked = amount == known.amount;
        let event = if as_asked { PaymentEvent::Captured } else { PaymentEvent::Conflicted };
        known.state = known.state.after(event).ok_or(Refusal::of(Code::WrongState))?;
        if as_asked {
            self.spend(payment, amount, late, mint)?;
        } else {
            self.note("payment_conflicted", Actor::Provider, None, mint);
            self.announce(EventKind::PaymentConflicted, None, mint);
        }
        // Somebody may have given it back at the provider before the news of it arrived.
        self.count_refunds(payment)?;
        Ok(Settled::Changed)
    }

    /// What money does that came: it pays the order, takes it up again, or goes back.
    pub(super) fn spend(
        &mut self,
        payment: PaymentId,
        amount: Money,
        late: Late,
        mint: &mut Mint,
    ) -> Result<(), Refusal> {
        let others_paid = self
            .payments
            .iter()
            .any(|known| known.id != payment && known.has_paid() && !self.goes_back_whole(known.id));
        if others_paid {
            return self.give_all_back(
                payment,
                amount,
                RefundReason::Duplicate,
                EventKind::DuplicatePaymentRefunded,
                mint,
            );
        }
        match self.order.state {
            OrderState::AwaitingPayment | OrderState::Confirmed => self.pay(payment, mint),
            OrderState::Expired | OrderState::Cancelled if late == Late::TakeStock && self.can_reopen() => {
                self.reopen(mint)?;
                self.pay(payment, mint)
            }
            OrderState::Expired | OrderState::Cancelled => {
                self.give_all_back(payment, amount, RefundReason::Late, EventKind::LatePaymentRefunded, mint)
            }
            // Paid by nobody else, yet paid: only cash on delivery does that.
            OrderState::Paid | OrderState::Completed => {
                self.give_all_back(payment, amount, RefundReason::Duplicate, EventKind::DuplicatePaymentRefunded, mint)
            }
        }
    }

    /// Whether the order has ended without having been carried out.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.order.state, OrderState::Expired | OrderState::Cancelled)
    }

    /// Whether the order can go on as a whole: a part that its seller refused cannot.
    pub(super) fn can_reopen(&self) -> bool {
        self.vendors.iter().all(|part| part.state == VendorOrderState::Cancelled)
    }

    /// How many units of each variant an order takes again that is over; nothing when it is not over, or cannot go on.
    pub fn demand_to_reopen(&self) -> Option<BTreeMap<VariantId, u32>> {
        (self.is_over() && self.can_reopen())
            .then(|| demand(self.vendors.iter().flat_map(|part| &part.lines).map(|line| (line.variant, line.quantity))))
    }

    /// Plans from which counters an order that is over takes its units again. The counters it had before may be empty while
    /// others are full. Refused when the draws do not cover what it takes exactly.
    pub fn draw_anew(&mut self, mut draws: BTreeMap<VariantId, Vec<Draw>>) -> Result<(), Refusal> {
        let wanted = self.demand_to_reopen().ok_or(Refusal::of(Code::WrongState))?;
        for (variant, units) in &wanted {
            let drawn: u64 = draws.get(variant).into_iter().flatten().map(|draw| u64::from(draw.units)).sum();
            if drawn != u64::from(*units) {
                return Err(Refusal::of(Code::OutOfStock));
            }
        }
        for line in self.vendors.iter_mut().flat_map(|part| &mut part.lines) {
            let Some(left) = draws.get_mut(&line.variant) else { continue };
            line.draws = share_of(left, line.quantity);
            // What it takes now is there: nothing of it has to come in first any more.
            line.back_order = None;
        }
        Ok(())
    }

    fn reopen(&mut self, mint: &Mint) -> Result<(), Refusal> {
        let off: Vec<VendorId> = self.vendors.iter().map(|part| part.vendor.id).collect();
        for vendor in off {
            if let Some(part) = self.vendors.iter_mut().find(|part| part.vendor.id == vendor) {
                part.state = part.state.after(VendorOrderEvent::Reopened).ok_or(Refusal::of(Code::WrongState))?;
            }
            self.take_again(vendor);
            self.note(VendorOrderEvent::Reopened.as_str(), Actor::Provider, Some(vendor), mint);
        }
        Ok(())
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
        // Some of it may have gone back by hand at the provider already.
        let left = self.left_of(payment).unwrap_or(amount);
        self.queue_refund(payment, None, left, reason, mint)?;
        self.announce(event, None, mint);
        Ok(())
    }
}

/// Takes so many units out of what was drawn of a variant, for one of its lines.
fn share_of(drawn: &mut Vec<Draw>, units: u32) -> Vec<Draw> {
    let mut missing = units;
    let mut taken = Vec::new();
    for draw in drawn.iter_mut() {
        let units = draw.units.min(missing);
        if units > 0 {
            taken.push(Draw { shard: draw.shard, units });
            draw.units -= units;
            missing -= units;
        }
    }
    drawn.retain(|draw| draw.units > 0);
    taken
}
