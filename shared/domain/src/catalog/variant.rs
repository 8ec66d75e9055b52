//! Variants: what is put into a cart, what it costs and how its stock is kept.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ImageSource, MAX_OVERSELL};
use crate::stock::{Backorder, Layout};
use crate::text::{Name, Sku};
use crate::{Currency, Money, Timestamp, VariantId};

/// A price, and the higher one it is compared to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// What is paid.
    pub price: Money,
    /// What it used to cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare_at: Option<Money>,
}

/// One kind of a product that can be bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Id.
    pub id: VariantId,
    /// The seller's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// One value per option of the product, in the options' order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Name>,
    /// One price per currency.
    pub prices: Vec<Price>,
    /// Weight in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grams: Option<u32>,
    /// Its own picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSource>,
    /// Over how many shards its stock is spread.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub shards: u16,
    /// The most shards its stock was ever spread over: orders remember theirs and give back there.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[serde(alias = "most_shards")]
    pub peak_shards: u16,
    /// What becomes of an order for more than there is.
    #[serde(default, skip_serializing_if = "InventoryPolicy::denies")]
    #[serde(alias = "when_out")]
    pub inventory_policy: InventoryPolicy,
    /// When what is ordered beyond the stock is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_from: Option<Timestamp>,
    /// How many units may be ordered beyond the stock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "back_order_limit")]
    pub oversell_limit: Option<u32>,
    /// Its seller is told when no more than so many units can be bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_stock_at: Option<i64>,
}

/// What becomes of an order for more than there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InventoryPolicy {
    /// It is refused.
    #[default]
    #[serde(alias = "refuse")]
    Deny,
    /// It is taken, and shipped when units come in.
    #[serde(alias = "back_order")]
    Backorder,
    /// It is taken for a day on which the first units are there.
    #[serde(alias = "pre_order")]
    Preorder,
}

impl InventoryPolicy {
    /// Whether orders end with the stock.
    pub const fn denies(&self) -> bool {
        matches!(self, Self::Deny)
    }
}

const fn one() -> u16 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_one(shards: &u16) -> bool {
    *shards == 1
}

impl Variant {
    /// Its price in a currency.
    pub fn price_in(&self, currency: Currency) -> Option<Price> {
        self.prices.iter().copied().find(|price| price.price.currency() == currency)
    }

    /// How its stock is laid out.
    pub fn layout(&self) -> Layout {
        Layout {
            shards: self.shards,
            peak_shards: self.peak_shards.max(self.shards),
            oversell_limit: self.effective_oversell_limit(),
        }
    }

    /// How many units may be ordered beyond the stock.
    fn effective_oversell_limit(&self) -> u32 {
        if self.inventory_policy.denies() { 0 } else { self.oversell_limit.unwrap_or(MAX_OVERSELL) }
    }

    /// Of so many units of this variant, with so many to be bought, those that have to come in first; nothing when an order for
    /// them all would be refused.
    pub fn backorder(&self, wanted: u32, available: i64) -> Option<Backorder> {
        let rest = i64::from(wanted).saturating_sub(available.max(0));
        let owed = available.min(0).saturating_neg().saturating_add(rest);
        let units = u32::try_from(rest).ok().filter(|units| *units > 0)?;
        (owed <= i64::from(self.effective_oversell_limit())).then(|| Backorder {
            units,
            available_from: self.available_from,
            oversell_limit: self.effective_oversell_limit(),
        })
    }

    /// Whether so many units are as few as its seller wants to be told of.
    pub fn is_low(&self, available: i64) -> bool {
        self.low_stock_at.is_some_and(|least| available <= least)
    }

    /// Spreads its stock over so many shards from now on.
    pub fn spread_over(&mut self, shards: u16) {
        self.peak_shards = self.layout().peak_shards.max(shards);
        self.shards = shards;
    }

    /// Puts or replaces the price of one currency; the others stay.
    pub fn set_price(&mut self, price: Price) {
        match self.prices.iter_mut().find(|known| known.price.currency() == price.price.currency()) {
            Some(known) => *known = price,
            None => self.prices.push(price),
        }
    }
}
