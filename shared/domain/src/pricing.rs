//! Pricing of a cart: prices are read from the catalog, never taken from the request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cart::{Cart, CartLine, FLAT_RATE, MAX_LINES, MAX_UNITS, MAX_VENDORS};
use crate::catalog::{Availability, ImageSource, Product, SaleUnit, Variant};
use crate::code::{Code, FieldError, Refusal};
use crate::money::{BasisPoints, MAX_PRICE, MoneyError};
use crate::payment::ProviderName;
use crate::stock::{Backorder, Layout};
use crate::text::Handle;
use crate::vendor::{Shop, VendorCard};
use crate::{Currency, Money, ProductId, Timestamp, VariantId, VendorId};

/// The largest total that pricing can come to, in minor units: every line with the most units at the largest price, a
/// delivery from every vendor, and a tax of 100 %. A total has this bound and not that of a price, or a full cart could
/// not be ordered.
pub const MAX_TOTAL: i64 = {
    let goods = MAX_LINES as i128 * MAX_UNITS as i128 * MAX_PRICE as i128;
    let taxed = 2 * (goods + MAX_VENDORS as i128 * MAX_PRICE as i128);
    assert!(taxed <= i64::MAX as i128, "a full cart overflows");
    taxed as i64
};

impl Money {
    /// Whether the amount can be what a cart comes to: not negative, at most [`MAX_TOTAL`].
    pub const fn is_total(self) -> bool {
        self.minor() >= 0 && self.minor() <= MAX_TOTAL
    }
}

/// What pricing reads of the catalog: the products of a cart's lines, their availability and their shops.
#[derive(Clone, Debug, Default)]
pub struct CatalogSnapshot {
    /// Published or not.
    pub products: BTreeMap<ProductId, Product>,
    /// Availability as pages show it, which lags behind Stock by seconds.
    pub availability: BTreeMap<ProductId, Availability>,
    pub shops: BTreeMap<VendorId, Shop>,
}

impl CatalogSnapshot {
    /// Adds the contents of another snapshot.
    pub fn add(&mut self, other: Self) {
        self.products.extend(other.products);
        self.availability.extend(other.availability);
        self.shops.extend(other.shops);
    }

    /// The variant with its product, if both its state and its shop's allow buying it now. Stock is not considered.
    pub fn for_sale(&self, variant: VariantId) -> Option<(&Product, &Variant)> {
        let product = self.products.get(&variant.product()).filter(|product| product.is_for_sale())?;
        self.shops.get(&product.vendor.id).filter(|shop| shop.sells())?;
        product.variant(variant).map(|found| (product, found))
    }
}

/// Rates that the operator sets, frozen in an order when it is placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Tax on goods and delivery, added to their prices.
    #[serde(default)]
    pub tax: BasisPoints,
    /// The operator's share of the goods' price, without delivery and tax.
    #[serde(default)]
    pub commission: BasisPoints,
}

/// What can change in a cart's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineChangeCode {
    /// The unit price rose.
    PriceRose,
    /// The unit price fell.
    PriceFell,
    /// The variant is not for sale any more.
    Unavailable,
    /// The variant has no price in the cart's currency any more.
    NoPriceInCurrency,
    /// Fewer units are left than wanted.
    Short,
    /// One unit is another measure than before.
    UnitChanged,
}

/// What changed in a cart's line since it was last written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineChange {
    /// What changed.
    pub code: LineChangeCode,
    /// The unit price before; only when the price changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<Money>,
    /// The unit price now; only when the price changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to: Option<Money>,
    /// Units that are left; only with `short`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub left: Option<i64>,
}

impl LineChange {
    const fn of(code: LineChangeCode) -> Self {
        Self { code, from: None, to: None, left: None }
    }
}

