//! Payments that a provider drives itself: it asks what is to be paid, begins, captures and cancels, and gets answers
//! in its own protocol, the same to each repeat.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::shop::Shop;
use crate::shop::driving_provider::HOLDS;
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, PAST_PAYMENT_DEADLINE, Sale, count, text};

const TEAPOT: u16 = 418;

/// An order of one bowl for 17.50 USD that awaits the double's payment.
async fn sale() -> Sale {
    let shop = Shop::with_driving_provider().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    Sale::of(shop, bowl, 1).await
}

fn refused(word: &str) -> (u16, String) {
    (TEAPOT, format!("ERR {word}"))
}

impl Sale {
    fn begin_of(&self, reference: &str, amount: i64) -> Value {
        let at = self.shop.cloud.now().millis();
        json!({"call": "begin", "order": self.id, "reference": reference, "amount": amount, "at": at})
    }

    async fn begins(&self, reference: &str) -> (u16, String) {
        self.shop.drives(&self.begin_of(reference, 1_750)).await
    }

    async fn captures(&self, reference: &str) -> (u16, String) {
        self.shop.drives(&json!({"call": "capture", "reference": reference})).await
    }

    async fn cancels(&self, reference: &str) -> (u16, String) {
        self.shop.drives(&json!({"call": "cancel", "reference": reference, "reason": "5"})).await
    }

    async fn shows(&self, reference: &str) -> (u16, String) {
        self.shop.drives(&json!({"call": "show", "reference": reference})).await
    }

    async fn offers(&self) -> (u16, String) {
        self.shop.drives(&json!({"call": "offer", "order": self.id})).await
    }

    /// Pays the order by a transaction.
    async fn is_paid_by(&self, reference: &str) {
        assert_eq!((self.begins(reference).await.0, self.captures(reference).await.0), (200, 200));
        self.shop.wait_until_idle().await;
    }

    async fn states(&self) -> [String; 2] {
        let seen = self.seen().await;
        [text(&seen["state"]), text(&seen["payment"]["state"])]
    }
}

#[tokio::test]
async fn an_order_is_offered_begun_and_captured_and_each_repeat_gets_the_same_bytes() {
    let sale = sale().await;
    let seen = sale.seen().await;
    let url = text(&seen["payment"]["action"]["url"]);
    assert!(url.contains(&sale.id) && url.contains(&text(&seen["number"])), "{url}");
    let (now, quarter) = (sale.shop.cloud.now().millis(), 15 * 60 * 1_000);
    assert_eq!(sale.offers().await, (200, format!("PAY 17.50 USD until {}", now + quarter)));

    let begun = sale.begins("t-1").await;
    assert_eq!(begun, (200, format!("BEGUN t-1 at {now} receipt 0")));
    assert_eq!(sale.states().await, ["awaiting_payment", "pending"]);
    sale.shop.cloud.clock().advance(Duration::from_secs(5));
    assert_eq!(sale.begins("t-1").await, begun);
    assert_eq!(sale.offers().await, refused("busy"), "its transaction has begun");

    let captured = sale.captures("t-1").await;
    assert!(captured.1.starts_with("CAPTURED"), "{captured:?}");
    sale.shop.cloud.clock().advance(Duration::from_secs(5));
    assert_eq!(sale.captures("t-1").await, captured);
    assert_eq!(sale.begins("t-1").await, begun, "a repeat may come late");
    sale.shop.wait_until_idle().await;
    assert_eq!(sale.states().await, ["paid", "captured"]);
    assert_eq!(count(&sale.seen().await, "paid"), 1);
    assert_eq!(sale.mail().len(), 1);
    assert_eq!(sale.stock().await, (5, 1, 4));
    assert_eq!(sale.references().await, ["t-1"]);
    assert_eq!(sale.shows("t-1").await, (200, "t-1 17.50 USD captured".to_owned()));
    assert_eq!(sale.offers().await, refused("closed"));
}

#[tokio::test]
async fn a_transaction_is_found_by_each_of_the_ids_that_its_provider_has_for_it() {
    let sale = sale().await;
    let mut begin = sale.begin_of("t-1", 1_750);
    begin["receipt"] = json!("doc-77");
    let begun = sale.shop.drives(&begin).await;
    assert_eq!(begun.0, 200, "{begun:?}");
    assert_eq!(sale.shows("doc-77").await, (200, "t-1 17.50 USD begun".to_owned()));
    let captured = sale.captures("doc-77").await;
    assert_eq!((captured.0, sale.captures("t-1").await), (200, captured));
    // Neither id can begin a payment of another order.
    let other = Sale::of(sale.shop, sale.bowl, 1).await;
    assert_eq!(other.begins("doc-77").await, refused("busy"));
    let mut mixed_up = other.begin_of("t-2", 1_750);
    mixed_up["receipt"] = json!("t-1");
    assert_eq!(other.shop.drives(&mixed_up).await, refused("busy"));
    let cancelled = other.cancels("doc-77").await;
    assert_eq!((cancelled.0, other.cancels("t-1").await), (200, cancelled));
    let seen = other.shop.operator().await.get(&format!("/v1/admin/orders/{}", sale.id)).await.expect(200).clone();
    let named = seen["refunds"].as_array().expect("refunds").iter().any(|one| one["reference"] == "t-1_refund");
    assert!(seen["state"] == "cancelled" && named, "{}", seen["refunds"]);
}

