//! Fulfilment: shipping a vendor order in parcels, and what follows when one ends.

use super::changes::refused;
use super::{
    Actor, HistoryEvent, NewParcel, OrderEventKind, OrderState, OrderStep, Parcel, ParcelState, ParcelStep,
    PlacedOrder, VendorOrder, VendorOrderState, VendorOrderStep,
};
use crate::VendorId;
use crate::cart::MAX_LINES;
use crate::code::{Code, FieldError, Refusal};
use crate::id_source::Ids;
use crate::payment::RefundReason;

/// The most parcels of a vendor order, so that the item stays small.
const MAX_PARCELS: usize = 20;

const WRONG_STATE: Refusal = Refusal::of(Code::WrongState);

impl VendorOrder {
    /// The units of each line that go into a parcel.
    ///
    /// # Errors
    /// `invalid` for a line that the vendor order has not, or that is named twice; `wrong_state` when fewer units are
    /// left to ship.
    fn units_of(&self, parcel: &NewParcel) -> Result<Vec<u32>, Refusal> {
        let Some(lines) = &parcel.lines else {
            return Ok(self.lines.iter().map(|line| line.left_to_ship()).collect());
        };
        if lines.len() > MAX_LINES {
            return Err(Refusal::field("/lines", "too_many", format!("at most {MAX_LINES}")));
        }
        let mut units = vec![0; self.lines.len()];
        let mut errors = Vec::new();
        for (at, asked) in lines.iter().enumerate() {
            let pointer = |field: &str| format!("/lines/{at}/{field}");
            let known = self.lines.iter().zip(&mut units).find(|(line, _)| line.variant == asked.variant_id);
            match known {
                None => errors.push(FieldError::new(pointer("variant_id"), "unknown", "is not in this vendor order")),
                Some((_, units)) if *units > 0 => {
                    errors.push(FieldError::new(pointer("variant_id"), "duplicate", "is named twice"));
                }
                Some(_) if asked.quantity == 0 => {
                    errors.push(FieldError::new(pointer("quantity"), "out_of_range", "must be at least 1"));
                }
                Some((line, units)) => {
                    if asked.quantity > line.left_to_ship() {
                        let left = line.left_to_ship();
                        let detail = format!("{left} units of {} are left to ship", asked.variant_id);
                        return Err(Refusal::because(Code::WrongState, detail));
                    }
                    *units = asked.quantity;
                }
            }
        }
        if lines.is_empty() {
            errors.push(FieldError::new("/lines", "too_short", "a parcel has something in it"));
        }
        if errors.is_empty() { Ok(units) } else { Err(Refusal::fields(Code::Invalid, errors)) }
    }

    /// Whether this very parcel was shipped: with the same tracking number, by the same carrier, and, where its lines
    /// are named, with the same goods.
    pub fn has_shipped_as(&self, parcel: &NewParcel) -> bool {
        let units_of = |variant| {
            let lines = parcel.lines.iter().flatten().filter(move |line| line.variant_id == variant);
            lines.fold(0_u32, |sum, line| sum.saturating_add(line.quantity))
        };
        let has_goods =
            |known: &Parcel| self.lines.iter().zip(&known.units).all(|(line, units)| units_of(line.variant) == *units);
        parcel.tracking_number.is_some()
            && self.parcels.iter().any(|known| {
                known.tracking_number == parcel.tracking_number
                    && known.carrier == parcel.carrier
                    && (parcel.lines.is_none() || has_goods(known))
            })
    }

    /// The parcel with a number, counted from 1.
    pub fn parcel(&self, number: u16) -> Option<&Parcel> {
        self.parcels.get(usize::from(number).checked_sub(1)?)
    }

    /// What follows from its parcels, once all of it was shipped or cancelled and every parcel has ended.
    fn step_of_parcels(&self) -> Option<VendorOrderStep> {
        let has = |state| self.parcels.iter().any(|parcel| parcel.state == state);
        if self.state != VendorOrderState::Shipped || has(ParcelState::Shipped) || has(ParcelState::Other) {
            None
        } else if has(ParcelState::Delivered) {
            Some(VendorOrderStep::Delivered)
        } else if has(ParcelState::Lost) {
            Some(VendorOrderStep::Lost)
        } else {
            has(ParcelState::ReturnedToSender).then_some(VendorOrderStep::ReturnedToSender)
        }
    }
}

