//! Attempts that may still bring money although their orders do not wait for them: they are followed until they cannot.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use serde_json::{Value, json};

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, text};

const HOUR: Duration = Duration::from_secs(3600);

/// A sale with two attempts, the first of which could not be cancelled: the provider refuses every cancellation.
async fn with_two_attempts() -> Sale {
    let sale = Sale::of_one().await;
    let fault = Fault { every: true, ..Fault::nth("stripe", "CancelPaymentIntent", 1, Kind::Before) };
    sale.shop.cloud.services().faults.add(fault);
    let client = sale.reader.clone().with("idempotency-key", "second");
    let path = format!("/v1/orders/{}/payments", sale.id);
    client.post(&path, &json!({"provider": "stripe"})).await.expect(201);
    sale
}

/// The states at Stripe of the order's intents, oldest first.
async fn at_stripe(sale: &Sale) -> Vec<String> {
    let path = format!("/_local/pay/stripe/orders/{}", sale.id);
    let shown = sale.shop.anon().get(&path).await.expect(200).clone();
    let mut intents = shown["intents"].as_array().expect("intents").clone();
    intents.reverse();
    intents.iter().map(|intent| text(&intent["status"])).collect()
}

async fn attempts(sale: &Sale) -> Vec<String> {
    let seen: Value = sale.seen_by_operator().await;
    let payments = seen["payments"].as_array().expect("payments").iter();
    let mut states: Vec<String> = payments.map(|payment| text(&payment["state"])).collect();
    // Those of one millisecond are in no order.
    states.sort();
    states
}

#[tokio::test]
async fn an_attempt_that_could_not_be_cancelled_is_closed_after_another_one_has_paid() {
    let sale = with_two_attempts().await;
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "paid");
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(at_stripe(&sale).await, ["requires_payment_method", "succeeded"]);
    // The vendor goes on meanwhile.
    sale.step("accept").await.expect(200);
    // Its provider is asked ever more seldom.
    let faults = &sale.shop.cloud.services().faults;
    faults.record();
    for _ in 0..48 {
        sale.shop.advance(HOUR / 2).await;
    }
    let asked = faults.recorded().iter().filter(|call| call.operation == "CancelPaymentIntent").count();
    assert!((6..=14).contains(&asked), "{asked} calls in a day");

    faults.clear();
    for _ in 0..7 {
        sale.shop.advance(HOUR).await;
    }
    assert_eq!(at_stripe(&sale).await, ["canceled", "succeeded"]);
    assert_eq!(attempts(&sale).await, ["cancelled", "captured"]);
    faults.record();
    for _ in 0..24 {
        sale.shop.advance(HOUR).await;
    }
    assert!(faults.recorded().iter().all(|call| call.service != "stripe"), "it cannot be paid any more");
    assert_eq!(sale.seen().await["state"], "paid");
}

#[tokio::test]
async fn a_followed_attempt_that_is_paid_is_refunded_also_without_a_webhook() {
    let sale = with_two_attempts().await;
    sale.act("succeed_twice").await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen_by_operator().await;
    assert_eq!((&seen["state"], seen["refunds"].as_array().map(Vec::len)), (&json!("paid"), Some(1)));

    let sale = with_two_attempts().await;
    sale.act("succeed").await;
    sale.shop.hold_webhooks(true).await;
    sale.act("succeed_twice").await;
    sale.shop.cloud.services().faults.clear();
    for _ in 0..3 {
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    }
    let seen = sale.seen_by_operator().await;
    assert_eq!((&seen["state"], &seen["refunds"][0]["reason"]), (&json!("paid"), &json!("duplicate")));
    assert_eq!(seen["refunds"][0]["state"], "succeeded");
}

#[tokio::test]
async fn an_attempt_that_cannot_be_cancelled_keeps_nobody_from_cancelling_a_paid_order() {
    let sale = with_two_attempts().await;
    sale.act("succeed").await;
    let cancel = format!("/v1/orders/{}/cancel", sale.id);
    assert_eq!(sale.reader.post(&cancel, &json!({})).await.expect(200)["state"], "cancelled");
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(at_stripe(&sale).await, ["requires_payment_method", "succeeded"]);
    sale.shop.cloud.services().faults.clear();
    for _ in 0..3 {
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    }
    assert_eq!(at_stripe(&sale).await, ["canceled", "succeeded"], "and nobody pays an order that is over");
}
