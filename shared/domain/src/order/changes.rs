//! Changes of an order by buyers, vendors and deadlines.

use crate::stored::Kept;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Actor, FulfilmentTimes, History, HistoryEvent, OrderEvent, OrderEventKind, OrderState, OrderStep, PlacedOrder,
    VendorOrder, VendorOrderState, VendorOrderStep,
};
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::money::MoneyError;
use crate::payment::{
    Payment, PaymentState, PaymentStep, ProviderName, Refund, RefundPart, RefundReason, RefundRules, RefundState,
    SLOW_DEADLINE,
};
use crate::{Money, PaymentId, RefundId, VendorId};

/// How long orders may stay unpaid or undelivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// How long stock stays reserved for an order whose payment has not come in.
    pub reservation: Duration,
    /// How long an order that is payable on delivery may stay undelivered.
    pub delivery: Duration,
    /// How long the steps of a vendor order may take.
    #[serde(default)]
    pub fulfilment: FulfilmentTimes,
    /// How long an order waits for a bank that takes days to decide about its payment.
    #[serde(default = "slow_payment")]
    pub slow_payment: Duration,
}

/// For settings of releases that did not have it.
const fn slow_payment() -> Duration {
    SLOW_DEADLINE
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            reservation: Duration::from_secs(15 * 60),
            delivery: Duration::from_secs(45 * 24 * 3600),
            fulfilment: FulfilmentTimes::default(),
            slow_payment: SLOW_DEADLINE,
        }
    }
}

/// What becomes of a late payment: one that comes in when the order is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatePayment {
    /// Re-reserve the stock and reopen the order.
    Fulfil,
    /// Refund the payment, because the stock is gone.
    Refund,
}

const WRONG_STATE: Refusal = Refusal::of(Code::WrongState);

impl PlacedOrder {
    /// The vendor accepts their vendor order.
    pub fn accept(&mut self, vendor: VendorId, ids: &mut Ids) -> Result<(), Refusal> {
        self.check_may_ship()?;
        self.check_not_held()?;
        self.apply_step(vendor, VendorOrderStep::Accepted, Actor::Vendor, ids)?;
        self.emit(OrderEventKind::VendorOrderAccepted, Some(vendor), ids);
        Ok(())
    }

    /// The vendor declines their vendor order, or cancels what they have accepted and not shipped: its stock is
    /// released, and what was paid for it is refunded.
    pub fn decline(&mut self, vendor: VendorId, ids: &mut Ids) -> Result<(), Refusal> {
        self.check_under_way()?;
        let pending =
            self.vendor_order(vendor).is_some_and(|vendor_order| vendor_order.state == VendorOrderState::Pending);
        let (step, kind) = if pending {
            (VendorOrderStep::Declined, OrderEventKind::VendorOrderDeclined)
        } else {
            (VendorOrderStep::Cancelled, OrderEventKind::VendorOrderCancelled)
        };
        self.apply_step(vendor, step, Actor::Vendor, ids)?;
        self.advance(vendor, Actor::Vendor, ids)?;
        self.queue_vendor_orders_refund(&[vendor], RefundReason::Declined, ids)?;
        self.emit(kind, Some(vendor), ids);
        self.close_if_nothing_is_left(Actor::Vendor, ids)
    }

    /// The buyer or the operator cancels the order, before anything of it was shipped.
    pub fn cancel(&mut self, by: Actor, ids: &mut Ids) -> Result<(), Refusal> {
        if self.vendors.iter().any(|vendor_order| vendor_order.state.has_shipped()) {
            return Err(Refusal::because(Code::WrongState, "a part of the order was already shipped"));
        }
        let state = self.order.state.after(OrderStep::Cancelled).ok_or(WRONG_STATE)?;
        self.end(state, PaymentStep::Cancelled, by, ids)?;
        self.emit(OrderEventKind::OrderCancelled, None, ids);
        Ok(())
    }

    /// The deadline has passed: the stock is released, and the cart reopens if the order was not paid. The caller
    /// closes the payment attempts at the provider first, so that nobody can pay an order that has expired.
    pub fn expire(&mut self, ids: &mut Ids) -> Result<(), Refusal> {
        if self.order.due_at.is_none_or(|due| due > ids.now()) {
            return Err(WRONG_STATE);
        }
        if self.vendors.iter().any(|vendor_order| vendor_order.state.has_shipped()) {
            return Err(WRONG_STATE);
        }
        let state = self.order.state.after(OrderStep::Expired).ok_or(WRONG_STATE)?;
        self.reopens_cart = matches!(self.order.state, OrderState::AwaitingConfirmation | OrderState::AwaitingPayment);
        self.end(state, PaymentStep::Expired, Actor::System, ids)?;
        self.emit(OrderEventKind::OrderExpired, None, ids);
        Ok(())
    }

