//! Shops that are not approved, and what every shop has a quota of.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::shop::invariants::{items, put_item};
use crate::shop::{Answer, Shop, Vendor};

/// The signature of a PNG, as long as announced.
const DOT: &[u8] = b"\x89PNG\r\n\x1a\n-a-dot";

async fn announce(vendor: &Vendor) -> Answer {
    vendor.client.post("/v1/vendor/media", &json!({"content_type": "image/png", "size": DOT.len()})).await
}

fn product(handle: &str) -> Value {
    let variants = json!([{"prices": [{"amount": "1.00", "currency": "USD"}], "on_hand": 1}]);
    json!({"handle": handle, "title": handle, "variants": variants})
}

/// Refuses the vendor's application.
async fn rejected(shop: &Shop, handle: &str) -> Vendor {
    let vendor = shop.applicant(handle).await;
    vendor.client.post("/v1/vendor/products", &product(&format!("{handle}-before"))).await.expect(201);
    vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    let reject = format!("/v1/admin/vendors/{}/reject", vendor.id);
    shop.operator().await.post(&reject, &json!({"reason": "Blurred."})).await.expect(200);
    vendor
}

async fn set_quota(shop: &Shop, quota: &str, most: u32) {
    let path = format!("/v1/admin/settings/quotas/{quota}");
    shop.operator().await.with("if-match", "*").put(&path, &json!({"most": most})).await.expect(200);
}

#[tokio::test]
async fn a_draft_shop_hosts_no_files() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("shell").await;
    announce(&vendor).await.expect_problem(409, "wrong_state");
    vendor.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    announce(&vendor).await.expect_problem(409, "wrong_state");

    // Its papers can be read by the operator only, and by nobody without a signature.
    let asked = json!({"kind": "identity", "filename": "p.png", "content_type": "image/png", "size": DOT.len()});
    let paper = vendor.client.post("/v1/vendors/me/documents", &asked).await.expect(201).clone();
    vendor.client.upload(&paper["upload"], DOT).await.expect(200);
    let url = paper["upload"]["url"].as_str().expect("a URL").split('?').next().expect("a path").to_owned();
    assert_eq!(shop.anon().get(&url).await.status, 403);
}

#[tokio::test]
async fn a_rejected_shop_reads_and_mends_its_application_and_uploads_nothing() {
    let shop = Shop::open().await;
    let vendor = rejected(&shop, "shell").await;
    let client = &vendor.client;
    for path in ["/v1/vendors/me", "/v1/vendors/me/members", "/v1/vendor/products", "/v1/vendor/summary"] {
        client.get(path).await.expect(200);
    }
    let own = client.get("/v1/vendor/products").await.expect(200)["items"][0].clone();
    let path = format!("/v1/vendor/products/{}", own["id"].as_str().expect("an id"));
    let variant = own["variants"][0]["id"].as_str().expect("an id");
    let columns = json!({"columns": {"Nomi": "title"}});
    let invite = json!({"contact": "somebody@people.test", "role": "manager"});
    for refused in [
        announce(&vendor).await,
        client.post("/v1/vendor/products", &product("another")).await,
        client.clone().with("if-match", "*").put(&path, &product("another")).await,
        client.delete(&path).await,
        client.post(&format!("{path}/publish"), &json!({})).await,
        client.put(&format!("{path}/variants/{variant}/stock"), &json!({"on_hand": 9})).await,
        client.post("/v1/vendor/imports", &json!({"filename": "goods.csv", "size": 100})).await,
        client.put("/v1/vendor/import-mapping", &columns).await,
        client.post("/v1/vendors/me/invitations", &invite).await,
    ] {
        refused.expect_problem(409, "wrong_state");
    }
    client.patch("/v1/vendors/me", &json!({"legal_name": "Better LLC"})).await.expect(200);
    client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
}

#[tokio::test]
async fn a_shop_that_is_not_approved_imports_nothing_and_invites_nobody() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("shell").await;
    let file = json!({"filename": "goods.csv", "size": 100});
    vendor.client.post("/v1/vendor/imports", &file).await.expect_problem(409, "wrong_state");
    let invite = json!({"contact": "somebody@people.test", "role": "manager"});
    vendor.client.post("/v1/vendors/me/invitations", &invite).await.expect_problem(409, "wrong_state");
}

