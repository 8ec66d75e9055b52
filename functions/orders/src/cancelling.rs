//! Calling an order off: first at the provider, then here.

use api::{Answer, Call, Problem, once};
use domain::order::{Actor, OrderFile, OrderState, OrderView};
use domain::payment::Payment;
use domain::{Code, Refusal, Timestamp};
use payment_webhook::settlement::{settle, was_never_opened};
use payments::{Cancellation, Failure, Report};
use store::Error;

use crate::App;

/// How often an order is read again that somebody else changes at the same time.
const TRIES: usize = 8;

fn call_off(file: &mut OrderFile, by: Actor, now: Timestamp) -> Result<(), Refusal> {
    let mut mint = platform::mint(now);
    match by {
        Actor::Admin => file.call_off(&mut mint),
        _ => file.cancel(by, &mut mint),
    }
}

/// The order as its buyer sees it.
pub(crate) fn for_the_buyer(file: &OrderFile) -> Result<Answer, Problem> {
    Answer::ok(&OrderView::from(file))
}

impl App {
    /// Calls an order off. One that is off already stays as it is, so that a repeat on a weak network is harmless.
    /// The operator also calls off what is left of an order of which something was shipped. `shows` makes the answer.
    pub(crate) async fn cancel(
        &self,
        loaded: OrderFile,
        by: Actor,
        call: Call,
        shows: fn(&OrderFile) -> Result<Answer, Problem>,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        once(self.orders.kept(call.named()), self.call_off(loaded, by, &call, shows, now)).await
    }

    async fn call_off(
        &self,
        mut loaded: OrderFile,
        by: Actor,
        call: &Call,
        shows: fn(&OrderFile) -> Result<Answer, Problem>,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        // Before the provider hears of it: a key that was used for something else must not call a payment off.
        if let Some(known) = self.orders.kept(call.named()).await? {
            return Answer::from_record(&known);
        }
        for _ in 0..TRIES {
            if loaded.order.state == OrderState::Cancelled || (by == Actor::Admin && loaded.is_called_off()) {
                let answer = shows(&loaded)?;
                self.orders.keeping(call.keeps(&answer)?).keep().await?;
                return Ok(answer);
            }
            // Refused before the provider hears of it.
            call_off(&mut loaded.clone(), by, now)?;
            if self.close_open_attempts(&loaded, now).await? {
                // Paid in this moment: what is cancelled now is a paid order, whose money goes back.
                loaded = self.again(&loaded).await?;
            }
            let mut changed = loaded.clone();
            call_off(&mut changed, by, now)?;
            let answer = shows(&changed)?;
            match self.orders.keeping(call.keeps(&answer)?).save(&loaded, &changed).await {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => loaded = self.again(&loaded).await?,
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }

    pub(crate) async fn again(&self, file: &OrderFile) -> Result<OrderFile, Problem> {
        self.orders.file(file.order.id).await?.ok_or_else(|| Refusal::of(Code::NotFound).into())
    }

    /// Sees to it that no attempt can be paid any more. True when one was paid meanwhile and is settled now. An attempt that the
    /// provider cannot decide yet, or a provider that does not answer, refuses the call: nothing is released that may be paid.
    async fn close_open_attempts(&self, file: &OrderFile, now: Timestamp) -> Result<bool, Problem> {
        let mut settled = false;
        let waits = file.order.state == OrderState::AwaitingPayment;
        for payment in file.payments.iter().filter(|payment| is_in_the_way(payment, waits)) {
            match self.providers.cancel(payment).await {
                Ok(Cancellation::Cancelled) => {}
                Ok(Cancellation::Captured(report)) => {
                    settle(&self.orders, &named(report, payment), now).await?;
                    settled = true;
                }
                Ok(Cancellation::Undecided(_)) => {
                    return Err(Refusal::because(
                        Code::WrongState,
                        "the payment is being processed; try again in a moment",
                    )
                    .into());
                }
                // Asking again does not help, and the buyer must not be stuck with the order. Should money come nevertheless, it
                // is late money.
                Err(Failure::Refused { code }) => {
                    tracing::warn!(order.id = %payment.order, payment.id = %payment.id, reason = code.as_str(), "a provider refuses to call off a payment");
                }
                Err(failure) if was_never_opened(payment, &failure) => {
                    tracing::warn!(order.id = %payment.order, payment.id = %payment.id, cause = %failure, "a payment that is called off was never opened");
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(settled)
    }
}

/// Whether an attempt stands in the way of calling the order off. A declined one does only while the order waits for its money:
/// a paid order sends back whatever comes again, and needs no provider for that.
const fn is_in_the_way(payment: &Payment, waits: bool) -> bool {
    payment.may_be_paid() && (waits || payment.state.is_open())
}

/// The report with the names of what was asked about: its order is then found without a search, and never missed.
pub(crate) fn named(report: Report, payment: &Payment) -> Report {
    Report {
        order_id: report.order_id.or(Some(payment.order)),
        payment_id: report.payment_id.or(Some(payment.id)),
        ..report
    }
}

#[cfg(test)]
mod tests {
    use domain::payment::{PaymentState, ProviderName};
    use domain::{Currency, Money, OrderId, PaymentId};

    use super::*;

    fn payment(state: PaymentState, reference: Option<&str>) -> Payment {
        Payment {
            id: PaymentId::from_bits(2),
            order: OrderId::from_bits(1),
            provider: ProviderName::Stripe,
            amount: Money::new(1250, Currency::USD),
            state,
            reference: reference.map(str::to_owned),
            action: None,
            captured: None,
            failure: None,
            created_at: Timestamp::from_millis(0),
            version: 1,
        }
    }

    #[test]
    fn a_declined_attempt_is_called_off_while_the_order_waits() {
        let declined = payment(PaymentState::Failed, Some("pi_1"));
        assert!(is_in_the_way(&declined, true));
        assert!(!is_in_the_way(&declined, false));
        // The provider refused it outright and does not know it: asking would make it known.
        assert!(!is_in_the_way(&payment(PaymentState::Failed, None), true));
    }

    #[test]
    fn an_open_attempt_is_called_off_in_any_case_and_cash_never() {
        for waits in [true, false] {
            for state in [PaymentState::Created, PaymentState::Pending, PaymentState::Authorized] {
                assert!(is_in_the_way(&payment(state, None), waits), "{state:?}");
            }
            let cash = Payment { provider: ProviderName::CashOnDelivery, ..payment(PaymentState::Pending, None) };
            assert!(!is_in_the_way(&cash, waits));
        }
    }
}
