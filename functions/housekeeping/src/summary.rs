//! What a run has done.

/// Counts of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Orders that ended because their deadline passed.
    pub expired: u32,
    /// Orders whose provider knew more than it had told.
    pub settled: u32,
    /// Orders whose deadline does not matter any more, because something was shipped.
    pub waived: u32,
    /// Orders that wait for their provider's answer.
    pub waiting: u32,
    /// Refunds that the provider works on.
    pub refunds_pending: u32,
    /// Refunds that are done.
    pub refunded: u32,
    /// Refunds that the provider refused: somebody has to look at them.
    pub refunds_failed: u32,
    /// Refunds that wait for a provider that does not answer.
    pub refunds_waiting: u32,
    /// Events that were sent again.
    pub events_sent: u32,
    /// Dead letters that went back to their queue.
    pub redriven: u32,
    /// Dead letters that stay, because they failed however often they were redriven.
    pub parked: u32,
    /// Things that failed and stay due.
    pub failed: u32,
    /// Orders that were left for the next run because this one took too long.
    pub left: u32,
}

impl Summary {
    /// Both together.
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
