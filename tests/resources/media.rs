//! Media: pictures are uploaded with a signed URL, looked at, and shown to everyone in the sizes of pages.

mod unused;

use std::time::Duration;

use local::Options;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::invariants::items;
use crate::shop::pictures::{dot, png};
use crate::shop::{Answer, Shop, Vendor};

async fn begin(vendor: &Vendor, content_type: &str, size: usize) -> Answer {
    vendor.client.post("/v1/vendor/media", &json!({"content_type": content_type, "size": size})).await
}

/// Begins an upload of [`dot`].
async fn begin_dot(vendor: &Vendor) -> Value {
    begin(vendor, "image/png", dot().len()).await.expect(201).clone()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[tokio::test]
async fn a_picture_is_uploaded_and_seen_by_everybody_in_several_widths() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bytes = png(700, 350, [64, 128, 192]);
    let begun = begin(&vendor, "image/png", bytes.len()).await;
    let media = begun.expect(201);
    let path = format!("/v1/vendor/media/{}", text(&media["id"]));
    assert_eq!(begun.header("location"), path);
    assert_eq!(media["src"], format!("media:{}", text(&media["id"])));
    assert_eq!(
        (&media["upload"]["method"], &media["upload"]["headers"]["content-type"]),
        (&json!("PUT"), &json!("image/png"))
    );
    let waiting = json!({"id": media["id"], "src": media["src"], "state": "waiting"});
    assert_eq!(*vendor.client.get(&path).await.expect(200), waiting);
    shop.anon().upload(&media["upload"], &bytes).await.expect(200);
    shop.wait_until_idle().await;
    assert!(shop.keys_in("UploadsBucket").is_empty(), "what was looked at is deleted");

    let known = vendor.picture(media).await;
    assert_eq!(known["state"], "ready", "{known}");
    let image = known["image"].clone();
    assert_eq!((&image["width"], &image["height"], &image["color"]), (&json!(700), &json!(350), &json!("#4080c0")));
    let widths: Vec<&Value> = image["sources"].as_array().expect("sources").iter().map(|of| &of["width"]).collect();
    assert_eq!(widths, [&json!(320), &json!(700)], "no two are nearly the same");
    let bowl = vendor.product("bowl").set("images", json!([{"src": media["src"], "alt": "A bowl"}])).publish().await;
    let mut expected = image.clone();
    expected["alt"] = json!("A bowl");
    let page = shop.anon().get(&format!("/v1/products/{}", bowl.handle)).await.expect(200).clone();
    assert_eq!(page["images"], json!([expected]), "buyers get addresses");
    assert_eq!(shop.anon().get("/v1/products").await.expect(200)["items"][0]["image"], expected);
    let rows = items(&shop, "CatalogTable").await.into_iter().filter(|item| item["kind"]["S"] == "listing");
    for row in rows {
        let card = text(&row["data"]["S"]);
        assert!(!card.contains("http") && card.contains("\"url\":\"media:m/"), "{card}");
    }
    let mut files = vec![(text(&image["url"]).to_owned(), "image/jpeg")];
    files.extend(
        image["sources"].as_array().expect("sources").iter().map(|of| (text(&of["url"]).to_owned(), "image/webp")),
    );
    for (url, kind) in files {
        let seen = shop.anon().get(&url).await;
        assert_eq!((seen.status, seen.header("content-type")), (200, kind), "{url}");
        assert_eq!(seen.header("cache-control"), "public, max-age=31536000, immutable");
    }
    let page = shop.anon().get("/en/p/bowl").await;
    page.expect(200);
    assert!(page.text.contains("srcset=\"") && page.text.contains("class=\"k r1 g2 u3\""), "{}", page.text);
}

