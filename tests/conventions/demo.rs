//! What `cargo run` starts with: the demo data, its accounts, and the documentation of the API.

use std::collections::BTreeSet;

use local::Options;
use local::demo::{DEMO_VENDOR, VENDORS};
use local::greeting::greeting;
use local::seed::BUYER;
use serde_json::{Value, json};

use crate::shop::{Client, Shop};

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().expect("items")
}

/// The cards of all products with a price in a currency.
async fn listed(client: &Client, currency: &str) -> Vec<Value> {
    let (mut cards, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/products?currency={currency}&limit=100{cursor}")).await.expect(200).clone();
        cards.extend_from_slice(items(&page));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return cards,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_data_is_as_the_greeting_says() {
    let shop = Shop::with(Options { demo: true, ..Options::for_tests() }).await;
    everybody_signs_in(&shop).await;
    let (dollars, sums) = (listed(&shop.anon(), "USD").await, listed(&shop.anon(), "UZS").await);
    the_shops_are_stocked(&dollars, &sums);
    products_come_in_kinds(&shop, &dollars).await;
    every_category_has_something_in_it(&shop).await;
    pictures_are_there(&shop, &sums).await;
    the_call_to_try_finds_something(&shop).await;
}

async fn everybody_signs_in(shop: &Shop) {
    let approved = shop.operator().await.get("/v1/admin/vendors?state=approved").await.expect(200).clone();
    assert_eq!(items(&approved).len(), VENDORS.len());
    assert_eq!(text(shop.sign_in(BUYER).await.get("/v1/me").await.expect(200), "email"), BUYER);
    for vendor in VENDORS {
        let own = shop.sign_in(vendor.email).await.get("/v1/vendors/me").await.expect(200).clone();
        assert_eq!((text(&own, "handle"), text(&own, "state")), (vendor.handle, "approved"));
    }
}

fn the_shops_are_stocked(dollars: &[Value], sums: &[Value]) {
    let products: BTreeSet<&str> = dollars.iter().chain(sums).map(|card| text(card, "handle")).collect();
    assert!(products.len() >= 60, "only {} products", products.len());
    let vendors = |cards: &[Value]| -> BTreeSet<String> {
        cards.iter().map(|card| text(&card["vendor"], "handle").to_owned()).collect()
    };
    assert!(vendors(sums).len() >= 4 && vendors(dollars).len() >= 2);
    let own = |cards: &[Value]| -> BTreeSet<String> {
        let own = cards.iter().filter(|card| card["vendor"]["handle"] == DEMO_VENDOR && card["available"] == true);
        own.map(|card| text(card, "handle").to_owned()).collect()
    };
    assert!(
        !own(dollars).is_empty() && own(dollars) == own(sums),
        "the demo vendor sells everything in both currencies"
    );
}

async fn products_come_in_kinds(shop: &Shop, cards: &[Value]) {
    let mut most = 0;
    for card in cards.iter().filter(|card| card["vendor"]["handle"] == DEMO_VENDOR) {
        let product = shop.anon().get(&format!("/v1/products/{}", text(card, "handle"))).await.expect(200).clone();
        let variants = product["variants"].as_array().expect("variants");
        assert!(
            variants.iter().all(|variant| variant["available"].as_i64().is_some_and(|units| units > 0)),
            "{product}"
        );
        most = most.max(variants.len());
    }
    assert!(most >= 2, "no product has several variants");
}

async fn every_category_has_something_in_it(shop: &Shop) {
    let tree = shop.anon().get("/v1/categories").await.expect(200).clone();
    for root in items(&tree) {
        for category in root["children"].as_array().expect("categories below it").iter().chain([root]) {
            let path = format!("/v1/products?currency=UZS&limit=1&category={}", text(category, "handle"));
            assert_eq!(items(shop.anon().get(&path).await.expect(200)).len(), 1, "{path}");
        }
    }
    assert!(items(&tree).len() >= 3);
}

async fn pictures_are_there(shop: &Shop, cards: &[Value]) {
    for card in cards {
        let picture = shop.anon().get(text(&card["image"], "url")).await;
        assert_eq!((picture.status, picture.header("content-type")), (200, "image/jpeg"), "{card}");
    }
}

async fn the_call_to_try_finds_something(shop: &Shop) {
    let content = greeting("", true);
    let call = content.lines().find_map(|line| line.trim().strip_prefix("curl ")).expect("a call to try");
    assert!(!items(shop.anon().get(call.trim_matches('\'')).await.expect(200)).is_empty(), "{call}");
}

/// The quoted strings that follow each of these words.
fn quoted<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    let behind = |word: &str| -> Vec<&'a str> {
        let starts = text.match_indices(word).map(|(at, word)| at + word.len());
        starts.filter_map(|at| text.get(at..)?.split('"').next()).collect()
    };
    words.iter().flat_map(|word| behind(word)).collect()
}

#[tokio::test]
async fn the_api_documentation_loads_nothing_from_other_sites() {
    let shop = Shop::open().await;
    assert_eq!(shop.anon().get("/docs").await.header("location"), "/docs/");
    let page = shop.anon().get("/docs/").await;
    page.expect(200);
    assert_eq!(page.header("content-type"), "text/html");

    let loaded = quoted(&page.text, &["src=\"", "href=\""]);
    assert!(loaded.len() >= 5, "{loaded:?}");
    for name in loaded {
        assert!(!name.contains("//") && !name.starts_with('/'), "{name} is loaded from elsewhere");
        let file = shop.anon().get(&format!("/docs/{}", name.trim_start_matches("./"))).await;
        file.expect(200);
        if name.ends_with(".css") {
            let elsewhere =
                ["url(http", "url(\"http", "url(//", "@import"].into_iter().find(|word| file.text.contains(word));
            assert_eq!(elsewhere, None, "{name}");
        }
    }
    // Swagger UI loads what this file configures. By default it has another site validate the document.
    let content = shop.anon().get("/docs/swagger-initializer.js").await;
    content.expect(200);
    assert!(!content.text.contains("http") && content.text.contains("\"validatorUrl\": \"none\""), "{}", content.text);
    let document = quoted(&content.text, &["\"url\": \""]);
    let [document] = document.as_slice() else { panic!("{document:?}") };
    assert_eq!(shop.anon().get(document).await.expect(200)["openapi"], "3.1.0");
}

#[tokio::test]
async fn local_endpoints_refuse_foreign_origins_and_hosts() {
    let shop = Shop::open().await;
    let begun = shop.cloud.now();
    for (path, body) in [
        ("/_local/clock", json!({"advance": "20m"})),
        ("/_local/faults", json!({"service": "stripe", "operation": "Webhook", "nth": 1, "kind": "before"})),
        ("/_local/pay/stripe/webhooks", json!({"hold": true})),
        ("/_aws/dynamodb", json!({})),
    ] {
        for path in [path.to_owned(), format!("{path}?X-Amz-Signature=")] {
            for (name, value) in [("origin", "https://evil.test"), ("origin", "null"), ("host", "evil.test")] {
                let answer = shop.anon().with(name, value).post(&path, &body).await;
                assert_eq!(answer.status, 403, "{path} with {name}: {value}");
            }
        }
    }
    assert_eq!(shop.cloud.now(), begun);
    let own = shop.anon().with("origin", "http://localhost:5173");
    own.post("/_local/clock", &json!({"advance": "20m"})).await.expect(200);
    assert_eq!(shop.cloud.now(), begun + std::time::Duration::from_secs(20 * 60));
}
