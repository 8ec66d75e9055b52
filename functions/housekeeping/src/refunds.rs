//! Refunds: requested from the provider until they have succeeded or failed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::order::{DISPUTE_RETRY_INTERVAL, PlacedOrder, Settled};
use domain::payment::{Refund, RefundState, RefundStep};
use domain::provider_news::RefundOutcome;
use domain::{Ids, Outcome, RefundId, Refusal, Timestamp};
use settlement::RefundAnswer;
use store::orders::Start;
use store::{Decision, Error};

use crate::Summary;
use crate::round::{Round, is_stuck};

/// Pause after the first request without an answer; it doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause, and the interval at which a refund that is pending at the provider is looked up.
const MAX_PAUSE: Duration = Duration::from_secs(3600);

impl Round {
    /// Requests a refund if it is still due: the index is eventually consistent, and a webhook or another run may have
    /// changed the refund.
    pub(crate) async fn refund(&self, order: Start, id: RefundId, summary: &mut Summary) -> Result<(), Error> {
        let known = Mutex::new(None);
        let decide = |placed| self.decide_refund(placed, id, &known);
        let respond = |_: &PlacedOrder, count: &Option<Count>| Ok((*count, None));
        if let Outcome::Done(Some(count)) = self.settlement.orders().change(order, decide, respond).await? {
            count(summary);
        }
        Ok(())
    }

    /// The order with the provider's answer. `known` keeps the answer: it stays true, whatever is written meanwhile.
    async fn decide_refund(
        &self,
        mut placed: PlacedOrder,
        id: RefundId,
        known: &Mutex<Option<RefundAnswer>>,
    ) -> Result<Decision<PlacedOrder, Option<Count>>, Error> {
        let Some(refund) = placed.refunds.iter().find(|refund| refund.id == id).cloned() else {
            return Ok(Decision::Write(placed, None));
        };
        let known = || known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known().take();
        let answer = match before {
            Some(answer @ RefundAnswer::Known(_)) => answer,
            _ if !is_due(&refund, self.now) => return Ok(Decision::Write(placed, None)),
            _ => self.settlement.request_refund(&placed, &refund).await?,
        };
        *known() = Some(answer.clone());
        let count = apply(&mut placed, &refund, answer, self.now)?;
        Ok(Decision::Write(placed, count))
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
    ids: &mut Ids,
) -> Result<(), Refusal> {
    placed.refund_changed(refund.id, RefundStep::Failed, reference, ids)?;
    if placed.refunds.iter().any(|known| known.id == refund.id && known.needs_manual_refund()) {
        tracing::error!(
            needs = "money", order.id = %refund.order, refund.id = %refund.id,
            "a refund failed and needs a manual refund by the operator"
        );
    }
    Ok(())
}

/// Counts an answer in the summary.
type Count = fn(&mut Summary);

/// Applies an answer, and returns the count that it belongs to; `None` if the refund has ended and the answer changes
/// nothing.
fn apply(
    placed: &mut PlacedOrder,
    refund: &Refund,
    answer: RefundAnswer,
    now: Timestamp,
) -> Result<Option<Count>, Refusal> {
    let mut ids = platform::ids(now);
    let is_open = matches!(refund.state, RefundState::Queued | RefundState::Pending);
    let count: Count = match answer {
        RefundAnswer::Later => {
            placed.schedule_refund_retry(refund.id, now + pause(refund.attempts))?;
            if is_stuck(refund.created_at, now) {
                |summary| {
                    summary.refunds_waiting += 1;
                    summary.stuck += 1;
                }
            } else {
                |summary| summary.refunds_waiting += 1
            }
        }
        RefundAnswer::Disputed => {
            let pause = if placed.is_disputed(refund.payment) { DISPUTE_RETRY_INTERVAL } else { MAX_PAUSE };
            placed.schedule_refund_retry_while_disputed(refund.id, now + pause)?;
            // A dispute takes weeks, and ends.
            |summary| summary.refunds_waiting += 1
        }
        RefundAnswer::Refused => {
            record_failure(placed, refund, None, &mut ids)?;
            |summary| summary.refunds_failed += 1
        }
        RefundAnswer::Known(refunded) => {
            let reference = Some(refunded.reference).filter(|reference| !reference.is_empty());
            if let Some(reference) = &reference {
                placed.found_refund(refund.id, reference);
            }
            match refunded.outcome {
                RefundOutcome::Succeeded => {
                    if placed.refund_changed(refund.id, RefundStep::Succeeded, reference, &mut ids)?
                        == Settled::Unchanged
                    {
                        return Ok(None);
                    }
                    if !is_open {
                        tracing::error!(
                            needs = "money", order.id = %refund.order, refund.id = %refund.id,
                            "a refund succeeded after it had failed here"
                        );
                    }
                    |summary| summary.refunded += 1
                }
                RefundOutcome::Failed { .. } | RefundOutcome::Pending if !is_open => return Ok(None),
                RefundOutcome::Failed { code } => {
                    tracing::warn!(
                        order.id = %refund.order, refund.id = %refund.id, reason = code.as_str(), "a refund failed"
                    );
                    record_failure(placed, refund, reference, &mut ids)?;
                    |summary| summary.refunds_failed += 1
                }
                RefundOutcome::Pending => {
                    if refund.state == RefundState::Queued {
                        placed.refund_changed(refund.id, RefundStep::Submitted, reference, &mut ids)?;
                    }
                    placed.schedule_refund_retry(refund.id, now + MAX_PAUSE)?;
                    |summary| summary.refunds_pending += 1
                }
            }
        }
    };
    Ok(Some(count))
}

#[cfg(test)]
mod tests;
