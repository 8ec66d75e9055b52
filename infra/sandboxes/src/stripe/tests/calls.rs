//! The shop's calls to Stripe.

use super::*;

#[tokio::test]
async fn a_payment_is_opened_paid_and_told_of_and_told_of_again_with_the_same_event() {
    let sandbox = Sandbox::open().await;
    let opened = sandbox.providers.open(&payment(1)).await.unwrap();
    let Action::ClientSecret { client_secret, .. } = &opened.action else { panic!("{:?}", opened.action) };
    assert!(client_secret.starts_with(&format!("{}_secret_", opened.reference.as_deref().unwrap())));
    assert_eq!(opened.news, PaymentNews::Pending);

    let (status, answer) = sandbox.act(order(), "succeed").await;
    assert_eq!((status, &answer["intent"]["status"]), (StatusCode::OK, &json!("succeeded")));
    assert_eq!(answer["delivered"][0]["status"], 200);
    let first = sandbox.only_news().await;
    assert_eq!(first.kind, captured(1250));
    assert_eq!((first.order_id, first.payment_id), (Some(order()), Some(PaymentId::from_bits(1))));
    assert_eq!(Some(&first.reference), opened.reference.as_ref());

    let (_, again) = sandbox.act(order(), "succeed").await;
    assert_eq!(again["delivered"][0]["event"], answer["delivered"][0]["event"]);
    assert_eq!(sandbox.only_news().await, first);
    let looked_up = sandbox.looked_up(&payment(1)).await.unwrap();
    assert_eq!(looked_up.kind, captured(1250));
}

#[tokio::test]
async fn opening_twice_finds_the_same_payment_and_another_amount_under_the_same_key_is_refused() {
    let sandbox = Sandbox::open().await;
    let first = sandbox.providers.open(&payment(1)).await.unwrap();
    assert_eq!(sandbox.providers.open(&payment(1)).await.unwrap(), first);
    let dearer = Payment { amount: usd(1251), ..payment(1) };
    let refused = sandbox.providers.open(&dearer).await;
    assert_eq!(refused, Err(Failure::Refused { code: "idempotency_error".into() }));

    assert_ne!(sandbox.providers.open(&payment(2)).await.unwrap().reference, first.reference);
    // After a day the idempotency key has expired, as at Stripe.
    sandbox.clock.advance(Duration::from_secs(25 * 60 * 60));
    assert_ne!(sandbox.providers.open(&payment(1)).await.unwrap().reference, first.reference);
}

