//! What must hold of a marketplace, whatever happened to it: read past the API, from the tables, the queues, the mail and the
//! provider's own books.
//!
//! [`Ledger::read`] takes it all in; [`Ledger::always`] names what must never be otherwise, [`Ledger::at_rest`] what must hold
//! once everything that was under way has come to its end.

use std::collections::BTreeMap;

use domain::dispute::{Dispute, DisputeState};
use domain::order::{Order, OrderState, VendorOrder};
use domain::payment::{Payment, ProviderName, Refund, RefundState};
use domain::{OrderId, Timestamp};
use local::dynamodb::{Caller, Outcome};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Shop;

/// An order with all that belongs to it.
pub(crate) struct StoredOrder {
    pub(crate) order: Order,
    pub(crate) vendor_orders: Vec<VendorOrder>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<Dispute>,
    /// The provider's books of this order.
    books: Books,
}

/// What the provider knows of an order, in its own units.
#[derive(Default)]
struct Books {
    intents: Vec<Value>,
    refunds: Vec<Value>,
}

/// One shard of stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct StockShard {
    available: i64,
    reserved: i64,
}

/// A message that tells of an order: to whom, its subject and its text.
pub(crate) type SentMessage = (String, String, String);

/// Everything, as it is now.
pub(crate) struct Ledger {
    now: Timestamp,
    pub(crate) orders: Vec<StoredOrder>,
    shards: BTreeMap<String, Vec<StockShard>>,
    /// Items of the orders' table that are no part of an order: events and keys.
    other_items: Vec<Value>,
    jobs: Vec<Value>,
    /// How many messages each queue holds, those that nobody could handle included.
    queued: BTreeMap<String, u64>,
    /// Webhooks that the provider has not delivered.
    undelivered_webhooks: Vec<Value>,
    /// The provider's names of payments that brought money.
    paid: Vec<String>,
    /// Letters that tell of orders, in no order.
    pub(crate) messages: Vec<SentMessage>,
}

/// All items of a table.
pub(crate) async fn items(shop: &Shop, table: &str) -> Vec<Value> {
    let services = shop.cloud.services();
    let name = &services.template.table(table).expect("a table").name;
    let mut found = Vec::new();
    let mut start = Value::Null;
    loop {
        let mut asked = json!({"TableName": name, "ConsistentRead": true});
        if !start.is_null() {
            asked["ExclusiveStartKey"] = start;
        }
        let answer = services.dynamodb.call(&Caller::root(), "Scan", asked.to_string().as_bytes()).await;
        let Outcome::Answer(status, body) = answer else { panic!("the table {table} does not answer") };
        assert!(status.is_success(), "{}", String::from_utf8_lossy(&body));
        let page: Value = serde_json::from_slice(&body).expect("JSON");
        found.extend(page["Items"].as_array().expect("items").iter().cloned());
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return found;
        }
    }
}

fn body<T: DeserializeOwned>(item: &Value) -> T {
    let text = item["data"]["S"].as_str().unwrap_or_default();
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {item}"))
}

