//! The public catalog: lists, filters, cursors, product pages and caching.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shop::{Client, Product, Shop, Vendor};

/// The handles of a page in the order of the list, and the cursor of the next page.
async fn page(client: &Client, query: &str) -> (Vec<String>, Option<String>) {
    let page = client.get(&format!("/v1/products{query}")).await.expect(200).clone();
    let handles = page["items"].as_array().expect("items").iter();
    let handles = handles.map(|card| card["handle"].as_str().expect("a handle").to_owned()).collect();
    (handles, page["next"].as_str().map(str::to_owned))
}

async fn listed(client: &Client, query: &str) -> Vec<String> {
    page(client, query).await.0
}

async fn card(client: &Client, handle: &str) -> Value {
    let page = client.get("/v1/products?limit=100").await.expect(200).clone();
    let found = page["items"].as_array().expect("items").iter().find(|card| card["handle"] == handle).cloned();
    found.unwrap_or_else(|| panic!("{handle} is not listed"))
}

/// Stores the categories home > kitchen > bowls, and garden.
pub(super) async fn put_categories(shop: &Shop) {
    let tree = json!({"items": [
        {"handle": "home", "name": "Home", "children": [
            {"handle": "kitchen", "name": "Kitchen", "children": [{"handle": "bowls", "name": "Bowls"}]},
        ]},
        {"handle": "garden", "name": "Garden"},
    ]});
    shop.operator().await.with("if-match", "*").put("/v1/admin/categories", &tree).await.expect(200);
}

/// Publishes a product a second after the previous one, so that it is the newest.
pub(super) async fn add(shop: &Shop, vendor: &Vendor, handle: &str, category: &str, price: &str) -> Product {
    shop.cloud.clock().advance(Duration::from_secs(1));
    vendor.product(handle).set("category", json!(category)).price(price).stock(5).publish().await
}

/// The body of a PUT that leaves a product as it is.
pub(super) fn rewritten(seen: &Value) -> Value {
    let mut body = json!({"title": seen["title"], "options": seen["options"], "category": seen["category"]});
    let variants = seen["variants"].as_array().expect("variants").iter();
    body["variants"] = variants
        .map(|variant| json!({"id": variant["id"], "options": variant["options"], "prices": variant["prices"]}))
        .collect();
    body
}

#[tokio::test]
async fn a_product_is_in_every_list_that_it_belongs_to() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
    add(&shop, &ceramics, "bowl", "bowls", "12.50").await;
    add(&shop, &silk, "apron", "kitchen", "30.00").await;
    add(&shop, &ceramics, "pot", "garden", "8.00").await;
    let anon = shop.anon();
    for (query, newest_first) in [
        ("", vec!["pot", "apron", "bowl"]),
        ("?sort=newest", vec!["pot", "apron", "bowl"]),
        ("?sort=price", vec!["pot", "bowl", "apron"]),
        ("?sort=-price", vec!["apron", "bowl", "pot"]),
        ("?category=home", vec!["apron", "bowl"]),
        ("?category=home&sort=price", vec!["bowl", "apron"]),
        ("?category=kitchen", vec!["apron", "bowl"]),
        ("?category=bowls", vec!["bowl"]),
        ("?category=garden", vec!["pot"]),
        ("?vendor=ceramics", vec!["pot", "bowl"]),
        ("?vendor=silk", vec!["apron"]),
        ("?vendor=ceramics&category=home", vec!["bowl"]),
        ("?vendor=silk&category=garden", vec![]),
        ("?currency=UZS", vec![]),
    ] {
        assert_eq!(listed(&anon, query).await, newest_first, "{query}");
    }
}

