//! The second factor: setting up an authenticator app, signing in with it, losing it, and who may not do without.

use std::time::Duration;

use local::Options;
use local::seed::PASSWORD;
use serde_json::{Value, json};

use crate::shop::{Answer, App, Client, Shop};

const EMAIL: &str = "aziza@people.test";
const STEP: Duration = Duration::from_secs(30);

/// A person with an authenticator app.
struct Person<'a> {
    shop: &'a Shop,
    email: String,
    app: App,
}

async fn sign_in(shop: &Shop, email: &str) -> Answer {
    shop.anon().post("/v1/auth/sign-in", &json!({"email": email, "password": PASSWORD})).await
}

fn client_of(shop: &Shop, session: &Value) -> Client {
    shop.anon().with_token(session["access_token"].as_str().expect("a token"))
}

impl<'a> Person<'a> {
    /// Signs in and sets an app up.
    async fn sets_up(shop: &'a Shop, email: &str) -> Self {
        let app = App::set_up(shop, &shop.signed_in(email).await).await;
        shop.advance(STEP).await;
        Self { shop, email: email.to_owned(), app }
    }

    fn code(&self) -> String {
        self.app.code(self.shop)
    }

    async fn challenged(&self) -> String {
        self.shop.challenged(&self.email).await
    }

    async fn answers(&self, session: &str, code: &str) -> Answer {
        self.shop.anon().post("/v1/auth/challenge", &json!({"session": session, "code": code})).await
    }

    /// Begins a session with a code of the app, and returns its tokens.
    async fn begins(&self) -> Value {
        let session = self.challenged().await;
        let tokens = self.answers(&session, &self.code()).await.expect(200).clone();
        self.shop.advance(STEP).await;
        tokens
    }

    async fn signs_in(&self) -> Client {
        client_of(self.shop, &self.begins().await)
    }
}

async fn refresh(shop: &Shop, session: &Value) -> Answer {
    shop.anon().post("/v1/auth/refresh", &json!({"refresh_token": session["refresh_token"]})).await
}

/// Fails unless the newest mail to the person is about this.
async fn assert_told(shop: &Shop, subject: &str) {
    shop.wait_until_idle().await;
    assert!(shop.mail_to(EMAIL)[0].ends_with(subject), "{:?}", shop.mail_to(EMAIL));
}

#[tokio::test]
async fn an_app_is_set_up_and_asked_for_at_each_sign_in() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let before = sign_in(&shop, EMAIL).await.expect(200).clone();
    let person = Person::sets_up(&shop, EMAIL).await;
    shop.wait_until_idle().await;
    assert!(shop.mail_to(EMAIL)[0].ends_with("authenticator app set up"), "{:?}", shop.mail_to(EMAIL));
    let ended = shop.anon().post("/v1/auth/refresh", &json!({"refresh_token": before["refresh_token"]})).await;
    ended.expect_problem(401, "unauthorized");

    let session = person.challenged().await;
    let refused = person.answers(&session, "000000").await;
    refused.expect_problem(400, "code_mismatch");
    let signed_in = person.answers(&session, &person.code()).await.expect(200).clone();
    let me = client_of(&shop, &signed_in).get("/v1/me").await.expect(200).clone();
    assert_eq!(me["mfa"]["recovery_codes_left"], 10);
    let refreshed = json!({"refresh_token": signed_in["refresh_token"]});
    shop.anon().post("/v1/auth/refresh", &refreshed).await.expect(200);
    // The challenge was for once.
    shop.advance(STEP).await;
    person.answers(&session, &person.code()).await.expect_problem(400, "code_mismatch");
}

#[tokio::test]
async fn a_code_of_the_app_works_once_also_side_by_side() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let person = Person::sets_up(&shop, EMAIL).await;
    let (one, other) = (person.challenged().await, person.challenged().await);
    let code = person.code();
    let (one, other) = tokio::join!(person.answers(&one, &code), person.answers(&other, &code));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400], "{} {}", one.text, other.text);
}

#[tokio::test]
async fn a_password_is_worth_five_codes_and_a_person_twenty_an_hour() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let person = Person::sets_up(&shop, EMAIL).await;
    let mut tried = 0;
    'clients: for client in 2..=9_u8 {
        let session = person.challenged().await;
        let stranger = shop.anon().from([127, 0, 0, client]);
        for _ in 0..6 {
            let answer = stranger.post("/v1/auth/challenge", &json!({"session": session, "code": "000000"})).await;
            if answer.status == 429 {
                break 'clients;
            }
            answer.expect_problem(400, "code_mismatch");
            tried += 1;
        }
    }
    // The sixth code of each challenge is compared with nothing.
    assert!((20..=24).contains(&tried), "{tried}");
}

