//! Refunds: money that goes back from a payment to the buyer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::payment::Payment;
use crate::stored::Kept;
use crate::text::Note;
use crate::{DisputeId, Money, OrderId, PaymentId, RefundId, Timestamp, VariantId, VendorId};

/// State of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// Waits to be requested from the provider.
    Queued,
    /// The provider has taken the request and not decided yet.
    Pending,
    /// The money was refunded.
    Succeeded,
    /// The money was not refunded. Unless the buyer's bank charged it back, the operator has to refund it manually.
    Failed,
    /// The buyer got the money by other means: at the provider's dashboard, or from a person.
    Resolved,
    /// A state that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
}

/// What can happen to a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStep {
    /// The provider took the request.
    Submitted,
    /// The money was refunded.
    Succeeded,
    /// The provider rejected the request, or the money did not arrive.
    Failed,
    /// The buyer got the money by other means.
    Resolved,
    /// The operator tries it again.
    Retried,
}

impl RefundState {
    pub const ALL: [Self; 5] = [Self::Queued, Self::Pending, Self::Succeeded, Self::Failed, Self::Resolved];

    /// The states in which a refund begins. One made at the provider's dashboard is known here only from `Pending` on.
    pub const INITIAL: [Self; 1] = [Self::Queued];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Resolved => "resolved",
            Self::Other => "other",
        }
    }

    /// The state after a step; nothing when the step is not allowed in this state.
    pub const fn after(self, step: RefundStep) -> Option<Self> {
        match (self, step) {
            (Self::Queued, RefundStep::Submitted) => Some(Self::Pending),
            (Self::Pending, RefundStep::Succeeded) => Some(Self::Succeeded),
            (Self::Pending, RefundStep::Failed) => Some(Self::Failed),
            (Self::Queued | Self::Failed, RefundStep::Resolved) => Some(Self::Resolved),
            // Also one that had succeeded, when the buyer's bank has sent it back.
            (Self::Failed | Self::Succeeded, RefundStep::Retried) => Some(Self::Queued),
            _ => None,
        }
    }
}

impl RefundState {
    /// The state once the buyer's bank has charged all of it back: what the provider has not made yet ends. What has
    /// ended already stays as it ended.
    pub const fn after_chargeback(self) -> Self {
        match self {
            Self::Queued | Self::Pending | Self::Failed => Self::Failed,
            Self::Succeeded => Self::Succeeded,
            Self::Resolved => Self::Resolved,
            Self::Other => Self::Other,
        }
    }
}

impl RefundStep {
    pub const ALL: [Self; 5] = [Self::Submitted, Self::Succeeded, Self::Failed, Self::Resolved, Self::Retried];
}

/// What a refund gives back of one vendor order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPart {
    pub vendor: VendorId,
    /// The sum of the shares of its units and its delivery, or less where less was left of the payment.
    pub amount: Money,
    pub lines: Vec<RefundedUnits>,
    /// Whether the delivery is a part of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delivery: bool,
}

/// Units of a line that are refunded together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundedUnits {
    pub variant: VariantId,
    /// How many of the line were refunded before: which shares belong to these units depends on it.
    pub from: u32,
    pub units: u32,
}

