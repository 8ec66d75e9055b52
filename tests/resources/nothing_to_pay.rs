//! Orders of nothing to pay: no provider is asked, they are paid when they are placed, and refund nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, events, text};
use crate::shop::{Answer, Client, Guest, Product, Shop};

/// A product that costs nothing, of a vendor who delivers for nothing.
async fn gift(shop: &Shop, handle: &str) -> Product {
    let vendor = shop.vendor(handle).await;
    let free = json!({"shipping_rates": [{"amount": "0.00", "currency": "USD"}]});
    vendor.client.patch("/v1/vendors/me", &free).await.expect(200);
    vendor.product(&format!("{handle}-sample")).price("0.00").stock(5).publish().await
}

/// Checks a guest's cart out for nothing, with this choice of a payment; null is none.
async fn checks_out(guest: &Guest, key: &str, payment: &Value) -> Answer {
    let mut order = json!({
        "cart_id": guest.cart, "email": guest.email, "expected_total": {"amount": "0.00", "currency": "USD"},
    });
    if !payment.is_null() {
        order["payment"] = payment.clone();
    }
    guest.client.clone().with("idempotency-key", key).post("/v1/checkout", &order).await
}

fn reader(shop: &Shop, order: &Value) -> Client {
    shop.anon().with("order-token", text(&order["token"]))
}

