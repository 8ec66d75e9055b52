use std::time::Duration;

use domain::address::{Address, Country};
use domain::order::{Actor, History, Late, MoneyNews, Order, OrderLine, OrderState, VendorOrder, VendorOrderState};
use domain::payment::{Payment, PaymentState, ProviderName};
use domain::pricing::{ChosenShipping, Totals};
use domain::stock::Draw;
use domain::text::{Email, Handle, Line, Name};
use domain::vendor::VendorCard;
use domain::{CartId, Currency, Mint, Money, Moved, PaymentId, ProductId, VariantId, VendorId};

use super::*;

const PLACED: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const CERAMICS: VendorId = VendorId::from_bits(3);
const SILK: VendorId = VendorId::from_bits(4);
const LINK: &str = "https://bozor.test/orders/ord_1#token=t";

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn mint(seconds: u64) -> Mint {
    let mut count = 0_u8;
    Mint::new(PLACED + Duration::from_secs(seconds), move || {
        count += 1;
        [count; 16]
    })
}

fn place() -> Place {
    Place::new("Bozor", "https://bozor.test/")
}

fn part(ordinal: u16, vendor: VendorId, name: &str, title: &str, provider: ProviderName) -> VendorOrder {
    VendorOrder {
        order: OrderId::from_bits(1),
        ordinal,
        vendor: VendorCard {
            id: vendor,
            handle: Handle::suggested_by(name).unwrap(),
            name: Name::parse(name).unwrap(),
        },
        state: VendorOrderState::Pending,
        lines: vec![OrderLine {
            variant: VariantId::new(ProductId::from_bits(u128::from(ordinal)), 1),
            title: title.into(),
            sku: Some("A-1".into()),
            quantity: 2,
            unit_price: usd(1_000),
            total: usd(2_000),
            draws: vec![Draw { shard: 0, units: 2 }],
            back_order: None,
        }],
        shipping: ChosenShipping { option_id: "flat".into(), price: usd(500) },
        totals: Totals::of(usd(2_000), usd(0), Some(usd(500)), Some(usd(0))).unwrap(),
        commission: usd(200),
        shipment: None,
        visible: provider.pays_after(),
        placed_at: PLACED,
        version: 1,
    }
}

/// Two sellers, 25 USD each.
fn placed(provider: ProviderName) -> OrderFile {
    let line = |text: &str| Line::parse(text).unwrap();
    let (id, payment) = (OrderId::from_bits(0x1234_5678_9abc_def0_1234), PaymentId::from_bits(2));
    let totals = Totals::of(usd(4_000), usd(0), Some(usd(1_000)), Some(usd(0))).unwrap();
    let mut vendors = vec![
        part(1, CERAMICS, "Chorsu Ceramics", "Blue bowl\nTotal: 0", provider),
        part(2, SILK, "Margilan Silk", "Ikat scarf", provider),
    ];
    vendors.iter_mut().for_each(|part| part.order = id);
    OrderFile {
        order: Order {
            id,
            state: if provider.pays_after() { OrderState::Confirmed } else { OrderState::AwaitingPayment },
            cart: CartId::random([1; 16]),
            buyer: None,
            email: Email::parse("buyer@bozor.test").unwrap(),
            address: Address {
                name: Name::parse("Win a prize at evil.test").unwrap(),
                line1: line("12 Navoi Street"),
                line2: None,
                city: line("Tashkent"),
                region: None,
                postal_code: None,
                country: Country::parse("UZ").unwrap(),
                phone: None,
            },
            currency: Currency::USD,
            totals,
            payment,
            provider,
            history: vec![History { at: PLACED, event: "placed".into(), by: Actor::Buyer, vendor: None }],
            placed_at: PLACED,
            due_at: Some(PLACED + Duration::from_secs(900)),
            version: 1,
        },
        vendors,
        payments: vec![Payment {
            id: payment,
            order: id,
            provider,
            amount: totals.total,
            state: PaymentState::Pending,
            reference: Some("pi_1".into()),
            action: None,
            captured: None,
            failure: None,
            created_at: PLACED,
            version: 1,
        }],
        refunds: Vec::new(),
        disputes: Vec::new(),
        moves: Vec::new(),
        events: Vec::new(),
        reopens_cart: false,
    }
}

