//! Rate limits on requests, and the limit of unpaid orders for each e-mail address.

use std::collections::BTreeSet;
use std::time::Duration;

use cloud::faults::{Fault, Kind};
use domain::settings::{CallLimits, Limit, Limits};
use local::Options;
use local::seed::PASSWORD;
use serde_json::{Value, json};

use crate::shop::invariants::items;
use crate::shop::{Answer, Client, Guest, Product, Shop};

/// A shop with changed limits. The default ones per client are high for tests, since all clients share one IP address.
async fn shop_with(change: impl FnOnce(&mut Limits)) -> Shop {
    let mut options = Options::for_tests();
    change(&mut options.limits);
    Shop::with(options).await
}

/// Fails unless the response is a 429 with `Retry-After`. Returns its seconds.
#[track_caller]
fn assert_rate_limited(answer: &Answer) -> u64 {
    answer.expect_problem(429, "too_many_requests");
    let seconds: u64 = answer.header("retry-after").parse().expect("whole seconds");
    assert!(seconds > 0);
    seconds
}

async fn bowls(shop: &Shop, units: i64) -> Product {
    shop.vendor("ceramics").await.product("bowl").stock(units).publish().await
}

/// A guest with one bowl and this e-mail address.
async fn guest_with(shop: &Shop, bowl: &Product, email: &str) -> Guest {
    Guest { email: email.to_owned(), ..shop.guest().await }.takes(&[(bowl, 1)]).await
}

async fn buys(shop: &Shop, bowl: &Product, email: &str) -> Answer {
    guest_with(shop, bowl, email).await.checks_out("stripe", "once").await
}

/// An order, with a client that shows its token.
struct Order {
    id: String,
    reader: Client,
}

impl Order {
    fn of(shop: &Shop, placed: &Answer) -> Self {
        let text = |name: &str| placed.expect(201)[name].as_str().expect("a text").to_owned();
        Self { id: text("id"), reader: shop.anon().with("order-token", text("token")) }
    }

    async fn cancel(&self) -> Answer {
        self.reader.post(&format!("/v1/orders/{}/cancel", self.id), &json!({})).await
    }

    async fn state(&self) -> String {
        let seen = self.reader.get(&format!("/v1/orders/{}", self.id)).await.expect(200).clone();
        seen["state"].as_str().expect("a state").to_owned()
    }
}

#[tokio::test]
async fn checkouts_of_a_client_are_limited_per_minute() {
    let shop = shop_with(|limits| limits.checkout.per_client = Limit::per_minute(2)).await;
    let bowl = bowls(&shop, 9).await;
    buys(&shop, &bowl, "one@guests.test").await.expect(201);
    buys(&shop, &bowl, "two@guests.test").await.expect(201);
    let late = guest_with(&shop, &bowl, "three@guests.test").await;
    let seconds = assert_rate_limited(&late.checks_out("stripe", "once").await);
    assert!(seconds <= 60, "{seconds}");
    assert_eq!(bowl.stock().await, (9, 2, 7), "nothing was reserved");

    shop.advance(Duration::from_secs(seconds)).await;
    late.checks_out("stripe", "once").await.expect(201);
}

#[tokio::test]
async fn checkouts_of_an_email_address_are_limited_apart_from_other_addresses() {
    let shop = shop_with(|limits| limits.checkout.per_target = Limit::per_minute(1)).await;
    let bowl = bowls(&shop, 9).await;
    buys(&shop, &bowl, "aziza@guests.test").await.expect(201);
    assert_rate_limited(&buys(&shop, &bowl, " Aziza@Guests.test ").await);
    buys(&shop, &bowl, "bobur@guests.test").await.expect(201);
}

#[tokio::test]
async fn payment_attempts_of_an_order_are_limited() {
    let shop = shop_with(|limits| limits.payment.per_target = Limit::per_minute(1)).await;
    let bowl = bowls(&shop, 9).await;
    let order = Order::of(&shop, &buys(&shop, &bowl, "aziza@guests.test").await);
    let other = Order::of(&shop, &buys(&shop, &bowl, "aziza@guests.test").await);
    let again = async |order: &Order, key: &str| {
        let client = order.reader.clone().with("idempotency-key", key);
        client.post(&format!("/v1/orders/{}/payments", order.id), &json!({"provider": "stripe"})).await
    };
    again(&order, "first").await.expect(201);
    assert_rate_limited(&again(&order, "second").await);
    again(&other, "first").await.expect(201);
}

