//! Outbox events: written in the transaction of their change, marked as undelivered until they are processed.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::{EventId, LowStock, OutboxEvent, Timestamp};

use super::{DUE_PARTITIONS, EVENT, Entry, Orders, event_item};
use crate::Error;
use crate::error::Failure;
use crate::item::{Attributes, Condition, body, integer, number, put, string, text};
use crate::retry::{QueryRequest, get, query, update_one};

/// An event that has not been processed yet.
#[derive(Clone, Debug)]
pub struct Undelivered {
    pub id: EventId,
    /// The message to send.
    pub record: String,
    /// `None` when the item cannot be read.
    pub event: Option<OutboxEvent>,
    /// When it is due to be sent again: when it happened, or later once it was sent again.
    pub due_at: Timestamp,
}

/// The event in a new item of the table, as the table's stream reports it.
///
/// # Errors
/// The item is no event, or one that this release does not know.
pub fn event_of(item: &Attributes) -> Result<OutboxEvent, Error> {
    body(item, EVENT)
}

/// The stream's record of an event's item, with only what [`event_of`] reads: for sending an event to its queue again.
/// `data` is passed on as it is stored: the consumer may be of a newer release, and know more of it.
fn record_of(id: EventId, data: &str) -> String {
    let record = serde_json::json!({
        "eventID": id,
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"NewImage": {"kind": {"S": EVENT}, "data": {"S": data}}},
    });
    // SQS takes every character but these two; in JSON they are in texts only, where an escape says the same.
    record.to_string().replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}

/// The outcome of claiming an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The caller alone processes it until the claim ends.
    Granted {
        /// The name of the claim, for releasing it.
        holder: String,
        /// The recipients that an earlier, interrupted delivery has notified already.
        notified: BTreeSet<String>,
    },
    /// Another message's delivery is processing it.
    Held,
    /// A copy of the same message is processing it, or has just failed.
    HeldByCopy,
    /// It was processed before.
    Done,
}

/// The name of a claim: the message, and what tells this claim from those of the message's other copies. Two copies of
/// a message may be alike in everything else, their receive count included.
fn holder(message: &str) -> String {
    format!("{message}#{:016x}", fastrand::u64(..))
}

impl Orders {
    /// The action that emits the event that a variant's stock is low, for the transaction of the change that causes it.
    pub(crate) fn low_stock_action(&self, low: &LowStock) -> Result<TransactWriteItem, Error> {
        let event = OutboxEvent::LowStock(low.clone());
        put(&self.table, event_item(&event)?, &Condition::absent())
    }

