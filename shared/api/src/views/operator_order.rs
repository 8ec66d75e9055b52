//! Orders on the wire as the operator sees them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use domain::dispute::{Dispute, DisputeState};
use domain::order::PlacedOrder;
use domain::payment::{Payment, PaymentState, ProviderName};
use domain::{DisputeId, Money, OrderId, PaymentId, Timestamp};

use super::OrderView;

/// A payment attempt, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperatorPaymentView {
    /// Id of the payment attempt.
    pub id: PaymentId,
    /// Id of the order.
    pub order_id: OrderId,
    /// The payment provider.
    pub provider: ProviderName,
    /// State of the payment attempt.
    pub state: PaymentState,
    /// The amount that is asked for.
    pub amount: Money,
    /// The captured amount; absent when none was captured, zero when it cannot be expressed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub captured: Option<Money>,
    /// The provider's id of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("pi_3Qx7Yb2eZvKYlo2C"))]
    pub reference: Option<String>,
    /// Why it failed: the provider's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("insufficient_funds"))]
    pub failure: Option<String>,
    /// When the attempt was made.
    pub created_at: Timestamp,
}

impl From<&Payment> for OperatorPaymentView {
    fn from(payment: &Payment) -> Self {
        Self {
            id: payment.id,
            order_id: payment.order,
            provider: payment.provider,
            state: payment.state,
            amount: payment.amount,
            captured: payment.captured,
            reference: payment.reference.clone(),
            failure: payment.failure.clone(),
            created_at: payment.created_at,
        }
    }
}

/// A dispute, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DisputeView {
    /// Id of the dispute.
    pub id: DisputeId,
    /// Id of the disputed payment attempt.
    pub payment_id: PaymentId,
    /// The provider's id of the dispute.
    #[schema(examples("du_1Qx7Yb2eZvKYlo2C"))]
    pub reference: String,
    /// The disputed amount; absent when it cannot be expressed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub amount: Option<Money>,
    /// State of the dispute.
    pub state: DisputeState,
    /// The reason that the buyer's bank gives, as the provider spells it.
    #[schema(examples("fraudulent"))]
    pub reason: String,
    /// Until when it may be answered at the provider; absent when the provider names no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub evidence_due_at: Option<Timestamp>,
    /// When it was opened; absent while only the news of its decision has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub opened_at: Option<Timestamp>,
    /// When it was decided; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed_at: Option<Timestamp>,
}

impl From<&Dispute> for DisputeView {
    fn from(dispute: &Dispute) -> Self {
        Self {
            id: dispute.id,
            payment_id: dispute.payment,
            reference: dispute.reference.clone(),
            amount: dispute.amount,
            state: dispute.state,
            reason: dispute.reason.clone(),
            evidence_due_at: dispute.evidence_due_at,
            opened_at: dispute.opened_at,
            closed_at: dispute.closed_at,
        }
    }
}

/// An order with what only the operator sees: every payment attempt, disputes, and the provider's ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperatorOrderView {
    /// The order, as its buyer sees it.
    #[serde(flatten)]
    pub order: OrderView,
    /// The version of the public offer that the buyer has accepted; null when none was in force.
    #[schema(required = true)]
    pub accepted_terms: Option<u32>,
    /// Every payment attempt, oldest first.
    pub payments: Vec<OperatorPaymentView>,
    /// Disputes about the order's payments.
    pub disputes: Vec<DisputeView>,
}

impl OperatorOrderView {
    /// The order, whose address is suppressed or not.
    pub fn new(placed: &PlacedOrder, suppressed: bool) -> Self {
        let mut order = OrderView::new(placed, suppressed);
        // How to pay is shown to the buyer only: it may have a secret of the provider's.
        if let Some(payment) = &mut order.payment {
            payment.action = None;
        }
        for (shown, refund) in order.refunds.iter_mut().zip(&placed.refunds) {
            shown.reference.clone_from(&refund.reference);
            shown.resolution.clone_from(&refund.resolution);
        }
        Self {
            order,
            accepted_terms: placed.terms.accepted_terms,
            payments: placed.payments.iter().map(OperatorPaymentView::from).collect(),
            disputes: placed.disputes.iter().map(DisputeView::from).collect(),
        }
    }
}
