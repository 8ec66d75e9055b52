//! Opening the payment of a placed order, and answering: for a first call, and for one that continues after a crash.

use api::token::order_token;
use api::views::OrderView;
use api::{Answer, Problem};
use domain::order::PlacedOrder;
use domain::payment::{Action, Payment, PaymentState, PaymentStep};
use domain::{Code, Refusal, Timestamp};
use payments::{Failure, PaymentNews};
use platform::Rotating;
use store::Error;
use store::orders::KeyUse;

use crate::App;

/// A call whose idempotency key was used before.
pub(crate) struct Replay<'a> {
    pub(crate) known: KeyUse,
    pub(crate) hash: &'a str,
    pub(crate) digest: &'a str,
}

/// Attempts to save a payment that a webhook changes concurrently.
const MAX_ATTEMPTS: usize = 8;

impl App {
    /// Replays the stored response. If there is none and the first call does not run any more, takes over and finishes
    /// its work.
    pub(crate) async fn replay(
        &self,
        replay: Replay<'_>,
        secret: &Rotating,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let Replay { known, hash, digest } = replay;
        if !known.has_fingerprint(digest) {
            return Err(Refusal::of(Code::IdempotencyKeyReused).into());
        }
        if let Some(answer) = &known.answer {
            return Answer::from_record(&answer.body);
        }
        if known.running_until > now || !self.orders.take_over(hash, &known, now).await? {
            return Err(Problem::from(Refusal::of(Code::IdempotencyInProgress)).with_retry_after(2));
        }
        let order = self.orders.load(known.order).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        self.open_payment_and_answer(order, hash, secret, now).await
    }

    /// Opens the order's current payment attempt, unless it is open already, and answers with the order.
    pub(crate) async fn open_payment_and_answer(
        &self,
        mut order: PlacedOrder,
        hash: &str,
        secret: &Rotating,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let mut known: Option<Payment> = None;
        for _ in 0..MAX_ATTEMPTS {
            // The attempt that was opened, even if another one is the current attempt by now.
            let attempt = known.as_ref().map_or(order.order.payment, |opened| opened.id);
            let Some(loaded) = order.payments.iter().find(|payment| payment.id == attempt).cloned() else {
                return Err(Problem::internal("an order without its payment"));
            };
            let opened = match &known {
                // Merge the provider's answer into what a webhook has written since.
                Some(opened) => merged(&loaded, opened),
                None => self.open(&loaded).await,
            };
            if let Some(payment) = order.payments.iter_mut().find(|payment| payment.id == loaded.id) {
                *payment = opened.clone();
            }
            let answer = answer_of(&order, secret)?;
            let record = store::orders::Answer { status: 201, body: answer.to_record()? };
            match self.orders.save_opened_payment(&loaded, &opened, Some((hash, &record))).await {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => {
                    order = self.orders.load(order.order.id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
                    known = Some(opened);
                }
                Err(error) => {
                    // The order is placed and the provider has its payment. A repeat takes over and finds the same
                    // payment.
                    tracing::error!(
                        order.id = %order.order.id,
                        cause = %error,
                        at_ms = now.millis(),
                        "the answer to a checkout could not be stored"
                    );
                    return Ok(answer);
                }
            }
        }
        Err(Error::Conflict.into())
    }

    /// Opens a payment attempt at the provider, unless that is done. If the provider is down or its answer is lost, the
    /// attempt stays in its state with the action `retry`: opening the same attempt again finds the same payment at the
    /// provider.
    async fn open(&self, payment: &Payment) -> Payment {
        if payment.state != PaymentState::Created {
            return payment.clone();
        }
        let mut opened = payment.clone();
        match self.providers.open(payment).await {
            Ok(answer) => {
                opened.reference = Some(answer.reference);
                opened.action = Some(answer.action);
                // Any other state arrives as provider news and is applied by settlement.
                let event =
                    if answer.news == PaymentNews::Cancelled { PaymentStep::Cancelled } else { PaymentStep::Pending };
                opened.state = opened.state.after(event).unwrap_or(opened.state);
            }
            Err(Failure::Refused { code }) => {
                tracing::warn!(
                    payment.id = %payment.id,
                    payment.provider = payment.provider.as_str(),
                    reason = code.as_str(),
                    "a provider refused a payment"
                );
                opened.state = opened.state.after(PaymentStep::Failed).unwrap_or(opened.state);
                opened.failure = Some(code);
                opened.action = Some(Action::Retry);
            }
            Err(failure) => {
                tracing::warn!(
                    payment.id = %payment.id,
                    payment.provider = payment.provider.as_str(),
                    cause = %failure,
                    "a provider does not answer"
                );
                opened.action = Some(Action::Retry);
            }
        }
        opened
    }
}

/// The provider's answer merged into an attempt that was changed meanwhile: a stored state other than `Created` is
/// newer than the answer.
fn merged(loaded: &Payment, opened: &Payment) -> Payment {
    let state = if loaded.state == PaymentState::Created { opened.state } else { loaded.state };
    Payment {
        state,
        reference: opened.reference.clone().or_else(|| loaded.reference.clone()),
        action: opened.action.clone().or_else(|| loaded.action.clone()),
        ..loaded.clone()
    }
}

fn answer_of(order: &PlacedOrder, secret: &Rotating) -> Result<Answer, Problem> {
    let view = OrderView { token: Some(order_token(&secret.current, order.order.id)), ..OrderView::from(order) };
    Answer::created(format!("/v1/orders/{}", order.order.id), &view)
}
