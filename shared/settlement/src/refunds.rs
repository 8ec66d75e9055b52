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
    /// Refused permanently, with all refunds that the provider has made of the payment; or its provider makes none.
    Refused { made: Vec<RefundNews> },
    /// Refused permanently, and the refunds that the provider has made of the payment could not be read.
    Unexplained,
    /// The provider could not be asked: certainly nothing was done.
    NotAsked,
    /// The outcome is unknown: the provider's answer is unclear, or lost.
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

    /// Whether a person has to make a queued refund: its provider makes none, or not of this amount.
    ///
    /// # Errors
    /// The refund is of a payment that the order does not have.
    pub fn is_made_by_hand(&self, placed: &PlacedOrder, refund: &Refund) -> Result<bool, Refusal> {
        let reason = self.needs_a_person(refund, refunded_payment(placed, refund)?);
        if let Some(reason) = &reason {
            tracing::warn!(
                order.id = %refund.order, refund.id = %refund.id, reason, "a refund that its provider does not make"
            );
        }
        Ok(reason.is_some())
    }

    /// Requests a refund, once however often it is called for the same refund.
    ///
    /// # Errors
    /// The refund is of a payment that the order does not have.
    pub async fn request_refund(&self, placed: &PlacedOrder, refund: &Refund) -> Result<RefundAnswer, Refusal> {
        let payment = refunded_payment(placed, refund)?;
        let reference = match self.reference_to_refund(payment).await {
            Ok(Some(reference)) => reference,
            // There is no way to ask for it.
            Ok(None) | Err(Failure::Refused { .. }) => return Ok(RefundAnswer::Refused { made: Vec::new() }),
            Err(failure) => {
                tracing::warn!(
                    order.id = %refund.order, refund.id = %refund.id, cause = %failure,
                    "a payment that is to be refunded could not be looked up"
                );
                return Ok(RefundAnswer::NotAsked);
            }
        };
        let code = match self.ask(payment.provider, self.providers.refund(payment.provider, refund, &reference)).await {
            Ok(Some(refunded)) => return Ok(RefundAnswer::Known(refunded)),
            Ok(None) => return Ok(RefundAnswer::Refused { made: Vec::new() }),
            // The bank decides, and news of it may come late or never: without any, the number of requests is limited.
            Err(Failure::Refused { code })
                if code == PAYMENT_DISPUTED
                    && (placed.is_disputed(payment.id)
                        || (!placed.was_charged_back(payment.id) && refund.refusals < MAX_REFUSALS)) =>
            {
                tracing::warn!(order.id = %refund.order, refund.id = %refund.id, "a refund waits for the buyer's bank");
                return Ok(RefundAnswer::Disputed);
            }
            Err(Failure::Refused { code }) => code,
            Err(failure) => {
                tracing::warn!(
                    order.id = %refund.order, refund.id = %refund.id, cause = %failure, "a provider did not make a refund"
                );
                let was_not_asked = matches!(failure, Failure::Unavailable(_) | Failure::NoKey(_));
                return Ok(if was_not_asked { RefundAnswer::NotAsked } else { RefundAnswer::Later });
            }
        };
        tracing::warn!(
            order.id = %refund.order, refund.id = %refund.id, reason = code.as_str(), "a provider refused a refund"
        );
        // Somebody may have given the money back at its dashboard: nobody is asked to pay before that is known.
        Ok(match self.ask(payment.provider, self.providers.refunds_made(payment.provider, &reference)).await {
            Ok(made) => RefundAnswer::Refused { made },
            // Asking again would be refused again: what is known has to do.
            Err(Failure::Refused { .. }) => RefundAnswer::Refused { made: Vec::new() },
            Err(failure) => {
                tracing::warn!(
                    order.id = %refund.order, refund.id = %refund.id, cause = %failure,
                    "the refunds of a payment could not be listed"
                );
                RefundAnswer::Unexplained
            }
        })
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
        if refund.reference.is_some() || refund.may_be_made() {
            return None;
        }
        let amount = refund.to_send();
        let Some(rules) = self.refund_rules(payment.provider, amount.currency()) else {
            return Some("the provider refunds nothing".to_owned());
        };
        rules.check(amount, payment.captured.unwrap_or(payment.amount)).err().map(|unpayable| unpayable.to_string())
    }

    /// The provider's reference of a payment; `None` when there is no way to find it.
    async fn reference_to_refund(&self, payment: &Payment) -> Result<Option<String>, Failure> {
        match &payment.reference {
            Some(reference) => Ok(Some(reference.clone())),
            None => {
                let found = self.ask(payment.provider, self.providers.look_up(payment)).await?;
                Ok(found.map(|found| found.reference))
            }
        }
    }
}

fn refunded_payment<'a>(placed: &'a PlacedOrder, refund: &Refund) -> Result<&'a Payment, Refusal> {
    let payment = placed.payments.iter().find(|payment| payment.id == refund.payment);
    payment.ok_or_else(|| Refusal::because(Code::Internal, "a refund of a payment that is not there"))
}
