//! One round through the orders that have due entries.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::order::PlacedOrder;
use domain::{Code, OrderId, Refusal, Timestamp};
use settlement::Settlement;
use store::orders::{Due, DueKind, Start};
use tokio::time::Instant;

use crate::{App, Error, Summary};

/// Due entries per partition and run.
const BATCH: u16 = 25;
/// Time after which no further order is started. The function's timeout is 50 seconds, and one order may take about 12.
const BUDGET: Duration = Duration::from_secs(32);
/// Pause before a failed entry is tried again.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);
/// What the orders of one round share.
pub(crate) struct Round {
    pub(crate) settlement: Settlement,
    pub(crate) now: Timestamp,
}

impl Round {
    /// Handles all due entries of one order, which is read once for them. A failed entry is postponed, so that it does
    /// not delay the others.
    async fn process_order(&self, order: OrderId, due: &[Due]) -> Summary {
        let mut summary = Summary::default();
        let read = self.settlement.orders().load(order).await;
        let mut placed = match read.and_then(|placed| placed.ok_or_else(|| Refusal::of(Code::NotFound).into())) {
            Ok(placed) => Some(placed),
            Err(error) => {
                if matches!(error, store::Error::Unavailable(_)) {
                    tracing::warn!(order.id = %order, cause = %error, "a due order could not be read yet");
                } else {
                    tracing::error!(order.id = %order, cause = %error, "a due order cannot be read");
                }
                for entry in due {
                    summary.failed += 1;
                    self.postpone(entry, RETRY_AFTER_FAILURE, &mut summary).await;
                }
                return summary;
            }
        };
        let start = |placed: Option<PlacedOrder>| placed.map_or(Start::from(order), Start::from);
        for entry in due {
            // Only the first entry uses the order as it was read: it may change it, so the next one reads it again.
            let outcome = match entry.kind {
                DueKind::Order => Box::pin(self.process_deadline(entry, start(placed.take()), &mut summary)).await,
                DueKind::Refund(refund) => Box::pin(self.refund(start(placed.take()), refund, &mut summary)).await,
            };
            if let Err(error) = outcome {
                tracing::warn!(order.id = %order, cause = %error, "a due entry of an order could not be handled");
                summary.failed += 1;
                self.postpone(entry, RETRY_AFTER_FAILURE, &mut summary).await;
            }
        }
        summary
    }

    pub(crate) async fn postpone(&self, due: &Due, pause: Duration, summary: &mut Summary) {
        if let Err(error) = self.settlement.orders().postpone(due, self.now + pause).await {
            // It is due again in the next run, which is harmless.
            tracing::warn!(order.id = %due.order, cause = %error, "a due entry of an order could not be postponed");
            summary.failed += 1;
        }
    }
}

impl App {
    pub(crate) async fn process_due_orders(&self, now: Timestamp, summary: &mut Summary) -> Result<(), Error> {
        let round = Round { settlement: self.settlement.for_one_run(), now };
        let begun = Instant::now();
        let waiting = Mutex::new(by_order(self.orders().due(now, BATCH).await?).into_iter());
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
