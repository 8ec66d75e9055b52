//! What people decide about refunds: to give money back of their own accord, to try a refund again that did not
//! arrive, or to say that the buyer has the money.

use super::changes::refused;
use super::{Actor, History, HistoryEvent, OrderEvent, OrderEventKind, ParcelLine, PlacedOrder, VendorOrder};
use crate::cart::MAX_LINES;
use crate::code::{Code, FieldError, Refusal};
use crate::id_source::Ids;
use crate::payment::{Payment, PaymentState, Refund, RefundPart, RefundReason, RefundRules, RefundState, RefundStep};
use crate::text::Note;
use crate::{EventId, Money, RefundId, VendorId};

/// How many refunds and returns of an order may be under way when another is asked for.
pub(super) const MAX_OPEN_REFUNDS: usize = 8;

const WRONG_STATE: Refusal = Refusal::of(Code::WrongState);

/// What somebody gives back of their own accord: units that were shipped and deliveries, or an amount.
#[derive(Clone, Debug, Default)]
pub struct GrantedRefund {
    /// The vendor order that it is about; an amount is paid by its vendor then, else by the operator.
    pub vendor: Option<VendorId>,
    pub lines: Vec<ParcelLine>,
    /// Whether what the delivery cost goes back: that of the vendor order, or of all of which something was shipped.
    pub shipping: bool,
    pub amount: Option<Money>,
    pub note: Option<Note>,
}

impl GrantedRefund {
    /// Whether it is one of the two.
    fn check(&self) -> Result<(), Refusal> {
        match (self.amount.is_some(), self.shipping || !self.lines.is_empty()) {
            (true, true) => {
                Err(Refusal::field("/amount", "invalid", "is given without lines and shipping, or not at all"))
            }
            (false, false) => Err(Refusal::field("/amount", "missing", "give lines, shipping or an amount")),
            _ if self.amount.is_some_and(|amount| amount.minor() <= 0) => {
                Err(Refusal::field("/amount", "out_of_range", "must be more than nothing"))
            }
            _ => Ok(()),
        }
    }
}

impl PlacedOrder {
    /// Gives money back of somebody's own accord, for an order that was paid: the buyer keeps the goods.
    ///
    /// # Errors
    /// `invalid` for a line that the order has not, or an amount that its provider cannot pay; `wrong_state` when it
    /// is not paid, when fewer units were shipped and kept, or when less is left.
    pub fn grant_refund(&mut self, asked: &GrantedRefund, by: Actor, ids: &mut Ids) -> Result<(), Refusal> {
        asked.check()?;
        self.check_refunds_have_room()?;
        let paid = self.payment().filter(|payment| has_paid(payment) && !self.is_refunded_in_full(payment.id));
        let paid = paid.ok_or_else(|| Refusal::because(Code::WrongState, "the order was not paid"))?;
        let (payment, rules) = (paid.id, paid.refunds.unwrap_or(RefundRules::ANY));
        let captured = paid.captured.unwrap_or(paid.amount);
        let left = self.auto_refundable_amount(payment).ok_or(WRONG_STATE)?;
        let (amount, parts, reason) = match asked.amount {
            Some(amount) => {
                if amount.currency() != left.currency() {
                    return Err(Refusal::field("/amount/currency", "wrong_currency", "is not the order's currency"));
                }
                rules.check(amount, captured).map_err(|why| Refusal::field("/amount", "unpayable", why.to_string()))?;
                let part = asked.vendor.map(|vendor| self.part_of_vendor(vendor, amount)).transpose()?;
                (amount, part.into_iter().collect(), RefundReason::Goodwill)
            }
            None => {
                let room = Money::new(left.minor().saturating_add(self.rounded(payment)), left.currency());
                let parts = self.granted_parts(asked, room)?;
                let amount = Money::sum(left.currency(), parts.iter().map(|part| part.amount)).map_err(refused)?;
                (amount, parts, RefundReason::Granted)
            }
        };
        if amount.is_zero() {
            return Err(Refusal::because(Code::WrongState, "what was paid for it is refunded already"));
        }
        let due = amount.minor().saturating_sub(self.rounded(payment));
        if left.minor() < due {
            return Err(Refusal::because(Code::WrongState, format!("{left} is left of the payment")));
        }
        let before = self.refunds.len();
        self.queue_refund(payment, amount, parts, reason, ids)?;
        let granted = match self.refunds.get_mut(before) {
            Some(refund) if !refund.amount.is_zero() => {
                refund.note.clone_from(&asked.note);
                refund.id
            }
            _ => return Err(Refusal::because(Code::WrongState, "an earlier refund was rounded up by as much")),
        };
        if let Some(entry) = self.history.iter_mut().rev().find(|entry| entry.event == HistoryEvent::RefundQueued) {
            entry.by = by;
        }
        let nothing_left = self.left_to_decide(payment).is_none_or(Money::is_zero);
        if nothing_left && self.vendors.iter().any(|vendor_order| vendor_order.state.holds_stock()) {
            let detail = "nothing would be left that pays for what was not shipped: cancel that instead";
            return Err(Refusal::because(Code::WrongState, detail));
        }
        // By its id, a message finds the refund among others of the same moment.
        let event = OrderEvent::new(OrderEventKind::RefundGranted, self.order.id, asked.vendor, ids);
        self.events.push(OrderEvent { id: EventId::from_bits(granted.bits()), ..event });
        Ok(())
    }

