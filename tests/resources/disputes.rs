//! Disputes: the buyer's bank may charge a payment back while the shop refunds it.

use serde_json::json;

use crate::shop::Shop;
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, count, events, text};

#[tokio::test]
async fn a_dispute_is_shown_to_the_operator_in_whichever_order_its_webhooks_come() {
    for won in [true, false] {
        let sale = Sale::of_one().await;
        sale.act("succeed").await;
        let reference = sale.references().await.remove(0);
        let (opened, status) = (Sale::dispute(&reference, "needs_response"), if won { "won" } else { "lost" });
        let closed = Sale::dispute(&reference, status);
        let mut webhooks = vec![("charge.dispute.created", opened.clone()), ("charge.dispute.closed", closed.clone())];
        if won {
            webhooks.reverse();
        }
        // Each webhook is delivered twice.
        webhooks.extend(webhooks.clone());
        for (name, object) in webhooks {
            sale.post_webhook(name, object).await.expect(200);
        }
        sale.shop.wait_until_idle().await;
        let seen = sale.seen_by_operator().await;
        let disputes = seen["disputes"].as_array().expect("disputes");
        assert_eq!(disputes.len(), 1);
        assert_eq!(
            (text(&disputes[0]["state"]), text(&disputes[0]["reference"])),
            (status.to_owned(), "du_1".to_owned())
        );
        assert_eq!(disputes[0]["amount"], json!({"amount": "17.50", "currency": "USD"}));
        assert!(disputes[0]["opened_at"].is_string() && disputes[0]["closed_at"].is_string());
        assert_eq!(
            (count(&seen, "dispute_opened"), count(&seen, &format!("dispute_{status}"))),
            (usize::from(!won), 1)
        );
        assert_eq!(sale.operators_mail().len(), if won { 1 } else { 2 }, "{:?}", sale.operators_mail());

        // Buyer and vendor see the dispute, but none of the provider's references.
        for view in [sale.seen().await, sale.vendor_order().await] {
            assert!(events(&view).contains(&format!("dispute_{status}")));
            assert!(!view.to_string().contains("du_1") && !view.to_string().contains(&reference), "{view}");
        }
    }
}

#[tokio::test]
async fn the_sandbox_opens_a_dispute_and_decides_it() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.act("dispute").await;
    sale.act("dispute").await;
    assert_eq!(sale.seen_by_operator().await["disputes"][0]["state"], "opened");
    sale.act("lose_dispute").await;
    let seen = sale.seen_by_operator().await;
    assert_eq!((&seen["disputes"][0]["state"], seen["disputes"][1].is_null()), (&json!("lost"), true));
}

#[tokio::test]
async fn open_disputes_are_listed_by_the_time_until_which_they_have_to_be_answered() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        let order = shop.guest().await.takes(&[(&bowl, 1)]).await.checks_out("stripe", "once").await;
        orders.push(text(&order.expect(201)["id"]));
        shop.stripe(&orders[orders.len() - 1], "succeed").await;
    }
    let operator = shop.operator().await;
    // The one that was ordered last has to be answered first.
    for order in orders.iter().rev() {
        shop.stripe(order, "dispute").await;
        shop.advance(std::time::Duration::from_secs(60)).await;
    }
    let list = async |query: &str| {
        let page = operator.get(&format!("/v1/admin/disputes?{query}")).await.expect(200).clone();
        let items = page["items"].as_array().expect("items");
        let all: Vec<String> = items.iter().map(|item| text(&item["order_id"])).collect();
        (all, page["next"].as_str().map(str::to_owned), page)
    };
    let latest_first: Vec<String> = orders.iter().rev().cloned().collect();
    let (all, next, page) = list("sort=deadline").await;
    assert_eq!((all, next), (latest_first.clone(), None));
    let due = |at: usize| text(&page["items"][at]["evidence_due_at"]);
    assert!(due(0) < due(1) && due(1) < due(2), "{page}");
    let (first, next, _) = list("sort=deadline&limit=2").await;
    assert_eq!(first, latest_first[..2]);
    let (rest, next, _) = list(&format!("sort=deadline&limit=2&cursor={}", next.expect("a next page"))).await;
    assert_eq!((rest, next), (latest_first[2..].to_vec(), None));
    // What is decided needs no answer.
    shop.stripe(&orders[2], "win_dispute").await;
    shop.wait_until_idle().await;
    assert_eq!(list("sort=deadline").await.0, latest_first[1..]);
    assert_eq!(list("sort=deadline&state=opened").await.0, latest_first[1..]);
    assert_eq!(list("").await.0.len(), 3);
    let refused = operator.get("/v1/admin/disputes?sort=deadline&state=won").await;
    assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], "sort");
}

