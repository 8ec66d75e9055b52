//! The history of an order: what happened, when, and who did it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::{Actor, OrderState, VendorOrderStep};
use crate::{Timestamp, VendorId};

/// Declares each event once: its name in Rust and on the wire, its meaning, and the name that release 0.1.0 stored.
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal $(, stored as $old:literal)?;)+) => {
        /// What happened to an order. Part of the HTTP contract.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum HistoryEvent {
            $($(#[doc = $doc])+ $name,)+
            /// Written by a newer release: shown as `other`, and written back as it was.
            Other(Box<str>),
        }

        impl HistoryEvent {
            /// Its name on the wire.
            pub const fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                    Self::Other(_) => "other",
                }
            }

            fn read(text: &str) -> Self {
                match text {
                    $($text $(| $old)? => Self::$name,)+
                    other => Self::Other(other.into()),
                }
            }
        }

        /// Every name on the wire.
        const NAMES: &[&str] = &[$($text,)+ "other"];
    };
}

events! {
    /// The order was placed.
    Placed = "placed";
    /// Its buyer has confirmed it.
    Confirmed = "confirmed";
    /// Its money came, or was collected on delivery.
    Paid = "paid";
    /// It was not paid in time.
    Expired = "expired";
    /// It, or the vendor order, was cancelled.
    Cancelled = "cancelled";
    /// Every vendor order has ended.
    Completed = "completed";
    /// The vendor accepted.
    Accepted = "accepted";
    /// The vendor declined.
    Declined = "declined", stored as "refused";
    /// A parcel with some of it was shipped.
    PartiallyShipped = "partially_shipped";
    /// A parcel with the rest of it was shipped.
    Shipped = "shipped";
    /// The last parcel has ended, and one was delivered.
    Delivered = "delivered";
    /// The last parcel has ended, and none was delivered.
    Lost = "lost";
    /// The last parcel came back to the vendor, like all others.
    ReturnedToSender = "returned_to_sender";
    /// The buyer gave it back.
    Returned = "returned";
    /// Its vendor has not done in time what was awaited.
    DeadlineMissed = "deadline_missed";
    /// The buyer asked for a return.
    ReturnRequested = "return_requested";
    /// Goods are taken back.
    ReturnApproved = "return_approved";
    /// Goods are not taken back.
    ReturnDeclined = "return_declined";
    /// Goods that were to be sent back were not sent in time.
    ReturnExpired = "return_expired";
    /// Goods are back.
    ReturnReceived = "return_received";
    /// One of its parcels was delivered.
    ParcelDelivered = "parcel_delivered";
    /// One of its parcels was lost.
    ParcelLost = "parcel_lost";
    /// One of its parcels came back to the vendor.
    ParcelReturnedToSender = "parcel_returned_to_sender";
    /// A late payment reopened the vendor order.
    Reopened = "reopened";
    /// The deadline for its payment was waived.
    DeadlineWaived = "deadline_waived";
    /// Another payment was attempted.
    PaymentAttempted = "payment_attempted";
    /// A payment was declined.
    PaymentFailed = "payment_failed";
    /// A payment brought another amount than was asked for.
    PaymentAmountMismatch = "payment_amount_mismatch", stored as "payment_conflicted";
    /// The operator accepted another amount than was asked for.
    PaymentAccepted = "payment_accepted";
    /// The operator rejected another amount than was asked for.
    PaymentRejected = "payment_rejected";
    /// Money is to be refunded.
    RefundQueued = "refund_queued";
    /// Money was refunded.
    Refunded = "refunded";
    /// A refund failed.
    RefundFailed = "refund_failed";
    /// The buyer's bank sent a refund back.
    RefundReturned = "refund_returned";
    /// A refund that had failed here was made by the provider all the same.
    RefundSucceededAfterFailure = "refund_succeeded_after_failure", stored as "refund_sent_all_the_same";
    /// Money was refunded at the provider's dashboard.
    RefundedElsewhere = "refunded_elsewhere", stored as "refunded_at_provider";
    /// The buyer's bank gave back what was to be refunded.
    RefundChargedBack = "refund_charged_back", stored as "refund_covered_by_bank";
    /// The operator tries a refund again that did not arrive.
    RefundRetried = "refund_retried";
    /// The buyer got the money of a refund by other means.
    RefundResolved = "refund_resolved";
    /// What was to be refunded was given back at the provider's dashboard.
    RefundCoveredElsewhere = "refund_covered_elsewhere";
    /// The buyer's bank opened a dispute.
    DisputeOpened = "dispute_opened";
    /// A dispute was decided for the shop.
    DisputeWon = "dispute_won";
    /// A dispute was decided for the buyer.
    DisputeLost = "dispute_lost";
}

