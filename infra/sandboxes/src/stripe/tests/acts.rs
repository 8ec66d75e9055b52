//! Acts of buyers, banks and staff at Stripe's dashboard, and the webhooks that report them.

use cloud::stack::ThirdParty;

use super::*;

#[tokio::test]
async fn succeeding_twice_tells_of_every_open_payment_with_two_events() {
    let sandbox = Sandbox::open().await;
    sandbox.opened(&payment(1)).await;
    sandbox.opened(&payment(2)).await;
    let (_, answer) = sandbox.act(order(), "succeed_twice").await;
    assert_eq!(answer["delivered"].as_array().unwrap().len(), 4);
    let news = sandbox.news().await;
    let mut events: Vec<_> = news.iter().map(|news| news.event_id.clone()).collect();
    events.sort();
    events.dedup();
    assert_eq!(events.len(), 4);
    for id in [1, 2] {
        let of_one = news.iter().filter(|news| news.payment_id == Some(PaymentId::from_bits(id)));
        assert_eq!(of_one.filter(|news| news.kind == captured(1250)).count(), 2);
    }
}

#[tokio::test]
async fn a_refund_made_by_hand_and_a_refund_that_comes_back_are_told() {
    let sandbox = Sandbox::open().await;
    sandbox.opened(&payment(1)).await;
    assert_eq!(sandbox.act(order(), "refund").await.0, StatusCode::CONFLICT);
    sandbox.act(order(), "succeed").await;
    sandbox.news().await;
    sandbox.act(order(), "refund").await;
    let NewsKind::Refund(by_hand) = sandbox.only_news().await.kind else { panic!("no refund") };
    assert_eq!((by_hand.refund_id, by_hand.amount), (None, Some(usd(1250))));
    sandbox.act(order(), "fail_refund").await;
    let NewsKind::Refund(failed) = sandbox.only_news().await.kind else { panic!("no refund") };
    assert_eq!(failed.outcome, RefundOutcome::Failed { code: "expired_or_canceled_card".into() });
}

#[tokio::test]
async fn a_dispute_is_opened_repeated_and_decided() {
    let sandbox = Sandbox::open().await;
    let opened = sandbox.opened(&payment(1)).await;
    sandbox.act(order(), "succeed").await;
    sandbox.news().await;
    sandbox.act(order(), "dispute").await;
    let news = sandbox.only_news().await;
    assert_eq!((news.order_id, Some(&news.reference)), (None, opened.reference.as_ref()));
    let NewsKind::Dispute(dispute) = &news.kind else { panic!("no dispute") };
    assert_eq!((dispute.state, dispute.amount), (DisputeState::Opened, Some(usd(1250))));
    sandbox.act(order(), "dispute").await;
    assert_eq!(sandbox.only_news().await, news);
    let reference = opened.reference.unwrap();
    let refused = sandbox.refunded(&refund(1, 5), &reference).await;
    assert_eq!(refused, Err(Failure::Refused { code: PAYMENT_DISPUTED.into() }));
    sandbox.act(order(), "win_dispute").await;
    let NewsKind::Dispute(won) = sandbox.only_news().await.kind else { panic!("no dispute") };
    assert_eq!(won.state, DisputeState::Won);
}

#[tokio::test]
async fn an_event_that_is_not_accepted_comes_again_by_the_clouds_clock_until_three_days_are_over() {
    let sandbox = Sandbox::open().await;
    sandbox.opened(&payment(1)).await;
    sandbox.shop_answers(StatusCode::SERVICE_UNAVAILABLE);
    let (_, answer) = sandbox.act(order(), "succeed").await;
    assert_eq!(answer["delivered"][0]["status"], 503);
    assert_eq!(sandbox.stripe.deliver_due().await, 0);
    sandbox.clock.advance(Duration::from_secs(5));
    assert_eq!(sandbox.stripe.deliver_due().await, 1);
    sandbox.clock.advance(Duration::from_secs(59));
    assert_eq!(sandbox.stripe.deliver_due().await, 0);
    sandbox.clock.advance(Duration::from_secs(1));
    assert_eq!(sandbox.stripe.deliver_due().await, 1);
    // Each attempt is signed anew, so the last one is as valid as the first.
    assert_eq!(sandbox.shop.lock().unwrap().received.split_off(2).len(), 1);

    let mut attempts = 3;
    for _ in 0..20 {
        sandbox.clock.advance(Duration::from_secs(24 * 60 * 60));
        attempts += sandbox.stripe.deliver_due().await;
    }
    assert_eq!(attempts, 10);
    sandbox.shop_answers(StatusCode::OK);
    let (_, by_hand) = sandbox.act(order(), "succeed").await;
    assert_eq!(by_hand["delivered"][0]["status"], 200);
    assert_eq!(sandbox.show(order()).await["events"][0]["attempts"], 11);
}

