//! The unpaid orders of one buyer, or of guests with one e-mail address: one of the few shared items inside an order's
//! transaction.
//!
//! It is a set of orders and not a number. Removing an order twice, or one that was never in the set, changes nothing,
//! so the count can neither drift nor fall below zero: not by an order that expires and gets a late payment, and not by
//! one that was placed before the limit existed.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::order::{Order, OrderState, PlacedOrder};
use domain::settings::Limit;
use domain::{OrderId, Timestamp};

use super::{Entry, Orders};
use crate::Error;
use crate::item::{Attributes, Condition, number, readable, string, update};
use crate::rate_limits::hashed;
use crate::retry::{get, update_one};
use crate::stored::read;

const UNPAID: &str = "unpaid";
/// The problem's `detail` when a buyer or an address has reached its limit of unpaid orders.
pub(super) const TOO_MANY: &str =
    "Too many orders are unpaid or not confirmed: pay, confirm or cancel one of them, or try again later.";

/// Whether an order counts as unpaid. A buyer's cash-on-delivery order does too while it has a deadline: it holds stock
/// that nobody has paid for. Once it has none, its goods have left and it waits for its vendor. A guest's counts until
/// it is confirmed, so that what strangers do with an address holds its owner up for half an hour at most.
pub(super) const fn is_unpaid(order: &Order) -> bool {
    match order.state {
        OrderState::AwaitingPayment | OrderState::AwaitingConfirmation => true,
        OrderState::Confirmed => order.due_at.is_some() && order.buyer.is_some(),
        _ => false,
    }
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
        self.change_unpaid(&set_of(placed)?, placed.order.id, "SET #kind = :kind ADD unpaid :order, #version :one")
    }

    /// The action that removes an order from its set, whether or not it was in it.
    pub(super) fn uncount_unpaid_action(&self, placed: &PlacedOrder) -> Result<TransactWriteItem, Error> {
        self.change_unpaid(
            &set_of(placed)?,
            placed.order.id,
            "SET #kind = :kind ADD #version :one DELETE unpaid :order",
        )
    }

    /// The actions that move an order of an earlier release to the set that it belongs to by now.
    pub(super) fn move_unpaid_actions(
        &self,
        loaded: &PlacedOrder,
        written: &PlacedOrder,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        if set_of(loaded)? == set_of(written)? {
            return Ok(Vec::new());
        }
        Ok(vec![self.uncount_unpaid_action(loaded)?, self.recount_unpaid_action(written)?])
    }

    fn change_unpaid(&self, set: &str, order: OrderId, change: &str) -> Result<TransactWriteItem, Error> {
        let condition = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)")
            .name("#kind", "kind")
            .name("#version", "version")
            .value(":kind", string(UNPAID))
            .value(":one", number(1))
            .value(":order", AttributeValue::Ss(vec![order.to_string()]));
        update(&self.table, Entry::Unpaid(set).key(), change, &condition)
    }

    /// In how many seconds the first order of a full set is no longer unpaid, at the latest: at its deadline. What does
    /// not belong into the set is removed from it: releases before 2026-12-03 counted the orders of buyers by address,
    /// and those of guests after they were confirmed.
    pub(super) async fn seconds_until_room(
        &self,
        placed: &PlacedOrder,
        found: &Attributes,
        now: Timestamp,
    ) -> Result<u32, Error> {
        let set = set_of(placed)?;
        let (mut first, mut strays) = (None::<Timestamp>, Vec::new());
        for id in counted(found) {
            let item = get(&self.client, &self.table, Entry::Order(id).key(), true).await?;
            let order: Option<Order> = match &item {
                Some(item) => readable(read(item), item)?,
                None => None,
            };
            match order {
                Some(order) if !belongs(&order, &set) => strays.push(id.to_string()),
                Some(order) => first = [first, order.due_at].into_iter().flatten().min(),
                None if item.is_none() => strays.push(id.to_string()),
                None => {}
            }
        }
        if strays.is_empty() {
            return Ok(seconds_until(first, now));
        }
        let values = [(":orders", AttributeValue::Ss(strays)), (":one", number(1))];
        let condition =
            values.into_iter().fold(Condition::of("attribute_exists(pk)"), |all, (name, value)| all.value(name, value));
        let condition = condition.name("#version", "version");
        update_one(
            &self.client,
            &self.table,
            Entry::Unpaid(&set).key(),
            "ADD #version :one DELETE unpaid :orders",
            &condition,
        )
        .await?;
        Ok(1)
    }
}

/// Whether an order is to be counted in this set.
fn belongs(order: &Order, set: &str) -> bool {
    let own = order.buyer.map(|buyer| buyer.to_string()).or_else(|| Some(order.contact?.to_string()));
    is_unpaid(order) && own.is_none_or(|own| own == set)
}

/// The name of the set that an order is counted in: a buyer's own, a guest's by the address.
fn set_of(placed: &PlacedOrder) -> Result<String, Error> {
    placed.order.buyer.map_or_else(|| set_of_address(placed), |buyer| Ok(buyer.to_string()))
}

/// The name of the set of an address: what it is looked up by. An order of an earlier release has the address itself.
fn set_of_address(placed: &PlacedOrder) -> Result<String, Error> {
    let contact = placed.order.contact.map(|contact| contact.to_string());
    contact
        .or_else(|| placed.person.as_ref()?.email.as_ref().map(|email| hashed(email.as_str())))
        .ok_or_else(|| Error::Failed("an order without the look-up of its contact".to_owned()))
}

fn counted(found: &Attributes) -> impl Iterator<Item = OrderId> {
    let orders = found.get(UNPAID).and_then(|orders| orders.as_ss().ok()).into_iter().flatten();
    orders.filter_map(|order| order.parse().ok())
}

/// One whose deadline has passed is about to end.
fn seconds_until(due: Option<Timestamp>, now: Timestamp) -> u32 {
    let seconds = due.map_or(1, |due| due.since(now).as_secs());
    u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use domain::examples::{NOW, after};

    use super::*;

    #[test]
    fn there_is_room_again_at_the_first_deadline() {
        assert_eq!(seconds_until(Some(after(60)), NOW), u32::try_from(after(60).since(NOW).as_secs()).unwrap().max(1));
        assert_eq!(seconds_until(Some(NOW), NOW), 1);
        assert_eq!(seconds_until(None, NOW), 1);
        let order = OrderId::new(NOW, [7; 10]);
        let found = Attributes::from([(UNPAID.to_owned(), AttributeValue::Ss(vec![order.to_string(), "x".into()]))]);
        assert_eq!(counted(&found).collect::<Vec<_>>(), [order]);
    }
}
