//! Accounts: sign-up, sign-in, tokens, profile and addresses, and what responses must not reveal about others.

use std::time::Duration;

use local::seed::PASSWORD;
use serde_json::{Value, json};

use crate::shop::{Answer, Client, Shop, address};

const EMAIL: &str = "aziza@people.test";
const MINUTE: Duration = Duration::from_secs(60);

async fn auth(shop: &Shop, step: &str, body: Value) -> Answer {
    shop.anon().post(&format!("/v1/auth/{step}"), &body).await
}

async fn sign_up(shop: &Shop, email: &str) -> Answer {
    auth(shop, "sign-up", json!({"email": email, "password": PASSWORD, "name": "Aziza"})).await
}

async fn sign_in(shop: &Shop, email: &str, password: &str) -> Answer {
    auth(shop, "sign-in", json!({"email": email, "password": password})).await
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Status and body, without the `instance` that differs in each response.
fn comparable(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json.clone();
    if body["instance"].is_string() {
        body["instance"] = Value::Null;
    }
    (answer.status, body)
}

/// Another code than this one.
fn wrong(code: &str) -> &'static str {
    if code == "000000" { "111111" } else { "000000" }
}

#[tokio::test]
async fn an_account_is_made_confirmed_and_used() {
    let shop = Shop::open().await;
    assert_eq!(sign_up(&shop, EMAIL).await.expect(202), &json!({}));
    sign_in(&shop, EMAIL, PASSWORD).await.expect_problem(403, "not_confirmed");

    let first = shop.code_for(EMAIL);
    let refused = auth(&shop, "confirm", json!({"email": EMAIL, "code": wrong(&first)})).await;
    refused.expect_problem(400, "code_mismatch");
    auth(&shop, "resend", json!({"email": EMAIL})).await.expect(202);
    assert_eq!(shop.mail_to(EMAIL).len(), 2);
    let code = shop.code_for(EMAIL);
    auth(&shop, "confirm", json!({"email": EMAIL, "code": code})).await.expect(200);

    let tokens = sign_in(&shop, "Aziza@People.TEST", PASSWORD).await.expect(200).clone();
    assert_eq!(tokens["expires_in"], 900);
    let me = shop.anon().with_token(text(&tokens["access_token"])).get("/v1/me").await.expect(200).clone();
    assert_eq!((&me["email"], &me["name"]), (&json!(EMAIL), &json!("Aziza")));
    assert_eq!((&me["groups"], &me["memberships"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn sign_up_and_sign_in_do_not_reveal_whether_an_address_has_an_account() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    sign_up(&shop, "waiting@people.test").await.expect(202);
    let (known, waiting, unknown) = (EMAIL, "waiting@people.test", "nobody@people.test");
    let mail = shop.mail_to(known).len();

    let again = sign_up(&shop, known).await;
    assert_eq!(comparable(&again), comparable(&sign_up(&shop, "new@people.test").await));
    assert_eq!(comparable(&again), (202, json!({})));
    assert_eq!(shop.mail_to(known).len(), mail, "a repeated sign-up mails nothing to the owner of the account");

    for step in ["resend", "forgot-password"] {
        for email in [known, waiting, unknown] {
            let answer = auth(&shop, step, json!({ "email": email })).await;
            assert_eq!(comparable(&answer), (202, json!({})), "{step} {email}");
        }
    }
    assert!(shop.mail_to(unknown).is_empty());

    let stranger = sign_in(&shop, unknown, PASSWORD).await;
    stranger.expect_problem(401, "invalid_credentials");
    assert_eq!(comparable(&stranger), comparable(&sign_in(&shop, known, "Wrong horse 1").await));
    assert_eq!(comparable(&stranger), comparable(&sign_in(&shop, waiting, "Wrong horse 1").await));

    let code = "000000";
    let confirmed = auth(&shop, "confirm", json!({"email": known, "code": code})).await;
    confirmed.expect_problem(410, "code_expired");
    assert_eq!(
        comparable(&confirmed),
        comparable(&auth(&shop, "confirm", json!({"email": unknown, "code": code})).await)
    );
}

#[tokio::test]
async fn a_password_reset_does_not_reveal_whether_an_address_has_an_account() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let reset = async |email: &str, code: &str| {
        auth(&shop, "reset-password", json!({"email": email, "code": code, "password": PASSWORD})).await
    };
    let nobody = reset("nobody@people.test", "000000").await;
    nobody.expect_problem(400, "code_mismatch");
    assert_eq!(comparable(&nobody), comparable(&reset(EMAIL, "000000").await), "no reset was requested");
    auth(&shop, "forgot-password", json!({"email": EMAIL})).await.expect(202);
    let code = shop.code_for(EMAIL);
    for _ in 0..6 {
        assert_eq!(comparable(&nobody), comparable(&reset(EMAIL, wrong(&code)).await));
    }
    shop.cloud.clock().advance(60 * MINUTE);
    assert_eq!(comparable(&nobody), comparable(&reset(EMAIL, &code).await), "the code has expired");
    auth(&shop, "forgot-password", json!({"email": EMAIL})).await.expect(202);
    reset(EMAIL, &shop.code_for(EMAIL)).await.expect(200);
}

#[tokio::test]
async fn a_weak_password_is_refused_with_the_rule_that_it_breaks() {
    let shop = Shop::open().await;
    for (password, lacks) in [
        ("aB3", "too_short"),
        ("ALL-IN-CAPITALS-1", "lowercase_missing"),
        ("all-in-small-letters-1", "uppercase_missing"),
        ("No-digit-anywhere", "digit_missing"),
    ] {
        let refused = auth(&shop, "sign-up", json!({"email": EMAIL, "password": password})).await;
        let problem = refused.expect_problem(400, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/password", "{password}");
        assert_eq!(problem["errors"][0]["code"], lacks, "{password}");
        assert!(!refused.text.contains(password), "the response does not repeat the password");
    }
    assert!(shop.mail_to(EMAIL).is_empty());
    sign_up(&shop, EMAIL).await.expect(202);
    assert_eq!(shop.mail_to(EMAIL).len(), 1, "no refused sign-up has taken the address");
}

#[tokio::test]
async fn a_code_expires_and_works_once() {
    let shop = Shop::open().await;
    sign_up(&shop, EMAIL).await.expect(202);
    let old = shop.code_for(EMAIL);
    shop.cloud.clock().advance(24 * 60 * MINUTE);
    auth(&shop, "confirm", json!({"email": EMAIL, "code": old})).await.expect_problem(410, "code_expired");
    auth(&shop, "resend", json!({"email": EMAIL})).await.expect(202);
    let code = shop.code_for(EMAIL);
    auth(&shop, "confirm", json!({"email": EMAIL, "code": code})).await.expect(200);
    auth(&shop, "confirm", json!({"email": EMAIL, "code": code})).await.expect_problem(410, "code_expired");

    auth(&shop, "forgot-password", json!({"email": EMAIL})).await.expect(202);
    let code = shop.code_for(EMAIL);
    shop.cloud.clock().advance(60 * MINUTE);
    let reset = json!({"email": EMAIL, "code": code, "password": "Another horse 2"});
    // An expired code is answered like a wrong one: a difference would reveal who has an account.
    auth(&shop, "reset-password", reset).await.expect_problem(400, "code_mismatch");
    sign_in(&shop, EMAIL, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_code_cannot_be_guessed() {
    let shop = Shop::open().await;
    sign_up(&shop, EMAIL).await.expect(202);
    let code = shop.code_for(EMAIL);
    for _ in 0..5 {
        let guess = auth(&shop, "confirm", json!({"email": EMAIL, "code": wrong(&code)})).await;
        guess.expect_problem(400, "code_mismatch");
    }
    let right = auth(&shop, "confirm", json!({"email": EMAIL, "code": code})).await;
    right.expect_problem(429, "too_many_requests");
    assert!(right.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    shop.cloud.clock().advance(60 * MINUTE);
    auth(&shop, "confirm", json!({"email": EMAIL, "code": code})).await.expect(200);
}

#[tokio::test]
async fn one_address_gets_ten_messages_in_ten_minutes_whether_it_has_an_account_or_not() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    // Windows begin at full ten minutes, and this test stays within one. The sign-up has sent the first message.
    for (email, left) in [(EMAIL, 9), ("nobody@people.test", 10)] {
        for _ in 0..left {
            auth(&shop, "forgot-password", json!({ "email": email })).await.expect(202);
        }
        let refused = auth(&shop, "forgot-password", json!({ "email": email })).await;
        refused.expect_problem(429, "too_many_requests");
        assert_eq!(refused.header("retry-after"), "600");
    }
    shop.cloud.clock().advance(10 * MINUTE);
    auth(&shop, "forgot-password", json!({"email": "nobody@people.test"})).await.expect(202);
}

#[tokio::test]
async fn an_access_token_is_valid_for_fifteen_minutes() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let tokens = sign_in(&shop, EMAIL, PASSWORD).await.expect(200).clone();
    let client = shop.anon().with_token(text(&tokens["access_token"]));
    shop.cloud.clock().advance(15 * MINUTE - Duration::from_secs(1));
    client.get("/v1/me").await.expect(200);
    shop.cloud.clock().advance(Duration::from_secs(1));
    let late = client.get("/v1/me").await;
    assert_eq!(late.expect(401), &json!({"message": "Unauthorized"}));

    let refreshed = auth(&shop, "refresh", json!({"refresh_token": tokens["refresh_token"]})).await;
    let refreshed = refreshed.expect(200);
    assert_eq!(refreshed["refresh_token"], tokens["refresh_token"]);
    shop.anon().with_token(text(&refreshed["access_token"])).get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn only_an_access_token_of_this_pool_is_accepted() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let tokens = sign_in(&shop, EMAIL, PASSWORD).await.expect(200).clone();
    let id_token = shop.anon().with_token(text(&tokens["id_token"])).get("/v1/me").await;
    assert_eq!(id_token.expect(403), &json!({"message": "Forbidden"}));

    let access = text(&tokens["access_token"]);
    let [header, claims, signature] = <[&str; 3]>::try_from(access.split('.').collect::<Vec<_>>()).expect("a token");
    let other: String = signature.chars().rev().collect();
    // Claims of somebody else's token under this signature.
    let operator = sign_in(&shop, local::seed::OPERATOR, PASSWORD).await.expect(200)["access_token"].clone();
    let operator_claims = text(&operator).split('.').nth(1).expect("claims").to_owned();
    for forged in [
        format!("{header}.{claims}.{other}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{operator_claims}.{signature}"),
        // {"alg":"none"}
        format!("eyJhbGciOiJub25lIn0.{claims}."),
        text(&tokens["refresh_token"]),
    ] {
        let answer = shop.anon().with_token(forged).get("/v1/me").await;
        assert_eq!(answer.expect(401), &json!({"message": "Unauthorized"}));
    }
}

#[tokio::test]
async fn sign_out_revokes_every_session_of_the_account() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let (here, there) =
        (sign_in(&shop, EMAIL, PASSWORD).await.expect(200).clone(), sign_in(&shop, EMAIL, PASSWORD).await.json);
    let client = shop.anon().with_token(text(&here["access_token"]));
    client.post("/v1/auth/sign-out", &json!({})).await.expect(204);
    for tokens in [&here, &there] {
        let refused = auth(&shop, "refresh", json!({"refresh_token": tokens["refresh_token"]})).await;
        refused.expect_problem(401, "unauthorized");
    }
    client.get("/v1/me").await.expect_problem(401, "unauthorized");
    client.post("/v1/auth/sign-out", &json!({})).await.expect(204);
    sign_in(&shop, EMAIL, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_new_one() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    auth(&shop, "forgot-password", json!({"email": EMAIL})).await.expect(202);
    let code = shop.code_for(EMAIL);
    let reset = |password: &str| json!({"email": EMAIL, "code": code, "password": password});
    let weak = auth(&shop, "reset-password", reset("weak")).await;
    assert_eq!(weak.expect_problem(400, "invalid")["errors"][0]["pointer"], "/password");
    auth(&shop, "reset-password", reset("Another horse 2")).await.expect(200);
    sign_in(&shop, EMAIL, PASSWORD).await.expect_problem(401, "invalid_credentials");
    sign_in(&shop, EMAIL, "Another horse 2").await.expect(200);
    let twice = auth(&shop, "reset-password", reset("Third horse 3")).await;
    twice.expect_problem(400, "code_mismatch");
    sign_in(&shop, EMAIL, "Another horse 2").await.expect(200);
}

#[tokio::test]
async fn a_profile_update_keeps_omitted_fields() {
    let shop = Shop::open().await;
    let buyer = shop.buyer("aziza").await;
    let changed = buyer.patch("/v1/me", &json!({"language": "uz-Latn"})).await.expect(200).clone();
    assert_eq!((&changed["name"], &changed["language"]), (&json!("aziza"), &json!("uz-Latn")));
    let renamed = buyer.patch("/v1/me", &json!({"name": "  Aziza Karimova "})).await.expect(200).clone();
    assert_eq!((&renamed["name"], &renamed["language"]), (&json!("Aziza Karimova"), &json!("uz-Latn")));
    assert_eq!(buyer.patch("/v1/me", &json!({})).await.expect(200), &renamed);
    let cleared = buyer.patch("/v1/me", &json!({"name": null, "language": null})).await.expect(200).clone();
    assert!(cleared["name"].is_null() && cleared["language"].is_null());
    assert_eq!(buyer.get("/v1/me").await.expect(200), &cleared);
}

async fn book(client: &Client) -> (Value, String) {
    let answer = client.get("/v1/me/addresses").await;
    (answer.expect(200)["items"].clone(), answer.header("etag").to_owned())
}

#[tokio::test]
async fn an_address_book_is_private_and_replaced_as_a_whole() {
    let shop = Shop::open().await;
    let (buyer, other) = (shop.buyer("aziza").await, shop.buyer("bahrom").await);
    assert_eq!(book(&buyer).await.0, json!([]));
    let mut second = address();
    second["city"] = json!("Khiva");
    let both = json!({"items": [{"address": address()}, {"address": second}]});
    let put = buyer.put("/v1/me/addresses", &both).await;
    let items = put.expect(200)["items"].clone();
    assert_eq!((items.as_array().map(Vec::len), &items[1]["address"]["city"]), (Some(2), &json!("Khiva")));
    assert_eq!(book(&other).await.0, json!([]));

    let etag = book(&buyer).await.1;
    assert_eq!(buyer.put("/v1/me/addresses", &both).await.header("etag"), etag, "the same book again is no change");
    let moved = json!({"items": [{"id": items[1]["id"], "address": address()}]});
    let conditional = buyer.clone().with("if-match", &etag);
    let remaining = conditional.put("/v1/me/addresses", &moved).await.expect(200)["items"].clone();
    assert_eq!((remaining.as_array().map(Vec::len), &remaining[0]["id"]), (Some(1), &items[1]["id"]));
    conditional.put("/v1/me/addresses", &both).await.expect_problem(412, "version_mismatch");
    assert_eq!(book(&buyer).await.0, remaining);

    let foreign = json!({"items": [{"id": remaining[0]["id"], "address": address()}]});
    other.put("/v1/me/addresses", &foreign).await.expect_problem(400, "invalid");
    let many = |count: usize| json!({"items": vec![json!({"address": address()}); count]});
    buyer.put("/v1/me/addresses", &many(50)).await.expect(200);
    buyer.put("/v1/me/addresses", &many(51)).await.expect_problem(400, "invalid");
}

/// The pool's people have random names: neither a token nor the table says the address where only the name is needed.
#[tokio::test]
async fn a_person_has_a_random_name_in_the_user_pool_that_their_address_finds() {
    let shop = Shop::open().await;
    let weak = json!({"email": "weak@people.test", "password": "weak"});
    shop.anon().post("/v1/auth/sign-up", &weak).await.expect_problem(400, "invalid");
    let named = async || {
        let items = crate::shop::invariants::items(&shop, "AccountsTable").await;
        let emails = items.into_iter().filter(|item| item["kind"]["S"] == "email");
        let names = emails.map(|item| {
            let data: Value = serde_json::from_str(item["data"]["S"].as_str().expect("data")).expect("JSON");
            (item["pk"]["S"].as_str().expect("a key").to_owned(), data["username"].as_str().expect("a name").to_owned())
        });
        names.collect::<std::collections::BTreeMap<String, String>>()
    };
    // A refused sign-up leaves a reserved name, which the next one takes up.
    let reserved = named().await.get("EMAIL#weak@people.test").cloned();
    let strong = json!({"email": "weak@people.test", "password": local::seed::PASSWORD});
    shop.anon().post("/v1/auth/sign-up", &strong).await.expect(202);
    let taken_up = named().await["EMAIL#weak@people.test"].clone();
    assert!(reserved.is_none_or(|reserved| reserved == taken_up));

    let first = json!({"email": "first@people.test", "password": local::seed::PASSWORD});
    shop.anon().post("/v1/auth/sign-up", &first).await.expect(202);
    let name = named().await["EMAIL#first@people.test"].clone();
    assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    // Another sign-up of the same address is of the same person, and is answered alike.
    shop.anon().post("/v1/auth/sign-up", &first).await.expect(202);
    assert_eq!(named().await["EMAIL#first@people.test"], name);

    let confirm = json!({"email": "first@people.test", "code": shop.code_for("first@people.test")});
    shop.anon().post("/v1/auth/confirm", &confirm).await.expect(200);
    let session = shop.anon().post("/v1/auth/sign-in", &first).await.expect(200).clone();
    let refresh = json!({"refresh_token": session["refresh_token"]});
    let again = shop.anon().post("/v1/auth/refresh", &refresh).await.expect(200).clone();
    assert_eq!(again["refresh_token"], session["refresh_token"]);
}
