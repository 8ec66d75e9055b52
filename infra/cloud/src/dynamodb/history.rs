//! Images of overwritten items, so that a read can return stale data.
//!
//! A stale read returns a state that did exist: it runs on a copy of the database in which the last write to what it
//! reads is undone, so that conditions, projections, indexes and pages are consistent with that state.

use std::collections::VecDeque;

use dynoxide::{DynoxideError, Item};
use serde_json::{Value, json};

use super::engine::{Engine, Executed, from_value, run};
use super::keys::{ItemKey, NamedItem};

/// An item before a write; without an image when the write created it.
#[derive(Debug)]
struct Before {
    item: ItemKey,
    key: Value,
    image: Option<Item>,
    /// The number of the request that wrote it.
    request: u64,
}

/// The images of the last writes, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    images: VecDeque<Before>,
    requests: u64,
}

impl History {
    /// Stores what a request overwrote, and drops the oldest images beyond `limit`.
    pub(super) fn remember(&mut self, overwritten: Vec<(NamedItem, Option<Item>)>, limit: usize) {
        self.requests += 1;
        let request = self.requests;
        self.images.extend(overwritten.into_iter().map(|(named, image)| Before {
            item: named.item,
            key: named.key,
            image,
            request,
        }));
        let excess = self.images.len().saturating_sub(limit);
        self.images.drain(..excess);
    }

    /// The images to put back so that the last write to each of these items is undone.
    fn before_last_write_of(&self, items: &[NamedItem]) -> Vec<&Before> {
        items.iter().filter_map(|named| self.images.iter().rev().find(|before| before.item == named.item)).collect()
    }

    /// The image to put back so that one item of the last transaction in a partition is undone: of the nth item,
    /// counted from 1, of the last request that wrote several items whose keys have one of these values.
    fn of_last_transaction(&self, table: &str, values: &Value, nth: u32) -> Vec<&Before> {
        let values: Vec<&Value> = values.as_object().into_iter().flat_map(|values| values.values()).collect();
        let is_read = |before: &&Before| {
            let mut parts = before.key.as_object().into_iter().flat_map(|key| key.values());
            before.item.table == table && parts.any(|part| values.contains(&part))
        };
        let read: Vec<&Before> = self.images.iter().filter(is_read).collect();
        let of_request = |request: u64| read.iter().filter(move |before| before.request == request);
        let last = read.iter().rev().map(|before| before.request).find(|request| of_request(*request).count() > 1);
        let nth = usize::try_from(nth).unwrap_or(usize::MAX).saturating_sub(1);
        last.and_then(|request| of_request(request).nth(nth)).into_iter().copied().collect()
    }

    /// The images to put back so that the last request that wrote to this table is undone.
    fn before_last_write_to(&self, table: &str) -> Vec<&Before> {
        let of_table = || self.images.iter().rev().filter(|before| before.item.table == table);
        let last = of_table().next().map(|before| before.request);
        of_table().filter(|before| Some(before.request) == last).collect()
    }
}

/// Executes a read on the state before the last write to the items it names or, when it names none, to its table.
pub(super) fn run_stale(
    engine: &Engine,
    history: &History,
    operation: &str,
    body: Value,
    named: &[NamedItem],
    table: &str,
) -> Result<Executed, DynoxideError> {
    let undone =
        if named.is_empty() { history.before_last_write_to(table) } else { history.before_last_write_of(named) };
    run_before(engine, undone, operation, body)
}

/// Executes a query on a state in which one item of the last transaction in what it reads is not written yet.
pub(super) fn run_torn(
    engine: &Engine,
    history: &History,
    operation: &str,
    body: Value,
    table: &str,
    nth: u32,
) -> Result<Executed, DynoxideError> {
    let values = body.get("ExpressionAttributeValues").cloned().unwrap_or_default();
    run_before(engine, history.of_last_transaction(table, &values, nth), operation, body)
}

/// Executes a read on a copy of the database with these images put back.
fn run_before(engine: &Engine, undone: Vec<&Before>, operation: &str, body: Value) -> Result<Executed, DynoxideError> {
    let failed = |error: &dyn std::fmt::Display| DynoxideError::InternalServerError(error.to_string());
    let directory = tempfile::tempdir().map_err(|error| failed(&error))?;
    let copy = directory.path().join("before.sqlite");
    let copy = copy.to_str().ok_or_else(|| failed(&"the temporary directory's path is not UTF-8"))?;
    let past = engine.database.copy_to(copy)?;
    for before in undone {
        let table = &before.item.table;
        match &before.image {
            Some(image) => drop(past.put_item(from_value(json!({ "TableName": table, "Item": image }))?)?),
            None => drop(past.delete_item(from_value(json!({ "TableName": table, "Key": before.key }))?)?),
        }
    }
    run(&past, operation, body)
}
