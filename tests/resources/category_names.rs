//! Categories are called in the language of who reads.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Client, Shop};

const TREE: &str = "/v1/admin/categories";

/// The categories home > bowls, with names in Uzbek and Russian.
fn tree() -> Value {
    json!({"items": [{
        "handle": "home", "name": "Home", "names": {"RU": "Для дома"},
        "children": [{"handle": "bowls", "name": "Bowls", "names": {"uz": "Kosalar", "ru": "Миски"}}],
    }]})
}

async fn put(shop: &Shop, tree: &Value) -> Value {
    shop.operator().await.with("if-match", "*").put(TREE, tree).await.expect(200).clone()
}

/// The names of home and of what is below it.
async fn names(client: &Client, query: &str) -> [Value; 2] {
    let listed = client.get(&format!("/v1/categories{query}")).await.expect(200).clone();
    let home = &listed["items"][0];
    [home["name"].clone(), home["children"][0]["name"].clone()]
}

#[tokio::test]
async fn names_are_kept_by_their_languages_and_shown_in_the_one_that_is_asked_for() {
    let shop = Shop::open().await;
    let stored = put(&shop, &tree()).await;
    assert_eq!(stored["items"][0]["names"], json!({"ru": "Для дома"}), "a language has one spelling");
    let anon = shop.anon();
    let all = anon.get("/v1/categories").await.expect(200).clone();
    assert_eq!(all["items"][0]["children"][0]["names"], json!({"ru": "Миски", "uz": "Kosalar"}));
    assert_eq!(names(&anon, "?lang=ru").await, ["Для дома", "Миски"]);
    assert_eq!(names(&anon, "?lang=uz").await, ["Home", "Kosalar"]);
    assert_eq!(
        names(&anon, "?lang=UZ-cyrl").await,
        ["Home", "Косалар"],
        "made from the other script, where there is none"
    );
    assert_eq!(names(&anon, "?lang=zh-Hans").await, ["Home", "Bowls"]);
    let russian = anon.get("/v1/categories?lang=ru").await.expect(200).clone();
    assert!(russian["items"][0]["names"].is_null(), "{russian}");
    let bad = anon.get("/v1/categories?lang=russian!").await.expect_problem(400, "invalid").clone();
    assert_eq!(bad["errors"][0]["pointer"], "lang");
    // It is the names alone that change, so nothing has to follow.
    let renamed = json!({"items": [{"handle": "home", "name": "Home", "children": []}]});
    assert!(put(&shop, &renamed).await["items"][0]["names"].is_null());
    assert_eq!(names(&shop.anon(), "?lang=ru").await, [json!("Home"), Value::Null]);
}

#[tokio::test]
async fn a_name_in_no_language_or_too_many_of_them_is_refused_where_it_stands() {
    let shop = Shop::open().await;
    let operator = shop.operator().await.with("if-match", "*");
    for names in [
        json!({"russian": "Дом"}),
        json!({"": "Дом"}),
        json!({"ru": ""}),
        json!({"ru": "a\u{0}b"}),
        json!({"ru": "Дом", "RU": "Для дома"}),
    ] {
        let tree = json!({"items": [{"handle": "home", "name": "Home", "names": names}]});
        let refused = operator.put(TREE, &tree).await.expect_problem(400, "invalid").clone();
        let pointer = refused["errors"][0]["pointer"].as_str().expect("a pointer").to_owned();
        assert!(pointer.starts_with("/items/0/names"), "{pointer} for {names}");
    }
}

#[tokio::test]
async fn pages_call_a_category_in_their_language_and_uzbek_in_both_scripts() {
    let shop = Shop::open().await;
    put(&shop, &tree()).await;
    let vendor = shop.vendor("ceramics").await;
    shop.advance(Duration::from_secs(61)).await;
    vendor.product("bowl").set("category", json!("bowls")).stock(5).publish().await;
    for (language, home, bowls) in [
        ("en", "Home", "Bowls"),
        ("ru", "Для дома", "Миски"),
        ("uz", "Home", "Kosalar"),
        ("uz-cyrl", "Home", "Косалар"),
        ("zh", "Home", "Bowls"),
    ] {
        let page = shop.browser().visit(&format!("/{language}/c/home/bowls")).await.expect(200);
        let title = format!("<h1>{bowls}</h1>");
        let page = page.shows(&title).shows(&format!(">{home}</a>"));
        assert!(page.html.contains(&format!("\"name\":\"{bowls}\"")), "crumbs for search engines: {}", page.html);
        shop.browser().visit(&format!("/{language}/c/home")).await.expect(200).shows(&format!(">{bowls}</a>"));
        shop.browser().visit(&format!("/{language}/")).await.expect(200).shows(home);
        shop.browser().visit(&format!("/{language}/p/bowl")).await.expect(200).shows(bowls);
    }
}

#[tokio::test]
async fn a_vendor_chooses_a_category_and_a_file_names_it_in_their_language() {
    let shop = Shop::open().await;
    put(&shop, &tree()).await;
    let vendor = shop.vendor("ceramics").await;
    let desk = shop.browser_of("ceramics@people.test").await;
    desk.visit("/ru/cart").await.expect(200);
    desk.visit("/desk/products/new").await.expect(200).shows("Для дома › Миски");

    let file = "Handle,Title,Type,Variant Price\nplov-bowl,Plov bowl,миски,12.50\n";
    let sent = vendor.client.send(Method::POST, "/v1/vendor/imports", Some(file.as_bytes().to_vec()), "text/csv").await;
    sent.expect(202);
    shop.wait_until_idle().await;
    let products = vendor.client.get("/v1/vendor/products").await.expect(200)["items"].clone();
    assert_eq!((&products[0]["handle"], &products[0]["category"]), (&json!("plov-bowl"), &json!("bowls")));
}
