//! The parts of Stripe's objects that are read here.

use domain::{OrderId, PaymentId};
use serde::Deserialize;

use super::amount::from_stripe;
use crate::{PaymentNews, RefundNews, RefundOutcome};

/// The metadata that we wrote on an object. Others may have written anything there, so the values are only parsed when
/// they are used, and ignored when they are no ids.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) order_id: Option<String>,
    #[serde(default)]
    pub(super) payment_id: Option<String>,
    #[serde(default)]
    pub(super) refund_id: Option<String>,
}

impl Metadata {
    pub(super) fn order(&self) -> Option<OrderId> {
        self.order_id.as_deref()?.parse().ok()
    }

    pub(super) fn payment(&self) -> Option<PaymentId> {
        self.payment_id.as_deref()?.parse().ok()
    }
}

/// <https://docs.stripe.com/api/payment_intents/object>
#[derive(Deserialize)]
pub(super) struct PaymentIntent {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) currency: String,
    #[serde(default)]
    pub(super) amount_received: i64,
    #[serde(default)]
    pub(super) amount_capturable: i64,
    #[serde(default)]
    pub(super) client_secret: Option<String>,
    #[serde(default)]
    pub(super) last_payment_error: Option<PaymentError>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

/// Why the last attempt to pay failed.
#[derive(Deserialize)]
pub(super) struct PaymentError {
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) decline_code: Option<String>,
}

impl PaymentError {
    /// The bank's decline code if there is one, because it is more specific than Stripe's code.
    pub(super) fn most_specific_code(&self) -> String {
        self.decline_code.as_deref().or(self.code.as_deref()).unwrap_or("declined").to_owned()
    }
}

impl PaymentIntent {
    /// The state of the payment. An unknown status is pending, so that it decides nothing.
    pub(super) fn news(&self) -> PaymentNews {
        match self.status.as_str() {
            "succeeded" => PaymentNews::Captured { amount: from_stripe(self.amount_received, &self.currency) },
            "requires_capture" => {
                PaymentNews::Authorized { amount: from_stripe(self.amount_capturable, &self.currency) }
            }
            "processing" => PaymentNews::Processing,
            "canceled" => PaymentNews::Cancelled,
            "requires_payment_method" => match &self.last_payment_error {
                Some(error) => PaymentNews::Failed { code: error.most_specific_code() },
                None => PaymentNews::Pending,
            },
            _ => PaymentNews::Pending,
        }
    }
}

/// <https://docs.stripe.com/api/refunds/object>
#[derive(Deserialize)]
pub(super) struct RefundObject {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) failure_reason: Option<String>,
    #[serde(default)]
    pub(super) payment_intent: Option<String>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

impl RefundObject {
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.status.as_deref(), Some("failed" | "canceled"))
    }

    pub(super) fn news(self) -> RefundNews {
        let outcome = match self.status.as_deref() {
            Some("succeeded") => RefundOutcome::Succeeded,
            Some(status @ ("failed" | "canceled")) => {
                RefundOutcome::Failed { code: self.failure_reason.unwrap_or_else(|| status.to_owned()) }
            }
            _ => RefundOutcome::Pending,
        };
        RefundNews {
            refund_id: self.metadata.refund_id.as_deref().and_then(|id| id.parse().ok()),
            amount: from_stripe(self.amount, &self.currency),
            reference: self.id,
            outcome,
        }
    }
}

/// A page of the refunds of one payment, newest first.
#[derive(Deserialize)]
pub(super) struct RefundPage {
    pub(super) data: Vec<RefundObject>,
    #[serde(default)]
    pub(super) has_more: bool,
}

/// <https://docs.stripe.com/api/disputes/object>
#[derive(Deserialize)]
pub(super) struct DisputeObject {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) payment_intent: Option<String>,
    #[serde(default)]
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) evidence_details: Option<EvidenceDetails>,
}

/// <https://docs.stripe.com/api/disputes/object#dispute_object-evidence_details>
#[derive(Deserialize)]
pub(super) struct EvidenceDetails {
    /// In seconds; zero when the bank allows no answer.
    #[serde(default)]
    pub(super) due_by: Option<i64>,
}
