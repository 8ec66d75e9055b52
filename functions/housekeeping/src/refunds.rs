//! Refunds: requested from the provider until they have succeeded or failed.

use std::time::Duration;

use domain::order::{DISPUTE_RETRY_INTERVAL, PlacedOrder, Settled};
use domain::payment::{Payment, Refund, RefundState, RefundStep};
use domain::{Code, Ids, OrderId, RefundId, Refusal, Timestamp};
use payments::{Failure, PAYMENT_DISPUTED, RefundNews, RefundOutcome};
use store::Error;

use crate::Summary;
use crate::round::Round;

/// Attempts to save an order that is changed concurrently.
const MAX_ATTEMPTS: usize = 8;
/// Pause after the first request without an answer; it doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause, and the interval at which a refund that is pending at the provider is looked up.
const MAX_PAUSE: Duration = Duration::from_secs(3600);
/// How often the provider may refuse a refund because of a dispute that no news reports, until the refund fails.
const MAX_REFUSALS: u32 = 24;

/// The provider's answer to a refund request.
#[derive(Clone, Debug)]
enum Answer {
    /// The state of the refund.
    Known(RefundNews),
    /// Refused permanently.
    Refused,
    /// The outcome is unknown: the provider is unavailable, or its answer is unclear.
    Later,
    /// Refused as long as the buyer's bank decides on a dispute.
    Disputed,
}

impl Round<'_> {
    /// Requests a refund if it is still due: the index is eventually consistent, and a webhook or another run may have
    /// changed the refund.
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
                // The provider's answer stays true, whatever was written since.
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
            // The bank decides, and news of it may come late or never: without any, the number of requests is limited.
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
                tracing::warn!(
                    order.id = %refund.order,
                    refund.id = %refund.id,
                    reason = code.as_str(),
                    "a refund is refused"
                );
                Ok(Answer::Refused)
            }
            Err(failure) => {
                tracing::warn!(
                    order.id = %refund.order,
                    refund.id = %refund.id,
                    cause = %failure,
                    "a refund waits for its provider"
                );
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

/// The pause after this many attempts without an answer.
fn pause(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts)).min(MAX_PAUSE)
}

/// Records that a refund failed. An error, which raises an alarm, is logged only if it needs a manual refund: the
/// buyer's bank may have given the money back already.
fn record_failure(
    placed: &mut PlacedOrder,
    refund: &Refund,
    reference: Option<String>,
    ids: &Ids,
) -> Result<(), Refusal> {
    placed.refund_changed(refund.id, RefundStep::Failed, reference, ids)?;
    if placed.refunds.iter().any(|known| known.id == refund.id && known.needs_manual_refund()) {
        tracing::error!(
            order.id = %refund.order,
            refund.id = %refund.id,
            "a refund failed and needs a manual refund by the operator"
        );
    }
    Ok(())
}

/// Selects the count of the summary that an answer belongs to.
type Count = fn(&mut Summary) -> &mut u32;

/// Applies an answer, and returns the count that it belongs to; `None` if the refund has ended and the answer changes
/// nothing.
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
                        tracing::error!(
                            order.id = %refund.order,
                            refund.id = %refund.id,
                            "a refund succeeded after it had failed here"
                        );
                    }
                    |summary| &mut summary.refunded
                }
                RefundOutcome::Failed { .. } | RefundOutcome::Pending if !is_open => return Ok(None),
                RefundOutcome::Failed { code } => {
                    tracing::warn!(
                        order.id = %refund.order,
                        refund.id = %refund.id,
                        reason = code.as_str(),
                        "a refund failed"
                    );
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
