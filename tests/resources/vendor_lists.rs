//! What vendors find in their lists: orders by state, time and text, products by text, state and stock; and the counts
//! on the first page of their desk.

use std::time::Duration;

use cloud::dynamodb::{Caller, Outcome};
use domain::payment::RefundState;
use serde_json::{Value, json};

use crate::shop::invariants::{items, put_item};
use crate::shop::sale::text;
use crate::shop::{Client, Product, Shop, Vendor};

const ORDERS: &str = "OrdersTable";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// All entries of a list over all its pages, by one of their fields.
pub(super) async fn listed(client: &Client, path: &str, field: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut page = client.get(path).await;
    loop {
        found.extend(page.expect(200)["items"].as_array().expect("items").iter().map(|item| text(&item[field])));
        let Some(next) = page.json["next"].as_str() else { return found };
        let joint = if path.contains('?') { '&' } else { '?' };
        page = client.get(&format!("{path}{joint}cursor={next}")).await;
    }
}

/// Makes the marketplace one whose lists by state were never written anew.
async fn forget_rebuild(shop: &Shop) {
    let services = shop.cloud.services();
    let name = &services.template.table("CatalogTable").expect("a table").name;
    let key = json!({"pk": {"S": "REBUILD#order_lists"}, "sk": {"S": "REBUILD"}});
    let asked = json!({"TableName": name, "Key": key}).to_string();
    let answer = services.dynamodb.call(&Caller::root(), "DeleteItem", asked.as_bytes()).await;
    assert!(matches!(answer, Outcome::Answer(status, _) if status.is_success()));
}

/// Has the places of all orders in lists by state written anew.
pub(super) async fn relist(shop: &Shop) -> Value {
    let operator = shop.operator().await;
    let begun = operator.post("/v1/admin/rebuilds", &json!({"what": "order_lists"})).await;
    begun.expect(202);
    shop.wait_until_idle().await;
    let shown = operator.get(begun.header("location")).await.expect(200).clone();
    assert_eq!(shown["state"], "completed", "{shown}");
    shown
}

/// Makes the vendor orders, refunds and disputes what a release wrote that knew no lists of them by state.
pub(super) async fn forget_places(shop: &Shop) -> usize {
    let mut forgotten = 0;
    forget_rebuild(shop).await;
    for mut item in items(shop, ORDERS).await {
        // The list of refunds that need somebody is as old as they are.
        let lists = RefundState::ALL.map(|state| format!("REFUND#{}", state.as_str()));
        let is_new = match item["kind"]["S"].as_str() {
            Some("vendor_order" | "dispute") => item.get("state_key").is_some(),
            Some("refund") => lists.iter().any(|list| item["state_key"]["S"] == list.as_str()),
            _ => false,
        };
        if is_new {
            for name in ["state_key", "state_sort"] {
                item.as_object_mut().expect("an item").remove(name);
            }
            put_item(shop, ORDERS, &item).await;
            forgotten += 1;
        }
    }
    forgotten
}

/// An order on delivery of one unit each; its id and number, and the id of the vendor order of the first product's
/// vendor.
pub(super) async fn ordered(shop: &Shop, products: &[&Product]) -> (String, String, String) {
    let lines: Vec<(&Product, u32)> = products.iter().map(|product| (*product, 1)).collect();
    let guest = shop.guest().await.takes(&lines).await;
    let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    let vendors = order["vendors"].as_array().expect("vendor orders");
    let own = vendors.iter().find(|own| own["vendor"]["id"] == products[0].vendor.id.as_str());
    (text(&order["id"]), text(&order["number"]), text(&own.expect("a vendor order")["id"]))
}

async fn step(client: &Client, vendor_order: &str, step: &str, body: &Value) {
    client.post(&format!("/v1/vendor/orders/{vendor_order}/{step}"), body).await.expect(200);
}

/// A vendor with a shipped, an accepted and a pending order, each placed a day after the one before.
struct ThreeOrders {
    shop: Shop,
    vendor: Vendor,
    bowl: Product,
    /// The ids of the vendor orders, oldest first.
    ids: [String; 3],
    numbers: [String; 3],
    /// When the second one was placed: a date.
    second_day: String,
}

