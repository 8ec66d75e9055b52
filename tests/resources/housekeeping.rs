//! Housekeeping: deadlines, polling for lost webhooks, lost events and dead letters; also with runs that overlap.

use std::time::Duration;

use cloud::dynamodb::{Caller, Outcome};
use cloud::faults::{Fault, Kind};
use cloud::sqs::{Depth, MessageAttributes};
use serde_json::{Value, json};

use crate::shop::{Client, Guest, Product, Shop};

/// One second longer than the interval of housekeeping.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(61);

async fn bowls(shop: &Shop, units: i64) -> Product {
    shop.vendor("ceramics").await.product("bowl").stock(units).publish().await
}

/// An order, with its guest and a client that shows its token.
struct Order {
    id: String,
    guest: Guest,
    reader: Client,
}

impl Order {
    async fn placed(shop: &Shop, bowl: &Product) -> Self {
        let guest = shop.guest().await.takes(&[(bowl, 1)]).await;
        let placed = guest.checks_out("stripe", "once").await.expect(201).clone();
        let text = |name: &str| placed[name].as_str().expect("a text").to_owned();
        Self { id: text("id"), guest, reader: shop.anon().with("order-token", text("token")) }
    }

    async fn seen(&self) -> Value {
        self.reader.get(&format!("/v1/orders/{}", self.id)).await.expect(200).clone()
    }

    async fn state(&self) -> String {
        self.seen().await["state"].as_str().expect("a state").to_owned()
    }
}

/// The stock, read in a new session of the vendor: an access token expires after fifteen minutes.
async fn stock(shop: &Shop, bowl: &Product) -> (i64, i64, i64) {
    let mut bowl = bowl.clone();
    bowl.vendor.client = shop.sign_in(&format!("{}@people.test", bowl.vendor.handle)).await;
    bowl.stock().await
}

fn fails_always(service: &str, operation: &str) -> Fault {
    Fault { every: true, ..Fault::nth(service, operation, 1, Kind::Before) }
}

async fn housekeeping(shop: &Shop) {
    shop.cloud.invoke("HousekeepingFunction", json!({})).await.expect("housekeeping runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_housekeeping_runs_expire_each_order_once() {
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 9).await;
    let mut orders = Vec::new();
    for _ in 0..6 {
        orders.push(Order::placed(&shop, &bowl).await);
    }
    shop.wait_until_idle().await;
    shop.cloud.clock().advance(Duration::from_secs(16 * 60));
    tokio::join!(housekeeping(&shop), housekeeping(&shop), housekeeping(&shop));
    shop.wait_until_idle().await;
    for order in &orders {
        assert_eq!(order.state().await, "expired");
        assert_eq!(shop.mail_to(&order.guest.email).len(), 1, "the buyer is notified once");
        order.guest.put(&bowl.variant, 2).await.expect(200);
    }
    assert_eq!(stock(&shop, &bowl).await, (9, 0, 9), "the stock is released once");
}

#[tokio::test]
async fn a_payment_without_a_webhook_is_found_by_polling_before_the_deadline() {
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 9).await;
    let order = Order::placed(&shop, &bowl).await;
    shop.cloud.services().faults.add(fails_always("stripe", "Webhook"));
    let path = format!("/_local/pay/stripe/orders/{}", order.id);
    shop.anon().post(&path, &json!({"do": "succeed"})).await;
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(order.state().await, "awaiting_payment", "webhooks get two minutes");
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(order.state().await, "paid");
    assert_eq!(shop.mail_to(&order.guest.email).len(), 1);

    // The webhook arrives after all.
    shop.cloud.services().faults.clear();
    shop.advance(Duration::from_secs(3600)).await;
    assert_eq!(order.state().await, "paid");
    assert_eq!(shop.mail_to(&order.guest.email).len(), 1);
}

#[tokio::test]
async fn an_unpaid_order_is_polled_three_times() {
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 9).await;
    let order = Order::placed(&shop, &bowl).await;
    let before = order.seen().await;
    let mut questions = Vec::new();
    for minute in 1..=14 {
        shop.cloud.services().usage.reset();
        shop.advance(Duration::from_secs(60)).await;
        let usage = shop.cloud.services().usage.snapshot();
        let run = &usage["function HousekeepingFunction"];
        if run.operations.contains_key("UpdateItem") {
            questions.push(minute);
        }
        assert!(!run.operations.contains_key("TransactWriteItems"), "{run:?}");
    }
    assert_eq!(questions, [2, 5, 10]);
    assert_eq!(order.seen().await, before, "polling changes nothing");
    shop.advance(Duration::from_secs(60)).await;
    assert_eq!(order.state().await, "expired");
}

