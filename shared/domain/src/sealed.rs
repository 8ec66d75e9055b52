//! What is stored of a person in an order: a sealed value, which opens with a row of the table Keys only.
//!
//! The row is 32 random bytes for each buyer, and for each order of a guest. Erasing it erases that person from
//! every order, stream and copy of them at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{LookUp, OrderId, PaymentId, SessionId, UserId, VendorId};

/// Whose row of the table Keys opens a sealed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyOwner {
    /// A buyer, for all of their orders.
    Buyer(UserId),
    /// The guest of one order.
    Order(OrderId),
}

impl fmt::Display for KeyOwner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buyer(buyer) => fmt::Display::fmt(buyer, formatter),
            Self::Order(order) => fmt::Display::fmt(order, formatter),
        }
    }
}

/// The random bytes of a row. Alone they open nothing: the master secret belongs to them.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonKey([u8; 32]);

impl PersonKey {
    /// The key of these bytes, which must come from a secure generator.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PersonKey(…)")
    }
}

/// Where a sealed value stands. It opens there only: copied into another order it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedIn {
    Order(OrderId),
    /// What a payment attempt sends to its provider about the buyer.
    Payment(PaymentId),
    /// Who has asked for a code.
    Code(LookUp),
    /// The user pool's token of a session.
    Session(SessionId),
    /// What a person's authenticator app computes its codes from.
    Mfa(UserId),
    /// Whom a vendor has invited.
    Invitation(VendorId, LookUp),
}

/// The id, whose prefix says its kind.
impl fmt::Display for SealedIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(order) => fmt::Display::fmt(order, formatter),
            Self::Payment(payment) => fmt::Display::fmt(payment, formatter),
            Self::Code(contact) => write!(formatter, "code_{contact}"),
            Self::Session(session) => fmt::Display::fmt(session, formatter),
            Self::Mfa(user) => write!(formatter, "mfa_{user}"),
            Self::Invitation(vendor, contact) => write!(formatter, "invitation_{vendor}_{contact}"),
        }
    }
}

impl From<OrderId> for SealedIn {
    fn from(order: OrderId) -> Self {
        Self::Order(order)
    }
}

impl From<PaymentId> for SealedIn {
    fn from(payment: PaymentId) -> Self {
        Self::Payment(payment)
    }
}

/// A sealed value as it is stored. Names of fields are short, since every order has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The fingerprint of the master secret that has sealed it: six characters of base64url.
    #[serde(rename = "m")]
    pub master: String,
    /// The fingerprint of the row: six characters of base64url. Another row of the same owner means that this one was
    /// erased.
    #[serde(rename = "k")]
    pub key: String,
    /// Nonce, ciphertext and tag in base64url without padding.
    #[serde(rename = "c")]
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn a_key_prints_nothing_of_itself() {
        assert_eq!(format!("{:?}", PersonKey::from_bytes([7; 32])), "PersonKey(…)");
    }

    #[test]
    fn no_two_owners_and_no_two_places_have_one_name() {
        let order = OrderId::new(Timestamp::from_millis(1_800_000_000_000), [7; 10]);
        let buyer: UserId = "0192f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d".parse().unwrap();
        let owners = [KeyOwner::Order(order), KeyOwner::Buyer(buyer)].map(|owner| owner.to_string());
        assert_eq!(owners, [order.to_string(), buyer.to_string()]);
        let payment = PaymentId::from_bits(order.bits());
        assert_ne!(SealedIn::from(order).to_string(), SealedIn::from(payment).to_string());
    }

    #[test]
    fn a_sealed_value_is_stored_under_short_names_and_read_with_what_a_newer_release_adds() {
        let sealed = Sealed { master: "m1".to_owned(), key: "k1".to_owned(), text: "c1".to_owned() };
        let stored = r#"{"m":"m1","k":"k1","c":"c1"}"#;
        assert_eq!(serde_json::to_string(&sealed).unwrap(), stored);
        let newer = r#"{"m":"m1","k":"k1","c":"c1","tomorrow":1}"#;
        assert_eq!(serde_json::from_str::<Sealed>(newer).unwrap(), sealed);
    }
}
