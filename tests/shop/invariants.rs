//! The invariants of a marketplace, checked past the API: on the tables, the queues, the mail and the payment sandbox's
//! records.
//!
//! [`Ledger::read`] takes a snapshot; [`Ledger::always`] checks what must hold at any moment, [`Ledger::at_rest`] what
//! must hold once no work is pending.

use std::collections::BTreeMap;

use cloud::dynamodb::{Caller, Outcome};
use domain::dispute::{Dispute, DisputeState};
use domain::order::{Order, OrderState, VendorOrder};
use domain::payment::{Payment, PaymentState, ProviderName, Refund, RefundReason, RefundState};
use domain::settlement::SettlementEntry;
use domain::{OrderId, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Shop;
use super::owed::owed;

/// An order as the table holds it, with its vendor orders, payments, refunds and disputes.
pub(crate) struct StoredOrder {
    pub(crate) order: Order,
    pub(crate) vendor_orders: Vec<VendorOrder>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<Dispute>,
    /// What was entered of it for settlement.
    pub(crate) entries: Vec<SettlementEntry>,
    /// The payment sandbox's records of this order.
    books: Books,
}

/// The payment sandbox's intents and refunds of an order, with amounts in minor units.
#[derive(Default)]
struct Books {
    intents: Vec<Value>,
    sessions: Vec<Value>,
    refunds: Vec<Value>,
}

/// Units of one shard of a variant's stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct StockShard {
    available: i64,
    reserved: i64,
}

/// A sent message about an order: recipient, subject and text.
pub(crate) type SentMessage = (String, String, String);

/// A snapshot of all that the invariants are about.
pub(crate) struct Ledger {
    now: Timestamp,
    pub(crate) orders: Vec<StoredOrder>,
    shards: BTreeMap<String, Vec<StockShard>>,
    /// Items of the Orders table that belong to no order: events, idempotency keys, sets of unpaid orders.
    other_items: Vec<Value>,
    /// Vendor orders, refunds and disputes that are in another list by state than their own.
    misplaced: Vec<String>,
    jobs: Vec<Value>,
    /// Messages by queue: visible, in flight and delayed ones; dead-letter queues included.
    queued: BTreeMap<String, u64>,
    /// Webhooks that the sandbox has not delivered yet.
    undelivered_webhooks: Vec<Value>,
    /// Ids of the payment intents that have succeeded.
    paid: Vec<String>,
    /// Messages about orders, in no particular order.
    pub(crate) messages: Vec<SentMessage>,
}

/// Puts an item into a table, past the roles.
pub(crate) async fn put_item(shop: &Shop, table: &str, item: &Value) {
    let services = shop.cloud.services();
    let name = &services.template.table(table).expect("a table").name;
    let put = json!({"TableName": name, "Item": item}).to_string();
    let answer = services.dynamodb.call(&Caller::root(), "PutItem", put.as_bytes()).await;
    let Outcome::Answer(status, body) = answer else { panic!("the table {table} does not answer") };
    assert!(status.is_success(), "{}: {item}", String::from_utf8_lossy(&body));
}

/// All items of a table, read past the roles.
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

/// Says so when an item is in another list by state than its own.
fn misplaced_in_lists(item: &Value) -> Option<String> {
    let list = match item["kind"]["S"].as_str().unwrap_or_default() {
        "vendor_order" => {
            let vendor_order: VendorOrder = body(item);
            let list = format!("VENDOR#{}#{}", vendor_order.vendor.id, vendor_order.state.as_str());
            vendor_order.visible.then_some(list)
        }
        "refund" => {
            let refund: Refund = body(item);
            let of_its_state = format!("REFUND#{}", refund.state.as_str());
            if refund.needs_manual_refund() {
                // They have a list of their own.
                let is_apart = item["state_key"]["S"].as_str().is_some_and(|list| list != of_its_state);
                return (!is_apart).then(|| format!("not among those that need a manual refund: {item}"));
            }
            Some(of_its_state)
        }
        "dispute" => Some(format!("DISPUTE#{}", body::<Dispute>(item).state.as_str())),
        _ => return None,
    };
    let listed = item["state_key"]["S"].as_str();
    (listed != list.as_deref()).then(|| format!("in the list {listed:?} instead of {list:?}: {item}"))
}

