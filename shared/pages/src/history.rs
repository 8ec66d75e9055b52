//! What has happened to an order, in words.

use domain::order::HistoryEvent;

use crate::{Texts, fill};

/// An event of an order's history; `vendor` is the name of the shop that it is about.
pub fn event_words(t: &'static Texts, event: &HistoryEvent, vendor: &str) -> String {
    let words = match event {
        HistoryEvent::Accepted => t.event_accepted,
        HistoryEvent::Declined => t.event_declined,
        HistoryEvent::Shipped | HistoryEvent::PartiallyShipped => t.event_shipped,
        HistoryEvent::Placed => t.event_placed,
        HistoryEvent::Confirmed => t.event_confirmed,
        HistoryEvent::Paid => t.event_paid,
        HistoryEvent::Expired => t.event_expired,
        HistoryEvent::Cancelled => t.event_cancelled,
        HistoryEvent::Completed => t.state_completed,
        HistoryEvent::Delivered | HistoryEvent::ParcelDelivered => t.event_delivered,
        HistoryEvent::Lost | HistoryEvent::ParcelLost => t.vendor_lost,
        HistoryEvent::ReturnedToSender | HistoryEvent::ParcelReturnedToSender => t.vendor_returned_to_sender,
        HistoryEvent::Returned => t.vendor_returned,
        HistoryEvent::DeadlineMissed => t.event_deadline_missed,
        HistoryEvent::ReturnRequested => t.return_requested,
        HistoryEvent::ReturnApproved => t.return_approved,
        HistoryEvent::ReturnDeclined => t.return_declined,
        HistoryEvent::ReturnExpired => t.return_expired,
        HistoryEvent::ReturnReceived => t.return_received,
        HistoryEvent::Reopened => t.event_reopened,
        HistoryEvent::DeadlineWaived => t.event_deadline_waived,
        HistoryEvent::PaymentAttempted => t.event_payment_attempted,
        HistoryEvent::PaymentFailed => t.event_payment_failed,
        HistoryEvent::PaymentAmountMismatch => t.event_payment_mismatch,
        HistoryEvent::PaymentAccepted => t.event_payment_accepted,
        HistoryEvent::PaymentRejected => t.event_payment_rejected,
        HistoryEvent::RefundQueued => t.event_refund_queued,
        HistoryEvent::Refunded | HistoryEvent::RefundSucceededAfterFailure => t.event_refunded,
        HistoryEvent::RefundFailed => t.event_refund_failed,
        HistoryEvent::RefundReturned => t.event_refund_returned,
        HistoryEvent::RefundedElsewhere | HistoryEvent::RefundCoveredElsewhere => t.event_refund_elsewhere,
        HistoryEvent::RefundChargedBack => t.event_refund_charged_back,
        HistoryEvent::RefundRetried => t.event_refund_retried,
        HistoryEvent::RefundResolved => t.event_refund_resolved,
        HistoryEvent::DisputeOpened => t.event_dispute_opened,
        HistoryEvent::DisputeWon => t.event_dispute_won,
        HistoryEvent::DisputeLost => t.event_dispute_lost,
        HistoryEvent::Other(_) => t.event_other,
    };
    fill(words, &[("vendor", vendor)])
}
