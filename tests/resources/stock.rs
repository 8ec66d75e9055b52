//! Stock: no change by a vendor, concurrent with sales or crashes, loses or creates a unit.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::shop::invariants::items;
use crate::shop::sale::Sale;
use crate::shop::{Answer, Product, Shop};

fn stock_path(product: &Product) -> String {
    format!("/v1/vendor/products/{}/variants/{}/stock", product.id, product.variant)
}

async fn changes(product: &Product, change: &Value) -> Answer {
    product.vendor.client.put(&stock_path(product), change).await
}

/// A guest orders this many units.
async fn buys(shop: &Shop, product: &Product, units: u32) -> Answer {
    shop.guest().await.takes(&[(product, units)]).await.checks_out("cash_on_delivery", "once").await
}

async fn cancels(shop: &Shop, order: &Value) {
    let client = shop.anon().with("order-token", order["token"].as_str().unwrap()).with("idempotency-key", "cancel");
    client.post(&format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap()), &json!({})).await.expect_success();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_is_rebalanced_over_more_and_fewer_shards_while_it_is_sold() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(60).publish().await;
    let mut orders = Vec::new();
    for shards in [8, 2, 32, 5, 1] {
        let change = json!({"shards": shards});
        let (changed, bought) =
            tokio::join!(changes(&bowl, &change), join_all((0..6).map(|units| buys(&shop, &bowl, units % 3 + 1))));
        assert_eq!(changed.expect(200)["variants"][0]["shards"], shards);
        orders.extend(bought.into_iter().map(|answer| answer.expect(201).clone()));
        let sold = 12 * i64::try_from(orders.len() / 6).unwrap();
        assert_eq!(bowl.stock().await, (60, sold, 60 - sold), "after {shards}");
        if orders.len() == 18 {
            // These were allocated from shards that are not sold from any more, and release their units there.
            for order in orders.drain(..) {
                cancels(&shop, &order).await;
            }
        }
    }
    assert_eq!(bowl.stock().await, (60, 24, 36));
    buys(&shop, &bowl, 37).await.expect_problem(409, "out_of_stock");
    buys(&shop, &bowl, 36).await.expect(201);
    for order in &orders {
        cancels(&shop, order).await;
    }
    assert_eq!(bowl.stock().await, (60, 36, 24));
    shop.wait_until_idle().await;
    let page = shop.anon().get("/v1/products/bowl").await;
    assert_eq!(page.expect(200)["variants"][0]["available"], 24);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendors_change_loses_no_concurrent_sale() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(40).shards(2).publish().await;
    let adjusting = async {
        for by in [5, -3, 4, -1, 5, 10] {
            changes(&bowl, &json!({"adjust": by})).await.expect(200);
        }
    };
    let (bought, ()) = tokio::join!(join_all((0..15).map(|_| buys(&shop, &bowl, 1))), adjusting);
    bought.iter().for_each(|answer| drop(answer.expect(201).clone()));
    assert_eq!(bowl.stock().await, (60, 15, 45));

    let set = json!({"on_hand": 50});
    let (bought, set) = tokio::join!(join_all((0..15).map(|_| buys(&shop, &bowl, 1))), changes(&bowl, &set));
    bought.iter().for_each(|answer| drop(answer.expect(201).clone()));
    set.expect(200);
    assert_eq!(bowl.stock().await, (50, 30, 20));

    changes(&bowl, &json!({"on_hand": 29})).await.expect_problem(409, "wrong_state");
    changes(&bowl, &json!({"adjust": -21})).await.expect_problem(409, "out_of_stock");
    changes(&bowl, &json!({"on_hand": 30, "shards": 4})).await.expect(200);
    assert_eq!(bowl.stock().await, (30, 30, 0));
}

