//! Requests for refunds: what counts as one, what a refusal leaves to do, and money that somebody gives back meanwhile.

use cloud::faults::{Fault, Kind};
use domain::payment::{Refund, RefundState};
use serde_json::{Value, json};

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, text};
use crate::shop::{Ledger, Shop};

/// A paid order that the buyer has cancelled: its refund is queued.
async fn cancelled(sale: &Sale) {
    let cancel = format!("/v1/orders/{}/cancel", sale.id);
    assert_eq!(sale.reader.post(&cancel, &json!({})).await.expect(200)["state"], "cancelled");
}

async fn stored_refunds(shop: &Shop) -> Vec<Refund> {
    let mut orders = Ledger::read(shop).await.orders;
    orders.remove(0).refunds
}

/// What Stripe has refunded of the order, in minor units.
async fn given_back(sale: &Sale) -> Vec<i64> {
    let path = format!("/_local/pay/stripe/orders/{}", sale.id);
    let shown = sale.shop.anon().get(&path).await.expect(200).clone();
    let mut amounts: Vec<i64> = shown["refunds"]
        .as_array()
        .expect("refunds")
        .iter()
        .map(|refund| refund["amount"].as_i64().expect("an amount"))
        .collect();
    amounts.sort_unstable();
    amounts
}

/// Nobody is asked to pay by hand.
async fn asks_nobody(sale: &Sale) {
    let failed = sale.shop.operator().await.get("/v1/admin/refunds/failed").await.expect(200)["items"].clone();
    assert_eq!((failed, sale.operators_mail()), (json!([]), Vec::<String>::new()));
}

#[tokio::test]
async fn being_unable_to_ask_counts_as_no_request() {
    for kind in [Kind::Throttle, Kind::Before] {
        let sale = Sale::of_one().await;
        sale.act("succeed").await;
        cancelled(&sale).await;
        // What was made cannot be read, so nothing is asked for.
        sale.shop.cloud.services().faults.add(Fault { every: true, ..Fault::nth("stripe", "ListRefunds", 1, kind) });
        for _ in 0..4 {
            sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
        }
        let refund = stored_refunds(&sale.shop).await.remove(0);
        assert_eq!((refund.state, refund.attempts, refund.may_be_made()), (RefundState::Queued, 0, false), "{kind:?}");
        // So what somebody gives back at the dashboard takes its place.
        sale.act("refund").await;
        sale.shop.wait_until_idle().await;
        assert_eq!(text(&sale.seen().await["refunds"][0]["state"]), "resolved");
        asks_nobody(&sale).await;
        assert_eq!(given_back(&sale).await, [1_750]);
    }
}

#[tokio::test]
async fn a_refund_that_was_made_at_the_dashboard_is_looked_for_before_anybody_is_asked_to_pay() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.shop.hold_webhooks(true).await;
    sale.act("refund").await;
    cancelled(&sale).await;
    for _ in 0..2 {
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    }
    let states: Vec<Value> = sale.seen().await["refunds"]
        .as_array()
        .expect("refunds")
        .iter()
        .map(|refund| refund["state"].clone())
        .collect();
    assert_eq!(states, ["resolved", "succeeded"]);
    assert_eq!(sale.seen().await["payment"]["state"], "refunded");
    asks_nobody(&sale).await;
    // The news that comes after all changes nothing.
    let before = sale.seen().await;
    sale.shop.hold_webhooks(false).await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(sale.seen().await, before);
    assert_eq!(given_back(&sale).await, [1_750]);
}

#[tokio::test]
async fn only_what_is_missing_is_refunded_when_a_part_was_given_back_at_the_dashboard() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.shop.hold_webhooks(true).await;
    sale.act("refund_part").await;
    cancelled(&sale).await;
    for _ in 0..3 {
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    }
    let seen = sale.seen().await;
    assert_eq!(seen["refunds"][0]["refunded_elsewhere"]["amount"], "8.00", "{seen}");
    assert_eq!((&seen["refunds"][0]["state"], &seen["payment"]["state"]), (&json!("succeeded"), &json!("refunded")));
    asks_nobody(&sale).await;
    assert_eq!(given_back(&sale).await, [800, 950]);
}

#[tokio::test]
async fn a_refund_at_the_dashboard_takes_no_place_of_one_whose_request_is_under_way() {
    // The function dies, or the answer is lost, once Stripe has made the refund.
    for kind in [Kind::CrashAfter, Kind::After] {
        let shop = Shop::open().await;
        let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
        let scarf = shop.vendor("silk").await.product("scarf").price("30.00").stock(5).publish().await;
        let guest = shop.guest().await.takes(&[(&bowl, 1), (&scarf, 1)]).await;
        let order = guest.checks_out("stripe", "once").await.expect(201).clone();
        let reader = shop.anon().with("order-token", text(&order["token"]));
        let vendor = bowl.vendor.clone();
        let sale = Sale { id: text(&order["id"]), email: guest.email, reader, shop, bowl };
        sale.act("succeed").await;
        let vendor_order = vendor.newest_order().await.expect("an order");
        let decline = format!("/v1/vendor/orders/{}/decline", text(&vendor_order["id"]));
        vendor.client.post(&decline, &json!({})).await.expect(200);
        sale.shop.cloud.services().faults.add(Fault::nth("stripe", "CreateRefund", 1, kind));
        sale.shop.hold_webhooks(true).await;
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
        assert_eq!(given_back(&sale).await, [1_750], "{kind:?}");
        let refund = stored_refunds(&sale.shop).await.remove(0);
        assert_eq!((refund.state, refund.may_be_made()), (RefundState::Queued, true), "{kind:?}");

        sale.act("refund_part").await;
        let part = sale.shop.webhooks().await.pop().expect("the news of it");
        assert_eq!(sale.shop.send_webhook(&text(&part["event"])).await, Some(200));
        assert_eq!(stored_refunds(&sale.shop).await[0].state, RefundState::Queued, "Stripe may have made it as well");
        for _ in 0..4 {
            sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
        }
        let refunds = stored_refunds(&sale.shop).await;
        let seen: Vec<_> = refunds.iter().map(|refund| (refund.state, refund.to_send().minor())).collect();
        assert_eq!(seen, [(RefundState::Succeeded, 1_750), (RefundState::Succeeded, 1_700)], "{kind:?}");
        assert_eq!(given_back(&sale).await, [1_700, 1_750]);
        asks_nobody(&sale).await;
    }
}

#[tokio::test]
async fn a_refund_whose_failure_stripe_has_stored_is_made_once_when_its_key_is_forgotten() {
    for after in [false, true] {
        let sale = Sale::of_one().await;
        sale.act("succeed").await;
        cancelled(&sale).await;
        let broken = json!({"on": "CreateRefund", "after": after});
        sale.shop.anon().post("/_local/pay/stripe/errors", &broken).await.expect(200);
        for _ in 0..27 {
            sale.shop.advance(std::time::Duration::from_secs(3600)).await;
        }
        assert_eq!(text(&sale.seen().await["refunds"][0]["state"]), "succeeded");
        assert_eq!(given_back(&sale).await, [1_750]);
        asks_nobody(&sale).await;
    }
}
