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