#[tokio::test]
async fn the_list_of_an_unknown_category_or_vendor_is_not_found() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    shop.vendor("ceramics").await;
    let applicant = shop.applicant("silk").await;
    let anon = shop.anon();
    for query in ["category=garden", "vendor=ceramics", "category=garden&vendor=ceramics&sort=price&min_price=5"] {
        assert_eq!(listed(&anon, &format!("?{query}")).await, Vec::<String>::new(), "{query}");
    }
    let hidden = format!("vendor={}", applicant.handle);
    for query in
        ["category=nowhere", "vendor=nobody", "category=nowhere&vendor=ceramics", "category=garden&vendor=x", &hidden]
    {
        anon.get(&format!("/v1/products?{query}")).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn price_bounds_are_inclusive_and_require_sorting_by_price() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let vendor = shop.vendor("ceramics").await;
    for (handle, price) in [("a", "9.99"), ("b", "10.00"), ("c", "10.01"), ("d", "20.00"), ("e", "0.00")] {
        add(&shop, &vendor, handle, "bowls", price).await;
    }
    let anon = shop.anon();
    for (query, found) in [
        ("?sort=price&min_price=10.00", vec!["b", "c", "d"]),
        ("?sort=price&min_price=10", vec!["b", "c", "d"]),
        ("?sort=price&min_price=10.0&max_price=20", vec!["b", "c", "d"]),
        ("?sort=price&max_price=10.00", vec!["e", "a", "b"]),
        ("?sort=-price&max_price=10.00", vec!["b", "a", "e"]),
        ("?sort=price&min_price=10.00&max_price=10.00", vec!["b"]),
        ("?sort=price&min_price=10.02&max_price=19.99", vec![]),
        ("?sort=-price&category=home&min_price=10.01", vec!["d", "c"]),
        ("?sort=price&max_price=0.00", vec!["e"]),
    ] {
        assert_eq!(listed(&anon, query).await, found, "{query}");
    }
    for (query, pointer) in [
        ("?min_price=10.00", "sort"),
        ("?sort=newest&max_price=10.00", "sort"),
        ("?sort=price&min_price=10.00&max_price=9.99", "min_price"),
        ("?sort=price&min_price=10.005", "min_price"),
        ("?sort=price&min_price=ten", "min_price"),
        ("?sort=price&currency=JPY&max_price=10.00", "max_price"),
    ] {
        let refused = anon.get(&format!("/v1/products{query}")).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], pointer, "{query}");
    }
    assert_eq!(listed(&anon, "?sort=price&currency=JPY&max_price=10").await, Vec::<String>::new());
}

#[tokio::test]
async fn cursors_page_through_a_list_and_show_each_item_once() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let vendor = shop.vendor("ceramics").await;
    // Two cost the same, and two are published in the same moment.
    for (index, price) in ["5.00", "3.00", "5.00", "1.00", "9.00", "7.00"].iter().enumerate() {
        add(&shop, &vendor, &format!("bowl-{index}"), "bowls", price).await;
    }
    vendor.product("bowl-6").set("category", json!("bowls")).stock(1).publish().await;
    let anon = shop.anon();
    for list in ["?sort=newest", "?sort=price", "?sort=-price", "?category=home&sort=price", "?vendor=ceramics"] {
        let all = listed(&anon, list).await;
        assert_eq!(all.len(), 7, "{list}");
        for limit in [1, 2, 3, 6, 7, 8] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let (handles, next) = page(&anon, &format!("{list}&limit={limit}{cursor}")).await;
                assert!(handles.len() <= limit, "{list} {limit}");
                seen.extend(handles);
                match next {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
                assert!(seen.len() <= 7, "{list} {limit} does not end");
            }
            assert_eq!(seen, all, "{list} {limit}");
        }
    }
    let bounded = "?sort=price&min_price=3.00&max_price=7.00";
    let (first, next) = page(&anon, &format!("{bounded}&limit=2")).await;
    let (second, end) = page(&anon, &format!("{bounded}&limit=2&cursor={}", next.expect("more"))).await;
    assert_eq!([first, second].concat(), listed(&anon, bounded).await);
    assert!(end.is_none() || page(&anon, &format!("{bounded}&cursor={}", end.unwrap())).await.0.is_empty());
}

#[tokio::test]
async fn a_cursor_continues_at_its_position_when_the_list_has_changed() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let vendor = shop.vendor("ceramics").await;
    let mut made = Vec::new();
    for handle in ["first", "second", "third"] {
        made.push(add(&shop, &vendor, handle, "bowls", "5.00").await);
    }
    let (handles, next) = page(&shop.anon(), "?limit=1").await;
    assert_eq!(handles, ["third"]);
    add(&shop, &vendor, "fourth", "bowls", "5.00").await;
    vendor.client.delete(&format!("/v1/vendor/products/{}", made[2].id)).await.expect(204);
    let rest = page(&shop.anon(), &format!("?limit=5&cursor={}", next.expect("more"))).await;
    assert_eq!(rest, (vec!["second".to_owned(), "first".to_owned()], None));
}

