//! Settlement: early, late, duplicate and missing payments, refunds elsewhere, and refreshing a payment.

use cloud::faults::{Fault, Kind};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, PAST_PAYMENT_DEADLINE, Sale, count, text};
use crate::shop::{Product, Shop};

#[tokio::test]
async fn the_payment_webhook_may_come_before_the_answer_to_checkout() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    // The provider has created the payment, but its response was lost.
    shop.cloud.services().faults.add(Fault::nth("stripe", "CreatePaymentIntent", 1, Kind::After));
    let sale = Sale::of(shop, bowl, 1).await;
    assert_eq!(sale.references().await, Vec::<String>::new());
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "paid");
    assert_eq!(sale.references().await.len(), 1, "the webhook has carried its reference");
    assert_eq!(count(&sale.seen().await, "paid"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_copies_of_a_webhook_pay_once() {
    let sale = Sale::of_one().await;
    let reference = sale.references().await.remove(0);
    let news = (0..8).map(|_| sale.post_payment_succeeded(&reference, 1750));
    for answer in futures_util::future::join_all(news).await {
        answer.expect(200);
    }
    sale.act("succeed_twice").await;
    sale.shop.wait_until_idle().await;
    let seen = sale.seen().await;
    assert_eq!((count(&seen, "paid"), seen["refunds"].is_null()), (1, true));
    assert_eq!(sale.stock().await, (5, 1, 4));
    assert_eq!(sale.mail().len(), 1, "{:?}", sale.mail());
}

#[tokio::test]
async fn a_payment_without_a_webhook_is_found_by_polling() {
    let sale = Sale::of_one().await;
    let faults = &sale.shop.cloud.services().faults;
    faults.add(Fault { every: true, ..Fault::nth("stripe", "Webhook", 1, Kind::Before) });
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "awaiting_payment");
    sale.shop.advance(PAST_PAYMENT_DEADLINE).await;
    let seen = sale.seen().await;
    assert_eq!((text(&seen["state"]), text(&seen["payment"]["state"])), ("paid".to_owned(), "captured".to_owned()));
    assert_eq!(sale.stock().await, (5, 1, 4));
}

#[tokio::test]
async fn an_older_webhook_changes_nothing() {
    let sale = Sale::of_one().await;
    let reference = sale.references().await.remove(0);
    sale.act("succeed").await;
    let paid = sale.seen().await;
    for (name, status) in [
        ("payment_intent.processing", "processing"),
        ("payment_intent.payment_failed", "requires_payment_method"),
        ("payment_intent.canceled", "canceled"),
    ] {
        sale.post_webhook(name, sale.intent(&reference, 1750, status)).await.expect(200);
        assert_eq!(sale.seen().await, paid, "{name}");
    }
}

#[tokio::test]
async fn money_refunded_elsewhere_is_counted() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    let reference = sale.references().await.remove(0);
    let refund = |id: &str, amount: i64, status: &str| {
        json!({
            "id": id, "object": "refund", "amount": amount, "charge": "ch_1", "currency": "usd", "metadata": {},
            "payment_intent": reference, "status": status,
        })
    };
    for (name, status) in
        [("refund.created", "pending"), ("refund.updated", "succeeded"), ("refund.updated", "succeeded")]
    {
        sale.post_webhook(name, refund("re_part", 500, status)).await.expect(200);
    }
    let seen = sale.seen().await;
    assert_eq!(seen["payment"]["state"], "partially_refunded");
    let refunds = seen["refunds"].as_array().expect("refunds");
    assert_eq!(
        (refunds.len(), &refunds[0]["state"], &refunds[0]["reason"]),
        (1, &json!("succeeded"), &json!("refunded_elsewhere"))
    );
    assert_eq!(refunds[0]["amount"]["amount"], "5.00");
    assert!(!seen.to_string().contains("re_part"));
    assert!(sale.seen_by_operator().await["refunds"].to_string().contains("re_part"));

    // Declining after that refunds only what is left.
    sale.step("decline").await.expect(200);
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let refunds = sale.seen().await["refunds"].as_array().expect("refunds").clone();
    let declined = refunds.iter().find(|refund| refund["reason"] == "declined").expect("what the vendor declined");
    let elsewhere = &declined["refunded_elsewhere"]["amount"];
    assert_eq!((&declined["amount"]["amount"], elsewhere), (&json!("17.50"), &json!("5.00")));
    let books = sale.shop.anon().get(&format!("/_local/pay/stripe/orders/{}", sale.id)).await.json.clone();
    assert_eq!(books["refunds"][0]["amount"], 1_250, "only the rest is sent");

    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.act("refund").await;
    let seen = sale.seen().await;
    assert_eq!(
        (&seen["payment"]["state"], &seen["refunds"][0]["amount"]["amount"]),
        (&json!("refunded"), &json!("17.50"))
    );
}

