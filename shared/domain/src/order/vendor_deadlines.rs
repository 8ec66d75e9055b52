//! Deadlines of a vendor order: nothing stays for ever. What nobody does is reminded of, and then done or undone.

use std::time::Duration;

use super::fulfilment_times::FulfilmentTimes;
use super::{
    Actor, HistoryEvent, OrderEventKind, ParcelState, ParcelStep, PlacedOrder, VendorOrder, VendorOrderState,
    VendorOrderStep,
};
use crate::code::{Code, Refusal};
use crate::id_source::Ids;
use crate::payment::RefundReason;
use crate::returns::{Return, ReturnState};
use crate::{Timestamp, VendorId};

/// What is done about a vendor order when a deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    RemindToAccept,
    /// It was not accepted: it is cancelled.
    NotAccepted,
    RemindToShip,
    /// The operator is told.
    NotShipped,
    /// What was not shipped is cancelled.
    NeverShipped,
    /// A parcel, by its number, is taken for delivered.
    Delivered(u16),
    /// A return, by its number, is approved.
    ReturnNotAnswered(u16),
    /// A return, by its number, has lapsed.
    ReturnNotSent(u16),
    /// It can be given back no longer.
    Completed,
}

impl Lapse {
    /// Whether it only tells those who are awaited, or the operator.
    pub const fn is_reminder(self) -> bool {
        matches!(self, Self::RemindToAccept | Self::RemindToShip | Self::NotShipped)
    }
}

/// How many reminders have gone out when the time to ship is over: that of its half, and the one at its end, which the
/// operator gets as well.
const REMINDERS_UNTIL_LATE: u32 = 2;

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}

impl VendorOrder {
    /// How long its steps may take.
    pub(super) fn times(&self) -> FulfilmentTimes {
        self.times.unwrap_or_default()
    }

    /// The next deadline, and what it is for; nothing when nobody is awaited, and in a state that a release before
    /// 2026-12-02 has led to.
    pub fn next_deadline(&self) -> Option<(Timestamp, Lapse)> {
        self.deadlines().into_iter().min_by_key(|(at, _)| *at)
    }

    /// The deadline of the step that its vendor is awaited to take, or of giving something back.
    fn step_deadline(&self) -> Option<(Timestamp, Lapse)> {
        let (since, times) = (self.awaited_since()?, self.times());
        match self.state {
            VendorOrderState::Pending => Some(match self.reminders {
                0 => (since + seconds(times.acceptance_s / 2), Lapse::RemindToAccept),
                _ => (since + seconds(times.acceptance_s), Lapse::NotAccepted),
            }),
            VendorOrderState::Accepted | VendorOrderState::PartiallyShipped => Some(match self.reminders {
                0 => (since + seconds(times.shipping_s / 2), Lapse::RemindToShip),
                reminders if reminders < REMINDERS_UNTIL_LATE => (since + seconds(times.shipping_s), Lapse::NotShipped),
                _ => (since + seconds(times.shipping_s) + seconds(times.shipping_s), Lapse::NeverShipped),
            }),
            VendorOrderState::Delivered if !self.has_open_return() => {
                Some((self.returnable_until().unwrap_or(since), Lapse::Completed))
            }
            _ => None,
        }
    }

    /// All deadlines that it has, in no order.
    fn deadlines(&self) -> Vec<(Timestamp, Lapse)> {
        if !self.visible {
            return Vec::new();
        }
        let (step, times) = (self.step_deadline(), self.times());
        let on_their_way = (1..).zip(&self.parcels).filter(|(_, parcel)| parcel.state == ParcelState::Shipped);
        let parcels = on_their_way
            .map(|(number, parcel)| (parcel.shipped_at + seconds(times.transit_s), Lapse::Delivered(number)));
        let returns = (1..).zip(&self.returns).filter_map(|(number, asked)| {
            let is_requested = asked.state == ReturnState::Requested;
            let lapse = if is_requested { Lapse::ReturnNotAnswered(number) } else { Lapse::ReturnNotSent(number) };
            Some((self.due_of_return(asked)?, lapse))
        });
        step.into_iter().chain(parcels).chain(returns).collect()
    }

    /// Whether its vendor should have shipped it, and the operator was told.
    pub fn is_late(&self) -> bool {
        let awaits_parcel = matches!(self.state, VendorOrderState::Accepted | VendorOrderState::PartiallyShipped);
        self.visible && awaits_parcel && self.reminders >= REMINDERS_UNTIL_LATE
    }

    /// By when its vendor has to take the next step: to accept, or to ship.
    pub fn due_at(&self) -> Option<Timestamp> {
        let (since, times) = (self.awaited_since()?, self.times());
        match self.state {
            VendorOrderState::Pending if self.visible => Some(since + seconds(times.acceptance_s)),
            VendorOrderState::Accepted | VendorOrderState::PartiallyShipped => Some(since + seconds(times.shipping_s)),
            _ => None,
        }
    }

