//! Reopening an order that has ended: its stock for a late payment, and the operator's decision on a mismatched one.

use std::collections::BTreeMap;

use domain::catalog::MAX_SHARDS;
use domain::order::PlacedOrder;
use domain::stock::{Allocation, Layout, max_allocations};
use domain::{Call, Code, Coded, OrderId, Outcome, PaymentId, Refusal, VariantId};
use store::allocation::{Allocations, Need, Needs, StockSources};
use store::{Backoff, Decision, Error};

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

    /// Applies the operator's decision on a payment of another amount than was asked for: it is accepted as full
    /// payment or refunded. The same decision again changes nothing, so that a repeat is harmless.
    ///
    /// # Errors
    /// The order's state does not allow it; `out_of_stock` when an order that has ended cannot be reopened.
    pub async fn resolve_amount_mismatch<R>(
        &self,
        id: OrderId,
        payment: PaymentId,
        accept: bool,
        call: Call<'_, PlacedOrder, R>,
    ) -> Result<Outcome<R>, Error> {
        let now = call.at();
        let decide = |mut order: PlacedOrder| async move {
            if order.has_decided(payment, accept) {
                return Ok(Decision::Write(order, ()));
            }
            if !accept {
                order.reject_amount(payment, &mut platform::ids(now))?;
                return Ok(Decision::Write(order, ()));
            }
            // Refuse before any shard is read.
            order.clone().accept_amount(payment, &mut platform::ids(now))?;
            if order.demand_to_reopen().is_some() {
                // Its stock was released when the order ended: re-reserve it from any shards that have it.
                let allocations = Box::pin(self.allocate_to_reopen(&order)).await?;
                order.reallocate(allocations.ok_or_else(|| Refusal::of(Code::OutOfStock))?)?;
            }
            order.accept_amount(payment, &mut platform::ids(now))?;
            Ok::<_, Error>(Decision::Write(order, ()))
        };
        let work = self.orders.change(id, decide, |order, ()| call.answer(order));
        self.orders.once(call.request(), work).await
    }
}
