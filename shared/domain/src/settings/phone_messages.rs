//! Messages to telephone numbers: by which channels, to which countries, and for how much money.
//!
//! Whoever asks for codes costs the shop money, and some earn by it: they have them sent to numbers whose carrier pays
//! them a share. So only prefixes are sent to that somebody has allowed, few messages to each number, a limited number
//! to each prefix, and all short messages of a day for at most so much.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Limit;
use crate::code::{FieldError, Refusal};
use crate::contact::{ContactPoint, PhoneNumber, PhonePrefix};
use crate::{Currency, Money};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The most prefixes that are allowed.
const MAX_PREFIXES: usize = 200;

/// A way to a telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PhoneChannel {
    /// Telegram Gateway: codes only, to those who have Telegram.
    Telegram,
    /// Short messages.
    Sms,
    /// A channel that only a newer release knows.
    #[serde(other)]
    Other,
}

/// A prefix that may be sent to, and what a short message costs there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrefixPrice {
    /// A country's code, or the beginning of its numbers, such as `+998` or `+99890`. Of several that fit a number the
    /// longest counts.
    pub prefix: PhonePrefix,
    /// The price of one short message, in the currency of the day's spend.
    pub price: Money,
}

/// How messages go to telephone numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PhoneMessages {
    /// The channels in the order in which they are tried. None until the operator has set gateways up: a number alone
    /// is refused as long as nothing would reach it.
    pub channels: Vec<PhoneChannel>,
    /// To which numbers messages are sent at all.
    pub prefixes: Vec<PrefixPrice>,
    /// Codes that one client asks for, for whatever numbers: without it one alone uses up what everybody's may cost. A
    /// whole mobile network may share an address.
    pub per_client: Limit,
    /// Messages to one number, by all channels together. The first one with a code is not among them, nor is what has
    /// changed in an account: whoever uses up the others must not lock its owner out.
    pub per_number: Limit,
    /// Messages to all numbers of one prefix, by all channels together.
    pub per_prefix: Limit,
    /// What the short messages of one day (UTC) may cost. After that none is sent until the next day.
    pub daily_spend: Money,
    /// Whether buyers without an e-mail address are told of their orders by short messages, and not only sent codes.
    pub order_texts: bool,
}

impl Default for PhoneMessages {
    fn default() -> Self {
        let uzbekistan = PhonePrefix::parse("+998").ok();
        let price = Money::new(15_000, Currency::UZS);
        Self {
            channels: Vec::new(),
            prefixes: uzbekistan.into_iter().map(|prefix| PrefixPrice { prefix, price }).collect(),
            per_client: Limit { most: 60, within: Duration::from_secs(60 * 60) },
            per_number: Limit { most: 20, within: DAY },
            per_prefix: Limit { most: 1_000, within: Duration::from_secs(60 * 60) },
            daily_spend: Money::new(50_000_000, Currency::UZS),
            order_texts: true,
        }
    }
}

impl PhoneMessages {
    /// The prefix that a number is sent to under; nothing when nothing is sent to it.
    pub fn prefix_of(&self, number: &PhoneNumber) -> Option<&PrefixPrice> {
        let fitting = self.prefixes.iter().filter(|known| number.as_str().starts_with(known.prefix.as_str()));
        fitting.max_by_key(|known| known.prefix.as_str().len())
    }

    /// Refuses a telephone number that nothing is sent to. That depends on its beginning only, so it tells nothing
    /// about anybody.
    ///
    /// # Errors
    /// `invalid` for the field at `pointer`.
    pub fn check_reaches(&self, to: &ContactPoint, pointer: &str) -> Result<(), Refusal> {
        let is_reached = |number: &PhoneNumber| !self.channels.is_empty() && self.prefix_of(number).is_some();
        if to.phone().is_none_or(is_reached) {
            return Ok(());
        }
        let detail = "no messages are sent to numbers like this one: an e-mail address is needed";
        Err(Refusal::field(pointer, "not_reachable", detail))
    }

