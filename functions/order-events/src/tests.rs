use domain::catalog::Product;
use domain::examples::{self, PLACED, after, usd, vendor_card};
use domain::order::{Actor, LatePayment, OrderState};
use domain::payment::ProviderName;
use domain::provider_news::PaymentNews;
use domain::stored::Kept;
use domain::text::{Line, Name};
use domain::{Ids, MoneyMovement, ProductId, UnmatchedState, Unread, VariantId, VendorId};

use super::*;

const CERAMICS: VendorId = VendorId::from_bits(3);
const SILK: VendorId = VendorId::from_bits(4);
const LINK: &str = "https://bozor.test/r/ord_1.t";

/// Ids of the time this many seconds after the order was placed.
fn ids(seconds: u64) -> Ids {
    examples::ids(after(seconds))
}

fn site() -> Site {
    Site::new("Bozor", "https://bozor.test/", pages::Language::En)
}

/// Two vendor orders of 25 USD each.
fn placed(provider: ProviderName) -> PlacedOrder {
    let vendors = [vendor_card(CERAMICS, "Chorsu Ceramics"), vendor_card(SILK, "Margilan Silk")];
    let mut placed = examples::order(provider, &vendors);
    let id = OrderId::from_bits(0x1234_5678_9abc_def0_1234);
    placed.order.id = id;
    placed.person.as_mut().unwrap().address.name = Name::parse("Win a prize at evil.test").unwrap();
    placed.payments[0].order = id;
    for (vendor_order, title) in placed.vendors.iter_mut().zip(["Blue bowl\nTotal: 0", "Ikat scarf"]) {
        vendor_order.order = id;
        vendor_order.lines[0].title = title.into();
        vendor_order.lines[0].sku = Some("A-1".into());
    }
    placed
}

fn paid() -> PlacedOrder {
    let mut order = placed(ProviderName::Stripe);
    let news = PaymentNews::Captured { amount: Some(usd(5_000)) };
    order.settle(order.order.payment, &news, LatePayment::Fulfil, &mut ids(60)).unwrap();
    order
}

fn event(kind: OrderEventKind, order: &PlacedOrder, vendor: Option<VendorId>) -> OrderEvent {
    OrderEvent {
        id: EventId::from_bits(9),
        kind,
        order: order.order.id,
        vendor,
        parcel: None,
        return_number: None,
        at: order.history.last().map_or(PLACED, |entry| entry.at),
    }
}

fn to_buyer(kind: OrderEventKind, order: &PlacedOrder, vendor: Option<VendorId>) -> String {
    let message = notices::to_buyer(&event(kind, order, vendor), order, &site(), LINK, Some("048151")).unwrap();
    format!("Subject: {}\n\n{}", message.subject, message.text)
}

fn to_vendor(kind: OrderEventKind, order: &PlacedOrder, vendor: VendorId) -> String {
    let message =
        notices::to_vendor(&event(kind, order, Some(vendor)), order, vendor, (&site(), pages::Language::En)).unwrap();
    format!("Subject: {}\n\n{}", message.subject, message.text)
}

fn recipients_of(kind: OrderEventKind, order: &PlacedOrder, vendor: Option<VendorId>) -> Vec<Recipient> {
    notices::recipients(&event(kind, order, vendor), order)
}

fn queue_message(body: &str) -> QueueMessage {
    serde_json::from_value(serde_json::json!({"messageId": "m", "body": body})).unwrap()
}

#[test]
fn an_event_is_found_in_what_the_pipe_sends() {
    let known = event(OrderEventKind::OrderPaid, &paid(), None);
    let data = serde_json::to_string(&known).unwrap();
    let change = serde_json::json!({
        "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": {"pk": {"S": "EVENT#1"}}, "NewImage": {"kind": {"S": "event"}, "data": {"S": data}}},
    });
    assert_eq!(event_in(&queue_message(&change.to_string())).unwrap(), OutboxEvent::Order(known));
    for bad in ["", "{}", r#"{"eventID":"1","eventName":"REMOVE","dynamodb":{}}"#] {
        assert!(matches!(event_in(&queue_message(bad)), Err(DeliveryError::Unreadable(_))), "{bad}");
    }
}

