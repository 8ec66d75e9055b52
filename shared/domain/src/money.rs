//! Money: a whole number of minor units in one currency. No floats, so no rounding errors; adding two currencies is an
//! error.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::code::{Code, Coded};

/// Why an amount cannot be computed or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit into 64 bits.
    #[error("the amount is too large")]
    Overflow,
    #[error("amounts of different currencies do not add")]
    CurrencyMismatch,
    #[error("not a currency (ISO 4217)")]
    UnknownCurrency,
    #[error("not an amount with at most the currency's digits")]
    BadAmount,
}

impl Coded for MoneyError {
    fn code(&self) -> Code {
        match self {
            // Internal, because it is a defect of ours: amounts and currencies are checked when they come in.
            Self::Overflow | Self::CurrencyMismatch => Code::Internal,
            Self::UnknownCurrency | Self::BadAmount => Code::Invalid,
        }
    }
}

macro_rules! currencies {
    ($($digits:literal: $($code:ident)+;)+) => {
        /// A currency of ISO 4217, with its number of decimal digits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the names are the codes of ISO 4217")]
        pub enum Currency { $($($code,)+)+ }

        impl Currency {
            /// Every currency. Not named `ALL`, which is the code of the Albanian lek.
            pub const EVERY: &'static [Self] = &[$($(Self::$code,)+)+];

            /// The alphabetic code of ISO 4217: three capital letters.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$code => stringify!($code),)+)+ }
            }

            /// The number of digits after the decimal point: 0, 2 or 3.
            pub const fn exponent(self) -> u32 {
                match self { $($(Self::$code)|+ => $digits,)+ }
            }
        }

        impl FromStr for Currency {
            type Err = MoneyError;
            fn from_str(text: &str) -> Result<Self, MoneyError> {
                match text {
                    $($(stringify!($code) => Ok(Self::$code),)+)+
                    _ => Err(MoneyError::UnknownCurrency),
                }
            }
        }
    };
}

currencies! {
    0: BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF;
    2: AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP
       CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
       JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN
       NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
       SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW;
    3: BHD IQD JOD KWD LYD OMR TND;
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Currency {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[A-Z]{3}$"))
            .description(Some("A currency of ISO 4217."))
            .examples(["USD"])
            .into()
    }
}

impl ToSchema for Currency {}

/// An amount in one currency, in whole minor units (cents, tiyin, yen). It may be negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// The largest price of one unit, or of one delivery, in minor units. A full cart of such prices with the highest tax
/// still fits into 64 bits: see [`MAX_TOTAL`](crate::pricing::MAX_TOTAL).
pub const MAX_PRICE: i64 = 10_000_000_000_000;