fn number(item: &Value, name: &str) -> i64 {
    item[name]["N"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl Ledger {
    pub(crate) async fn read(shop: &Shop) -> Self {
        let services = shop.cloud.services();
        let mut orders: BTreeMap<OrderId, StoredOrder> = BTreeMap::new();
        let (mut vendor_orders, mut payments, mut refunds) = (Vec::new(), Vec::new(), Vec::new());
        let (mut disputes, mut other_items) = (Vec::new(), Vec::new());
        for item in items(shop, "OrdersTable").await {
            match item["kind"]["S"].as_str().unwrap_or_default() {
                "order" => {
                    let order: Order = body(&item);
                    let books = books(shop, order.id).await;
                    let stored = StoredOrder {
                        order,
                        vendor_orders: vec![],
                        payments: vec![],
                        refunds: vec![],
                        disputes: vec![],
                        books,
                    };
                    orders.insert(stored.order.id, stored);
                }
                "vendor_order" => vendor_orders.push(body::<VendorOrder>(&item)),
                "payment" => payments.push(body::<Payment>(&item)),
                "refund" => refunds.push(body::<Refund>(&item)),
                "dispute" => disputes.push(body::<Dispute>(&item)),
                _ => other_items.push(item),
            }
        }
        let of = "a part of an order that is there";
        vendor_orders
            .into_iter()
            .for_each(|vendor_order| orders.get_mut(&vendor_order.order).expect(of).vendor_orders.push(vendor_order));
        payments.into_iter().for_each(|payment| orders.get_mut(&payment.order).expect(of).payments.push(payment));
        refunds.into_iter().for_each(|refund| orders.get_mut(&refund.order).expect(of).refunds.push(refund));
        disputes.into_iter().for_each(|dispute| orders.get_mut(&dispute.order).expect(of).disputes.push(dispute));

        let mut shards: BTreeMap<String, Vec<StockShard>> = BTreeMap::new();
        for item in items(shop, "StockTable").await {
            let Some(name) = item["pk"]["S"].as_str().and_then(|pk| pk.strip_prefix("STOCK#")) else { continue };
            let variant = name.split('#').next().unwrap_or_default().to_owned();
            let shard = StockShard { available: number(&item, "available"), reserved: number(&item, "reserved") };
            shards.entry(variant).or_default().push(shard);
        }
        let jobs = items(shop, "AccountsTable").await;
        let jobs = jobs.iter().filter(|item| matches!(item["kind"]["S"].as_str(), Some("import" | "export")));
        let queued = services.template.queues.iter().map(|queue| {
            let depth = services.queues.depth(&queue.name).expect("a queue");
            (queue.name.clone(), depth.visible + depth.in_flight + depth.delayed)
        });
        let webhooks = shop.anon().get("/_local/pay/stripe/webhooks").await.expect(200).clone();
        let events = webhooks["items"].as_array().expect("events");
        let undelivered_webhooks = events.iter().filter(|event| event["delivered_at"].is_null());
        let paid = events.iter().filter(|event| event["type"] == "payment_intent.succeeded");
        let paid = paid.filter_map(|event| event["intent"].as_str().map(str::to_owned));
        let messages =
            services.mail.messages(None).expect("mail can be read").into_iter().map(|retained| retained.message);
        let messages =
            messages.filter(|message| message.code.is_none() && message.subject.to_lowercase().contains("order"));
        Self {
            now: shop.cloud.clock().now(),
            orders: orders.into_values().collect(),
            shards,
            other_items,
            jobs: jobs.map(body).collect(),
            queued: queued.collect(),
            undelivered_webhooks: undelivered_webhooks.cloned().collect(),
            paid: paid.collect(),
            messages: messages.map(|message| (message.to, message.subject, message.text)).collect(),
        }
    }

    /// What must never be otherwise. `received` is what came into each house, by variant.
    pub(crate) fn always(&self, received: &BTreeMap<String, i64>) -> Vec<String> {
        let mut violations = Vec::new();
        self.stock(received, &mut violations);
        for stored in &self.orders {
            stored.money(&mut violations);
        }
        let mut carts: BTreeMap<String, Vec<OrderId>> = BTreeMap::new();
        for StoredOrder { order, .. } in &self.orders {
            if !matches!(order.state, OrderState::Expired | OrderState::Cancelled) {
                carts.entry(order.cart.to_string()).or_default().push(order.id);
            }
        }
        carts.retain(|_, orders| orders.len() > 1);
        for (cart, orders) in carts {
            violations.push(format!("the cart {cart} was ordered more than once: {orders:?}"));
        }
        violations
    }

    /// Received = available + reserved + shipped, for each variant over all its shards.
    fn stock(&self, received: &BTreeMap<String, i64>, violations: &mut Vec<String>) {
        for (variant, received) in received {
            let shards = self.shards.get(variant).map(Vec::as_slice).unwrap_or_default();
            if shards.iter().any(|shard| shard.available < 0 || shard.reserved < 0) {
                violations.push(format!("a shard of {variant} is below zero: {shards:?}"));
            }
            let (mut promised, mut shipped) = (0, 0);
            for vendor_order in self.orders.iter().flat_map(|stored| &stored.vendor_orders) {
                let lines = vendor_order.lines.iter().filter(|line| line.variant.to_string() == *variant);
                let units: i64 = lines.map(|line| i64::from(line.quantity)).sum();
                if vendor_order.state.holds_stock() {
                    promised += units;
                } else if !vendor_order.state.is_cancelled_or_declined() {
                    shipped += units;
                }
            }
            let available: i64 = shards.iter().map(|shard| shard.available).sum();
            let reserved: i64 = shards.iter().map(|shard| shard.reserved).sum();
            if available + reserved + shipped != *received || reserved != promised {
                violations.push(format!(
                    "stock of {variant}: received {received}, but available {available} + reserved {reserved} + shipped \
                     {shipped}, and {promised} are promised"
                ));
            }
        }
    }

    /// What must hold once everything has come to its end: nothing is under way, nothing is stuck, and the provider's books say
    /// what ours say.
    pub(crate) fn at_rest(&self) -> Vec<String> {
        let mut violations = Vec::new();
        for stored in &self.orders {
            stored.check_finished(self.now, &mut violations);
        }
        for item in &self.other_items {
            if item.get("undelivered").is_some() {
                violations.push(format!("nobody has acted on an event: {item}"));
            }
            let answered = item.as_object().is_some_and(|item| item.keys().any(|name| name.starts_with("answer")));
            if item.get("running_until").is_some() && !answered {
                violations.push(format!("a key is still running: {item}"));
            }
        }
        for intent in self.paid.iter().filter(|intent| !self.orders.iter().any(|stored| stored.has_intent(intent))) {
            violations.push(format!("{intent} brought money, and belongs to no order"));
        }
        self.unpaid(&mut violations);
        for job in &self.jobs {
            if !matches!(job["state"].as_str(), Some("completed" | "failed")) {
                violations.push(format!("an import is stuck: {job}"));
            }
        }
        for (queue, messages) in self.queued.iter().filter(|(_, messages)| **messages > 0) {
            violations.push(format!("{messages} messages lie in {queue}"));
        }
        for event in &self.undelivered_webhooks {
            violations.push(format!("a webhook was never taken: {event}"));
        }
        violations
    }

    /// Those orders take up an address's places that wait for their money, and no others.
    fn unpaid(&self, violations: &mut Vec<String>) {
        let sets = self.other_items.iter().filter(|item| item["kind"]["S"] == "unpaid");
        let names = sets.filter_map(|item| item["unpaid"]["SS"].as_array()).flatten();
        let mut counted: Vec<String> = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
        let waits = |order: &&Order| match order.state {
            OrderState::AwaitingPayment => true,
            OrderState::Confirmed => order.due_at.is_some(),
            _ => false,
        };
        let mut waiting: Vec<String> =
            self.orders.iter().map(|stored| &stored.order).filter(waits).map(|order| order.id.to_string()).collect();
        counted.sort();
        waiting.sort();
        if counted != waiting {
            violations.push(format!("{counted:?} are counted as unpaid, and {waiting:?} wait for their money"));
        }
    }

    /// Units of a variant that can be bought.
    pub(crate) fn available(&self, variant: &str) -> i64 {
        self.shards.get(variant).into_iter().flatten().map(|shard| shard.available).sum()
    }

    /// Letters that were sent more than once.
    pub(crate) fn repeated_messages(&self) -> Vec<(SentMessage, usize)> {
        let mut counts: BTreeMap<&SentMessage, usize> = BTreeMap::new();
        self.messages.iter().for_each(|message| *counts.entry(message).or_default() += 1);
        counts.into_iter().filter(|(_, count)| *count > 1).map(|(message, count)| (message.clone(), count)).collect()
    }

    /// What became of the orders, without what differs from one time to the next.
    pub(crate) fn outcome(&self) -> Vec<String> {
        let mut outcome: Vec<String> = self.orders.iter().map(StoredOrder::outcome).collect();
        outcome.sort();
        outcome
    }
}

async fn books(shop: &Shop, order: OrderId) -> Books {
    let answer = shop.anon().get(&format!("/_local/pay/stripe/orders/{order}")).await;
    let list = |name: &str| answer.json[name].as_array().cloned().unwrap_or_default();
    if answer.status == 200 { Books { intents: list("intents"), refunds: list("refunds") } } else { Books::default() }
}

impl StoredOrder {
    /// Whether one of the provider's payments belongs to this order.
    pub(crate) fn has_intent(&self, intent: &str) -> bool {
        self.books.intents.iter().any(|known| known["id"] == intent)
    }

    fn is_live(&self) -> bool {
        matches!(self.order.state, OrderState::Paid | OrderState::Completed)
    }

    fn outcome(&self) -> String {
        let vendor_order =
            |vendor_order: &VendorOrder| format!("{}: {}", vendor_order.vendor.handle, vendor_order.state.as_str());
        let mut vendor_orders: Vec<String> = self.vendor_orders.iter().map(vendor_order).collect();
        vendor_orders.sort();
        let took: i64 = self.payments.iter().filter_map(|payment| payment.captured).map(domain::Money::minor).sum();
        let back: i64 = self.refunds.iter().map(|refund| refund.to_send().minor()).sum();
        let disputes: Vec<String> = self.disputes.iter().map(|dispute| format!(", {:?}", dispute.state)).collect();
        let vendor_orders = vendor_orders.join(", ");
        format!("{} [{vendor_orders}] took {took}, gave back {back}{}", self.order.state.as_str(), disputes.concat())
    }

    /// Captured = paid + refunded; no money without an order, no paid order without money.
    fn money(&self, violations: &mut Vec<String>) {
        let id = self.order.id;
        for payment in self.payments.iter().filter(|payment| payment.provider == ProviderName::Stripe) {
            let Some(captured) = payment.captured else { continue };
            let intent = self.books.intents.iter().find(|intent| intent["id"].as_str() == payment.reference.as_deref());
            let received = intent.and_then(|intent| intent["amount_received"].as_i64()).unwrap_or(0);
            if received != captured.minor() {
                violations.push(format!("{id}: {} says {captured:?}, its provider says {received}", payment.id));
            }
        }
        if self.is_live() && !self.payments.iter().any(Payment::has_paid) {
            violations.push(format!("{id}: paid, and no payment has brought the money"));
        }
        let (mut retained, mut charged_back) = (0, false);
        for payment in self.payments.iter().filter(|payment| payment.state.took_money()) {
            let captured = payment.captured.map_or(0, domain::Money::minor);
            let back: i64 = self
                .refunds
                .iter()
                .filter(|refund| refund.payment == payment.id && refund.state != RefundState::Failed)
                .map(|refund| refund.to_send().minor())
                .sum();
            if back > captured {
                violations.push(format!("{id}: {back} go back of {captured}"));
            }
            // What the buyer's bank gave him counts, and nothing of it goes back a second time.
            let lost = |known: &&Dispute| known.payment == payment.id && known.state == DisputeState::Lost;
            let lost = self.disputes.iter().filter(lost).filter_map(|dispute| dispute.amount);
            let lost: i64 = lost.map(domain::Money::minor).sum();
            charged_back |= lost > 0;
            if back + lost > captured {
                violations.push(format!("{id}: {back} go back and the bank gave {lost}, of {captured}"));
            }
            let back = back + lost;
            // Of an amount that nobody asked for, the operator decides.
            if payment.has_paid() || payment.provider != ProviderName::Stripe {
                retained += captured - back;
            }
        }
        let owed: i64 = if self.is_live() {
            let on = self.vendor_orders.iter().filter(|vendor_order| !vendor_order.state.is_cancelled_or_declined());
            on.map(|vendor_order| vendor_order.totals.total.minor()).sum()
        } else {
            0
        };
        let as_owed = retained == owed || (charged_back && retained <= owed);
        if !as_owed {
            violations
                .push(format!("{id}: {retained} were kept, and the {} order costs {owed}", self.order.state.as_str()));
        }
    }

    fn check_finished(&self, now: Timestamp, violations: &mut Vec<String>) {
        let id = self.order.id;
        if let Some(due) = self.order.due_at.filter(|due| *due <= now) {
            violations.push(format!("{id}: still {}, though its time was over at {due}", self.order.state.as_str()));
        }
        for refund in &self.refunds {
            if refund.state != RefundState::Succeeded && refund.dispute.is_none() {
                violations.push(format!("{id}: the refund {} is {:?}", refund.id, refund.state));
            }
        }
        let sum = |of: &[Value], name: &str| of.iter().filter_map(|one| one[name].as_i64()).sum::<i64>();
        let by_card = |payment: &&Payment| payment.provider == ProviderName::Stripe;
        let took: i64 =
            self.payments.iter().filter(by_card).filter_map(|payment| payment.captured).map(domain::Money::minor).sum();
        let received = sum(&self.books.intents, "amount_received");
        if took != received {
            violations.push(format!("{id}: the provider has taken {received}, and we know of {took}"));
        }
        let done = self.refunds.iter().filter(|refund| refund.state == RefundState::Succeeded);
        let back: i64 = done.map(|refund| refund.to_send().minor()).sum();
        let returned: Vec<Value> =
            self.books.refunds.iter().filter(|refund| refund["status"] == "succeeded").cloned().collect();
        if back != sum(&returned, "amount") {
            violations
                .push(format!("{id}: {} went back at the provider, and we know of {back}", sum(&returned, "amount")));
        }
        if matches!(self.order.state, OrderState::Expired | OrderState::Cancelled) {
            for intent in self.books.intents.iter().filter(|intent| intent["status"] == "requires_payment_method") {
                violations.push(format!("{id}: over, and {} can still be paid", intent["id"]));
            }
        }
    }
}
