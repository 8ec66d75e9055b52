//! A simple model of the marketplace: units by product, and the state of each order.

mod lapses;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;

use super::actions::Step;
use crate::shop::{Ledger, Product};

/// How long an order waits for its payment.
const PAYMENT_TIMEOUT: Duration = Duration::from_secs(15 * 60);

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// For how long something can be given back after it was delivered.
const RETURN_WINDOW: Duration = Duration::from_secs(14 * 24 * 3_600);

pub(super) struct Model {
    /// Units that can be bought, by product.
    available: Vec<i64>,
    /// Units that vendors have put in stock, by product.
    received: Vec<i64>,
    /// The vendor's number, by product.
    vendors: Vec<usize>,
    pub(super) orders: Vec<ModelOrder>,
    /// Whether the provider's webhooks are held back.
    pub(super) held: bool,
    now: Timestamp,
}

pub(super) struct ModelOrder {
    pub(super) id: String,
    pub(super) token: String,
    state: &'static str,
    /// The vendor order, by vendor.
    vendor_orders: BTreeMap<usize, ModelVendorOrder>,
    card: bool,
    /// Whether the provider has captured the payment, reported or not.
    has_money: bool,
    due: Timestamp,
}

struct ModelVendorOrder {
    state: &'static str,
    /// Since when its vendor is awaited.
    since: Timestamp,
    /// Units that were ordered, by product.
    ordered: BTreeMap<usize, u32>,
    returns: Vec<ModelReturn>,
    /// Units that are neither shipped nor cancelled, by product.
    left: BTreeMap<usize, u32>,
    parcels: Vec<ModelParcel>,
}

struct ModelParcel {
    units: BTreeMap<usize, u32>,
    state: &'static str,
    /// When it came into its state.
    since: Timestamp,
}

/// One unit of a product that the buyer gives back.
struct ModelReturn {
    product: usize,
    state: &'static str,
    since: Timestamp,
}

impl ModelVendorOrder {
    /// Whether a return waits for somebody.
    fn has_open_return(&self) -> bool {
        self.returns.iter().any(|asked| matches!(asked.state, "requested" | "approved"))
    }

    /// The first return in a state, as its position.
    fn first_return(&self, state: &str) -> Option<usize> {
        self.returns.iter().position(|asked| asked.state == state)
    }

    fn delivered(&self, product: usize, now: Option<Timestamp>) -> u32 {
        let parcels = self.parcels.iter().filter(|parcel| parcel.state == "delivered");
        let in_time = parcels.filter(|parcel| now.is_none_or(|now| parcel.since + RETURN_WINDOW >= now));
        in_time.filter_map(|parcel| parcel.units.get(&product)).sum()
    }

    /// A product of which a unit can be given back.
    fn returnable(&self, now: Timestamp) -> Option<usize> {
        let taken = |product: usize| {
            let open =
                |asked: &&ModelReturn| asked.product == product && !matches!(asked.state, "declined" | "expired");
            u32::try_from(self.returns.iter().filter(open).count()).expect("few")
        };
        self.ordered.keys().copied().find(|product| self.delivered(*product, Some(now)) > taken(*product))
    }

    /// Units that came back: not delivered, or given back.
    fn gone(&self, product: usize) -> u32 {
        let lost = self.parcels.iter().filter(|parcel| matches!(parcel.state, "lost" | "returned_to_sender"));
        let lost: u32 = lost.filter_map(|parcel| parcel.units.get(&product)).sum();
        let shipped: u32 = self.parcels.iter().filter_map(|parcel| parcel.units.get(&product)).sum();
        let cancelled = self.ordered[&product] - shipped - self.left[&product];
        let received = self.returns.iter().filter(|asked| asked.product == product && asked.state == "received");
        lost + cancelled + u32::try_from(received.count()).expect("few")
    }

    /// All of it was given back.
    fn end_returned(&mut self) {
        let all = self.ordered.iter().all(|(product, units)| self.gone(*product) == *units);
        if self.state == "delivered" && all && self.returns.iter().any(|asked| asked.state == "received") {
            self.state = "returned";
        }
    }

    fn ship(&mut self, units: BTreeMap<usize, u32>, now: Timestamp) {
        self.since = now;
        for (product, units) in &units {
            *self.left.entry(*product).or_default() -= units;
        }
        self.parcels.push(ModelParcel { units, state: "shipped", since: now });
        self.state = if self.left.values().all(|left| *left == 0) { "shipped" } else { "partially_shipped" };
    }

