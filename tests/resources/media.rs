//! Media: pictures are uploaded with a signed URL and served to everyone.

use std::time::Duration;

use local::Options;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::invariants::items;
use crate::shop::{Answer, Shop, Vendor};

/// A PNG of one pixel.
const DOT: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8,
    0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 0x0a, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0,
    1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

async fn begin(vendor: &Vendor, content_type: &str, size: usize) -> Answer {
    vendor.client.post("/v1/vendor/media", &json!({"content_type": content_type, "size": size})).await
}

/// Begins an upload of [`DOT`].
async fn begin_dot(vendor: &Vendor) -> Value {
    begin(vendor, "image/png", DOT.len()).await.expect(201).clone()
}

#[tokio::test]
async fn a_picture_is_uploaded_and_seen_by_everybody() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let begun = begin(&vendor, "image/png", DOT.len()).await;
    let media = begun.expect(201);
    assert_eq!(begun.header("location"), media["url"]);
    assert_eq!(media["src"], format!("media:{}", media["id"].as_str().expect("an id")));
    assert_eq!(
        (&media["upload"]["method"], &media["upload"]["headers"]["content-type"]),
        (&json!("PUT"), &json!("image/png"))
    );
    let url = media["url"].as_str().expect("an address");
    assert_eq!(shop.anon().get(url).await.status, 403, "a missing object is answered like a forbidden one");
    shop.anon().upload(&media["upload"], DOT).await.expect(200);

    let bowl = vendor.product("bowl").set("images", json!([{"src": media["src"], "alt": "A bowl"}])).publish().await;
    let page = shop.anon().get(&format!("/v1/products/{}", bowl.handle)).await.expect(200).clone();
    assert_eq!(page["images"], json!([{"url": url, "alt": "A bowl"}]), "buyers get a URL");
    let listed = shop.anon().get("/v1/products").await.expect(200)["items"][0]["image"].clone();
    assert_eq!(listed, json!({"url": url, "alt": "A bowl"}));
    let rows = items(&shop, "CatalogTable").await.into_iter().filter(|item| item["kind"]["S"] == "listing");
    for row in rows {
        let card = row["data"]["S"].as_str().expect("a card");
        assert!(!card.contains(url) && card.contains(media["src"].as_str().expect("a source")), "{card}");
    }
    let seen = shop.anon().get(url).await;
    assert_eq!((seen.status, seen.header("content-type")), (200, "image/png"));
    assert_eq!(seen.header("content-length"), DOT.len().to_string());
}

#[tokio::test]
async fn an_upload_that_is_not_a_picture_is_deleted() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let drawing = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    for bytes in [&drawing[..], b"<!doctype html><script>alert(1)</script>"] {
        let media = begin(&vendor, "image/png", bytes.len()).await.expect(201).clone();
        shop.anon().upload(&media["upload"], bytes).await.expect(200);
        shop.wait_until_idle().await;
        assert_eq!(
            shop.anon().get(media["url"].as_str().expect("an address")).await.status,
            403,
            "it only claims to be a PNG"
        );
    }
    let media = begin_dot(&vendor).await;
    shop.anon().upload(&media["upload"], DOT).await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!(shop.anon().get(media["url"].as_str().expect("an address")).await.status, 200);
}

#[tokio::test]
async fn a_forbidden_object_is_not_taken_for_a_missing_one() {
    for (withheld, left) in [(None, 0), (Some(("MediaFunction".to_owned(), "TellMissingPictures".to_owned())), 1)] {
        let shop = Shop::with(Options::for_tests().with_cloud(|cloud| cloud.removed_statement = withheld)).await;
        let vendor = shop.vendor("ceramics").await;
        // Nothing was uploaded: without the right to list the bucket, S3 answers 403 instead of 404.
        shop.repeat_upload_notification(begin_dot(&vendor).await["id"].as_str().expect("an id"));
        shop.wait_until_idle().await;
        assert_eq!(shop.depth("PicturesQueue").in_flight, left, "a failed message stays in the queue");
    }
}

#[tokio::test]
async fn an_upload_must_match_its_signed_type_length_method_and_key() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let media = begin_dot(&vendor).await;
    let url = media["upload"]["url"].as_str().expect("an address");
    let put = async |url: &str, content_type: &str, bytes: &[u8]| {
        shop.anon().send(Method::PUT, url, Some(bytes.to_vec()), content_type).await.status
    };
    assert_eq!(put(url, "image/svg+xml", DOT).await, 403, "another type");
    assert_eq!(put(url, "text/html", DOT).await, 403, "a page");
    assert_eq!(put(url, "", DOT).await, 403, "no type");
    assert_eq!(put(url, "image/png", &DOT[1..]).await, 403, "shorter");
    assert_eq!(put(url, "image/png", &[DOT, b"x"].concat()).await, 403, "longer");
    let other = begin_dot(&vendor).await["id"].as_str().expect("an id").to_owned();
    let elsewhere = url.replace(media["id"].as_str().expect("an id"), &other);
    assert_eq!(put(&elsewhere, "image/png", DOT).await, 403, "another key");
    assert_eq!(shop.anon().send(Method::DELETE, url, None, "").await.status, 403, "another method");
    assert_eq!(shop.anon().get(media["url"].as_str().expect("an address")).await.status, 403, "nothing was put");
    assert_eq!(put(url, "image/png", DOT).await, 200);
    let bare = url.split('?').next().expect("an address");
    assert_eq!(put(bare, "image/png", DOT).await, 403, "an unsigned PUT is refused");
}

#[tokio::test]
async fn a_media_upload_url_expires_after_ten_minutes() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let (early, late) = (begin_dot(&vendor).await, begin_dot(&vendor).await);
    shop.advance(Duration::from_secs(599)).await;
    shop.anon().upload(&early["upload"], DOT).await.expect(200);
    shop.advance(Duration::from_secs(1)).await;
    let refused = shop.anon().upload(&late["upload"], DOT).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("Request has expired"), "{}", refused.text);
}

#[tokio::test]
async fn a_media_upload_requires_a_known_type_and_size() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    for kind in ["image/jpeg", "image/png", "image/webp", "image/avif"] {
        begin(&vendor, kind, 10 * 1024 * 1024).await.expect(201);
    }
    for kind in ["image/svg+xml", "image/gif", "text/html", "application/octet-stream", ""] {
        let refused = begin(&vendor, kind, 100).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/content_type", "{kind}");
    }
    for size in [0, 10 * 1024 * 1024 + 1] {
        let refused = begin(&vendor, "image/png", size).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/size");
    }
}
