//! The head of an order, its terms, and how an order is put together from its items.

use domain::OrderId;
use domain::address::Address;
use domain::dispute::Dispute;
use domain::order::{History, Order, Parts, Person, PlacedOrder, Terms, VendorOrder};
use domain::payment::{Payment, Refund};
use domain::stored::Kept;
use domain::text::{Email, Phone};
use serde::Deserialize;

use super::{
    DISPUTE, Entry, HISTORY, ORDER, PAYMENT, REFUND, TERMS, VENDOR_ORDER, buyer_partition, contact_partition,
    due_partition, email_partition, list_partition, next_check, number_reference, state_partition, write_serial,
};
use crate::Error;
use crate::item::{Attributes, body, item, number, string, text};
use crate::stored::{kept_by_newer, parse_moved, read};

/// What the items of an order came to.
pub(super) enum Assembled {
    Whole(Box<PlacedOrder>),
    /// There is no such order.
    Absent,
    /// The items do not belong together: a transaction was under way.
    Torn,
}

/// What the heads of earlier releases held, which are items of their own since.
#[derive(Deserialize)]
struct Moved {
    #[serde(default, deserialize_with = "domain::text::kept_optional_email")]
    email: Option<Email>,
    #[serde(default)]
    phone: Option<Phone>,
    #[serde(default)]
    address: Option<Address>,
    #[serde(default)]
    history: Vec<History>,
}

impl Moved {
    fn person(self) -> Option<Person> {
        Some(Person { email: Some(self.email?), phone: self.phone, address: self.address? })
    }
}

/// Puts an order together from its items, which come in the order of their keys.
pub(super) fn assemble(items: &[Attributes]) -> Result<Assembled, Error> {
    let (mut head, mut terms): (Option<(Order, &Attributes)>, Option<Terms>) = (None, None);
    let (mut vendors, mut payments) = (Vec::<VendorOrder>::new(), Vec::<Payment>::new());
    let (mut refunds, mut disputes) = (Vec::<Refund>::new(), Vec::<Dispute>::new());
    let (mut history, mut history_items) = (Vec::<History>::new(), 0_u32);
    for found in items {
        match text(found, "kind") {
            Some(ORDER) => head = Some((read(found)?, found)),
            Some(TERMS) => terms = Some(read(found)?),
            Some(HISTORY) => {
                history.extend(body::<Vec<History>>(found, HISTORY)?);
                history_items += 1;
            }
            Some(VENDOR_ORDER) => vendors.push(read(found)?),
            Some(PAYMENT) => payments.push(read(found)?),
            Some(REFUND) => refunds.push(read(found)?),
            Some(DISPUTE) => disputes.push(read(found)?),
            _ => {}
        }
    }
    let Some((order, item)) = head else {
        return Ok(if items.is_empty() { Assembled::Absent } else { Assembled::Torn });
    };
    vendors.sort_by_key(|vendor_order| vendor_order.ordinal);
    // Functions that seal nothing may have moved the history of such a head already: its person stays until
    // `rebuilds orders` seals them.
    let before = || parse_moved::<Moved>(text(item, "data").unwrap_or_default(), ORDER);
    let (person, terms) = match (&order.parts, terms) {
        (None, _) => {
            let (mut moved, is_known) = before()?;
            history = std::mem::take(&mut moved.history);
            let kept = if is_known { Kept::default() } else { kept_by_newer() };
            (moved.person(), Terms { order: order.id, sealed: None, accepted_terms: None, version: 0, kept })
        }
        (Some(_), None) => return Ok(Assembled::Torn),
        (Some(_), Some(terms)) if terms.sealed.is_none() => (before()?.0.person(), terms),
        (Some(_), Some(terms)) => (None, terms),
    };
    let order = PlacedOrder {
        order,
        terms,
        person,
        history,
        vendors,
        payments,
        refunds,
        disputes,
        stock_moves: Vec::new(),
        events: Vec::new(),
        reopens_cart: false,
        closes_cart: None,
    };
    // Head and terms are sealed in one transaction.
    let is_sealed = order.terms.sealed.is_some() == order.order.contact.is_some();
    let belongs = order.order.parts.as_ref().is_none_or(|parts| is_sealed && *parts == parts_of(&order, history_items));
    Ok(if belongs { Assembled::Whole(Box::new(order)) } else { Assembled::Torn })
}

/// The versions of the items of an order, for its head.
pub(super) fn parts_of(order: &PlacedOrder, history: u32) -> Parts {
    Parts {
        vendors: order.vendors.iter().map(|vendor_order| vendor_order.version).collect(),
        payments: order.payments.iter().map(|payment| payment.version).collect(),
        refunds: order.refunds.iter().map(|refund| refund.version).collect(),
        disputes: order.disputes.iter().map(|dispute| dispute.version).collect(),
        history,
    }
}

/// The item of a head. An order of an earlier release stays in its index by the address itself until
/// `rebuilds orders` has sealed its person.
pub(super) fn order_item(placed: &PlacedOrder) -> Result<Attributes, Error> {
    let order = &placed.order;
    let mut written = write_serial(Entry::Order(order.id).key(), order.version, order)?;
    let id = order.id.to_string();
    written.insert("reference".to_owned(), string(number_reference(order.id)));
    let before = || {
        let email = placed.person.as_ref().and_then(|person| person.email.as_ref());
        email.map(|email| email_partition(email.as_str()))
    };
    if let Some(partition) = order.contact.as_ref().map(contact_partition).or_else(before) {
        written.insert("email_key".to_owned(), string(partition));
        written.insert("email_sort".to_owned(), string(&id));
    }
    written.insert("list_key".to_owned(), string(list_partition(order.id)));
    written.insert("state_key".to_owned(), string(state_partition(order.state, order.id)));
    written.insert("state_sort".to_owned(), string(&id));
    if let Some(buyer) = order.buyer {
        written.insert("buyer_key".to_owned(), string(buyer_partition(buyer)));
        written.insert("buyer_sort".to_owned(), string(&id));
    }
    // Every write schedules the payment checks from the start: at worst the provider is asked once too often.
    if let Some(due_at) = next_check(order, order.placed_at) {
        written.insert("due_key".to_owned(), string(due_partition(order.id)));
        written.insert("due_at".to_owned(), number(due_at.millis()));
    }
    Ok(written)
}

pub(super) fn terms_item(terms: &Terms) -> Result<Attributes, Error> {
    write_serial(Entry::Terms(terms.order).key(), terms.version, terms)
}

/// The item of the entries that one change adds to the history.
pub(super) fn history_item(order: OrderId, number: u32, entries: &[History]) -> Result<Attributes, Error> {
    item(Entry::History(order, number).key(), HISTORY, 1, &entries)
}
