//! What a run has done.

/// Counts of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Orders that ended because their deadline passed.
    pub expired: u32,
    /// Orders with news that a lookup or a cancellation at the provider found, and no webhook had delivered.
    pub settled: u32,
    /// Orders whose deadline was waived because something was shipped.
    pub waived: u32,
    /// Orders that wait for their provider's answer.
    pub waiting: u32,
    /// Refunds that the provider works on.
    pub refunds_pending: u32,
    /// Refunds that succeeded.
    pub refunded: u32,
    /// Refunds that failed or were refused by the provider.
    pub refunds_failed: u32,
    /// Refunds that wait for a provider that does not answer.
    pub refunds_waiting: u32,
    /// Events that were sent again.
    pub events_sent: u32,
    /// Dead letters that went back to their queue.
    pub redriven: u32,
    /// Dead letters that stay in their queue because they failed after the last redrive.
    pub parked: u32,
    /// Entries that failed and stay due.
    pub failed: u32,
    /// Orders that were left for the next run because this one took too long.
    pub left: u32,
}

impl Summary {
    /// The sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            expired: self.expired + other.expired,
            settled: self.settled + other.settled,
            waived: self.waived + other.waived,
            waiting: self.waiting + other.waiting,
            refunds_pending: self.refunds_pending + other.refunds_pending,
            refunded: self.refunded + other.refunded,
            refunds_failed: self.refunds_failed + other.refunds_failed,
            refunds_waiting: self.refunds_waiting + other.refunds_waiting,
            events_sent: self.events_sent + other.events_sent,
            redriven: self.redriven + other.redriven,
            parked: self.parked + other.parked,
            failed: self.failed + other.failed,
            left: self.left + other.left,
        }
    }

    pub(crate) fn log(&self) {
        tracing::info!(
            orders.expired = self.expired,
            orders.settled = self.settled,
            orders.waived = self.waived,
            orders.waiting = self.waiting,
            orders.left = self.left,
            refunds.pending = self.refunds_pending,
            refunds.succeeded = self.refunded,
            refunds.failed = self.refunds_failed,
            refunds.waiting = self.refunds_waiting,
            events.sent = self.events_sent,
            dead_letters.redriven = self.redriven,
            dead_letters.parked = self.parked,
            failed = self.failed,
            "housekeeping done"
        );
    }
}
