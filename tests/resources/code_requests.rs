//! Requests for codes: a code opens something only with the token of a request, so that it cannot be guessed at scale
//! and nobody's guesses hold up its owner.

use std::time::Duration;

use cloud::sqs::MessageAttributes;
use domain::settings::{Limit, Limits};
use local::Options;
use local::seed::PASSWORD;
use platform::PersonsSecret;
use serde_json::{Value, json};

use crate::shop::invariants::items;
use crate::shop::{NO_REQUEST, Shop};

const EMAIL: &str = "aziza@people.test";
/// The address of the owner's client, at which nobody guesses.
const HOME: &str = "203.0.113.1";
const MINUTE: Duration = Duration::from_secs(60);

/// A shop with the limits of codes that a deployment has; clients have an address each.
async fn shop_with(change: impl FnOnce(&mut Limits)) -> Shop {
    let mut options = Options::for_tests();
    options.limits.code_request = Limits::default().code_request;
    change(&mut options.limits);
    Shop::with(options).await
}

/// Asks for a code at this address: status, and the token of the request.
async fn ask(shop: &Shop, address: &str, contact: &str) -> (u64, Value) {
    let (status, said) = shop.post_from(address, "/v1/auth/code", &json!({ "contact": contact })).await;
    (status, said["request"].clone())
}

async fn enter(shop: &Shop, address: &str, code: &str, request: &Value) -> u64 {
    let entered = json!({"contact": EMAIL, "code": code, "request": request});
    shop.post_from(address, "/v1/auth/code/sign-in", &entered).await.0
}

/// Another code than this one.
fn wrong(code: &str) -> &'static str {
    if code == "000000" { "111111" } else { "000000" }
}

/// How many codes were tried in the place of those of all requests, and how many requests there were.
async fn tried(shop: &Shop) -> (u32, usize) {
    let items = items(shop, "SessionsTable").await;
    let requests = items.iter().filter(|item| item["kind"]["S"] == "code_request");
    let tried = requests.map(|item| item["guesses"]["N"].as_str().expect("a number").parse::<u32>().expect("a number"));
    let tried: Vec<u32> = tried.collect();
    (tried.iter().sum(), tried.len())
}

#[tokio::test]
async fn neither_a_client_with_a_hundred_guesses_nor_fifty_with_five_each_get_in_or_keep_the_owner_out() {
    let shop = shop_with(|_| ()).await;
    shop.buyer("aziza").await;
    let (status, mine) = ask(&shop, HOME, EMAIL).await;
    assert_eq!(status, 202);
    let code = shop.code_for(EMAIL).await;
    let (_, before) = tried(&shop).await;

    let mut statuses = Vec::new();
    let mut request = Value::Null;
    for guess in 0..100 {
        if guess % 5 == 0 {
            match ask(&shop, "198.51.100.7", EMAIL).await {
                (202, another) => request = another,
                (refused, _) => statuses.push(refused),
            }
        }
        statuses.push(enter(&shop, "198.51.100.7", wrong(&code), &request).await);
    }
    assert_eq!(enter(&shop, "198.51.100.7", &code, &request).await, 400, "the tries of each request are used up");
    let (guesses, requests) = tried(&shop).await;
    assert_eq!(
        (guesses - 1, requests - before),
        (30, 6),
        "one client has six requests an hour; one try was the buyer's"
    );

    for client in 0..50 {
        let address = format!("198.51.101.{client}");
        let (status, request) = ask(&shop, &address, EMAIL).await;
        assert_eq!(status, 202);
        for _ in 0..5 {
            statuses.push(enter(&shop, &address, wrong(&code), &request).await);
        }
        statuses.push(enter(&shop, &address, &code, &request).await);
    }
    assert!(statuses.iter().all(|status| [400, 429].contains(status)), "{statuses:?}");
    let limit = Limits::default().code_request.per_target;
    let (guesses, requests) = tried(&shop).await;
    assert!(guesses <= 5 * limit.most && requests <= limit.most as usize, "{guesses} guesses of {requests} requests");

    // With the request of before, and with another one: both lead to the code that was mailed first.
    assert_eq!(enter(&shop, HOME, wrong(&code), &mine).await, 400);
    let (status, another) = ask(&shop, HOME, EMAIL).await;
    assert_eq!(status, 202);
    assert_eq!(enter(&shop, HOME, &code, &another).await, 200);
    assert_eq!(enter(&shop, HOME, &code, &mine).await, 400, "a code works once");
}

