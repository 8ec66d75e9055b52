//! What the consumers of one table's stream have still to process, in memory: which records, by shard, and how far each
//! consumer is. The stream is read once for all of them, and many steps of a consumer become one write.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::shards::{shard_id, shard_of};
use serde_json::Value;

/// How long positions stay in memory alone. What was processed in this time before a kill is delivered again: a stream
/// delivers at least once.
pub(super) const SAVE_INTERVAL: Duration = Duration::from_millis(20);

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its sequence number, as dynoxide stores it.
    pub(super) number: i64,
    /// Its row.
    pub(super) row: i64,
}

/// A record as it is found in the stream.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) place: Place,
    /// The value of its hash attribute, such as `{"S": …}`.
    pub(super) key: Value,
}

#[derive(Debug)]
struct Shard {
    id: String,
    /// The records that a consumer has not processed, in their order.
    records: VecDeque<Place>,
    /// The last record that each consumer has processed.
    positions: BTreeMap<String, i64>,
}

#[derive(Debug)]
pub(super) struct Backlog {
    shards: Vec<Shard>,
    /// The number of the last record that was read from the stream.
    read: i64,
    /// After how many writes it was read; unknown when it is to be read in any case.
    read_after: Option<u64>,
    /// The records that all consumers have processed, and that are still stored.
    processed: Vec<Place>,
    /// The positions that are not stored yet: shard and consumer.
    unsaved: BTreeSet<(usize, String)>,
    saved: Option<Instant>,
}

/// What is to be stored of a [`Backlog`].
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Consumer, shard and position.
    pub(super) positions: Vec<(String, String, i64)>,
    /// The rows of the records that every consumer has processed.
    pub(super) rows: Vec<i64>,
}

impl Backlog {
    pub(super) fn new(shards: usize) -> Self {
        let shard =
            |number| Shard { id: shard_id(number, shards), records: VecDeque::new(), positions: BTreeMap::new() };
        Self {
            shards: (0..shards).map(shard).collect(),
            read: 0,
            read_after: None,
            processed: Vec::new(),
            unsaved: BTreeSet::new(),
            saved: None,
        }
    }

    /// Has the stream read from its beginning the next time, for a consumer that begins there.
    pub(super) fn read_again(&mut self) {
        self.shards.iter_mut().for_each(|shard| shard.records.clear());
        self.processed.clear();
        self.read = 0;
        self.read_after = None;
    }

    /// Has the stream read on the next time even if no write was counted.
    pub(super) fn doubt(&mut self) {
        self.read_after = None;
    }

    /// The number after which the stream is to be read on; none if there were no writes since.
    pub(super) fn unread_after(&self, writes: u64) -> Option<i64> {
        (self.read_after != Some(writes)).then_some(self.read)
    }

    /// Adds the records that were read after so many writes.
    pub(super) fn add(&mut self, found: Vec<Found>, writes: u64) {
        self.read_after = Some(writes);
        let count = self.shards.len();
        for Found { place, key } in found {
            self.read = self.read.max(place.number);
            if let Some(shard) = self.shards.get_mut(shard_of(&key, count)) {
                shard.records.push_back(place);
            }
        }
        self.clear_processed();
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.shards.iter().map(|shard| shard.id.as_str())
    }

    /// Whether the consumer reads this stream already.
    pub(super) fn knows(&self, consumer: &str) -> bool {
        self.shards.iter().all(|shard| shard.positions.contains_key(consumer))
    }

    /// Sets where a consumer begins, by its stored positions.
    pub(super) fn begin(&mut self, consumer: &str, positions: &BTreeMap<String, i64>) {
        for shard in &mut self.shards {
            let position = positions.get(&shard.id).copied().unwrap_or(0);
            shard.positions.insert(consumer.to_owned(), position);
        }
    }

    /// The next records of a consumer.
    pub(super) fn next(&self, shard: usize, consumer: &str, limit: usize) -> Vec<Place> {
        let Some(shard) = self.shards.get(shard) else { return Vec::new() };
        let position = shard.positions.get(consumer).copied().unwrap_or(0);
        let begin = shard.records.partition_point(|record| record.number <= position);
        shard.records.iter().skip(begin).take(limit).copied().collect()
    }

    /// Forgets a record whose row is gone.
    pub(super) fn forget(&mut self, shard: usize, place: Place) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.records.retain(|record| *record != place);
        }
    }

    /// Sets that a consumer has processed everything up to this record.
    pub(super) fn commit(&mut self, number: usize, consumer: &str, position: i64) {
        // A consumer that is gone has no position any more.
        let Some(shard) = self.shards.get_mut(number) else { return };
        let Some(stored) = shard.positions.get_mut(consumer).filter(|stored| **stored < position) else {
            return self.clear_processed();
        };
        *stored = position;
        self.unsaved.insert((number, consumer.to_owned()));
        self.clear_processed();
    }

    /// Forgets all other consumers.
    pub(super) fn retain(&mut self, consumers: &[&str]) {
        for shard in &mut self.shards {
            shard.positions.retain(|consumer, _| consumers.contains(&consumer.as_str()));
        }
        self.unsaved.retain(|(_, consumer)| consumers.contains(&consumer.as_str()));
    }

    fn clear_processed(&mut self) {
        for shard in &mut self.shards {
            let Some(slowest) = shard.positions.values().min().copied() else { continue };
            while let Some(record) = shard.records.pop_front_if(|record| record.number <= slowest) {
                self.processed.push(record);
            }
        }
    }

    /// Whether no consumer has a record to process.
    pub(super) fn is_idle(&self) -> bool {
        self.shards.iter().all(|shard| {
            let last = shard.records.back().map_or(0, |record| record.number);
            shard.positions.values().all(|position| *position >= last)
        })
    }

    /// Whether there are [`Backlog::changes`].
    pub(super) fn is_unsaved(&self) -> bool {
        !self.unsaved.is_empty() || self.processed.iter().any(|record| record.number < self.read)
    }

    /// Whether positions are to be stored now.
    pub(super) fn is_due(&self) -> bool {
        self.is_unsaved() && self.saved.is_none_or(|saved| saved.elapsed() >= SAVE_INTERVAL)
    }

    /// What is to be stored. The stream's last record stays even when all consumers have processed it: dynoxide numbers
    /// the next one from it.
    pub(super) fn changes(&self) -> Changes {
        let position = |(shard, consumer): &(usize, String)| {
            let shard = self.shards.get(*shard)?;
            Some((consumer.clone(), shard.id.clone(), *shard.positions.get(consumer)?))
        };
        let unneeded = self.processed.iter().filter(|record| record.number < self.read);
        Changes {
            positions: self.unsaved.iter().filter_map(position).collect(),
            rows: unneeded.map(|record| record.row).collect(),
        }
    }

    /// Sets that [`Backlog::changes`] are stored.
    pub(super) fn saved(&mut self) {
        self.unsaved.clear();
        let read = self.read;
        self.processed.retain(|record| record.number >= read);
        self.saved = Some(Instant::now());
    }
}
