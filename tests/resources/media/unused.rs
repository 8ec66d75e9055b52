//! Pictures that no product names any more, or never did: they are gone within a week.

use std::time::Duration;

use serde_json::json;

use super::text;
use crate::shop::pictures::dot;
use crate::shop::{Shop, Vendor};

const DAY: Duration = Duration::from_secs(86_400);

async fn sweep(shop: &Shop) {
    shop.send_to_pictures(&json!({"sweep": {}}));
    shop.wait_until_idle().await;
}

/// Two sweeps that are far enough apart for the second to believe the first.
async fn swept_twice(shop: &Shop) {
    sweep(shop).await;
    shop.cloud.clock().advance(Duration::from_secs(600));
    sweep(shop).await;
}

async fn takes_pictures_out(vendor: &Vendor, id: &str) {
    let path = format!("/v1/vendor/products/{id}");
    let etag = vendor.client.get(&path).await.header("etag").to_owned();
    let own = vendor.client.get(&path).await.expect(200).clone();
    let variants = json!([{"id": own["variants"][0]["id"], "prices": own["variants"][0]["prices"]}]);
    let body = json!({"title": own["title"], "handle": own["handle"], "variants": variants});
    vendor.client.clone().with("if-match", etag).put(&path, &body).await.expect(200);
}

#[tokio::test]
async fn a_picture_that_no_product_names_is_gone_within_a_week_and_one_that_is_named_stays() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let (named, never) = (vendor.has_picture(&shop).await, vendor.has_picture(&shop).await);
    let bowl = vendor.product("bowl").set("images", json!([{"src": named}])).publish().await;
    assert_eq!(shop.keys_in("MediaBucket").len(), 4, "a WebP and a JPEG of each");
    shop.cloud.clock().advance(5 * DAY);
    swept_twice(&shop).await;
    assert_eq!(shop.keys_in("MediaBucket").len(), 4, "somebody may change their mind");
    shop.cloud.clock().advance(DAY);
    sweep(&shop).await;
    assert_eq!(shop.keys_in("MediaBucket").len(), 4, "one sweep alone believes nothing");
    shop.cloud.clock().advance(Duration::from_secs(600));
    sweep(&shop).await;
    assert_eq!(shop.keys_in("MediaBucket").len(), 2);
    let begun = json!({"id": text(&never).trim_start_matches("media:")});
    let vendor = shop.sign_in_again(&vendor).await;
    vendor.get(&format!("/v1/vendor/media/{}", text(&begun["id"]))).await.expect_problem(404, "not_found");
    let shown = shop.anon().get("/v1/products/bowl").await.expect(200)["images"][0]["url"].clone();
    shop.anon().get(text(&shown)).await.expect(200);
    let vendor = Vendor { client: vendor, ..bowl.vendor.clone() };
    takes_pictures_out(&vendor, &bowl.id).await;
    sweep(&shop).await;
    assert_eq!(shop.anon().get(text(&shown)).await.status, 200, "its time begins now");
    shop.cloud.clock().advance(7 * DAY);
    swept_twice(&shop).await;
    assert!(shop.keys_in("MediaBucket").is_empty());
    assert_eq!(shop.anon().get(text(&shown)).await.status, 403);
}

#[tokio::test]
async fn a_picture_that_a_product_begins_to_name_between_two_sweeps_stays() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let source = vendor.has_picture(&shop).await;
    shop.cloud.clock().advance(7 * DAY);
    sweep(&shop).await;
    let client = shop.sign_in_again(&vendor).await;
    let vendor = Vendor { client, ..vendor };
    vendor.product("bowl").set("images", json!([{"src": source}])).publish().await;
    shop.cloud.clock().advance(Duration::from_secs(600));
    swept_twice(&shop).await;
    assert_eq!(shop.keys_in("MediaBucket").len(), 2);
    let shown = shop.anon().get("/v1/products/bowl").await.expect(200)["images"][0]["url"].clone();
    shop.anon().get(text(&shown)).await.expect(200);
}

#[tokio::test]
async fn a_product_that_is_deleted_gives_its_pictures_up() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let source = vendor.has_picture(&shop).await;
    let bowl = vendor.product("bowl").set("images", json!([{"src": source}])).publish().await;
    // The row of the upload goes: a product names it.
    shop.cloud.clock().advance(7 * DAY);
    sweep(&shop).await;
    let client = shop.sign_in_again(&vendor).await.with("if-match", "*");
    client.delete(&format!("/v1/vendor/products/{}", bowl.id)).await.expect(204);
    sweep(&shop).await;
    shop.cloud.clock().advance(7 * DAY);
    swept_twice(&shop).await;
    assert!(shop.keys_in("MediaBucket").is_empty());
}

#[tokio::test]
async fn housekeeping_has_unused_pictures_deleted() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    vendor.uploads(&shop, "image/png", &dot()).await;
    shop.wait_until_idle().await;
    shop.cloud.clock().advance(7 * DAY + Duration::from_secs(600));
    for _ in 0..2 {
        shop.cloud.invoke("HousekeepingFunction", json!({})).await.expect("housekeeping runs");
        shop.wait_until_idle().await;
        shop.cloud.clock().advance(Duration::from_secs(1_800));
    }
    assert!(shop.keys_in("MediaBucket").is_empty());
}
