//! Carts: lines, prices, claiming and expiry.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use domain::cart::LIFETIME;
use futures_util::future::join_all;
use serde_json::json;

use crate::shop::Shop;

#[tokio::test]
async fn putting_a_line_twice_has_the_effect_of_putting_it_once() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await;
    guest.put(&bowl.variant, 2).await.expect(200);
    let cart = guest.put(&bowl.variant, 2).await.expect(200).clone();
    assert_eq!(cart["groups"][0]["lines"].as_array().map(Vec::len), Some(1));
    assert_eq!(cart["groups"][0]["lines"][0]["quantity"], 2);
    assert_eq!(cart["totals"]["total"]["amount"], "25.00");
    assert!(cart["totals"]["shipping"].is_null() && cart["totals"]["tax"].is_null());
    let empty = guest.put(&bowl.variant, 0).await.expect(200).clone();
    assert_eq!(empty["groups"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_bought_cannot_be_put_into_a_cart() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let draft = vendor.product("draft").draft().await;
    let bowl = vendor.product("bowl").publish().await;
    let guest = shop.guest().await;
    guest.put(&draft.variant, 1).await.expect_problem(404, "not_found");
    guest.put(&format!("{}9", bowl.variant), 1).await.expect_problem(404, "not_found");
    guest.put("var_nonsense", 1).await.expect_problem(404, "not_found");
    guest.put(&bowl.variant, 10_000).await.expect_problem(400, "invalid");
    let sums = crate::shop::Guest::new(shop.anon(), "UZS").await;
    sums.put(&bowl.variant, 1).await.expect_problem(409, "no_price_in_currency");
    guest.put(&bowl.variant, 1).await.expect(200);
}

#[tokio::test]
async fn a_full_line_of_the_largest_price_can_be_ordered() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").price("100000000000.00").stock(9_999).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 9_999)]).await;
    let seen = guest.seen().await;
    assert_eq!(seen["totals"]["items"]["amount"], "999900000000000.00");
    guest.checks_out("cash_on_delivery", "largest").await.expect(201);
}

#[tokio::test]
async fn a_stored_price_above_the_bound_makes_its_line_unavailable_and_the_cart_stays_usable() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").price("77.70").stock(9_999).publish().await;
    let cup = vendor.product("cup").price("88.80").stock(9_999).publish().await;
    let plate = vendor.product("plate").price("10.00").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 9_999), (&cup, 9_999), (&plate, 1)]).await;
    let total = guest.seen().await["totals"]["total"].clone();
    for former in [r#""77.70""#, r#""88.80""#] {
        assert!(shop.rewrite("CatalogTable", former, r#""9999999999999.99""#).await > 0);
    }

    let seen = guest.seen().await;
    assert_eq!(seen["totals"]["items"]["amount"], "10.00");
    let unavailable = |line: &&serde_json::Value| line["changes"][0]["code"] == "unavailable";
    let lines = seen["groups"][0]["lines"].as_array().expect("lines").clone();
    assert_eq!(lines.iter().filter(unavailable).count(), 2, "{lines:?}");
    guest.checks_out_for("cash_on_delivery", "too-large", &total).await.expect_problem(409, "not_available");
    guest.put(&cup.variant, 1).await.expect_problem(409, "not_available");

    for line in [&bowl, &cup] {
        guest.put(&line.variant, 0).await.expect(200);
    }
    guest.checks_out("cash_on_delivery", "the-rest").await.expect(201);
}

#[tokio::test]
async fn a_vendor_without_delivery_in_the_carts_currency_is_named() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(1).publish().await;
    let guest = shop.guest().await;
    guest.put(&bowl.variant, 1).await.expect(200);
    vendor
        .client
        .patch("/v1/vendors/me", &json!({"shipping_rates": [{"amount": "1.00", "currency": "EUR"}]}))
        .await
        .expect(200);
    let refused = guest.address().await;
    let problem = refused.expect_problem(409, "not_deliverable");
    assert_eq!(problem["errors"][0]["pointer"], format!("/vendors/{}", vendor.id));
}

