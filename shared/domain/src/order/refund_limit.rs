//! How much some of the operator's people may give back of one order.

use super::{OrderState, PlacedOrder};
use crate::code::{Code, Refusal};
use crate::payment::RefundReason;
use crate::{Currency, Money};

impl PlacedOrder {
    /// What people have decided to give back of the order. Together, so that nobody gets around a limit in steps.
    fn given_back(&self, currency: Currency) -> Result<Money, Refusal> {
        let is_decided =
            |reason| matches!(reason, RefundReason::Granted | RefundReason::Goodwill | RefundReason::Returned);
        let decided = self.refunds.iter().filter(|refund| is_decided(refund.reason));
        let decided = decided.filter(|refund| refund.amount.currency() == currency).map(|refund| refund.amount);
        // What came back before it was paid on delivery is given back once it is paid.
        let is_owed = self.order.state == OrderState::Confirmed;
        let lines = self.vendors.iter().flat_map(|vendor_order| &vendor_order.lines).filter(|_| is_owed);
        let returned = lines.map(|line| line.unit_price.times(line.returned)).collect::<Result<Vec<_>, _>>();
        let returned = returned.map_err(super::changes::refused)?;
        Money::sum(currency, decided.chain(returned)).map_err(super::changes::refused)
    }

    /// Refuses a change after which more than `limit` is given back of the order, unless it gives nothing back.
    ///
    /// # Errors
    /// `refund_limit`; what the change refuses.
    pub fn within_refund_limit(
        &mut self,
        limit: impl FnOnce(Currency) -> Option<Money>,
        change: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let currency = self.order.currency;
        let Some(limit) = limit(currency) else { return change(self) };
        let before = self.given_back(currency)?;
        change(self)?;
        let after = self.given_back(currency)?;
        if after.minor() > before.minor() && after.minor() > limit.minor() {
            let detail = format!("you may give back up to {limit} of an order: ask finance or an owner");
            return Err(Refusal::because(Code::RefundLimit, detail));
        }
        Ok(())
    }
}
