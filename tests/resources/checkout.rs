//! Checkout: one order per idempotency key, never more units than in stock, never more than the expected total.

use std::time::Duration;

use domain::pricing::Rates;
use futures_util::future::join_all;
use local::Options;
use serde_json::{Value, json};

use crate::shop::{Product, Shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_guests_at_once_get_exactly_the_ten_units_there_are() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(10).publish().await;
    let mut guests = Vec::new();
    for _ in 0..100 {
        guests.push(shop.guest().await.takes(&[(&bowl, 1)]).await);
    }
    let before = shop.cloud.services().usage.snapshot();
    let answers = join_all(guests.iter().map(|guest| guest.checks_out("stripe", "once"))).await;
    let placed = answers.iter().filter(|answer| answer.status == 201).count();
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect_problem(409, "out_of_stock");
    }
    assert_eq!(placed, 10);
    assert_eq!(bowl.stock().await, (10, 10, 0));
    let after = shop.cloud.services().usage.snapshot();
    let transactions = after["POST /v1/checkout"].operations["TransactWriteItems"];
    assert!(!before.contains_key("POST /v1/checkout"));
    assert!(transactions > 100 + 10, "no conflicts: {transactions} transactions");
}

#[tokio::test]
async fn the_same_key_gives_the_same_order_and_reserves_nothing_twice() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let total = guest.seen().await["totals"]["total"].clone();
    let first = guest.checks_out_for("stripe", "key", &total).await;
    let again = guest.checks_out_for("stripe", "key", &total).await;
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(bowl.stock().await, (5, 1, 4));

    let other = json!({"amount": "99.00", "currency": "USD"});
    guest.checks_out_for("stripe", "key", &other).await.expect_problem(409, "idempotency_key_reused");
    guest.checks_out_for("stripe", "another", &total).await.expect_problem(409, "cart_ordered");
}

#[tokio::test]
async fn a_rise_of_the_price_is_refused_and_a_drop_is_passed_on() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").price("10.00").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let low = json!({"amount": "14.99", "currency": "USD"});
    let refused = guest.checks_out_for("stripe", "key", &low).await;
    let problem = refused.expect_problem(409, "price_changed");
    assert_eq!(problem["errors"][0], json!({"pointer": "/totals/total", "code": "now", "detail": "15.00"}));
    assert_eq!(bowl.stock().await, (5, 0, 5));

    let high = json!({"amount": "20.00", "currency": "USD"});
    let placed = guest.checks_out_for("stripe", "key", &high).await;
    assert_eq!(placed.expect(201)["totals"]["total"]["amount"], "15.00");
}

#[tokio::test]
async fn checkout_requires_an_idempotency_key_and_refuses_invalid_fields() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let good = json!({
        "cart_id": guest.cart, "email": guest.email, "payment": {"provider": "stripe"},
        "expected_total": {"amount": "17.50", "currency": "USD"},
    });
    shop.anon().post("/v1/checkout", &good).await.expect_problem(400, "idempotency_key_missing");
    let client = shop.anon().with("idempotency-key", "k");
    for (field, value, pointer) in [
        ("email", json!("nobody"), "/email"),
        ("payment", json!({"provider": "barter"}), "/payment/provider"),
        ("expected_total", json!({"amount": "17.505", "currency": "USD"}), "/expected_total"),
        ("expected_total", json!({"amount": "17.50", "currency": "UZS"}), "/expected_total/currency"),
        ("cart_id", json!(7), "/cart_id"),
        ("surprise", json!(1), "/surprise"),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let refused = client.post("/v1/checkout", &bad).await;
        let problem = refused.expect_problem(400, "invalid");
        let named = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert!(named.starts_with(pointer), "{field}: {named}");
    }
    assert_eq!(bowl.stock().await, (5, 0, 5));
}

#[tokio::test]
async fn a_checkout_takes_four_round_trips_and_a_webhook_two() {
    let shop = Shop::open().await;
    let ceramics = shop.vendor("ceramics").await;
    let bowl = ceramics.product("bowl").stock(50).publish().await;
    let vase = ceramics.product("vase").stock(50).publish().await;
    for round in 0..2 {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        if round == 1 {
            // This instance has seen the product, so it reads the vendor in the same round trip.
            let usage = shop.cloud.services().usage.snapshot();
            assert_eq!(usage["PUT /v1/carts/{id}/items/{variant_id}"].last.round_trips, 2);
        }
        let guest = guest.takes(&[(&vase, 1)]).await;
        let total = guest.seen().await["totals"]["total"].clone();
        let order = guest.checks_out_for("stripe", "key", &total).await.expect(201)["id"].as_str().unwrap().to_owned();
        shop.stripe(&order, "succeed").await;
        if round == 1 {
            // Settings and secrets are cached by now.
            let usage = shop.cloud.services().usage.snapshot();
            for (route, most) in [
                ("POST /v1/checkout", 4),
                ("POST /v1/webhooks/{provider}", 2),
                ("GET /v1/carts/{id}", 2),
                ("PUT /v1/carts/{id}/items/{variant_id}", 3),
            ] {
                assert_eq!(usage[route].last.round_trips, most, "{route}: {:?}", usage[route]);
            }
        }
    }
}

