//! Another address or number for an account: proven, told to the one before, and the end of every session.

use std::time::Duration;

use local::seed::PASSWORD;
use serde_json::{Value, json};

use super::messages::{WITHOUT_TELEGRAM, auth, code_for, received};
use crate::shop::{Answer, App, Client, Shop};

const BEFORE: &str = "aziza@people.test";
const AFTER: &str = "aziza@moved.test";
const MINUTE: Duration = Duration::from_secs(60);

async fn asks(client: &Client, contact: &str) -> Answer {
    client.post("/v1/me/contact", &json!({ "contact": contact })).await
}

async fn enters(client: &Client, contact: &str, code: &str, request: &Value) -> Answer {
    let entered = json!({"contact": contact, "code": code, "request": request});
    client.post("/v1/me/contact/confirm", &entered).await
}

async fn sign_in(shop: &Shop, contact: &str) -> Answer {
    auth(shop, "sign-in", json!({"contact": contact, "password": PASSWORD})).await
}

async fn refresh(shop: &Shop, session: &Value) -> Answer {
    auth(shop, "refresh", json!({"refresh_token": session["refresh_token"]})).await
}

fn newest(messages: &[Value]) -> &str {
    messages.first().and_then(|message| message["subject"].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn another_address_is_proven_told_to_the_one_before_and_ends_every_session() {
    let shop = Shop::open().await;
    let here = shop.buyer("aziza").await;
    let there = sign_in(&shop, BEFORE).await.expect(200).clone();
    asks(&here, BEFORE).await.expect_problem(409, "wrong_state");
    let request = asks(&here, AFTER).await.expect(202)["request"].clone();
    let code = shop.code_for(AFTER).await;
    let wrong = if code == "000000" { "111111" } else { "000000" };
    enters(&here, AFTER, wrong, &request).await.expect_problem(400, "code_mismatch");
    // Nothing has changed yet.
    sign_in(&shop, BEFORE).await.expect(200);
    sign_in(&shop, AFTER).await.expect_problem(401, "invalid_credentials");

    let begun = enters(&here, AFTER, &code, &request).await.expect(200).clone();
    refresh(&shop, &there).await.expect_problem(401, "unauthorized");
    refresh(&shop, &begun).await.expect(200);
    sign_in(&shop, BEFORE).await.expect_problem(401, "invalid_credentials");
    let again = sign_in(&shop, AFTER).await.expect(200).clone();
    let me = shop.anon().with_token(again["access_token"].as_str().expect("a token"));
    assert_eq!(me.get("/v1/me").await.expect(200)["email"], AFTER);
    for told in [BEFORE, AFTER] {
        let messages = received(&shop, told).await;
        assert!(newest(&messages).ends_with("another address or number"), "{told}: {messages:?}");
    }
    enters(&me, AFTER, &code, &request).await.expect_problem(400, "code_mismatch");

    // The address of before is free: somebody else may make an account with it.
    auth(&shop, "sign-up", json!({"contact": BEFORE, "password": PASSWORD})).await.expect(202);
    let code = shop.code_for(BEFORE).await;
    auth(&shop, "confirm", json!({"contact": BEFORE, "code": code})).await.expect(200);
    assert_ne!(
        shop.signed_in(BEFORE).await.get("/v1/me").await.expect(200)["id"],
        me.get("/v1/me").await.expect(200)["id"]
    );
}

#[tokio::test]
async fn a_number_comes_beside_the_address_and_both_find_the_person() {
    let shop = Shop::open().await;
    let here = shop.buyer("aziza").await;
    let request = asks(&here, WITHOUT_TELEGRAM).await.expect(202)["request"].clone();
    let code = code_for(&shop, WITHOUT_TELEGRAM).await;
    enters(&here, WITHOUT_TELEGRAM, &code, &request).await.expect(200);
    for contact in [BEFORE, WITHOUT_TELEGRAM] {
        let session = sign_in(&shop, contact).await.expect(200).clone();
        let me = shop.anon().with_token(session["access_token"].as_str().expect("a token"));
        let seen = me.get("/v1/me").await.expect(200).clone();
        assert_eq!((&seen["email"], &seen["phone"]), (&json!(BEFORE), &json!(WITHOUT_TELEGRAM)));
    }
    assert!(newest(&received(&shop, BEFORE).await).ends_with("another address or number"));
}

/// A thief adds an address of their own to an account with a number: its owner hears of it there.
#[tokio::test]
async fn what_has_changed_is_told_at_every_contact_that_is_proven() {
    let shop = Shop::open().await;
    auth(&shop, "sign-up", json!({"contact": WITHOUT_TELEGRAM, "password": PASSWORD})).await.expect(202);
    let confirm = json!({"contact": WITHOUT_TELEGRAM, "code": code_for(&shop, WITHOUT_TELEGRAM).await});
    auth(&shop, "confirm", confirm).await.expect(200);
    let session = sign_in(&shop, WITHOUT_TELEGRAM).await.expect(200).clone();
    let thief = shop.anon().with_token(session["access_token"].as_str().expect("a token"));
    let request = asks(&thief, AFTER).await.expect(202)["request"].clone();
    let code = shop.code_for(AFTER).await;
    enters(&thief, AFTER, &code, &request).await.expect(200);
    for told in [AFTER, WITHOUT_TELEGRAM] {
        let messages = received(&shop, told).await;
        let said = messages[0]["text"].as_str().unwrap_or_default();
        assert!(said.contains("Another address or telephone number was entered"), "{told}: {messages:?}");
    }
}

/// An access token outlives its session by some minutes.
#[tokio::test]
async fn a_token_of_a_session_that_has_ended_moves_no_account() {
    let shop = Shop::open().await;
    let thief = shop.buyer("aziza").await;
    shop.advance(MINUTE).await;
    auth(&shop, "forgot-password", json!({"contact": BEFORE})).await.expect(202);
    let code = shop.code_for(BEFORE).await;
    let reset = json!({"contact": BEFORE, "code": code, "password": "Another horse 2"});
    auth(&shop, "reset-password", reset).await.expect(200);
    thief.get("/v1/me").await.expect(200);
    asks(&thief, AFTER).await.expect_problem(403, "step_up_needed");
    thief.post("/v1/me/mfa", &json!({})).await.expect_problem(403, "step_up_needed");
    let again = json!({"contact": BEFORE, "password": "Another horse 2"});
    let session = auth(&shop, "sign-in", again).await.expect(200).clone();
    let owner = shop.anon().with_token(session["access_token"].as_str().expect("a token"));
    asks(&owner, AFTER).await.expect(202);
}

#[tokio::test]
async fn of_two_changes_at_once_no_contact_is_left_that_nobody_sees() {
    let shop = Shop::open().await;
    let here = shop.buyer("aziza").await;
    let mut entered = Vec::new();
    for contact in ["one@moved.test", "two@moved.test"] {
        let request = asks(&here, contact).await.expect(202)["request"].clone();
        entered.push((contact, shop.code_for(contact).await, request));
    }
    let [(one, first, begun), (two, second, asked)] = entered.try_into().expect("two");
    let (one_done, two_done) = tokio::join!(enters(&here, one, &first, &begun), enters(&here, two, &second, &asked));
    let statuses = [one_done.status, two_done.status];
    assert!(statuses.contains(&200), "{} {}", one_done.text, two_done.text);
    let mut known = Vec::new();
    for contact in [one, two, BEFORE] {
        if sign_in(&shop, contact).await.status == 200 {
            known.push(contact);
        }
    }
    assert_eq!(known.len(), 1, "{known:?} after {statuses:?}");
    let me = sign_in(&shop, known[0]).await.expect(200).clone();
    let me = shop.anon().with_token(me["access_token"].as_str().expect("a token"));
    assert_eq!(me.get("/v1/me").await.expect(200)["email"], known[0]);
}

/// Each answer of a call to the user pool or a table is lost once; the person asks and enters again, or signs in.
#[tokio::test]
async fn a_change_that_breaks_off_locks_nobody_out() {
    use cloud::faults::{Fault, Kind};
    for (service, operation, nth) in [
        ("cognito-idp", "AdminUpdateUserAttributes", 1),
        ("cognito-idp", "AdminUserGlobalSignOut", 1),
        ("sqs", "SendMessage", 1),
        ("dynamodb", "DeleteItem", 1),
    ] {
        for kind in [Kind::Before, Kind::After] {
            let shop = Shop::open().await;
            let here = shop.buyer("aziza").await;
            let request = asks(&here, AFTER).await.expect(202)["request"].clone();
            let code = shop.code_for(AFTER).await;
            let faults = &shop.cloud.services().faults;
            faults.clear();
            let route = Some("POST /v1/me/contact/confirm".to_owned());
            faults.add(Fault { route, every: true, ..Fault::nth(service, operation, nth, kind) });
            let broken = enters(&here, AFTER, &code, &request).await;
            faults.clear();
            let (before, after) = (sign_in(&shop, BEFORE).await, sign_in(&shop, AFTER).await);
            let found = [before.status, after.status].iter().filter(|status| **status == 200).count();
            assert!(found > 0, "{service} {operation} {kind:?}: {} {} {}", broken.status, before.status, after.status);
            if broken.status != 200 {
                let (contact, session) = if before.status == 200 { (AFTER, before) } else { (BEFORE, after) };
                let again = shop.anon().with_token(session.json["access_token"].as_str().expect("a token"));
                let request = asks(&again, contact).await;
                if request.status == 409 {
                    continue;
                }
                let code = shop.code_for(contact).await;
                enters(&again, contact, &code, &request.expect(202)["request"]).await.expect(200);
                sign_in(&shop, contact).await.expect(200);
            }
        }
    }
}

#[tokio::test]
async fn a_contact_of_another_account_is_not_taken_and_only_its_owner_hears_of_it() {
    let shop = Shop::open().await;
    let (here, _owner) = (shop.buyer("aziza").await, shop.buyer("bahrom").await);
    let taken = asks(&here, "bahrom@people.test").await;
    let free = asks(&here, AFTER).await;
    let form = |answer: &Answer| {
        let fields: Vec<String> = answer.json.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        (answer.status, fields)
    };
    assert_eq!(form(&taken), form(&free));
    let messages = received(&shop, "bahrom@people.test").await;
    assert!(newest(&messages).ends_with("you have an account") && messages[0]["code"].is_null(), "{messages:?}");
    enters(&here, "bahrom@people.test", "000000", &taken.json["request"]).await.expect_problem(400, "code_mismatch");

    // Two ask for one free address: whoever enters the code first has it.
    let other = shop.signed_in("bahrom@people.test").await;
    let request = asks(&other, AFTER).await.expect(202)["request"].clone();
    let code = shop.code_for(AFTER).await;
    let (one, two) =
        tokio::join!(enters(&here, AFTER, &code, &free.json["request"]), enters(&other, AFTER, &code, &request));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert!(statuses[0] == 200 && [400, 409].contains(&statuses[1]), "{} {}", one.json, two.json);
}

#[tokio::test]
async fn a_contact_is_changed_only_right_after_a_sign_in_and_with_the_second_factor() {
    let shop = Shop::open().await;
    let here = shop.buyer("aziza").await;
    let request = asks(&here, AFTER).await.expect(202)["request"].clone();
    let code = shop.code_for(AFTER).await;
    shop.advance(11 * MINUTE).await;
    asks(&here, AFTER).await.expect_problem(403, "step_up_needed");
    enters(&here, AFTER, &code, &request).await.expect_problem(403, "step_up_needed");

    let careful = shop.buyer("careful").await;
    let app = App::set_up(&shop, &careful).await;
    shop.advance(MINUTE).await;
    let session = json!({"session": shop.challenged("careful@people.test").await, "code": app.next_code(&shop)});
    let tokens = auth(&shop, "challenge", session).await.expect(200).clone();
    let careful = shop.anon().with_token(tokens["access_token"].as_str().expect("a token"));
    let request = asks(&careful, "careful@moved.test").await.expect(202)["request"].clone();
    let code = shop.code_for("careful@moved.test").await;
    let begun = enters(&careful, "careful@moved.test", &code, &request).await.expect(200).clone();
    assert_eq!(begun["challenge"], "totp", "a code sent to an address is one factor");
}
