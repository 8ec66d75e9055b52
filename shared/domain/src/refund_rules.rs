//! What a provider can pay back, as data that a decision is checked against.

use serde::{Deserialize, Serialize};

use crate::Money;

/// What refunds a provider can pay in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRules {
    /// Whether a part of a payment can be refunded, or all of it only.
    pub parts: bool,
    /// An amount has to be a multiple of so many minor units.
    pub step: u64,
    /// The smallest amount, in minor units.
    pub least: i64,
}

/// Why a provider cannot pay a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpayableRefund {
    #[error("the provider refunds a payment as a whole only")]
    Part,
    #[error("the provider refunds no less than {0}")]
    TooSmall(Money),
    #[error("the provider refunds multiples of {0} only")]
    Step(Money),
}

impl RefundRules {
    /// Those of a provider that pays back any amount.
    pub const ANY: Self = Self { parts: true, step: 1, least: 1 };

    /// What is sent for an amount that is due, in minor units: rounded up to what the provider can pay, at most what is
    /// left of the payment. An amount that it cannot pay at all stays as it is: a person has to.
    pub fn payable(&self, due: i64, left: i64) -> i64 {
        let step = i64::try_from(self.step).unwrap_or(i64::MAX).max(1);
        let wanted = due.max(self.least);
        let over = wanted.checked_rem(step).unwrap_or(0);
        let rounded = if over == 0 { wanted } else { wanted.saturating_add(step - over) };
        if due <= 0 {
            0
        } else if rounded <= left {
            rounded
        } else {
            due
        }
    }

    /// Refuses an amount that the provider cannot pay. `captured` is the amount of the payment that it is a refund of.
    ///
    /// The whole amount of a decision is checked, not its parts: the sum of two vendors' shares may be a multiple of
    /// ten where neither share is.
    pub fn check(&self, amount: Money, captured: Money) -> Result<(), UnpayableRefund> {
        let money = |minor| Money::new(minor, amount.currency());
        let step = i64::try_from(self.step).unwrap_or(i64::MAX);
        if !self.parts && amount != captured {
            return Err(UnpayableRefund::Part);
        }
        if amount.minor() < self.least {
            return Err(UnpayableRefund::TooSmall(money(self.least)));
        }
        if step > 1 && amount.minor() % step != 0 {
            return Err(UnpayableRefund::Step(money(step)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    #[test]
    fn an_amount_is_payable_in_steps_from_the_least_one_on() {
        let fils = |minor| Money::new(minor, Currency::KWD);
        let rules = RefundRules { parts: true, step: 10, least: 100 };
        assert_eq!(rules.check(fils(1_250), fils(9_000)), Ok(()));
        assert_eq!(rules.check(fils(90), fils(9_000)), Err(UnpayableRefund::TooSmall(fils(100))));
        assert_eq!(rules.check(fils(1_255), fils(9_000)), Err(UnpayableRefund::Step(fils(10))));
        // Two shares that cannot be paid one by one can be paid together.
        assert_eq!(rules.check(fils(1_255 + 1_235), fils(9_000)), Ok(()));
    }

    #[test]
    fn a_provider_without_parts_refunds_all_of_a_payment() {
        let dollars = |minor| Money::new(minor, Currency::USD);
        let rules = RefundRules { parts: false, step: 1, least: 1 };
        assert_eq!(rules.check(dollars(1_250), dollars(1_250)), Ok(()));
        assert_eq!(rules.check(dollars(1_249), dollars(1_250)), Err(UnpayableRefund::Part));
    }
}
