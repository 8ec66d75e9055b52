//! Invitations to a vendor's staff, and leaving it: a relation between two is made by two.

use std::time::Duration;

use cloud::faults::Call;
use domain::settings::Limit;
use local::Options;
use local::seed::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::invariants::items;
use crate::shop::{Answer, Client, Shop, Vendor, identity};

const INVITATIONS: &str = "/v1/vendors/me/invitations";
const ACCEPT: &str = "/v1/invitations/accept";
const DECLINE: &str = "/v1/invitations/decline";

async fn invite(vendor: &Vendor, email: &str, role: &str) -> Answer {
    vendor.client.post(INVITATIONS, &json!({"contact": email, "role": role})).await
}

/// Invites somebody, and returns the body with which the invitation is answered.
async fn invited(shop: &Shop, vendor: &Vendor, email: &str, role: &str) -> Value {
    invite(vendor, email, role).await.expect(202);
    json!({"token": shop.invitation_for(email).await})
}

async fn memberships(person: &Client) -> Vec<String> {
    let me = person.get("/v1/me").await.expect(200)["memberships"].clone();
    me.as_array().expect("a list").iter().map(|one| format!("{} {}", one["handle"], one["role"])).collect()
}

async fn leave(person: &Client, vendor: &Vendor) -> Answer {
    person.clone().with("vendor-id", &vendor.id).post("/v1/vendors/me/leave", &json!({})).await
}

