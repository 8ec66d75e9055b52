//! Unmatched payments: money that no order knows is tried again for a day, and is then the operator's to resolve.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use serde_json::{Value, json};

use crate::shop::Shop;
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, text};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const LIST: &str = "/v1/admin/payments/unmatched";

/// Movement, reference and order of the records in a list of the operator's.
async fn listed(shop: &Shop, query: &str) -> Vec<[String; 3]> {
    let records = shop.operator().await.get(&format!("{LIST}{query}")).await.expect(200)["items"].clone();
    let known =
        |record: &Value| ["what", "reference", "order_id"].map(|name| record[name].as_str().unwrap_or("-").to_owned());
    let mut known: Vec<_> = records.as_array().expect("a list").iter().map(known).collect();
    known.sort_unstable();
    known
}

/// A refund of a payment, made at the provider's dashboard.
fn refund(reference: &str, payment: &str, status: &str) -> Value {
    json!({
        "id": reference, "object": "refund", "amount": 500, "charge": "ch_1", "currency": "usd", "metadata": {},
        "payment_intent": payment, "status": status,
    })
}

#[tokio::test]
async fn a_webhook_of_an_unknown_payment_is_accepted_and_its_money_is_the_operators_after_a_day() {
    let sale = Sale::of_one().await;
    let before = sale.seen().await;
    let elsewhere = |mut object: Value, metadata: &Value| {
        object["metadata"] = metadata.clone();
        object
    };
    let (stranger, nobody) = (json!({"order_id": "ord_00000000000000000000000009"}), json!({}));
    let refund = |id: &str, status: &str| {
        json!({
            "id": id, "object": "refund", "amount": 500, "charge": "ch_1", "currency": "usd", "metadata": {},
            "payment_intent": "pi_nobodys", "status": status,
        })
    };
    for (name, object) in [
        ("payment_intent.succeeded", elsewhere(sale.intent("pi_strangers", 1750, "succeeded"), &stranger)),
        ("payment_intent.succeeded", elsewhere(sale.intent("pi_nobodys", 1750, "succeeded"), &nobody)),
        // An attempt that the order does not know: its money is not counted for the order.
        ("payment_intent.succeeded", sale.intent("pi_unknown", 1750, "succeeded")),
        ("refund.created", refund("re_nobodys", "pending")),
        ("charge.dispute.created", Sale::dispute("pi_nobodys", "needs_response")),
        // These report no money.
        ("payment_intent.processing", sale.intent("pi_processing", 1750, "processing")),
        ("refund.failed", refund("re_failed", "failed")),
        ("charge.dispute.closed", Sale::dispute("pi_won", "won")),
        ("invoice.paid", json!({"id": "in_1", "object": "invoice"})),
    ] {
        for _ in 0..2 {
            sale.post_webhook(name, object.clone()).await.expect(200);
        }
    }
    sale.shop.wait_until_idle().await;
    assert_eq!(sale.seen().await, before);

    // For a day each is tried again, and waits for nobody.
    assert_eq!(listed(&sale.shop, "").await, [[""; 3]; 0]);
    assert_eq!(listed(&sale.shop, "?state=retrying").await.len(), 5);
    let operator = sale.shop.operator().await;
    assert_eq!(operator.get("/v1/admin/summary").await.expect(200)["unmatched_payments"]["count"], 0);
    assert_eq!(sale.operators_mail(), [""; 0]);
    // What was not paid in time expires meanwhile, which is not what is asked here.
    let before = {
        sale.shop.advance(DAY - MINUTE).await;
        assert_eq!(listed(&sale.shop, "").await, [[""; 3]; 0]);
        sale.seen().await
    };
    sale.shop.advance(2 * MINUTE).await;
    assert_eq!(listed(&sale.shop, "?state=retrying").await, [[""; 3]; 0]);

    // Each payment, refund or dispute is listed once. Only one that names an existing order is mailed to the operator.
    let operator = sale.shop.operator().await;
    let list = "/v1/admin/payments/unmatched";
    let unmatched = operator.get(list).await.expect(200)["items"].clone();
    let unmatched = unmatched.as_array().expect("a list");
    let mut known: Vec<_> = unmatched
        .iter()
        .map(|money| ["what", "reference", "order_id"].map(|name| money[name].as_str().unwrap_or("-")))
        .collect();
    known.sort_unstable();
    let dispute = Sale::dispute("pi_nobodys", "needs_response");
    assert_eq!(
        known,
        [
            ["dispute", dispute["id"].as_str().expect("an id"), "-"],
            ["payment", "pi_nobodys", "-"],
            ["payment", "pi_strangers", "ord_00000000000000000000000009"],
            ["payment", "pi_unknown", &sale.id],
            ["refund", "re_nobodys", "-"],
        ]
    );
    let unknown = unmatched.iter().find(|money| money["reference"] == "pi_unknown").expect("the attempt");
    assert_eq!((&unknown["provider"], &unknown["amount"]["amount"]), (&json!("stripe"), &json!("17.50")));
    assert_eq!(sale.operators_mail(), ["Money came for no order"]);
    assert!(sale.messages_to_operator()[0].contains(&sale.id));
    let first = operator.get(&format!("{list}?limit=1")).await.expect(200).clone();
    let rest = operator.get(&format!("{list}?cursor={}", text(&first["next"]))).await.expect(200).clone();
    assert_eq!((&first["items"][0], rest["items"].as_array().map(Vec::len)), (&unmatched[0], Some(4)));
    // A forged webhook is refused.
    let event = json!({"id": "evt_1", "object": "event", "type": "payment_intent.succeeded"});
    let forged = sale.shop.anon().with("stripe-signature", format!("t=1800000000,v1={}", "0".repeat(64)));
    forged.post("/v1/webhooks/stripe", &event).await.expect_problem(400, "bad_signature");
    assert_eq!(sale.seen().await, before);
}