#[tokio::test]
async fn a_product_may_name_a_picture_before_it_is_uploaded_and_buyers_see_it_once_it_was_looked_at() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let media = begin_dot(&vendor).await;
    let images = json!([{"src": media["src"]}, {"src": "https://pictures.test/bowl.jpg"}]);
    let variants = json!([{"prices": [{"amount": "9.00", "currency": "USD"}], "on_hand": 3, "image": media["src"]}]);
    let bowl = vendor.product("bowl").set("images", images).set("variants", variants).publish().await;
    let page = || async { shop.anon().get("/v1/products/bowl").await.expect(200).clone() };
    let foreign = json!({"url": "https://pictures.test/bowl.jpg"});
    assert_eq!(page().await["images"], json!([foreign]), "nobody has looked at it");
    assert_eq!(page().await["image"], foreign, "the card shows the first that can be shown");
    assert_eq!(page().await["variants"][0]["image"], Value::Null);
    let own = format!("/v1/vendor/products/{}", bowl.id);
    let as_seen = vendor.client.get(&own).await;
    let (pictures, etag) = (as_seen.expect(200)["pictures"].clone(), as_seen.header("etag").to_owned());
    assert_eq!(pictures, json!({text(&media["src"]): {"state": "waiting"}}));

    shop.anon().upload(&media["upload"], &dot()).await.expect(200);
    shop.wait_until_idle().await;
    let shown = vendor.picture(&media).await["image"].clone();
    assert_eq!(page().await["images"], json!([shown, foreign]));
    assert_eq!((&page().await["image"], &page().await["variants"][0]["image"]), (&shown, &shown["url"]));
    let listed = shop.anon().get("/v1/products").await.expect(200)["items"][0]["image"].clone();
    assert_eq!(listed, shown, "lists show it, too");
    let unpublish = format!("{own}/unpublish");
    let seen = vendor.client.clone().with("if-match", etag);
    seen.post(&unpublish, &json!({})).await.expect(200);
    seen.post(&format!("{own}/publish"), &json!({})).await.expect_problem(412, "version_mismatch");
}

#[tokio::test]
async fn what_is_no_picture_is_refused_with_its_reason_and_never_public() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic";
    for (bytes, fault) in [
        (&b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..], "svg_drawing"),
        (b"<!doctype html><script>alert(1)</script>", "not_a_picture"),
        (heic, "heic_picture"),
        (b"GIF89a\x01\x00\x01\x00", "gif_picture"),
        (&dot()[..40], "broken_picture"),
    ] {
        let media = vendor.uploads(&shop, "image/png", bytes).await;
        let images = json!([{"src": media["src"]}]);
        let named = vendor.product(fault.replace('_', "-").as_str()).set("images", images).publish().await;
        shop.wait_until_idle().await;
        let known = vendor.picture(&media).await;
        assert_eq!((&known["state"], &known["fault"]["code"]), (&json!("refused"), &json!(fault)), "{known}");
        assert!(known["image"].is_null() && !text(&known["fault"]["detail"]).is_empty());
        let page = shop.anon().get(&format!("/v1/products/{}", named.handle)).await.expect(200).clone();
        assert_eq!((&page["images"], &page["image"]), (&json!([]), &Value::Null), "{fault}");
        let own = vendor.client.get(&format!("/v1/vendor/products/{}", named.id)).await.expect(200).clone();
        assert_eq!(own["pictures"][text(&media["src"])]["fault"]["code"], fault);
    }
    assert!(shop.keys_in("UploadsBucket").is_empty() && shop.keys_in("MediaBucket").is_empty());
}

#[tokio::test]
async fn a_signed_address_that_is_used_twice_and_a_repeated_notification_change_nothing() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let media = vendor.uploads(&shop, "image/png", &dot()).await;
    shop.wait_until_idle().await;
    let known = vendor.picture(&media).await;
    let files = shop.keys_in("MediaBucket");
    let mut other = dot();
    let end = other.len();
    other[end - 1] ^= 1;
    shop.anon().upload(&media["upload"], &other).await.expect(200);
    shop.repeat_upload_notification(&vendor.id, text(&media["id"]));
    shop.wait_until_idle().await;
    assert_eq!(vendor.picture(&media).await, known);
    assert_eq!(shop.keys_in("MediaBucket"), files);
    assert!(shop.keys_in("UploadsBucket").is_empty());
}

#[tokio::test]
async fn a_picture_belongs_to_its_shop() {
    let shop = Shop::open().await;
    let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
    let media = ceramics.uploads(&shop, "image/png", &dot()).await;
    shop.wait_until_idle().await;
    let path = format!("/v1/vendor/media/{}", text(&media["id"]));
    silk.client.get(&path).await.expect_problem(404, "not_found");
    silk.product("scarf").set("images", json!([{"src": media["src"]}])).publish().await;
    let page = shop.anon().get("/v1/products/scarf").await.expect(200).clone();
    assert_eq!(page["images"], json!([]), "and shows nothing");
}

