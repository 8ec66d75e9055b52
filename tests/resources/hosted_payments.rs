//! Payments on the provider's own page: for a buyer without script, or without the provider's library.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use local::seed::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::resources::storefront::{ADDRESS, put};
use crate::shop::invariants::items;
use crate::shop::sale::{HOUSEKEEPING_INTERVAL, PAST_PAYMENT_DEADLINE, Sale, count, text};
use crate::shop::{Answer, Browser, Client, Guest, Page, Product, Shop};

/// Where buyers come back to: an origin whose pages may call the API.
const BACK: &str = "http://localhost:5173/back";

/// Where forms may lead besides to the shop while Stripe is on.
const STRIPE_TOO: &str = "'self' https://checkout.stripe.com";

async fn on_page(guest: &Guest, key: &str, back: Option<&str>) -> Answer {
    let total = guest.seen().await["totals"]["total"].clone();
    guest.checks_out_on_page(key, back, &total).await
}

/// A sale of one bowl that is to be paid on the provider's page, with the address of that.
async fn sale_in(shop: Shop) -> (Sale, String) {
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let order = on_page(&guest, "once", Some(BACK)).await.expect(201).clone();
    let page = page_of(&order);
    let reader = shop.anon().with("order-token", text(&order["token"]));
    (Sale { id: text(&order["id"]), email: guest.email, reader, shop, bowl }, page)
}

async fn sale() -> (Sale, String) {
    sale_in(Shop::open().await).await
}

/// The path of the page that an order's action leads to.
fn page_of(order: &Value) -> String {
    let action = &order["payment"]["action"];
    assert_eq!(action["type"], "redirect", "{order}");
    let url = text(&action["url"]);
    url[url.find("/_local/").expect("a page of the sandbox")..].to_owned()
}

/// A browser that came from the page itself.
fn browser(shop: &Shop) -> Client {
    shop.anon().with("sec-fetch-site", "same-origin")
}

/// Presses a button of a page, and answers where the buyer is sent.
async fn press(shop: &Shop, page: &str, button: &str) -> String {
    let form = format!("do={button}").into_bytes();
    let kind = "application/x-www-form-urlencoded";
    let pressed = browser(shop).send(Method::POST, page, Some(form), kind).await;
    assert_eq!(pressed.status, 303, "{button}: {}", pressed.text);
    assert_eq!(pressed.text, "");
    pressed.header("location").to_owned()
}

async fn shown(shop: &Shop, page: &str) -> String {
    let shown = browser(shop).get(page).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.text
}

impl Sale {
    async fn at_stripe(&self) -> Value {
        let path = format!("/_local/pay/stripe/orders/{}", self.id);
        self.shop.anon().get(&path).await.expect(200).clone()
    }

    async fn pays_otherwise(&self, asked: Value, key: &str) -> Answer {
        let client = self.reader.clone().with("idempotency-key", key);
        client.post(&format!("/v1/orders/{}/payments", self.id), &asked).await
    }

    async fn comes_back(&self) -> Value {
        self.reader.post(&format!("/v1/orders/{}/settle", self.id), &json!({})).await.expect(200).clone()
    }
}