    /// Refuses what would queue another refund when many are under way or did not arrive: a change of the order may
    /// have to write them all.
    ///
    /// # Errors
    /// `limit_reached`.
    pub(super) fn check_refunds_have_room(&self) -> Result<(), Refusal> {
        let is_open = |refund: &&Refund| {
            matches!(refund.state, RefundState::Queued | RefundState::Pending) || refund.did_not_arrive()
        };
        let returns = self.vendors.iter().flat_map(|one| &one.returns).filter(|asked| asked.is_open());
        if self.refunds.iter().filter(is_open).count() + returns.count() >= MAX_OPEN_REFUNDS {
            let detail = "several refunds and returns of this order are under way: wait until they have ended";
            return Err(Refusal::because(Code::LimitReached, detail));
        }
        Ok(())
    }

    /// What a vendor pays of an amount: at most what their vendor order cost, less what was refunded of it.
    fn part_of_vendor(&self, vendor: VendorId, amount: Money) -> Result<RefundPart, Refusal> {
        let at = self.vendors.iter().position(|one| one.vendor.id == vendor).ok_or_else(unknown_vendor)?;
        // What is really there of it: cash of a parcel that did not arrive was never paid.
        let kept = self.amounts().map_err(refused)?.get(at).map_or(0, |amounts| amounts.total.minor());
        let left = self.left_of_vendor(vendor, Money::new(kept, amount.currency())).minor();
        if amount.minor() > left {
            let left = Money::new(left, amount.currency());
            return Err(Refusal::because(Code::WrongState, format!("{left} is left of what was paid to the vendor")));
        }
        Ok(RefundPart { vendor, amount, lines: Vec::new(), delivery: false })
    }

    fn granted_parts(&mut self, asked: &GrantedRefund, room: Money) -> Result<Vec<RefundPart>, Refusal> {
        if asked.lines.len() > MAX_LINES {
            return Err(Refusal::field("/lines", "too_many", format!("at most {MAX_LINES}")));
        }
        if asked.vendor.is_some_and(|vendor| self.vendor_order(vendor).is_none()) {
            return Err(unknown_vendor());
        }
        let concerned = |vendor_order: &VendorOrder| asked.vendor.is_none_or(|vendor| vendor == vendor_order.vendor.id);
        let mut errors = Vec::new();
        for (at, line) in asked.lines.iter().enumerate() {
            let pointer = |field: &str| format!("/lines/{at}/{field}");
            let mut known = self.vendors.iter().filter(|one| concerned(one)).flat_map(|one| &one.lines);
            if !known.any(|known| known.variant == line.variant_id) {
                errors.push(FieldError::new(pointer("variant_id"), "unknown", "was not ordered"));
            }
            if asked.lines.iter().take(at).any(|earlier| earlier.variant_id == line.variant_id) {
                errors.push(FieldError::new(pointer("variant_id"), "duplicate", "is named twice"));
            }
            if line.quantity == 0 {
                errors.push(FieldError::new(pointer("quantity"), "out_of_range", "must be at least 1"));
            }
        }
        if !errors.is_empty() {
            return Err(Refusal::fields(Code::Invalid, errors));
        }
        let (mut parts, mut left) = (Vec::new(), room);
        let rooms: Vec<Money> = self.vendors.iter().map(|one| self.left_of_vendor(one.vendor.id, room)).collect();
        for (vendor_order, room) in self.vendors.iter_mut().zip(rooms).filter(|(one, _)| concerned(one)) {
            let units = vendor_order.granted_units(&asked.lines)?;
            let is_shipped = vendor_order.state.has_shipped();
            let is_named = asked.lines.is_empty() || units.iter().any(|units| *units > 0);
            let delivery = asked.shipping && is_shipped && is_named && !vendor_order.delivery_refunded;
            if !delivery && units.iter().all(|units| *units == 0) {
                continue;
            }
            let room = if room.minor() < left.minor() { room } else { left };
            let part = vendor_order.refund_units(&units, delivery, room).map_err(refused)?;
            for (line, units) in vendor_order.lines.iter_mut().zip(&units) {
                line.granted = line.granted.saturating_add(*units);
            }
            left = left.minus(part.amount).map_err(refused)?;
            parts.push(part);
        }
        Ok(parts)
    }

