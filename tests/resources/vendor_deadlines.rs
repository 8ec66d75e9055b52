//! Nothing stays for ever: reminders, and what follows when nobody does anything.

use std::time::Duration;

use local::seed::{OPERATOR, PASSWORD};
use serde_json::{Value, json};

use super::vendor_lists::relist;
use crate::shop::Shop;
use crate::shop::invariants::{items, put_item};
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, count, text};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn vendor_state(seen: &Value) -> String {
    text(&seen["vendors"][0]["state"])
}

fn told(sale: &Sale, email: &str, words: &str) -> usize {
    sale.shop.mail_to(email).iter().filter(|subject| subject.contains(words)).count()
}

#[tokio::test]
async fn a_vendor_who_does_not_accept_is_reminded_and_then_the_buyer_gets_the_money_back() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    assert!(sale.vendor_order().await["due_at"].is_string());
    sale.shop.advance(DAY).await;
    sale.shop.wait_until_idle().await;
    assert_eq!(told(&sale, "ceramics@people.test", "waits for you"), 1);
    assert_eq!(vendor_state(&sale.seen().await), "pending");
    sale.shop.advance(DAY + HOUSEKEEPING_INTERVAL).await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], vendor_state(&seen).as_str()), (&json!("cancelled"), "cancelled"));
    assert_eq!((&seen["payment"]["state"], count(&seen, "deadline_missed")), (&json!("refunded"), 1));
    assert_eq!(sale.stock().await, (5, 0, 5));
    sale.step("accept").await.expect_problem(409, "wrong_state");
    sale.shop.wait_until_idle().await;
    assert_eq!(told(&sale, "ceramics@people.test", "waits for you"), 1, "no second reminder");
    assert!(sale.mail()[0].contains("cancelled") || sale.mail()[0].contains("cannot deliver"), "{:?}", sale.mail());
}

#[tokio::test]
async fn a_vendor_who_does_not_ship_is_reminded_then_the_operator_told_then_it_is_cancelled() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.step("accept").await.expect(200);
    sale.shop.advance(DAY * 4).await;
    sale.shop.wait_until_idle().await;
    assert_eq!(told(&sale, "ceramics@people.test", "please send it"), 1);
    sale.shop.advance(DAY * 3 + HOUSEKEEPING_INTERVAL).await;
    sale.shop.wait_until_idle().await;
    assert_eq!(told(&sale, "ceramics@people.test", "is late"), 1);
    assert!(sale.operators_mail()[0].contains("a shop does not send"), "{:?}", sale.operators_mail());
    assert_eq!(vendor_state(&sale.seen().await), "accepted");
    // It stands where the operator looks, until it is sent or cancelled.
    let late = late(&sale.shop).await;
    assert_eq!(late.len(), 1);
    assert_eq!((&late[0]["order_id"], &late[0]["id"]), (&json!(sale.id), &sale.vendor_order().await["id"]));
    assert_eq!((&late[0]["state"], &late[0]["due_at"]), (&json!("accepted"), &sale.vendor_order().await["due_at"]));
    let summary = sale.shop.operator().await.get("/v1/admin/summary").await.expect(200).clone();
    assert_eq!(summary["late_vendor_orders"], json!({"count": 1, "at_least": false}));
    let desk = sale.shop.browser();
    let account = [("contact", OPERATOR), ("password", PASSWORD)];
    desk.submit("/en/sign-in", &account).await.expect(303);
    let number = text(&sale.seen().await["number"]);
    desk.visit("/operate").await.expect(200).shows("Orders not sent in time").shows(&number);
    sale.shop.advance(DAY * 7 + HOUSEKEEPING_INTERVAL).await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], &seen["payment"]["state"]), (&json!("cancelled"), &json!("refunded")));
    assert_eq!(sale.stock().await, (5, 0, 5));
    assert!(self::late(&sale.shop).await.is_empty());
}

async fn late(shop: &Shop) -> Vec<Value> {
    let listed = shop.operator().await.get("/v1/admin/vendor-orders/late").await.expect(200).clone();
    listed["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn an_order_is_late_in_the_operators_list_until_its_vendor_sends_it_and_pages_of_the_list_are_whole() {
    let shop = Shop::open().await;
    let mut bowls = Vec::new();
    for handle in ["ceramics", "silk", "bread"] {
        bowls.push(shop.vendor(handle).await.product(handle).stock(5).publish().await);
    }
    // Two orders of three shops: two parts of one order stand beside each other.
    for key in ["one", "two"] {
        let lines: Vec<_> = bowls.iter().map(|bowl| (bowl, 1)).collect();
        let guest = shop.guest().await.takes(&lines).await;
        let order = guest.checks_out("cash_on_delivery", key).await.expect(201).clone();
        for (bowl, part) in bowls.iter().zip(order["vendors"].as_array().expect("parts")) {
            let path = format!("/v1/vendor/orders/{}/accept", text(&part["id"]));
            bowl.vendor.client.post(&path, &json!({})).await.expect(200);
        }
    }
    assert!(late(&shop).await.is_empty(), "not yet");
    shop.advance(DAY * 4).await;
    shop.advance(DAY * 3 + HOUSEKEEPING_INTERVAL).await;
    shop.wait_until_idle().await;
    let all = late(&shop).await;
    assert_eq!(all.len(), 6);
    let operator = shop.operator().await;
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = operator.get(&format!("/v1/admin/vendor-orders/late?limit=1{cursor}")).await.expect(200).clone();
        paged.extend(page["items"].as_array().expect("a list").clone());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, all);
    let sent = &all[2];
    let vendor = bowls.iter().find(|bowl| bowl.vendor.id == text(&sent["vendor"]["id"])).expect("its vendor");
    let path = format!("/v1/vendor/orders/{}/ship", text(&sent["id"]));
    shop.sign_in_again(&vendor.vendor).await.post(&path, &json!({})).await.expect(200);
    let left: Vec<String> = late(&shop).await.iter().map(|one| text(&one["id"])).collect();
    let others: Vec<String> = all.iter().map(|one| text(&one["id"])).filter(|id| *id != text(&sent["id"])).collect();
    assert_eq!(left, others);
    // What an earlier release has written is in the list after the lists were rebuilt, and what it has shipped is not.
    for mut item in items(&shop, "OrdersTable").await {
        if item["kind"]["S"] != "vendor_order" {
            continue;
        }
        let map = item.as_object_mut().expect("an item");
        match map.remove("list_key") {
            Some(_) => {}
            None => drop(map.insert("list_key".to_owned(), json!({"S": "LATE"}))),
        }
        put_item(&shop, "OrdersTable", &item).await;
    }
    assert!(late(&shop).await.is_empty());
    let count = async || shop.operator().await.get("/v1/admin/summary").await.expect(200)["late_vendor_orders"].clone();
    assert_eq!(count().await["count"], 1);
    assert_eq!(relist(&shop).await["rewritten"], 6);
    let left: Vec<String> = late(&shop).await.iter().map(|one| text(&one["id"])).collect();
    assert_eq!((left, count().await["count"].clone()), (others, json!(5)));
    assert_eq!(relist(&shop).await["rewritten"], 0);
}

