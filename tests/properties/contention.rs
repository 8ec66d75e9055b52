//! Concurrent checkouts: exactly the units in stock are sold, whichever transactions conflict.

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use serde_json::{Value, json};

use crate::shop::{Answer, Guest, Product, Shop};

/// Concurrent requests, unless a test says otherwise.
const IN_FLIGHT: usize = 64;

/// Guests whose carts are ready to be ordered.
async fn guests(shop: &Shop, count: usize, lines: &[(&Product, u32)]) -> Vec<Guest> {
    let guests = stream::iter(0..count).map(|_| async { shop.guest().await.takes(lines).await });
    guests.buffer_unordered(IN_FLIGHT).collect().await
}

/// Checks all of them out, `in_flight` at a time.
async fn order(guests: &[Guest], total: &str, in_flight: usize) -> Vec<Answer> {
    let total = json!({"amount": total, "currency": "USD"});
    let total = &total;
    let orders = stream::iter(guests).map(|guest| guest.checks_out_for("stripe", "once", total));
    orders.buffer_unordered(in_flight).collect().await
}

/// How many orders were placed. Every other response must be `out_of_stock`.
fn placed(answers: &[Answer]) -> usize {
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(409, "out_of_stock");
    }
    answers.iter().filter(|answer| answer.status == 201).count()
}

async fn a_thousand_buyers(shards: u16) {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(100).shards(shards).publish().await;
    let guests = guests(&shop, 1_000, &[(&bowl, 1)]).await;
    let answers = order(&guests, "17.50", IN_FLIGHT).await;
    assert_eq!(placed(&answers), 100);
    assert_eq!(bowl.stock().await, (100, 100, 0));
    let usage = shop.cloud.services().usage.snapshot();
    let conflicts = usage["POST /v1/checkout"].total.conflicts;
    assert!(conflicts > 10, "too few conflicts for a test of contention: {conflicts}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_buyers_get_exactly_the_hundred_units_of_one_shard() {
    a_thousand_buyers(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_buyers_get_exactly_the_hundred_units_of_eight_shards() {
    a_thousand_buyers(8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_units_of_two_products_are_all_sold_to_orders_of_opposite_line_order() {
    for shards in [1, 2] {
        let shop = Shop::open().await;
        let vendor = shop.vendor("ceramics").await;
        let bowl = vendor.product("bowl").stock(6).shards(shards).publish().await;
        let cup = vendor.product("cup").stock(6).shards(shards).publish().await;
        let mut buyers = guests(&shop, 20, &[(&bowl, 1), (&cup, 1)]).await;
        buyers.extend(guests(&shop, 20, &[(&cup, 1), (&bowl, 1)]).await);
        let answers = order(&buyers, "30.00", buyers.len()).await;
        assert_eq!(placed(&answers), 6, "over {shards} shards");
        assert_eq!((bowl.stock().await, cup.stock().await), ((6, 6, 0), (6, 6, 0)));
        let usage = shop.cloud.services().usage.snapshot();
        assert!(usage["POST /v1/checkout"].total.conflicts > 0);
    }
}

#[tokio::test]
async fn a_quantity_larger_than_any_shard_is_allocated_over_several() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(20).shards(8).publish().await;
    let buys = async |units: u32| {
        let guest = shop.guest().await.takes(&[(&bowl, units)]).await;
        guest.checks_out("stripe", "once").await
    };
    buys(18).await.expect(201);
    assert_eq!(bowl.stock().await, (20, 18, 2));
    let refused = buys(3).await;
    let problem = refused.expect_problem(409, "out_of_stock");
    assert_eq!(problem["errors"][0]["detail"], "3 wanted, 2 left");
    buys(2).await.expect(201);
    assert_eq!(bowl.stock().await, (20, 20, 0));
}

#[tokio::test]
async fn an_order_over_many_shards_is_consolidated_so_that_it_can_be_cancelled() {
    let shop = Shop::open().await;
    let sizes: Vec<Value> = (0..40).map(|size| json!(format!("{size}"))).collect();
    let variant = |size: &Value| json!({"options": {"Size": size}, "prices": [{"amount": "1.00", "currency": "USD"}], "on_hand": 4, "shards": 4});
    let bowls = shop.vendor("ceramics").await.product("bowls");
    let bowls = bowls.set("options", json!([{"name": "Size", "values": sizes}]));
    let bowls = bowls.set("variants", sizes.iter().map(variant).collect()).publish().await;
    let units = async || {
        let seen = bowls.seen_by_vendor().await;
        let sum = |name: &str| seen["variants"].as_array().unwrap().iter().map(|one| one[name].as_i64().unwrap()).sum();
        let sums: [i64; 2] = [sum("available"), sum("reserved")];
        sums
    };
    let guest = shop.guest().await;
    for variant in &bowls.variants {
        guest.put(variant, 3).await.expect(200);
    }
    guest.address().await.expect(200);
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    assert_eq!(units().await, [40, 120]);
    let client = shop.anon().with("order-token", order["token"].as_str().unwrap());
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    for attempt in 0..3 {
        let client = client.clone().with("idempotency-key", format!("again-{attempt}"));
        client.post(&format!("{path}/payments"), &json!({"provider": "stripe"})).await.expect(201);
    }
    let cancelled = client.with("idempotency-key", "cancel").post(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!(cancelled.expect_success()["state"], "cancelled");
    assert_eq!(units().await, [160, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_buyers_at_the_same_moment_are_all_served() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(1_000).publish().await;
    let guests = guests(&shop, 200, &[(&bowl, 1)]).await;
    let total = json!({"amount": "17.50", "currency": "USD"});
    let answers = join_all(guests.iter().map(|guest| guest.checks_out_for("stripe", "once", &total))).await;
    assert_eq!(placed(&answers), 200);
    assert_eq!(bowl.stock().await, (1_000, 200, 800));
}
