//! Settlement of payments: what a provider's news means for an order. The webhook, the buyer's return and the
//! reconciliation all call it, in any order and any number of times.

use std::collections::BTreeMap;

use super::{
    Actor, HistoryEvent, LatePayment, OrderEventKind, OrderState, OrderStep, PlacedOrder, VendorOrderState,
    VendorOrderStep,
};
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::payment::{PaymentState, PaymentStep, ProviderName, RefundReason};
use crate::provider_news::PaymentNews;
use crate::stock::{Allocation, demand};
use crate::{Money, PaymentId, VariantId, VendorId};

/// The result of applying news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The order has changed and has to be written.
    Changed,
    /// The news was known already or is outdated: nothing has to be written.
    Unchanged,
}

impl PlacedOrder {
    /// Applies news of a payment attempt. `late` says what becomes of a late payment. For [`LatePayment::Fulfil`] the
    /// caller first allocates the stock that the order re-reserves ([`Self::reallocate`]); without enough stock it
    /// reloads the order and refunds.
    pub fn settle(
        &mut self,
        payment: PaymentId,
        news: &PaymentNews,
        late: LatePayment,
        ids: &mut Ids,
    ) -> Result<Settled, Refusal> {
        let state = self.payments.iter().find(|known| known.id == payment).ok_or(Refusal::of(Code::NotFound))?.state;
        let step = match news {
            PaymentNews::Captured { amount } => return self.apply_captured(payment, *amount, late, ids),
            PaymentNews::Pending | PaymentNews::Processing => PaymentStep::Pending,
            PaymentNews::Authorized { .. } => PaymentStep::Authorized,
            PaymentNews::Failed { .. } => PaymentStep::Failed,
            PaymentNews::Cancelled => PaymentStep::Cancelled,
        };
        let is_noted = self.note_processing(payment, news, ids.now());
        let is_closed = *news == PaymentNews::Cancelled && self.note_closed(payment, ids.now());
        let Some(next) = state.after(step).filter(|next| *next != state) else {
            return Ok(if is_noted || is_closed { Settled::Changed } else { Settled::Unchanged });
        };
        if let Some(known) = self.payments.iter_mut().find(|known| known.id == payment) {
            known.state = next;
            if let PaymentNews::Failed { code } = news {
                known.failure = Some(code.clone());
            }
        }
        if next == PaymentState::Failed {
            self.record(HistoryEvent::PaymentFailed, Actor::Provider, None, ids);
        }
        Ok(Settled::Changed)
    }

    fn apply_captured(
        &mut self,
        payment: PaymentId,
        amount: Option<Money>,
        late: LatePayment,
        ids: &mut Ids,
    ) -> Result<Settled, Refusal> {
        // An amount that cannot be expressed is not the requested one.
        let amount = amount.unwrap_or(Money::zero(self.order.currency));
        let known = self.payments.iter().find(|known| known.id == payment).ok_or(Refusal::of(Code::NotFound))?;
        if known.state.took_money() {
            return Ok(Settled::Unchanged);
        }
        self.note_processing(payment, &PaymentNews::Captured { amount: Some(amount) }, ids.now());
        let Some(known) = self.payments.iter_mut().find(|known| known.id == payment) else {
            return Err(Refusal::of(Code::NotFound));
        };
        known.captured = Some(amount);
        // A mismatched amount does not pay the order.
        let as_asked = amount == known.amount;
        let step = if as_asked { PaymentStep::Captured } else { PaymentStep::AmountMismatch };
        known.state = known.state.after(step).ok_or(Refusal::of(Code::WrongState))?;
        if as_asked {
            self.apply_payment(payment, amount, late, ids)?;
        } else {
            self.record(HistoryEvent::PaymentAmountMismatch, Actor::Provider, None, ids);
            self.emit(OrderEventKind::PaymentAmountMismatch, None, ids);
        }
        // A refund at the provider's dashboard, or a dispute, may have been reported before the payment.
        self.update_refunded_state(payment);
        self.stop_goods_without_money(ids)?;
        Ok(Settled::Changed)
    }

    /// Uses captured money: it pays the order, reopens it, or is refunded.
    pub(super) fn apply_payment(
        &mut self,
        payment: PaymentId,
        amount: Money,
        late: LatePayment,
        ids: &mut Ids,
    ) -> Result<(), Refusal> {
        let others_paid = self
            .payments
            .iter()
            .any(|known| known.id != payment && known.has_paid() && !self.is_refunded_in_full(known.id));
        if others_paid {
            return self.refund_in_full(
                payment,
                amount,
                RefundReason::Duplicate,
                OrderEventKind::DuplicatePaymentRefunded,
                ids,
            );
        }
        match self.order.state {
            OrderState::AwaitingPayment | OrderState::Confirmed => self.mark_paid(payment, ids),
            OrderState::Expired if late == LatePayment::Fulfil && self.can_reopen() && !self.is_gone(payment) => {
                self.reopen(ids)?;
                self.mark_paid(payment, ids)
            }
            OrderState::Expired | OrderState::Cancelled => {
                self.refund_in_full(payment, amount, RefundReason::Late, OrderEventKind::LatePaymentRefunded, ids)
            }
            // No other attempt has paid, and yet the order is paid: only cash on delivery does that.
            OrderState::Paid | OrderState::Completed => self.refund_in_full(
                payment,
                amount,
                RefundReason::Duplicate,
                OrderEventKind::DuplicatePaymentRefunded,
                ids,
            ),
            // Nobody has been asked for money before it is confirmed.
            OrderState::AwaitingConfirmation => Err(Refusal::of(Code::WrongState)),
            OrderState::Other => Err(Refusal::of(Code::NewerData)),
        }
    }

