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

/// Status and body, without the `instance` that differs in each response, and with the length of a request's token.
fn comparable(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json.clone();
    if body["instance"].is_string() {
        body["instance"] = Value::Null;
    }
    if let Some(token) = body["request"].as_str() {
        body["request"] = json!(token.len());
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
    let request = text(&sign_up(&shop, EMAIL).await.expect(202)["request"]);
    assert_eq!(request.len(), 43, "32 bytes in base64url");
    // Whoever has proven nothing is nobody: there is no account yet.
    sign_in(&shop, EMAIL, PASSWORD).await.expect_problem(401, "invalid_credentials");

    let first = shop.code_for(EMAIL).await;
    let refused = auth(&shop, "confirm", json!({"email": EMAIL, "code": wrong(&first)})).await;
    refused.expect_problem(400, "code_mismatch");
    auth(&shop, "resend", json!({"email": EMAIL})).await.expect(202);
    let code = shop.code_for(EMAIL).await;
    assert_eq!((shop.mail_to(EMAIL).len(), &code), (2, &first), "the code that lives is sent again");
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
    shop.wait_until_idle().await;
    let mail = shop.mail_to(known).len();

    let again = sign_up(&shop, known).await;
    assert_eq!(comparable(&again), comparable(&sign_up(&shop, "new@people.test").await));
    assert_eq!(comparable(&again), (202, json!({"request": 43})));
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(known).len(), mail + 1);
    assert!(shop.mail_to(known)[0].ends_with("you have an account"), "{:?}", shop.mail_to(known));

    for step in ["resend", "forgot-password"] {
        for email in [known, waiting, unknown] {
            let answer = auth(&shop, step, json!({ "email": email })).await;
            assert_eq!(comparable(&answer), (202, json!({"request": 43})), "{step} {email}");
        }
    }
    shop.wait_until_idle().await;
    assert!(shop.mail_to(unknown).is_empty());

    let stranger = sign_in(&shop, unknown, PASSWORD).await;
    stranger.expect_problem(401, "invalid_credentials");
    assert_eq!(comparable(&stranger), comparable(&sign_in(&shop, known, "Wrong horse 1").await));
    assert_eq!(comparable(&stranger), comparable(&sign_in(&shop, waiting, "Wrong horse 1").await));

    let code = "000000";
    let confirmed = auth(&shop, "confirm", json!({"email": known, "code": code})).await;
    confirmed.expect_problem(400, "code_mismatch");
    for email in [waiting, unknown] {
        assert_eq!(
            comparable(&confirmed),
            comparable(&auth(&shop, "confirm", json!({"email": email, "code": code})).await)
        );
    }
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
    let code = shop.code_for(EMAIL).await;
    assert_eq!(comparable(&nobody), comparable(&reset(EMAIL, wrong(&code)).await));
    shop.advance(15 * MINUTE).await;
    assert_eq!(comparable(&nobody), comparable(&reset(EMAIL, &code).await), "the code has expired");
    auth(&shop, "forgot-password", json!({"email": EMAIL})).await.expect(202);
    reset(EMAIL, &shop.code_for(EMAIL).await).await.expect(200);
}

#[tokio::test]
async fn a_weak_password_is_refused_with_the_rule_that_it_breaks() {
    let shop = Shop::open().await;
    for (password, lacks) in [
        ("elevenchars", "too_short"),
        ("aB3", "too_short"),
        ("password1234", "too_common"),
        ("aziza@people.test", "too_common"),
    ] {
        let refused = auth(&shop, "sign-up", json!({"email": EMAIL, "password": password})).await;
        let problem = refused.expect_problem(400, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/password", "{password}");
        assert_eq!(problem["errors"][0]["code"], lacks, "{password}");
        assert!(!refused.text.contains(password), "the response does not repeat the password");
    }
    // No rule of composition: a sentence of small letters is a good password.
    let sentence = json!({"email": EMAIL, "password": "the melons of chorsu are sweet"});
    auth(&shop, "sign-up", sentence).await.expect(202);
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(EMAIL).len(), 1, "no refused sign-up has taken the address");
}

