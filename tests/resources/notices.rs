//! Notices by mail of what was decided about a person or a shop.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::shop::{Shop, Vendor};

/// What was mailed to an address after what was asked so far, newest first: subject and text.
async fn mailed(shop: &Shop, email: &str) -> Vec<(String, String)> {
    shop.advance(Duration::from_secs(45)).await;
    shop.wait_until_idle().await;
    let messages = shop.cloud.services().mail.messages(Some(email)).expect("mail can be read");
    messages.into_iter().map(|stored| (stored.message.subject, stored.message.text)).collect()
}

/// Fails unless the newest mail to an address is about this and says that.
async fn assert_told(shop: &Shop, email: &str, subject: &str, said: &str) {
    let all = mailed(shop, email).await;
    let newest = all.first().unwrap_or_else(|| panic!("{email} is told nothing of {subject}"));
    assert!(newest.0.contains(subject) && newest.1.contains(said), "{newest:?}");
}

#[tokio::test]
async fn a_shop_is_told_of_every_step_and_why() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("ceramics").await;
    let email = "ceramics@people.test";
    let again = async || shop.sign_in_again(&vendor).await.with("vendor-id", &vendor.id);
    let decide = async |verb: &str| {
        let body = if ["reject", "suspend"].contains(&verb) { json!({"reason": "Blurred papers."}) } else { json!({}) };
        shop.operator().await.post(&format!("/v1/admin/vendors/{}/{verb}", vendor.id), &body).await.expect(200);
    };
    again().await.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    assert_told(&shop, email, "your application", "was submitted").await;
    decide("reject").await;
    assert_told(&shop, email, "your application", "Blurred papers.").await;
    again().await.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    decide("approve").await;
    assert_told(&shop, email, "your shop is approved", "is approved").await;
    decide("suspend").await;
    assert_told(&shop, email, "your shop is suspended", "Blurred papers.").await;
    decide("reinstate").await;
    assert_told(&shop, email, "your shop is open again", "is reinstated").await;

    let bowl = Vendor { client: again().await, ..vendor.clone() }.product("bowl").draft().await;
    let hide = format!("/v1/admin/products/{}/hide", bowl.id);
    shop.operator().await.post(&hide, &json!({"reason": "Counterfeit."})).await.expect(200);
    assert_told(&shop, email, "a product is hidden", "Counterfeit.").await;
}

#[tokio::test]
async fn people_and_shops_are_told_who_joins_leaves_and_is_removed() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let (helper, other) = (shop.buyer("helper").await, shop.buyer("other").await);
    for email in ["helper@people.test", "other@people.test"] {
        shop.member(&vendor.client, email, "manager").await;
        assert_told(&shop, "ceramics@people.test", "a member has joined", email).await;
    }
    let leave = "/v1/vendors/me/leave";
    helper.with("vendor-id", &vendor.id).post(leave, &json!({})).await.expect(204);
    assert_told(&shop, "ceramics@people.test", "a member has left", "helper@people.test").await;
    let gone = json!({"email": "other@people.test"});
    let owner = shop.sign_in_again(&vendor).await;
    owner.json(Method::DELETE, "/v1/vendors/me/members", &gone).await.expect(204);
    assert_told(&shop, "other@people.test", "you were removed", "\u{201c}ceramics\u{201d}").await;
    drop(other);
}

/// The address of a shop is whatever somebody has entered.
#[tokio::test]
async fn owners_are_told_at_the_address_that_they_have_proven_and_nobody_at_that_of_the_shop() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("ceramics").await;
    let owner = vendor.client.clone().with("vendor-id", &vendor.id);
    owner.patch("/v1/vendors/me", &json!({"email": "stranger@elsewhere.test"})).await.expect(200);
    owner.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    assert_told(&shop, "ceramics@people.test", "your application", "was submitted").await;
    assert!(mailed(&shop, "stranger@elsewhere.test").await.is_empty());
}

/// The gateway of short messages fails, and an owner has a number alone.
#[tokio::test]
async fn one_who_cannot_be_told_holds_up_nobody_and_nobody_is_told_twice() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let number = super::messages::WITHOUT_TELEGRAM;
    super::messages::auth(&shop, "sign-up", json!({ "contact": number })).await.expect(202);
    let code = super::messages::code_for(&shop, number).await;
    super::messages::auth(&shop, "confirm", json!({"contact": number, "code": code})).await.expect(200);
    super::messages::auth(&shop, "code", json!({ "contact": number })).await.expect(202);
    let code = super::messages::code_for(&shop, number).await;
    let tokens = super::messages::auth(&shop, "code/sign-in", json!({"contact": number, "code": code})).await;
    let person = shop.anon().with_token(tokens.expect(200)["access_token"].as_str().expect("a token"));
    let invite = json!({"contact": number, "role": "owner"});
    vendor.client.post("/v1/vendors/me/invitations", &invite).await.expect(202);
    let sent = super::messages::received(&shop, number).await[0]["text"].as_str().expect("a text").to_owned();
    let token = json!({"token": sent.split_once("/invitations/").expect("a link").1});
    person.post("/v1/invitations/accept", &token).await.expect(200);
    mailed(&shop, "ceramics@people.test").await;

    shop.anon().post("/_local/sms/errors", &json!({"status": 503})).await.expect(200);
    let bowl = vendor.product("bowl").draft().await;
    let hide = format!("/v1/admin/products/{}/hide", bowl.id);
    shop.operator().await.post(&hide, &json!({"reason": "Counterfeit."})).await.expect(200);
    for _ in 0..3 {
        shop.advance(Duration::from_secs(10 * 60)).await;
    }
    let told = mailed(&shop, "ceramics@people.test").await;
    assert_eq!(told.iter().filter(|(subject, _)| subject.contains("a product is hidden")).count(), 1, "{told:?}");
    assert_eq!(shop.depth("MessagesDeadLetters").visible, 0);
    let late = super::messages::received(&shop, number).await;
    let about = |message: &&serde_json::Value| {
        message["text"].as_str().is_some_and(|text| text.contains("a product is hidden"))
    };
    assert_eq!(late.iter().filter(about).count(), 1, "{late:?}");
}

#[tokio::test]
async fn nothing_is_told_of_what_was_not_written() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let before = mailed(&shop, "ceramics@people.test").await.len();
    // Refused, because another version is current by now.
    let suspend = format!("/v1/admin/vendors/{}/suspend", vendor.id);
    let late = shop.operator().await.with("if-match", "\"1\"");
    late.post(&suspend, &json!({"reason": "Complaints."})).await.expect_problem(412, "version_mismatch");
    let leave = "/v1/vendors/me/leave";
    shop.sign_in_again(&vendor).await.post(leave, &json!({})).await.expect_problem(409, "wrong_state");
    assert_eq!(mailed(&shop, "ceramics@people.test").await.len(), before);
}