#[tokio::test]
async fn the_mail_and_the_order_say_until_when_a_dispute_has_to_be_answered() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.act("dispute").await;
    sale.shop.wait_until_idle().await;
    let seen = sale.seen_by_operator().await;
    let due = domain::Timestamp::parse(&text(&seen["disputes"][0]["evidence_due_at"])).expect("a time");
    let due = pages::date_time(due, pages::Language::En);
    let mail = sale.messages_to_operator();
    assert!(
        mail[0].contains(&format!("$17.50, open, to be answered before {due}, because: fraudulent")),
        "{}",
        mail[0]
    );
}

/// The order's refund as the buyer sees it: its state, and whether the amount was charged back instead.
async fn refund(sale: &Sale) -> (String, bool) {
    let seen = sale.seen().await;
    let refunds = seen["refunds"].as_array().expect("refunds");
    assert_eq!((refunds.len(), &refunds[0]["amount"]["amount"]), (1, &json!("17.50")), "{seen}");
    (text(&refunds[0]["state"]), refunds[0]["dispute_id"].is_string())
}

fn queued_refund() -> (String, bool) {
    ("queued".to_owned(), false)
}

/// A sale that the vendor declined while a dispute is open: its refund waits.
async fn declined_while_disputed() -> Sale {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.act("dispute").await;
    sale.step("decline").await.expect(200);
    sale.shop.wait_until_idle().await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(refund(&sale).await, queued_refund());
    sale
}

#[tokio::test]
async fn a_refund_waits_for_the_dispute_and_is_sent_when_the_shop_wins() {
    let sale = declined_while_disputed().await;
    let mail = sale.messages_to_buyer();
    assert!(mail[0].contains("Your bank is deciding about this payment"), "{mail:?}");
    // The operator is alerted to the dispute only, not to a refund that needs manual work.
    assert_eq!(sale.operators_mail().len(), 1, "{:?}", sale.operators_mail());

    sale.act("win_dispute").await;
    sale.act("win_dispute").await;
    sale.shop.wait_until_idle().await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(refund(&sale).await, ("succeeded".to_owned(), false));
    assert_eq!(sale.seen().await["payment"]["state"], "refunded");
}

#[tokio::test]
async fn what_was_charged_back_is_not_refunded_again() {
    // Whether the refund was queued before the dispute or while it was open.
    for queued_before in [true, false] {
        let sale = Sale::of_one().await;
        sale.act("succeed").await;
        if queued_before {
            sale.step("decline").await.expect(200);
        }
        sale.act("dispute").await;
        if !queued_before {
            sale.step("decline").await.expect(200);
        }
        sale.shop.wait_until_idle().await;
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
        assert_eq!(refund(&sale).await, queued_refund());
        sale.act("lose_dispute").await;
        sale.act("lose_dispute").await;
        sale.shop.wait_until_idle().await;
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
        assert_eq!(refund(&sale).await, ("failed".to_owned(), true));
        assert_eq!(count(&sale.seen().await, "refund_charged_back"), 1);
        let failed = sale.shop.operator().await.get("/v1/admin/refunds/failed").await.expect(200).clone();
        assert_eq!(failed["items"], json!([]), "nothing needs a manual refund");
        let mail = sale.messages_to_operator();
        assert!(mail.len() == 2 && !mail.iter().any(|message| message.contains("by hand")), "{mail:?}");
    }

    // The refund of an order that a lost dispute cancels is marked as charged back at once.
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.act("dispute").await;
    sale.act("lose_dispute").await;
    sale.shop.wait_until_idle().await;
    assert_eq!(refund(&sale).await, ("failed".to_owned(), true));
    let mail = sale.messages_to_buyer();
    assert!(mail[0].contains("Your bank has given this money back to you"), "{mail:?}");
}

