//! Products with many rows in lists follow the category tree, and stop nobody behind them.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use serde_json::{Value, json};

use super::{category, listed, rebuild, replace_tree};
use crate::shop::{Product, Shop, Vendor};

/// A product with this many currencies, in three variants, because one has at most eight.
async fn with_currencies(vendor: &Vendor, handle: &str, category: &str, currencies: &[&str]) -> Product {
    let third = currencies.len().div_ceil(3);
    let variants: Vec<Value> = currencies
        .chunks(third)
        .zip(["S", "M", "L"])
        .map(|(some, size)| {
            let prices: Vec<Value> =
                some.iter().map(|currency| json!({"amount": "12.00", "currency": currency})).collect();
            json!({"options": {"Size": size}, "prices": prices, "on_hand": 5})
        })
        .collect();
    let product = vendor.product(handle).set("category", json!(category)).set("options", json!([{"name": "Size"}]));
    product.set("variants", json!(variants)).publish().await
}

const CURRENCIES: [&str; 20] = [
    "USD", "EUR", "UZS", "RUB", "CNY", "KZT", "TRY", "GBP", "CHF", "AED", "INR", "KGS", "TJS", "GEL", "PLN", "SEK",
    "NOK", "DKK", "CZK", "SAR",
];

#[tokio::test]
async fn a_product_with_too_many_rows_for_the_new_place_stays_above_it_and_stops_nobody() {
    let shop = Shop::open().await;
    replace_tree(&shop, &[category("bowls", &[])]).await;
    let vendor = shop.vendor("ceramics").await;
    with_currencies(&vendor, "wide", "bowls", &CURRENCIES).await;
    for handle in ["a", "b", "c", "d", "e"] {
        vendor.product(handle).set("category", json!("bowls")).stock(5).publish().await;
    }
    let deep = category("home", &[category("kitchen", &[category("tableware", &[category("bowls", &[])])])]);
    replace_tree(&shop, &[deep]).await;
    assert_eq!(listed(&shop, "bowls").await.len(), 5, "all that fit");
    assert_eq!(listed(&shop, "home").await.len(), 6, "and the other one where it fits");
    assert_eq!(shop.depth("FollowUpsQueue").visible, 0);
    let shown = rebuild(&shop, &shop.operator().await, "categories").await;
    assert_eq!((&shown["rewritten"], &shown["unreadable"]), (&json!(0), &json!(0)), "{shown}");
    replace_tree(&shop, &[category("bowls", &[])]).await;
    assert_eq!(listed(&shop, "bowls").await.len(), 6, "it comes back");
}

/// A shop with two deep trees of categories, and a product with 80 rows in the first one.
async fn shop_with_a_wide_product() -> (Shop, Product) {
    let shop = Shop::open().await;
    replace_tree(&shop, &[deep("old", "bowls"), deep("other", "cups")]).await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = with_currencies(&vendor, "bowl", "bowls", &CURRENCIES[..8]).await;
    (shop, bowl)
}

fn deep(of: &str, lowest: &str) -> Value {
    let inner = category(&format!("{of}-inner"), &[category(lowest, &[])]);
    category(&format!("{of}-root"), &[category(&format!("{of}-middle"), &[inner])])
}

fn crash_after_the_first_transaction(shop: &Shop, route: &str) {
    let route = Some(route.to_owned());
    let crash = Fault { route, ..Fault::nth("dynamodb", "TransactWriteItems", 1, Kind::CrashAfter) };
    shop.cloud.services().faults.add(crash);
}

#[tokio::test]
async fn a_crash_while_a_product_follows_its_category_takes_it_off_no_list() {
    let (shop, bowl) = shop_with_a_wide_product().await;
    crash_after_the_first_transaction(&shop, "function FollowUpFunction");
    replace_tree(&shop, &[deep("new", "bowls"), deep("other", "cups")]).await;
    assert_eq!(shop.cloud.services().faults.triggered().len(), 1);
    assert_eq!(listed(&shop, "bowls").await, ["bowl"], "it was never off sale");
    assert_eq!(bowl.seen_by_vendor().await["state"], "published");
    shop.advance(Duration::from_secs(121)).await;
    for list in ["new-root", "new-inner", "bowls"] {
        assert_eq!(listed(&shop, list).await, ["bowl"], "{list}");
    }
    shop.anon().get("/v1/products?category=old-root").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_crash_while_a_vendor_moves_a_product_with_many_rows_leaves_none_out() {
    let (shop, bowl) = shop_with_a_wide_product().await;
    let seen = bowl.seen_by_vendor().await;
    let variants: Vec<Value> = seen["variants"]
        .as_array()
        .expect("variants")
        .iter()
        .map(|one| json!({"id": one["id"], "prices": one["prices"], "options": one["options"]}))
        .collect();
    let moved = json!({
        "title": "Bowl", "handle": "bowl", "category": "cups", "options": [{"name": "Size"}], "variants": variants,
    });
    crash_after_the_first_transaction(&shop, "PUT /v1/vendor/products/{id}");
    let client = bowl.vendor.client.clone().with("if-match", "*");
    client.put(&format!("/v1/vendor/products/{}", bowl.id), &moved).await;
    assert_eq!(shop.cloud.services().faults.triggered().len(), 1);
    for list in ["other-root", "cups", "old-root"] {
        assert_eq!(listed(&shop, list).await, ["bowl"], "{list}: in more lists than it should be, in none less");
    }
    rebuild(&shop, &shop.operator().await, "listings").await;
    assert_eq!((listed(&shop, "cups").await, listed(&shop, "old-root").await), (vec!["bowl".to_owned()], vec![]));
}
