//! Guessing: that it opens nothing, locks nobody else out, and tells nothing about who has an account.

use std::time::Duration;

use local::seed::PASSWORD;
use serde_json::{Value, json};

use crate::shop::{Answer, Shop};

const EMAIL: &str = "aziza@people.test";
const MINUTE: Duration = Duration::from_secs(60);
/// The address of the owner's client, at which nobody guesses.
const HOME: &str = "203.0.113.1";

fn credentials(password: &str) -> Value {
    json!({"email": EMAIL, "password": password})
}

async fn sign_in(shop: &Shop, address: &str, password: &str) -> u64 {
    shop.post_from(address, "/v1/auth/sign-in", &credentials(password)).await.0
}

async fn auth(shop: &Shop, step: &str, body: &Value) -> Answer {
    shop.anon().post(&format!("/v1/auth/{step}"), body).await
}

#[tokio::test]
async fn a_hundred_wrong_passwords_of_one_client_hold_up_nobody_else() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let mut statuses = Vec::new();
    for _ in 0..100 {
        statuses.push(sign_in(&shop, "198.51.100.7", "Wrong horse 1").await);
        // Wherever the windows of other limits end.
        shop.cloud.clock().advance(Duration::from_secs(7));
    }
    // Four in a row, one less than Cognito locks people out after; none of the others reaches it.
    let refused = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!(statuses.iter().take(5).collect::<Vec<_>>(), [&401, &401, &401, &401, &429]);
    assert!(refused <= 4 && statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    assert_eq!(sign_in(&shop, HOME, PASSWORD).await, 200);
}

/// The pause runs from the last guess on, as long as Cognito counts failures together: no rhythm gets around it. After
/// each number of guesses at one of them, its owner signs in at once.
#[tokio::test]
async fn no_rhythm_of_one_client_reaches_the_lock() {
    const MOST: usize = 8;
    for pause in [Duration::ZERO, 5 * MINUTE, 14 * MINUTE, 16 * MINUTE] {
        let shop = Shop::open().await;
        for guesses in 1..=MOST {
            shop.buyer(&format!("person-{guesses}")).await;
        }
        let sign_in = async |address: &str, guesses: usize, password: &str| {
            let asked = json!({"email": format!("person-{guesses}@people.test"), "password": password});
            shop.post_from(address, "/v1/auth/sign-in", &asked).await.0
        };
        for made in 1..=MOST {
            for guesses in made..=MOST {
                sign_in("198.51.100.7", guesses, "Wrong horse 1").await;
            }
            assert_eq!(sign_in(HOME, made, PASSWORD).await, 200, "after {made} guesses, {pause:?} apart");
            shop.cloud.clock().advance(pause);
        }
    }
}

/// The user pool locks the account, by whichever contact it is guessed at: it is asked four times.
#[tokio::test]
async fn the_guesses_at_an_address_and_at_a_number_of_one_person_count_together() {
    let shop = Shop::open().await;
    let person = shop.buyer("aziza").await;
    let number = super::messages::WITHOUT_TELEGRAM;
    let asked = person.post("/v1/me/contact", &json!({"contact": number})).await.expect(202)["request"].clone();
    let code = super::messages::code_for(&shop, number).await;
    let entered = json!({"contact": number, "code": code, "request": asked});
    person.post("/v1/me/contact/confirm", &entered).await.expect(200);
    let guess = async |contact: &str| {
        let asked = json!({"contact": contact, "password": "Wrong horse 1"});
        shop.post_from("198.51.100.7", "/v1/auth/sign-in", &asked).await.0
    };
    let mut statuses = Vec::new();
    for contact in [EMAIL, number, EMAIL, number, EMAIL, number] {
        statuses.push(guess(contact).await);
    }
    assert_eq!(statuses, [401; 6], "no answer says that both are one person's");
    let asked = json!({"contact": number, "password": PASSWORD});
    let guessed = shop.post_from("198.51.100.7", "/v1/auth/sign-in", &asked).await.0;
    assert_eq!(guessed, 401, "the pool is not asked, or the guesses could go on");
    assert_eq!(sign_in(&shop, HOME, PASSWORD).await, 200);
}

