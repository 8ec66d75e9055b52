//! What the operator finds: orders of all vendors, refunds and disputes; and the counts on the first page of the desk.

use serde_json::{Value, json};

use super::vendor_lists::{forget_places, listed, ordered, relist};
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, text};
use crate::shop::{Client, Shop, Vendor};

/// Reads every list that a role must allow, also those that are whole once the orders were listed again. `order` is one
/// of the vendor's, as the operator sees it.
pub(crate) async fn every_list_is_read(shop: &Shop, vendor: &Vendor, order: &Value) {
    let operator = shop.operator().await;
    assert!(forget_places(shop).await > 0);
    relist(shop).await;
    for path in [
        "/v1/admin/orders?state=confirmed".to_owned(),
        format!("/v1/admin/orders?email={}", text(&order["email"])),
        format!("/v1/admin/orders?number={}", text(&order["number"])),
        format!("/v1/admin/orders?vendor={}", vendor.id),
        "/v1/admin/refunds".to_owned(),
        "/v1/admin/disputes".to_owned(),
        "/v1/admin/disputes?sort=deadline".to_owned(),
        "/v1/admin/settlements?from=2026-01-01&to=2030-01-01".to_owned(),
        format!("/v1/admin/settlements?from=2026-01-01&to=2030-01-01&vendor={}", vendor.id),
        "/v1/admin/summary".to_owned(),
    ] {
        operator.get(&path).await.expect(200);
    }
    let query = format!("orders?q={}", text(&order["number"]));
    for path in ["orders?state=accepted", "settlements?from=2026-01-01&to=2030-01-01", "summary", &query] {
        vendor.client.get(&format!("/v1/vendor/{path}")).await.expect(200);
    }
}

async fn orders(operator: &Client, query: &str) -> Vec<String> {
    let all = listed(operator, &format!("/v1/admin/orders?{query}"), "id").await;
    for limit in [1, 2] {
        let paged = listed(operator, &format!("/v1/admin/orders?limit={limit}&{query}"), "id").await;
        assert_eq!(paged, all, "{limit} per page of {query}");
    }
    all
}

