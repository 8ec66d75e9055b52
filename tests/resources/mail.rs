//! Mail: to whom it can be sent, and what happens when SES does not take it.

use std::time::Duration;

use cloud::mail::{Account, Sending};
use cloud::sqs::Depth;
use serde_json::{Value, json};

use crate::shop::sale::{HOUSEKEEPING_INTERVAL, Sale, text};
use crate::shop::{Guest, Product, Shop};

/// The domain почта.рф.
const A_LABELS: &str = "xn--80a1acny.xn--p1ai";

const VENDOR: &str = "ceramics@people.test";

/// Lets order events fail until their messages are dead letters. Only the clock moves, so that housekeeping does not
/// run.
async fn gives_up(shop: &Shop) {
    let mut rounds = 0;
    while shop.depth("OrderEventsDeadLetters") == Depth::default() {
        shop.cloud.clock().advance(HOUSEKEEPING_INTERVAL);
        shop.wait_until_idle().await;
        rounds += 1;
        assert!(rounds < 10, "the message never became a dead letter");
    }
}

#[tokio::test]
async fn mail_of_a_time_without_a_sender_identity_is_sent_when_it_is_back_and_none_twice() {
    let sale = Sale::of_one().await;
    let shop = &sale.shop;
    // What the vendor is told of its approval waits for a moment.
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    let mail = &shop.cloud.services().mail;
    mail.set_verified("bozor.test", false);
    sale.act("succeed").await;
    shop.wait_until_idle().await;
    assert_eq!(sale.seen().await["state"], "paid");
    gives_up(shop).await;
    let before = shop.mail_to(VENDOR).len();
    assert_eq!(sale.mail().len(), 0);

    mail.set_verified("bozor.test", true);
    for _ in 0..4 {
        shop.advance(HOUSEKEEPING_INTERVAL).await;
    }
    assert_eq!((sale.mail().len(), shop.mail_to(VENDOR).len()), (1, before + 1));
    for queue in ["OrderEventsQueue", "OrderEventsDeadLetters"] {
        assert_eq!(shop.depth(queue), Depth::default(), "{queue}");
    }
}

#[tokio::test]
async fn mail_of_an_account_that_is_paused_or_has_used_its_quota_up_is_sent_later() {
    let sale = Sale::of_one().await;
    let shop = &sale.shop;
    // What the vendor is told of its approval waits for a moment.
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    let mail = &shop.cloud.services().mail;
    mail.set_account(Account { sending: Sending::Paused, ..mail.account() });
    sale.act("succeed").await;
    shop.wait_until_idle().await;
    mail.set_account(Account { sending: Sending::Enabled, daily_quota: Some(0), ..mail.account() });
    shop.cloud.clock().advance(HOUSEKEEPING_INTERVAL);
    shop.wait_until_idle().await;
    assert_eq!(sale.mail().len(), 0);
    mail.set_account(Account { daily_quota: None, ..mail.account() });
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(sale.mail().len(), 1);
}

#[tokio::test]
async fn mail_above_the_rate_of_ses_is_sent_later_and_none_twice() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    let mail = &shop.cloud.services().mail;
    let before = shop.mail_to(VENDOR).len();
    mail.set_account(Account { send_rate: Some(2), ..mail.account() });
    let mut buyers = Vec::new();
    for _ in 0..2 {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        guest.buys().await;
        buyers.push(guest.email);
    }
    // What is being sent ends before the clock moves: a claim lasts longer than a function runs.
    shop.wait_until_idle().await;
    for _ in 0..4 {
        shop.advance(HOUSEKEEPING_INTERVAL).await;
    }
    for buyer in &buyers {
        assert_eq!(shop.mail_to(buyer).len(), 1, "{buyer}");
    }
    assert_eq!(shop.mail_to(VENDOR).len(), before + 2);
    for queue in ["OrderEventsQueue", "OrderEventsDeadLetters"] {
        assert_eq!(shop.depth(queue), Depth::default(), "{queue}");
    }
}

#[tokio::test]
async fn a_recipient_whom_the_sandbox_rejects_keeps_nobody_else_from_their_mail() {
    let sale = Sale::of_one().await;
    let shop = &sale.shop;
    // What the vendor is told of its approval waits for a moment.
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    let mail = &shop.cloud.services().mail;
    let before = shop.mail_to(VENDOR).len();
    mail.set_account(Account { sandbox: true, ..mail.account() });
    mail.set_verified(VENDOR, true);
    sale.act("succeed").await;
    shop.wait_until_idle().await;
    assert_eq!((sale.mail().len(), shop.mail_to(VENDOR).len()), (0, before + 1), "the buyer comes first");
    mail.set_account(Account { sandbox: false, ..mail.account() });
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!((sale.mail().len(), shop.mail_to(VENDOR).len()), (1, before + 1));
}

