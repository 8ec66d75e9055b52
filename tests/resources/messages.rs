//! Messages to people by mail, short message and Telegram: which channel carries them, and what holds them back.

use std::time::Duration;

use domain::settings::{PhoneChannel, Settings};
use serde_json::{Value, json};

use crate::shop::invariants::put_item;
use crate::shop::{Answer, Shop, confirmation_code};

/// Numbers that end with an odd digit have no Telegram in the sandbox.
pub(crate) const WITHOUT_TELEGRAM: &str = "+998901234561";
pub(crate) const WITH_TELEGRAM: &str = "+998901234562";

const SETTING: &str = "/v1/admin/settings/messaging/phone";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// All messages to a contact once everything has come to rest, newest first.
pub(crate) async fn received(shop: &Shop, to: &str) -> Vec<Value> {
    shop.wait_until_idle().await;
    let to = to.trim_start_matches('+');
    let shown = shop.anon().get(&format!("/_local/messages?to={to}")).await.expect(200).clone();
    shown["items"].as_array().expect("a list").clone()
}

/// The code in the newest message to a number.
pub(crate) async fn code_for(shop: &Shop, number: &str) -> String {
    let newest = received(shop, number).await.into_iter().next().expect("a message");
    newest["code"].as_str().unwrap_or_else(|| panic!("no code: {newest}")).to_owned()
}

pub(crate) async fn auth(shop: &Shop, step: &str, body: Value) -> Answer {
    shop.anon().post(&format!("/v1/auth/{step}"), &body).await
}

/// A guest's order of one bowl, payable on delivery, with a telephone number alone.
pub(crate) async fn ordered_by(shop: &Shop, vendor: &str, contact: &Value) -> Answer {
    let bowl = shop.vendor(vendor).await.product("bowl").stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    let total = guest.seen().await["totals"]["total"].clone();
    let order = json!({
        "cart_id": guest.cart, "contact": contact, "payment": {"provider": "cash_on_delivery"}, "expected_total": total,
    });
    guest.client.clone().with("idempotency-key", "once").post("/v1/checkout", &order).await
}

/// Changes fields of the setting. Functions that have read it go on with what they have read for 30 seconds.
async fn set(shop: &Shop, fields: Value) -> Answer {
    let operator = shop.operator().await;
    let mut value = operator.get(SETTING).await.expect(200)["value"].clone();
    for (name, field) in fields.as_object().expect("fields") {
        value[name] = field.clone();
    }
    operator.with("if-match", "*").put(SETTING, &value).await
}

/// Asks for a code to make an account.
async fn asks(shop: &Shop, number: &str) {
    let answer = auth(shop, "sign-up", json!({ "contact": number })).await.expect(202).clone();
    assert!(answer["request"].is_string() && answer.as_object().is_some_and(|fields| fields.len() == 1), "{answer}");
}

async fn count(shop: &Shop, numbers: &[&str]) -> usize {
    let mut count = 0;
    for number in numbers {
        count += received(shop, number).await.len();
    }
    count
}

#[tokio::test]
async fn telegram_is_tried_first_and_who_has_none_gets_a_short_message() {
    let shop = Shop::open().await;
    for (number, channel) in [(WITH_TELEGRAM, "telegram"), (WITHOUT_TELEGRAM, "sms")] {
        asks(&shop, number).await;
        let messages = received(&shop, number).await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!((&messages[0]["channel"], &messages[0]["to"]), (&json!(channel), &json!(number)));
        let code = messages[0]["code"].clone();
        auth(&shop, "confirm", json!({"contact": number, "code": code})).await.expect(200);
    }
    assert_eq!(shop.depth("MessagesDeadLetters").visible, 0);
}

#[tokio::test]
async fn messages_of_all_channels_are_shown_together_and_in_a_browser() {
    let shop = Shop::open().await;
    for contact in [WITH_TELEGRAM, WITHOUT_TELEGRAM, "aziza@people.test"] {
        asks(&shop, contact).await;
    }
    shop.wait_until_idle().await;
    let shown = shop.anon().get("/_local/messages").await.expect(200).clone();
    let mut channels: Vec<&str> =
        shown["items"].as_array().expect("a list").iter().filter_map(|one| one["channel"].as_str()).collect();
    channels.sort_unstable();
    assert_eq!(channels, ["mail", "sms", "telegram"]);
    let page = shop.anon().with("accept", "text/html").get("/_local/messages").await;
    assert_eq!(page.status, 200);
    for contact in [WITH_TELEGRAM, WITHOUT_TELEGRAM, "aziza@people.test"] {
        assert!(page.text.contains(contact), "{contact} is not in {}", page.text);
    }
}

