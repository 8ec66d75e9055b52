//! Texts that people agree to, in versions.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shop::{Client, Shop};

async fn publish(operator: &Client, text: &str, grace_days: u32) -> Value {
    let asked = json!({"texts": {"en": "What we agree to.", "uz": "Kelishuv."}, "grace_days": grace_days});
    operator.post(&format!("/v1/admin/terms/{text}"), &asked).await.expect(200).clone()
}

#[tokio::test]
async fn an_order_keeps_the_version_of_the_offer_that_its_buyer_has_accepted() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    let nothing = shop.anon().get("/v1/terms").await.expect(200).clone();
    assert_eq!((&nothing["offer"], &nothing["agreement"]), (&Value::Null, &Value::Null));
    publish(&operator, "offer", 0).await;
    assert_eq!(publish(&operator, "offer", 0).await["version"], 2);
    let seen = shop.anon().get("/v1/terms").await.expect(200)["offer"].clone();
    assert_eq!((&seen["version"], &seen["texts"]["uz"]), (&json!(2), &json!("Kelishuv.")));
    let versions = operator.get("/v1/admin/terms/offer").await.expect(200)["items"].clone();
    assert_eq!(versions.as_array().map(Vec::len), Some(2));

    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let check_out = async |accepted: Value, key: &str| {
        let asked = json!({
            "cart_id": guest.cart, "email": guest.email, "payment": {"provider": "stripe"},
            "expected_total": {"amount": "1000.00", "currency": "USD"}, "accepted_terms": accepted,
        });
        guest.client.clone().with("idempotency-key", key).post("/v1/checkout", &asked).await
    };
    for (accepted, key) in [(Value::Null, "none"), (json!(1), "stale"), (json!(3), "unknown")] {
        let refused = check_out(accepted, key).await;
        let problem = refused.expect_problem(409, "terms_not_accepted");
        assert_eq!(problem["errors"][0]["pointer"], "/accepted_terms");
    }
    let order = check_out(json!(2), "current").await.expect(201)["id"].as_str().expect("an id").to_owned();
    publish(&operator, "offer", 0).await;
    let kept = operator.get(&format!("/v1/admin/orders/{order}")).await.expect(200).clone();
    assert_eq!(kept["accepted_terms"], 2);
}

#[tokio::test]
async fn members_accept_the_agreement_when_they_come_and_again_after_its_grace() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    publish(&operator, "agreement", 0).await;
    let person = shop.buyer("ceramics").await;
    let opened = |accepted: Value| json!({"name": "Ceramics", "currency": "USD", "accepted_terms": accepted});
    person.post("/v1/vendors", &opened(Value::Null)).await.expect_problem(409, "terms_not_accepted");
    let vendor = person.post("/v1/vendors", &opened(json!(1))).await.expect(201)["id"].clone();
    let owner = person.with("vendor-id", vendor.as_str().expect("an id"));
    let members = owner.get("/v1/vendors/me/members").await.expect(200)["items"].clone();
    assert_eq!(members[0]["accepted_terms"], 1);
    owner.patch("/v1/vendors/me", &json!({"about": "Bowls"})).await.expect(200);
    // Whoever has seen a newer version than a sandbox knows of is believed after another look.
    publish(&operator, "agreement", 7).await;
    let accept = async |version: u32| owner.post("/v1/vendors/me/terms", &json!({"version": version})).await;
    accept(3).await.expect_problem(409, "terms_not_accepted");
    assert_eq!(accept(2).await.expect(200)["accepted_terms"], 2);
}

#[tokio::test]
async fn who_has_not_accepted_after_the_grace_reads_and_changes_nothing() {
    let shop = Shop::open().await;
    // The application is of before there was any agreement, and its functions have read no settings since.
    let person = shop.buyer("ceramics").await;
    publish(&shop.operator().await, "agreement", 7).await;
    let opened = json!({"name": "Ceramics", "currency": "USD", "accepted_terms": 1});
    let vendor = person.post("/v1/vendors", &opened).await.expect(201)["id"].clone();
    forget_acceptance(&shop).await;
    let vendor = vendor.as_str().expect("an id");
    let owner = person.with("vendor-id", vendor);
    let change = json!({"about": "Bowls"});
    owner.patch("/v1/vendors/me", &change).await.expect(200);
    shop.advance(Duration::from_secs(7 * 24 * 3_600)).await;
    let owner = shop.sign_in("ceramics@people.test").await.with("vendor-id", vendor);
    let refused = owner.patch("/v1/vendors/me", &change).await;
    assert_eq!(refused.expect_problem(409, "terms_not_accepted")["errors"][0]["pointer"], "/version");
    owner.get("/v1/vendors/me").await.expect(200);
    owner.post("/v1/vendors/me/terms", &json!({"version": 1})).await.expect(200);
    owner.patch("/v1/vendors/me", &json!({"about": "Cups"})).await.expect(200);
}

#[tokio::test]
async fn the_grace_of_a_new_version_frees_nobody_who_needed_the_one_before() {
    let shop = Shop::open().await;
    publish(&shop.operator().await, "agreement", 7).await;
    let mut vendors = Vec::new();
    for name in ["ceramics", "silk"] {
        let opened = json!({"name": name, "currency": "USD", "accepted_terms": 1});
        let vendor = shop.buyer(name).await.post("/v1/vendors", &opened).await.expect(201)["id"].clone();
        vendors.push(vendor.as_str().expect("an id").to_owned());
        if name == "ceramics" {
            forget_acceptance(&shop).await;
        }
    }
    shop.advance(Duration::from_secs(7 * 24 * 3_600)).await;
    // The desk has read no settings before this.
    publish(&shop.operator().await, "agreement", 7).await;
    let owner =
        async |name: &str, vendor: &str| shop.sign_in(&format!("{name}@people.test")).await.with("vendor-id", vendor);
    let (behind, current) = (owner("ceramics", &vendors[0]).await, owner("silk", &vendors[1]).await);
    let variants = json!([{"prices": [{"amount": "1.00", "currency": "USD"}], "on_hand": 1}]);
    let product = |title: &str| json!({"title": title, "variants": variants});
    let refused = behind.post("/v1/vendor/products", &product("Bowl")).await;
    assert_eq!(refused.expect_problem(409, "terms_not_accepted")["errors"][0]["pointer"], "/version");
    current.post("/v1/vendor/products", &product("Scarf")).await.expect(201);
    behind.post("/v1/vendors/me/terms", &json!({"version": 2})).await.expect(200);
    behind.post("/v1/vendor/products", &product("Bowl")).await.expect(201);
}

/// Members of releases before 2026-12-04 have accepted nothing.
async fn forget_acceptance(shop: &Shop) {
    for mut item in crate::shop::invariants::items(shop, "AccountsTable").await {
        if item["kind"]["S"] == "member" {
            let mut data: Value = serde_json::from_str(item["data"]["S"].as_str().expect("data")).expect("JSON");
            data.as_object_mut().expect("an object").remove("accepted_terms");
            item["data"]["S"] = json!(data.to_string());
            crate::shop::invariants::put_item(shop, "AccountsTable", &item).await;
        }
    }
}
