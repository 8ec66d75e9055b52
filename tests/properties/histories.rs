//! Random histories: buyers, vendors, the provider and the clock act in any order. After each step the marketplace must
//! agree with a simple model, and its invariants must hold.
//!
//! `BOZOR_HISTORIES=200` runs this many histories, `BOZOR_HISTORIES_SEED=7` runs others. A history that violates an
//! invariant is shrunk and printed; nothing is stored in files.

mod actions;
mod model;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::json;

use self::actions::{Action, ProviderEvent, history};
use self::model::Model;
use crate::properties::faults::print_uncaptured;
use crate::shop::{Ledger, Product, Shop};

const SEED: u64 = 20_261_121;
const HISTORIES: u32 = 12;
/// Maximum number of steps of a history.
pub(crate) const STEPS: usize = 25;

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment chooses the histories")]
fn random_histories_keep_the_invariants() {
    let asked = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seed = asked("BOZOR_HISTORIES_SEED").unwrap_or(SEED);
    let cases = asked("BOZOR_HISTORIES").map_or(HISTORIES, |cases| u32::try_from(cases).expect("few"));
    print_uncaptured(&format!("histories: {cases} of up to {STEPS} steps (BOZOR_HISTORIES_SEED={seed})"));
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcome = runner.run(&history(STEPS), |actions| {
        runtime.block_on(run(&actions)).map_err(|violations| TestCaseError::fail(format!("{violations:#?}")))
    });
    if let Err(failure) = outcome {
        panic!("BOZOR_HISTORIES_SEED={seed}: {failure}");
    }
}

/// A marketplace, and the model of it.
struct Simulation {
    shop: Shop,
    products: Vec<Product>,
    model: Model,
    /// The current step. It makes idempotency keys differ.
    step: usize,
    /// The days that have passed: so few that no order that is payable on delivery comes to its own deadline.
    days: u32,
    /// The disputes of each order that were open, and whether one was lost, by the order's id.
    disputes: BTreeMap<String, (bool, bool)>,
}

async fn run(actions: &[Action]) -> Result<(), Vec<String>> {
    let shop = Shop::open().await;
    let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
    let products = vec![
        ceramics.product("bowl").price("12.50").stock(5).publish().await,
        ceramics.product("plate").price("8.00").stock(3).publish().await,
        silk.product("scarf").price("30.00").shards(2).stock(4).publish().await,
    ];
    let model = Model::new(&[5, 3, 4], &[0, 0, 1], shop.cloud.now());
    let mut simulation = Simulation { shop, products, model, step: 0, days: 0, disputes: BTreeMap::new() };
    for (step, action) in actions.iter().enumerate() {
        simulation.step = step;
        let at_step = |violations: String| vec![format!("step {step}, {action:?}: {violations}")];
        simulation.act(action).await.map_err(at_step)?;
        let ledger = simulation.take_snapshot().await;
        simulation.learn_disputes(&ledger);
        let mut violations = ledger.always(&simulation.received());
        violations.extend(simulation.model.differences(&ledger, &simulation.products));
        if !violations.is_empty() {
            violations.insert(0, format!("after step {step}, {action:?}"));
            return Err(violations);
        }
    }
    simulation.run_to_rest().await
}

impl Simulation {
    async fn take_snapshot(&self) -> Ledger {
        self.shop.wait_until_idle().await;
        Ledger::read(&self.shop).await
    }

    fn received(&self) -> BTreeMap<String, i64> {
        let variants = self.products.iter().map(|product| product.variant.clone());
        variants.zip(self.model.received()).collect()
    }