impl ThreeOrders {
    async fn placed() -> Self {
        let shop = Shop::open().await;
        let mut vendor = shop.vendor("ceramics").await;
        let bowl = vendor.product("bowl").stock(9).set("title", json!("Кўк коса")).publish().await;
        let jug = vendor.product("jug").stock(9).publish().await;
        let first = ordered(&shop, &[&bowl]).await;
        step(&vendor.client, &first.2, "accept", &json!({})).await;
        step(&vendor.client, &first.2, "ship", &json!({"carrier": "UzPost", "tracking_number": "RR 123 UZ"})).await;
        shop.advance(DAY).await;
        let second = ordered(&shop, &[&bowl, &jug]).await;
        let second_day = shop.cloud.now().to_string().split('T').next().expect("a date").to_owned();
        shop.advance(DAY).await;
        let third = ordered(&shop, &[&bowl]).await;
        vendor.client = shop.sign_in_again(&vendor).await;
        step(&vendor.client, &second.2, "accept", &json!({})).await;
        let ids = [first.2, second.2, third.2];
        Self { shop, vendor, bowl, ids, numbers: [first.1, second.1, third.1], second_day }
    }

    async fn lists(&self, query: &str, expected: &[usize]) {
        let expected: Vec<&String> = expected.iter().map(|index| &self.ids[*index]).collect();
        for limit in [20, 1] {
            let path = format!("/v1/vendor/orders?limit={limit}&{query}");
            assert_eq!(listed(&self.vendor.client, &path, "id").await.iter().collect::<Vec<_>>(), expected, "{path}");
        }
    }

    async fn lists_everything_right(&self) {
        let (day, number) = (&self.second_day, &self.numbers[0]);
        self.lists("", &[2, 1, 0]).await;
        for (state, expected) in [("pending", 2), ("accepted", 1), ("shipped", 0)] {
            self.lists(&format!("state={state}"), &[expected]).await;
        }
        self.lists("state=declined", &[]).await;
        self.lists(&format!("placed_from={day}"), &[2, 1]).await;
        self.lists(&format!("placed_before={day}"), &[0]).await;
        self.lists(&format!("placed_from={day}T00:00:00Z&state=shipped"), &[]).await;
        self.lists(&format!("placed_from={day}T00:00:00Z&state=accepted"), &[1]).await;
        self.lists("q=kosa", &[2, 1, 0]).await;
        self.lists("q=JUG", &[1]).await;
        self.lists("q=jug+kosa&state=accepted", &[1]).await;
        self.lists("q=jug&state=pending", &[]).await;
        self.lists("q=rr+123", &[0]).await;
        self.lists("q=uzpost+jug", &[]).await;
        // A number as people type it, and the beginning of one.
        let typed = number.to_lowercase().replace('-', "+").replace('0', "o").replace('1', "l");
        self.lists(&format!("q={typed}"), &[0]).await;
        self.lists(&format!("q=%23{number}"), &[0]).await;
        self.lists(&format!("q={}", &number[..5]), &[0]).await;
        self.lists(&format!("q={number}&state=pending"), &[]).await;
    }

    async fn counts(&self) -> [Value; 3] {
        let seen = self.vendor.client.get("/v1/vendor/summary").await.expect(200)["orders"].clone();
        ["to_accept", "to_send", "on_the_way"].map(|name| seen[name].clone())
    }
}

fn exactly(count: u32) -> Value {
    json!({"count": count, "at_least": false})
}

#[tokio::test]
async fn a_vendor_finds_its_orders_by_state_time_and_text_whichever_release_has_written_them() {
    let three = ThreeOrders::placed().await;
    three.lists_everything_right().await;
    assert_eq!(three.counts().await, [exactly(1), exactly(1), exactly(1)]);
    // Before the lists by state are complete nobody relies on them, and then everybody does.
    assert_eq!(forget_places(&three.shop).await, 3);
    three.lists_everything_right().await;
    assert_eq!(three.counts().await, [exactly(1), exactly(1), exactly(1)]);
    let shown = relist(&three.shop).await;
    assert_eq!((&shown["examined"], &shown["rewritten"], &shown["unreadable"]), (&json!(3), &json!(3), &json!(0)));
    three.lists_everything_right().await;
    assert_eq!(three.counts().await, [exactly(1), exactly(1), exactly(1)]);
    assert_eq!(relist(&three.shop).await["rewritten"], 0, "nothing is written twice");

    // Each step moves it to another list.
    step(&three.vendor.client, &three.ids[2], "accept", &json!({})).await;
    step(&three.vendor.client, &three.ids[1], "ship", &json!({})).await;
    three.lists("state=accepted", &[2]).await;
    three.lists("state=shipped", &[1, 0]).await;
    assert_eq!(three.counts().await, [exactly(0), exactly(1), exactly(2)]);
    three.shop.wait_until_idle().await;
}