#[tokio::test]
async fn nobody_reads_an_upload_that_nobody_has_looked_at() {
    let withheld = Some(("MediaFunction".to_owned(), "TakeUploads".to_owned()));
    let shop = Shop::with(Options::for_tests().with_cloud(|cloud| cloud.removed_statement = withheld)).await;
    let vendor = shop.vendor("ceramics").await;
    let media = vendor.uploads(&shop, "image/png", &dot()).await;
    let key = format!("{}/{}", vendor.id, text(&media["id"]));
    assert_eq!(shop.keys_in("UploadsBucket"), [key.as_str()]);
    let url = text(&media["upload"]["url"]).split('?').next().expect("an address").to_owned();
    assert_eq!(shop.anon().get(&url).await.status, 403);
    assert!(shop.keys_in("MediaBucket").is_empty());
}

#[tokio::test]
async fn a_forbidden_object_is_not_taken_for_a_missing_one() {
    for (withheld, left) in [(None, 0), (Some(("MediaFunction".to_owned(), "TellMissingPictures".to_owned())), 1)] {
        let shop = Shop::with(Options::for_tests().with_cloud(|cloud| cloud.removed_statement = withheld)).await;
        let vendor = shop.vendor("ceramics").await;
        // Nothing was uploaded: without the right to list the bucket, S3 answers 403 instead of 404.
        shop.repeat_upload_notification(&vendor.id, text(&begin_dot(&vendor).await["id"]));
        shop.wait_until_idle().await;
        assert_eq!(shop.depth("PicturesQueue").in_flight, left, "a failed message stays in the queue");
    }
}

#[tokio::test]
async fn an_upload_must_match_its_signed_type_length_method_and_key() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let (media, dot) = (begin_dot(&vendor).await, dot());
    let url = text(&media["upload"]["url"]);
    let put = async |url: &str, content_type: &str, bytes: &[u8]| {
        shop.anon().send(Method::PUT, url, Some(bytes.to_vec()), content_type).await.status
    };
    assert_eq!(put(url, "image/svg+xml", &dot).await, 403, "another type");
    assert_eq!(put(url, "text/html", &dot).await, 403, "a page");
    assert_eq!(put(url, "", &dot).await, 403, "no type");
    assert_eq!(put(url, "image/png", &dot[1..]).await, 403, "shorter");
    assert_eq!(put(url, "image/png", &[&dot[..], b"x"].concat()).await, 403, "longer");
    let other = text(&begin_dot(&vendor).await["id"]).to_owned();
    let elsewhere = url.replace(text(&media["id"]), &other);
    assert_eq!(put(&elsewhere, "image/png", &dot).await, 403, "another key");
    assert_eq!(shop.anon().send(Method::DELETE, url, None, "").await.status, 403, "another method");
    let noted = shop.anon().with("x-amz-meta-note", "mine");
    let sent = noted.send(Method::PUT, url, Some(dot.clone()), "image/png").await.status;
    assert_eq!(sent, 403, "metadata of the uploader's choosing");
    assert!(shop.keys_in("UploadsBucket").is_empty(), "nothing was put");
    assert_eq!(put(url, "image/png", &dot).await, 200);
    let bare = url.split('?').next().expect("an address");
    assert_eq!(put(bare, "image/png", &dot).await, 403, "an unsigned PUT is refused");
}

#[tokio::test]
async fn a_media_upload_url_expires_after_ten_minutes() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let (early, late) = (begin_dot(&vendor).await, begin_dot(&vendor).await);
    shop.advance(Duration::from_secs(599)).await;
    shop.anon().upload(&early["upload"], &dot()).await.expect(200);
    shop.advance(Duration::from_secs(1)).await;
    let refused = shop.anon().upload(&late["upload"], &dot()).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("Request has expired"), "{}", refused.text);
}

#[tokio::test]
async fn a_media_upload_requires_a_known_type_and_size() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    for kind in ["image/jpeg", "image/png", "image/webp"] {
        begin(&vendor, kind, 10 * 1024 * 1024).await.expect(201);
    }
    for kind in ["image/svg+xml", "image/gif", "image/avif", "image/heic", "text/html", "application/octet-stream", ""]
    {
        let refused = begin(&vendor, kind, 100).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/content_type", "{kind}");
    }
    for size in [0, 10 * 1024 * 1024 + 1] {
        let refused = begin(&vendor, "image/png", size).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/size");
    }
}
