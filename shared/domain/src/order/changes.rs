//! What buyers, sellers and deadlines do to an order.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Actor, Event, EventKind, History, OrderEvent, OrderFile, OrderState, Shipment, StockMove, VendorOrder,
    VendorOrderEvent, VendorOrderState,
};
use crate::code::{Code, Refusal};
use crate::mint::Mint;
use crate::money::MoneyError;
use crate::payment::{Payment, PaymentEvent, PaymentState, ProviderName, Refund, RefundReason, RefundState};
use crate::text::Line;
use crate::{EventId, Money, PaymentId, RefundId, VendorId};

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// How long stock is kept for an order that waits for its money.
    pub reservation: Duration,
    /// How long an order that is payable on delivery may take.
    pub delivery: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { reservation: Duration::from_secs(15 * 60), delivery: Duration::from_secs(45 * 24 * 3600) }
    }
}

/// What to do with money that comes when the order is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// Take the stock again and go on.
    TakeStock,
    /// Give the money back: the stock is gone.
    Refund,
}

const WRONG_STATE: Refusal = Refusal::of(Code::WrongState);

impl OrderFile {
    /// A seller will send its part.
    pub fn accept(&mut self, vendor: VendorId, mint: &mut Mint) -> Result<(), Refusal> {
        self.may_go_out()?;
        self.step(vendor, VendorOrderEvent::Accepted, Actor::Vendor, mint)?;
        self.announce(EventKind::VendorOrderAccepted, Some(vendor), mint);
        Ok(())
    }

    /// A seller will not send its part, or cannot after all: the stock goes back, and so does the money if it was taken.
    pub fn refuse(&mut self, vendor: VendorId, mint: &mut Mint) -> Result<(), Refusal> {
        self.is_under_way()?;
        let accepted = self.vendor(vendor).is_some_and(|part| part.state == VendorOrderState::Accepted);
        let (event, kind) = if accepted {
            (VendorOrderEvent::Cancelled, EventKind::VendorOrderCancelled)
        } else {
            (VendorOrderEvent::Refused, EventKind::VendorOrderRefused)
        };
        self.step(vendor, event, Actor::Vendor, mint)?;
        self.give_back(vendor);
        self.queue_refund_of(vendor, RefundReason::Refused, mint)?;
        self.announce(kind, Some(vendor), mint);
        self.close_if_nothing_is_left(Actor::Vendor, mint)
    }

    /// A parcel leaves.
    pub fn ship(
        &mut self,
        vendor: VendorId,
        carrier: Option<Line>,
        tracking_number: Option<Line>,
        mint: &mut Mint,
    ) -> Result<(), Refusal> {
        self.may_go_out()?;
        self.step(vendor, VendorOrderEvent::Shipped, Actor::Vendor, mint)?;
        let shipped_at = mint.now();
        let mut moves = Vec::new();
        if let Some(part) = self.part_mut(vendor) {
            part.shipment = Some(Shipment { carrier, tracking_number, shipped_at, delivered_at: None });
            for (variant, draw) in part.lines.iter().flat_map(|line| line.draws.iter().map(|draw| (line.variant, draw)))
            {
                moves.push(StockMove { variant, shard: draw.shard, available: 0, reserved: -i64::from(draw.units) });
            }
        }
        self.moves.extend(moves);
        self.announce(EventKind::VendorOrderShipped, Some(vendor), mint);
        Ok(())
    }

    /// A parcel arrives. When it is the last one of an order that is paid at the door, the money has come with it.
    pub fn deliver(&mut self, vendor: VendorId, mint: &mut Mint) -> Result<(), Refusal> {
        self.is_under_way()?;
        self.step(vendor, VendorOrderEvent::Delivered, Actor::Vendor, mint)?;
        if let Some(shipment) = self.part_mut(vendor).and_then(|part| part.shipment.as_mut()) {
            shipment.delivered_at = Some(mint.now());
        }
        self.announce(EventKind::VendorOrderDelivered, Some(vendor), mint);
        self.collect_cash(mint)
    }

