//! What Stripe's documents say of calls, sentence by sentence: the sandbox is no kinder. Each test names its source.

use super::*;

/// Sends a call as it is, and answers status and body.
async fn send(sandbox: &Sandbox, method: &str, path: &str, form: &str, key: Option<&str>) -> (u16, Value) {
    let client = reqwest::Client::new();
    let url = format!("{}{path}", sandbox.url);
    let request =
        if method == "GET" { client.get(format!("{url}?{form}")) } else { client.post(url).body(form.to_owned()) };
    let request =
        key.into_iter().fold(request.bearer_auth(API_KEY), |request, key| request.header("idempotency-key", key));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn post(sandbox: &Sandbox, path: &str, form: &str) -> (u16, Value) {
    send(sandbox, "POST", path, form, None).await
}

async fn breaks(sandbox: &Sandbox, operation: &str, after: bool) {
    let order = json!({"on": operation, "after": after}).to_string();
    let answer = reqwest::Client::new().post(format!("{}/errors", sandbox.url)).body(order).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// A payment in a currency that has succeeded, by its id.
async fn paid(sandbox: &Sandbox, amount: i64, currency: &str) -> String {
    let form = format!("amount={amount}&currency={currency}&metadata[order_id]={}", order());
    let (_, made) = post(sandbox, "/v1/payment_intents", &form).await;
    sandbox.act(order(), "succeed").await;
    made["id"].as_str().unwrap().to_owned()
}

/// <https://docs.stripe.com/api/idempotent_requests>: "saving the resulting status code and body of the first request
/// made for any given idempotency key, regardless of whether it succeeds or fails. Subsequent requests with the same
/// key return the same result, including 500 errors"; keys are pruned "after they're at least 24 hours old".
#[tokio::test]
async fn a_500_is_stored_under_the_key_of_any_call_for_a_day() {
    let sandbox = Sandbox::open().await;
    let reference = paid(&sandbox, 1_250, "usd").await;
    let refund = format!("payment_intent={reference}&amount=500");
    for (operation, path, form) in [
        ("CreatePaymentIntent", "/v1/payment_intents", "amount=500&currency=usd"),
        ("CreateRefund", "/v1/refunds", refund.as_str()),
    ] {
        breaks(&sandbox, operation, false).await;
        for _ in 0..2 {
            let (status, body) = send(&sandbox, "POST", path, form, Some(operation)).await;
            assert_eq!((status, &body["error"]["type"]), (500, &json!("api_error")), "{operation}");
        }
        assert_eq!(send(&sandbox, "POST", path, form, Some(&format!("another {operation}"))).await.0, 200);
        sandbox.clock.advance(Duration::from_secs(23 * 3600));
        assert_eq!(send(&sandbox, "POST", path, form, Some(operation)).await.0, 500);
        sandbox.clock.advance(Duration::from_secs(2 * 3600));
        assert_eq!(send(&sandbox, "POST", path, form, Some(operation)).await.0, 200);
    }
}

/// <https://docs.stripe.com/error-codes>: `charge_already_refunded`, "The charge you're attempting to refund has
/// already been refunded", and <https://docs.stripe.com/api/refunds/create>: "You can't refund more than what's left".
#[tokio::test]
async fn a_charge_that_was_refunded_is_not_refunded_again_whoever_did_it() {
    let sandbox = Sandbox::open().await;
    let reference = paid(&sandbox, 1_250, "usd").await;
    sandbox.act(order(), "refund_part").await;
    let (status, body) = post(&sandbox, "/v1/refunds", &format!("payment_intent={reference}&amount=1250")).await;
    let message = body["error"]["message"].as_str().unwrap();
    assert_eq!((status, message), (400, "Refund amount (1250) is greater than unrefunded amount on charge (650)"));
    sandbox.act(order(), "refund").await;
    let (status, body) = post(&sandbox, "/v1/refunds", &format!("payment_intent={reference}&amount=650")).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("charge_already_refunded")));
}

