//! Reads a file several times, each time for some of its products, so that rows of a product which stand apart come
//! together in bounded memory.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::faults::Fault;
use super::group::Group;
use super::record::Record;

/// The bytes that the products of a pass take in memory on average.
const PASS_BYTES: u64 = 14 * 1024 * 1024;
/// The most bytes that are held at a time: more than a pass has, unless somebody has chosen the keys so.
const HELD_BYTES: usize = 32 * 1024 * 1024;

/// How far a file has been read: what an import stores to go on after an interruption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Rows before the next product, without the header and blank rows.
    pub rows: u64,
    /// The line in which the next product starts, counted from one.
    pub line: u64,
    /// The offset in bytes at which the next product starts.
    pub offset: u64,
    /// How often the whole file was read before, when it is read in [passes](super::ProductReader::in_passes).
    #[serde(default)]
    pub pass: u32,
    /// The products of this pass that came before.
    #[serde(default)]
    pub done: u32,
}

/// The state of a reading of the whole file for some of its products.
#[derive(Debug)]
pub(super) struct Passes {
    count: u32,
    pass: u32,
    /// The products of this pass that were given or are passed over.
    done: u32,
    /// The rows of products that were given.
    rows: u64,
    /// The place of each product among the groups, by its key.
    places: HashMap<Vec<u8>, usize>,
    groups: Vec<Group>,
    held: usize,
    /// The products that are left of this pass, once the file has been read.
    left: Option<std::vec::IntoIter<Group>>,
}

/// What comes next in a pass.
#[derive(Debug)]
pub(super) enum Next {
    /// Another row is read.
    Row,
    Product(Group, Position),
    /// The file is read again.
    Pass,
    End,
}

impl Passes {
    /// So many passes, from a position on.
    pub(super) fn new(count: u32, position: Position) -> Self {
        Self {
            count,
            pass: position.pass,
            done: position.done,
            rows: position.rows,
            places: HashMap::new(),
            groups: Vec::new(),
            held: 0,
            left: None,
        }
    }

    /// Gives the next product, once all of this pass are there.
    pub(super) fn next(&mut self) -> Next {
        let Some(left) = &mut self.left else { return Next::Row };
        if let Some(group) = left.next() {
            self.done += 1;
            self.rows += group.rows;
            let next = Position { rows: self.rows, pass: self.pass, done: self.done, ..Position::default() };
            return Next::Product(group, next);
        }
        self.pass += 1;
        (self.done, self.held, self.left) = (0, 0, None);
        if self.pass < self.count { Next::Pass } else { Next::End }
    }

    /// An estimate of the bytes held in memory.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Adds a row, if its product belongs to this pass. Those without a key are products of their own.
    pub(super) fn add(&mut self, record: &Record, offset: u64, key: Vec<u8>) -> Result<(), Fault> {
        let number = if key.is_empty() { record.line() } else { hash(&key) };
        if number % u64::from(self.count) != u64::from(self.pass) {
            return Ok(());
        }
        let known = self.places.get(&key).filter(|_| !key.is_empty()).and_then(|place| self.groups.get_mut(*place));
        let before = known.as_ref().map_or(0, |group| group.held());
        let after = if let Some(group) = known {
            group.add(record);
            group.held()
        } else {
            let group = Group::new(record, offset, key.clone(), false);
            let held = group.held() + key.len();
            self.places.insert(key, self.groups.len());
            self.groups.push(group);
            held
        };
        self.held = self.held.saturating_add(after.saturating_sub(before));
        if self.held > HELD_BYTES { Err(Fault::RowsTooFarApart) } else { Ok(()) }
    }

    /// The products of this pass, in the order of their first rows, without those that are done.
    pub(super) fn begin_giving(&mut self) {
        self.places = HashMap::new();
        let mut groups = std::mem::take(&mut self.groups);
        groups.drain(..groups.len().min(usize::try_from(self.done).unwrap_or(usize::MAX)));
        self.left = Some(groups.into_iter());
    }
}

/// What a row takes in memory when its product is held, as [`Passes::add`] counts it. The first one of a product takes
/// more.
pub(super) fn held_by(record: &Record, key: &[u8], is_first: bool) -> u64 {
    let of_row = record.text.len() + record.len() * size_of::<u32>() + size_of::<Record>();
    let of_product = if is_first { 2 * key.len() + size_of::<Group>() } else { 0 };
    u64::try_from(of_row + of_product).unwrap_or(u64::MAX)
}

/// How often a file is read whose rows take so many bytes in memory when its products are held together.
pub(super) fn passes_for(held: u64) -> u32 {
    u32::try_from(held.div_ceil(PASS_BYTES)).unwrap_or(u32::MAX).max(1)
}

/// Which pass a product belongs to. How far a pass has come is stored, so a file that is read on after a deployment
/// needs the same: `the_hash_of_a_pass_is_the_same_in_every_release` sees whether a toolchain changes it.
pub(super) fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The [`key`](super::Entry::key) of a row: rows without a handle belong to nothing but themselves. It is stored, so it
/// must be the same in every release: FNV-1a of 64 bits (<https://datatracker.ietf.org/doc/draft-eastlake-fnv/>).
pub(super) fn row_key(handle: &[u8], offset: u64) -> u64 {
    let place = if handle.is_empty() { offset.to_be_bytes() } else { [0; 8] };
    let bytes = handle.iter().chain(&place);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_pass_is_the_same_in_every_release() {
        assert_eq!(hash(b"kosa"), 0x4c91_b91e_183f_a03a, "jobs that a release before has begun would skip products");
        assert_eq!(row_key(b"kosa", 7), row_key(b"kosa", 8));
    }
}
