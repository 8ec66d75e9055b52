//! Stripe's minor units, which are not always ISO 4217's.
//!
//! From <https://docs.stripe.com/currencies>: most amounts are hundredths. Currencies without decimals are sent as they
//! are, except the Icelandic króna and the Ugandan shilling, which are sent as hundredths for backward compatibility.
//! The Malagasy ariary has no decimals at Stripe though ISO gives it two. Of three decimals the last must be zero.

use domain::payment::RefundRules;
use domain::payment_kind::PaymentKind;
use domain::{Currency, Money};

use crate::Amounts;

/// How an amount in our minor units is converted to Stripe's.
enum Scale {
    /// Unchanged.
    Same,
    /// Unchanged, but only multiples of ten.
    Tens,
    /// Multiplied by 100.
    TimesHundred,
    /// Divided by 100; only multiples of 100.
    ByHundred,
    /// Not at all: Stripe does not list the currency, and a wrong guess would charge ten times the price.
    Unsupported,
}

const fn scale(currency: Currency) -> Scale {
    match currency {
        Currency::ISK | Currency::UGX => Scale::TimesHundred,
        Currency::MGA => Scale::ByHundred,
        Currency::BHD | Currency::JOD | Currency::KWD | Currency::OMR | Currency::TND => Scale::Tens,
        Currency::IQD | Currency::LYD => Scale::Unsupported,
        _ => Scale::Same,
    }
}

/// The documented least charges, in Stripe's units: <https://docs.stripe.com/currencies>, "Minimum charge amount by
/// currency", as of 2026-12. For other currencies the page names none: the charge has to reach the least of the
/// account's settlement currency after conversion, which only Stripe knows. The page has not named the lev since
/// Bulgaria has the euro.
const LEAST: [(Currency, i64); 32] = [
    (Currency::USD, 50),
    (Currency::AED, 200),
    (Currency::ARS, 50),
    (Currency::AUD, 50),
    (Currency::BGN, 100),
    (Currency::BRL, 50),
    (Currency::CAD, 50),
    (Currency::CHF, 50),
    (Currency::COP, 50),
    (Currency::CZK, 1_500),
    (Currency::DKK, 250),
    (Currency::EUR, 50),
    (Currency::GBP, 30),
    (Currency::HKD, 400),
    (Currency::HUF, 17_500),
    (Currency::IDR, 50),
    (Currency::ILS, 50),
    (Currency::INR, 50),
    (Currency::JPY, 50),
    (Currency::KRW, 50),
    (Currency::MXN, 1_000),
    (Currency::MYR, 200),
    (Currency::NOK, 300),
    (Currency::NZD, 50),
    (Currency::PHP, 50),
    (Currency::PLN, 200),
    (Currency::RON, 200),
    (Currency::RUB, 50),
    (Currency::SEK, 300),
    (Currency::SGD, 50),
    (Currency::THB, 1_000),
    (Currency::ZAR, 50),
];

/// The greatest charges, from the same page: twelve digits for IDR, ten for COP, nine for INR, "8 digits for all other
/// currencies". Most cards take more, but a payment is opened before its buyer has chosen how to pay it, and the API's
/// reference of `amount` says eight digits: this is what every way of paying takes.
const fn greatest(currency: Currency) -> i64 {
    match currency {
        Currency::IDR => 999_999_999_999,
        Currency::COP => 9_999_999_999,
        Currency::INR => 999_999_999,
        _ => 99_999_999,
    }
}

/// The amounts that Stripe takes, in our minor units.
pub(super) fn amounts(currency: Currency) -> Option<Amounts> {
    let least = LEAST.iter().find(|(known, _)| *known == currency).map_or(1, |(_, least)| *least);
    let greatest = greatest(currency);
    Some(match scale(currency) {
        Scale::Same => Amounts { least, greatest, step: 1 },
        Scale::Tens => Amounts { least: 10, greatest: greatest / 10 * 10, step: 10 },
        Scale::TimesHundred => Amounts { least: 1, greatest: greatest / 100, step: 1 },
        Scale::ByHundred => Amounts { least: 100, greatest: greatest * 100, step: 100 },
        Scale::Unsupported => return None,
    })
}

/// What Stripe refunds: any part that its units can express. A least amount of refunds is not documented
/// (<https://docs.stripe.com/api/refunds/create>: "a positive integer").
pub(super) fn refund_rules(currency: Currency) -> RefundRules {
    let step: u32 = match scale(currency) {
        Scale::Same | Scale::TimesHundred | Scale::Unsupported => 1,
        Scale::Tens => 10,
        Scale::ByHundred => 100,
    };
    RefundRules { parts: true, step: step.into(), least: step.into() }
}

/// Stripe's type of a kind of payment methods, in the currency that it takes
/// (<https://docs.stripe.com/payments/payment-methods/payment-method-support>).
pub(super) const fn method(kind: PaymentKind, currency: Currency) -> Option<&'static str> {
    match (kind, currency) {
        (PaymentKind::Card, _) => Some("card"),
        (PaymentKind::SepaDebit, Currency::EUR) => Some("sepa_debit"),
        (PaymentKind::AchDebit, Currency::USD) => Some("us_bank_account"),
        (PaymentKind::BacsDebit, Currency::GBP) => Some("bacs_debit"),
        _ => None,
    }
}

