//! What is sent about a page, and what its answers mean. The shapes are those of
//! <https://docs.stripe.com/api/checkout/sessions/object> in the version that is sent.

use domain::examples::usd;
use domain::payment::{Action, FrozenOpening, Payment};
use domain::{OrderId, PaymentId};
use serde_json::{Value, json};

use crate::stripe::tests::{Prepared, error, intent, payment};
use crate::{Cancellation, Failure, HttpFailure, NewsKind, Opened, PaymentNews, Provider};
use crate::{LooksUp, ProviderNews};

fn on_page(reference: Option<&str>, page: Option<&str>) -> Payment {
    let opening = FrozenOpening {
        return_url: Some("https://shop.test/orders?a=1&b=2".to_owned()),
        description: Some("Order A&B".to_owned()),
        methods: vec!["card".to_owned(), "us_bank_account".to_owned()],
        hosted_page: true,
    };
    let further_references = page.map(str::to_owned).into_iter().collect();
    Payment { opening: Some(opening), further_references, ..payment(reference) }
}

fn session(status: &str, intent: Value) -> Value {
    json!({
        "id": "cs_test_1", "object": "checkout.session", "adaptive_pricing": {"enabled": false},
        "amount_subtotal": 1250, "amount_total": 1250, "cancel_url": "https://shop.test/orders?a=1&b=2",
        "client_reference_id": OrderId::from_bits(1).to_string(), "created": 1_794_999_990, "currency": "usd",
        "expires_at": 1_795_086_390, "livemode": false, "mode": "payment", "payment_intent": intent,
        "payment_method_types": ["card", "us_bank_account"],
        "payment_status": if status == "complete" { "paid" } else { "unpaid" }, "status": status,
        "success_url": "https://shop.test/orders?a=1&b=2", "ui_mode": "hosted_page",
        "url": if status == "open" { json!("https://checkout.stripe.com/c/pay/cs_test_1#fid") } else { Value::Null },
        "metadata": {"order_id": OrderId::from_bits(1).to_string(), "payment_id": PaymentId::from_bits(2).to_string()},
    })
}

/// The refusal of a session that is not open, which has no code.
fn not_open() -> Value {
    json!({"error": {
        "type": "invalid_request_error",
        "message": "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a \
                    status of `complete`.",
    }})
}

const fn captured() -> PaymentNews {
    PaymentNews::Captured { amount: Some(usd(1_250)) }
}

#[tokio::test]
async fn opening_a_page_sends_what_was_frozen_under_the_attempts_id() {
    let prepared = Prepared::default().answers(200, session("open", Value::Null));
    let opened = prepared.stripe().open(&on_page(None, None)).await.unwrap();
    let action = Action::Redirect { url: "https://checkout.stripe.com/c/pay/cs_test_1#fid".to_owned() };
    let page = Some("cs_test_1".to_owned());
    assert_eq!(opened, Opened { reference: None, page, action, news: PaymentNews::Pending });

    let requests = prepared.requests.lock().unwrap();
    assert_eq!(requests[0].uri().path(), "/v1/checkout/sessions");
    assert_eq!(requests[0].headers()["idempotency-key"], PaymentId::from_bits(2).to_string().as_str());
    let sent: Vec<(String, String)> = serde_urlencoded::from_bytes(requests[0].body()).unwrap();
    let (order, attempt) = (OrderId::from_bits(1).to_string(), PaymentId::from_bits(2).to_string());
    let expected = [
        ("mode", "payment"),
        ("success_url", "https://shop.test/orders?a=1&b=2"),
        ("cancel_url", "https://shop.test/orders?a=1&b=2"),
        ("client_reference_id", &order),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount]", "1250"),
        ("line_items[0][price_data][product_data][name]", "Order A&B"),
        ("adaptive_pricing[enabled]", "false"),
        ("payment_method_types[0]", "card"),
        ("payment_method_types[1]", "us_bank_account"),
        ("metadata[order_id]", &order),
        ("metadata[payment_id]", &attempt),
        ("payment_intent_data[metadata][order_id]", &order),
        ("payment_intent_data[metadata][payment_id]", &attempt),
        ("payment_intent_data[description]", "Order A&B"),
    ];
    assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_page_without_an_address_is_unclear_and_a_lost_answer_too() {
    let nowhere = Prepared::default().answers(200, session("complete", Value::Null));
    let opened = nowhere.stripe().open(&on_page(None, None)).await;
    assert_eq!(opened, Err(Failure::Unclear("the answer has no address of a page".into())));
    let lost = Prepared::default().fails(HttpFailure::Unclear("timed out".into()));
    assert_eq!(lost.stripe().open(&on_page(None, None)).await, Err(Failure::Unclear("timed out".into())));
    let spent = Prepared::default().answers(500, error("api_error", None));
    assert_eq!(spent.stripe().open(&on_page(None, None)).await, Err(Failure::KeySpent("api_error".into())));
}