    /// Whether the order ended unfulfilled.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.order.state, OrderState::Expired | OrderState::Cancelled)
    }

    /// Whether all of the order can go on: only when nobody has ended it, but its deadline.
    pub(super) fn can_reopen(&self) -> bool {
        self.order.state == OrderState::Expired
            && self.vendors.iter().all(|vendor_order| vendor_order.state == VendorOrderState::Cancelled)
    }

    /// Units per variant that an order needs to be reopened; nothing when it cannot be reopened.
    pub fn demand_to_reopen(&self) -> Option<BTreeMap<VariantId, u32>> {
        self.can_reopen().then(|| self.units())
    }

    /// How many units of each variant were ordered.
    pub fn units(&self) -> BTreeMap<VariantId, u32> {
        let lines = self.vendors.iter().flat_map(|vendor_order| &vendor_order.lines);
        demand(lines.map(|line| (line.variant, line.quantity)))
    }

    /// Sets the shards from which a reopened order re-reserves its units: the shards that it had before may be empty
    /// while others are full. Fails with `out_of_stock` when the allocations do not cover the units exactly.
    pub fn reallocate(&mut self, mut allocations: BTreeMap<VariantId, Vec<Allocation>>) -> Result<(), Refusal> {
        let wanted = self.demand_to_reopen().ok_or(Refusal::of(Code::WrongState))?;
        for (variant, units) in &wanted {
            let allocated: u64 =
                allocations.get(variant).into_iter().flatten().map(|allocation| u64::from(allocation.units)).sum();
            if allocated != u64::from(*units) {
                return Err(Refusal::of(Code::OutOfStock));
            }
        }
        for line in self.vendors.iter_mut().flat_map(|vendor_order| &mut vendor_order.lines) {
            let Some(left) = allocations.get_mut(&line.variant) else { continue };
            line.allocations = take_allocations(left, line.quantity);
            // The re-reserved units are in stock, so none of them has to come in first.
            line.backorder = None;
        }
        Ok(())
    }

    fn reopen(&mut self, ids: &Ids) -> Result<(), Refusal> {
        let off: Vec<VendorId> = self.vendors.iter().map(|vendor_order| vendor_order.vendor.id).collect();
        for vendor in off {
            if let Some(vendor_order) = self.vendors.iter_mut().find(|vendor_order| vendor_order.vendor.id == vendor) {
                vendor_order.state =
                    vendor_order.state.after(VendorOrderStep::Reopened).ok_or(Refusal::of(Code::WrongState))?;
                let moves = vendor_order.count(VendorOrderStep::Reopened);
                self.stock_moves.extend(moves);
            }
            self.record(HistoryEvent::Reopened, Actor::Provider, Some(vendor), ids);
        }
        Ok(())
    }

    fn mark_paid(&mut self, payment: PaymentId, ids: &mut Ids) -> Result<(), Refusal> {
        self.order.state = self.order.state.after(OrderStep::Paid).ok_or(Refusal::of(Code::WrongState))?;
        self.order.due_at = None;
        self.order.payment = payment;
        if let Some(known) = self.payments.iter().find(|known| known.id == payment) {
            self.order.provider = known.provider;
        }
        for vendor_order in &mut self.vendors {
            vendor_order.visible = true;
            vendor_order.await_vendor(ids.now());
        }
        let by = if self.order.provider == ProviderName::Unneeded { Actor::System } else { Actor::Provider };
        self.record(HistoryEvent::Paid, by, None, ids);
        self.emit(OrderEventKind::OrderPaid, None, ids);
        Ok(())
    }

    fn refund_in_full(
        &mut self,
        payment: PaymentId,
        amount: Money,
        reason: RefundReason,
        event: OrderEventKind,
        ids: &mut Ids,
    ) -> Result<(), Refusal> {
        // A part may have been refunded at the provider's dashboard already.
        let left = self.left_to_decide(payment).unwrap_or(amount);
        self.queue_refund(payment, left, Vec::new(), reason, ids)?;
        self.emit(event, None, ids);
        Ok(())
    }
}

/// Takes the allocations for one line out of those of its variant.
fn take_allocations(allocated: &mut Vec<Allocation>, units: u32) -> Vec<Allocation> {
    let mut missing = units;
    let mut taken = Vec::new();
    for allocation in allocated.iter_mut() {
        let units = allocation.units.min(missing);
        if units > 0 {
            taken.push(Allocation { shard: allocation.shard, units });
            allocation.units -= units;
            missing -= units;
        }
    }
    allocated.retain(|allocation| allocation.units > 0);
    taken
}