    /// Claims an event until a time, so that two concurrent deliveries do not both notify the recipients. The claim of
    /// a delivery that crashes ends at that time. `message` is the id of the queue's message.
    pub async fn claim(&self, id: EventId, message: &str, now: Timestamp, until: Timestamp) -> Result<Claim, Error> {
        let free = "attribute_exists(undelivered) AND (attribute_not_exists(claimed_until) OR claimed_until <= :now)";
        let holder = holder(message);
        let condition = Condition::of(free)
            .name("#version", "version")
            .value(":by", string(&holder))
            .value(":now", number(now.millis()))
            .value(":until", number(until.millis()))
            .value(":one", number(1));
        let change = "SET claimed_until = :until, claimed_by = :by ADD #version :one";
        match update_one(&self.client, &self.table, Entry::Event(id).key(), change, &condition).await {
            Ok(found) => {
                let notified = found.get("told").and_then(|set| set.as_ss().ok());
                Ok(Claim::Granted { holder, notified: notified.into_iter().flatten().cloned().collect() })
            }
            Err(Failure::ConditionFailed) => {
                let found = get(&self.client, &self.table, Entry::Event(id).key(), true).await?;
                Ok(refused_claim(found.as_ref(), message))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Releases a claim before its end, when the work failed. Returns false when another delivery holds it by now.
    pub async fn release(&self, id: EventId, holder: &str) -> Result<bool, Error> {
        let condition = Condition::of("claimed_by = :by")
            .name("#version", "version")
            .value(":by", string(holder))
            .value(":one", number(1));
        let change = "REMOVE claimed_until, claimed_by ADD #version :one";
        match update_one(&self.client, &self.table, Entry::Event(id).key(), change, &condition).await {
            Ok(_) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Records that a recipient was notified of an event. `recipient` is the name of a role, never an address.
    pub async fn mark_notified(&self, id: EventId, recipient: &str) -> Result<(), Error> {
        let condition = Condition::present()
            .name("#version", "version")
            .value(":recipient", AttributeValue::Ss(vec![recipient.to_owned()]))
            .value(":one", number(1));
        let change = "ADD told :recipient, #version :one";
        update_one(&self.client, &self.table, Entry::Event(id).key(), change, &condition).await?;
        Ok(())
    }

    /// Marks an event as processed. Returns false when it was marked before.
    pub async fn mark_delivered(&self, id: EventId) -> Result<bool, Error> {
        let condition =
            Condition::of("attribute_exists(undelivered)").name("#version", "version").value(":one", number(1));
        let change = "REMOVE undelivered, undelivered_at, claimed_until, claimed_by ADD #version :one";
        match update_one(&self.client, &self.table, Entry::Event(id).key(), change, &condition).await {
            Ok(_) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The undelivered events that were due before a time: at most `limit` from each partition, the oldest first.
    pub async fn undelivered(&self, before: Timestamp, limit: u16) -> Result<Vec<Undelivered>, Error> {
        let mut events = Vec::new();
        for partition in 0..DUE_PARTITIONS {
            let values = Attributes::from([(":before".to_owned(), number(before.millis()))]);
            let partition = ("undelivered", format!("UNDELIVERED#{partition}"));
            let request = QueryRequest {
                sort_key_condition: Some(("undelivered_at <= :before".to_owned(), values)),
                limit: Some(i32::from(limit)),
                ..QueryRequest::of(&self.table, "by_undelivered", partition)
            };
            let page = query(&self.client, request).await?;
            events.extend(page.items.iter().filter_map(undelivered_of));
        }
        events.sort_by_key(|waiting| waiting.due_at);
        Ok(events)
    }

    /// Postpones an undelivered event that was just sent again. Returns false when it was delivered or postponed in the
    /// meantime.
    pub async fn postpone_event(&self, seen: &Undelivered, at: Timestamp) -> Result<bool, Error> {
        let condition = Condition::of("undelivered_at = :seen")
            .name("#version", "version")
            .value(":seen", number(seen.due_at.millis()))
            .value(":at", number(at.millis()))
            .value(":one", number(1));
        let change = "SET undelivered_at = :at ADD #version :one";
        match update_one(&self.client, &self.table, Entry::Event(seen.id).key(), change, &condition).await {
            Ok(_) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }
}

/// Why an event could not be claimed, from the item as it is now.
fn refused_claim(found: Option<&Attributes>, message: &str) -> Claim {
    let Some(found) = found.filter(|found| text(found, "undelivered").is_some()) else { return Claim::Done };
    match text(found, "claimed_by").and_then(|holder| holder.split_once('#')) {
        Some((by, _)) if by != message => Claim::Held,
        // Without a claim the holder has failed since: whose message it had cannot be told any more.
        _ => Claim::HeldByCopy,
    }
}

/// An event that cannot be read must not keep the others from being sent.
fn undelivered_of(found: &Attributes) -> Option<Undelivered> {
    let id = text(found, "pk").and_then(|pk| pk.strip_prefix("EVENT#"))?.parse().ok()?;
    let due_at = Timestamp::from_millis(integer(found, "undelivered_at")?);
    let record = record_of(id, text(found, "data").unwrap_or_default());
    Some(Undelivered { id, record, event: body(found, EVENT).ok(), due_at })
}

#[cfg(test)]
mod tests {
    use domain::OrderId;
    use domain::order::{OrderEvent, OrderEventKind};

    use super::*;

    #[test]
    fn a_copy_is_told_from_another_message_and_each_claim_has_a_name_of_its_own() {
        let item = |by: Option<&str>| {
            let mut item = Attributes::from([("undelivered".to_owned(), string("UNDELIVERED#1"))]);
            item.extend(by.map(|by| ("claimed_by".to_owned(), string(by))));
            item
        };
        let refused = |by: Option<&str>| refused_claim(Some(&item(by)), "m-1");
        assert_eq!(refused(Some(&holder("m-1"))), Claim::HeldByCopy);
        assert_eq!(refused(Some("m-1#1")), Claim::HeldByCopy, "named by the release before");
        assert_eq!(refused(Some(&holder("m-2"))), Claim::Held);
        assert_eq!(refused(None), Claim::HeldByCopy, "the message comes again rather than being lost");
        assert_eq!(refused_claim(Some(&Attributes::new()), "m-1"), Claim::Done);
        assert_eq!(refused_claim(None, "m-1"), Claim::Done);
        assert_ne!(holder("m-1"), holder("m-1"));
    }

    #[test]
    fn an_event_is_sent_as_the_pipe_sends_it() {
        let event = OutboxEvent::Order(OrderEvent {
            id: EventId::from_bits(7),
            kind: OrderEventKind::OrderPaid,
            order: OrderId::from_bits(9),
            vendor: None,
            parcel: None,
            return_number: None,
            at: Timestamp::from_millis(1_000_000),
        });
        let mut found = event_item(&event).unwrap();
        let newer = text(&found, "data").unwrap().replacen('{', r#"{"tomorrow":1,"#, 1);
        found.insert("data".to_owned(), string(newer));
        let record: serde_json::Value = serde_json::from_str(&undelivered_of(&found).unwrap().record).unwrap();
        assert_eq!((&record["eventName"], &record["eventID"]), (&"INSERT".into(), &event.id().to_string().into()));
        let image = record["dynamodb"]["NewImage"].as_object().unwrap();
        let typed = |attribute: &serde_json::Value| string(attribute["S"].as_str().unwrap());
        let item = image.iter().map(|(name, attribute)| (name.clone(), typed(attribute))).collect::<Attributes>();
        assert_eq!(text(&item, "data"), text(&found, "data"), "with what this release does not know");
        assert_eq!(event_of(&item).unwrap(), event);
    }
}