    /// What follows once all parcels have ended.
    fn advance(&mut self) {
        let has = |state: &str| self.parcels.iter().any(|parcel| parcel.state == state);
        if self.state == "shipped" && !has("shipped") {
            self.state = if has("delivered") {
                "delivered"
            } else if has("lost") {
                "lost"
            } else {
                "returned_to_sender"
            };
        }
    }

    fn shipped(&self, product: usize) -> i64 {
        self.parcels.iter().filter_map(|parcel| parcel.units.get(&product)).map(|units| i64::from(*units)).sum()
    }
}

/// A step as it is sent: the path below the vendor order, and which units of a parcel.
pub(super) struct Sent {
    pub(super) path: String,
    /// Nothing for a parcel with all that is left.
    pub(super) units: Option<(usize, u32)>,
    pub(super) restock: bool,
}

impl Model {
    pub(super) fn new(units: &[i64], vendors: &[usize], now: Timestamp) -> Self {
        let (available, received) = (units.to_vec(), units.to_vec());
        Self { available, received, vendors: vendors.to_vec(), orders: Vec::new(), held: false, now }
    }

    pub(super) fn received(&self) -> Vec<i64> {
        self.received.clone()
    }

    pub(super) fn nth(&self, order: usize) -> Option<usize> {
        (!self.orders.is_empty()).then(|| order % self.orders.len())
    }

    pub(super) fn can_order(&self, wanted: &BTreeMap<usize, u32>) -> bool {
        wanted.iter().all(|(product, units)| self.available[*product] >= i64::from(*units))
    }

    pub(super) fn ordered(
        &mut self,
        id: String,
        token: String,
        wanted: BTreeMap<usize, u32>,
        card: bool,
        now: Timestamp,
    ) {
        wanted.iter().for_each(|(product, units)| self.available[*product] -= i64::from(*units));
        let mut vendor_orders: BTreeMap<usize, ModelVendorOrder> = BTreeMap::new();
        for (product, units) in &wanted {
            let new = || ModelVendorOrder {
                state: "pending",
                since: now,
                ordered: BTreeMap::new(),
                left: BTreeMap::new(),
                parcels: Vec::new(),
                returns: Vec::new(),
            };
            let vendor_order = vendor_orders.entry(self.vendors[*product]).or_insert_with(new);
            vendor_order.ordered.insert(*product, *units);
            vendor_order.left.insert(*product, *units);
        }
        let state = if card { "awaiting_payment" } else { "confirmed" };
        self.orders.push(ModelOrder {
            id,
            token,
            state,
            vendor_orders,
            card,
            has_money: false,
            due: now + PAYMENT_TIMEOUT,
        });
    }

    /// The buyer has paid. The webhook comes now, or later when webhooks are held back.
    pub(super) fn paid_at_provider(&mut self, order: usize) {
        self.orders[order].has_money = true;
        if !self.held {
            self.orders[order].pay(self.now);
        }
    }

    pub(super) fn webhook_delivered(&mut self, id: &str) {
        self.orders.iter_mut().filter(|order| order.id == id && order.has_money).for_each(|order| order.pay(self.now));
    }

    pub(super) fn all_webhooks_delivered(&mut self) {
        self.held = false;
        self.orders.iter_mut().filter(|order| order.has_money).for_each(|order| order.pay(self.now));
    }

    /// Whether another attempt is opened. The retry finds out when the order is paid already.
    pub(super) fn retries_payment(&mut self, order: usize) -> bool {
        let (order, now) = (&mut self.orders[order], self.now);
        let waits = order.state == "awaiting_payment";
        if waits && order.has_money {
            order.pay(now);
        }
        waits && !order.has_money
    }

    /// Whether the buyer may still cancel the order.
    pub(super) fn cancelled(&mut self, order: usize) -> bool {
        let known = &self.orders[order];
        if known.state == "cancelled" {
            return true;
        }
        let gone = known.vendor_orders.values().any(|vendor_order| !vendor_order.parcels.is_empty());
        if matches!(known.state, "expired" | "completed") || gone {
            return false;
        }
        self.end(order, "cancelled");
        true
    }

    /// Ends an order: cancels its open vendor orders and releases their stock.
    fn end(&mut self, order: usize, state: &'static str) {
        for vendor_order in self.orders[order].vendor_orders.values_mut() {
            if matches!(vendor_order.state, "pending" | "accepted") {
                vendor_order.state = "cancelled";
                release(&mut self.available, vendor_order);
            }
        }
        self.orders[order].state = state;
    }

