//! The requests sent to Stripe, and how each answer is classified. The sandbox's own tests run the same code end to
//! end.

use std::sync::Mutex;

use bytes::Bytes;
use domain::examples::{self, usd};
use domain::payment::{FrozenOpening, PaymentState};
use domain::{Currency, OrderId, PaymentId, RefundId};
use http::{Request, Response};
use serde_json::{Value, json};

use super::*;
use crate::{HttpFailure, RefundOutcome};

type Answer = Result<Response<Bytes>, HttpFailure>;

/// A fake Stripe that gives prepared answers and records the requests.
#[derive(Clone, Default)]
pub(super) struct Prepared {
    answers: Arc<Mutex<Vec<Answer>>>,
    pub(super) requests: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Prepared {
    pub(super) fn answers(self, status: u16, body: Value) -> Self {
        let answer = Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap();
        self.answers.lock().unwrap().insert(0, Ok(answer));
        self
    }

    pub(super) fn fails(self, failure: HttpFailure) -> Self {
        self.answers.lock().unwrap().insert(0, Err(failure));
        self
    }

    pub(super) fn stripe(&self) -> Stripe {
        let this = self.clone();
        let http = move |request: Request<Bytes>| {
            this.requests.lock().unwrap().push(request);
            std::future::ready(this.answers.lock().unwrap().pop().expect("more calls than prepared answers"))
        };
        let secret =
            r#"{"api_key":"sk_test_key","publishable_key":"pk_test_key","webhook_secret":{"current":"whsec_a"}}"#;
        Stripe::new(Arc::new(http), URL.into(), StripeSecret::parse(secret).unwrap())
    }

    pub(super) fn paths(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .map(|request| format!("{} {}", request.method(), request.uri().path_and_query().unwrap()))
            .collect()
    }
}

pub(super) fn payment(reference: Option<&str>) -> Payment {
    let payment = examples::payment(2, OrderId::from_bits(1), ProviderName::Stripe, usd(1_250));
    Payment { state: PaymentState::Created, reference: reference.map(str::to_owned), ..payment }
}

fn refund(reference: Option<&str>) -> Refund {
    Refund { reference: reference.map(str::to_owned), ..examples::refund(3, &payment(None), usd(500)) }
}

pub(super) fn intent(status: &str) -> Value {
    json!({
        "id": "pi_1", "object": "payment_intent", "amount": 1250,
        "amount_received": if status == "succeeded" { 1250 } else { 0 },
        "client_secret": "pi_1_secret_2", "currency": "usd", "livemode": false, "status": status,
        "metadata": {"order_id": OrderId::from_bits(1).to_string(), "payment_id": PaymentId::from_bits(2).to_string()},
    })
}

fn made(status: &str) -> Value {
    json!({
        "id": "re_1", "object": "refund", "amount": 500, "currency": "usd", "payment_intent": "pi_1", "status": status,
        "metadata": {"refund_id": RefundId::from_bits(3).to_string()},
    })
}

pub(super) fn error(kind: &str, code: Option<&str>) -> Value {
    json!({"error": {"type": kind, "code": code, "message": "no"}})
}

#[tokio::test]
async fn opening_sends_exactly_what_the_attempt_says_under_its_id() {
    let prepared = Prepared::default().answers(200, intent("requires_payment_method"));
    let opened = prepared.stripe().open(&payment(None)).await.unwrap();
    assert_eq!(opened.reference.as_deref(), Some("pi_1"));
    let action = Action::ClientSecret {
        client_secret: "pi_1_secret_2".into(),
        publishable_key: Some("pk_test_key".into()),
        return_url: None,
    };
    assert_eq!(opened.action, action);
    assert_eq!(opened.news, PaymentNews::Pending);

    let requests = prepared.requests.lock().unwrap();
    let request = &requests[0];
    assert_eq!(request.uri().to_string(), "https://api.stripe.com/v1/payment_intents");
    assert_eq!(request.headers()["authorization"], "Bearer sk_test_key");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.headers()["stripe-version"], VERSION);
    assert_eq!(request.headers()["idempotency-key"], PaymentId::from_bits(2).to_string().as_str());
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(
        std::str::from_utf8(request.body()).unwrap(),
        format!(
            "amount=1250&currency=usd&automatic_payment_methods%5Benabled%5D=true\
             &metadata%5Border_id%5D={}&metadata%5Bpayment_id%5D={}",
            OrderId::from_bits(1),
            PaymentId::from_bits(2)
        )
    );
}

