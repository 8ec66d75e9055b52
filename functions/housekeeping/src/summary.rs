//! What a run has done.

macro_rules! summary {
    ($($(#[$doc:meta])* $field:ident: $($name:ident).+,)+) => {
        /// Counts of one run.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Summary {
            $($(#[$doc])* pub $field: u32),+
        }

        impl Summary {
            /// The sum of both.
            #[must_use]
            pub const fn plus(self, other: Self) -> Self {
                Self { $($field: self.$field + other.$field),+ }
            }

            pub(crate) fn log(&self) {
                tracing::info!($($($name).+ = self.$field,)+ "housekeeping done");
            }
        }
    };
}

// Each count with the name of its field in the log.
summary! {
    /// Orders that ended because their deadline passed.
    expired: orders.expired,
    /// Orders with news that a lookup or a cancellation at the provider found, and no webhook had delivered.
    settled: orders.settled,
    /// Orders whose deadline was waived because something was shipped.
    waived: orders.waived,
    /// Vendor orders about which something was done because nobody did it in time.
    lapsed: vendor_orders.lapsed,
    /// Orders that wait for their provider's answer.
    waiting: orders.waiting,
    /// Refunds that the provider works on.
    refunds_pending: refunds.pending,
    /// Refunds that succeeded.
    refunded: refunds.succeeded,
    /// Refunds that failed or were refused by the provider.
    refunds_failed: refunds.failed,
    /// Refunds that wait for a provider that does not answer.
    refunds_waiting: refunds.waiting,
    /// Unmatched payments whose order became known.
    matched: unmatched_payments.matched,
    /// Unmatched payments that wait for the operator from now on.
    unmatched: unmatched_payments.opened,
    /// Events that were sent again.
    events_sent: events.sent,
    /// Dead letters that went back to their queue.
    redriven: dead_letters.redriven,
    /// Dead letters that stay in their queue because they failed after the last redrive.
    parked: dead_letters.parked,
    /// Papers of vendors of which something was told.
    papers: papers.told,
    /// Entries that failed and stay due.
    failed: failed,
    /// Entries that are tried again and should have been done more than an hour ago, which rings an alarm.
    stuck: stuck,
    /// Orders that wait for their turn at a provider, which allows so many calls a second.
    backlog: backlog,
    /// Orders that were left for the next run because this one took too long.
    left: orders.left,
}
