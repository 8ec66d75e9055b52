//! The lives of orders and sub-orders.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Waits for the money.
    AwaitingPayment,
    /// Payable on delivery.
    Confirmed,
    /// Paid.
    Paid,
    /// Not paid in time.
    Expired,
    /// Called off.
    Cancelled,
    /// Everything arrived and stays.
    Completed,
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStep {
    /// The money came.
    Paid,
    /// The deadline passed.
    Expired,
    /// It was called off.
    Cancelled,
    /// Everything arrived and stays.
    Completed,
}

impl OrderState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::AwaitingPayment, Self::Confirmed, Self::Paid, Self::Expired, Self::Cancelled, Self::Completed];

    /// Where an order begins: with its money to come now, or on delivery.
    pub const INITIAL: [Self; 2] = [Self::AwaitingPayment, Self::Confirmed];

    /// The state after a step; nothing when the step cannot happen now.
    pub const fn after(self, step: OrderStep) -> Option<Self> {
        match (self, step) {
            (Self::AwaitingPayment | Self::Confirmed, OrderStep::Paid) => Some(Self::Paid),
            (Self::AwaitingPayment | Self::Confirmed, OrderStep::Expired) => Some(Self::Expired),
            (Self::AwaitingPayment | Self::Confirmed | Self::Paid, OrderStep::Cancelled) => Some(Self::Cancelled),
            (Self::Paid, OrderStep::Completed) => Some(Self::Completed),
            // Late money, while there is still stock.
            (Self::Expired | Self::Cancelled, OrderStep::Paid) => Some(Self::Paid),
            _ => None,
        }
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::Confirmed => "confirmed",
            Self::Paid => "paid",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
        }
    }

    /// The state with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl OrderStep {
    /// Every step.
    pub const ALL: [Self; 4] = [Self::Paid, Self::Expired, Self::Cancelled, Self::Completed];
}

/// Where a sub-order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorOrderState {
    /// Waits for the seller, or for the money.
    Pending,
    /// The seller will send it.
    Accepted,
    /// The seller will not send it.
    #[serde(alias = "refused")]
    Declined,
    /// Called off.
    Cancelled,
    /// On its way.
    Shipped,
    /// Arrived.
    Delivered,
    /// Came back.
    Returned,
    /// Arrived and stays.
    Completed,
}

/// What can happen to a sub-order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorOrderStep {
    /// The seller will send it.
    Accepted,
    /// The seller will not send it.
    Declined,
    /// It was called off.
    Cancelled,
    /// It left.
    Shipped,
    /// It arrived.
    Delivered,
    /// It came back.
    Returned,
    /// It stays.
    Completed,
    /// Late money: it is on again.
    Reopened,
}

impl VendorOrderState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Accepted,
        Self::Declined,
        Self::Cancelled,
        Self::Shipped,
        Self::Delivered,
        Self::Returned,
        Self::Completed,
    ];

    /// Where a sub-order begins.
    pub const INITIAL: [Self; 1] = [Self::Pending];

    /// The state after a step; nothing when the step cannot happen now.
    pub const fn after(self, step: VendorOrderStep) -> Option<Self> {
        use VendorOrderStep as E;
        match (self, step) {
            (Self::Pending, E::Accepted) => Some(Self::Accepted),
            (Self::Pending, E::Declined) => Some(Self::Declined),
            (Self::Pending | Self::Accepted, E::Cancelled) => Some(Self::Cancelled),
            (Self::Accepted, E::Shipped) => Some(Self::Shipped),
            (Self::Shipped, E::Delivered) => Some(Self::Delivered),
            (Self::Shipped | Self::Delivered, E::Returned) => Some(Self::Returned),
            (Self::Delivered, E::Completed) => Some(Self::Completed),
            (Self::Cancelled, E::Reopened) => Some(Self::Pending),
            _ => None,
        }
    }

    /// Whether the goods are still in the house and promised to the buyer.
    pub const fn holds_stock(self) -> bool {
        matches!(self, Self::Pending | Self::Accepted)
    }

    /// Whether the goods have left the house.
    pub const fn has_shipped(self) -> bool {
        !self.holds_stock() && !self.is_cancelled_or_declined()
    }

    /// Whether nothing more comes of it.
    pub const fn is_cancelled_or_declined(self) -> bool {
        matches!(self, Self::Declined | Self::Cancelled)
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
            Self::Completed => "completed",
        }
    }
}

impl VendorOrderStep {
    /// Every step.
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Declined,
        Self::Cancelled,
        Self::Shipped,
        Self::Delivered,
        Self::Returned,
        Self::Completed,
        Self::Reopened,
    ];

    /// The name in histories.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
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
        AwaitingPayment + Paid -> Paid
        AwaitingPayment + Expired -> Expired
        AwaitingPayment + Cancelled -> Cancelled
        Confirmed + Paid -> Paid
        Confirmed + Expired -> Expired
        Confirmed + Cancelled -> Cancelled
        Paid + Cancelled -> Cancelled
        Paid + Completed -> Completed
        Expired + Paid -> Paid
        Cancelled + Paid -> Paid
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
        Accepted + Shipped -> Shipped
        Cancelled + Reopened -> Pending
        Shipped + Delivered -> Delivered
        Shipped + Returned -> Returned
        Delivered + Returned -> Returned
        Delivered + Completed -> Completed
        ");
    }
}