#[tokio::test]
async fn what_was_frozen_in_the_attempt_is_sent_and_nothing_else() {
    let prepared = Prepared::default().answers(200, intent("requires_payment_method"));
    let opening = FrozenOpening {
        return_url: None,
        description: Some("Order A&B".to_owned()),
        methods: vec!["card".to_owned(), "sepa_debit".to_owned()],
        hosted_page: false,
    };
    let frozen = Payment { opening: Some(opening), ..payment(None) };
    prepared.stripe().open(&frozen).await.unwrap();
    let requests = prepared.requests.lock().unwrap();
    let sent = std::str::from_utf8(requests[0].body()).unwrap();
    assert!(sent.ends_with("&description=Order+A%26B"));
    let methods = "&payment_method_types%5B0%5D=card&payment_method_types%5B1%5D=sepa_debit&";
    assert!(sent.contains(methods) && !sent.contains("automatic"), "what is offered is named: {sent}");
}

#[tokio::test]
async fn a_5xx_without_an_idempotency_key_says_nothing_of_the_next_call() {
    let reads = Prepared::default().answers(500, error("api_error", None));
    let looked_up = reads.stripe().look_up(&payment(Some("pi_1"))).await;
    assert_eq!(looked_up, Err(Failure::Unclear("api_error".into())));
    let cancels = Prepared::default().answers(500, error("api_error", None));
    let cancelled = cancels.stripe().cancel(&payment(Some("pi_1"))).await;
    assert_eq!(cancelled, Err(Failure::Unclear("api_error".into())));
}

#[tokio::test]
async fn a_capture_that_came_before_is_found() {
    let captured = Prepared::default().answers(200, intent("succeeded"));
    let news = captured.stripe().capture(&payment(Some("pi_1"))).await.unwrap();
    assert_eq!(news.kind, NewsKind::Payment(PaymentNews::Captured { amount: Some(usd(1_250)) }));
    assert_eq!(captured.paths(), ["POST /v1/payment_intents/pi_1/capture"]);

    let refusal = error("invalid_request_error", Some(UNEXPECTED_STATE));
    let again = Prepared::default().answers(400, refusal).answers(200, intent("succeeded"));
    assert_eq!(again.stripe().capture(&payment(Some("pi_1"))).await.unwrap(), news);
}

#[tokio::test]
async fn what_cannot_be_paid_exactly_is_refused_without_a_call() {
    for amount in [
        Money::zero(Currency::USD),
        Money::new(-5, Currency::USD),
        Money::new(1_001, Currency::KWD),
        Money::new(i64::MAX, Currency::ISK),
        usd(49),
        usd(100_000_000),
    ] {
        let payment = Payment { amount, ..payment(None) };
        let answer = Prepared::default().stripe().open(&payment).await;
        assert_eq!(answer, Err(Failure::Refused { code: "amount_not_payable".into() }), "{amount}");
    }
}