#[tokio::test]
async fn who_signs_in_often_is_not_who_guesses() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    for _ in 0..12 {
        for _ in 0..3 {
            assert_eq!(sign_in(&shop, HOME, "Wrong horse 1").await, 401);
        }
        assert_eq!(sign_in(&shop, HOME, PASSWORD).await, 200);
        shop.cloud.clock().advance(MINUTE);
    }
}

#[tokio::test]
async fn many_clients_hold_the_password_up_for_a_quarter_of_an_hour_and_the_code_never() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    for client in 0..50 {
        for _ in 0..5 {
            let address = format!("198.51.100.{client}");
            assert!([401, 429].contains(&sign_in(&shop, &address, "Wrong horse 1").await));
        }
        shop.cloud.clock().advance(Duration::from_secs(20));
    }
    assert_eq!(sign_in(&shop, HOME, PASSWORD).await, 401, "Cognito locks the password");
    let contact = json!({ "contact": EMAIL });
    assert_eq!(shop.post_from(HOME, "/v1/auth/code", &contact).await.0, 202);
    let entered = json!({"contact": EMAIL, "code": shop.code_for(EMAIL).await});
    assert_eq!(shop.post_from(HOME, "/v1/auth/code/sign-in", &entered).await.0, 200);

    assert_eq!(sign_in(&shop, HOME, PASSWORD).await, 401, "the lock is Cognito's own");
    shop.cloud.clock().advance(15 * MINUTE);
    assert_eq!(sign_in(&shop, HOME, PASSWORD).await, 200);
}

async fn refresh(shop: &Shop, token: &Value) -> Answer {
    auth(shop, "refresh", &json!({ "refresh_token": token })).await
}

#[tokio::test]
async fn a_replaced_refresh_token_that_is_shown_later_ends_its_session_and_no_other() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let first = auth(&shop, "sign-in", &credentials(PASSWORD)).await.expect(200)["refresh_token"].clone();
    let other = auth(&shop, "sign-in", &credentials(PASSWORD)).await.expect(200)["refresh_token"].clone();
    let second = refresh(&shop, &first).await.expect(200)["refresh_token"].clone();
    assert_ne!(first, second);
    // The answer was lost, or two tabs have asked at once.
    shop.cloud.clock().advance(Duration::from_secs(29));
    assert_eq!(refresh(&shop, &first).await.expect(200)["refresh_token"], second);
    shop.cloud.clock().advance(Duration::from_secs(1));
    refresh(&shop, &first).await.expect_problem(401, "unauthorized");
    refresh(&shop, &second).await.expect_problem(401, "unauthorized");
    refresh(&shop, &other).await.expect(200);
}

#[tokio::test]
async fn a_reset_of_the_password_ends_every_session() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let by_password = auth(&shop, "sign-in", &credentials(PASSWORD)).await.expect(200)["refresh_token"].clone();
    auth(&shop, "code", &json!({ "contact": EMAIL })).await.expect(202);
    let entered = json!({"contact": EMAIL, "code": shop.code_for(EMAIL).await});
    let by_code = auth(&shop, "code/sign-in", &entered).await.expect(200)["refresh_token"].clone();
    auth(&shop, "forgot-password", &json!({"email": EMAIL})).await.expect(202);
    let reset = json!({"email": EMAIL, "code": shop.code_for(EMAIL).await, "password": "Another horse 2"});
    auth(&shop, "reset-password", &reset).await.expect(200);
    for token in [by_password, by_code] {
        refresh(&shop, &token).await.expect_problem(401, "unauthorized");
    }
}

/// Whoever signs up with an address that is not theirs chooses no password of it, before and after its owner.
#[tokio::test]
async fn a_stranger_who_signs_up_with_an_address_gets_nothing_of_its_account() {
    for stranger_first in [true, false] {
        let shop = Shop::open().await;
        let (theirs, mine) = ("Stranger horse 1", "Owner horse 2 x");
        let order = if stranger_first { [theirs, mine] } else { [mine, theirs] };
        for password in order {
            auth(&shop, "sign-up", &credentials(password)).await.expect(202);
        }
        let code = shop.code_for(EMAIL).await;
        let without = json!({"email": EMAIL, "code": code});
        auth(&shop, "confirm", &without).await.expect_problem(409, "password_needed");
        let confirm = json!({"email": EMAIL, "code": code, "password": mine});
        auth(&shop, "confirm", &confirm).await.expect(200);
        auth(&shop, "sign-in", &credentials(theirs)).await.expect_problem(401, "invalid_credentials");
        auth(&shop, "sign-in", &credentials(mine)).await.expect(200);
        // Once there is an account, signing up changes nothing of it.
        auth(&shop, "sign-up", &credentials(theirs)).await.expect(202);
        shop.wait_until_idle().await;
        auth(&shop, "confirm", &without).await.expect_problem(400, "code_mismatch");
        auth(&shop, "sign-in", &credentials(theirs)).await.expect_problem(401, "invalid_credentials");
    }
}

