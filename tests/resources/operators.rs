//! The operator's own people: memberships of the marketplace with roles.

use cloud::dynamodb::{Caller, Outcome};
use local::seed::OPERATOR;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::invariants::items;
use crate::shop::sale::Sale;
use crate::shop::{Answer, App, Client, Shop};

const MEMBERS: &str = "/v1/admin/members";
const INVITATIONS: &str = "/v1/admin/members/invitations";
const ACCEPT: &str = "/v1/operator-invitations/accept";

async fn remove(by: &Client, id: &str) -> Answer {
    by.send(Method::DELETE, &format!("{MEMBERS}/{id}"), None, "").await
}

async fn change(by: &Client, id: &str, role: &str) -> Answer {
    by.patch(&format!("{MEMBERS}/{id}"), &json!({"role": role})).await
}

/// Roles by address, as an owner sees them.
async fn team(owner: &Client) -> Vec<String> {
    let listed = owner.get(MEMBERS).await.expect(200)["items"].clone();
    let members = listed.as_array().expect("a list").iter();
    let mut team: Vec<String> =
        members.map(|one| format!("{} {}", one["email"].as_str().unwrap_or("nobody"), one["role"])).collect();
    team.sort();
    team
}

/// Deletes an item from a table, past the roles.
async fn delete_item(shop: &Shop, table: &str, item: &Value) {
    let services = shop.cloud.services();
    let name = &services.template.table(table).expect("a table").name;
    let gone = json!({"TableName": name, "Key": {"pk": item["pk"], "sk": item["sk"]}}).to_string();
    let answer = services.dynamodb.call(&Caller::root(), "DeleteItem", gone.as_bytes()).await;
    let Outcome::Answer(status, body) = answer else { panic!("the table {table} does not answer") };
    assert!(status.is_success(), "{}: {item}", String::from_utf8_lossy(&body));
}

/// A marketplace that nobody runs yet, as a first deployment makes it.
async fn without_owner() -> Shop {
    let shop = Shop::open().await;
    for item in items(&shop, "AccountsTable").await {
        if item["pk"]["S"] == "MARKETPLACE" {
            delete_item(&shop, "AccountsTable", &item).await;
        }
    }
    shop
}

