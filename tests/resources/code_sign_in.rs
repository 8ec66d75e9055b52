//! Signing in by code, and accounts without a password.

use std::time::Duration;

use local::Options;
use local::seed::PASSWORD;
use serde_json::{Value, json};

use super::pool_tokens::cognito;
use crate::shop::{Answer, Client, Shop};

const EMAIL: &str = "aziza@people.test";
const MINUTE: Duration = Duration::from_secs(60);

async fn auth(shop: &Shop, step: &str, body: Value) -> Answer {
    shop.anon().post(&format!("/v1/auth/{step}"), &body).await
}

/// Asks for a code, and returns the one that was mailed.
async fn code(shop: &Shop, contact: &str) -> String {
    auth(shop, "code", json!({ "contact": contact })).await.expect(202);
    shop.code_for(contact).await
}

async fn enter(shop: &Shop, contact: &str, code: &str) -> Answer {
    auth(shop, "code/sign-in", json!({"contact": contact, "code": code})).await
}

fn signed_in(shop: &Shop, tokens: &Value) -> Client {
    shop.anon().with_token(tokens["access_token"].as_str().expect("a token"))
}

/// Another code than this one.
fn wrong(code: &str) -> &'static str {
    if code == "000000" { "111111" } else { "000000" }
}

#[tokio::test]
async fn a_code_opens_a_session_once() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let code = code(&shop, EMAIL).await;
    let tokens = enter(&shop, " Aziza@People.TEST ", &code).await.expect(200).clone();
    let me = signed_in(&shop, &tokens).get("/v1/me").await.expect(200).clone();
    assert_eq!(me["email"], EMAIL);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    auth(&shop, "refresh", refresh).await.expect(200);
    enter(&shop, EMAIL, &code).await.expect_problem(400, "code_mismatch");
    // The password stays as it is, and other sessions go on.
    auth(&shop, "sign-in", json!({"email": EMAIL, "password": PASSWORD})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_enter_a_code_at_once_one_is_let_in() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let code = code(&shop, EMAIL).await;
    let (one, other) = tokio::join!(enter(&shop, EMAIL, &code), enter(&shop, EMAIL, &code));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400], "{} {}", one.text, other.text);
}

#[tokio::test]
async fn a_code_is_sent_again_until_it_expires_and_serves_its_own_purpose_only() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let first = code(&shop, EMAIL).await;
    assert_eq!(code(&shop, EMAIL).await, first, "the code of the first mail still counts");
    auth(&shop, "forgot-password", json!({"email": EMAIL})).await.expect(202);
    let reset = shop.code_for(EMAIL).await;
    if reset != first {
        enter(&shop, EMAIL, &reset).await.expect_problem(400, "code_mismatch");
        let asked = json!({"email": EMAIL, "code": first, "password": "Another horse 2"});
        auth(&shop, "reset-password", asked).await.expect_problem(400, "code_mismatch");
    }
    shop.cloud.clock().advance(15 * MINUTE);
    enter(&shop, EMAIL, &first).await.expect_problem(400, "code_mismatch");
    let second = code(&shop, EMAIL).await;
    enter(&shop, EMAIL, &second).await.expect(200);
}

#[tokio::test]
async fn nobody_is_mailed_a_code_who_has_no_account() {
    let shop = Shop::open().await;
    auth(&shop, "code", json!({"contact": "nobody@people.test"})).await.expect(202);
    shop.wait_until_idle().await;
    assert!(shop.mail_to("nobody@people.test").is_empty());
    assert_eq!(shop.depth("MessagesDeadLetters").visible, 0);
}

#[tokio::test]
async fn five_wrong_codes_are_the_last_of_a_request() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let code = code(&shop, EMAIL).await;
    for _ in 0..5 {
        enter(&shop, EMAIL, wrong(&code)).await.expect_problem(400, "code_mismatch");
    }
    enter(&shop, EMAIL, &code).await.expect_problem(400, "code_mismatch");
    // The same code can be entered with another request.
    assert_eq!(self::code(&shop, EMAIL).await, code);
    enter(&shop, EMAIL, &code).await.expect(200);
}

#[tokio::test]
async fn an_account_without_a_password_is_used_by_codes_until_one_is_chosen() {
    let shop = Shop::open().await;
    auth(&shop, "sign-up", json!({"email": EMAIL, "name": "Aziza"})).await.expect(202);
    let confirm = json!({"email": EMAIL, "code": shop.code_for(EMAIL).await});
    auth(&shop, "confirm", confirm).await.expect(200);
    let guess = json!({"email": EMAIL, "password": PASSWORD});
    auth(&shop, "sign-in", guess.clone()).await.expect_problem(401, "invalid_credentials");
    let tokens = enter(&shop, EMAIL, &code(&shop, EMAIL).await).await.expect(200).clone();
    let me = signed_in(&shop, &tokens).get("/v1/me").await.expect(200).clone();
    assert_eq!((&me["email"], &me["name"]), (&json!(EMAIL), &json!("Aziza")));

    auth(&shop, "forgot-password", json!({"email": EMAIL})).await.expect(202);
    let reset = json!({"email": EMAIL, "code": shop.code_for(EMAIL).await, "password": PASSWORD});
    auth(&shop, "reset-password", reset).await.expect(200);
    auth(&shop, "sign-in", guess).await.expect(200);
}

