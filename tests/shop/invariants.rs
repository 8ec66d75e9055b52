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
pub(crate) struct Filed {
    pub(crate) order: Order,
    pub(crate) parts: Vec<VendorOrder>,
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

/// One counter of stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counter {
    available: i64,
    reserved: i64,
}

/// A letter that tells of an order: to whom, its subject and its text.
pub(crate) type Told = (String, String, String);

/// Everything, as it is now.
pub(crate) struct Ledger {
    now: Timestamp,
    pub(crate) orders: Vec<Filed>,
    counters: BTreeMap<String, Vec<Counter>>,
    /// Items of the orders' table that are no part of an order: events and keys.
    loose: Vec<Value>,
    jobs: Vec<Value>,
    /// How many messages each queue holds, those that nobody could handle included.
    queued: BTreeMap<String, u64>,
    /// Webhooks that the provider has not delivered.
    unheard: Vec<Value>,
    /// The provider's names of payments that brought money.
    paid: Vec<String>,
    /// Letters that tell of orders, in no order.
    pub(crate) letters: Vec<Told>,
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
        let mut orders: BTreeMap<OrderId, Filed> = BTreeMap::new();
        let (mut parts, mut payments, mut refunds) = (Vec::new(), Vec::new(), Vec::new());
        let (mut disputes, mut loose) = (Vec::new(), Vec::new());
        for item in items(shop, "OrdersTable").await {
            match item["kind"]["S"].as_str().unwrap_or_default() {
                "order" => {
                    let order: Order = body(&item);
                    let books = books(shop, order.id).await;
                    let filed =
                        Filed { order, parts: vec![], payments: vec![], refunds: vec![], disputes: vec![], books };
                    orders.insert(filed.order.id, filed);
                }
                "vendor_order" => parts.push(body::<VendorOrder>(&item)),
                "payment" => payments.push(body::<Payment>(&item)),
                "refund" => refunds.push(body::<Refund>(&item)),
                "dispute" => disputes.push(body::<Dispute>(&item)),
                _ => loose.push(item),
            }
        }
        let of = "a part of an order that is there";
        parts.into_iter().for_each(|part| orders.get_mut(&part.order).expect(of).parts.push(part));
        payments.into_iter().for_each(|payment| orders.get_mut(&payment.order).expect(of).payments.push(payment));
        refunds.into_iter().for_each(|refund| orders.get_mut(&refund.order).expect(of).refunds.push(refund));
        disputes.into_iter().for_each(|dispute| orders.get_mut(&dispute.order).expect(of).disputes.push(dispute));