#[tokio::test]
async fn the_state_of_a_page_is_that_of_its_payment_once_there_is_one() {
    let declined = {
        let mut declined = intent("requires_payment_method");
        declined["last_payment_error"] = json!({"type": "card_error", "code": "card_declined"});
        declined
    };
    let failed = PaymentNews::Failed { code: "card_declined".to_owned() };
    for (status, paid_by, reference, expected) in [
        ("open", Value::Null, "", PaymentNews::Pending),
        ("open", json!("pi_1"), "pi_1", PaymentNews::Pending),
        ("open", declined.clone(), "pi_1", failed.clone()),
        ("open", intent("requires_action"), "pi_1", PaymentNews::Pending),
        ("complete", intent("succeeded"), "pi_1", captured()),
        ("complete", intent("processing"), "pi_1", PaymentNews::Processing),
        ("complete", declined.clone(), "pi_1", failed),
        // The intent tells how much money came, and nothing else does.
        ("complete", json!("pi_1"), "pi_1", PaymentNews::Pending),
        ("complete", Value::Null, "", PaymentNews::Pending),
        ("expired", Value::Null, "", PaymentNews::Cancelled),
        ("expired", declined, "pi_1", PaymentNews::Cancelled),
        ("expired", intent("canceled"), "pi_1", PaymentNews::Cancelled),
        // It cannot be, and if it were, the money counts.
        ("expired", intent("succeeded"), "pi_1", captured()),
        ("a status of tomorrow", Value::Null, "", PaymentNews::Pending),
    ] {
        let prepared = Prepared::default().answers(200, session(status, paid_by.clone()));
        let news = prepared.stripe().look_up(&on_page(None, Some("cs_test_1"))).await.unwrap();
        let ProviderNews { page, kind, order_id, payment_id, .. } = &news;
        assert_eq!(kind, &NewsKind::Payment(expected), "{status} {paid_by}");
        assert_eq!((news.reference.as_str(), page.as_deref()), (reference, Some("cs_test_1")), "{status}");
        assert_eq!((*order_id, *payment_id), (Some(OrderId::from_bits(1)), Some(PaymentId::from_bits(2))));
        assert_eq!(prepared.paths(), ["GET /v1/checkout/sessions/cs_test_1?expand%5B0%5D=payment_intent"]);
    }
}