#[tokio::test]
async fn a_code_on_paper_takes_the_app_away_and_works_once() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let person = Person::sets_up(&shop, EMAIL).await;
    let session = person.challenged().await;
    let typed = person.app.papers[3].replace('-', " ").to_uppercase();
    let signed_in = person.answers(&session, &typed).await.expect(200).clone();
    shop.wait_until_idle().await;
    assert!(shop.mail_to(EMAIL)[0].ends_with("code on paper used"), "{:?}", shop.mail_to(EMAIL));
    let client = client_of(&shop, &signed_in);
    assert_eq!(client.get("/v1/me").await.expect(200)["mfa"], Value::Null);
    sign_in(&shop, EMAIL).await.expect(200)["access_token"].as_str().expect("nothing more is asked");
    // A new app has new papers.
    let again = Person::sets_up(&shop, EMAIL).await;
    let session = again.challenged().await;
    again.answers(&session, &person.app.papers[4]).await.expect_problem(400, "code_mismatch");
}

#[tokio::test]
async fn codes_on_paper_are_replaced_and_the_app_is_taken_away_with_a_code() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let person = Person::sets_up(&shop, EMAIL).await;
    let client = person.signs_in().await;
    client.post("/v1/me/mfa", &json!({})).await.expect_problem(409, "wrong_state");
    let made = client.post("/v1/me/mfa/recovery-codes", &json!({"code": person.code()})).await.expect(200).clone();
    assert!(
        !person.app.papers.iter().any(|code| made["recovery_codes"].as_array().expect("codes").contains(&json!(code)))
    );
    shop.advance(STEP).await;
    let remove = async |code: &str| client.json(reqwest::Method::DELETE, "/v1/me/mfa", &json!({"code": code})).await;
    remove("000000").await.expect_problem(400, "code_mismatch");
    remove(&person.code()).await.expect(204);
    sign_in(&shop, EMAIL).await.expect(200)["access_token"].as_str().expect("nothing more is asked");
}

#[tokio::test]
async fn taking_the_app_away_ends_every_session_and_the_person_is_told() {
    for (on_paper, subject) in [(false, "authenticator app gone"), (true, "code on paper used")] {
        let shop = Shop::open().await;
        shop.buyer("aziza").await;
        let person = Person::sets_up(&shop, EMAIL).await;
        let (there, here) = (person.begins().await, person.begins().await);
        let waiting = person.challenged().await;
        let code = if on_paper { person.app.papers[0].clone() } else { person.code() };
        let client = client_of(&shop, &here);
        client.json(reqwest::Method::DELETE, "/v1/me/mfa", &json!({"code": code})).await.expect(204);
        for ended in [&there, &here] {
            refresh(&shop, ended).await.expect_problem(401, "unauthorized");
        }
        // A sign-in that waited for a code has ended with them.
        person.answers(&waiting, &person.app.papers[1]).await.expect_problem(400, "code_mismatch");
        assert_told(&shop, subject).await;
    }
}

#[tokio::test]
async fn a_sign_in_with_a_code_on_paper_ends_every_other_session_and_the_person_is_told() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let person = Person::sets_up(&shop, EMAIL).await;
    let there = person.begins().await;
    let (waiting, session) = (person.challenged().await, person.challenged().await);
    let here = person.answers(&session, &person.app.papers[0]).await.expect(200).clone();
    refresh(&shop, &there).await.expect_problem(401, "unauthorized");
    person.answers(&waiting, &person.app.papers[1]).await.expect_problem(400, "code_mismatch");
    refresh(&shop, &here).await.expect(200);
    assert_told(&shop, "code on paper used").await;
}

#[tokio::test]
async fn a_person_is_told_of_new_codes_on_paper_and_those_before_open_nothing() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let person = Person::sets_up(&shop, EMAIL).await;
    let client = person.signs_in().await;
    client.post("/v1/me/mfa/recovery-codes", &json!({"code": person.code()})).await.expect(200);
    assert_told(&shop, "new codes on paper").await;
    let session = person.challenged().await;
    person.answers(&session, &person.app.papers[0]).await.expect_problem(400, "code_mismatch");
}

#[tokio::test]
async fn a_stolen_token_locks_nobody_out() {
    let shop = Shop::open().await;
    let stolen = shop.buyer("aziza").await;
    shop.advance(Duration::from_secs(601)).await;
    stolen.post("/v1/me/mfa", &json!({})).await.expect_problem(403, "step_up_needed");
    // What was begun and never confirmed asks nobody.
    let fresh = client_of(&shop, sign_in(&shop, EMAIL).await.expect(200));
    fresh.post("/v1/me/mfa", &json!({})).await.expect(200);
    sign_in(&shop, EMAIL).await.expect(200)["access_token"].as_str().expect("nothing more is asked");
}

#[tokio::test]
async fn another_password_ends_the_sign_in_that_waits_for_a_code() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let person = Person::sets_up(&shop, EMAIL).await;
    let session = person.challenged().await;
    shop.anon().post("/v1/auth/forgot-password", &json!({"email": EMAIL})).await.expect(202);
    let code = shop.code_for(EMAIL).await;
    let reset = json!({"email": EMAIL, "code": code, "password": "Another horse 2"});
    shop.anon().post("/v1/auth/reset-password", &reset).await.expect(200);
    person.answers(&session, &person.code()).await.expect_problem(400, "code_mismatch");
}

