//! Webhooks that are forged, repeated, malformed, or about nothing of ours.

use std::time::Duration;

use payments::stripe::sign;
use serde_json::{Value, json};

use super::row::Who;
use super::world::World;
use crate::shop::{Answer, Shop};

const SECRET: &str = "whsec_local";

fn event(name: &str, object: Value) -> Value {
    json!({
        "id": "evt_1", "object": "event", "api_version": "2026-07-29.dahlia", "created": 1_800_000_000, "livemode": false,
        "type": name, "data": {"object": object},
    })
}

/// The provider's event that the guest's order is paid.
async fn paid(world: &World) -> Value {
    let reader = world.client(Who::Anyone).with("order-token", &world.token);
    let order = reader.get(&format!("/v1/orders/{}", world.order)).await.expect(200).clone();
    let amount = order["totals"]["total"]["amount"].as_str().expect("an amount").replace('.', "");
    let amount: i64 = amount.parse().expect("digits");
    let secret = order["payment"]["action"]["client_secret"].as_str().expect("a secret");
    let reference = secret.split_once("_secret").expect("the secret begins with the payment's name").0;
    let object = json!({
        "id": reference, "object": "payment_intent", "status": "succeeded", "currency": "usd", "amount": amount,
        "amount_received": amount, "livemode": false, "metadata": {"order_id": world.order},
    });
    event("payment_intent.succeeded", object)
}

async fn sent(shop: &Shop, body: &[u8], signature: &str) -> Answer {
    let client = shop.anon().with("stripe-signature", signature);
    client.send(reqwest::Method::POST, "/v1/webhooks/stripe", Some(body.to_vec()), "application/json").await
}

