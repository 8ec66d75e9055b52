//! People who are reached by telephone alone.

use local::seed::PASSWORD;
use serde_json::{Value, json};

use super::messages::{WITHOUT_TELEGRAM, auth, code_for, ordered_by, received};
use crate::shop::sale::text;
use crate::shop::{Client, Shop, confirmation_code};

/// Makes an account for a number with the code that is sent to it.
async fn signs_up(shop: &Shop, number: &str, password: Option<&str>) {
    auth(shop, "sign-up", json!({"contact": number, "password": password})).await.expect(202);
    let code = code_for(shop, WITHOUT_TELEGRAM).await;
    auth(shop, "confirm", json!({"contact": number, "code": code})).await.expect(200);
}

/// Signs in with a code that is sent to a number.
async fn signs_in(shop: &Shop, number: &str) -> Client {
    auth(shop, "code", json!({ "contact": number })).await.expect(202);
    let code = code_for(shop, WITHOUT_TELEGRAM).await;
    let tokens = auth(shop, "code/sign-in", json!({"contact": number, "code": code})).await;
    shop.anon().with_token(text(&tokens.expect(200)["access_token"]))
}

async fn orders_of(person: &Client) -> Vec<String> {
    let listed = person.get("/v1/me/orders").await.expect(200)["items"].clone();
    listed.as_array().expect("a list").iter().map(|order| text(&order["id"])).collect()
}

#[tokio::test]
async fn a_guest_with_a_phone_alone_buys_follows_and_cancels_and_later_finds_the_order() {
    let shop = Shop::open().await;
    let placed = ordered_by(&shop, "ceramics", &json!({"phone": "+998 90 123-45-61"})).await.expect(201).clone();
    let (id, token) = (text(&placed["id"]), text(&placed["token"]));
    assert_eq!(placed["state"], "awaiting_confirmation");
    assert_eq!((&placed["contact"], &placed["email"]), (&json!({"phone": WITHOUT_TELEGRAM}), &Value::Null));
    let code = code_for(&shop, WITHOUT_TELEGRAM).await;
    assert_eq!(code, confirmation_code(&id, 1));

    let reader = shop.anon().with("order-token", token.as_str());
    let path = format!("/v1/orders/{id}");
    let confirmed = reader.post(&format!("{path}/confirm"), &json!({ "code": code })).await.expect(200).clone();
    assert_eq!(confirmed["state"], "confirmed");
    let told = received(&shop, WITHOUT_TELEGRAM).await;
    let said = text(&told[0]["text"]);
    assert!(said.contains("is placed") && said.ends_with(&format!("/orders/{id}#token={token}")), "{said}");
    assert_eq!(reader.get(&path).await.expect(200)["contact"]["phone"], WITHOUT_TELEGRAM);
    let cancelled = reader.post(&format!("{path}/cancel"), &json!({})).await.expect(200).clone();
    assert_eq!(cancelled["state"], "cancelled");
    let told = received(&shop, WITHOUT_TELEGRAM).await;
    assert!(text(&told[0]["text"]).contains("cancelled"), "{told:?}");

    signs_up(&shop, WITHOUT_TELEGRAM, None).await;
    let person = signs_in(&shop, WITHOUT_TELEGRAM).await;
    let me = person.get("/v1/me").await.expect(200).clone();
    assert_eq!((&me["phone"], &me["email"]), (&json!(WITHOUT_TELEGRAM), &Value::Null));
    assert_eq!(orders_of(&person).await, [id.as_str()]);
    assert_eq!(person.get(&format!("/v1/me/orders/{id}")).await.expect(200)["state"], "cancelled");

    let stranger = shop.buyer("stranger").await;
    assert!(orders_of(&stranger).await.is_empty());
    stranger.get(&format!("/v1/me/orders/{id}")).await.expect_problem(404, "not_found");
    let found = shop.operator().await.get("/v1/admin/orders?phone=%2B998901234561").await;
    assert_eq!(found.expect(200)["items"][0]["id"], id);
}

