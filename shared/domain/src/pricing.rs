//! What a cart costs now: prices come from the catalog, never from the request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cart::{Cart, CartLine, FLAT_RATE};
use crate::catalog::{Availability, Product, Variant};
use crate::code::{Code, FieldError, Refusal};
use crate::money::{BasisPoints, MoneyError};
use crate::stock::{Backorder, Layout};
use crate::vendor::{Shop, VendorCard};
use crate::{Currency, Money, ProductId, Timestamp, VariantId, VendorId};

/// What the catalog says of the things in a cart.
#[derive(Clone, Debug, Default)]
pub struct CatalogSnapshot {
    /// Products, published or not.
    pub products: BTreeMap<ProductId, Product>,
    /// What is left of them, as pages show it.
    pub availability: BTreeMap<ProductId, Availability>,
    /// Their sellers.
    pub shops: BTreeMap<VendorId, Shop>,
}

impl CatalogSnapshot {
    /// Adds what another snapshot holds.
    pub fn add(&mut self, other: Self) {
        self.products.extend(other.products);
        self.availability.extend(other.availability);
        self.shops.extend(other.shops);
    }

    /// A variant that can be bought now, with its product.
    pub fn for_sale(&self, variant: VariantId) -> Option<(&Product, &Variant)> {
        let product = self.products.get(&variant.product()).filter(|product| product.is_for_sale())?;
        self.shops.get(&product.vendor.id).filter(|shop| shop.sells())?;
        product.variant(variant).map(|found| (product, found))
    }
}

/// The operator's rates, frozen in an order when it is placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Tax on goods and delivery, added to the price.
    #[serde(default)]
    pub tax: BasisPoints,
    /// What the operator keeps of the goods.
    #[serde(default)]
    pub commission: BasisPoints,
}

/// What changed in a line since it was last written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineChange {
    /// `price_rose`, `price_fell`, `unavailable`, `no_price_in_currency` or `short`.
    pub code: String,
    /// The unit price before, when the price changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Money>,
    /// The unit price now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Money>,
    /// Units that are left, when there are fewer than the line asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<i64>,
}

impl LineChange {
    fn of(code: &str) -> Self {
        Self { code: code.to_owned(), from: None, to: None, left: None }
    }
}

/// A line with its price of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedLine {
    /// Which variant.
    pub variant: VariantId,
    /// The product's title with the variant's values.
    pub title: String,
    /// The seller's number.
    pub sku: Option<String>,
    /// Units.
    pub quantity: u32,
    /// The price of one unit.
    pub unit_price: Money,
    /// Quantity times price; nothing for a line that cannot be bought.
    pub total: Money,
    /// How its stock is laid out.
    pub layout: Layout,
    /// When units beyond the stock are expected.
    pub available_from: Option<Timestamp>,
    /// What of it is not there yet, as far as pages know.
    pub backorder: Option<Backorder>,
    /// Why it cannot be bought.
    pub refusal: Option<Code>,
    /// What changed since it was last written.
    pub changes: Vec<LineChange>,
}

/// The delivery of one seller's lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChosenShipping {
    /// Which way of delivery.
    pub option_id: String,
    /// What it costs.
    pub price: Money,
}

/// One seller's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedGroup {
    /// Who sells them.
    pub vendor: VendorCard,
    /// Lines.
    pub lines: Vec<PricedLine>,
    /// What delivery costs; nothing when the seller does not deliver in the cart's currency.
    pub rate: Option<Money>,
    /// The chosen delivery, once an address is known.
    pub shipping: Option<ChosenShipping>,
    /// Sum of the lines.
    pub items: Money,
    /// Tax on goods and delivery, once an address is known.
    pub tax: Option<Money>,
}

/// Totals of a cart or an order, all in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// Goods.
    pub items: Money,
    /// What coupons and promotions take off.
    pub discount: Money,
    /// Delivery; unknown before there is an address.
    pub shipping: Option<Money>,
    /// Tax that is added; unknown before there is an address.
    pub tax: Option<Money>,
    /// What is to be paid, as far as it is known.
    pub total: Money,
}

impl Totals {
    /// Adds up the parts.
    pub fn of(items: Money, discount: Money, shipping: Option<Money>, tax: Option<Money>) -> Result<Self, MoneyError> {
        let nothing = Money::zero(items.currency());
        let total = items.minus(discount)?.plus(shipping.unwrap_or(nothing))?.plus(tax.unwrap_or(nothing))?;
        Ok(Self { items, discount, shipping, tax, total })
    }
}

/// A cart with the prices of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedCart {
    /// Its lines by seller, in the order in which the sellers came in.
    pub groups: Vec<PricedGroup>,
    /// Sums.
    pub totals: Totals,
}

impl PricedCart {
    /// Every line.
    pub fn lines(&self) -> impl Iterator<Item = &PricedLine> {
        self.groups.iter().flat_map(|group| &group.lines)
    }

