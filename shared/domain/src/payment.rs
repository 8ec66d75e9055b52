//! Payments: attempts at paying an order, and money on its way back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Money, OrderId, PaymentId, RefundId, Timestamp, VendorId};

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
    pub const fn pays_after(self) -> bool {
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
    Conflicted,
    /// Some of it went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
}

/// What can happen to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentEvent {
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
    Conflicted,
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
        Self::Conflicted,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];

    /// The state after an event; nothing when the event cannot happen now.
    pub const fn after(self, event: PaymentEvent) -> Option<Self> {
        use PaymentEvent as E;
        use PaymentState as S;
        match (self, event) {
            (S::Created | S::Pending, E::Pending) => Some(S::Pending),
            (S::Created | S::Pending, E::Authorized) => Some(S::Authorized),
            (S::Created | S::Pending | S::Authorized, E::Captured) => Some(S::Captured),
            (S::Created | S::Pending, E::Failed) => Some(S::Failed),
            (S::Created | S::Pending | S::Authorized, E::Cancelled) => Some(S::Cancelled),
            (S::Created | S::Pending | S::Authorized, E::Expired) => Some(S::Expired),
            (S::Created | S::Pending, E::Conflicted) => Some(S::Conflicted),
            // Late: the provider had the last word.
            (S::Failed | S::Cancelled | S::Expired, E::Captured) => Some(S::Captured),
            (S::Captured | S::PartiallyRefunded, E::PartiallyRefunded) => Some(S::PartiallyRefunded),
            (S::Captured | S::PartiallyRefunded, E::Refunded) => Some(S::Refunded),
            _ => None,
        }
    }

    /// Whether money may still come of it without anything new being asked for.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Pending | Self::Authorized)
    }

    /// Whether the provider took the money.
    pub const fn took_money(self) -> bool {
        matches!(self, Self::Captured | Self::PartiallyRefunded | Self::Refunded | Self::Conflicted)
    }
}

impl PaymentEvent {
    /// Every event.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Authorized,
        Self::Captured,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::Conflicted,
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
    /// What the provider took, when it took something.
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
    /// Whether it brought what was asked for.
    pub fn has_paid(&self) -> bool {
        self.state.took_money() && self.captured == Some(self.amount)
    }

    /// Whether the buyer could still pay it: a declined card leaves a payment at the provider that another card can pay.
    pub const fn may_be_paid(&self) -> bool {
        let declined = matches!(self.state, PaymentState::Failed) && self.reference.is_some();
        !self.provider.pays_after() && (self.state.is_open() || declined)
    }
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// To be asked of the provider.
    Queued,
    /// Asked; the provider works on it.
    Pending,
    /// The money went back.
    Succeeded,
    /// It did not; somebody has to look at it.
    Failed,
}

/// What can happen to a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundEvent {
    /// The provider took the request.
    Asked,
    /// The money went back.
    Succeeded,
    /// The provider refused.
    Failed,
}

impl RefundState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Pending, Self::Succeeded, Self::Failed];

    /// The state after an event; nothing when the event cannot happen now.
    pub const fn after(self, event: RefundEvent) -> Option<Self> {
        match (self, event) {
            (Self::Queued, RefundEvent::Asked) => Some(Self::Pending),
            (Self::Pending, RefundEvent::Succeeded) => Some(Self::Succeeded),
            (Self::Pending, RefundEvent::Failed) => Some(Self::Failed),
            _ => None,
        }
    }
}

impl RefundEvent {
    /// Every event.
    pub const ALL: [Self; 3] = [Self::Asked, Self::Succeeded, Self::Failed];
}

/// Money on its way back to the buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Id; also the provider's idempotency key.
    pub id: RefundId,
    /// Which order.
    pub order: OrderId,
    /// Out of which payment.
    pub payment: PaymentId,
    /// For whose sub-order; nothing when it is for money that should not have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<VendorId>,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: RefundState,
    /// The provider's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Why.
    pub reason: RefundReason,
    /// When it was made.
    pub created_at: Timestamp,
    /// When to ask the provider next; nothing when there is nothing to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// How often the provider was asked.
    #[serde(default)]
    pub tries: u32,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// The seller refused or called off.
    Refused,
    /// The buyer called off.
    Cancelled,
    /// The money came when the order was over.
    Late,
    /// The money came twice.
    Duplicate,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_payment_is_exactly_this() {
        let mut life = String::new();
        for state in PaymentState::ALL {
            for event in PaymentEvent::ALL {
                if let Some(next) = state.after(event) {
                    life.push_str(&format!("{state:?} + {event:?} -> {next:?}\n"));
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
        Created + Conflicted -> Conflicted
        Pending + Pending -> Pending
        Pending + Authorized -> Authorized
        Pending + Captured -> Captured
        Pending + Failed -> Failed
        Pending + Cancelled -> Cancelled
        Pending + Expired -> Expired
        Pending + Conflicted -> Conflicted
        Authorized + Captured -> Captured
        Authorized + Cancelled -> Cancelled
        Authorized + Expired -> Expired
        Captured + PartiallyRefunded -> PartiallyRefunded
        Captured + Refunded -> Refunded
        Failed + Captured -> Captured
        Cancelled + Captured -> Captured
        Expired + Captured -> Captured
        PartiallyRefunded + PartiallyRefunded -> PartiallyRefunded
        PartiallyRefunded + Refunded -> Refunded
        ");
    }

    #[test]
    fn the_life_of_a_refund_is_exactly_this() {
        let mut life = String::new();
        for state in RefundState::ALL {
            for event in RefundEvent::ALL {
                if let Some(next) = state.after(event) {
                    life.push_str(&format!("{state:?} + {event:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(life, @"
        Queued + Asked -> Pending
        Pending + Succeeded -> Succeeded
        Pending + Failed -> Failed
        ");
    }
}