#[tokio::test]
async fn a_product_with_reserved_stock_cannot_be_deleted() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(3).shards(2).publish().await;
    let order = buys(&shop, &bowl, 2).await.expect(201).clone();
    let path = format!("/v1/vendor/products/{}", bowl.id);
    bowl.vendor.client.delete(&path).await.expect_problem(409, "wrong_state");
    shop.anon().get("/v1/products/bowl").await.expect(200);
    cancels(&shop, &order).await;
    bowl.vendor.client.delete(&path).await.expect(204);
    shop.anon().get("/v1/products/bowl").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_shards_of_a_product_are_limited_and_the_list_of_products_still_shows_all() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let product = |handle: String, count: usize| {
        let sizes: Vec<Value> = (0..count).map(|size| json!(format!("{size}"))).collect();
        let variant = |size: &Value| json!({"options": {"Size": size}, "prices": [{"amount": "1.00", "currency": "USD"}], "on_hand": 1, "shards": 32});
        let options = json!([{"name": "Size", "values": sizes}]);
        let variants: Value = sizes.iter().map(variant).collect();
        vendor.product(&handle).set("options", options).set("variants", variants)
    };
    for number in 0..6 {
        product(format!("bowl-{number}"), 12).draft().await;
    }
    let too_many = json!({
        "title": "Bowls", "options": [{"name": "Size", "values": []}],
        "variants": (0..13).map(|size| json!({
            "options": {"Size": format!("{size}")}, "price": {"amount": "1.00", "currency": "USD"}, "shards": 32,
        })).collect::<Vec<_>>(),
    });
    let refused = vendor.client.post("/v1/vendor/products", &too_many).await;
    let problem = refused.expect_problem(400, "invalid");
    assert_eq!(problem["errors"][0]["code"], "too_many");

    let (mut seen, mut path) = (Vec::new(), "/v1/vendor/products?limit=100".to_owned());
    loop {
        let page = vendor.client.get(&path).await.expect(200).clone();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 5, "a page reads no more shards than its limit");
        assert!(items.iter().all(|item| item["variants"][11]["on_hand"] == 1));
        seen.extend(items.iter().map(|item| item["handle"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/vendor/products?limit=100&cursor={next}");
    }
    seen.sort();
    assert_eq!(seen, ["bowl-0", "bowl-1", "bowl-2", "bowl-3", "bowl-4", "bowl-5"]);
}

#[tokio::test]
async fn a_variant_is_oversold_up_to_its_oversell_limit() {
    let shop = Shop::open().await;
    let variant = json!([{
        "prices": [{"amount": "12.50", "currency": "USD"}], "on_hand": 2,
        "inventory_policy": "preorder", "available_from": "2027-03-01T00:00:00Z", "oversell_limit": 5,
    }]);
    let bowl = shop.vendor("ceramics").await.product("bowl").set("variants", variant).publish().await;
    let first = buys(&shop, &bowl, 1).await.expect(201).clone();
    assert!(first["vendors"][0]["lines"][0].get("backorder").is_none(), "this unit is in stock");
    shop.wait_until_idle().await;

    let guest = shop.guest().await.takes(&[(&bowl, 4)]).await;
    let line = guest.seen().await["groups"][0]["lines"][0].clone();
    assert_eq!((&line["backorder"], &line["changes"]), (&json!(true), &Value::Null));
    assert_eq!(line["available_from"], "2027-03-01T00:00:00Z");
    let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    assert_eq!(order["vendors"][0]["lines"][0]["backorder"], true);
    assert_eq!(order["vendors"][0]["lines"][0]["available_from"], "2027-03-01T00:00:00Z");
    assert_eq!(bowl.stock().await, (2, 5, -3));
    let refused = buys(&shop, &bowl, 3).await;
    refused.expect_problem(409, "out_of_stock");
    shop.wait_until_idle().await;
    let page = shop.anon().get("/v1/products/bowl").await.expect(200).clone();
    assert_eq!((&page["available"], &page["variants"][0]["available"]), (&json!(true), &json!(0)));
    assert_eq!(page["variants"][0]["backorder"], true);

    buys(&shop, &bowl, 2).await.expect(201);
    shop.wait_until_idle().await;
    let list = shop.anon().get("/v1/products").await.expect(200).clone();
    assert_eq!(list["items"][0]["available"], false, "the limit is reached");
    cancels(&shop, &order).await;
    assert_eq!(bowl.stock().await, (2, 3, -1));
    changes(&bowl, &json!({"on_hand": 10})).await.expect(200);
    assert_eq!(bowl.stock().await, (10, 3, 7));
    shop.wait_until_idle().await;
    let list = shop.anon().get("/v1/products").await.expect(200).clone();
    assert_eq!(list["items"][0]["available"], true);
}

#[tokio::test]
async fn backorders_need_no_stock_and_are_filled_by_what_comes_in() {
    let shop = Shop::open().await;
    let variant = json!([{
        "prices": [{"amount": "12.50", "currency": "USD"}], "shards": 4, "inventory_policy": "backorder",
    }]);
    let bowl = shop.vendor("ceramics").await.product("bowl").set("variants", variant).publish().await;
    let bought = join_all((0..8).map(|_| buys(&shop, &bowl, 2))).await;
    bought.iter().for_each(|answer| assert_eq!(answer.expect(201)["vendors"][0]["lines"][0]["backorder"], true));
    assert_eq!(bowl.stock().await, (0, 16, -16));
    changes(&bowl, &json!({"adjust": 20})).await.expect(200);
    assert_eq!(bowl.stock().await, (20, 16, 4));
    changes(&bowl, &json!({"shards": 2})).await.expect(200);
    assert_eq!(bowl.stock().await, (20, 16, 4));
}

/// A bowl with a low-stock threshold of three units.
async fn with_low_stock_alert(shop: &Shop, units: i64, shards: u16) -> Product {
    let variant = json!([{
        "sku": "B-1", "prices": [{"amount": "12.50", "currency": "USD"}], "on_hand": units, "shards": shards,
        "low_stock_at": 3,
    }]);
    let bowl = shop.vendor("ceramics").await.product("bowl").set("variants", variant).publish().await;
    shop.wait_until_idle().await;
    bowl
}

/// Subjects of the low-stock notices to the vendor, newest first.
fn notices(shop: &Shop) -> Vec<String> {
    let mut subjects = shop.mail_to("ceramics@people.test");
    subjects.retain(|subject| subject.contains(" left of "));
    subjects
}

/// The stream record of a change of the first shard.
fn shard_changed(product: &Product, version: u32) -> Value {
    let pk = format!("STOCK#{}#000", product.variant);
    json!({"Records": [{
        "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {"pk": {"S": pk}, "sk": {"S": "COUNTER"}}, "NewImage": {"version": {"N": version.to_string()}},
            "SequenceNumber": "1",
        },
    }]})
}