    /// Completes all pending work, and checks that nothing is stuck.
    async fn run_to_rest(&mut self) -> Result<(), Vec<String>> {
        self.release_webhooks().await;
        // Every dispute is decided in the end.
        for order in 0..self.model.orders.len() {
            self.provider(order, ProviderEvent::IsWon).await.map_err(|violations| vec![violations])?;
        }
        // Waits first: a message that is being sent while the clock jumps past its claim would be sent again.
        self.shop.wait_until_idle().await;
        for _ in 0..14 {
            self.shop.advance(Duration::from_secs(95)).await;
            if self.take_snapshot().await.at_rest().is_empty() {
                break;
            }
        }
        self.shop.advance(Duration::from_secs(20 * 60)).await;
        self.shop.advance(Duration::from_secs(95)).await;
        self.model.time_passes(self.shop.cloud.now());
        let ledger = self.take_snapshot().await;
        self.learn_disputes(&ledger);
        let mut violations = ledger.always(&self.received());
        violations.extend(ledger.at_rest());
        violations.extend(self.model.differences(&ledger, &self.products));
        let repeated = ledger.repeated_messages().into_iter();
        violations.extend(repeated.map(|(message, times)| format!("sent {times} times: {message:?}")));
        if violations.is_empty() {
            return Ok(());
        }
        violations.insert(0, "at rest".to_owned());
        Err(violations)
    }

    async fn release_webhooks(&mut self) {
        self.shop.hold_webhooks(false).await;
        for _ in 0..50 {
            self.shop.advance(Duration::ZERO).await;
            if self.shop.webhooks().await.iter().all(|event| !event["delivered_at"].is_null()) {
                break;
            }
            tokio::task::yield_now().await;
        }
        self.model.all_webhooks_delivered();
    }