impl PlacedOrder {
    /// The vendor ships a parcel: all that is left of the vendor order, or some of it.
    ///
    /// # Errors
    /// Those of the lines; `limit_reached` when there are too many parcels; `wrong_state`.
    pub fn ship(&mut self, vendor: VendorId, parcel: &NewParcel, ids: &mut Ids) -> Result<(), Refusal> {
        self.check_may_ship()?;
        self.check_not_held()?;
        let known = self.vendor_order(vendor).ok_or(Refusal::of(Code::NotFound))?;
        let units = known.units_of(parcel)?;
        let is_rest = known.lines.iter().zip(&units).all(|(line, units)| line.left_to_ship() == *units);
        if !is_rest && known.parcels.len() + 1 >= MAX_PARCELS {
            let detail = "a vendor order has at most 20 parcels: the last one holds all that is left";
            return Err(Refusal::because(Code::LimitReached, detail));
        }
        let due = if self.order.provider.is_on_delivery() {
            Some(known.price_of_parcel(known.parcels.len(), &units).map_err(refused)?)
        } else {
            None
        };
        let step = if is_rest { VendorOrderStep::Shipped } else { VendorOrderStep::PartiallyShipped };
        self.apply_step(vendor, step, Actor::Vendor, ids)?;
        let mut moves = Vec::new();
        if let Some(vendor_order) = self.vendor_order_mut(vendor) {
            for (line, units) in vendor_order.lines.iter_mut().zip(&units) {
                moves.extend(line.moves(*units, |units| (0, -units)));
                line.shipped = line.shipped.saturating_add(*units);
            }
            vendor_order.parcels.push(Parcel {
                units,
                carrier: parcel.carrier.clone(),
                tracking_number: parcel.tracking_number.clone(),
                state: ParcelState::Shipped,
                shipped_at: ids.now(),
                ended_at: None,
                due,
                restocked: false,
            });
        }
        self.stock_moves.extend(moves);
        let number = self.vendor_order(vendor).map_or(0, |vendor_order| vendor_order.parcels.len());
        self.emit_of_parcel(OrderEventKind::VendorOrderShipped, vendor, u16::try_from(number).unwrap_or(u16::MAX), ids);
        Ok(())
    }

    /// Every parcel that is on its way is delivered.
    pub fn deliver(&mut self, vendor: VendorId, ids: &mut Ids) -> Result<(), Refusal> {
        let known = self.vendor_order(vendor).ok_or(Refusal::of(Code::NotFound))?;
        let on_its_way = |(_, parcel): &(u16, &Parcel)| parcel.state == ParcelState::Shipped;
        let numbers: Vec<u16> = (1..).zip(&known.parcels).filter(on_its_way).map(|(number, _)| number).collect();
        if numbers.is_empty() {
            return Err(WRONG_STATE);
        }
        numbers.into_iter().try_for_each(|number| self.end_parcel(vendor, number, ParcelStep::Delivered, false, ids))
    }

    /// A parcel is delivered, lost, or came back. What was paid for goods that the buyer did not get is refunded; with
    /// `restock`, those that came back can be bought again. When it is the last parcel of an order that is payable on
    /// delivery, the order is paid.
    ///
    /// # Errors
    /// `not_found` for a parcel that is not there; `wrong_state`.
    pub fn end_parcel(
        &mut self,
        vendor: VendorId,
        number: u16,
        step: ParcelStep,
        restock: bool,
        ids: &mut Ids,
    ) -> Result<(), Refusal> {
        self.end_parcel_by(vendor, number, step, restock, Actor::Vendor, ids)
    }

