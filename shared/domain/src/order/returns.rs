//! Returns: what the buyer gives back of a vendor order, from the request to the refund.

use std::time::Duration;

use super::{
    Actor, History, HistoryEvent, OrderEventKind, OrderLine, ParcelState, PlacedOrder, VendorOrder, VendorOrderState,
    VendorOrderStep,
};
use crate::cart::MAX_LINES;
use crate::code::{Code, FieldError, Refusal};
use crate::id_source::Ids;
use crate::payment::{RefundReason, RefundState};
use crate::return_policy::ReturnRules;
use crate::returns::{NewReturn, Return, ReturnReason, ReturnState, ReturnStep};
use crate::text::Note;
use crate::{RefundId, Timestamp, VendorId};

/// The most returns of a vendor order, so that the item stays small.
const MAX_RETURNS: usize = 20;

const WRONG_STATE: Refusal = Refusal::of(Code::WrongState);

impl VendorOrder {
    pub(super) fn has_open_return(&self) -> bool {
        self.returns.iter().any(Return::is_open)
    }

    /// The return with a number, counted from 1.
    pub fn return_with(&self, number: u16) -> Option<&Return> {
        self.returns.get(usize::from(number).checked_sub(1)?)
    }

    fn return_mut(&mut self, number: u16) -> Result<&mut Return, Refusal> {
        let at = usize::from(number).checked_sub(1);
        at.and_then(|at| self.returns.get_mut(at)).ok_or(Refusal::of(Code::NotFound))
    }

    /// Until when something of it can be given back; nothing when none of it was delivered, or can be given back.
    pub fn returnable_until(&self) -> Option<Timestamp> {
        let ends = (0..self.lines.len()).flat_map(|at| self.windows(at)).map(|(_, until)| until);
        ends.max()
    }

    /// For each delivered parcel with units of a line, how many there are and until when they can be given back.
    fn windows(&self, at: usize) -> impl Iterator<Item = (u32, Timestamp)> {
        let days =
            self.lines.get(at).map_or(0, |line| line.returns.map_or(ReturnRules::default().days, |policy| policy.days));
        let window = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        let delivered = self.parcels.iter().filter(|parcel| parcel.state == ParcelState::Delivered);
        let of_line = move |units: &[u32]| units.get(at).copied().filter(|units| *units > 0 && days > 0);
        delivered.filter_map(move |parcel| Some((of_line(&parcel.units)?, parcel.ended_at? + window)))
    }

    /// How many units of the line at this position a buyer can ask to give back at a time.
    pub fn returnable_now(&self, at: usize, now: Timestamp) -> u32 {
        self.lines.get(at).map_or(0, |line| self.returnable(at, line, Some(now)))
    }

    /// How many units of a line can be given back now: the buyer has them, has not got their money, and has not asked
    /// for it. With a `deadline`, only those that can be given back until then.
    fn returnable(&self, at: usize, line: &OrderLine, deadline: Option<Timestamp>) -> u32 {
        let delivered = self.parcels.iter().filter(|parcel| parcel.state == ParcelState::Delivered);
        let has = delivered.fold(0, |sum: u32, parcel| sum.saturating_add(units_at(&parcel.units, at)));
        let taken = line.returned.saturating_add(line.granted).saturating_add(self.asked_back(at));
        let left = has.saturating_sub(taken);
        match deadline {
            Some(now) => {
                let in_time = self.windows(at).filter(|(_, until)| *until >= now);
                left.min(in_time.fold(0, |sum: u32, (units, _)| sum.saturating_add(units)))
            }
            None => left,
        }
    }

    /// How many units of a line are in returns that wait for somebody.
    pub(super) fn asked_back(&self, at: usize) -> u32 {
        let open = self.returns.iter().filter(|asked| asked.is_open());
        open.fold(0, |sum: u32, asked| sum.saturating_add(units_at(&asked.units, at)))
    }

