//! Orders of guests that are payable on delivery: they hold stock once the address is proven.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, events, text};
use crate::shop::{Answer, Client, Guest, Ledger, Product, Shop, confirmation_code};

const A_MINUTE: Duration = Duration::from_secs(61);

/// A guest's order of two bowls that waits to be confirmed. Five were in stock.
struct Unconfirmed {
    shop: Shop,
    bowl: Product,
    guest: Guest,
    id: String,
    reader: Client,
}

impl Unconfirmed {
    async fn placed() -> Self {
        let shop = Shop::open().await;
        let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
        let guest = shop.guest().await.takes(&[(&bowl, 2)]).await;
        let order = guest.checks_out_unconfirmed("once").await.expect(201).clone();
        assert_eq!(
            (&order["state"], &order["payment"]["action"]),
            (&json!("awaiting_confirmation"), &json!({"type": "confirm"}))
        );
        let reader = shop.anon().with("order-token", text(&order["token"]));
        Self { id: text(&order["id"]), shop, bowl, guest, reader }
    }

    async fn enters(&self, code: &str) -> Answer {
        self.reader.post(&format!("/v1/orders/{}/confirm", self.id), &json!({"code": code})).await
    }

    async fn asks_again(&self) -> Answer {
        self.reader.post(&format!("/v1/orders/{}/confirm/resend", self.id), &json!({})).await
    }

    async fn seen(&self) -> Value {
        self.reader.get(&format!("/v1/orders/{}", self.id)).await.expect(200).clone()
    }

    fn code(&self, number: u8) -> String {
        confirmation_code(&self.id, number)
    }

    /// Another code than that.
    fn wrong(&self, number: u8) -> String {
        let code: u32 = self.code(number).parse().expect("digits");
        format!("{:06}", (code + 1) % 1_000_000)
    }

    async fn violations(&self) -> Vec<String> {
        self.shop.wait_until_idle().await;
        self.shop.advance(HOUSEKEEPING_INTERVAL).await;
        let ledger = Ledger::read(&self.shop).await;
        let mut violations = ledger.always(&[(self.bowl.variant.clone(), 5)].into());
        violations.extend(ledger.at_rest());
        violations
    }
}