#[tokio::test]
async fn a_number_in_arabic_digits_with_spaces_is_the_same_person() {
    let shop = Shop::open().await;
    let arabic = "+\u{669}\u{669}\u{668} \u{669}\u{660} \u{661}\u{662}\u{663} \u{664}\u{665} \u{666}\u{661}";
    signs_up(&shop, arabic, None).await;
    let mut ids = Vec::new();
    for written in [WITHOUT_TELEGRAM, "00998 (90) 123-45-61", "\u{200e}+998\u{a0}90 123 45 61\u{200f}", arabic] {
        let person = signs_in(&shop, written).await;
        ids.push(text(&person.get("/v1/me").await.expect(200)["id"]));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    auth(&shop, "sign-up", json!({ "contact": arabic })).await.expect(202);
    let told = received(&shop, WITHOUT_TELEGRAM).await;
    assert!(told[0]["code"].is_null() && text(&told[0]["text"]).contains("account already"), "{told:?}");
}

#[tokio::test]
async fn a_number_signs_in_with_a_password_and_resets_it_with_a_code() {
    let shop = Shop::open().await;
    signs_up(&shop, WITHOUT_TELEGRAM, Some(PASSWORD)).await;
    let sign_in = |password: &str| json!({"contact": "+998 90 1234561", "password": password});
    auth(&shop, "sign-in", sign_in(PASSWORD)).await.expect(200);
    auth(&shop, "sign-in", sign_in("Wrong horse 345")).await.expect_problem(401, "invalid_credentials");
    auth(&shop, "forgot-password", json!({"contact": WITHOUT_TELEGRAM})).await.expect(202);
    let code = code_for(&shop, WITHOUT_TELEGRAM).await;
    let chosen = json!({"contact": WITHOUT_TELEGRAM, "code": code, "password": "Another horse 2"});
    auth(&shop, "reset-password", chosen).await.expect(200);
    auth(&shop, "sign-in", sign_in("Another horse 2")).await.expect(200);
    let told = received(&shop, WITHOUT_TELEGRAM).await;
    assert!(text(&told[0]["text"]).contains("Another password was chosen"), "{told:?}");
}

#[tokio::test]
async fn known_and_unknown_numbers_are_answered_with_the_same_bytes() {
    let shop = Shop::open().await;
    signs_up(&shop, WITHOUT_TELEGRAM, Some(PASSWORD)).await;
    let unknown = "+998907654321";
    let bytes = |step: &'static str, body: Value| {
        let shop = &shop;
        async move {
            let answer = auth(shop, step, body).await;
            // The token of a request is another one each time.
            let request = answer.json["request"].as_str().unwrap_or_default();
            (answer.status, answer.text.replace(request, &"x".repeat(request.len())))
        }
    };
    for step in ["code", "forgot-password", "resend", "sign-up"] {
        let known = bytes(step, json!({"contact": WITHOUT_TELEGRAM})).await;
        assert_eq!(known, bytes(step, json!({ "contact": unknown })).await, "{step}");
        assert_eq!(known, (202, format!("{{\"request\":\"{}\"}}", "x".repeat(43))), "{step}");
    }
    let wrong = |contact: &str| json!({"contact": contact, "password": "Wrong horse 345"});
    let (known, other) = (bytes("sign-in", wrong(WITHOUT_TELEGRAM)).await, bytes("sign-in", wrong(unknown)).await);
    assert_eq!((known.0, other.0), (401, 401));
    let told = received(&shop, unknown).await;
    assert_eq!(told.len(), 1, "only a sign-up is told to a number of nobody: {told:?}");
}

#[tokio::test]
async fn a_number_that_nothing_would_reach_is_refused_where_it_stands() {
    let shop = Shop::open().await;
    let refused = auth(&shop, "sign-up", json!({"contact": "+86 138 0000 0000"})).await;
    let error = refused.expect_problem(400, "invalid")["errors"][0].clone();
    assert_eq!((&error["pointer"], &error["code"]), (&json!("/contact"), &json!("not_reachable")));
    let refused = ordered_by(&shop, "ceramics", &json!({"phone": "+8613800000000"})).await;
    let error = refused.expect_problem(400, "invalid")["errors"][0].clone();
    assert_eq!((&error["pointer"], &error["code"]), (&json!("/contact/phone"), &json!("not_reachable")));
}

#[tokio::test]
async fn who_has_a_number_alone_works_for_no_shop() {
    let shop = Shop::open().await;
    signs_up(&shop, WITHOUT_TELEGRAM, None).await;
    let person = signs_in(&shop, WITHOUT_TELEGRAM).await;
    let asked = json!({"handle": "silk", "name": "Silk", "currency": "USD", "email": "silk@people.test"});
    person.post("/v1/vendors", &asked).await.expect_problem(403, "forbidden");
}