#[tokio::test]
async fn the_days_spend_holds_answers_stay_the_same_and_the_next_day_has_its_own() {
    let shop = Shop::open().await;
    let price = json!({"prefix": "+998", "price": {"amount": "150.00", "currency": "UZS"}});
    let fields = json!({
        "channels": ["sms"], "prefixes": [price], "daily_spend": {"amount": "300.00", "currency": "UZS"},
    });
    set(&shop, fields).await.expect(200);
    let numbers = ["+998901234561", "+998901234562", "+998901234563"];
    for number in numbers {
        asks(&shop, number).await;
    }
    assert_eq!(count(&shop, &numbers).await, 2);
    assert_eq!(shop.depth("MessagesDeadLetters").visible, 0, "what is held back is not tried again");
    shop.cloud.clock().advance(DAY);
    for number in numbers {
        asks(&shop, number).await;
    }
    assert_eq!(count(&shop, &numbers).await, 4);
}

#[tokio::test]
async fn codes_go_on_through_telegram_when_the_days_spend_is_reached() {
    let shop = Shop::open().await;
    set(&shop, json!({"daily_spend": {"amount": "0.00", "currency": "UZS"}})).await.expect(200);
    asks(&shop, WITHOUT_TELEGRAM).await;
    asks(&shop, WITH_TELEGRAM).await;
    assert_eq!(count(&shop, &[WITHOUT_TELEGRAM]).await, 0);
    assert_eq!(count(&shop, &[WITH_TELEGRAM]).await, 1);
}

#[tokio::test]
async fn one_number_gets_so_many_messages_and_another_is_not_concerned() {
    let shop = Shop::open().await;
    set(&shop, json!({"per_number": {"most": 2, "within_s": 86_400}})).await.expect(200);
    for _ in 0..4 {
        asks(&shop, WITHOUT_TELEGRAM).await;
        shop.wait_until_idle().await;
    }
    asks(&shop, WITH_TELEGRAM).await;
    assert_eq!(count(&shop, &[WITHOUT_TELEGRAM]).await, 3, "the first one with a code is not counted");
    assert_eq!(count(&shop, &[WITH_TELEGRAM]).await, 1);
    // Whoever uses them up keeps no new code from its owner.
    shop.cloud.clock().advance(Duration::from_secs(16 * 60));
    asks(&shop, WITHOUT_TELEGRAM).await;
    assert_eq!(count(&shop, &[WITHOUT_TELEGRAM]).await, 4);
}

#[tokio::test]
async fn one_client_has_so_many_codes_sent_to_numbers_and_others_are_not_concerned() {
    let shop = Shop::open().await;
    // Past the route, since whoever uses that has read the settings.
    let mut settings = Settings { version: 2, ..Settings::default() };
    settings.phone_messages.channels = vec![PhoneChannel::Sms];
    settings.phone_messages.per_client.most = 2;
    let item = json!({
        "pk": {"S": "SHOP"}, "sk": {"S": "SETTINGS"}, "kind": {"S": "settings"}, "version": {"N": "2"},
        "data": {"S": serde_json::to_string(&settings).expect("JSON")},
    });
    put_item(&shop, "SettingsTable", &item).await;
    let ask = async |client: u8, contact: &str| {
        shop.anon().from([127, 0, 0, client]).post("/v1/auth/code", &json!({ "contact": contact })).await
    };
    for number in ["+998901234561", "+998901234563"] {
        ask(2, number).await.expect(202);
    }
    ask(2, "+998901234565").await.expect_problem(429, "too_many_requests");
    ask(2, "aziza@people.test").await.expect(202);
    ask(3, "+998901234565").await.expect(202);
}

