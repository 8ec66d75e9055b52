//! What only the operator can do with an order: decide on an amount mismatch, and cancel it at any time.

use serde_json::json;

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, text};
use crate::shop::{Product, Shop};

#[tokio::test]
async fn the_operator_accepts_an_amount_mismatch() {
    let sale = Sale::of_one().await;
    sale.act("wrong_amount").await;
    sale.shop.wait_until_idle().await;
    let listed = sale.shop.operator().await.get("/v1/admin/payments?state=amount_mismatch").await.expect(200).clone();
    assert_eq!(listed["items"][0]["order_id"], json!(sale.id));
    assert_eq!(listed["items"][0]["captured"]["amount"], "17.49");
    assert_eq!(sale.operators_mail().len(), 1);
    sale.step("accept").await.expect_problem(404, "not_found");

    let decided = sale.decide("accept").await.expect(200).clone();
    assert_eq!((&decided["state"], &decided["payment"]["state"]), (&json!("paid"), &json!("captured")));
    assert_eq!(sale.decide("accept").await.expect(200), &decided, "a repeat changes nothing");
    sale.decide("refund").await.expect_problem(409, "wrong_state");
    let reference = sale.references().await.remove(0);
    sale.post_payment_succeeded(&reference, 1749).await.expect(200);
    assert_eq!(
        sale.shop.operator().await.get("/v1/admin/payments?state=amount_mismatch").await.json["items"],
        json!([])
    );
    sale.step("accept").await.expect(200);
    // No more is refunded than was captured.
    sale.step("decline").await.expect(200);
    assert_eq!(sale.seen().await["refunds"][0]["amount"]["amount"], "17.49");
}

#[tokio::test]
async fn the_operator_refunds_an_amount_mismatch() {
    let sale = Sale::of_one().await;
    sale.act("wrong_amount").await;
    let decided = sale.decide("refund").await.expect(200).clone();
    assert_eq!(
        (&decided["state"], &decided["payment"]["state"]),
        (&json!("awaiting_payment"), &json!("amount_mismatch"))
    );
    assert_eq!(sale.decide("refund").await.expect(200), &decided, "a repeat changes nothing");
    sale.decide("accept").await.expect_problem(409, "wrong_state");
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!((&seen["payment"]["state"], &seen["refunds"][0]["state"]), (&json!("refunded"), &json!("succeeded")));
    assert_eq!(seen["refunds"][0]["amount"]["amount"], "17.49");
    assert_eq!(sale.mail().len(), 1, "{:?}", sale.mail());

    // The order still waits, and is paid by another attempt.
    let again = sale.reader.clone().with("idempotency-key", "again");
    again.post(&format!("/v1/orders/{}/payments", sale.id), &json!({"provider": "stripe"})).await.expect(201);
    sale.act("succeed").await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], seen["refunds"].as_array().map(Vec::len)), (&json!("paid"), Some(1)));
}

#[tokio::test]
async fn an_amount_mismatch_can_be_accepted_after_expiry_if_there_is_stock() {
    let sale = Sale::of_one().await;
    sale.act("wrong_amount").await;
    sale.expires().await;
    assert_eq!(sale.stock().await, (5, 0, 5));
    sale.adjust(-5).await;
    sale.decide("accept").await.expect_problem(409, "out_of_stock");
    sale.adjust(2).await;
    assert_eq!(sale.decide("accept").await.expect(200)["state"], "paid");
    assert_eq!(sale.stock().await, (2, 1, 1));
}