    /// The units of each line that are to be given back.
    fn units_to_return(&self, asked: &NewReturn, deadline: Option<Timestamp>) -> Result<Vec<u32>, Refusal> {
        if asked.lines.is_empty() {
            return Err(Refusal::field("/lines", "too_short", "a return has something in it"));
        }
        if asked.lines.len() > MAX_LINES {
            return Err(Refusal::field("/lines", "too_many", format!("at most {MAX_LINES}")));
        }
        let mut units = vec![0; self.lines.len()];
        let mut errors = Vec::new();
        for (index, wanted) in asked.lines.iter().enumerate() {
            let pointer = |field: &str| format!("/lines/{index}/{field}");
            let known = self.lines.iter().enumerate().find(|(_, line)| line.variant == wanted.variant_id);
            let Some((at, line)) = known else {
                errors.push(FieldError::new(pointer("variant_id"), "unknown", "is not in this vendor order"));
                continue;
            };
            let Some(slot) = units.get_mut(at) else { continue };
            if *slot > 0 {
                errors.push(FieldError::new(pointer("variant_id"), "duplicate", "is named twice"));
            } else if wanted.quantity == 0 {
                errors.push(FieldError::new(pointer("quantity"), "out_of_range", "must be at least 1"));
            } else {
                let left = self.returnable(at, line, deadline);
                if wanted.quantity > left {
                    let detail = format!("{left} units of {} can be given back now", wanted.variant_id);
                    return Err(Refusal::because(Code::WrongState, detail));
                }
                *slot = wanted.quantity;
            }
        }
        if errors.is_empty() { Ok(units) } else { Err(Refusal::fields(Code::Invalid, errors)) }
    }
}

fn units_at(units: &[u32], at: usize) -> u32 {
    units.get(at).copied().unwrap_or(0)
}

impl PlacedOrder {
    /// Asks for a return. The buyer's has to be within the policy of each line; the operator's need not, and is
    /// approved at once.
    ///
    /// # Errors
    /// `not_found` for a vendor who has no part in the order; those of the lines; `wrong_state` when fewer units can
    /// be given back; `limit_reached`.
    pub fn request_return(
        &mut self,
        vendor: VendorId,
        asked: &NewReturn,
        by: Actor,
        ids: &mut Ids,
    ) -> Result<(), Refusal> {
        let now = ids.now();
        let known = self.vendor_order(vendor).ok_or(Refusal::of(Code::NotFound))?;
        if asked.reason == ReturnReason::Other {
            return Err(Refusal::field("/reason", "unknown", "is no reason that this release knows"));
        }
        let ended = known.state.has_ended() && !(by == Actor::Operator && known.state == VendorOrderState::Completed);
        if ended {
            return Err(WRONG_STATE);
        }
        // What buyers ask for does not lock the operator out.
        let most = if by == Actor::Operator { 2 * MAX_RETURNS } else { MAX_RETURNS };
        if known.returns.len() >= most {
            let detail = format!("a vendor order has at most {most} returns");
            return Err(Refusal::because(Code::LimitReached, detail));
        }
        self.check_refunds_have_room()?;
        let units = known.units_to_return(asked, (by != Actor::Operator).then_some(now))?;
        let number = u16::try_from(known.returns.len() + 1).unwrap_or(u16::MAX);
        let state = if by == Actor::Operator { ReturnState::Approved } else { ReturnState::Requested };
        let Some(vendor_order) = self.vendor_order_mut(vendor) else { return Err(Refusal::of(Code::NotFound)) };
        vendor_order.returns.push(Return {
            state,
            units,
            reason: asked.reason,
            requested_at: now,
            since: now,
            note: None,
            restocked: false,
            refund: None,
        });
        self.record_return(HistoryEvent::ReturnRequested, by, vendor, number, ids);
        self.emit_of_return(OrderEventKind::ReturnRequested, vendor, number, ids);
        if state == ReturnState::Approved {
            self.record_return(HistoryEvent::ReturnApproved, by, vendor, number, ids);
            self.emit_of_return(OrderEventKind::ReturnApproved, vendor, number, ids);
        }
        Ok(())
    }