        let mut counters: BTreeMap<String, Vec<Counter>> = BTreeMap::new();
        for item in items(shop, "StockTable").await {
            let Some(name) = item["pk"]["S"].as_str().and_then(|pk| pk.strip_prefix("STOCK#")) else { continue };
            let variant = name.split('#').next().unwrap_or_default().to_owned();
            let counter = Counter { available: number(&item, "available"), reserved: number(&item, "reserved") };
            counters.entry(variant).or_default().push(counter);
        }
        let jobs = items(shop, "AccountsTable").await;
        let jobs = jobs.iter().filter(|item| matches!(item["kind"]["S"].as_str(), Some("import" | "export")));
        let queued = services.template.queues.iter().map(|queue| {
            let depth = services.queues.depth(&queue.name).expect("a queue");
            (queue.name.clone(), depth.visible + depth.in_flight + depth.delayed)
        });
        let webhooks = shop.anon().get("/_local/pay/stripe/webhooks").await.expect(200).clone();
        let events = webhooks["items"].as_array().expect("events");
        let unheard = events.iter().filter(|event| event["delivered_at"].is_null());
        let paid = events.iter().filter(|event| event["type"] == "payment_intent.succeeded");
        let paid = paid.filter_map(|event| event["intent"].as_str().map(str::to_owned));
        let letters = services.mail.letters(None).expect("mail can be read").into_iter().map(|kept| kept.letter);
        let letters = letters.filter(|letter| letter.code.is_none() && letter.subject.to_lowercase().contains("order"));
        Self {
            now: shop.cloud.clock().now(),
            orders: orders.into_values().collect(),
            counters,
            loose,
            jobs: jobs.map(body).collect(),
            queued: queued.collect(),
            unheard: unheard.cloned().collect(),
            paid: paid.collect(),
            letters: letters.map(|letter| (letter.to, letter.subject, letter.text)).collect(),
        }
    }

    /// What must never be otherwise. `received` is what came into each house, by variant.
    pub(crate) fn always(&self, received: &BTreeMap<String, i64>) -> Vec<String> {
        let mut broken = Vec::new();
        self.stock(received, &mut broken);
        for filed in &self.orders {
            filed.money(&mut broken);
        }
        let mut carts: BTreeMap<String, Vec<OrderId>> = BTreeMap::new();
        for Filed { order, .. } in &self.orders {
            if !matches!(order.state, OrderState::Expired | OrderState::Cancelled) {
                carts.entry(order.cart.to_string()).or_default().push(order.id);
            }
        }
        carts.retain(|_, orders| orders.len() > 1);
        for (cart, orders) in carts {
            broken.push(format!("the cart {cart} was ordered more than once: {orders:?}"));
        }
        broken
    }

    /// Received = available + reserved + shipped, for each variant over all its counters.
    fn stock(&self, received: &BTreeMap<String, i64>, broken: &mut Vec<String>) {
        for (variant, received) in received {
            let counters = self.counters.get(variant).map(Vec::as_slice).unwrap_or_default();
            if counters.iter().any(|counter| counter.available < 0 || counter.reserved < 0) {
                broken.push(format!("a counter of {variant} is below zero: {counters:?}"));
            }
            let (mut promised, mut shipped) = (0, 0);
            for part in self.orders.iter().flat_map(|filed| &filed.parts) {
                let lines = part.lines.iter().filter(|line| line.variant.to_string() == *variant);
                let units: i64 = lines.map(|line| i64::from(line.quantity)).sum();
                if part.state.holds_stock() {
                    promised += units;
                } else if !part.state.is_off() {
                    shipped += units;
                }
            }
            let available: i64 = counters.iter().map(|counter| counter.available).sum();
            let reserved: i64 = counters.iter().map(|counter| counter.reserved).sum();
            if available + reserved + shipped != *received || reserved != promised {
                broken.push(format!(
                    "stock of {variant}: received {received}, but available {available} + reserved {reserved} + shipped \
                     {shipped}, and {promised} are promised"
                ));
            }
        }
    }

    /// What must hold once everything has come to its end: nothing is under way, nothing is stuck, and the provider's books say
    /// what ours say.
    pub(crate) fn at_rest(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for filed in &self.orders {
            filed.is_over(self.now, &mut broken);
        }
        for item in &self.loose {
            if item.get("undelivered").is_some() {
                broken.push(format!("nobody has acted on an event: {item}"));
            }
            let answered = item.as_object().is_some_and(|item| item.keys().any(|name| name.starts_with("answer")));
            if item.get("running_until").is_some() && !answered {
                broken.push(format!("a key is still running: {item}"));
            }
        }
        for intent in self.paid.iter().filter(|intent| !self.orders.iter().any(|filed| filed.has_intent(intent))) {
            broken.push(format!("{intent} brought money, and belongs to no order"));
        }
        self.unpaid(&mut broken);
        for job in &self.jobs {
            if !matches!(job["state"].as_str(), Some("completed" | "failed")) {
                broken.push(format!("an import is stuck: {job}"));
            }
        }
        for (queue, messages) in self.queued.iter().filter(|(_, messages)| **messages > 0) {
            broken.push(format!("{messages} messages lie in {queue}"));
        }
        for event in &self.unheard {
            broken.push(format!("a webhook was never taken: {event}"));
        }
        broken
    }

    /// Those orders take up an address's places that wait for their money, and no others.
    fn unpaid(&self, broken: &mut Vec<String>) {
        let sets = self.loose.iter().filter(|item| item["kind"]["S"] == "unpaid");
        let names = sets.filter_map(|item| item["unpaid"]["SS"].as_array()).flatten();
        let mut counted: Vec<String> = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
        let waits = |order: &&Order| match order.state {
            OrderState::AwaitingPayment => true,
            OrderState::Confirmed => order.due_at.is_some(),
            _ => false,
        };
        let mut waiting: Vec<String> =
            self.orders.iter().map(|filed| &filed.order).filter(waits).map(|order| order.id.to_string()).collect();
        counted.sort();
        waiting.sort();
        if counted != waiting {
            broken.push(format!("{counted:?} are counted as unpaid, and {waiting:?} wait for their money"));
        }
    }

    /// Units of a variant that can be bought.
    pub(crate) fn available(&self, variant: &str) -> i64 {
        self.counters.get(variant).into_iter().flatten().map(|counter| counter.available).sum()
    }

    /// Letters that were sent more than once.
    pub(crate) fn repeated_letters(&self) -> Vec<(Told, usize)> {
        let mut counts: BTreeMap<&Told, usize> = BTreeMap::new();
        self.letters.iter().for_each(|letter| *counts.entry(letter).or_default() += 1);
        counts.into_iter().filter(|(_, count)| *count > 1).map(|(letter, count)| (letter.clone(), count)).collect()
    }

    /// What became of the orders, without what differs from one time to the next.
    pub(crate) fn outcome(&self) -> Vec<String> {
        let mut outcome: Vec<String> = self.orders.iter().map(Filed::outcome).collect();
        outcome.sort();
        outcome
    }
}

async fn books(shop: &Shop, order: OrderId) -> Books {
    let answer = shop.anon().get(&format!("/_local/pay/stripe/orders/{order}")).await;
    let list = |name: &str| answer.json[name].as_array().cloned().unwrap_or_default();
    if answer.status == 200 { Books { intents: list("intents"), refunds: list("refunds") } } else { Books::default() }
}

impl Filed {
    /// Whether one of the provider's payments belongs to this order.
    pub(crate) fn has_intent(&self, intent: &str) -> bool {
        self.books.intents.iter().any(|known| known["id"] == intent)
    }

