//! Cancelling an order: first its payment attempts at the provider, then the order.

use api::views::OrderView;
use api::{Answer, Problem, ScopedRequest, replay_or_run};
use domain::order::{Actor, OrderState, PlacedOrder};
use domain::payment::Payment;
use domain::{Code, Refusal, Timestamp};
use payment_webhook::settlement::{settle, was_never_opened};
use payments::{Cancellation, Failure, ProviderNews};
use store::Error;

use crate::App;

/// Attempts to save an order that is changed concurrently.
const MAX_ATTEMPTS: usize = 8;

fn apply_cancellation(order: &mut PlacedOrder, by: Actor, now: Timestamp) -> Result<(), Refusal> {
    let mut ids = platform::ids(now);
    match by {
        Actor::Operator => order.cancel_unshipped(&mut ids),
        _ => order.cancel(by, &mut ids),
    }
}

/// The order as its buyer sees it.
pub(crate) fn answer_for_buyer(order: &PlacedOrder) -> Result<Answer, Problem> {
    Answer::ok(&OrderView::from(order))
}

impl App {
    /// Cancels an order. One that is cancelled already stays as it is, so that a repeat is harmless. The operator also
    /// cancels what is left of an order of which something was shipped. `answer_for` makes the response.
    pub(crate) async fn cancel(
        &self,
        loaded: PlacedOrder,
        by: Actor,
        call: ScopedRequest,
        answer_for: fn(&PlacedOrder) -> Result<Answer, Problem>,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        replay_or_run(
            self.orders.stored_response(call.as_idempotent()),
            self.cancel_with_retries(loaded, by, &call, answer_for, now),
        )
        .await
    }

    async fn cancel_with_retries(
        &self,
        mut loaded: PlacedOrder,
        by: Actor,
        call: &ScopedRequest,
        answer_for: fn(&PlacedOrder) -> Result<Answer, Problem>,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        // Before the provider is called: an idempotency key of another call must not cancel a payment.
        if let Some(known) = self.orders.stored_response(call.as_idempotent()).await? {
            return Answer::from_record(&known);
        }
        for _ in 0..MAX_ATTEMPTS {
            if loaded.order.state == OrderState::Cancelled
                || (by == Actor::Operator && loaded.is_cancelled_by_operator())
            {
                let answer = answer_for(&loaded)?;
                self.orders.storing(call.stored(&answer)?).store_response().await?;
                return Ok(answer);
            }
            // Refuse before the provider is called.
            apply_cancellation(&mut loaded.clone(), by, now)?;
            if self.close_open_attempts(&loaded, now).await? {
                // It was paid meanwhile: what is cancelled now is a paid order, whose payment is refunded.
                loaded = self.reload(&loaded).await?;
            }
            let mut changed = loaded.clone();
            apply_cancellation(&mut changed, by, now)?;
            let answer = answer_for(&changed)?;
            match self.orders.storing(call.stored(&answer)?).save(&loaded, &changed).await {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => loaded = self.reload(&loaded).await?,
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }

    pub(crate) async fn reload(&self, order: &PlacedOrder) -> Result<PlacedOrder, Problem> {
        self.orders.load(order.order.id).await?.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }

    /// Cancels the attempts that could still be paid. True if one was paid meanwhile and has been settled.
    ///
    /// # Errors
    /// The provider has not decided an attempt yet, or does not answer: stock that may still be paid for is not
    /// released.
    async fn close_open_attempts(&self, order: &PlacedOrder, now: Timestamp) -> Result<bool, Problem> {
        let mut settled = false;
        let awaits_payment = order.order.state == OrderState::AwaitingPayment;
        for payment in order.payments.iter().filter(|payment| blocks_cancellation(payment, awaits_payment)) {
            match self.providers.cancel(payment).await {
                Ok(Cancellation::Cancelled) => {}
                Ok(Cancellation::Captured(news)) => {
                    settle(&self.orders, &with_ids_of(news, payment), now).await?;
                    settled = true;
                }
                Ok(Cancellation::Undecided(_)) => {
                    return Err(Refusal::because(
                        Code::WrongState,
                        "the payment is being processed; try again in a moment",
                    )
                    .into());
                }
                // A repeat would be refused as well, and the buyer must be able to cancel. If money comes nevertheless,
                // it is a late payment.
                Err(Failure::Refused { code }) => {
                    tracing::warn!(
                        order.id = %payment.order,
                        payment.id = %payment.id,
                        reason = code.as_str(),
                        "a provider refuses to cancel a payment"
                    );
                }
                Err(failure) if was_never_opened(payment, &failure) => {
                    tracing::warn!(
                        order.id = %payment.order,
                        payment.id = %payment.id,
                        cause = %failure,
                        "a payment that is cancelled was never opened"
                    );
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(settled)
    }
}

/// Whether an attempt has to be cancelled before its order. A declined one only while the order awaits payment: a paid
/// order refunds any further payment, which needs no cancellation at the provider.
const fn blocks_cancellation(payment: &Payment, awaits_payment: bool) -> bool {
    payment.may_be_paid() && (awaits_payment || payment.state.is_open())
}

/// The news with the ids of the order and the attempt that were asked about: its order is then found without a lookup.
pub(crate) fn with_ids_of(news: ProviderNews, payment: &Payment) -> ProviderNews {
    ProviderNews {
        order_id: news.order_id.or(Some(payment.order)),
        payment_id: news.payment_id.or(Some(payment.id)),
        ..news
    }
}

#[cfg(test)]
mod tests {
    use domain::OrderId;
    use domain::examples::{self, usd};
    use domain::payment::{PaymentState, ProviderName};

    use super::*;

    fn payment(state: PaymentState, reference: Option<&str>) -> Payment {
        let payment = examples::payment(2, OrderId::from_bits(1), ProviderName::Stripe, usd(1_250));
        Payment { state, reference: reference.map(str::to_owned), ..payment }
    }

    #[test]
    fn a_declined_attempt_is_cancelled_while_the_order_awaits_payment() {
        let declined = payment(PaymentState::Failed, Some("pi_1"));
        assert!(blocks_cancellation(&declined, true));
        assert!(!blocks_cancellation(&declined, false));
        // The provider refused it and does not have it: the call to cancel it would create it there.
        assert!(!blocks_cancellation(&payment(PaymentState::Failed, None), true));
    }

    #[test]
    fn an_open_attempt_is_cancelled_in_any_case_and_cash_never() {
        for awaits_payment in [true, false] {
            for state in [PaymentState::Created, PaymentState::Pending, PaymentState::Authorized] {
                assert!(blocks_cancellation(&payment(state, None), awaits_payment), "{state:?}");
            }
            let cash = Payment { provider: ProviderName::CashOnDelivery, ..payment(PaymentState::Pending, None) };
            assert!(!blocks_cancellation(&cash, awaits_payment));
        }
    }
}