    /// The vendor, the operator or a deadline agrees to take goods back.
    pub fn approve_return(&mut self, vendor: VendorId, number: u16, by: Actor, ids: &mut Ids) -> Result<(), Refusal> {
        self.step_return(vendor, number, ReturnStep::Approved, ids)?;
        self.record_return(HistoryEvent::ReturnApproved, by, vendor, number, ids);
        self.emit_of_return(OrderEventKind::ReturnApproved, vendor, number, ids);
        Ok(())
    }

    /// Goods are not taken back, for a reason that the buyer is told.
    pub fn decline_return(
        &mut self,
        vendor: VendorId,
        number: u16,
        note: &Note,
        by: Actor,
        ids: &mut Ids,
    ) -> Result<(), Refusal> {
        self.step_return(vendor, number, ReturnStep::Declined, ids)?.note = Some(note.clone());
        self.record_return(HistoryEvent::ReturnDeclined, by, vendor, number, ids);
        self.emit_of_return(OrderEventKind::ReturnDeclined, vendor, number, ids);
        Ok(())
    }

    /// Goods that were to be sent back were not.
    pub(super) fn expire_return(&mut self, vendor: VendorId, number: u16, ids: &mut Ids) -> Result<(), Refusal> {
        self.step_return(vendor, number, ReturnStep::Expired, ids)?;
        self.record_return(HistoryEvent::ReturnExpired, Actor::System, vendor, number, ids);
        self.emit_of_return(OrderEventKind::ReturnExpired, vendor, number, ids);
        Ok(())
    }

    /// Goods are back: what was paid for them is refunded, by their shares. With `restock`, they can be bought again.
    ///
    /// # Errors
    /// `not_found`; `wrong_state`.
    pub fn receive_return(
        &mut self,
        vendor: VendorId,
        number: u16,
        restock: bool,
        by: Actor,
        ids: &mut Ids,
    ) -> Result<(), Refusal> {
        if restock && self.restock_return(vendor, number)? {
            return Ok(());
        }
        let received = self.step_return(vendor, number, ReturnStep::Received, ids)?;
        received.restocked = restock;
        let units = received.units.clone();
        let mut moves = Vec::new();
        if let Some(vendor_order) = self.vendor_order_mut(vendor) {
            for (line, units) in vendor_order.lines.iter_mut().zip(&units) {
                line.returned = line.returned.saturating_add(*units);
                moves.extend(line.restocked(*units).filter(|_| restock));
            }
        }
        self.stock_moves.extend(moves);
        self.record_return(HistoryEvent::ReturnReceived, by, vendor, number, ids);
        let before = self.refunds.len();
        self.queue_vendor_orders_refund(&[vendor], RefundReason::Returned, ids)?;
        let refund = self.refunds.get(before).map(|refund| refund.id);
        // What is collected on delivery is given back once all of it was.
        let is_collected = self.order.state != super::OrderState::Confirmed;
        if let Some(vendor_order) = self.vendor_order_mut(vendor) {
            vendor_order.return_mut(number)?.refund = refund;
        }
        self.emit_of_return(OrderEventKind::ReturnReceived, vendor, number, ids);
        if refund.is_none() && is_collected {
            // There was nothing left to give back.
            self.step_return(vendor, number, ReturnStep::Refunded, ids)?;
        }
        self.end_returned(vendor, by, ids)?;
        self.settle_returns(ids);
        self.end_if_all_is_done(by, ids)
    }