#[tokio::test]
async fn a_returned_refund_is_shown_to_the_operator() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.step("decline").await.expect(200);
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(sale.seen().await["payment"]["state"], "refunded");
    sale.act("fail_refund").await;
    sale.act("fail_refund").await;
    sale.shop.wait_until_idle().await;
    let seen = sale.seen().await;
    assert_eq!(
        (&seen["refunds"][0]["state"], seen["refunds"][0]["returned_at"].is_string()),
        (&json!("succeeded"), true)
    );
    assert_eq!(count(&seen, "refund_returned"), 1);
    let operator = sale.shop.operator().await;
    let failed = operator.get("/v1/admin/refunds/failed").await.expect(200).clone();
    assert_eq!((failed["items"].as_array().map(Vec::len), &failed["items"][0]["order_id"]), (Some(1), &json!(sale.id)));
    assert!(failed["items"][0]["reference"].is_string());
    assert_eq!(sale.operators_mail().len(), 1);
}

#[tokio::test]
async fn a_late_payment_takes_stock_from_another_shard() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(1).shards(2).publish().await;
    let sale = Sale::of(shop, bowl, 1).await;
    let reference = sale.references().await.remove(0);
    sale.expires().await;
    // Adds a unit to the other shard, and takes one from the first: the unit left is not where the order took it from.
    sale.adjust(1).await;
    sale.adjust(-1).await;
    sale.post_payment_succeeded(&reference, 1750).await.expect(200);
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], &seen["vendors"][0]["state"]), (&json!("paid"), &json!("pending")));
    assert_eq!(sale.stock().await, (1, 1, 0));
    // Declining releases the unit to the shard that it was taken from.
    sale.step("decline").await.expect(200);
    assert_eq!(sale.stock().await, (1, 0, 1));
}

#[tokio::test]
async fn a_late_payment_without_stock_is_refunded_and_the_buyer_is_notified() {
    let sale = Sale::of_one().await;
    let reference = sale.references().await.remove(0);
    sale.expires().await;
    sale.adjust(-5).await;
    sale.post_payment_succeeded(&reference, 1750).await.expect(200);
    sale.post_payment_succeeded(&reference, 1750).await.expect(200);
    sale.shop.wait_until_idle().await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], seen["refunds"].as_array().map(Vec::len)), (&json!("expired"), Some(1)));
    assert_eq!(
        (&seen["refunds"][0]["reason"], &seen["refunds"][0]["amount"]["amount"]),
        (&json!("late"), &json!("17.50"))
    );
    assert!(sale.mail()[0].contains("your money goes back"), "{:?}", sale.mail());
    assert_eq!(sale.stock().await, (0, 0, 0));
}

#[tokio::test]
async fn a_duplicate_payment_is_refunded_and_the_operator_sees_both_attempts() {
    let sale = Sale::of_one().await;
    // The first attempt cannot be cancelled when the second is opened, and both are paid.
    let down = Fault { every: true, ..Fault::nth("stripe", "CancelPaymentIntent", 1, Kind::Before) };
    sale.shop.cloud.services().faults.add(down);
    let again = sale.reader.clone().with("idempotency-key", "again");
    again.post(&format!("/v1/orders/{}/payments", sale.id), &json!({"provider": "stripe"})).await.expect(201);
    sale.shop.cloud.services().faults.clear();
    sale.act("succeed_twice").await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen_by_operator().await;
    let states: Vec<String> =
        seen["payments"].as_array().expect("payments").iter().map(|payment| text(&payment["state"])).collect();
    let mut sorted = states.clone();
    sorted.sort();
    assert_eq!((&seen["state"], sorted), (&json!("paid"), vec!["captured".to_owned(), "refunded".to_owned()]));
    assert_eq!(seen["refunds"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&seen["refunds"][0]["reason"], &seen["refunds"][0]["state"]),
        (&json!("duplicate"), &json!("succeeded"))
    );
}

#[tokio::test]
async fn the_state_machines_are_served_as_data() {
    let shop = Shop::open().await;
    let served = shop.anon().get("/v1/states").await;
    let machines = served.expect(200)["items"].as_array().expect("machines").clone();
    let names: Vec<String> = machines.iter().map(|machine| text(&machine["name"])).collect();
    assert_eq!(names.join(" "), "order vendor_order payment dispute unmatched_payment refund parcel return vendor");
    let dispute = &machines[3];
    assert_eq!((&dispute["initial"], &dispute["final"]), (&json!(["opened"]), &json!(["lost"])));
    assert_eq!(dispute["transitions"][0], json!({"from": "opened", "step": "won", "to": "won"}));
    assert!(!served.header("etag").is_empty() && served.header("cache-control").contains("s-maxage"));
    let again = shop.anon().with("if-none-match", served.header("etag")).get("/v1/states").await;
    assert_eq!(again.status, 304);
}

