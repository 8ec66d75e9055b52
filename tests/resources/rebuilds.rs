//! Rebuilds: damaged copies are derived again, what is right is not written, and what cannot be read stops nothing.

mod categories;

use std::collections::BTreeMap;
use std::time::Duration;

use cloud::dynamodb::{Caller, Outcome};
use cloud::sqs::MessageAttributes;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::invariants::{items, put_item};
use crate::shop::sale::text;
use crate::shop::{Client, Product, Shop};

const REBUILDS: &str = "/v1/admin/rebuilds";
const CATALOG: &str = "CatalogTable";

fn kind(item: &Value) -> &str {
    item["kind"]["S"].as_str().unwrap_or_default()
}

fn key(item: &Value) -> (String, String) {
    (text(&item["pk"]["S"]), text(&item["sk"]["S"]))
}

/// The items of these kinds by their keys; without their versions unless those are asked for.
async fn stored(shop: &Shop, kinds: &[&str], with_versions: bool) -> BTreeMap<(String, String), Value> {
    let found = items(shop, CATALOG).await.into_iter().filter(|item| kinds.contains(&kind(item)));
    found
        .map(|mut item| {
            if !with_versions {
                item["version"] = Value::Null;
            }
            (key(&item), item)
        })
        .collect()
}

async fn delete_item(shop: &Shop, item: &Value) {
    let services = shop.cloud.services();
    let name = &services.template.table(CATALOG).expect("a table").name;
    let asked = json!({"TableName": name, "Key": {"pk": item["pk"], "sk": item["sk"]}}).to_string();
    let answer = services.dynamodb.call(&Caller::root(), "DeleteItem", asked.as_bytes()).await;
    assert!(matches!(answer, Outcome::Answer(status, _) if status.is_success()));
}

/// Runs a rebuild to its end, and returns it as it is shown then.
async fn rebuild(shop: &Shop, operator: &Client, what: &str) -> Value {
    let begun = operator.post(REBUILDS, &json!({"what": what})).await;
    assert_eq!(begun.expect(202)["what"], what);
    shop.wait_until_idle().await;
    let shown = operator.get(begun.header("location")).await.expect(200).clone();
    assert_eq!((&shown["state"], &shown["id"]), (&json!("completed"), &begun.json["id"]), "{shown}");
    shown
}

fn counts(shown: &Value) -> [u64; 3] {
    ["examined", "rewritten", "unreadable"].map(|name| shown[name].as_u64().expect("a count"))
}

/// A shop with a category and these products in it, all of them published.
async fn shop_with(handles: &[&str]) -> (Shop, Vec<Product>) {
    let shop = Shop::open().await;
    let tree = json!({"items": [{"handle": "tableware", "name": "Tableware", "children": []}]});
    shop.operator().await.with("if-match", "*").put("/v1/admin/categories", &tree).await.expect(200);
    let vendor = shop.vendor("ceramics").await;
    let mut products = Vec::new();
    for handle in handles {
        products.push(vendor.product(handle).set("category", json!("tableware")).stock(5).shards(2).publish().await);
    }
    vendor.product("sketch").draft().await;
    shop.wait_until_idle().await;
    (shop, products)
}

#[tokio::test]
async fn wrong_availability_is_read_from_the_stock_again() {
    let (shop, products) = shop_with(&["bowl", "jug", "mug"]).await;
    let operator = shop.operator().await;
    let page = async |handle: &str| shop.anon().get(&format!("/v1/products/{handle}")).await.expect(200).clone();
    let right = stored(&shop, &["availability", "listing"], false).await;
    for item in stored(&shop, &["availability"], true).await.values() {
        let mut wrong = item.clone();
        let product = key(item).0.replace("PRODUCT#", "");
        let units = match products.iter().position(|known| known.id == product) {
            Some(0) => 0,
            Some(1) => 77,
            _ => continue,
        };
        let mut data: Value = serde_json::from_str(&text(&item["data"]["S"])).expect("a document");
        for left in data["available"].as_object_mut().expect("units").values_mut() {
            *left = json!(units);
        }
        data["available"][format!("var_{}_9", product.replace("prd_", ""))] = json!(3);
        wrong["data"] = json!({"S": data.to_string()});
        put_item(&shop, CATALOG, &wrong).await;
    }
    assert_eq!(page("jug").await["variants"][0]["available"], 77);
    let shown = rebuild(&shop, &operator, "availability").await;
    assert_eq!(counts(&shown), [4, 2, 0], "{shown}");
    for handle in ["bowl", "jug", "mug"] {
        assert_eq!(page(handle).await["variants"][0]["available"], 5, "{handle}");
    }
    assert_eq!(stored(&shop, &["availability", "listing"], false).await, right);
    let before = stored(&shop, &["availability", "listing", "product"], true).await;
    assert_eq!(counts(&rebuild(&shop, &operator, "availability").await), [4, 0, 0]);
    assert_eq!(stored(&shop, &["availability", "listing", "product"], true).await, before, "nothing is written");
}

