//! Returns: asked for within the policy, answered, received and refunded; by buyers, vendors, the operator, deadlines.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, count, text};
use crate::shop::{Answer, Client, Shop};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A sale of two bowls that were delivered.
async fn delivered() -> Sale {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let sale = Sale::of(shop, bowl, 2).await;
    sale.act("succeed").await;
    for step in ["accept", "ship", "deliver"] {
        sale.step(step).await.expect(200);
    }
    sale
}

async fn asks(sale: &Sale, client: &Client, quantity: u32, key: &str) -> Answer {
    let vendor_order = text(&sale.seen().await["vendors"][0]["id"]);
    let mut asked = Shop::gives_back(&vendor_order, &sale.bowl.variant);
    asked["lines"][0]["quantity"] = json!(quantity);
    client.clone().with("idempotency-key", key).post(&format!("/v1/orders/{}/returns", sale.id), &asked).await
}

fn of(seen: &Value, number: usize) -> (String, Value) {
    let asked = &seen["vendors"][0]["returns"][number - 1];
    (text(&asked["state"]), asked["lines"][0]["quantity"].clone())
}

async fn answers(sale: &Sale, step: &str, body: &Value) -> Answer {
    let client = sale.shop.sign_in("ceramics@people.test").await;
    let vendor_order = text(&sale.seen().await["vendors"][0]["id"]);
    client.post(&format!("/v1/vendor/orders/{vendor_order}/returns/{step}"), body).await
}

#[tokio::test]
async fn a_return_is_approved_received_and_refunded_by_its_shares() {
    let sale = delivered().await;
    assert!(sale.seen().await["vendors"][0]["returnable_until"].is_string());
    asks(&sale, &sale.reader, 3, "three").await.expect_problem(409, "wrong_state");
    asks(&sale, &sale.reader, 1, "one").await.expect(200);
    // The same again is the same; another one is another.
    asks(&sale, &sale.reader, 1, "one").await.expect(200);
    assert_eq!(sale.seen().await["vendors"][0]["returns"].as_array().map(Vec::len), Some(1));
    asks(&sale, &sale.reader, 2, "two").await.expect_problem(409, "wrong_state");
    assert_eq!(of(&sale.seen().await, 1), ("requested".to_owned(), json!(1)));
    answers(&sale, "1/receive", &json!({})).await.expect_problem(409, "wrong_state");
    answers(&sale, "2/approve", &json!({})).await.expect_problem(404, "not_found");
    answers(&sale, "1/approve", &json!({})).await.expect(200);
    answers(&sale, "1/approve", &json!({})).await.expect(200);
    answers(&sale, "1/decline", &json!({"reason": "Worn."})).await.expect_problem(409, "wrong_state");
    answers(&sale, "1/receive", &json!({"restock": true})).await.expect(200);
    answers(&sale, "1/receive", &json!({"restock": true})).await.expect(200);
    assert_eq!(sale.stock().await, (4, 0, 4), "one of two is for sale again");
    assert_eq!(of(&sale.seen().await, 1).0, "received");
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!(of(&seen, 1).0, "refunded");
    assert_eq!(
        (&seen["refunds"][0]["reason"], &seen["refunds"][0]["amount"]["amount"]),
        (&json!("returned"), &json!("12.50"))
    );
    assert_eq!(seen["vendors"][0]["lines"][0]["returned"], 1);
    // The other one too: then the delivery goes back with it.
    asks(&sale, &sale.reader, 1, "other").await.expect(200);
    answers(&sale, "2/approve", &json!({})).await.expect(200);
    answers(&sale, "2/receive", &json!({})).await.expect(200);
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!(seen["refunds"][1]["amount"]["amount"], "17.50");
    assert_eq!((&seen["state"], &seen["vendors"][0]["state"]), (&json!("completed"), &json!("returned")));
    assert_eq!(seen["payment"]["state"], "refunded");
    assert_eq!(sale.stock().await, (4, 0, 4), "what is broken is not for sale");
    sale.shop.wait_until_idle().await;
    let mail = sale.mail();
    let told = |words: &str| mail.iter().filter(|subject| subject.contains(words)).count();
    assert_eq!((told("you can send it back"), told("the shop has your return")), (2, 2), "{mail:?}");
    let to_vendor = sale.shop.mail_to("ceramics@people.test");
    assert_eq!(to_vendor.iter().filter(|subject| subject.contains("wants to give something back")).count(), 2);
}