/// Whoever has proven the address chooses its password. Where two have signed up, one of them with a password, nobody
/// can tell yet whose it is.
#[tokio::test]
async fn several_sign_ups_need_a_password_if_one_of_them_had_one() {
    for (passwords, needed) in [
        (["", ""].as_slice(), false),
        (&["", PASSWORD], true),
        (&[PASSWORD, ""], true),
        (&["", "", PASSWORD, ""], true),
        (&[PASSWORD, PASSWORD], true),
        (&[PASSWORD], false),
    ] {
        let shop = Shop::open().await;
        for password in passwords {
            let mut asked = json!({"email": EMAIL, "name": "Aziza"});
            if !password.is_empty() {
                asked["password"] = json!(password);
            }
            auth(&shop, "sign-up", asked).await.expect(202);
        }
        let mut confirm = json!({"email": EMAIL, "code": shop.code_for(EMAIL).await});
        let confirmed = auth(&shop, "confirm", confirm.clone()).await;
        if needed {
            confirmed.expect_problem(409, "password_needed");
            confirm["password"] = json!("Another horse 2");
            auth(&shop, "confirm", confirm).await.expect(200);
            auth(&shop, "sign-in", json!({"email": EMAIL, "password": "Another horse 2"})).await.expect(200);
        } else {
            confirmed.expect(200);
        }
    }
}

/// The function that the pool asks takes only fresh proofs of the person who is being signed in.
#[tokio::test]
async fn a_proof_of_another_person_an_old_one_and_a_made_up_one_open_no_session() {
    let shop = Shop::open().await;
    let (aziza, bobur) = (shop.buyer("aziza").await, shop.buyer("bobur").await);
    let sub = async |client: &Client| client.get("/v1/me").await.expect(200)["id"].as_str().expect("an id").to_owned();
    let (aziza, bobur) = (sub(&aziza).await, sub(&bobur).await);
    let services = shop.cloud.services();
    let (pool, now) = (&services.template.user_pool, shop.cloud.now());
    let client = &pool.clients[0];
    let known = r#"{"current":"a secret that the test knows","previous":null}"#;
    let arn = &services.template.secret("SignInSecret").expect("a secret").arn;
    assert!(services.secrets.replace(arn, known));
    let secret: platform::Rotating = serde_json::from_str(known).expect("a secret");
    let old = domain::Timestamp::from_millis(now.millis() - 60_000);
    let begin = async || {
        let input = json!({
            "UserPoolId": pool.id, "ClientId": client.id, "AuthFlow": "CUSTOM_AUTH",
            "AuthParameters": {"USERNAME": aziza, "SECRET_HASH": client.secret_hash(&aziza)},
        });
        cognito(&shop, Some("LOCALROOT"), "AdminInitiateAuth", &input).await.expect(200).clone()
    };
    let answer = async |begun: &Value, proof: &str| {
        let responses = json!({"USERNAME": aziza, "ANSWER": proof, "SECRET_HASH": client.secret_hash(&aziza)});
        let input = json!({
            "UserPoolId": pool.id, "ClientId": client.id, "ChallengeName": "CUSTOM_CHALLENGE",
            "Session": begun["Session"], "ChallengeResponses": responses,
        });
        cognito(&shop, Some("LOCALROOT"), "AdminRespondToAuthChallenge", &input).await
    };
    let begun = begin().await;
    assert_eq!(begun["ChallengeParameters"]["sub"], aziza.as_str());
    let other = answer(&begun, &secret.sign_in_proof(&bobur, now)).await.expect(200).clone();
    assert_eq!(other["ChallengeName"], "CUSTOM_CHALLENGE", "it is asked for again");
    let late = answer(&other, &secret.sign_in_proof(&aziza, old)).await.expect(200).clone();
    let made_up = answer(&late, &format!("{}.{}", now.seconds(), "A".repeat(43))).await;
    assert_eq!(made_up.expect(400)["message"], "Incorrect username or password.");
    // Three tries were too many: the right one comes too late for this sign-in.
    let proof = secret.sign_in_proof(&aziza, now);
    assert_eq!(answer(&late, &proof).await.expect(400)["message"], "Invalid session for the user.");
    let tokens = answer(&begin().await, &proof).await.expect(200)["AuthenticationResult"].clone();
    assert!(tokens["AccessToken"].is_string());
}

/// Whoever cannot check a proof lets nobody in; the code is not used up by it.
#[tokio::test]
async fn while_proofs_cannot_be_checked_codes_open_nothing_and_passwords_do() {
    let removed = ("TokensFunction".to_owned(), "CheckProofs".to_owned());
    let shop = Shop::with(Options::for_tests().with_cloud(|cloud| cloud.removed_statement = Some(removed))).await;
    shop.buyer("aziza").await;
    let code = code(&shop, EMAIL).await;
    for _ in 0..2 {
        enter(&shop, EMAIL, &code).await.expect_problem(503, "unavailable");
    }
    auth(&shop, "sign-in", json!({"email": EMAIL, "password": PASSWORD})).await.expect(200);
}