#[tokio::test]
async fn listing_rows_are_derived_again_and_those_of_no_product_deleted() {
    let (shop, products) = shop_with(&["bowl", "jug", "mug"]).await;
    let operator = shop.operator().await;
    let right = stored(&shop, &["listing"], false).await;
    assert_eq!(right.len(), 12, "three products in four lists");
    let of = |product: &Product, list: &str, (pk, sk): &(String, String)| {
        sk.ends_with(&product.id) && pk == &format!("LIST#{list}#USD")
    };
    for (key, row) in stored(&shop, &["listing"], true).await {
        let (bowl, jug, mug) = (&products[0], &products[1], &products[2]);
        if of(bowl, "tableware#*", &key) {
            // The address of pictures was another one when the row was written.
            let mut stale = row.clone();
            let card = text(&row["data"]["S"]).replace("\"image\":null", "\"image\":{\"url\":\"https://old.test/1\"}");
            assert!(card.contains("old.test"), "{card}");
            stale["data"] = json!({"S": card});
            put_item(&shop, CATALOG, &stale).await;
            // A category that the product has left, and a product that is gone.
            stale["pk"] = json!({"S": "LIST#gone#*#USD"});
            stale["list_key"] = stale["pk"].clone();
            put_item(&shop, CATALOG, &stale).await;
            stale["sk"] = json!({"S": key.1.replace(&bowl.id, "prd_01jd2v9k3mfe8tq5r7w0x4y6za")});
            put_item(&shop, CATALOG, &stale).await;
        } else if of(jug, "*#*", &key) {
            delete_item(&shop, &row).await;
        } else if of(mug, "*#ceramics", &key) {
            let mut stale = row.clone();
            stale["price_key"] = json!({"S": "0000000000000000001#x"});
            put_item(&shop, CATALOG, &stale).await;
        }
    }
    let listed = async || shop.anon().get("/v1/products").await.expect(200)["items"].as_array().map(Vec::len);
    assert_eq!(listed().await, Some(2));
    let shown = rebuild(&shop, &operator, "listings").await;
    assert_eq!(counts(&shown), [6, 5, 0], "four products and two rows that none of them has: {shown}");
    assert_eq!(listed().await, Some(3));
    assert_eq!(stored(&shop, &["listing"], false).await, right);
    let before = stored(&shop, &["availability", "listing", "product"], true).await;
    assert_eq!(counts(&rebuild(&shop, &operator, "listings").await), [4, 0, 0]);
    assert_eq!(stored(&shop, &["availability", "listing", "product"], true).await, before, "nothing is written");
}

#[tokio::test]
async fn products_that_cannot_be_read_are_counted_and_stop_nothing() {
    let (shop, products) = shop_with(&["bowl", "jug", "mug", "pot"]).await;
    let operator = shop.operator().await;
    let rows = stored(&shop, &["listing"], true).await;
    for item in items(&shop, CATALOG).await {
        let (pk, _) = key(&item);
        let of = |product: &Product| pk.ends_with(&product.id);
        let mut changed = item.clone();
        if kind(&item) == "product" && of(&products[0]) {
            changed["data"] = json!({"S": "{"});
        } else if kind(&item) == "product" && of(&products[1]) {
            let newer = text(&item["data"]["S"]).replace("\"state\":\"published\"", "\"state\":\"hidden\"");
            assert!(newer.contains("hidden"), "{newer}");
            changed["data"] = json!({"S": newer});
        } else if kind(&item) == "availability" && of(&products[2]) {
            changed["data"] = json!({"S": "none"});
        } else if kind(&item) == "listing" && key(&item).1.ends_with(&products[3].id) {
            delete_item(&shop, &item).await;
            continue;
        } else {
            continue;
        }
        put_item(&shop, CATALOG, &changed).await;
    }
    let shown = rebuild(&shop, &operator, "listings").await;
    assert_eq!(counts(&shown), [5, 1, 3], "{shown}");
    assert_eq!(
        stored(&shop, &["listing"], true).await.keys().collect::<Vec<_>>(),
        rows.keys().collect::<Vec<_>>(),
        "the rows of what cannot be read stay"
    );
    let shown = rebuild(&shop, &operator, "availability").await;
    assert_eq!(counts(&shown)[2], 2, "{shown}");
    assert_eq!(shop.depth("FollowUpsDeadLetters").visible, 0);
}

