//! A vendor's list of its vendor orders, and how many of them wait for it.

use std::future::ready;

use domain::order::{VendorOrder, VendorOrderState};
use domain::text::Search;
use domain::{Count, OrderId, OrderNumber, PageRequest, Period, Slice, VendorId};
use futures_util::future::try_join_all;

use super::lists::sorted;
use super::{Entry, Orders, vendor_partition, vendor_state_partition};
use crate::Error;
use crate::item::{Attributes, readable, text};
use crate::page::{Bounds, List, Reach};
use crate::retry::{QueryRequest, get, query};
use crate::stored::read;

/// The most vendor orders that are looked at for one page of a list that leaves some of them out, or for a count: up to
/// two megabytes, mostly in five queries.
const MOST_LOOKED_AT: u16 = 1_000;

/// Which of a vendor's vendor orders are listed.
#[derive(Clone, Debug, Default)]
pub struct FindVendorOrders {
    pub state: Option<VendorOrderState>,
    /// When their orders were placed.
    pub placed: Period,
    pub search: Option<Search>,
}

impl FindVendorOrders {
    fn has(&self, vendor_order: &VendorOrder) -> bool {
        self.state.is_none_or(|state| vendor_order.state == state)
            && self.placed.contains(vendor_order.placed_at)
            && self.search.as_ref().is_none_or(|search| vendor_order.is_found_by(search))
    }
}

/// How many vendor orders wait for their vendor, or for their buyer.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenVendorOrders {
    pub to_accept: Count,
    pub to_ship: Count,
    pub on_the_way: Count,
}

impl OpenVendorOrders {
    /// The states of each count.
    const STATES: [&[VendorOrderState]; 3] = [
        &[VendorOrderState::Pending],
        &[VendorOrderState::Accepted, VendorOrderState::PartiallyShipped],
        &[VendorOrderState::Shipped],
    ];
}

impl Orders {
    /// Those of a vendor's vendor orders, newest first.
    ///
    /// With a state, and when all items have their places in the lists by state (`is_relisted`), one list is read to
    /// its end; else the list of all is read, and those in other states are left out.
    pub async fn of_vendor(
        &self,
        vendor: VendorId,
        find: &FindVendorOrders,
        is_relisted: bool,
        page: &PageRequest,
    ) -> Result<Slice<VendorOrder>, Error> {
        let state = find.state.filter(|_| is_relisted);
        let (index, partition, sort) = match state {
            Some(state) => ("keys_by_state", ("state_key", vendor_state_partition(vendor, state)), "state_sort"),
            None => ("by_vendor", ("vendor_key", vendor_partition(vendor)), "vendor_sort"),
        };
        let is_whole = find.search.is_none() && (find.state.is_none() || state.is_some());
        let reach = match find.search {
            None if is_whole => Reach { most: MOST_LOOKED_AT, ..Reach::of_page(page) },
            _ => Reach::up_to(MOST_LOOKED_AT, page),
        };
        let position = |last: &Attributes| text(last, sort)?.parse().ok();
        let key = |order: &OrderId| sorted(Entry::Vendor(*order, vendor), sort, order);
        let bounds = Bounds::from(find.placed);
        let query = QueryRequest {
            sort_key_condition: bounds.condition::<OrderId>(sort),
            newest_first: true,
            ..QueryRequest::of(&self.table, index, partition)
        };
        let wanted = find.state.map_or("", VendorOrderState::as_str);
        let searched = find.search.as_ref().map(Search::to_string).unwrap_or_default();
        let variant = format!("{}{wanted}{searched}", bounds.variant());
        let list = List { query, variant, position: &position, key: &key };
        let keep = |found: Vec<VendorOrder>| {
            ready(Ok(found.into_iter().map(|vendor_order| Some(vendor_order).filter(|one| find.has(one))).collect()))
        };
        list.filtered_page(&self.client, page, reach, read, keep).await
    }

    /// A vendor's vendor orders whose order has this number, at most 20.
    pub async fn of_vendor_with_number(
        &self,
        vendor: VendorId,
        number: &OrderNumber,
        find: &FindVendorOrders,
    ) -> Result<Vec<VendorOrder>, Error> {
        let mut all = Vec::new();
        for order in self.with_number(number).await? {
            let key = Entry::Vendor(order.id, vendor).key();
            let Some(found) = get(&self.client, &self.table, key, false).await? else { continue };
            let vendor_order: Option<VendorOrder> = readable(read(&found), &found)?;
            all.extend(vendor_order.filter(|vendor_order| vendor_order.visible && find.has(vendor_order)));
        }
        Ok(all)
    }

    /// How many of a vendor's vendor orders are open. Unless all items have their places in the lists by state
    /// (`is_relisted`), only the newest ones are looked at.
    pub async fn open_of_vendor(&self, vendor: VendorId, is_relisted: bool) -> Result<OpenVendorOrders, Error> {
        if is_relisted {
            let count = |states: &'static [VendorOrderState]| {
                self.count_in(states.iter().map(move |state| vendor_state_partition(vendor, *state)))
            };
            let [to_accept, to_ship, on_the_way] = OpenVendorOrders::STATES.map(count);
            let (to_accept, to_ship, on_the_way) = tokio::try_join!(to_accept, to_ship, on_the_way)?;
            return Ok(OpenVendorOrders { to_accept, to_ship, on_the_way });
        }
        let mut request = QueryRequest {
            newest_first: true,
            ..QueryRequest::of(&self.table, "by_vendor", ("vendor_key", vendor_partition(vendor)))
        };
        let mut found = [0_usize; 3];
        let mut left = usize::from(MOST_LOOKED_AT);
        let is_cut = loop {
            request.limit = i32::try_from(left).ok();
            let page = query(&self.client, request.clone()).await?;
            for item in &page.items {
                let vendor_order: Option<VendorOrder> = readable(read(item), item)?;
                let Some(vendor_order) = vendor_order else { continue };
                for (count, states) in found.iter_mut().zip(OpenVendorOrders::STATES) {
                    *count += usize::from(states.contains(&vendor_order.state));
                }
            }
            left = left.saturating_sub(page.items.len().max(1));
            match page.last {
                None => break false,
                Some(_) if left == 0 => break true,
                last => request.start = last,
            }
        };
        let [to_accept, to_ship, on_the_way] = found.map(|found| Count::of(found, is_cut));
        Ok(OpenVendorOrders { to_accept, to_ship, on_the_way })
    }

    /// How many items some partitions of `keys_by_state` have, up to a little more than is shown.
    pub(super) async fn count_in(&self, partitions: impl IntoIterator<Item = String>) -> Result<Count, Error> {
        let counts = partitions.into_iter().map(|partition| {
            let request = QueryRequest {
                limit: i32::try_from(Count::MOST + 1).ok(),
                only: Some("state_sort"),
                ..QueryRequest::of(&self.table, "keys_by_state", ("state_key", partition))
            };
            query(&self.client, request)
        });
        let pages = try_join_all(counts).await?;
        let found = pages.iter().map(|page| page.items.len()).sum();
        Ok(Count::of(found, pages.iter().any(|page| page.last.is_some())))
    }
}