#[tokio::test]
async fn a_dispute_that_only_the_provider_knows_of_makes_a_refund_wait() {
    for (decision, end) in
        [("win_dispute", ("succeeded".to_owned(), false)), ("lose_dispute", ("failed".to_owned(), true))]
    {
        let sale = Sale::of_one().await;
        sale.act("succeed").await;
        sale.shop.hold_webhooks(true).await;
        sale.act("dispute").await;
        sale.step("decline").await.expect(200);
        sale.shop.wait_until_idle().await;
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
        assert_eq!(
            refund(&sale).await,
            queued_refund(),
            "the provider refuses the refund only while the dispute is open"
        );
        assert!(sale.operators_mail().is_empty(), "{:?}", sale.operators_mail());
        sale.shop.hold_webhooks(false).await;
        sale.act(decision).await;
        sale.shop.advance(2 * HOUSEKEEPING_INTERVAL).await;
        assert_eq!(refund(&sale).await, end);
    }
}

#[tokio::test]
async fn a_partial_chargeback_is_deducted_from_the_refund() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    let reference = sale.references().await.remove(0);
    let lost = |amount: i64| {
        let mut dispute = Sale::dispute(&reference, "lost");
        dispute["amount"] = json!(amount);
        dispute
    };
    sale.post_webhook("charge.dispute.closed", lost(700)).await.expect(200);
    let seen = sale.seen().await;
    let refund = &seen["refunds"][0];
    assert_eq!((&refund["state"], &refund["amount"]["amount"]), (&json!("queued"), &json!("17.50")));
    assert_eq!(refund["charged_back"], json!({"amount": "7.00", "currency": "USD"}));
    sale.shop.wait_until_idle().await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let books = sale.shop.anon().get(&format!("/_local/pay/stripe/orders/{}", sale.id)).await.json.clone();
    assert_eq!((books["refunds"].as_array().map(Vec::len), &books["refunds"][0]["amount"]), (Some(1), &json!(1050)));
}

#[tokio::test]
async fn a_refund_that_fails_because_of_a_dispute_is_not_listed_until_the_dispute_is_decided() {
    for (decision, by_hand) in [("win_dispute", true), ("lose_dispute", false)] {
        let sale = Sale::of_one().await;
        sale.act("succeed").await;
        sale.shop.hold_webhooks(true).await;
        sale.step("decline").await.expect(200);
        sale.act("dispute").await;
        sale.shop.hold_webhooks(false).await;
        sale.shop.wait_until_idle().await;
        let id = text(&sale.seen().await["refunds"][0]["id"]);
        let failed = json!({
            "id": "re_failed", "object": "refund", "amount": 1_750, "charge": "ch_1", "currency": "usd",
            "metadata": {"refund_id": id, "order_id": sale.id}, "payment_intent": sale.references().await[0],
            "status": "failed", "failure_reason": "charge_for_pending_refund_disputed",
        });
        sale.post_webhook("refund.failed", failed).await.expect(200);
        sale.shop.wait_until_idle().await;
        let listed = async || sale.shop.operator().await.get("/v1/admin/refunds/failed").await.json["items"].clone();
        assert_eq!((listed().await, sale.operators_mail().len()), (json!([]), 1), "{:?}", sale.operators_mail());
        sale.act(decision).await;
        sale.shop.wait_until_idle().await;
        assert_eq!(listed().await.as_array().map(Vec::len), Some(usize::from(by_hand)));
        let mail = sale.messages_to_operator().iter().filter(|message| message.contains("by hand")).count();
        assert_eq!(mail, usize::from(by_hand), "{:?}", sale.messages_to_operator());
    }
}

#[tokio::test]
async fn a_dispute_decision_without_a_webhook_is_found_by_polling() {
    let sale = declined_while_disputed().await;
    sale.shop.hold_webhooks(true).await;
    sale.act("win_dispute").await;
    for _ in 0..3 {
        sale.shop.advance(std::time::Duration::from_secs(24 * 3600)).await;
    }
    assert_eq!(refund(&sale).await, ("succeeded".to_owned(), false));
}

#[tokio::test]
async fn a_disputed_order_is_not_sent_and_goes_on_when_the_bank_decides_for_the_shop() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.step("accept").await.expect(200);
    sale.act("dispute").await;
    sale.step("ship").await.expect_problem(409, "payment_disputed");
    let seen = sale.vendor_order().await;
    assert_eq!((&seen["payment"]["disputed"], &seen["state"]), (&json!(true), &json!("accepted")));
    sale.shop.wait_until_idle().await;
    let vendors = || sale.shop.mail_to("ceramics@people.test");
    assert!(vendors()[0].contains("please do not send it yet"), "{:?}", vendors());
    sale.act("win_dispute").await;
    sale.shop.wait_until_idle().await;
    assert!(vendors()[0].contains("you can go on"), "{:?}", vendors());
    sale.step("ship").await.expect(200);
}

