//! Settings of the operator. Functions read them from a cache that is at most 30 seconds old.

mod entries;
mod phone_messages;
mod quotas;
mod security;
mod vendors;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::code::{Code, Refusal};
use crate::legal::LegalTexts;
use crate::order::Deadlines;
use crate::payment::ProviderName;
use crate::payment_kind::PaymentKind;
use crate::pricing::Rates;
use crate::return_policy::ReturnRules;
use crate::stored::Kept;
use crate::{Currency, Money};

pub use self::entries::{Area, LimitValue, SettingId, SettingValue, StoredSetting};
pub use self::phone_messages::{PhoneChannel, PhoneMessages, PrefixPrice};
pub use self::quotas::{Quota, Quotas};
pub use self::security::{Security, StaffRole};
pub use self::vendors::{CountryRule, VendorRules};

/// The settings of the marketplace; a missing area has its defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub rates: Rates,
    /// How long orders may stay unpaid or undelivered.
    pub deadlines: Deadlines,
    /// Payment methods, in the order in which they are offered.
    pub providers: Vec<ProviderName>,
    /// What buyers may pay with at a provider that offers several kinds. Cards are always among them: nothing else
    /// takes every currency.
    #[serde(default = "cards")]
    pub kinds: Vec<PaymentKind>,
    /// Rate limits, and the limit of unpaid orders.
    pub limits: Limits,
    /// How much each shop may have.
    pub quotas: Quotas,
    /// What the operator promises about returns.
    pub returns: ReturnRules,
    /// Whether vendors may give money back of their own accord, for their own vendor orders.
    pub vendor_refunds: bool,
    /// What the operator's support may give back of one order, one amount per currency; nothing in other currencies.
    pub support_refunds: Vec<Money>,
    /// Who needs a second factor.
    pub security: Security,
    /// What is asked of vendors.
    pub vendors: VendorRules,
    /// Texts that people agree to, by the versions in force. They are items of their own.
    #[serde(skip)]
    pub legal: LegalTexts,
    /// How messages go to telephone numbers.
    pub phone_messages: PhoneMessages,
    /// Incremented by each write, which is conditional on it.
    pub version: u64,
    /// Whether a stored rate could not be read.
    #[serde(skip)]
    pub rates_are_unknown: bool,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

fn cards() -> Vec<PaymentKind> {
    vec![PaymentKind::Card]
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rates: Rates::default(),
            deadlines: Deadlines::default(),
            providers: ProviderName::ALL.to_vec(),
            kinds: cards(),
            limits: Limits::default(),
            quotas: Quotas::default(),
            returns: ReturnRules::default(),
            vendor_refunds: false,
            support_refunds: Vec::new(),
            security: Security::default(),
            vendors: VendorRules::default(),
            legal: LegalTexts::default(),
            phone_messages: PhoneMessages::default(),
            version: 0,
            rates_are_unknown: false,
            kept: Kept::default(),
        }
    }
}

impl Settings {
    /// The rates, for everything that is sold.
    ///
    /// # Errors
    /// A stored rate could not be read: nothing is sold at a guessed one.
    pub fn known_rates(&self) -> Result<Rates, Refusal> {
        if self.rates_are_unknown { Err(Refusal::of(Code::Unavailable)) } else { Ok(self.rates) }
    }

    /// What the operator's support may give back of one order in this currency.
    pub fn support_refund_limit(&self, currency: Currency) -> Money {
        let limit = self.support_refunds.iter().copied().find(|limit| limit.currency() == currency);
        limit.unwrap_or_else(|| Money::zero(currency))
    }

    /// How many orders of one e-mail address may be unpaid at once, and how long the first of them stays so at most.
    pub const fn unpaid_orders(&self) -> Limit {
        Limit { most: self.limits.unpaid_orders, within: self.deadlines.reservation }
    }
}

/// A rate limit: at most `most` requests within a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    pub most: u32,
    pub within: Duration,
}

impl Limit {
    /// At most so many requests a minute.
    pub const fn per_minute(most: u32) -> Self {
        Self { most, within: Duration::from_secs(60) }
    }
}

/// The rate limits of one kind of request. A request that exceeds either of them is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLimits {
    /// For one client address, which a whole office or mobile network may share.
    pub per_client: Limit,
    /// For one e-mail address, order or code.
    pub per_target: Limit,
}