#[tokio::test]
async fn a_products_page_shows_its_variants_and_its_vendor() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let vendor = shop.vendor("ceramics").await;
    let money = |amount: &str, currency: &str| json!({"amount": amount, "currency": currency});
    let bowl = vendor
        .product("bowl")
        .set("title", json!("Blue bowl"))
        .set("category", json!("bowls"))
        .set("description_html", json!("<p>Painted <script>alert(1)</script><b>by hand</b></p>"))
        .set("options", json!([{"name": "Size"}, {"name": "Colour", "values": ["Blue"]}]))
        .set("images", json!([{"src": "https://example.test/bowl.png", "alt": "A bowl"}]))
        .set("seo", json!({"title": "Bowl"}))
        .set(
            "variants",
            json!([
                {"sku": "S", "options": {"Size": "S", "Colour": "Blue"}, "on_hand": 3,
                 "prices": [money("12.50", "USD"), money("150000.00", "UZS")], "compare_at_prices": [money("15.00", "USD")]},
                {"sku": "L", "options": {"Size": "L", "Colour": "Blue"}, "on_hand": 0, "prices": [money("9.00", "USD")]},
            ]),
        )
        .publish()
        .await;
    shop.wait_until_idle().await;
    let anon = shop.anon();
    let seen = anon.get("/v1/products/bowl").await.expect(200).clone();
    assert_eq!((&seen["id"], &seen["title"]), (&json!(bowl.id), &json!("Blue bowl")));
    assert_eq!(seen["description_html"], "<p>Painted <b>by hand</b></p>");
    assert_eq!(seen["vendor"], json!({"id": vendor.id, "handle": "ceramics", "name": "ceramics"}));
    assert_eq!((&seen["category"], &seen["image"]["url"]), (&json!("bowls"), &json!("https://example.test/bowl.png")));
    assert_eq!(
        seen["options"],
        json!([{"name": "Size", "values": ["S", "L"]}, {"name": "Colour", "values": ["Blue"]}])
    );
    assert_eq!((&seen["price"], &seen["available"]), (&money("9.00", "USD"), &json!(true)));
    let variants: Vec<_> = seen["variants"].as_array().unwrap().iter().collect();
    assert_eq!(
        variants.iter().map(|one| one["available"].as_i64().unwrap()).collect::<Vec<_>>(),
        [3, 0],
        "units by variant"
    );
    assert_eq!(variants[0]["options"], json!({"Size": "S", "Colour": "Blue"}));
    assert_eq!(variants[0]["compare_at_price"], money("15.00", "USD"));
    assert!(variants[1].get("compare_at_price").is_none());

    let in_sums = anon.get("/v1/products/bowl?currency=UZS").await.expect(200).clone();
    assert_eq!(in_sums["price"], money("150000.00", "UZS"));
    assert_eq!(in_sums["variants"].as_array().map(Vec::len), Some(1), "only variants with a price in the currency");
    assert_eq!(listed(&anon, "?currency=UZS").await, ["bowl"]);
    anon.get("/v1/products/bowl?currency=EUR").await.expect_problem(404, "not_found");
    assert_eq!(listed(&anon, "?currency=EUR").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_sold_out_product_is_unavailable_until_it_is_restocked() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(1).publish().await;
    let anon = shop.anon();
    let available = async || {
        shop.wait_until_idle().await;
        let page = anon.get("/v1/products/bowl").await.expect(200).clone();
        let seen = (card(&anon, "bowl").await["available"].clone(), page["available"].clone());
        assert_eq!(seen.0, seen.1, "the list agrees with the page");
        assert_eq!(page["variants"][0]["available"].as_i64().unwrap() > 0, seen.1 == json!(true));
        seen.1 == json!(true)
    };
    assert!(available().await);
    let order = shop.guest().await.takes(&[(&bowl, 1)]).await.checks_out("stripe", "once").await.expect(201).clone();
    assert!(!available().await, "sold out");
    let (id, token) = (order["id"].as_str().unwrap(), order["token"].as_str().unwrap());
    let owner = anon.clone().with("order-token", token);
    owner.post(&format!("/v1/orders/{id}/cancel"), &json!({})).await.expect(200);
    assert!(available().await, "the order was cancelled");
    let stock = format!("/v1/vendor/products/{}/variants/{}/stock", bowl.id, bowl.variant);
    vendor.client.put(&stock, &json!({"on_hand": 0})).await.expect(200);
    assert!(!available().await);
    vendor.client.put(&stock, &json!({"adjust": 2})).await.expect(200);
    assert!(available().await);
}