    /// Puts goods that were received into stock, once, whenever that is said. Answers whether it did.
    fn restock_return(&mut self, vendor: VendorId, number: u16) -> Result<bool, Refusal> {
        let vendor_order = self.vendor_order_mut(vendor).ok_or(Refusal::of(Code::NotFound))?;
        let asked = vendor_order.return_mut(number)?;
        if asked.restocked || !matches!(asked.state, ReturnState::Received | ReturnState::Refunded) {
            return Ok(false);
        }
        asked.restocked = true;
        let units = asked.units.clone();
        let lines = vendor_order.lines.iter().zip(&units);
        let moves: Vec<_> = lines.filter_map(|(line, units)| line.restocked(*units)).collect();
        self.stock_moves.extend(moves);
        Ok(true)
    }

    /// Ends a vendor order of which the buyer has kept nothing.
    pub(super) fn end_returned(&mut self, vendor: VendorId, by: Actor, ids: &Ids) -> Result<(), Refusal> {
        let all = self.vendor_order(vendor).is_some_and(|vendor_order| {
            let returned = vendor_order.lines.iter().any(|line| line.returned > 0);
            let all = vendor_order.lines.iter().zip(vendor_order.gone()).all(|(line, gone)| gone == line.quantity);
            vendor_order.state == VendorOrderState::Delivered && returned && all
        });
        if all { self.apply_step(vendor, VendorOrderStep::Returned, by, ids) } else { Ok(()) }
    }

    /// Ends the returns whose money the buyer has got.
    pub(super) fn settle_returns(&mut self, ids: &Ids) {
        let arrived: Vec<RefundId> = self
            .refunds
            .iter()
            .filter(|refund| {
                refund.has_arrived()
                    || refund.state == RefundState::Resolved
                    || refund.resolution.is_some()
                    || refund.to_send().is_zero()
            })
            .map(|refund| refund.id)
            .collect();
        for asked in self.vendors.iter_mut().flat_map(|vendor_order| &mut vendor_order.returns) {
            if asked.refund.is_some_and(|refund| arrived.contains(&refund))
                && let Some(next) = asked.state.after(ReturnStep::Refunded)
            {
                (asked.state, asked.since) = (next, ids.now());
            }
        }
    }

    /// Gives back what was returned of an order whose money was only now collected on delivery.
    pub(super) fn refund_collected_returns(&mut self, ids: &mut Ids) -> Result<(), Refusal> {
        let returned = |vendor_order: &&VendorOrder| vendor_order.lines.iter().any(|line| line.returned > 0);
        let vendors: Vec<VendorId> = self.vendors.iter().filter(returned).map(|one| one.vendor.id).collect();
        for vendor in vendors {
            let before = self.refunds.len();
            self.queue_vendor_orders_refund(&[vendor], RefundReason::Returned, ids)?;
            let refund = self.refunds.get(before).map(|refund| refund.id);
            let Some(vendor_order) = self.vendor_order_mut(vendor) else { continue };
            for asked in &mut vendor_order.returns {
                if asked.state == ReturnState::Received && asked.refund.is_none() {
                    asked.refund = refund;
                    // There was nothing to give back.
                    if refund.is_none()
                        && let Some(next) = asked.state.after(ReturnStep::Refunded)
                    {
                        asked.state = next;
                    }
                }
            }
        }
        Ok(())
    }

    fn step_return(
        &mut self,
        vendor: VendorId,
        number: u16,
        step: ReturnStep,
        ids: &Ids,
    ) -> Result<&mut Return, Refusal> {
        let asked = self.vendor_order_mut(vendor).ok_or(Refusal::of(Code::NotFound))?.return_mut(number)?;
        asked.state = asked.state.after(step).ok_or(WRONG_STATE)?;
        asked.since = ids.now();
        Ok(asked)
    }

    fn record_return(&mut self, event: HistoryEvent, by: Actor, vendor: VendorId, number: u16, ids: &Ids) {
        let (at, subject) = (ids.now(), Some(number.to_string()));
        self.history.push(History { at, event, subject, by, vendor: Some(vendor) });
    }
}