/// A refund of a payment, or of a part of it: one for each decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Also a part of the provider's idempotency key.
    pub id: RefundId,
    pub order: OrderId,
    pub payment: PaymentId,
    /// The vendor whose vendor order alone is refunded; nothing for several of them, and for money that should not have
    /// come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<VendorId>,
    pub amount: Money,
    /// What it gives back; nothing for money that belongs to no vendor order, and in refunds of releases before
    /// 2026-12.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<RefundPart>,
    /// The part of `amount` that the buyer's bank has charged back: it is not sent a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "by_bank")]
    pub charged_back: Option<Money>,
    /// The part of `amount` that somebody gave back at the provider's dashboard: it is not sent a second time either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_elsewhere: Option<Money>,
    /// What `amount` is more, or less, than its parts because its provider pays in steps: less when an earlier refund
    /// of the payment was more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Money>,
    /// Why somebody gave it back of their own accord, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// How the buyer got the money by other means, in the words of whoever saw to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Note>,
    pub state: RefundState,
    /// The provider's id of the refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The provider's ids of those that did not arrive before it was tried again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_references: Vec<String>,
    pub reason: RefundReason,
    pub created_at: Timestamp,
    /// When to ask the provider next; nothing when there is nothing to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// How often the provider was asked.
    #[serde(default)]
    #[serde(alias = "tries")]
    pub attempts: u32,
    /// How often the provider rejected a request because of an open dispute, so that it surely made no refund. The
    /// number is a part of the idempotency key: the next request is a new one, not a replay of the rejection.
    #[serde(default)]
    pub refusals: u32,
    /// When the buyer's bank sent the money back after the refund had succeeded: it is ours again, and needs a manual
    /// refund. The state stays `Succeeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Timestamp>,
    /// The dispute that decides about this money, or has decided: while it is set, nobody refunds the money manually.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<DisputeId>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl Refund {
    /// A refund that its provider was not asked for yet.
    pub const fn queued(id: RefundId, payment: &Payment, amount: Money, reason: RefundReason, at: Timestamp) -> Self {
        Self {
            id,
            order: payment.order,
            payment: payment.id,
            vendor: None,
            amount,
            parts: Vec::new(),
            charged_back: None,
            refunded_elsewhere: None,
            rounding: None,
            note: None,
            resolution: None,
            state: RefundState::Queued,
            reference: None,
            earlier_references: Vec::new(),
            reason,
            created_at: at,
            due_at: Some(at),
            attempts: 0,
            refusals: 0,
            returned_at: None,
            dispute: None,
            version: 0,
            kept: Kept::NOTHING,
        }
    }

    /// The amount to send through the provider: without what the buyer's bank has charged back, and what was given back
    /// elsewhere.
    pub fn to_send(&self) -> Money {
        let covered = |amount: Option<Money>| amount.map_or(0, Money::minor);
        let covered = covered(self.charged_back).saturating_add(covered(self.refunded_elsewhere));
        Money::new(self.amount.minor().saturating_sub(covered).max(0), self.amount.currency())
    }

    /// Whether it has something that releases before 2026-12-02 would not heed: it was rounded, tried again or
    /// resolved.
    pub const fn has_decisions(&self) -> bool {
        self.rounding.is_some() || self.resolution.is_some() || !self.earlier_references.is_empty()
    }

    /// Whether it was made at the provider's dashboard.
    pub fn was_made_elsewhere(&self) -> bool {
        self.reason == RefundReason::RefundedElsewhere
    }

    /// Whether the provider may have made the refund although no answer arrived: some request was not surely rejected.
    pub const fn may_be_made(&self) -> bool {
        self.attempts > self.refusals
    }

    /// Whether the buyer has its money.
    pub const fn has_arrived(&self) -> bool {
        matches!(self.state, RefundState::Succeeded) && self.returned_at.is_none()
    }

    /// Whether the buyer has its money or will get it, so that it must not be refunded a second time.
    pub const fn holds_money(&self) -> bool {
        // What a newer release says of it is not known here: better refunded by hand than twice.
        matches!(self.state, RefundState::Queued | RefundState::Pending | RefundState::Resolved | RefundState::Other)
            || self.has_arrived()
            || self.resolution.is_some()
    }

    /// Whether some of its money did not reach the buyer, whether or not a dispute decides about it.
    pub fn did_not_arrive(&self) -> bool {
        // One that failed at the provider's dashboard was never decided here.
        let has_failed = self.state == RefundState::Failed && !self.was_made_elsewhere();
        let came_back = has_failed || self.returned_at.is_some();
        came_back && self.resolution.is_none() && !self.to_send().is_zero()
    }

    /// Whether the operator has to refund its money manually. Not while a dispute decides about it.
    pub fn needs_manual_refund(&self) -> bool {
        self.did_not_arrive() && self.dispute.is_none()
    }

    /// Whether it refunds money that should not have come in: all of the payment goes back, and none of it pays for a
    /// vendor order.
    pub const fn is_full_refund(&self) -> bool {
        matches!(self.reason, RefundReason::Late | RefundReason::Duplicate | RefundReason::AmountMismatch)
    }
}

/// Why money is refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// The vendor declined or cancelled the vendor order.
    #[serde(alias = "refused")]
    Declined,
    /// The buyer or the operator cancelled.
    Cancelled,
    /// A late payment: the order had expired or was cancelled.
    Late,
    /// A second payment of the same order.
    Duplicate,
    /// An amount mismatch that the operator rejected.
    #[serde(alias = "conflicted")]
    AmountMismatch,
    /// Refunded at the provider's dashboard, not requested here.
    #[serde(alias = "provider")]
    RefundedElsewhere,
    /// The carrier lost the goods.
    Lost,
    /// The goods came back to the vendor.
    ReturnedToSender,
    /// The buyer gave the goods back.
    Returned,
    /// The operator or the vendor gave back what units cost.
    Granted,
    /// The operator or the vendor gave back an amount.
    Goodwill,
    /// A reason that only a newer release knows: shown, and never changed by this one.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    #[schema(rename = "other")]
    Other,
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
        Queued + Resolved -> Resolved
        Pending + Succeeded -> Succeeded
        Pending + Failed -> Failed
        Succeeded + Retried -> Queued
        Failed + Resolved -> Resolved
        Failed + Retried -> Queued
        ");
    }
}
