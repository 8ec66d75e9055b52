//! Handles that products have given up.

use std::time::Duration;

use serde_json::json;

use super::catalog::{add, put_categories, rewritten};
use crate::shop::{Product, Shop};

/// Gives the product another handle.
async fn rename(product: &Product, to: &str) -> u16 {
    let path = format!("/v1/vendor/products/{}", product.id);
    let mut body = rewritten(&product.seen_by_vendor().await);
    body["handle"] = json!(to);
    product.vendor.client.clone().with("if-match", "*").put(&path, &body).await.status
}

#[tokio::test]
async fn a_handle_that_was_given_up_leads_to_its_product_for_a_year_and_stays_with_its_shop() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
    let bowl = add(&shop, &ceramics, "bowl", "bowls", "12.50").await;
    assert_eq!(rename(&bowl, "blue-bowl").await, 200);
    let anon = shop.anon();
    let moved = anon.get("/v1/products/bowl?currency=USD").await;
    assert_eq!((moved.status, moved.header("location")), (301, "/v1/products/blue-bowl?currency=USD"));
    anon.get(moved.header("location")).await.expect(200);
    // The next name: the first one leads to where the product is now, not from name to name.
    assert_eq!(rename(&bowl, "big-bowl").await, 200);
    for former in ["bowl", "blue-bowl"] {
        assert_eq!(anon.get(&format!("/v1/products/{former}")).await.header("location"), "/v1/products/big-bowl");
    }
    // Nobody else gets the links of the shop, and the shop may use its own names again.
    let prices = json!([{"prices": [{"amount": "1.00", "currency": "USD"}]}]);
    let taken = json!({"handle": "bowl", "title": "Scarf", "variants": prices});
    silk.client.post("/v1/vendor/products", &taken).await.expect_problem(409, "handle_taken");
    let other = add(&shop, &ceramics, "bowl", "bowls", "9.00").await;
    assert_eq!(anon.get("/v1/products/bowl").await.expect(200)["id"], json!(other.id));
    assert_eq!(rename(&bowl, "blue-bowl").await, 200, "it goes back to a former name");
    anon.get("/v1/products/blue-bowl").await.expect(200);
    assert_eq!(anon.get("/v1/products/big-bowl").await.header("location"), "/v1/products/blue-bowl");
    // What is not for sale is not led to, and a year is a year.
    let path = format!("/v1/vendor/products/{}", bowl.id);
    bowl.vendor.client.post(&format!("{path}/unpublish"), &json!({})).await.expect(200);
    anon.get("/v1/products/big-bowl").await.expect_problem(404, "not_found");
    bowl.vendor.client.post(&format!("{path}/publish"), &json!({})).await.expect(200);
    assert_eq!(anon.get("/v1/products/big-bowl").await.status, 301);
    shop.cloud.clock().advance(Duration::from_secs(366 * 24 * 3_600));
    anon.get("/v1/products/big-bowl").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn pages_at_former_handles_and_at_short_paths_of_categories_have_moved_for_good() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let bowl = add(&shop, &shop.vendor("ceramics").await, "bowl", "bowls", "12.50").await;
    let browser = shop.browser();
    let moved = async |path: &str| browser.visit(path).await.expect(301).location();
    for handle in ["blue-bowl", "big-bowl"] {
        assert_eq!(rename(&bowl, handle).await, 200);
        assert_eq!(moved("/en/p/bowl").await, format!("/en/p/{handle}"), "and not from name to name");
    }
    assert_eq!(moved("/ru/p/blue-bowl?currency=UZS").await, "/ru/p/big-bowl?currency=UZS");
    browser.visit("/en/p/big-bowl").await.expect(200);
    // A category has one path, whatever stands before its handle.
    for short in ["/en/c/bowls", "/en/c/kitchen/bowls", "/en/c/garden/bowls"] {
        assert_eq!(moved(short).await, "/en/c/home/kitchen/bowls", "{short}");
    }
    shop.wait_until_idle().await;
    browser.visit("/en/c/home/kitchen/bowls").await.expect(200).shows("/en/p/big-bowl");
    // What is not for sale is not led to: its page shows what there is.
    bowl.vendor.client.post(&format!("/v1/vendor/products/{}/unpublish", bowl.id), &json!({})).await.expect(200);
    browser.visit("/en/p/bowl").await.expect(404).shows("There is nothing here");
}
