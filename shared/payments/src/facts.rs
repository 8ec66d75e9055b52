//! What is known of a provider without calling it.

use domain::payment::RefundRules;
use domain::payment_kind::PaymentKind;
use domain::{Currency, Money};

/// What is known of a provider without calling it, and without its keys.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The amounts that it takes in a currency; `None` for a currency that it does not take.
    pub amounts: fn(Currency) -> Option<Amounts>,
    /// Whether the buyer pays on a page of the provider's.
    pub page: HostedPage,
    /// Whether a payment may take days, as a bank debit does.
    pub slow: bool,
    /// The provider's name of a kind of payment methods that it offers in a currency; nothing where it offers none.
    pub method: fn(PaymentKind, Currency) -> Option<&'static str>,
    /// How many calls a second it allows one account; `None` when nothing is called.
    pub calls_per_second: Option<u32>,
    /// What it can pay back in a currency; `None` when it refunds nothing, so that a person has to.
    pub refunds: Option<fn(Currency) -> RefundRules>,
}

/// A page of the provider's on which the buyer pays and is sent back from. It is named by its origin, to which browsers
/// have to be told that a form of the shop's pages leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostedPage {
    /// It has none.
    Never,
    /// For those who cannot run its library, with which buyers pay in the shop's pages otherwise.
    Asked(&'static str),
    /// It is the one way to pay.
    Always(&'static str),
}

impl HostedPage {
    pub const fn origin(self) -> Option<&'static str> {
        match self {
            Self::Never => None,
            Self::Asked(origin) | Self::Always(origin) => Some(origin),
        }
    }
}

/// The amounts that a provider takes in one currency, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    pub least: i64,
    pub greatest: i64,
    /// An amount has to be a multiple of so many minor units.
    pub step: i64,
}

/// Why a provider does not take an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    #[error("it takes no {0}")]
    Currency(Currency),
    #[error("it takes no less than {0}")]
    TooSmall(Money),
    #[error("it takes no more than {0}")]
    TooLarge(Money),
    #[error("it takes multiples of {0} only")]
    Step(Money),
}

impl Facts {
    /// Refuses an amount that the provider does not take.
    pub fn check(&self, amount: Money) -> Result<(), NotTaken> {
        let currency = amount.currency();
        let amounts = (self.amounts)(currency).ok_or(NotTaken::Currency(currency))?;
        let money = |minor| Money::new(minor, currency);
        if amount.minor() < amounts.least {
            return Err(NotTaken::TooSmall(money(amounts.least)));
        }
        if amount.minor() > amounts.greatest {
            return Err(NotTaken::TooLarge(money(amounts.greatest)));
        }
        if amounts.step > 1 && amount.minor() % amounts.step != 0 {
            return Err(NotTaken::Step(money(amounts.step)));
        }
        Ok(())
    }
}