/// The amount in Stripe's units; `None` when Stripe cannot take exactly this amount.
pub(super) fn to_stripe(amount: Money) -> Option<i64> {
    let minor = amount.minor();
    match scale(amount.currency()) {
        Scale::Same => Some(minor),
        Scale::Tens => (minor % 10 == 0).then_some(minor),
        Scale::TimesHundred => minor.checked_mul(100),
        Scale::ByHundred => (minor % 100 == 0).then_some(minor / 100),
        Scale::Unsupported => None,
    }
}

/// The currency as Stripe writes it: in lower case.
pub(super) fn currency_to_stripe(currency: Currency) -> String {
    currency.as_str().to_ascii_lowercase()
}

/// Our amount for one of Stripe's; `None` when we have no such currency or cannot represent the amount.
pub(super) fn from_stripe(amount: i64, currency: &str) -> Option<Money> {
    let currency: Currency = currency.to_ascii_uppercase().parse().ok()?;
    let minor = match scale(currency) {
        Scale::Same | Scale::Tens => Some(amount),
        Scale::TimesHundred => (amount % 100 == 0).then_some(amount / 100),
        Scale::ByHundred => amount.checked_mul(100),
        Scale::Unsupported => None,
    }?;
    Some(Money::new(minor, currency))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_kind_of_currency_is_sent_as_stripe_lists_it() {
        let cases = [
            ("12.50", Currency::USD, Some(1250)),
            ("160000.00", Currency::UZS, Some(16_000_000)),
            ("10.00", Currency::HUF, Some(1000)),
            ("1250", Currency::JPY, Some(1250)),
            ("1250", Currency::KRW, Some(1250)),
            ("5", Currency::ISK, Some(500)),
            ("5", Currency::UGX, Some(500)),
            ("5.00", Currency::MGA, Some(5)),
            ("5.20", Currency::MGA, None),
            ("5.120", Currency::KWD, Some(5120)),
            ("5.125", Currency::KWD, None),
            ("5.120", Currency::IQD, None),
        ];
        for (text, currency, sent) in cases {
            let amount = Money::parse(text, currency).unwrap();
            assert_eq!(to_stripe(amount), sent, "{amount}");
            if let Some(sent) = sent {
                assert_eq!(from_stripe(sent, &currency_to_stripe(currency)), Some(amount), "{amount}");
            }
        }
    }

    #[test]
    fn least_and_greatest_amounts_are_those_that_stripe_documents() {
        let bounds = |currency| {
            let amounts = amounts(currency).unwrap();
            let money = |minor| Money::new(minor, currency).decimal();
            (money(amounts.least), money(amounts.greatest), amounts.step)
        };
        for (currency, least, greatest, step) in [
            (Currency::USD, "0.50", "999999.99", 1),
            (Currency::GBP, "0.30", "999999.99", 1),
            (Currency::HUF, "175.00", "999999.99", 1),
            (Currency::MXN, "10.00", "999999.99", 1),
            (Currency::JPY, "50", "99999999", 1),
            (Currency::KRW, "50", "99999999", 1),
            (Currency::IDR, "0.50", "9999999999.99", 1),
            (Currency::COP, "0.50", "99999999.99", 1),
            (Currency::INR, "0.50", "9999999.99", 1),
            (Currency::UZS, "0.01", "999999.99", 1),
            (Currency::ISK, "1", "999999", 1),
            (Currency::MGA, "1.00", "99999999.00", 100),
            (Currency::KWD, "0.010", "99999.990", 10),
        ] {
            assert_eq!(bounds(currency), (least.to_owned(), greatest.to_owned(), step), "{currency}");
        }
        assert_eq!(amounts(Currency::IQD), None);
    }

    #[test]
    fn every_currency_without_decimals_at_stripe_is_sent_whole() {
        for code in "BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF".split(' ') {
            let one = Money::new(1, code.parse().unwrap());
            assert_eq!((to_stripe(one), one.currency().exponent()), (Some(1), 0), "{code}");
        }
    }

    #[test]
    fn what_is_no_amount_of_ours_is_nothing() {
        assert_eq!(from_stripe(501, "isk"), None);
        assert_eq!(from_stripe(100, "btc"), None);
        assert_eq!(from_stripe(100, ""), None);
        assert_eq!(from_stripe(i64::MAX, "mga"), None);
        assert_eq!(to_stripe(Money::new(i64::MAX, Currency::ISK)), None);
    }

    proptest! {
        #[test]
        fn what_is_sent_comes_back_the_same(minor: i64, index in 0..Currency::EVERY.len()) {
            let amount = Money::new(minor, Currency::EVERY[index]);
            if let Some(sent) = to_stripe(amount) {
                prop_assert_eq!(from_stripe(sent, &currency_to_stripe(amount.currency())), Some(amount));
            }
        }

        #[test]
        fn what_is_taken_and_what_is_refunded_can_be_sent(minor: i64, index in 0..Currency::EVERY.len()) {
            let amount = Money::new(minor, Currency::EVERY[index]);
            let taken = crate::stripe::FACTS.check(amount).is_ok();
            prop_assert!(!taken || to_stripe(amount).is_some_and(|sent| sent > 0), "{}", amount);
            let payable = amounts(amount.currency()).is_some()
                && refund_rules(amount.currency()).check(amount, amount).is_ok();
            prop_assert!(!payable || minor > i64::MAX / 100 || to_stripe(amount).is_some(), "{}", amount);
        }

        #[test]
        fn whatever_stripe_says_is_read_without_panic(amount: i64, currency in "[a-zA-Z]{0,4}") {
            let _ = from_stripe(amount, &currency);
        }
    }
}
