//! People whom an administrator has made in the user pool by hand, with a password for once.

use std::time::Duration;

use local::seed::PASSWORD;
use serde_json::{Value, json};

use super::pool_tokens::cognito;
use crate::shop::{Answer, Shop};

const EMAIL: &str = "hand@people.test";
const TEMPORARY: &str = "Temporary-horse-1";

/// Whoever is made in the console has their address as name, and proven or not.
async fn made(shop: &Shop, email: &str) {
    let pool = shop.cloud.services().template.user_pool.id.clone();
    let input = json!({
        "UserPoolId": pool, "Username": EMAIL, "TemporaryPassword": TEMPORARY, "MessageAction": "SUPPRESS",
        "UserAttributes": [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
    });
    cognito(shop, Some("LOCALROOT"), "AdminCreateUser", &input).await.expect(200);
}

async fn sign_in(shop: &Shop, password: &str) -> Answer {
    shop.anon().post("/v1/auth/sign-in", &json!({"email": EMAIL, "password": password})).await
}

async fn answer(shop: &Shop, session: &Value, password: &str) -> Answer {
    shop.anon().post("/v1/auth/challenge", &json!({"session": session, "password": password})).await
}

#[tokio::test]
async fn whoever_is_made_in_the_console_chooses_a_password_and_is_signed_in() {
    let shop = Shop::open().await;
    made(&shop, EMAIL).await;
    sign_in(&shop, "Wrong horse 345").await.expect_problem(401, "invalid_credentials");
    let begun = sign_in(&shop, TEMPORARY).await.expect(200).clone();
    assert_eq!((&begun["challenge"], &begun["access_token"]), (&json!("new_password"), &Value::Null));
    let session = &begun["session"];
    answer(&shop, session, "password1234").await.expect_problem(400, "invalid");
    let code = json!({"session": session, "code": "123456"});
    shop.anon().post("/v1/auth/challenge", &code).await.expect_problem(400, "code_mismatch");
    let both = json!({"session": session, "code": "123456", "password": PASSWORD});
    shop.anon().post("/v1/auth/challenge", &both).await.expect_problem(400, "invalid");
    let tokens = answer(&shop, session, PASSWORD).await.expect(200).clone();
    let person = shop.anon().with_token(tokens["access_token"].as_str().expect("a token"));
    assert_eq!(person.get("/v1/me").await.expect(200)["email"], EMAIL);
    // The challenge works once, the password of before no more, and the person's own from now on.
    answer(&shop, session, "Another horse 2").await.expect_problem(400, "code_mismatch");
    sign_in(&shop, TEMPORARY).await.expect_problem(401, "invalid_credentials");
    assert!(sign_in(&shop, PASSWORD).await.expect(200)["access_token"].is_string());
    // Signing up with the address makes no second person.
    let code = json!({"contact": EMAIL});
    shop.anon().post("/v1/auth/code", &code).await.expect(202);
    let entered = json!({"contact": EMAIL, "code": shop.code_for(EMAIL).await});
    let again = shop.anon().post("/v1/auth/code/sign-in", &entered).await.expect(200).clone();
    let same = shop.anon().with_token(again["access_token"].as_str().expect("a token"));
    assert_eq!(same.get("/v1/me").await.expect(200)["id"], person.get("/v1/me").await.expect(200)["id"]);
}

#[tokio::test]
async fn the_challenge_of_a_password_for_once_ends_after_three_minutes_and_five_guesses() {
    let shop = Shop::open().await;
    made(&shop, EMAIL).await;
    let session = sign_in(&shop, TEMPORARY).await.expect(200)["session"].clone();
    for _ in 0..5 {
        answer(&shop, &session, "short").await.expect_problem(400, "invalid");
    }
    answer(&shop, &session, PASSWORD).await.expect_problem(400, "code_mismatch");
    let session = sign_in(&shop, TEMPORARY).await.expect(200)["session"].clone();
    shop.advance(Duration::from_secs(181)).await;
    answer(&shop, &session, PASSWORD).await.expect_problem(400, "code_mismatch");
}

#[tokio::test]
async fn a_person_made_with_the_address_of_another_as_name_does_not_get_it() {
    let shop = Shop::open().await;
    made(&shop, "somebody-else@people.test").await;
    sign_in(&shop, TEMPORARY).await.expect_problem(401, "invalid_credentials");
}
