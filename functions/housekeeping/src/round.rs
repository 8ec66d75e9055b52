//! One round through the orders that have due entries.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::order::PlacedOrder;
use domain::{Code, OrderId, Refusal, Timestamp};
use futures_util::future::join_all;
use platform::Slice;
use settlement::Settlement;
use store::orders::{Due, DueKind, Start};

use crate::{App, Error, Summary};

/// Due entries that are read at a time from each partition.
const BATCH: u16 = 25;
/// Orders that are worked on side by side: most of the time is spent on waiting for tables and providers.
const WORKERS: usize = 8;
/// Due entries of one order.
type Entries = (OrderId, Vec<Due>);

/// Pause before a failed entry is tried again.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);
/// The same for one that only lost a race, or whose table did not answer: the next run tries it.
const RETRY_AFTER_OUTAGE: Duration = Duration::from_secs(60);
/// How long after its time what is tried again and again needs somebody.
const STUCK_AFTER: Duration = Duration::from_secs(3600);

/// Whether what was due at that time is stuck.
pub(crate) fn is_stuck(due_at: Timestamp, now: Timestamp) -> bool {
    due_at + STUCK_AFTER < now
}

/// What the orders of one round share.
pub(crate) struct Round {
    pub(crate) settlement: Settlement,
    pub(crate) now: Timestamp,
}

impl Round {
    /// Handles all due entries of one order, which is read once for them. A failed entry is postponed, so that it does
    /// not delay the others. If a provider has to be asked for them and it is not its turn, nothing is done unless this
    /// `waits`, and the answer is false.
    async fn process_order(&self, (order, due): &Entries, waits: bool, time: Slice, sum: &mut Summary) -> bool {
        let (order, mut summary) = (*order, Summary::default());
        let read = self.settlement.orders().load(order).await;
        let mut placed = match read.and_then(|placed| placed.ok_or_else(|| Refusal::of(Code::NotFound).into())) {
            Ok(placed) => Some(placed),
            Err(error) => {
                let pause = pause_after(&error);
                if pause == RETRY_AFTER_OUTAGE {
                    tracing::warn!(order.id = %order, cause = %error, "a due order could not be read yet");
                } else {
                    tracing::error!(order.id = %order, cause = %error, "a due order cannot be read");
                }
                for entry in due {
                    summary.failed += 1;
                    // When it was due first is in the order, which cannot be read. An outage of the table ends.
                    summary.stuck += u32::from(pause == RETRY_AFTER_FAILURE);
                    self.postpone(entry, pause, &mut summary).await;
                }
                *sum = sum.plus(summary);
                return true;
            }
        };
        if !waits && placed.as_ref().is_some_and(|placed| self.has_to_wait(placed, due)) {
            return false;
        }
        let since: Vec<Option<Timestamp>> =
            due.iter().map(|entry| placed.as_ref().and_then(|placed| first_due(placed, entry.kind))).collect();
        let start = |placed: Option<PlacedOrder>| placed.map_or(Start::from(order), Start::from);
        for (entry, since) in due.iter().zip(since) {
            // A provider that hangs may use up the time with one entry; the others are due in the next run.
            if time.is_over() {
                summary.left += 1;
                continue;
            }
            // Only the first entry uses the order as it was read: it may change it, so the next one reads it again.
            let outcome = match entry.kind {
                DueKind::Order => Box::pin(self.process_deadline(entry, start(placed.take()), &mut summary)).await,
                DueKind::Refund(refund) => Box::pin(self.refund(start(placed.take()), refund, &mut summary)).await,
                DueKind::VendorOrder(vendor) => {
                    Box::pin(self.lapse(entry, start(placed.take()), vendor, &mut summary)).await
                }
                DueKind::Payment(payment) => {
                    Box::pin(self.follow(entry, start(placed.take()), payment, &mut summary)).await
                }
            };
            if let Err(error) = outcome {
                tracing::warn!(order.id = %order, cause = %error, "a due entry of an order could not be handled");
                summary.failed += 1;
                summary.stuck += u32::from(since.is_some_and(|since| is_stuck(since, self.now)));
                self.postpone(entry, pause_after(&error), &mut summary).await;
            }
        }
        *sum = sum.plus(summary);
        true
    }

