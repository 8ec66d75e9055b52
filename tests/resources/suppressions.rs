//! Mail that comes back: addresses that bounce or complain are suppressed, shown, and mailed again once that is lifted.

use std::time::Duration;

use cloud::mail::Account;
use cloud::sqs::Depth;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::invariants::{items, put_item};
use crate::shop::sale::{Sale, text};
use crate::shop::{Client, Guest, Shop};

const LIST: &str = "/v1/admin/suppressions";

/// The order of a guest with this address, paid; its mail has been sent and what came back is worked off.
async fn paid_by(email: &str) -> Sale {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = Guest { email: email.to_owned(), ..shop.guest().await.takes(&[(&bowl, 1)]).await };
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let sale = Sale { id: text(&order["id"]), email: guest.email, reader, shop, bowl };
    sale.act("succeed").await;
    sale.shop.wait_until_idle().await;
    assert_eq!(sale.seen().await["state"], "paid");
    sale
}

/// The vendor ships, of which the buyer would be told.
async fn ships(sale: &Sale) {
    for step in ["accept", "ship"] {
        sale.step(step).await.expect(200);
    }
    sale.shop.wait_until_idle().await;
    for queue in ["OrderEventsQueue", "OrderEventsDeadLetters", "MailFeedbackQueue", "MailFeedbackDeadLetters"] {
        assert_eq!(sale.shop.depth(queue), Depth::default(), "{queue}");
    }
}

async fn lift(operator: &Client, email: &str) -> u16 {
    operator.json(Method::DELETE, LIST, &json!({ "email": email })).await.status
}

/// Mail bounces, and the operator finds its address and lets mail go there again. Through the queue, because reading
/// that needs a permission.
pub(crate) async fn a_bounce_is_lifted(shop: &Shop) {
    shop.queue_bounce("gone@guests.test");
    shop.wait_until_idle().await;
    shop.mail_bounced_of("gone@guests.test", shop.cloud.now()).await;
    let operator = shop.operator().await;
    for path in [LIST.to_owned(), format!("{LIST}?email=gone@guests.test")] {
        assert_eq!(operator.get(&path).await.expect(200)["items"][0]["email"], "gone@guests.test");
    }
    assert_eq!(lift(&operator, "gone@guests.test").await, 204);
}

/// Whether the operator is shown that no mail reaches the address. A guest never is, who may have given a stranger's.
async fn shown_as_undeliverable(sale: &Sale) -> bool {
    let of = |value: &Value| value["undeliverable"].as_bool().expect("it is said");
    assert!(!of(&sale.seen().await));
    of(&sale.seen_by_operator().await)
}

#[tokio::test]
async fn an_address_that_bounces_for_good_gets_no_more_mail_and_is_shown_as_undeliverable() {
    let sale = paid_by("bounce+ann@simulator.amazonses.com").await;
    assert_eq!(sale.mail().len(), 1, "the mail that bounced");
    let cancelled = sale.operator_posts("cancel", &json!({})).await;
    assert_eq!(cancelled.json["undeliverable"], json!(true), "{}", cancelled.text);
    sale.shop.wait_until_idle().await;
    assert_eq!(sale.mail().len(), 1, "nothing is mailed to it any more");
    assert!(shown_as_undeliverable(&sale).await);

    let operator = sale.shop.operator().await;
    let listed = operator.get(LIST).await.expect(200)["items"].clone();
    let [found] = listed.as_array().expect("items").as_slice() else { panic!("one: {listed}") };
    let seen = (&found["email"], &found["reason"], &found["diagnosis"]);
    assert_eq!(seen, (&json!(sale.email), &json!("bounce"), &json!("smtp; 550 5.1.1 user unknown")));
}

#[tokio::test]
async fn an_address_whose_reader_complains_or_that_others_could_not_reach_gets_no_more_mail() {
    for (email, reason) in
        [("complaint+ann@simulator.amazonses.com", "complaint"), ("suppressionlist@simulator.amazonses.com", "bounce")]
    {
        let sale = paid_by(email).await;
        let before = sale.mail().len();
        ships(&sale).await;
        assert_eq!(sale.mail().len(), before, "{email}");
        let operator = sale.shop.operator().await;
        let found = operator.get(&format!("{LIST}?email={}", email.replace('+', "%2B"))).await;
        assert_eq!(found.expect(200)["items"][0]["reason"], reason, "{email}");
    }
}

#[tokio::test]
async fn a_bounce_that_may_pass_and_a_delivered_mail_suppress_nothing() {
    for email in ["ooto+ann@simulator.amazonses.com", "success@simulator.amazonses.com"] {
        let sale = paid_by(email).await;
        let before = sale.mail().len();
        ships(&sale).await;
        assert!(sale.mail().len() > before, "{email}");
        assert!(!shown_as_undeliverable(&sale).await);
        assert_eq!(sale.shop.operator().await.get(LIST).await.expect(200)["items"], json!([]));
    }
}

