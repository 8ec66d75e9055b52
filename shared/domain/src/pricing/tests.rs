use crate::stored::Kept;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

use crate::CartId;
use crate::catalog::Price;
use crate::code::Coded;
use crate::examples::{NOW, vendor_card};
use crate::vendor::VendorState;

/// A cart with an address: each line is of another product with this price and quantity, each vendor sells up to three
/// of them and delivers for `delivery`.
fn cart(lines: &[(i64, u32)], delivery: i64) -> (Cart, CatalogSnapshot) {
    let usd = |minor| Money::new(minor, Currency::USD);
    let mut snapshot = CatalogSnapshot::default();
    let mut cart = Cart {
        id: CartId::random([1; 16]),
        currency: Currency::USD,
        buyer: None,
        lines: Vec::new(),
        address: Some(crate::examples::address()),
        shipping: BTreeMap::new(),
        order: None,
        created_at: NOW,
        expires_at: NOW,
        version: 1,
        kept: Kept::default(),
    };
    for (bits, (price, quantity)) in (1_u128..).zip(lines) {
        let vendor = vendor_card(VendorId::from_bits(100 + bits / 3), "Chorsu Ceramics");
        let shop = json!({
            "id": vendor.id, "handle": vendor.handle, "name": vendor.name, "state": VendorState::Approved,
            "currency": "USD", "created_at": NOW, "shipping_rates": [usd(delivery)],
        });
        let (product, variant) = (ProductId::from_bits(bits), VariantId::new(ProductId::from_bits(bits), 1));
        let stored = json!({
            "id": product, "vendor": vendor, "handle": "bowl", "title": "Bowl", "state": "published", "next_ordinal": 2,
            "created_at": NOW,
            "variants": [{"id": variant, "prices": [Price { price: usd(*price), compare_at: None }]}],
        });
        snapshot.shops.insert(vendor.id, serde_json::from_value(shop).unwrap());
        snapshot.products.insert(product, serde_json::from_value(stored).unwrap());
        cart.lines.push(CartLine {
            variant,
            quantity: *quantity,
            seen_unit: None,
            seen_price: usd(*price),
            title: "Bowl".into(),
            vendor,
        });
    }
    (cart, snapshot)
}

fn rates(tax: u32) -> Rates {
    Rates { tax: BasisPoints::try_from(tax).unwrap(), commission: BasisPoints::try_from(10_000).unwrap() }
}

#[test]
fn the_largest_cart_comes_to_the_largest_total() {
    let (cart, snapshot) = cart(&[(MAX_PRICE, MAX_UNITS); MAX_LINES], MAX_PRICE);
    let priced = price(&cart, &snapshot, rates(10_000)).unwrap();
    let total = priced.totals.total;
    assert!(total.is_total(), "{total}");
    let missing = i64::try_from(MAX_VENDORS - priced.groups.len()).unwrap() * 2 * MAX_PRICE;
    assert_eq!(total.minor() + missing, MAX_TOTAL, "the bound is not larger than it has to be");
    assert!(!total.is_price(), "a bound of prices would refuse this cart");
}

#[test]
fn a_stored_price_above_the_bound_makes_its_line_unavailable_and_no_other() {
    let (cart, snapshot) = cart(&[(MAX_PRICE + 1, 2), (1_250, 2)], 500);
    let priced = price(&cart, &snapshot, rates(0)).unwrap();
    let refusals: Vec<_> = priced.lines().map(|line| line.refusal).collect();
    assert_eq!(refusals, [Some(Code::NotAvailable), None]);
    assert_eq!(priced.totals.total, Money::new(3_000, Currency::USD));
    assert!(priced.check_orderable().is_err());
}

#[test]
fn a_stored_delivery_above_the_bound_counts_as_none() {
    let (cart, snapshot) = cart(&[(1_250, 2)], MAX_PRICE + 1);
    let priced = price(&cart, &snapshot, rates(0)).unwrap();
    assert_eq!(priced.check_orderable().map_err(|refusal| refusal.code()), Err(Code::NotDeliverable));
}

proptest! {
    #[test]
    fn an_accepted_cart_comes_to_a_total_within_its_bound(
        lines in prop::collection::vec((0..=MAX_PRICE, 1..=MAX_UNITS), 1..=MAX_LINES),
        delivery in 0..=MAX_PRICE, tax in 0_u32..=10_000,
    ) {
        let (cart, snapshot) = cart(&lines, delivery);
        let priced = price(&cart, &snapshot, rates(tax)).unwrap();
        prop_assert!(priced.check_orderable().is_ok());
        prop_assert!(priced.totals.total.is_total());
        for group in &priced.groups {
            prop_assert!(group.items.share(rates(tax).commission).is_ok());
        }
    }

    #[test]
    fn whatever_is_stored_a_cart_is_priced(
        lines in prop::collection::vec((any::<i64>(), any::<u32>()), 0..=MAX_LINES),
        delivery: i64, tax in 0_u32..=10_000,
    ) {
        let (cart, snapshot) = cart(&lines, delivery);
        let priced = price(&cart, &snapshot, rates(tax)).unwrap();
        prop_assert!(priced.totals.total.is_total());
        for (line, (price, quantity)) in priced.lines().zip(&lines) {
            let sells = (0..=MAX_PRICE).contains(price) && *quantity <= MAX_UNITS;
            prop_assert_eq!(line.refusal.is_none(), sells);
        }
    }
}