/// Bytes and status of an answer, but for its own id; of a request's token the length.
fn said(answer: &Answer) -> (u16, Value, String) {
    let mut body = answer.json.clone();
    if body["instance"].is_string() {
        body["instance"] = Value::Null;
    }
    if let Some(token) = body["request"].as_str() {
        body["request"] = json!(token.len());
    }
    (answer.status, body, answer.header("retry-after").to_owned())
}

/// The calls of a route to any service, in their order, but for reads of the settings: whoever comes half a minute
/// after the last one reads them again.
fn calls(shop: &Shop, route: &str) -> Vec<String> {
    let faults = &shop.cloud.services().faults;
    let recorded = faults.recorded().into_iter().filter(|call| call.route.as_deref() == Some(route));
    let calls = recorded.map(|call| format!("{}:{}", call.service, call.operation));
    let calls = calls.filter(|call| call != "dynamodb:Query").collect();
    faults.clear();
    calls
}

#[tokio::test]
async fn nobody_learns_from_answers_or_calls_who_has_an_account() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let steps = |address: &str, name: &'static str| match name {
        "sign-up" => json!({"email": address, "password": PASSWORD, "name": "Aziza"}),
        "confirm" => json!({"email": address, "code": "000000"}),
        "reset-password" => json!({"email": address, "code": "000000", "password": PASSWORD}),
        "sign-in" => json!({"email": address, "password": "Wrong horse 1"}),
        "code" => json!({ "contact": address }),
        "code/sign-in" => json!({"contact": address, "code": "000000"}),
        _ => json!({ "email": address }),
    };
    let names = [
        "code",
        "code/sign-in",
        "forgot-password",
        "reset-password",
        "resend",
        "sign-in",
        "sign-up",
        "confirm",
        "resend",
    ];
    // The first call of a sandbox reads secrets and settings.
    for name in names {
        auth(&shop, name, &steps("first@people.test", name)).await;
    }
    for name in names {
        let route = format!("POST /v1/auth/{name}");
        let mut seen = Vec::new();
        for address in [EMAIL, "nobody@people.test", "nobody-else@people.test"] {
            shop.wait_until_idle().await;
            shop.cloud.services().faults.record();
            let answer = auth(&shop, name, &steps(address, name)).await;
            assert!([202, 400, 401].contains(&answer.status), "{name}: {}", answer.text);
            let calls = calls(&shop, &route);
            assert!(calls.len() >= 3, "{name}: {calls:?}");
            seen.push((said(&answer), calls));
        }
        assert_eq!(seen[0], seen[1], "{name}");
        assert_eq!(seen[1], seen[2], "{name}");
    }
}

/// Whether somebody has signed up and not confirmed yet does not show in another's answers either.
#[tokio::test]
async fn a_repeated_request_for_a_code_makes_the_same_calls_whether_there_is_one_or_not() {
    let shop = Shop::open().await;
    let sign_up = json!({"email": EMAIL, "password": PASSWORD});
    auth(&shop, "sign-up", &sign_up).await.expect(202);
    auth(&shop, "resend", &json!({"email": "first@people.test"})).await.expect(202);
    let mut seen = Vec::new();
    for address in [EMAIL, "nobody@people.test"] {
        shop.wait_until_idle().await;
        shop.cloud.services().faults.record();
        let answer = auth(&shop, "resend", &json!({ "email": address })).await;
        seen.push((said(&answer), calls(&shop, "POST /v1/auth/resend")));
    }
    assert_eq!(seen[0], seen[1]);
}