#[tokio::test]
async fn password_guesses_are_limited() {
    let sign_in_limits = CallLimits { per_client: Limit::per_minute(1_000), per_target: Limit::per_minute(2) };
    let shop = shop_with(|limits| limits.sign_in = sign_in_limits).await;
    shop.buyer("aziza").await;
    shop.advance(Duration::from_secs(60)).await;
    let sign_in = async |password: &str| {
        let asked = json!({"email": "aziza@people.test", "password": password});
        shop.anon().post("/v1/auth/sign-in", &asked).await
    };
    for guess in ["Guess-1-guess", "Guess-2-guess"] {
        sign_in(guess).await.expect_problem(401, "invalid_credentials");
    }
    let seconds = assert_rate_limited(&sign_in(PASSWORD).await);
    shop.advance(Duration::from_secs(seconds)).await;
    sign_in(PASSWORD).await.expect(200);
}

#[tokio::test]
async fn mail_to_one_address_is_limited_whichever_call_sends_it() {
    let mail = Limit { most: 3, within: Duration::from_secs(600) };
    let shop = shop_with(|limits| limits.mail.per_target = mail).await;
    let asked = json!({"email": "aziza@people.test", "password": PASSWORD});
    let address = json!({"email": "aziza@people.test"});
    shop.anon().post("/v1/auth/sign-up", &asked).await.expect(202);
    shop.anon().post("/v1/auth/resend", &address).await.expect(202);
    shop.anon().post("/v1/auth/forgot-password", &address).await.expect(202);
    shop.wait_until_idle().await;
    let messages = shop.mail_to("aziza@people.test").len();
    // Answered alike: each has a token for the code that was mailed.
    for path in ["resend", "forgot-password"] {
        shop.anon().post(&format!("/v1/auth/{path}"), &address).await.expect(202);
    }
    shop.anon().post("/v1/auth/sign-up", &asked).await.expect(202);
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to("aziza@people.test").len(), messages);
    shop.anon().post("/v1/auth/resend", &json!({"email": "bobur@people.test"})).await.expect(202);
}

#[tokio::test]
async fn wrong_order_tokens_are_limited_and_a_right_one_still_works() {
    let shop = shop_with(|limits| limits.wrong_token = Limit::per_minute(2)).await;
    let bowl = bowls(&shop, 9).await;
    let order = Order::of(&shop, &buys(&shop, &bowl, "aziza@guests.test").await);
    let path = format!("/v1/orders/{}", order.id);
    let guesser = shop.anon().with("order-token", "guess");
    guesser.get(&path).await.expect_problem(404, "not_found");
    let pay = guesser.clone().with("idempotency-key", "k");
    pay.post(&format!("{path}/payments"), &json!({"provider": "stripe"})).await.expect_problem(404, "not_found");
    assert_rate_limited(&guesser.get(&path).await);
    assert_rate_limited(&guesser.post(&format!("{path}/cancel"), &json!({})).await);
    assert_eq!(order.state().await, "awaiting_payment");
}

#[tokio::test]
async fn a_failing_rate_limit_blocks_no_checkout() {
    let shop = shop_with(|limits| limits.checkout.per_client = Limit::per_minute(0)).await;
    let bowl = bowls(&shop, 9).await;
    assert_rate_limited(&buys(&shop, &bowl, "aziza@guests.test").await);

    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    let faults = &shop.cloud.services().faults;
    faults.add(Fault {
        every: true,
        route: Some("POST /v1/checkout".to_owned()),
        ..Fault::nth("dynamodb", "UpdateItem", 1, Kind::Throttle)
    });
    buys(&shop, &bowl, "aziza@guests.test").await.expect(201);
    assert!(!faults.triggered().is_empty());
}

#[tokio::test]
async fn rate_limits_are_metered_apart_and_add_no_round_trip() {
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 9).await;
    for email in ["one@guests.test", "two@guests.test"] {
        buys(&shop, &bowl, email).await.expect(201);
    }
    let usage = shop.cloud.services().usage.snapshot()["POST /v1/checkout"].clone();
    assert_eq!(
        (usage.last.round_trips, usage.rate_limits.round_trips),
        (4, 4),
        "two rate limits for each of two checkouts"
    );
    assert_eq!(usage.rate_limits.write_units.in_halves(), 8);
}

/// Whether a rate limit is of an account, by the person's id or their name in the user pool, which are random and say
/// nothing.
fn is_of_person(key: &str) -> bool {
    key.contains("#person#") || key.contains("#sign-in-account#")
}

