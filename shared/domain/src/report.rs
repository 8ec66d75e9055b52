//! Reports: news of money that no order knew, stored so that it can be applied once its order is known.

use serde::{Deserialize, Serialize};

use crate::dispute::DisputeState;
use crate::payment::ProviderName;
use crate::provider_news::{DisputeNews, NewsKind, PaymentNews, ProviderNews, RefundNews, RefundOutcome};
use crate::{Money, OrderId, PaymentId, RefundId, Timestamp};

/// What a provider reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reported {
    Captured,
    RefundPending,
    RefundSucceeded,
    RefundFailed,
    DisputeOpened,
    DisputeWon,
    DisputeLost,
    /// Something that only a newer release knows, which alone can apply it.
    #[serde(rename(serialize = "other", deserialize = "\u{0}other"))]
    Other,
}

/// News of a payment, refund or dispute that no order knew, with all that it takes to apply it later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub what: Reported,
    /// The provider's id of the payment.
    pub payment: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<RefundId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Why a refund failed, or a bank disputes: in the provider's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Until when a dispute may be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_due_at: Option<Timestamp>,
    /// The webhook event's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// When it happened, by the provider's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
}

impl Report {
    /// The report of a captured payment, a refund or a dispute; nothing for other news: a payment that brought no money
    /// is none to look after.
    pub fn of(news: &ProviderNews) -> Option<Self> {
        let (what, refund_id, amount, reason) = match &news.kind {
            NewsKind::Payment(PaymentNews::Captured { amount }) => (Reported::Captured, None, *amount, ""),
            NewsKind::Refund(refund) => {
                let (what, reason) = match &refund.outcome {
                    RefundOutcome::Pending => (Reported::RefundPending, ""),
                    RefundOutcome::Succeeded => (Reported::RefundSucceeded, ""),
                    RefundOutcome::Failed { code } => (Reported::RefundFailed, code.as_str()),
                };
                (what, refund.refund_id, refund.amount, reason)
            }
            NewsKind::Dispute(dispute) => {
                let what = match dispute.state {
                    DisputeState::Opened => Reported::DisputeOpened,
                    DisputeState::Won => Reported::DisputeWon,
                    DisputeState::Lost => Reported::DisputeLost,
                    DisputeState::Other => return None,
                };
                (what, None, dispute.amount, dispute.reason.as_str())
            }
            NewsKind::Payment(_) | NewsKind::Unknown { .. } => return None,
        };
        let evidence_due_at = match &news.kind {
            NewsKind::Dispute(dispute) => dispute.evidence_due_at,
            _ => None,
        };
        Some(Self {
            what,
            payment: news.reference.clone(),
            order_id: news.order_id,
            payment_id: news.payment_id,
            refund_id,
            amount,
            reason: reason.to_owned(),
            evidence_due_at,
            event_id: news.event_id.clone(),
            occurred_at: news.occurred_at,
        })
    }

    /// The news that was reported. `reference` is the provider's id of the payment, refund or dispute. Nothing for a
    /// report that only a newer release knows.
    pub fn news(&self, provider: ProviderName, reference: &str) -> Option<ProviderNews> {
        let refund = |outcome| {
            let (refund_id, amount) = (self.refund_id, self.amount);
            NewsKind::Refund(RefundNews { reference: reference.to_owned(), refund_id, amount, outcome })
        };
        let dispute = |state| {
            let (amount, reason) = (self.amount, self.reason.clone());
            let (reference, evidence_due_at) = (reference.to_owned(), self.evidence_due_at);
            NewsKind::Dispute(DisputeNews { reference, amount, reason, state, evidence_due_at })
        };
        let kind = match self.what {
            Reported::Captured => NewsKind::Payment(PaymentNews::Captured { amount: self.amount }),
            Reported::RefundPending => refund(RefundOutcome::Pending),
            Reported::RefundSucceeded => refund(RefundOutcome::Succeeded),
            Reported::RefundFailed => refund(RefundOutcome::Failed { code: self.reason.clone() }),
            Reported::DisputeOpened => dispute(DisputeState::Opened),
            Reported::DisputeWon => dispute(DisputeState::Won),
            Reported::DisputeLost => dispute(DisputeState::Lost),
            Reported::Other => return None,
        };
        Some(ProviderNews {
            provider,
            reference: self.payment.clone(),
            page: None,
            order_id: self.order_id,
            payment_id: self.payment_id,
            event_id: self.event_id.clone(),
            occurred_at: self.occurred_at,
            kind,
        })
    }
}