#[tokio::test]
async fn a_shop_that_is_not_approved_has_twenty_drafts() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("shell").await;
    for number in 0..20 {
        vendor.client.post("/v1/vendor/products", &product(&format!("draft-{number}"))).await.expect(201);
    }
    let over = vendor.client.post("/v1/vendor/products", &product("one-more")).await;
    over.expect_problem(409, "limit_reached");
    // One that is gone makes room, and one that was refused takes none.
    let listed = vendor.client.get("/v1/vendor/products?limit=1").await.expect(200)["items"][0]["id"].clone();
    let path = format!("/v1/vendor/products/{}", listed.as_str().expect("an id"));
    vendor.client.clone().with("if-match", "*").delete(&path).await.expect(204);
    let bad = json!({"title": ""});
    vendor.client.post("/v1/vendor/products", &bad).await.expect_problem(400, "invalid");
    vendor.client.post("/v1/vendor/products", &product("one-more")).await.expect(201);
    let over = vendor.client.post("/v1/vendor/products", &product("two-more")).await;
    over.expect_problem(409, "limit_reached");

    let shop = Shop::open().await;
    set_quota(&shop, "drafts", 1).await;
    let vendor = shop.applicant("shell").await;
    vendor.client.post("/v1/vendor/products", &product("draft")).await.expect(201);
    let over = vendor.client.post("/v1/vendor/products", &product("one-more")).await;
    over.expect_problem(409, "limit_reached");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_forty_drafts_at_once_twenty_come_to_be() {
    let shop = Shop::open().await;
    let vendor = shop.applicant("shell").await;
    let created = (0..40).map(|number| {
        let client = vendor.client.clone();
        async move { client.post("/v1/vendor/products", &product(&format!("draft-{number}"))).await.status }
    });
    let statuses = join_all(created).await;
    let count = |status: u16| statuses.iter().filter(|known| **known == status).count();
    assert_eq!((count(201), count(409)), (20, 20), "{statuses:?}");
    let listed = vendor.client.get("/v1/vendor/products?limit=100").await.expect(200)["items"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(20));
    // A count of what broke off is made anew, a minute later.
    let drafts = items(&shop, "CatalogTable").await.into_iter().find(|item| item["kind"]["S"] == "drafts");
    let mut drafts = drafts.expect("a count");
    drafts["drafts"] = json!({"N": "20"});
    let path = format!("/v1/vendor/products/{}", listed[0]["id"].as_str().expect("an id"));
    vendor.client.clone().with("if-match", "*").delete(&path).await.expect(204);
    put_item(&shop, "CatalogTable", &drafts).await;
    let one_more = async || vendor.client.post("/v1/vendor/products", &product("one-more")).await;
    one_more().await.expect_problem(409, "limit_reached");
    shop.cloud.clock().advance(Duration::from_secs(60));
    one_more().await.expect(201);
    one_more().await.expect_problem(409, "limit_reached");
}