#[tokio::test]
async fn an_order_that_cannot_be_expired_does_not_block_the_others() {
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 9).await;
    let (one, other) = (Order::placed(&shop, &bowl).await, Order::placed(&shop, &bowl).await);
    shop.cloud.clock().advance(Duration::from_secs(16 * 60));
    let written = data_of(&shop, &one).await;
    write_data(&shop, &one, "{").await;
    housekeeping(&shop).await;
    assert_eq!(other.state().await, "expired");

    // An order that failed is retried after some minutes, not in each run.
    shop.cloud.services().usage.reset();
    shop.cloud.clock().advance(HOUSEKEEPING_INTERVAL);
    housekeeping(&shop).await;
    let usage = shop.cloud.services().usage.snapshot();
    assert_eq!(
        usage["function HousekeepingFunction"].operations["Query"], 18,
        "the buckets of the two lists, unmatched payments, papers, and no order"
    );

    write_data(&shop, &one, &written).await;
    shop.advance(Duration::from_secs(6 * 60)).await;
    assert_eq!(one.state().await, "expired", "a failed order is retried");
    assert_eq!(stock(&shop, &bowl).await, (9, 0, 9));
}

async fn call_dynamodb(shop: &Shop, operation: &str, body: &Value) -> Value {
    let services = shop.cloud.services();
    match services.dynamodb.call(&Caller::root(), operation, body.to_string().as_bytes()).await {
        Outcome::Answer(status, answer) if status == 200 => serde_json::from_slice(&answer).expect("JSON"),
        other => panic!("{operation}: {other:?}"),
    }
}

fn item_of(shop: &Shop, order: &Order) -> Value {
    let table = &shop.cloud.services().template.table("OrdersTable").expect("a table").name;
    json!({"TableName": table, "Key": {"pk": {"S": format!("ORDER#{}", order.id)}, "sk": {"S": "ORDER"}}})
}

/// The stored body of an order.
async fn data_of(shop: &Shop, order: &Order) -> String {
    let found = call_dynamodb(shop, "GetItem", &item_of(shop, order)).await;
    found["Item"]["data"]["S"].as_str().expect("a body").to_owned()
}

async fn write_data(shop: &Shop, order: &Order, data: &str) {
    let mut change = item_of(shop, order);
    change["UpdateExpression"] = json!("SET #data = :data");
    change["ExpressionAttributeNames"] = json!({"#data": "data"});
    change["ExpressionAttributeValues"] = json!({":data": {"S": data}});
    call_dynamodb(shop, "UpdateItem", &change).await;
}

#[tokio::test]
async fn a_dead_letter_is_redriven_when_its_cause_is_gone() {
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 9).await;
    let order = Order::placed(&shop, &bowl).await;
    shop.wait_until_idle().await;
    shop.cloud.services().faults.add(fails_always("ses", "*"));
    shop.stripe(&order.id, "succeed").await;
    shop.wait_until_idle().await;
    let mut rounds = 0;
    while shop.depth("OrderEventsDeadLetters") == Depth::default() {
        // Moves only the clock, so that housekeeping does not run yet.
        shop.cloud.clock().advance(HOUSEKEEPING_INTERVAL);
        shop.wait_until_idle().await;
        rounds += 1;
        assert!(rounds < 10, "the message never became a dead letter");
    }
    assert_eq!(shop.mail_to(&order.guest.email).len(), 0);

    shop.cloud.services().faults.clear();
    // Two concurrent runs: only one of them receives the message, and a copy of it would be processed once.
    tokio::join!(housekeeping(&shop), housekeeping(&shop));
    assert_eq!(shop.depth("OrderEventsDeadLetters"), Depth::default());
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    shop.advance(HOUSEKEEPING_INTERVAL).await;
    assert_eq!(shop.mail_to(&order.guest.email).len(), 1, "the buyer is notified once");
    assert_eq!(shop.depth("OrderEventsQueue"), Depth::default());
}

#[tokio::test]
async fn a_message_that_always_fails_is_redriven_three_times_and_then_stays() {
    let shop = Shop::open().await;
    for (function, id, dead) in [
        ("OrderEventsFunction", "OrderEventsQueue", "OrderEventsDeadLetters"),
        ("ImportsFunction", "ImportsQueue", "ImportsDeadLetters"),
    ] {
        let queues = &shop.cloud.services().queues;
        queues.send(&shop.queue(dead), "this is no message of ours", &MessageAttributes::default()).expect("sent");
        shop.cloud.services().usage.reset();
        for _ in 0..45 {
            shop.advance(2 * HOUSEKEEPING_INTERVAL).await;
            let (dead_lettered, waiting) = (shop.depth(dead), shop.depth(id));
            let all =
                dead_lettered.visible + dead_lettered.in_flight + waiting.visible + waiting.in_flight + waiting.delayed;
            assert_eq!(all, 1, "the message is neither lost nor duplicated");
        }
        assert_eq!(shop.depth(dead), Depth { in_flight: 1, ..Depth::default() }, "it stays, hidden for a long time");
        let usage = shop.cloud.services().usage.snapshot();
        assert_eq!(usage[&format!("function {function}")].calls, 15, "five attempts after each of three redrives");
    }
}

