//! State machines of orders and vendor orders.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// State of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// It is payable on delivery, and its guest has to confirm it with the code that was mailed.
    AwaitingConfirmation,
    /// Stock is reserved, and the payment has not come in yet.
    AwaitingPayment,
    /// Payable on delivery; vendors may begin.
    Confirmed,
    /// The payment came in; vendors may begin.
    Paid,
    /// It was not paid before its deadline.
    Expired,
    /// It was cancelled: by the buyer, the operator, or because every vendor declined.
    Cancelled,
    /// Every vendor order has ended, and goods were shipped.
    Completed,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStep {
    /// Its guest has entered the code that was mailed.
    Confirmed,
    /// The payment came in, or was collected on delivery.
    Paid,
    /// The payment deadline passed.
    Expired,
    /// It was cancelled.
    Cancelled,
    /// Every vendor order has ended, and goods were shipped.
    Completed,
}

impl OrderState {
    pub const ALL: [Self; 7] = [
        Self::AwaitingConfirmation,
        Self::AwaitingPayment,
        Self::Confirmed,
        Self::Paid,
        Self::Expired,
        Self::Cancelled,
        Self::Completed,
    ];

    /// The states in which an order can begin: paid in advance, or on delivery.
    pub const INITIAL: [Self; 3] = [Self::AwaitingConfirmation, Self::AwaitingPayment, Self::Confirmed];

    /// The state after a step; nothing when the step is not allowed in this state.
    pub const fn after(self, step: OrderStep) -> Option<Self> {
        match (self, step) {
            (Self::AwaitingConfirmation, OrderStep::Confirmed) => Some(Self::Confirmed),
            (Self::AwaitingPayment | Self::Confirmed, OrderStep::Paid) => Some(Self::Paid),
            (Self::AwaitingConfirmation | Self::AwaitingPayment | Self::Confirmed, OrderStep::Expired) => {
                Some(Self::Expired)
            }
            (
                Self::AwaitingConfirmation | Self::AwaitingPayment | Self::Confirmed | Self::Paid,
                OrderStep::Cancelled,
            ) => Some(Self::Cancelled),
            (Self::Paid, OrderStep::Completed) => Some(Self::Completed),
            // A late payment, while its stock can be re-reserved. What somebody has cancelled stays cancelled: money
            // for it goes back.
            (Self::Expired, OrderStep::Paid) => Some(Self::Paid),
            _ => None,
        }
    }

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::AwaitingPayment => "awaiting_payment",
            Self::Confirmed => "confirmed",
            Self::Paid => "paid",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
            Self::Other => "other",
        }
    }

    /// The state with this name on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl OrderStep {
    pub const ALL: [Self; 5] = [Self::Confirmed, Self::Paid, Self::Expired, Self::Cancelled, Self::Completed];
}

/// State of a vendor order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorOrderState {
    /// It waits for the order's payment, or for the vendor to accept.
    Pending,
    /// The vendor accepted and will ship it.
    Accepted,
    /// The vendor declined it.
    #[serde(alias = "refused")]
    Declined,
    /// It was cancelled before it was shipped.
    Cancelled,
    /// Some of it was shipped, and the rest is still to be.
    PartiallyShipped,
    /// All of it was shipped, or what was not is cancelled.
    Shipped,
    /// Every parcel has ended, and one at least was delivered.
    Delivered,
    /// Every parcel has ended and none was delivered: one at least was lost.
    Lost,
    /// Every parcel came back to the vendor.
    ReturnedToSender,
    /// The buyer gave it back.
    Returned,
    /// It was delivered and not given back.
    Completed,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// What can happen to a vendor order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorOrderStep {
    /// The vendor accepted it.
    Accepted,
    /// The vendor declined it.
    Declined,
    /// It was cancelled.
    Cancelled,
    /// Some of it was shipped.
    PartiallyShipped,
    /// The rest of it was shipped.
    Shipped,
    /// The last parcel has ended, and one was delivered.
    Delivered,
    /// The last parcel has ended, and none was delivered.
    Lost,
    /// The last parcel came back, like all others.
    ReturnedToSender,
    /// The buyer gave it back.
    Returned,
    /// It was delivered and not given back.
    Completed,
    /// A late payment reopened it.
    Reopened,
}