    /// The same by somebody else, or by a deadline.
    pub(super) fn end_parcel_by(
        &mut self,
        vendor: VendorId,
        number: u16,
        step: ParcelStep,
        restock: bool,
        by: Actor,
        ids: &mut Ids,
    ) -> Result<(), Refusal> {
        if step == ParcelStep::ReturnedToSender && restock && self.restock(vendor, number)? {
            return Ok(());
        }
        self.check_under_way()?;
        let vendor_order = self.vendor_order_mut(vendor).ok_or(Refusal::of(Code::NotFound))?;
        let at = usize::from(number).checked_sub(1);
        let parcel = at.and_then(|at| vendor_order.parcels.get_mut(at)).ok_or(Refusal::of(Code::NotFound))?;
        parcel.state = parcel.state.after(step).ok_or(WRONG_STATE)?;
        parcel.ended_at = Some(ids.now());
        if restock {
            self.restock(vendor, number)?;
        }
        let (event, kind, follows, reason) = match step {
            ParcelStep::Delivered => {
                (HistoryEvent::ParcelDelivered, OrderEventKind::VendorOrderDelivered, VendorOrderStep::Delivered, None)
            }
            ParcelStep::Lost => {
                let reason = Some(RefundReason::Lost);
                (HistoryEvent::ParcelLost, OrderEventKind::ParcelLost, VendorOrderStep::Lost, reason)
            }
            ParcelStep::ReturnedToSender => (
                HistoryEvent::ParcelReturnedToSender,
                OrderEventKind::ParcelReturnedToSender,
                VendorOrderStep::ReturnedToSender,
                Some(RefundReason::ReturnedToSender),
            ),
        };
        // The step of the vendor order says it as well.
        let says_it = self.vendor_order(vendor).and_then(VendorOrder::step_of_parcels) == Some(follows);
        if !says_it {
            self.record_parcel(event, by, vendor, number, ids);
        }
        self.advance(vendor, by, ids)?;
        self.emit_of_parcel(kind, vendor, number, ids);
        if let Some(reason) = reason {
            self.queue_vendor_orders_refund(&[vendor], reason, ids)?;
        }
        self.end_if_all_is_done(by, ids)
    }

    /// Puts the goods of a parcel that came back into stock again, once: whenever the vendor says so, also when the
    /// order has ended. Answers whether it did.
    fn restock(&mut self, vendor: VendorId, number: u16) -> Result<bool, Refusal> {
        let vendor_order = self.vendor_order_mut(vendor).ok_or(Refusal::of(Code::NotFound))?;
        let at = usize::from(number).checked_sub(1);
        let parcel = at.and_then(|at| vendor_order.parcels.get_mut(at)).ok_or(Refusal::of(Code::NotFound))?;
        if parcel.state != ParcelState::ReturnedToSender || parcel.restocked {
            return Ok(false);
        }
        parcel.restocked = true;
        let lines = vendor_order.lines.iter().zip(&parcel.units);
        let moves: Vec<_> = lines.filter_map(|(line, units)| line.restocked(*units)).collect();
        self.stock_moves.extend(moves);
        Ok(true)
    }

    /// Takes the step that follows from a vendor order's parcels.
    pub(super) fn advance(&mut self, vendor: VendorId, by: Actor, ids: &Ids) -> Result<(), Refusal> {
        if let Some(step) = self.vendor_order(vendor).and_then(VendorOrder::step_of_parcels) {
            self.apply_step(vendor, step, by, ids)?;
        }
        self.end_returned(vendor, by, ids)
    }

    /// What follows once every vendor order has ended: cash was collected for what was delivered; an order of which
    /// nothing was delivered is completed when it was paid, since its money goes back, and cancelled when it was not.
    pub(super) fn end_if_all_is_done(&mut self, by: Actor, ids: &mut Ids) -> Result<(), Refusal> {
        self.collect_cash(ids)?;
        let (ended, shipped) = self.vendors.iter().fold((true, false), |(ended, shipped), vendor_order| {
            (ended && vendor_order.state.has_ended(), shipped || vendor_order.state.has_shipped())
        });
        match self.order.state {
            OrderState::Paid if ended && shipped => {
                self.order.state = self.order.state.after(OrderStep::Completed).ok_or(WRONG_STATE)?;
                self.record(HistoryEvent::Completed, Actor::System, None, ids);
                Ok(())
            }
            OrderState::Confirmed if ended && shipped => self.close(by, ids),
            _ => Ok(()),
        }
    }
}