#[tokio::test]
async fn the_operator_finds_orders_of_all_states_newest_first() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(50).publish().await;
    let scarf = shop.vendor("silk").await.product("scarf").stock(50).publish().await;
    let mut placed: Vec<(String, String)> = Vec::new();
    // Each of another state than the one before, so that no list by state has two neighbours.
    let emails = ["aziza@guests.test", "bobur@guests.test"];
    for round in 0..3 {
        for provider in ["cash_on_delivery", "stripe"] {
            let mut guest = shop.guest().await.takes(&[(if round == 1 { &scarf } else { &bowl }, 1)]).await;
            guest.email = emails[round % 2].to_owned();
            let order = guest.checks_out(provider, "once").await.expect(201).clone();
            placed.push((text(&order["id"]), text(&order["number"])));
            if provider == "stripe" && round == 0 {
                shop.stripe(&text(&order["id"]), "succeed").await;
            }
            shop.advance(std::time::Duration::from_secs(60)).await;
        }
    }
    shop.wait_until_idle().await;
    let operator = shop.operator().await;
    let at = |indexes: &[usize]| -> Vec<String> { indexes.iter().map(|index| placed[*index].0.clone()).collect() };
    assert_eq!(orders(&operator, "").await, at(&[5, 4, 3, 2, 1, 0]));
    assert_eq!(orders(&operator, "state=confirmed").await, at(&[4, 2, 0]));
    assert_eq!(orders(&operator, "state=paid").await, at(&[1]));
    assert_eq!(orders(&operator, "state=awaiting_payment").await, at(&[5, 3]));
    assert_eq!(orders(&operator, "state=completed").await, at(&[]));

    // Of a vendor: those that it sees.
    let (ceramics, silk) = (&bowl.vendor.id, &scarf.vendor.id);
    assert_eq!(orders(&operator, &format!("vendor={ceramics}")).await, at(&[4, 1, 0]));
    assert_eq!(orders(&operator, &format!("vendor={silk}")).await, at(&[2]));
    assert_eq!(orders(&operator, &format!("vendor={ceramics}&state=confirmed")).await, at(&[4, 0]));
    assert_eq!(orders(&operator, &format!("vendor={silk}&email={}", emails[1])).await, at(&[2]));
    assert_eq!(orders(&operator, &format!("vendor={silk}&email={}", emails[0])).await, at(&[]));

    assert_eq!(orders(&operator, &format!("email={}", emails[0])).await, at(&[5, 4, 1, 0]));
    assert_eq!(orders(&operator, &format!("email={}&state=confirmed", emails[0])).await, at(&[4, 0]));

    let seen = operator.get("/v1/admin/orders").await.expect(200)["items"].clone();
    let time = |index: usize| text(&seen[5 - index]["placed_at"]);
    for more in ["", "&state=confirmed", &format!("&vendor={ceramics}"), &format!("&email={}", emails[0])] {
        let all = orders(&operator, more.trim_start_matches('&')).await;
        let expected: Vec<String> = all.into_iter().filter(|id| at(&[1, 2, 3]).contains(id)).collect();
        let bounds = format!("placed_from={}&placed_before={}", time(1), time(4));
        assert_eq!(orders(&operator, &format!("{bounds}{more}")).await, expected, "{bounds}{more}");
    }

    // By number, as people type it.
    let number = &placed[2].1;
    let typed = number.to_lowercase().replace('0', "O").replace('1', "l").replace('-', "%20");
    for number in [number.clone(), typed, format!("%23{}", number.replace('-', ""))] {
        assert_eq!(listed(&operator, &format!("/v1/admin/orders?number={number}"), "id").await, at(&[2]), "{number}");
        for (more, found) in [
            (format!("vendor={silk}"), true),
            (format!("vendor={ceramics}"), false),
            ("state=confirmed".to_owned(), true),
            ("state=paid".to_owned(), false),
            (format!("email={}", emails[1]), true),
            (format!("email={}", emails[0]), false),
        ] {
            let found = if found { at(&[2]) } else { at(&[]) };
            let path = format!("/v1/admin/orders?number={number}&{more}");
            assert_eq!(listed(&operator, &path, "id").await, found, "{path}");
        }
    }
    assert_eq!(listed(&operator, "/v1/admin/orders?number=7U0QK-2M9XD", "id").await, at(&[]));
}

#[tokio::test]
async fn a_page_of_the_whole_shop_takes_one_query_for_each_bucket_and_a_vendors_one() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(50).publish().await;
    for _ in 0..3 {
        ordered(&shop, &[&bowl]).await;
    }
    shop.wait_until_idle().await;
    let operator = shop.operator().await;
    let cost = || shop.cloud.services().usage.snapshot()["GET /v1/admin/orders"].last;
    operator.get("/v1/admin/orders").await.expect(200);
    // The operator's membership, the second factor, the settings, whether the lists are whole, eight queries side by
    // side, and the items in one call.
    assert_eq!(cost().round_trips, 13, "{:?}", cost());
    operator.get("/v1/admin/orders?state=confirmed").await.expect(200);
    assert_eq!(cost().round_trips, 13, "{:?}", cost());
    operator.get(&format!("/v1/admin/orders?vendor={}", bowl.vendor.id)).await.expect(200);
    assert_eq!(cost().round_trips, 5, "{:?}", cost());
}