#[tokio::test]
async fn each_answer_without_success_is_taken_for_what_it_is() {
    let unavailable = |code: &str| Failure::Unavailable(code.into());
    let unclear = |code: &str| Failure::Unclear(code.into());
    let spent = |code: &str| Failure::KeySpent(code.into());
    let cases = [
        (401, error("invalid_request_error", None), Failure::NoKey("invalid_request_error".into())),
        (403, error("invalid_request_error", None), Failure::NoKey("invalid_request_error".into())),
        (429, error("invalid_request_error", Some("lock_timeout")), unavailable("lock_timeout")),
        (409, error("idempotency_error", Some("idempotency_key_in_use")), unclear("idempotency_key_in_use")),
        (400, error("idempotency_error", None), refused("idempotency_error")),
        (400, error("invalid_request_error", Some("amount_too_small")), refused("amount_too_small")),
        (402, error("card_error", Some("card_declined")), refused("card_declined")),
        (404, json!({"message": "Not Found"}), unclear("404")),
        (500, error("api_error", None), spent("api_error")),
        (503, json!("busy"), spent("503")),
        (200, json!({"id": "pi_1"}), unclear("the answer cannot be read")),
    ];
    for (status, body, expected) in cases {
        let prepared = Prepared::default().answers(status, body.clone());
        assert_eq!(prepared.stripe().open(&payment(None)).await, Err(expected), "{status} {body}");
    }
}

#[tokio::test]
async fn no_answer_is_unclear_unless_nothing_was_sent() {
    let unsent = Prepared::default().fails(HttpFailure::Unsent("refused".into()));
    assert_eq!(unsent.stripe().open(&payment(None)).await, Err(Failure::Unavailable("refused".into())));
    let lost = Prepared::default().fails(HttpFailure::Unclear("timed out".into()));
    assert_eq!(lost.stripe().look_up(&payment(Some("pi_1"))).await, Err(Failure::Unclear("timed out".into())));
}

#[tokio::test]
async fn looking_up_without_a_reference_repeats_the_opening_and_then_asks_how_it_stands() {
    let prepared =
        Prepared::default().answers(200, intent("requires_payment_method")).answers(200, intent("succeeded"));
    let news = prepared.stripe().look_up(&payment(None)).await.unwrap();
    assert_eq!(news.kind, NewsKind::Payment(PaymentNews::Captured { amount: Some(usd(1_250)) }));
    assert_eq!((news.reference.as_str(), news.order_id), ("pi_1", Some(OrderId::from_bits(1))));
    assert_eq!(prepared.paths(), ["POST /v1/payment_intents", "GET /v1/payment_intents/pi_1"]);
}

#[tokio::test]
async fn a_status_of_tomorrow_is_pending() {
    let prepared = Prepared::default().answers(200, intent("requires_patience"));
    let news = prepared.stripe().look_up(&payment(Some("pi_1"))).await.unwrap();
    assert_eq!(news.kind, NewsKind::Payment(PaymentNews::Pending));
}

