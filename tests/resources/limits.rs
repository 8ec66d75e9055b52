//! Limits under attack: for each client, person and contact, and that nobody's use them up for others.

use std::time::Duration;

use domain::settings::{CallLimits, Limit, Limits};
use local::Options;
use local::seed::PASSWORD;
use serde_json::{Value, json};

use crate::shop::{Answer, Guest, Shop, address};

const EMAIL: &str = "aziza@people.test";
const DAY: Duration = Duration::from_secs(86_400);

async fn shop_with(change: impl FnOnce(&mut Limits)) -> Shop {
    let mut options = Options::for_tests();
    change(&mut options.limits);
    Shop::with(options).await
}

/// Fails unless the response is a 429 with `Retry-After` within a minute. Returns its seconds.
#[track_caller]
fn assert_rate_limited(answer: &Answer) -> u64 {
    answer.expect_problem(429, "too_many_requests");
    let seconds: u64 = answer.header("retry-after").parse().expect("whole seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    seconds
}

#[tokio::test]
async fn all_addresses_of_one_network_ask_and_guess_as_one_client() {
    let shop = shop_with(|limits| limits.code_request = Limits::default().code_request).await;
    shop.buyer("aziza").await;
    let ask = async |address: &str| shop.post_from(address, "/v1/auth/code", &json!({ "contact": EMAIL })).await.0;
    let guess = async |address: &str| {
        let guess = json!({"email": EMAIL, "password": "Wrong horse 1"});
        shop.post_from(address, "/v1/auth/sign-in", &guess).await.0
    };
    let (mut asked, mut guessed) = (Vec::new(), Vec::new());
    for host in 1..=20 {
        let address = format!("2001:db8:7:1:{host:x}::{host:x}");
        asked.push(ask(&address).await);
        guessed.push(guess(&address).await);
    }
    assert_eq!(asked.iter().filter(|status| **status == 202).count(), 6, "{asked:?}");
    assert_eq!(guessed.iter().filter(|status| **status == 401).count(), 4, "{guessed:?}");
    assert!(asked.iter().chain(&guessed).all(|status| [202, 401, 429].contains(status)), "{asked:?} {guessed:?}");
    // The next network is another client, and an IPv4 address in IPv6 is that address.
    assert_eq!((ask("2001:db8:7:2::1").await, guess("2001:db8:7:2::1").await), (202, 401));
    for mapped in ["198.51.100.9", "::ffff:198.51.100.9", "198.51.100.9", "::ffff:198.51.100.9"] {
        assert_eq!(guess(mapped).await, 401, "{mapped}");
    }
    assert_eq!(guess("198.51.100.9").await, 429);
}

#[tokio::test]
async fn carts_of_a_client_are_limited_and_what_is_in_them_is_not() {
    let shop = shop_with(|limits| limits.change.per_client = Limit::per_minute(3)).await;
    let open = async || shop.anon().post("/v1/carts", &json!({"currency": "USD"})).await;
    let mut carts = Vec::new();
    for _ in 0..3 {
        carts.push(open().await.expect(201)["id"].as_str().expect("an id").to_owned());
    }
    let seconds = assert_rate_limited(&open().await);
    // Another client is not held up, nor who has a cart.
    let body = json!({"currency": "USD"});
    shop.anon().from([127, 0, 0, 9]).post("/v1/carts", &body).await.expect(201);
    for cart in &carts {
        let path = format!("/v1/carts/{cart}/shipping-options");
        assert_ne!(shop.anon().post(&path, &json!({"address": address()})).await.status, 429);
        shop.anon().get(&format!("/v1/carts/{cart}")).await.expect(200);
    }
    shop.cloud.clock().advance(Duration::from_secs(seconds));
    open().await.expect(201);
}

#[tokio::test]
async fn changes_of_a_person_are_limited_together_and_reading_is_not() {
    let shop = shop_with(|limits| limits.change.per_target = Limit::per_minute(3)).await;
    let (aziza, bobur) = (shop.buyer("aziza").await, shop.buyer("bobur").await);
    let addresses = json!({"items": [{"address": address()}]});
    for name in ["Aziza", "Aziza K.", "Aziza Karimova"] {
        aziza.patch("/v1/me", &json!({ "name": name })).await.expect(200);
    }
    let refused = aziza.put("/v1/me/addresses", &addresses).await;
    let seconds = assert_rate_limited(&refused);
    assert_eq!(aziza.get("/v1/me").await.expect(200)["name"], "Aziza Karimova");
    aziza.get("/v1/me/addresses").await.expect(200);
    bobur.put("/v1/me/addresses", &addresses).await.expect(200);
    // Applications are another list: each function counts its own.
    let apply = json!({"name": "Silk", "currency": "USD", "email": EMAIL});
    aziza.post("/v1/vendors", &apply).await.expect(201);
    shop.cloud.clock().advance(Duration::from_secs(seconds));
    aziza.put("/v1/me/addresses", &addresses).await.expect(200);
}

#[tokio::test]
async fn a_call_that_is_not_allowed_counts_too() {
    let shop = shop_with(|limits| limits.change.per_target = Limit::per_minute(3)).await;
    let stranger = shop.buyer("aziza").await;
    let hide = async || stranger.post("/v1/admin/rebuilds", &json!({"kind": "listings"})).await;
    for _ in 0..3 {
        hide().await.expect_problem(403, "forbidden");
    }
    assert_rate_limited(&hide().await);
}

#[tokio::test]
async fn made_up_refresh_tokens_and_challenges_of_a_client_are_limited() {
    let shop = shop_with(|limits| limits.change.per_client = Limit::per_minute(4)).await;
    let signed_in = shop.anon();
    shop.buyer("aziza").await;
    let tokens = signed_in.post("/v1/auth/sign-in", &json!({"email": EMAIL, "password": PASSWORD})).await;
    let mine = json!({"refresh_token": tokens.expect(200)["refresh_token"]});
    let stranger = shop.anon().from([127, 0, 0, 9]);
    for _ in 0..2 {
        let made_up = json!({"refresh_token": "nonsense"});
        stranger.post("/v1/auth/refresh", &made_up).await.expect_problem(401, "unauthorized");
        let made_up = json!({"session": "bm9uZQ", "code": "123456"});
        stranger.post("/v1/auth/challenge", &made_up).await.expect_problem(400, "code_mismatch");
    }
    assert_rate_limited(&stranger.post("/v1/auth/refresh", &mine).await);
    signed_in.post("/v1/auth/refresh", &mine).await.expect(200);
}

/// A stolen token is worth a few guesses at what it does not open by itself, and its owner goes on later.
#[tokio::test]
async fn whoever_is_signed_in_and_guesses_is_refused_and_told_when_to_go_on() {
    let shop = shop_with(|limits| {
        limits.sign_in.per_client = Limit::per_minute(10);
        limits.invitation.per_client = Limit::per_minute(10);
    })
    .await;
    let person = shop.buyer("aziza").await;
    person.post("/v1/me/mfa", &json!({})).await.expect(200);
    let moved = "aziza@moved.test";
    let request = person.post("/v1/me/contact", &json!({ "contact": moved })).await.expect(202)["request"].clone();
    for (path, guess, (status, code), most, wait) in [
        (
            "/v1/me/contact/confirm",
            json!({"contact": moved, "code": "000000", "request": request}),
            (400, "code_mismatch"),
            10,
            60,
        ),
        ("/v1/operator-invitations/accept", json!({"token": "A".repeat(86)}), (404, "not_found"), 10, 60),
        ("/v1/me/mfa/confirm", json!({"code": "000000"}), (400, "code_mismatch"), 5, 900),
        (
            "/v1/me/password",
            json!({"current_password": "Wrong horse 345", "password": "Another horse 2"}),
            (401, "invalid_credentials"),
            4,
            900,
        ),
    ] {
        let person = shop.sign_in(EMAIL).await;
        for _ in 0..most {
            person.post(path, &guess).await.expect_problem(status, code);
        }
        let refused = person.post(path, &guess).await;
        refused.expect_problem(429, "too_many_requests");
        let seconds: u64 = refused.header("retry-after").parse().expect("whole seconds");
        assert_eq!(seconds, wait, "{path}");
        shop.cloud.clock().advance(Duration::from_secs(wait));
        let later = shop.sign_in(EMAIL).await.post(path, &guess).await;
        assert_ne!(later.status, 429, "{path}: {}", later.text);
    }
}

/// A cart of one bowl that the buyer has claimed, to be ordered with an address of somebody else.
async fn claimed(shop: &Shop, buyer: &crate::shop::Client, bowl: &crate::shop::Product, email: &str) -> Guest {
    let cart = shop.guest().await.takes(&[(bowl, 1)]).await;
    let claimed = buyer.post(&cart.path("/claim"), &json!({})).await.expect(200).clone();
    let cart = claimed["id"].as_str().expect("an id").to_owned();
    Guest { client: buyer.clone(), cart, email: email.to_owned() }
}

#[tokio::test]
async fn a_foreign_contact_on_a_claimed_cart_counts_for_its_buyer_and_not_for_the_contact() {
    let limits = CallLimits { per_client: Limit::per_minute(1_000), per_target: Limit::per_minute(2) };
    let shop = shop_with(|all| all.checkout = limits).await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(20).publish().await;
    let stranger = shop.buyer("bobur").await;
    for _ in 0..2 {
        claimed(&shop, &stranger, &bowl, EMAIL).await.checks_out("stripe", "once").await.expect(201);
    }
    let third = claimed(&shop, &stranger, &bowl, "other@guests.test").await;
    assert_rate_limited(&third.checks_out("stripe", "once").await);
    // The owner of the address has used up nothing.
    for _ in 0..2 {
        let owner = Guest { email: EMAIL.to_owned(), ..shop.guest().await }.takes(&[(&bowl, 1)]).await;
        owner.checks_out("stripe", "once").await.expect(201);
    }
}

#[tokio::test]
async fn checkouts_of_a_stranger_with_an_address_keep_its_owner_from_none() {
    let shop = shop_with(|limits| {
        limits.checkout.per_target = Limit::per_minute(2);
        limits.unpaid_orders = 50;
    })
    .await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(20).publish().await;
    let guest_of = async |client: crate::shop::Client| {
        let guest = Guest { email: EMAIL.to_owned(), ..Guest::new(client, "USD").await };
        guest.takes(&[(&bowl, 1)]).await
    };
    let stranger = shop.anon().from([127, 0, 0, 9]);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(guest_of(stranger.clone()).await.checks_out("stripe", "once").await.status);
    }
    assert_eq!(statuses, [201, 201, 429, 429]);
    guest_of(shop.anon()).await.checks_out("stripe", "once").await.expect(201);
}

#[tokio::test]
async fn an_orders_token_opens_it_until_half_a_year_after_its_end() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let placed = shop.guest().await.takes(&[(&bowl, 1)]).await.checks_out("stripe", "once").await.expect(201).clone();
    let id = placed["id"].as_str().expect("an id");
    let reader = shop.anon().with("order-token", placed["token"].as_str().expect("a token"));
    let path = format!("/v1/orders/{id}");
    reader.post(&format!("{path}/cancel"), &json!({})).await.expect(200);
    shop.cloud.clock().advance(180 * DAY);
    assert_eq!(reader.get(&path).await.expect(200)["state"], "cancelled");
    shop.cloud.clock().advance(Duration::from_secs(1));
    reader.get(&path).await.expect_problem(410, "token_expired");
    reader.post(&format!("{path}/cancel"), &json!({})).await.expect_problem(410, "token_expired");
    // Whoever guesses learns nothing of it.
    let guess: Value =
        shop.anon().with("order-token", "guess").get(&path).await.expect_problem(404, "not_found").clone();
    assert!(!guess.to_string().contains("token_expired"));
}
