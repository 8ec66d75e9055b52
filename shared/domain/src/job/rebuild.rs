//! Rebuilds: copies that are derived from something else are derived again, and what differs is rewritten. Also how
//! what former releases stored takes the form of this one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JobState, Lease};
use crate::stored::Kept;
use crate::{RebuildId, Timestamp};

/// What a rebuild writes anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Derived {
    /// The units on product pages, from the stock.
    Availability,
    /// The rows of product lists, from the products and their availability.
    Listings,
    /// The place of products in the category tree, with their rows in lists.
    Categories,
    /// The one item that held all settings before 2026-11-30: each of them gets an item of its own.
    Settings,
    /// The places of vendor orders, refunds and disputes in lists by state, which releases before 2026-12-01 did not
    /// write.
    OrderLists,
    /// Who ordered, which releases before 2026-12 stored in the clear: sealed, and looked up by HMACs.
    Orders,
    /// The files of pictures that releases before 2026-12-06 published as they were uploaded, and of those whose
    /// notification was lost.
    Pictures,
}

impl Derived {
    pub const ALL: [Self; 7] = [
        Self::Availability,
        Self::Listings,
        Self::Categories,
        Self::Settings,
        Self::OrderLists,
        Self::Orders,
        Self::Pictures,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Listings => "listings",
            Self::Categories => "categories",
            Self::Settings => "settings",
            Self::OrderLists => "order_lists",
            Self::Orders => "orders",
            Self::Pictures => "pictures",
        }
    }
}

/// What a rebuild has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebuildCounts {
    /// Products, rows of lists that no product has, settings and orders that were looked at.
    #[serde(default)]
    pub examined: u64,
    /// Those of them that differed and were rewritten or deleted.
    #[serde(default)]
    pub rewritten: u64,
    /// Those that could not be read, or not be changed by this release, and were left as they are.
    #[serde(default)]
    pub unreadable: u64,
}

/// A rebuild, as it is stored: the last one of each kind of copies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuild {
    pub id: RebuildId,
    pub what: Derived,
    pub state: JobState,
    /// The key of the last item that was looked at, in the form that a walk continues from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub counts: RebuildCounts,
    /// Whether it was asked for again meanwhile, so that it begins anew when it is through: what led to the request may
    /// lie before the position.
    #[serde(default)]
    pub again: bool,
    /// The message that works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    pub created_at: Timestamp,
    /// When it was completed or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl Rebuild {
    /// A rebuild that waits for its first slice of work.
    pub fn new(id: RebuildId, what: Derived, now: Timestamp) -> Self {
        Self {
            id,
            what,
            state: JobState::Waiting,
            position: None,
            counts: RebuildCounts::default(),
            again: false,
            lease: None,
            created_at: now,
            finished_at: None,
            version: 0,
            kept: Kept::default(),
        }
    }

    /// The rebuild that answers a request for one: this one, which begins anew once it is through, or a new one with
    /// this id in its place when it is over.
    #[must_use]
    pub fn requested_again(self, id: RebuildId, now: Timestamp) -> Self {
        match self.state {
            JobState::Completed | JobState::Failed => Self { version: self.version, ..Self::new(id, self.what, now) },
            // Nothing was looked at yet, so nothing can have been missed.
            JobState::Waiting => self,
            JobState::Running | JobState::Other => Self { again: true, ..self },
        }
    }

    /// Adds what was done up to a position. Without one the walk is at its end, and the rebuild is completed unless it
    /// has to begin anew. Returns whether it is completed.
    pub fn advance(&mut self, position: Option<BTreeMap<String, String>>, done: RebuildCounts, now: Timestamp) -> bool {
        self.counts = RebuildCounts {
            examined: self.counts.examined.saturating_add(done.examined),
            rewritten: self.counts.rewritten.saturating_add(done.rewritten),
            unreadable: self.counts.unreadable.saturating_add(done.unreadable),
        };
        self.position = position;
        if self.position.is_some() {
            return false;
        }
        let is_over = !std::mem::take(&mut self.again);
        if is_over {
            self.finish(JobState::Completed, now);
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_rebuild_that_is_asked_for_while_it_runs_begins_anew_at_its_end() {
        let (first, second) = (RebuildId::from_bits(1), RebuildId::from_bits(2));
        let waiting = Rebuild::new(first, Derived::Listings, at(0));
        assert_eq!(waiting.clone().requested_again(second, at(1)), waiting, "nothing was looked at yet");
        let mut running = waiting;
        running.claim("message", at(1));
        let position = Some(BTreeMap::from([("key".to_owned(), "sone".to_owned())]));
        let counts = RebuildCounts { examined: 2, rewritten: 1, unreadable: 0 };
        assert!(!running.advance(position, counts, at(2)));
        let mut running = running.requested_again(second, at(2));
        assert_eq!((running.id, running.again), (first, true));
        assert!(!running.advance(None, counts, at(3)), "it begins anew");
        assert_eq!((running.again, &running.position, running.state), (false, &None, JobState::Running));
        assert!(running.advance(None, counts, at(4)));
        assert_eq!(
            (running.state, running.counts.examined, running.finished_at),
            (JobState::Completed, 6, Some(at(4)))
        );
        let next = running.clone().requested_again(second, at(5));
        assert_eq!((next.id, next.state, next.counts), (second, JobState::Waiting, RebuildCounts::default()));
    }
}