    /// How a step of a vendor is sent.
    pub(super) fn sent(&self, order: usize, vendor: usize, step: Step) -> Sent {
        let known = self.orders[order].vendor_orders.get(&vendor);
        let on_its_way = |parcel: &ModelParcel| parcel.state == "shipped";
        let number = known.and_then(|known| known.parcels.iter().position(on_its_way)).map_or(1, |at| at + 1);
        let one =
            known.and_then(|known| known.left.iter().find(|(_, left)| **left > 0)).map(|(product, _)| (*product, 1));
        let asked = |state| known.and_then(|known| known.first_return(state)).map_or(1, |at| at + 1);
        let path = match step {
            Step::Accept => "accept".to_owned(),
            Step::Decline => "decline".to_owned(),
            Step::Ship | Step::ShipOne => "ship".to_owned(),
            Step::Deliver => "deliver".to_owned(),
            Step::Lose => format!("parcels/{number}/lost"),
            Step::TakeBack => format!("parcels/{number}/returned-to-sender"),
            Step::Ask => "returns".to_owned(),
            Step::Approve => format!("returns/{}/approve", asked("requested")),
            Step::Refuse => format!("returns/{}/decline", asked("requested")),
            Step::Receive => format!("returns/{}/receive", asked("approved")),
        };
        let units = match step {
            Step::ShipOne => one,
            Step::Ask => known.and_then(|known| known.returnable(self.now)).map(|product| (product, 1)),
            _ => None,
        };
        Sent { path, units, restock: matches!(step, Step::TakeBack | Step::Receive) }
    }

    /// Whether a step changes something. While the buyer's bank decides (`held`), nothing is accepted or shipped.
    pub(super) fn steps(&mut self, order: usize, vendor: usize, step: Step, held: bool) -> bool {
        let (known, now) = (&mut self.orders[order], self.now);
        let Some(vendor_order) = known.vendor_orders.get_mut(&vendor) else { return false };
        let of_returns = matches!(step, Step::Ask | Step::Approve | Step::Refuse | Step::Receive);
        if !of_returns && !matches!(known.state, "paid" | "confirmed") {
            return false;
        }
        if held && matches!(step, Step::Accept | Step::Ship | Step::ShipOne) {
            return false;
        }
        let on_its_way = vendor_order.parcels.iter().position(|parcel| parcel.state == "shipped");
        match (vendor_order.state, step) {
            ("pending", Step::Accept) => (vendor_order.state, vendor_order.since) = ("accepted", now),
            ("pending" | "accepted" | "partially_shipped", Step::Decline) => {
                release(&mut self.available, vendor_order);
                vendor_order.state = match vendor_order.state {
                    "pending" => "declined",
                    "accepted" => "cancelled",
                    _ => "shipped",
                };
            }
            ("accepted" | "partially_shipped", Step::Ship) => vendor_order.ship(vendor_order.left.clone(), now),
            ("accepted" | "partially_shipped", Step::ShipOne) => {
                let one = vendor_order.left.iter().find(|(_, left)| **left > 0).map(|(product, _)| (*product, 1));
                vendor_order.ship(one.into_iter().collect(), now);
            }
            (_, Step::Deliver) if on_its_way.is_some() => {
                let parcels = vendor_order.parcels.iter_mut().filter(|parcel| parcel.state == "shipped");
                parcels.for_each(|parcel| (parcel.state, parcel.since) = ("delivered", now));
            }
            (_, Step::Lose | Step::TakeBack) => {
                let Some(at) = on_its_way else { return false };
                let parcel = &mut vendor_order.parcels[at];
                parcel.state = "lost";
                if matches!(step, Step::TakeBack) {
                    parcel.state = "returned_to_sender";
                    for (product, units) in &parcel.units {
                        self.available[*product] += i64::from(*units);
                        self.received[*product] += i64::from(*units);
                    }
                }
            }
            ("partially_shipped" | "shipped" | "delivered", Step::Ask) => {
                let Some(product) = vendor_order.returnable(now) else { return false };
                vendor_order.returns.push(ModelReturn { product, state: "requested", since: now });
            }
            (_, Step::Approve | Step::Refuse) => {
                let Some(at) = vendor_order.first_return("requested") else { return false };
                let state = if matches!(step, Step::Approve) { "approved" } else { "declined" };
                (vendor_order.returns[at].state, vendor_order.returns[at].since) = (state, now);
            }
            (_, Step::Receive) => {
                let Some(at) = vendor_order.first_return("approved") else { return false };
                vendor_order.returns[at].state = "received";
                let product = vendor_order.returns[at].product;
                self.available[product] += 1;
                self.received[product] += 1;
            }
            _ => return false,
        }
        self.advance(order, vendor);
        true
    }