impl From<VendorOrderStep> for HistoryEvent {
    fn from(step: VendorOrderStep) -> Self {
        match step {
            VendorOrderStep::Accepted => Self::Accepted,
            VendorOrderStep::Declined => Self::Declined,
            VendorOrderStep::Cancelled => Self::Cancelled,
            VendorOrderStep::PartiallyShipped => Self::PartiallyShipped,
            VendorOrderStep::Shipped => Self::Shipped,
            VendorOrderStep::Delivered => Self::Delivered,
            VendorOrderStep::Lost => Self::Lost,
            VendorOrderStep::ReturnedToSender => Self::ReturnedToSender,
            VendorOrderStep::Returned => Self::Returned,
            VendorOrderStep::Completed => Self::Completed,
            VendorOrderStep::Reopened => Self::Reopened,
        }
    }
}

impl From<OrderState> for HistoryEvent {
    /// The event that leads to this state.
    fn from(state: OrderState) -> Self {
        match state {
            OrderState::AwaitingConfirmation | OrderState::AwaitingPayment => Self::Placed,
            OrderState::Confirmed => Self::Confirmed,
            OrderState::Paid => Self::Paid,
            OrderState::Expired => Self::Expired,
            OrderState::Cancelled => Self::Cancelled,
            OrderState::Completed => Self::Completed,
            OrderState::Other => Self::Other(OrderState::Other.as_str().into()),
        }
    }
}

impl Serialize for HistoryEvent {
    /// For the wire: one name of the closed list.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for HistoryEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::read(&std::borrow::Cow::<'de, str>::deserialize(deserializer)?))
    }
}

impl utoipa::PartialSchema for HistoryEvent {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What happened to an order."))
            .enum_values(Some(NAMES.iter().copied()))
            .into()
    }
}

impl ToSchema for HistoryEvent {}

/// An entry of an order's history, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub at: Timestamp,
    pub event: HistoryEvent,
    /// The id, ours or the provider's, of what the event is about, where the same can happen to several things.
    pub subject: Option<String>,
    pub by: Actor,
    /// The vendor of the vendor order that it concerns; nothing for the whole order.
    pub vendor: Option<VendorId>,
}

impl History {
    /// The number of the return that it is about.
    pub fn return_number(&self) -> Option<u16> {
        let is_of_return = matches!(
            self.event,
            HistoryEvent::ReturnRequested
                | HistoryEvent::ReturnApproved
                | HistoryEvent::ReturnDeclined
                | HistoryEvent::ReturnExpired
                | HistoryEvent::ReturnReceived
        );
        self.subject.as_ref().filter(|_| is_of_return)?.parse().ok()
    }

    /// The number of the parcel that it is about.
    pub fn parcel(&self) -> Option<u16> {
        let is_of_parcel = matches!(
            self.event,
            HistoryEvent::ParcelDelivered | HistoryEvent::ParcelLost | HistoryEvent::ParcelReturnedToSender
        );
        self.subject.as_ref().filter(|_| is_of_parcel)?.parse().ok()
    }
}

/// The stored form: `event` and `subject` in one text, joined by a colon.
#[derive(Serialize, Deserialize)]
struct StoredHistory {
    at: Timestamp,
    event: String,
    by: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vendor: Option<VendorId>,
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = match &self.event {
            HistoryEvent::Other(name) => name,
            known => known.as_str(),
        };
        let event = match &self.subject {
            Some(subject) => format!("{name}:{subject}"),
            None => name.to_owned(),
        };
        StoredHistory { at: self.at, event, by: self.by, vendor: self.vendor }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let StoredHistory { at, event, by, vendor } = StoredHistory::deserialize(deserializer)?;
        let (name, subject) = match event.split_once(':') {
            Some((name, subject)) => (name, Some(subject.to_owned())),
            None => (event.as_str(), None),
        };
        Ok(Self { at, event: HistoryEvent::read(name), subject, by, vendor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(event: &str) -> String {
        format!(r#"{{"at":"2027-01-01T00:00:00Z","event":"{event}","by":"system"}}"#)
    }

    fn read(event: &str) -> History {
        serde_json::from_str(&stored(event)).unwrap()
    }

    #[test]
    fn every_name_reads_back_as_itself() {
        for name in NAMES {
            let entry = read(name);
            assert_eq!(entry.event.as_str(), *name);
            assert_eq!(serde_json::to_string(&entry).unwrap(), stored(name));
        }
    }

    #[test]
    fn the_names_of_release_0_1_0_are_understood() {
        for (old, event) in [
            ("refused", HistoryEvent::Declined),
            ("payment_conflicted", HistoryEvent::PaymentAmountMismatch),
            ("refunded_at_provider", HistoryEvent::RefundedElsewhere),
            ("refund_covered_by_bank", HistoryEvent::RefundChargedBack),
        ] {
            assert_eq!(read(old).event, event, "{old}");
        }
        let about = read("refund_sent_all_the_same:ref_1");
        assert_eq!((about.event, about.subject.as_deref()), (HistoryEvent::RefundSucceededAfterFailure, Some("ref_1")));
    }

    #[test]
    fn an_event_of_a_newer_release_is_shown_as_other_and_written_back_as_it_was() {
        let newer = read("teleported:prt_1");
        assert_eq!(serde_json::to_string(&newer.event).unwrap(), "\"other\"");
        assert_eq!(serde_json::to_string(&newer).unwrap(), stored("teleported:prt_1"));
    }
}