/// The partition keys of all rate limits of clients and contacts.
async fn rate_limit_keys(shop: &Shop) -> BTreeSet<String> {
    let items = items(shop, "CartsTable").await;
    let keys = items.iter().filter_map(|item| item["pk"]["S"].as_str());
    let keys = keys.filter(|key| key.starts_with(store::rate_limits::RATE_LIMIT_PREFIX) && !is_of_person(key));
    keys.map(str::to_owned).collect()
}

/// A sign-up, a failed sign-in, a checkout and a wrong token in a cloud with this master secret, or with its first one.
async fn counted(master: Option<&str>) -> Shop {
    let shop = Shop::open().await;
    if let Some(master) = master {
        let services = shop.cloud.services();
        let arn = &services.template.secret("PersonsSecret").expect("a secret").arn;
        assert!(services.secrets.replace(arn, &json!({"current": master}).to_string()));
    }
    let bowl = bowls(&shop, 9).await;
    shop.buyer("aziza").await;
    let guess = json!({"email": "aziza@people.test", "password": "Guess-1-guess"});
    shop.anon().post("/v1/auth/sign-in", &guess).await.expect_problem(401, "invalid_credentials");
    let order = Order::of(&shop, &buys(&shop, &bowl, "aziza@people.test").await);
    let guesser = shop.anon().with("order-token", "guess");
    guesser.get(&format!("/v1/orders/{}", order.id)).await.expect_problem(404, "not_found");
    shop
}

#[tokio::test]
async fn a_rate_limit_names_no_address_and_nobody_without_the_secret_can_tell_whose_it_is() {
    let shop = counted(None).await;
    let keys = rate_limit_keys(&shop).await;
    for call in ["mail", "sign-in", "confirm", "checkout", "order-token"] {
        assert!(keys.iter().any(|key| key.contains(&format!("#{call}#"))), "{call}: {keys:?}");
    }
    let dump = shop.dump().await;
    let counts: Vec<&String> = dump.of("CartsTable").iter().filter(|text| text.contains("ATTEMPTS#")).collect();
    assert_eq!(counts.iter().filter(|text| !is_of_person(text)).count(), keys.len());
    for address in ["aziza", "ceramics", "people.test", "127.0.0.1", "localhost"] {
        assert!(!counts.iter().any(|text| text.to_lowercase().contains(address)), "{address}: {counts:#?}");
    }
    // The same people under the same secret have the same keys, and under another one none of them.
    assert_eq!(rate_limit_keys(&counted(None).await).await, keys);
    let other = rate_limit_keys(&counted(Some("another master secret")).await).await;
    assert_eq!((other.len(), other.intersection(&keys).count()), (keys.len(), 0), "{other:#?}");
}

#[tokio::test]
async fn a_fourth_unpaid_order_of_an_email_address_waits_until_one_of_three_ends() {
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 20).await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(Order::of(&shop, &buys(&shop, &bowl, "aziza@guests.test").await));
    }
    let fourth = guest_with(&shop, &bowl, "AZIZA@guests.test").await;
    let refused = fourth.checks_out("stripe", "once").await;
    assert_eq!(assert_rate_limited(&refused), 900, "then the first of them has expired");
    assert_eq!(bowl.stock().await, (20, 3, 17), "nothing was reserved");
    // Only the e-mail address counts, neither the delivery address nor the client.
    buys(&shop, &bowl, "bobur@guests.test").await.expect(201);

    // Paid.
    shop.stripe(&orders[0].id, "succeed").await;
    orders.push(Order::of(&shop, &fourth.checks_out("stripe", "once").await));
    let fifth = guest_with(&shop, &bowl, "aziza@guests.test").await;
    assert_rate_limited(&fifth.checks_out_unconfirmed("once").await);

    // Cancelled: a repeat frees no second place.
    for _ in 0..2 {
        orders[1].cancel().await.expect(200);
    }
    orders.push(Order::of(&shop, &fifth.checks_out_unconfirmed("once").await));
    assert_rate_limited(&buys(&shop, &bowl, "aziza@guests.test").await);

    // Expired; the one that is payable on delivery still waits to be confirmed.
    shop.advance(Duration::from_secs(16 * 60)).await;
    assert_eq!((orders[2].state().await, orders[3].state().await), ("expired".to_owned(), "expired".to_owned()));
    for _ in 0..2 {
        orders.push(Order::of(&shop, &buys(&shop, &bowl, "aziza@guests.test").await));
    }
    assert_rate_limited(&buys(&shop, &bowl, "aziza@guests.test").await);

    // A late payment frees no place, since its order holds none.
    pays_late(&shop, &orders[2]).await;
    assert_eq!(orders[2].state().await, "paid");
    assert_rate_limited(&buys(&shop, &bowl, "aziza@guests.test").await);
    orders[4].cancel().await.expect(200);
    buys(&shop, &bowl, "aziza@guests.test").await.expect(201);
    assert_rate_limited(&buys(&shop, &bowl, "aziza@guests.test").await);
}