    /// The deadline has passed, but parcels were already shipped: what was not is cancelled, and the order stays open
    /// until each parcel has ended.
    pub fn waive_deadline(&mut self, ids: &mut Ids) -> Result<(), Refusal> {
        if self.order.due_at.is_none_or(|due| due > ids.now()) {
            return Err(WRONG_STATE);
        }
        self.order.due_at = None;
        self.record(HistoryEvent::DeadlineWaived, Actor::System, None, ids);
        for vendor in self.cancel_unshipped_vendor_orders(Actor::System, ids)? {
            self.emit(OrderEventKind::VendorOrderCancelled, Some(vendor), ids);
        }
        self.end_if_all_is_done(Actor::System, ids)
    }

    /// Adds a payment attempt to an order that waits for its payment. `closed` are the earlier attempts that their
    /// providers have cancelled for it; of the others, at most two may still bring money.
    pub fn retry_payment(
        &mut self,
        provider: ProviderName,
        closed: &[PaymentId],
        ids: &mut Ids,
    ) -> Result<PaymentId, Refusal> {
        if self.order.state != OrderState::AwaitingPayment || self.order.due_at.is_some_and(|due| due <= ids.now()) {
            return Err(WRONG_STATE);
        }
        if provider.is_on_delivery() {
            return Err(Refusal::because(Code::PaymentMethodUnavailable, "cash on delivery is chosen at checkout"));
        }
        if self.payments.len() >= MAX_ATTEMPTS {
            return Err(Refusal::because(Code::TooManyRequests, "too many payment attempts for this order"));
        }
        let open = self.payments.iter().filter(|payment| payment.may_bring_money() && !closed.contains(&payment.id));
        if open.count() >= MAX_OPEN_ATTEMPTS {
            let detail = "earlier payment attempts of this order may still be paid: pay one of them, or wait";
            return Err(Refusal::because(Code::LimitReached, detail));
        }
        self.close_attempts(closed, ids.now());
        for payment in self.payments.iter_mut().filter(|payment| closed.contains(&payment.id)) {
            // A declined attempt stays declined: its provider has cancelled it, and nobody can pay it any more.
            if payment.state.is_open() {
                payment.state = payment.state.after(PaymentStep::Cancelled).ok_or(WRONG_STATE)?;
            }
        }
        let id = PaymentId::new(ids.now(), ids.bits());
        self.payments.push(Payment {
            id,
            order: self.order.id,
            provider,
            amount: self.order.totals.total,
            state: PaymentState::Created,
            reference: None,
            further_references: Vec::new(),
            action: None,
            captured: None,
            failure: None,
            opening: None,
            refunds: None,
            transaction: None,
            slow_deadline: None,
            processing: None,
            closed_at: None,
            is_followed: false,
            created_at: ids.now(),
            version: 0,
            kept: Kept::default(),
        });
        self.order.payment = id;
        self.order.provider = provider;
        self.record(HistoryEvent::PaymentAttempted, Actor::Buyer, None, ids);
        Ok(id)
    }

    /// Vendors act only on an order that is paid or payable on delivery.
    pub(super) const fn check_under_way(&self) -> Result<(), Refusal> {
        match self.order.state {
            OrderState::Paid | OrderState::Confirmed => Ok(()),
            _ => Err(WRONG_STATE),
        }
    }

    /// Goods are shipped only for money that came in or is collected on delivery: after an amount mismatch, shipping
    /// waits for the operator's decision.
    pub(super) fn check_may_ship(&self) -> Result<(), Refusal> {
        match self.order.state {
            OrderState::Paid | OrderState::Confirmed => Ok(()),
            _ if self.payments.iter().any(|payment| payment.state == PaymentState::AmountMismatch) => {
                Err(Refusal::because(Code::WrongState, "the amount paid is not the amount due: the operator decides"))
            }
            _ => Err(WRONG_STATE),
        }
    }

