//! Settings: shown, changed under their version, checked as a whole, with a history and a way back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::invariants::{items, put_item};
use crate::shop::sale::text;
use crate::shop::{Client, Shop};

const UNPAID: &str = "/v1/admin/settings/limits/unpaid-orders";
const CASH: &str = "/v1/admin/settings/payment-methods/cash_on_delivery";
const CARD: &str = "/v1/admin/settings/payment-methods/stripe";

async fn change(operator: &Client, path: &str, version: u64, value: &Value) -> Value {
    operator.clone().with("if-match", format!("\"{version}\"")).put(path, value).await.expect(200).clone()
}

#[tokio::test]
async fn a_setting_is_changed_under_its_version_and_says_who_did_it() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    for (area, count) in [
        ("limits", 10),
        ("quotas", 8),
        ("deadlines", 8),
        ("payment-methods", 3),
        ("tax", 1),
        ("commission", 1),
        ("returns", 1),
        ("refunds", 2),
        ("security", 1),
        ("vendors", 1),
    ] {
        let listed = operator.get(&format!("/v1/admin/settings/{area}")).await.expect(200).clone();
        let listed = listed["items"].as_array().expect("settings").clone();
        assert_eq!(listed.len(), count, "{area}");
        for setting in listed {
            assert_eq!((&setting["area"], &setting["version"]), (&json!(area), &json!(0)));
            let path = format!("/v1/admin/settings/{area}/{}", text(&setting["id"]));
            assert_eq!(operator.get(&path).await.expect(200), &setting);
        }
    }
    let changed = change(&operator, UNPAID, 0, &json!({"most": 7})).await;
    assert_eq!(
        (&changed["value"], &changed["version"], &changed["is_default"]),
        (&json!({"most": 7}), &json!(1), &json!(false))
    );
    let me = operator.get("/v1/me").await.expect(200)["id"].clone();
    assert_eq!(changed["changed_by"], me);
    let shown = operator.get(UNPAID).await;
    assert_eq!((shown.expect(200), shown.header("etag")), (&changed, "\"1\""));
    operator.put(UNPAID, &json!({"most": 8})).await.expect_problem(428, "if_match_missing");
    let late = operator.clone().with("if-match", "\"0\"").put(UNPAID, &json!({"most": 8})).await;
    late.expect_problem(412, "version_mismatch");
    for path in ["limits/checkouts", "deadlines/default", "prices/default", "tax/tax"] {
        operator.get(&format!("/v1/admin/settings/{path}")).await.expect_problem(404, "not_found");
    }
    operator.get("/v1/admin/settings/prices").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_setting_keeps_its_history_and_goes_back_to_any_of_it() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    let before = operator.get(UNPAID).await.expect(200)["value"].clone();
    for (version, most) in [(0, 7), (1, 9)] {
        change(&operator, UNPAID, version, &json!({"most": most})).await;
    }
    let reset = operator.clone().with("if-match", "\"2\"").delete(UNPAID).await;
    assert_eq!((&reset.expect(200)["value"], &reset.json["is_default"]), (&before, &json!(true)));
    let restore = format!("{UNPAID}/restore");
    let back = operator.clone().with("if-match", "\"3\"").post(&restore, &json!({"version": 1})).await;
    assert_eq!((&back.expect(200)["value"], &back.json["version"]), (&json!({"most": 7}), &json!(4)));
    let unknown = operator.clone().with("if-match", "\"4\"").post(&restore, &json!({"version": 9})).await;
    unknown.expect_problem(400, "invalid");
    let mut changes = Vec::new();
    let mut path = format!("{UNPAID}/history?limit=3");
    loop {
        let page = operator.get(&path).await.expect(200).clone();
        changes.extend(page["items"].as_array().expect("changes").clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("{UNPAID}/history?limit=3&cursor={next}");
    }
    let seen: Vec<(Value, Value)> =
        changes.iter().map(|change| (change["version"].clone(), change["value"]["most"].clone())).collect();
    assert_eq!(seen, [(json!(4), json!(7)), (json!(3), Value::Null), (json!(2), json!(9)), (json!(1), json!(7))]);
}

