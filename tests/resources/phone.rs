//! People who are reached by telephone alone.

use std::time::Duration;

use local::seed::PASSWORD;
use reqwest::Method;
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
    assert!(said.contains("is placed") && said.ends_with(&format!("/r/{id}.{token}")), "{said}");
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
async fn people_with_a_number_alone_open_a_shop_are_invited_and_are_told() {
    let shop = Shop::open().await;
    signs_up(&shop, WITHOUT_TELEGRAM, None).await;
    let person = signs_in(&shop, WITHOUT_TELEGRAM).await;
    let mut asked = json!({"handle": "silk", "name": "Silk", "currency": "USD"});
    let refused = person.post("/v1/vendors", &asked).await;
    assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/email");
    asked["email"] = json!("silk@people.test");
    let opened = person.post("/v1/vendors", &asked).await.expect(201)["id"].clone();
    let own = person.clone().with("vendor-id", text(&opened));
    let members = own.get("/v1/vendors/me/members").await.expect(200)["items"].clone();
    assert_eq!((&members[0]["email"], &members[0]["phone"]), (&Value::Null, &json!(WITHOUT_TELEGRAM)));

    let ceramics = shop.vendor("ceramics").await;
    let invite = json!({"contact": "+998 90 123-45-61", "role": "owner"});
    ceramics.client.post("/v1/vendors/me/invitations", &invite).await.expect(202);
    let open = ceramics.client.get("/v1/vendors/me/invitations").await.expect(200)["items"].clone();
    assert_eq!(open[0]["contact"], WITHOUT_TELEGRAM);
    let sent = text(&received(&shop, WITHOUT_TELEGRAM).await[0]["text"]);
    let token = json!({"token": sent.split_once("/desk/invitations/").expect("a link").1});
    shop.buyer("stranger").await.post("/v1/invitations/accept", &token).await.expect_problem(403, "forbidden");
    assert_eq!(person.post("/v1/invitations/accept", &token).await.expect(200)["role"], "owner");
    let members = ceramics.client.get("/v1/vendors/me/members").await.expect(200)["items"].clone();
    let joined = members.as_array().expect("members").iter().find(|member| member["phone"] == WITHOUT_TELEGRAM);
    assert_eq!(joined.expect("the person")["email"], Value::Null);

    // What is decided about the shop is told at the number, and so is the end.
    let bowl = ceramics.product("bowl").draft().await;
    let hide = format!("/v1/admin/products/{}/hide", bowl.id);
    shop.operator().await.post(&hide, &json!({"reason": "Counterfeit."})).await.expect(200);
    shop.advance(Duration::from_secs(45)).await;
    let told = text(&received(&shop, WITHOUT_TELEGRAM).await[0]["text"]);
    assert!(told.contains("a product is hidden") && !told.contains("Counterfeit"), "{told}");
    let gone = json!({"contact": WITHOUT_TELEGRAM});
    ceramics.client.json(Method::DELETE, "/v1/vendors/me/members", &gone).await.expect(204);
    shop.advance(Duration::from_secs(45)).await;
    let told = text(&received(&shop, WITHOUT_TELEGRAM).await[0]["text"]);
    assert!(told.contains("you were removed from a shop"), "{told}");
}
