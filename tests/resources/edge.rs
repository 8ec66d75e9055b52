//! A shop behind its edge: nobody comes past it, limits count who is before it, and a sale is the same.

use std::collections::BTreeSet;

use bytes::Bytes;
use domain::settings::{CallLimits, Limit, Limits};
use local::Options;
use serde_json::{Value, json};

use super::buyer_journey::{buy_from_two_vendors, fulfil_on_delivery};
use crate::shop::Shop;

/// The value that the embedded cloud makes for the secret.
const SECRET: &str = "local-EdgeSecret";

fn behind_edge(mode: &'static str) -> Options {
    Options { parameters: vec![("Edge", mode)], ..Options::for_tests() }
}

#[tokio::test]
async fn a_sale_is_the_same_through_the_edge() {
    buy_from_two_vendors(&Shop::with(behind_edge("only")).await).await;
    fulfil_on_delivery(&Shop::with(behind_edge("open")).await).await;
}

/// Every client has the edge's address at the gateway.
#[tokio::test]
async fn a_limit_counts_the_viewer_and_not_the_edge() {
    for mode in ["open", "only"] {
        let mut options = behind_edge(mode);
        let two = CallLimits { per_client: Limit::per_minute(2), ..Limits::default().change };
        options.limits = Limits { change: two, ..Limits::default() };
        let shop = Shop::with(options).await;
        let fills = async |address: [u8; 4], forged: &str| {
            // What a viewer says of itself is not what the edge says of it.
            let client = shop.anon().from(address).with("cloudfront-viewer-address", forged);
            client.post("/v1/carts", &json!({"currency": "USD"})).await
        };
        for (forged, status) in [("203.0.113.1:1", 201), ("203.0.113.2:1", 201), ("203.0.113.3:1", 429)] {
            fills([127, 0, 0, 2], forged).await.expect(status);
        }
        fills([127, 0, 0, 3], "127.0.0.2:1").await.expect(201);
    }
}

/// An answer at the API's own address: its status and body.
async fn past(shop: &Shop, request: http::request::Builder) -> (u16, Value) {
    let answer = shop.cloud.past_the_edge(request.body(Bytes::new()).expect("a request")).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
}

#[tokio::test]
async fn no_function_answers_past_the_only_edge() {
    let shop = Shop::with(behind_edge("only")).await;
    let token = shop.operator().await.authorization();
    let routes = &shop.cloud.services().template.api.routes;
    let mut functions = BTreeSet::new();
    for route in routes {
        let path = if route.path == "$default" { "/nowhere" } else { &route.path };
        let step = |step: &str| if step.starts_with('{') { "x".to_owned() } else { step.to_owned() };
        let path = path.split('/').map(step).collect::<Vec<_>>().join("/");
        let method = if route.method == "ANY" { "GET" } else { &route.method };
        for secret in [None, Some(""), Some("forged"), Some("{{resolve"), Some("local-EdgeSecre")] {
            let mut request = http::Request::builder().method(method).uri(&path).header("authorization", &token);
            if let Some(secret) = secret {
                request = request.header("bozor-edge", secret);
            }
            let (status, body) = past(&shop, request).await;
            assert_eq!(status, 403, "{}: {body}", route.key());
            assert!(method == "HEAD" || body["code"] == "forbidden", "{}: {body}", route.key());
        }
        functions.insert(route.function.as_str());
    }
    assert!(functions.len() >= 9, "{functions:?}");
    let with_secret = http::Request::get("/v1/health").header("bozor-edge", SECRET);
    assert_eq!(past(&shop, with_secret).await.0, 200);
    shop.anon().get("/v1/health").await.expect(200);
}

#[tokio::test]
async fn an_open_edge_leaves_the_api_open() {
    let shop = Shop::with(behind_edge("open")).await;
    for request in [http::Request::get("/v1/health"), http::Request::get("/v1/health").header("bozor-edge", "forged")] {
        assert_eq!(past(&shop, request).await.0, 200);
    }
}

#[tokio::test]
async fn public_answers_are_kept_and_nobodys_own_are() {
    let shop = Shop::with(behind_edge("only")).await;
    shop.vendor("ceramics").await.product("bowl").publish().await;
    let products = async || shop.anon().get("/v1/products").await;
    assert_eq!(products().await.header("x-cache"), "Miss from cloudfront");
    assert_eq!(products().await.header("x-cache"), "Hit from cloudfront");
    let known = products().await.header("etag").to_owned();
    assert_eq!(shop.anon().with("if-none-match", known).get("/v1/products").await.status, 304);

    let buyer = shop.buyer("aziza").await;
    for path in ["/v1/me", "/v1/me/orders"] {
        for _ in 0..2 {
            let own = buyer.get(path).await;
            own.expect(200);
            assert_eq!(own.header("x-cache"), "Miss from cloudfront", "{path}");
            assert_eq!(shop.anon().get(path).await.status, 401, "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_long_is_compressed() {
    let shop = Shop::with(behind_edge("only")).await;
    let asked = |offer: &str| shop.anon().with("accept-encoding", offer).size_of("/v1/openapi.json");
    let (plain, coding) = asked("identity").await;
    assert_eq!(coding, "");
    let (small, coding) = asked("gzip, br").await;
    assert_eq!(coding, "gzip");
    assert!(small * 5 < plain, "{small} of {plain} bytes");
}

#[tokio::test]
async fn pictures_are_read_through_the_edge_alone() {
    let shop = Shop::with(behind_edge("only")).await;
    let buckets = &shop.cloud.services().buckets;
    buckets.put("bozor-mediabucket", "med_1", "image/png", b"a picture".to_vec()).await.expect("a bucket");
    let base = shop.cloud.base_url();
    let (status, kind, bytes) = shop.anon().bytes(&format!("{base}/med_1")).await;
    assert_eq!((status, kind.as_str(), bytes.as_slice()), (200, "image/png", b"a picture".as_slice()));
    for path in ["/_aws/s3/bozor-mediabucket/med_1", "/med_2"] {
        assert_eq!(shop.anon().bytes(&format!("{base}{path}")).await.0, 403, "{path}");
    }
    let catalog = shop.cloud.services().template.function("CatalogFunction").expect("a function");
    assert_eq!(catalog.environment["MEDIA_BASE_URL"], base);
}