/// <https://docs.stripe.com/api/refunds/list>: "sorted with the most recent refunds appearing first", and
/// <https://docs.stripe.com/api/pagination>: `limit` from 1 to 100, 10 by default, `starting_after`, `has_more`.
#[tokio::test]
async fn refunds_are_listed_in_pages_newest_first_with_those_that_were_made_at_the_dashboard() {
    let sandbox = Sandbox::open().await;
    let reference = paid(&sandbox, 50_000, "usd").await;
    let mut made = Vec::new();
    for number in 0..11 {
        if number == 5 {
            let (_, act) = sandbox.act(order(), "refund_part").await;
            assert_eq!(act["intent"]["id"], reference.as_str());
            let (_, newest) =
                send(&sandbox, "GET", "/v1/refunds", &format!("payment_intent={reference}&limit=1"), None).await;
            made.push(newest["data"][0]["id"].clone());
            continue;
        }
        made.push(
            post(&sandbox, "/v1/refunds", &format!("payment_intent={reference}&amount=100")).await.1["id"].clone(),
        );
    }
    made.reverse();
    let ids = |page: &Value| page["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    let of = format!("payment_intent={reference}");
    let (_, first) = send(&sandbox, "GET", "/v1/refunds", &of, None).await;
    assert_eq!((ids(&first), &first["has_more"]), (made[..10].to_vec(), &json!(true)));
    let last = made[9].as_str().unwrap();
    let (_, rest) = send(&sandbox, "GET", "/v1/refunds", &format!("{of}&starting_after={last}"), None).await;
    assert_eq!((ids(&rest), &rest["has_more"]), (made[10..].to_vec(), &json!(false)));
    for (form, status) in [
        (format!("{of}&limit=101"), 400),
        (format!("{of}&limit=0"), 400),
        (format!("{of}&starting_after=re_none"), 404),
        ("payment_intent=pi_none".to_owned(), 404),
    ] {
        assert_eq!(send(&sandbox, "GET", "/v1/refunds", &form, None).await.0, status, "{form}");
    }
}

/// <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>, `#three-decimal` ("the last digit is 0")
/// and `#special-cases` (ISK, UGX as hundredths).
#[tokio::test]
async fn amounts_are_within_the_documented_bounds_and_steps_for_payments_and_for_refunds() {
    let sandbox = Sandbox::open().await;
    for (amount, currency, code) in [
        (49, "usd", Some("amount_too_small")),
        (50, "usd", None),
        (99_999_999, "usd", None),
        (100_000_000, "usd", Some("amount_too_large")),
        (999_999_999_999_i64, "idr", None),
        (1_005, "kwd", Some("parameter_invalid_integer")),
        (1_010, "kwd", None),
        (501, "isk", Some("parameter_invalid_integer")),
        (500, "isk", None),
    ] {
        let (_, body) = post(&sandbox, "/v1/payment_intents", &format!("amount={amount}&currency={currency}")).await;
        assert_eq!(body["error"]["code"].as_str(), code, "{amount} {currency}");
    }
    for (currency, whole, broken, good) in [("kwd", 4_010, 1_005, 1_010), ("isk", 5_000, 150, 200)] {
        let reference = paid(&sandbox, whole, currency).await;
        for (amount, status) in [(broken, 400), (0, 400), (good, 200)] {
            let form = format!("payment_intent={reference}&amount={amount}");
            assert_eq!(post(&sandbox, "/v1/refunds", &form).await.0, status, "{amount} {currency}");
        }
    }
}

/// <https://docs.stripe.com/payments/payment-methods#delayed-notification>: bank debits are `processing` for days, and
/// <https://docs.stripe.com/api/payment_intents/cancel>: an intent can be cancelled in `requires_payment_method`,
/// `requires_capture`, `requires_confirmation`, `requires_action`, "or, in rare cases, `processing`".
#[tokio::test]
async fn a_payment_that_a_bank_works_on_is_processing_for_days_and_cannot_be_cancelled() {
    let sandbox = Sandbox::open().await;
    for (number, does, status) in [(1_u128, "succeed", "succeeded"), (2, "fail", "requires_payment_method")] {
        let reference = sandbox.opened(&payment(number)).await.reference.unwrap();
        sandbox.act(order(), "process").await;
        assert_eq!(sandbox.only_news().await.kind, NewsKind::Payment(PaymentNews::Processing));
        sandbox.clock.advance(Duration::from_secs(5 * 24 * 3600));
        for call in ["cancel", "confirm"] {
            let (refused, body) = post(&sandbox, &format!("/v1/payment_intents/{reference}/{call}"), "").await;
            assert_eq!((refused, &body["error"]["code"]), (400, &json!("payment_intent_unexpected_state")));
            assert_eq!(body["error"]["payment_intent"]["status"], "processing");
        }
        let refund = format!("payment_intent={reference}&amount=500");
        assert_eq!(post(&sandbox, "/v1/refunds", &refund).await.0, 400, "nothing was charged yet");
        let (_, answer) = sandbox.act(order(), does).await;
        assert_eq!(answer["intent"]["status"], status);
        sandbox.news().await;
    }
}

/// <https://docs.stripe.com/api/payment_intents/create>: `payment_method_types` or `automatic_payment_methods`, and
/// <https://docs.stripe.com/payments/payment-methods/payment-method-support>: the currencies of each type.
#[tokio::test]
async fn a_payment_takes_the_types_that_it_names_and_only_those_of_its_currency() {
    let sandbox = Sandbox::open().await;
    let created = async |currency: &str, more: &str| {
        post(&sandbox, "/v1/payment_intents", &format!("amount=500&currency={currency}&{more}")).await
    };
    let both = "payment_method_types[0]=card&payment_method_types[1]=sepa_debit";
    let (status, body) = created("eur", both).await;
    assert_eq!((status, &body["payment_method_types"]), (200, &json!(["card", "sepa_debit"])));
    for (currency, more) in [
        ("usd", both),
        ("eur", "payment_method_types[0]=cash"),
        ("eur", "payment_method_types[0]=card&automatic_payment_methods[enabled]=true"),
    ] {
        assert_eq!(created(currency, more).await.0, 400, "{currency} {more}");
    }
    let named = domain::payment::FrozenOpening { methods: vec!["card".to_owned()], ..Default::default() };
    sandbox.opened(&Payment { opening: Some(named), ..payment(1) }).await;
    assert_eq!(sandbox.act(order(), "process").await.0, StatusCode::CONFLICT, "cards are decided at once");
}

/// <https://docs.stripe.com/disputes/how-disputes-work>: a bank that has lost may go on to another round, so that a won
/// dispute is lost after all; <https://docs.stripe.com/api/disputes/object>: `lost` is final.
#[tokio::test]
async fn a_dispute_that_was_won_may_be_lost_and_a_lost_one_stays_lost() {
    let sandbox = Sandbox::open().await;
    let reference = paid(&sandbox, 1_250, "usd").await;
    for act in ["dispute", "win_dispute", "lose_dispute"] {
        assert_eq!(sandbox.act(order(), act).await.0, StatusCode::OK, "{act}");
    }
    let state = |news: ProviderNews| match news.kind {
        NewsKind::Dispute(dispute) => Some(dispute.state),
        _ => None,
    };
    let states: Vec<_> = sandbox.news().await.into_iter().filter_map(state).collect();
    assert_eq!(states, [DisputeState::Opened, DisputeState::Won, DisputeState::Lost]);
    assert_eq!(sandbox.act(order(), "win_dispute").await.0, StatusCode::CONFLICT);
    let (status, body) = post(&sandbox, "/v1/refunds", &format!("payment_intent={reference}&amount=500")).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("charge_disputed")));
}
