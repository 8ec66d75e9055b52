//! Unmatched payments on the wire, as the operator sees them.

use domain::payment::ProviderName;
use domain::unmatched::Resolution;
use domain::{EventId, Money, MoneyMovement, OrderId, Timestamp, UnmatchedPayment, UnmatchedState};
use serde::Serialize;
use utoipa::ToSchema;

/// Money that a provider reported and that no order knew. Each payment, refund or dispute is there once, however often
/// it is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnmatchedPaymentView {
    /// Id of the record.
    pub id: EventId,
    /// The provider that reported it.
    pub provider: ProviderName,
    /// Whether money was paid, refunded or disputed.
    pub what: MoneyMovement,
    /// The provider's id of the payment, refund or dispute.
    #[schema(examples("pi_3Qx7Yb2eZvKYlo2C"))]
    pub reference: String,
    /// The amount; absent when it cannot be expressed in minor units of a known currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub amount: Option<Money>,
    /// The order that the provider names, which does not exist here or does not know this money; once it is matched,
    /// its order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub order_id: Option<OrderId>,
    /// When it was reported for the first time.
    pub at: Timestamp,
    /// State of the record.
    pub state: UnmatchedState,
    /// When it is tried to match again; absent when that is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_at: Option<Timestamp>,
    /// When it was matched with its order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub matched_at: Option<Timestamp>,
    /// How the operator resolved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resolution: Option<Resolution>,
}

impl From<&UnmatchedPayment> for UnmatchedPaymentView {
    fn from(money: &UnmatchedPayment) -> Self {
        Self {
            id: money.id,
            provider: money.provider,
            what: money.what,
            reference: money.reference.clone(),
            amount: money.amount,
            order_id: money.order_id,
            at: money.at,
            state: money.state,
            retry_at: money.retry_at,
            matched_at: money.matched_at,
            resolution: money.resolution.clone(),
        }
    }
}