#[tokio::test]
async fn a_code_expires_and_works_once() {
    let shop = Shop::open().await;
    sign_up(&shop, EMAIL).await.expect(202);
    let old = shop.code_for(EMAIL).await;
    shop.advance(15 * MINUTE).await;
    auth(&shop, "confirm", json!({"email": EMAIL, "code": old})).await.expect_problem(400, "code_mismatch");
    auth(&shop, "resend", json!({"email": EMAIL})).await.expect(202);
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(EMAIL).len(), 1, "there is nothing to send again");
    sign_up(&shop, EMAIL).await.expect(202);
    let code = shop.code_for(EMAIL).await;
    assert_ne!(code, old);
    auth(&shop, "confirm", json!({"email": EMAIL, "code": code})).await.expect(200);
    auth(&shop, "confirm", json!({"email": EMAIL, "code": code})).await.expect_problem(400, "code_mismatch");

    auth(&shop, "forgot-password", json!({"email": EMAIL})).await.expect(202);
    let code = shop.code_for(EMAIL).await;
    shop.advance(15 * MINUTE).await;
    let reset = json!({"email": EMAIL, "code": code, "password": "Another horse 2"});
    // An expired code is answered like a wrong one: a difference would reveal who has an account.
    auth(&shop, "reset-password", reset).await.expect_problem(400, "code_mismatch");
    sign_in(&shop, EMAIL, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_code_cannot_be_guessed() {
    let shop = Shop::open().await;
    sign_up(&shop, EMAIL).await.expect(202);
    let code = shop.code_for(EMAIL).await;
    for _ in 0..5 {
        let guess = auth(&shop, "confirm", json!({"email": EMAIL, "code": wrong(&code)})).await;
        guess.expect_problem(400, "code_mismatch");
    }
    let late = auth(&shop, "confirm", json!({"email": EMAIL, "code": code})).await;
    late.expect_problem(400, "code_mismatch");
    // Its owner is not held up by that: who asks anew has five tries of their own at the same code, and a password.
    let request = auth(&shop, "resend", json!({"email": EMAIL})).await.expect(202)["request"].clone();
    let entered = json!({"email": EMAIL, "code": code, "request": request, "password": PASSWORD});
    auth(&shop, "confirm", entered).await.expect(200);
}

#[tokio::test]
async fn one_address_gets_ten_messages_in_ten_minutes_and_no_answer_tells_when_they_are_used_up() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    // Windows begin at full ten minutes, and this test stays within one. The sign-up has sent the first message.
    let ask = async |email: &str| comparable(&auth(&shop, "forgot-password", json!({ "email": email })).await);
    for email in [EMAIL, "nobody@people.test"] {
        for _ in 0..12 {
            assert_eq!(ask(email).await, (202, json!({"request": 43})));
        }
        shop.wait_until_idle().await;
    }
    // The notice of the new account's code, and nine of twelve.
    assert_eq!(shop.mail_to(EMAIL).len(), 10);
    assert!(shop.mail_to("nobody@people.test").is_empty());
    // The last of them was answered with a token of its own, and the code in the first mail can be entered with it.
    let reset = json!({"email": EMAIL, "code": shop.code_for(EMAIL).await, "password": "Another horse 2"});
    auth(&shop, "reset-password", reset).await.expect(200);
    // The first message of a code is sent whatever others have used up: nobody takes a code away from its owner.
    shop.wait_until_idle().await;
    let before = shop.mail_to(EMAIL).len();
    for _ in 0..2 {
        ask(EMAIL).await;
    }
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(EMAIL).len(), before + 1);
    shop.cloud.clock().advance(10 * MINUTE);
    ask(EMAIL).await;
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(EMAIL).len(), before + 2);
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
    assert_ne!(refreshed["refresh_token"], tokens["refresh_token"], "each exchange replaces it");
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
    client.post("/v1/auth/sign-out", &json!({})).await.expect(204);
    sign_in(&shop, EMAIL, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_new_one() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    auth(&shop, "forgot-password", json!({"email": EMAIL})).await.expect(202);
    let code = shop.code_for(EMAIL).await;
    let reset = |password: &str| json!({"email": EMAIL, "code": code, "password": password});
    let weak = auth(&shop, "reset-password", reset("weak")).await;
    assert_eq!(weak.expect_problem(400, "invalid")["errors"][0]["pointer"], "/password");
    auth(&shop, "reset-password", reset("Another horse 2")).await.expect(200);
    sign_in(&shop, EMAIL, PASSWORD).await.expect_problem(401, "invalid_credentials");
    sign_in(&shop, EMAIL, "Another horse 2").await.expect(200);
    let twice = auth(&shop, "reset-password", reset("Third horse 345")).await;
    twice.expect_problem(400, "code_mismatch");
    sign_in(&shop, EMAIL, "Another horse 2").await.expect(200);
}

