//! Requesting refunds from providers.

use domain::order::PlacedOrder;
use domain::payment::{Payment, ProviderName, Refund, RefundRules};
use domain::provider_news::RefundNews;
use domain::{Code, Currency, Refusal};
use payments::{Failure, PAYMENT_DISPUTED};

use crate::Settlement;

/// How often the provider may refuse a refund because of a dispute that no news reports, until the refund fails.
const MAX_REFUSALS: u32 = 24;

/// The provider's answer to a refund request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundAnswer {
    /// The state of the refund.
    Known(RefundNews),
    /// Refused permanently, or a person has to make it: its provider makes none, or not of this amount.
    Refused,
    /// The outcome is unknown: the provider is unavailable, or its answer is unclear.
    Later,
    /// Refused as long as the buyer's bank decides on a dispute.
    Disputed,
}

impl Settlement {
    /// What a provider can pay back in a currency; `None` when it refunds nothing. A decision is checked against it
    /// before it is made.
    pub fn refund_rules(&self, provider: ProviderName, currency: Currency) -> Option<RefundRules> {
        self.providers.facts(provider)?.refunds.map(|rules| rules(currency))
    }

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
        if let Some(reason) = self.needs_a_person(refund, payment) {
            tracing::warn!(
                order.id = %refund.order, refund.id = %refund.id, reason, "a refund that its provider does not make"
            );
            return Ok(RefundAnswer::Refused);
        }
        match self.ask(payment.provider, self.refund_at_provider(refund, payment)).await {
            Ok(Some(refunded)) => Ok(RefundAnswer::Known(refunded)),
            Ok(None) => Ok(RefundAnswer::Refused),
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
                let is_refused = matches!(failure, Failure::Refused { .. });
                tracing::warn!(
                    order.id = %refund.order, refund.id = %refund.id, cause = %failure, refund.is_refused = is_refused,
                    "a provider did not make a refund"
                );
                Ok(if is_refused { RefundAnswer::Refused } else { RefundAnswer::Later })
            }
        }
    }

    /// Refuses a refund that no call can make.
    ///
    /// # Errors
    /// `wrong_state`, with what its provider cannot do.
    pub fn check_refundable(&self, placed: &PlacedOrder, refund: &Refund) -> Result<(), Refusal> {
        let payment = placed.payments.iter().find(|payment| payment.id == refund.payment);
        match payment.and_then(|payment| self.needs_a_person(refund, payment)) {
            Some(reason) => Err(Refusal::because(Code::WrongState, reason)),
            None => Ok(()),
        }
    }

    /// Why no call can make a refund: its provider makes none, or not of this amount. One that the provider has already
    /// is not judged again.
    fn needs_a_person(&self, refund: &Refund, payment: &Payment) -> Option<String> {
        if refund.reference.is_some() {
            return None;
        }
        let amount = refund.to_send();
        let Some(rules) = self.refund_rules(payment.provider, amount.currency()) else {
            return Some("the provider refunds nothing".to_owned());
        };
        rules.check(amount, payment.captured.unwrap_or(payment.amount)).err().map(|unpayable| unpayable.to_string())
    }

    /// `None` when there is no way to ask for it.
    async fn refund_at_provider(&self, refund: &Refund, payment: &Payment) -> Result<Option<RefundNews>, Failure> {
        let reference = match &payment.reference {
            Some(reference) => reference.clone(),
            None => match self.providers.look_up(payment).await? {
                Some(found) => found.reference,
                None => return Ok(None),
            },
        };
        self.providers.refund(payment.provider, refund, &reference).await
    }
}