#[tokio::test]
async fn a_reply_is_the_providers_own_with_its_status_headers_and_bytes() {
    let sale = sale().await;
    let reply = sale.shop.drive_call(&json!({"call": "offer", "order": "none"})).await;
    assert_eq!((reply.status, reply.text.as_str()), (TEAPOT, "ERR order"));
    assert_eq!((reply.header("content-type"), reply.header("drive-version")), ("text/x-drive", "7"));
    let forged = sale.shop.driver().with("drive-key", "guessed");
    let forged = forged.post("/v1/webhooks/stripe", &json!({"call": "offer", "order": sale.id})).await;
    assert_eq!((forged.status, forged.text.as_str()), (203, "ERR key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_of_a_call_that_come_at_once_take_one_step_and_get_the_same_bytes() {
    let sale = sale().await;
    let begun = join_all((0..6).map(|_| sale.begins("t-1"))).await;
    assert_eq!(begun[0].0, 200, "{begun:?}");
    assert!(begun.iter().all(|reply| *reply == begun[0]), "{begun:?}");
    let captured = join_all((0..6).map(|_| sale.captures("t-1"))).await;
    assert_eq!(captured[0].0, 200, "{captured:?}");
    assert!(captured.iter().all(|reply| *reply == captured[0]), "{captured:?}");
    let taken_back = join_all((0..6).map(|_| sale.cancels("t-1"))).await;
    assert_eq!(taken_back[0].0, 200, "{taken_back:?}");
    assert!(taken_back.iter().all(|reply| *reply == taken_back[0]), "{taken_back:?}");
    let seen = sale.seen().await;
    assert_eq!(
        (count(&seen, "paid"), seen["refunds"].as_array().map(Vec::len)),
        (1, Some(2)),
        "with what it takes the place of"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_transactions_that_begin_at_once_one_is_refused() {
    let sale = sale().await;
    let (one, other) = tokio::join!(sale.begins("t-1"), sale.begins("t-2"));
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, TEAPOT], "{one:?} {other:?}");
    let loser = if one.0 == 200 { other } else { one };
    assert_eq!(loser, refused("busy"));
}

#[tokio::test]
async fn a_transaction_that_is_cancelled_before_its_capture_leaves_the_order_to_another() {
    let sale = sale().await;
    sale.begins("t-1").await;
    let cancelled = sale.cancels("t-1").await;
    assert!(cancelled.1.starts_with("CANCELLED"), "{cancelled:?}");
    assert_eq!(sale.cancels("t-1").await, cancelled);
    assert_eq!(sale.states().await, ["awaiting_payment", "cancelled"]);
    assert_eq!(sale.captures("t-1").await, refused("cancelled"));
    assert_eq!(sale.shows("t-1").await.1, "t-1 17.50 USD cancelled: 5");
    assert_eq!(sale.begins("t-2").await, refused("closed"), "its buyer has to choose it again");

    let again = sale.reader.clone().with("idempotency-key", "again");
    let asked = json!({"provider": "stripe", "return_url": "http://localhost:5173/back"});
    let retried = again.post(&format!("/v1/orders/{}/payments", sale.id), &asked).await;
    let url = text(&retried.expect(201)["payment"]["action"]["url"]);
    assert!(url.ends_with("&back=http://localhost:5173/back"), "{url}");
    sale.is_paid_by("t-2").await;
    assert_eq!(sale.states().await, ["paid", "captured"]);
}

#[tokio::test]
async fn money_that_is_taken_back_after_its_capture_ends_the_order() {
    let sale = sale().await;
    sale.is_paid_by("t-1").await;
    let taken_back = sale.cancels("t-1").await;
    assert!(taken_back.1.starts_with("CANCELLED"), "{taken_back:?}");
    assert_eq!(sale.cancels("t-1").await, taken_back);
    sale.shop.wait_until_idle().await;
    assert_eq!(sale.states().await, ["cancelled", "refunded"]);
    let refunds = sale.seen().await["refunds"].clone();
    let known = |refund: &Value| [&refund["amount"]["amount"], &refund["state"], &refund["reason"]].map(text);
    let mut known: Vec<_> = refunds.as_array().expect("refunds").iter().map(known).collect();
    known.sort();
    assert_eq!(known, [["17.50", "resolved", "cancelled"], ["17.50", "succeeded", "refunded_elsewhere"]]);
    assert_eq!(sale.stock().await, (5, 0, 5));
    assert_eq!(sale.shows("t-1").await.1, "t-1 17.50 USD taken back: 5");
    assert_eq!(sale.captures("t-1").await, refused("cancelled"));
}

#[tokio::test]
async fn money_is_not_taken_back_once_something_was_shipped() {
    let sale = sale().await;
    sale.is_paid_by("t-1").await;
    sale.step("accept").await.expect(200);
    sale.step("ship").await.expect(200);
    assert_eq!(sale.cancels("t-1").await, refused("shipped"));
    assert_eq!(sale.states().await, ["paid", "captured"]);
}

#[tokio::test]
async fn what_does_not_fit_the_order_is_refused_and_changes_nothing() {
    let sale = sale().await;
    let before = sale.seen().await;
    let unknown = json!({"call": "offer", "order": "ord_00000000000000000000000009"});
    assert_eq!(sale.shop.drives(&unknown).await, refused("order"));
    assert_eq!(sale.shop.drives(&sale.begin_of("t-1", 1_749)).await, refused("amount"));
    for call in ["capture", "show"] {
        assert_eq!(sale.shop.drives(&json!({"call": call, "reference": "t-9"})).await, refused("transaction"));
    }
    assert_eq!(sale.cancels("t-9").await, refused("transaction"));
    assert_eq!(sale.seen().await, before);

    sale.expires().await;
    assert_eq!((sale.offers().await, sale.begins("t-1").await), (refused("expired"), refused("expired")));
}

#[tokio::test]
async fn an_order_waits_for_its_transaction_and_ends_when_that_is_over() {
    let sale = sale().await;
    sale.begins("t-1").await;
    sale.shop.advance(PAST_PAYMENT_DEADLINE).await;
    assert_eq!(sale.states().await, ["awaiting_payment", "pending"]);
    sale.shop.advance(HOLDS).await;
    assert_eq!(sale.states().await, ["expired", "expired"]);
    assert_eq!(sale.captures("t-1").await, refused("expired"));
    sale.cancels("t-1").await;
    assert_eq!(sale.shows("t-1").await.1, "t-1 17.50 USD cancelled: 5");
    assert_eq!(sale.stock().await, (5, 0, 5));
}

#[tokio::test]
async fn a_transaction_of_an_order_that_its_buyer_cancelled_is_not_captured() {
    let sale = sale().await;
    sale.begins("t-1").await;
    sale.reader.post(&format!("/v1/orders/{}/cancel", sale.id), &json!({})).await.expect(200);
    assert_eq!(sale.captures("t-1").await, refused("cancelled"));
    assert_eq!(sale.states().await, ["cancelled", "cancelled"]);
}

#[tokio::test]
async fn a_refund_that_the_provider_cannot_make_needs_a_person() {
    let sale = sale().await;
    sale.is_paid_by("t-1").await;
    sale.reader.post(&format!("/v1/orders/{}/cancel", sale.id), &json!({})).await.expect(200);
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(sale.seen().await["refunds"][0]["state"], "failed");
    let listed = sale.shop.operator().await.get("/v1/admin/refunds/failed").await;
    assert_eq!(listed.expect(200)["items"].as_array().map(Vec::len), Some(1));
    // The operator gives it back in the provider's own pages.
    assert_eq!(sale.cancels("t-1").await.0, 200);
    assert_eq!(sale.states().await, ["cancelled", "refunded"]);
}

#[tokio::test]
async fn a_statement_lists_what_began_between_two_times_the_oldest_first() {
    let first = sale().await;
    let began = first.shop.cloud.now().millis();
    first.begins("t-1").await;
    first.cancels("t-1").await;
    first.shop.advance(Duration::from_secs(60)).await;
    let Sale { shop, bowl, .. } = first;
    let second = Sale::of(shop, bowl, 2).await;
    second.shop.drives(&second.begin_of("t-2", 3_000)).await;
    second.captures("t-2").await;
    let states = async |from: i64, until: i64| {
        second.shop.drives(&json!({"call": "statement", "from": from, "until": until})).await
    };
    let [one, two] = ["t-1 17.50 USD cancelled: 5", "t-2 30.00 USD captured"];
    assert_eq!(states(began, began + 60_000).await, (200, format!("{one}\n{two}")));
    assert_eq!(states(began, began + 59_999).await.1, one);
    assert_eq!(states(began + 1, began + 24 * 3_600_000).await.1, two);
    assert_eq!(states(began + 60_001, began + 70_000).await.1, "");
    assert_eq!(states(began + 70_000, began).await.1, "");
    assert_eq!(states(0, began).await, refused("long"));
}