#[tokio::test]
async fn a_return_is_declined_for_a_reason_and_late_ones_are_refused() {
    let sale = delivered().await;
    asks(&sale, &sale.reader, 1, "one").await.expect(200);
    answers(&sale, "1/decline", &json!({"reason": "It was used."})).await.expect(200);
    let seen = sale.seen().await;
    assert_eq!(
        (of(&seen, 1).0.as_str(), &seen["vendors"][0]["returns"][0]["note"]),
        ("declined", &json!("It was used."))
    );
    assert_eq!(seen["history"].as_array().expect("a history").last().expect("an entry")["return_number"], 1);
    sale.shop.wait_until_idle().await;
    assert!(sale.messages_to_buyer()[0].contains("It was used."));
    sale.shop.advance(DAY * 15).await;
    asks(&sale, &sale.reader, 1, "late").await.expect_problem(409, "wrong_state");
    // The operator may take it back all the same.
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], &seen["vendors"][0]["state"]), (&json!("completed"), &json!("completed")));
    let vendor_order = text(&seen["vendors"][0]["id"]);
    let operator = sale.shop.operator().await;
    let path = format!("/v1/admin/vendor-orders/{vendor_order}/returns");
    let asked = json!({"lines": [{"variant_id": sale.bowl.variant, "quantity": 2}], "reason": "not_as_described"});
    operator.post(&path, &asked).await.expect_problem(400, "idempotency_key_missing");
    operator.clone().with("idempotency-key", "kind").post(&path, &asked).await.expect(200);
    let decide = format!("{path}/2/decide");
    operator.post(&decide, &json!({"decision": "decline"})).await.expect_problem(400, "invalid");
    operator.post(&decide, &json!({"decision": "receive", "restock": true})).await.expect(200);
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!((of(&seen, 2).0.as_str(), &seen["payment"]["state"]), ("refunded", &json!("refunded")));
    assert_eq!(sale.stock().await, (5, 0, 5));
}

#[tokio::test]
async fn a_return_that_nobody_answers_is_approved_and_one_that_is_not_sent_lapses() {
    let sale = delivered().await;
    asks(&sale, &sale.reader, 1, "one").await.expect(200);
    sale.shop.advance(DAY * 8).await;
    assert_eq!(of(&sale.seen().await, 1).0, "approved");
    sale.shop.advance(DAY * 20).await;
    assert_eq!(sale.seen().await["vendors"][0]["state"], "delivered", "a return is open");
    sale.shop.advance(DAY * 11).await;
    let seen = sale.seen().await;
    assert_eq!(of(&seen, 1).0, "expired");
    assert_eq!((&seen["state"], seen["refunds"].is_null()), (&json!("completed"), true));
    assert_eq!((count(&seen, "return_approved"), count(&seen, "return_expired")), (1, 1));
}

#[tokio::test]
async fn a_buyer_returns_from_their_account_and_not_from_anothers() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let [buyer, other] = [shop.buyer("bobur").await, shop.buyer("olim").await];
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let claimed = buyer.post(&guest.path("/claim"), &json!({})).await.expect(200).clone();
    let own = crate::shop::Guest { cart: text(&claimed["id"]), ..guest };
    let order = own.checks_out("stripe", "once").await.expect(201).clone();
    let vendor_order = shop.delivers(&bowl.vendor.client, &order).await;
    let path = format!("/v1/me/orders/{}/returns", text(&order["id"]));
    let asked = Shop::gives_back(&vendor_order, &bowl.variant);
    other.with("idempotency-key", "one").post(&path, &asked).await.expect_problem(404, "not_found");
    let seen = buyer.with("idempotency-key", "one").post(&path, &asked).await.expect(200).clone();
    assert_eq!(of(&seen, 1).0, "requested");
}
