//! The items of orders, with their places in the indexes.

use domain::dispute::{Dispute, DisputeState};
use domain::order::VendorOrder;
use domain::payment::{Payment, Refund};
use domain::{OutboxEvent, UnmatchedPayment};

use super::late::place_of_late;
use super::{
    DUE_PARTITIONS, EVENT, Entry, FAILED_REFUNDS, OPEN_DISPUTES, RETRIED_UNMATCHED, deadline_of, dispute_partition,
    due_partition, payment_partition, refund_partition, unmatched_partition, vendor_partition, vendor_state_partition,
};
use crate::Error;
use crate::item::{Attributes, item, number, string};
use crate::stored::{DECISIONS, NEEDS, PARCELS, SERIAL_ORDERS, Stored, write};

/// An item of an order. Releases that do not write the head with it must not write it.
pub(super) fn write_serial<T: Stored>(key: Attributes, version: u64, body: &T) -> Result<Attributes, Error> {
    let mut written = write(key, version, body)?;
    written.insert(NEEDS.to_owned(), number(SERIAL_ORDERS));
    Ok(written)
}

pub(super) fn vendor_order_item(vendor_order: &VendorOrder) -> Result<Attributes, Error> {
    let key = Entry::Vendor(vendor_order.order, vendor_order.vendor.id).key();
    let mut written = write_serial(key, vendor_order.version, vendor_order)?;
    if vendor_order.has_decisions() {
        written.insert(NEEDS.to_owned(), number(DECISIONS));
    } else if vendor_order.is_in_parts() {
        written.insert(NEEDS.to_owned(), number(PARCELS));
    }
    if vendor_order.visible {
        written.insert("vendor_key".to_owned(), string(vendor_partition(vendor_order.vendor.id)));
        written.insert("vendor_sort".to_owned(), string(vendor_order.order.to_string()));
    }
    written.extend(place_of_vendor_order(vendor_order));
    written.extend(place_of_late(vendor_order));
    if let Some((due, _)) = vendor_order.next_deadline() {
        written.insert("due_key".to_owned(), string(due_partition(vendor_order.order)));
        written.insert("due_at".to_owned(), number(due.millis()));
    }
    Ok(written)
}

/// The place of an item in a list of `keys_by_state`.
pub(super) fn place(partition: String, position: impl ToString) -> Attributes {
    Attributes::from([
        ("state_key".to_owned(), string(partition)),
        ("state_sort".to_owned(), string(position.to_string())),
    ])
}

/// None while its vendor does not see it.
pub(super) fn place_of_vendor_order(vendor_order: &VendorOrder) -> Attributes {
    if !vendor_order.visible {
        return Attributes::new();
    }
    place(vendor_state_partition(vendor_order.vendor.id, vendor_order.state), vendor_order.order)
}

pub(super) fn place_of_refund(refund: &Refund) -> Attributes {
    let partition =
        if refund.needs_manual_refund() { FAILED_REFUNDS.to_owned() } else { refund_partition(refund.state) };
    place(partition, refund.id)
}

pub(super) fn place_of_dispute(dispute: &Dispute) -> Attributes {
    place(dispute_partition(dispute.state), dispute.id)
}

pub(super) fn payment_item(payment: &Payment) -> Result<Attributes, Error> {
    let mut written = write_serial(Entry::Payment(payment.order, payment.id).key(), payment.version, payment)?;
    written.insert("state_key".to_owned(), string(payment_partition(payment.state, payment.id)));
    written.insert("state_sort".to_owned(), string(payment.id.to_string()));
    if payment.is_followed {
        // At once: housekeeping puts it off each time that its provider has not closed it.
        written.insert("due_key".to_owned(), string(due_partition(payment.order)));
        written.insert("due_at".to_owned(), number(payment.created_at.millis()));
    }
    Ok(written)
}

pub(super) fn dispute_item(dispute: &Dispute) -> Result<Attributes, Error> {
    let mut written = write_serial(Entry::Dispute(dispute.order, dispute.id).key(), dispute.version, dispute)?;
    written.extend(place_of_dispute(dispute));
    if dispute.state == DisputeState::Opened {
        written.insert("due_key".to_owned(), string(OPEN_DISPUTES));
        written.insert("due_at".to_owned(), number(deadline_of(dispute)));
    }
    Ok(written)
}

pub(super) fn refund_item(refund: &Refund) -> Result<Attributes, Error> {
    let mut written = write_serial(Entry::Refund(refund.order, refund.id).key(), refund.version, refund)?;
    written.extend(place_of_refund(refund));
    if refund.has_decisions() {
        written.insert(NEEDS.to_owned(), number(DECISIONS));
    } else if refund.refunded_elsewhere.is_some() {
        written.insert(NEEDS.to_owned(), number(PARCELS));
    }
    if let Some(due) = refund.due_at {
        written.insert("due_key".to_owned(), string(due_partition(refund.order)));
        written.insert("due_at".to_owned(), number(due.millis()));
    }
    Ok(written)
}

/// With its next version.
pub(super) fn unmatched_item(money: &UnmatchedPayment) -> Result<Attributes, Error> {
    let key = Entry::UnmatchedPayment(money.provider, money.what, &money.reference).key();
    let mut written = write(key, money.version + 1, money)?;
    written.extend(place(unmatched_partition(money.state), money.id));
    if let Some(at) = money.retry_at {
        written.insert("due_key".to_owned(), string(RETRIED_UNMATCHED));
        written.insert("due_at".to_owned(), number(at.millis()));
    }
    Ok(written)
}

pub(super) fn event_item(event: &OutboxEvent) -> Result<Attributes, Error> {
    let mut written = item(Entry::Event(event.id()).key(), EVENT, 1, event)?;
    written.insert(
        "undelivered".to_owned(),
        string(format!("UNDELIVERED#{}", event.id().bits() % u128::from(DUE_PARTITIONS))),
    );
    written.insert("undelivered_at".to_owned(), number(event.at().millis()));
    Ok(written)
}