#[tokio::test]
async fn a_code_that_could_not_be_mailed_can_be_asked_for_again() {
    let shop = Shop::open().await;
    let mail = &shop.cloud.services().mail;
    let asked = json!({"email": "aziza@people.test", "password": "Bozor-demo-2026!"});
    mail.set_verified("bozor.test", false);
    // Neither answer tells whether the address has an account.
    shop.anon().post("/v1/auth/sign-up", &asked).await.expect(202);
    shop.wait_until_idle().await;
    assert!(shop.mail_to("aziza@people.test").is_empty());
    mail.set_verified("bozor.test", true);
    shop.anon().post("/v1/auth/resend", &json!({"email": "aziza@people.test"})).await.expect(202);
    let code = shop.code_for("aziza@people.test").await;
    let confirm = json!({"email": "aziza@people.test", "code": code});
    shop.anon().post("/v1/auth/confirm", &confirm).await.expect_success();
}

/// A cart with a bowl and an address.
async fn guest_with(shop: &Shop, bowl: &Product, email: &str) -> Guest {
    Guest { email: email.to_owned(), ..shop.guest().await.takes(&[(bowl, 1)]).await }
}

#[tokio::test]
async fn a_buyer_with_an_internationalised_domain_gets_mail_at_its_a_label() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = guest_with(&shop, &bowl, " Buyer@Почта.РФ ").await;
    let order = guest.checks_out("stripe", "once").await.expect(201).clone();
    let kept = format!("buyer@{A_LABELS}");
    assert_eq!(order["email"], kept.as_str());
    shop.stripe(&text(&order["id"]), "succeed").await;
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(&kept).len(), 1);
    for written in ["buyer%40%D0%BF%D0%BE%D1%87%D1%82%D0%B0.%D1%80%D1%84", &kept] {
        let found = shop.operator().await.get(&format!("/v1/admin/orders?email={written}")).await;
        assert_eq!(found.expect(200)["items"][0]["id"], order["id"], "{written}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_mailed_is_refused_wherever_one_is_given() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let bowl = vendor.product("bowl").stock(5).publish().await;
    let guest = guest_with(&shop, &bowl, "жанна@people.test").await;
    let people = shop.buyer("applicant").await;
    let account = json!({"email": "жанна@people.test", "password": "Bozor-demo-2026!", "code": "123456"});
    let only =
        |names: &[&str]| -> Value { names.iter().map(|name| ((*name).to_owned(), account[*name].clone())).collect() };
    let answers = [
        guest.checks_out("stripe", "once").await,
        shop.anon().post("/v1/auth/sign-up", &only(&["email", "password"])).await,
        shop.anon().post("/v1/auth/resend", &only(&["email"])).await,
        shop.anon().post("/v1/auth/forgot-password", &only(&["email"])).await,
        people.post("/v1/vendors", &json!({"name": "Jo", "currency": "USD", "email": "jörg@people.test"})).await,
        vendor.client.patch("/v1/vendors/me", &json!({"email": "用户@people.test"})).await,
    ];
    let invite = json!({"contact": "жанна@people.test", "role": "manager"});
    let invited = vendor.client.post("/v1/vendors/me/invitations", &invite).await;
    assert_eq!(invited.expect_problem(400, "invalid")["errors"][0]["pointer"], "/contact");
    for answer in answers {
        let problem = answer.expect_problem(400, "invalid");
        let field = &problem["errors"][0];
        assert_eq!(field["pointer"], "/email", "{problem}");
        assert!(text(&field["detail"]).contains("ASCII"), "{problem}");
    }
    assert_eq!(bowl.stock().await, (5, 0, 5), "nothing was reserved");
}

#[tokio::test]
async fn an_address_longer_than_a_username_of_cognito_is_refused_where_it_stands() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let long = format!("{}@{}.test", "a".repeat(60), "b".repeat(63));
    assert_eq!(long.len(), 129);
    let invite = json!({"contact": long, "role": "manager"});
    let invited = vendor.client.post("/v1/vendors/me/invitations", &invite).await;
    assert_eq!(invited.expect_problem(400, "invalid")["errors"][0]["pointer"], "/contact");
    let wrong = json!({"email": long, "password": "Bozor-demo-2026!"});
    for answer in [
        shop.anon().post("/v1/auth/sign-in", &wrong).await,
        shop.anon().post("/v1/auth/sign-up", &wrong).await,
        shop.anon().post("/v1/auth/forgot-password", &json!({"email": long})).await,
    ] {
        let problem = answer.expect_problem(400, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/email", "{problem}");
    }
}

/// Rewrites what is stored, as an earlier build would have stored another address.
async fn rewrite(shop: &Shop, from: &str, to: &str) {
    for table in ["OrdersTable", "AccountsTable"] {
        shop.rewrite(table, from, to).await;
    }
}

#[tokio::test]
async fn an_order_with_an_internationalised_domain_of_an_earlier_build_is_found_and_mailed() {
    let sale = Sale::of_one().await;
    let shop = &sale.shop;
    shop.put_in_the_clear(&sale.id, "buyer@почта.рф").await;
    let kept = format!("buyer@{A_LABELS}");
    let operator = shop.operator().await;
    let find = async || operator.get(&format!("/v1/admin/orders?email={kept}")).await.expect(200)["items"].clone();
    assert_eq!(find().await[0]["id"].as_str(), Some(&*sale.id));
    assert_eq!(sale.seen_by_operator().await["email"].as_str(), Some(&*kept));
    sale.act("succeed").await;
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(&kept).len(), 1);
    assert_eq!(find().await[0]["id"], sale.id.as_str(), "now under its new key");
}

