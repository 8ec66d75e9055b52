//! What is frozen when an order is placed, and who placed it.

use serde::{Deserialize, Serialize};

use crate::OrderId;
use crate::address::Address;
use crate::contact::{Contact, ContactPoint};
use crate::sealed::Sealed;
use crate::stored::Kept;
use crate::text::{Email, Phone};

/// Who ordered, and where the goods go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Address for messages to the buyer. Without one they go to the telephone number.
    #[serde(default, deserialize_with = "crate::text::kept_optional_email", skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Telephone number of the buyer, when it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Where the goods go.
    pub address: Address,
}

impl Person {
    pub fn new(contact: &Contact, address: Address) -> Self {
        Self { email: contact.email.clone(), phone: contact.phone.clone(), address }
    }

    /// How the buyer is reached, as it is shown.
    pub fn contact(&self) -> Contact {
        Contact { email: self.email.clone(), phone: self.phone.clone() }
    }

    /// Where messages go, and what the order is looked up by.
    pub fn contact_point(&self) -> Option<ContactPoint> {
        self.contact().point()
    }
}

/// What never changes once an order is placed, apart from what each vendor agreed to, which its vendor order holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub order: OrderId,
    /// The [`Person`] who ordered. Nothing in an order of an earlier release, whose head has them in the clear until
    /// `rebuilds orders` has sealed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// The version of the public offer that the buyer has accepted; nothing when none was in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_terms: Option<u32>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// The versions of the items of an order that change. Its head holds them and is written with every change of one, so
/// that items which were read while a transaction was under way are found not to belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Those of the vendor orders, by their ordinals.
    pub vendors: Vec<u64>,
    /// Those of the payment attempts, by their ids.
    pub payments: Vec<u64>,
    /// Those of the refunds, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<u64>,
    /// Those of the disputes, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<u64>,
    /// How many items its history has.
    pub history: u32,
}
