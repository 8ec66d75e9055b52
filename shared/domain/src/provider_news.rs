//! What a payment provider tells, by webhook or when it is asked: one form for all providers, from their crate to the order.

use crate::dispute::DisputeState;
use crate::payment::{ProviderName, RefundStep};
use crate::{Money, OrderId, PaymentId, RefundId, Timestamp};

/// Something a provider told. Settlement takes nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderNews {
    /// Who tells it.
    pub provider: ProviderName,
    /// The payment's reference at the provider; for a refund or a dispute, that of the payment it belongs to. Empty only for
    /// [`NewsKind::Unknown`] events about something else than a payment.
    pub reference: String,
    /// The order, as it was written on the payment. Nothing when it is not there or not one of ours: refunds and disputes may
    /// lack it, and are then found by `reference`.
    pub order_id: Option<OrderId>,
    /// The payment attempt, likewise.
    pub payment_id: Option<PaymentId>,
    /// The webhook event's id, the same at each delivery. Nothing when the provider was asked.
    pub event_id: Option<String>,
    /// When it happened, by the provider's clock. Nothing when the provider was asked: then it is so now.
    pub occurred_at: Option<Timestamp>,
    /// What is told.
    pub kind: NewsKind,
}

/// What the news is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewsKind {
    /// The payment itself.
    Payment(PaymentNews),
    /// One refund of the payment.
    Refund(RefundNews),
    /// A dispute about the payment.
    Dispute(DisputeNews),
    /// Anything else: accepted, so that the provider stops sending it.
    Unknown {
        /// The provider's name for it.
        name: String,
    },
}

/// The state of a payment at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentNews {
    /// Not decided: the buyer has not paid yet, or the provider is still at it. Whatever is unclear is this.
    Pending,
    /// The money is reserved and not yet captured.
    Authorized {
        /// How much; nothing when the amount cannot be expressed.
        amount: Option<Money>,
    },
    /// The money was captured.
    Captured {
        /// How much; nothing when the amount cannot be expressed. If it is not exactly what was asked for, the attempt is an
        /// `amount_mismatch`.
        amount: Option<Money>,
    },
    /// This try was declined. The same payment may still succeed later, with another card.
    Failed {
        /// The provider's reason.
        code: String,
    },
    /// It will never be paid.
    Cancelled,
}

/// The state of a refund at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundNews {
    /// The refund's reference at the provider.
    pub reference: String,
    /// Our refund, when it was submitted by us; nothing for one made at the provider's dashboard.
    pub refund_id: Option<RefundId>,
    /// How much; nothing when the amount cannot be expressed.
    pub amount: Option<Money>,
    /// What became of it so far.
    pub outcome: RefundOutcome,
}

/// What became of a refund so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// Under way.
    Pending,
    /// The money went back.
    Succeeded,
    /// It did not; this may come after `Succeeded`, when the buyer's bank sends the money back.
    Failed {
        /// The provider's reason.
        code: String,
    },
}

impl RefundOutcome {
    /// The step that the refund takes here by it.
    pub const fn step(&self) -> RefundStep {
        match self {
            Self::Pending => RefundStep::Submitted,
            Self::Succeeded => RefundStep::Succeeded,
            Self::Failed { .. } => RefundStep::Failed,
        }
    }
}

/// The state of a dispute at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeNews {
    /// The dispute's reference at the provider.
    pub reference: String,
    /// How much is disputed; nothing when the amount cannot be expressed.
    pub amount: Option<Money>,
    /// The reason that the buyer's bank gives.
    pub reason: String,
    /// Opened, won or lost.
    pub state: DisputeState,
}
