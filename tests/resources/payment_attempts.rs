//! Payment attempts: how many of them may bring money, what each sends to its provider, and those that are given up.

use cloud::faults::{Fault, Kind};
use serde_json::{Value, json};

use super::orders::{keys_with, put_stripe_secret};
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, PAST_PAYMENT_DEADLINE, Sale, text};
use crate::shop::{Answer, Guest, Shop};

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

/// Checks a guest's cart out by card, with this return address.
async fn checks_out_to(guest: &Guest, key: &str, return_url: &str) -> Answer {
    let order = json!({
        "cart_id": guest.cart, "email": guest.email, "payment": {"provider": "stripe", "return_url": return_url},
        "expected_total": guest.seen().await["totals"]["total"],
    });
    guest.client.clone().with("idempotency-key", key).post("/v1/checkout", &order).await
}

#[tokio::test]
async fn the_buyers_client_gets_all_that_it_needs_to_pay_and_no_secret_key() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let methods = guest.client.get(&guest.path("/payment-methods")).await.expect(200)["items"].clone();
    assert_eq!(
        methods,
        json!([
            {"provider": "stripe", "name": "Card and wallets", "publishable_key": "pk_test_local"},
            {"provider": "cash_on_delivery", "name": "Cash on delivery"},
        ])
    );
    let back = format!("{}/orders?from=stripe", shop.cloud.services().base_url);
    let placed = checks_out_to(&guest, "once", &back).await;
    let order = placed.expect(201).clone();
    let action = &order["payment"]["action"];
    let intent =
        shop.anon().get(&format!("/_local/pay/stripe/orders/{}", text(&order["id"]))).await.expect(200).clone();
    assert_eq!(
        action,
        &json!({
            "type": "client_secret", "client_secret": intent["intents"][0]["client_secret"],
            "publishable_key": "pk_test_local", "return_url": back,
        })
    );
    // What was frozen is handed out again, whatever a later attempt asks for.
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let shown = reader.get(&format!("/v1/orders/{}", text(&order["id"]))).await;
    assert_eq!(&shown.expect(200)["payment"]["action"], action);
    let asked = json!({"provider": "stripe", "return_url": "http://localhost:5173/again"});
    let path = format!("/v1/orders/{}/payments", text(&order["id"]));
    let retried = reader.clone().with("idempotency-key", "again").post(&path, &asked).await;
    assert_eq!(retried.expect(201)["payment"]["action"]["return_url"], "http://localhost:5173/again");
    for answer in [&placed, &shown, &retried] {
        assert!(!answer.text.contains("sk_test"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_return_address_of_strangers_is_refused_before_anything_is_reserved() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let other_scheme = shop.cloud.services().base_url.replace("http:", "https:");
    for foreign in ["https://evil.test/", "http://localhost:9999/", &other_scheme] {
        let refused = checks_out_to(&guest, "once", foreign).await;
        let problem = refused.expect_problem(400, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/payment/return_url", "{foreign}");
        assert_eq!(problem["errors"][0]["code"], "not_allowed", "{foreign}");
    }
    assert_eq!(bowl.stock().await, (5, 0, 5));
    let order = checks_out_to(&guest, "once", "http://localhost:5173/").await.expect(201).clone();
    let reader = shop.anon().with("order-token", text(&order["token"])).with("idempotency-key", "again");
    let asked = json!({"provider": "stripe", "return_url": "https://evil.test/"});
    let path = format!("/v1/orders/{}/payments", text(&order["id"]));
    let refused = reader.post(&path, &asked).await;
    assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/return_url");
    let seen = shop.operator().await.get(&format!("/v1/admin/orders/{}", text(&order["id"]))).await.expect(200).clone();
    assert_eq!(seen["payments"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn without_a_publishable_key_cards_are_not_offered_and_what_stands_in_its_place_is_shown_to_nobody() {
    let without = r#"{"api_key":"sk_test_local","webhook_secret":{"current":"whsec_local"}}"#.to_owned();
    let misplaced = [
        keys_with("", "sk_test_local", "whsec_local"),
        keys_with("sk_test_local", "sk_test_local", "whsec_local"),
        keys_with("pk_live_1", "sk_test_local", "whsec_local"),
        keys_with("pk_test_local", "pk_test_local", "whsec_local"),
    ];
    for secret in misplaced.iter().chain([&without]) {
        let shop = Shop::open().await;
        put_stripe_secret(&shop, Some(secret));
        let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        let offered = guest.client.get(&guest.path("/payment-methods")).await.expect(200).clone();
        assert_eq!(
            offered,
            json!({"items": [{"provider": "cash_on_delivery", "name": "Cash on delivery"}]}),
            "{secret}"
        );
        let refused = guest.checks_out("stripe", "card").await;
        refused.expect_problem(409, "payment_method_unavailable");
        assert!(!refused.text.contains("sk_") && !refused.text.contains("pk_"), "{}", refused.text);
        assert_eq!(bowl.stock().await, (5, 0, 5), "{secret}");
    }
    // What was opened before the key was lost goes on: it is paid and refunded.
    let sale = Sale::of_one().await;
    put_stripe_secret(&sale.shop, Some(&without));
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "paid");
    sale.step("decline").await.expect(200);
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(sale.seen().await["refunds"][0]["state"], "succeeded");
}