#[tokio::test]
async fn the_orders_of_an_address_under_its_old_and_its_new_key_are_one_list() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(9).publish().await;
    let mut placed = Vec::new();
    for number in 0..5 {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        let order = guest.checks_out("cash_on_delivery", &format!("order-{number}")).await;
        let host = if number < 3 { "почта.рф" } else { A_LABELS };
        placed.push(order.expect(201)["id"].as_str().expect("an id").to_owned());
        shop.put_in_the_clear(&placed[number], &format!("buyer@{host}")).await;
        shop.advance(Duration::from_secs(1)).await;
    }
    // Newest first in each of the two, and the new key first.
    let expected = [4, 3, 2, 1, 0].map(|number: usize| placed[number].as_str());
    let operator = shop.operator().await;
    let newest =
        operator.get(&format!("/v1/admin/orders?email=buyer@{A_LABELS}")).await.expect(200)["items"][0].clone();
    let in_state = format!("&state={}", newest["state"].as_str().expect("a state"));
    for (limit, filter) in (1..=6).flat_map(|limit| [(limit, ""), (limit, in_state.as_str())]) {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        for _ in 0..=expected.len() {
            let path = format!("/v1/admin/orders?email=buyer@{A_LABELS}&limit={limit}{filter}{cursor}");
            let page = operator.get(&path).await.expect(200).clone();
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= limit, "{page}");
            found.extend(items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, expected, "in pages of {limit}{filter}");
    }
}

#[tokio::test]
async fn an_order_and_a_shop_with_an_address_that_cannot_be_mailed_are_read_and_their_mail_is_not_retried() {
    let sale = Sale::of_one().await;
    let shop = &sale.shop;
    shop.wait_until_idle().await;
    shop.put_in_the_clear(&sale.id, "жанна@почта.рф").await;
    sale.act("succeed").await;
    shop.wait_until_idle().await;
    assert_eq!(sale.seen().await["email"], "жанна@почта.рф");
    assert_eq!(sale.seen_by_operator().await["state"], "paid");
    let to_vendor = shop.mail_to(VENDOR);
    assert!(to_vendor[0].starts_with("New order"), "the vendor is told: {to_vendor:?}");
    for queue in ["OrderEventsQueue", "OrderEventsDeadLetters"] {
        assert_eq!(shop.depth(queue), Depth::default(), "{queue}");
    }

    rewrite(shop, VENDOR, "ваза@people.test").await;
    let vendor = shop.sign_in(VENDOR).await;
    assert_eq!(vendor.get("/v1/vendors/me").await.expect(200)["email"], "ваза@people.test");
    vendor.patch("/v1/vendors/me", &json!({"phone": "+998 71 200 00 01"})).await.expect(200);
    assert_eq!(vendor.get("/v1/vendors/me").await.expect(200)["email"], "ваза@people.test", "it is written back");
    assert_eq!(vendor.get("/v1/vendors/me/members").await.expect(200)["items"][0]["email"], "ваза@people.test");
    sale.step("accept").await.expect(200);
    vendor.patch("/v1/vendors/me", &json!({"email": VENDOR})).await.expect(200);
}

#[tokio::test]
async fn an_order_whose_stored_address_no_mail_reaches_is_shown_paid_listed_and_reported() {
    let sale = Sale::of_one().await;
    sale.shop.wait_until_idle().await;
    let stored = "i\u{307}lhom@guests.test";
    sale.shop.put_in_the_clear(&sale.id, stored).await;

    let seen = sale.seen().await;
    assert_eq!((&seen["email"], &seen["contact"]["email"]), (&json!(stored), &json!(stored)));
    sale.act("succeed").await;
    sale.shop.wait_until_idle().await;
    assert_eq!(sale.seen().await["state"], "paid");
    let to_vendor = sale.shop.mail_to("ceramics@people.test");
    assert!(to_vendor.iter().any(|subject| subject.contains("order")), "{to_vendor:?}");
    assert!(sale.shop.mail_to(stored).is_empty(), "SES takes no such address");
    for queue in ["OrderEventsQueue", "OrderEventsDeadLetters", "OrderEventsPipeDeadLetters"] {
        assert_eq!(sale.shop.depth(queue).visible, 0, "{queue}");
    }

    let operator = sale.shop.operator().await;
    for filter in ["state=paid", "email=i%CC%87lhom%40guests.test"] {
        let listed = operator.get(&format!("/v1/admin/orders?{filter}")).await.expect(200).clone();
        let found = &listed["items"][0];
        assert_eq!(found["id"], sale.id.as_str(), "{filter}");
    }
    assert_eq!(sale.seen_by_operator().await["undeliverable"], true);
    sale.step("accept").await.expect(200);
    sale.step("ship").await.expect(200);
    assert_eq!(sale.vendor_order().await["state"], "shipped");

    let other = Sale::of_one().await;
    assert_eq!(other.seen_by_operator().await["undeliverable"], false);
}