#[tokio::test]
async fn a_webhook_that_is_not_the_providers_changes_nothing() {
    let world = World::open().await;
    let before = world.snapshot().await;
    let (now, body) = (world.shop.cloud.now(), paid(&world).await.to_string());
    let body = body.as_bytes();
    let good = sign(body, now, SECRET);
    let digits = good.split_once("v1=").expect("a signature").1.to_owned();
    let seconds = now.seconds();
    for (what, signature) in [
        ("no signature", String::new()),
        ("nonsense", "nonsense".to_owned()),
        ("another secret", sign(body, now, "whsec_other")),
        ("another body", sign(b"{}", now, SECRET)),
        ("no time", format!("v1={digits}")),
        ("another time", format!("t={},v1={digits}", seconds + 1)),
        ("a time that is none", format!("t=now,v1={digits}")),
        ("another scheme", format!("t={seconds},v0={digits}")),
        ("half a signature", format!("t={seconds},v1={}", &digits[..32])),
        ("zeros", format!("t={seconds},v1={}", "0".repeat(64))),
        ("no text", "t=1,v1=é".to_owned()),
    ] {
        let answer = sent(&world.shop, body, &signature).await;
        assert_eq!((answer.status, answer.json["code"].as_str()), (400, Some("bad_signature")), "{what}");
    }
    let mut other = body.to_vec();
    other.push(b' ');
    sent(&world.shop, &other, &good).await.expect_problem(400, "bad_signature");
    let large = vec![b' '; 256 * 1024 + 1];
    let signature = sign(&large, now, SECRET);
    sent(&world.shop, &large, &signature).await.expect_problem(413, "too_large");
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn a_webhook_signature_is_valid_for_five_minutes() {
    let shop = Shop::open().await;
    let body = event("customer.created", json!({"id": "cus_1"})).to_string();
    let signature = sign(body.as_bytes(), shop.cloud.now(), SECRET);
    sent(&shop, body.as_bytes(), &signature).await.expect(200);
    shop.cloud.clock().advance(Duration::from_secs(300));
    sent(&shop, body.as_bytes(), &signature).await.expect(200);
    shop.cloud.clock().advance(Duration::from_secs(1));
    sent(&shop, body.as_bytes(), &signature).await.expect_problem(400, "bad_signature");
    let ahead = sign(body.as_bytes(), shop.cloud.now() + Duration::from_secs(600), SECRET);
    sent(&shop, body.as_bytes(), &ahead).await.expect(200);
}

#[tokio::test]
async fn a_genuine_webhook_for_nothing_of_ours_changes_no_order() {
    let world = World::open().await;
    let before = world.snapshot().await;
    let now = world.shop.cloud.now();
    let intent = |changes: Value| {
        let mut intent = json!({
            "id": "pi_nobodys", "object": "payment_intent", "status": "succeeded", "currency": "usd", "amount": 1750,
            "amount_received": 1750, "metadata": {},
        });
        for (name, value) in changes.as_object().expect("fields") {
            intent[name] = value.clone();
        }
        event("payment_intent.succeeded", intent)
    };
    for (what, message) in [
        ("an unknown type", event("customer.created", json!({"id": "cus_1"}))),
        ("a type of tomorrow", event("payment_intent.teleported", json!({"id": "pi_1", "shape": ["new"]}))),
        ("a payment of an unknown order", intent(json!({}))),
        ("an order that is none", intent(json!({"metadata": {"order_id": "ord_x", "payment_id": "pay_x"}}))),
        ("an order that is not there", intent(json!({"metadata": {"order_id": "ord_00000000000000000000000001"}}))),
    ] {
        let body = message.to_string();
        let answer = sent(&world.shop, body.as_bytes(), &sign(body.as_bytes(), now, SECRET)).await;
        assert_eq!((answer.status, &answer.json), (200, &json!({"received": true})), "{what}");
    }
    let mut after = world.snapshot().await;
    let added: Vec<_> = after.extract_if(.., |key, _| !before.contains_key(key)).map(|(_, item)| item).collect();
    assert_eq!(after, before);
    let kinds: Vec<_> = added.iter().map(|item| (&item["kind"]["S"], &item["sk"]["S"])).collect();
    assert_eq!(kinds, [(&json!("unclaimed"), &json!("PAYMENT"))], "the unmatched payment is stored once");
}

#[tokio::test]
async fn a_genuine_webhook_that_cannot_be_read_is_malformed() {
    let world = World::open().await;
    let before = world.snapshot().await;
    let now = world.shop.cloud.now();
    let thin = json!({
        "id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found", "created": "2026-01-01T00:00:00Z",
        "livemode": false, "related_object": null,
    });
    let without = |field: &str| {
        let mut event =
            event("payment_intent.succeeded", json!({"id": "pi_1", "status": "succeeded", "currency": "usd"}));
        event.as_object_mut().expect("an object").remove(field);
        event.to_string().into_bytes()
    };
    for (what, body) in [
        ("nothing", Vec::new()),
        ("broken JSON", b"{\"id\":".to_vec()),
        ("no UTF-8", b"{\"id\":\"\xff\"}".to_vec()),
        ("an array", b"[]".to_vec()),
        ("arrays without end", vec![b'['; 100_000]),
        ("a thin event", thin.to_string().into_bytes()),
        ("no object", without("data")),
        ("no id", without("id")),
        ("no type", without("type")),
        ("no time", without("created")),
        ("a payment that is a text", event("payment_intent.succeeded", json!("pi_1")).to_string().into_bytes()),
        ("an amount that is a text", {
            let object = json!({"id": "pi_1", "status": "succeeded", "currency": "usd", "amount_received": "1750"});
            event("payment_intent.succeeded", object).to_string().into_bytes()
        }),
    ] {
        let answer = sent(&world.shop, &body, &sign(&body, now, SECRET)).await;
        assert_eq!((answer.status, answer.json["code"].as_str()), (400, Some("malformed")), "{what}: {}", answer.text);
    }
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn a_repeated_webhook_is_accepted_and_changes_nothing() {
    let world = World::open().await;
    // By then the products have followed the category tree for the second time.
    world.shop.advance(Duration::from_secs(121)).await;
    let reader = world.client(Who::Anyone).with("order-token", &world.token);
    let path = format!("/v1/orders/{}", world.order);
    let news = paid(&world).await;
    let body = news.to_string();
    let mut before = None;
    for minutes in 0..4_u64 {
        world.shop.cloud.clock().advance(Duration::from_secs(60 * minutes));
        // A provider signs each delivery anew.
        let signature = sign(body.as_bytes(), world.shop.cloud.now(), SECRET);
        sent(&world.shop, body.as_bytes(), &signature).await.expect(200);
        sent(&world.shop, body.as_bytes(), &signature).await.expect(200);
        world.shop.wait_until_idle().await;
        assert_eq!(reader.get(&path).await.expect(200)["state"], "paid");
        let now = world.snapshot().await;
        assert_eq!(&now, before.get_or_insert_with(|| now.clone()), "after {minutes} minutes");
    }
}
