//! What the operator sets. Read from a cache that is at most 30 seconds old.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::order::Deadlines;
use crate::payment::ProviderName;
use crate::pricing::Rates;

/// The shop's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Tax and commission.
    pub rates: Rates,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// How orders can be paid, in the order in which they are offered.
    pub providers: Vec<ProviderName>,
    /// How often somebody may try something.
    pub limits: Limits,
    /// Counts changes.
    pub version: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rates: Rates::default(),
            deadlines: Deadlines::default(),
            providers: ProviderName::ALL.to_vec(),
            limits: Limits::default(),
            version: 0,
        }
    }
}

impl Settings {
    /// How many orders of one e-mail address may wait for their money, and how long the first of them does so at most.
    pub const fn unpaid_orders(&self) -> Limit {
        Limit { most: self.limits.unpaid_orders, within: self.deadlines.reservation }
    }
}

/// At most so many within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How many.
    pub most: u32,
    /// Within how long.
    pub within: Duration,
}

impl Limit {
    /// So many a minute.
    pub const fn per_minute(most: u32) -> Self {
        Self { most, within: Duration::from_secs(60) }
    }
}

/// The limits of one kind of call: whoever is over either of them is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLimits {
    /// For one client address. A whole office, or a whole mobile network, may share one.
    pub per_client: Limit,
    /// For one e-mail address, order or code.
    pub per_target: Limit,
}

/// The protection against rushes: how often somebody may try something, and how much somebody may leave unpaid.
///
/// A call that is repeated on a weak network counts each time, so the limits of people are some times what people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Checkouts: per client and per e-mail address.
    pub checkout: CallLimits,
    /// Further attempts at paying: per client and per order.
    pub payment: CallLimits,
    /// Sign-ins and mailed codes that are tried: per client and per e-mail address.
    pub sign_in: CallLimits,
    /// Calls that send mail to an address that anybody may name: per client and per e-mail address.
    pub mail: CallLimits,
    /// Orders asked for with a wrong token: per client. Nothing else is known of who guesses.
    pub wrong_token: Limit,
    /// How many orders of one e-mail address may wait for their money at once, on delivery or before.
    pub unpaid_orders: u32,
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
            wrong_token: Limit::per_minute(60),
            unpaid_orders: 3,
        }
    }
}

impl Limits {
    /// The same with other limits per client address: where many buyers share one, as on one machine.
    #[must_use]
    pub const fn with_clients(mut self, limit: Limit) -> Self {
        self.checkout.per_client = limit;
        self.payment.per_client = limit;
        self.sign_in.per_client = limit;
        self.mail.per_client = limit;
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
