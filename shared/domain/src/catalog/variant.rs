//! Variants: what is put into a cart, its prices, and how its stock is kept.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ImageSource, MAX_OVERSELL, SaleUnit};
use crate::stock::{Backorder, Layout};
use crate::text::{Name, Sku};
use crate::{Currency, Money, Timestamp, VariantId};

/// A price in one currency, and the higher one that it is compared to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub price: Money,
    /// The former price, in the same currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare_at: Option<Money>,
}

/// One buyable kind of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    pub id: VariantId,
    /// The vendor's stock keeping unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// One value per option of the product, in the options' order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Name>,
    /// One price per currency.
    pub prices: Vec<Price>,
    /// Weight of one unit in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grams: Option<u32>,
    /// What one unit is, when it is sold by measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale_unit: Option<SaleUnit>,
    /// The variant's own picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSource>,
    /// The number of shards over which its stock is spread.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub shards: u16,
    /// The most shards over which its stock was ever spread: orders remember their shards and release stock there.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[serde(alias = "most_shards")]
    pub peak_shards: u16,
    /// What happens to an order for more than the stock.
    #[serde(default, skip_serializing_if = "InventoryPolicy::denies")]
    #[serde(alias = "when_out")]
    pub inventory_policy: InventoryPolicy,
    /// When the units beyond the stock are expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_from: Option<Timestamp>,
    /// How many units may be ordered beyond the stock; without a limit, [`MAX_OVERSELL`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "back_order_limit")]
    pub oversell_limit: Option<u32>,
    /// The vendor is notified when no more than this many units can be bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_stock_at: Option<i64>,
}

/// What happens to an order for more than the stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InventoryPolicy {
    /// It fails with `out_of_stock`.
    #[default]
    #[serde(alias = "refuse")]
    Deny,
    /// It is accepted, and shipped when units come in.
    #[serde(alias = "back_order")]
    Backorder,
    /// It is accepted for the date on which the first units come in.
    #[serde(alias = "pre_order")]
    Preorder,
    /// A policy that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

impl InventoryPolicy {
    /// Whether no more than the stock can be ordered.
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
    /// Its price in this currency, if it has one.
    pub fn price_in(&self, currency: Currency) -> Option<Price> {
        self.prices.iter().copied().find(|price| price.price.currency() == currency)
    }

    /// How its stock is spread over shards.
    pub fn layout(&self) -> Layout {
        Layout {
            shards: self.shards,
            peak_shards: self.peak_shards.max(self.shards),
            oversell_limit: self.effective_oversell_limit(),
        }
    }

    /// How many units may be ordered beyond the stock: none unless the policy allows it.
    fn effective_oversell_limit(&self) -> u32 {
        match self.inventory_policy {
            InventoryPolicy::Backorder | InventoryPolicy::Preorder => self.oversell_limit.unwrap_or(MAX_OVERSELL),
            InventoryPolicy::Deny | InventoryPolicy::Other => 0,
        }
    }

    /// The part of `wanted` units that has to come in first, given how many can be bought. Nothing when all of them are
    /// there, and nothing when they exceed the oversell limit.
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

    /// Whether so few units can be bought that the vendor wants to be notified.
    pub fn is_low(&self, available: i64) -> bool {
        self.low_stock_at.is_some_and(|least| available <= least)
    }

    /// Spreads its stock over this many shards from now on.
    pub fn spread_over(&mut self, shards: u16) {
        self.peak_shards = self.layout().peak_shards.max(shards);
        self.shards = shards;
    }

    /// Adds or replaces the price in one currency; the others stay.
    pub fn set_price(&mut self, price: Price) {
        match self.prices.iter_mut().find(|known| known.price.currency() == price.price.currency()) {
            Some(known) => *known = price,
            None => self.prices.push(price),
        }
    }
}
