//! Checkout Sessions and the hosted page: the shop's own code, and what Stripe's documents say.

use domain::payment::FrozenOpening;

use super::*;

const BACK: &str = "https://shop.test/orders/1";

/// An attempt that is paid on the page, and that Stripe does not know yet.
fn on_page(number: u128) -> Payment {
    let methods = vec!["card".to_owned(), "us_bank_account".to_owned()];
    let description = Some("Order <1>".to_owned());
    let opening = FrozenOpening { return_url: Some(BACK.to_owned()), description, methods, hosted_page: true };
    Payment { opening: Some(opening), ..payment(number) }
}

/// The smallest form that makes a session.
fn least() -> Vec<(&'static str, &'static str)> {
    vec![
        ("mode", "payment"),
        ("success_url", BACK),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount]", "1250"),
        ("line_items[0][price_data][product_data][name]", "Order 1"),
    ]
}

impl Sandbox {
    async fn open_page(&self, payment: &Payment) -> (Payment, String) {
        let opened = self.providers.open(payment).await.unwrap();
        let Action::Redirect { url } = opened.action else { panic!("{:?}", opened.action) };
        assert_eq!((opened.reference, &opened.news), (None, &PaymentNews::Pending));
        let page = url.strip_prefix(&format!("http://shop.test{PREFIX}")).unwrap();
        let further_references = opened.page.into_iter().collect();
        (Payment { further_references, ..payment.clone() }, format!("{}{page}", self.url))
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let request = reqwest::Client::new().post(format!("{}{path}", self.url)).bearer_auth(API_KEY);
        let answer = request.body(serde_urlencoded::to_string(form).unwrap()).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Presses a button, and answers where it leads.
async fn press(page: &str, button: &str) -> String {
    let answer = browser().post(page).body(format!("do={button}")).send().await.unwrap();
    assert_eq!(answer.status(), 303, "{button}");
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn html(page: &str) -> String {
    browser().get(page).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_page_is_opened_and_paid_and_both_events_name_the_payment() {
    let sandbox = Sandbox::open().await;
    let (opened, page) = sandbox.open_page(&on_page(1)).await;
    assert_eq!(sandbox.open_page(&on_page(1)).await.1, page, "the same key, the same page");
    let other = FrozenOpening { return_url: Some("https://shop.test/".to_owned()), ..on_page(1).opening.unwrap() };
    let refused = sandbox.providers.open(&Payment { opening: Some(other), ..on_page(1) }).await;
    assert_eq!(refused, Err(Failure::Refused { code: "idempotency_error".into() }));

    let before = sandbox.looked_up(&opened).await.unwrap();
    assert_eq!((before.reference.as_str(), &before.kind), ("", &NewsKind::Payment(PaymentNews::Pending)));
    let shown = html(&page).await;
    assert!(shown.contains("12.50 USD") && shown.contains("<li>Order &lt;1&gt;</li>"), "{shown}");

    assert_eq!(press(&page, "pay").await, BACK);
    let news = sandbox.news().await;
    let kinds: Vec<&NewsKind> = news.iter().map(|news| &news.kind).collect();
    assert_eq!(kinds, [&captured(1_250), &NewsKind::Payment(PaymentNews::Pending)]);
    assert_eq!(news[0].reference, news[1].reference);
    assert_eq!((news[0].page.clone(), news[1].page.as_ref()), (None, opened.further_references.first()));
    for news in &news {
        assert_eq!((news.order_id, news.payment_id), (Some(order()), Some(PaymentId::from_bits(1))));
    }
    let looked_up = sandbox.looked_up(&opened).await.unwrap();
    assert_eq!((&looked_up.kind, &looked_up.reference), (&captured(1_250), &news[0].reference));
    // Its intent was never stored: the session finds it.
    let Ok(Cancellation::Captured(found)) = sandbox.providers.cancel(&opened).await else { panic!("not captured") };
    assert_eq!((found.reference, found.kind), (news[0].reference.clone(), captured(1_250)));
    // Its session was never stored: the intent finds it.
    let named = Payment { reference: Some(news[0].reference.clone()), ..on_page(1) };
    assert!(matches!(sandbox.providers.cancel(&named).await, Ok(Cancellation::Captured(_))));
    let refunded = sandbox.refunded(&refund(1, 500), &news[0].reference).await.unwrap();
    assert_eq!(refunded.outcome, RefundOutcome::Succeeded);
}

#[tokio::test]
async fn an_expired_page_takes_no_money_and_its_declined_intent_is_cancelled_with_it() {
    for declined in [false, true] {
        let sandbox = Sandbox::open().await;
        let (opened, page) = sandbox.open_page(&on_page(1)).await;
        if declined {
            assert!(page.ends_with(&press(&page, "decline").await));
            let news = sandbox.only_news().await;
            assert_eq!(news.kind, NewsKind::Payment(PaymentNews::Failed { code: "insufficient_funds".into() }));
            assert!(html(&page).await.contains("insufficient funds"));
        }
        assert_eq!(sandbox.providers.cancel(&opened).await, Ok(Cancellation::Cancelled));
        assert_eq!(sandbox.providers.cancel(&opened).await, Ok(Cancellation::Cancelled));
        sandbox.stripe.deliver_due().await;
        let news = sandbox.news().await;
        assert_eq!(news.len(), 1 + usize::from(declined), "{news:?}");
        assert!(news.iter().all(|news| news.kind == NewsKind::Payment(PaymentNews::Cancelled)));
        assert!(html(&page).await.contains("expired"));
        assert!(page.ends_with(&press(&page, "pay").await));
        assert_eq!(sandbox.act(order(), "succeed").await.0, StatusCode::CONFLICT);
        assert_eq!(sandbox.news().await, []);
        let (status, _) = sandbox.act(order(), "succeed_late").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(sandbox.only_news().await.kind, captured(1_250));
    }
}

#[tokio::test]
async fn a_page_that_nobody_expires_is_open_for_a_day() {
    let sandbox = Sandbox::open().await;
    let (opened, _) = sandbox.open_page(&on_page(1)).await;
    sandbox.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(sandbox.stripe.deliver_due().await, 0);
    sandbox.clock.advance(Duration::from_secs(1));
    assert_eq!(sandbox.stripe.deliver_due().await, 1);
    let news = sandbox.only_news().await;
    assert_eq!((news.kind, news.reference), (NewsKind::Payment(PaymentNews::Cancelled), String::new()));
    assert_eq!(news.page.as_ref(), opened.further_references.first());
}

#[tokio::test]
async fn a_debit_is_decided_later_and_its_page_is_complete_at_once() {
    for (act, decided) in [
        ("succeed", captured(1_250)),
        ("fail", NewsKind::Payment(PaymentNews::Failed { code: "insufficient_funds".into() })),
    ] {
        let sandbox = Sandbox::open().await;
        let (opened, page) = sandbox.open_page(&on_page(1)).await;
        assert!(html(&page).await.contains("value=slow"));
        assert_eq!(press(&page, "slow").await, BACK);
        let kinds: Vec<NewsKind> = sandbox.news().await.into_iter().map(|news| news.kind).collect();
        assert_eq!(kinds, [PaymentNews::Processing, PaymentNews::Pending].map(NewsKind::Payment));
        assert!(matches!(sandbox.providers.cancel(&opened).await, Ok(Cancellation::Undecided(_))));
        sandbox.act(order(), act).await;
        assert_eq!(sandbox.only_news().await.kind, decided);
        if act == "fail" {
            assert_eq!(sandbox.act(order(), "succeed").await.0, StatusCode::CONFLICT, "the page takes one payment");
            assert_eq!(sandbox.providers.cancel(&opened).await, Ok(Cancellation::Cancelled));
        }
    }
    let sandbox = Sandbox::open().await;
    let cards = FrozenOpening { methods: vec!["card".to_owned()], ..on_page(1).opening.unwrap() };
    let (_, page) = sandbox.open_page(&Payment { opening: Some(cards), ..on_page(1) }).await;
    assert!(!html(&page).await.contains("value=slow"), "cards are decided at once");
    press(&page, "slow").await;
    assert_eq!(sandbox.news().await, []);
}

#[tokio::test]
async fn acts_on_an_order_reach_its_page_and_the_newest_attempt() {
    let sandbox = Sandbox::open().await;
    sandbox.opened(&payment(1)).await;
    let (_, page) = sandbox.open_page(&on_page(2)).await;
    sandbox.act(order(), "wrong_amount").await;
    let news = sandbox.news().await;
    assert_eq!((news[0].payment_id, &news[0].kind), (Some(PaymentId::from_bits(2)), &captured(1_249)));
    assert!(html(&page).await.contains("all done"));
    let shown = sandbox.show(order()).await;
    let lengths = ["intents", "sessions"].map(|name| shown[name].as_array().unwrap().len());
    assert_eq!((lengths, &shown["sessions"][0]["payment_status"]), ([2, 1], &json!("paid")));

    let twice = Sandbox::open().await;
    twice.opened(&payment(1)).await;
    twice.open_page(&on_page(2)).await;
    twice.open_page(&on_page(3)).await;
    twice.act(order(), "succeed_twice").await;
    for id in [1, 2, 3] {
        let shown = twice.show(order()).await;
        let paid = |intent: &&Value| intent["metadata"]["payment_id"] == PaymentId::from_bits(id).to_string();
        let intent = shown["intents"].as_array().unwrap().iter().find(paid).cloned();
        assert_eq!(intent.unwrap()["status"], "succeeded", "{id}");
    }
}

/// <https://docs.stripe.com/api/checkout/sessions/create>, and for `expires_at`: "from 30 minutes to 24 hours after
/// Checkout Session creation"; <https://docs.stripe.com/api/payment_intents/cancel>: "You can't cancel the
/// PaymentIntent for a Checkout Session. Expire the Checkout Session instead."
#[tokio::test]
async fn what_stripe_refuses_of_a_session_is_refused() {
    let sandbox = Sandbox::open().await;
    let path = "/v1/checkout/sessions";
    let (status, made) = sandbox.post(path, &least()).await;
    assert_eq!((status, &made["status"], &made["payment_status"]), (200, &json!("open"), &json!("unpaid")));
    assert_eq!((&made["payment_intent"], &made["ui_mode"]), (&Value::Null, &json!("hosted_page")));
    for place in 0..least().len() {
        let mut form = least();
        let (name, _) = form.remove(place);
        let (status, refused) = sandbox.post(path, &form).await;
        assert_eq!((status, &refused["error"]["param"]), (400, &json!(name)), "{refused}");
    }
    for (name, value, code) in [
        ("mode", "subscription", "parameter_invalid_string"),
        ("ui_mode", "hosted", "parameter_invalid_string"),
        ("success_url", "/orders", "url_invalid"),
        ("cancel_url", "javascript:alert(1)", "url_invalid"),
        ("line_items[0][quantity]", "0", "parameter_invalid_integer"),
        ("line_items[0][price_data][unit_amount]", "49", "amount_too_small"),
        ("line_items[0][price_data][currency]", "USD", "parameter_invalid_string"),
        ("line_items[0][color]", "red", "parameter_unknown"),
        ("payment_method_types[0]", "sepa_debit", "parameter_invalid"),
        ("automatic_payment_methods[enabled]", "true", "parameter_unknown"),
        ("expires_at", "1", "parameter_invalid_integer"),
        ("metadata[a][b]", "c", "parameter_invalid"),
        ("customer_email", "a@b.test", "parameter_unknown"),
    ] {
        let mut form = least();
        form.retain(|(known, _)| *known != name);
        form.push((name, value));
        let (status, refused) = sandbox.post(path, &form).await;
        assert_eq!((status, &refused["error"]["code"]), (400, &json!(code)), "{name}: {refused}");
    }
    let expire = format!("{path}/{}/expire", made["id"].as_str().unwrap());
    assert_eq!(sandbox.post(&expire, &[("expand[0]", "customer")]).await.0, 400);
    assert_eq!(sandbox.post(&expire, &[]).await.0, 200);
    let (status, refused) = sandbox.post(&expire, &[]).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &Value::Null));
    assert!(refused["error"]["message"].as_str().unwrap().contains("a status of `expired`"));
    assert_eq!(sandbox.post(&format!("{path}/cs_test_none/expire"), &[]).await.0, 404);

    let (_, page) = sandbox.open_page(&on_page(1)).await;
    press(&page, "decline").await;
    let intent = sandbox.show(order()).await["intents"][0]["id"].as_str().unwrap().to_owned();
    for verb in ["cancel", "confirm"] {
        let (status, refused) = sandbox.post(&format!("/v1/payment_intents/{intent}/{verb}"), &[]).await;
        assert_eq!((status, &refused["error"]["code"]), (400, &json!("payment_intent_unexpected_state")), "{verb}");
    }
}

#[tokio::test]
async fn the_banks_page_belongs_to_one_try_of_one_session_and_to_the_page_itself() {
    let sandbox = Sandbox::open().await;
    let (_, page) = sandbox.open_page(&on_page(1)).await;
    let (_, foreign) = sandbox.open_page(&on_page(2)).await;
    let base = page.rsplit_once('/').unwrap().0;
    let bank = format!("{base}/{}", press(&page, "3ds").await);
    assert!(html(&bank).await.contains("Do you want to pay 12.50 USD?"));
    let challenge = bank.rsplit_once('/').unwrap().1;
    for nowhere in [format!("{foreign}/3ds/{challenge}"), format!("{page}/3ds/3ds_X"), format!("{base}/cs_test_none")] {
        assert_eq!(browser().get(&nowhere).send().await.unwrap().status(), 404, "{nowhere}");
        assert!(!browser().post(&nowhere).body("do=confirm").send().await.unwrap().status().is_success());
    }
    let cross = browser().post(&bank).header("sec-fetch-site", "cross-site").body("do=confirm");
    assert_eq!(cross.send().await.unwrap().status(), 403);
    for wrong in ["do=pay", "do=confirm&x=1", ""] {
        assert_eq!(browser().post(&bank).body(wrong).send().await.unwrap().status(), 400, "{wrong}");
    }
    press(&bank, "fail").await;
    let failed = NewsKind::Payment(PaymentNews::Failed { code: "payment_intent_authentication_failure".into() });
    assert_eq!(sandbox.only_news().await.kind, failed);
    assert_eq!(browser().post(&bank).body("do=confirm").send().await.unwrap().status(), 404, "it was answered");
    let bank = format!("{base}/{}", press(&page, "3ds").await);
    assert_eq!(press(&bank, "confirm").await, BACK);
    assert_eq!(sandbox.news().await[0].kind, captured(1_250));
}

#[tokio::test]
async fn the_page_runs_nothing_loads_nothing_and_sends_its_forms_home_only() {
    let sandbox = Sandbox::open().await;
    let (_, page) = sandbox.open_page(&on_page(1)).await;
    let answer = browser().get(&page).send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let ends = "form-action 'self' https://shop.test; base-uri 'none'; frame-ancestors 'none'";
    assert!(policy.ends_with(ends), "{policy}");
    assert_eq!([header("cache-control"), header("referrer-policy")], ["no-store", "same-origin"]);
    let shown = answer.text().await.unwrap();
    assert!(!shown.contains("<script") && !shown.contains("style="), "{shown}");
    assert!(press(&page, "leave").await == BACK && sandbox.news().await.is_empty());
}