#[tokio::test]
async fn a_vendor_sees_no_order_of_another_by_its_number() {
    let three = ThreeOrders::placed().await;
    let rival = three.shop.vendor("silk").await;
    let found = rival.client.get(&format!("/v1/vendor/orders?q={}", three.numbers[0])).await.expect(200).clone();
    assert_eq!(found, json!({"items": [], "next": null}));
    // An order that awaits its payment is not found either.
    let guest = three.shop.guest().await.takes(&[(&three.bowl, 1)]).await;
    let number = text(&guest.checks_out("stripe", "once").await.expect(201)["number"]);
    three.lists(&format!("q={number}"), &[]).await;
}

#[tokio::test]
async fn bounds_that_leave_no_time_are_refused_and_a_cursor_belongs_to_its_filter() {
    let three = ThreeOrders::placed().await;
    let client = &three.vendor.client;
    let mixed_up = client.get("/v1/vendor/orders?placed_from=2026-12-01&placed_before=2026-11-30").await;
    assert_eq!(mixed_up.expect_problem(400, "invalid")["errors"][0]["pointer"], "placed_before");
    let next = text(&client.get("/v1/vendor/orders?limit=1&q=kosa").await.expect(200)["next"]);
    client.get(&format!("/v1/vendor/orders?limit=1&q=kosa&cursor={next}")).await.expect(200);
    for other in ["q=jug", "q=kosa&state=pending", "q=kosa&placed_from=2026-11-30", ""] {
        let refused = client.get(&format!("/v1/vendor/orders?limit=1&{other}&cursor={next}")).await;
        refused.expect_problem(400, "invalid_cursor");
    }
}

/// Gives the vendor so many delivered orders that are newer than all others.
async fn add_delivered(three: &ThreeOrders, count: u32) {
    let all = items(&three.shop, ORDERS).await;
    let newest =
        all.iter().filter(|item| item["kind"]["S"] == "vendor_order").max_by_key(|item| text(&item["pk"]["S"]));
    let newest = newest.expect("a vendor order");
    let order = text(&newest["vendor_sort"]["S"]);
    for number in 0..count {
        let mut last: Vec<char> = order.chars().collect();
        // The digits of its time, so that it is newer.
        last.splice(4..14, "7zzzzz".chars().chain(format!("{number:04}").chars()));
        let id: String = last.into_iter().collect();
        let item = newest.to_string().replace(&order, &id).replace("\\\"pending\\\"", "\\\"delivered\\\"");
        let mut item: Value = serde_json::from_str(&item).expect("JSON");
        item["state_key"] = json!({"S": text(&item["state_key"]["S"]).replace("#pending", "#delivered")});
        put_item(&three.shop, ORDERS, &item).await;
    }
}

#[tokio::test]
async fn a_page_of_a_filtered_list_looks_at_a_thousand_orders_and_one_of_a_state_at_its_own() {
    let three = ThreeOrders::placed().await;
    add_delivered(&three, 1_050).await;
    forget_rebuild(&three.shop).await;
    let client = &three.vendor.client;
    let page = client.get("/v1/vendor/orders?state=pending").await.expect(200).clone();
    assert_eq!((&page["items"], page["next"].is_string()), (&json!([]), true), "the newest thousand are delivered");
    three.lists("state=pending", &[2]).await;
    three.lists("q=jug", &[1]).await;
    let many = json!({"count": 0, "at_least": true});
    assert_eq!(three.counts().await, [many.clone(), many.clone(), many]);
    let route = "GET /v1/vendor/orders";
    let cost = || three.shop.cloud.services().usage.snapshot()[route].last;
    assert!(cost().round_trips <= 9, "{:?}", cost());

    relist(&three.shop).await;
    let page = client.get("/v1/vendor/orders?state=pending").await.expect(200).clone();
    assert_eq!((page["items"].as_array().map(Vec::len), page["next"].is_null()), (Some(1), true));
    // Membership, the second factor, the vendor's account, whether the lists are whole, one query of keys, and their
    // items.
    assert!(cost().round_trips <= 6, "{:?}", cost());
    assert_eq!(three.counts().await, [exactly(1), exactly(1), exactly(1)]);
    let delivered = client.get("/v1/vendor/orders?state=delivered&limit=100").await.expect(200).clone();
    assert_eq!((delivered["items"].as_array().map(Vec::len), delivered["next"].is_string()), (Some(100), true));
    assert_eq!(listed(client, "/v1/vendor/orders?state=delivered&limit=100", "id").await.len(), 1_050);
}