fn paid() -> OrderFile {
    let mut file = placed(ProviderName::Stripe);
    let news = MoneyNews::Captured { amount: usd(5_000) };
    file.settle(file.order.payment, &news, Late::TakeStock, &mut mint(60)).unwrap();
    file
}

fn event(kind: EventKind, file: &OrderFile, vendor: Option<VendorId>) -> Event {
    Event { id: EventId::from_bits(9), kind, order: file.order.id, vendor, at: PLACED }
}

fn to_buyer(kind: EventKind, file: &OrderFile, vendor: Option<VendorId>) -> String {
    let letter = news::to_buyer(&event(kind, file, vendor), file, &place(), LINK).unwrap();
    format!("Subject: {}\n\n{}", letter.subject, letter.text)
}

fn to_vendor(kind: EventKind, file: &OrderFile, vendor: VendorId) -> String {
    let letter = news::to_vendor(&event(kind, file, Some(vendor)), file, vendor, &place()).unwrap();
    format!("Subject: {}\n\n{}", letter.subject, letter.text)
}

fn told(kind: EventKind, file: &OrderFile, vendor: Option<VendorId>) -> Vec<Recipient> {
    news::recipients(&event(kind, file, vendor), file)
}

fn message(body: &str) -> QueueMessage {
    serde_json::from_value(serde_json::json!({"messageId": "m", "body": body})).unwrap()
}

#[test]
fn an_event_is_found_in_what_the_pipe_sends() {
    let known = event(EventKind::OrderPaid, &paid(), None);
    let data = serde_json::to_string(&known).unwrap();
    let change = serde_json::json!({
        "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": {"pk": {"S": "EVENT#1"}}, "NewImage": {"kind": {"S": "event"}, "data": {"S": data}}},
    });
    assert_eq!(event_in(&message(&change.to_string())).unwrap(), Occasion::Order(known));
    for bad in ["", "{}", r#"{"eventID":"1","eventName":"REMOVE","dynamodb":{}}"#] {
        assert!(matches!(event_in(&message(bad)), Err(Undelivered::Unreadable(_))), "{bad}");
    }
}