    /// Runs one step in the marketplace and in the model, and compares the responses.
    async fn act(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Order { lines, card } => self.order(lines, *card).await,
            Action::Provider { order, event } => self.provider(*order, *event).await,
            Action::RetryPayment { order } => self.retry_payment(*order).await,
            Action::Cancel { order } => self.cancel(*order).await,
            Action::Step { order, vendor, step } => self.step(*order, *vendor, *step).await,
            Action::SetStock { product, units } => {
                let expected = self.model.set_stock(*product, *units);
                self.change_stock(*product, &json!({"on_hand": units}), expected).await
            }
            Action::AdjustStock { product, by } => {
                let expected = self.model.adjust_stock(*product, *by);
                self.change_stock(*product, &json!({"adjust": by}), expected).await
            }
            Action::Hold { hold: true } => {
                self.shop.hold_webhooks(true).await;
                self.model.held = true;
                Ok(())
            }
            Action::Hold { hold: false } => {
                self.release_webhooks().await;
                Ok(())
            }
            Action::DeliverWebhook { event } => self.deliver_webhook(*event).await,
            Action::Grant { order, cents } => self.grant(*order, *cents).await,
            Action::Days { days } => self.days(*days).await,
            Action::Wait { minutes } => {
                self.shop.advance(Duration::from_secs(minutes * 60)).await;
                self.model.time_passes(self.shop.cloud.now());
                Ok(())
            }
        }
    }

    /// What banks decide is not a part of the model: it learns of it, and knows what follows.
    fn learn_disputes(&mut self, ledger: &Ledger) {
        for at in 0..self.model.orders.len() {
            let id = self.model.orders[at].id.clone();
            let Some(stored) = ledger.orders.iter().find(|stored| stored.order.id.to_string() == id) else { continue };
            let (was_open, was_lost) = self.disputes.get(&id).copied().unwrap_or_default();
            let (open, lost) = (stored.is_held(), stored.is_lost());
            if lost && !was_lost {
                self.model.loses_money(at);
            } else if was_open && !open {
                self.model.awaits_again(at);
            }
            self.disputes.insert(id, (open, lost));
        }
    }

    async fn grant(&mut self, order: usize, cents: u32) -> Result<(), String> {
        let Some(order) = self.model.nth(order) else { return Ok(()) };
        let path = format!("/v1/admin/orders/{}/refunds", self.model.orders[order].id);
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        let asked = json!({"amount": {"amount": amount, "currency": "USD"}, "reason": "It came late."});
        let client = self.shop.operator().await.with("idempotency-key", format!("{}", self.step));
        let answer = client.post(&path, &asked).await;
        if matches!(answer.status, 200 | 409) { Ok(()) } else { Err(answer.text) }
    }

    async fn days(&mut self, days: u32) -> Result<(), String> {
        for _ in 0..days {
            if self.days == 40 {
                break;
            }
            self.days += 1;
            self.shop.wait_until_idle().await;
            for seconds in [24 * 3_600, 61, 61] {
                self.shop.advance(Duration::from_secs(seconds)).await;
            }
            let ledger = self.take_snapshot().await;
            self.learn_disputes(&ledger);
            let disputes = self.disputes.clone();
            let held = |id: &str| disputes.get(id).is_some_and(|(open, _)| *open);
            self.model.days_pass(self.shop.cloud.now(), &held);
        }
        Ok(())
    }

    async fn order(&mut self, lines: &[(usize, u32)], card: bool) -> Result<(), String> {
        let mut wanted: BTreeMap<usize, u32> = BTreeMap::new();
        lines.iter().for_each(|(product, units)| *wanted.entry(*product).or_default() += units);
        let taken: Vec<(&Product, u32)> = wanted.iter().map(|(at, units)| (&self.products[*at], *units)).collect();
        let guest = self.shop.guest().await.takes(&taken).await;
        let provider = if card { "stripe" } else { "cash_on_delivery" };
        let total = guest.seen().await["totals"]["total"].clone();
        let answer = guest.checks_out_for(provider, "once", &total).await;
        if self.model.can_order(&wanted) {
            expect_same(answer.status, 201, &answer.text)?;
            let text = |name: &str| answer.json[name].as_str().expect("a text").to_owned();
            self.model.ordered(text("id"), text("token"), wanted, card, self.shop.cloud.now());
        } else {
            expect_same(answer.status, 409, &answer.text)?;
            expect_same(answer.json["code"].as_str(), Some("out_of_stock"), &answer.text)?;
        }
        // The same key replays the same response, whatever has happened since.
        if answer.status == 201 {
            let again = guest.checks_out_for(provider, "once", &total).await;
            expect_same((again.status, &again.json["id"]), (201, &answer.json["id"]), "the same key")?;
        }
        Ok(())
    }

    async fn provider(&mut self, order: usize, event: ProviderEvent) -> Result<(), String> {
        let Some(order) = self.model.nth(order) else { return Ok(()) };
        let path = format!("/_local/pay/stripe/orders/{}", self.model.orders[order].id);
        let answer = self.shop.anon().post(&path, &json!({"do": event.name()})).await;
        if answer.status == 200 && event.pays() {
            self.model.paid_at_provider(order);
        }
        Ok(())
    }

    async fn retry_payment(&mut self, order: usize) -> Result<(), String> {
        let Some(order) = self.model.nth(order) else { return Ok(()) };
        let known = &self.model.orders[order];
        let client =
            self.shop.anon().with("order-token", &known.token).with("idempotency-key", format!("{}", self.step));
        let path = format!("/v1/orders/{}/payments", known.id);
        let answer = client.post(&path, &json!({"provider": "stripe"})).await;
        let expected = if self.model.retries_payment(order) { 201 } else { 409 };
        expect_same(answer.status, expected, &answer.text)
    }

    async fn cancel(&mut self, order: usize) -> Result<(), String> {
        let Some(order) = self.model.nth(order) else { return Ok(()) };
        let known = &self.model.orders[order];
        let client =
            self.shop.anon().with("order-token", &known.token).with("idempotency-key", format!("{}", self.step));
        let answer = client.post(&format!("/v1/orders/{}/cancel", known.id), &json!({})).await;
        let expected = if self.model.cancelled(order) { 200 } else { 409 };
        expect_same(answer.status, expected, &answer.text)
    }

    async fn step(&mut self, order: usize, vendor: usize, step: actions::Step) -> Result<(), String> {
        let Some(order) = self.model.nth(order) else { return Ok(()) };
        let id = self.model.orders[order].id.clone();
        let owner = &self.products[if vendor == 0 { 0 } else { 2 }].vendor;
        let ledger = Ledger::read(&self.shop).await;
        let stored = ledger.orders.iter().find(|stored| stored.order.id.to_string() == id).expect("the order");
        let Some(vendor_order) =
            stored.vendor_orders.iter().find(|vendor_order| vendor_order.vendor.id.to_string() == owner.id)
        else {
            return Ok(());
        };
        let held = stored.is_held();
        let sent = self.model.sent(order, vendor, step);
        if matches!(step, actions::Step::Ask) {
            let token = self.model.orders[order].token.clone();
            let client = self.shop.anon().with("order-token", token).with("idempotency-key", format!("{}", self.step));
            let (product, _) = sent.units.unwrap_or((if vendor == 0 { 0 } else { 2 }, 1));
            let id_of_part = vendor_order.id().to_string();
            let asked = Shop::gives_back(&id_of_part, &self.products[product].variant);
            let answer = client.post(&format!("/v1/orders/{id}/returns"), &asked).await;
            let changes = self.model.steps(order, vendor, step, held);
            if changes {
                return expect_same(answer.status, 200, &answer.text);
            }
            return if (400..500).contains(&answer.status) { Ok(()) } else { Err(answer.text) };
        }
        let path = format!("/v1/vendor/orders/{}/{}", vendor_order.id(), sent.path);
        let client = self.shop.sign_in_again(owner).await.with("idempotency-key", format!("{}", self.step));
        let line =
            |(product, units): (usize, u32)| json!({"variant_id": self.products[product].variant, "quantity": units});
        let body = match sent.units {
            Some(units) => json!({"lines": [line(units)]}),
            None if sent.restock => json!({"restock": true}),
            None if matches!(step, actions::Step::Refuse) => json!({"reason": "It was worn."}),
            None => json!({}),
        };
        let answer = client.post(&path, &body).await;
        let changes = self.model.steps(order, vendor, step, held);
        if changes {
            return expect_same(answer.status, 200, &answer.text);
        }
        if answer.status < 500 { Ok(()) } else { Err(answer.text) }
    }

    async fn change_stock(&self, product: usize, asked: &serde_json::Value, expected: bool) -> Result<(), String> {
        let product = &self.products[product];
        let path = format!("/v1/vendor/products/{}/variants/{}/stock", product.id, product.variant);
        let client = self.shop.sign_in_again(&product.vendor).await.with("idempotency-key", format!("{}", self.step));
        let answer = client.put(&path, asked).await;
        expect_same(answer.status, if expected { 200 } else { 409 }, &answer.text)
    }

    /// Sends one of the sandbox's webhooks, for the first time or again, in any order.
    async fn deliver_webhook(&mut self, event: usize) -> Result<(), String> {
        let events = self.shop.webhooks().await;
        if events.is_empty() {
            return Ok(());
        }
        let event = &events[event % events.len()];
        let status = self.shop.send_webhook(event["event"].as_str().expect("an id")).await;
        expect_same(status, Some(200), "a webhook")?;
        if event["type"] == "payment_intent.succeeded" {
            let ledger = Ledger::read(&self.shop).await;
            let intent = event["intent"].as_str().expect("an intent");
            if let Some(stored) = ledger.orders.iter().find(|stored| stored.has_intent(intent)) {
                self.model.webhook_delivered(&stored.order.id.to_string());
            }
        }
        Ok(())
    }
}

fn expect_same<T: PartialEq + std::fmt::Debug>(seen: T, expected: T, about: &str) -> Result<(), String> {
    if seen == expected { Ok(()) } else { Err(format!("{seen:?} instead of {expected:?}: {about}")) }
}