/// Rate limits by kind of request, and the limit of unpaid orders.
///
/// A request that a client repeats on a weak network counts each time, so the defaults are several times what people
/// need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Checkouts, per client and per e-mail address.
    pub checkout: CallLimits,
    /// Further payment attempts, per client and per order.
    pub payment: CallLimits,
    /// Sign-ins and attempts to enter a mailed code, per client and per e-mail address.
    pub sign_in: CallLimits,
    /// Requests that send mail to an address that anybody may enter, per client and per e-mail address.
    pub mail: CallLimits,
    /// Requests for a code by which a person is known: of one client for one contact, whoever's it is, and of everybody
    /// for one contact. Each is worth five guesses.
    pub code_request: CallLimits,
    /// Invitations of members, per client and per invited address, whichever shop invites; and answers to them, per
    /// client.
    pub invitation: CallLimits,
    /// Calls that change something and have no limit of their own, for the client of who is not signed in, and for each
    /// person; by lists of routes.
    pub change: CallLimits,
    /// Requests for an order with a wrong token, per client: there is no other target to count by.
    pub wrong_token: Limit,
    /// How many orders of one e-mail address may be unpaid at once, including those payable on delivery.
    pub unpaid_orders: u32,
    /// How large a product file may be.
    pub import: FileLimits,
}

/// The most bytes and rows of a product file. An import is held to those that are in force when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileLimits {
    pub bytes: u32,
    /// Rows without the header.
    pub rows: u32,
}

impl FileLimits {
    /// What imports are made for: more is never allowed.
    pub const MOST: Self = Self { bytes: 200 * 1024 * 1024, rows: 1_000_000 };
}

impl Default for FileLimits {
    fn default() -> Self {
        Self::MOST
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            checkout: CallLimits { per_client: Limit::per_minute(120), per_target: Limit::per_minute(30) },
            payment: CallLimits { per_client: Limit::per_minute(120), per_target: Limit::per_minute(30) },
            sign_in: CallLimits { per_client: Limit::per_minute(120), per_target: Limit::per_minute(30) },
            mail: CallLimits {
                per_client: Limit::per_minute(120),
                per_target: Limit { most: 10, within: Duration::from_secs(600) },
            },
            // Of one client in a day fewer than of all: nobody uses up alone what others need.
            code_request: CallLimits {
                per_client: Limit { most: 6, within: Duration::from_secs(3_600) },
                per_target: Limit { most: 200, within: Duration::from_secs(86_400) },
            },
            invitation: CallLimits {
                per_client: Limit::per_minute(60),
                per_target: Limit { most: 20, within: Duration::from_secs(86_400) },
            },
            // A program of a shop writes the stock of each variant by a call of its own.
            change: CallLimits { per_client: Limit::per_minute(120), per_target: Limit::per_minute(600) },
            wrong_token: Limit::per_minute(60),
            unpaid_orders: 3,
            import: FileLimits::MOST,
        }
    }
}

impl Limits {
    /// Sets every limit per client, and that of one person's changes: for clients that share one address, and people
    /// who do everybody's work, as on one machine.
    #[must_use]
    pub const fn with_clients(mut self, limit: Limit) -> Self {
        self.checkout.per_client = limit;
        self.payment.per_client = limit;
        self.sign_in.per_client = limit;
        self.mail.per_client = limit;
        self.code_request.per_client = limit;
        self.invitation.per_client = limit;
        self.change = CallLimits { per_client: limit, per_target: limit };
        self.wrong_token = limit;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_from_before_a_limit_existed_have_it_nevertheless() {
        let old: Settings = serde_json::from_str(r#"{"limits": {"unpaid_orders": 5}}"#).unwrap();
        assert_eq!(old.limits, Limits { unpaid_orders: 5, ..Limits::default() });
    }

    #[test]
    fn more_room_for_clients_leaves_everything_else_as_it_is() {
        let roomy = Limits::default().with_clients(Limit::per_minute(9));
        assert_eq!(roomy.checkout.per_client.most, 9);
        assert_eq!(roomy.checkout.per_target, Limits::default().checkout.per_target);
        assert_eq!(roomy.unpaid_orders, Limits::default().unpaid_orders);
    }
}
