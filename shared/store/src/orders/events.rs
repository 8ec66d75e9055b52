//! Events: written with the change they tell of, marked until somebody has acted on them.

use domain::order::Event;
use domain::{EventId, Timestamp};

use super::{DUE_PARTITIONS, EVENT, Entry, Orders};
use crate::Error;
use crate::error::Failure;
use crate::item::{Attributes, Condition, body, number, text};
use crate::retry::{Asked, get, query, update_one};

/// An event that nobody has acted on yet.
#[derive(Clone, Debug)]
pub struct Undelivered {
    /// The event.
    pub event: Event,
}

impl Orders {
    /// Whether an event still waits to be acted on.
    pub async fn is_undelivered(&self, id: EventId) -> Result<bool, Error> {
        let found = get(&self.client, &self.table, Entry::Event(id).key(), true).await?;
        Ok(found.is_some_and(|found| text(&found, "undelivered").is_some()))
    }

    /// Marks an event as acted on. False when it was already.
    pub async fn delivered(&self, id: EventId) -> Result<bool, Error> {
        let condition =
            Condition::of("attribute_exists(undelivered)").name("#version", "version").value(":one", number(1));
        let change = "REMOVE undelivered, undelivered_at ADD #version :one";
        match update_one(&self.client, &self.table, Entry::Event(id).key(), change, &condition).await {
            Ok(_) => Ok(true),
            Err(Failure::Condition) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Events from before a time that nobody has acted on: at most `limit` out of each partition.
    pub async fn undelivered(&self, before: Timestamp, limit: u16) -> Result<Vec<Undelivered>, Error> {
        let mut events = Vec::new();
        for partition in 0..DUE_PARTITIONS {
            let values = Attributes::from([(":before".to_owned(), number(before.millis()))]);
            let page = query(
                &self.client,
                Asked {
                    table: self.table.clone(),
                    index: Some("by_undelivered"),
                    partition: ("undelivered", format!("UNDELIVERED#{partition}")),
                    within: Some(("undelivered_at <= :before".to_owned(), values)),
                    limit: Some(i32::from(limit)),
                    ..Asked::default()
                },
            )
            .await?;
            for found in &page.items {
                events.push(Undelivered { event: body(found, EVENT)? });
            }
        }
        Ok(events)
    }
}
