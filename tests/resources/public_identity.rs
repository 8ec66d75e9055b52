//! Who sells, where goods come from, and papers that expire.

use std::time::Duration;

use local::seed::OPERATOR;
use serde_json::{Value, json};

use crate::shop::{Answer, Client, Shop, Vendor, identity};

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn approve(shop: &Shop, vendor: &Vendor) -> Answer {
    shop.operator().await.post(&format!("/v1/admin/vendors/{}/approve", vendor.id), &json!({})).await
}

/// Hands in a licence that expires then.
async fn add_licence(client: &Client, expires_at: Value) -> Answer {
    let licence = json!({
        "kind": "licence", "filename": "l.pdf", "content_type": "application/pdf", "size": 100,
        "expires_at": expires_at,
    });
    client.post("/v1/vendors/me/documents", &licence).await
}

#[tokio::test]
async fn buyers_see_who_sells_and_where_it_comes_from() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor
        .product("bowl")
        .set("manufacturer", json!("Rishton Kilns"))
        .set("importer", json!("Silk LLC"))
        .set("country_of_origin", json!("UZ"))
        .stock(1)
        .publish()
        .await;
    let page = shop.anon().get("/v1/vendors/ceramics").await.expect(200)["public_identity"].clone();
    assert_eq!((&page["legal_name"], &page["address"]), (&json!("ceramics"), &json!("12 Navoi Street, Tashkent")));
    let seen = shop.anon().get(&format!("/v1/products/{}", bowl.handle)).await.expect(200).clone();
    assert_eq!(seen["vendor_identity"], page);
    assert_eq!(seen["manufacturer"], "Rishton Kilns");
    assert_eq!((&seen["importer"], &seen["country_of_origin"]), (&json!("Silk LLC"), &json!("UZ")));
    let own = bowl.seen_by_vendor().await;
    assert_eq!((&own["manufacturer"], &own["country_of_origin"]), (&json!("Rishton Kilns"), &json!("UZ")));
}

/// The page of a product costs one read, and not one of its shop besides.
#[tokio::test]
async fn who_sells_is_read_once_a_minute_for_all_pages_and_a_change_is_shown_after_it() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(1).publish().await;
    let path = format!("/v1/products/{}", bowl.handle);
    let faults = &shop.cloud.services().faults;
    let reads = async || {
        faults.record();
        let name = shop.anon().get(&path).await.expect(200)["vendor_identity"]["legal_name"].clone();
        let recorded = faults.recorded();
        faults.clear();
        let reads = recorded.iter().filter(|call| call.route.as_deref() == Some("GET /v1/products/{handle}"));
        (reads.count(), name)
    };
    assert_eq!(reads().await, (2, json!("ceramics")));
    assert_eq!(reads().await, (1, json!("ceramics")));
    let mut changed = identity("ceramics");
    changed["legal_name"] = json!("Rishton Kilns");
    vendor.client.patch("/v1/vendors/me", &json!({"public_identity": changed})).await.expect(200);
    shop.cloud.clock().advance(Duration::from_secs(60));
    assert_eq!(reads().await, (2, json!("Rishton Kilns")));
}

#[tokio::test]
async fn what_a_country_asks_for_is_needed_before_the_approval() {
    let shop = Shop::open().await;
    let rules = json!({"vendors": {
        "countries": [
            {"fields": ["address"]}, {"country": "UZ", "fields": ["tax_id", "address"], "papers": ["registration"]},
        ],
        "grace_days": 14,
    }});
    let operator = shop.operator().await.with("if-match", "*");
    operator.put("/v1/admin/settings/vendors/rules", &rules).await.expect(200);
    let vendor = shop.applicant("ceramics").await;
    let refused = vendor.client.post("/v1/vendors/me/submit", &json!({})).await;
    let errors = refused.expect_problem(409, "checklist_incomplete")["errors"].clone();
    let pointers: Vec<&Value> = errors.as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/public_identity/tax_id", "/documents"]);
    let mut complete = identity("ceramics");
    complete["tax_id"] = json!("301234567");
    vendor.client.patch("/v1/vendors/me", &json!({"public_identity": complete})).await.expect(200);
    let paper = json!({"kind": "registration", "filename": "r.pdf", "content_type": "application/pdf", "size": 100});
    vendor.client.post("/v1/vendors/me/documents", &paper).await.expect(201);
    vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    // While the operator looks at it, it stays as it is.
    let other = json!({"public_identity": identity("Other")});
    let fixed = vendor.client.patch("/v1/vendors/me", &other).await;
    assert_eq!(fixed.expect_problem(409, "wrong_state")["errors"][0]["pointer"], "/public_identity");
    approve(&shop, &vendor).await.expect(200);
}

