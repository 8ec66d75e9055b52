//! What follows in the model when nobody does anything, and when a bank decides.

use domain::Timestamp;

use super::{DAY, Model, RETURN_WINDOW, release};

impl Model {
    /// A bank has taken the money of an order back: what was not shipped is cancelled.
    pub(in super::super) fn loses_money(&mut self, order: usize) {
        if self.orders[order].state != "paid" {
            return;
        }
        let vendors: Vec<usize> = self.orders[order].vendor_orders.keys().copied().collect();
        for vendor in vendors {
            self.cancel_rest(order, vendor);
        }
    }

    /// Cancels what was not shipped of a vendor order.
    fn cancel_rest(&mut self, order: usize, vendor: usize) {
        let Some(vendor_order) = self.orders[order].vendor_orders.get_mut(&vendor) else { return };
        vendor_order.state = match vendor_order.state {
            "pending" | "accepted" => "cancelled",
            "partially_shipped" => "shipped",
            _ => return,
        };
        release(&mut self.available, vendor_order);
        self.advance(order, vendor);
    }

    /// After a dispute that was won, vendors are awaited anew.
    pub(in super::super) fn awaits_again(&mut self, order: usize) {
        for vendor_order in self.orders[order].vendor_orders.values_mut() {
            vendor_order.since = self.now;
        }
    }

    /// Housekeeping has done at this time what nobody did about vendor orders; of those whose bank decides, only what
    /// concerns no goods.
    pub(in super::super) fn days_pass(&mut self, now: Timestamp, is_held: &dyn Fn(&str) -> bool) {
        self.time_passes(now);
        for order in 0..self.orders.len() {
            let held = is_held(&self.orders[order].id);
            let vendors: Vec<usize> = self.orders[order].vendor_orders.keys().copied().collect();
            for vendor in vendors {
                self.lapse(order, vendor, held);
            }
        }
    }

    fn lapse(&mut self, order: usize, vendor: usize, held: bool) {
        let now = self.now;
        let visible = matches!(self.orders[order].state, "paid" | "confirmed" | "completed");
        let Some(vendor_order) = self.orders[order].vendor_orders.get_mut(&vendor).filter(|_| visible) else { return };
        let time = match vendor_order.state {
            "pending" => Some(DAY * 2),
            "accepted" | "partially_shipped" => Some(DAY * 14),
            _ => None,
        };
        if !held && time.is_some_and(|time| vendor_order.since + time <= now) {
            self.cancel_rest(order, vendor);
        }
        let Some(vendor_order) = self.orders[order].vendor_orders.get_mut(&vendor) else { return };
        for parcel in vendor_order.parcels.iter_mut().filter(|parcel| parcel.state == "shipped") {
            if parcel.since + DAY * 30 <= now {
                (parcel.state, parcel.since) = ("delivered", now);
            }
        }
        for asked in &mut vendor_order.returns {
            match asked.state {
                "requested" if asked.since + DAY * 7 <= now => (asked.state, asked.since) = ("approved", now),
                "approved" if asked.since + DAY * 30 <= now => asked.state = "expired",
                _ => {}
            }
        }
        self.advance(order, vendor);
        let Some(vendor_order) = self.orders[order].vendor_orders.get_mut(&vendor) else { return };
        let last = vendor_order.parcels.iter().filter(|parcel| parcel.state == "delivered").map(|one| one.since).max();
        let is_over = last.is_some_and(|last| last + RETURN_WINDOW <= now);
        if vendor_order.state == "delivered" && is_over && !vendor_order.has_open_return() {
            vendor_order.state = "completed";
            self.advance(order, vendor);
        }
    }
}