impl Money {
    /// An amount in minor units: `Money::new(1250, Currency::USD)` is 12.50 USD.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Zero in this currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The amount in minor units, without its currency.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    pub const fn currency(self) -> Currency {
        self.currency
    }

    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether the amount can be a price: not negative, at most [`MAX_PRICE`].
    pub const fn is_price(self) -> bool {
        self.minor >= 0 && self.minor <= MAX_PRICE
    }

    /// The sum; an error when the currencies differ or the result does not fit into 64 bits.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.minor.checked_add(other.minor).map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.minor.checked_sub(other.minor).map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// The amount times a number of units; an error when the result does not fit into 64 bits.
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        self.minor.checked_mul(i64::from(quantity)).map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// The sum of amounts, zero for none; an error when one of them is not in `currency`.
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    /// A share in basis points (1/10,000), rounded half to even, so that rounding favours neither side over many
    /// orders.
    pub fn share(self, basis_points: BasisPoints) -> Result<Self, MoneyError> {
        let product = i128::from(self.minor) * i128::from(basis_points.0);
        let (quotient, remainder) = (product.div_euclid(10_000), product.rem_euclid(10_000));
        let up = remainder > 5_000 || (remainder == 5_000 && quotient.rem_euclid(2) == 1);
        let minor = i64::try_from(quotient + i128::from(up)).map_err(|_| MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// What belongs to the first `units` of `of` units, rounded down, so that what belongs to all of them is the
    /// amount.
    ///
    /// # Errors
    /// There are no units, or fewer than are taken.
    pub fn fraction(self, units: u32, of: u32) -> Result<Self, MoneyError> {
        if of == 0 || units > of {
            return Err(MoneyError::BadAmount);
        }
        let part = (i128::from(self.minor) * i128::from(units)).div_euclid(i128::from(of));
        i64::try_from(part).map(|minor| Self { minor, ..self }).map_err(|_| MoneyError::Overflow)
    }

    /// Splits the amount by weights without making or losing a minor unit: each share is rounded toward zero, and the
    /// remainder goes to the largest weight, the first one of equals. When all weights are zero, all goes to the first.
    pub fn allocate(self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        let total: u128 = weights.iter().copied().map(u128::from).sum();
        let Some(largest) = weights.iter().max().and_then(|most| weights.iter().position(|weight| weight == most))
        else {
            return if self.is_zero() { Ok(Vec::new()) } else { Err(MoneyError::BadAmount) };
        };
        let mut given: i64 = 0;
        let mut shares = Vec::with_capacity(weights.len());
        for weight in weights {
            let minor = if total == 0 {
                0
            } else {
                let total = i128::try_from(total).map_err(|_| MoneyError::Overflow)?;
                let part = i128::from(self.minor).checked_mul(i128::from(*weight)).ok_or(MoneyError::Overflow)? / total;
                i64::try_from(part).map_err(|_| MoneyError::Overflow)?
            };
            given = given.checked_add(minor).ok_or(MoneyError::Overflow)?;
            shares.push(Self { minor, ..self });
        }
        if let Some(share) = shares.get_mut(largest) {
            share.minor = share.minor.checked_add(self.minor - given).ok_or(MoneyError::Overflow)?;
        }
        Ok(shares)
    }

    /// The amount as a decimal with exactly the digits of its currency, without grouping: `12.50`.
    pub fn decimal(self) -> String {
        let digits = usize::try_from(self.currency.exponent()).unwrap_or(0);
        let sign = if self.minor < 0 { "-" } else { "" };
        let unsigned = self.minor.unsigned_abs();
        if digits == 0 {
            return format!("{sign}{unsigned}");
        }
        let scale = 10_u64.pow(self.currency.exponent());
        format!("{sign}{}.{:0digits$}", unsigned / scale, unsigned % scale)
    }

    /// Reads a decimal with at most the digits of the currency: `12.50`, `12.5` or `12` for USD, `1250` for JPY. Excess
    /// digits are an error, not rounded. No blanks, plus sign, grouping or leading zeros.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let digits = usize::try_from(currency.exponent()).unwrap_or(0);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) if digits > 0 => (whole, fraction),
            None => (unsigned, ""),
            Some(_) => return Err(MoneyError::BadAmount),
        };
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || !plain(whole)
            || !plain(fraction)
            || fraction.len() > digits
            || (fraction.is_empty() && unsigned.contains('.'))
            || (whole.len() > 1 && whole.starts_with('0'))
        {
            return Err(MoneyError::BadAmount);
        }
        let minor: i64 = format!("{}{whole}{fraction:0<digits$}", if negative { "-" } else { "" })
            .parse()
            .map_err(|_| MoneyError::Overflow)?;
        Ok(Self { minor, currency })
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch) }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.decimal(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// An amount of money in one currency.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money)]
struct WireMoney<'a> {
    /// A decimal. Responses have exactly the digits of the currency, `12.50` USD, `1250` JPY; requests may have fewer.
    #[serde(borrow)]
    #[schema(value_type = String, pattern = "^-?(0|[1-9][0-9]*)([.][0-9]{1,3})?$", examples("12.50"))]
    amount: Cow<'a, str>,
    currency: Currency,
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WireMoney { amount: self.decimal().into(), currency: self.currency }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = WireMoney::deserialize(deserializer)?;
        Self::parse(&wire.amount, wire.currency).map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Money {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        WireMoney::schema()
    }
}

impl ToSchema for Money {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        <WireMoney<'_> as ToSchema>::schemas(schemas);
    }
}

/// A rate in basis points: hundredths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "u32", into = "u32")]
#[schema(value_type = u32, minimum = 0, maximum = 10_000)]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// No rate: 0 %.
    pub const ZERO: Self = Self(0);
}

