//! Requesting refunds from providers.

use domain::order::PlacedOrder;
use domain::payment::{Payment, Refund};
use domain::provider_news::RefundNews;
use domain::{Code, Refusal};
use payments::{Failure, PAYMENT_DISPUTED};

use crate::Settlement;

/// How often the provider may refuse a refund because of a dispute that no news reports, until the refund fails.
const MAX_REFUSALS: u32 = 24;

/// The provider's answer to a refund request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundAnswer {
    /// The state of the refund.
    Known(RefundNews),
    /// Refused permanently.
    Refused,
    /// The outcome is unknown: the provider is unavailable, or its answer is unclear.
    Later,
    /// Refused as long as the buyer's bank decides on a dispute.
    Disputed,
}

impl Settlement {
    /// Requests a refund, once however often it is called for the same refund.
    ///
    /// # Errors
    /// The refund is of a payment that the order does not have.
    pub async fn request_refund(&self, placed: &PlacedOrder, refund: &Refund) -> Result<RefundAnswer, Refusal> {
        let payment = placed
            .payments
            .iter()
            .find(|payment| payment.id == refund.payment)
            .ok_or_else(|| Refusal::because(Code::Internal, "a refund of a payment that is not there"))?;
        match self.ask(payment.provider, self.refund_at_provider(refund, payment)).await {
            Ok(refunded) => Ok(RefundAnswer::Known(refunded)),
            // The bank decides, and news of it may come late or never: without any, the number of requests is limited.
            Err(Failure::Refused { code })
                if code == PAYMENT_DISPUTED
                    && (placed.is_disputed(payment.id)
                        || (!placed.was_charged_back(payment.id) && refund.refusals < MAX_REFUSALS)) =>
            {
                tracing::warn!(order.id = %refund.order, refund.id = %refund.id, "a refund waits for the buyer's bank");
                Ok(RefundAnswer::Disputed)
            }
            Err(failure) => {
                // Cash is among the refused: it never went through a provider, so none can send it back.
                let is_refused = matches!(failure, Failure::Refused { .. });
                tracing::warn!(
                    order.id = %refund.order, refund.id = %refund.id, cause = %failure, refund.is_refused = is_refused,
                    "a provider did not make a refund"
                );
                Ok(if is_refused { RefundAnswer::Refused } else { RefundAnswer::Later })
            }
        }
    }

    async fn refund_at_provider(&self, refund: &Refund, payment: &Payment) -> Result<RefundNews, Failure> {
        let reference = match &payment.reference {
            Some(reference) => reference.clone(),
            None => self.providers.look_up(payment).await?.reference,
        };
        self.providers.refund(payment.provider, refund, &reference).await
    }
}