/// A cart's line with its current price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedLine {
    pub variant: VariantId,
    /// The product's title with the variant's values.
    pub title: String,
    /// The product's page; nothing for one that is not for sale any more.
    pub handle: Option<Handle>,
    /// The variant's own picture, or the product's first.
    pub image: Option<ImageSource>,
    /// The vendor's stock keeping unit.
    pub sku: Option<String>,
    /// What one unit is, when it is sold by measure.
    pub sale_unit: Option<SaleUnit>,
    pub quantity: u32,
    /// The price of one unit.
    pub unit_price: Money,
    /// Quantity times unit price; zero for a line that cannot be bought.
    pub total: Money,
    /// How the variant's stock is spread over shards.
    pub layout: Layout,
    /// When units beyond the stock are expected.
    pub available_from: Option<Timestamp>,
    /// The part of it that has to come in first, according to the availability that pages show.
    pub backorder: Option<Backorder>,
    /// Why it cannot be bought, if it cannot.
    pub refusal: Option<Code>,
    /// What changed since the line was last written.
    pub changes: Vec<LineChange>,
}

/// The chosen delivery of one vendor's lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChosenShipping {
    /// Id of the shipping option; `flat` is the only one so far.
    #[schema(examples("flat"))]
    pub option_id: String,
    /// What the delivery costs, without tax.
    pub price: Money,
}

/// The lines of one vendor in a priced cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedGroup {
    pub vendor: VendorCard,
    pub lines: Vec<PricedLine>,
    /// The vendor's flat rate for delivery; nothing when they do not deliver in the cart's currency.
    pub rate: Option<Money>,
    /// The greatest total that the vendor has collected on delivery; nothing when they take no cash.
    pub collects_up_to: Option<Money>,
    /// The chosen delivery; nothing until the cart has an address.
    pub shipping: Option<ChosenShipping>,
    /// Sum of the lines, without delivery and tax.
    pub items: Money,
    /// Tax on goods and delivery; nothing until the cart has an address.
    pub tax: Option<Money>,
}

/// Totals of a cart, an order or a vendor order, all in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "items": {"amount": "25.00", "currency": "USD"}, "discount": {"amount": "0.00", "currency": "USD"},
    "shipping": {"amount": "5.00", "currency": "USD"}, "tax": {"amount": "3.60", "currency": "USD"},
    "total": {"amount": "33.60", "currency": "USD"}
}))]
pub struct Totals {
    /// Sum of the lines, without delivery and tax.
    pub items: Money,
    /// What coupons and promotions deduct; zero or more.
    pub discount: Money,
    /// Delivery; null until there is an address.
    #[schema(required = true)]
    pub shipping: Option<Money>,
    /// Tax, added to the prices; null until there is an address.
    #[schema(required = true)]
    pub tax: Option<Money>,
    /// What is to be paid: `items` - `discount` + `shipping` + `tax`, as far as these are known.
    pub total: Money,
}

impl Totals {
    /// Adds up the total; an error when the currencies differ or the sum does not fit.
    pub fn of(items: Money, discount: Money, shipping: Option<Money>, tax: Option<Money>) -> Result<Self, MoneyError> {
        let nothing = Money::zero(items.currency());
        let total = items.minus(discount)?.plus(shipping.unwrap_or(nothing))?.plus(tax.unwrap_or(nothing))?;
        Ok(Self { items, discount, shipping, tax, total })
    }
}

/// A cart with its current prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedCart {
    /// Its lines by vendor, in the order of each vendor's first line.
    pub groups: Vec<PricedGroup>,
    /// Sums over all vendors.
    pub totals: Totals,
}

impl PricedCart {
    pub fn lines(&self) -> impl Iterator<Item = &PricedLine> {
        self.groups.iter().flat_map(|group| &group.lines)
    }

    /// Fails when the cart cannot be ordered as it is; `errors` names each line, or each vendor who does not deliver.
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

    /// Fails with `not_deliverable` when a vendor of the cart does not deliver in its currency; `errors` names them.
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