#[tokio::test]
async fn news_that_comes_before_its_reference_is_stored_is_applied_once_that_is_known() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    // The provider has created the payment and its answer was lost, so nothing here knows its reference.
    shop.cloud.services().faults.add(Fault::nth("stripe", "CreatePaymentIntent", 1, Kind::After));
    let sale = Sale::of(shop, bowl, 1).await;
    sale.shop.hold_webhooks(true).await;
    sale.act("succeed").await;
    let intents = sale.shop.anon().get(&format!("/_local/pay/stripe/orders/{}", sale.id)).await.expect(200).clone();
    let reference = text(&intents["intents"][0]["id"]);
    // Stripe's news of refunds and disputes does not name our order, and overtakes that of the payment.
    for (name, object) in [
        ("refund.created", refund("re_early", &reference, "pending")),
        ("refund.updated", refund("re_early", &reference, "succeeded")),
        ("charge.dispute.created", Sale::dispute(&reference, "needs_response")),
        ("charge.dispute.closed", Sale::dispute(&reference, "won")),
    ] {
        sale.post_webhook(name, object).await.expect(200);
    }
    assert_eq!(listed(&sale.shop, "?state=retrying").await.len(), 2);
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(listed(&sale.shop, "?state=retrying").await.len(), 2, "the payment is not known yet");

    sale.shop.hold_webhooks(false).await;
    sale.shop.advance(2 * HOUSEKEEPING_INTERVAL).await;
    assert_eq!(listed(&sale.shop, "?state=retrying").await, [[""; 3]; 0]);
    let matched = listed(&sale.shop, "?state=matched").await;
    assert_eq!(matched, [["dispute", "du_1", &sale.id], ["refund", "re_early", &sale.id]]);
    let seen = sale.seen_by_operator().await;
    assert_eq!((&seen["state"], &seen["refunds"][0]["state"]), (&json!("paid"), &json!("succeeded")), "{seen}");
    assert_eq!(seen["disputes"][0]["state"], "won", "the later news was not lost: {seen}");
    // Nothing is left for the operator, and nothing is applied twice.
    sale.shop.advance(DAY).await;
    assert_eq!(listed(&sale.shop, "").await, [[""; 3]; 0]);
    assert_eq!(sale.seen_by_operator().await["refunds"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_unmatched_payment_is_resolved_once_with_a_note_and_stays_visible() {
    let shop = Shop::open().await;
    let (first, second) = (shop.unmatched_payment("pi_first").await, shop.unmatched_payment("pi_second").await);
    shop.advance(DAY + MINUTE).await;
    let operator_again = shop.operator().await;
    assert_eq!(listed(&shop, "").await.len(), 2);
    assert_eq!(operator_again.get("/v1/admin/summary").await.expect(200)["unmatched_payments"]["count"], 2);

    let path = format!("{LIST}/{first}/resolve");
    let note = json!({"note": "An invoice of the café, booked there."});
    let resolved = operator_again.post(&path, &note).await.expect(200).clone();
    assert_eq!((&resolved["state"], &resolved["resolution"]["note"]), (&json!("resolved"), &note["note"]));
    assert!(resolved["resolution"]["by"].is_string() && resolved["resolution"]["at"].is_string(), "{resolved}");
    // It leaves what waits, and stays visible.
    assert_eq!(listed(&shop, "").await, [["payment", "pi_second", "-"]]);
    assert_eq!(operator_again.get("/v1/admin/summary").await.expect(200)["unmatched_payments"]["count"], 1);
    let shown = operator_again.get(&format!("{LIST}?state=resolved")).await.expect(200)["items"].clone();
    assert_eq!(shown, json!([resolved]));

    // A repeat changes nothing, another note is refused, and news that comes again opens nothing.
    shop.advance(MINUTE).await;
    assert_eq!(operator_again.post(&path, &note).await.expect(200), &resolved);
    operator_again.post(&path, &json!({"note": "Something else."})).await.expect_problem(409, "wrong_state");
    assert_eq!(shop.unmatched_payment("pi_first").await, first);
    shop.advance(DAY + MINUTE).await;
    assert_eq!(listed(&shop, "").await, [["payment", "pi_second", "-"]]);

    // One whose news is still tried can be resolved as well, and is tried no more.
    let third = shop.unmatched_payment("pi_third").await;
    let operator_again = shop.operator().await;
    operator_again.post(&format!("{LIST}/{third}/resolve"), &json!({"note": "A test."})).await.expect(200);
    shop.advance(DAY + MINUTE).await;
    assert_eq!(listed(&shop, "").await, [["payment", "pi_second", "-"]]);
    let unknown = format!("{LIST}/evt_00000000000000000000000001/resolve");
    let operator_again = shop.operator().await;
    operator_again.post(&unknown, &note).await.expect_problem(404, "not_found");
    let refused = operator_again.post(&format!("{LIST}/{second}/resolve"), &json!({"note": ""})).await;
    assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "/note");
}