#[tokio::test]
async fn a_replay_is_answered_with_the_order_as_it_stands_whatever_became_of_the_cart() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let total = guest.seen().await["totals"]["total"].clone();
    let first = guest.checks_out_for("stripe", "once", &total).await.expect(201).clone();

    // The order expires unpaid, its cart is reopened, and a unit is added.
    shop.wait_until_idle().await;
    shop.advance(Duration::from_secs(16 * 60)).await;
    guest.put(&bowl.variant, 2).await.expect(200);
    // The address went with the order.
    guest.checks_out_for("stripe", "other", &total).await.expect_problem(409, "address_missing");
    guest.address().await.expect(200);
    guest.checks_out_for("stripe", "other", &total).await.expect_problem(409, "price_changed");
    let replayed = async || {
        let answer = guest.checks_out_for("stripe", "once", &total).await;
        assert_eq!(answer.header("idempotent-replayed"), "true");
        let now = answer.expect(201).clone();
        assert_eq!(now["state"], "expired");
        for same in ["id", "token", "totals", "address", "contact", "placed_at"] {
            assert_eq!(now[same], first[same], "{same}");
        }
    };
    replayed().await;

    guest.client.delete(&guest.path("")).await.expect(204);
    guest.checks_out_for("stripe", "other", &total).await.expect_problem(404, "not_found");
    replayed().await;
    let another = guest.checks_out_for("cash_on_delivery", "once", &total).await;
    another.expect_problem(409, "idempotency_key_reused");
}

#[tokio::test]
async fn tax_and_commission_are_fixed_at_checkout() {
    let rates = Rates { tax: 1_225.try_into().unwrap(), commission: 1_000.try_into().unwrap() };
    let shop = Shop::with(Options { rates, ..Options::for_tests() }).await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await;
    let unknown = guest.put(&bowl.variant, 3).await.expect(200)["totals"].clone();
    assert_eq!((&unknown["tax"], &unknown["total"]["amount"]), (&Value::Null, &json!("37.50")));
    guest.address().await.expect(200);
    // 12.25 % of each line and of the delivery, rounded half to even: 4.59 of 37.50, 0.61 of 5.00.
    let totals = guest.seen().await["totals"].clone();
    let amount_of = |name: &str| totals[name]["amount"].as_str().map(str::to_owned);
    assert_eq!(
        ["items", "shipping", "tax", "total"].map(amount_of),
        ["37.50", "5.00", "5.20", "47.70"].map(|amount| Some(amount.to_owned()))
    );
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    assert_eq!((&order["totals"], &order["vendors"][0]["totals"]), (&totals, &totals));
    shop.stripe(order["id"].as_str().expect("an id"), "succeed").await;
    let seen = bowl.vendor.newest_order().await.expect("the vendor sees it");
    assert_eq!(
        (&seen["totals"], &seen["commission"]["amount"]),
        (&totals, &json!("3.75")),
        "commission is charged on the goods alone"
    );
    // The refund includes the tax.
    let path = format!("/v1/vendor/orders/{}/decline", seen["id"].as_str().expect("an id"));
    bowl.vendor.client.post(&path, &json!({})).await.expect(200);
    shop.wait_until_idle().await;
    shop.advance(Duration::from_secs(61)).await;
    let reader = shop.anon().with("order-token", order["token"].as_str().expect("a token"));
    let refunded =
        reader.get(&format!("/v1/orders/{}", order["id"].as_str().expect("an id"))).await.expect(200).clone();
    assert_eq!(refunded["refunds"][0]["amount"]["amount"], "47.70");
}

/// The transactions of the largest order stay within DynamoDB's 100 actions and 4 MB.
#[tokio::test]
async fn the_largest_order_is_placed_paid_and_cancelled_whole() {
    let shop = Shop::open().await;
    let mut products = Vec::new();
    for number in 0..15 {
        let vendor = shop.vendor(&format!("shop-{number}")).await;
        for product in 0..if number < 10 { 3 } else { 2 } {
            let product = vendor.product(&format!("bowl-{number}-{product}")).set("title", json!("ü".repeat(100)));
            products.push(product.stock(1).publish().await);
        }
    }
    let lines: Vec<(&Product, u32)> = products.iter().map(|product| (product, 1)).collect();
    assert_eq!(lines.len(), 40);
    let guest = shop.guest().await.takes(&lines).await;
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    shop.stripe(order["id"].as_str().expect("an id"), "succeed").await;
    shop.wait_until_idle().await;
    let client = shop.anon().with("order-token", order["token"].as_str().expect("a token"));
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().expect("an id"));
    let cancelled = client.with("idempotency-key", "off").post(&path, &json!({})).await;
    assert_eq!(cancelled.expect(200)["state"], "cancelled");
    for product in products.iter().take(3) {
        assert_eq!(product.stock().await, (1, 0, 1));
    }
}