#[tokio::test]
async fn a_vendor_is_notified_once_each_time_that_a_variant_runs_low() {
    let shop = Shop::open().await;
    let bowl = with_low_stock_alert(&shop, 5, 1).await;
    assert_eq!(bowl.seen_by_vendor().await["variants"][0]["low_stock_at"], 3);
    buys(&shop, &bowl, 1).await.expect(201);
    shop.wait_until_idle().await;
    assert!(notices(&shop).is_empty(), "four are left");
    buys(&shop, &bowl, 2).await.expect(201);
    shop.wait_until_idle().await;
    let first = "2 left of bowl, B-1".to_owned();
    assert_eq!(notices(&shop), std::slice::from_ref(&first));

    buys(&shop, &bowl, 1).await.expect(201);
    shop.wait_until_idle().await;
    // A record is delivered again: with the version that was projected, and with one that the table does not have yet.
    for version in [2, 999] {
        let answer = shop.cloud.invoke("ProjectionsFunction", shard_changed(&bowl, version)).await.expect("an answer");
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    changes(&bowl, &json!({"adjust": 2})).await.expect(200);
    shop.wait_until_idle().await;
    assert_eq!(bowl.stock().await, (7, 4, 3));
    assert_eq!(notices(&shop), std::slice::from_ref(&first), "it has not been above three in between");

    changes(&bowl, &json!({"adjust": 3})).await.expect(200);
    shop.wait_until_idle().await;
    buys(&shop, &bowl, 3).await.expect(201);
    shop.wait_until_idle().await;
    assert_eq!(notices(&shop), ["3 left of bowl, B-1".to_owned(), first.clone()]);

    // Without a threshold no notice is sent, and a new threshold above the current stock sends none either.
    let path = format!("/v1/vendor/products/{}", bowl.id);
    for (at, adjust) in [(json!(null), 10), (json!(20), -8)] {
        let variant =
            json!({"id": bowl.variant, "prices": [{"amount": "12.50", "currency": "USD"}], "low_stock_at": at});
        let written = json!({"title": "Bowl", "handle": "bowl", "variants": [variant]});
        let etag = bowl.vendor.client.get(&path).await.header("etag").to_owned();
        let seen = bowl.vendor.client.clone().with("if-match", etag).put(&path, &written).await.expect(200).clone();
        assert_eq!(seen["variants"][0]["low_stock_at"], at);
        changes(&bowl, &json!({"adjust": adjust})).await.expect(200);
        shop.wait_until_idle().await;
    }
    assert_eq!(bowl.stock().await, (12, 7, 5));
    assert_eq!(notices(&shop).len(), 2);
}

/// The events in the outbox that are about low stock.
async fn low_stock_events(shop: &Shop) -> Vec<Value> {
    let mut found = items(shop, "OrdersTable").await;
    found.retain(|item| item["kind"]["S"] == "event" && item["data"]["S"].to_string().contains("low_stock_at"));
    found
}

#[tokio::test]
async fn an_event_about_low_stock_carries_ids_and_no_text_of_a_vendor() {
    let shop = Shop::open().await;
    let title = "\u{200f}\u{6a9}\u{627}\u{633}\u{647}\u{200c}\u{1f3fa} \"}]} ' \\ \u{fffd}";
    let variant = json!([{
        "sku": "B-\u{1f511}", "prices": [{"amount": "12.50", "currency": "USD"}], "on_hand": 4, "low_stock_at": 3,
    }]);
    let bowl = shop.vendor("ceramics").await.product("bowl").set("title", json!(title)).set("variants", variant);
    let bowl = bowl.publish().await;
    shop.wait_until_idle().await;
    buys(&shop, &bowl, 1).await.expect(201);
    shop.wait_until_idle().await;
    assert_eq!(notices(&shop), [format!("3 left of {title}, B-\u{1f511}")]);
    let events = low_stock_events(&shop).await;
    let data: Value = serde_json::from_str(events[0]["data"]["S"].as_str().expect("data")).expect("JSON");
    assert_eq!((events.len(), &data["title"], &data["sku"]), (1, &json!(""), &Value::Null));
    assert_eq!((&data["variant"], &data["vendor"]), (&json!(bowl.variant), &json!(bowl.vendor.id)));
}

#[tokio::test]
async fn a_text_that_the_queue_refuses_keeps_no_other_shops_mail_waiting() {
    let shop = Shop::open().await;
    let bowl = with_low_stock_alert(&shop, 5, 1).await;
    let scarf = shop.vendor("silk").await.product("scarf").stock(5).publish().await;
    buys(&shop, &bowl, 2).await.expect(201);
    shop.wait_until_idle().await;
    assert_eq!(notices(&shop).len(), 1);

    // As a release wrote it that took every title and sent it along.
    let stored = low_stock_events(&shop).await.remove(0);
    let mut data: Value = serde_json::from_str(stored["data"]["S"].as_str().expect("data")).expect("JSON");
    let id = domain::EventId::from_bits(7).to_string();
    data["id"] = json!(id);
    data["title"] = json!("Bowl\u{fffe}");
    let event = json!({
        "pk": {"S": format!("EVENT#{id}")}, "sk": {"S": "EVENT"}, "kind": {"S": "event"}, "version": {"N": "1"},
        "data": {"S": data.to_string()}, "undelivered": {"S": "UNDELIVERED#7"},
        "undelivered_at": {"N": shop.cloud.now().millis().to_string()},
    });
    shop.put_stored("OrdersTable", &event).await;
    let other = Sale::of(shop, scarf, 1).await;
    other.act("succeed").await;
    other.shop.wait_until_idle().await;
    let to_silk = other.shop.mail_to("silk@people.test");
    assert!(to_silk.iter().any(|subject| subject.contains("order")), "{to_silk:?}");
    assert_eq!(other.shop.depth("OrderEventsPipeDeadLetters").visible, 1, "the pipe has given up one event");

    // Housekeeping sends it again, without the text.
    other.shop.advance(Duration::from_secs(600)).await;
    assert_eq!(notices(&other.shop), ["3 left of bowl, B-1"; 2]);
}

#[tokio::test]
async fn a_low_stock_notice_is_neither_lost_nor_repeated_when_the_projection_crashes() {
    for kind in [Kind::Before, Kind::After, Kind::Conflict, Kind::CrashBefore, Kind::CrashAfter] {
        let shop = Shop::open().await;
        let bowl = with_low_stock_alert(&shop, 5, 1).await;
        let route = Some("function ProjectionsFunction".to_owned());
        let faults = &shop.cloud.services().faults;
        faults.add(Fault { route, ..Fault::nth("dynamodb", "TransactWriteItems", 1, kind) });
        buys(&shop, &bowl, 2).await.expect(201);
        shop.wait_until_idle().await;
        shop.advance(Duration::from_secs(61)).await;
        assert_eq!(faults.triggered().len(), 1, "{kind:?}");
        assert_eq!(notices(&shop), ["3 left of bowl, B-1"], "{kind:?}");
        let page = shop.anon().get("/v1/products/bowl").await;
        assert_eq!(page.expect(200)["variants"][0]["available"], 3, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_that_move_between_shards_cause_no_low_stock_notice() {
    let shop = Shop::open().await;
    let bowl = with_low_stock_alert(&shop, 20, 1).await;
    for shards in [8, 2, 32, 5] {
        changes(&bowl, &json!({"shards": shards})).await.expect(200);
    }
    shop.wait_until_idle().await;
    assert!(notices(&shop).is_empty());
    let bought = join_all((0..18).map(|_| buys(&shop, &bowl, 1))).await;
    bought.iter().for_each(|answer| drop(answer.expect(201).clone()));
    shop.wait_until_idle().await;
    assert_eq!(bowl.stock().await, (20, 18, 2));
    assert_eq!(notices(&shop).len(), 1);
}

/// Currencies without minor units.
const CURRENCIES: [&str; 8] = ["JPY", "KRW", "VND", "CLP", "XAF", "XOF", "ISK", "PYG"];

fn prices(amount: &str) -> Vec<Value> {
    CURRENCIES.iter().map(|currency| json!({"amount": amount, "currency": currency})).collect()
}

/// A bowl in a category four levels deep, in so many lists that a change of its category takes two transactions.
async fn a_bowl_in_many_lists(shop: &Shop) -> Product {
    let branch = |name: &str| {
        (1..=4).rev().fold(json!([]), |children, depth| {
            json!([{"handle": format!("{name}-{depth}"), "name": format!("{name} {depth}"), "children": children}])
        })
    };
    let tree = json!({"items": [branch("home")[0], branch("garden")[0]]});
    shop.operator().await.with("if-match", "*").put("/v1/admin/categories", &tree).await.expect(200);
    let variants = json!([{"prices": prices("12"), "on_hand": 3}]);
    let vendor = shop.vendor("ceramics").await;
    vendor.product("bowl").set("category", json!("home-4")).set("variants", variants).publish().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_changes_its_category_while_it_sells_out() {
    let shop = Shop::open().await;
    let bowl = a_bowl_in_many_lists(&shop).await;
    let vendor = bowl.vendor.clone();
    let path = format!("/v1/vendor/products/{}", bowl.id);
    let etag = vendor.client.get(&path).await.header("etag").to_owned();

    // The last units are removed between the transaction for the old lists and the one for the new lists.
    let route = "PUT /v1/vendor/products/{id}";
    let faults = &shop.cloud.services().faults;
    let slow = Fault::nth("dynamodb", "TransactWriteItems", 2, Kind::Slow);
    faults.add(Fault { route: Some(route.to_owned()), ..slow });
    let moved = json!({
        "title": "Bowl", "handle": "bowl", "category": "garden-4",
        "variants": [{"id": bowl.variant, "prices": prices("13")}],
    });
    let editor = vendor.client.clone().with("if-match", etag);
    let sells_out = async {
        while faults.triggered().is_empty() {
            tokio::task::yield_now().await;
        }
        changes(&bowl, &json!({"adjust": -3})).await.expect(200);
        shop.wait_until_idle().await;
    };
    let (written, ()) = tokio::join!(editor.put(&path, &moved), sells_out);
    assert_eq!((&written.expect(200)["state"], &written.json["category"]), (&json!("published"), &json!("garden-4")));
    faults.clear();
    shop.wait_until_idle().await;
    let listed = async |list: &str| shop.anon().get(&format!("/v1/products?currency=JPY&{list}")).await.json.clone();
    assert_eq!(listed("category=home-1").await["items"], json!([]));
    let cards = listed("category=garden-3").await;
    let (card, price) = (&cards["items"][0], &cards["items"][0]["price"]["amount"]);
    assert_eq!((&card["handle"], &card["available"], price), (&json!("bowl"), &json!(false), &json!("13")));
}

#[tokio::test]
async fn a_late_replay_does_not_undo_a_later_rebalancing() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    let keyed = bowl.vendor.client.clone().with("idempotency-key", "rush");
    let wide = json!({"shards": 8});
    keyed.put(&stock_path(&bowl), &wide).await.expect(200);
    assert_eq!(changes(&bowl, &json!({"shards": 2})).await.expect(200)["variants"][0]["shards"], 2);
    assert_eq!(keyed.put(&stock_path(&bowl), &wide).await.header("idempotent-replayed"), "true");
    let seen = bowl.seen_by_vendor().await;
    assert_eq!((&seen["variants"][0]["shards"], bowl.stock().await), (&json!(2), (9, 0, 9)));
}

#[tokio::test]
async fn a_product_with_more_shards_than_a_transaction_holds_is_created_and_deleted_whole() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let sizes = ["S", "M", "L", "XL"];
    let variants: Vec<Value> = sizes
        .iter()
        .map(|size| json!({"options": {"Size": size}, "shards": 32, "on_hand": 40, "prices": [{"amount": "12.50", "currency": "USD"}]}))
        .collect();
    let options = json!([{"name": "Size", "values": sizes}]);
    let bowl = vendor.product("bowl").set("options", options).set("variants", json!(variants)).publish().await;
    let shards = async || {
        let items = crate::shop::invariants::items(&shop, "StockTable").await;
        items.iter().filter(|item| item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("STOCK#"))).count()
    };
    assert_eq!(shards().await, 128);
    let seen = bowl.seen_by_vendor().await;
    let units: Vec<&Value> = seen["variants"].as_array().unwrap().iter().map(|variant| &variant["available"]).collect();
    assert_eq!(units, [40, 40, 40, 40]);
    let path = format!("/v1/vendor/products/{}", bowl.id);
    let etag = vendor.client.get(&path).await.header("etag").to_owned();
    let editor = vendor.client.clone().with("if-match", etag);
    editor.send(reqwest::Method::DELETE, &path, None, "").await.expect(204);
    assert_eq!(shards().await, 0);
}

#[tokio::test]
async fn a_refused_change_of_category_takes_nothing_off_sale() {
    let shop = Shop::open().await;
    let bowl = a_bowl_in_many_lists(&shop).await;
    bowl.vendor.product("cup").publish().await;
    let path = format!("/v1/vendor/products/{}", bowl.id);
    let etag = bowl.vendor.client.get(&path).await.header("etag").to_owned();
    let moved = json!({
        "title": "Bowl", "handle": "cup", "category": "garden-4",
        "variants": [{"id": bowl.variant, "prices": prices("13")}],
    });
    let editor = bowl.vendor.client.clone().with("if-match", etag);
    editor.put(&path, &moved).await.expect_problem(409, "handle_taken");
    let seen = bowl.seen_by_vendor().await;
    assert_eq!((&seen["state"], &seen["category"]), (&json!("published"), &json!("home-4")));
    let listed = shop.anon().get("/v1/products?currency=JPY&category=home-2").await.json.clone();
    assert_eq!(listed["items"][0]["price"]["amount"], "12");
}
