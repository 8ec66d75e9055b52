//! What the operator decides about refunds: giving money back, trying again, and saying that the buyer has it.

use serde_json::{Value, json};

use crate::shop::Shop;
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, count, text};

/// The ids of the refunds that wait for the operator.
async fn waiting(shop: &Shop) -> Vec<String> {
    let operator = shop.operator().await;
    let list = operator.get("/v1/admin/refunds/failed").await.expect(200).clone();
    let ids: Vec<String> = list["items"].as_array().expect("a list").iter().map(|refund| text(&refund["id"])).collect();
    let summary = operator.get("/v1/admin/summary").await.expect(200).clone();
    assert_eq!(summary["failed_refunds"]["count"], ids.len(), "{summary}");
    ids
}

fn amounts(seen: &Value) -> Vec<(String, String, String)> {
    let of = |refund: &Value| (text(&refund["reason"]), text(&refund["amount"]["amount"]), text(&refund["state"]));
    let mut all: Vec<_> =
        seen["refunds"].as_array().map(|refunds| refunds.iter().map(of).collect()).unwrap_or_default();
    // Those of one moment have no order.
    all.sort();
    all
}

fn granted(reason: &str, amount: &str, state: &str) -> (String, String, String) {
    (reason.to_owned(), amount.to_owned(), state.to_owned())
}

#[tokio::test]
async fn a_refund_that_did_not_arrive_is_tried_again_and_leaves_the_list() {
    let sale = Sale::of_one().await;
    let operator = sale.shop.operator().await;
    let path = sale.shop.refund_fails(&operator, &sale.id).await;
    assert_eq!(waiting(&sale.shop).await.len(), 1);
    operator.post(&format!("{path}/retry"), &json!({})).await.expect(200);
    assert!(waiting(&sale.shop).await.is_empty());
    operator.post(&format!("{path}/retry"), &json!({})).await.expect_problem(409, "wrong_state");
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!(amounts(&seen), [granted("cancelled", "17.50", "succeeded")]);
    assert_eq!((count(&seen, "refund_retried"), &seen["payment"]["state"]), (1, &json!("refunded")));
    let books = sale.shop.anon().get(&format!("/_local/pay/stripe/orders/{}", sale.id)).await.expect(200).clone();
    assert_eq!(books["refunds"].as_array().map(Vec::len), Some(1), "{books}");

    // The bank sends it back, and it is tried again: the old one's news changes nothing.
    sale.act("fail_refund").await;
    assert_eq!(waiting(&sale.shop).await.len(), 1);
    operator.post(&format!("{path}/retry"), &json!({})).await.expect(200);
    sale.act("fail_refund").await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert!(waiting(&sale.shop).await.is_empty());
    assert_eq!(amounts(&sale.seen().await), [granted("cancelled", "17.50", "succeeded")]);
    let books = sale.shop.anon().get(&format!("/_local/pay/stripe/orders/{}", sale.id)).await.expect(200).clone();
    let states: Vec<&Value> = books["refunds"].as_array().expect("refunds").iter().map(|one| &one["status"]).collect();
    assert_eq!(states, ["succeeded", "failed"], "the newest first");
}

#[tokio::test]
async fn a_refund_that_was_given_back_by_other_means_is_resolved_with_a_note() {
    let sale = Sale::of_one().await;
    let operator = sale.shop.operator().await;
    let path = sale.shop.refund_fails(&operator, &sale.id).await;
    let resolve = format!("{path}/resolve");
    operator.post(&resolve, &json!({"note": " "})).await.expect_problem(400, "invalid");
    operator.post(&resolve, &json!({"note": "In cash, at the shop."})).await.expect(200);
    // Again, without a key: that changes nothing.
    let seen = operator.post(&resolve, &json!({"note": "Twice."})).await.expect(200).clone();
    assert_eq!((&seen["refunds"][0]["state"], count(&seen, "refund_resolved")), (&json!("resolved"), 1));
    assert_eq!(seen["refunds"][0]["resolution"], "In cash, at the shop.");
    assert!(waiting(&sale.shop).await.is_empty());
    assert!(sale.seen().await["refunds"][0]["resolution"].is_null(), "the buyer does not see it");
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(amounts(&sale.seen().await), [granted("cancelled", "17.50", "resolved")]);
    // It was done at the dashboard, whose news comes late: nobody has paid twice.
    sale.act("refund").await;
    let seen = sale.seen_by_operator().await;
    assert_eq!(seen["refunds"][0]["refunded_elsewhere"]["amount"], "17.50", "{seen}");
    operator.post(&format!("{path}/retry"), &json!({})).await.expect_problem(409, "wrong_state");
    let unknown = format!("/v1/admin/orders/{}/refunds/ref_00000000000000000000000001/resolve", sale.id);
    operator.post(&unknown, &json!({"note": "In cash."})).await.expect_problem(404, "not_found");
}

async fn of_two() -> Sale {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    Sale::of(shop, bowl, 2).await
}