    /// Refuses a cart that cannot be ordered as it stands: `errors` names each line, or each seller who does not deliver.
    pub fn check_orderable(&self) -> Result<(), Refusal> {
        let (mut code, mut errors) = (None, Vec::new());
        for line in self.lines() {
            if let Some(refusal) = line.refusal {
                code.get_or_insert(refusal);
                errors.push(FieldError::new(format!("/items/{}", line.variant), refusal.as_str(), refusal.meaning()));
            }
        }
        if let Some(code) = code {
            return Err(Refusal::fields(code, errors));
        }
        if self.groups.is_empty() {
            return Err(Refusal::of(Code::CartEmpty));
        }
        self.check_deliverable()
    }

    /// Refuses a cart with a seller who does not deliver in its currency.
    pub fn check_deliverable(&self) -> Result<(), Refusal> {
        let errors: Vec<_> = self
            .groups
            .iter()
            .filter(|group| group.rate.is_none())
            .map(|group| {
                let detail = format!("{} has no delivery in {}", group.vendor.name, self.totals.items.currency());
                FieldError::new(format!("/vendors/{}", group.vendor.id), Code::NotDeliverable.as_str(), detail)
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::NotDeliverable, errors)) }
    }
}

/// Prices a cart.
pub fn price(cart: &Cart, snapshot: &CatalogSnapshot, rates: Rates) -> Result<PricedCart, MoneyError> {
    let nothing = Money::zero(cart.currency);
    let mut groups: Vec<PricedGroup> = Vec::new();
    for line in &cart.lines {
        let priced = price_line(line, cart.currency, snapshot)?;
        match groups.iter_mut().find(|group| group.vendor.id == line.vendor.id) {
            Some(group) => group.lines.push(priced),
            None => groups.push(PricedGroup {
                vendor: line.vendor.clone(),
                lines: vec![priced],
                rate: snapshot.shops.get(&line.vendor.id).and_then(|shop| shop.shipping_rate(cart.currency)),
                shipping: None,
                items: nothing,
                tax: None,
            }),
        }
    }
    let known = cart.address.is_some();
    for group in &mut groups {
        group.items = Money::sum(cart.currency, group.lines.iter().map(|line| line.total))?;
        if known {
            let option_id = cart.shipping.get(&group.vendor.id).map_or(FLAT_RATE, String::as_str).to_owned();
            group.shipping = group.rate.map(|price| ChosenShipping { option_id, price });
            let on_goods = Money::sum(
                cart.currency,
                group.lines.iter().map(|line| line.total.share(rates.tax)).collect::<Result<Vec<_>, _>>()?,
            )?;
            let on_delivery = group.rate.unwrap_or(nothing).share(rates.tax)?;
            group.tax = Some(on_goods.plus(on_delivery)?);
        }
    }
    let items = Money::sum(cart.currency, groups.iter().map(|group| group.items))?;
    let (shipping, tax) = if known {
        let shipping = groups.iter().filter_map(|group| group.shipping.as_ref().map(|chosen| chosen.price));
        let tax = groups.iter().filter_map(|group| group.tax);
        (Some(Money::sum(cart.currency, shipping)?), Some(Money::sum(cart.currency, tax)?))
    } else {
        (None, None)
    };
    Ok(PricedCart { totals: Totals::of(items, nothing, shipping, tax)?, groups })
}

fn price_line(line: &CartLine, currency: Currency, snapshot: &CatalogSnapshot) -> Result<PricedLine, MoneyError> {
    let refused = |code: Code, change: &str| PricedLine {
        variant: line.variant,
        title: line.title.clone(),
        sku: None,
        quantity: line.quantity,
        unit_price: line.seen_price,
        total: Money::zero(currency),
        layout: Layout::default(),
        available_from: None,
        backorder: None,
        refusal: Some(code),
        changes: vec![LineChange::of(change)],
    };
    let Some((product, variant)) = snapshot.for_sale(line.variant) else {
        return Ok(refused(Code::NotAvailable, "unavailable"));
    };
    let Some(price) = variant.price_in(currency) else {
        return Ok(refused(Code::NoPriceInCurrency, "no_price_in_currency"));
    };
    let (mut changes, mut backorder) = (Vec::new(), None);
    if price.price != line.seen_price {
        let code = if price.price.minor() > line.seen_price.minor() { "price_rose" } else { "price_fell" };
        changes.push(LineChange { from: Some(line.seen_price), to: Some(price.price), ..LineChange::of(code) });
    }
    if let Some(availability) = snapshot.availability.get(&product.id) {
        let left = availability.of(line.variant);
        backorder = variant.backorder(line.quantity, availability.units(line.variant));
        if left < i64::from(line.quantity) && backorder.is_none() {
            changes.push(LineChange { left: Some(left), ..LineChange::of("short") });
        }
    }
    Ok(PricedLine {
        variant: line.variant,
        title: product.title_of(variant),
        sku: variant.sku.as_ref().map(ToString::to_string),
        quantity: line.quantity,
        unit_price: price.price,
        total: price.price.times(line.quantity)?,
        layout: variant.layout(),
        available_from: variant.available_from,
        backorder,
        refusal: None,
        changes,
    })
}