    /// Ends the order: reserved stock is released, captured money is refunded, open payment attempts are closed.
    fn end(&mut self, state: OrderState, payments: PaymentStep, by: Actor, ids: &mut Ids) -> Result<(), Refusal> {
        self.cancel_unshipped_vendor_orders(by, ids)?;
        self.queue_surplus_refund(ids)?;
        for payment in &mut self.payments {
            if let Some(next) = payment.state.after(payments).filter(|_| payment.state.is_open()) {
                payment.state = next;
            }
        }
        self.order.state = state;
        self.order.due_at = None;
        self.order.confirmation = None;
        self.record(state.into(), by, None, ids);
        Ok(())
    }

    /// Refunds what was captured beyond the vendor orders' totals, once all of these are cancelled or declined: the
    /// operator may have accepted a larger amount than was asked for.
    fn queue_surplus_refund(&mut self, ids: &mut Ids) -> Result<(), Refusal> {
        if !self.vendors.iter().all(|vendor_order| vendor_order.state.is_unfulfilled()) {
            return Ok(());
        }
        let over: Vec<(PaymentId, Money)> = self
            .payments
            .iter()
            .filter(|payment| matches!(payment.state, PaymentState::Captured | PaymentState::PartiallyRefunded))
            .filter(|payment| !self.is_refunded_in_full(payment.id))
            .filter_map(|payment| Some((payment.id, self.auto_refundable_amount(payment.id)?)))
            .filter(|(_, left)| !left.is_zero())
            .map(|(payment, left)| {
                // All of what is left, whatever was rounded before.
                (payment, Money::new(left.minor().saturating_add(self.rounded(payment)), left.currency()))
            })
            .collect();
        for (payment, left) in over {
            self.queue_refund(payment, left, Vec::new(), RefundReason::Cancelled, ids)?;
        }
        Ok(())
    }

    /// Cancels every vendor order that was not shipped: its stock is released, and its captured payment is refunded.
    pub(super) fn cancel_unshipped_vendor_orders(
        &mut self,
        by: Actor,
        ids: &mut Ids,
    ) -> Result<Vec<VendorId>, Refusal> {
        let held: Vec<VendorId> = self
            .vendors
            .iter()
            .filter(|vendor_order| vendor_order.state.holds_stock())
            .map(|vendor_order| vendor_order.vendor.id)
            .collect();
        for vendor in &held {
            self.apply_step(*vendor, VendorOrderStep::Cancelled, by, ids)?;
            self.advance(*vendor, by, ids)?;
        }
        self.queue_vendor_orders_refund(&held, RefundReason::Cancelled, ids)?;
        Ok(held)
    }

    /// Cancels the order when all of its vendor orders were declined or cancelled.
    pub(super) fn close_if_nothing_is_left(&mut self, by: Actor, ids: &mut Ids) -> Result<(), Refusal> {
        if self.vendors.iter().all(|vendor_order| vendor_order.state.is_cancelled_or_declined()) {
            self.close(by, ids)?;
        }
        // The declined vendor order may have been the last one for which the carrier had to collect cash.
        self.end_if_all_is_done(by, ids)
    }

    /// Cancels the order if it has not ended yet.
    pub(super) fn close(&mut self, by: Actor, ids: &mut Ids) -> Result<(), Refusal> {
        if let Some(state) = self.order.state.after(OrderStep::Cancelled) {
            self.end(state, PaymentStep::Cancelled, by, ids)?;
            self.emit(OrderEventKind::OrderCancelled, None, ids);
        }
        Ok(())
    }

    /// Marks an order that is payable on delivery as paid, once each vendor order is delivered or has ended.
    pub(super) fn collect_cash(&mut self, ids: &mut Ids) -> Result<(), Refusal> {
        let delivered = |vendor_order: &VendorOrder| vendor_order.state.was_delivered();
        let all =
            self.vendors.iter().all(|vendor_order| delivered(vendor_order) || vendor_order.state.is_unfulfilled());
        if self.order.state != OrderState::Confirmed || !all || !self.vendors.iter().any(delivered) {
            return Ok(());
        }
        let mut collected = Money::zero(self.order.currency);
        for vendor_order in self.vendors.iter_mut().filter(|vendor_order| delivered(vendor_order)) {
            collected = collected.plus(vendor_order.collect().map_err(refused)?).map_err(refused)?;
        }
        let attempt = self.order.payment;
        if let Some(payment) = self.payments.iter_mut().find(|payment| payment.id == attempt)
            && let Some(next) = payment.state.after(PaymentStep::Captured)
        {
            payment.state = next;
            payment.captured = Some(collected);
        }
        self.order.state = self.order.state.after(OrderStep::Paid).ok_or(WRONG_STATE)?;
        self.order.due_at = None;
        self.record(HistoryEvent::Paid, Actor::Vendor, None, ids);
        self.refund_collected_returns(ids)
    }

