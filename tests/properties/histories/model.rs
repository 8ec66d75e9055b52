//! A simple model of the marketplace: units by product, and the state of each order.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;

use super::actions::Step;
use crate::shop::{Ledger, Product};

/// How long an order waits for its payment.
const PAYMENT_TIMEOUT: Duration = Duration::from_secs(15 * 60);

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
    wanted: BTreeMap<usize, u32>,
    state: &'static str,
    /// The state of the vendor order, by vendor.
    vendor_orders: BTreeMap<usize, &'static str>,
    card: bool,
    /// Whether the provider has captured the payment, reported or not.
    has_money: bool,
    due: Timestamp,
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
        let vendor_orders = wanted.keys().map(|product| (self.vendors[*product], "pending")).collect();
        let state = if card { "awaiting_payment" } else { "confirmed" };
        self.orders.push(ModelOrder {
            id,
            token,
            wanted,
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
            self.orders[order].pay();
        }
    }

    pub(super) fn webhook_delivered(&mut self, id: &str) {
        self.orders.iter_mut().filter(|order| order.id == id && order.has_money).for_each(ModelOrder::pay);
    }

    pub(super) fn all_webhooks_delivered(&mut self) {
        self.held = false;
        self.orders.iter_mut().filter(|order| order.has_money).for_each(ModelOrder::pay);
    }

    /// Whether another attempt is opened. The retry finds out when the order is paid already.
    pub(super) fn retries_payment(&mut self, order: usize) -> bool {
        let order = &mut self.orders[order];
        let waits = order.state == "awaiting_payment";
        if waits && order.has_money {
            order.pay();
        }
        waits && !order.has_money
    }

    /// Whether the buyer may still cancel the order.
    pub(super) fn cancelled(&mut self, order: usize) -> bool {
        let known = &self.orders[order];
        if known.state == "cancelled" {
            return true;
        }
        let gone = known.vendor_orders.values().any(|vendor_order| matches!(*vendor_order, "shipped" | "delivered"));
        if known.state == "expired" || gone {
            return false;
        }
        self.end(order, "cancelled");
        true
    }

    /// Ends an order: cancels its open vendor orders and releases their stock.
    fn end(&mut self, order: usize, state: &'static str) {
        let vendors: Vec<usize> = self.orders[order].vendor_orders.keys().copied().collect();
        for vendor in vendors {
            if matches!(self.orders[order].vendor_orders[&vendor], "pending" | "accepted") {
                self.set_vendor_order(order, vendor, "cancelled");
                self.release(order, vendor);
            }
        }
        self.orders[order].state = state;
    }

    fn set_vendor_order(&mut self, order: usize, vendor: usize, state: &'static str) {
        self.orders[order].vendor_orders.insert(vendor, state);
    }

    fn release(&mut self, order: usize, vendor: usize) {
        for (product, units) in &self.orders[order].wanted {
            if self.vendors[*product] == vendor {
                self.available[*product] += i64::from(*units);
            }
        }
    }

    /// Whether a vendor's step changes something.
    pub(super) fn steps(&mut self, order: usize, vendor: usize, step: Step) -> bool {
        let known = &self.orders[order];
        let Some(vendor_order) = known.vendor_orders.get(&vendor).copied() else { return false };
        if !matches!(known.state, "paid" | "confirmed") {
            return false;
        }
        let next = match (vendor_order, step) {
            ("pending", Step::Accept) => "accepted",
            ("pending", Step::Decline) => "declined",
            ("accepted", Step::Decline) => "cancelled",
            ("accepted", Step::Ship) => "shipped",
            ("shipped", Step::Deliver) => "delivered",
            _ => return false,
        };
        self.set_vendor_order(order, vendor, next);
        if matches!(next, "declined" | "cancelled") {
            self.release(order, vendor);
        }
        let known = &mut self.orders[order];
        let all = |states: &[&str]| known.vendor_orders.values().all(|vendor_order| states.contains(vendor_order));
        if all(&["declined", "cancelled"]) {
            known.state = "cancelled";
        } else if all(&["declined", "cancelled", "delivered"]) && !known.card {
            known.state = "paid";
        }
        true
    }

    /// Whether a vendor may set this many units on hand: not fewer than are reserved.
    pub(super) fn set_stock(&mut self, product: usize, units: i64) -> bool {
        let reserved = self.held_units(product, &["pending", "accepted"]);
        if units < reserved {
            return false;
        }
        self.available[product] = units - reserved;
        self.received[product] = units + self.held_units(product, &["shipped", "delivered"]);
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

    fn held_units(&self, product: usize, states: &[&str]) -> i64 {
        let vendor = self.vendors[product];
        let held = self
            .orders
            .iter()
            .filter(|order| order.vendor_orders.get(&vendor).is_some_and(|vendor_order| states.contains(vendor_order)));
        held.filter_map(|order| order.wanted.get(&product)).map(|units| i64::from(*units)).sum()
    }

    /// Housekeeping has run at this time.
    pub(super) fn time_passes(&mut self, now: Timestamp) {
        self.now = now;
        for order in 0..self.orders.len() {
            let known = &mut self.orders[order];
            if known.state == "awaiting_payment" && known.due <= now {
                if known.has_money {
                    known.pay();
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
            if (state, &vendor_orders) != (known.state, &known.vendor_orders) {
                let expected = (known.state, &known.vendor_orders);
                differences.push(format!("{}: {state} {vendor_orders:?} instead of {expected:?}", known.id));
            }
        }
        differences
    }
}

impl ModelOrder {
    fn pay(&mut self) {
        if self.state == "awaiting_payment" {
            self.state = "paid";
        }
    }
}