#[tokio::test]
async fn a_restart_forgets_neither_payments_nor_keys_nor_events_on_their_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stripe.sqlite");
    let clock = frozen_clock();
    let before = Sandbox::open_at(Some(&path), clock.clone()).await;
    let opened = before.providers.open(&payment(1)).await.unwrap();
    before.shop_answers(StatusCode::INTERNAL_SERVER_ERROR);
    before.act(order(), "succeed").await;

    let after = Sandbox::open_at(Some(&path), clock).await;
    assert_eq!(after.providers.open(&payment(1)).await.unwrap(), opened);
    after.clock.advance(Duration::from_secs(5));
    assert_eq!(after.stripe.deliver_due().await, 1);
    assert_eq!(after.only_news().await.kind, captured(1250));
}

#[tokio::test]
async fn the_schedule_sends_what_calls_lead_to() {
    let sandbox = Sandbox::open().await;
    let opened = sandbox.opened(&payment(1)).await;
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let deliver: Deliver = Arc::new(move |request| {
        arrived.send(request).unwrap();
        Box::pin(std::future::ready(Response::new(Bytes::new())))
    });
    sandbox.stripe.deliver_to("http://shop.test/v1/webhooks/stripe", deliver);
    let schedule = ThirdParty::start(&sandbox.stripe);
    sandbox.providers.cancel(&opened).await.unwrap();
    let request = arrivals.recv().await.unwrap();
    let now = now_of(&sandbox.clock);
    let news = sandbox.verified(request.headers(), request.body(), now).await.unwrap();
    assert_eq!(news.kind, NewsKind::Payment(PaymentNews::Cancelled));
    schedule.stop().await;
}

#[tokio::test]
async fn what_is_not_stripes_or_too_old_is_refused() {
    let sandbox = Sandbox::open().await;
    sandbox.opened(&payment(1)).await;
    sandbox.act(order(), "succeed").await;
    let request = sandbox.shop.lock().unwrap().received.remove(0);
    let verify = async |body: &[u8], now| sandbox.verified(request.headers(), body, now).await;
    let now = now_of(&sandbox.clock);
    let forged = String::from_utf8(request.body().to_vec()).unwrap().replace("1250", "1251");
    assert_eq!(verify(forged.as_bytes(), now).await, Err(WebhookError::BadSignature));
    assert_eq!(verify(request.body(), now + Duration::from_secs(301)).await, Err(WebhookError::Stale));
    assert!(verify(request.body(), now + Duration::from_secs(300)).await.is_ok());
}

#[tokio::test]
async fn a_webhook_that_is_lost_comes_later_and_one_whose_answer_is_lost_comes_twice() {
    let sandbox = Sandbox::open().await;
    sandbox.opened(&payment(1)).await;
    sandbox.faults.add(Fault::nth("stripe", "Webhook", 1, Kind::Before));
    sandbox.faults.add(Fault::nth("stripe", "Webhook", 2, Kind::After));
    let (_, answer) = sandbox.act(order(), "succeed").await;
    assert_eq!(answer["delivered"][0]["status"], Value::Null);
    assert!(sandbox.news().await.is_empty());
    for _ in 0..3 {
        sandbox.clock.advance(Duration::from_secs(60));
        sandbox.stripe.deliver_due().await;
    }
    let news = sandbox.news().await;
    assert_eq!(news.len(), 2);
    assert_eq!(news[0], news[1]);
}

#[tokio::test]
async fn people_pay_on_a_page_and_see_what_became_of_it() {
    let sandbox = Sandbox::open().await;
    let reference = sandbox.opened(&payment(1)).await.reference.unwrap();
    let page_url = format!("{}/pay/{reference}", sandbox.url);
    let page = reqwest::get(&page_url).await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let text = page.text().await.unwrap();
    assert!(text.contains("12.50 USD") && text.contains("value=succeed"), "{text}");

    let client = reqwest::Client::new();
    for _ in 0..2 {
        let pressed = client.post(&page_url).body("do=succeed").send().await.unwrap();
        assert_eq!((pressed.status(), pressed.url().as_str()), (StatusCode::OK, page_url.as_str()));
        assert!(pressed.text().await.unwrap().contains("payment_intent.succeeded"));
    }
    assert_eq!(sandbox.news().await.len(), 2);
    // Too late to decline: the page only shows the payment's state.
    let late = client.post(&page_url).body("do=fail").send().await.unwrap();
    assert!(late.text().await.unwrap().contains("succeeded"));
    assert_eq!(client.post(&page_url).body("do=nonsense").send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(reqwest::get(format!("{}/pay/pi_none", sandbox.url)).await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_unknown_order_or_act_is_a_clear_error() {
    let sandbox = Sandbox::open().await;
    let (status, body) = sandbox.act(order(), "succeed").await;
    assert_eq!((status, &body["error"]), (StatusCode::NOT_FOUND, &json!("no payment of this order is known here")));
    assert_eq!(sandbox.act(order(), "steal").await.0, StatusCode::BAD_REQUEST);
    let shown = reqwest::get(format!("{}/orders/{}", sandbox.url, order())).await.unwrap();
    assert_eq!(shown.status(), StatusCode::NOT_FOUND);
}
