//! Pages on their way: what a browser has is not sent again, what is sent is compressed, and the edge keeps what
//! everybody gets alike and nothing else. The function compresses where no edge does.

use local::Options;

use crate::shop::{Answer, Shop};

/// What browsers offer, and whether gzip is taken by it.
const OFFERS: [(&str, bool); 8] = [
    ("gzip", true),
    ("gzip, deflate, br, zstd", true),
    ("br;q=1.0, GZIP;q=0.5", true),
    ("gzip;q=0", false),
    ("br, gzip; q=0.000", false),
    ("br", false),
    ("identity", false),
    ("", false),
];

async fn shop_with_a_bowl(parameters: &[(&'static str, &'static str)]) -> Shop {
    let shop = Shop::with(Options { parameters: parameters.to_vec(), ..Options::for_tests() }).await;
    shop.vendor("ceramics").await.product("bowl").publish().await;
    shop
}

/// A page as who sends these headers gets it.
async fn page(shop: &Shop, path: &str, headers: &[(&str, &str)]) -> Answer {
    headers.iter().fold(shop.anon(), |client, (name, value)| client.with(name, *value)).get(path).await
}

/// Asserts that a page comes as gzip to who takes it, and plain to everybody else.
async fn assert_compressed(shop: &Shop, path: &str) {
    let (plain, _) = shop.anon().size_of(path).await;
    for (offer, is_taken) in OFFERS {
        let (size, coding) = shop.anon().with("accept-encoding", offer).size_of(path).await;
        assert_eq!(coding, if is_taken { "gzip" } else { "" }, "{path}: {offer}");
        assert!(if is_taken { size * 2 < plain } else { size == plain }, "{path}: {offer}: {size} of {plain} bytes");
    }
}

#[tokio::test]
async fn a_public_page_is_not_sent_again_to_who_has_it_and_a_private_one_always_is() {
    let shop = shop_with_a_bowl(&[]).await;
    for path in ["/en/", "/en/p/bowl", "/app.js"] {
        let tag = page(&shop, path, &[]).await.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() > 10, "{path}: {tag}");
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let same = page(&shop, path, &[("if-none-match", known.as_str()), ("accept-encoding", "gzip")]).await;
            assert_eq!((same.status, same.text.as_str()), (304, ""), "{path}: {known}");
            assert_eq!(
                (same.header("etag"), same.header("vary")),
                (tag.as_str(), "accept-encoding"),
                "{path}: {known}"
            );
            assert!(!same.headers.contains_key("content-type") && !same.headers.contains_key("content-encoding"));
        }
        page(&shop, path, &[("if-none-match", "\"other\"")]).await.expect(200);
    }
    let cart = page(&shop, "/en/cart", &[("if-none-match", "*")]).await;
    assert_eq!((cart.status, cart.header("etag")), (200, ""));
}

#[tokio::test]
async fn the_function_compresses_its_pages_where_nobody_before_it_does() {
    let shop = shop_with_a_bowl(&[]).await;
    for path in ["/en/", "/en/p/bowl", "/en/cart", "/en/p/nothing"] {
        assert_compressed(&shop, path).await;
        let vary = page(&shop, path, &[]).await.header("vary").to_owned();
        assert!(vary.contains("accept-encoding"), "{path}: {vary}");
    }
    let shop = shop_with_a_bowl(&[("CompressPages", "false")]).await;
    let (_, coding) = shop.anon().with("accept-encoding", "gzip").size_of("/en/p/bowl").await;
    assert_eq!(coding, "", "an edge would do it");
}

#[tokio::test]
async fn the_edge_keeps_public_pages_compressed_or_not_and_never_one_of_one_person() {
    for compresses in ["true", "false"] {
        let shop = shop_with_a_bowl(&[("Edge", "only"), ("CompressPages", compresses)]).await;
        let mut tag = String::new();
        for how in ["Miss from cloudfront", "Hit from cloudfront"] {
            for (offer, coding) in [("gzip", "gzip"), ("gzip;q=0", "")] {
                let found = page(&shop, "/en/p/bowl", &[("accept-encoding", offer)]).await;
                assert_eq!((found.status, found.header("x-cache")), (200, how), "{offer}");
                assert_eq!(found.header("content-encoding"), coding, "{how}");
                tag = found.header("etag").to_owned();
            }
        }
        let same = page(&shop, "/en/p/bowl", &[("accept-encoding", "gzip"), ("if-none-match", tag.as_str())]).await;
        assert_eq!((same.status, same.header("x-cache")), (304, "Hit from cloudfront"));
        for path in ["/en/cart", "/en/sign-in"] {
            for _ in 0..2 {
                let own = page(&shop, path, &[("accept-encoding", "gzip"), ("if-none-match", "*")]).await;
                assert_eq!((own.status, own.header("x-cache")), (200, "Miss from cloudfront"), "{path}");
                assert_eq!(own.header("content-encoding"), "gzip", "{path}");
                assert_eq!(own.header("cache-control"), "private, no-store", "{path}");
            }
        }
    }
}
