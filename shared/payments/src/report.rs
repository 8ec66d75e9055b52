//! What a provider says about a payment, in words that are no provider's.

use domain::payment::ProviderName;
use domain::{Money, OrderId, PaymentId, RefundId, Timestamp};

/// Something a provider told us, by webhook or when asked. The settle function takes nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who says it.
    pub provider: ProviderName,
    /// The payment's own name there; for a refund or a dispute, that of the payment it belongs to. Empty only for
    /// [`Kind::Unknown`] events about something else than a payment.
    pub reference: String,
    /// The order, as we wrote it on the payment. Nothing when it is not there or not ours: refunds and disputes may lack it,
    /// and are then found by `reference`.
    pub order_id: Option<OrderId>,
    /// The attempt, likewise.
    pub payment_id: Option<PaymentId>,
    /// The webhook's event: the same again when it is delivered again. Nothing when the provider was asked.
    pub event_id: Option<String>,
    /// When it happened, by the provider's clock. Nothing when the provider was asked: then it is so now.
    pub occurred_at: Option<Timestamp>,
    /// Whether it is real money: false in a provider's test mode.
    pub live: bool,
    /// What is said.
    pub kind: Kind,
}

/// What a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The payment itself.
    Payment(Standing),
    /// One refund of the payment.
    Refund(Refunded),
    /// The buyer's bank wants the money back, or has decided about it.
    Dispute(Dispute),
    /// Anything else: recorded and accepted, so that the provider stops sending it.
    Unknown {
        /// What the provider calls it.
        name: String,
    },
}

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not decided: the buyer has not paid yet, or the provider is still at it. Whatever is unclear is this.
    Pending,
    /// The money is reserved and not yet taken.
    Authorized {
        /// How much; nothing when it is no amount we can express.
        amount: Option<Money>,
    },
    /// The money was taken.
    Captured {
        /// How much; nothing when it is no amount we can express. Not exactly what was asked for: the attempt is `conflicted`.
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

/// A refund and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// The refund's own name at the provider.
    pub reference: String,
    /// Our refund, when it was asked for by us; nothing for one made by hand at the provider.
    pub refund_id: Option<RefundId>,
    /// How much; nothing when it is no amount we can express.
    pub amount: Option<Money>,
    /// How it stands.
    pub standing: RefundStanding,
}

/// How a refund stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundStanding {
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

/// A dispute and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The dispute's own name at the provider.
    pub reference: String,
    /// How much is disputed; nothing when it is no amount we can express.
    pub amount: Option<Money>,
    /// What the buyer's bank says is wrong.
    pub reason: String,
    /// How it stands.
    pub stage: DisputeStage,
}

/// How a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeStage {
    /// The money is held back.
    Opened,
    /// It came back to us.
    Won,
    /// It went to the buyer.
    Lost,
}