#[tokio::test]
async fn a_buyer_without_script_pays_on_the_hosted_page_and_comes_back() {
    let (sale, page) = sale().await;
    let before = sale.at_stripe().await;
    assert_eq!((&before["intents"], before["sessions"].as_array().map(Vec::len)), (&json!([]), Some(1)));
    let session = &before["sessions"][0];
    assert_eq!((&session["amount_total"], &session["client_reference_id"]), (&json!(1_750), &json!(sale.id)));
    assert_eq!((&session["success_url"], &session["cancel_url"]), (&json!(BACK), &json!(BACK)));

    let answer = browser(&sale.shop).get(&page).await;
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("form-action 'self' http://localhost:5173;"), "a redirect after a form counts: {policy}");
    for part in ["Sandbox of Stripe", "17.50 USD", "localhost:5173", "<form method=post>", "role=alert"] {
        assert_eq!(answer.text.contains(part), part != "role=alert", "{part}: {}", answer.text);
    }
    assert!(!answer.text.contains("<script"), "{}", answer.text);

    assert_eq!(press(&sale.shop, &page, "pay").await, BACK);
    sale.shop.wait_until_idle().await;
    let seen = sale.seen().await;
    assert_eq!([&seen["state"], &seen["payment"]["state"]].map(text), ["paid", "captured"]);
    let events: Vec<String> = sale.shop.webhooks().await.iter().map(|event| text(&event["type"])).collect();
    assert_eq!(events, ["payment_intent.succeeded", "checkout.session.completed"]);
    assert!(sale.references().await[0].starts_with("pi_"));
    assert!(shown(&sale.shop, &page).await.contains("all done"));
    assert_eq!(press(&sale.shop, &page, "pay").await, text(&session["id"]), "a second click shows how it stands");
    assert_eq!(sale.at_stripe().await["intents"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_declined_card_stays_on_the_page_and_another_one_pays() {
    let (sale, page) = sale().await;
    assert!(page.ends_with(&press(&sale.shop, &page, "decline").await), "back to the page");
    let answer = shown(&sale.shop, &page).await;
    assert!(answer.contains("role=alert") && answer.contains("insufficient funds"), "{answer}");
    sale.shop.wait_until_idle().await;
    let seen = sale.seen().await;
    assert_eq!([&seen["state"], &seen["payment"]["state"]].map(text), ["awaiting_payment", "failed"]);
    assert_eq!(page_of(&seen), page, "the page still takes another card");
    press(&sale.shop, &page, "pay").await;
    sale.shop.wait_until_idle().await;
    assert_eq!(sale.seen().await["state"], "paid");
    assert_eq!(sale.references().await.len(), 1);
}

#[tokio::test]
async fn a_bank_asks_the_buyer_to_confirm_on_a_page_of_its_own() {
    let (sale, page) = sale().await;
    let to = |location: String| format!("{}/{location}", page.rsplit_once('/').expect("a path").0);
    let bank = to(press(&sale.shop, &page, "3ds").await);
    assert!(shown(&sale.shop, &bank).await.contains("Do you want to pay 17.50 USD?"));
    assert!(page.ends_with(press(&sale.shop, &bank, "fail").await.trim_start_matches("../")), "back to the page");
    assert!(shown(&sale.shop, &page).await.contains("unable to authenticate"));
    // What was asked for once is not asked again, and nobody else's answer counts.
    assert_eq!(browser(&sale.shop).get(&bank).await.status, 404);
    let second = to(press(&sale.shop, &page, "3ds").await);
    for foreign in [bank, second.replace("/3ds/", "/3ds/x")] {
        let form = Some(b"do=confirm".to_vec());
        let answer = browser(&sale.shop).send(Method::POST, &foreign, form, "application/x-www-form-urlencoded").await;
        assert_eq!(answer.status, 404, "{foreign}");
    }
    let form = || Some(b"do=confirm".to_vec());
    let elsewhere = sale.shop.anon().with("sec-fetch-site", "cross-site");
    let refused = elsewhere.send(Method::POST, &second, form(), "application/x-www-form-urlencoded").await;
    assert_eq!(refused.status, 403);
    assert_eq!(sale.seen().await["state"], "awaiting_payment");
    assert_eq!(press(&sale.shop, &second, "confirm").await, BACK);
    sale.shop.wait_until_idle().await;
    assert_eq!(sale.seen().await["state"], "paid");
}

#[tokio::test]
async fn a_buyer_who_leaves_the_page_pays_in_another_way_and_the_page_is_closed() {
    let (sale, page) = sale().await;
    assert_eq!(press(&sale.shop, &page, "leave").await, BACK);
    assert_eq!(sale.comes_back().await["state"], "awaiting_payment");
    let retried = sale.pays_otherwise(json!({"provider": "stripe"}), "otherwise").await;
    assert_eq!(retried.expect(201)["payment"]["action"]["type"], "client_secret");
    assert_eq!(sale.at_stripe().await["sessions"][0]["status"], "expired");
    assert!(shown(&sale.shop, &page).await.contains("expired"));
    press(&sale.shop, &page, "pay").await;
    assert_eq!(sale.seen().await["state"], "awaiting_payment", "nobody can pay on it any more");
    sale.act("succeed").await;
    assert_eq!(sale.seen().await["state"], "paid");

    // And the other way round: from the library to the page.
    let other = Sale::of_one().await;
    let asked = json!({"provider": "stripe", "hosted_page": true});
    let retried = other.pays_otherwise(asked, "on-page").await.expect(201).clone();
    let page = page_of(&retried);
    // Without an address of its own the buyer comes back to the shop's pages.
    let store = text(&other.at_stripe().await["sessions"][0]["success_url"]);
    assert_eq!(press(&other.shop, &page, "pay").await, store);
    other.shop.wait_until_idle().await;
    assert_eq!(other.seen().await["state"], "paid");
    let intents = other.at_stripe().await["intents"].clone();
    let mut states: Vec<String> =
        intents.as_array().expect("intents").iter().map(|intent| text(&intent["status"])).collect();
    states.sort();
    assert_eq!(states, ["canceled", "succeeded"]);
}

#[tokio::test]
async fn an_abandoned_page_is_closed_at_the_deadline_and_money_that_comes_nevertheless_pays_or_goes_back() {
    for declined in [false, true] {
        let (sale, page) = sale().await;
        if declined {
            press(&sale.shop, &page, "decline").await;
        }
        sale.shop.advance(PAST_PAYMENT_DEADLINE).await;
        assert_eq!((&sale.seen().await["state"], sale.stock().await), (&json!("expired"), (5, 0, 5)), "{declined}");
        let at_stripe = sale.at_stripe().await;
        assert_eq!(
            (&at_stripe["sessions"][0]["status"], &at_stripe["sessions"][0]["url"]),
            (&json!("expired"), &Value::Null)
        );
        let statuses: Vec<&Value> =
            at_stripe["intents"].as_array().expect("intents").iter().map(|one| &one["status"]).collect();
        assert!(statuses.iter().all(|status| **status == json!("canceled")), "{statuses:?}");
        // Somebody had begun to pay. The intent was never named before, or was named by the decline.
        sale.act("succeed_late").await;
        sale.shop.wait_until_idle().await;
        let seen = sale.seen().await;
        assert_eq!((&seen["state"], &seen["payment"]["state"]), (&json!("paid"), &json!("captured")), "{declined}");
    }
}

#[tokio::test]
async fn a_page_is_left_open_while_its_provider_is_silent_and_a_payment_at_the_deadline_counts() {
    let (sale, page) = sale().await;
    let faults = &sale.shop.cloud.services().faults;
    faults.add(Fault { every: true, ..Fault::nth("stripe", "ExpireCheckoutSession", 1, Kind::Before) });
    sale.shop.advance(PAST_PAYMENT_DEADLINE).await;
    assert_eq!((&sale.seen().await["state"], sale.stock().await), (&json!("awaiting_payment"), (5, 1, 4)));
    faults.clear();
    sale.shop.hold_webhooks(true).await;
    press(&sale.shop, &page, "pay").await;
    // Expiring the page is refused: it is complete, and what it came to is settled without a webhook.
    sale.shop.advance(PAST_PAYMENT_DEADLINE).await;
    assert_eq!(sale.seen().await["state"], "paid");
    sale.shop.hold_webhooks(false).await;
    sale.shop.wait_until_idle().await;
    assert_eq!(count(&sale.seen().await, "paid"), 1);
}

#[tokio::test]
async fn webhooks_count_once_in_any_order_and_without_them_the_buyers_return_does() {
    for order in [[0, 1], [1, 0]] {
        let (sale, page) = sale().await;
        sale.shop.hold_webhooks(true).await;
        press(&sale.shop, &page, "pay").await;
        assert_eq!(sale.seen().await["state"], "awaiting_payment");
        let events = sale.shop.webhooks().await;
        for _ in 0..2 {
            for place in order {
                assert_eq!(sale.shop.send_webhook(&text(&events[place]["event"])).await, Some(200), "{order:?}");
            }
        }
        let seen = sale.seen().await;
        assert_eq!((&seen["state"], count(&seen, "paid")), (&json!("paid"), 1), "{order:?}");
    }
    let (sale, page) = sale().await;
    sale.shop.hold_webhooks(true).await;
    press(&sale.shop, &page, "pay").await;
    assert_eq!(sale.comes_back().await["state"], "paid");
    sale.shop.hold_webhooks(false).await;
    sale.shop.wait_until_idle().await;
    assert_eq!(count(&sale.seen().await, "paid"), 1);
}

#[tokio::test]
async fn what_was_paid_on_a_page_is_found_by_both_ids_and_is_refunded_and_disputed() {
    let (sale, page) = sale().await;
    press(&sale.shop, &page, "pay").await;
    sale.shop.wait_until_idle().await;
    let at_stripe = sale.at_stripe().await;
    let known: Vec<String> = items(&sale.shop, "OrdersTable")
        .await
        .into_iter()
        .filter(|item| item["kind"]["S"] == "reference" && item["order_id"]["S"] == sale.id)
        .map(|item| text(&item["pk"]["S"]))
        .collect();
    for id in [text(&at_stripe["intents"][0]["id"]), text(&at_stripe["sessions"][0]["id"])] {
        assert!(known.contains(&format!("REFERENCE#stripe#{id}")), "{id}: {known:?}");
    }
    // At the dashboard, where nothing has our metadata.
    sale.act("refund_part").await;
    sale.shop.wait_until_idle().await;
    assert_eq!(sale.seen().await["payment"]["state"], "partially_refunded");
    // And ours: the buyer cancels what is not shipped.
    sale.reader.post(&format!("/v1/orders/{}/cancel", sale.id), &json!({})).await.expect(200);
    sale.shop.wait_until_idle().await;
    sale.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = sale.seen().await;
    assert_eq!([&seen["state"], &seen["payment"]["state"]].map(text), ["cancelled", "refunded"]);
    let refunds = sale.at_stripe().await["refunds"].clone();
    let amounts: i64 = refunds.as_array().expect("refunds").iter().filter_map(|refund| refund["amount"].as_i64()).sum();
    assert_eq!(amounts, 1_750);

    let (disputed, page) = self::sale().await;
    press(&disputed.shop, &page, "pay").await;
    disputed.shop.wait_until_idle().await;
    disputed.act("dispute").await;
    disputed.shop.wait_until_idle().await;
    assert_eq!(disputed.seen_by_operator().await["disputes"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn cancelling_an_order_closes_its_page() {
    let (sale, page) = sale().await;
    sale.reader.post(&format!("/v1/orders/{}/cancel", sale.id), &json!({})).await.expect(200);
    assert_eq!((&sale.seen().await["state"], sale.stock().await), (&json!("cancelled"), (5, 0, 5)));
    assert_eq!(sale.at_stripe().await["sessions"][0]["status"], "expired");
    press(&sale.shop, &page, "pay").await;
    assert_eq!(sale.at_stripe().await["intents"], json!([]), "nobody can pay on it any more");

    // Paid at the same moment, and the shop has not heard of it: it is told that it is paid.
    let (paid, page) = self::sale().await;
    paid.shop.hold_webhooks(true).await;
    press(&paid.shop, &page, "pay").await;
    paid.reader.post(&format!("/v1/orders/{}/cancel", paid.id), &json!({})).await.expect_success();
    paid.shop.hold_webhooks(false).await;
    paid.shop.wait_until_idle().await;
    paid.shop.advance(HOUSEKEEPING_INTERVAL).await;
    let seen = paid.seen().await;
    assert_eq!([&seen["state"], &seen["payment"]["state"]].map(text), ["cancelled", "refunded"]);
}

#[tokio::test]
async fn a_lost_answer_at_the_opening_is_repeated_with_the_same_bytes_and_finds_the_same_page() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let total = guest.seen().await["totals"]["total"].clone();
    let faults = &shop.cloud.services().faults;
    faults.add(Fault::nth("stripe", "CreateCheckoutSession", 1, Kind::CrashAfter));
    let crashed = guest.checks_out_on_page("once", Some(BACK), &total).await;
    assert!(crashed.status >= 500, "{}", crashed.text);
    shop.advance(Duration::from_secs(31)).await;
    let order = guest.checks_out_on_page("once", Some(BACK), &total).await.expect(201).clone();
    let path = format!("/_local/pay/stripe/orders/{}", text(&order["id"]));
    let at_stripe = shop.anon().get(&path).await.expect(200).clone();
    assert_eq!(at_stripe["sessions"].as_array().map(Vec::len), Some(1), "{at_stripe}");
    assert_eq!(order["payment"]["action"]["url"], at_stripe["sessions"][0]["url"]);
    // The action is handed out again to whoever reads the order.
    let reader = shop.anon().with("order-token", text(&order["token"]));
    let seen = reader.get(&format!("/v1/orders/{}", text(&order["id"]))).await.expect(200).clone();
    assert_eq!(seen["payment"]["action"], order["payment"]["action"]);
}

#[tokio::test]
async fn a_bank_that_takes_days_is_waited_for_and_its_page_takes_no_second_payment() {
    for decides in ["succeed", "fail"] {
        let shop = Shop::open().await;
        let set = shop.operator().await.with("if-match", "*");
        let kinds = json!({"kinds": ["card", "ach_debit"]});
        set.put("/v1/admin/settings/payment-methods/kinds", &kinds).await.expect(200);
        let (sale, page) = sale_in(shop).await;
        assert_eq!(press(&sale.shop, &page, "slow").await, BACK);
        sale.shop.wait_until_idle().await;
        let seen = sale.seen().await;
        assert!(seen["payment"]["processing_until"].is_string(), "{seen}");
        sale.shop.advance(PAST_PAYMENT_DEADLINE).await;
        assert_eq!(sale.seen().await["state"], "awaiting_payment");
        sale.act(decides).await;
        sale.shop.wait_until_idle().await;
        if decides == "succeed" {
            assert_eq!(sale.seen().await["state"], "paid");
            continue;
        }
        assert_eq!(sale.seen().await["payment"]["state"], "failed");
        let asked = json!({"provider": "stripe", "hosted_page": true, "return_url": BACK});
        let again = page_of(sale.pays_otherwise(asked, "again").await.expect(201));
        press(&sale.shop, &again, "pay").await;
        sale.shop.wait_until_idle().await;
        assert_eq!(sale.seen().await["state"], "paid");
    }
}

#[tokio::test]
async fn who_pays_on_delivery_is_sent_to_no_page() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let order = json!({
        "cart_id": guest.cart, "email": guest.email, "expected_total": guest.seen().await["totals"]["total"],
        "payment": {"provider": "cash_on_delivery", "hosted_page": true},
    });
    let placed = guest.client.clone().with("idempotency-key", "once").post("/v1/checkout", &order).await;
    assert_eq!(placed.expect(201)["payment"]["action"]["type"], "confirm");
}

/// The hosts to which a page's forms may lead.
fn led_to(page: &Page) -> String {
    let policy = page.header("content-security-policy");
    let part = policy.split("; ").find_map(|part| part.strip_prefix("form-action "));
    part.expect("a policy of forms").to_owned()
}

/// A browser at the last step of the checkout.
async fn about_to_pay(shop: &Shop, bowl: &Product) -> Browser {
    let browser = shop.browser();
    put(&browser, bowl, "1").await;
    browser.submit("/en/checkout", &ADDRESS).await.expect(303);
    browser
}

async fn turn_stripe_off(shop: &Shop) {
    let set = shop.operator().await.with("if-match", "*");
    let off = json!({"offered": false, "position": 1});
    set.put("/v1/admin/settings/payment-methods/stripe", &off).await.expect(200);
}

#[tokio::test]
async fn the_page_of_payment_leads_to_the_providers_that_are_on() {
    for (is_on, leads) in [(true, STRIPE_TOO), (false, "'self'")] {
        let shop = Shop::open().await;
        let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
        if !is_on {
            turn_stripe_off(&shop).await;
        }
        let browser = about_to_pay(&shop, &bowl).await;
        let payment = browser.visit("/en/checkout/payment").await.expect(200);
        assert_eq!(led_to(&payment), leads);
        // The same when it is shown again, with what is wrong.
        let fields = [("key", &*payment.value("key")), ("total", "1.00"), ("provider", "cash_on_delivery")];
        let refused = browser.submit("/en/checkout/payment", &fields).await.expect(409);
        assert_eq!(led_to(&refused), leads);
        assert_eq!(led_to(&browser.visit("/en/cart").await.expect(200)), "'self'");
    }
}

#[tokio::test]
async fn an_order_leads_to_its_own_provider_when_that_has_been_turned_off() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = Guest::new(shop.buyer("aziza").await, "USD").await.takes(&[(&bowl, 1)]).await;
    let own = text(&guest.client.post(&guest.path("/claim"), &json!({})).await.expect(200)["id"]);
    let guest = Guest { cart: own, ..guest };
    let order = on_page(&guest, "once", Some(BACK)).await.expect(201).clone();
    turn_stripe_off(&shop).await;
    let browser = shop.browser();
    let account = [("contact", "aziza@people.test"), ("password", PASSWORD)];
    browser.submit("/en/sign-in", &account).await.expect(303);
    let path = format!("/en/orders/{}", text(&order["id"]));
    assert_eq!(led_to(&browser.visit(&path).await.expect(200)), STRIPE_TOO);
    // So does its page when it says that something else cannot be done.
    let refused = browser.submit(&format!("{path}/confirm"), &[("do", "confirm"), ("code", "000000")]).await;
    assert!((400..500).contains(&refused.status), "{}", refused.html);
    assert_eq!(led_to(&refused), STRIPE_TOO);
    let paid_at = browser.submit(&format!("{path}/pay"), &[]).await.expect(303).location();
    assert_eq!(json!(paid_at), order["payment"]["action"]["url"]);
}