#[tokio::test]
async fn a_guest_confirms_with_the_code_that_was_mailed_and_only_then_the_vendor_sees_it() {
    let order = Unconfirmed::placed().await;
    order.shop.wait_until_idle().await;
    assert_eq!(order.bowl.vendor.newest_order().await, None);
    assert_eq!(order.bowl.stock().await, (5, 2, 3), "it holds stock for half an hour");
    let mailed = order.shop.code_for(&order.guest.email).await;
    assert_eq!(mailed, order.code(1));
    assert!(order.shop.mail_to("ceramics@people.test").iter().all(|subject| !subject.contains("rder")));
    let confirmed = order.enters(&format!("{} {}", &mailed[..3], &mailed[3..])).await.expect(200).clone();
    assert_eq!((&confirmed["state"], &confirmed["payment"]["action"]), (&json!("confirmed"), &json!({"type": "none"})));
    assert_eq!(events(&confirmed), ["placed", "confirmed"]);
    // A repeat changes nothing, whatever it says.
    assert_eq!(events(order.enters(&order.wrong(1)).await.expect(200)), ["placed", "confirmed"]);
    order.shop.wait_until_idle().await;
    assert_eq!(order.bowl.vendor.newest_order().await.expect("it is seen")["state"], "pending");
    assert_eq!(order.shop.mail_to(&order.guest.email).len(), 2, "the code, and that it is confirmed");
    assert_eq!(order.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn few_codes_can_be_tried_and_each_resent_one_replaces_the_one_before() {
    let order = Unconfirmed::placed().await;
    for _ in 0..5 {
        order.enters(&order.wrong(1)).await.expect_problem(400, "code_mismatch");
    }
    order.enters(&order.code(1)).await.expect_problem(410, "code_expired");
    let refused = order.asks_again().await;
    refused.expect_problem(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), "60");
    order.shop.advance(A_MINUTE).await;
    order.asks_again().await.expect(200);
    order.shop.wait_until_idle().await;
    assert_eq!(order.shop.code_for(&order.guest.email).await, order.code(2));
    order.enters(&order.code(1)).await.expect_problem(400, "code_mismatch");
    order.shop.advance(A_MINUTE).await;
    order.asks_again().await.expect(200);
    order.shop.advance(A_MINUTE).await;
    order.asks_again().await.expect_problem(409, "limit_reached");
    order.enters(&order.code(3)).await.expect(200);
    assert_eq!(order.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_confirmed_within_half_an_hour_gives_its_stock_back_and_reopens_the_cart() {
    let order = Unconfirmed::placed().await;
    order.shop.advance(Duration::from_secs(29 * 60)).await;
    assert_eq!(order.seen().await["state"], "awaiting_confirmation");
    order.shop.advance(Duration::from_secs(2 * 60)).await;
    assert_eq!(order.seen().await["state"], "expired");
    order.enters(&order.code(1)).await.expect_problem(409, "wrong_state");
    let vendor = order.shop.sign_in_again(&order.bowl.vendor).await;
    let bowl =
        Product { vendor: crate::shop::Vendor { client: vendor, ..order.bowl.vendor.clone() }, ..order.bowl.clone() };
    assert_eq!(bowl.stock().await, (5, 0, 5));
    order.shop.wait_until_idle().await;
    assert!(order.shop.mail_to(&order.guest.email)[0].contains("was not confirmed"));
    order.guest.address().await.expect(200);
    order.guest.checks_out_unconfirmed("again").await.expect(201);
    assert_eq!(order.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_unconfirmed_order_can_be_cancelled() {
    let order = Unconfirmed::placed().await;
    let cancelled = order.reader.post(&format!("/v1/orders/{}/cancel", order.id), &json!({})).await;
    assert_eq!(cancelled.expect(200)["state"], "cancelled");
    order.enters(&order.code(1)).await.expect_problem(409, "wrong_state");
    assert_eq!(order.bowl.stock().await, (5, 0, 5));
    assert_eq!(order.violations().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_strangers_do_with_an_address_never_blocks_its_owner() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(50).publish().await;
    let buyer = shop.buyer("aziza").await;
    let stranger = async |key: &str| {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        Guest { email: "aziza@people.test".to_owned(), ..guest }.checks_out_unconfirmed(key).await
    };
    for key in ["a", "b", "c"] {
        stranger(key).await.expect(201);
    }
    shop.advance(Duration::from_secs(60)).await;
    let refused = stranger("d").await;
    refused.expect_problem(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), "1740", "until the first of them is no longer waited for");
    // The owner is known by their account.
    let own = async || {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        let cart = text(&buyer.post(&guest.path("/claim"), &json!({})).await.expect(200)["id"]);
        let claimed = Guest { client: buyer.clone(), cart, email: "aziza@people.test".to_owned() };
        claimed.address().await.expect(200);
        claimed.checks_out("cash_on_delivery", "once").await
    };
    for _ in 0..3 {
        assert_eq!(own().await.expect(201)["state"], "confirmed", "a buyer has proven who they are");
    }
    own().await.expect_problem(429, "too_many_requests");
    // Guests who have confirmed count no more.
    shop.advance(Duration::from_secs(30 * 60)).await;
    for key in ["e", "f", "g", "h"] {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        Guest { email: "aziza@people.test".to_owned(), ..guest }.checks_out("cash_on_delivery", key).await.expect(201);
    }
}

/// Sets the greatest totals that the shop has collected on delivery.
async fn collects(bowl: &Product, limits: Value) {
    bowl.vendor.client.patch("/v1/vendors/me", &json!({"cash_on_delivery": limits})).await.expect(200);
}

async fn methods(guest: &Guest) -> Vec<String> {
    let listed = guest.client.get(&guest.path("/payment-methods")).await.expect(200).clone();
    listed["items"].as_array().expect("a list").iter().map(|method| text(&method["provider"])).collect()
}

#[tokio::test]
async fn cash_on_delivery_is_off_until_each_vendor_of_the_cart_turns_it_on_and_ends_at_a_total() {
    let shop = Shop::open().await;
    // 12.50 each, and 5.00 for the delivery.
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    let scarf = shop.vendor("silk").await.product("scarf").stock(9).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let total = text(&guest.seen().await["totals"]["total"]["amount"]);
    let refused = async |guest: &Guest, named: &[&Product]| {
        assert_eq!(methods(guest).await, ["stripe"]);
        let answer = guest.checks_out_unconfirmed("refused").await;
        let problem = answer.expect_problem(409, "payment_method_unavailable").clone();
        let pointers: Vec<String> =
            problem["errors"].as_array().expect("errors").iter().map(|error| text(&error["pointer"])).collect();
        let expected: Vec<String> = named.iter().map(|product| format!("/vendors/{}", product.vendor.id)).collect();
        assert_eq!(pointers, expected);
    };
    for off in [json!([]), json!([{"amount": "1000000.00", "currency": "UZS"}])] {
        collects(&bowl, off).await;
        refused(&guest, &[&bowl]).await;
    }
    let below = format!("{:.2}", total.parse::<f64>().expect("an amount") - 0.01);
    collects(&bowl, json!([{"amount": below, "currency": "USD"}])).await;
    refused(&guest, &[&bowl]).await;
    collects(&bowl, json!([{"amount": total, "currency": "USD"}])).await;
    assert_eq!(methods(&guest).await, ["stripe", "cash_on_delivery"]);
    // Each vendor answers for the own part, and not for that of others.
    let both = shop.guest().await.takes(&[(&bowl, 1), (&scarf, 9)]).await;
    assert_eq!(methods(&both).await, ["stripe", "cash_on_delivery"]);
    collects(&scarf, json!([])).await;
    refused(&both, &[&scarf]).await;
    assert_eq!(bowl.stock().await, (9, 0, 9), "nothing is held for what was refused");
    guest.checks_out("cash_on_delivery", "once").await.expect(201);
    // What was placed stands, whatever the vendor decides later.
    collects(&bowl, json!([])).await;
    shop.wait_until_idle().await;
    assert_eq!(bowl.vendor.newest_order().await.expect("it is seen")["state"], "pending");
}
