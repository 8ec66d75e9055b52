//! A run of one use case in a marketplace of its own, with or without a fault, compared once no work is pending.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use cloud::faults::Call;
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::cases::Case;
use super::use_cases::UseCase;
use crate::shop::{Guest, Ledger, Product, Shop};

/// How many intervals to wait at most until no work is pending.
const MAX_INTERVALS: usize = 14;
/// Longer than the interval of housekeeping, and than the visibility timeout of a failed message.
const SETTLING_INTERVAL: Duration = Duration::from_secs(95);
/// Longer than any order waits for its payment.
const PAST_ALL_DEADLINES: Duration = Duration::from_secs(20 * 60);

/// The marketplace of one run.
pub(super) struct Scenario {
    pub(super) shop: Shop,
    pub(super) bowl: Product,
    pub(super) scarf: Product,
    pub(super) guest: Guest,
    /// The order under test.
    pub(super) order: Value,
    /// The path of the import under test.
    pub(super) job: String,
    /// Units that vendors have put in stock, by variant.
    pub(super) received: BTreeMap<String, i64>,
}

/// What a run is compared by.
#[derive(Debug)]
pub(super) struct Observation {
    /// The calls of the use case's routes.
    pub(super) calls: Vec<Call>,
    /// State and amounts of each order.
    outcome: Vec<String>,
    /// Recipient and subject of each message.
    messages: BTreeSet<(String, String)>,
    /// Other state, such as products.
    extra_state: Value,
}

impl Scenario {
    /// Runs a use case, with the fault of a case or with none. With a fault, the result must equal the baseline's.
    pub(super) async fn run(of: UseCase, fault: Option<(&Case, &Observation)>) -> Result<Observation, Vec<String>> {
        // A panic fails the case like a violated invariant, and does not keep the other cases from running.
        let ran = AssertUnwindSafe(Self::run_to_the_end(of, fault)).catch_unwind().await;
        ran.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(vec![text.unwrap_or_else(|| "a panic without a message".to_owned())])
        })
    }

    async fn run_to_the_end(of: UseCase, fault: Option<(&Case, &Observation)>) -> Result<Observation, Vec<String>> {
        let mut scenario = Self::open(of).await;
        scenario.prepare(of).await;
        if of != UseCase::DeliverEvent {
            scenario.shop.wait_until_idle().await;
        }
        scenario.shop.hold_webhooks(true).await;
        let faults = scenario.shop.cloud.services().faults.clone();
        faults.clear();
        faults.record();
        if let Some((case, _)) = fault {
            faults.add(case.fault());
        }
        scenario.act(of).await;
        scenario.shop.wait_until_idle().await;
        let routes = of.routes();
        let concerned = |call: &Call| match &call.route {
            Some(route) => routes.contains(&route.as_str()),
            None => of.begins_with_webhook() && call.operation == "Webhook",
        };
        let calls: Vec<Call> = faults.recorded().into_iter().filter(concerned).collect();
        let triggered = faults.triggered();
        faults.clear();
        let mut violations = Vec::new();
        if let Some((case, _)) = fault
            && triggered.iter().all(|triggered| triggered.operation != case.call.operation)
        {
            violations.push(format!("another call met the fault: {triggered:?}"));
        }
        let ledger = Ledger::read(&scenario.shop).await;
        violations.extend(
            ledger.always(&scenario.received).into_iter().map(|violation| format!("right afterwards: {violation}")),
        );

        scenario.finish(of).await;
        scenario.shop.hold_webhooks(false).await;
        let ledger = scenario.rest().await;
        violations.extend(ledger.always(&scenario.received));
        violations.extend(ledger.at_rest());
        for (message, times) in ledger.repeated_messages() {
            let allowed = fault.is_some_and(|(case, _)| case.may_repeat_mail()) && times == 2;
            if !allowed {
                violations.push(format!("sent {times} times: {message:?}"));
            }
        }
        let seen = Observation {
            calls,
            outcome: ledger.outcome(),
            messages: scenario.messages(&ledger),
            extra_state: scenario.extra_state(of).await,
        };
        if let Some((_, baseline)) = fault {
            differ("orders", &baseline.outcome, &seen.outcome, &mut violations);
            differ("messages", &baseline.messages, &seen.messages, &mut violations);
            differ("other state", &baseline.extra_state, &seen.extra_state, &mut violations);
        }
        if violations.is_empty() { Ok(seen) } else { Err(violations) }
    }

    /// Two vendors with a product each, one of them over two shards, and a guest with both products in the cart.
    async fn open(of: UseCase) -> Self {
        let shop = Shop::open().await;
        let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
        let (mut prices, mut delivery) = (["12.50", "30.00"], "5.00");
        if of == UseCase::CheckOutForNothing {
            (prices, delivery) = (["0.00"; 2], "0.00");
        }
        for vendor in [&ceramics, &silk] {
            let rates = json!({"shipping_rates": [{"amount": delivery, "currency": "USD"}]});
            vendor.client.patch("/v1/vendors/me", &rates).await.expect(200);
        }
        let bowl = ceramics.product("bowl").price(prices[0]).stock(5).publish().await;
        let scarf = silk.product("scarf").price(prices[1]).shards(2).stock(6).publish().await;
        let client = if of == UseCase::CancelAsBuyer { shop.buyer("aziza").await } else { shop.anon() };
        let mut guest = Guest::new(client, "USD").await.takes(&[(&bowl, 2), (&scarf, 1)]).await;
        if of == UseCase::CancelAsBuyer {
            let claimed = guest.client.post(&guest.path("/claim"), &Value::Null).await.expect(200).clone();
            guest.cart = claimed["id"].as_str().expect("an id").to_owned();
            guest.address().await.expect(200);
        }
        let received = BTreeMap::from([(bowl.variant.clone(), 5), (scarf.variant.clone(), 6)]);
        Self { shop, bowl, scarf, guest, order: Value::Null, job: String::new(), received }
    }

    /// Moves the clock until no work is pending, and then past all deadlines.
    async fn rest(&self) -> Ledger {
        // Waits first: a message that is being sent while the clock jumps past its claim would be sent again.
        self.shop.wait_until_idle().await;
        for _ in 0..MAX_INTERVALS {
            self.shop.advance(SETTLING_INTERVAL).await;
            if Ledger::read(&self.shop).await.at_rest().is_empty() {
                break;
            }
        }
        self.shop.advance(PAST_ALL_DEADLINES).await;
        self.shop.advance(SETTLING_INTERVAL).await;
        Ledger::read(&self.shop).await
    }

    /// Recipient and subject of each message, with ids masked so that two runs can be compared.
    fn messages(&self, ledger: &Ledger) -> BTreeSet<(String, String)> {
        let numbers: Vec<String> = ledger.orders.iter().map(|stored| stored.order.id.number()).collect();
        let mut messages = BTreeSet::new();
        for (to, subject, _) in &ledger.messages {
            let subject = numbers.iter().fold(subject.clone(), |subject, number| subject.replace(number, "#"));
            let to = if *to == self.guest.email { "the buyer" } else { to };
            messages.insert((to.to_owned(), subject));
        }
        messages
    }
}

fn differ<T: PartialEq + std::fmt::Debug>(what: &str, baseline: &T, seen: &T, violations: &mut Vec<String>) {
    if baseline != seen {
        violations.push(format!("{what}: {baseline:?} without the fault, {seen:?} with it"));
    }
}
