//! Orders after checkout: mail, payment attempts, expiry, cancelling, declining and refunds.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use serde_json::{Value, json};

use crate::shop::until;
use crate::shop::{Answer, Client, Guest, Product, Shop, Vendor};

/// One minute longer than an order waits for its payment.
const PAST_PAYMENT_DEADLINE: Duration = Duration::from_secs(16 * 60);
/// One second longer than the interval of housekeeping.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(61);

/// A placed order, with a client that shows its token.
struct Order {
    id: String,
    reader: Client,
}

impl Order {
    fn of(shop: &Shop, placed: &Value) -> Self {
        let text = |name: &str| placed[name].as_str().expect("a text").to_owned();
        Self { id: text("id"), reader: shop.anon().with("order-token", text("token")) }
    }

    async fn placed(shop: &Shop, guest: &Guest) -> Self {
        Self::of(shop, guest.checks_out("stripe", "once").await.expect(201))
    }

    async fn seen(&self) -> Value {
        self.reader.get(&format!("/v1/orders/{}", self.id)).await.expect(200).clone()
    }

    async fn cancel(&self) -> Answer {
        self.reader.post(&format!("/v1/orders/{}/cancel", self.id), &json!({})).await
    }

    async fn retry_payment(&self, key: &str) -> Answer {
        let client = self.reader.clone().with("idempotency-key", key);
        client.post(&format!("/v1/orders/{}/payments", self.id), &json!({"provider": "stripe"})).await
    }

    /// The sandbox's intents and refunds of the order.
    async fn at_stripe(&self, shop: &Shop) -> Value {
        shop.anon().get(&format!("/_local/pay/stripe/orders/{}", self.id)).await.expect(200).clone()
    }
}

/// A vendor with five bowls for 12.50 USD, delivered for 5.00 USD.
async fn bowls(shop: &Shop) -> (Vendor, Product) {
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(5).publish().await;
    (vendor, bowl)
}

/// Signs the vendor in again: an access token expires after fifteen minutes.
async fn signed_in_again(shop: &Shop, product: &mut Product) {
    product.vendor.client = shop.sign_in(&format!("{}@people.test", product.vendor.handle)).await;
}

/// Amount, state and reason of each refund.
fn refunds(order: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let listed = order["refunds"].as_array().cloned().unwrap_or_default();
    listed
        .iter()
        .map(|refund| (text(&refund["amount"]["amount"]), text(&refund["state"]), text(&refund["reason"])))
        .collect()
}

fn refund(amount: &str, state: &str, reason: &str) -> (String, String, String) {
    (amount.to_owned(), state.to_owned(), reason.to_owned())
}

/// Posts Stripe's webhook that an order's first payment has succeeded after all.
async fn late_payment_arrives(shop: &Shop, order: &Order) -> Answer {
    let mut intent = order.at_stripe(shop).await["intents"][0].clone();
    intent["status"] = json!("succeeded");
    intent["amount_received"] = intent["amount"].clone();
    let now = shop.cloud.now();
    let event = json!({
        "id": "evt_late", "object": "event", "api_version": payments::stripe::VERSION, "created": now.seconds(),
        "livemode": false, "type": "payment_intent.succeeded", "data": {"object": intent},
    });
    let signed = payments::stripe::sign(event.to_string().as_bytes(), now, "whsec_local");
    shop.anon().with("stripe-signature", signed).post("/v1/webhooks/stripe", &event).await
}

