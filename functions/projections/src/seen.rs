//! Which stock changes are part of an availability that was already saved.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::VariantId;
use store::stock::StockLevel;

/// Most shards that are remembered. Forgetting one costs only a redundant reading.
const MAX_REMEMBERED: usize = 20_000;

/// The newest version of each shard that is part of a saved availability. Under load, one batch contains hundreds of
/// changes of the same shard: the first of them reads the stock as it is after all of them, and the others are skipped.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<(VariantId, u16), u64>>);

impl Seen {
    /// Whether a saved availability includes this version of a shard.
    pub(crate) fn includes(&self, shard: (VariantId, u16), version: u64) -> bool {
        self.versions().get(&shard).is_some_and(|known| *known >= version)
    }

    /// Remembers the shard versions of a saved availability.
    pub(crate) fn shown(&self, variant: VariantId, level: &StockLevel) {
        let mut versions = self.versions();
        if versions.len() >= MAX_REMEMBERED {
            versions.clear();
        }
        for (shard, version) in &level.versions {
            let known = versions.entry((variant, *shard)).or_default();
            *known = (*known).max(*version);
        }
    }

    fn versions(&self) -> MutexGuard<'_, HashMap<(VariantId, u16), u64>> {
        // Nothing panics while the lock is held, and every entry is valid by itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::ProductId;

    use super::*;

    #[test]
    fn a_change_is_skipped_only_when_a_reading_held_it() {
        let variant = VariantId::new(ProductId::from_bits(1), 1);
        let seen = Seen::default();
        let level = |shard, version| StockLevel { available: 3, versions: [(shard, version)].into() };
        assert!(!seen.includes((variant, 0), 1));
        seen.shown(variant, &level(0, 7));
        assert!(seen.includes((variant, 0), 6) && seen.includes((variant, 0), 7));
        assert!(!seen.includes((variant, 0), 8));
        assert!(!seen.includes((variant, 1), 1), "another shard was not there when the stock was read");
        seen.shown(variant, &level(0, 5));
        assert!(seen.includes((variant, 0), 7), "an older reading takes nothing back");
    }
}