#[tokio::test]
async fn a_token_of_nobody_of_another_contact_and_of_another_purpose_is_a_wrong_code_and_counts_for_nobody() {
    let shop = shop_with(|_| ()).await;
    shop.buyer("aziza").await;
    shop.buyer("bobur").await;
    let (_, mine) = ask(&shop, HOME, EMAIL).await;
    let code = shop.code_for(EMAIL).await;
    let (_, theirs) = ask(&shop, "198.51.100.7", "bobur@people.test").await;
    let forgot = json!({ "email": EMAIL });
    let (_, reset) = shop.post_from("198.51.100.7", "/v1/auth/forgot-password", &forgot).await;
    let refused = async |request: &Value| {
        let entered = json!({"contact": EMAIL, "code": code, "request": request});
        shop.post_from("198.51.100.7", "/v1/auth/code/sign-in", &entered).await
    };
    // What a wrong code is answered with, by somebody with a request of their own.
    let (_, own) = ask(&shop, "198.51.100.9", EMAIL).await;
    let entered = json!({"contact": EMAIL, "code": wrong(&code), "request": own});
    let wrong = shop.post_from("198.51.100.9", "/v1/auth/code/sign-in", &entered).await;
    assert_eq!((wrong.0, &wrong.1["code"]), (400, &json!("code_mismatch")));
    let before = tried(&shop).await.0;
    for request in [json!(NO_REQUEST), json!("x"), theirs, reset["request"].clone()] {
        for _ in 0..10 {
            assert_eq!(refused(&request).await, wrong, "{request}");
        }
    }
    assert_eq!(tried(&shop).await.0, before);
    assert_eq!(enter(&shop, HOME, &code, &mine).await, 200);
}

#[tokio::test]
async fn the_requests_for_a_contact_are_bounded_and_a_client_that_was_right_before_goes_on() {
    let shop = shop_with(|limits| {
        limits.code_request.per_target = Limit { most: 10, within: Duration::from_secs(86_400) };
    })
    .await;
    shop.buyer("aziza").await;
    let (_, mine) = ask(&shop, HOME, EMAIL).await;
    assert_eq!(enter(&shop, HOME, &shop.code_for(EMAIL).await, &mine).await, 200);
    let mut statuses = Vec::new();
    for client in 0..20 {
        statuses.push(ask(&shop, &format!("198.51.100.{client}"), EMAIL).await.0);
    }
    // The sign-up of the account and the owner's request are counted too.
    let accepted = statuses.iter().take_while(|status| **status == 202).count();
    assert_eq!(accepted, 8, "{statuses:?}");
    assert!(statuses.iter().skip(accepted).all(|status| *status == 429), "{statuses:?}");
    let (status, mine) = ask(&shop, HOME, EMAIL).await;
    assert_eq!(status, 202);
    assert_eq!(enter(&shop, HOME, &shop.code_for(EMAIL).await, &mine).await, 200);
    shop.cloud.clock().advance(Duration::from_secs(86_400));
    assert_eq!(ask(&shop, "198.51.100.200", EMAIL).await.0, 202);
}

#[tokio::test]
async fn a_stranger_who_asks_for_codes_uses_up_no_mail_of_the_owner() {
    let shop = shop_with(|limits| limits.mail.per_target = Limit { most: 10, within: 10 * MINUTE }).await;
    shop.buyer("aziza").await;
    shop.cloud.clock().advance(10 * MINUTE);
    let mut statuses = Vec::new();
    for _ in 0..50 {
        statuses.push(ask(&shop, "198.51.100.7", EMAIL).await.0);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 6, "{statuses:?}");
    shop.wait_until_idle().await;
    let before = shop.mail_to(EMAIL).len();
    assert_eq!(ask(&shop, HOME, EMAIL).await.0, 202);
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(EMAIL).len(), before + 1);
}