#[tokio::test]
async fn more_than_99_orders_are_counted_as_at_least_99() {
    let three = ThreeOrders::placed().await;
    add_delivered(&three, 120).await;
    // As many as are delivered now are shipped.
    for item in items(&three.shop, ORDERS).await {
        let delivered = item.to_string();
        let shipped = delivered.replace("\\\"delivered\\\"", "\\\"shipped\\\"").replace("#delivered", "#shipped");
        if item["kind"]["S"] == "vendor_order" && shipped != delivered {
            put_item(&three.shop, ORDERS, &serde_json::from_str(&shipped).expect("JSON")).await;
        }
    }
    assert_eq!(three.counts().await, [exactly(1), exactly(1), json!({"count": 99, "at_least": true})]);
}

#[tokio::test]
async fn a_vendor_finds_its_products_by_text_state_and_stock() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let client = &vendor.client;
    let variant = |sku: &str, units: i64, low: Value| json!([{"sku": sku, "prices": [{"amount": "12.50", "currency": "USD"}], "on_hand": units, "low_stock_at": low}]);
    let bowl = vendor.product("bowl").set("title", json!("Кўк коса")).set("variants", variant("BOWL-1", 5, json!(2)));
    // A second apart, so that their order is known.
    let later = async || shop.advance(Duration::from_secs(1)).await;
    let bowl = bowl.publish().await;
    later().await;
    let jug = vendor.product("jug").set("tags", json!(["gift"])).set("variants", variant("JUG-1", 0, json!(null)));
    let jug = jug.publish().await;
    later().await;
    let mug = vendor.product("mug").set("variants", variant("MUG-1", 2, json!(2))).publish().await;
    later().await;
    let sketch = vendor.product("sketch").set("variants", variant("SKETCH-1", 0, json!(null))).draft().await;
    shop.wait_until_idle().await;
    let lists = async |query: &str, expected: &[&Product]| {
        for limit in [20, 1] {
            let path = format!("/v1/vendor/products?limit={limit}&{query}");
            let expected: Vec<&str> = expected.iter().map(|product| product.handle.as_str()).collect();
            assert_eq!(listed(client, &path, "handle").await, expected, "{path}");
        }
    };
    lists("", &[&sketch, &mug, &jug, &bowl]).await;
    lists("q=kosa", &[&bowl]).await;
    lists("q=gift", &[&jug]).await;
    lists("q=mug-1", &[&mug]).await;
    lists("q=-1", &[&sketch, &mug, &jug, &bowl]).await;
    lists("state=draft", &[&sketch]).await;
    lists("state=published&q=-1", &[&mug, &jug, &bowl]).await;
    lists("stock=in_stock", &[&bowl]).await;
    lists("stock=low", &[&mug]).await;
    lists("stock=sold_out", &[&sketch, &jug]).await;
    lists("stock=sold_out&state=published", &[&jug]).await;
    lists("stock=low&q=bowl", &[]).await;
    let counts = async || client.get("/v1/vendor/summary").await.expect(200)["products"].clone();
    assert_eq!(counts().await, json!({"sold_out": exactly(1), "low": exactly(1)}));

    // What is sold and what comes in moves products between them.
    ordered(&shop, &[&mug]).await;
    ordered(&shop, &[&mug]).await;
    let stock = format!("/v1/vendor/products/{}/variants/{}/stock", jug.id, jug.variant);
    client.put(&stock, &json!({"on_hand": 3})).await.expect(200);
    shop.wait_until_idle().await;
    lists("stock=in_stock", &[&jug, &bowl]).await;
    lists("stock=sold_out&state=published", &[&mug]).await;
    assert_eq!(counts().await, json!({"sold_out": exactly(1), "low": exactly(0)}));

    let next = text(&client.get("/v1/vendor/products?limit=1&state=published").await.expect(200)["next"]);
    for other in ["state=draft", "state=published&stock=low", ""] {
        let refused = client.get(&format!("/v1/vendor/products?limit=1&{other}&cursor={next}")).await;
        refused.expect_problem(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn a_member_is_told_what_they_may_read() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let seen = vendor.client.get("/v1/vendor/summary").await.expect(200).clone();
    assert!(seen["orders"].is_object() && seen["products"].is_object(), "{seen}");
    let bookkeeper = shop.buyer("bobur").await;
    shop.member(&vendor.client, "bobur@people.test", "finance").await;
    let seen = bookkeeper.get("/v1/vendor/summary").await.expect(200).clone();
    assert!(seen["orders"].is_object() && seen.get("products").is_none(), "{seen}");
}