#[tokio::test]
async fn a_buyers_order_on_delivery_counts_as_unpaid_until_it_is_delivered_or_declined() {
    let shop = shop_with(|limits| limits.unpaid_orders = 1).await;
    let bowl = bowls(&shop, 9).await;
    let buyer = shop.buyer("aziza").await;
    for steps in [&["accept", "ship", "deliver"][..], &["decline"]] {
        let first = buyers_cart(&buyer, guest_with(&shop, &bowl, "aziza@people.test").await).await;
        let placed = first.checks_out("cash_on_delivery", "once").await.expect(201).clone();
        let second = buyers_cart(&buyer, guest_with(&shop, &bowl, "other@guests.test").await).await;
        assert_rate_limited(&second.checks_out("stripe", "once").await);
        for step in steps {
            let path = format!("/v1/vendor/orders/{}/{step}", placed["vendors"][0]["id"].as_str().unwrap());
            bowl.vendor.client.post(&path, &json!({})).await.expect(200);
        }
    }
    let next = buyers_cart(&buyer, guest_with(&shop, &bowl, "aziza@people.test").await).await;
    next.checks_out("stripe", "once").await.expect(201);
    // Guests are counted by their address, whoever else orders with it.
    buys(&shop, &bowl, "aziza@people.test").await.expect(201);
}

/// The cart as a signed-in buyer's.
async fn buyers_cart(buyer: &Client, cart: Guest) -> Guest {
    let claimed = buyer.post(&cart.path("/claim"), &json!({})).await.expect(200).clone();
    Guest { client: buyer.clone(), cart: claimed["id"].as_str().expect("an id").to_owned(), ..cart }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_concurrent_checkouts_for_the_last_unpaid_order_one_succeeds() {
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 9).await;
    for _ in 0..2 {
        buys(&shop, &bowl, "aziza@guests.test").await.expect(201);
    }
    let one = guest_with(&shop, &bowl, "aziza@guests.test").await;
    let other = guest_with(&shop, &bowl, "aziza@guests.test").await;
    let (one, other) = tokio::join!(one.checks_out("stripe", "once"), other.checks_out("stripe", "once"));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 429], "{} {}", one.text, other.text);
    assert_eq!(bowl.stock().await, (9, 3, 6));
}

/// Posts the webhook of a late payment.
async fn pays_late(shop: &Shop, order: &Order) {
    let books = shop.anon().get(&format!("/_local/pay/stripe/orders/{}", order.id)).await.expect(200).clone();
    let now = shop.cloud.now();
    let object = json!({
        "id": books["intents"][0]["id"], "object": "payment_intent", "amount": 1750, "amount_received": 1750, "currency": "usd",
        "status": "succeeded", "metadata": {"order_id": order.id},
    });
    let event: Value = json!({
        "id": "evt_late", "object": "event", "created": now.seconds(), "livemode": false, "type": "payment_intent.succeeded",
        "data": {"object": object},
    });
    let signed = payments::stripe::sign(event.to_string().as_bytes(), now, "whsec_local");
    shop.anon().with("stripe-signature", signed).post("/v1/webhooks/stripe", &event).await.expect(200);
}