#[tokio::test]
async fn a_lost_dispute_stops_the_goods_and_tells_vendor_and_buyer() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.step("accept").await.expect(200);
    sale.act("dispute").await;
    sale.act("lose_dispute").await;
    sale.shop.wait_until_idle().await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], &seen["vendors"][0]["state"]), (&json!("cancelled"), &json!("cancelled")));
    sale.step("ship").await.expect_problem(409, "wrong_state");
    assert_eq!(sale.stock().await, (5, 0, 5));
    assert!(sale.shop.mail_to("ceramics@people.test")[0].contains("is cancelled"));
    let mail = &sale.messages_to_buyer()[0];
    assert!(
        mail.contains("Your order is cancelled.") && mail.contains("Your bank has given this money back"),
        "{mail}"
    );
    for _ in 0..3 {
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    }
    let seen = sale.seen_by_operator().await;
    let sent: Vec<&serde_json::Value> = seen["refunds"].as_array().expect("refunds").iter().collect();
    assert_eq!(sent.len(), 1);
    assert_eq!((&sent[0]["charged_back"]["amount"], sent[0]["reference"].is_null()), (&json!("17.50"), true));
}

#[tokio::test]
async fn money_given_back_at_the_dashboard_stops_the_goods_and_is_not_given_back_again() {
    // All of it, of an order that the vendor would send.
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.step("accept").await.expect(200);
    sale.act("refund").await;
    sale.shop.wait_until_idle().await;
    let seen = sale.seen().await;
    assert_eq!((&seen["state"], &seen["vendors"][0]["state"]), (&json!("cancelled"), &json!("cancelled")));
    assert!(sale.shop.mail_to("ceramics@people.test")[0].contains("is cancelled"));
    let mail = &sale.messages_to_buyer()[0];
    assert!(mail.contains("We are sending $17.50 back to you."), "once: {mail}");

    // The buyer cancels, and the operator gives the same money back by hand before the refund is sent.
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    sale.reader.post(&format!("/v1/orders/{}/cancel", sale.id), &json!({})).await.expect(200);
    sale.act("refund").await;
    for _ in 0..3 {
        sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    }
    let seen = sale.seen_by_operator().await;
    let arrived = |refund: &&serde_json::Value| refund["state"] == "succeeded";
    assert_eq!(seen["refunds"].as_array().expect("refunds").iter().filter(arrived).count(), 1, "{}", seen["refunds"]);
    assert!(sale.operators_mail().is_empty(), "nobody is asked to pay it a second time: {:?}", sale.operators_mail());
    let failed = sale.shop.operator().await.get("/v1/admin/refunds/failed").await.expect(200).clone();
    assert_eq!(failed["items"], json!([]));
}

#[tokio::test]
async fn a_dispute_that_was_won_and_is_lost_in_another_round_stops_the_goods() {
    let sale = Sale::of_one().await;
    sale.act("succeed").await;
    for act in ["dispute", "win_dispute"] {
        sale.act(act).await;
    }
    sale.step("accept").await.expect(200);
    for _ in 0..2 {
        sale.act("lose_dispute").await;
    }
    sale.shop.wait_until_idle().await;
    let seen = sale.seen_by_operator().await;
    assert_eq!((&seen["disputes"][0]["state"], &seen["state"]), (&json!("lost"), &json!("cancelled")));
    assert_eq!((count(&seen, "dispute_won"), count(&seen, "dispute_lost")), (1, 1));
    sale.step("ship").await.expect_problem(409, "wrong_state");
    // News that comes late decides nothing any more.
    let reference = sale.references().await.remove(0);
    let id = text(&seen["disputes"][0]["reference"]);
    let mut late = Sale::dispute(&reference, "won");
    late["id"] = json!(id);
    sale.post_webhook("charge.dispute.closed", late).await.expect(200);
    assert_eq!(sale.seen_by_operator().await["disputes"][0]["state"], "lost");
    // Nothing is given back a second time.
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let books = sale.shop.anon().get(&format!("/_local/pay/stripe/orders/{}", sale.id)).await.json.clone();
    assert_eq!(books["refunds"], json!([]));
}
