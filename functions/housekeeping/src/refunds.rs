//! Refunds: asked of the provider until the money is back.

use std::time::Duration;

use domain::order::{BANK_PAUSE, OrderFile, Settled};
use domain::payment::{Payment, Refund, RefundEvent, RefundState};
use domain::{Code, Mint, OrderId, RefundId, Refusal, Timestamp};
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
/// How often the provider may speak of a dispute of which no news comes, until the operator hears of it.
const MOST_REFUSALS: u32 = 24;

/// What a provider says of a refund.
#[derive(Clone, Debug)]
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
        let mut told = None;
        for _ in 0..TRIES {
            let read = match known.take() {
                Some(file) => Some(file),
                None => self.app.orders.file(order).await?,
            };
            let Some(loaded) = read else { return Ok(()) };
            let Some(refund) = loaded.refunds.iter().find(|refund| refund.id == id) else { return Ok(()) };
            let answer = match told.take() {
                // What the provider has done it has done, whoever has written since.
                Some(stands @ Answer::Stands(_)) => stands,
                _ if !is_due(refund, self.now) => return Ok(()),
                _ => self.ask_for(&loaded, refund).await?,
            };
            told = Some(answer.clone());
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

    async fn ask_for(&self, file: &OrderFile, refund: &Refund) -> Result<Answer, Error> {
        let payment = file
            .payments
            .iter()
            .find(|payment| payment.id == refund.payment)
            .ok_or_else(|| Refusal::because(Code::Internal, "a refund of a payment that is not there"))?;
        match self.ask(payment.provider, self.refund_at_provider(refund, payment)).await {
            Ok(refunded) => Ok(Answer::Stands(refunded)),
            // The bank decides, and the news of it comes later or never. Without any it does not wait for ever.
            Err(Failure::Refused { code })
                if code == PAYMENT_DISPUTED
                    && (file.is_disputed(payment.id)
                        || (!file.was_charged_back(payment.id) && refund.refusals < MOST_REFUSALS)) =>
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

/// Writes down that a refund failed. Whoever is woken by it has something to do: the bank may have given the money already.
fn failed(file: &mut OrderFile, refund: &Refund, reference: Option<String>, mint: &Mint) -> Result<(), Refusal> {
    file.refund_changed(refund.id, RefundEvent::Failed, reference, mint)?;
    if file.refunds.iter().any(|known| known.id == refund.id && known.needs_a_hand()) {
        tracing::error!(order.id = %refund.order, refund.id = %refund.id, "the operator has to give a refund back by hand");
    }
    Ok(())
}

/// How an answer is counted.
type Count = fn(&mut Summary) -> &mut u32;

/// Applies an answer, and says which count it belongs to; nothing when the refund is over and the answer is no news.
fn apply(file: &mut OrderFile, refund: &Refund, answer: Answer, now: Timestamp) -> Result<Option<Count>, Refusal> {
    let mint = platform::mint(now);
    let waits = matches!(refund.state, RefundState::Queued | RefundState::Pending);
    let count: Count = match answer {
        Answer::Later => {
            file.refund_waits(refund.id, now + pause(refund.tries))?;
            |summary| &mut summary.refunds_waiting
        }
        Answer::Disputed => {
            let pause = if file.is_disputed(refund.payment) { BANK_PAUSE } else { LONGEST_PAUSE };
            file.refund_waits_for_bank(refund.id, now + pause)?;
            |summary| &mut summary.refunds_waiting
        }
        Answer::Refused => {
            failed(file, refund, None, &mint)?;
            |summary| &mut summary.refunds_failed
        }
        Answer::Stands(refunded) => {
            let reference = Some(refunded.reference).filter(|reference| !reference.is_empty());
            match refunded.standing {
                RefundStanding::Succeeded => {
                    if file.refund_changed(refund.id, RefundEvent::Succeeded, reference, &mint)? == Settled::Unchanged {
                        return Ok(None);
                    }
                    if !waits {
                        tracing::error!(order.id = %refund.order, refund.id = %refund.id, "a refund that had ended here was made all the same");
                    }
                    |summary| &mut summary.refunded
                }
                RefundStanding::Failed { .. } | RefundStanding::Pending if !waits => return Ok(None),
                RefundStanding::Failed { code } => {
                    tracing::warn!(order.id = %refund.order, refund.id = %refund.id, reason = code.as_str(), "a refund failed");
                    failed(file, refund, reference, &mint)?;
                    |summary| &mut summary.refunds_failed
                }
                RefundStanding::Pending => {
                    if refund.state == RefundState::Queued {
                        file.refund_changed(refund.id, RefundEvent::Asked, reference, &mint)?;
                    }
                    file.refund_waits(refund.id, now + LONGEST_PAUSE)?;
                    |summary| &mut summary.refunds_pending
                }
            }
        }
    };
    Ok(Some(count))
}

#[cfg(test)]
mod tests;