#[tokio::test]
async fn a_shipped_order_without_a_deadline_does_not_count_as_unpaid() {
    let shop = shop_with(|limits| limits.unpaid_orders = 1).await;
    let bowl = bowls(&shop, 9).await;
    let scarf = shop.vendor("silk").await.product("scarf").stock(9).publish().await;
    let buyer = shop.buyer("aziza").await;
    let guest = guest_with(&shop, &bowl, "aziza@people.test").await.takes(&[(&scarf, 1)]).await;
    let placed = buyers_cart(&buyer, guest).await.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    let vendor_orders = placed["vendors"].as_array().unwrap();
    let vendor_order =
        vendor_orders.iter().find(|vendor_order| vendor_order["vendor"]["id"] == json!(bowl.vendor.id)).unwrap();
    for step in ["accept", "ship"] {
        let path = format!("/v1/vendor/orders/{}/{step}", vendor_order["id"].as_str().unwrap());
        bowl.vendor.client.post(&path, &json!({})).await.expect(200);
    }
    let next = buyers_cart(&buyer, guest_with(&shop, &bowl, "aziza@people.test").await).await;
    assert_rate_limited(&next.checks_out("stripe", "once").await);
    shop.advance(Duration::from_secs(46 * 24 * 3_600)).await;
    let buyer = shop.sign_in("aziza@people.test").await;
    let next = buyers_cart(&buyer, guest_with(&shop, &bowl, "aziza@people.test").await).await;
    next.checks_out("stripe", "once").await.expect(201);
}

/// The gateway's own throttling, with the values that the template has: each route has a bucket of 1,000 requests into
/// which 500 a second flow (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>).
#[tokio::test]
async fn the_gateway_throttles_each_route_by_the_templates_values() {
    let shop = Shop::with(Options::for_tests().with_cloud(|cloud| cloud.throttle = None)).await;
    let throttle = shop.cloud.services().template.api.throttles.default;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let get = async |path: &str| {
        let answer = http.get(format!("{}{path}", shop.cloud.base_url())).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    let refused = (429, r#"{"message":"Too Many Requests"}"#.to_owned());
    let takes = async |expected: u32| {
        for request in 0..expected {
            assert_eq!(get("/v1/categories").await.0, 200, "request {request} of {expected}");
        }
        assert_eq!(get("/v1/categories").await, refused, "after {expected}");
    };
    takes(throttle.burst).await;
    assert_eq!(get("/v1/products").await.0, 200, "another route has a bucket of its own");
    shop.advance(Duration::from_secs(1)).await;
    takes(throttle.rate_per_second).await;
}

#[tokio::test]
async fn a_flood_of_reads_keeps_no_webhook_no_checkout_and_no_sign_in_out() {
    let shop = Shop::with(Options::for_tests().with_cloud(|cloud| cloud.throttle = None)).await;
    let throttles = shop.cloud.services().template.api.throttles.clone();
    let bowl = bowls(&shop, 5).await;
    let guest = guest_with(&shop, &bowl, "aziza@guests.test").await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut refused = 0;
    for _ in 0..throttles.default.burst + 10 {
        let answer = http.get(format!("{}/v1/categories", shop.cloud.base_url())).send().await.expect("an answer");
        refused += u32::from(answer.status().as_u16() == 429);
    }
    assert!(refused > 0, "reads are throttled");
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    let id = order["id"].as_str().expect("an id");
    shop.stripe(id, "succeed").await;
    let webhooks = shop.webhooks().await;
    assert!(webhooks.iter().all(|event| !event["delivered_at"].is_null()), "{webhooks:?}");
    shop.buyer("aziza").await;
}

#[tokio::test]
async fn each_class_of_routes_has_a_throttle_of_its_own() {
    let shop = Shop::open().await;
    let api = &shop.cloud.services().template.api;
    let value = |name: &str| shop.cloud.services().template.parameters[name].parse::<u32>().expect("a number");
    // CloudFormation takes the settings of a route only after the route: one that the last release does not have has
    // the stage's throttle until the next release.
    let released = include_str!("../../infra/released.yaml");
    for route in &api.routes {
        let written = format!("Method: {}, Path: \"{}\"", route.method, route.path);
        let is_new = !released.contains(&written) && !released.contains(&written.replace('"', ""));
        let expected = match (route.method.as_str(), route.path.as_str()) {
            (_, path) if path.starts_with("/v1/webhooks/") => Some("WebhookRate"),
            // Who is signed in already is not kept out by those who try to.
            (_, "/v1/auth/refresh" | "/v1/auth/sign-out") => Some("ChangeRate"),
            (_, path) if path.starts_with("/v1/auth/") => Some("SignInRate"),
            // What anybody may change without signing in.
            ("POST" | "PUT" | "DELETE", _) if !route.authorizer => Some("ChangeRate"),
            _ => None,
        };
        let own = api.throttles.by_route.get(&route.key()).map(|own| (own.rate_per_second, own.burst));
        let expected = expected.filter(|_| !is_new);
        assert_eq!(own, expected.map(|name| (value(name), value(name))), "{}", route.key());
    }
}
