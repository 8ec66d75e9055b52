//! Refunds: requested from the provider until they have succeeded or failed.

use std::time::Duration;

use domain::order::{DISPUTE_RETRY_INTERVAL, PlacedOrder, RefusedRefund, Settled};
use domain::payment::{Refund, RefundState, RefundStep};
use domain::provider_news::{RefundNews, RefundOutcome};
use domain::{Ids, Outcome, RefundId, Refusal, Timestamp};
use settlement::RefundAnswer;
use store::orders::Start;
use store::{Decision, Error};

use crate::Summary;
use crate::following::pause_after_waiting;
use crate::round::{Round, is_stuck};

/// Pause after the first request without an answer; it doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause, and the interval at which a refund that is pending at the provider is looked up.
const MAX_PAUSE: Duration = Duration::from_secs(3600);
/// When a request is made again whose run has died: longer than a run takes, so that no other one makes it meanwhile.
const REQUESTING: Duration = Duration::from_secs(120);

/// What is to be done about a refund that is due.
#[derive(Clone, Debug)]
enum Begun {
    /// Nothing.
    Nothing,
    /// Its provider is asked.
    Asked(Box<Refund>),
    /// It has failed: a person has to make it.
    Failed,
}

impl Round {
    /// Requests a refund if it is still due: the index is eventually consistent, and a webhook or another run may have
    /// changed the refund.
    ///
    /// That it is requested is written first. Otherwise news of a refund at the provider's dashboard, which comes while
    /// the request is under way or after a crash, would take the place of one that the provider makes as well.
    pub(crate) async fn refund(&self, order: Start, id: RefundId, summary: &mut Summary) -> Result<(), Error> {
        let orders = self.settlement.orders();
        let begin = |placed| std::future::ready(self.begin_refund(placed, id));
        let respond = |placed: &PlacedOrder, begun: &Begun| Ok(((placed.clone(), begun.clone()), None));
        let Outcome::Done((placed, begun)) = orders.change(order, begin, respond).await? else { return Ok(()) };
        let refund = match begun {
            Begun::Asked(refund) => refund,
            Begun::Failed => {
                summary.refunds_failed += 1;
                return Ok(());
            }
            Begun::Nothing => return Ok(()),
        };
        let answer = self.settlement.request_refund(&placed, &refund).await?;
        // The answer stays true, whatever is written meanwhile.
        let decide = |mut placed: PlacedOrder| {
            let counted = apply(&mut placed, id, &answer, self.now);
            std::future::ready(counted.map(|count| Decision::Write(placed, count)).map_err(Error::from))
        };
        let respond = |_: &PlacedOrder, count: &Option<Count>| Ok((*count, None));
        if let Outcome::Done(Some(count)) = orders.change(placed, decide, respond).await? {
            count(summary);
        }
        Ok(())
    }

    fn begin_refund(&self, mut placed: PlacedOrder, id: RefundId) -> Result<Decision<PlacedOrder, Begun>, Error> {
        let known = placed.refunds.iter().find(|refund| refund.id == id);
        let Some(refund) = known.filter(|refund| is_due(refund, self.now)).cloned() else {
            return Ok(Decision::Write(placed, Begun::Nothing));
        };
        if refund.state == RefundState::Queued {
            if self.settlement.is_made_by_hand(&placed, &refund)? {
                record_failure(&mut placed, &refund, None, &mut platform::ids(self.now))?;
                return Ok(Decision::Write(placed, Begun::Failed));
            }
            placed.begin_refund_request(id, self.now + REQUESTING)?;
        }
        let refund = placed.refunds.iter().find(|refund| refund.id == id).cloned().unwrap_or(refund);
        Ok(Decision::Write(placed, Begun::Asked(Box::new(refund))))
    }
}

fn is_due(refund: &Refund, now: Timestamp) -> bool {
    refund.due_at.is_some_and(|due| due <= now)
}

/// The pause after this many attempts without an answer, the last one included.
fn pause(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(MAX_PAUSE)
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
    warn_of_manual_refund(placed, refund);
    Ok(())
}

