//! Payment attempts: how many of them may bring money, what each sends to its provider, and those that are given up.

use cloud::faults::{Fault, Kind};
use serde_json::{Value, json};

use crate::shop::sale::{PAST_PAYMENT_DEADLINE, Sale, text};
use crate::shop::{Answer, Shop};

impl Sale {
    async fn retries(&self, key: &str) -> Answer {
        let client = self.reader.clone().with("idempotency-key", key);
        client.post(&format!("/v1/orders/{}/payments", self.id), &json!({"provider": "stripe"})).await
    }

    /// The intents of the order at Stripe, newest first.
    async fn intents(&self) -> Vec<Value> {
        let path = format!("/_local/pay/stripe/orders/{}", self.id);
        self.shop.anon().get(&path).await.expect(200)["intents"].as_array().expect("intents").clone()
    }
}

/// The next payment that is created at Stripe fails there, and Stripe stores the failure under its idempotency key.
async fn breaks(shop: &Shop, after: bool) {
    let order = json!({"on": "CreatePaymentIntent", "after": after});
    shop.anon().post("/_local/pay/stripe/errors", &order).await.expect(200);
}

fn action(answer: &Answer) -> String {
    text(&answer.expect(201)["payment"]["action"]["type"])
}

#[tokio::test]
async fn three_attempts_may_bring_money_and_a_fourth_is_refused_until_one_is_closed() {
    let sale = Sale::of_one().await;
    let faults = &sale.shop.cloud.services().faults;
    // The provider keeps silent about cancellations, so that every attempt may still be paid.
    faults.add(Fault { every: true, ..Fault::nth("stripe", "CancelPaymentIntent", 1, Kind::Before) });
    for key in ["second", "third"] {
        assert_eq!(action(&sale.retries(key).await), "client_secret");
    }
    let before = sale.seen_by_operator().await;
    sale.retries("fourth").await.expect_problem(409, "limit_reached");
    sale.retries("fifth").await.expect_problem(409, "limit_reached");
    assert_eq!(sale.seen_by_operator().await, before);
    assert_eq!(sale.intents().await.len(), 3);

    faults.clear();
    assert_eq!(action(&sale.retries("sixth").await), "client_secret");
    let payments = sale.seen_by_operator().await["payments"].clone();
    let mut states: Vec<String> =
        payments.as_array().expect("payments").iter().map(|payment| text(&payment["state"])).collect();
    states.sort();
    assert_eq!(states, ["cancelled", "cancelled", "cancelled", "pending"], "the closed ones do not count");
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "paid");
}

#[tokio::test]
async fn a_declined_attempt_counts_as_long_as_its_provider_has_not_closed_it() {
    let sale = Sale::of_one().await;
    for key in ["second", "third", "fourth", "fifth"] {
        // Another card may still pay it; the next attempt closes it.
        sale.act("fail").await;
        assert_eq!(action(&sale.retries(key).await), "client_secret");
    }
    let open = sale.intents().await.iter().filter(|intent| intent["status"] != "canceled").count();
    assert_eq!(open, 1);
}

#[tokio::test]
async fn an_order_has_at_most_twenty_attempts_whatever_became_of_them() {
    let sale = Sale::of_one().await;
    sale.shop
        .cloud
        .services()
        .faults
        .add(Fault { every: true, ..Fault::nth("stripe", "CreatePaymentIntent", 1, Kind::Before) });
    let mut answers = Vec::new();
    for number in 0..20 {
        answers.push(sale.retries(&format!("key-{number}")).await);
    }
    let opened = answers.iter().filter(|answer| answer.status == 201).count();
    let (last, limited) = (answers.pop().expect("an answer"), answers.iter().all(|answer| answer.status == 201));
    assert_eq!((opened, limited), (19, true), "attempts that nobody can pay do not count as open");
    last.expect_problem(429, "too_many_requests");
}

#[tokio::test]
async fn an_attempt_whose_opening_failed_at_stripe_is_replaced_at_once_by_one_under_another_key() {
    for after in [false, true] {
        let shop = Shop::open().await;
        let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
        breaks(&shop, after).await;
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        let total = guest.seen().await["totals"]["total"].clone();
        let placed = guest.checks_out_for("stripe", "once", &total).await;
        assert_eq!(action(&placed), "client_secret", "another key, though the first is spent");
        let again = guest.checks_out_for("stripe", "once", &total).await;
        assert_eq!(again.expect(201)["payment"], placed.json["payment"], "a repeat makes no third one");
        let reader = shop.anon().with("order-token", text(&placed.json["token"]));
        let sale = Sale { id: text(&placed.json["id"]), email: guest.email, reader, shop, bowl };
        let payments = sale.seen_by_operator().await["payments"].clone();
        let payments = payments.as_array().expect("payments").iter();
        let mut states: Vec<String> = payments.map(|payment| text(&payment["state"])).collect();
        states.sort();
        assert_eq!(states, ["failed", "pending"]);
        assert_eq!(sale.intents().await.len(), 1 + usize::from(after));

        // The same when another attempt is opened.
        breaks(&sale.shop, after).await;
        assert_eq!(action(&sale.retries("another").await), "client_secret");
        sale.act("succeed").await;
        assert_eq!(sale.seen().await["state"], "paid");
    }
}