#[tokio::test]
async fn a_claimed_cart_has_a_new_id_and_the_old_one_is_gone() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let buyer = shop.buyer("aziza").await;
    let guest = shop.guest().await;
    guest.put(&bowl.variant, 2).await.expect(200);
    let claimed = buyer.post(&guest.path("/claim"), &json!({})).await.expect(200).clone();
    assert_ne!(claimed["id"], guest.cart.as_str());
    assert_eq!(claimed["groups"][0]["lines"][0]["quantity"], 2);
    guest.client.get(&guest.path("")).await.expect_problem(404, "not_found");

    // The response may have been lost: claiming the old cart again finds the new one, for its buyer only.
    let again = buyer.post(&guest.path("/claim"), &json!({})).await;
    assert_eq!((again.expect(200), again.header("etag")), (&claimed, "\"1\""));
    let stranger = shop.buyer("bobur").await;
    stranger.post(&guest.path("/claim"), &json!({})).await.expect_problem(404, "not_found");
    guest.put(&bowl.variant, 1).await.expect_problem(404, "not_found");

    let second = shop.guest().await;
    second.put(&bowl.variant, 3).await.expect(200);
    let merged = buyer.post(&second.path("/claim"), &json!({})).await.expect(200).clone();
    assert_eq!(merged["groups"][0]["lines"][0]["quantity"], 3, "the larger quantity is kept");
    let followed = buyer.post(&guest.path("/claim"), &json!({})).await.expect(200).clone();
    assert_eq!(followed, merged, "the first cart became the second one");
    shop.anon().get(&format!("/v1/carts/{}", claimed["id"].as_str().unwrap())).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_expired_cart_is_answered_with_410_until_it_is_deleted() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let total = guest.seen().await["totals"]["total"].clone();
    shop.advance(LIFETIME + Duration::from_secs(60)).await;
    guest.client.get(&guest.path("")).await.expect_problem(410, "expired");
    guest.put(&bowl.variant, 2).await.expect_problem(410, "expired");
    guest.checks_out_for("cash_on_delivery", "late", &total).await.expect_problem(410, "expired");
    let buyer = shop.buyer("aziza").await;
    buyer.post(&guest.path("/claim"), &json!({})).await.expect_problem(410, "expired");
    shop.advance(Duration::from_secs(49 * 3600)).await;
    guest.client.get(&guest.path("")).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn deleting_a_line_that_is_not_in_the_cart_writes_nothing() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let (bowl, cup) = (vendor.product("bowl").stock(5).publish().await, vendor.product("cup").publish().await);
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let before = guest.seen().await;
    let line = guest.path(&format!("/items/{}", cup.variant));
    let answer = guest.client.delete(&line).await;
    assert_eq!(answer.expect(200), &before);
    assert_eq!(guest.seen().await, before);
    let usage = shop.cloud.services().usage.snapshot();
    let operations = &usage["DELETE /v1/carts/{id}/items/{variant_id}"].operations;
    assert!(operations.keys().all(|operation| operation.contains("Get")), "{operations:?}");
}

/// Loses the response to a route's nth call of a DynamoDB operation.
fn lose_response(shop: &Shop, operation: &str, nth: u32, route: &str) {
    let fault = Fault::nth("dynamodb", operation, nth, Kind::After);
    shop.cloud.services().faults.add(Fault { route: Some(route.to_owned()), ..fault });
}

#[tokio::test]
async fn a_write_whose_response_is_lost_is_applied_once_without_a_conflict() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let faults = &shop.cloud.services().faults;
    let triggered = || faults.triggered().len();

    lose_response(&shop, "PutItem", 1, "POST /v1/carts");
    let guest = shop.guest().await;
    lose_response(&shop, "PutItem", 1, "PUT /v1/carts/{id}/items/{variant_id}");
    assert_eq!(guest.put(&bowl.variant, 2).await.expect(200)["version"], 2, "written once");
    assert_eq!(guest.seen().await["version"], 2);
    lose_response(&shop, "DeleteItem", 1, "DELETE /v1/carts/{id}");
    guest.client.delete(&guest.path("")).await.expect(204);
    assert_eq!(triggered(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn carts_that_are_claimed_concurrently_are_merged() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let buyer = shop.buyer("buyer").await;
    let mut guests = Vec::new();
    for handle in ["bowl", "cup", "dish", "jug"] {
        let product = vendor.product(handle).stock(5).publish().await;
        let guest = shop.guest().await;
        guest.put(&product.variant, 1).await.expect(200);
        guests.push(guest);
    }
    let nothing = json!({});
    let claims: Vec<_> = guests.iter().map(|guest| guest.path("/claim")).collect();
    for answer in join_all(claims.iter().map(|path| buyer.post(path, &nothing))).await {
        answer.expect(200);
    }
    for path in &claims {
        let cart = buyer.post(path, &nothing).await.expect(200).clone();
        assert_eq!(cart["groups"][0]["lines"].as_array().map(Vec::len), Some(4), "{cart}");
    }
}
