//! Carts: what a buyer has put together, and what is known of the delivery.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::code::{Code, Refusal};
use crate::vendor::VendorCard;
use crate::{CartId, Currency, Money, OrderId, Timestamp, UserId, VariantId, VendorId};

/// The most lines in a cart.
pub const MAX_LINES: usize = 40;
/// The most sellers in a cart: a checkout is one transaction.
pub const MAX_VENDORS: usize = 15;
/// The most units in a line.
pub const MAX_UNITS: u32 = 9_999;
/// How long an untouched cart is kept.
pub const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// The only way of delivery there is as yet.
pub const FLAT_RATE: &str = "flat";

/// A line: so many units of a variant, with what was known when it was last written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// Which variant.
    pub variant: VariantId,
    /// Units.
    pub quantity: u32,
    /// The price of one unit when the line was put or the address stored.
    pub seen_price: Money,
    /// The title then.
    pub title: String,
    /// Who sells it.
    pub vendor: VendorCard,
}

/// A cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// Id: whoever knows it may use it.
    pub id: CartId,
    /// The currency of all its prices.
    pub currency: Currency,
    /// Whose it is, when a buyer has claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<UserId>,
    /// Lines, in the order in which they were put.
    #[serde(default)]
    pub lines: Vec<CartLine>,
    /// Where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The chosen way of delivery per seller.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shipping: BTreeMap<VendorId, String>,
    /// The order it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is kept.
    pub expires_at: Timestamp,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

impl Cart {
    /// An empty cart.
    pub fn new(id: CartId, currency: Currency, now: Timestamp) -> Self {
        Self {
            id,
            currency,
            buyer: None,
            lines: Vec::new(),
            address: None,
            shipping: BTreeMap::new(),
            order: None,
            created_at: now,
            expires_at: now + LIFETIME,
            version: 0,
        }
    }

    /// Refuses a cart that cannot be changed any more.
    pub fn check_open(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.expires_at <= now {
            Err(Refusal::because(Code::Expired, "the cart has expired; start a new one"))
        } else if self.order.is_some() {
            Err(Refusal::of(Code::CartOrdered))
        } else {
            Ok(())
        }
    }

    /// Puts a line; a quantity of zero removes it. The position of a line that is there already stays.
    pub fn put(&mut self, line: CartLine) -> Result<(), Refusal> {
        if line.quantity == 0 {
            self.remove(line.variant);
            return Ok(());
        }
        if line.quantity > MAX_UNITS {
            return Err(Refusal::field("/quantity", "out_of_range", format!("0 to {MAX_UNITS}")));
        }
        match self.lines.iter_mut().find(|known| known.variant == line.variant) {
            Some(known) => *known = line,
            None => self.lines.push(line),
        }
        self.check_size()
    }

    /// Takes a line out.
    pub fn remove(&mut self, variant: VariantId) {
        self.lines.retain(|line| line.variant != variant);
        let vendors = self.vendors();
        self.shipping.retain(|vendor, _| vendors.contains(vendor));
    }

    /// The sellers in it, in the order of their first line.
    pub fn vendors(&self) -> Vec<VendorId> {
        let mut vendors: Vec<VendorId> = Vec::new();
        for line in &self.lines {
            if !vendors.contains(&line.vendor.id) {
                vendors.push(line.vendor.id);
            }
        }
        vendors
    }

    /// Takes over the lines of another cart of the same currency: the larger quantity of a variant stands, so that claiming
    /// twice does not double anything.
    pub fn merge(&mut self, other: &Self) -> Result<(), Refusal> {
        if other.currency != self.currency {
            return Err(Refusal::because(Code::Conflict, "the carts are in different currencies"));
        }
        for line in &other.lines {
            match self.lines.iter_mut().find(|known| known.variant == line.variant) {
                Some(known) => known.quantity = known.quantity.max(line.quantity),
                None => self.lines.push(line.clone()),
            }
        }
        if self.address.is_none() {
            self.address = other.address.clone();
        }
        for (vendor, option) in &other.shipping {
            self.shipping.entry(*vendor).or_insert_with(|| option.clone());
        }
        self.check_size()
    }

    fn check_size(&self) -> Result<(), Refusal> {
        if self.lines.len() > MAX_LINES {
            return Err(Refusal::because(Code::CartFull, format!("a cart has at most {MAX_LINES} lines")));
        }
        if self.vendors().len() > MAX_VENDORS {
            return Err(Refusal::because(Code::CartFull, format!("a cart has lines of at most {MAX_VENDORS} sellers")));
        }
        Ok(())
    }
}
