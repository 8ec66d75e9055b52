//! The items held by transactions under way, on which other calls conflict.
//!
//! DynamoDB rejects a write of an item, or a transactional read of it, while another transaction on that item is under
//! way. A transaction takes some milliseconds there and none in an embedded database, so it is held here on purpose.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::keys::ItemKey;

/// The items of the transactions under way, with the token of each transaction. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Conflicts {
    held: Arc<Mutex<HashMap<ItemKey, Option<String>>>>,
}

/// Why a transaction may not begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// For each item of the transaction, whether another transaction holds it.
    Conflict(Vec<bool>),
    /// A transaction with the same token is under way.
    InProgress,
}

/// Holds the items of a transaction until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Hold {
    conflicts: Conflicts,
    items: Vec<ItemKey>,
}

impl Conflicts {
    /// Holds these items for a transaction; none of them when another transaction holds one.
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

    /// Whether a transaction under way holds this item.
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
        assert!(!conflicts.has(&item("c")), "a rejected transaction holds nothing");
        assert_eq!(conflicts.hold(vec![item("a")], Some("one")).unwrap_err(), Refusal::InProgress);
        drop(first);
        assert!(!conflicts.has(&item("a")));
        let _second = conflicts.hold(vec![item("a")], None).unwrap();
        assert_eq!(conflicts.hold(vec![item("a")], None).unwrap_err(), Refusal::Conflict(vec![true]));
    }
}
