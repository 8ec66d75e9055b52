//! The rebuild of the lists of orders: a walk through all orders that gives what belongs to them its places in the
//! lists by state.

use domain::job::{Derived, RebuildCounts};
use domain::vendor::VendorJob;
use platform::Pace;

use crate::rebuild::Position;
use crate::{App, FollowUpError};

/// Orders that are read between two checks of the deadline. Each takes a query, and a write for each item that differs.
const PAGE: u16 = 50;

impl App {
    /// Begins the rebuild if there never was one. It is asked for at each decision on a vendor: nobody has orders
    /// before the first vendor is approved, so in a new marketplace the lists are known to be whole from the beginning.
    pub(crate) async fn begin_order_lists(&self) -> Result<(), FollowUpError> {
        let what = Derived::OrderLists;
        if self.catalog.rebuild(what).await?.is_none() {
            self.queue.send(&VendorJob::Rebuild { what, begin: true }, 0).await?;
        }
        // Where there are orders, only the operator knows whether a release that cannot read sealed ones may come back.
        let what = Derived::Orders;
        if self.catalog.rebuild(what).await?.is_none() && self.orders.are_none().await? {
            self.queue.send(&VendorJob::Rebuild { what, begin: true }, 0).await?;
        }
        Ok(())
    }

    /// Works on the next orders. Returns what was done, and where to go on.
    pub(crate) async fn relist_orders(
        &self,
        after: Option<Position>,
        pace: &mut Pace,
    ) -> Result<(RebuildCounts, Option<Position>), FollowUpError> {
        let (orders, next) = self.orders.walk(after, PAGE).await?;
        let mut done = RebuildCounts::default();
        for order in orders {
            let relisted = self.orders.relist(order).await?;
            done.examined += 1;
            done.rewritten += relisted.rewritten;
            done.unreadable += relisted.unreadable;
            pace.wait(usize::try_from(relisted.rewritten).unwrap_or(usize::MAX)).await;
        }
        Ok((done, next))
    }
}