#[tokio::test]
async fn the_numbers_of_one_prefix_get_so_many_messages_together() {
    let shop = Shop::open().await;
    let price = |prefix: &str| json!({"prefix": prefix, "price": {"amount": "1.00", "currency": "UZS"}});
    let fields = json!({
        "prefixes": [price("+998"), price("+99871")], "per_prefix": {"most": 2, "within_s": 3_600},
    });
    set(&shop, fields).await.expect(200);
    let numbers = ["+998901234561", "+998901234562", "+998901234563"];
    for number in numbers.into_iter().chain(["+998712345678"]) {
        asks(&shop, number).await;
    }
    assert_eq!(count(&shop, &numbers).await, 2);
    assert_eq!(count(&shop, &["+998712345678"]).await, 1, "a longer prefix has a limit of its own");
}

#[tokio::test]
async fn a_gateway_that_fails_is_asked_again_and_an_answer_that_was_lost_sends_nothing_twice() {
    let shop = Shop::open().await;
    let anon = shop.anon();
    anon.post("/_local/sms/errors", &json!({"status": 503})).await.expect(200);
    asks(&shop, WITHOUT_TELEGRAM).await;
    assert_eq!(count(&shop, &[WITHOUT_TELEGRAM]).await, 0);
    shop.advance(Duration::from_secs(10 * 60)).await;
    assert_eq!(count(&shop, &[WITHOUT_TELEGRAM]).await, 1);

    let lost = json!({"service": "sms", "operation": "SendMessage", "nth": 1, "kind": "after"});
    anon.post("/_local/faults", &lost).await.expect(200);
    asks(&shop, "+998901234563").await;
    shop.wait_until_idle().await;
    shop.advance(Duration::from_secs(10 * 60)).await;
    assert_eq!(count(&shop, &["+998901234563"]).await, 1);
    assert_eq!(shop.depth("MessagesDeadLetters").visible, 0);
}

#[tokio::test]
async fn an_empty_balance_at_telegram_is_made_up_for_by_short_messages() {
    let shop = Shop::open().await;
    shop.anon().post("/_local/telegram/balance", &json!({"cents": 0})).await.expect(200);
    asks(&shop, WITH_TELEGRAM).await;
    let messages = received(&shop, WITH_TELEGRAM).await;
    assert_eq!((messages.len(), &messages[0]["channel"]), (1, &json!("sms")));
}

#[tokio::test]
async fn numbers_are_sent_codes_only_where_the_operator_wants_that() {
    let shop = Shop::open().await;
    set(&shop, json!({"order_texts": false})).await.expect(200);
    let placed = ordered_by(&shop, "ceramics", &json!({"phone": WITHOUT_TELEGRAM})).await.expect(201).clone();
    let (id, token) = (placed["id"].as_str().expect("an id"), placed["token"].as_str().expect("a token"));
    assert_eq!(code_for(&shop, WITHOUT_TELEGRAM).await, confirmation_code(id, 1));
    let reader = shop.anon().with("order-token", token);
    let code = json!({"code": confirmation_code(id, 1)});
    reader.post(&format!("/v1/orders/{id}/confirm"), &code).await.expect(200);
    assert_eq!(count(&shop, &[WITHOUT_TELEGRAM]).await, 1, "nothing tells that it is placed");
}

#[tokio::test]
async fn the_setting_takes_what_can_be_counted_and_nothing_else() {
    let shop = Shop::open().await;
    let money = |amount: &str, currency: &str| json!({"amount": amount, "currency": currency});
    let entry = |prefix: &str, price: Value| json!({"prefix": prefix, "price": price});
    for (fields, pointer) in [
        (json!({"channels": ["sms", "sms"]}), "/channels"),
        (json!({"channels": ["pigeon"]}), "/channels"),
        (json!({"daily_spend": money("-1.00", "UZS")}), "/daily_spend"),
        (json!({"prefixes": [entry("+998", money("1.00", "USD"))]}), "/prefixes/0/price/currency"),
        (json!({"prefixes": [entry("998", money("1.00", "UZS"))]}), "/prefixes/0/prefix"),
        (json!({"per_number": {"most": 0, "within_s": 60}}), "/per_number/most"),
        (json!({"order_texts": null}), "/order_texts"),
        (json!({"most": 1}), "/most"),
    ] {
        let refused = set(&shop, fields.clone()).await;
        assert_eq!(refused.expect_problem(400, "invalid")["errors"][0]["pointer"], pointer, "{fields}");
    }
    let changed = set(&shop, json!({"channels": ["sms"], "order_texts": false})).await.expect(200).clone();
    assert_eq!((&changed["area"], &changed["value"]["channels"]), (&json!("messaging"), &json!(["sms"])));
}
