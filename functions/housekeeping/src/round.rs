//! One round through the orders that have due entries.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::payment::ProviderName;
use domain::{Code, OrderId, Refusal, Timestamp};
use payments::Failure;
use store::orders::{Due, DueKind};
use tokio::time::Instant;

use crate::{App, Error, Summary};

/// Due entries per partition and run.
const BATCH: u16 = 25;
/// Time after which no further order is started. The function's timeout is 50 seconds, and one order may take about 12.
const BUDGET: Duration = Duration::from_secs(32);
/// Pause before a failed entry is tried again.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);
/// Unanswered calls after which a provider is not called again in this run: more timeouts would use up the time of
/// orders that need no provider.
const MAX_UNANSWERED: u32 = 3;

/// What the orders of one round share.
pub(crate) struct Round<'a> {
    pub(crate) app: &'a App,
    pub(crate) now: Timestamp,
    unanswered: Mutex<BTreeMap<ProviderName, u32>>,
}

impl<'a> Round<'a> {
    pub(crate) fn new(app: &'a App, now: Timestamp) -> Self {
        Self { app, now, unanswered: Mutex::default() }
    }

    /// Calls a provider, unless it left too many calls of this run unanswered.
    pub(crate) async fn call_provider<T>(
        &self,
        provider: ProviderName,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if self.unanswered().get(&provider).is_some_and(|times| *times >= MAX_UNANSWERED) {
            return Err(Failure::Unavailable("too many calls in this run got no answer".to_owned()));
        }
        let answer = call.await;
        if matches!(answer, Err(Failure::Unavailable(_) | Failure::Unclear(_))) {
            *self.unanswered().entry(provider).or_default() += 1;
        }
        answer
    }

    fn unanswered(&self) -> MutexGuard<'_, BTreeMap<ProviderName, u32>> {
        // Nothing panics while the lock is held.
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Handles all due entries of one order, which is read once for them. A failed entry is postponed, so that it does
    /// not delay the others.
    async fn process_order(&self, order: OrderId, due: &[Due]) -> Summary {
        let mut summary = Summary::default();
        let read = self.app.orders.load(order).await;
        let mut placed = match read.and_then(|placed| placed.ok_or_else(|| Refusal::of(Code::NotFound).into())) {
            Ok(placed) => Some(placed),
            Err(error) => {
                tracing::error!(order.id = %order, cause = %error, "a due order cannot be read");
                for entry in due {
                    summary.failed += 1;
                    self.postpone(entry, RETRY_AFTER_FAILURE, &mut summary).await;
                }
                return summary;
            }
        };
        for entry in due {
            // Only the first entry uses the order as it was read: it may change it, so the next one reads it again.
            let outcome = match entry.kind {
                DueKind::Order => Box::pin(self.process_deadline(entry, placed.take(), &mut summary)).await,
                DueKind::Refund(refund) => Box::pin(self.refund(order, refund, placed.take(), &mut summary)).await,
            };
            if let Err(error) = outcome {
                tracing::error!(order.id = %order, cause = %error, "a due entry of an order could not be handled");
                summary.failed += 1;
                self.postpone(entry, RETRY_AFTER_FAILURE, &mut summary).await;
            }
        }
        summary
    }

    pub(crate) async fn postpone(&self, due: &Due, pause: Duration, summary: &mut Summary) {
        if let Err(error) = self.app.orders.postpone(due, self.now + pause).await {
            // It is due again in the next run, which is harmless.
            tracing::warn!(order.id = %due.order, cause = %error, "a due entry of an order could not be postponed");
            summary.failed += 1;
        }
    }
}

impl App {
    pub(crate) async fn process_due_orders(&self, now: Timestamp, summary: &mut Summary) -> Result<(), Error> {
        let round = Round::new(self, now);
        let begun = Instant::now();
        let waiting = Mutex::new(by_order(self.orders.due(now, BATCH).await?).into_iter());
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        // Four at a time, because most of the time is spent on waiting for providers.
        let worker = async || {
            let mut done = Summary::default();
            while begun.elapsed() < BUDGET
                && let Some((order, due)) = next()
            {
                done = done.plus(round.process_order(order, &due).await);
            }
            done
        };
        let (first, second, third, fourth) = tokio::join!(worker(), worker(), worker(), worker());
        *summary = summary.plus(first).plus(second).plus(third).plus(fourth);
        while next().is_some() {
            summary.left += 1;
        }
        Ok(())
    }
}

/// The due entries by order; the order that has been due longest comes first.
fn by_order(due: Vec<Due>) -> Vec<(OrderId, Vec<Due>)> {
    let mut orders: Vec<(OrderId, Vec<Due>)> = Vec::new();
    for entry in due {
        match orders.iter_mut().find(|(order, _)| *order == entry.order) {
            Some((_, entries)) => entries.push(entry),
            None => orders.push((entry.order, vec![entry])),
        }
    }
    orders
}