impl TryFrom<u32> for BasisPoints {
    type Error = MoneyError;
    fn try_from(value: u32) -> Result<Self, MoneyError> {
        if value <= 10_000 { Ok(Self(value)) } else { Err(MoneyError::BadAmount) }
    }
}

impl From<BasisPoints> for u32 {
    fn from(rate: BasisPoints) -> Self {
        rate.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    #[test]
    fn an_amount_has_at_most_its_currencys_digits() {
        for written in ["12.50", "12.5"] {
            assert_eq!(Money::parse(written, Currency::USD), Ok(usd(1250)), "{written}");
        }
        assert_eq!(Money::parse("9", Currency::USD), Ok(usd(900)));
        assert_eq!(Money::parse("-0.5", Currency::USD), Ok(usd(-50)));
        assert_eq!(Money::parse("1250", Currency::JPY), Ok(Money::new(1250, Currency::JPY)));
        assert_eq!(Money::parse("1250.0", Currency::JPY), Err(MoneyError::BadAmount));
        assert_eq!(Money::parse("1.250", Currency::KWD), Ok(Money::new(1250, Currency::KWD)));
        for bad in ["12.", "12.500", "+1.00", "01.00", ".50", "1,00", "1e2", "", "-", "١.00", " 1.00", "1.00 "] {
            assert_eq!(Money::parse(bad, Currency::USD), Err(MoneyError::BadAmount), "{bad}");
        }
        assert_eq!(Money::parse("99999999999999999.99", Currency::USD), Err(MoneyError::Overflow));
    }

    #[test]
    fn money_on_the_wire_is_a_string_and_a_currency() {
        let text = serde_json::to_string(&usd(-5)).unwrap();
        assert_eq!(text, r#"{"amount":"-0.05","currency":"USD"}"#);
        assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), usd(-5));
        assert!(serde_json::from_str::<Money>(r#"{"amount":5,"currency":"USD"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"amount":"5.00","currency":"usd"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"amount":"5.00","currency":"USD","x":1}"#).is_err());
    }

    #[test]
    fn shares_round_half_to_even() {
        let half = BasisPoints(5_000);
        assert_eq!(usd(5).share(half), Ok(usd(2)));
        assert_eq!(usd(7).share(half), Ok(usd(4)));
        assert_eq!(usd(-5).share(half), Ok(usd(-2)));
    }

    #[test]
    fn what_is_left_of_a_split_goes_to_the_largest_then_the_first() {
        assert_eq!(usd(100).allocate(&[1, 1, 1]), Ok(vec![usd(34), usd(33), usd(33)]));
        assert_eq!(usd(10).allocate(&[1, 2]), Ok(vec![usd(3), usd(7)]));
        assert_eq!(usd(3).allocate(&[0, 0]), Ok(vec![usd(3), usd(0)]));
    }

    #[test]
    fn two_currencies_do_not_add() {
        assert_eq!(usd(1).plus(Money::new(1, Currency::UZS)), Err(MoneyError::CurrencyMismatch));
        assert_eq!(usd(i64::MAX).plus(usd(1)), Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn an_amount_reads_back(minor: i64, index in 0..Currency::EVERY.len()) {
            let money = Money::new(minor, Currency::EVERY[index]);
            prop_assert_eq!(Money::parse(&money.decimal(), money.currency()), Ok(money));
        }

        #[test]
        fn a_split_never_makes_or_loses_a_unit(
            minor in -MAX_PRICE..MAX_PRICE, weights in prop::collection::vec(0_u64..1_000_000, 1..20),
        ) {
            let parts = usd(minor).allocate(&weights).unwrap();
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert_eq!(Money::sum(Currency::USD, parts).unwrap(), usd(minor));
        }

        #[test]
        fn a_share_is_never_more_than_half_a_unit_off(minor in 0..MAX_PRICE, rate in 0_u32..=10_000) {
            let share = i128::from(usd(minor).share(BasisPoints(rate)).unwrap().minor());
            let twice_off = (share * 10_000 - i128::from(minor) * i128::from(rate)).abs() * 2;
            prop_assert!(twice_off <= 10_000);
        }
    }
}
