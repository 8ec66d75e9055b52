//! One round through the orders of which something is due.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::payment::ProviderName;
use domain::{Code, OrderId, Refusal, Timestamp};
use payments::Failure;
use store::orders::{Due, DueKind};
use tokio::time::Instant;

use crate::{App, Error, Summary};

/// How many things are taken out of each partition of what is due.
const BATCH: u16 = 25;
/// When no further order is begun. The function has 50 seconds, and one order may take a dozen of them.
const BUDGET: Duration = Duration::from_secs(32);
/// When something is looked at again that failed.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);
/// After so many calls without an answer a provider is left alone until the next run: waiting for each would use up the time
/// of orders that need no provider.
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

    /// Asks a provider, unless it was silent too often.
    pub(crate) async fn call_provider<T>(
        &self,
        provider: ProviderName,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if self.unanswered().get(&provider).is_some_and(|times| *times >= MAX_UNANSWERED) {
            return Err(Failure::Unavailable("it was silent too often in this run".to_owned()));
        }
        let answer = call.await;
        if matches!(answer, Err(Failure::Unavailable(_) | Failure::Unclear(_))) {
            *self.unanswered().entry(provider).or_default() += 1;
        }
        answer
    }

    fn unanswered(&self) -> MutexGuard<'_, BTreeMap<ProviderName, u32>> {
        // Nothing can panic while it is held.
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all that is due of one order, which is read once for that. What fails is left alone for a while: it must not keep
    /// the others waiting.
    async fn process_order(&self, order: OrderId, due: &[Due]) -> Summary {
        let mut summary = Summary::default();
        let read = self.app.orders.load(order).await;
        let mut placed = match read.and_then(|placed| placed.ok_or_else(|| Refusal::of(Code::NotFound).into())) {
            Ok(placed) => Some(placed),
            Err(error) => {
                tracing::error!(order.id = %order, cause = %error, "an order of which something is due cannot be read");
                for entry in due {
                    summary.failed += 1;
                    self.postpone(entry, RETRY_AFTER_FAILURE, &mut summary).await;
                }
                return summary;
            }
        };
        for entry in due {
            // What the one has read is of no use to the next when it has changed it.
            let outcome = match entry.kind {
                DueKind::Order => Box::pin(self.process_deadline(entry, placed.take(), &mut summary)).await,
                DueKind::Refund(refund) => Box::pin(self.refund(order, refund, placed.take(), &mut summary)).await,
            };
            if let Err(error) = outcome {
                tracing::error!(order.id = %order, cause = %error, "what is due of an order could not be done");
                summary.failed += 1;
                self.postpone(entry, RETRY_AFTER_FAILURE, &mut summary).await;
            }
        }
        summary
    }

    /// Looks at something again only later.
    pub(crate) async fn postpone(&self, due: &Due, pause: Duration, summary: &mut Summary) {
        if let Err(error) = self.app.orders.postpone(due, self.now + pause).await {
            // It comes back in a minute, which does no harm.
            tracing::warn!(order.id = %due.order, cause = %error, "an order could not be put off");
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
        // A few at a time: most of the time goes by waiting for providers.
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

/// What is due, order by order; the order that waits longest first.
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