#[tokio::test]
async fn the_group_admin_makes_the_first_owner_and_opens_nothing_afterwards() {
    let shop = without_owner().await;
    let stranger = shop.buyer("stranger").await;
    stranger.get("/v1/admin/summary").await.expect_problem(403, "forbidden");
    let first = shop.operator().await;
    first.get("/v1/admin/summary").await.expect(200);
    assert_eq!(team(&first).await, [r#"nobody "owner""#]);
    let late = shop.in_group("late", "admin").await;
    late.get("/v1/admin/summary").await.expect_problem(403, "forbidden");
    assert_eq!(team(&first).await.len(), 1);
    // Nor when the first owner has handed over and is gone.
    let heir = shop.operator_with("heir", "owner").await;
    let listed = first.get(MEMBERS).await.expect(200)["items"].clone();
    let old = listed.as_array().expect("a list").iter().find(|one| one["email"].is_null()).expect("the first");
    remove(&first, old["user_id"].as_str().expect("an id")).await.expect(204);
    first.get("/v1/admin/summary").await.expect_problem(403, "forbidden");
    assert_eq!(team(&heir).await, [r#"heir@people.test "owner""#]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_the_group_who_come_at_once_do_not_both_become_the_first_owner() {
    let shop = without_owner().await;
    let (one, other) = (shop.operator().await, shop.in_group("other", "admin").await);
    let (first, second) = tokio::join!(one.get("/v1/admin/summary"), other.get("/v1/admin/summary"));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403], "{} {}", first.text, second.text);
}

#[tokio::test]
async fn nobody_is_one_of_the_operators_people_before_they_have_accepted_themselves() {
    let shop = Shop::open().await;
    let (owner, person) = (shop.operator().await, shop.buyer("helper").await);
    let email = "helper@people.test";
    let invite = async |contact: &str| owner.post(INVITATIONS, &json!({"contact": contact, "role": "support"})).await;
    let (known, unknown) = (invite(email).await, invite("nobody@people.test").await);
    assert_eq!((known.status, &known.text), (202, &unknown.text), "the answer says nothing of whether they exist");
    person.get("/v1/admin/orders").await.expect_problem(403, "forbidden");
    let token = json!({"token": shop.team_invitation_for(email).await});
    let other = shop.buyer("other").await;
    other.post(ACCEPT, &token).await.expect_problem(403, "forbidden");
    other.post("/v1/invitations/accept", &token).await.expect_problem(404, "not_found");
    assert_eq!(person.post(ACCEPT, &token).await.expect(200)["role"], "support");
    person.post(ACCEPT, &token).await.expect_problem(404, "not_found");
    person.get("/v1/admin/orders").await.expect(200);
    shop.advance(domain::notice::NOTICE_DELAY).await;
    assert!(shop.mail_to(OPERATOR).iter().any(|subject| subject.contains("a change among the operator's people")));

    // What was taken back, or declined, opens nothing.
    let open = owner.get(INVITATIONS).await.expect(200)["items"].clone();
    assert_eq!(open.as_array().map(Vec::len), Some(1));
    let back = json!({"contact": "nobody@people.test"});
    owner.json(Method::DELETE, INVITATIONS, &back).await.expect(204);
    assert_eq!(owner.get(INVITATIONS).await.expect(200)["items"], json!([]));
    invite("other@people.test").await.expect(202);
    let declined = json!({"token": shop.team_invitation_for("other@people.test").await});
    other.post("/v1/invitations/decline", &declined).await.expect(204);
    other.post(ACCEPT, &declined).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_invitation_of_somebody_who_is_no_owner_any_more_makes_nobody_a_member() {
    let shop = Shop::open().await;
    let owner = shop.operator().await;
    let former = shop.operator_with("former", "owner").await;
    former.post(INVITATIONS, &json!({"contact": "friend@people.test", "role": "owner"})).await.expect(202);
    let token = json!({"token": shop.team_invitation_for("friend@people.test").await});
    change(&owner, &shop.operator_id("former@people.test").await, "support").await.expect(200);
    shop.buyer("friend").await.post(ACCEPT, &token).await.expect_problem(404, "not_found");
    former
        .post(INVITATIONS, &json!({"contact": "x@people.test", "role": "owner"}))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn who_was_removed_gives_no_shop_away_any_more() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let former = shop.operator_with("former", "owner").await;
    let heir = shop.buyer("heir").await;
    let path = format!("/v1/admin/vendors/{}/owner", vendor.id);
    former.post(&path, &json!({"contact": "heir@people.test"})).await.expect(202);
    let token = json!({"token": shop.invitation_for("heir@people.test").await});
    remove(&shop.operator().await, &shop.operator_id("former@people.test").await).await.expect(204);
    heir.post("/v1/invitations/accept", &token).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_last_owner_neither_leaves_nor_becomes_something_else() {
    let shop = Shop::open().await;
    let owner = shop.operator().await;
    let support = shop.operator_with("helper", "support").await;
    let id = shop.operator_id(OPERATOR).await;
    remove(&owner, &id).await.expect_problem(409, "wrong_state");
    change(&owner, &id, "support").await.expect_problem(409, "wrong_state");
    remove(&support, &id).await.expect_problem(403, "forbidden");
    // Who is no owner may go by themselves.
    let own = shop.operator_id("helper@people.test").await;
    change(&support, &own, "owner").await.expect_problem(403, "forbidden");
    remove(&support, &own).await.expect(204);
    support.get("/v1/admin/orders").await.expect_problem(403, "forbidden");
    shop.advance(domain::notice::NOTICE_DELAY).await;
    assert!(shop.mail_to("helper@people.test").iter().any(|subject| subject.contains("your role")));
    assert_eq!(team(&owner).await, [format!(r#"{OPERATOR} "owner""#)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_who_remove_each_other_at_once_leave_one() {
    let shop = Shop::open().await;
    let (first, second) = (shop.operator().await, shop.operator_with("second", "owner").await);
    let ids = (shop.operator_id(OPERATOR).await, shop.operator_id("second@people.test").await);
    let (one, other) = tokio::join!(remove(&first, &ids.1), remove(&second, &ids.0));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1] >= 400), (204, true), "{} {}", one.text, other.text);
    let left = items(&shop, "AccountsTable").await.iter().filter(|item| item["kind"]["S"] == "operator").count();
    assert_eq!(left, 1);
}

fn amount(amount: &str) -> Value {
    json!({"amount": {"amount": amount, "currency": "USD"}, "reason": "It came late."})
}

#[tokio::test]
async fn support_gives_back_up_to_its_limit_of_an_order_and_not_more_in_steps() {
    let shop = Shop::open().await;
    let owner = shop.operator().await;
    let (setting, set) = ("/v1/admin/settings/refunds/by-support", owner.clone().with("if-match", "*"));
    let twice = json!({"amounts": [{"amount": "5.00", "currency": "USD"}, {"amount": "9.00", "currency": "USD"}]});
    set.put(setting, &twice).await.expect_problem(400, "invalid");
    let limit = json!({"amounts": [{"amount": "5.00", "currency": "USD"}, {"amount": "9.00", "currency": "EUR"}]});
    set.put(setting, &limit).await.expect(200);
    let support = shop.operator_with("helper", "support").await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let sale = Sale::of(shop, bowl, 1).await;
    sale.act("succeed").await;
    for step in ["accept", "ship", "deliver"] {
        sale.step(step).await.expect(200);
    }
    let refunds = format!("/v1/admin/orders/{}/refunds", sale.id);
    let give = async |by: &Client, of: &str, key: &str| {
        by.clone().with("idempotency-key", key).post(&refunds, &amount(of)).await
    };
    give(&support, "5.01", "much").await.expect_problem(403, "refund_limit");
    give(&support, "3.00", "first").await.expect(200);
    give(&support, "2.01", "second").await.expect_problem(403, "refund_limit");
    give(&support, "2.00", "third").await.expect(200);
    give(&owner, "3.00", "owner").await.expect(200);
}

#[tokio::test]
async fn a_setting_asks_single_roles_for_a_second_factor() {
    let shop = Shop::open().await;
    let owner = shop.operator().await;
    let (setting, set) = ("/v1/admin/settings/security/mfa", owner.clone().with("if-match", "*"));
    set.put(setting, &json!({"roles": ["boss"]})).await.expect_problem(400, "invalid");
    let shown = set.put(setting, &json!({"roles": ["operator_support", "manager"]})).await.expect(200).clone();
    assert_eq!(shown["value"]["roles"], json!(["manager", "operator_support"]));
    let support = shop.operator_with("helper", "support").await;
    let cancel = "/v1/admin/orders/ord_00000000000000000000000001/cancel";
    support.post(cancel, &json!({})).await.expect_problem(403, "mfa_required");
    owner.post(cancel, &json!({})).await.expect_problem(404, "not_found");
    let vendor = shop.vendor("ceramics").await;
    let manager = shop.buyer("manager").await.with("vendor-id", &vendor.id);
    shop.member(&vendor.client, "manager@people.test", "manager").await;
    manager.get("/v1/vendor/products").await.expect_problem(403, "mfa_required");
    vendor.client.get("/v1/vendor/products").await.expect(200);
}

#[tokio::test]
async fn what_the_deployment_asks_of_roles_no_setting_takes_away() {
    let mut options = local::Options::for_tests();
    options.parameters.push(("MfaRequired", "true"));
    let shop = Shop::with(options).await;
    let app = App::set_up(&shop, &shop.operator().await).await;
    shop.advance(std::time::Duration::from_secs(30)).await;
    let shown = json!({"session": shop.challenged(OPERATOR).await, "code": app.code(&shop)});
    let signed_in = shop.anon().post("/v1/auth/challenge", &shown).await.expect(200).clone();
    let owner = shop.anon().with_token(signed_in["access_token"].as_str().expect("a token"));
    let setting = "/v1/admin/settings/security/mfa";
    let value = owner.get(setting).await.expect(200)["value"]["roles"].clone();
    let all = ["owner", "finance", "operator_owner", "operator_support", "operator_catalog", "operator_finance"];
    assert_eq!(value, json!(all));
    let set = owner.with("if-match", "*");
    for left_out in all {
        let roles: Vec<&str> = all.into_iter().filter(|role| *role != left_out).collect();
        let refused = set.put(setting, &json!({"roles": roles})).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/roles", "{left_out}");
    }
    let more: Vec<&str> = all.into_iter().chain(["manager"]).collect();
    let shown = set.put(setting, &json!({"roles": more})).await.expect(200).clone();
    assert_eq!(shown["value"]["roles"].as_array().map(Vec::len), Some(7));
}
