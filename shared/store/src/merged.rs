//! Lists that are spread over several partitions of an index, newest first: one query for each partition, side by side,
//! merged by the sort key, which is an id that begins with its time.

use aws_sdk_dynamodb::Client;
use domain::{PageRequest, Slice};
use futures_util::future::try_join_all;

use crate::Error;
use crate::item::{Attributes, readable, text};
use crate::page::{Bounds, Scope, TimedId};
use crate::retry::{Found, QueryRequest, query, with_items};

/// A list in several partitions of an index.
pub(crate) struct Merged {
    pub(crate) table: String,
    pub(crate) index: &'static str,
    /// The names of the index's keys: of its partition and of its sort key.
    pub(crate) keys: (&'static str, &'static str),
    pub(crate) partitions: Vec<String>,
    /// Another index that has a part of the list, under the same ids.
    pub(crate) beside: Option<Place>,
    pub(crate) bounds: Bounds,
    /// What tells this list from others with the same partitions and bounds.
    pub(crate) variant: &'static str,
}

/// A partition of an index.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) index: &'static str,
    /// The names of the index's keys: of its partition and of its sort key.
    pub(crate) keys: (&'static str, &'static str),
    pub(crate) partition: String,
}

impl Merged {
    fn scope(&self) -> Scope {
        let Self { table, index, partitions, bounds, variant, .. } = self;
        let beside =
            self.beside.as_ref().map_or(String::new(), |place| format!("|{}|{}", place.index, place.partition));
        Scope(format!("{table}|{index}|{}|{}|{variant}{beside}", partitions.join(","), bounds.variant()))
    }

    /// Reads a page of those items that `keep` keeps, without those that cannot be read. Each partition is asked for as
    /// many keys as a page has items, so a page is short only where items were left out; the items are read by their
    /// keys, those of the page only.
    pub(crate) async fn page<P: TimedId, T>(
        &self,
        client: &Client,
        asked: &PageRequest,
        read: impl Fn(&Attributes) -> Result<T, Error>,
        keep: impl Fn(&T) -> bool,
    ) -> Result<Slice<T>, Error> {
        let after = asked.cursor.as_deref().map(|cursor| self.scope().open::<P>(cursor)).transpose()?;
        let bounds = after.map_or(self.bounds, |last| self.bounds.after(&last));
        if bounds.are_empty() {
            return Ok(Slice { items: Vec::new(), next: None });
        }
        let (_, sort) = self.keys;
        let own = self.partitions.iter().map(|partition| Place {
            index: self.index,
            keys: self.keys,
            partition: partition.clone(),
        });
        let queries =
            own.chain(self.beside.clone()).map(|Place { index, keys: (partition_key, own_sort), partition }| {
                let request = QueryRequest {
                    sort_key_condition: bounds.condition::<P>(own_sort),
                    newest_first: true,
                    limit: Some(i32::from(asked.limit)),
                    only_keys: true,
                    ..QueryRequest::of(&self.table, index, (partition_key, partition))
                };
                async move {
                    let mut found = query(client, request).await?;
                    // Both sort keys are the item's id.
                    for item in found.items.iter_mut().filter(|_| own_sort != sort) {
                        let id = item.remove(own_sort);
                        item.extend(id.map(|id| (sort.to_owned(), id)));
                    }
                    Ok::<_, Error>(found)
                }
            });
        let merge = Merge::of(try_join_all(queries).await?, sort);
        let mut slice = Slice { items: Vec::new(), next: None };
        let mut last = None;
        let mut ended = !merge.goes_on;
        let mut entries = merge.items.into_iter().peekable();
        while entries.peek().is_some() {
            // As many as the page still has room for.
            let room = usize::from(asked.limit).saturating_sub(slice.items.len());
            if room == 0 {
                ended = false;
                break;
            }
            let (positions, part): (Vec<String>, Vec<Attributes>) = entries.by_ref().take(room).unzip();
            for item in with_items(client, self.table.clone(), part).await? {
                slice.items.extend(readable(read(&item), &item)?.filter(&keep));
            }
            last = positions.into_iter().next_back();
        }
        if !ended {
            let last = last.as_deref().and_then(P::read);
            let last = last.ok_or_else(|| Error::Failed("the sort key of a list's item cannot be read".to_owned()))?;
            slice.next = Some(self.scope().seal(&last));
        }
        Ok(slice)
    }
}

/// The items of some partitions in the order of the whole list.
struct Merge {
    /// The items with their sort keys, as far as every partition was read.
    items: Vec<(String, Attributes)>,
    /// Whether a partition has more.
    goes_on: bool,
}

impl Merge {
    fn of(pages: Vec<Found>, sort: &str) -> Self {
        let sort_of = |item: &Attributes| text(item, sort).unwrap_or_default().to_owned();
        let goes_on = pages.iter().any(|page| page.last.is_some());
        // Below the last item of a partition that goes on, items may come that were not read.
        let ends = pages.iter().filter(|page| page.last.is_some()).filter_map(|page| page.items.last()).map(sort_of);
        let horizon = ends.max().unwrap_or_default();
        let mut items: Vec<(String, Attributes)> =
            pages.into_iter().flat_map(|page| page.items).map(|item| (sort_of(&item), item)).collect();
        items.retain(|(position, _)| *position >= horizon);
        items.sort_by(|(one, _), (other, _)| other.cmp(one));
        // What moved from one partition to another between two of the queries was found twice.
        items.dedup_by(|(one, _), (other, _)| one == other);
        Self { items, goes_on }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::string;

    fn page(positions: &[&str], goes_on: bool) -> Found {
        let item = |position: &&str| Attributes::from([("state_sort".to_owned(), string(*position))]);
        Found { items: positions.iter().map(item).collect(), last: goes_on.then(Attributes::new) }
    }

    fn merged(pages: Vec<Found>) -> (String, bool) {
        let merge = Merge::of(pages, "state_sort");
        (merge.items.iter().map(|(position, _)| position.as_str()).collect(), merge.goes_on)
    }

    #[test]
    fn partitions_are_merged_as_far_as_all_of_them_were_read() {
        assert_eq!(merged(vec![page(&["9", "4"], false), page(&["7", "5", "1"], false)]), ("97541".to_owned(), false));
        assert_eq!(merged(vec![page(&["9", "4"], true), page(&["7", "5", "1"], false)]), ("9754".to_owned(), true));
        assert_eq!(merged(vec![page(&["9", "8"], true), page(&["7", "5"], true)]), ("98".to_owned(), true));
        assert_eq!(merged(vec![page(&[], false), page(&[], false)]), (String::new(), false));
    }

    #[test]
    fn what_moved_while_it_was_read_is_listed_once() {
        assert_eq!(merged(vec![page(&["9", "4"], false), page(&["7", "4"], false)]), ("974".to_owned(), false));
    }
}
