//! Refunds: money on its way back to the buyer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DisputeId, Money, OrderId, PaymentId, RefundId, Timestamp, VendorId};

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// To be asked of the provider.
    Queued,
    /// Submitted; the provider works on it.
    Pending,
    /// The money went back.
    Succeeded,
    /// It did not; somebody has to look at it.
    Failed,
}

/// What can happen to a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStep {
    /// The provider took the request, and works on it.
    Submitted,
    /// The money went back.
    Succeeded,
    /// The provider refused.
    Failed,
}

impl RefundState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Pending, Self::Succeeded, Self::Failed];

    /// Where a refund begins. One that was made at the provider is known here from its second state on.
    pub const INITIAL: [Self; 1] = [Self::Queued];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// The state after a step; nothing when the step cannot happen now.
    pub const fn after(self, step: RefundStep) -> Option<Self> {
        match (self, step) {
            (Self::Queued, RefundStep::Submitted) => Some(Self::Pending),
            (Self::Pending, RefundStep::Succeeded) => Some(Self::Succeeded),
            (Self::Pending, RefundStep::Failed) => Some(Self::Failed),
            _ => None,
        }
    }
}

impl RefundStep {
    /// Every step.
    pub const ALL: [Self; 3] = [Self::Submitted, Self::Succeeded, Self::Failed];
}

/// Money on its way back to the buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Id; also what the provider's idempotency key is made of.
    pub id: RefundId,
    /// Which order.
    pub order: OrderId,
    /// Out of which payment.
    pub payment: PaymentId,
    /// For whose sub-order; nothing when it is for money that should not have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<VendorId>,
    /// How much is to go back.
    pub amount: Money,
    /// How much of that the buyer's bank has given him instead; nothing of it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "by_bank")]
    pub charged_back: Option<Money>,
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
    #[serde(alias = "tries")]
    pub attempts: u32,
    /// How often the provider surely did nothing because the buyer's bank was deciding: asking after that is a new question.
    #[serde(default)]
    pub refusals: u32,
    /// When the buyer's bank sent it back although it had succeeded: the money is ours again, and somebody has to look at it.
    /// A refund that succeeded stays one that succeeded; that it came back is a fact of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Timestamp>,
    /// The dispute that decides about this money, or has decided: as long as it is named, nobody gives anything back by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<DisputeId>,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
}

impl Refund {
    /// How much goes back through us: what the bank has not given already.
    pub fn to_send(&self) -> Money {
        let charged_back = self.charged_back.map_or(0, Money::minor);
        Money::new(self.amount.minor().saturating_sub(charged_back).max(0), self.amount.currency())
    }

    /// Whether the provider may have made it although it is not known here: it was asked for, and did not surely refuse.
    pub const fn may_be_made(&self) -> bool {
        self.attempts > self.refusals
    }

    /// Whether its money is with the buyer.
    pub const fn has_arrived(&self) -> bool {
        matches!(self.state, RefundState::Succeeded) && self.returned_at.is_none()
    }

    /// Whether its money is with the buyer or on its way there: it cannot go back a second time.
    pub const fn holds_money(&self) -> bool {
        matches!(self.state, RefundState::Queued | RefundState::Pending) || self.has_arrived()
    }

    /// Whether some of its money did not reach the buyer, whoever decides what becomes of it.
    pub fn is_stranded(&self) -> bool {
        let came_back = matches!(self.state, RefundState::Failed) || self.returned_at.is_some();
        came_back && !self.to_send().is_zero()
    }

    /// Whether the money did not reach the buyer, and somebody has to give it back by hand. Not while a bank decides about it.
    pub fn needs_manual_refund(&self) -> bool {
        self.is_stranded() && self.dispute.is_none()
    }

    /// Whether it is for money that should not have come: all of it goes back, and none of it pays for a part of the order.
    pub const fn is_full_refund(&self) -> bool {
        matches!(self.reason, RefundReason::Late | RefundReason::Duplicate | RefundReason::AmountMismatch)
    }
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// The seller refused or called off.
    #[serde(alias = "refused")]
    Declined,
    /// The buyer called off.
    Cancelled,
    /// The money came when the order was over.
    Late,
    /// The money came twice.
    Duplicate,
    /// It was another amount than was asked for, and the operator did not take it as good.
    #[serde(alias = "conflicted")]
    AmountMismatch,
    /// Somebody gave it back at the provider; nobody asked for it here.
    #[serde(alias = "provider")]
    RefundedElsewhere,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_refund_is_exactly_this() {
        let mut life = String::new();
        for state in RefundState::ALL {
            for step in RefundStep::ALL {
                if let Some(next) = state.after(step) {
                    life.push_str(&format!("{state:?} + {step:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(life, @"
        Queued + Submitted -> Pending
        Pending + Succeeded -> Succeeded
        Pending + Failed -> Failed
        ");
    }
}
