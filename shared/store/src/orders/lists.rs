//! Lists of orders, payments and refunds, and of what is due.

use std::time::Duration;

use domain::order::{Order, OrderState};
use domain::payment::{Payment, PaymentState, Refund};
use domain::{OrderId, PageRequest, PaymentId, Period, RefundId, Slice, Timestamp, UserId, VendorId};

use super::{DUE_PARTITIONS, Entry, FAILED_REFUNDS, Orders, buyer_partition, payment_partitions};
use crate::Error;
use crate::error::Failure;
use crate::item::{Attributes, Condition, integer, number, string, text};
use crate::page::List;
use crate::retry::{QueryRequest, query, update_one};
use crate::stored::read;

/// An order in a list: without its vendor orders, payments and refunds.
pub type OrderSummary = Order;

/// An order, a vendor order, a refund or a payment attempt whose due time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub order: OrderId,
    pub kind: DueKind,
    /// The due time as the index has it.
    pub due_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueKind {
    /// The order's deadline, or a payment check before it.
    Order,
    /// A refund that is to be requested from the provider.
    Refund(RefundId),
    /// A step of a vendor order, or what follows when nobody takes it.
    VendorOrder(VendorId),
    /// An attempt that the order does not wait for, and that may still be paid.
    Payment(PaymentId),
}

/// A walk through what is due at a time, a page of each partition after the other.
#[derive(Clone, Debug)]
pub struct DueWalk {
    now: Timestamp,
    /// The partitions that are not read to their ends, with the place where each goes on.
    unread: Vec<(u8, Option<Attributes>)>,
}

impl DueWalk {
    /// Whether everything was read.
    pub fn is_over(&self) -> bool {
        self.unread.is_empty()
    }
}

/// How long after an order was placed its payment is looked up at the provider: a webhook may have been lost.
const PAYMENT_CHECKS: [Duration; 3] = [Duration::from_secs(120), Duration::from_secs(300), Duration::from_secs(600)];

/// Between these checks of an order that waits longer: for a bank that takes days.
const LATER_CHECKS: Duration = Duration::from_secs(6 * 3600);

/// When an order is due next: at the next payment check while it awaits payment, at the latest at its deadline.
pub fn next_check(order: &Order, now: Timestamp) -> Option<Timestamp> {
    let deadline = order.due_at?;
    if order.state != OrderState::AwaitingPayment {
        return Some(deadline);
    }
    let checks = PAYMENT_CHECKS.map(|after| order.placed_at + after);
    Some(checks.into_iter().find(|check| *check > now).unwrap_or(now + LATER_CHECKS).min(deadline))
}

impl Orders {
    /// A buyer's orders, newest first.
    pub async fn of_buyer(&self, buyer: UserId, page: &PageRequest) -> Result<Slice<OrderSummary>, Error> {
        let position = |last: &Attributes| text(last, "buyer_sort")?.parse().ok();
        let key = |order: &OrderId| sorted(Entry::Order(*order), "buyer_sort", order);
        let list = self.list("by_buyer", ("buyer_key", buyer_partition(buyer)), &position, &key);
        list.page(&self.client, page, |found| read(found)).await
    }

    /// The payment attempts in a state, newest first.
    pub async fn payments_in_state(&self, state: PaymentState, page: &PageRequest) -> Result<Slice<Payment>, Error> {
        let list = self.by_states(payment_partitions(state).collect(), "payment", Period::default());
        list.page::<PaymentId, _>(&self.client, page, read, |payment: &Payment| payment.state == state).await
    }

    /// The failed refunds, which need a manual refund, newest first.
    pub async fn failed_refunds(&self, page: &PageRequest) -> Result<Slice<Refund>, Error> {
        let position = |last: &Attributes| Some((order_of(last)?, text(last, "state_sort")?.parse().ok()?));
        let key = |(order, refund): &(OrderId, RefundId)| sorted(Entry::Refund(*order, *refund), "state_sort", refund);
        let list = self.list("keys_by_state", ("state_key", FAILED_REFUNDS.to_owned()), &position, &key);
        list.page(&self.client, page, |found| read(found)).await
    }

    /// A walk through what is due.
    pub fn due(&self, now: Timestamp) -> DueWalk {
        DueWalk { now, unread: (0..DUE_PARTITIONS).map(|partition| (partition, None)).collect() }
    }