    /// The buyer or the operator calls the order off, before anything was shipped.
    pub fn cancel(&mut self, by: Actor, mint: &mut Mint) -> Result<(), Refusal> {
        if self.vendors.iter().any(|part| part.state.has_left()) {
            return Err(Refusal::because(Code::WrongState, "something of the order was already shipped"));
        }
        let state = self.order.state.after(OrderEvent::Cancelled).ok_or(WRONG_STATE)?;
        self.end(state, PaymentEvent::Cancelled, by, mint)?;
        self.announce(EventKind::OrderCancelled, None, mint);
        Ok(())
    }

    /// The deadline has passed: the stock goes back and the cart opens again. The provider must have been told first.
    pub fn expire(&mut self, mint: &mut Mint) -> Result<(), Refusal> {
        if self.order.due_at.is_none_or(|due| due > mint.now()) {
            return Err(WRONG_STATE);
        }
        if self.vendors.iter().any(|part| part.state.has_left()) {
            return Err(WRONG_STATE);
        }
        let state = self.order.state.after(OrderEvent::Expired).ok_or(WRONG_STATE)?;
        self.reopens_cart = self.order.state == OrderState::AwaitingPayment;
        self.end(state, PaymentEvent::Expired, Actor::System, mint)?;
        self.announce(EventKind::OrderExpired, None, mint);
        Ok(())
    }

    /// The deadline has passed, but something was already shipped: it ends with its delivery, or by the operator's hand.
    pub fn waive_deadline(&mut self, mint: &Mint) -> Result<(), Refusal> {
        if self.order.due_at.is_none_or(|due| due > mint.now()) {
            return Err(WRONG_STATE);
        }
        self.order.due_at = None;
        self.note("deadline_waived", Actor::System, None, mint);
        Ok(())
    }

    /// Another attempt at paying an order that waits for its money.
    pub fn pay_again(&mut self, provider: ProviderName, mint: &mut Mint) -> Result<PaymentId, Refusal> {
        if self.order.state != OrderState::AwaitingPayment || self.order.due_at.is_some_and(|due| due <= mint.now()) {
            return Err(WRONG_STATE);
        }
        if provider.pays_after() {
            return Err(Refusal::because(Code::PaymentMethodUnavailable, "cash on delivery is chosen at checkout"));
        }
        if self.payments.len() >= MOST_ATTEMPTS {
            return Err(Refusal::because(Code::TooManyRequests, "too many attempts at paying this order"));
        }
        let id = PaymentId::new(mint.now(), mint.bits());
        self.payments.push(Payment {
            id,
            order: self.order.id,
            provider,
            amount: self.order.totals.total,
            state: PaymentState::Created,
            reference: None,
            action: None,
            captured: None,
            failure: None,
            created_at: mint.now(),
            version: 0,
        });
        self.order.payment = id;
        self.order.provider = provider;
        self.note("payment_attempted", Actor::Buyer, None, mint);
        Ok(id)
    }

    /// Sellers act on an order that is paid or payable on delivery, and on no other.
    const fn is_under_way(&self) -> Result<(), Refusal> {
        match self.order.state {
            OrderState::Paid | OrderState::Confirmed => Ok(()),
            _ => Err(WRONG_STATE),
        }
    }

    /// Goods leave only for money that came, or that is collected on delivery: an order whose payment brought another amount
    /// waits for the operator's word.
    fn may_go_out(&self) -> Result<(), Refusal> {
        match self.order.state {
            OrderState::Paid | OrderState::Confirmed => Ok(()),
            _ if self.payments.iter().any(|payment| payment.state == PaymentState::Conflicted) => {
                Err(Refusal::because(Code::WrongState, "another amount came than was asked for: the operator decides"))
            }
            _ => Err(WRONG_STATE),
        }
    }

    /// Ends the order: what is still held of stock goes back, what was taken of money goes back, what is open is closed.
    fn end(&mut self, state: OrderState, payments: PaymentEvent, by: Actor, mint: &mut Mint) -> Result<(), Refusal> {
        self.cancel_held_parts(by, mint)?;
        self.queue_what_is_left_over(mint)?;
        for payment in &mut self.payments {
            if let Some(next) = payment.state.after(payments).filter(|_| payment.state.is_open()) {
                payment.state = next;
            }
        }
        self.order.state = state;
        self.order.due_at = None;
        self.note(state.as_str(), by, None, mint);
        Ok(())
    }