    /// What follows for a vendor order and its order.
    fn advance(&mut self, order: usize, vendor: usize) {
        let known = &mut self.orders[order];
        let Some(vendor_order) = known.vendor_orders.get_mut(&vendor) else { return };
        vendor_order.advance();
        vendor_order.end_returned();
        if !matches!(known.state, "paid" | "confirmed") {
            return;
        }
        let all =
            |states: &[&str]| known.vendor_orders.values().all(|vendor_order| states.contains(&vendor_order.state));
        let unfulfilled = ["declined", "cancelled", "lost", "returned_to_sender"];
        if all(&["declined", "cancelled"]) {
            known.state = "cancelled";
        } else if all(&unfulfilled) {
            known.state = if known.state == "paid" { "completed" } else { "cancelled" };
        } else if all(&["declined", "cancelled", "lost", "returned_to_sender", "delivered", "returned", "completed"])
            && !known.card
        {
            known.state = "paid";
        }
        let ended = ["declined", "cancelled", "lost", "returned_to_sender", "returned", "completed"];
        if known.state == "paid" && known.vendor_orders.values().all(|one| ended.contains(&one.state)) {
            known.state = "completed";
        }
    }

    /// Whether a vendor may set this many units on hand: not fewer than are reserved.
    pub(super) fn set_stock(&mut self, product: usize, units: i64) -> bool {
        let reserved =
            self.units_of(product, |vendor_order| vendor_order.left.get(&product).map_or(0, |left| i64::from(*left)));
        if units < reserved {
            return false;
        }
        self.available[product] = units - reserved;
        self.received[product] = units + self.units_of(product, |vendor_order| vendor_order.shipped(product));
        true
    }

    pub(super) fn adjust_stock(&mut self, product: usize, by: i64) -> bool {
        if self.available[product] + by < 0 {
            return false;
        }
        self.available[product] += by;
        self.received[product] += by;
        true
    }

    fn units_of(&self, product: usize, units: impl Fn(&ModelVendorOrder) -> i64) -> i64 {
        let vendor = self.vendors[product];
        self.orders.iter().filter_map(|order| order.vendor_orders.get(&vendor)).map(units).sum()
    }

    /// Housekeeping has run at this time.
    pub(super) fn time_passes(&mut self, now: Timestamp) {
        self.now = now;
        for order in 0..self.orders.len() {
            let known = &mut self.orders[order];
            if known.state == "awaiting_payment" && known.due <= now {
                if known.has_money {
                    known.pay(now);
                } else {
                    self.end(order, "expired");
                }
            }
        }
    }

    /// Where the marketplace differs from the model.
    pub(super) fn differences(&self, ledger: &Ledger, products: &[Product]) -> Vec<String> {
        let mut differences = Vec::new();
        for (product, expected) in products.iter().zip(&self.available) {
            let available = ledger.available(&product.variant);
            if available != *expected {
                differences.push(format!("{}: {available} can be bought instead of {expected}", product.handle));
            }
        }
        if ledger.orders.len() != self.orders.len() {
            differences.push(format!("{} orders instead of {}", ledger.orders.len(), self.orders.len()));
        }
        for known in &self.orders {
            let Some(stored) = ledger.orders.iter().find(|stored| stored.order.id.to_string() == known.id) else {
                differences.push(format!("{} is gone", known.id));
                continue;
            };
            let vendor = |id: &str| usize::from(id != products[0].vendor.id);
            let vendor_orders: BTreeMap<usize, &str> = stored
                .vendor_orders
                .iter()
                .map(|vendor_order| (vendor(&vendor_order.vendor.id.to_string()), vendor_order.state.as_str()))
                .collect();
            let state = stored.order.state.as_str();
            let expected: BTreeMap<usize, &str> =
                known.vendor_orders.iter().map(|(vendor, vendor_order)| (*vendor, vendor_order.state)).collect();
            if (state, &vendor_orders) != (known.state, &expected) {
                let expected = (known.state, &expected);
                differences.push(format!("{}: {state} {vendor_orders:?} instead of {expected:?}", known.id));
            }
        }
        differences
    }
}

impl ModelOrder {
    fn pay(&mut self, now: Timestamp) {
        if self.state == "awaiting_payment" {
            self.state = "paid";
            for vendor_order in self.vendor_orders.values_mut() {
                vendor_order.since = now;
            }
        }
    }
}

/// Cancels what is left of a vendor order.
fn release(available: &mut [i64], vendor_order: &mut ModelVendorOrder) {
    for (product, left) in &mut vendor_order.left {
        available[*product] += i64::from(std::mem::take(left));
    }
}