#[tokio::test]
async fn buyer_and_both_vendors_are_notified_of_a_paid_order_exactly_once() {
    let shop = Shop::open().await;
    let (_, bowl) = bowls(&shop).await;
    let scarf = shop.vendor("silk").await.product("scarf").stock(2).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1), (&scarf, 1)]).await;
    let order = Order::placed(&shop, &guest).await;
    shop.wait_until_idle().await;
    assert!(shop.mail_to(&guest.email).is_empty(), "nobody is notified before the order is paid");
    shop.stripe(&order.id, "succeed_twice").await;
    shop.wait_until_idle().await;
    shop.stripe(&order.id, "succeed").await;
    shop.advance(Duration::from_secs(3600)).await;

    let number = order.seen().await["number"].as_str().expect("a number").to_owned();
    assert_eq!(shop.mail_to(&guest.email), [format!("Order {number} is paid")]);
    for vendor in ["ceramics@people.test", "silk@people.test"] {
        let subjects = shop.mail_to(vendor);
        let subjects = subjects.iter().filter(|subject| subject.contains("order")).collect::<Vec<_>>();
        assert_eq!(subjects, [&format!("New order {number}")], "{vendor}");
    }
}

#[tokio::test]
async fn mail_that_fails_at_first_is_sent_once() {
    let shop = Shop::open().await;
    let (_, bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let order = Order::placed(&shop, &guest).await;
    shop.wait_until_idle().await;
    // The SDK attempts each call three times; then the queue delivers the message again.
    let faults = &shop.cloud.services().faults;
    for nth in 1..=3 {
        faults.add(Fault::nth("ses", "SendEmail", nth, Kind::Before));
    }
    shop.stripe(&order.id, "succeed").await;
    until("three calls have failed", async || faults.triggered().len() == 3).await;
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(shop.mail_to(&guest.email).len(), 1);
    let subjects = shop.mail_to("ceramics@people.test");
    assert_eq!(subjects.iter().filter(|subject| subject.starts_with("New order")).count(), 1);
}

#[tokio::test]
async fn an_order_is_placed_while_its_provider_is_down_and_paid_later() {
    let shop = Shop::open().await;
    let (_, bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let down = Fault { every: true, ..Fault::nth("stripe", "CreatePaymentIntent", 1, Kind::Before) };
    shop.cloud.services().faults.add(down);
    let placed = guest.checks_out("stripe", "once").await;
    assert_eq!(placed.expect(201)["payment"]["action"]["type"], "retry");
    let order = Order::of(&shop, &placed.json);
    assert_eq!(bowl.stock().await, (5, 1, 4));
    assert_eq!(guest.checks_out_for("stripe", "once", &placed.json["totals"]["total"]).await.expect(201), &placed.json);

    let still_down = order.retry_payment("first").await;
    assert_eq!(still_down.expect(201)["payment"]["action"]["type"], "retry");
    shop.cloud.services().faults.clear();
    let up = order.retry_payment("second").await;
    assert_eq!(up.expect(201)["payment"]["action"]["type"], "client_secret");
    assert_eq!(order.retry_payment("second").await.expect(201), up.expect(201), "the same key is the same attempt");
    shop.stripe(&order.id, "succeed").await;
    let seen = order.seen().await;
    assert_eq!((&seen["state"], &seen["payment"]["state"]), (&json!("paid"), &json!("captured")));
    assert_eq!(refunds(&seen), []);
    assert_eq!(bowl.stock().await, (5, 1, 4));
}

fn stripe_keys(api_key: &str, webhook_secret: &str) -> String {
    keys_with("pk_test_local", api_key, webhook_secret)
}

pub(crate) fn keys_with(publishable: &str, api_key: &str, webhook_secret: &str) -> String {
    let webhook_secret = json!({"current": webhook_secret, "previous": null});
    json!({"api_key": api_key, "publishable_key": publishable, "webhook_secret": webhook_secret}).to_string()
}

/// Puts another value into Stripe's secret, or none, before a function has read it.
pub(crate) fn put_stripe_secret(shop: &Shop, value: Option<&str>) {
    let services = shop.cloud.services();
    let secret = services.template.secrets.iter().find(|secret| secret.id == "StripeSecret").expect("a secret");
    assert!(match value {
        Some(value) => services.secrets.replace(&secret.arn, value),
        None => services.secrets.clear(&secret.arn),
    });
}

#[tokio::test]
async fn a_shop_without_keys_takes_no_cards_and_reserves_nothing_for_them() {
    // The secret as a first deployment makes it, and values that are incomplete or malformed.
    let incomplete = [stripe_keys("", ""), String::new(), "sk_live_alone".to_owned(), stripe_keys("sk_live", "")];
    for value in incomplete.iter().map(|value| Some(value.as_str())).chain([None]) {
        let shop = Shop::open().await;
        put_stripe_secret(&shop, value);
        let (_, bowl) = bowls(&shop).await;
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        guest.checks_out("stripe", "card").await.expect_problem(409, "payment_method_unavailable");
        assert_eq!(bowl.stock().await, (5, 0, 5), "{value:?}");
        let cash = guest.checks_out("cash_on_delivery", "cash").await;
        assert_eq!(cash.expect(201)["state"], "confirmed");
    }
}

#[tokio::test]
async fn an_order_whose_payment_was_never_opened_ends_without_the_provider() {
    let shop = Shop::open().await;
    put_stripe_secret(&shop, Some(&stripe_keys("sk_test_revoked", "whsec_local")));
    let (_, mut bowl) = bowls(&shop).await;
    let waits = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let placed = waits.checks_out("stripe", "once").await;
    assert_eq!(placed.expect(201)["payment"]["action"]["type"], "retry");
    let order = Order::of(&shop, &placed.json);
    let gives_up = Order::placed(&shop, &shop.guest().await.takes(&[(&bowl, 2)]).await).await;
    assert_eq!(bowl.stock().await, (5, 3, 2));
    assert_eq!(gives_up.cancel().await.expect(200)["state"], "cancelled");
    assert_eq!(bowl.stock().await, (5, 1, 4));
    shop.advance(PAST_PAYMENT_DEADLINE).await;
    assert_eq!(order.seen().await["state"], "expired");
    signed_in_again(&shop, &mut bowl).await;
    assert_eq!(bowl.stock().await, (5, 0, 5));
}

#[tokio::test]
async fn a_lost_response_of_the_provider_causes_no_second_payment() {
    let shop = Shop::open().await;
    let (_, bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    shop.cloud.services().faults.add(Fault::nth("stripe", "CreatePaymentIntent", 1, Kind::After));
    let placed = guest.checks_out("stripe", "once").await.expect(201).clone();
    let order = Order::of(&shop, &placed);
    if placed["payment"]["action"]["type"] == "retry" {
        order.retry_payment("again").await.expect(201);
    }
    shop.stripe(&order.id, "succeed_twice").await;
    shop.advance(PAST_PAYMENT_DEADLINE).await;
    let seen = order.seen().await;
    assert_eq!(seen["state"], "paid");
    let stripe = order.at_stripe(&shop).await;
    let paid = stripe["intents"].as_array().expect("intents").iter().filter(|intent| intent["status"] == "succeeded");
    assert_eq!(paid.count(), 1 + refunds(&seen).len(), "every duplicate payment is refunded: {stripe}");
}

#[tokio::test]
async fn a_declined_card_leaves_the_order_waiting_for_another_attempt() {
    let shop = Shop::open().await;
    let (vendor, bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = Order::placed(&shop, &guest).await;
    shop.stripe(&order.id, "fail").await;
    let declined = order.seen().await;
    assert_eq!((&declined["state"], &declined["payment"]["state"]), (&json!("awaiting_payment"), &json!("failed")));
    assert_eq!(bowl.stock().await, (5, 2, 3), "the stock stays reserved for the next attempt");
    order.reader.post(&format!("/v1/orders/{}/payments", order.id), &json!({"provider": "stripe"})).await.expect(400);

    let again = order.retry_payment("other-card").await;
    assert_eq!(again.expect(201)["payment"]["action"]["type"], "client_secret");
    assert_ne!(again.json["payment"]["id"], declined["payment"]["id"]);
    shop.stripe(&order.id, "succeed").await;
    let paid = order.seen().await;
    assert_eq!((&paid["state"], &paid["payment"]["state"]), (&json!("paid"), &json!("captured")));
    assert!(vendor.newest_order().await.is_some());
    order.retry_payment("once-more").await.expect(409);
}

#[tokio::test]
async fn an_unpaid_order_expires_releases_its_stock_and_reopens_its_cart() {
    let shop = Shop::open().await;
    let (_, mut bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = Order::placed(&shop, &guest).await;
    guest.put(&bowl.variant, 1).await.expect_problem(409, "cart_ordered");
    shop.advance(Duration::from_secs(14 * 60)).await;
    assert_eq!(order.seen().await["state"], "awaiting_payment");
    // The provider's news of the cancellation that expiry asks for may come before or after: here it comes after.
    shop.hold_webhooks(true).await;
    shop.advance(Duration::from_secs(2 * 60)).await;
    signed_in_again(&shop, &mut bowl).await;

    let expired = order.seen().await;
    assert_eq!((&expired["state"], &expired["payment"]["state"]), (&json!("expired"), &json!("expired")));
    shop.hold_webhooks(false).await;
    shop.advance(Duration::ZERO).await;
    assert_eq!(order.seen().await["payment"]["state"], "expired", "late news of its cancellation changes nothing");
    assert_eq!(bowl.stock().await, (5, 0, 5));
    assert_eq!(order.at_stripe(&shop).await["intents"][0]["status"], "canceled", "it cannot be paid any more");
    order.retry_payment("late").await.expect(409);
    assert_eq!(shop.mail_to(&guest.email).len(), 1, "the buyer is notified");

    guest.put(&bowl.variant, 3).await.expect(200);
    // The order had taken the address.
    guest.address().await.expect(200);
    let second = guest.checks_out("stripe", "another").await;
    assert_ne!(second.expect(201)["id"], expired["id"]);
    assert_eq!(bowl.stock().await, (5, 3, 2));
}

#[tokio::test]
async fn a_guest_cancels_an_order_before_it_is_paid() {
    let shop = Shop::open().await;
    let (_, mut bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = Order::placed(&shop, &guest).await;
    let cancelled = order.cancel().await;
    assert_eq!(cancelled.expect(200)["state"], "cancelled");
    assert_eq!(order.cancel().await.expect(200), cancelled.expect(200), "a repeat changes nothing");
    assert_eq!(refunds(&cancelled.json), []);
    assert_eq!(bowl.stock().await, (5, 0, 5));
    assert_eq!(order.at_stripe(&shop).await["intents"][0]["status"], "canceled");
    shop.advance(PAST_PAYMENT_DEADLINE).await;
    signed_in_again(&shop, &mut bowl).await;
    assert_eq!(order.seen().await["state"], "cancelled");
    assert_eq!(bowl.stock().await, (5, 0, 5), "the stock is released once");
}

#[tokio::test]
async fn a_guest_cancels_a_paid_order_and_is_refunded_in_full() {
    let shop = Shop::open().await;
    let (vendor, bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = Order::placed(&shop, &guest).await;
    shop.stripe(&order.id, "succeed").await;
    shop.wait_until_idle().await;
    let cancelled = order.cancel().await.expect(200).clone();
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(refunds(&cancelled), [refund("30.00", "queued", "cancelled")]);
    assert_eq!(bowl.stock().await, (5, 0, 5));
    assert_eq!(vendor.newest_order().await.expect("the vendor order stays visible")["state"], "cancelled");

    shop.advance(HOUSEKEEPING_INTERVAL).await;
    let refunded = order.seen().await;
    assert_eq!(refunds(&refunded), [refund("30.00", "succeeded", "cancelled")]);
    assert_eq!(refunded["payment"]["state"], "refunded");
    shop.advance(Duration::from_secs(24 * 3600)).await;
    let stripe = order.at_stripe(&shop).await;
    assert_eq!(stripe["refunds"].as_array().map(Vec::len), Some(1), "there is one refund");
    assert_eq!(stripe["refunds"][0]["amount"], 3000);
    let subjects = shop.mail_to("ceramics@people.test");
    assert_eq!(subjects.iter().filter(|subject| subject.contains("is cancelled")).count(), 1);
}

#[tokio::test]
async fn a_refund_waits_for_a_provider_that_is_down_and_is_done_once() {
    let shop = Shop::open().await;
    let (_, bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = Order::placed(&shop, &guest).await;
    shop.stripe(&order.id, "succeed").await;
    order.cancel().await.expect(200);
    // The refund is made, but the response is lost.
    shop.cloud.services().faults.add(Fault::nth("stripe", "CreateRefund", 1, Kind::After));
    for _ in 0..10 {
        shop.advance(Duration::from_secs(1800)).await;
    }
    assert_eq!(refunds(&order.seen().await), [refund("30.00", "succeeded", "cancelled")]);
    assert_eq!(order.at_stripe(&shop).await["refunds"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_silent_provider_keeps_stock_reserved_and_no_buyer_from_another_attempt() {
    let shop = Shop::open().await;
    let (_, mut bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let order = Order::placed(&shop, &guest).await;
    let faults = &shop.cloud.services().faults;
    faults.add(Fault { every: true, ..Fault::nth("stripe", "CancelPaymentIntent", 1, Kind::Before) });
    // Cancelling would release units that may still be paid for; another attempt releases nothing.
    order.cancel().await.expect_problem(503, "unavailable");
    assert_eq!(order.retry_payment("again").await.expect(201)["payment"]["action"]["type"], "client_secret");
    // Past its deadline it waits for the provider, too.
    shop.advance(Duration::from_secs(1800)).await;
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    bowl.vendor.client = shop.sign_in_again(&bowl.vendor).await;
    assert_eq!(order.seen().await["state"], "awaiting_payment");
    assert_eq!(bowl.stock().await, (5, 1, 4));
    faults.clear();
    shop.advance(Duration::from_secs(300)).await;
    assert_eq!(order.seen().await["state"], "expired");
    assert_eq!(bowl.stock().await, (5, 0, 5));
}

#[tokio::test]
async fn declining_a_vendor_order_refunds_exactly_that_vendor_order() {
    let shop = Shop::open().await;
    let (ceramics, bowl) = bowls(&shop).await;
    let silk = shop.vendor("silk").await;
    let scarf = silk.product("scarf").price("30.00").stock(2).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 2), (&scarf, 1)]).await;
    let order = Order::placed(&shop, &guest).await;
    shop.stripe(&order.id, "succeed").await;
    shop.wait_until_idle().await;
    let vendor_order = silk.newest_order().await.expect("a vendor order")["id"].as_str().expect("an id").to_owned();
    let decline = format!("/v1/vendor/orders/{vendor_order}/decline");
    assert_eq!(silk.client.post(&decline, &json!({})).await.expect(200)["state"], "declined");
    silk.client.post(&decline, &json!({})).await.expect(200);
    assert_eq!((scarf.stock().await, bowl.stock().await), ((2, 0, 2), (5, 2, 3)));
    assert_eq!(refunds(&order.seen().await), [refund("35.00", "queued", "declined")]);

    shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = order.seen().await;
    assert_eq!((&seen["state"], &seen["payment"]["state"]), (&json!("paid"), &json!("partially_refunded")));
    assert_eq!(refunds(&seen), [refund("35.00", "succeeded", "declined")]);
    assert_eq!(order.at_stripe(&shop).await["refunds"][0]["amount"], 3500);
    assert_eq!(shop.mail_to(&guest.email).len(), 2, "one message that it is paid, and one that a vendor has declined");
    let vendor_order = ceramics.newest_order().await.expect("the other vendor order continues");
    let accept = format!("/v1/vendor/orders/{}/accept", vendor_order["id"].as_str().expect("an id"));
    ceramics.client.post(&accept, &json!({})).await.expect(200);
}

#[tokio::test]
async fn a_late_payment_re_reserves_the_stock() {
    let shop = Shop::open().await;
    let (_, mut bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = Order::placed(&shop, &guest).await;
    shop.advance(PAST_PAYMENT_DEADLINE).await;
    signed_in_again(&shop, &mut bowl).await;
    assert_eq!((&order.seen().await["state"], bowl.stock().await), (&json!("expired"), (5, 0, 5)));
    late_payment_arrives(&shop, &order).await.expect(200);
    shop.wait_until_idle().await;
    let seen = order.seen().await;
    assert_eq!((&seen["state"], &seen["payment"]["state"]), (&json!("paid"), &json!("captured")));
    assert_eq!(bowl.stock().await, (5, 2, 3));
    assert_eq!(bowl.vendor.newest_order().await.expect("the vendor sees it")["state"], "pending");
    late_payment_arrives(&shop, &order).await.expect(200);
    assert_eq!(order.seen().await, seen, "a repeated webhook changes nothing");
    assert_eq!(bowl.stock().await, (5, 2, 3));
}

#[tokio::test]
async fn a_late_payment_without_stock_is_refunded() {
    let shop = Shop::open().await;
    let (_, mut bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = Order::placed(&shop, &guest).await;
    shop.advance(PAST_PAYMENT_DEADLINE).await;
    signed_in_again(&shop, &mut bowl).await;
    // Another guest buys the released units.
    shop.guest().await.takes(&[(&bowl, 4)]).await.checks_out("cash_on_delivery", "once").await.expect(201);
    late_payment_arrives(&shop, &order).await.expect(200);
    shop.wait_until_idle().await;
    let seen = order.seen().await;
    assert_eq!(seen["state"], "expired");
    assert_eq!(refunds(&seen), [refund("30.00", "queued", "late")]);
    assert_eq!(bowl.stock().await, (5, 4, 1));
    let vendor_orders = bowl.vendor.client.get("/v1/vendor/orders").await;
    assert_eq!(
        vendor_orders.expect(200)["items"].as_array().map(Vec::len),
        Some(1),
        "the vendor sees the other order only"
    );
    assert!(shop.mail_to(&guest.email)[0].ends_with("your money goes back"));
    late_payment_arrives(&shop, &order).await.expect(200);
    assert_eq!(order.seen().await, seen, "one refund, however often the webhook comes");
}

#[tokio::test]
async fn a_duplicate_payment_is_refunded_once() {
    let shop = Shop::open().await;
    let (_, bowl) = bowls(&shop).await;
    let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
    let order = Order::placed(&shop, &guest).await;
    // The first attempt cannot be cancelled at the provider, so both can be paid.
    let down = Fault { every: true, ..Fault::nth("stripe", "CancelPaymentIntent", 1, Kind::Before) };
    shop.cloud.services().faults.add(down);
    order.retry_payment("again").await.expect(201);
    shop.cloud.services().faults.clear();
    shop.stripe(&order.id, "succeed_twice").await;
    shop.wait_until_idle().await;
    let seen = order.seen().await;
    assert_eq!(seen["state"], "paid");
    assert_eq!(refunds(&seen), [refund("30.00", "queued", "duplicate")]);
    assert_eq!(bowl.stock().await, (5, 2, 3));

    shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(refunds(&order.seen().await), [refund("30.00", "succeeded", "duplicate")]);
    let stripe = order.at_stripe(&shop).await;
    assert_eq!(stripe["refunds"].as_array().map(Vec::len), Some(1));
    assert_eq!(stripe["intents"].as_array().map(Vec::len), Some(2));
    let subjects = shop.mail_to(&guest.email);
    assert_eq!(subjects.iter().filter(|subject| subject.ends_with("your money goes back")).count(), 1, "{subjects:?}");
}