    /// The next part of the walk: at most `limit` from each partition, the longest overdue first.
    pub async fn next_due(&self, walk: &mut DueWalk, limit: u16) -> Result<Vec<Due>, Error> {
        let mut due = Vec::new();
        let mut unread = Vec::new();
        for (partition, start) in std::mem::take(&mut walk.unread) {
            let values = Attributes::from([(":now".to_owned(), number(walk.now.millis()))]);
            let request = QueryRequest {
                sort_key_condition: Some(("due_at <= :now".to_owned(), values)),
                limit: Some(i32::from(limit)),
                start,
                only_keys: true,
                ..QueryRequest::of(&self.table, "keys_by_due", ("due_key", format!("DUE#{partition}")))
            };
            let page = query(&self.client, request).await?;
            due.extend(page.items.iter().filter_map(due_of));
            if let Some(last) = page.last {
                unread.push((partition, Some(last)));
            }
        }
        walk.unread = unread;
        // Ordered by time, so that no partition falls behind when more is due than one run can process.
        due.sort_by_key(|entry| entry.due_at);
        Ok(due)
    }

    /// Postpones something that is due, so that what is due after it gets its turn. The item's body and version stay as
    /// they are. When another write has changed the due time in the meantime, nothing is written.
    pub async fn postpone(&self, due: &Due, at: Timestamp) -> Result<(), Error> {
        self.postpone_under(due, at, "due_at = :seen", |condition| condition).await
    }

    /// The same for what was decided from an item of this version: another write may have set the same due time, and
    /// another deadline.
    pub async fn postpone_at_version(&self, due: &Due, at: Timestamp, version: u64) -> Result<(), Error> {
        let versioned = |condition: Condition| condition.name("#version", "version").value(":loaded", number(version));
        self.postpone_under(due, at, "due_at = :seen AND #version = :loaded", versioned).await
    }

    async fn postpone_under(
        &self,
        due: &Due,
        at: Timestamp,
        expression: &str,
        more: impl Fn(Condition) -> Condition,
    ) -> Result<(), Error> {
        let key = match due.kind {
            DueKind::Order => Entry::Order(due.order).key(),
            DueKind::Refund(refund) => Entry::Refund(due.order, refund).key(),
            DueKind::VendorOrder(vendor) => Entry::Vendor(due.order, vendor).key(),
            DueKind::Payment(payment) => Entry::Payment(due.order, payment).key(),
        };
        let condition =
            Condition::of(expression).value(":seen", number(due.due_at.millis())).value(":at", number(at.millis()));
        match update_one(&self.client, &self.table, key, "SET due_at = :at", &more(condition)).await {
            Ok(_) | Err(Failure::ConditionFailed) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// A list in an index, newest first.
    pub(super) fn list<'a, P>(
        &self,
        index: &'static str,
        partition: (&'static str, String),
        position: &'a (dyn Fn(&Attributes) -> Option<P> + Sync),
        key: &'a (dyn Fn(&P) -> Attributes + Sync),
    ) -> List<'a, P> {
        let query = QueryRequest { newest_first: true, ..QueryRequest::of(&self.table, index, partition) };
        List { query, variant: String::new(), position, key }
    }
}

/// An item's key, with its sort key in an index.
pub(super) fn sorted(entry: Entry<'_>, sort: &str, value: impl ToString) -> Attributes {
    let mut key = entry.key();
    key.insert(sort.to_owned(), string(value.to_string()));
    key
}

pub(super) fn order_of(found: &Attributes) -> Option<OrderId> {
    text(found, "pk").and_then(|pk| pk.strip_prefix("ORDER#")).and_then(|id| id.parse().ok())
}

fn due_of(found: &Attributes) -> Option<Due> {
    let kind = match text(found, "sk")? {
        "ORDER" => DueKind::Order,
        part => match part.split_once('#')? {
            ("REFUND", refund) => DueKind::Refund(refund.parse().ok()?),
            ("VENDOR", vendor) => DueKind::VendorOrder(vendor.parse().ok()?),
            ("PAYMENT", id) => DueKind::Payment(id.parse().ok()?),
            _ => return None,
        },
    };
    Some(Due { order: order_of(found)?, kind, due_at: Timestamp::from_millis(integer(found, "due_at")?) })
}
