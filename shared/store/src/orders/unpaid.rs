//! The unpaid orders of one e-mail address: one of the few shared items inside an order's transaction.
//!
//! It is a set of orders and not a number. Removing an order twice, or one that was never in the set, changes nothing,
//! so the count can neither drift nor fall below zero: not by an order that expires and gets a late payment, and not by
//! one that was placed before the limit existed.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::order::{Order, OrderState, PlacedOrder};
use domain::settings::Limit;
use domain::{OrderId, Timestamp};

use super::{Entry, Orders};
use crate::Error;
use crate::item::{Attributes, Condition, number, string, update};
use crate::rate_limits::hashed;

const UNPAID: &str = "unpaid";
/// The problem's `detail` when an e-mail address has reached its limit of unpaid orders.
pub(super) const TOO_MANY: &str =
    "Too many orders of this e-mail address are unpaid: pay or cancel one of them, or try again later.";

/// Whether an order counts as unpaid. A cash-on-delivery order does too while it has a deadline: it holds stock that
/// nobody has paid for. Once it has none, its goods have left and it waits for its vendor.
pub(super) const fn is_unpaid(order: &Order) -> bool {
    matches!(order.state, OrderState::AwaitingPayment)
        || matches!(order.state, OrderState::Confirmed) && order.due_at.is_some()
}

impl Orders {
    /// The action that adds an order to the set; it fails when the limit is reached.
    pub(super) fn count_unpaid_action(&self, placed: &PlacedOrder, limit: Limit) -> Result<TransactWriteItem, Error> {
        let condition = Condition::of("attribute_not_exists(unpaid) OR size(unpaid) < :most")
            .name("#kind", "kind")
            .name("#version", "version")
            .value(":most", number(limit.most))
            .value(":kind", string(UNPAID))
            .value(":one", number(1))
            .value(":order", AttributeValue::Ss(vec![placed.order.id.to_string()]));
        let change = "SET #kind = :kind ADD unpaid :order, #version :one";
        update(&self.table, Entry::Unpaid(&set_of(placed)?).key(), change, &condition)
    }

    /// The action that adds an order that was counted in another set, beyond the limit too.
    pub(super) fn recount_unpaid_action(&self, placed: &PlacedOrder) -> Result<TransactWriteItem, Error> {
        self.change_unpaid(placed, "SET #kind = :kind ADD unpaid :order, #version :one")
    }

    /// The action that removes an order from the set, whether or not it was in it.
    pub(super) fn uncount_unpaid_action(&self, placed: &PlacedOrder) -> Result<TransactWriteItem, Error> {
        self.change_unpaid(placed, "SET #kind = :kind ADD #version :one DELETE unpaid :order")
    }

    fn change_unpaid(&self, placed: &PlacedOrder, change: &str) -> Result<TransactWriteItem, Error> {
        let condition = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)")
            .name("#kind", "kind")
            .name("#version", "version")
            .value(":kind", string(UNPAID))
            .value(":one", number(1))
            .value(":order", AttributeValue::Ss(vec![placed.order.id.to_string()]));
        update(&self.table, Entry::Unpaid(&set_of(placed)?).key(), change, &condition)
    }
}

/// The name of the set that an order is counted in: what its buyer's contact is looked up by. An order of an earlier
/// release has the contact itself.
fn set_of(placed: &PlacedOrder) -> Result<String, Error> {
    let contact = placed.order.contact.map(|contact| contact.to_string());
    contact
        .or_else(|| placed.person.as_ref().map(|person| hashed(person.email.as_str())))
        .ok_or_else(|| Error::Failed("an order without the look-up of its contact".to_owned()))
}

/// In how many seconds the first of the counted orders expires if it is not paid. A cash-on-delivery order may count
/// for longer.
pub(super) fn seconds_until_expiry(found: &Attributes, reservation: Duration, now: Timestamp) -> u32 {
    let orders = found.get(UNPAID).and_then(|orders| orders.as_ss().ok()).into_iter().flatten();
    let left = orders
        .filter_map(|order| order.parse::<OrderId>().ok())
        .map(|order| (placed_at(order) + reservation).since(now).as_secs())
        .filter(|seconds| *seconds > 0)
        .min();
    u32::try_from(left.unwrap_or(reservation.as_secs())).unwrap_or(u32::MAX).max(1)
}

/// When an order was placed: the first 48 bits of its id are the time in milliseconds.
fn placed_at(order: OrderId) -> Timestamp {
    Timestamp::from_millis(i64::try_from(order.bits() >> 80).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_again_when_the_first_order_has_expired() {
        let at = |seconds: i64| Timestamp::from_millis(1_800_000_000_000 + seconds * 1_000);
        let placed = |seconds: i64| OrderId::new(at(seconds), [7; 10]).to_string();
        let found = |orders: Vec<String>| Attributes::from([(UNPAID.to_owned(), AttributeValue::Ss(orders))]);
        let reservation = Duration::from_secs(900);
        let waiting = found(vec![placed(60), placed(0), placed(120)]);
        assert_eq!(seconds_until_expiry(&waiting, reservation, at(300)), 600);
        // The first is past its deadline, and its expiry is under way.
        assert_eq!(seconds_until_expiry(&waiting, reservation, at(930)), 30);
        assert_eq!(seconds_until_expiry(&found(vec![placed(0)]), reservation, at(100_000)), 900);
    }
}