#[tokio::test]
async fn an_order_is_not_late_while_the_bank_decides_and_its_vendor_is_awaited_anew_afterwards() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.step("accept").await.expect(200);
    sale.shop.advance(DAY * 4 + HOUSEKEEPING_INTERVAL).await;
    sale.shop.advance(DAY * 3 + HOUSEKEEPING_INTERVAL).await;
    assert_eq!(late(&sale.shop).await.len(), 1);
    sale.act("dispute").await;
    assert!(late(&sale.shop).await.is_empty());
    sale.shop.advance(DAY * 8 + HOUSEKEEPING_INTERVAL).await;
    assert!(late(&sale.shop).await.is_empty(), "nobody can ship it");
    sale.act("win_dispute").await;
    assert!(late(&sale.shop).await.is_empty());
    let seen = sale.seen().await;
    assert_eq!(vendor_state(&seen), "accepted");
    sale.shop.advance(DAY * 4 + HOUSEKEEPING_INTERVAL).await;
    sale.shop.advance(DAY * 3 + HOUSEKEEPING_INTERVAL).await;
    assert_eq!(late(&sale.shop).await.len(), 1);
}

#[tokio::test]
async fn a_parcel_that_nobody_speaks_of_is_delivered_and_the_order_completed_when_nothing_can_be_given_back() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.step("accept").await.expect(200);
    sale.step("ship").await.expect(200);
    sale.shop.advance(DAY * 30 + HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!((vendor_state(&seen).as_str(), &seen["state"]), ("delivered", &json!("paid")));
    let entry = seen["history"].as_array().expect("a history").last().expect("an entry").clone();
    assert_eq!((&entry["event"], &entry["by"]), (&json!("delivered"), &json!("system")));
    sale.shop.advance(DAY * 14 + HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!((vendor_state(&seen).as_str(), &seen["state"]), ("completed", &json!("completed")));
    assert!(seen["refunds"].is_null());
}

#[tokio::test]
async fn cash_is_booked_for_a_parcel_that_nobody_speaks_of() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    for step in ["accept", "ship"] {
        let path = format!("/v1/vendor/orders/{}/{step}", text(&order["vendors"][0]["id"]));
        bowl.vendor.client.post(&path, &json!({})).await.expect(200);
    }
    shop.advance(DAY * 30 + HOUSEKEEPING_INTERVAL).await;
    shop.advance(DAY * 14 + HOUSEKEEPING_INTERVAL).await;
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let seen = reader.get(&format!("/v1/orders/{}", text(&order["id"]))).await.expect(200).clone();
    assert_eq!((&seen["state"], &seen["payment"]["state"]), (&json!("completed"), &json!("captured")));
}

#[tokio::test]
async fn nobody_is_awaited_while_the_bank_decides() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.act("dispute").await;
    sale.shop.advance(DAY * 3).await;
    sale.shop.wait_until_idle().await;
    assert_eq!(told(&sale, "ceramics@people.test", "waits for you"), 0);
    assert_eq!(vendor_state(&sale.seen().await), "pending");
    sale.act("win_dispute").await;
    sale.shop.advance(DAY).await;
    sale.shop.wait_until_idle().await;
    assert_eq!(told(&sale, "ceramics@people.test", "waits for you"), 1);
    assert_eq!(vendor_state(&sale.seen().await), "pending");
}

#[tokio::test]
async fn the_operator_sets_how_long_steps_may_take() {
    let shop = Shop::open().await;
    let operator = shop.operator().await.with("if-match", "*");
    let path = "/v1/admin/settings/deadlines/acceptance";
    operator.put(path, &json!({"seconds": 60})).await.expect_problem(400, "invalid");
    operator.put(path, &json!({"seconds": 3_600})).await.expect(200);
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let sale = Sale::of(shop, bowl, 1).await;
    sale.act("succeed").await;
    sale.shop.advance(Duration::from_secs(1_900)).await;
    assert_eq!(vendor_state(&sale.seen().await), "pending");
    sale.shop.advance(Duration::from_secs(1_900)).await;
    assert_eq!(vendor_state(&sale.seen().await), "cancelled");
}