/// A shop in which operators, owners and finance need an app.
async fn strict() -> Shop {
    let mut options = Options::for_tests();
    options.parameters.push(("MfaRequired", "true"));
    Shop::with(options).await
}

#[tokio::test]
async fn an_operator_does_nothing_before_an_app_is_set_up_and_shown() {
    let shop = strict().await;
    let operator = shop.operator().await;
    let asked = ["/v1/admin/summary", "/v1/admin/orders", "/v1/admin/vendors?state=submitted"];
    for path in asked {
        operator.get(path).await.expect_problem(403, "mfa_required");
    }
    let person = Person::sets_up(&shop, local::seed::OPERATOR).await;
    operator.get(asked[0]).await.expect_problem(403, "mfa_required");
    let strong = person.signs_in().await;
    for path in asked {
        strong.get(path).await.expect(200);
    }
}

#[tokio::test]
async fn an_operator_who_used_a_code_on_paper_does_nothing_before_another_app_is_set_up_and_shown() {
    let shop = strict().await;
    let summary = "/v1/admin/summary";
    let person = Person::sets_up(&shop, local::seed::OPERATOR).await;
    let with_app = person.signs_in().await;
    with_app.get(summary).await.expect(200);
    let session = person.challenged().await;
    let on_paper = client_of(&shop, person.answers(&session, &person.app.papers[0]).await.expect(200));
    let without = shop.signed_in(local::seed::OPERATOR).await;
    for client in [&with_app, &on_paper, &without] {
        client.get(summary).await.expect_problem(403, "mfa_required");
    }
    let again = Person::sets_up(&shop, local::seed::OPERATOR).await;
    for client in [&with_app, &on_paper, &without] {
        client.get(summary).await.expect_problem(403, "mfa_required");
    }
    again.signs_in().await.get(summary).await.expect(200);
}

#[tokio::test]
async fn settings_and_refunds_ask_for_a_fresh_sign_in() {
    let shop = strict().await;
    let operator = Person::sets_up(&shop, local::seed::OPERATOR).await.signs_in().await;
    let put = async || {
        let client = operator.clone().with("if-match", "*");
        client.put("/v1/admin/settings/limits/unpaid-orders", &json!({"most": 4})).await
    };
    let fresh = put().await;
    assert_ne!(fresh.json["code"], "step_up_needed", "{}", fresh.text);
    let money = json!({"amount": {"amount": "1.00", "currency": "USD"}, "reason": "It came late."});
    let give = async || {
        let path = "/v1/admin/orders/ord_00000000000000000000000000/refunds";
        operator.clone().with("idempotency-key", "once").post(path, &money).await
    };
    let receive = async || {
        let path = "/v1/admin/vendor-orders/vor_00000000000000000000000000_1/returns/1/decide";
        operator.post(path, &json!({"decision": "receive"})).await
    };
    for answer in [give().await, receive().await] {
        assert_eq!(answer.status, 404, "{}", answer.text);
    }
    shop.advance(Duration::from_secs(601)).await;
    for answer in [put().await, give().await, receive().await] {
        answer.expect_problem(403, "step_up_needed");
    }
    operator.get("/v1/admin/settings/limits").await.expect(200);
}

#[tokio::test]
async fn whoever_proves_the_address_takes_an_app_away_that_a_thief_has_just_set_up() {
    let shop = Shop::open().await;
    shop.buyer("aziza").await;
    let thief = Person::sets_up(&shop, EMAIL).await;
    shop.anon().post("/v1/auth/forgot-password", &json!({"email": EMAIL})).await.expect(202);
    let code = shop.code_for(EMAIL).await;
    let reset = json!({"email": EMAIL, "code": code, "password": "Another horse 2"});
    shop.anon().post("/v1/auth/reset-password", &reset).await.expect(200);
    let again = json!({"email": EMAIL, "password": "Another horse 2"});
    let owner = client_of(&shop, shop.anon().post("/v1/auth/sign-in", &again).await.expect(200));
    assert_eq!(owner.get("/v1/me").await.expect(200)["mfa"], Value::Null);
    drop(thief);
}

#[tokio::test]
async fn an_owner_needs_an_app_to_act_and_a_fresh_sign_in_to_let_others_in() {
    let shop = strict().await;
    let applicant = shop.buyer("ceramics").await;
    let asked = json!({"name": "Ceramics", "currency": "USD"});
    let id = applicant.post("/v1/vendors", &asked).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let vendor = json!({"about": "Bowls"});
    let applicant = applicant.with("vendor-id", &id);
    applicant.patch("/v1/vendors/me", &vendor).await.expect_problem(403, "mfa_required");
    let person = Person::sets_up(&shop, "ceramics@people.test").await;
    let owner = person.signs_in().await.with("vendor-id", &id);
    owner.patch("/v1/vendors/me", &vendor).await.expect(200);
    shop.advance(Duration::from_secs(601)).await;
    owner.patch("/v1/vendors/me", &vendor).await.expect(200);
    let remove = json!({"email": "nobody@people.test"});
    let removed = owner.json(reqwest::Method::DELETE, "/v1/vendors/me/members", &remove).await;
    removed.expect_problem(403, "step_up_needed");
}