#[tokio::test]
async fn a_replayed_answer_says_so_and_wrong_keys_are_refused_in_stripes_words() {
    let sandbox = Sandbox::open().await;
    let client = reqwest::Client::new();
    let url = format!("{}/v1/payment_intents", sandbox.url);
    let post = |body: &'static str| client.post(&url).bearer_auth(API_KEY).header("idempotency-key", "k").body(body);

    // The refusal of a parameter is not stored under the idempotency key.
    let bad = post("amount=0&currency=usd").send().await.unwrap();
    assert_eq!(bad.status(), 400);
    let first = post("amount=500&currency=usd").send().await.unwrap();
    assert!(!first.headers().contains_key("idempotent-replayed"));
    assert!(first.headers()["request-id"].to_str().unwrap().starts_with("req_"));
    let replayed = post("currency=usd&amount=500").send().await.unwrap();
    assert_eq!(replayed.headers()["idempotent-replayed"], "true");
    assert_eq!(first.text().await.unwrap(), replayed.text().await.unwrap());

    for (request, status, kind) in [
        (client.post(&url).body("amount=500&currency=usd"), 401, "invalid_request_error"),
        (client.post(&url).bearer_auth("sk_test_other").body("amount=500&currency=usd"), 401, "invalid_request_error"),
        (post("amount=501&currency=usd"), 400, "idempotency_error"),
        (client.post(&url).bearer_auth(API_KEY).body("amount=500"), 400, "invalid_request_error"),
        (client.post(&url).bearer_auth(API_KEY).body("amount=500&currency=USD"), 400, "invalid_request_error"),
        (client.post(&url).bearer_auth(API_KEY).body("amount=5125&currency=kwd"), 400, "invalid_request_error"),
        (client.post(&url).bearer_auth(API_KEY).body("amount=49&currency=usd"), 400, "invalid_request_error"),
        (client.post(&url).bearer_auth(API_KEY).body("amount=100000000&currency=uzs"), 400, "invalid_request_error"),
        (
            client.post(&url).bearer_auth(API_KEY).body("amount=500&currency=usd&color=red"),
            400,
            "invalid_request_error",
        ),
        (client.get(format!("{url}/pi_none")).bearer_auth(API_KEY), 404, "invalid_request_error"),
        (client.get(format!("{}/v1/charges", sandbox.url)).bearer_auth(API_KEY), 404, "invalid_request_error"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["type"], kind);
    }
    let basic = client.get(&url).basic_auth(API_KEY, Some("")).send().await.unwrap();
    assert_eq!(basic.json::<Value>().await.unwrap()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_amount_beyond_the_documented_ones_is_refused_by_its_code() {
    let sandbox = Sandbox::open().await;
    let client = reqwest::Client::new();
    let url = format!("{}/v1/payment_intents", sandbox.url);
    for (currency, least, greatest) in [
        ("usd", 50, 99_999_999),
        ("gbp", 30, 99_999_999),
        ("huf", 17_500, 99_999_999),
        ("krw", 50, 99_999_999),
        ("uzs", 1, 99_999_999),
        ("inr", 50, 999_999_999),
        ("cop", 50, 9_999_999_999),
        ("idr", 50, 999_999_999_999_i64),
    ] {
        for (amount, code) in [
            (least - 1, if least == 1 { "parameter_invalid_integer" } else { "amount_too_small" }),
            (least, ""),
            (greatest, ""),
            (greatest + 1, "amount_too_large"),
        ] {
            let body = format!("amount={amount}&currency={currency}");
            let answer = client.post(&url).bearer_auth(API_KEY).body(body).send().await.unwrap();
            let (status, error) = (answer.status(), answer.json::<Value>().await.unwrap()["error"].clone());
            assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{amount} {currency}: {error}");
            assert_eq!(status == StatusCode::OK, code.is_empty(), "{amount} {currency}");
        }
    }
}

#[tokio::test]
async fn cancelling_is_final_and_finds_a_payment_that_came_first() {
    let sandbox = Sandbox::open().await;
    let early = sandbox.opened(&payment(1)).await;
    assert_eq!(sandbox.providers.cancel(&early).await, Ok(Cancellation::Cancelled));
    assert_eq!(sandbox.providers.cancel(&early).await, Ok(Cancellation::Cancelled));
    assert_eq!(sandbox.act(order(), "succeed").await.0, StatusCode::CONFLICT);
    assert_eq!(sandbox.stripe.deliver_due().await, 1);
    assert_eq!(sandbox.only_news().await.kind, NewsKind::Payment(PaymentNews::Cancelled));

    // The reference was never stored: cancelling finds the payment by its idempotency key.
    sandbox.providers.open(&payment(2)).await.unwrap();
    sandbox.act(order(), "succeed").await;
    let Ok(Cancellation::Captured(news)) = sandbox.providers.cancel(&payment(2)).await else { panic!("not captured") };
    assert_eq!((news.kind, news.payment_id), (captured(1250), Some(PaymentId::from_bits(2))));

    let slow = sandbox.opened(&payment(3)).await;
    sandbox.act(order(), "process").await;
    assert!(matches!(sandbox.providers.cancel(&slow).await, Ok(Cancellation::Undecided(_))));
}

#[tokio::test]
async fn a_declined_card_can_be_followed_by_a_good_one() {
    let sandbox = Sandbox::open().await;
    let opened = sandbox.opened(&payment(1)).await;
    sandbox.act(order(), "fail").await;
    let declined = NewsKind::Payment(PaymentNews::Failed { code: "insufficient_funds".into() });
    assert_eq!(sandbox.only_news().await.kind, declined);
    assert_eq!(sandbox.looked_up(&opened).await.unwrap().kind, declined);
    sandbox.act(order(), "succeed").await;
    assert_eq!(sandbox.only_news().await.kind, captured(1250));
    assert_eq!(sandbox.act(order(), "fail").await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_provider_may_report_another_amount_than_was_asked() {
    let sandbox = Sandbox::open().await;
    let opened = sandbox.opened(&payment(1)).await;
    sandbox.act(order(), "wrong_amount").await;
    assert_eq!(sandbox.only_news().await.kind, captured(1249));
    assert_eq!(sandbox.looked_up(&opened).await.unwrap().kind, captured(1249));
}

#[tokio::test]
async fn refunds_are_made_once_and_never_beyond_what_was_captured() {
    let sandbox = Sandbox::open().await;
    let opened = sandbox.opened(&payment(1)).await;
    let reference = opened.reference.clone().unwrap();
    let issue_refund = |refund| {
        let (sandbox, reference) = (&sandbox, reference.clone());
        async move { sandbox.refunded(&refund, &reference).await }
    };
    assert!(matches!(issue_refund(refund(1, 500)).await, Err(Failure::Refused { .. })), "nothing was paid yet");
    sandbox.act(order(), "succeed").await;
    sandbox.news().await;

    let first = issue_refund(refund(2, 500)).await.unwrap();
    assert_eq!(first.outcome, RefundOutcome::Succeeded);
    assert_eq!((first.refund_id, first.amount), (Some(RefundId::from_bits(2)), Some(usd(500))));
    assert_eq!(issue_refund(refund(2, 500)).await.unwrap(), first);
    // The idempotency key expires after a day; the refund is found all the same.
    sandbox.clock.advance(Duration::from_secs(25 * 60 * 60));
    assert_eq!(issue_refund(refund(2, 500)).await.unwrap(), first);
    let known = domain::payment::Refund { reference: Some(first.reference.clone()), ..refund(2, 500) };
    assert_eq!(issue_refund(known).await.unwrap(), first);

    assert!(matches!(issue_refund(refund(3, 751)).await, Err(Failure::Refused { .. })), "more than is left");
    assert_eq!(issue_refund(refund(4, 750)).await.unwrap().amount, Some(usd(750)));
    assert_eq!(issue_refund(refund(5, 1)).await, Err(Failure::Refused { code: "charge_already_refunded".into() }));
    assert_eq!(sandbox.show(order()).await["refunds"].as_array().unwrap().len(), 2);

    sandbox.stripe.deliver_due().await;
    let news = sandbox.news().await;
    assert_eq!(news.len(), 2);
    assert_eq!(news[0].kind, NewsKind::Refund(first));
    assert_eq!((news[0].order_id, news[0].reference.as_str()), (Some(order()), reference.as_str()));
}

#[tokio::test]
async fn a_lost_call_is_unclear_and_repeating_it_finds_what_was_done() {
    let sandbox = Sandbox::open().await;
    sandbox.faults.add(Fault::nth("stripe", "CreatePaymentIntent", 1, Kind::After));
    assert!(matches!(sandbox.providers.open(&payment(1)).await, Err(Failure::Unclear(_))));
    let opened = sandbox.opened(&payment(1)).await;
    assert_eq!(sandbox.show(order()).await["intents"].as_array().unwrap().len(), 1);

    for (kind, unclear) in [(Kind::Before, true), (Kind::Throttle, false), (Kind::Conflict, true)] {
        sandbox.faults.add(Fault::nth("stripe", "RetrievePaymentIntent", 1, kind));
        let failure = sandbox.looked_up(&opened).await.unwrap_err();
        assert_eq!(matches!(failure, Failure::Unclear(_)), unclear, "{failure:?}");
        assert_eq!(matches!(failure, Failure::Unavailable(_)), !unclear, "{failure:?}");
    }

    sandbox.act(order(), "succeed").await;
    sandbox.news().await;
    sandbox.faults.add(Fault::nth("stripe", "CreateRefund", 1, Kind::After));
    let reference = opened.reference.unwrap();
    let lost = sandbox.refunded(&refund(1, 500), &reference).await;
    assert!(matches!(lost, Err(Failure::Unclear(_))));
    sandbox.refunded(&refund(1, 500), &reference).await.unwrap();
    assert_eq!(sandbox.show(order()).await["refunds"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_failure_inside_stripe_is_stored_under_the_key_for_a_day() {
    let sandbox = Sandbox::open().await;
    let breaks = async |after: bool| {
        let order = json!({"on": "CreatePaymentIntent", "after": after}).to_string();
        let url = format!("{}/errors", sandbox.url);
        assert_eq!(reqwest::Client::new().post(url).body(order).send().await.unwrap().status(), 200);
    };
    for (number, after, made) in [(1, false, 1), (2, true, 3)] {
        breaks(after).await;
        let spent = Err(Failure::KeySpent("api_error".into()));
        assert_eq!(sandbox.providers.open(&payment(number)).await, spent);
        assert_eq!(sandbox.providers.open(&payment(number)).await, spent, "a repeat replays the failure");
        // Another attempt has another key.
        sandbox.opened(&payment(10 + number)).await;
        assert_eq!(sandbox.show(order()).await["intents"].as_array().unwrap().len(), made);
    }
    sandbox.clock.advance(Duration::from_secs(25 * 60 * 60));
    sandbox.opened(&payment(1)).await;
}

#[tokio::test]
async fn a_provider_that_hangs_is_unclear_and_one_that_is_down_is_unavailable() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    // The kernel accepts the connection for the listener, and no response ever comes.
    let hanging = providers(&url, Duration::from_millis(200)).open(&payment(1)).await;
    assert!(matches!(hanging, Err(Failure::Unclear(_))), "{hanging:?}");
    drop(silent);
    let down = providers(&url, Duration::from_secs(5)).open(&payment(1)).await;
    assert!(matches!(down, Err(Failure::Unavailable(_))), "{down:?}");
}

#[tokio::test]
async fn stripes_test_cards_confirm_through_the_api() {
    let sandbox = Sandbox::open().await;
    let reference = sandbox.opened(&payment(1)).await.reference.unwrap();
    let url = format!("{}/v1/payment_intents/{reference}/confirm", sandbox.url);
    let confirm = async |card: &'static str| {
        let request = reqwest::Client::new().post(&url).bearer_auth(API_KEY).body(format!("payment_method={card}"));
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(confirm("").await.1["error"]["code"], "payment_intent_unexpected_state");
    let (status, declined) = confirm("pm_card_visa_chargeDeclined").await;
    assert_eq!((status, &declined["error"]["code"]), (StatusCode::PAYMENT_REQUIRED, &json!("card_declined")));
    assert_eq!(confirm("pm_card_visa").await.1["status"], "succeeded");
    assert_eq!(confirm("pm_card_visa").await.1["error"]["code"], "payment_intent_unexpected_state");
    assert_eq!(sandbox.stripe.deliver_due().await, 2);
    let news: Vec<_> = sandbox.news().await.into_iter().map(|news| news.kind).collect();
    let declined = NewsKind::Payment(PaymentNews::Failed { code: "generic_decline".into() });
    assert_eq!(news, [declined, captured(1250)]);
}