#[tokio::test]
async fn a_lifted_address_gets_mail_again_from_here_and_from_ses() {
    let shop = Shop::open().await;
    let mail = shop.cloud.services().mail.clone();
    mail.set_account(Account { unknown_mailboxes: vec!["late@guests.test".to_owned()], ..mail.account() });
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = Guest { email: "late@guests.test".to_owned(), ..shop.guest().await.takes(&[(&bowl, 1)]).await };
    let order = guest.checks_out("cash_on_delivery", "once").await.expect(201).clone();
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let sale = Sale { id: text(&order["id"]), email: guest.email, reader, shop, bowl };
    sale.shop.wait_until_idle().await;
    assert!(shown_as_undeliverable(&sale).await);
    assert_eq!(mail.account().suppressed, ["late@guests.test"], "SES has put it on its own list as well");

    // The mailbox is made.
    mail.set_account(Account { unknown_mailboxes: Vec::new(), ..mail.account() });
    let operator = sale.shop.operator().await;
    assert_eq!(lift(&operator, "Late@Guests.Test").await, 204);
    assert_eq!(mail.account().suppressed, [""; 0]);
    assert!(!shown_as_undeliverable(&sale).await);
    let before = sale.mail().len();
    ships(&sale).await;
    assert!(sale.mail().len() > before, "it is told of the parcel");
    assert_eq!(lift(&operator, "late@guests.test").await, 404, "there is nothing left to lift");
}

#[tokio::test]
async fn an_address_that_never_was_on_the_list_of_ses_is_lifted_and_one_is_kept_while_ses_does_not_answer() {
    let shop = Shop::open().await;
    shop.mail_bounced("gone@guests.test").await;
    let operator = shop.operator().await;
    assert_eq!(lift(&operator, "gone@guests.test").await, 204);

    let statement = ("AdminFunction".to_owned(), "LiftSuppressions".to_owned());
    let lacking = local::Options::for_tests().with_cloud(|cloud| cloud.removed_statement = Some(statement));
    let shop = Shop::with(lacking).await;
    shop.mail_bounced("gone@guests.test").await;
    let operator = shop.operator().await;
    assert_eq!(lift(&operator, "gone@guests.test").await, 503);
    assert_eq!(operator.get(LIST).await.expect(200)["items"][0]["email"], "gone@guests.test");
}

#[tokio::test]
async fn a_mail_sent_before_does_not_suppress_a_lifted_address_again_and_the_next_one_does() {
    let shop = Shop::open().await;
    let operator = shop.operator().await;
    let begin = shop.cloud.now();
    let listed = async || operator.get(LIST).await.expect(200)["items"].as_array().expect("items").len();
    for round in 0..2 {
        let sent = shop.cloud.now() - Duration::from_secs(10);
        shop.mail_bounced_of("gone@guests.test", sent).await;
        assert_eq!(listed().await, 1, "round {round}");
        assert_eq!(lift(&operator, "gone@guests.test").await, 204);
        // Once more, as queues deliver, one that bounces after the lift, and one that was on its way for long.
        for late in [sent, begin] {
            shop.mail_bounced_of("gone@guests.test", late).await;
        }
        assert_eq!(listed().await, 0, "round {round}");
        assert_eq!(lift(&operator, "gone@guests.test").await, 404, "round {round}");
        shop.cloud.clock().advance(Duration::from_secs(60));
    }
    let stored = items(&shop, "AccountsTable").await.into_iter().find(|item| item["kind"]["S"] == "suppression");
    let trace = text(&stored.expect("the item stays")["data"]["S"]);
    assert!(trace.contains("\"lifted\""), "who lifted it and when is kept: {trace}");
}

#[tokio::test]
async fn the_suppressed_addresses_are_a_list_newest_first_in_pages() {
    let shop = Shop::open().await;
    let names: Vec<String> = (0..5).map(|number| format!("gone-{number}@guests.test")).collect();
    for name in &names {
        // Twice, as queues deliver.
        shop.queue_bounce(name);
        shop.queue_bounce(name);
    }
    shop.wait_until_idle().await;
    let operator = shop.operator().await;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = operator.get(&format!("{LIST}?limit=2{cursor}")).await.expect(200).clone();
        found.extend(page["items"].as_array().expect("items").iter().map(|item| text(&item["email"])));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    found.sort();
    assert_eq!(found, names, "each once");
    let none = operator.get(&format!("{LIST}?email=nobody@guests.test")).await;
    assert_eq!(none.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_suppressed_vendor_or_operator_keeps_nobody_else_from_their_mail() {
    let sale = Sale::of_one().await;
    sale.shop.wait_until_idle().await;
    for email in ["ceramics@people.test", "operator@bozor.test"] {
        sale.shop.mail_bounced(email).await;
    }
    let before = (sale.shop.mail_to("ceramics@people.test").len(), sale.operators_mail().len());
    sale.act("wrong_amount").await;
    sale.shop.wait_until_idle().await;
    sale.decide("accept").await.expect(200);
    sale.shop.wait_until_idle().await;
    assert!(!sale.mail().is_empty(), "the buyer is told");
    assert_eq!((sale.shop.mail_to("ceramics@people.test").len(), sale.operators_mail().len()), before);
    assert_eq!(sale.shop.depth("OrderEventsQueue"), Depth::default());
}

#[tokio::test]
async fn a_suppression_that_cannot_be_read_hides_no_order_and_holds_back_no_mail() {
    let sale = paid_by("bounce+ann@simulator.amazonses.com").await;
    let suppressions =
        items(&sale.shop, "AccountsTable").await.into_iter().filter(|item| item["kind"]["S"] == "suppression");
    for mut item in suppressions {
        item["data"] = json!({"S": "no document"});
        put_item(&sale.shop, "AccountsTable", &item).await;
    }
    assert!(!shown_as_undeliverable(&sale).await);
    let before = sale.mail().len();
    ships(&sale).await;
    assert!(sale.mail().len() > before);
    assert_eq!(sale.shop.operator().await.get(LIST).await.expect(200)["items"], json!([]));
}
