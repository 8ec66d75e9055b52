//! Carts: what they hold, what they cost, whose they are.

use serde_json::json;

use crate::shop::Shop;

#[tokio::test]
async fn putting_a_line_twice_is_putting_it_once() {
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
async fn what_cannot_be_bought_cannot_be_put() {
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
async fn a_seller_without_delivery_in_the_carts_currency_is_named() {
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

    let second = shop.guest().await;
    second.put(&bowl.variant, 3).await.expect(200);
    let merged = buyer.post(&second.path("/claim"), &json!({})).await.expect(200).clone();
    assert_eq!(merged["groups"][0]["lines"][0]["quantity"], 3, "the larger quantity stands");
    shop.anon().get(&format!("/v1/carts/{}", claimed["id"].as_str().unwrap())).await.expect_problem(404, "not_found");
}