#[tokio::test]
async fn a_rebuild_that_stopped_goes_on_and_begins_anew_when_it_was_asked_for_meanwhile() {
    let (shop, _) = shop_with(&["bowl"]).await;
    let operator = shop.operator().await;
    let first = rebuild(&shop, &operator, "listings").await;
    assert_eq!(counts(&first)[1], 0);
    let stored_job = async || {
        let of = ("REBUILD#listings".to_owned(), "REBUILD".to_owned());
        stored(&shop, &["rebuild"], true).await.remove(&of).expect("a rebuild")
    };
    let mut job = stored_job().await;
    let mut data: Value = serde_json::from_str(&text(&job["data"]["S"])).expect("a document");
    let started = data["created_at"].clone();
    // Its worker died, and its message is lost: all that is left is the item with its lease and its position.
    let rows = stored(&shop, &["listing"], true).await;
    let (pk, sk) = rows.keys().next().expect("a row").clone();
    data["state"] = json!("running");
    data["lease"] = json!({"message": "lost", "until": started});
    data["position"] = json!({"pk": format!("s{pk}"), "sk": format!("s{sk}")});
    data.as_object_mut().expect("fields").remove("finished_at");
    job["data"] = json!({"S": data.to_string()});
    put_item(&shop, CATALOG, &job).await;
    for row in rows.values() {
        delete_item(&shop, row).await;
    }
    // Until it is over it is the answer to whoever asks for it, and begins anew: all rows are back.
    let again = operator.post(REBUILDS, &json!({"what": "listings"})).await;
    assert_eq!((&again.expect(202)["id"], &again.json["state"]), (&first["id"], &json!("running")));
    shop.wait_until_idle().await;
    let path = format!("{REBUILDS}/{}", text(&first["id"]));
    assert_eq!(operator.get(&path).await.expect(200)["state"], "completed");
    assert_eq!(stored(&shop, &["listing"], true).await.len(), rows.len());
    // Without a further request, reading it sends a new message.
    job["version"] = stored_job().await["version"].clone();
    put_item(&shop, CATALOG, &job).await;
    shop.advance(Duration::from_secs(3_700)).await;
    let operator = shop.operator().await;
    assert_eq!(operator.get(&path).await.expect(200)["state"], "running");
    shop.wait_until_idle().await;
    assert_eq!(operator.get(&path).await.expect(200)["state"], "completed");
    let next = rebuild(&shop, &operator, "listings").await;
    assert_ne!(next["id"], first["id"]);
    operator.get(&path).await.expect_problem(404, "not_found");
}

fn category(handle: &str, children: &[Value]) -> Value {
    json!({"handle": handle, "name": handle, "children": children})
}

/// Replaces the category tree, and waits until products have followed it.
async fn replace_tree(shop: &Shop, roots: &[Value]) {
    shop.operator().await.with("if-match", "*").put("/v1/admin/categories", &json!({"items": roots})).await.expect(200);
    shop.wait_until_idle().await;
}

/// The handles of the products in a category, sorted.
async fn listed(shop: &Shop, category: &str) -> Vec<String> {
    let page = shop.anon().get(&format!("/v1/products?category={category}&sort=price")).await.expect(200).clone();
    let mut handles: Vec<String> =
        page["items"].as_array().expect("items").iter().map(|item| text(&item["handle"])).collect();
    // Products of one price made in one moment stand in any order.
    handles.sort();
    handles
}