/// What is stored of the code with which somebody signs up.
async fn sign_up_code(shop: &Shop) -> Value {
    let items = items(shop, "SessionsTable").await;
    let codes = items.iter().filter(|item| item["kind"]["S"] == "code").map(|item| {
        let data: Value = serde_json::from_str(item["data"]["S"].as_str().expect("data")).expect("JSON");
        data
    });
    codes.into_iter().find(|code| code["purpose"] == "sign_up").expect("a code")
}

/// Numbers of messages begin anew with each code.
#[tokio::test]
async fn a_late_message_of_a_former_code_swallows_no_message_of_the_next_one() {
    let shop = Shop::open().await;
    let asked = json!({"email": EMAIL, "password": PASSWORD});
    shop.anon().post("/v1/auth/sign-up", &asked).await.expect(202);
    shop.wait_until_idle().await;
    let former = sign_up_code(&shop).await;
    shop.advance(15 * MINUTE).await;
    shop.anon().post("/v1/auth/sign-up", &asked).await.expect(202);
    shop.wait_until_idle().await;
    let before = shop.mail_to(EMAIL).len();

    let late = json!({"code": {
        "purpose": "sign_up", "contact": former["contact"], "number": 3, "expires_at": former["expires_at"],
    }});
    let queues = &shop.cloud.services().queues;
    queues.send(&shop.queue("MessagesQueue"), &late.to_string(), &MessageAttributes::new()).expect("it is taken");
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(EMAIL).len(), before, "the former code is over");
    shop.anon().post("/v1/auth/resend", &json!({ "email": EMAIL })).await.expect(202);
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(EMAIL).len(), before + 1);
}

/// A stranger has begun a sign-up with the address; its owner asks for the code and never saw the password.
#[tokio::test]
async fn a_code_that_comes_with_another_request_than_the_sign_ups_needs_a_password() {
    let shop = Shop::open().await;
    let stranger = json!({"email": EMAIL, "password": "Stranger horse 1"});
    let begun = shop.anon().post("/v1/auth/sign-up", &stranger).await.expect(202)["request"].clone();
    let resent = shop.anon().post("/v1/auth/resend", &json!({ "email": EMAIL })).await.expect(202)["request"].clone();
    let mut entered = json!({"email": EMAIL, "code": shop.code_for(EMAIL).await, "request": resent});
    shop.anon().post("/v1/auth/confirm", &entered).await.expect_problem(409, "password_needed");
    entered["password"] = json!(PASSWORD);
    shop.anon().post("/v1/auth/confirm", &entered).await.expect(200);
    shop.anon().post("/v1/auth/sign-in", &stranger).await.expect_problem(401, "invalid_credentials");
    shop.sign_in(EMAIL).await;
    // With its own request the password of a sign-up is known to whoever enters the code.
    assert_ne!(begun, resent);
}

/// A code that is sent to nobody can still be guessed: then whose account it is must hear of it.
#[tokio::test]
async fn the_owner_of_an_account_is_told_when_another_sign_up_is_confirmed() {
    let shop = Shop::open().await;
    let services = shop.cloud.services();
    let arn = &services.template.secret("PersonsSecret").expect("a secret").arn;
    let known = json!({"current": "a secret that the test knows"}).to_string();
    assert!(services.secrets.replace(arn, &known));
    shop.buyer("aziza").await;
    shop.wait_until_idle().await;
    assert!(!shop.mail_to(EMAIL).iter().any(|subject| subject.ends_with("another password")));

    shop.anon().post("/v1/auth/sign-up", &json!({"email": EMAIL, "password": PASSWORD})).await.expect(202);
    shop.wait_until_idle().await;
    let persons: PersonsSecret = serde_json::from_str(&known).expect("a secret");
    let key = sign_up_code(&shop).await["key"].as_str().map(PersonsSecret::key_of);
    let code = persons.code(&key.flatten().expect("a key"));
    let guess = json!({"email": EMAIL, "code": code, "password": "Stranger horse 1"});
    shop.anon().post("/v1/auth/confirm", &guess).await.expect(200);
    shop.wait_until_idle().await;
    assert!(shop.mail_to(EMAIL)[0].ends_with("another password"), "{:?}", shop.mail_to(EMAIL));
}
