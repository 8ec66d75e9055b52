//! Reopening an order that has ended: its stock for a late payment, or for one that the operator accepts.

use std::collections::BTreeMap;

use domain::catalog::MAX_SHARDS;
use domain::order::PlacedOrder;
use domain::stock::{Allocation, Layout, max_allocations};
use domain::{Code, Coded, VariantId};
use store::allocation::{Allocations, Need, Needs, StockSources};
use store::{Backoff, Error};

use crate::Settlement;

impl Settlement {
    /// The allocations that re-reserve the stock of an order that has ended. `None` if the stock is short, or if the
    /// order has not ended or cannot be reopened. Backordered units are not promised a second time, because the buyer
    /// cannot be asked whether they would wait.
    ///
    /// # Errors
    /// The table does not answer; a conflict if the stock keeps changing.
    pub async fn allocate_to_reopen(
        &self,
        placed: &PlacedOrder,
    ) -> Result<Option<BTreeMap<VariantId, Vec<Allocation>>>, Error> {
        let Some(demand) = placed.demand_to_reopen() else { return Ok(None) };
        // A variant may have been spread over more shards since it was ordered: all that it can have are read.
        let layout = Layout { shards: MAX_SHARDS, peak_shards: MAX_SHARDS, oversell_limit: 0 };
        let need = |(variant, units)| (variant, Need { units, layout, available_from: None });
        let needs: Needs = demand.into_iter().map(need).collect();
        let sources = StockSources { stock: self.orders.stock(), catalog: None };
        let most = max_allocations(placed.vendors.len());
        let mut allocations = Allocations::default();
        let mut backoff = Backoff::default();
        loop {
            match allocations.plan(sources, &needs, |_| true, most).await {
                Ok(()) => {}
                Err(Error::Refused(refusal)) if refusal.code() == Code::OutOfStock => return Ok(None),
                Err(other) => return Err(other),
            }
            if let Some(complete) = allocations.complete(&needs) {
                return Ok(Some(complete));
            }
            backoff.pause().await?;
        }
    }
}
