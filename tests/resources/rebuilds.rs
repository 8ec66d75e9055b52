//! Rebuilds: damaged copies are derived again, what is right is not written, and what cannot be read stops nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud::dynamodb::{Caller, Outcome};
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
    let mut job = stored(&shop, &["rebuild"], true).await.into_values().next().expect("a rebuild");
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
    job["version"] =
        stored(&shop, &["rebuild"], true).await.into_values().next().expect("a rebuild")["version"].clone();
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