#[tokio::test]
async fn an_unpublished_or_deleted_product_is_shown_nowhere() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = add(&shop, &vendor, "bowl", "bowls", "12.50").await;
    add(&shop, &vendor, "cup", "bowls", "3.00").await;
    let anon = shop.anon();
    let change = async |verb: &str| {
        vendor.client.post(&format!("/v1/vendor/products/{}/{verb}", bowl.id), &json!({})).await.expect(200).clone()
    };
    let lists = ["", "?sort=price", "?category=home", "?vendor=ceramics", "?vendor=ceramics&category=bowls"];
    assert_eq!(change("unpublish").await["state"], "draft");
    change("unpublish").await;
    for list in lists {
        assert_eq!(listed(&anon, list).await, ["cup"], "{list}");
    }
    anon.get("/v1/products/bowl").await.expect_problem(404, "not_found");

    change("publish").await;
    // Its position is that of its first publication.
    assert_eq!(listed(&anon, "").await, ["cup", "bowl"]);
    vendor.client.delete(&format!("/v1/vendor/products/{}", bowl.id)).await.expect(204);
    vendor.client.delete(&format!("/v1/vendor/products/{}", bowl.id)).await.expect_problem(404, "not_found");
    for list in lists {
        assert_eq!(listed(&anon, list).await, ["cup"], "{list}");
    }
    anon.get("/v1/products/bowl").await.expect_problem(404, "not_found");
    add(&shop, &vendor, "bowl", "garden", "1.00").await;
    assert_eq!(listed(&anon, "?category=garden").await, ["bowl"], "its handle is free again");
}

#[tokio::test]
async fn a_changed_product_moves_to_its_new_lists_and_positions() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = add(&shop, &vendor, "bowl", "bowls", "12.50").await;
    add(&shop, &vendor, "cup", "bowls", "5.00").await;
    let anon = shop.anon();
    let mut body = rewritten(&bowl.seen_by_vendor().await);
    body["category"] = json!("garden");
    body["title"] = json!("Other bowl");
    body["variants"][0]["prices"] =
        json!([{"amount": "1.00", "currency": "USD"}, {"amount": "2.00", "currency": "EUR"}]);
    let path = format!("/v1/vendor/products/{}", bowl.id);
    let etag = vendor.client.get(&path).await.header("etag").to_owned();
    let editor = vendor.client.clone().with("if-match", etag);
    editor.put(&path, &body).await.expect(200);
    editor.put(&path, &body).await.expect_problem(412, "version_mismatch");
    assert_eq!(listed(&anon, "?category=home").await, ["cup"]);
    assert_eq!(listed(&anon, "?category=garden").await, ["bowl"]);
    assert_eq!(listed(&anon, "?sort=price").await, ["bowl", "cup"]);
    assert_eq!(listed(&anon, "?currency=EUR").await, ["bowl"]);
    assert_eq!(card(&anon, "bowl").await["title"], "Other bowl");
    assert_eq!(anon.get("/v1/products/bowl").await.expect(200)["handle"], "bowl");
}

#[tokio::test]
async fn an_unchanged_page_is_answered_with_304() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = add(&shop, &vendor, "bowl", "bowls", "12.50").await;
    shop.wait_until_idle().await;
    for (path, policy) in [
        ("/v1/products", "public, s-maxage=30, stale-while-revalidate=300"),
        ("/v1/products/bowl", "public, s-maxage=10, stale-while-revalidate=300"),
        ("/v1/categories", "public, s-maxage=60, stale-while-revalidate=600"),
        ("/v1/vendors/ceramics", "public, s-maxage=60, stale-while-revalidate=600"),
    ] {
        let first = shop.anon().get(path).await;
        first.expect(200);
        assert_eq!(first.header("cache-control"), policy, "{path}");
        let known = shop.anon().with("if-none-match", first.header("etag")).get(path).await;
        assert_eq!((known.status, known.text.as_str()), (304, ""), "{path}");
        assert_eq!(known.header("etag"), first.header("etag"));
        shop.anon().with("if-none-match", "\"other\"").get(path).await.expect(200);
    }
    let etag = shop.anon().get("/v1/products/bowl").await.header("etag").to_owned();
    let stock = format!("/v1/vendor/products/{}/variants/{}/stock", bowl.id, bowl.variant);
    vendor.client.put(&stock, &json!({"on_hand": 4})).await.expect(200);
    shop.wait_until_idle().await;
    shop.anon().with("if-none-match", etag).get("/v1/products/bowl").await.expect(200);
    assert_eq!(shop.anon().get("/v1/products/nothing").await.header("cache-control"), "private, no-store");
}

#[tokio::test]
async fn a_product_handle_is_unique() {
    let shop = Shop::open().await;
    let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
    ceramics.product("bowl").draft().await;
    let prices = json!([{"prices": [{"amount": "1.00", "currency": "USD"}]}]);
    let chosen = json!({"handle": "bowl", "title": "Bowl", "variants": prices});
    silk.client.post("/v1/vendor/products", &chosen).await.expect_problem(409, "handle_taken");
    let mut handles = Vec::new();
    for _ in 0..3 {
        let suggested = json!({"title": "Bowl!", "variants": prices});
        let made = silk.client.post("/v1/vendor/products", &suggested).await;
        handles.push(made.expect(201)["handle"].as_str().unwrap().to_owned());
    }
    assert_eq!(handles, ["bowl-silk", "bowl-silk-2", "bowl-silk-3"]);
}