#[tokio::test]
async fn an_order_of_nothing_is_paid_when_it_is_placed_whatever_was_chosen() {
    let shop = Shop::open().await;
    let sample = gift(&shop, "ceramics").await;
    let choices = [
        json!(null),
        json!({"provider": "none"}),
        json!({"provider": "stripe"}),
        json!({"provider": "cash_on_delivery"}),
    ];
    for (placed, choice) in (1..).zip(&choices) {
        let guest = shop.guest().await.takes(&[(&sample, 1)]).await;
        let methods = guest.client.get(&guest.path("/payment-methods")).await.expect(200).clone();
        assert_eq!(methods, json!({"items": [{"provider": "none", "name": "Nothing to pay"}]}));
        let order = checks_out(&guest, "once", choice).await.expect(201).clone();
        assert_eq!(order["state"], "paid", "{choice}");
        let payment = &order["payment"];
        assert_eq!(
            json!([payment["provider"], payment["state"], payment["amount"]["amount"], payment["action"]]),
            json!(["none", "captured", "0.00", {"type": "none"}])
        );
        assert_eq!(events(&order), ["placed", "paid"]);
        assert_eq!(sample.stock().await, (5, placed, 5 - placed));
        // A repeat gets the same order, and nothing was asked of Stripe.
        assert_eq!(checks_out(&guest, "once", choice).await.expect(201), &order);
        let books = shop.anon().get(&format!("/_local/pay/stripe/orders/{}", text(&order["id"]))).await;
        assert_eq!(books.json["intents"].as_array().map_or(0, Vec::len), 0, "{}", books.text);
        // Nothing is left to pay.
        let again = reader(&shop, &order).with("idempotency-key", "again");
        let path = format!("/v1/orders/{}/payments", text(&order["id"]));
        for provider in ["stripe", "none"] {
            let refused = again.post(&path, &json!({"provider": provider})).await;
            assert_eq!(refused.status, 409, "{}", refused.text);
        }
        shop.wait_until_idle().await;
        assert_eq!(shop.mail_to(&guest.email).len(), 1);
        assert!(shop.mail_to(&guest.email)[0].ends_with("is confirmed"), "{:?}", shop.mail_to(&guest.email));
    }
    shop.anon().post("/v1/webhooks/none", &json!({})).await.expect_problem(404, "not_found");
    // It is delivered like any other.
    let vendor_order = sample.vendor.newest_order().await.expect("the vendor sees it");
    for step in ["accept", "ship", "deliver"] {
        let path = format!("/v1/vendor/orders/{}/{step}", text(&vendor_order["id"]));
        sample.vendor.client.post(&path, &json!({})).await.expect(200);
    }
    assert_eq!(sample.stock().await, (4, 3, 1));
    // It does not expire.
    shop.advance(Duration::from_secs(16 * 60)).await;
    let paid = shop.operator().await.get("/v1/admin/orders?state=paid").await.expect(200)["items"].clone();
    assert_eq!(paid.as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn what_is_called_off_of_an_order_of_nothing_refunds_nothing() {
    let shop = Shop::open().await;
    let (sample, other) = (gift(&shop, "ceramics").await, gift(&shop, "silk").await);
    for step in ["cancel", "decline", "operator"] {
        let guest = shop.guest().await.takes(&[(&sample, 1), (&other, 1)]).await;
        let order = checks_out(&guest, "once", &json!(null)).await.expect(201).clone();
        let path = format!("/v1/orders/{}", text(&order["id"]));
        match step {
            "cancel" => {
                let cancelled = reader(&shop, &order).post(&format!("{path}/cancel"), &json!({})).await;
                assert_eq!(cancelled.expect(200)["state"], "cancelled");
            }
            "decline" => {
                for product in [&sample, &other] {
                    let own = product.vendor.newest_order().await.expect("the vendor sees it");
                    let path = format!("/v1/vendor/orders/{}/decline", text(&own["id"]));
                    product.vendor.client.post(&path, &json!({})).await.expect(200);
                }
            }
            _ => {
                let path = format!("/v1/admin/orders/{}/cancel", text(&order["id"]));
                shop.operator().await.post(&path, &json!({})).await.expect(200);
            }
        }
        shop.advance(HOUSEKEEPING_INTERVAL).await;
        let seen = reader(&shop, &order).get(&path).await.expect(200).clone();
        assert_eq!((&seen["state"], &seen["payment"]["state"]), (&json!("cancelled"), &json!("captured")), "{step}");
        assert!(seen["refunds"].is_null(), "{step}: {seen}");
        assert_eq!((sample.stock().await, other.stock().await), ((5, 0, 5), (5, 0, 5)), "{step}");
        let messages = shop.cloud.services().mail.messages(Some(&guest.email)).expect("mail can be read");
        let texts: Vec<&String> = messages.iter().map(|stored| &stored.message.text).collect();
        assert!(texts.iter().any(|text| text.contains("No money was taken from you")), "{step}: {texts:?}");
        assert!(!texts.iter().any(|text| text.contains("looking into it")), "{step}: {texts:?}");
    }
    let operator = shop.operator().await;
    let failed = operator.get("/v1/admin/refunds").await.expect(200)["items"].clone();
    assert_eq!(failed, json!([]));
}

#[tokio::test]
async fn a_price_that_falls_to_nothing_is_passed_on_and_something_to_pay_needs_a_payment() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").price("10.00").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let dear = guest.seen().await["totals"]["total"].clone();
    let asked = async |payment: Value| {
        let mut order = json!({"cart_id": guest.cart, "email": guest.email, "expected_total": dear});
        if !payment.is_null() {
            order["payment"] = payment;
        }
        guest.client.clone().with("idempotency-key", "once").post("/v1/checkout", &order).await
    };
    let missing = asked(json!(null)).await;
    assert_eq!(missing.expect_problem(400, "invalid")["errors"][0]["pointer"], "/payment");
    asked(json!({"provider": "none"})).await.expect_problem(409, "payment_method_unavailable");
    assert_eq!(bowl.stock().await, (5, 0, 5));

    let free = json!({"shipping_rates": [{"amount": "0.00", "currency": "USD"}]});
    vendor.client.patch("/v1/vendors/me", &free).await.expect(200);
    let seen = vendor.client.get(&format!("/v1/vendor/products/{}", bowl.id)).await;
    let variant = json!({"id": bowl.variant, "prices": [{"amount": "0.00", "currency": "USD"}]});
    let body = json!({"handle": "bowl", "title": "bowl", "variants": [variant]});
    let client = vendor.client.clone().with("if-match", seen.header("etag"));
    client.put(&format!("/v1/vendor/products/{}", bowl.id), &body).await.expect(200);
    let placed = asked(json!({"provider": "stripe"})).await;
    let order = placed.expect(201);
    assert_eq!((&order["state"], &order["payment"]["provider"]), (&json!("paid"), &json!("none")));
    assert_eq!(order["totals"]["total"]["amount"], "0.00");
}