    fn is_live(&self) -> bool {
        matches!(self.order.state, OrderState::Paid | OrderState::Completed)
    }

    fn outcome(&self) -> String {
        let part = |part: &VendorOrder| format!("{}: {}", part.vendor.handle, part.state.as_str());
        let mut parts: Vec<String> = self.parts.iter().map(part).collect();
        parts.sort();
        let took: i64 = self.payments.iter().filter_map(|payment| payment.captured).map(domain::Money::minor).sum();
        let back: i64 = self.refunds.iter().map(|refund| refund.to_send().minor()).sum();
        let disputes: Vec<String> = self.disputes.iter().map(|dispute| format!(", {:?}", dispute.state)).collect();
        let parts = parts.join(", ");
        format!("{} [{parts}] took {took}, gave back {back}{}", self.order.state.as_str(), disputes.concat())
    }

    /// Captured = paid + refunded; no money without an order, no paid order without money.
    fn money(&self, broken: &mut Vec<String>) {
        let id = self.order.id;
        for payment in self.payments.iter().filter(|payment| payment.provider == ProviderName::Stripe) {
            let Some(captured) = payment.captured else { continue };
            let intent = self.books.intents.iter().find(|intent| intent["id"].as_str() == payment.reference.as_deref());
            let received = intent.and_then(|intent| intent["amount_received"].as_i64()).unwrap_or(0);
            if received != captured.minor() {
                broken.push(format!("{id}: {} says {captured:?}, its provider says {received}", payment.id));
            }
        }
        if self.is_live() && !self.payments.iter().any(Payment::has_paid) {
            broken.push(format!("{id}: paid, and no payment has brought the money"));
        }
        let (mut kept, mut charged_back) = (0, false);
        for payment in self.payments.iter().filter(|payment| payment.state.took_money()) {
            let captured = payment.captured.map_or(0, domain::Money::minor);
            let back: i64 = self
                .refunds
                .iter()
                .filter(|refund| refund.payment == payment.id && refund.state != RefundState::Failed)
                .map(|refund| refund.to_send().minor())
                .sum();
            if back > captured {
                broken.push(format!("{id}: {back} go back of {captured}"));
            }
            // What the buyer's bank gave him counts, and nothing of it goes back a second time.
            let lost = |known: &&Dispute| known.payment == payment.id && known.state == DisputeState::Lost;
            let lost = self.disputes.iter().filter(lost).filter_map(|dispute| dispute.amount);
            let lost: i64 = lost.map(domain::Money::minor).sum();
            charged_back |= lost > 0;
            if back + lost > captured {
                broken.push(format!("{id}: {back} go back and the bank gave {lost}, of {captured}"));
            }
            let back = back + lost;
            // Of an amount that nobody asked for, the operator decides.
            if payment.has_paid() || payment.provider != ProviderName::Stripe {
                kept += captured - back;
            }
        }
        let owed: i64 = if self.is_live() {
            let on = self.parts.iter().filter(|part| !part.state.is_off());
            on.map(|part| part.totals.total.minor()).sum()
        } else {
            0
        };
        let as_owed = kept == owed || (charged_back && kept <= owed);
        if !as_owed {
            broken.push(format!("{id}: {kept} were kept, and the {} order costs {owed}", self.order.state.as_str()));
        }
    }

    fn is_over(&self, now: Timestamp, broken: &mut Vec<String>) {
        let id = self.order.id;
        if let Some(due) = self.order.due_at.filter(|due| *due <= now) {
            broken.push(format!("{id}: still {}, though its time was over at {due}", self.order.state.as_str()));
        }
        for refund in &self.refunds {
            if refund.state != RefundState::Succeeded && refund.dispute.is_none() {
                broken.push(format!("{id}: the refund {} is {:?}", refund.id, refund.state));
            }
        }
        let sum = |of: &[Value], name: &str| of.iter().filter_map(|one| one[name].as_i64()).sum::<i64>();
        let by_card = |payment: &&Payment| payment.provider == ProviderName::Stripe;
        let took: i64 =
            self.payments.iter().filter(by_card).filter_map(|payment| payment.captured).map(domain::Money::minor).sum();
        let received = sum(&self.books.intents, "amount_received");
        if took != received {
            broken.push(format!("{id}: the provider has taken {received}, and we know of {took}"));
        }
        let done = self.refunds.iter().filter(|refund| refund.state == RefundState::Succeeded);
        let back: i64 = done.map(|refund| refund.to_send().minor()).sum();
        let returned: Vec<Value> =
            self.books.refunds.iter().filter(|refund| refund["status"] == "succeeded").cloned().collect();
        if back != sum(&returned, "amount") {
            broken.push(format!("{id}: {} went back at the provider, and we know of {back}", sum(&returned, "amount")));
        }
        if matches!(self.order.state, OrderState::Expired | OrderState::Cancelled) {
            for intent in self.books.intents.iter().filter(|intent| intent["status"] == "requires_payment_method") {
                broken.push(format!("{id}: over, and {} can still be paid", intent["id"]));
            }
        }
    }
}