fn warn_of_manual_refund(placed: &PlacedOrder, refund: &Refund) {
    if placed.refunds.iter().any(|known| known.id == refund.id && known.needs_manual_refund()) {
        tracing::error!(
            needs = "money", order.id = %refund.order, refund.id = %refund.id,
            "a refund failed and needs a manual refund by the operator"
        );
    }
}

/// Counts an answer in the summary.
type Count = fn(&mut Summary);

/// Counts a refund that no answer was had for, as stuck when that has gone on for too long.
fn waiting(refund: &Refund, now: Timestamp) -> Count {
    if is_stuck(refund.created_at, now) {
        |summary| {
            summary.refunds_waiting += 1;
            summary.stuck += 1;
        }
    } else {
        |summary| summary.refunds_waiting += 1
    }
}

/// Applies an answer, and returns the count that it belongs to; `None` if the refund has ended and the answer changes
/// nothing.
fn apply(
    placed: &mut PlacedOrder,
    id: RefundId,
    answer: &RefundAnswer,
    now: Timestamp,
) -> Result<Option<Count>, Refusal> {
    let mut ids = platform::ids(now);
    let Some(refund) = placed.refunds.iter().find(|refund| refund.id == id).cloned() else { return Ok(None) };
    let is_open = matches!(refund.state, RefundState::Queued | RefundState::Pending);
    let count: Count = match answer {
        RefundAnswer::Known(refunded) => return apply_news(placed, &refund, refunded, now),
        _ if !is_open => return Ok(None),
        RefundAnswer::Later | RefundAnswer::NotAsked => {
            if *answer == RefundAnswer::Later {
                placed.postpone_refund(id, now + pause(refund.attempts))?;
            } else {
                let pause = pause_after_waiting(refund.created_at, now, MAX_PAUSE);
                placed.refund_was_not_requested(id, now + pause)?;
            }
            waiting(&refund, now)
        }
        RefundAnswer::Disputed => {
            let pause = if placed.is_disputed(refund.payment) { DISPUTE_RETRY_INTERVAL } else { MAX_PAUSE };
            placed.refund_refused_for_now(id, now + pause)?;
            // A dispute takes weeks, and ends.
            |summary| summary.refunds_waiting += 1
        }
        RefundAnswer::Unexplained => {
            placed.refund_refused_for_now(id, now + pause(refund.attempts))?;
            waiting(&refund, now)
        }
        RefundAnswer::Refused { made } => match placed.refund_refused(id, made, &mut ids)? {
            RefusedRefund::Ended => |summary| summary.refunded += 1,
            RefusedRefund::Smaller => {
                placed.postpone_refund(id, now)?;
                |summary| summary.refunds_waiting += 1
            }
            RefusedRefund::Waits => {
                placed.postpone_refund(id, now + MAX_PAUSE)?;
                |summary| summary.refunds_waiting += 1
            }
            RefusedRefund::Failed => {
                warn_of_manual_refund(placed, &refund);
                |summary| summary.refunds_failed += 1
            }
        },
    };
    Ok(Some(count))
}

/// Applies what the provider says of a refund that it has.
fn apply_news(
    placed: &mut PlacedOrder,
    refund: &Refund,
    refunded: &RefundNews,
    now: Timestamp,
) -> Result<Option<Count>, Refusal> {
    let mut ids = platform::ids(now);
    let is_open = matches!(refund.state, RefundState::Queued | RefundState::Pending);
    let reference = Some(refunded.reference.clone()).filter(|reference| !reference.is_empty());
    if let Some(reference) = &reference {
        placed.found_refund(refund.id, reference);
    }
    let count: Count = match &refunded.outcome {
        RefundOutcome::Succeeded => {
            if placed.refund_changed(refund.id, RefundStep::Succeeded, reference, &mut ids)? == Settled::Unchanged {
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
                placed.postpone_refund(refund.id, now + MAX_PAUSE)?;
            } else {
                placed.schedule_refund_retry(refund.id, now + MAX_PAUSE)?;
            }
            |summary| summary.refunds_pending += 1
        }
    };
    Ok(Some(count))
}

#[cfg(test)]
mod tests;