/// How many owners the vendor has, read past the roles.
async fn owners(shop: &Shop, vendor: &Vendor) -> usize {
    let accounts = items(shop, "AccountsTable").await;
    let is_owner = |item: &&Value| {
        let data = item["data"]["S"].as_str().unwrap_or_default();
        item["kind"]["S"] == "member" && data.contains(&vendor.id) && data.contains(r#""role":"owner""#)
    };
    accounts.iter().filter(is_owner).count()
}

#[tokio::test]
async fn twenty_shops_make_nobody_a_member_without_their_consent() {
    let shop = Shop::open().await;
    let (victim, attacker) = (shop.vendor("victim").await, shop.vendor("attacker").await);
    let (person, operator) = (shop.sign_in_again(&victim).await, shop.operator().await);
    let mut shops = vec![attacker.id.clone()];
    for number in 1..20 {
        let name = format!("shell-{number}");
        let asked = json!({
            "handle": name, "name": name, "currency": "USD", "legal_name": name, "phone": "+998 71 200 00 00",
            "shipping_rates": [{"amount": "5.00", "currency": "USD"}], "public_identity": identity(&name),
        });
        let opened = attacker.client.post("/v1/vendors", &asked).await.expect(201)["id"].clone();
        let opened = opened.as_str().expect("an id").to_owned();
        let owner = attacker.client.clone().with("vendor-id", &opened);
        owner.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
        operator.post(&format!("/v1/admin/vendors/{opened}/approve"), &json!({})).await.expect(200);
        shops.push(opened);
    }
    for vendor in &shops {
        let owner = attacker.client.clone().with("vendor-id", vendor);
        let pushed = json!({"email": "victim@people.test", "role": "finance"});
        let answer = owner.post("/v1/vendors/me/members", &pushed).await;
        assert!([404, 405].contains(&answer.status), "nobody is pushed into a shop: {}", answer.text);
        let asked = json!({"contact": "victim@people.test", "role": "finance"});
        owner.post(INVITATIONS, &asked).await.expect(202);
        assert_eq!(owner.get(INVITATIONS).await.expect(200)["items"].as_array().map(Vec::len), Some(1));
    }
    shop.wait_until_idle().await;
    assert_eq!(memberships(&person).await, [r#""victim" "owner""#]);
    person.get("/v1/vendors/me").await.expect(200);
    let own = json!({"handle": "second", "name": "Second", "currency": "USD"});
    person.post("/v1/vendors", &own).await.expect(201);
}

#[tokio::test]
async fn an_invitation_is_accepted_once_by_the_address_that_was_invited_and_by_nobody_else() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let (helper, other) = (shop.buyer("helper").await, shop.buyer("other").await);
    let token = invited(&shop, &vendor, "helper@people.test", "manager").await;
    let listed = vendor.client.get(INVITATIONS).await.expect(200)["items"].clone();
    assert_eq!((&listed[0]["contact"], &listed[0]["role"]), (&json!("helper@people.test"), &json!("manager")));
    assert!(memberships(&helper).await.is_empty(), "nothing of theirs changes before they accept");
    helper.clone().with("vendor-id", &vendor.id).get("/v1/vendors/me").await.expect_problem(403, "forbidden");

    assert_eq!(shop.anon().post(ACCEPT, &token).await.status, 401);
    for path in [ACCEPT, DECLINE] {
        other.post(path, &token).await.expect_problem(403, "forbidden");
        vendor.client.post(path, &token).await.expect_problem(403, "forbidden");
        helper.post(path, &json!({"token": "A".repeat(86)})).await.expect_problem(404, "not_found");
    }
    let joined = helper.post(ACCEPT, &token).await.expect(200).clone();
    assert_eq!((&joined["vendor_id"], &joined["role"]), (&json!(vendor.id), &json!("manager")));
    assert_eq!(memberships(&helper).await, [r#""ceramics" "manager""#]);
    helper.get("/v1/vendor/products").await.expect(200);
    for path in [ACCEPT, DECLINE] {
        helper.post(path, &token).await.expect_problem(404, "not_found");
    }
    assert_eq!(vendor.client.get(INVITATIONS).await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn one_token_used_at_once_makes_one_membership() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let helper = shop.buyer("helper").await;
    let token = invited(&shop, &vendor, "helper@people.test", "manager").await;
    let (one, other) = tokio::join!(helper.post(ACCEPT, &token), helper.post(ACCEPT, &token));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
}

#[tokio::test]
async fn an_invitation_ends_when_it_is_declined_taken_back_replaced_or_seven_days_old() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let helper = shop.buyer("helper").await;
    let email = "helper@people.test";
    let declined = invited(&shop, &vendor, email, "manager").await;
    helper.post(DECLINE, &declined).await.expect(204);
    helper.post(ACCEPT, &declined).await.expect_problem(404, "not_found");

    let taken_back = invited(&shop, &vendor, email, "manager").await;
    let body = json!({"contact": " Helper@People.test "});
    vendor.client.json(Method::DELETE, INVITATIONS, &body).await.expect(204);
    vendor.client.json(Method::DELETE, INVITATIONS, &body).await.expect_problem(404, "not_found");
    helper.post(ACCEPT, &taken_back).await.expect_problem(404, "not_found");

    let replaced = invited(&shop, &vendor, email, "owner").await;
    let over = invited(&shop, &vendor, email, "finance").await;
    helper.post(ACCEPT, &replaced).await.expect_problem(404, "not_found");
    assert_eq!(vendor.client.get(INVITATIONS).await.expect(200)["items"].as_array().map(Vec::len), Some(1));

    shop.advance(Duration::from_secs(7 * 86_400)).await;
    let helper = shop.sign_in(email).await;
    helper.post(ACCEPT, &over).await.expect_problem(404, "not_found");
    let owner = shop.sign_in_again(&vendor).await;
    assert_eq!(owner.get(INVITATIONS).await.expect(200)["items"], json!([]));
    assert!(memberships(&helper).await.is_empty());
}

/// The calls to Cognito and DynamoDB that a request makes, in their order.
fn calls_of(shop: &Shop, route: &str) -> Vec<Call> {
    let all = shop.cloud.services().faults.recorded().into_iter();
    all.filter(|call| call.route.as_deref() == Some(route)).collect()
}

#[tokio::test]
async fn an_invitation_answers_and_works_alike_for_somebody_and_for_nobody() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    shop.buyer("somebody").await;
    let pending = json!({"email": "pending@people.test", "password": PASSWORD});
    shop.anon().post("/v1/auth/sign-up", &pending).await.expect(202);
    // The first call of a sandbox also reads settings and secrets.
    invite(&vendor, "first@people.test", "manager").await.expect(202);
    shop.wait_until_idle().await;
    let faults = shop.cloud.services().faults.clone();
    let mut seen = Vec::new();
    for name in ["somebody", "nobody", "pending", "ceramics"] {
        faults.clear();
        faults.record();
        let answer = invite(&vendor, &format!("{name}@people.test"), "manager").await;
        let asked = calls_of(&shop, "POST /v1/vendors/me/invitations");
        shop.wait_until_idle().await;
        let mailed = calls_of(&shop, "function MessagesFunction");
        assert!(asked.iter().any(|call| call.service == "dynamodb") && !mailed.is_empty(), "{asked:?} {mailed:?}");
        assert!(!asked.iter().any(|call| call.service.contains("cognito")), "{asked:?}");
        let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        headers.sort();
        seen.push((answer.status, answer.text, headers, asked, mailed));
    }
    for other in &seen[1..] {
        assert_eq!(&seen[0], other);
    }
    assert_eq!((seen[0].0, seen[0].1.as_str()), (202, "{}"));
}

#[tokio::test]
async fn who_is_invited_stands_nowhere_in_the_clear_and_the_token_nowhere_at_all() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let token = invited(&shop, &vendor, "secretive@people.test", "manager").await;
    for table in ["SessionsTable", "AccountsTable", "CartsTable"] {
        let stored = json!(items(&shop, table).await).to_string();
        assert!(!stored.contains("secretive"), "{table}");
        assert!(!stored.contains(token["token"].as_str().unwrap()), "{table}");
    }
}

#[tokio::test]
async fn invitations_are_limited_per_shop_per_address_and_per_client() {
    let mut options = Options::for_tests();
    options.limits.invitation.per_target = Limit { most: 2, within: Duration::from_secs(86_400) };
    let shop = Shop::with(options).await;
    let quota = "/v1/admin/settings/quotas/invitations";
    shop.operator().await.with("if-match", "*").put(quota, &json!({"most": 3})).await.expect(200);
    let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
    invite(&ceramics, "aziza@people.test", "manager").await.expect(202);
    invite(&silk, "aziza@people.test", "manager").await.expect(202);
    invite(&silk, "aziza@people.test", "manager").await.expect_problem(429, "too_many_requests");
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to("aziza@people.test").len(), 2);

    for number in 0..2 {
        invite(&ceramics, &format!("person-{number}@people.test"), "manager").await.expect(202);
    }
    let over = invite(&ceramics, "one-more@people.test", "manager").await;
    over.expect_problem(429, "too_many_requests");
    assert!(over.header("retry-after").parse::<u64>().expect("seconds") > 60);
    invite(&silk, "one-more@people.test", "manager").await.expect(202);
}

#[tokio::test]
async fn of_two_limits_that_are_exceeded_the_longer_wait_is_told() {
    let mut options = Options::for_tests();
    options.limits.invitation.per_client = Limit::per_minute(1);
    options.limits.invitation.per_target = Limit { most: 1, within: Duration::from_secs(86_400) };
    let shop = Shop::with(options).await;
    let vendor = shop.vendor("ceramics").await;
    invite(&vendor, "aziza@people.test", "manager").await.expect(202);
    let seconds = async |email: &str| {
        let refused = invite(&vendor, email, "manager").await;
        refused.expect_problem(429, "too_many_requests");
        refused.header("retry-after").parse::<u64>().expect("seconds")
    };
    assert!(seconds("aziza@people.test").await > 60, "the address waits until midnight");
    assert!(seconds("bobur@people.test").await <= 60, "the client waits for a minute");
}

#[tokio::test]
async fn invitations_and_answers_of_a_client_are_limited() {
    let mut options = Options::for_tests();
    options.limits.invitation.per_client = Limit::per_minute(2);
    let shop = Shop::with(options).await;
    let vendor = shop.vendor("ceramics").await;
    for number in 0..2 {
        invite(&vendor, &format!("person-{number}@people.test"), "manager").await.expect(202);
        vendor.client.post(ACCEPT, &json!({"token": "A"})).await.expect_problem(404, "not_found");
    }
    invite(&vendor, "person-3@people.test", "manager").await.expect_problem(429, "too_many_requests");
    for path in [ACCEPT, DECLINE] {
        vendor.client.post(path, &json!({"token": "A"})).await.expect_problem(429, "too_many_requests");
    }
}

#[tokio::test]
async fn a_shop_takes_in_no_more_members_than_its_quota() {
    for (most, is_taken_in) in [(1, false), (2, true)] {
        let shop = Shop::open().await;
        let quota = "/v1/admin/settings/quotas/members";
        shop.operator().await.with("if-match", "*").put(quota, &json!({"most": most})).await.expect(200);
        let (vendor, helper) = (shop.vendor("ceramics").await, shop.buyer("helper").await);
        let token = invited(&shop, &vendor, "helper@people.test", "manager").await;
        let answer = helper.post(ACCEPT, &token).await;
        if is_taken_in {
            answer.expect(200);
        } else {
            answer.expect_problem(409, "limit_reached");
        }
    }
}

#[tokio::test]
async fn whoever_is_an_owner_no_more_has_no_successor_of_their_own_choice() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let (second, friend) = (shop.buyer("second").await, shop.buyer("friend").await);
    shop.member(&vendor.client, "second@people.test", "owner").await;
    let second_owner = Vendor { client: second, ..vendor.clone() };
    let token = invited(&shop, &second_owner, "friend@people.test", "owner").await;
    let gone = json!({"email": "second@people.test"});
    vendor.client.json(Method::DELETE, "/v1/vendors/me/members", &gone).await.expect(204);
    friend.post(ACCEPT, &token).await.expect_problem(404, "not_found");
    assert!(memberships(&friend).await.is_empty());
}

