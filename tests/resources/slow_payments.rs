//! Slow payment methods: a bank decides after days, and nobody can stop it meanwhile. Which kinds of methods are
//! offered is a setting.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, PAST_PAYMENT_DEADLINE, Sale, text};
use crate::shop::{Answer, Shop};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A sale in a shop that takes bank debits, and gives banks five days.
async fn sale() -> Sale {
    let shop = Shop::open().await;
    let set = shop.operator().await.with("if-match", "*");
    let kinds = json!({"kinds": ["card", "ach_debit", "sepa_debit"]});
    set.put("/v1/admin/settings/payment-methods/kinds", &kinds).await.expect(200);
    set.put("/v1/admin/settings/deadlines/slow-payment", &json!({"seconds": 5 * 86_400})).await.expect(200);
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    Sale::of(shop, bowl, 1).await
}

impl Sale {
    async fn intent_at_stripe(&self) -> Value {
        let path = format!("/_local/pay/stripe/orders/{}", self.id);
        self.shop.anon().get(&path).await.expect(200)["intents"][0].clone()
    }

    async fn cancels_it(&self) -> Answer {
        self.reader.post(&format!("/v1/orders/{}/cancel", self.id), &json!({})).await
    }

    async fn pays_again(&self, key: &str) -> Answer {
        let client = self.reader.clone().with("idempotency-key", key);
        client.post(&format!("/v1/orders/{}/payments", self.id), &json!({"provider": "stripe"})).await
    }

    /// Lets this time pass in hours, and counts the calls to Stripe meanwhile.
    async fn calls_within(&self, time: Duration) -> usize {
        let faults = &self.shop.cloud.services().faults;
        faults.record();
        for _ in 0..time.as_secs() / HOUR.as_secs() {
            self.shop.advance(HOUR).await;
        }
        faults.recorded().iter().filter(|call| call.service == "stripe" && call.operation != "Webhook").count()
    }
}

#[tokio::test]
async fn what_a_payment_can_be_paid_with_is_a_setting_and_not_the_dashboards() {
    let cards = Sale::of_one().await;
    let intent = cards.intent_at_stripe().await;
    assert_eq!(
        (&intent["payment_method_types"], &intent["automatic_payment_methods"]),
        (&json!(["card"]), &Value::Null)
    );
    // Only what takes the order's currency.
    let intent = sale().await.intent_at_stripe().await;
    assert_eq!(intent["payment_method_types"], json!(["card", "us_bank_account"]));
}

#[tokio::test]
async fn an_order_waits_for_the_bank_and_whoever_asks_is_told_until_when() {
    let sale = sale().await;
    sale.act("process").await;
    let until = sale.shop.cloud.now() + 5 * DAY;
    let seen = sale.seen().await;
    assert_eq!((&seen["payment"]["processing_until"], &seen["expires_at"]), (&json!(until), &json!(until)));
    for answer in [sale.cancels_it().await, sale.pays_again("second").await] {
        let problem = answer.expect_problem(409, "wrong_state");
        let detail = text(&problem["detail"]);
        assert!(
            detail.contains(&format!("the buyer's bank is still deciding on the payment, until {until}")),
            "{detail}"
        );
    }
    sale.shop.advance(PAST_PAYMENT_DEADLINE).await;
    assert_eq!((&sale.seen().await["state"], sale.stock().await), (&json!("awaiting_payment"), (5, 1, 4)));
    let calls = sale.calls_within(3 * DAY).await;
    assert!((4..=16).contains(&calls), "{calls} calls in three days");
    sale.act("succeed").await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], &seen["payment"]["processing_until"]), (&json!("paid"), &Value::Null));
    assert_eq!(sale.stock().await, (5, 1, 4));
}

#[tokio::test]
async fn what_a_bank_decides_is_found_without_a_webhook() {
    let sale = sale().await;
    sale.shop.hold_webhooks(true).await;
    sale.act("process").await;
    // That a bank decides is news to the shop: it is found out at the deadline at the latest.
    sale.shop.advance(PAST_PAYMENT_DEADLINE).await;
    let seen = sale.seen().await;
    assert_eq!(seen["state"], "awaiting_payment");
    assert!(seen["payment"]["processing_until"].is_string(), "{seen}");
    sale.calls_within(2 * DAY).await;
    sale.act("succeed").await;
    sale.calls_within(7 * HOUR).await;
    assert_eq!(sale.seen().await["state"], "paid");
}

#[tokio::test]
async fn an_order_whose_bank_refuses_can_be_paid_again_or_expires() {
    for pays in [true, false] {
        let sale = sale().await;
        sale.act("process").await;
        sale.calls_within(2 * DAY).await;
        sale.act("fail").await;
        let seen = sale.seen().await;
        assert_eq!([&seen["state"], &seen["payment"]["state"]].map(text), ["awaiting_payment", "failed"]);
        assert_eq!(seen["expires_at"], json!(sale.shop.cloud.now() + Duration::from_secs(15 * 60)));
        if pays {
            sale.pays_again("second").await.expect(201);
            sale.act("succeed").await;
            assert_eq!(sale.seen().await["state"], "paid");
        } else {
            sale.shop.advance(PAST_PAYMENT_DEADLINE).await;
            assert_eq!((&sale.seen().await["state"], sale.stock().await), (&json!("expired"), (5, 0, 5)));
        }
    }
}

#[tokio::test]
async fn a_bank_that_takes_longer_than_it_may_is_asked_seldom_and_its_money_still_pays() {
    for pays in [true, false] {
        let sale = sale().await;
        sale.act("process").await;
        sale.calls_within(5 * DAY + HOUR).await;
        assert_eq!(sale.seen().await["state"], "awaiting_payment", "its money may come at any time");
        let calls = sale.calls_within(2 * DAY).await;
        assert!((6..=20).contains(&calls), "{calls} calls in two days");
        sale.act(if pays { "succeed" } else { "fail" }).await;
        sale.shop.advance(PAST_PAYMENT_DEADLINE).await;
        sale.calls_within(7 * HOUR).await;
        assert_eq!(sale.seen().await["state"], if pays { "paid" } else { "expired" });
    }
}

#[tokio::test]
async fn a_bank_debit_that_was_paid_otherwise_meanwhile_is_refunded_when_it_comes() {
    let sale = sale().await;
    // The first attempt cannot be cancelled, and its bank begins once the second one is there.
    let faults = &sale.shop.cloud.services().faults;
    let fault = cloud::faults::Fault::nth("stripe", "CancelPaymentIntent", 1, cloud::faults::Kind::Before);
    faults.add(cloud::faults::Fault { every: true, ..fault });
    sale.pays_again("second").await.expect(201);
    let shown = sale.shop.anon().get(&format!("/_local/pay/stripe/orders/{}", sale.id)).await.expect(200).clone();
    let first = text(&shown["intents"][1]["id"]);
    let page = format!("/_local/pay/stripe/pay/{first}");
    let press = async |what: &str| {
        let body = format!("do={what}");
        let form = "application/x-www-form-urlencoded";
        sale.shop.anon().send(reqwest::Method::POST, &page, Some(body.into()), form).await;
    };
    press("process").await;
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "paid");
    // The vendor goes on meanwhile.
    sale.step("accept").await.expect(200);
    faults.clear();
    assert!(sale.calls_within(2 * DAY).await <= 24, "a bank that decides is asked seldom");
    press("succeed").await;
    for _ in 0..2 {
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    }
    let seen = sale.seen_by_operator().await;
    assert_eq!((&seen["state"], &seen["refunds"][0]["reason"]), (&json!("paid"), &json!("duplicate")));
}
