//! Carts: what a buyer has put together, and what is known of the delivery.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::catalog::SaleUnit;
use crate::code::{Code, Refusal};
use crate::stored::Kept;
use crate::vendor::VendorCard;
use crate::{CartId, Currency, Money, OrderId, Timestamp, UserId, VariantId, VendorId};

pub const MAX_LINES: usize = 40;
/// The most vendors in a cart. It bounds the actions of the one transaction that a checkout is.
pub const MAX_VENDORS: usize = 15;
/// The most units per line.
pub const MAX_UNITS: u32 = 9_999;
/// How long a cart is kept after its last change.
pub const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// The id of the only shipping option so far: the vendor's flat rate in the cart's currency.
pub const FLAT_RATE: &str = "flat";

/// Units of one variant, with the price and title seen when the line was last written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    pub variant: VariantId,
    pub quantity: u32,
    /// The price of one unit when the line was last put or the address last set; pricing reports a change since then.
    pub seen_price: Money,
    /// What one unit was at the same time, when it is sold by measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_unit: Option<SaleUnit>,
    /// The product's title with the variant's values, seen at the same time.
    pub title: String,
    pub vendor: VendorCard,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// A capability: whoever knows the id may use the cart.
    pub id: CartId,
    pub currency: Currency,
    /// The signed-in buyer who has claimed it; nothing while it is anonymous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<UserId>,
    /// In the order in which they were added.
    #[serde(default)]
    pub lines: Vec<CartLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The chosen shipping option per vendor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shipping: BTreeMap<VendorId, String>,
    /// The order it became; from then on the cart cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    pub created_at: Timestamp,
    /// A read after this finds no cart, whether or not the item was already deleted.
    pub expires_at: Timestamp,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl Cart {
    /// The cart without so many units of these variants: what has become an order is not bought a second time.
    #[must_use]
    pub fn without(&self, ordered: &BTreeMap<VariantId, u32>) -> Self {
        let mut left = self.clone();
        for line in &mut left.lines {
            line.quantity = line.quantity.saturating_sub(ordered.get(&line.variant).copied().unwrap_or(0));
        }
        left.lines.retain(|line| line.quantity > 0);
        left
    }

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
            kept: Kept::default(),
        }
    }

    /// Fails with `expired` or `cart_ordered` when the cart cannot be changed any more.
    pub fn check_open(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.expires_at <= now {
            Err(Refusal::because(Code::Expired, "the cart has expired; start a new one"))
        } else if self.order.is_some() {
            Err(Refusal::of(Code::CartOrdered))
        } else {
            Ok(())
        }
    }

    /// Adds or replaces the line of a variant; a quantity of zero removes it. A replaced line keeps its position.
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

    /// Removes a line, and the shipping option of a vendor who has no line left.
    pub fn remove(&mut self, variant: VariantId) {
        self.lines.retain(|line| line.variant != variant);
        let vendors = self.vendors();
        self.shipping.retain(|vendor, _| vendors.contains(vendor));
    }

    /// The vendors of its lines, in the order of their first line.
    pub fn vendors(&self) -> Vec<VendorId> {
        let mut vendors: Vec<VendorId> = Vec::new();
        for line in &self.lines {
            if !vendors.contains(&line.vendor.id) {
                vendors.push(line.vendor.id);
            }
        }
        vendors
    }

    /// Takes over the lines of another cart of the same currency. For a variant in both, the larger quantity stands, so
    /// that claiming a cart twice doubles nothing.
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
            return Err(Refusal::because(Code::CartFull, format!("a cart has lines of at most {MAX_VENDORS} vendors")));
        }
        Ok(())
    }
}