#[tokio::test]
async fn a_provider_that_fails_twice_is_tried_again_when_the_buyer_asks_for_it() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    breaks(&shop, false).await;
    breaks(&shop, true).await;
    let sale = Sale::of(shop, bowl, 1).await;
    let seen = sale.seen().await;
    assert_eq!([&seen["state"], &seen["payment"]["state"]].map(text), ["awaiting_payment", "failed"]);
    assert_eq!(seen["payment"]["action"]["type"], "retry");
    assert_eq!(action(&sale.retries("again").await), "client_secret");
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "paid");
}

#[tokio::test]
async fn an_attempt_that_nobody_was_given_blocks_no_cancellation_and_holds_no_stock() {
    // Given up, or never answered.
    for fails in [true, false] {
        let sold = async |units| {
            let shop = Shop::open().await;
            let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
            let down = |operation| Fault { every: true, ..Fault::nth("stripe", operation, 1, Kind::Before) };
            if fails {
                breaks(&shop, true).await;
                breaks(&shop, false).await;
            } else {
                shop.cloud.services().faults.add(down("CreatePaymentIntent"));
            }
            let sale = Sale::of(shop, bowl, units).await;
            // From now on the provider does not answer at all.
            sale.shop.cloud.services().faults.add(down("*"));
            assert_eq!(sale.stock().await, (5, i64::from(units), 5 - i64::from(units)));
            sale
        };
        let cancelled = sold(1).await;
        let cancel = format!("/v1/orders/{}/cancel", cancelled.id);
        assert_eq!(cancelled.reader.post(&cancel, &json!({})).await.expect(200)["state"], "cancelled");
        assert_eq!(cancelled.stock().await, (5, 0, 5));

        let expired = sold(2).await;
        expired.shop.advance(PAST_PAYMENT_DEADLINE).await;
        assert_eq!(expired.seen().await["state"], "expired");
        assert_eq!(expired.stock().await, (5, 0, 5));
    }
}

#[tokio::test]
async fn a_crash_after_a_failure_at_stripe_leaves_an_attempt_that_can_be_cancelled() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    breaks(&shop, false).await;
    // The answer is there, and the function dies before it has stored what came of it.
    let route = Some("POST /v1/checkout".to_owned());
    shop.cloud
        .services()
        .faults
        .add(Fault { route, ..Fault::nth("dynamodb", "TransactWriteItems", 2, Kind::CrashBefore) });
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let total = guest.seen().await["totals"]["total"].clone();
    assert_eq!(guest.checks_out_for("stripe", "once", &total).await.status, 500, "the function has died");
    let orders = shop.operator().await.get("/v1/admin/orders").await.expect(200)["items"].clone();
    let cancel = format!("/v1/admin/orders/{}/cancel", text(&orders[0]["id"]));
    assert_eq!(shop.operator().await.post(&cancel, &json!({})).await.expect(200)["state"], "cancelled");
    assert_eq!(bowl.stock().await, (5, 0, 5));
}

#[tokio::test]
async fn what_an_attempt_sends_names_the_order_and_nobody() {
    let sale = Sale::of_one().await;
    let intent = sale.intents().await.remove(0);
    assert_eq!(intent["description"], format!("Order {}", text(&sale.seen().await["number"])));
    let sent = intent.to_string();
    assert!(!sent.contains(&sale.email) && !sent.contains("Aziza") && !sent.contains("Navoi"), "{sent}");
}

#[tokio::test]
async fn an_amount_that_the_provider_does_not_take_is_refused_before_anything_is_reserved() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").price("200000.00").stock(9).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 5)]).await;
    let refused = guest.checks_out("stripe", "card").await;
    let problem = refused.expect_problem(409, "payment_method_unavailable");
    assert_eq!(problem["detail"], "stripe cannot take 1000005.00 USD: it takes no more than 999999.99 USD");
    assert_eq!(bowl.stock().await, (9, 0, 9));
    let offered = guest.client.get(&guest.path("/payment-methods")).await.expect(200)["items"].clone();
    let offered: Vec<String> = offered.as_array().expect("methods").iter().map(|way| text(&way["provider"])).collect();
    assert_eq!(offered, ["cash_on_delivery"]);
    guest.checks_out("cash_on_delivery", "cash").await.expect(201);
    // One bowl less, and it is taken.
    let smaller = shop.guest().await.takes(&[(&bowl, 4)]).await;
    smaller.checks_out("stripe", "card").await.expect(201);
}

#[tokio::test]
async fn what_is_offered_and_what_checkout_takes_is_the_same_at_each_bound() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let free = json!({"shipping_rates": [{"amount": "0.00", "currency": "USD"}]});
    vendor.client.patch("/v1/vendors/me", &free).await.expect(200);
    for (price, is_taken) in
        [("0.30", false), ("0.49", false), ("0.50", true), ("999999.99", true), ("1000000.00", false)]
    {
        let handle = price.replace('.', "-");
        let bead = vendor.product(&handle).price(price).stock(2).publish().await;
        let guest = shop.guest().await.takes(&[(&bead, 1)]).await;
        let offered = guest.client.get(&guest.path("/payment-methods")).await.expect(200)["items"].clone();
        let offered: Vec<String> =
            offered.as_array().expect("methods").iter().map(|way| text(&way["provider"])).collect();
        assert_eq!(offered.contains(&"stripe".to_owned()), is_taken, "{price}: {offered:?}");
        let card = guest.checks_out("stripe", "card").await;
        if is_taken {
            assert_eq!(card.expect(201)["payment"]["action"]["type"], "client_secret", "{price}");
            continue;
        }
        card.expect_problem(409, "payment_method_unavailable");
        assert_eq!(bead.stock().await, (2, 0, 2), "{price}: nothing is reserved");
    }
}