    /// By when the next step of a return has to be taken.
    pub fn due_of_return(&self, asked: &Return) -> Option<Timestamp> {
        match asked.state {
            ReturnState::Requested => Some(asked.since + seconds(self.times().return_answer_s)),
            ReturnState::Approved => Some(asked.since + seconds(self.times().return_sending_s)),
            _ => None,
        }
    }

    /// Since when the vendor could have taken the next step: goods that have to come in first are not awaited before.
    fn awaited_since(&self) -> Option<Timestamp> {
        let since = self.since?;
        if self.state == VendorOrderState::Pending {
            return Some(since);
        }
        let to_come = self.lines.iter().filter(|line| line.left_to_ship() > 0);
        let to_come = to_come.filter_map(|line| line.backorder?.available_from).max();
        Some(to_come.map_or(since, |available| available.max(since)))
    }

    /// Its vendor is awaited anew.
    pub(super) fn await_vendor(&mut self, now: Timestamp) {
        (self.since, self.reminders) = (Some(now), 0);
    }
}

impl PlacedOrder {
    /// Does what the passed deadline of a vendor order is for, and says what that was; `None` when none has passed.
    /// While the buyer's bank decides about the payment, nobody is awaited.
    ///
    /// # Errors
    /// `not_found` for a vendor who has no part in the order; those of the step that is taken.
    pub fn lapse(&mut self, vendor: VendorId, ids: &mut Ids) -> Result<Option<Lapse>, Refusal> {
        let known = self.vendor_order(vendor).ok_or(Refusal::of(Code::NotFound))?;
        let passed =
            known.deadlines().into_iter().filter(|(at, lapse)| *at <= ids.now() && !self.waits_for_bank(*lapse));
        let Some((at, lapse)) = passed.min_by_key(|(at, _)| *at) else { return Ok(None) };
        match lapse {
            Lapse::RemindToAccept => self.remind(vendor, OrderEventKind::AcceptanceReminder, at, ids),
            Lapse::RemindToShip => self.remind(vendor, OrderEventKind::ShippingReminder, at, ids),
            Lapse::NotShipped => {
                self.record(HistoryEvent::DeadlineMissed, Actor::System, Some(vendor), ids);
                self.remind(vendor, OrderEventKind::ShippingOverdue, at, ids);
            }
            Lapse::NotAccepted | Lapse::NeverShipped => {
                self.record(HistoryEvent::DeadlineMissed, Actor::System, Some(vendor), ids);
                self.apply_step(vendor, VendorOrderStep::Cancelled, Actor::System, ids)?;
                self.advance(vendor, Actor::System, ids)?;
                self.queue_vendor_orders_refund(&[vendor], RefundReason::Cancelled, ids)?;
                self.emit(OrderEventKind::VendorOrderCancelled, Some(vendor), ids);
                self.close_if_nothing_is_left(Actor::System, ids)?;
            }
            Lapse::Delivered(number) => {
                self.end_parcel_by(vendor, number, ParcelStep::Delivered, false, Actor::System, ids)?;
            }
            Lapse::ReturnNotAnswered(number) => self.approve_return(vendor, number, Actor::System, ids)?,
            Lapse::ReturnNotSent(number) => self.expire_return(vendor, number, ids)?,
            Lapse::Completed => {
                self.apply_step(vendor, VendorOrderStep::Completed, Actor::System, ids)?;
                self.end_if_all_is_done(Actor::System, ids)?;
            }
        }
        Ok(Some(lapse))
    }

    /// Whether nobody can do what is awaited, because the buyer's bank decides about the payment.
    fn waits_for_bank(&self, lapse: Lapse) -> bool {
        let concerns_goods = !matches!(
            lapse,
            Lapse::Delivered(_) | Lapse::ReturnNotAnswered(_) | Lapse::ReturnNotSent(_) | Lapse::Completed
        );
        concerns_goods && self.is_held()
    }

    /// When a dispute opens, nobody is late any longer, and after one that was won, vendors are awaited anew.
    pub(super) fn await_vendors(&mut self, ids: &Ids) {
        for vendor_order in self.vendors.iter_mut().filter(|one| one.visible && one.state.holds_stock()) {
            vendor_order.await_vendor(ids.now());
        }
    }

    /// Reminds of a step. One that comes late, after an outage, leaves as much time as one in time.
    fn remind(&mut self, vendor: VendorId, kind: OrderEventKind, due: Timestamp, ids: &mut Ids) {
        let now = ids.now();
        if let Some(vendor_order) = self.vendor_order_mut(vendor) {
            vendor_order.reminders = vendor_order.reminders.saturating_add(1);
            let next = vendor_order.step_deadline().map_or(now, |(next, _)| next);
            if now + next.since(due) / 2 > next {
                vendor_order.since = vendor_order.since.map(|since| since + now.since(due));
            }
        }
        self.emit(kind, Some(vendor), ids);
    }
}