#[tokio::test]
async fn a_draft_keeps_nobody_from_its_handle_and_gets_it_when_its_shop_is_approved() {
    let shop = Shop::open().await;
    let squatter = shop.applicant("squatter").await;
    let (bowl, cup) = (squatter.product("bowl").draft().await, squatter.product("cup").draft().await);
    assert_eq!((bowl.handle.as_str(), cup.handle.as_str()), ("bowl", "cup"));
    let ceramics = shop.vendor("ceramics").await;
    let real = ceramics.product("bowl").stock(1).publish().await;
    assert_eq!(shop.anon().get("/v1/products/bowl").await.expect(200)["id"], real.id.as_str());
    // It is changed and deleted without touching what another shop has.
    let path = |id: &str| format!("/v1/vendor/products/{id}");
    let deleted = squatter.product("bowl").draft().await;
    squatter.client.delete(&path(&deleted.id)).await.expect(204);
    assert_eq!(shop.anon().get("/v1/products/bowl").await.expect(200)["id"], real.id.as_str());

    squatter.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    let approve = format!("/v1/admin/vendors/{}/approve", squatter.id);
    shop.operator().await.post(&approve, &json!({})).await.expect(200);
    shop.wait_until_idle().await;
    let handles = items(&shop, "CatalogTable").await.into_iter().filter(|item| item["kind"]["S"] == "handle");
    let owners: Vec<String> = handles.map(|item| item["owner"]["S"].as_str().expect("an owner").to_owned()).collect();
    assert!(owners.contains(&cup.id) && !owners.contains(&bowl.id), "{owners:?}");
    squatter.client.post(&format!("{}/publish", path(&cup.id)), &json!({})).await.expect(200);
    assert_eq!(shop.anon().get("/v1/products/cup").await.expect(200)["id"], cup.id.as_str());
    let taken = squatter.client.post(&format!("{}/publish", path(&bowl.id)), &json!({})).await;
    taken.expect_problem(409, "handle_taken");
    let variants = json!([{"id": bowl.variant, "prices": [{"amount": "1.00", "currency": "USD"}]}]);
    let renamed = json!({"handle": "other-bowl", "title": "Bowl", "variants": variants});
    squatter.client.clone().with("if-match", "*").put(&path(&bowl.id), &renamed).await.expect(200);
    squatter.client.post(&format!("{}/publish", path(&bowl.id)), &json!({})).await.expect(200);
    assert_eq!(shop.anon().get("/v1/products/other-bowl").await.expect(200)["id"], bowl.id.as_str());
    assert_eq!(shop.anon().get("/v1/products/bowl").await.expect(200)["id"], real.id.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_uploads_that_a_shop_announces_at_once_are_refused_beyond_its_quota() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let answers = join_all((0..100).map(|_| announce(&vendor))).await;
    let taken = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(taken, 60);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.expect_problem(429, "too_many_requests");
        assert!(refused.header("retry-after").parse::<u64>().expect("seconds") <= 60);
    }
    let other = shop.vendor("silk").await;
    announce(&other).await.expect(201);
    shop.advance(Duration::from_secs(60)).await;
    announce(&vendor).await.expect(201);
}

#[tokio::test]
async fn a_shop_announces_no_more_bytes_than_its_quota() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    set_quota(&shop, "media-megabytes", 11).await;
    let big = json!({"content_type": "image/png", "size": 6_000_000});
    vendor.client.post("/v1/vendor/media", &big).await.expect(201);
    let over = vendor.client.post("/v1/vendor/media", &big).await;
    over.expect_problem(429, "too_many_requests");
    // What did not fit was not counted.
    let small = json!({"content_type": "image/png", "size": 5_000_000});
    vendor.client.post("/v1/vendor/media", &small).await.expect(201);
    announce(&vendor).await.expect_problem(429, "too_many_requests");
}

#[tokio::test]
async fn a_picture_that_is_larger_than_the_quota_is_refused_for_good() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    set_quota(&shop, "media-megabytes", 1).await;
    let picture = |size: u32| json!({"content_type": "image/png", "size": size});
    let over = vendor.client.post("/v1/vendor/media", &picture(1_000_001)).await;
    over.expect_problem(409, "limit_reached");
    assert_eq!(over.header("retry-after"), "", "no time helps");
    vendor.client.post("/v1/vendor/media", &picture(1_000_000)).await.expect(201);
}

#[tokio::test]
async fn imports_a_day_and_products_are_limited_for_each_shop() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    set_quota(&shop, "imports", 1).await;
    set_quota(&shop, "products", 2).await;
    let vendor = Vendor { client: shop.sign_in_again(&vendor).await, ..vendor };
    let file = "Handle,Title,Variant Price\ncup,Cup,1.00\n";
    let import = async |vendor: &Vendor| {
        let bytes = Some(file.as_bytes().to_vec());
        vendor.client.send(reqwest::Method::POST, "/v1/vendor/imports", bytes, "text/csv").await
    };
    import(&vendor).await.expect(202);
    shop.wait_until_idle().await;
    import(&vendor).await.expect_problem(429, "too_many_requests");
    vendor.client.post("/v1/vendor/products", &product("bowl")).await.expect(201);

    let silk = shop.vendor("silk").await;
    for name in ["scarf", "shawl"] {
        silk.client.post("/v1/vendor/products", &product(name)).await.expect(201);
    }
    let begun = import(&silk).await;
    begun.expect(202);
    shop.wait_until_idle().await;
    let job = silk.client.get(begun.header("location")).await.expect(200).clone();
    assert_eq!((&job["state"], &job["refused"], &job["created"]), (&json!("completed"), &json!(1), &json!(0)));
    assert_eq!(job["errors"][0]["code"], "limit_reached");
}