#[tokio::test]
async fn a_housekeeping_run_that_dies_between_two_calls_loses_no_dead_letter() {
    let shop = Shop::open().await;
    let dead = shop.queue("OrderEventsDeadLetters");
    let everywhere = || {
        let [dead_lettered, waiting] = ["OrderEventsDeadLetters", "OrderEventsQueue"].map(|id| shop.depth(id));
        dead_lettered.visible + dead_lettered.in_flight + waiting.visible + waiting.in_flight + waiting.delayed
    };
    for (operation, kind) in [
        ("ReceiveMessage", Kind::After),
        ("SendMessage", Kind::Before),
        ("SendMessage", Kind::After),
        ("DeleteMessage", Kind::Before),
    ] {
        let queues = &shop.cloud.services().queues;
        queues.send(&dead, "this is no message of ours", &MessageAttributes::default()).expect("sent");
        let before = everywhere();
        shop.cloud.services().faults.add(Fault { every: true, ..Fault::nth("sqs", operation, 1, kind) });
        // The result of the run does not matter here.
        let _ = shop.cloud.invoke("HousekeepingFunction", json!({})).await;
        shop.cloud.services().faults.clear();
        // The SDK attempts each call three times, so there are at most three copies.
        assert!((before..=before + 3).contains(&everywhere()), "{operation} {kind:?}: {before}, then {}", everywhere());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_housekeeping_runs_ask_for_each_refund_and_each_payment_once() {
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 9).await;
    let (cancelled, unreported) = (Order::placed(&shop, &bowl).await, Order::placed(&shop, &bowl).await);
    shop.stripe(&cancelled.id, "succeed").await;
    cancelled.reader.post(&format!("/v1/orders/{}/cancel", cancelled.id), &json!({})).await.expect(200);
    shop.hold_webhooks(true).await;
    shop.stripe(&unreported.id, "succeed").await;
    shop.wait_until_idle().await;
    shop.cloud.clock().advance(Duration::from_secs(121));
    tokio::join!(housekeeping(&shop), housekeeping(&shop), housekeeping(&shop));
    shop.wait_until_idle().await;
    let books = shop.anon().get(&format!("/_local/pay/stripe/orders/{}", cancelled.id)).await.expect(200).clone();
    assert_eq!(books["refunds"].as_array().map(Vec::len), Some(1), "there is one refund");
    assert_eq!(cancelled.seen().await["refunds"][0]["state"], "succeeded");
    let history = unreported.seen().await["history"].clone();
    let paid = history.as_array().expect("a history").iter().filter(|entry| entry["event"] == "paid").count();
    assert_eq!((unreported.state().await.as_str(), paid), ("paid", 1));
    assert_eq!(shop.mail_to(&unreported.guest.email).len(), 1);
}

/// Orders of guests whose provider did not answer at the checkout, so that their attempts were never opened.
async fn unopened(shop: &Shop, bowl: &Product, count: usize) -> Vec<Order> {
    let mut orders = Vec::new();
    for _ in 0..count {
        orders.push(Order::placed(shop, bowl).await);
    }
    orders
}

#[tokio::test]
async fn orders_whose_payments_were_never_opened_end_while_their_provider_is_down() {
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 9).await;
    shop.cloud.services().faults.add(fails_always("stripe", "*"));
    let orders = unopened(&shop, &bowl, 2).await;
    assert_eq!(stock(&shop, &bowl).await, (9, 2, 7));
    let asked = shop.cloud.services().faults.triggered().len();
    shop.advance(16 * HOUSEKEEPING_INTERVAL).await;
    for order in &orders {
        assert_eq!(order.state().await, "expired");
    }
    assert_eq!(stock(&shop, &bowl).await, (9, 0, 9));
    assert_eq!(shop.cloud.services().faults.triggered().len(), asked, "nobody asked the provider");
}

/// More than a run reads at a time: 25 of each of eight partitions.
#[tokio::test]
async fn one_run_ends_more_orders_than_it_reads_at_a_time() {
    const ORDERS: usize = 230;
    let shop = Shop::open().await;
    let bowl = bowls(&shop, 999).await;
    shop.cloud.services().faults.add(fails_always("stripe", "*"));
    let orders = unopened(&shop, &bowl, ORDERS).await;
    assert_eq!(stock(&shop, &bowl).await.1, 230);
    shop.cloud.clock().advance(16 * HOUSEKEEPING_INTERVAL);
    housekeeping(&shop).await;
    // All of them want the same stock back at once, so some may lose their race until the next run.
    assert!(stock(&shop, &bowl).await.1 < 30, "more than 200 have ended in one run");
    shop.advance(2 * HOUSEKEEPING_INTERVAL).await;
    assert_eq!(stock(&shop, &bowl).await.1, 0);
    assert_eq!(orders[ORDERS - 1].state().await, "expired");
}
