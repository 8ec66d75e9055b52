//! Typed ids: a prefix for the kind, and a UUIDv7 in Crockford base32, whose text sorts by age as the bits do.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::SchemaFormat;
use uuid::Uuid;

use crate::Timestamp;
use crate::text::is_unseen;

/// Crockford's base32 in lower case: without i, l, o and u, and in ASCII order, so that texts sort as numbers.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The digits of 128 bits in groups of five bits. The first digit has three bits, so it is at most `7`.
const LENGTH: usize = 26;

/// The text is not an id of the expected kind: another prefix, length or alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct BadId;

/// 128 bits in Crockford base32.
pub(crate) fn encode(value: u128) -> String {
    (0..LENGTH)
        .rev()
        .map(|group| {
            let index = usize::try_from((value >> (group * 5)) & 31).unwrap_or(0);
            char::from(ALPHABET.get(index).copied().unwrap_or(b'0'))
        })
        .collect()
}

pub(crate) fn decode(text: &str) -> Result<u128, BadId> {
    if text.len() != LENGTH || text.as_bytes().first().is_some_and(|first| *first > b'7') {
        return Err(BadId);
    }
    text.bytes().try_fold(0_u128, |value, byte| {
        let digit = ALPHABET.iter().position(|known| *known == byte).ok_or(BadId)?;
        Ok((value << 5) | u128::try_from(digit).map_err(|_| BadId)?)
    })
}

/// A UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, then 74 of these 80 random bits.
fn version_7(at: Timestamp, random: [u8; 10]) -> u128 {
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.millis()).unwrap_or(0), &random).into_uuid().as_u128()
}

/// The regular expression for ids of the kind of this example: prefix and UUID in Crockford base32, for a variant with
/// its ordinal. None for a plain UUID.
fn pattern(example: &str) -> Option<String> {
    let (prefix, rest) = example.split_once('_')?;
    let number = if rest.contains('_') { "_[0-9]{1,5}" } else { "" };
    Some(format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}{number}$"))
}

macro_rules! text_form {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(pattern(Self::EXAMPLE))
                    .format((!Self::EXAMPLE.contains('_')).then(|| SchemaFormat::Custom("uuid".to_owned())))
                    .examples([Self::EXAMPLE])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident = $prefix:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The part before the underscore, which tells the kind.
            pub const PREFIX: &'static str = $prefix;
            const EXAMPLE: &'static str = concat!($prefix, "_01jd2v9k3mfe8tq5r7w0x4y6za");

            /// A new id of this time, in milliseconds, and these random bits. Ids of one millisecond sort in no
            /// particular order.
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                Self(version_7(at, random))
            }

            /// An id of exactly these 128 bits, for ids that are derived from other data and must be repeatable.
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            pub const fn bits(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}_{}", Self::PREFIX, encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let rest = text.strip_prefix(Self::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(BadId)?;
                decode(rest).map(Self)
            }
        }

        text_form!($name);
    )+};
}

ids! {
    /// A vendor, who sells on the marketplace.
    VendorId = "ven";
    /// A product of a vendor. Its variants contain this id.
    ProductId = "prd";
    /// An order: one checkout, over all vendors in it.
    OrderId = "ord";
    /// A payment attempt of an order.
    PaymentId = "pay";
    /// A refund of a payment.
    RefundId = "ref";
    /// A dispute (chargeback) that a buyer's bank opened against a payment.
    DisputeId = "dsp";
    /// What one change of an order has added to the amounts that the operator and a vendor settle.
    SettlementId = "set";
    /// An outbox event. A repeated delivery has the same id.
    EventId = "evt";
    /// An uploaded picture or document.
    MediaId = "med";
    /// An import of a product file.
    ImportId = "imp";
    /// An export of a product file.
    ExportId = "exp";
    /// A rebuild of derived copies.
    RebuildId = "rbd";
    /// A session: one sign-in of a person.
    SessionId = "ses";
    /// An address in a buyer's address book.
    AddressId = "adr";
    /// A cart. The id is a capability: whoever knows it may use the cart. So it is 128 random bits, made by
    /// [`CartId::random`], without a time that could be guessed.
    CartId = "crt";
}

impl CartId {
    /// A new cart id of these 128 bits, which must come from a secure generator: the id is the cart's only protection.
    pub const fn random(random: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(random))
    }
}

impl OrderId {
    /// The order number for people: ten letters and digits from the random part of the id, as in `7R0QK-2M9XD`.
    ///
    /// It is not unique: it has 50 random bits, so among 50 million orders about one pair shares its number. Look
    /// orders up by id.
    pub fn number(self) -> String {
        let text = encode(self.0 & ((1 << 50) - 1));
        let digits = text.get(LENGTH - 10..).unwrap_or_default().to_ascii_uppercase();
        match digits.split_at_checked(5) {
            Some((left, right)) => format!("{left}-{right}"),
            None => digits,
        }
    }
}

/// The number of an order, in the one spelling in which it is stored and shown, such as `7R0QK-2M9XD`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNumber(String);

impl OrderNumber {
    /// The digits of a number.
    const DIGITS: usize = 10;

