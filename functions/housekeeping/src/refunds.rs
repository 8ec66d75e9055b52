//! Refunds: asked of the provider until the money is back.

use std::time::Duration;

use domain::order::{DISPUTE_RETRY_INTERVAL, PlacedOrder, Settled};
use domain::payment::{Payment, Refund, RefundState, RefundStep};
use domain::{Code, Ids, OrderId, RefundId, Refusal, Timestamp};
use payments::{Failure, PAYMENT_DISPUTED, RefundNews, RefundOutcome};
use store::Error;

use crate::Summary;
use crate::round::Round;

/// How often an order is read again that somebody else changes at the same time.
const MAX_ATTEMPTS: usize = 8;
/// How long a provider that does not answer is left alone the first time; it doubles with each try.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause, and how long a provider gets that works on a refund.
const MAX_PAUSE: Duration = Duration::from_secs(3600);
/// How often the provider may speak of a dispute of which no news comes, until the operator hears of it.
const MAX_REFUSALS: u32 = 24;

/// What a provider says of a refund.
#[derive(Clone, Debug)]
enum Answer {
    /// How it stands.
    Known(RefundNews),
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
        mut known: Option<PlacedOrder>,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        let mut last_answer = None;
        for _ in 0..MAX_ATTEMPTS {
            let read = match known.take() {
                Some(placed) => Some(placed),
                None => self.app.orders.load(order).await?,
            };
            let Some(loaded) = read else { return Ok(()) };
            let Some(refund) = loaded.refunds.iter().find(|refund| refund.id == id) else { return Ok(()) };
            let answer = match last_answer.take() {
                // What the provider has done it has done, whoever has written since.
                Some(known_answer @ Answer::Known(_)) => known_answer,
                _ if !is_due(refund, self.now) => return Ok(()),
                _ => self.request_refund(&loaded, refund).await?,
            };
            last_answer = Some(answer.clone());
            let mut changed = loaded.clone();
            let Some(count) = apply(&mut changed, refund, answer, self.now)? else { return Ok(()) };
            match self.app.orders.save(&loaded, &changed).await {
                Ok(()) => {
                    *count(summary) += 1;
                    return Ok(());
                }
                Err(Error::Conflict) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Error::Conflict)
    }

    async fn request_refund(&self, placed: &PlacedOrder, refund: &Refund) -> Result<Answer, Error> {
        let payment = placed
            .payments
            .iter()
            .find(|payment| payment.id == refund.payment)
            .ok_or_else(|| Refusal::because(Code::Internal, "a refund of a payment that is not there"))?;
        match self.call_provider(payment.provider, self.refund_at_provider(refund, payment)).await {
            Ok(refunded) => Ok(Answer::Known(refunded)),
            // The bank decides, and the news of it comes later or never. Without any it does not wait for ever.
            Err(Failure::Refused { code })
                if code == PAYMENT_DISPUTED
                    && (placed.is_disputed(payment.id)
                        || (!placed.was_charged_back(payment.id) && refund.refusals < MAX_REFUSALS)) =>
            {
                tracing::warn!(order.id = %refund.order, refund.id = %refund.id, "a refund waits for the buyer's bank");
                Ok(Answer::Disputed)
            }
            Err(Failure::Refused { code }) => {
                // Cash is among these: it never went through a provider, so none can send it back.
                tracing::warn!(order.id = %refund.order, refund.id = %refund.id, reason = code.as_str(), "a refund is refused");
                Ok(Answer::Refused)
            }
            Err(failure) => {
                tracing::warn!(order.id = %refund.order, refund.id = %refund.id, cause = %failure, "a refund waits for its provider");
                Ok(Answer::Later)
            }
        }
    }

    async fn refund_at_provider(&self, refund: &Refund, payment: &Payment) -> Result<RefundNews, Failure> {
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

/// When to ask again after so many attempts without an answer.
fn pause(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts)).min(MAX_PAUSE)
}

/// Writes down that a refund failed. Whoever is woken by it has something to do: the bank may have given the money already.
fn record_failure(
    placed: &mut PlacedOrder,
    refund: &Refund,
    reference: Option<String>,
    ids: &Ids,
) -> Result<(), Refusal> {
    placed.refund_changed(refund.id, RefundStep::Failed, reference, ids)?;
    if placed.refunds.iter().any(|known| known.id == refund.id && known.needs_manual_refund()) {
        tracing::error!(order.id = %refund.order, refund.id = %refund.id, "a refund needs to be made manually by the operator");
    }
    Ok(())
}

/// How an answer is counted.
type Count = fn(&mut Summary) -> &mut u32;

/// Applies an answer, and says which count it belongs to; nothing when the refund is over and the answer is no news.
fn apply(placed: &mut PlacedOrder, refund: &Refund, answer: Answer, now: Timestamp) -> Result<Option<Count>, Refusal> {
    let ids = platform::ids(now);
    let is_open = matches!(refund.state, RefundState::Queued | RefundState::Pending);
    let count: Count = match answer {
        Answer::Later => {
            placed.schedule_refund_retry(refund.id, now + pause(refund.attempts))?;
            |summary| &mut summary.refunds_waiting
        }
        Answer::Disputed => {
            let pause = if placed.is_disputed(refund.payment) { DISPUTE_RETRY_INTERVAL } else { MAX_PAUSE };
            placed.schedule_refund_retry_while_disputed(refund.id, now + pause)?;
            |summary| &mut summary.refunds_waiting
        }
        Answer::Refused => {
            record_failure(placed, refund, None, &ids)?;
            |summary| &mut summary.refunds_failed
        }
        Answer::Known(refunded) => {
            let reference = Some(refunded.reference).filter(|reference| !reference.is_empty());
            match refunded.outcome {
                RefundOutcome::Succeeded => {
                    if placed.refund_changed(refund.id, RefundStep::Succeeded, reference, &ids)? == Settled::Unchanged {
                        return Ok(None);
                    }
                    if !is_open {
                        tracing::error!(order.id = %refund.order, refund.id = %refund.id, "a refund that had ended here was made all the same");
                    }
                    |summary| &mut summary.refunded
                }
                RefundOutcome::Failed { .. } | RefundOutcome::Pending if !is_open => return Ok(None),
                RefundOutcome::Failed { code } => {
                    tracing::warn!(order.id = %refund.order, refund.id = %refund.id, reason = code.as_str(), "a refund failed");
                    record_failure(placed, refund, reference, &ids)?;
                    |summary| &mut summary.refunds_failed
                }
                RefundOutcome::Pending => {
                    if refund.state == RefundState::Queued {
                        placed.refund_changed(refund.id, RefundStep::Submitted, reference, &ids)?;
                    }
                    placed.schedule_refund_retry(refund.id, now + MAX_PAUSE)?;
                    |summary| &mut summary.refunds_pending
                }
            }
        }
    };
    Ok(Some(count))
}

#[cfg(test)]
mod tests;
