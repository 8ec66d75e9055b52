//! Single products that the operator hides.

use serde_json::{Value, json};

use crate::shop::{Product, Shop};

async fn decide(shop: &Shop, product: &Product, verb: &str, body: &Value) -> Value {
    let path = format!("/v1/admin/products/{}/{verb}", product.id);
    shop.operator().await.post(&path, body).await.expect(200).clone()
}

async fn listed(shop: &Shop) -> usize {
    shop.anon().get("/v1/products").await.expect(200)["items"].as_array().expect("a list").len()
}

#[tokio::test]
async fn a_hidden_product_is_seen_by_its_vendor_only_who_reads_why_and_cannot_publish_it() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let hidden = decide(&shop, &bowl, "hide", &json!({"reason": "Counterfeit."})).await;
    assert_eq!((&hidden["state"], &hidden["hidden"]["reason"]), (&json!("draft"), &json!("Counterfeit.")));

    shop.anon().get("/v1/products/bowl").await.expect_problem(404, "not_found");
    assert_eq!(listed(&shop).await, 0);
    shop.guest().await.put(&bowl.variant, 1).await.expect_problem(404, "not_found");
    guest.checks_out("stripe", "once").await.expect_problem(409, "not_available");
    assert_eq!(bowl.seen_by_vendor().await["hidden"]["reason"], "Counterfeit.");
    let path = format!("/v1/vendor/products/{}", bowl.id);
    let publish = vendor.client.post(&format!("{path}/publish"), &json!({})).await;
    let problem = publish.expect_problem(409, "wrong_state");
    assert!(problem["detail"].as_str().expect("words").contains("Counterfeit."), "{problem}");

    // Neither another version of it nor an import brings it back.
    let variants = json!([{"id": bowl.variant, "prices": [{"amount": "9.00", "currency": "USD"}]}]);
    let rewritten = json!({"handle": "bowl", "title": "Bowl", "variants": variants});
    vendor.client.clone().with("if-match", "*").put(&path, &rewritten).await.expect(200);
    let file = "Handle,Title,Variant Price,Published,Status\nbowl,Bowl,9.50,true,active\n";
    let bytes = Some(file.as_bytes().to_vec());
    let import = "/v1/vendor/imports?publish=true";
    vendor.client.send(reqwest::Method::POST, import, bytes, "text/csv").await.expect(202);
    shop.wait_until_idle().await;
    assert_eq!(bowl.seen_by_vendor().await["hidden"]["reason"], "Counterfeit.");
    assert_eq!(listed(&shop).await, 0);

    assert_eq!(decide(&shop, &bowl, "show", &json!({})).await["state"], "published");
    assert_eq!(listed(&shop).await, 1);
    assert!(bowl.seen_by_vendor().await.get("hidden").is_none());
    vendor.client.post(&format!("{path}/unpublish"), &json!({})).await.expect(200);
}

#[tokio::test]
async fn a_draft_that_was_hidden_is_a_draft_when_it_is_shown_again() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").draft().await;
    decide(&shop, &bowl, "hide", &json!({"reason": "Counterfeit."})).await;
    decide(&shop, &bowl, "hide", &json!({"reason": "Dangerous."})).await;
    assert_eq!(bowl.seen_by_vendor().await["hidden"]["reason"], "Dangerous.");
    assert_eq!(decide(&shop, &bowl, "show", &json!({})).await["state"], "draft");
    let nowhere = "/v1/admin/products/prd_00000000000000000000000000/hide";
    let reason = json!({"reason": "Counterfeit."});
    shop.operator().await.post(nowhere, &reason).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_hidden_product_that_its_vendor_unpublishes_is_a_draft_when_it_is_shown_again() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(1).publish().await;
    decide(&shop, &bowl, "hide", &json!({"reason": "Counterfeit."})).await;
    vendor.client.post(&format!("/v1/vendor/products/{}/unpublish", bowl.id), &json!({})).await.expect(200);
    decide(&shop, &bowl, "hide", &json!({"reason": "Dangerous."})).await;
    assert_eq!(decide(&shop, &bowl, "show", &json!({})).await["state"], "draft");
    assert_eq!(listed(&shop).await, 0);
    vendor.client.post(&format!("/v1/vendor/products/{}/publish", bowl.id), &json!({})).await.expect(200);
    assert_eq!(listed(&shop).await, 1);
}