#[tokio::test]
async fn cancelling_finds_out_what_happened_instead() {
    let refusal = || error("invalid_request_error", Some("payment_intent_unexpected_state"));
    let cancelled = Prepared::default().answers(200, intent("canceled"));
    assert_eq!(cancelled.stripe().cancel(&payment(Some("pi_1"))).await, Ok(Cancellation::Cancelled));
    assert_eq!(cancelled.paths(), ["POST /v1/payment_intents/pi_1/cancel"]);
    assert!(!cancelled.requests.lock().unwrap()[0].headers().contains_key("idempotency-key"));

    let before = Prepared::default().answers(400, refusal()).answers(200, intent("canceled"));
    assert_eq!(before.stripe().cancel(&payment(Some("pi_1"))).await, Ok(Cancellation::Cancelled));

    let paid = Prepared::default().answers(400, refusal()).answers(200, intent("succeeded"));
    let Ok(Cancellation::Captured(news)) = paid.stripe().cancel(&payment(Some("pi_1"))).await else {
        panic!("not paid")
    };
    assert_eq!(news.kind, NewsKind::Payment(PaymentNews::Captured { amount: Some(usd(1_250)) }));

    let running = Prepared::default().answers(400, refusal()).answers(200, intent("processing"));
    let Ok(Cancellation::Undecided(news)) = running.stripe().cancel(&payment(Some("pi_1"))).await else {
        panic!("not undecided")
    };
    assert_eq!(news.kind, NewsKind::Payment(PaymentNews::Processing));
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_found_and_not_made_again() {
    let others = json!({"object": "list", "has_more": true, "data": [
        {"id": "re_9", "amount": 1, "currency": "usd", "status": "succeeded", "metadata": {}},
    ]});
    let ours = json!({"object": "list", "has_more": false, "data": [made("succeeded")]});
    let prepared = Prepared::default().answers(200, others).answers(200, ours);
    let refunded = prepared.stripe().refund(&refund(None), "pi_1").await.unwrap();
    assert_eq!((refunded.reference.as_str(), refunded.outcome), ("re_1", RefundOutcome::Succeeded));
    assert_eq!(
        prepared.paths(),
        [
            "GET /v1/refunds?payment_intent=pi_1&limit=100",
            "GET /v1/refunds?payment_intent=pi_1&limit=100&starting_after=re_9"
        ]
    );
}

#[tokio::test]
async fn a_new_refund_is_made_under_its_id_and_a_known_one_is_only_asked_for() {
    let none = json!({"object": "list", "has_more": false, "data": []});
    let prepared = Prepared::default().answers(200, none).answers(200, made("pending"));
    let refunded = prepared.stripe().refund(&refund(None), "pi_1").await.unwrap();
    assert_eq!(refunded.refund_id, Some(RefundId::from_bits(3)));
    assert_eq!(refunded.outcome, RefundOutcome::Pending);
    let requests = std::mem::take(&mut *prepared.requests.lock().unwrap());
    assert_eq!(requests[1].headers()["idempotency-key"], RefundId::from_bits(3).to_string().as_str());
    assert!(std::str::from_utf8(requests[1].body()).unwrap().starts_with("payment_intent=pi_1&amount=500&"));

    let known = Prepared::default().answers(200, made("failed"));
    let refunded = known.stripe().refund(&refund(Some("re_1")), "pi_1").await.unwrap();
    assert_eq!(refunded.outcome, RefundOutcome::Failed { code: "failed".into() });
    assert_eq!(known.paths(), ["GET /v1/refunds/re_1"]);
}

#[tokio::test]
async fn a_refund_is_not_asked_for_as_long_as_what_was_made_cannot_be_read() {
    for (status, code) in [(500, "api_error"), (502, "502")] {
        let body = if code == "502" { json!("a proxy") } else { error("api_error", None) };
        let prepared = Prepared::default().answers(status, body);
        let failed = prepared.stripe().refund(&refund(None), "pi_1").await;
        assert_eq!(failed, Err(Failure::Unavailable(code.into())), "certainly nothing was done");
        assert_eq!(prepared.paths(), ["GET /v1/refunds?payment_intent=pi_1&limit=100"]);
    }
}

#[tokio::test]
async fn all_refunds_of_a_payment_are_read_page_by_page_whoever_has_made_them() {
    let page = |has_more: bool, refunds: Value| json!({"object": "list", "has_more": has_more, "data": refunds});
    let by_hand = json!({"id": "re_9", "amount": 700, "currency": "usd", "status": "pending", "metadata": {}});
    let prepared = Prepared::default()
        .answers(200, page(true, json!([by_hand])))
        .answers(200, page(false, json!([made("succeeded")])));
    let listed = prepared.stripe().made("pi_1").await.unwrap();
    let seen: Vec<_> = listed.iter().map(|news| (news.reference.as_str(), news.refund_id, &news.outcome)).collect();
    assert_eq!(
        seen,
        [("re_9", None, &RefundOutcome::Pending), ("re_1", Some(RefundId::from_bits(3)), &RefundOutcome::Succeeded)]
    );
}

#[tokio::test]
async fn a_reference_cannot_lead_to_another_path() {
    let prepared = Prepared::default().answers(200, intent("canceled"));
    let _ = prepared.stripe().look_up(&payment(Some("../accounts?x=pi_1"))).await;
    assert_eq!(prepared.paths(), ["GET /v1/payment_intents/accountsxpi_1"]);
}

#[test]
fn nothing_secret_is_shown() {
    let shown = format!("{:?}", Prepared::default().stripe());
    assert!(!shown.contains("sk_test_key") && !shown.contains("whsec_a"), "{shown}");
}