#[tokio::test]
async fn a_suspended_shop_invites_nobody_and_takes_nobody_in() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let helper = shop.buyer("helper").await;
    let token = invited(&shop, &vendor, "helper@people.test", "owner").await;
    let suspend = format!("/v1/admin/vendors/{}/suspend", vendor.id);
    shop.operator().await.post(&suspend, &json!({"reason": "Complaints."})).await.expect(200);
    invite(&vendor, "another@people.test", "manager").await.expect_problem(403, "vendor_suspended");
    helper.post(ACCEPT, &token).await.expect_problem(409, "wrong_state");
    assert_eq!(vendor.client.get(INVITATIONS).await.expect(200)["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn anybody_may_leave_a_shop_and_the_last_owner_only_after_another_has_accepted() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let helper = shop.buyer("helper").await;
    shop.member(&vendor.client, "helper@people.test", "finance").await;
    leave(&vendor.client, &vendor).await.expect_problem(409, "wrong_state");
    // Whoever is suspended with their shop may leave it as well.
    let operator = shop.operator().await;
    let decide = format!("/v1/admin/vendors/{}", vendor.id);
    operator.post(&format!("{decide}/suspend"), &json!({"reason": "Complaints."})).await.expect(200);
    leave(&helper, &vendor).await.expect(204);
    leave(&helper, &vendor).await.expect_problem(403, "forbidden");
    assert!(memberships(&helper).await.is_empty());
    operator.post(&format!("{decide}/reinstate"), &json!({})).await.expect(200);

    let token = invited(&shop, &vendor, "helper@people.test", "owner").await;
    leave(&vendor.client, &vendor).await.expect_problem(409, "wrong_state");
    helper.post(ACCEPT, &token).await.expect(200);
    leave(&vendor.client, &vendor).await.expect(204);
    assert_eq!(memberships(&helper).await, [r#""ceramics" "owner""#]);
    leave(&helper, &vendor).await.expect_problem(409, "wrong_state");
    leave(&shop.buyer("stranger").await, &vendor).await.expect_problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_who_leave_at_once_never_leave_a_shop_with_none() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let second = shop.buyer("second").await;
    shop.member(&vendor.client, "second@people.test", "owner").await;
    for _ in 0..5 {
        let (one, other) = tokio::join!(leave(&vendor.client, &vendor), leave(&second, &vendor));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409], "{} {}", one.text, other.text);
        assert_eq!(owners(&shop, &vendor).await, 1);
        let (stays, gone) =
            if one.status == 409 { (&vendor.client, "second@people.test") } else { (&second, "ceramics@people.test") };
        let owner = stays.clone().with("vendor-id", &vendor.id);
        shop.member(&owner, gone, "owner").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_leaves_while_another_is_removed_leaves_one_behind() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let second = shop.buyer("second").await.with("vendor-id", &vendor.id);
    shop.member(&vendor.client, "second@people.test", "owner").await;
    let gone = json!({"email": "ceramics@people.test"});
    let remove = second.json(Method::DELETE, "/v1/vendors/me/members", &gone);
    let (left, removed) = tokio::join!(leave(&second, &vendor), remove);
    assert!(left.status == 204 || removed.status == 204, "{} {}", left.text, removed.text);
    assert_eq!(owners(&shop, &vendor).await, 1);
}

#[tokio::test]
async fn the_operator_puts_in_an_owner_who_has_to_accept() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let heir = shop.buyer("heir").await;
    let operator = shop.operator().await;
    let owner = format!("/v1/admin/vendors/{}/owner", vendor.id);
    // A shop whose only owner is gone may be suspended at the time.
    let suspend = format!("/v1/admin/vendors/{}/suspend", vendor.id);
    operator.post(&suspend, &json!({"reason": "The owner is gone."})).await.expect(200);
    let answers = [
        operator.post(&owner, &json!({"contact": "heir@people.test"})).await,
        operator.post(&owner, &json!({"contact": "nobody@people.test"})).await,
    ];
    assert_eq!(answers.each_ref().map(|answer| (answer.status, answer.text.as_str())), [(202, "{}"); 2]);
    assert!(memberships(&heir).await.is_empty());
    let token = json!({"token": shop.invitation_for("heir@people.test").await});
    assert_eq!(heir.post(ACCEPT, &token).await.expect(200)["role"], "owner");
    assert_eq!(owners(&shop, &vendor).await, 2);
    let nowhere = "/v1/admin/vendors/ven_00000000000000000000000000/owner";
    operator.post(nowhere, &json!({"contact": "heir@people.test"})).await.expect_problem(404, "not_found");
}