    /// Fails with `payment_method_unavailable` when the cart cannot be paid in this way: before there is an address,
    /// the delivery may still cost something, and each vendor says how much is collected for them on delivery.
    pub fn check_payable_with(&self, provider: ProviderName) -> Result<(), Refusal> {
        if provider.is_on_delivery() {
            return self.check_collectable();
        }
        let is_known = provider != ProviderName::Unneeded || self.totals.shipping.is_some();
        if is_known { Ok(()) } else { Err(Refusal::of(Code::PaymentMethodUnavailable)) }
    }

    /// `errors` names the vendors who take no cash in the cart's currency, or less than their part comes to.
    fn check_collectable(&self) -> Result<(), Refusal> {
        let mut errors = Vec::new();
        for group in &self.groups {
            let detail = match group.collects_up_to {
                Some(most) if group.total().is_ok_and(|total| total.minor() <= most.minor()) => continue,
                Some(most) => format!("{} takes up to {most} on delivery", group.vendor.name),
                None => format!("{} takes no {} on delivery", group.vendor.name, self.totals.items.currency()),
            };
            let code = Code::PaymentMethodUnavailable.as_str();
            errors.push(FieldError::new(format!("/vendors/{}", group.vendor.id), code, detail));
        }
        if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::PaymentMethodUnavailable, errors)) }
    }
}

impl PricedGroup {
    /// What is to be paid to this vendor, as far as delivery and tax are known.
    fn total(&self) -> Result<Money, MoneyError> {
        let shipping = self.shipping.as_ref().map(|chosen| chosen.price);
        Ok(Totals::of(self.items, Money::zero(self.items.currency()), shipping, self.tax)?.total)
    }
}

/// Prices a cart. It never fails for a cart within its bounds, whatever prices are stored: a price above [`MAX_PRICE`],
/// which earlier releases accepted, makes its line unavailable, and a delivery above it counts as none.
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
                rate: snapshot
                    .shops
                    .get(&line.vendor.id)
                    .and_then(|shop| shop.shipping_rate(cart.currency))
                    .filter(|rate| rate.is_price()),
                collects_up_to: snapshot.shops.get(&line.vendor.id).and_then(|shop| shop.collects_up_to(cart.currency)),
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
    let refused = |code: Code, change: LineChangeCode| PricedLine {
        variant: line.variant,
        title: line.title.clone(),
        handle: None,
        image: None,
        sku: None,
        sale_unit: None,
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
        return Ok(refused(Code::NotAvailable, LineChangeCode::Unavailable));
    };
    let Some(price) = variant.price_in(currency) else {
        return Ok(refused(Code::NoPriceInCurrency, LineChangeCode::NoPriceInCurrency));
    };
    if !price.price.is_price() || line.quantity > MAX_UNITS {
        return Ok(refused(Code::NotAvailable, LineChangeCode::Unavailable));
    }
    let (mut changes, mut backorder) = (Vec::new(), None);
    if price.price != line.seen_price {
        let rose = price.price.minor() > line.seen_price.minor();
        let code = if rose { LineChangeCode::PriceRose } else { LineChangeCode::PriceFell };
        changes.push(LineChange { from: Some(line.seen_price), to: Some(price.price), ..LineChange::of(code) });
    }
    if variant.sale_unit != line.seen_unit {
        changes.push(LineChange::of(LineChangeCode::UnitChanged));
    }
    if let Some(availability) = snapshot.availability.get(&product.id) {
        let left = availability.of(line.variant);
        backorder = variant.backorder(line.quantity, availability.units(line.variant));
        if left < i64::from(line.quantity) && backorder.is_none() {
            changes.push(LineChange { left: Some(left), ..LineChange::of(LineChangeCode::Short) });
        }
    }
    Ok(PricedLine {
        variant: line.variant,
        title: product.title_of(variant),
        handle: Some(product.handle.clone()),
        image: product.thumbnail(variant),
        sku: variant.sku.as_ref().map(ToString::to_string),
        sale_unit: variant.sale_unit,
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

#[cfg(test)]
mod tests;