    /// The operator tries a refund again that did not arrive: under a new key, so that its provider does not repeat an
    /// old answer.
    ///
    /// # Errors
    /// `not_found`; `wrong_state` when it waits for nobody, or when less than its amount is left of the payment.
    pub fn retry_refund(&mut self, refund: RefundId, ids: &mut Ids) -> Result<(), Refusal> {
        let known = self.waiting_refund(refund)?;
        if known.was_made_elsewhere() {
            let detail = "it was made at the provider's dashboard: make it there again, or resolve it";
            return Err(Refusal::because(Code::WrongState, detail));
        }
        let (payment, to_send) = (known.payment, known.to_send());
        let left = self.refundable_amount(payment).ok_or(WRONG_STATE)?;
        if left.currency() != to_send.currency() || left.minor() < to_send.minor() {
            return Err(Refusal::because(Code::WrongState, format!("{left} is left of the payment")));
        }
        let known = self.refunds.iter_mut().find(|known| known.id == refund).ok_or(Refusal::of(Code::NotFound))?;
        known.state = known.state.after(RefundStep::Retried).ok_or(WRONG_STATE)?;
        known.returned_at = None;
        known.due_at = Some(ids.now());
        known.earlier_references.extend(known.reference.take());
        known.attempts = known.attempts.saturating_add(1);
        known.refusals = known.attempts;
        self.record_about(HistoryEvent::RefundRetried, refund, ids);
        self.count_elsewhere(payment, ids);
        self.reconcile_refunds(payment, ids);
        Ok(())
    }

    /// The provider was asked and says that this is the refund: also when it was taken for one that had failed.
    pub fn found_refund(&mut self, refund: RefundId, reference: &str) {
        if let Some(known) = self.refunds.iter_mut().find(|known| known.id == refund) {
            known.earlier_references.retain(|earlier| earlier != reference);
        }
    }

    /// The operator says how the buyer got the money of a refund that did not arrive: it waits for nobody any more.
    ///
    /// # Errors
    /// `not_found`; `wrong_state` when it waits for nobody.
    pub fn resolve_refund(&mut self, refund: RefundId, note: &Note, ids: &mut Ids) -> Result<(), Refusal> {
        self.waiting_refund(refund)?;
        let known = self.refunds.iter_mut().find(|known| known.id == refund).ok_or(Refusal::of(Code::NotFound))?;
        // One that has succeeded and came back stays what it was.
        if let Some(next) = known.state.after(RefundStep::Resolved) {
            known.state = next;
        }
        known.resolution = Some(note.clone());
        known.due_at = None;
        let payment = known.payment;
        self.record_about(HistoryEvent::RefundResolved, refund, ids);
        self.count_elsewhere(payment, ids);
        self.settle_returns(ids);
        Ok(())
    }

    /// Whether the operator has already resolved a refund, so that repeating the request succeeds.
    pub fn is_resolved(&self, refund: RefundId) -> bool {
        self.refunds.iter().any(|known| known.id == refund && known.resolution.is_some())
    }

    fn waiting_refund(&self, refund: RefundId) -> Result<&Refund, Refusal> {
        let known = self.refunds.iter().find(|known| known.id == refund).ok_or(Refusal::of(Code::NotFound))?;
        if known.needs_manual_refund() {
            Ok(known)
        } else if known.did_not_arrive() {
            Err(Refusal::because(Code::WrongState, "the buyer's bank decides about this money"))
        } else {
            Err(Refusal::because(Code::WrongState, "this refund waits for nobody"))
        }
    }

    fn record_about(&mut self, event: HistoryEvent, refund: RefundId, ids: &Ids) {
        let (at, subject) = (ids.now(), Some(refund.to_string()));
        self.history.push(History { at, event, subject, by: Actor::Operator, vendor: None });
    }
}

impl VendorOrder {
    /// The units of each line that are given back: the buyer has them, or will.
    fn granted_units(&self, asked: &[ParcelLine]) -> Result<Vec<u32>, Refusal> {
        let gone = self.gone();
        let mut granted = Vec::with_capacity(self.lines.len());
        for (at, (line, gone)) in self.lines.iter().zip(&gone).enumerate() {
            let units = asked.iter().find(|asked| asked.variant_id == line.variant).map_or(0, |asked| asked.quantity);
            let failed = gone.saturating_sub(line.cancelled);
            let kept = line.shipped.saturating_sub(failed).saturating_sub(line.granted);
            // What comes back is refunded then.
            let kept = kept.saturating_sub(self.asked_back(at));
            if units > kept {
                let detail = format!("{kept} units of {} were shipped, kept and not refunded", line.variant);
                return Err(Refusal::because(Code::WrongState, detail));
            }
            granted.push(units);
        }
        Ok(granted)
    }
}

const fn has_paid(payment: &Payment) -> bool {
    matches!(payment.state, PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded)
}

fn unknown_vendor() -> Refusal {
    Refusal::field("/vendor_id", "unknown", "has no part in the order")
}