#[tokio::test]
async fn a_person_sees_where_they_are_signed_in_and_ends_one_session() {
    let shop = Shop::open().await;
    let here = shop.buyer("aziza").await;
    let other = shop.buyer("bahrom").await;
    shop.advance(MINUTE).await;
    let there = sign_in(&shop, EMAIL, PASSWORD).await.expect(200).clone();
    let listed = here.get("/v1/me/sessions").await.expect(200)["items"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert!(text(&listed[0]["used_at"]) > text(&listed[1]["used_at"]), "the one that was used last comes first");
    let path = format!("/v1/me/sessions/{}", text(&listed[0]["id"]));
    other.delete(&path).await.expect_problem(404, "not_found");
    here.delete(&path).await.expect(204);
    here.delete(&path).await.expect_problem(404, "not_found");
    let refused = auth(&shop, "refresh", json!({"refresh_token": there["refresh_token"]})).await;
    refused.expect_problem(401, "unauthorized");
    assert_eq!(here.get("/v1/me/sessions").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn another_password_needs_the_one_before_and_ends_every_session() {
    let shop = Shop::open().await;
    let here = shop.buyer("aziza").await;
    let there = sign_in(&shop, EMAIL, PASSWORD).await.expect(200).clone();
    let change = async |current: &str, password: &str| {
        here.post("/v1/me/password", &json!({"current_password": current, "password": password})).await
    };
    change("Wrong horse 345", "Another horse 2").await.expect_problem(401, "invalid_credentials");
    change(PASSWORD, "short").await.expect_problem(400, "invalid");
    let begun = change(PASSWORD, "Another horse 2").await.expect(200).clone();
    shop.wait_until_idle().await;
    assert!(shop.mail_to(EMAIL)[0].ends_with("another password"), "{:?}", shop.mail_to(EMAIL));
    let refused = auth(&shop, "refresh", json!({"refresh_token": there["refresh_token"]})).await;
    refused.expect_problem(401, "unauthorized");
    auth(&shop, "refresh", json!({"refresh_token": begun["refresh_token"]})).await.expect(200);
    sign_in(&shop, EMAIL, PASSWORD).await.expect_problem(401, "invalid_credentials");
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
    let named = async || {
        let items = crate::shop::invariants::items(&shop, "AccountsTable").await;
        let emails = items.into_iter().filter(|item| item["kind"]["S"] == "email");
        let names = emails.map(|item| {
            let data: Value = serde_json::from_str(item["data"]["S"].as_str().expect("data")).expect("JSON");
            (item["pk"]["S"].as_str().expect("a key").to_owned(), data["username"].as_str().expect("a name").to_owned())
        });
        names.collect::<std::collections::BTreeMap<String, String>>()
    };
    let first = json!({"email": "first@people.test", "password": local::seed::PASSWORD});
    shop.anon().post("/v1/auth/sign-up", &first).await.expect(202);
    let confirm = json!({"email": "first@people.test", "code": shop.code_for("first@people.test").await});
    assert_eq!(named().await.get("EMAIL#first@people.test"), None, "nobody has proven the address");
    shop.anon().post("/v1/auth/confirm", &confirm).await.expect(200);
    let name = named().await["EMAIL#first@people.test"].clone();
    assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    // Another sign-up of the same address is of the same person, and is answered alike.
    shop.anon().post("/v1/auth/sign-up", &first).await.expect(202);
    shop.wait_until_idle().await;
    assert_eq!(named().await["EMAIL#first@people.test"], name);
    shop.anon().post("/v1/auth/sign-in", &first).await.expect(200);
}