#[tokio::test]
async fn a_product_has_at_most_a_hundred_variants() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let variants = |count: usize| -> Value {
        (0..count)
            .map(|index| {
                json!({
                    "options": {"Number": format!("{index}")}, "on_hand": 1,
                    "prices": [{"amount": format!("{}.00", index + 1), "currency": "USD"}],
                })
            })
            .collect()
    };
    let body = |count| json!({"title": "Bowl", "options": [{"name": "Number"}], "variants": variants(count)});
    let refused = vendor.client.post("/v1/vendor/products", &body(101)).await;
    assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/variants");
    let bowl = vendor.product("bowl").set("options", json!([{"name": "Number"}]));
    let bowl = bowl.set("variants", variants(100)).draft().await;
    shop.wait_until_idle().await;
    vendor.client.post(&format!("/v1/vendor/products/{}/publish", bowl.id), &json!({})).await.expect(200);
    let seen = shop.anon().get("/v1/products/bowl").await.expect(200).clone();
    assert_eq!(seen["variants"].as_array().map(Vec::len), Some(100));
    assert!(seen["variants"].as_array().unwrap().iter().all(|variant| variant["available"] == 1));
    assert_eq!(seen["price"]["amount"], "1.00");
    let guest = shop.guest().await;
    guest.put(&bowl.variants[99], 1).await.expect(200);
    assert_eq!(guest.seen().await["totals"]["items"]["amount"], "100.00");
}

#[tokio::test]
async fn a_tree_of_a_thousand_categories_is_served_as_it_was_stored() {
    let shop = Shop::open().await;
    let tree: Vec<Value> = (0..100)
        .map(|root| {
            let children: Vec<Value> = (0..9)
                .map(|leaf| json!({"handle": format!("c{root}-{leaf}"), "name": "Leaf", "children": []}))
                .collect();
            json!({"handle": format!("c{root}"), "name": "Root", "children": children})
        })
        .collect();
    let operator = shop.operator().await;
    let put = operator.clone().with("if-match", "*").put("/v1/admin/categories", &json!({ "items": tree })).await;
    put.expect(200);
    assert_eq!(shop.anon().get("/v1/categories").await.expect(200)["items"], json!(tree));
    let vendor = shop.vendor("ceramics").await;
    add(&shop, &vendor, "bowl", "c99-8", "12.50").await;
    for category in ["c99", "c99-8"] {
        assert_eq!(listed(&shop.anon(), &format!("?category={category}")).await, ["bowl"]);
    }
    // Deleting a category leaves its products listed.
    let editor = operator.with("if-match", put.header("etag"));
    editor.put("/v1/admin/categories", &json!({"items": []})).await.expect(200);
    editor.put("/v1/admin/categories", &json!({"items": []})).await.expect_problem(412, "version_mismatch");
    assert_eq!(listed(&shop.anon(), "").await, ["bowl"]);
    shop.anon().get("/v1/products/bowl").await.expect(200);
}

#[tokio::test]
async fn a_product_page_and_a_list_take_one_round_trip_each() {
    let shop = Shop::open().await;
    put_categories(&shop).await;
    let vendor = shop.vendor("ceramics").await;
    for index in 0..30 {
        add(&shop, &vendor, &format!("bowl-{index}"), "bowls", "12.50").await;
    }
    let anon = shop.anon();
    for path in [
        "/v1/products",
        "/v1/products?limit=100",
        "/v1/products?category=home&vendor=ceramics&sort=-price&min_price=1.00",
        "/v1/products/bowl-7",
        "/v1/products/nothing",
        "/v1/vendors/ceramics",
    ] {
        let answer = anon.get(path).await;
        assert!(matches!(answer.status, 200 | 404), "{path}: {}", answer.text);
        let route = match path.split(['?', '/']).nth(3) {
            Some("nothing" | "bowl-7") => "GET /v1/products/{handle}",
            Some("ceramics") => "GET /v1/vendors/{handle}",
            _ => "GET /v1/products",
        };
        let usage = shop.cloud.services().usage.snapshot();
        // A product's page also says who sells.
        let expected = if path == "/v1/products/bowl-7" { 2 } else { 1 };
        assert_eq!(usage[route].last.round_trips, expected, "{path}: {:?}", usage[route]);
    }
}