#[tokio::test]
async fn products_follow_a_category_that_is_moved_removed_and_brought_back() {
    let shop = Shop::open().await;
    replace_tree(&shop, &[category("home", &[category("bowls", &[])]), category("food", &[])]).await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").set("category", json!("bowls")).stock(5).publish().await;
    let draft = vendor.product("sketch").set("category", json!("bowls")).draft().await;
    let shown = async || shop.anon().get("/v1/products/bowl").await.expect(200)["category"].clone();
    assert_eq!(listed(&shop, "home").await, ["bowl"]);

    replace_tree(&shop, &[category("home", &[]), category("food", &[category("bowls", &[])])]).await;
    for (list, handles) in [("home", &[][..]), ("food", &["bowl"]), ("bowls", &["bowl"])] {
        assert_eq!(listed(&shop, list).await, handles, "{list}");
    }
    assert_eq!(listed(&shop, "food&vendor=ceramics").await, ["bowl"]);

    replace_tree(&shop, &[category("food", &[]), category("home", &[])]).await;
    assert_eq!(listed(&shop, "food").await, ["bowl"], "what is left of its path");
    shop.anon().get("/v1/products?category=bowls").await.expect_problem(404, "not_found");
    assert_eq!(shown().await, "food");
    // Its vendor need not know: what they read can be written again, while nothing new comes into the category.
    for product in [&bowl, &draft] {
        assert_eq!(product.seen_by_vendor().await["category"], "bowls");
    }
    let seen = bowl.seen_by_vendor().await;
    let mut written = json!({"title": "Bowl again"});
    for field in ["handle", "category", "options"] {
        written[field] = seen[field].clone();
    }
    let one = &seen["variants"][0];
    written["variants"] = json!([{"id": one["id"], "prices": one["prices"], "options": one["options"]}]);
    let client = vendor.client.clone().with("if-match", "*");
    let path = format!("/v1/vendor/products/{}", bowl.id);
    assert_eq!(client.put(&path, &written).await.expect(200)["category"], "bowls");
    written["handle"] = json!("other-bowl");
    let problem = vendor.client.post("/v1/vendor/products", &written).await.expect_problem(400, "invalid").clone();
    assert!(problem["errors"].to_string().contains("/category"), "{problem}");

    replace_tree(&shop, &[category("home", &[category("bowls", &[])])]).await;
    for list in ["home", "bowls"] {
        assert_eq!(listed(&shop, list).await, ["bowl"], "{list}");
    }
    assert_eq!(shown().await, "bowls");
    client.post(&format!("/v1/vendor/products/{}/publish", draft.id), &json!({})).await.expect(200);
    assert_eq!(listed(&shop, "home").await, ["bowl", "sketch"], "a draft has followed as well");

    // Another name moves nothing.
    let before = stored(&shop, &["rebuild", "product"], true).await;
    let named = json!({"handle": "home", "name": "At home", "children": [category("bowls", &[])]});
    replace_tree(&shop, &[named]).await;
    assert_eq!(stored(&shop, &["rebuild", "product"], true).await, before);
}

#[tokio::test]
async fn what_was_written_with_the_former_tree_follows_as_well() {
    let shop = Shop::open().await;
    replace_tree(&shop, &[category("home", &[category("bowls", &[])]), category("food", &[])]).await;
    let bowl = shop.vendor("ceramics").await.product("bowl").set("category", json!("bowls")).stock(5).publish().await;
    shop.advance(Duration::from_secs(300)).await;
    let former: Vec<Value> =
        items(&shop, CATALOG).await.into_iter().filter(|item| ["product", "listing"].contains(&kind(item))).collect();
    replace_tree(&shop, &[category("home", &[]), category("food", &[category("bowls", &[])])]).await;
    assert_eq!(listed(&shop, "food").await, ["bowl"]);
    // A slow import, which had read the former tree, writes the product after the rebuild has passed it.
    for item in stored(&shop, &["listing"], true).await.values() {
        delete_item(&shop, item).await;
    }
    for mut item in former {
        if kind(&item) == "product" {
            item["version"] = json!({"N": "9"});
        }
        put_item(&shop, CATALOG, &item).await;
    }
    assert_eq!(listed(&shop, "home").await, ["bowl"]);
    shop.advance(Duration::from_secs(121)).await;
    assert_eq!((listed(&shop, "home").await, listed(&shop, "food").await), (vec![], vec!["bowl".to_owned()]));
    assert_eq!(bowl.seen_by_vendor().await["category"], "bowls");
}