    /// Whether a provider that has to be asked for these entries is not to be called yet.
    fn has_to_wait(&self, placed: &PlacedOrder, due: &[Due]) -> bool {
        let asked = |entry: &Due| match entry.kind {
            DueKind::Order => Settlement::asked_about(placed, self.now),
            DueKind::Refund(refund) => Settlement::asked_for(placed, refund),
            DueKind::VendorOrder(_) => None,
            DueKind::Payment(payment) => Settlement::asked_to_close(placed, payment),
        };
        due.iter().filter_map(asked).any(|provider| self.settlement.has_to_wait(provider))
    }

    /// Works on orders side by side until time is up, and returns those whose provider is not to be called yet.
    async fn process(&self, orders: Vec<Entries>, waits: bool, time: Slice, summary: &mut Summary) -> Vec<Entries> {
        let waiting = Mutex::new(orders.into_iter());
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        let worker = async || {
            let (mut done, mut later) = (Summary::default(), Vec::new());
            while !time.is_over()
                && let Some(entries) = next()
            {
                if !self.process_order(&entries, waits, time, &mut done).await {
                    later.push(entries);
                }
            }
            (done, later)
        };
        let mut later = Vec::new();
        for (done, of_worker) in join_all((0..WORKERS).map(|_| Box::pin(worker()))).await {
            *summary = summary.plus(done);
            later.extend(of_worker);
        }
        while next().is_some() {
            // Those who wait are the backlog of their provider.
            summary.backlog += u32::from(waits);
            summary.left += u32::from(!waits);
        }
        later
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
    /// Works on what is due until time is up; what is left is the next run's.
    ///
    /// A provider is called at the pace that it allows. Orders that have to wait for it do not stand in the way of
    /// those that need no provider: they are worked on when all others are through, or half of the time is over, the
    /// oldest first.
    pub(crate) async fn process_due_orders(
        &self,
        now: Timestamp,
        time: Slice,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        let round = Round { settlement: self.settlement.for_one_run(), now };
        let mut walk = self.orders().due(now);
        let mut later: Vec<Entries> = Vec::new();
        while !walk.is_over() && !time.is_over() && (later.is_empty() || !time.is_half_over()) {
            let due = self.orders().next_due(&mut walk, BATCH).await?;
            later.extend(round.process(by_order(due), false, time, summary).await);
        }
        later.sort_by_key(|(_, due)| due.iter().map(|entry| entry.due_at).min());
        round.process(later, true, time, summary).await;
        if !walk.is_over() {
            tracing::warn!("there is more due than one run can do: the next one goes on");
        }
        Ok(())
    }
}

/// When an entry was due for the first time: the index has the time of the next attempt.
fn first_due(placed: &PlacedOrder, kind: DueKind) -> Option<Timestamp> {
    match kind {
        DueKind::Order => placed.order.due_at,
        DueKind::VendorOrder(vendor) => Some(placed.vendor_order(vendor)?.next_deadline()?.0),
        DueKind::Refund(id) => placed.refunds.iter().find(|refund| refund.id == id).map(|refund| refund.created_at),
        DueKind::Payment(id) => placed.payments.iter().find(|payment| payment.id == id).map(|known| known.created_at),
    }
}

fn pause_after(error: &store::Error) -> Duration {
    match error {
        store::Error::Unavailable(_) | store::Error::Conflict => RETRY_AFTER_OUTAGE,
        _ => RETRY_AFTER_FAILURE,
    }
}

/// The due entries by order; the order that has been due longest comes first.
fn by_order(due: Vec<Due>) -> Vec<Entries> {
    let mut orders: Vec<Entries> = Vec::new();
    for entry in due {
        match orders.iter_mut().find(|(order, _)| *order == entry.order) {
            Some((_, entries)) => entries.push(entry),
            None => orders.push((entry.order, vec![entry])),
        }
    }
    orders
}
