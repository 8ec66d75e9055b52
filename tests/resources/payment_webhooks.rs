//! Webhooks of a payment provider: repeated, with a wrong amount, and forged.

use serde_json::{Value, json};

use crate::shop::Shop;
use crate::shop::invariants::items;
use crate::shop::sale::{Sale, text};

#[tokio::test]
async fn a_repeated_payment_event_changes_nothing() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let order = guest.checks_out("stripe", "key").await.expect(201).clone();
    let (id, token) = (order["id"].as_str().unwrap(), order["token"].as_str().unwrap());
    shop.stripe(id, "succeed").await;
    shop.wait_until_idle().await;
    let reader = shop.anon().with("order-token", token);
    let once = reader.get(&format!("/v1/orders/{id}")).await.expect(200).clone();
    let mail = shop.mail_to(&guest.email).len();
    shop.stripe(id, "succeed").await;
    shop.wait_until_idle().await;
    assert_eq!(reader.get(&format!("/v1/orders/{id}")).await.expect(200), &once);
    assert_eq!(shop.mail_to(&guest.email).len(), mail, "no message is sent twice");
}

#[tokio::test]
async fn a_wrong_amount_is_shown_to_the_operator_and_nothing_is_shipped() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let order = guest.checks_out("stripe", "key").await.expect(201).clone();
    let id = order["id"].as_str().unwrap();
    shop.stripe(id, "wrong_amount").await;
    let seen = shop.anon().with("order-token", order["token"].as_str().unwrap()).get(&format!("/v1/orders/{id}")).await;
    assert_eq!(seen.expect(200)["payment"]["state"], "amount_mismatch");
    assert_eq!(seen.json["state"], "awaiting_payment");
    assert!(vendor.newest_order().await.is_none());
}

#[tokio::test]
async fn an_unsigned_or_forged_webhook_is_refused() {
    let shop = Shop::open().await;
    let event = json!({"id": "evt_1", "object": "event", "type": "payment_intent.succeeded"});
    shop.anon().post("/v1/webhooks/stripe", &event).await.expect_problem(400, "bad_signature");
    let forged = shop.anon().with("stripe-signature", format!("t=1800000000,v1={}", "0".repeat(64)));
    forged.post("/v1/webhooks/stripe", &event).await.expect_problem(400, "bad_signature");
    shop.anon().post("/v1/webhooks/barter", &event).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_reference_is_an_item_of_its_own_from_the_moment_on_when_it_is_stored() {
    let sale = Sale::of_one().await;
    let of_kind = async |kind: &str| -> Vec<Value> {
        let mut found = items(&sale.shop, "OrdersTable").await;
        found.retain(|item| item["kind"]["S"] == kind);
        found
    };
    let references = async || -> Vec<String> {
        let named = of_kind("reference").await;
        assert!(named.iter().all(|item| item["order_id"]["S"] == sale.id), "{named:?}");
        named.iter().map(|item| text(&item["pk"]["S"])).collect()
    };
    // Before any webhook: the attempt was opened in the checkout.
    let opened = references().await;
    assert_eq!(opened.len(), 1, "{opened:?}");
    assert!(opened[0].starts_with("REFERENCE#stripe#pi_"), "{opened:?}");
    assert!(of_kind("payment").await.iter().all(|item| item.get("reference").is_none()), "no index has it any more");
    sale.act("succeed").await;
    sale.act("refund").await;
    sale.shop.wait_until_idle().await;
    assert_eq!(references().await.len(), 2, "the refund's as well");
    let seen = sale.seen().await;
    let reasons: Vec<&Value> = seen["refunds"].as_array().expect("refunds").iter().map(|one| &one["reason"]).collect();
    assert!(reasons.contains(&&json!("refunded_elsewhere")), "{seen}");
}