#[tokio::test]
async fn the_operator_finds_refunds_and_disputes_by_state_whichever_release_has_written_them() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    let shop = &sale.shop;
    // A refund that succeeds, one that is queued while a dispute is open, and one that fails.
    sale.step("decline").await.expect(200);
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    let guest = shop.guest().await.takes(&[(&sale.bowl, 1)]).await;
    let disputed = guest.checks_out("stripe", "once").await.expect(201).clone();
    let disputed = text(&disputed["id"]);
    let (of_disputed, of_sale) = (vec![disputed.clone()], vec![sale.id.clone()]);
    shop.stripe(&disputed, "succeed").await;
    shop.stripe(&disputed, "dispute").await;
    let operator = shop.operator().await;
    operator.post(&format!("/v1/admin/orders/{disputed}/cancel"), &json!({})).await.expect(200);
    shop.wait_until_idle().await;
    let refunds = async |query: &str| {
        let all = listed(&operator, &format!("/v1/admin/refunds?{query}"), "order_id").await;
        assert_eq!(listed(&operator, &format!("/v1/admin/refunds?limit=1&{query}"), "order_id").await, all, "{query}");
        all
    };
    let disputes = async |query: &str| listed(&operator, &format!("/v1/admin/disputes?{query}"), "order_id").await;
    let right = async || {
        assert_eq!(refunds("").await, [disputed.clone(), sale.id.clone()]);
        assert_eq!(refunds("state=queued").await, of_disputed);
        assert_eq!(refunds("state=succeeded").await, of_sale);
        assert_eq!(refunds("state=failed").await, [""; 0]);
        assert_eq!(disputes("").await, of_disputed);
        assert_eq!(disputes("state=opened").await, of_disputed);
        assert_eq!(disputes("state=won").await, [""; 0]);
        let counts = operator.get("/v1/admin/summary").await.expect(200).clone();
        assert_eq!(counts["open_disputes"], json!({"count": 1, "at_least": false}));
    };
    right().await;
    assert!(forget_places(shop).await > 0);
    assert_eq!(disputes("").await, [""; 0], "an earlier release did not list them");
    relist(shop).await;
    right().await;

    shop.stripe(&disputed, "win_dispute").await;
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(disputes("state=opened").await, [""; 0]);
    assert_eq!(disputes("state=won").await, of_disputed);
    let seen = operator.get("/v1/admin/disputes").await.expect(200)["items"][0].clone();
    assert_eq!((&seen["state"], &seen["reason"]), (&json!("won"), &json!("fraudulent")), "{seen}");
}

#[tokio::test]
async fn a_refund_that_needs_somebody_is_listed_by_its_state_too_and_counted() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.step("decline").await.expect(200);
    sale.shop.wait_until_idle().await;
    let id = text(&sale.seen().await["refunds"][0]["id"]);
    let alone = vec![id.clone()];
    let failed = json!({
        "id": "re_failed", "object": "refund", "amount": 1_750, "charge": "ch_1", "currency": "usd",
        "metadata": {"refund_id": id, "order_id": sale.id}, "payment_intent": sale.references().await[0],
        "status": "failed", "failure_reason": "expired_or_canceled_card",
    });
    sale.post_webhook("refund.failed", failed).await.expect(200);
    sale.shop.wait_until_idle().await;
    let operator = sale.shop.operator().await;
    for path in ["/v1/admin/refunds", "/v1/admin/refunds/failed"] {
        assert_eq!(listed(&operator, path, "id").await, alone, "{path}");
    }
    let state = text(&sale.seen().await["refunds"][0]["state"]);
    assert_eq!(listed(&operator, &format!("/v1/admin/refunds?state={state}"), "id").await, alone);
    assert_eq!(listed(&operator, "/v1/admin/refunds?state=queued", "id").await, [""; 0]);
    let counts = operator.get("/v1/admin/summary").await.expect(200).clone();
    assert_eq!(counts["failed_refunds"], json!({"count": 1, "at_least": false}));
}

#[tokio::test]
async fn the_operator_sees_what_waits() {
    let sale = Sale::of_one().await;
    let shop = &sale.shop;
    shop.applicant("silk").await.client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
    let guest = shop.guest().await.takes(&[(&sale.bowl, 1)]).await;
    guest.checks_out("stripe", "once").await.expect(201);
    sale.act("wrong_amount").await;
    let one = json!({"count": 1, "at_least": false});
    let none = json!({"count": 0, "at_least": false});
    assert_eq!(
        *shop.operator().await.get("/v1/admin/summary").await.expect(200),
        json!({
            "submitted_vendors": one, "unpaid_orders": {"count": 2, "at_least": false}, "amount_mismatches": one,
            "unmatched_payments": none, "failed_refunds": none, "open_disputes": none, "late_vendor_orders": none,
        })
    );
}
