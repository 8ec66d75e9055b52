//! Confirming an order that is payable on delivery: it holds stock that nobody has paid for, so its guest first proves
//! the address that they gave, with a code that is mailed to it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Actor, HistoryEvent, OrderEventKind, OrderState, OrderStep, PlacedOrder};
use crate::Timestamp;
use crate::code::{Code, Refusal};
use crate::id_source::Ids;

/// How long an order waits to be confirmed.
pub(super) const CONFIRMATION: Duration = Duration::from_secs(30 * 60);
/// How often a wrong code may be entered before a new one has to be sent: of a million codes so few can be tried.
const MOST_WRONG: u8 = 5;
/// How many codes are mailed for an order: the address may be a stranger's.
const MOST_CODES: u8 = 3;
/// How long a code is waited for before the next one is mailed.
const RESEND_AFTER: Duration = Duration::from_secs(60);

/// The code that an order waits for. Which one it is follows from the order and its number under a secret: it is stored
/// nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Its number, counted from 1.
    pub number: u8,
    /// How often a wrong one was entered in its place.
    #[serde(default, skip_serializing_if = "is_none")]
    pub wrong: u8,
    pub sent_at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_none(count: &u8) -> bool {
    *count == 0
}

impl Confirmation {
    pub(super) const fn first(sent_at: Timestamp) -> Self {
        Self { number: 1, wrong: 0, sent_at }
    }
}

impl PlacedOrder {
    /// Whether its buyer has confirmed it, so that repeating that succeeds.
    pub fn was_confirmed(&self) -> bool {
        self.history.iter().any(|entry| entry.event == HistoryEvent::Confirmed)
    }

    fn awaited_confirmation(&self, now: Timestamp) -> Result<Confirmation, Refusal> {
        let awaited = self.order.confirmation.filter(|_| self.order.state == OrderState::AwaitingConfirmation);
        let awaited = awaited.ok_or(Refusal::of(Code::WrongState))?;
        if self.order.due_at.is_some_and(|due| due <= now) {
            return Err(Refusal::because(Code::CodeExpired, "the order was not confirmed in time"));
        }
        Ok(awaited)
    }

    /// The number of the code that confirms it now.
    ///
    /// # Errors
    /// `wrong_state` when it does not wait for one; `code_expired` when its time is over, or too many wrong ones were
    /// entered.
    pub fn code_to_confirm(&self, now: Timestamp) -> Result<u8, Refusal> {
        let awaited = self.awaited_confirmation(now)?;
        if awaited.wrong >= MOST_WRONG {
            return Err(Refusal::because(Code::CodeExpired, "too many wrong codes: ask for a new one"));
        }
        Ok(awaited.number)
    }

    /// Counts a wrong code.
    pub fn refuse_code(&mut self) {
        if let Some(awaited) = &mut self.order.confirmation {
            awaited.wrong = awaited.wrong.saturating_add(1);
        }
    }

    /// The buyer has entered the right code: vendors see the order, and `delivery` is how long it may stay undelivered.
    ///
    /// # Errors
    /// `wrong_state`.
    pub fn confirm(&mut self, delivery: Duration, ids: &mut Ids) -> Result<(), Refusal> {
        self.order.state = self.order.state.after(OrderStep::Confirmed).ok_or(Refusal::of(Code::WrongState))?;
        self.order.confirmation = None;
        self.order.due_at = Some(ids.now() + delivery);
        for vendor_order in &mut self.vendors {
            vendor_order.visible = true;
            vendor_order.await_vendor(ids.now());
        }
        self.record(HistoryEvent::Confirmed, Actor::Buyer, None, ids);
        self.emit(OrderEventKind::OrderConfirmed, None, ids);
        Ok(())
    }

    /// Until when no further code is mailed.
    pub fn resend_at(&self) -> Option<Timestamp> {
        self.order.confirmation.map(|awaited| awaited.sent_at + RESEND_AFTER)
    }

    /// Has another code mailed, which alone confirms the order from now on.
    ///
    /// # Errors
    /// `wrong_state`, `code_expired` when its time is over, `limit_reached` when enough were sent.
    pub fn resend_code(&mut self, ids: &mut Ids) -> Result<(), Refusal> {
        let awaited = self.awaited_confirmation(ids.now())?;
        if awaited.number >= MOST_CODES {
            return Err(Refusal::because(Code::LimitReached, "no more codes are sent for this order"));
        }
        self.order.confirmation = Some(Confirmation { number: awaited.number + 1, wrong: 0, sent_at: ids.now() });
        self.emit(OrderEventKind::ConfirmationAsked, None, ids);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VendorId;
    use crate::code::Coded;
    use crate::examples::{self, NOW, ids, vendor_card};
    use crate::payment::ProviderName;

    fn awaiting() -> PlacedOrder {
        let mut placed =
            examples::order(ProviderName::CashOnDelivery, &[vendor_card(VendorId::from_bits(1), "Chorsu")]);
        placed.order.state = OrderState::AwaitingConfirmation;
        placed.order.confirmation = Some(Confirmation::first(NOW));
        placed.order.due_at = Some(NOW + CONFIRMATION);
        placed.vendors[0].visible = false;
        placed
    }

    fn code_of<T>(result: Result<T, Refusal>) -> Option<Code> {
        result.err().map(|refusal| refusal.code())
    }

    #[test]
    fn few_codes_may_be_tried_and_few_are_sent() {
        let mut placed = awaiting();
        for number in 1..=MOST_CODES {
            for _ in 0..MOST_WRONG {
                assert_eq!(placed.code_to_confirm(NOW).unwrap(), number);
                placed.refuse_code();
            }
            assert_eq!(code_of(placed.code_to_confirm(NOW)), Some(Code::CodeExpired));
            let sent = placed.resend_code(&mut ids(NOW));
            assert_eq!(code_of(sent), (number == MOST_CODES).then_some(Code::LimitReached));
        }
        assert_eq!(placed.events.len(), usize::from(MOST_CODES) - 1);
    }

    #[test]
    fn a_confirmed_order_is_visible_and_a_late_code_confirms_nothing() {
        let mut placed = awaiting();
        let late = NOW + CONFIRMATION;
        assert_eq!(code_of(placed.code_to_confirm(late)), Some(Code::CodeExpired));
        assert_eq!(code_of(placed.resend_code(&mut ids(late))), Some(Code::CodeExpired));
        placed.confirm(Duration::from_secs(60), &mut ids(NOW)).unwrap();
        assert!(placed.was_confirmed() && placed.vendors[0].visible);
        assert_eq!((placed.order.state, placed.order.confirmation), (OrderState::Confirmed, None));
        assert_eq!(placed.order.due_at, Some(NOW + Duration::from_secs(60)));
        assert_eq!(code_of(placed.code_to_confirm(NOW)), Some(Code::WrongState));
        assert_eq!(code_of(placed.confirm(Duration::ZERO, &mut ids(NOW))), Some(Code::WrongState));
    }

    #[test]
    fn what_is_not_confirmed_in_time_expires_and_its_cart_reopens() {
        let mut placed = awaiting();
        assert!(placed.expire(&mut ids(NOW)).is_err());
        placed.expire(&mut ids(NOW + CONFIRMATION)).unwrap();
        assert_eq!(placed.order.state, OrderState::Expired);
        assert!(placed.reopens_cart);
        assert_eq!(placed.stock_moves.iter().map(|one| one.available).sum::<i64>(), 2);
    }
}
