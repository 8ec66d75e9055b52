//! Reopening an order that has ended: its stock for a late payment, or for one that the operator accepts.

use std::collections::BTreeMap;

use domain::cart::Cart;
use domain::catalog::MAX_SHARDS;
use domain::order::PlacedOrder;
use domain::stock::{Allocation, Layout, max_allocations};
use domain::{Code, Coded, VariantId};
use store::allocation::{Allocations, Need, Needs, StockSources};
use store::{Backoff, Error};

use crate::Settlement;

/// What an order that has ended needs to go on.
#[derive(Clone, Debug)]
pub struct Reopening {
    /// The shards from which its units are reserved again.
    pub allocations: BTreeMap<VariantId, Vec<Allocation>>,
    /// The open cart that has its lines again, and gives them up.
    pub cart: Option<Box<Cart>>,
}

impl Settlement {
    /// What an order that has ended needs to go on. `None` if its stock is short, if its cart has become another order
    /// meanwhile, or if it has not ended or cannot be reopened. Backordered units are not promised a second time,
    /// because the buyer cannot be asked whether they would wait.
    ///
    /// # Errors
    /// The table does not answer; a conflict if the stock keeps changing.
    pub async fn prepare_reopening(&self, placed: &PlacedOrder) -> Result<Option<Reopening>, Error> {
        let Some(demand) = placed.demand_to_reopen() else { return Ok(None) };
        let cart = self.orders.cart_of(placed).await?;
        if cart.as_ref().is_some_and(|cart| cart.order.is_some_and(|order| order != placed.order.id)) {
            return Ok(None);
        }
        // One that is the order's still has nothing to give up.
        let cart = cart.filter(|cart| cart.order.is_none()).map(Box::new);
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
                return Ok(Some(Reopening { allocations: complete, cart }));
            }
            backoff.pause().await?;
        }
    }
}