    /// Takes one step of a vendor order, with what it moves in the stock, and records it in the history.
    pub(super) fn apply_step(
        &mut self,
        vendor: VendorId,
        step: VendorOrderStep,
        by: Actor,
        ids: &Ids,
    ) -> Result<(), Refusal> {
        let vendor_order = self.vendor_order_mut(vendor).ok_or(Refusal::of(Code::NotFound))?;
        vendor_order.state = vendor_order.state.after(step).ok_or(WRONG_STATE)?;
        let moves = vendor_order.count(step);
        vendor_order.await_vendor(ids.now());
        self.stock_moves.extend(moves);
        self.record(step.into(), by, Some(vendor), ids);
        Ok(())
    }

    /// Queues the refund of what is gone of these vendor orders if its payment was captured: one refund for one
    /// decision. When the payment has less left, after a refund at the provider's dashboard or an accepted smaller
    /// amount, only that is refunded.
    pub(super) fn queue_vendor_orders_refund(
        &mut self,
        vendors: &[VendorId],
        reason: RefundReason,
        ids: &mut Ids,
    ) -> Result<(), Refusal> {
        // Another attempt may have captured money as well, but it did not pay for these vendor orders.
        let paid = self.payment().filter(|payment| {
            matches!(payment.state, PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded)
                && !self.is_refunded_in_full(payment.id)
        });
        let Some((payment, mut left)) =
            paid.and_then(|payment| Some((payment.id, self.auto_refundable_amount(payment.id)?)))
        else {
            return Ok(());
        };
        // What an earlier refund was rounded up by is a part of what is due now.
        left = Money::new(left.minor().saturating_add(self.rounded(payment)), left.currency());
        let mut parts = Vec::new();
        for vendor in vendors {
            let room = self.left_of_vendor(*vendor, left);
            let Some(vendor_order) = self.vendor_order_mut(*vendor) else { continue };
            let part = vendor_order.refund_gone(room).map_err(refused)?;
            left = left.minus(part.amount).map_err(refused)?;
            parts.push(part);
        }
        let mut amount = Money::sum(left.currency(), parts.iter().map(|part| part.amount)).map_err(refused)?;
        if self.vendors.iter().all(|vendor_order| vendor_order.state.is_unfulfilled()) {
            // The operator may have accepted a larger amount than was asked for.
            amount = amount.plus(left).map_err(refused)?;
        }
        self.queue_refund(payment, amount, parts, reason, ids)
    }

    /// What may still be given back of a vendor order, at most `left` of its payment: what it cost, less what refunds
    /// have given back of it. Nobody else bears more.
    pub(super) fn left_of_vendor(&self, vendor: VendorId, left: Money) -> Money {
        let cost = self.vendor_order(vendor).map_or(0, |vendor_order| vendor_order.totals.total.minor());
        let parts = self.refunds.iter().flat_map(|refund| &refund.parts).filter(|part| part.vendor == vendor);
        let refunded = parts.fold(0, |sum: i64, part| sum.saturating_add(part.amount.minor()));
        Money::new(cost.saturating_sub(refunded).clamp(0, left.minor().max(0)), left.currency())
    }

    /// The refundable amount of a payment without the refunds that did not arrive: these are made manually, and must
    /// not be made a second time.
    pub(super) fn auto_refundable_amount(&self, payment: PaymentId) -> Option<Money> {
        let left = self.left_to_decide(payment)?;
        let not_arrived = self.refunds.iter().filter(|refund| refund.payment == payment && refund.did_not_arrive());
        let not_arrived = not_arrived.fold(0, |sum: i64, refund| sum.saturating_add(refund.to_send().minor()));
        Some(Money::new(left.minor().saturating_sub(not_arrived).max(0), left.currency()))
    }

    /// Whether a payment is refunded as a whole, because it was late, a duplicate or mismatched.
    pub(super) fn is_refunded_in_full(&self, payment: PaymentId) -> bool {
        self.refunds.iter().any(|refund| refund.payment == payment && refund.is_full_refund())
    }