#[tokio::test]
async fn a_change_of_who_sells_after_the_approval_is_kept_and_told() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let changed = json!({"public_identity": identity("Another LLC")});
    let account = vendor.client.patch("/v1/vendors/me", &changed).await.expect(200).clone();
    assert_eq!(account["identity_changes"][0]["before"]["legal_name"], "ceramics");
    vendor.client.patch("/v1/vendors/me", &changed).await.expect(200);
    let gone = vendor.client.patch("/v1/vendors/me", &json!({"public_identity": null})).await;
    gone.expect_problem(409, "checklist_incomplete");
    shop.advance(domain::notice::NOTICE_DELAY).await;
    for address in [OPERATOR, "ceramics@people.test"] {
        let told = shop.mail_to(address);
        assert_eq!(told.iter().filter(|subject| subject.contains("who sells has changed")).count(), 1, "{told:?}");
    }
    let seen = shop.operator().await.get(&format!("/v1/admin/vendors/{}", vendor.id)).await.expect(200).clone();
    assert_eq!(seen["identity_changes"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_paper_that_expires_is_told_of_twice_and_listed_for_the_operator_after_its_grace() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let refused = add_licence(&vendor.client, Value::Null).await;
    assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/expires_at");
    add_licence(&vendor.client, json!(shop.cloud.now())).await.expect_problem(400, "invalid");
    let expires_at = shop.cloud.now() + DAY * 40;
    add_licence(&vendor.client, json!(expires_at)).await.expect(201);
    let told =
        |address: &str, what: &str| shop.mail_to(address).iter().filter(|subject| subject.contains(what)).count();
    let mut seen = Vec::new();
    for days in [9, 2, 20, 3, 8] {
        shop.advance(DAY * days).await;
        housekeeping(&shop).await;
        seen.push(told("ceramics@people.test", "a paper expires"));
    }
    assert_eq!(seen, [0, 1, 1, 2, 2], "thirty and seven days before");
    assert_eq!((told("ceramics@people.test", "has expired"), told(OPERATOR, "has expired")), (1, 1));
    let list = async || {
        let operator = shop.operator().await;
        operator.get("/v1/admin/papers/expired").await.expect(200)["items"].as_array().map(Vec::len)
    };
    assert_eq!(list().await, Some(0), "it has fourteen days of grace");
    shop.advance(DAY * 13).await;
    assert_eq!(list().await, Some(1));
    // A newer one takes its place.
    let owner = shop.sign_in_again(&vendor).await;
    add_licence(&owner, json!(shop.cloud.now() + DAY * 400)).await.expect(201);
    assert_eq!(list().await, Some(0));
}

#[tokio::test]
async fn a_needed_paper_that_has_expired_is_missing_until_there_is_another() {
    let shop = Shop::open().await;
    let rules = json!({"vendors": {"countries": [{"papers": ["licence"]}], "grace_days": 14}});
    let operator = shop.operator().await.with("if-match", "*");
    operator.put("/v1/admin/settings/vendors/rules", &rules).await.expect(200);
    let vendor = shop.applicant("ceramics").await;
    let submit = async |client: &Client| client.post("/v1/vendors/me/submit", &json!({})).await;
    add_licence(&vendor.client, json!(shop.cloud.now() + DAY)).await.expect(201);
    shop.advance(DAY).await;
    let owner = shop.sign_in_again(&vendor).await.with("vendor-id", &vendor.id);
    let refused = submit(&owner).await;
    assert_eq!(refused.expect_problem(409, "checklist_incomplete")["errors"][0]["pointer"], "/documents");
    add_licence(&owner, json!(shop.cloud.now() + DAY)).await.expect(201);
    submit(&owner).await.expect(200);
}

#[tokio::test]
async fn a_shop_that_renews_its_papers_can_always_hand_in_the_next_one() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let soon = json!(shop.cloud.now() + DAY);
    for _ in 0..20 {
        add_licence(&vendor.client, soon.clone()).await.expect(201);
    }
    add_licence(&vendor.client, soon).await.expect_problem(409, "limit_reached");
    shop.advance(DAY).await;
    let owner = shop.sign_in_again(&vendor).await;
    let next = json!(shop.cloud.now() + DAY * 400);
    add_licence(&owner, next).await.expect(201);
    let paper = json!({"kind": "identity", "filename": "p.pdf", "content_type": "application/pdf", "size": 100});
    owner.post("/v1/vendors/me/documents", &paper).await.expect(201);
    let kept = owner.get("/v1/vendors/me").await.expect(200)["documents"].clone();
    let kinds: Vec<&Value> = kept.as_array().expect("a list").iter().map(|document| &document["kind"]).collect();
    assert_eq!((kinds.len(), kinds[18], kinds[19]), (20, &json!("licence"), &json!("identity")));
}

/// One run, and the mail that it has asked for.
async fn housekeeping(shop: &Shop) {
    shop.advance(crate::shop::sale::HOUSEKEEPING_INTERVAL).await;
    shop.advance(domain::notice::NOTICE_DELAY).await;
}
