//! The orders of one e-mail address that wait for their money: one of the few counters inside an order's transaction.
//!
//! It is a set of orders and not a number. Taking an order out of it twice changes nothing, and taking out one that was never
//! in it does no harm, so no course of events can make it drift or fall below zero: not an order that expires and is paid
//! after all, and not one from before there was a limit.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::order::{Order, OrderState};
use domain::settings::Limit;
use domain::{OrderId, Timestamp};

use super::{Entry, Orders};
use crate::Error;
use crate::item::{Attributes, Condition, number, string, update};
use crate::rate_limits::hashed;

const UNPAID: &str = "unpaid";
/// What a buyer is told who has too many.
pub(super) const TOO_MANY: &str =
    "Too many orders of this e-mail address wait for their money: pay or cancel one of them, or try again later.";

/// Whether an order waits for its money. One that is payable on delivery does as well, as long as it has a deadline: it holds
/// stock, and nobody has paid for that. Without one its goods have left, and it waits for its seller.
pub(super) const fn is_unpaid(order: &Order) -> bool {
    matches!(order.state, OrderState::AwaitingPayment)
        || matches!(order.state, OrderState::Confirmed) && order.due_at.is_some()
}

impl Orders {
    /// The action that counts an order, if there is room for it.
    pub(super) fn count_unpaid_action(&self, order: &Order, limit: Limit) -> Result<TransactWriteItem, Error> {
        let condition = Condition::of("attribute_not_exists(unpaid) OR size(unpaid) < :most")
            .name("#kind", "kind")
            .name("#version", "version")
            .value(":most", number(limit.most))
            .value(":kind", string(UNPAID))
            .value(":one", number(1))
            .value(":order", AttributeValue::Ss(vec![order.id.to_string()]));
        let change = "SET #kind = :kind ADD unpaid :order, #version :one";
        update(&self.table, Entry::Unpaid(&hashed(order.email.as_str())).key(), change, &condition)
    }

    /// The action that no longer counts an order, whether or not it was counted.
    pub(super) fn uncount_unpaid_action(&self, order: &Order) -> Result<TransactWriteItem, Error> {
        let condition = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)")
            .name("#kind", "kind")
            .name("#version", "version")
            .value(":kind", string(UNPAID))
            .value(":one", number(1))
            .value(":order", AttributeValue::Ss(vec![order.id.to_string()]));
        let change = "SET #kind = :kind ADD #version :one DELETE unpaid :order";
        update(&self.table, Entry::Unpaid(&hashed(order.email.as_str())).key(), change, &condition)
    }
}

/// In how many seconds the first of the orders that are in the way has expired, if it is not paid. One that is payable on
/// delivery may be in the way for longer.
pub(super) fn seconds_until_expiry(found: &Attributes, reservation: Duration, now: Timestamp) -> u32 {
    let orders = found.get(UNPAID).and_then(|orders| orders.as_ss().ok()).into_iter().flatten();
    let left = orders
        .filter_map(|order| order.parse::<OrderId>().ok())
        .map(|order| (placed_at(order) + reservation).since(now).as_secs())
        .filter(|seconds| *seconds > 0)
        .min();
    u32::try_from(left.unwrap_or(reservation.as_secs())).unwrap_or(u32::MAX).max(1)
}

/// An order's id begins with its time.
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
        // The first is past its deadline and about to be ended.
        assert_eq!(seconds_until_expiry(&waiting, reservation, at(930)), 30);
        assert_eq!(seconds_until_expiry(&found(vec![placed(0)]), reservation, at(100_000)), 900);
    }
}
