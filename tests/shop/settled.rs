//! The invariant of what is settled with vendors, checked past the API.

use domain::order::{PlacedOrder, Terms};
use domain::settlement::Amounts;

use super::invariants::StoredOrder;

impl StoredOrder {
    /// The entries for settlement add up to the amounts of the order as it stands.
    pub(crate) fn settled(&self, violations: &mut Vec<String>) {
        let id = self.order.id;
        let mut vendors = self.vendor_orders.clone();
        vendors.sort_by_key(|vendor_order| vendor_order.ordinal);
        let placed = PlacedOrder {
            order: self.order.clone(),
            terms: Terms {
                order: id,
                sealed: None,
                accepted_terms: None,
                version: 1,
                kept: domain::stored::Kept::default(),
            },
            person: None,
            history: vec![],
            vendors,
            payments: self.payments.clone(),
            refunds: self.refunds.clone(),
            disputes: self.disputes.clone(),
            stock_moves: vec![],
            events: vec![],
            reopens_cart: false,
            closes_cart: None,
        };
        for (vendor_order, amounts) in placed.vendors.iter().zip(placed.amounts().expect("amounts that fit")) {
            let own = self.entries.iter().filter(|entry| entry.ordinal == vendor_order.ordinal);
            let sum =
                own.fold(Amounts::zero(self.order.currency), |sum, entry| sum.plus(&entry.amounts).expect("a sum"));
            if sum != amounts || vendor_order.entered != amounts {
                let id = vendor_order.id();
                violations
                    .push(format!("{id}: entered {sum:?}, noted {:?}, and it is {amounts:?}", vendor_order.entered));
            }
        }
    }
}
