//! Places of vendor orders, refunds and disputes in the lists by state and in that of late ones, for items of releases
//! that did not write them, and for those that such a release has changed since.

use std::collections::BTreeMap;

use domain::OrderId;
use domain::order::OrderState;
use futures_util::future::try_join_all;

use super::late::place_of_late;
use super::{
    DISPUTE, Entry, Orders, REFUND, VENDOR_ORDER, order_partition, place_of_dispute, place_of_refund,
    place_of_vendor_order, state_partitions,
};
use crate::error::Failure;
use crate::item::{Attributes, Condition, key, number, string, text, version};
use crate::retry::{QueryRequest, query, query_all, update_one};
use crate::stored::{check_known, read};
use crate::{Backoff, Error};

/// Where a walk through all orders goes on, in the form in which a job stores it: a partition of a state, by its place
/// in the walk, and an order in it.
type Position = BTreeMap<String, String>;

/// The states in the order in which an order comes to them, and those once more that a late payment leads to, and a
/// cancellation after it: so one that changes its state meanwhile is met later, not missed.
const WALKED: [OrderState; 9] = [
    OrderState::AwaitingConfirmation,
    OrderState::AwaitingPayment,
    OrderState::Confirmed,
    OrderState::Paid,
    OrderState::Expired,
    OrderState::Cancelled,
    OrderState::Paid,
    OrderState::Cancelled,
    OrderState::Completed,
];

/// The attributes that are the place of an item: in a list by state, and among the late ones.
const PLACE: [&str; 3] = ["state_key", "state_sort", "list_key"];

/// What became of the items of one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelistedOrder {
    /// Items that got another place.
    pub rewritten: u64,
    /// Items that could not be read, or that only a newer release may write: they were left as they are.
    pub unreadable: u64,
}

impl Orders {
    /// The next orders of a walk through all of them, and the position after them. The states are walked through in the
    /// order in which an order comes to them, so that one whose payment comes in meanwhile is met later, not missed.
    pub async fn walk(&self, after: Option<Position>, limit: u16) -> Result<(Vec<OrderId>, Option<Position>), Error> {
        let at = |name: &str| after.as_ref().and_then(|position| position.get(name)).map(String::as_str);
        let partitions: Vec<String> = WALKED.into_iter().flat_map(|state| state_partitions(state, true)).collect();
        // A walk that a release before 2026-12-02 has begun names the state.
        let former = || {
            let former = format!("STATE#{}", at("state")?);
            partitions.iter().position(|known| *known == former)
        };
        let index = at("step").and_then(|step| step.parse().ok()).or_else(former).unwrap_or(0);
        let Some(partition) = partitions.get(index) else { return Ok((Vec::new(), None)) };
        let start = at("order").and_then(|id| id.parse::<OrderId>().ok()).map(|order| {
            let mut start = Entry::Order(order).key();
            start.insert("state_key".to_owned(), string(partition));
            start.insert("state_sort".to_owned(), string(order.to_string()));
            start
        });
        let request = QueryRequest {
            limit: Some(i32::from(limit)),
            start,
            only: Some("state_sort"),
            ..QueryRequest::of(&self.table, "keys_by_state", ("state_key", partition.clone()))
        };
        let found = query(&self.client, request).await?;
        let id_of = |item: &Attributes| text(item, "state_sort").and_then(|id| id.parse::<OrderId>().ok());
        let position = |step: usize, order: Option<OrderId>| {
            let order = order.map(|order| ("order".to_owned(), order.to_string()));
            std::iter::once(("step".to_owned(), step.to_string())).chain(order).collect()
        };
        let next = match found.last.as_ref().and_then(id_of) {
            Some(last) => Some(position(index, Some(last))),
            None => (index + 1 < partitions.len()).then(|| position(index + 1, None)),
        };
        Ok((found.items.iter().filter_map(id_of).collect(), next))
    }

    /// Whether the shop has no order yet.
    pub async fn are_none(&self) -> Result<bool, Error> {
        let states = OrderState::ALL.into_iter().flat_map(|state| state_partitions(state, true));
        let first = states.map(|partition| {
            let request = QueryRequest {
                limit: Some(1),
                only: Some("state_sort"),
                ..QueryRequest::of(&self.table, "keys_by_state", ("state_key", partition))
            };
            query(&self.client, request)
        });
        Ok(try_join_all(first).await?.iter().all(|found| found.items.is_empty()))
    }

    /// Gives the vendor orders, refunds and disputes of an order their places in the lists by state.
    pub async fn relist(&self, order: OrderId) -> Result<RelistedOrder, Error> {
        let mut relisted = RelistedOrder::default();
        let mut backoff = Backoff::default();
        loop {
            let request = QueryRequest {
                table: self.table.clone(),
                partition: ("pk", order_partition(order)),
                consistent: true,
                ..QueryRequest::default()
            };
            let mut has_changed = false;
            relisted.unreadable = 0;
            for item in &query_all(&self.client, request).await? {
                match expected_place(item) {
                    Ok(Some(place)) if !is_in(item, &place) => match self.put_in(item, &place).await {
                        Ok(()) => relisted.rewritten += 1,
                        Err(Error::Conflict) => has_changed = true,
                        Err(other) => return Err(other),
                    },
                    Ok(_) => {}
                    Err(cause @ (Error::Corrupt { .. } | Error::Newer { .. })) => {
                        tracing::warn!(order.id = %order, %cause, "an item of an order keeps its place in lists");
                        relisted.unreadable += 1;
                    }
                    Err(other) => return Err(other),
                }
            }
            if !has_changed {
                return Ok(relisted);
            }
            backoff.pause().await?;
        }
    }

    /// Writes the place of an item beside its body and version, which stay as they are. A conflict when the item has
    /// changed since it was read.
    async fn put_in(&self, item: &Attributes, place: &Attributes) -> Result<(), Error> {
        let key = key(text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default());
        let condition =
            Condition::of("#version = :read").name("#version", "version").value(":read", number(version(item)));
        let (mut set, mut removed, mut condition) = (Vec::new(), Vec::new(), condition);
        for name in PLACE {
            match place.get(name) {
                Some(value) => {
                    set.push(format!("{name} = :{name}"));
                    condition = condition.value(&format!(":{name}"), value.clone());
                }
                None => removed.push(name),
            }
        }
        let clause = |word: &str, parts: String| if parts.is_empty() { parts } else { format!("{word} {parts} ") };
        let change = clause("SET", set.join(", ")) + &clause("REMOVE", removed.join(", "));
        match update_one(&self.client, &self.table, key, change.trim_end(), &condition).await {
            Ok(_) => Ok(()),
            Err(Failure::ConditionFailed) => Err(Error::Conflict),
            Err(other) => Err(other.into()),
        }
    }
}

/// The place that an item should have; nothing for kinds that are not moved.
fn expected_place(item: &Attributes) -> Result<Option<Attributes>, Error> {
    Ok(match text(item, "kind") {
        Some(VENDOR_ORDER) => {
            let vendor_order = read(item)?;
            check_known(&vendor_order)?;
            let mut place = place_of_vendor_order(&vendor_order);
            place.extend(place_of_late(&vendor_order));
            Some(place)
        }
        Some(REFUND) => {
            let refund = read(item)?;
            check_known(&refund)?;
            Some(place_of_refund(&refund))
        }
        Some(DISPUTE) => {
            let dispute = read(item)?;
            check_known(&dispute)?;
            Some(place_of_dispute(&dispute))
        }
        _ => None,
    })
}

fn is_in(item: &Attributes, place: &Attributes) -> bool {
    PLACE.into_iter().all(|name| item.get(name) == place.get(name))
}
