//! A stack on its way from the indexes of before 2026-12-02: each deployment makes or deletes one, and the marketplace
//! goes on meanwhile.

use std::time::Duration;

use local::Options;
use serde_json::{Value, json};

use crate::shop::sale::{PAST_PAYMENT_DEADLINE, Sale, text};
use crate::shop::{Client, Shop};

async fn ids(client: &Client, path: &str) -> Vec<String> {
    let page = client.get(path).await.expect(200).clone();
    page["items"].as_array().expect("items").iter().map(|item| text(&item["id"])).collect()
}

/// Sells, refunds and expires in a stack at one of the steps.
async fn goes_on(step: &'static str) {
    let shop = Shop::with(Options { parameters: vec![("OrdersIndexes", step)], ..Options::for_tests() }).await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let sale = Sale::of(shop, bowl, 1).await;
    let shop = &sale.shop;
    let left =
        shop.guest().await.takes(&[(&sale.bowl, 1)]).await.checks_out("stripe", "left").await.expect(201).clone();
    sale.act("succeed").await;
    shop.wait_until_idle().await;
    let own = sale.bowl.vendor.newest_order().await.expect("the vendor sees it");
    assert_eq!(own["state"], "pending", "{step}");
    let listed = ids(&sale.bowl.vendor.client, "/v1/vendor/orders?state=pending").await;
    assert_eq!(listed, [text(&own["id"])], "{step}");

    // Refunded at the provider's dashboard, which tells it by the payment's reference.
    sale.act("refund").await;
    shop.advance(PAST_PAYMENT_DEADLINE).await;
    shop.wait_until_idle().await;
    let operator = shop.operator().await;
    let state = async |id: &str| -> Value {
        operator.get(&format!("/v1/admin/orders/{id}")).await.expect(200)["state"].clone()
    };
    assert_eq!(state(&text(&left["id"])).await, "expired", "{step}");
    let (number, email) = (text(&left["number"]), &sale.email);
    assert_eq!(ids(&operator, &format!("/v1/admin/orders?number={number}")).await, [text(&left["id"])], "{step}");
    assert_eq!(
        ids(&operator, &format!("/v1/admin/orders?email={email}")).await,
        std::slice::from_ref(&sale.id),
        "{step}"
    );
    assert_eq!(ids(&operator, "/v1/admin/orders?state=expired").await, [text(&left["id"])], "{step}");
    let mut next = "/v1/admin/orders?limit=1".to_owned();
    for _ in 0..2 {
        let page = operator.get(&next).await.expect(200).clone();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{step}");
        let cursor = page["next"].as_str().unwrap_or_default();
        next = format!("/v1/admin/orders?limit=1&cursor={cursor}");
    }
    let listed = ids(&operator, "/v1/admin/refunds").await.len();
    assert_eq!(listed, 2, "{step}: with the refund whose place it takes, of what it cancels");
    operator.get("/v1/admin/summary").await.expect(200);
}

#[tokio::test]
async fn a_marketplace_goes_on_at_each_step_of_its_way_to_indexes_of_keys() {
    for step in ["add-1", "add-3", "add-5", "drop-2", "keys"] {
        goes_on(step).await;
    }
}

#[tokio::test]
async fn all_orders_are_listed_by_time_once_the_rebuild_was_through() {
    let sale = Sale::of_one().await;
    let operator = sale.shop.operator().await;
    // Orders of one millisecond are listed in any order.
    sale.shop.advance(Duration::from_secs(1)).await;
    let second =
        sale.shop.guest().await.takes(&[(&sale.bowl, 1)]).await.checks_out("stripe", "two").await.expect(201).clone();
    let expected = [text(&second["id"]), sale.id.clone()];
    let queries = async || {
        let before = sale.shop.cloud.services().usage.snapshot()["GET /v1/admin/orders"].total.round_trips;
        assert_eq!(ids(&operator, "/v1/admin/orders").await, expected);
        sale.shop.cloud.services().usage.snapshot()["GET /v1/admin/orders"].total.round_trips - before
    };
    // The marketplace had no orders when its first vendor was approved, so the rebuild was through at once.
    assert_eq!(ids(&operator, "/v1/admin/orders").await, expected);
    assert!(queries().await <= 13, "one query for each of eight buckets, and one call for the items");
    assert_eq!(ids(&operator, "/v1/admin/orders?state=awaiting_payment&limit=1").await, expected[..1]);
    let page = operator.get("/v1/admin/orders?limit=1").await.expect(200).clone();
    let next = format!("/v1/admin/orders?limit=1&cursor={}", text(&page["next"]));
    assert_eq!(ids(&operator, &next).await, expected[1..]);
    operator.post("/v1/admin/rebuilds", &json!({"what": "orders"})).await.expect(202);
    sale.shop.wait_until_idle().await;
    assert_eq!(ids(&operator, "/v1/admin/orders").await, expected);
}