    /// Reads a number as people type it: in either case, with any blanks and hyphens or none, after a number sign, with
    /// the letters that Crockford's base32 has not in the place of the digits that they look like. None when it is no
    /// number.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut digits = String::with_capacity(Self::DIGITS + 1);
        for character in typed.chars() {
            let digit = match character {
                '-' | '_' | '.' | '#' | '\u{2010}'..='\u{2015}' | '\u{2116}' | '\u{2212}' | '\u{ff0d}' => continue,
                blank if blank.is_whitespace() || is_unseen(blank) => continue,
                'o' | 'O' => '0',
                'i' | 'I' | 'l' | 'L' => '1',
                other => other.to_ascii_lowercase(),
            };
            let is_known = u8::try_from(digit).is_ok_and(|byte| ALPHABET.contains(&byte));
            if !is_known || digits.len() > Self::DIGITS {
                return None;
            }
            if digits.len() == Self::DIGITS / 2 {
                digits.push('-');
            }
            digits.push(digit.to_ascii_uppercase());
        }
        (digits.len() == Self::DIGITS + 1).then_some(Self(digits))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A variant of a product: `var_`, the product's id without its prefix, and the ordinal. The product's key is derived
/// from it without a read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariantId {
    product: ProductId,
    ordinal: u16,
}

impl VariantId {
    const EXAMPLE: &'static str = "var_01jd2v9k3mfe8tq5r7w0x4y6za_1";

    /// The variant with this ordinal within its product. Ordinals are never reused, because orders and stock refer to
    /// them.
    pub const fn new(product: ProductId, ordinal: u16) -> Self {
        Self { product, ordinal }
    }

    /// The product that the variant belongs to.
    pub const fn product(self) -> ProductId {
        self.product
    }

    /// The ordinal within the product.
    pub const fn ordinal(self) -> u16 {
        self.ordinal
    }
}

impl fmt::Display for VariantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "var_{}_{}", encode(self.product.0), self.ordinal)
    }
}

impl FromStr for VariantId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let (product, ordinal) = text.strip_prefix("var_").and_then(|rest| rest.split_once('_')).ok_or(BadId)?;
        let number: u16 = ordinal.parse().map_err(|_| BadId)?;
        // The text is used as a key, so it must have one spelling: "+1" and "01" would be further keys of variant 1.
        if number.to_string() != ordinal {
            return Err(BadId);
        }
        Ok(Self { product: ProductId(decode(product)?), ordinal: number })
    }
}

text_form!(VariantId);

/// A user: the `sub` that Cognito assigned to them, a UUID without a prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Uuid);

impl UserId {
    const EXAMPLE: &'static str = "0192f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d";

    /// The user with exactly these 128 bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(Uuid::from_u128(bits))
    }

    pub const fn bits(self) -> u128 {
        self.0.as_u128()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl FromStr for UserId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        // In the one form in which it is written: another spelling would be another key of the same person.
        let parsed = Uuid::try_parse(text).map(Self).map_err(|_| BadId)?;
        if parsed.to_string() == text { Ok(parsed) } else { Err(BadId) }
    }
}

text_form!(UserId);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_says_its_kind_and_is_refused_as_another() {
        let order = OrderId::new(Timestamp::from_millis(1_700_000_000_000), [7; 10]);
        let text = order.to_string();
        assert!(text.starts_with("ord_01"), "{text}");
        assert_eq!(text.parse::<OrderId>(), Ok(order));
        assert_eq!(text.parse::<ProductId>(), Err(BadId));
        assert_eq!(text.to_uppercase().parse::<OrderId>(), Err(BadId));
    }

    #[test]
    fn ids_sort_by_age() {
        let early = OrderId::new(Timestamp::from_millis(1), [255; 10]);
        let late = OrderId::new(Timestamp::from_millis(2), [0; 10]);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn an_order_number_is_read_as_people_type_it() {
        let order = OrderId::from_bits(0x0123_4567_89ab_cdef);
        let number = order.number();
        assert_eq!(OrderNumber::parse(&number).map(|read| read.0), Some(number));
        let typed = |text: &str| OrderNumber::parse(text).map(|read| read.0);
        for text in [
            "7R0QK-2M91D",
            "7r0qk2m91d",
            "7ROQK-2M9ID",
            " #7roqk \u{2013} 2m9ld ",
            "7 R 0 Q K 2 M 9 1 D",
            "№7R0QK2M91D",
        ] {
            assert_eq!(typed(text).as_deref(), Some("7R0QK-2M91D"), "{text}");
        }
        for text in
            ["", "7R0QK-2M91", "7R0QK-2M91DD", "7R0QK-2M91U", "7R0QK/2M91D", "кошка-кошка", "7R0QK-2M91D7R0QK-2M91D"]
        {
            assert_eq!(typed(text), None, "{text}");
        }
    }

    #[test]
    fn a_variant_has_one_spelling() {
        let product = ProductId::from_bits(5);
        let variant = VariantId::new(product, 12);
        let text = variant.to_string();
        assert_eq!(text.parse::<VariantId>().map(VariantId::product), Ok(product));
        assert!(text.replace("_12", "_012").parse::<VariantId>().is_err());
        assert!(text.replace("_12", "_+12").parse::<VariantId>().is_err());
    }

    proptest! {
        #[test]
        fn every_id_reads_back(bits: u128) {
            let id = EventId::from_bits(bits);
            prop_assert_eq!(id.to_string().parse::<EventId>(), Ok(id));
        }

        #[test]
        fn no_text_makes_parsing_panic(text in ".{0,40}") {
            let _ = text.parse::<EventId>();
            let _ = format!("var_{text}").parse::<VariantId>();
        }
    }
}