    /// Queues the refund of an amount, rounded to what the provider can pay.
    ///
    /// # Errors
    /// `wrong_state` when it would exceed what is left of the payment.
    pub(super) fn queue_refund(
        &mut self,
        payment: PaymentId,
        amount: Money,
        parts: Vec<RefundPart>,
        reason: RefundReason,
        ids: &mut Ids,
    ) -> Result<(), Refusal> {
        let vendor = match parts.as_slice() {
            [alone] => Some(alone.vendor),
            _ => None,
        };
        let left = self.left_to_decide(payment).ok_or(WRONG_STATE)?;
        let paid = self.payments.iter().find(|known| known.id == payment).ok_or(WRONG_STATE)?;
        let due = amount.minor().saturating_sub(self.rounded(payment));
        if left.currency() != amount.currency() || left.minor() < due {
            return Err(Refusal::because(Code::WrongState, "the refund would exceed what was paid"));
        }
        if amount.is_zero() {
            return Ok(());
        }
        let sent = paid.refunds.unwrap_or(RefundRules::ANY).payable(due, left.minor());
        let more = sent.saturating_sub(amount.minor());
        let id = RefundId::new(ids.now(), ids.bits());
        let mut refund = Refund::queued(id, paid, Money::new(sent, amount.currency()), reason, ids.now());
        (refund.vendor, refund.parts) = (vendor, parts);
        refund.rounding = (more != 0).then(|| Money::new(more, amount.currency()));
        if refund.amount.is_zero() {
            // An earlier refund was rounded up by as much.
            (refund.state, refund.due_at) = (RefundState::Resolved, None);
        }
        self.refunds.push(refund);
        self.record(HistoryEvent::RefundQueued, Actor::System, vendor, ids);
        self.count_elsewhere(payment, ids);
        self.reconcile_refunds(payment, ids);
        Ok(())
    }

    /// By how much the refunds of a payment are more than their parts, because its provider pays in steps.
    pub(super) fn rounded(&self, payment: PaymentId) -> i64 {
        let of_payment = self.refunds.iter().filter(|refund| refund.payment == payment);
        of_payment.filter_map(|refund| refund.rounding).fold(0, |sum: i64, more| sum.saturating_add(more.minor()))
    }

    pub(super) fn record_parcel(&mut self, event: HistoryEvent, by: Actor, vendor: VendorId, parcel: u16, ids: &Ids) {
        let (at, subject) = (ids.now(), Some(parcel.to_string()));
        self.history.push(History { at, event, subject, by, vendor: Some(vendor) });
    }

    pub(super) fn record(&mut self, event: HistoryEvent, by: Actor, vendor: Option<VendorId>, ids: &Ids) {
        self.history.push(History { at: ids.now(), event, subject: None, by, vendor });
    }

    pub(super) fn emit(&mut self, kind: OrderEventKind, vendor: Option<VendorId>, ids: &mut Ids) {
        self.events.push(OrderEvent::new(kind, self.order.id, vendor, ids));
    }

    pub(super) fn emit_of_parcel(&mut self, kind: OrderEventKind, vendor: VendorId, parcel: u16, ids: &mut Ids) {
        let event = OrderEvent::new(kind, self.order.id, Some(vendor), ids);
        self.events.push(OrderEvent { parcel: Some(parcel), ..event });
    }

    pub(super) fn emit_of_return(&mut self, kind: OrderEventKind, vendor: VendorId, number: u16, ids: &mut Ids) {
        let event = OrderEvent::new(kind, self.order.id, Some(vendor), ids);
        self.events.push(OrderEvent { return_number: Some(number), ..event });
    }

    pub(super) fn vendor_order_mut(&mut self, vendor: VendorId) -> Option<&mut VendorOrder> {
        self.vendors.iter_mut().find(|vendor_order| vendor_order.vendor.id == vendor)
    }
}

/// The most payment attempts of an order, so that a change of all of them fits into one transaction.
const MAX_ATTEMPTS: usize = 20;

/// How many attempts of an order may bring money at the same time: each may be paid, and all but one refunded.
const MAX_OPEN_ATTEMPTS: usize = 3;

pub(super) fn refused(error: MoneyError) -> Refusal {
    Refusal::because(Code::Internal, error.to_string())
}