    /// Sends back what came beyond the parts' totals, once nothing of the order is carried out: the operator may have taken
    /// more than was asked for as good.
    fn queue_what_is_left_over(&mut self, mint: &mut Mint) -> Result<(), Refusal> {
        if !self.vendors.iter().all(|part| part.state.is_off()) {
            return Ok(());
        }
        let over: Vec<(PaymentId, Money)> = self
            .payments
            .iter()
            .filter(|payment| matches!(payment.state, PaymentState::Captured | PaymentState::PartiallyRefunded))
            .filter(|payment| !self.goes_back_whole(payment.id))
            .filter_map(|payment| Some((payment.id, self.unspoken_of(payment.id)?)))
            .collect();
        for (payment, left) in over {
            self.queue_refund(payment, None, left, RefundReason::Cancelled, mint)?;
        }
        Ok(())
    }

    /// Calls off every part that was not shipped: its stock goes back, and so does its money if it was taken.
    pub(super) fn cancel_held_parts(&mut self, by: Actor, mint: &mut Mint) -> Result<Vec<VendorId>, Refusal> {
        let held: Vec<VendorId> =
            self.vendors.iter().filter(|part| part.state.holds_stock()).map(|part| part.vendor.id).collect();
        for vendor in &held {
            self.step(*vendor, VendorOrderEvent::Cancelled, by, mint)?;
            self.give_back(*vendor);
            self.queue_refund_of(*vendor, RefundReason::Cancelled, mint)?;
        }
        Ok(held)
    }

    /// When every part was refused or called off, so is the order.
    fn close_if_nothing_is_left(&mut self, by: Actor, mint: &mut Mint) -> Result<(), Refusal> {
        if self.vendors.iter().all(|part| part.state.is_off())
            && let Some(state) = self.order.state.after(OrderEvent::Cancelled)
        {
            self.end(state, PaymentEvent::Cancelled, by, mint)?;
            self.announce(EventKind::OrderCancelled, None, mint);
        }
        // A part that was refused may have been the last one the carrier still had to collect for.
        self.collect_cash(mint)
    }

    /// An order that is payable on delivery is paid when all that is still on was delivered.
    pub(super) fn collect_cash(&mut self, mint: &mut Mint) -> Result<(), Refusal> {
        let delivered =
            |part: &VendorOrder| matches!(part.state, VendorOrderState::Delivered | VendorOrderState::Completed);
        let all = self.vendors.iter().all(|part| delivered(part) || part.state.is_off());
        if self.order.state != OrderState::Confirmed || !all || !self.vendors.iter().any(delivered) {
            return Ok(());
        }
        let collected = Money::sum(
            self.order.currency,
            self.vendors.iter().filter(|part| delivered(part)).map(|part| part.totals.total),
        )
        .map_err(refused)?;
        let attempt = self.order.payment;
        if let Some(payment) = self.payments.iter_mut().find(|payment| payment.id == attempt)
            && let Some(next) = payment.state.after(PaymentEvent::Captured)
        {
            payment.state = next;
            payment.captured = Some(collected);
        }
        self.order.state = self.order.state.after(OrderEvent::Paid).ok_or(WRONG_STATE)?;
        self.order.due_at = None;
        self.note("paid", Actor::Vendor, None, mint);
        Ok(())
    }

    /// One step in the life of a sub-order, with its line in the history.
    fn step(&mut self, vendor: VendorId, event: VendorOrderEvent, by: Actor, mint: &Mint) -> Result<(), Refusal> {
        let part = self.part_mut(vendor).ok_or(Refusal::of(Code::NotFound))?;
        part.state = part.state.after(event).ok_or(WRONG_STATE)?;
        self.note(event.as_str(), by, Some(vendor), mint);
        Ok(())
    }

    /// Moves what a sub-order holds back to what can be bought.
    fn give_back(&mut self, vendor: VendorId) {
        self.move_lines(vendor, |units| (units, -units));
    }

    pub(super) fn take_again(&mut self, vendor: VendorId) {
        self.move_lines(vendor, |units| (-units, units));
    }