#[tokio::test]
async fn availability_that_the_projection_gives_up_on_is_derived_again_by_itself() {
    let (shop, _) = shop_with(&["bowl"]).await;
    for item in stored(&shop, &["availability"], true).await.into_values() {
        let mut wrong = item;
        let mut data: Value = serde_json::from_str(&text(&wrong["data"]["S"])).expect("a document");
        for left in data["available"].as_object_mut().expect("units").values_mut() {
            *left = json!(77);
        }
        wrong["data"] = json!({"S": data.to_string()});
        put_item(&shop, CATALOG, &wrong).await;
    }
    let queues = &shop.cloud.services().queues;
    let given_up = json!({"DDBStreamBatchInfo": {"shardId": "shardId-1", "startSequenceNumber": "1"}}).to_string();
    for _ in 0..12 {
        queues.send(&shop.queue("ProjectionsDeadLetters"), &given_up, &MessageAttributes::default()).expect("sent");
    }
    for _ in 0..10 {
        shop.advance(Duration::from_secs(60)).await;
    }
    assert_eq!(shop.anon().get("/v1/products/bowl").await.expect(200)["variants"][0]["available"], 5);
    assert_eq!(shop.depth("ProjectionsDeadLetters").visible, 0);
    let rebuilds = stored(&shop, &["rebuild"], true).await;
    let begun: Vec<_> = rebuilds.keys().filter(|(pk, _)| pk == "REBUILD#availability").collect();
    assert_eq!(begun.len(), 1);
}

#[tokio::test]
async fn the_one_item_of_all_settings_is_split_and_nothing_in_force_changes() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    const TABLE: &str = "SettingsTable";
    let common = async || {
        items(&shop, TABLE).await.into_iter().find(|item| key(item) == ("SHOP".to_owned(), "SETTINGS".to_owned()))
    };
    let setting = async |path: &str| operator.get(&format!("/v1/admin/settings/{path}")).await.expect(200).clone();
    let mut item = common().await.expect("the demo's settings");
    let mut data: Value = serde_json::from_str(&text(&item["data"]["S"])).expect("a document");
    data["rates"] = json!({"tax": 700, "commission": 900});
    data["providers"] = json!(["cash_on_delivery"]);
    data["limits"] = json!({"unpaid_orders": 4});
    item["data"] = json!({"S": data.to_string()});
    put_item(&shop, TABLE, &item).await;
    let own = operator.clone().with("if-match", "\"0\"");
    own.put("/v1/admin/settings/limits/unpaid-orders", &json!({"most": 7})).await.expect(200);
    own.put("/v1/admin/settings/commission/default", &json!({"basis_points": 100})).await.expect(200);
    let reset = operator.clone().with("if-match", "*");
    let path = "/v1/admin/settings/commission/default";
    reset.send(Method::DELETE, path, None, "application/json").await.expect(200);
    let paths = ["tax/default", "commission/default", "limits/unpaid-orders", "payment-methods/stripe"];
    let values = async || {
        let mut values = Vec::new();
        for path in paths {
            values.push(setting(path).await["value"].clone());
        }
        values
    };
    let before = values().await;

    let shown = rebuild(&shop, &operator, "settings").await;
    assert_eq!(counts(&shown), [37, 5, 0], "tax, commission and both payment methods");
    assert_eq!(values().await, before);
    assert!(common().await.is_none());
    let tax = setting("tax/default").await;
    assert_eq!((&tax["version"], &tax["changed_by"], &tax["is_default"]), (&json!(1), &Value::Null, &json!(false)));
    let kept = items(&shop, TABLE).await.into_iter().find(|item| key(item).0 == "HISTORY#SETTINGS");
    assert_eq!(kept.expect("the former item")["data"], item["data"], "nothing is lost");
    let history = setting("commission/default/history").await["items"].clone();
    assert_eq!(history.as_array().map(Vec::len), Some(3), "{history}");
    assert_eq!(counts(&rebuild(&shop, &operator, "settings").await), [0, 0, 0]);
    let tax = reset.send(Method::DELETE, "/v1/admin/settings/tax/default", None, "application/json").await;
    assert_eq!(tax.expect(200)["value"], json!({"basis_points": 0}), "the marketplace's own default");

    // What would change is left as it is.
    data["rates"] = json!({"tax": 99_999});
    item["data"] = json!({"S": data.to_string()});
    put_item(&shop, TABLE, &item).await;
    assert_eq!(counts(&rebuild(&shop, &operator, "settings").await), [1, 0, 1]);
    assert!(common().await.is_some());
}
