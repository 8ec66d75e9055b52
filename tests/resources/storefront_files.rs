//! What the shop in the browser has besides its pages: the worker, rules for links, the product feed.

use serde_json::{Value, json};

use crate::resources::storefront::put;
use crate::shop::Shop;

/// The texts of all elements of this name, as they were meant.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let found = xml.split(&open).skip(1).filter_map(|part| part.split_once(&close));
    let meant =
        |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    found.map(|(text, _)| meant(text)).collect()
}

#[tokio::test]
async fn the_worker_is_asked_for_anew_and_only_pages_that_say_so_are_kept_by_it() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let browser = shop.browser();
    let worker = browser.visit("/sw.js").await.expect(200).shows("addEventListener(\"fetch\"");
    assert_eq!(worker.header("cache-control"), "no-cache");
    assert!(worker.header("content-type").starts_with("text/javascript"));
    put(&browser, &bowl, "1").await;
    for (path, is_kept) in [
        ("/en/cart", true),
        ("/en/checkout", false),
        ("/en/sign-in", false),
        ("/en/sign-out", false),
        ("/en/reset", false),
        ("/r/x", false),
        ("/desk", false),
        ("/en/p/bowl", false),
    ] {
        let page = browser.visit(path).await;
        assert_eq!(page.headers.contains_key("bozor-keep"), is_kept, "{path}");
    }
}

#[tokio::test]
async fn a_form_with_a_key_adds_once_and_one_that_says_something_else_is_refused() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    for who in [None, Some("buyer")] {
        let browser = match who {
            Some(name) => {
                shop.buyer(name).await;
                shop.browser_of(&format!("{name}@people.test")).await
            }
            None => shop.browser(),
        };
        let add = |quantity: &'static str, key: &'static str| {
            let fields = [("do", "add"), ("variant", &*bowl.variant), ("quantity", quantity), ("key", key)];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let browser = &browser;
            async move {
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
                browser.submit("/en/cart", &fields).await
            }
        };
        add("1", "0123abcd").await.expect(303);
        let (one, other) = tokio::join!(add("2", "4567abcd"), add("2", "4567abcd"));
        assert_eq!((one.status, other.status), (303, 303), "{}{}", one.html, other.html);
        assert_eq!(add("2", "4567abcd").await.expect(303).location(), "/en/cart?added");
        browser.visit("/en/cart").await.expect(200).shows("value=\"3\"");
        assert!(add("1", "4567abcd").await.status >= 400, "the key of another form");
        assert!(add("1", "no key of ours").await.status >= 400);
        browser.visit("/en/cart").await.expect(200).shows("value=\"3\"");
        assert_eq!(add("9", "89abcdef").await.expect(303).location(), "/en/cart?short", "more than there is");
    }
}

#[tokio::test]
async fn what_a_browser_asks_for_ahead_changes_nothing_and_counts_against_no_limit() {
    let shop = Shop::open().await;
    shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let browser = shop.browser();
    let page = browser.visit("/en/products").await.expect(200);
    assert_eq!(page.header("speculation-rules"), "\"/speculation-rules.json\"");
    let rules = browser.visit("/speculation-rules.json").await.expect(200);
    assert_eq!(rules.header("content-type"), "application/speculationrules+json");
    assert!(rules.header("cache-control").starts_with("public"));
    let rules: Value = serde_json::from_str(&rules.html).expect("JSON");
    let links = rules["prefetch"][0]["where"]["href_matches"].as_array().expect("patterns");
    let allowed = ["/:lang/", "/:lang/products", "/:lang/c/*", "/:lang/p/:handle", "/:lang/v/:handle"];
    assert_eq!(*links, allowed.map(Value::from));
    shop.wait_until_idle().await;
    let before = shop.dump().await;
    for _ in 0..100 {
        for path in ["/en/products", "/en/p/bowl", "/en/v/ceramics"] {
            let page = browser.prefetch(path).await.expect(200);
            assert!(!page.headers.contains_key("set-cookie"), "{path}");
        }
    }
    assert_eq!(shop.dump().await, before);
}

#[tokio::test]
async fn the_feed_has_every_variant_at_the_price_of_its_page_and_titles_are_text() {
    let shop = Shop::open().await;
    let title = "</title><b>Bowl & \"co\"";
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").set("title", json!(title)).stock(5).publish().await;
    for number in 0..12 {
        vendor.product(&format!("plate-{number}")).publish().await;
    }
    let browser = shop.browser();
    let feed = browser.visit("/en/feed.xml").await.expect(200);
    assert_eq!(feed.header("content-type"), "application/rss+xml; charset=utf-8");
    assert!(feed.header("cache-control").starts_with("public"));
    let items = texts(&feed.html, "item");
    assert_eq!(texts(&feed.html, "g:id").len(), 13, "more than are read at once");
    assert!(texts(&feed.html, "g:title").contains(&title.to_owned()), "{}", feed.html);
    assert!(!feed.html.contains("<b>"), "the title is text");
    let own = feed.html.split("<item>").find(|item| item.contains(&bowl.variant)).expect("the bowl");
    let one = |name: &str| texts(own, name).first().cloned().unwrap_or_default();
    let (amount, currency) =
        one("g:price").split_once(' ').map(|(a, c)| (a.to_owned(), c.to_owned())).expect("a price");
    assert_eq!((currency.as_str(), one("g:availability").as_str()), ("USD", "in_stock"));
    let link = one("g:link");
    browser.visit(&link).await.expect(200).shows(&format!("${amount}"));
    assert_eq!(items.len(), 13);
    let none = browser.visit("/ru/feed.xml?currency=UZS").await.expect(200);
    assert_eq!(texts(&none.html, "g:id").len(), 0, "nothing has a price in it");
}