#[tokio::test]
async fn a_page_is_closed_by_expiring_it_and_what_happened_before_is_found_out() {
    let open = |paid_by| Prepared::default().answers(200, session("expired", paid_by));
    for paid_by in [Value::Null, intent("canceled"), intent("requires_payment_method")] {
        let prepared = open(paid_by);
        let closed = prepared.stripe().cancel(&on_page(None, Some("cs_test_1"))).await;
        assert_eq!(closed, Ok(Cancellation::Cancelled));
        assert_eq!(prepared.paths(), ["POST /v1/checkout/sessions/cs_test_1/expire"]);
        let requests = prepared.requests.lock().unwrap();
        assert_eq!(requests[0].body(), "expand%5B0%5D=payment_intent");
        assert!(!requests[0].headers().contains_key("idempotency-key"), "a refusal would be replayed for a day");
    }
    let declined = {
        let mut declined = intent("requires_payment_method");
        declined["last_payment_error"] = json!({"type": "invalid_request_error", "code": "bank_account_declined"});
        declined
    };
    for (status, paid_by) in [("expired", Value::Null), ("complete", declined)] {
        let prepared = Prepared::default().answers(400, not_open()).answers(200, session(status, paid_by));
        let closed = prepared.stripe().cancel(&on_page(Some("pi_1"), Some("cs_test_1"))).await;
        assert_eq!(closed, Ok(Cancellation::Cancelled), "{status}: it takes no other payment");
    }
    let paid = Prepared::default().answers(400, not_open()).answers(200, session("complete", intent("succeeded")));
    let Ok(Cancellation::Captured(news)) = paid.stripe().cancel(&on_page(None, Some("cs_test_1"))).await else {
        panic!("not paid")
    };
    assert_eq!((news.reference.as_str(), news.kind), ("pi_1", NewsKind::Payment(captured())));
    for (status, paid_by) in [("complete", intent("processing")), ("complete", Value::Null), ("open", Value::Null)] {
        let prepared = Prepared::default().answers(400, not_open()).answers(200, session(status, paid_by.clone()));
        let closed = prepared.stripe().cancel(&on_page(None, Some("cs_test_1"))).await;
        assert!(matches!(closed, Ok(Cancellation::Undecided(_))), "{status} {paid_by}: {closed:?}");
    }
    let silent = Prepared::default().fails(HttpFailure::Unclear("timed out".into()));
    let closed = silent.stripe().cancel(&on_page(None, Some("cs_test_1"))).await;
    assert_eq!(closed, Err(Failure::Unclear("timed out".into())));
}

#[tokio::test]
async fn the_page_of_an_attempt_whose_opening_got_no_answer_is_found() {
    // Nothing is known: the opening is repeated, and Stripe answers as it did the first time.
    let prepared = Prepared::default()
        .answers(200, session("open", Value::Null))
        .answers(200, session("complete", intent("succeeded")));
    let news = prepared.stripe().look_up(&on_page(None, None)).await.unwrap();
    assert_eq!(news.kind, NewsKind::Payment(captured()));
    assert_eq!(
        prepared.paths(),
        ["POST /v1/checkout/sessions", "GET /v1/checkout/sessions/cs_test_1?expand%5B0%5D=payment_intent"]
    );
    // A webhook has brought the intent: it can be cancelled by its session only.
    let list = json!({"object": "list", "has_more": false, "data": [session("open", json!("pi_1"))]});
    let prepared = Prepared::default().answers(200, list).answers(200, session("expired", intent("canceled")));
    let closed = prepared.stripe().cancel(&on_page(Some("pi_1"), None)).await;
    assert_eq!(closed, Ok(Cancellation::Cancelled));
    assert_eq!(
        prepared.paths(),
        ["GET /v1/checkout/sessions?payment_intent=pi_1&limit=1", "POST /v1/checkout/sessions/cs_test_1/expire"]
    );
    let nobody = Prepared::default().answers(200, json!({"object": "list", "has_more": false, "data": []}));
    let closed = nobody.stripe().cancel(&on_page(Some("pi_1"), None)).await;
    assert_eq!(closed, Err(Failure::Unclear("no session has the payment".into())));
}

#[tokio::test]
async fn an_attempt_that_asked_for_no_page_is_opened_as_before() {
    let prepared = Prepared::default().answers(200, intent("requires_payment_method"));
    let opening = FrozenOpening { hosted_page: false, ..on_page(None, None).opening.unwrap() };
    prepared.stripe().open(&Payment { opening: Some(opening), ..payment(None) }).await.unwrap();
    assert_eq!(prepared.paths(), ["POST /v1/payment_intents"]);
}