#[test]
fn a_vendor_is_told_what_runs_low_and_what_is_owed() {
    let variant = VariantId::new(ProductId::from_bits(1), 2);
    let low = |left| LowStock {
        id: EventId::from_bits(9),
        variant,
        vendor: CERAMICS,
        title: Unread,
        sku: Unread,
        left,
        low_stock_at: 5,
        at: PLACED,
    };
    let bowl = |variant: VariantId, sku: Option<&str>| -> Product {
        let vendor = vendor_card(CERAMICS, "Chorsu Ceramics");
        let stored = serde_json::json!({
            "id": variant.product(), "vendor": vendor, "handle": "bowl", "title": "Blue bowl", "state": "published",
            "created_at": PLACED, "next_ordinal": 3, "options": [{"name": "Size", "values": ["L"]}],
            "variants": [{"id": variant, "sku": sku, "values": ["L"], "prices": []}],
        });
        serde_json::from_value(stored).unwrap()
    };
    let text = |low: &LowStock, sku: Option<&str>| {
        let message = low_stock::to_vendor(low, &bowl(variant, sku), (&site(), pages::Language::En)).unwrap();
        format!("Subject: {}\n\n{}", message.subject, message.text)
    };
    insta::assert_snapshot!(text(&low(3), Some("A-1")), @r"
    Subject: 3 left of Blue bowl (L), A-1

    Hello,

    3 left of Blue bowl (L), A-1.

    You asked to be told at 5. You are told again only after there was more in between.

    See the product here:
    https://bozor.test/desk/products/prd_00000000000000000000000001?shop=ven_00000000000000000000000003

    Bozor
    ");
    let owed = text(&low(-2), None);
    assert!(owed.starts_with("Subject: 0 left of Blue bowl (L)\n"), "{owed}");
    assert!(owed.contains("\n\nBuyers wait for 2 more.\n\n"), "{owed}");
    let other = bowl(VariantId::new(ProductId::from_bits(1), 1), None);
    assert_eq!(low_stock::to_vendor(&low(3), &other, (&site(), pages::Language::En)), None, "the variant is gone");
}

#[test]
fn a_link_carries_the_token_of_its_order_in_the_path_that_no_log_keeps() {
    let link = site().order_link(OrderId::from_bits(1), "abc");
    assert_eq!(link, "https://bozor.test/r/ord_00000000000000000000000001.abc");
}

#[test]
fn a_paid_order_is_told_to_its_buyer_and_its_vendors() {
    let order = paid();
    let all = [Recipient::Buyer, Recipient::Vendor(CERAMICS), Recipient::Vendor(SILK)];
    assert_eq!(recipients_of(OrderEventKind::OrderPaid, &order, None), all);
    insta::assert_snapshot!(to_buyer(OrderEventKind::OrderPaid, &order, None), @r#"
    Subject: Order 4TQKF-F04HM is paid

    Hello,

    Thank you. Your payment has arrived, and the shops are preparing your order now.

    Order 4TQKF-F04HM

    From Chorsu Ceramics:
    - 2 x Blue bowl Total: 0: $20.00

    From Margilan Silk:
    - 2 x Ikat scarf: $20.00

    Goods: $40.00
    Delivery: $10.00
    Total: $50.00

    See your order here:
    https://bozor.test/r/ord_1.t

    Keep this link to yourself. Whoever has it can see your order and cancel it.

    Bozor
    "#);
    insta::assert_snapshot!(to_vendor(OrderEventKind::OrderPaid, &order, CERAMICS), @"
    Subject: New order 4TQKF-F04HM

    Hello,

    You have a new order. It is paid.

    Order 4TQKF-F04HM

    - 2 x Blue bowl Total: 0: $20.00 (your number: A-1)

    Goods: $20.00
    Delivery: $5.00
    Total: $25.00

    Open it here, accept it and send it:
    https://bozor.test/desk/orders/vor_000000000028t5cy4tqkff04hm_1?shop=ven_00000000000000000000000003

    Bozor
    ");
}

#[test]
fn an_order_paid_on_delivery_says_what_to_pay() {
    let order = placed(ProviderName::CashOnDelivery);
    assert_eq!(recipients_of(OrderEventKind::OrderConfirmed, &order, None).len(), 3);
    let message = to_buyer(OrderEventKind::OrderConfirmed, &order, None);
    assert!(message.contains("You pay when it is delivered: $50.00."), "{message}");
    let message = to_vendor(OrderEventKind::OrderConfirmed, &order, SILK);
    assert!(message.contains("The buyer pays when it is delivered: $25.00."), "{message}");
}

#[test]
fn nobody_is_told_of_an_order_that_waits_for_its_money() {
    let order = placed(ProviderName::Stripe);
    for kind in [OrderEventKind::OrderPlaced, OrderEventKind::VendorOrderAccepted] {
        assert_eq!(recipients_of(kind, &order, Some(SILK)), []);
        assert_eq!(notices::to_buyer(&event(kind, &order, None), &order, &site(), LINK, None), None);
    }
}

#[test]
fn only_the_operator_is_told_of_another_amount() {
    let mut order = placed(ProviderName::Stripe);
    let wrong = PaymentNews::Captured { amount: Some(usd(1)) };
    order.settle(order.order.payment, &wrong, LatePayment::Fulfil, &mut ids(60)).unwrap();
    assert_eq!(recipients_of(OrderEventKind::PaymentAmountMismatch, &order, None), [Recipient::Operator]);
    let event = event(OrderEventKind::PaymentAmountMismatch, &order, None);
    assert_eq!(notices::to_buyer(&event, &order, &site(), LINK, None), None);
    let message = operator_notices::to_operator(&event, &order, &site()).unwrap();
    assert!(message.text.contains("asked $50.00, came $0.01"), "{}", message.text);
}

#[test]
fn the_operator_is_told_of_money_that_belongs_to_no_order() {
    let order_id = Some(placed(ProviderName::Stripe).order.id);
    let (provider, reference) = (ProviderName::Stripe, "pi_9\nBcc: all".to_owned());
    let message_of = |what, amount| {
        let (id, at, reference) = (EventId::from_bits(1), Timestamp::from_millis(1), reference.clone());
        let money = UnmatchedPayment {
            id,
            provider,
            what,
            reference,
            amount,
            order_id,
            at,
            state: UnmatchedState::Open,
            retry_at: None,
            reports: Vec::new(),
            matched_at: None,
            resolution: None,
            version: 0,
            kept: Kept::default(),
        };
        operator_notices::of_unmatched(&money, &site())
    };
    let message = message_of(MoneyMovement::Payment, Some(usd(1_750)));
    assert_eq!(message.subject, "Money came for no order");
    assert!(message.text.contains("give the money back"), "{}", message.text);
    assert!(message.text.contains("\n- pi_9 Bcc: all: $17.50\n"), "one line: {}", message.text);
    assert!(message.text.contains("names the order ord_000000000028t5cy4tqkff04hm"), "{}", message.text);
    let message = message_of(MoneyMovement::Dispute, None);
    assert_eq!(message.subject, "Money is disputed for no order");
    assert!(message.text.contains("an unknown amount"), "{}", message.text);
    assert!(!message.text.contains("give the money back"), "it is on its way back: {}", message.text);
}

#[test]
fn a_mail_holds_nothing_that_the_buyer_has_typed() {
    let order = paid();
    for text in [
        to_buyer(OrderEventKind::OrderPaid, &order, None),
        to_vendor(OrderEventKind::OrderPaid, &order, SILK),
        to_vendor(OrderEventKind::OrderCancelled, &order, SILK),
    ] {
        assert!(!text.contains("evil.test") && !text.contains("Navoi") && !text.contains("buyer@"), "{text}");
    }
}

#[test]
fn an_expired_order_says_that_no_money_was_taken() {
    let mut order = placed(ProviderName::Stripe);
    order.expire(&mut ids(900)).unwrap();
    assert_eq!(recipients_of(OrderEventKind::OrderExpired, &order, None), [Recipient::Buyer]);
    insta::assert_snapshot!(to_buyer(OrderEventKind::OrderExpired, &order, None), @r#"
    Subject: Order 4TQKF-F04HM was not paid in time

    Hello,

    Your payment did not arrive in time, so we have closed the order.

    No money was taken from you, so you do not need to do anything.

    If you still want these things, they are in your cart again.

    See your order here:
    https://bozor.test/r/ord_1.t

    Keep this link to yourself. Whoever has it can see your order and cancel it.

    Bozor
    "#);
}

#[test]
fn an_order_that_expired_with_the_wrong_money_does_not_say_that_none_was_taken() {
    let mut order = placed(ProviderName::Stripe);
    let wrong = PaymentNews::Captured { amount: Some(usd(1)) };
    order.settle(order.order.payment, &wrong, LatePayment::Fulfil, &mut ids(60)).unwrap();
    order.expire(&mut ids(900)).unwrap();
    let message = to_buyer(OrderEventKind::OrderExpired, &order, None);
    assert!(message.contains("We have received money from you") && !message.contains("No money"), "{message}");
}

#[test]
fn a_cancelled_order_is_told_with_its_money() {
    let mut order = paid();
    order.cancel(Actor::Buyer, &mut ids(120)).unwrap();
    assert_eq!(recipients_of(OrderEventKind::OrderCancelled, &order, None).len(), 3);
    let message = to_buyer(OrderEventKind::OrderCancelled, &order, None);
    assert!(message.contains("We are sending $50.00 back to you."), "{message}");
    insta::assert_snapshot!(to_vendor(OrderEventKind::OrderCancelled, &order, SILK), @"
    Subject: Order 4TQKF-F04HM is cancelled

    Hello,

    Order 4TQKF-F04HM is cancelled. Please do not send:

    - 2 x Ikat scarf

    These things are in your stock again.

    See the order here:
    https://bozor.test/desk/orders/vor_000000000028t5cy4tqkff04hm_2?shop=ven_00000000000000000000000004

    Bozor
    ");

    let mut order = placed(ProviderName::Stripe);
    order.cancel(Actor::Buyer, &mut ids(120)).unwrap();
    assert_eq!(recipients_of(OrderEventKind::OrderCancelled, &order, None), [Recipient::Buyer], "no vendor knew of it");
}

#[test]
fn a_declined_vendor_order_is_told_once_even_when_it_ends_the_order() {
    let mut order = paid();
    order.decline(CERAMICS, &mut ids(120)).unwrap();
    assert_eq!(recipients_of(OrderEventKind::VendorOrderDeclined, &order, Some(CERAMICS)), [Recipient::Buyer]);
    insta::assert_snapshot!(to_buyer(OrderEventKind::VendorOrderDeclined, &order, Some(CERAMICS)), @r#"
    Subject: Order 4TQKF-F04HM: a shop cannot deliver

    Hello,

    We are sorry. Chorsu Ceramics cannot send you:

    - 2 x Blue bowl Total: 0

    We are sending $25.00 back to you. It can take some days until you see it.

    The rest of your order stays as it is.

    See your order here:
    https://bozor.test/r/ord_1.t

    Keep this link to yourself. Whoever has it can see your order and cancel it.

    Bozor
    "#);
    order.decline(SILK, &mut ids(180)).unwrap();
    assert_eq!(order.order.state, OrderState::Cancelled);
    assert_eq!(recipients_of(OrderEventKind::OrderCancelled, &order, None), []);
    let message = to_buyer(OrderEventKind::VendorOrderDeclined, &order, Some(SILK));
    assert!(message.contains("Nothing else is left in this order"), "{message}");
}

#[test]
fn a_parcel_is_told_with_its_number() {
    let mut order = paid();
    assert_eq!(recipients_of(OrderEventKind::VendorOrderShipped, &order, Some(SILK)), [], "not yet, or not any more");
    order.accept(SILK, &mut ids(120)).unwrap();
    let line = |text: &str| Some(Line::parse(text).unwrap());
    let parcel = domain::order::NewParcel {
        carrier: line("Uzbekistan Post"),
        tracking_number: line("RR123"),
        ..domain::order::NewParcel::default()
    };
    order.ship(SILK, &parcel, &mut ids(180)).unwrap();
    assert_eq!(recipients_of(OrderEventKind::VendorOrderShipped, &order, Some(SILK)), [Recipient::Buyer]);
    insta::assert_snapshot!(to_buyer(OrderEventKind::VendorOrderShipped, &order, Some(SILK)), @r#"
    Subject: Order 4TQKF-F04HM is on its way

    Hello,

    Margilan Silk has sent you:

    - 2 x Ikat scarf

    Carrier: Uzbekistan Post
    Parcel number: RR123

    See your order here:
    https://bozor.test/r/ord_1.t

    Keep this link to yourself. Whoever has it can see your order and cancel it.

    Bozor
    "#);
    order.deliver(SILK, &mut ids(240)).unwrap();
    let message = to_buyer(OrderEventKind::VendorOrderDelivered, &order, Some(SILK));
    assert!(message.contains("Margilan Silk says that you have received:\n\n- 2 x Ikat scarf"), "{message}");
}

#[test]
fn money_that_came_late_or_twice_is_told_with_its_sum() {
    let mut order = placed(ProviderName::Stripe);
    order.expire(&mut ids(900)).unwrap();
    let news = PaymentNews::Captured { amount: Some(usd(5_000)) };
    order.settle(order.order.payment, &news, LatePayment::Refund, &mut ids(960)).unwrap();
    assert_eq!(recipients_of(OrderEventKind::LatePaymentRefunded, &order, None), [Recipient::Buyer]);
    let message = to_buyer(OrderEventKind::LatePaymentRefunded, &order, None);
    assert!(message.contains("We are sending $50.00 back to you."), "{message}");

    let mut order = placed(ProviderName::Stripe);
    let second = order.retry_payment(ProviderName::Stripe, &[], &mut ids(30)).unwrap();
    let first = order.payments[0].id;
    order.settle(first, &news, LatePayment::Fulfil, &mut ids(60)).unwrap();
    order.settle(second, &news, LatePayment::Fulfil, &mut ids(90)).unwrap();
    let message = to_buyer(OrderEventKind::DuplicatePaymentRefunded, &order, None);
    assert!(message.contains("You have paid this order twice.") && message.contains("$50.00"), "{message}");
}

/// The local cloud spawns the handler on a multi-threaded runtime, so its future has to be `Send`.
#[test]
fn the_handler_can_move_between_threads() {
    fn check<Running: Future + Send>(_: impl Fn(&'static App, &'static QueueMessage, Timestamp) -> Running) {}
    check(handle);
}
