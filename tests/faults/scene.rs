//! A shop in which one thing is done, with or without a fault, and looked at when all has come to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use local::faults::Call;
use serde_json::Value;

use super::cases::Case;
use super::uses::Use;
use crate::shop::{Guest, Ledger, Product, Shop};

/// How often housekeeping comes by at most until nothing is under way any more.
const ROUNDS: usize = 14;
/// A little more than the minute in which housekeeping comes by, and than what a queue hides a failed message for.
const ROUND: Duration = Duration::from_secs(95);
/// Longer than any order waits for its money.
const PAST_ALL_DEADLINES: Duration = Duration::from_secs(20 * 60);

/// The world in which it happens.
pub(super) struct Scene {
    pub(super) shop: Shop,
    pub(super) bowl: Product,
    pub(super) scarf: Product,
    pub(super) guest: Guest,
    /// The order that it is about.
    pub(super) order: Value,
    /// Where the job is that it is about.
    pub(super) job: String,
    /// What came into the houses, by variant.
    pub(super) received: BTreeMap<String, i64>,
}

/// What happened.
#[derive(Debug)]
pub(super) struct Seen {
    /// The calls of the routes in question.
    pub(super) calls: Vec<Call>,
    /// What became of the orders.
    outcome: Vec<String>,
    /// Who was told what.
    told: BTreeSet<(String, String)>,
    /// What else there is to see, such as products.
    also: Value,
}

impl Scene {
    /// Does it, with the fault of a case or with none; with a fault, all must end as it did without.
    pub(super) async fn run(of: Use, fault: Option<(&Case, &Seen)>) -> Result<Seen, Vec<String>> {
        // What is unexpected ends a case like a broken law does, and does not keep the other cases from running.
        let ran = AssertUnwindSafe(Self::run_to_the_end(of, fault)).catch_unwind().await;
        ran.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(vec![text.unwrap_or_else(|| "a panic without words".to_owned())])
        })
    }

    async fn run_to_the_end(of: Use, fault: Option<(&Case, &Seen)>) -> Result<Seen, Vec<String>> {
        let mut scene = Self::open(of).await;
        scene.prepare(of).await;
        if of != Use::Tell {
            scene.shop.settled().await;
        }
        scene.shop.hold_webhooks(true).await;
        let faults = scene.shop.cloud.services().faults.clone();
        faults.clear();
        faults.record();
        if let Some((case, _)) = fault {
            faults.add(case.fault());
        }
        scene.act(of).await;
        scene.shop.settled().await;
        let routes = of.routes();
        let concerned = |call: &Call| match &call.route {
            Some(route) => routes.contains(&route.as_str()),
            None => of.is_told_by_the_provider() && call.operation == "Webhook",
        };
        let calls: Vec<Call> = faults.recorded().into_iter().filter(concerned).collect();
        let struck = faults.struck();
        faults.clear();
        let mut broken = Vec::new();
        if let Some((case, _)) = fault
            && struck.iter().all(|struck| struck.operation != case.call.operation)
        {
            broken.push(format!("another call was struck than was meant: {struck:?}"));
        }
        let ledger = Ledger::read(&scene.shop).await;
        broken.extend(ledger.always(&scene.received).into_iter().map(|law| format!("right afterwards: {law}")));

        scene.finish(of).await;
        scene.shop.hold_webhooks(false).await;
        let ledger = scene.rest().await;
        broken.extend(ledger.always(&scene.received));
        broken.extend(ledger.at_rest());
        for (letter, times) in ledger.repeated_letters() {
            let allowed = fault.is_some_and(|(case, _)| case.may_repeat_a_letter()) && times == 2;
            if !allowed {
                broken.push(format!("sent {times} times: {letter:?}"));
            }
        }
        let seen = Seen { calls, outcome: ledger.outcome(), told: scene.told(&ledger), also: scene.also(of).await };
        if let Some((_, calm)) = fault {
            differ("orders", &calm.outcome, &seen.outcome, &mut broken);
            differ("letters", &calm.told, &seen.told, &mut broken);
            differ("what else there is", &calm.also, &seen.also, &mut broken);
        }
        if broken.is_empty() { Ok(seen) } else { Err(broken) }
    }

    /// Two sellers, each with something to sell, one of it over two counters; and a guest who wants both.
    async fn open(of: Use) -> Self {
        let shop = Shop::open().await;
        let (ceramics, silk) = (shop.vendor("ceramics").await, shop.vendor("silk").await);
        let bowl = ceramics.product("bowl").stock(5).publish().await;
        let scarf = silk.product("scarf").price("30.00").shards(2).stock(6).publish().await;
        let client = if of == Use::CancelMine { shop.buyer("aziza").await } else { shop.anon() };
        let mut guest = Guest::new(client, "USD").await.takes(&[(&bowl, 2), (&scarf, 1)]).await;
        if of == Use::CancelMine {
            let claimed = guest.client.post(&guest.path("/claim"), &Value::Null).await.expect(200).clone();
            guest.cart = claimed["id"].as_str().expect("an id").to_owned();
            guest.address().await.expect(200);
        }
        let received = BTreeMap::from([(bowl.variant.clone(), 5), (scarf.variant.clone(), 6)]);
        Self { shop, bowl, scarf, guest, order: Value::Null, job: String::new(), received }
    }

    /// Lets time pass until nothing is under way, and then some more.
    async fn rest(&self) -> Ledger {
        // A letter that is under way when the clock jumps past its claim is written again.
        self.shop.settled().await;
        for _ in 0..ROUNDS {
            self.shop.advance(ROUND).await;
            if Ledger::read(&self.shop).await.at_rest().is_empty() {
                break;
            }
        }
        self.shop.advance(PAST_ALL_DEADLINES).await;
        self.shop.advance(ROUND).await;
        Ledger::read(&self.shop).await
    }

    /// Who was told what, in words that are the same each time.
    fn told(&self, ledger: &Ledger) -> BTreeSet<(String, String)> {
        let numbers: Vec<String> = ledger.orders.iter().map(|filed| filed.order.id.number()).collect();
        let mut told = BTreeSet::new();
        for (to, subject, _) in &ledger.letters {
            let subject = numbers.iter().fold(subject.clone(), |subject, number| subject.replace(number, "#"));
            let to = if *to == self.guest.email { "the buyer" } else { to };
            told.insert((to.to_owned(), subject));
        }
        told
    }
}

fn differ<T: PartialEq + std::fmt::Debug>(what: &str, calm: &T, seen: &T, broken: &mut Vec<String>) {
    if calm != seen {
        broken.push(format!("{what}: {calm:?} without the fault, {seen:?} with it"));
    }
}