#[tokio::test]
async fn something_can_always_be_paid_with_however_two_operators_meet() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    let off = json!({"offered": false, "position": 1});
    let turn_off = |path: &'static str| {
        let operator = operator.clone().with("if-match", "*");
        let off = off.clone();
        async move { operator.put(path, &off).await }
    };
    let (card, cash) = tokio::join!(turn_off(CARD), turn_off(CASH));
    let mut outcomes = [card.status, cash.status];
    outcomes.sort_unstable();
    assert_eq!(outcomes, [200, 400]);
    let left = if card.status == 200 { CASH } else { CARD };
    let last = turn_off(left).await;
    assert_eq!(last.expect(400)["errors"][0]["pointer"], "/offered");
    let listed = operator.get("/v1/admin/settings/payment-methods").await.expect(200)["items"].clone();
    let offered = |setting: &&Value| setting["value"]["offered"] == json!(true);
    assert_eq!(listed.as_array().expect("methods").iter().filter(offered).count(), 1);
}

#[tokio::test]
async fn cards_are_always_among_the_kinds_and_a_bank_has_between_a_day_and_two_months() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    let kinds = "/v1/admin/settings/payment-methods/kinds";
    assert_eq!(operator.get(kinds).await.expect(200)["value"], json!({"kinds": ["card"]}));
    let set = operator.clone().with("if-match", "*");
    for (value, pointer) in [
        (json!({"kinds": ["sepa_debit"]}), "/kinds"),
        (json!({"kinds": []}), "/kinds"),
        (json!({}), "/kinds"),
        (json!({"kinds": ["card"], "offered": true}), "/offered"),
    ] {
        let refused = set.put(kinds, &value).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], pointer, "{value}");
    }
    set.put(kinds, &json!({"kinds": ["card", "barter"]})).await.expect(400);
    let changed = set.put(kinds, &json!({"kinds": ["card", "sepa_debit"]})).await.expect(200).clone();
    assert_eq!(changed["value"], json!({"kinds": ["card", "sepa_debit"]}));
    let slow = "/v1/admin/settings/deadlines/slow-payment";
    assert_eq!(operator.get(slow).await.expect(200)["value"], json!({"seconds": 14 * 86_400}));
    for seconds in [86_399, 5_184_001] {
        set.put(slow, &json!({"seconds": seconds})).await.expect_problem(400, "invalid");
    }
    set.put(slow, &json!({"seconds": 5 * 86_400})).await.expect(200);
}

#[tokio::test]
async fn what_is_set_is_in_force() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    change(&operator, CASH, 0, &json!({"offered": false, "position": 2})).await;
    change(&operator, "/v1/admin/settings/tax/default", 0, &json!({"basis_points": 1000})).await;
    change(&operator, UNPAID, 0, &json!({"most": 1})).await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(9).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let seen = guest.seen().await;
    assert_eq!(seen["totals"]["tax"]["amount"], "1.75", "{}", seen["totals"]);
    let methods = guest.client.get(&guest.path("/payment-methods")).await.expect(200)["items"].clone();
    assert_eq!(methods.as_array().map(Vec::len), Some(1), "{methods}");
    guest.checks_out("stripe", "one").await.expect(201);
    let again = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let again = crate::shop::Guest { email: guest.email.clone(), ..again };
    again.checks_out("stripe", "two").await.expect_problem(429, "too_many_requests");
}

#[tokio::test]
async fn the_one_item_of_earlier_releases_is_read_beneath_the_settings_that_were_changed_since() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    change(&operator, "/v1/admin/settings/commission/default", 0, &json!({"basis_points": 500})).await;
    for mut item in items(&shop, "SettingsTable").await {
        if item["kind"]["S"] != "settings" {
            continue;
        }
        let mut all: Value = serde_json::from_str(item["data"]["S"].as_str().expect("a document")).expect("JSON");
        all["rates"] = json!({"tax": 700, "commission": 900});
        item["data"] = json!({"S": all.to_string()});
        put_item(&shop, "SettingsTable", &item).await;
    }
    let value = async |path: &str| operator.get(path).await.expect(200)["value"].clone();
    assert_eq!(value("/v1/admin/settings/tax/default").await, json!({"basis_points": 700}));
    assert_eq!(value("/v1/admin/settings/commission/default").await, json!({"basis_points": 500}));
    let reset = operator.clone().with("if-match", "*");
    let reset = reset.send(Method::DELETE, "/v1/admin/settings/commission/default", None, "application/json").await;
    assert_eq!(reset.expect(200)["value"], json!({"basis_points": 900}));
}

