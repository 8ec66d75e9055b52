//! Who sells, where goods come from, and papers that expire.

use std::time::Duration;

use local::seed::OPERATOR;
use serde_json::{Value, json};

use crate::shop::{Shop, Vendor, identity};

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn approve(shop: &Shop, vendor: &Vendor) -> crate::shop::Answer {
    shop.operator().await.post(&format!("/v1/admin/vendors/{}/approve", vendor.id), &json!({})).await
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
    let licence = |expires_at: Value| {
        json!({
            "kind": "licence", "filename": "l.pdf", "content_type": "application/pdf", "size": 100,
            "expires_at": expires_at,
        })
    };
    let add = async |client: &crate::shop::Client, expires_at: Value| {
        client.post("/v1/vendors/me/documents", &licence(expires_at)).await
    };
    let refused = add(&vendor.client, Value::Null).await;
    assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/expires_at");
    add(&vendor.client, json!(shop.cloud.now())).await.expect_problem(400, "invalid");
    let expires_at = shop.cloud.now() + DAY * 40;
    add(&vendor.client, json!(expires_at)).await.expect(201);
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
    add(&owner, json!(shop.cloud.now() + DAY * 400)).await.expect(201);
    assert_eq!(list().await, Some(0));
}

/// One run, and the mail that it has asked for.
async fn housekeeping(shop: &Shop) {
    shop.advance(crate::shop::sale::HOUSEKEEPING_INTERVAL).await;
    shop.advance(domain::notice::NOTICE_DELAY).await;
}