    /// What is wrong with them as a whole.
    pub(super) fn check(&self) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        let is_twice = |channel| self.channels.iter().filter(|one| **one == channel).count() > 1;
        if self.channels.iter().any(|channel| *channel == PhoneChannel::Other || is_twice(*channel)) {
            wrong.push(FieldError::new("/channels", "invalid", "must be telegram and sms, each at most once"));
        }
        if self.prefixes.len() > MAX_PREFIXES {
            wrong.push(FieldError::new("/prefixes", "too_many", format!("must be at most {MAX_PREFIXES}")));
        }
        // A count of the rate limits is a whole number of 32 bits.
        let is_countable = |money: Money| u32::try_from(money.minor()).is_ok();
        if !is_countable(self.daily_spend) {
            wrong.push(FieldError::new("/daily_spend", "out_of_range", "must be zero or more, within bounds"));
        }
        for (index, known) in self.prefixes.iter().enumerate() {
            let pointer = format!("/prefixes/{index}");
            if self.prefixes.iter().take(index).any(|other| other.prefix == known.prefix) {
                wrong.push(FieldError::new(format!("{pointer}/prefix"), "duplicate", "is in the list already"));
            }
            if known.price.currency() != self.daily_spend.currency() {
                let detail = "must be in the currency of the spend of a day";
                wrong.push(FieldError::new(format!("{pointer}/price/currency"), "mismatch", detail));
            }
            if !is_countable(known.price) {
                let detail = "must be zero or more, within bounds";
                wrong.push(FieldError::new(format!("{pointer}/price"), "out_of_range", detail));
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(prefix: &str, minor: i64) -> PrefixPrice {
        PrefixPrice { prefix: PhonePrefix::parse(prefix).unwrap(), price: Money::new(minor, Currency::UZS) }
    }

    #[test]
    fn the_longest_prefix_counts_and_a_number_without_one_gets_nothing() {
        let prefixes = vec![price("+998", 100), price("+99890", 200), price("+7", 300)];
        let settings = PhoneMessages { prefixes, ..PhoneMessages::default() };
        let of = |number: &str| settings.prefix_of(&PhoneNumber::parse(number).unwrap()).map(|one| one.price.minor());
        assert_eq!(of("+998901234567"), Some(200));
        assert_eq!(of("+998712000000"), Some(100));
        assert_eq!(of("+8613800000000"), None);
    }

    #[test]
    fn a_number_that_nothing_would_reach_is_refused_and_an_address_is_not() {
        let of = |settings: &PhoneMessages, to: &str| {
            settings.check_reaches(&ContactPoint::parse(to).unwrap(), "/contact").is_ok()
        };
        let off = PhoneMessages::default();
        let on = PhoneMessages { channels: vec![PhoneChannel::Sms], ..PhoneMessages::default() };
        assert_eq!([&off, &on].map(|settings| of(settings, "+998901234567")), [false, true]);
        assert_eq!([&off, &on].map(|settings| of(settings, "+8613800000000")), [false, false]);
        assert_eq!([&off, &on].map(|settings| of(settings, "aziza@people.test")), [true, true]);
    }

    #[test]
    fn the_defaults_are_accepted_and_what_cannot_be_counted_is_not() {
        assert_eq!(PhoneMessages::default().check(), []);
        let dollars = PrefixPrice { price: crate::examples::usd(1), ..price("+7", 1) };
        let wrong = PhoneMessages {
            channels: vec![PhoneChannel::Sms, PhoneChannel::Sms],
            prefixes: vec![price("+998", 1), price("+998", -1), dollars],
            daily_spend: Money::new(i64::from(u32::MAX) + 1, Currency::UZS),
            ..PhoneMessages::default()
        };
        let pointers: Vec<String> = wrong.check().into_iter().map(|error| error.pointer).collect();
        assert_eq!(
            pointers,
            ["/channels", "/daily_spend", "/prefixes/1/prefix", "/prefixes/1/price", "/prefixes/2/price/currency"]
        );
    }

    #[test]
    fn a_channel_of_a_newer_release_is_read() {
        assert_eq!(serde_json::from_str::<PhoneChannel>("\"pigeon\"").unwrap(), PhoneChannel::Other);
    }
}