#[tokio::test]
async fn a_setting_that_cannot_be_read_stops_nothing_but_what_it_is_about_and_can_be_set_again() {
    let shop = Shop::open().await;
    for (id, value) in [("tax/default", "{\"basis_points\": 99999}"), ("deadlines/delivery", "7")] {
        let by = "\"by\": \"018f4e9e-0000-7000-8000-000000000001\", \"at\": \"2026-11-30T00:00:00Z\"";
        let item = json!({
            "pk": {"S": "SHOP"}, "sk": {"S": format!("SETTING#{id}")}, "kind": {"S": "setting"},
            "version": {"N": "3"}, "data": {"S": format!("{{\"value\": {value}, {by}}}")},
        });
        put_item(&shop, "SettingsTable", &item).await;
    }
    // The operator signs in, sees all and mends it; nothing is sold at a guessed tax until then.
    let operator = shop.operator().await;
    shop.anon().post("/v1/carts", &json!({"currency": "USD"})).await.expect_problem(503, "unavailable");
    change(&operator, UNPAID, 0, &json!({"most": 7})).await;
    change(&operator, "/v1/admin/settings/deadlines/delivery", 3, &json!({"seconds": 86_400})).await;
    let tax = change(&operator, "/v1/admin/settings/tax/default", 3, &json!({"basis_points": 1200})).await;
    assert_eq!((&tax["version"], &tax["value"]), (&json!(4), &json!({"basis_points": 1200})));
}

#[tokio::test]
async fn operators_who_change_different_settings_at_once_both_succeed() {
    let shop = Shop::open().await;
    let operator = shop.operator().await.with("if-match", "\"0\"");
    let (most, tax, delivery) = (json!({"most": 7}), json!({"basis_points": 1200}), json!({"seconds": 86_400}));
    let (first, second, third) = tokio::join!(
        operator.put(UNPAID, &most),
        operator.put("/v1/admin/settings/tax/default", &tax),
        operator.put("/v1/admin/settings/deadlines/delivery", &delivery),
    );
    for answer in [first, second, third] {
        assert_eq!(answer.expect(200)["version"], json!(1));
    }
}

#[tokio::test]
async fn the_promise_about_returns_is_frozen_in_each_line_by_country_and_category() {
    const RETURNS: &str = "/v1/admin/settings/returns/default";
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    let vendor = shop.vendor("ceramics").await;
    let tree =
        json!({"items": [{"handle": "food", "name": "Food", "children": [{"handle": "spices", "name": "Spices"}]}]});
    let known = operator.get("/v1/admin/categories").await;
    let writer = operator.clone().with("if-match", known.header("etag").to_owned());
    writer.put("/v1/admin/categories", &tree).await.expect(200);
    let bowl = vendor.product("bowl").stock(5).publish().await;
    let zira = vendor.product("zira").set("category", json!("spices")).stock(5).publish().await;
    let placed = async || {
        let guest = shop.guest().await.takes(&[(&bowl, 1), (&zira, 1)]).await;
        let order = guest.checks_out("stripe", "once").await.expect(201).clone();
        let lines = order["vendors"][0]["lines"].as_array().expect("lines").clone();
        (order, lines.iter().map(|line| line["returns"].clone()).collect::<Vec<_>>())
    };
    let rules = json!({
        "days": 30, "way_back": "vendor",
        "exceptions": [
            {"category": "food", "days": 0, "way_back": "buyer"},
            {"country": "DE", "days": 60, "way_back": "operator"},
        ],
    });
    let changed = change(&operator, RETURNS, 0, &rules).await;
    assert_eq!(changed["value"], rules);
    for (wrong, pointer) in [
        (json!({"days": 366, "way_back": "buyer"}), "/days"),
        (json!({"days": 1}), "/way_back"),
        (json!({"days": 1, "way_back": "buyer", "exceptions": [{"days": 1, "way_back": "buyer"}]}), "/exceptions/0"),
        (json!({"days": 1, "way_back": "buyer", "most": 1}), "/most"),
    ] {
        let refused = operator.clone().with("if-match", "\"1\"").put(RETURNS, &wrong).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], pointer, "{wrong}");
    }
    let (order, promised) = placed().await;
    let frozen = [json!({"days": 30, "way_back": "vendor"}), json!({"days": 0, "way_back": "buyer"})];
    assert_eq!(promised, frozen);
    // Whatever is promised to others since, the order keeps its own.
    let back = operator.clone().with("if-match", "\"1\"").delete(RETURNS).await;
    assert_eq!(back.expect(200)["value"], json!({"days": 14, "way_back": "buyer"}));
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let seen = reader.get(&format!("/v1/orders/{}", text(&order["id"]))).await.expect(200).clone();
    assert_eq!(seen["vendors"][0]["lines"][1]["returns"], frozen[1]);
}
