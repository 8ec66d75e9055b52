//! One round through the orders of which something is due.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::payment::ProviderName;
use domain::{OrderId, Timestamp};
use payments::Failure;
use tokio::time::Instant;

use crate::{App, Error, Summary};

/// How many things are taken out of each partition of what is due.
const BATCH: u16 = 25;
/// When no further order is begun. The function has 50 seconds, and one order may take a dozen of them.
const BUDGET: Duration = Duration::from_secs(32);
/// After so many calls without an answer a provider is left alone until the next run: waiting for each would use up the time
/// of orders that need no provider.
const MOST_SILENCES: u32 = 3;

/// What the orders of one round share.
pub(crate) struct Round<'a> {
    pub(crate) app: &'a App,
    pub(crate) now: Timestamp,
    silences: Mutex<BTreeMap<ProviderName, u32>>,
}

impl<'a> Round<'a> {
    pub(crate) fn new(app: &'a App, now: Timestamp) -> Self {
        Self { app, now, silences: Mutex::default() }
    }

    /// Asks a provider, unless it was silent too often.
    pub(crate) async fn ask<T>(
        &self,
        provider: ProviderName,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if self.silences().get(&provider).is_some_and(|times| *times >= MOST_SILENCES) {
            return Err(Failure::Unavailable("it was silent too often in this run".to_owned()));
        }
        let answer = call.await;
        if matches!(answer, Err(Failure::Unavailable(_) | Failure::Unclear(_))) {
            *self.silences().entry(provider).or_default() += 1;
        }
        answer
    }

    fn silences(&self) -> MutexGuard<'_, BTreeMap<ProviderName, u32>> {
        // Nothing can panic while it is held.
        self.silences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all that is due of one order. What fails stays due.
    async fn attend(&self, order: OrderId) -> Summary {
        let mut summary = Summary::default();
        if let Err(error) = self.expire(order, &mut summary).await {
            tracing::error!(order.id = %order, cause = %error, "an order past its deadline could not be ended");
            summary.failed += 1;
        }
        if let Err(error) = self.refund(order, &mut summary).await {
            tracing::error!(order.id = %order, cause = %error, "an order's refunds could not be read");
            summary.failed += 1;
        }
        summary
    }
}

impl App {
    pub(crate) async fn attend_to_orders(&self, now: Timestamp, summary: &mut Summary) -> Result<(), Error> {
        let mut orders: Vec<OrderId> = Vec::new();
        for due in self.orders.due(now, BATCH).await? {
            if !orders.contains(&due.order) {
                orders.push(due.order);
            }
        }
        let round = Round::new(self, now);
        let begun = Instant::now();
        let waiting = Mutex::new(orders.into_iter());
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        // A few at a time: most of the time goes by waiting for providers.
        let lane = async || {
            let mut done = Summary::default();
            while begun.elapsed() < BUDGET
                && let Some(order) = next()
            {
                done = done.plus(round.attend(order).await);
            }
            done
        };
        let (first, second, third, fourth) = tokio::join!(lane(), lane(), lane(), lane());
        *summary = summary.plus(first).plus(second).plus(third).plus(fourth);
        while next().is_some() {
            summary.left += 1;
        }
        Ok(())
    }
}
