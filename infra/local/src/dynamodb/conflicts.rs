//! Transactions that are under way, and what they keep others from.
//!
//! DynamoDB refuses to write an item, or to read it in a transaction, while another transaction that names it is under
//! way; a transaction takes some milliseconds there and none in an embedded database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::keys::ItemKey;

/// The items of the transactions under way. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Conflicts {
    held: Arc<Mutex<HashMap<ItemKey, Option<String>>>>,
}

/// Why a transaction may not begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// For each item asked for, whether another transaction has it.
    Conflict(Vec<bool>),
    /// This transaction itself, by its token, is under way.
    InProgress,
}

/// Items held by a transaction under way, until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Hold {
    conflicts: Conflicts,
    items: Vec<ItemKey>,
}

impl Conflicts {
    /// Begins a transaction on these items, if no other has any of them.
    pub(super) fn hold(&self, items: Vec<ItemKey>, token: Option<&str>) -> Result<Hold, Refusal> {
        let mut held = self.held();
        let taken: Vec<bool> = items.iter().map(|item| held.contains_key(item)).collect();
        if taken.contains(&true) {
            let own = |item: &ItemKey| held.get(item).is_some_and(|by| token.is_some() && by.as_deref() == token);
            return Err(if items.iter().any(own) { Refusal::InProgress } else { Refusal::Conflict(taken) });
        }
        for item in &items {
            held.insert(item.clone(), token.map(str::to_owned));
        }
        drop(held);
        Ok(Hold { conflicts: self.clone(), items })
    }

    /// Whether a transaction under way has this item.
    pub(super) fn has(&self, item: &ItemKey) -> bool {
        self.held().contains_key(item)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ItemKey, Option<String>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.conflicts.held();
        for item in &self.items {
            held.remove(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(key: &str) -> ItemKey {
        ItemKey { table: "Stock".to_owned(), key: key.to_owned() }
    }

    #[test]
    fn overlapping_transactions_exclude_each_other_until_the_first_ends() {
        let conflicts = Conflicts::default();
        let first = conflicts.hold(vec![item("a"), item("b")], Some("one")).unwrap();
        let overlap = conflicts.hold(vec![item("c"), item("b")], Some("two")).unwrap_err();
        assert_eq!(overlap, Refusal::Conflict(vec![false, true]));
        assert!(!conflicts.has(&item("c")), "a refused transaction holds nothing");
        assert_eq!(conflicts.hold(vec![item("a")], Some("one")).unwrap_err(), Refusal::InProgress);
        drop(first);
        assert!(!conflicts.has(&item("a")));
        let _second = conflicts.hold(vec![item("a")], None).unwrap();
        assert_eq!(conflicts.hold(vec![item("a")], None).unwrap_err(), Refusal::Conflict(vec![true]));
    }
}