#[tokio::test]
async fn the_operator_gives_back_units_that_were_shipped_and_an_amount_and_never_more_than_was_paid() {
    let sale = of_two().await;
    let operator = sale.shop.operator().await;
    let path = format!("/v1/admin/orders/{}/refunds", sale.id);
    let line = |quantity: u32| json!({"lines": [{"variant_id": sale.bowl.variant, "quantity": quantity}], "reason": "A crack."});
    operator.post(&path, &line(1)).await.expect_problem(400, "idempotency_key_missing");
    let keyed = async |body: &Value| {
        let key = format!("{body}").bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        operator.clone().with("idempotency-key", key.to_string()).post(&path, body).await
    };
    keyed(&line(1)).await.expect_problem(409, "wrong_state");
    sale.act("succeed").await;
    keyed(&line(1)).await.expect_problem(409, "wrong_state");
    sale.step("accept").await.expect(200);
    sale.step("ship").await.expect(200);
    sale.step("deliver").await.expect(200);
    for (body, pointer) in [
        (
            json!({"lines": [{"variant_id": "var_00000000000000000000000001_1", "quantity": 1}], "reason": "x"}),
            "/lines/0/variant_id",
        ),
        (line(0), "/lines/0/quantity"),
        (json!({"amount": {"amount": "0.00", "currency": "USD"}, "reason": "x"}), "/amount"),
        (json!({"amount": {"amount": "1.00", "currency": "EUR"}, "reason": "x"}), "/amount/currency"),
        (json!({"shipping": true, "vendor_id": "ven_00000000000000000000000001", "reason": "x"}), "/vendor_id"),
    ] {
        let refused = keyed(&body).await;
        refused.expect_problem(400, "invalid");
        assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{}", refused.json);
    }
    operator.clone().with("idempotency-key", "crack").post(&path, &line(1)).await.expect(200);
    operator.clone().with("idempotency-key", "crack").post(&path, &line(1)).await.expect(200);
    keyed(&line(2)).await.expect_problem(409, "wrong_state");
    let goodwill = |sum: &str, vendor: bool| {
        let mut body = json!({"amount": {"amount": sum, "currency": "USD"}, "reason": "It came late."});
        if vendor {
            body["vendor_id"] = json!(sale.bowl.vendor.id);
        }
        body
    };
    keyed(&goodwill("2.00", true)).await.expect(200);
    keyed(&json!({"shipping": true, "reason": "It came late."})).await.expect(200);
    keyed(&goodwill("10.51", false)).await.expect_problem(409, "wrong_state");
    keyed(&goodwill("10.51", true)).await.expect_problem(409, "wrong_state");
    keyed(&goodwill("0.50", false)).await.expect(200);
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!(
        amounts(&seen),
        [
            granted("goodwill", "0.50", "succeeded"),
            granted("goodwill", "2.00", "succeeded"),
            granted("granted", "12.50", "succeeded"),
            granted("granted", "5.00", "succeeded"),
        ]
    );
    assert_eq!(
        (&seen["payment"]["state"], &seen["vendors"][0]["state"]),
        (&json!("partially_refunded"), &json!("delivered"))
    );
    assert_eq!(seen["vendors"][0]["lines"][0]["refunded"], 1);
    let notes = seen["refunds"].as_array().expect("refunds").iter().filter(|one| one["note"] == "A crack.");
    assert_eq!(notes.count(), 1);
    sale.shop.wait_until_idle().await;
    let told = sale.messages_to_buyer().into_iter().filter(|text| text.contains("You get money back")).count();
    assert_eq!(told, 4, "{:?}", sale.messages_to_buyer());
    let to_vendor = sale.shop.mail_to("ceramics@people.test");
    let told = to_vendor.iter().filter(|subject| subject.contains("money goes back to the buyer")).count();
    assert_eq!(told, 3, "of all but what the operator pays");
    assert_eq!(sale.stock().await, (3, 0, 3), "goods that are kept do not come back");
}

#[tokio::test]
async fn what_was_paid_in_cash_is_given_back_by_hand_and_resolved() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    let vendor_order = text(&order["vendors"][0]["id"]);
    for step in ["accept", "ship", "deliver"] {
        bowl.vendor.client.post(&format!("/v1/vendor/orders/{vendor_order}/{step}"), &json!({})).await.expect(200);
    }
    let operator = shop.operator().await;
    let path = format!("/v1/admin/orders/{}/refunds", text(&order["id"]));
    let body = json!({"amount": {"amount": "3.00", "currency": "USD"}, "reason": "A scratch."});
    operator.clone().with("idempotency-key", "scratch").post(&path, &body).await.expect(200);
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    let refund = waiting(&shop).await.remove(0);
    // No provider can make it, so trying again is refused.
    operator.post(&format!("{path}/{refund}/retry"), &json!({})).await.expect_problem(409, "wrong_state");
    operator.post(&format!("{path}/{refund}/resolve"), &json!({"note": "In cash."})).await.expect(200);
    assert!(waiting(&shop).await.is_empty());
}

#[tokio::test]
async fn a_vendor_gives_their_own_money_back_only_where_the_operator_allows_it() {
    for allowed in [false, true] {
        gives_own_money_back(allowed).await;
    }
}

async fn gives_own_money_back(allowed: bool) {
    let shop = Shop::open().await;
    if allowed {
        let operator = shop.operator().await.with("if-match", "*");
        operator.put("/v1/admin/settings/refunds/by-vendors", &json!({"allowed": true})).await.expect(200);
    }
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let sale = Sale::of(shop, bowl, 1).await;
    sale.act("succeed").await;
    sale.step("accept").await.expect(200);
    sale.step("ship").await.expect(200);
    let vendor = sale.shop.sign_in("ceramics@people.test").await.with("idempotency-key", "scratch");
    let path = format!("/v1/vendor/orders/{}/refunds", text(&sale.seen().await["vendors"][0]["id"]));
    let body = json!({"lines": [{"variant_id": sale.bowl.variant, "quantity": 1}], "reason": "A scratch."});
    if !allowed {
        vendor.post(&path, &body).await.expect_problem(403, "forbidden");
        return;
    }
    vendor.post(&path, &body).await.expect(200);
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!(amounts(&seen), [granted("granted", "12.50", "succeeded")]);
    let history = seen["history"].as_array().expect("a history");
    let queued = history.iter().find(|entry| entry["event"] == "refund_queued").expect("an entry");
    assert_eq!((&queued["by"], &queued["vendor_id"]), (&json!("vendor"), &json!(sale.bowl.vendor.id)));
}
