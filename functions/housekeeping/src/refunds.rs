//! Refunds: asked of the provider until the money is back.

use std::time::Duration;

use domain::order::OrderFile;
use domain::payment::{Payment, Refund, RefundEvent, RefundState};
use domain::{Code, OrderId, RefundId, Refusal, Timestamp};
use payments::{Failure, PAYMENT_DISPUTED, RefundStanding, Refunded};
use store::Error;

use crate::Summary;
use crate::round::Round;

/// How often an order is read again that somebody else changes at the same time.
const TRIES: usize = 8;
/// How long a provider that does not answer is left alone the first time; it doubles with each try.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause, and how long a provider gets that works on a refund.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What a provider says of a refund.
enum Answer {
    /// How it stands.
    Stands(Refunded),
    /// It will never be done this way.
    Refused,
    /// Nobody knows yet.
    Later,
    /// Not while the buyer's bank decides.
    Disputed,
}

impl Round<'_> {
    /// Asks for a refund, if it is due: the list may lag behind, and a webhook or another housekeeping may be faster.
    pub(crate) async fn refund(
        &self,
        order: OrderId,
        id: RefundId,
        mut known: Option<OrderFile>,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        for _ in 0..TRIES {
            let read = match known.take() {
                Some(file) => Some(file),
                None => self.app.orders.file(order).await?,
            };
            let Some(loaded) = read else { return Ok(()) };
            let Some(refund) = loaded.refunds.iter().find(|refund| refund.id == id && is_due(refund, self.now)) else {
                return Ok(());
            };
            let answer = self.ask_for(&loaded, refund).await?;
            let mut changed = loaded.clone();
            let count = apply(&mut changed, refund, answer, self.now)?;
            match self.app.orders.save(&loaded, &changed).await {
                Ok(()) => {
                    *count(summary) += 1;
                    return Ok(());
                }
                // Asking once more is harmless: the provider knows the refund by its id.
                Err(Error::Conflict) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Error::Conflict)
    }

    async fn ask_for(&self, file: &OrderFile, refund: &Refund) -> Result<Answer, Error> {
        let payment = file
            .payments
            .iter()
            .find(|payment| payment.id == refund.payment)
            .ok_or_else(|| Refusal::because(Code::Internal, "a refund of a payment that is not there"))?;
        match self.ask(payment.provider, self.refund_at_provider(refund, payment)).await {
            Ok(refunded) => Ok(Answer::Stands(refunded)),
            // The provider knows of a dispute before the news of it has come here. What the bank decides, that news will tell.
            Err(Failure::Refused { code }) if code == PAYMENT_DISPUTED && !file.was_charged_back(payment.id) => {
                tracing::warn!(order.id = %refund.order, refund.id = %refund.id, "a refund waits for the buyer's bank");
                Ok(Answer::Disputed)
            }
            Err(Failure::Refused { code }) => {
                // Cash is among these: it never went through a provider, so none can send it back.
                tracing::error!(order.id = %refund.order, refund.id = %refund.id, reason = code.as_str(), "a refund is refused: the operator has to give the money back by hand");
                Ok(Answer::Refused)
            }
            Err(failure) => {
                tracing::warn!(order.id = %refund.order, refund.id = %refund.id, cause = %failure, "a refund waits for its provider");
                Ok(Answer::Later)
            }
        }
    }

    async fn refund_at_provider(&self, refund: &Refund, payment: &Payment) -> Result<Refunded, Failure> {
        let providers = &self.app.providers;
        match &payment.reference {
            Some(reference) => providers.refund(payment.provider, refund, reference).await,
            None => {
                let reference = providers.look_up(payment).await?.reference;
                providers.refund(payment.provider, refund, &reference).await
            }
        }
    }
}

fn is_due(refund: &Refund, now: Timestamp) -> bool {
    refund.due_at.is_some_and(|due| due <= now)
}

/// When to ask again after so many tries without an answer.
fn pause(tries: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(tries)).min(LONGEST_PAUSE)
}

/// Applies an answer, and says which count it belongs to.
fn apply(
    file: &mut OrderFile,
    refund: &Refund,
    answer: Answer,
    now: Timestamp,
) -> Result<fn(&mut Summary) -> &mut u32, Refusal> {
    let mint = platform::mint(now);
    match answer {
        Answer::Later => {
            file.refund_waits(refund.id, now + pause(refund.tries))?;
            Ok(|summary| &mut summary.refunds_waiting)
        }
        Answer::Disputed => {
            file.refund_waits_for_bank(refund.id, now + LONGEST_PAUSE)?;
            Ok(|summary| &mut summary.refunds_waiting)
        }
        Answer::Refused => {
            file.refund_changed(refund.id, RefundEvent::Failed, None, &mint)?;
            Ok(|summary| &mut summary.refunds_failed)
        }
        Answer::Stands(refunded) => {
            let reference = Some(refunded.reference).filter(|reference| !reference.is_empty());
            match refunded.standing {
                RefundStanding::Succeeded => {
                    file.refund_changed(refund.id, RefundEvent::Succeeded, reference, &mint)?;
                    Ok(|summary| &mut summary.refunded)
                }
                RefundStanding::Failed { code } => {
                    tracing::error!(order.id = %refund.order, refund.id = %refund.id, reason = code.as_str(), "a refund failed: the operator has to give the money back by hand");
                    file.refund_changed(refund.id, RefundEvent::Failed, reference, &mint)?;
                    Ok(|summary| &mut summary.refunds_failed)
                }
                RefundStanding::Pending => {
                    if refund.state == RefundState::Queued {
                        file.refund_changed(refund.id, RefundEvent::Asked, reference, &mint)?;
                    }
                    file.refund_waits(refund.id, now + LONGEST_PAUSE)?;
                    Ok(|summary| &mut summary.refunds_pending)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