impl VendorOrderState {
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Accepted,
        Self::Declined,
        Self::Cancelled,
        Self::PartiallyShipped,
        Self::Shipped,
        Self::Delivered,
        Self::Lost,
        Self::ReturnedToSender,
        Self::Returned,
        Self::Completed,
    ];

    /// The states in which a vendor order can begin.
    pub const INITIAL: [Self; 1] = [Self::Pending];

    /// The state after a step; nothing when the step is not allowed in this state.
    pub const fn after(self, step: VendorOrderStep) -> Option<Self> {
        use VendorOrderStep as E;
        match (self, step) {
            (Self::Pending, E::Accepted) => Some(Self::Accepted),
            (Self::Pending, E::Declined) => Some(Self::Declined),
            (Self::Pending | Self::Accepted, E::Cancelled) => Some(Self::Cancelled),
            (Self::Accepted | Self::PartiallyShipped, E::PartiallyShipped) => Some(Self::PartiallyShipped),
            // What was shipped of it goes on alone when the rest is cancelled.
            (Self::Accepted | Self::PartiallyShipped, E::Shipped) | (Self::PartiallyShipped, E::Cancelled) => {
                Some(Self::Shipped)
            }
            (Self::Shipped, E::Delivered) => Some(Self::Delivered),
            (Self::Shipped, E::Lost) => Some(Self::Lost),
            (Self::Shipped, E::ReturnedToSender) => Some(Self::ReturnedToSender),
            (Self::Delivered, E::Returned) => Some(Self::Returned),
            (Self::Delivered, E::Completed) => Some(Self::Completed),
            (Self::Cancelled, E::Reopened) => Some(Self::Pending),
            _ => None,
        }
    }

    /// Whether stock is reserved for it: it has not ended, and some of it was not shipped.
    pub const fn holds_stock(self) -> bool {
        matches!(self, Self::Pending | Self::Accepted | Self::PartiallyShipped)
    }

    /// Whether goods were shipped, whatever became of them.
    pub const fn has_shipped(self) -> bool {
        !matches!(self, Self::Pending | Self::Accepted) && !self.is_cancelled_or_declined()
    }

    /// Whether the buyer got goods, whether or not they were given back since.
    pub const fn was_delivered(self) -> bool {
        matches!(self, Self::Delivered | Self::Returned | Self::Completed)
    }

    /// Whether it ended without anything for the buyer.
    pub const fn is_unfulfilled(self) -> bool {
        self.is_cancelled_or_declined() || matches!(self, Self::Lost | Self::ReturnedToSender)
    }

    /// Whether no further step is possible, unless a late payment reopens it.
    pub const fn has_ended(self) -> bool {
        self.is_unfulfilled() || matches!(self, Self::Returned | Self::Completed)
    }

    /// Whether it ended without being shipped.
    pub const fn is_cancelled_or_declined(self) -> bool {
        matches!(self, Self::Declined | Self::Cancelled)
    }

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::PartiallyShipped => "partially_shipped",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Lost => "lost",
            Self::ReturnedToSender => "returned_to_sender",
            Self::Returned => "returned",
            Self::Completed => "completed",
            Self::Other => "other",
        }
    }
}

impl VendorOrderStep {
    pub const ALL: [Self; 11] = [
        Self::Accepted,
        Self::Declined,
        Self::Cancelled,
        Self::PartiallyShipped,
        Self::Shipped,
        Self::Delivered,
        Self::Lost,
        Self::ReturnedToSender,
        Self::Returned,
        Self::Completed,
        Self::Reopened,
    ];

    /// Its name in histories.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::PartiallyShipped => "partially_shipped",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Lost => "lost",
            Self::ReturnedToSender => "returned_to_sender",
            Self::Returned => "returned",
            Self::Completed => "completed",
            Self::Reopened => "reopened",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_an_order_is_exactly_this() {
        let mut life = String::new();
        for state in OrderState::ALL {
            for step in OrderStep::ALL {
                if let Some(next) = state.after(step) {
                    life.push_str(&format!("{state:?} + {step:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(life, @"
        AwaitingConfirmation + Confirmed -> Confirmed
        AwaitingConfirmation + Expired -> Expired
        AwaitingConfirmation + Cancelled -> Cancelled
        AwaitingPayment + Paid -> Paid
        AwaitingPayment + Expired -> Expired
        AwaitingPayment + Cancelled -> Cancelled
        Confirmed + Paid -> Paid
        Confirmed + Expired -> Expired
        Confirmed + Cancelled -> Cancelled
        Paid + Cancelled -> Cancelled
        Paid + Completed -> Completed
        Expired + Paid -> Paid
        ");
    }

    #[test]
    fn the_life_of_a_vendor_order_is_exactly_this() {
        let mut life = String::new();
        for state in VendorOrderState::ALL {
            for step in VendorOrderStep::ALL {
                if let Some(next) = state.after(step) {
                    life.push_str(&format!("{state:?} + {step:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(life, @"
        Pending + Accepted -> Accepted
        Pending + Declined -> Declined
        Pending + Cancelled -> Cancelled
        Accepted + Cancelled -> Cancelled
        Accepted + PartiallyShipped -> PartiallyShipped
        Accepted + Shipped -> Shipped
        Cancelled + Reopened -> Pending
        PartiallyShipped + Cancelled -> Shipped
        PartiallyShipped + PartiallyShipped -> PartiallyShipped
        PartiallyShipped + Shipped -> Shipped
        Shipped + Delivered -> Delivered
        Shipped + Lost -> Lost
        Shipped + ReturnedToSender -> ReturnedToSender
        Delivered + Returned -> Returned
        Delivered + Completed -> Completed
        ");
    }
}