/// Refreshes the payment, as a client does when the buyer returns from the provider.
async fn refresh_payment(sale: &Sale) -> Value {
    sale.reader.post(&format!("/v1/orders/{}/settle", sale.id), &json!({})).await.expect(200).clone()
}

#[tokio::test]
async fn refreshing_the_payment_before_the_webhook_shows_the_order_paid() {
    let sale = Sale::of_one().await;
    sale.shop.hold_webhooks(true).await;
    assert_eq!(refresh_payment(&sale).await["state"], "awaiting_payment", "not paid yet");
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "awaiting_payment", "the webhook is held back");
    assert_eq!(refresh_payment(&sale).await["state"], "paid");
    sale.shop.hold_webhooks(false).await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!((count(&seen, "paid"), seen["refunds"].is_null(), sale.stock().await), (1, true, (5, 1, 4)));
    assert_eq!(sale.mail().len(), 1, "{:?}", sale.mail());
}

#[tokio::test]
async fn refreshing_the_payment_after_the_webhook_changes_nothing() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.shop.wait_until_idle().await;
    let before = sale.seen().await;
    // The provider is not asked about a payment that is known to be captured.
    let down = Fault { every: true, ..Fault::nth("stripe", "*", 1, Kind::Before) };
    sale.shop.cloud.services().faults.add(down);
    assert_eq!(refresh_payment(&sale).await, before);
    assert!(sale.shop.cloud.services().faults.triggered().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refreshing_the_payment_beside_the_webhook_pays_once() {
    let sale = Sale::of_one().await;
    let reference = sale.references().await.remove(0);
    sale.shop.hold_webhooks(true).await;
    sale.act("succeed").await;
    let (webhooks, back) = (0..4)
        .map(|_| (sale.post_payment_succeeded(&reference, 1_750), refresh_payment(&sale)))
        .unzip::<_, _, Vec<_>, Vec<_>>();
    let (webhooks, back) = tokio::join!(join_all(webhooks), join_all(back));
    for answer in webhooks {
        answer.expect(200);
    }
    assert!(back.iter().all(|order| order["state"] == "paid"), "whichever request came first");
    sale.shop.wait_until_idle().await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], count(&seen, "paid"), seen["refunds"].is_null()), (&json!("paid"), 1, true));
    assert_eq!((sale.stock().await, sale.mail().len()), ((5, 1, 4), 1));
}

#[tokio::test]
async fn refreshing_the_payment_while_the_provider_is_down_shows_the_known_state() {
    let sale = Sale::of_one().await;
    let down = Fault { every: true, ..Fault::nth("stripe", "RetrievePaymentIntent", 1, Kind::Before) };
    sale.shop.cloud.services().faults.add(down);
    assert_eq!(refresh_payment(&sale).await["state"], "awaiting_payment");
    assert!(!sale.shop.cloud.services().faults.triggered().is_empty());
}

#[tokio::test]
async fn a_late_payment_takes_stock_from_more_shards_than_a_transaction_holds() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let variant = json!({"shards": 32, "on_hand": 0, "prices": [{"amount": "12.50", "currency": "USD"}]});
    let mut products = Vec::new();
    for name in ["bowl", "cup", "jug", "mug"] {
        let built = vendor.product(name).set("variants", json!([variant]));
        let product = built.publish().await;
        let path = format!("/v1/vendor/products/{}/variants/{}/stock", product.id, product.variant);
        // Units in each shard, so that an order of all units is allocated over all shards.
        vendor.client.put(&path, &json!({"on_hand": 64})).await.expect(200);
        products.push(product);
    }
    shop.wait_until_idle().await;
    let lines: Vec<(&Product, u32)> = products.iter().map(|product| (product, 64)).collect();
    let guest = shop.guest().await.takes(&lines).await;
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    let id = text(&order["id"]);
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let sale = Sale { shop, bowl: products[0].clone(), id, email: guest.email.clone(), reader };
    let reference = sale.references().await.remove(0);
    sale.expires().await;
    // Rebalances to one shard and back, so that the units are in other shards than the order was consolidated in.
    let client = sale.shop.sign_in("ceramics@people.test").await;
    for product in &products {
        let path = format!("/v1/vendor/products/{}/variants/{}/stock", product.id, product.variant);
        for shards in [1, 32] {
            client.put(&path, &json!({"shards": shards})).await.expect(200);
        }
    }
    let minor: i64 = 4 * 64 * 1_250 + 500;
    sale.post_payment_succeeded(&reference, minor).await.expect(200);
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], seen["refunds"].is_null()), (&json!("paid"), true), "{seen}");
}