impl Ledger {
    pub(crate) async fn read(shop: &Shop) -> Self {
        let services = shop.cloud.services();
        let mut orders: BTreeMap<OrderId, StoredOrder> = BTreeMap::new();
        let (mut vendor_orders, mut payments, mut refunds) = (Vec::new(), Vec::new(), Vec::new());
        let (mut disputes, mut entries, mut other_items) = (Vec::new(), Vec::new(), Vec::new());
        let mut misplaced = Vec::new();
        for item in items(shop, "OrdersTable").await {
            misplaced.extend(misplaced_in_lists(&item));
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
                        entries: vec![],
                        books,
                    };
                    orders.insert(stored.order.id, stored);
                }
                "vendor_order" => vendor_orders.push(body::<VendorOrder>(&item)),
                "payment" => payments.push(body::<Payment>(&item)),
                "refund" => refunds.push(body::<Refund>(&item)),
                "dispute" => disputes.push(body::<Dispute>(&item)),
                "settlement" => entries.push(body::<SettlementEntry>(&item)),
                _ => other_items.push(item),
            }
        }
        let of = "its order is in the table";
        vendor_orders
            .into_iter()
            .for_each(|vendor_order| orders.get_mut(&vendor_order.order).expect(of).vendor_orders.push(vendor_order));
        payments.into_iter().for_each(|payment| orders.get_mut(&payment.order).expect(of).payments.push(payment));
        refunds.into_iter().for_each(|refund| orders.get_mut(&refund.order).expect(of).refunds.push(refund));
        disputes.into_iter().for_each(|dispute| orders.get_mut(&dispute.order).expect(of).disputes.push(dispute));
        entries.into_iter().for_each(|entry| orders.get_mut(&entry.order).expect(of).entries.push(entry));

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
            now: shop.cloud.now(),
            orders: orders.into_values().collect(),
            shards,
            other_items,
            misplaced,
            jobs: jobs.map(body).collect(),
            queued: queued.collect(),
            undelivered_webhooks: undelivered_webhooks.cloned().collect(),
            paid: paid.collect(),
            messages: messages.map(|message| (message.to, message.subject, message.text)).collect(),
        }
    }

    /// Violations of what must hold at any moment. `received`: units that vendors have put in stock, by variant.
    pub(crate) fn always(&self, received: &BTreeMap<String, i64>) -> Vec<String> {
        let mut violations = self.misplaced.clone();
        self.stock(received, &mut violations);
        for stored in &self.orders {
            stored.money(&mut violations);
            stored.settled(&mut violations);
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

    /// Received = available + reserved + shipped, for each variant over all its shards. Goods that came back and can be
    /// bought again are received once more.
    fn stock(&self, received: &BTreeMap<String, i64>, violations: &mut Vec<String>) {
        for (variant, received) in received {
            let shards = self.shards.get(variant).map(Vec::as_slice).unwrap_or_default();
            if shards.iter().any(|shard| shard.available < 0 || shard.reserved < 0) {
                violations.push(format!("a shard of {variant} is below zero: {shards:?}"));
            }
            let (mut promised, mut shipped) = (0, 0);
            for vendor_order in self.orders.iter().flat_map(|stored| &stored.vendor_orders) {
                for line in vendor_order.lines.iter().filter(|line| line.variant.to_string() == *variant) {
                    shipped += i64::from(line.shipped);
                    if vendor_order.state.holds_stock() {
                        promised += i64::from(line.left_to_ship());
                    } else if line.left_to_ship() > 0 {
                        let state = vendor_order.state.as_str();
                        violations.push(format!("{} is {state} and has units left: {line:?}", vendor_order.id()));
                    }
                }
            }
            let available: i64 = shards.iter().map(|shard| shard.available).sum();
            let reserved: i64 = shards.iter().map(|shard| shard.reserved).sum();
            if available + reserved + shipped != *received || reserved != promised {
                violations.push(format!(
                    "stock of {variant}: received {received}, but available {available} + reserved {reserved} + \
                     shipped {shipped}, and vendor orders hold {promised}"
                ));
            }
        }
    }

    /// Whether a repeat of a request that places or pays an order is answered: its payment was opened, or its provider
    /// did not answer.
    fn is_answered(&self, record: &Value) -> bool {
        let id = record["order_id"]["S"].as_str().unwrap_or_default();
        let Some(stored) = self.orders.iter().find(|stored| stored.order.id.to_string() == id) else { return false };
        let current = stored.payments.iter().find(|payment| payment.id == stored.order.payment);
        current.is_some_and(|payment| payment.state != PaymentState::Created || payment.action.is_some())
    }

    /// Violations of what must hold once no work is pending: every order, event, key, job, message and webhook is
    /// finished, and the sandbox's records agree with the tables.
    pub(crate) fn at_rest(&self) -> Vec<String> {
        let mut violations = Vec::new();
        for stored in &self.orders {
            stored.check_finished(self.now, &mut violations);
        }
        for item in &self.other_items {
            if item.get("undelivered").is_some() {
                violations.push(format!("an event is undelivered: {item}"));
            }
            if item.get("running_until").is_some() && !self.is_answered(item) {
                violations.push(format!("an idempotency key is still in progress: {item}"));
            }
        }
        for intent in self.paid.iter().filter(|intent| !self.orders.iter().any(|stored| stored.has_intent(intent))) {
            violations.push(format!("{intent} has succeeded, and belongs to no order"));
        }
        self.unpaid(&mut violations);
        for job in &self.jobs {
            if !matches!(job["state"].as_str(), Some("completed" | "failed")) {
                violations.push(format!("a job is stuck: {job}"));
            }
        }
        for (queue, messages) in self.queued.iter().filter(|(_, messages)| **messages > 0) {
            violations.push(format!("{messages} messages are left in {queue}"));
        }
        for event in &self.undelivered_webhooks {
            violations.push(format!("a webhook was never delivered: {event}"));
        }
        violations
    }

    /// The sets of unpaid orders, one per e-mail address, hold exactly the orders that wait for payment.
    fn unpaid(&self, violations: &mut Vec<String>) {
        let sets = self.other_items.iter().filter(|item| item["kind"]["S"] == "unpaid");
        let names = sets.filter_map(|item| item["unpaid"]["SS"].as_array()).flatten();
        let mut counted: Vec<String> = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
        let waits = |order: &&Order| match order.state {
            OrderState::AwaitingPayment | OrderState::AwaitingConfirmation => true,
            OrderState::Confirmed => order.due_at.is_some() && order.buyer.is_some(),
            _ => false,
        };
        let mut waiting: Vec<String> =
            self.orders.iter().map(|stored| &stored.order).filter(waits).map(|order| order.id.to_string()).collect();
        counted.sort();
        waiting.sort();
        if counted != waiting {
            violations.push(format!("{counted:?} are counted as unpaid, and {waiting:?} wait for payment"));
        }
    }

    /// Units of a variant that can be bought, over all its shards.
    pub(crate) fn available(&self, variant: &str) -> i64 {
        self.shards.get(variant).into_iter().flatten().map(|shard| shard.available).sum()
    }

    /// Messages that were sent more than once, with how often.
    pub(crate) fn repeated_messages(&self) -> Vec<(SentMessage, usize)> {
        let mut counts: BTreeMap<&SentMessage, usize> = BTreeMap::new();
        self.messages.iter().for_each(|message| *counts.entry(message).or_default() += 1);
        counts.into_iter().filter(|(_, count)| *count > 1).map(|(message, count)| (message.clone(), count)).collect()
    }

    /// State and amounts of each order without ids and times, so that two runs can be compared.
    pub(crate) fn outcome(&self) -> Vec<String> {
        let mut outcome: Vec<String> = self.orders.iter().map(StoredOrder::outcome).collect();
        outcome.sort();
        outcome
    }
}

async fn books(shop: &Shop, order: OrderId) -> Books {
    let answer = shop.anon().get(&format!("/_local/pay/stripe/orders/{order}")).await;
    let list = |name: &str| answer.json[name].as_array().cloned().unwrap_or_default();
    if answer.status != 200 {
        return Books::default();
    }
    Books { intents: list("intents"), sessions: list("sessions"), refunds: list("refunds") }
}

impl StoredOrder {
    /// Whether one of the provider's payments belongs to this order.
    pub(crate) fn has_intent(&self, intent: &str) -> bool {
        self.books.intents.iter().any(|known| known["id"] == intent)
    }

    /// Whether a bank decides about the payment that pays for it.
    pub(crate) fn is_held(&self) -> bool {
        self.disputes.iter().any(|one| one.payment == self.order.payment && one.state == DisputeState::Opened)
    }

    /// Whether a bank has taken that money back.
    pub(crate) fn is_lost(&self) -> bool {
        self.disputes.iter().any(|one| one.payment == self.order.payment && one.state == DisputeState::Lost)
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

    /// Captured = owed + refunded + charged back, the provider agrees, and a paid order has a captured payment.
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
            violations.push(format!("{id}: paid, and no payment has captured the money"));
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
                violations.push(format!("{id}: refunds of {back} exceed the captured {captured}"));
            }
            // What was charged back counts as returned, and must not be refunded a second time.
            let lost = |known: &&Dispute| known.payment == payment.id && known.state == DisputeState::Lost;
            let lost = self.disputes.iter().filter(lost).filter_map(|dispute| dispute.amount);
            let lost: i64 = lost.map(domain::Money::minor).sum();
            charged_back |= lost > 0;
            if back + lost > captured {
                violations.push(format!("{id}: {back} refunded and {lost} charged back of {captured}"));
            }
            let back = back + lost;
            // An amount mismatch is not counted: the operator decides about it.
            if payment.has_paid() || payment.provider != ProviderName::Stripe {
                retained += captured - back;
            }
        }
        let goodwill = self.refunds.iter().filter(|refund| refund.reason == RefundReason::Goodwill);
        let goodwill: i64 = goodwill.map(|refund| refund.to_send().minor()).sum();
        let owed: i64 = if self.is_live() { self.vendor_orders.iter().map(owed).sum::<i64>() - goodwill } else { 0 };
        let as_owed = retained == owed || (charged_back && retained <= owed);
        if !as_owed {
            violations
                .push(format!("{id}: {retained} were kept, and the {} order costs {owed}", self.order.state.as_str()));
        }
    }

    fn check_finished(&self, now: Timestamp, violations: &mut Vec<String>) {
        let id = self.order.id;
        if let Some(due) = self.order.due_at.filter(|due| *due <= now) {
            violations.push(format!("{id}: still {}, though it was due at {due}", self.order.state.as_str()));
        }
        for refund in &self.refunds {
            let has_ended = matches!(refund.state, RefundState::Succeeded | RefundState::Resolved);
            if !has_ended && refund.dispute.is_none() {
                violations.push(format!("{id}: the refund {} is {:?}", refund.id, refund.state));
            }
        }
        let sum = |of: &[Value], name: &str| of.iter().filter_map(|one| one[name].as_i64()).sum::<i64>();
        let by_card = |payment: &&Payment| payment.provider == ProviderName::Stripe;
        let took: i64 =
            self.payments.iter().filter(by_card).filter_map(|payment| payment.captured).map(domain::Money::minor).sum();
        let received = sum(&self.books.intents, "amount_received");
        if took != received {
            violations.push(format!("{id}: the provider has captured {received}, the tables {took}"));
        }
        let done = self.refunds.iter().filter(|refund| refund.state == RefundState::Succeeded);
        let back: i64 = done.map(|refund| refund.to_send().minor()).sum();
        let returned: Vec<Value> =
            self.books.refunds.iter().filter(|refund| refund["status"] == "succeeded").cloned().collect();
        if back != sum(&returned, "amount") {
            violations.push(format!("{id}: the provider has refunded {}, the tables {back}", sum(&returned, "amount")));
        }
        // One that no attempt knows was given to nobody.
        let is_known = |intent: &&Value| {
            self.payments.iter().any(|payment| payment.references().any(|known| intent["id"] == known))
        };
        let is_open = |one: &&Value| one["status"] == "requires_payment_method" || one["status"] == "open";
        if self.order.state != OrderState::AwaitingPayment {
            for intent in self.books.intents.iter().chain(&self.books.sessions).filter(is_open).filter(is_known) {
                violations.push(format!("{id}: is {}, and {} can be paid", self.order.state.as_str(), intent["id"]));
            }
        }
    }
}