    fn move_lines(&mut self, vendor: VendorId, change: fn(i64) -> (i64, i64)) {
        let Some(part) = self.vendors.iter().find(|part| part.vendor.id == vendor) else { return };
        for line in &part.lines {
            for draw in &line.draws {
                let (available, reserved) = change(i64::from(draw.units));
                self.moves.push(StockMove { variant: line.variant, shard: draw.shard, available, reserved });
            }
        }
    }

    /// Queues the refund of a sub-order's total, when its money was taken; of what is left when some went back already, by
    /// hand at the provider or because less came than was asked for.
    fn queue_refund_of(&mut self, vendor: VendorId, reason: RefundReason, mint: &mut Mint) -> Result<(), Refusal> {
        let Some(amount) = self.vendor(vendor).map(|part| part.totals.total) else { return Ok(()) };
        // Another attempt may have brought money as well, but it has not paid for anything.
        let paid = self.payment().filter(|payment| {
            matches!(payment.state, PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded)
                && !self.goes_back_whole(payment.id)
        });
        match paid.and_then(|payment| Some((payment.id, self.unspoken_of(payment.id)?))) {
            Some((payment, left)) if left.minor() < amount.minor() => {
                self.queue_refund(payment, Some(vendor), left, reason, mint)
            }
            Some((payment, _)) => self.queue_refund(payment, Some(vendor), amount, reason, mint),
            None => Ok(()),
        }
    }

    /// What is left of a payment without what did not reach its buyer: that is given back by hand, and must not go a second time.
    fn unspoken_of(&self, payment: PaymentId) -> Option<Money> {
        let left = self.left_of(payment)?;
        let stranded = self.refunds.iter().filter(|refund| refund.payment == payment && refund.is_stranded());
        let stranded = stranded.fold(0, |sum: i64, refund| sum.saturating_add(refund.to_send().minor()));
        Some(Money::new(left.minor().saturating_sub(stranded).max(0), left.currency()))
    }

    /// Whether a payment came too late, twice or in another amount, and is on its way back as a whole.
    pub(super) fn goes_back_whole(&self, payment: PaymentId) -> bool {
        self.refunds.iter().any(|refund| refund.payment == payment && refund.is_of_whole_payment())
    }

    /// Queues a refund. Refused when more would go back than came.
    pub(super) fn queue_refund(
        &mut self,
        payment: PaymentId,
        vendor: Option<VendorId>,
        amount: Money,
        reason: RefundReason,
        mint: &mut Mint,
    ) -> Result<(), Refusal> {
        let left = self.left_of(payment).ok_or(WRONG_STATE)?;
        if left.currency() != amount.currency() || left.minor() < amount.minor() {
            return Err(Refusal::because(Code::WrongState, "more would go back than was paid"));
        }
        if amount.is_zero() {
            return Ok(());
        }
        self.refunds.push(Refund {
            id: RefundId::new(mint.now(), mint.bits()),
            order: self.order.id,
            payment,
            vendor,
            amount,
            by_bank: None,
            state: RefundState::Queued,
            reference: None,
            reason,
            created_at: mint.now(),
            due_at: Some(mint.now()),
            tries: 0,
            refusals: 0,
            returned_at: None,
            dispute: None,
            version: 0,
        });
        self.note("refund_queued", Actor::System, vendor, mint);
        self.weigh_refunds(payment, mint);
        Ok(())
    }

    pub(super) fn note(&mut self, event: &str, by: Actor, vendor: Option<VendorId>, mint: &Mint) {
        self.order.history.push(History { at: mint.now(), event: event.to_owned(), by, vendor });
    }

    pub(super) fn announce(&mut self, kind: EventKind, vendor: Option<VendorId>, mint: &mut Mint) {
        self.events.push(Event {
            id: EventId::new(mint.now(), mint.bits()),
            kind,
            order: self.order.id,
            vendor,
            at: mint.now(),
        });
    }

    fn part_mut(&mut self, vendor: VendorId) -> Option<&mut VendorOrder> {
        self.vendors.iter_mut().find(|part| part.vendor.id == vendor)
    }
}

/// The most attempts at paying one order.
const MOST_ATTEMPTS: usize = 20;

pub(super) fn refused(error: MoneyError) -> Refusal {
    Refusal::because(Code::Internal, error.to_string())
}