#[tokio::test]
async fn the_operator_cancels_what_one_of_two_vendors_never_ships() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let scarf = shop.vendor("silk").await.product("scarf").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1), (&scarf, 2)]).await;
    let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let vendor_orders = order["vendors"].as_array().expect("vendor orders").clone();
    let of = |product: &Product| {
        let found = vendor_orders.iter().find(|vendor_order| vendor_order["vendor"]["id"] == json!(product.vendor.id));
        text(&found.expect("a vendor order")["id"])
    };
    for step in ["accept", "ship"] {
        bowl.vendor.client.post(&format!("/v1/vendor/orders/{}/{step}", of(&bowl)), &json!({})).await.expect(200);
    }
    let path = format!("/v1/admin/orders/{}/cancel", text(&order["id"]));
    let ended = shop.operator().await.post(&path, &json!({})).await.expect(200).clone();
    assert_eq!(ended["state"], "confirmed", "one parcel is on its way");
    assert_eq!(shop.operator().await.post(&path, &json!({})).await.expect(200), &ended, "a repeat changes nothing");
    assert_eq!((bowl.stock().await, scarf.stock().await), ((4, 0, 4), (5, 0, 5)));

    // A vendor whose vendor order is cancelled does not see the address.
    let own = scarf.vendor.client.get(&format!("/v1/vendor/orders/{}", of(&scarf))).await.expect(200).clone();
    assert_eq!((&own["state"], own["address"].is_null()), (&json!("cancelled"), true));
    let sent = bowl.vendor.client.get(&format!("/v1/vendor/orders/{}", of(&bowl))).await.expect(200).clone();
    assert!(sent["address"].is_object());

    bowl.vendor.client.post(&format!("/v1/vendor/orders/{}/deliver", of(&bowl)), &json!({})).await.expect(200);
    let seen = reader.get(&format!("/v1/orders/{}", text(&order["id"]))).await.expect(200).clone();
    assert_eq!((&seen["state"], &seen["payment"]["state"]), (&json!("paid"), &json!("captured")));
    shop.operator().await.post(&path, &json!({})).await.expect(200);
}

#[tokio::test]
async fn the_operator_cancels_a_paid_order_and_it_is_refunded() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    let ended = sale.operator_posts("cancel", &json!({})).await.expect(200).clone();
    assert_eq!((&ended["state"], &ended["refunds"][0]["amount"]["amount"]), (&json!("cancelled"), &json!("17.50")));
    assert_eq!(sale.operator_posts("cancel", &json!({})).await.expect(200), &ended);
    assert_eq!(sale.stock().await, (5, 0, 5));
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(sale.seen().await["payment"]["state"], "refunded");

    // The payment attempt of an unpaid order is cancelled at the provider.
    let sale = Sale::of_one().await;
    assert_eq!(sale.operator_posts("cancel", &json!({})).await.expect(200)["payment"]["state"], "cancelled");
    let sale = Sale::of_one().await;
    sale.expires().await;
    sale.operator_posts("cancel", &json!({})).await.expect_problem(409, "wrong_state");
}

#[tokio::test]
async fn an_overpayment_is_refunded_with_the_rest_when_the_order_is_cancelled() {
    let sale = Sale::of_one().await;
    let reference = sale.references().await.remove(0);
    sale.post_payment_succeeded(&reference, 1_800).await.expect(200);
    sale.decide("accept").await.expect(200);
    let ended = sale.operator_posts("cancel", &json!({})).await.expect(200).clone();
    let back: Vec<&str> = ended["refunds"]
        .as_array()
        .expect("refunds")
        .iter()
        .map(|refund| refund["amount"]["amount"].as_str().expect("an amount"))
        .collect();
    assert_eq!(back, ["18.00"], "one refund for one decision: {ended}");
}

#[tokio::test]
async fn an_amount_mismatch_refunded_elsewhere_cannot_be_refunded_again() {
    let sale = Sale::of_one().await;
    let reference = sale.references().await.remove(0);
    sale.post_payment_succeeded(&reference, 1_700).await.expect(200);
    let refund = json!({
        "id": "re_hand", "object": "refund", "amount": 1_700, "charge": "ch_1", "currency": "usd", "metadata": {},
        "payment_intent": reference, "status": "pending",
    });
    sale.post_webhook("refund.created", refund).await.expect(200);
    sale.decide("refund").await.expect_problem(409, "wrong_state");
    assert_eq!(sale.seen().await["refunds"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_key_used_for_another_order_cancels_no_payment() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let sale = Sale::of(shop, bowl, 1).await;
    let other = sale.shop.guest().await.takes(&[(&sale.bowl, 1)]).await;
    let other = other.checks_out("stripe", "once").await.expect(201).clone();
    let operator = sale.shop.operator().await.with("idempotency-key", "off");
    let path = |id: &str| format!("/v1/admin/orders/{id}/cancel");
    operator.post(&path(&text(&other["id"])), &json!({})).await.expect(200);
    operator.post(&path(&sale.id), &json!({})).await.expect_problem(409, "idempotency_key_reused");
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "paid", "its payment was still open");
}
