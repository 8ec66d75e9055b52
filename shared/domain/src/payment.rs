//! Payments: attempts at paying an order.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::refund::{Refund, RefundReason, RefundState, RefundStep};
use crate::{Money, OrderId, PaymentId, Timestamp};

/// Who moves the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    /// Stripe, by PaymentIntents.
    Stripe,
    /// The carrier collects it at the door.
    CashOnDelivery,
}

impl ProviderName {
    /// Every provider.
    pub const ALL: [Self; 2] = [Self::Stripe, Self::CashOnDelivery];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::CashOnDelivery => "cash_on_delivery",
        }
    }

    /// The provider with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// Whether the goods go out before the money comes in.
    pub const fn is_on_delivery(self) -> bool {
        matches!(self, Self::CashOnDelivery)
    }
}

/// What the buyer's client does next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// Confirm with the provider's own library.
    ClientSecret {
        /// For the provider's library.
        client_secret: String,
    },
    /// Go to this address.
    Redirect {
        /// Where.
        url: String,
    },
    /// Show this as a QR code.
    Qr {
        /// What the code says.
        content: String,
    },
    /// The provider does not answer: ask for another attempt at `POST /v1/orders/{id}/payments`.
    Retry,
    /// Nothing.
    None,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Written down; the provider may not know of it yet.
    Created,
    /// The provider waits for the buyer, or we wait for the provider.
    Pending,
    /// Held, not taken.
    Authorized,
    /// Taken.
    Captured,
    /// Declined.
    Failed,
    /// Called off.
    Cancelled,
    /// Too late.
    Expired,
    /// The provider reports another amount or currency than was asked for.
    #[serde(alias = "conflicted")]
    AmountMismatch,
    /// Some of it went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
}

/// What can happen to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStep {
    /// The provider knows of it and waits.
    Pending,
    /// The money is held.
    Authorized,
    /// The money was taken.
    Captured,
    /// It was declined.
    Failed,
    /// It was called off.
    Cancelled,
    /// It took too long.
    Expired,
    /// The amounts differ.
    AmountMismatch,
    /// The operator takes the other amount as good.
    Accepted,
    /// A part went back.
    PartiallyRefunded,
    /// The rest went back.
    Refunded,
}

impl PaymentState {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Created,
        Self::Pending,
        Self::Authorized,
        Self::Captured,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::AmountMismatch,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];

    /// The state after a step; nothing when the step cannot happen now.
    pub const fn after(self, step: PaymentStep) -> Option<Self> {
        use PaymentState as S;
        use PaymentStep as E;
        match (self, step) {
            (S::Created | S::Pending, E::Pending) => Some(S::Pending),
            (S::Created | S::Pending, E::Authorized) => Some(S::Authorized),
            (S::Created | S::Pending | S::Authorized, E::Captured) => Some(S::Captured),
            (S::Created | S::Pending, E::Failed) => Some(S::Failed),
            (S::Created | S::Pending | S::Authorized, E::Cancelled) => Some(S::Cancelled),
            (S::Created | S::Pending | S::Authorized, E::Expired) => Some(S::Expired),
            // Late: the provider had the last word.
            (S::Failed | S::Cancelled | S::Expired, E::Captured) => Some(S::Captured),
            // Whatever was told before: what came is not what was asked for, in whichever order the news arrives.
            (S::Created | S::Pending | S::Authorized | S::Failed | S::Cancelled | S::Expired, E::AmountMismatch) => {
                Some(S::AmountMismatch)
            }
            // The operator decides: it is as good as what was asked for, or it goes back.
            (S::AmountMismatch, E::Accepted) => Some(S::Captured),
            (S::AmountMismatch, E::Refunded) => Some(S::Refunded),
            (S::Captured | S::PartiallyRefunded, E::PartiallyRefunded) => Some(S::PartiallyRefunded),
            (S::Captured | S::PartiallyRefunded, E::Refunded) => Some(S::Refunded),
            _ => None,
        }
    }

    /// Whether money may still come of it without anything new being asked for.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Pending | Self::Authorized)
    }

    /// Where a payment begins.
    pub const INITIAL: [Self; 1] = [Self::Created];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::AmountMismatch => "amount_mismatch",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }

    /// Whether the provider took the money.
    pub const fn took_money(self) -> bool {
        matches!(self, Self::Captured | Self::PartiallyRefunded | Self::Refunded | Self::AmountMismatch)
    }
}

impl PaymentStep {
    /// Every step.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Authorized,
        Self::Captured,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::AmountMismatch,
        Self::Accepted,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];
}

/// One attempt at paying an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Id; also the provider's idempotency key.
    pub id: PaymentId,
    /// Which order.
    pub order: OrderId,
    /// Who moves the money.
    pub provider: ProviderName,
    /// What is to be paid.
    pub amount: Money,
    /// Where it stands.
    pub state: PaymentState,
    /// The provider's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What the buyer's client does next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// What the provider took, when it took something. Zero when it names no amount that we can express.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Money>,
    /// Why it failed, in the provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

impl Payment {
    /// Whether it brought what was asked for, or what the operator took as good. What went back since does not matter.
    pub fn has_paid(&self) -> bool {
        match self.state {
            PaymentState::Captured | PaymentState::PartiallyRefunded => true,
            // Of another amount that went back as a whole nothing was ever taken as good.
            PaymentState::Refunded => self.captured == Some(self.amount),
            _ => false,
        }
    }

    /// Whether the buyer could still pay it: a declined card leaves a payment at the provider that another card can pay.
    pub const fn may_be_paid(&self) -> bool {
        let declined = matches!(self.state, PaymentState::Failed) && self.reference.is_some();
        !self.provider.is_on_delivery() && (self.state.is_open() || declined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_payment_is_exactly_this() {
        let mut life = String::new();
        for state in PaymentState::ALL {
            for step in PaymentStep::ALL {
                if let Some(next) = state.after(step) {
                    life.push_str(&format!("{state:?} + {step:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(life, @"
        Created + Pending -> Pending
        Created + Authorized -> Authorized
        Created + Captured -> Captured
        Created + Failed -> Failed
        Created + Cancelled -> Cancelled
        Created + Expired -> Expired
        Created + AmountMismatch -> AmountMismatch
        Pending + Pending -> Pending
        Pending + Authorized -> Authorized
        Pending + Captured -> Captured
        Pending + Failed -> Failed
        Pending + Cancelled -> Cancelled
        Pending + Expired -> Expired
        Pending + AmountMismatch -> AmountMismatch
        Authorized + Captured -> Captured
        Authorized + Cancelled -> Cancelled
        Authorized + Expired -> Expired
        Authorized + AmountMismatch -> AmountMismatch
        Captured + PartiallyRefunded -> PartiallyRefunded
        Captured + Refunded -> Refunded
        Failed + Captured -> Captured
        Failed + AmountMismatch -> AmountMismatch
        Cancelled + Captured -> Captured
        Cancelled + AmountMismatch -> AmountMismatch
        Expired + Captured -> Captured
        Expired + AmountMismatch -> AmountMismatch
        AmountMismatch + Accepted -> Captured
        AmountMismatch + Refunded -> Refunded
        PartiallyRefunded + PartiallyRefunded -> PartiallyRefunded
        PartiallyRefunded + Refunded -> Refunded
        ");
    }
}