#[test]
fn a_seller_is_told_what_runs_low_and_what_is_owed() {
    let low = |left, sku: Option<&str>| LowStock {
        id: EventId::from_bits(9),
        variant: VariantId::new(ProductId::from_bits(1), 2),
        vendor: CERAMICS,
        title: "Blue bowl\n(L)".into(),
        sku: sku.map(str::to_owned),
        left,
        low_stock_at: 5,
        at: PLACED,
    };
    let text = |low: &LowStock| {
        let letter = shelf::to_vendor(low, &place());
        format!("Subject: {}\n\n{}", letter.subject, letter.text)
    };
    insta::assert_snapshot!(text(&low(3, Some("A-1"))), @r"
    Subject: 3 left of Blue bowl (L), A-1

    Hello,

    3 left of Blue bowl (L), A-1.

    You asked to be told at 5. You are told again only after there was more in between.

    See the product here:
    https://bozor.test/vendor/products/prd_00000000000000000000000001

    Bozor
    ");
    let owed = text(&low(-2, None));
    assert!(owed.starts_with("Subject: 0 left of Blue bowl (L)\n"), "{owed}");
    assert!(owed.contains("\n\nBuyers wait for 2 more.\n\n"), "{owed}");
}

#[test]
fn a_link_carries_its_token_where_servers_do_not_see_it() {
    let link = place().order_link(OrderId::from_bits(1), "abc");
    assert_eq!(link, "https://bozor.test/orders/ord_00000000000000000000000001#token=abc");
}

#[test]
fn a_paid_order_is_told_to_its_buyer_and_its_sellers() {
    let file = paid();
    let all = [Recipient::Buyer, Recipient::Vendor(CERAMICS), Recipient::Vendor(SILK)];
    assert_eq!(told(EventKind::OrderPaid, &file, None), all);
    insta::assert_snapshot!(to_buyer(EventKind::OrderPaid, &file, None), @r#"
    Subject: Order 4TQKF-F04HM is paid

    Hello,

    Thank you. Your payment has arrived, and the shops are preparing your order now.

    Order 4TQKF-F04HM

    From Chorsu Ceramics:
    - 2 x Blue bowl Total: 0: 20.00 USD

    From Margilan Silk:
    - 2 x Ikat scarf: 20.00 USD

    Goods: 40.00 USD
    Delivery: 10.00 USD
    Total: 50.00 USD

    See your order here:
    https://bozor.test/orders/ord_1#token=t

    Keep this link to yourself. Whoever has it can see your order and cancel it.

    Bozor
    "#);
    insta::assert_snapshot!(to_vendor(EventKind::OrderPaid, &file, CERAMICS), @"
    Subject: New order 4TQKF-F04HM

    Hello,

    You have a new order. It is paid.

    Order 4TQKF-F04HM

    - 2 x Blue bowl Total: 0: 20.00 USD (your number: A-1)

    Goods: 20.00 USD
    Delivery: 5.00 USD
    Total: 25.00 USD

    Open it here, accept it and send it:
    https://bozor.test/vendor/orders/sub_000000000028t5cy4tqkff04hm_1

    Bozor
    ");
}

#[test]
fn an_order_paid_on_delivery_says_what_to_pay() {
    let file = placed(ProviderName::CashOnDelivery);
    assert_eq!(told(EventKind::OrderConfirmed, &file, None).len(), 3);
    let letter = to_buyer(EventKind::OrderConfirmed, &file, None);
    assert!(letter.contains("You pay when it is delivered: 50.00 USD."), "{letter}");
    let letter = to_vendor(EventKind::OrderConfirmed, &file, SILK);
    assert!(letter.contains("The buyer pays when it is delivered: 25.00 USD."), "{letter}");
}

#[test]
fn nobody_is_told_of_an_order_that_waits_for_its_money() {
    let file = placed(ProviderName::Stripe);
    for kind in [EventKind::OrderPlaced, EventKind::VendorOrderAccepted] {
        assert_eq!(told(kind, &file, Some(SILK)), []);
        assert_eq!(news::to_buyer(&event(kind, &file, None), &file, &place(), LINK), None);
    }
}

#[test]
fn only_the_operator_is_told_of_another_amount() {
    let mut file = placed(ProviderName::Stripe);
    let wrong = MoneyNews::Captured { amount: usd(1) };
    file.settle(file.order.payment, &wrong, Late::TakeStock, &mut mint(60)).unwrap();
    assert_eq!(told(EventKind::PaymentConflicted, &file, None), [Recipient::Operator]);
    let event = event(EventKind::PaymentConflicted, &file, None);
    assert_eq!(news::to_buyer(&event, &file, &place(), LINK), None);
    let letter = news::to_operator(&event, &file, &place()).unwrap();
    assert!(letter.text.contains("asked 50.00 USD, came 0.01 USD"), "{}", letter.text);
}

#[test]
fn the_operator_is_told_of_money_that_belongs_to_no_order() {
    let order_id = Some(placed(ProviderName::Stripe).order.id);
    let (provider, reference) = (ProviderName::Stripe, "pi_9\nBcc: all".to_owned());
    let told = |what, amount| {
        let (id, at, reference) = (EventId::from_bits(1), Timestamp::from_millis(1), reference.clone());
        news::of_unclaimed(&Unclaimed { id, provider, what, reference, amount, order_id, at }, &place())
    };
    let letter = told(Moved::Payment, Some(usd(1_750)));
    assert_eq!(letter.subject, "Money came for no order");
    assert!(letter.text.contains("give the money back"), "{}", letter.text);
    assert!(letter.text.contains("\n- pi_9 Bcc: all: 17.50 USD\n"), "one line: {}", letter.text);
    assert!(letter.text.contains("names the order ord_000000000028t5cy4tqkff04hm"), "{}", letter.text);
    let letter = told(Moved::Dispute, None);
    assert_eq!(letter.subject, "Money is disputed for no order");
    assert!(letter.text.contains("an unknown amount"), "{}", letter.text);
    assert!(!letter.text.contains("give the money back"), "it is on its way back: {}", letter.text);
}

#[test]
fn a_mail_holds_nothing_that_the_buyer_has_typed() {
    let file = paid();
    for text in [
        to_buyer(EventKind::OrderPaid, &file, None),
        to_vendor(EventKind::OrderPaid, &file, SILK),
        to_vendor(EventKind::OrderCancelled, &file, SILK),
    ] {
        assert!(!text.contains("evil.test") && !text.contains("Navoi") && !text.contains("buyer@"), "{text}");
    }
}

#[test]
fn an_expired_order_says_that_no_money_was_taken() {
    let mut file = placed(ProviderName::Stripe);
    file.expire(&mut mint(900)).unwrap();
    assert_eq!(told(EventKind::OrderExpired, &file, None), [Recipient::Buyer]);
    insta::assert_snapshot!(to_buyer(EventKind::OrderExpired, &file, None), @r#"
    Subject: Order 4TQKF-F04HM was not paid in time

    Hello,

    Your payment did not arrive in time, so we have closed the order.

    No money was taken from you, so you do not need to do anything.

    If you still want these things, they are in your cart again.

    See your order here:
    https://bozor.test/orders/ord_1#token=t

    Keep this link to yourself. Whoever has it can see your order and cancel it.

    Bozor
    "#);
}

#[test]
fn an_order_that_expired_with_the_wrong_money_does_not_say_that_none_was_taken() {
    let mut file = placed(ProviderName::Stripe);
    let wrong = MoneyNews::Captured { amount: usd(1) };
    file.settle(file.order.payment, &wrong, Late::TakeStock, &mut mint(60)).unwrap();
    file.expire(&mut mint(900)).unwrap();
    let letter = to_buyer(EventKind::OrderExpired, &file, None);
    assert!(letter.contains("We have received money from you") && !letter.contains("No money"), "{letter}");
}

#[test]
fn a_cancelled_order_is_told_with_its_money() {
    let mut file = paid();
    file.cancel(Actor::Buyer, &mut mint(120)).unwrap();
    assert_eq!(told(EventKind::OrderCancelled, &file, None).len(), 3);
    let letter = to_buyer(EventKind::OrderCancelled, &file, None);
    assert!(letter.contains("We are sending 50.00 USD back to you."), "{letter}");
    insta::assert_snapshot!(to_vendor(EventKind::OrderCancelled, &file, SILK), @"
    Subject: Order 4TQKF-F04HM is cancelled

    Hello,

    Order 4TQKF-F04HM is cancelled. Please do not send:

    - 2 x Ikat scarf

    These things are in your stock again.

    See the order here:
    https://bozor.test/vendor/orders/sub_000000000028t5cy4tqkff04hm_2

    Bozor
    ");

    let mut file = placed(ProviderName::Stripe);
    file.cancel(Actor::Buyer, &mut mint(120)).unwrap();
    assert_eq!(told(EventKind::OrderCancelled, &file, None), [Recipient::Buyer], "no seller knew of it");
}

#[test]
fn a_refusal_is_told_once_even_when_it_ends_the_order() {
    let mut file = paid();
    file.refuse(CERAMICS, &mut mint(120)).unwrap();
    assert_eq!(told(EventKind::VendorOrderRefused, &file, Some(CERAMICS)), [Recipient::Buyer]);
    insta::assert_snapshot!(to_buyer(EventKind::VendorOrderRefused, &file, Some(CERAMICS)), @r#"
    Subject: Order 4TQKF-F04HM: a shop cannot deliver

    Hello,

    We are sorry. Chorsu Ceramics cannot send you:

    - 2 x Blue bowl Total: 0

    We are sending 25.00 USD back to you. It can take some days until you see it.

    The rest of your order stays as it is.

    See your order here:
    https://bozor.test/orders/ord_1#token=t

    Keep this link to yourself. Whoever has it can see your order and cancel it.

    Bozor
    "#);
    file.refuse(SILK, &mut mint(180)).unwrap();
    assert_eq!(file.order.state, OrderState::Cancelled);
    assert_eq!(told(EventKind::OrderCancelled, &file, None), []);
    let letter = to_buyer(EventKind::VendorOrderRefused, &file, Some(SILK));
    assert!(letter.contains("Nothing else is left in this order"), "{letter}");
}

#[test]
fn a_parcel_is_told_with_its_number() {
    let mut file = paid();
    assert_eq!(told(EventKind::VendorOrderShipped, &file, Some(SILK)), [], "not yet, or not any more");
    file.accept(SILK, &mut mint(120)).unwrap();
    let line = |text: &str| Some(Line::parse(text).unwrap());
    file.ship(SILK, line("Uzbekistan Post"), line("RR123"), &mut mint(180)).unwrap();
    assert_eq!(told(EventKind::VendorOrderShipped, &file, Some(SILK)), [Recipient::Buyer]);
    insta::assert_snapshot!(to_buyer(EventKind::VendorOrderShipped, &file, Some(SILK)), @r#"
    Subject: Order 4TQKF-F04HM is on its way

    Hello,

    Margilan Silk has sent you:

    - 2 x Ikat scarf

    Carrier: Uzbekistan Post
    Parcel number: RR123

    See your order here:
    https://bozor.test/orders/ord_1#token=t

    Keep this link to yourself. Whoever has it can see your order and cancel it.

    Bozor
    "#);
    file.deliver(SILK, &mut mint(240)).unwrap();
    let letter = to_buyer(EventKind::VendorOrderDelivered, &file, Some(SILK));
    assert!(letter.contains("Margilan Silk says that you have received:\n\n- 2 x Ikat scarf"), "{letter}");
}

#[test]
fn money_that_came_late_or_twice_is_told_with_its_sum() {
    let mut file = placed(ProviderName::Stripe);
    file.expire(&mut mint(900)).unwrap();
    let news = MoneyNews::Captured { amount: usd(5_000) };
    file.settle(file.order.payment, &news, Late::Refund, &mut mint(960)).unwrap();
    assert_eq!(told(EventKind::LatePaymentRefunded, &file, None), [Recipient::Buyer]);
    let letter = to_buyer(EventKind::LatePaymentRefunded, &file, None);
    assert!(letter.contains("We are sending 50.00 USD back to you."), "{letter}");

    let mut file = placed(ProviderName::Stripe);
    let second = file.pay_again(ProviderName::Stripe, &mut mint(30)).unwrap();
    let first = file.payments[0].id;
    file.settle(first, &news, Late::TakeStock, &mut mint(60)).unwrap();
    file.settle(second, &news, Late::TakeStock, &mut mint(90)).unwrap();
    let letter = to_buyer(EventKind::DuplicatePaymentRefunded, &file, None);
    assert!(letter.contains("You have paid this order twice.") && letter.contains("50.00 USD"), "{letter}");
}

/// The local cloud runs it on any thread.
#[test]
fn the_handler_can_move_between_threads() {
    fn check<Running: Future + Send>(_: impl Fn(&'static App, &'static QueueMessage, Timestamp) -> Running) {}
    check(handle);
}
