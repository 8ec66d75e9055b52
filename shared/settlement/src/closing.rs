//! Closing the attempts of an order that could still be paid.

use std::time::Duration;

use domain::order::{OrderState, PlacedOrder};
use domain::payment::{Action, Payment, PaymentState, SLOW_DEADLINE};
use domain::provider_news::{NewsKind, PaymentNews, ProviderNews};
use domain::{PaymentId, Timestamp};
use payments::{Cancellation, Failure};
use store::Error;

use crate::Settlement;

/// What the open attempts of an order are closed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Its stock is going to be released.
    ToRelease,
    /// Another attempt is going to be opened.
    ToRetry,
}

/// Whether an order's attempts are closed at their providers.
#[derive(Debug)]
pub enum Closed {
    /// Nothing stands in the way. Holds the attempts that their providers have cancelled.
    All(Vec<PaymentId>),
    /// One was paid meanwhile and has been settled: the order has changed.
    Paid,
    /// A provider is still working on one and cannot stop. With the time until which a bank decides, if it is known.
    Undecided(Option<Timestamp>),
    /// A provider does not answer.
    Silent(Failure),
}

/// How one attempt was closed.
pub(crate) enum Attempt {
    Cancelled,
    /// The provider does not have it, or refuses to cancel it. If money comes nevertheless, it is a late payment.
    Gone,
    Paid,
    Undecided(Option<Timestamp>),
    Silent(Failure),
}

impl Closing {
    /// Whether an attempt has to be closed. Only while the order awaits payment: a paid order refunds any further
    /// payment, and what may still be paid is followed until it is closed, so that it keeps nobody waiting. Before a
    /// retry only one that was handed out: no buyer was ever given a way to pay another.
    pub(crate) const fn concerns(self, payment: &Payment, state: OrderState) -> bool {
        let may_be_paid = payment.may_be_paid() && matches!(state, OrderState::AwaitingPayment);
        may_be_paid && (matches!(self, Self::ToRelease) || payment.was_handed_out())
    }
}

/// What asking for the closing of one attempt came to that the order does not wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// It cannot be paid any more, or its provider will never say so.
    Closed,
    /// It was paid, and has been settled: the order has changed.
    Paid,
    /// Its provider is still working on it, or does not answer.
    Open,
}

impl Settlement {
    /// Cancels the attempts of an order that could still be paid.
    ///
    /// An attempt stays open while its provider is silent or undecided. Stock that may still be paid for is not
    /// released, so nothing is released then. Another attempt is kept waiting only by one that is being paid at this
    /// moment: a silent provider must not keep the buyer from paying otherwise, and a second payment is refunded.
    ///
    /// # Errors
    /// The tables do not answer; a payment that came in could not be settled.
    pub async fn close_open_attempts(
        &self,
        placed: &PlacedOrder,
        closing: Closing,
        now: Timestamp,
    ) -> Result<Closed, Error> {
        let mut cancelled = Vec::new();
        let state = placed.order.state;
        for payment in placed.payments.iter().filter(|payment| closing.concerns(payment, state)) {
            match self.close(payment, now).await? {
                Attempt::Cancelled => cancelled.push(payment.id),
                Attempt::Gone => {}
                // The order has changed: the caller loads it again.
                Attempt::Paid => return Ok(Closed::Paid),
                Attempt::Undecided(until) => return Ok(Closed::Undecided(until)),
                Attempt::Silent(_) if closing == Closing::ToRetry => {}
                Attempt::Silent(failure) => return Ok(Closed::Silent(failure)),
            }
        }
        Ok(Closed::All(cancelled))
    }

    /// Asks for the closing of an attempt that the order does not wait for.
    ///
    /// # Errors
    /// The tables do not answer; a payment that came in could not be settled.
    pub async fn follow(&self, payment: &Payment, now: Timestamp) -> Result<Followed, Error> {
        Ok(match self.close(payment, now).await? {
            Attempt::Cancelled | Attempt::Gone => Followed::Closed,
            Attempt::Paid => Followed::Paid,
            Attempt::Undecided(_) | Attempt::Silent(_) => Followed::Open,
        })
    }

    async fn close(&self, payment: &Payment, now: Timestamp) -> Result<Attempt, Error> {
        if was_left_unopened(payment, now) {
            return Ok(Attempt::Gone);
        }
        let failure = match self.ask(payment.provider, self.providers.cancel(payment)).await {
            Ok(Cancellation::Cancelled) => return Ok(Attempt::Cancelled),
            Ok(Cancellation::Captured(news)) => {
                self.settle(&news.about(payment), now).await?;
                return Ok(Attempt::Paid);
            }
            Ok(Cancellation::Undecided(news)) => {
                tracing::warn!(
                    order.id = %payment.order, payment.id = %payment.id, "a payment that is to be closed is not decided"
                );
                return Ok(Attempt::Undecided(self.undecided(payment, news, now).await?));
            }
            Err(failure) => failure,
        };
        // A repeat of a refusal would be refused as well.
        let is_gone = matches!(failure, Failure::Refused { .. }) || was_never_opened(payment, &failure);
        tracing::warn!(
            order.id = %payment.order, payment.id = %payment.id, payment.is_gone = is_gone, cause = %failure,
            "a payment could not be cancelled at its provider"
        );
        Ok(if is_gone { Attempt::Gone } else { Attempt::Silent(failure) })
    }
}

impl Settlement {
    /// Until when a bank decides about an attempt. That it does may be news: its webhook may be late or lost.
    async fn undecided(
        &self,
        payment: &Payment,
        news: ProviderNews,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        if news.kind != NewsKind::Payment(PaymentNews::Processing) {
            return Ok(None);
        }
        if let Some(processing) = payment.processing {
            return Ok(Some(processing.until));
        }
        self.settle(&news.about(payment), now).await?;
        Ok(Some(now + payment.slow_deadline.unwrap_or(SLOW_DEADLINE)))
    }
}

/// How long a call that opens an attempt can be under way: longer than any function runs.
const OPENING: Duration = Duration::from_secs(60);

/// Whether an attempt has no reference although the call that would have brought one is over. Nobody was ever given a
/// way to pay it, so its provider need not be asked, which may be down: should it have the payment nevertheless, and
/// should that be paid, its webhook finds an attempt that is closed, like any late payment.
pub(crate) fn was_left_unopened(payment: &Payment, now: Timestamp) -> bool {
    payment.reference.is_none() && payment.state == PaymentState::Created && now.since(payment.created_at) > OPENING
}

/// Whether nobody was ever given a way to pay an attempt, and nobody will be: its opening is over and was not answered,
/// its provider has no key to look it up with, or has stored a failure under its idempotency key. Waiting would hold
/// its stock for a day, or forever.
fn was_never_opened(payment: &Payment, failure: &Failure) -> bool {
    let is_over = payment.action == Some(Action::Retry);
    !payment.was_handed_out() && (is_over || matches!(failure, Failure::NoKey(_) | Failure::KeySpent(_)))
}

#[cfg(test)]
mod tests {
    use domain::OrderId;
    use domain::examples::{self, usd};
    use domain::payment::ProviderName;

    use super::*;

    fn payment(state: PaymentState, reference: Option<&str>) -> Payment {
        let payment = examples::payment(2, OrderId::from_bits(1), ProviderName::Stripe, usd(1_250));
        Payment { state, reference: reference.map(str::to_owned), ..payment }
    }

    #[test]
    fn a_declined_attempt_is_closed_while_the_order_awaits_payment() {
        let declined = payment(PaymentState::Failed, Some("pi_1"));
        assert!(Closing::ToRelease.concerns(&declined, OrderState::AwaitingPayment));
        assert!(!Closing::ToRelease.concerns(&declined, OrderState::Paid));
        // The provider refused it and does not have it: the call to cancel it would create it there.
        let refused = payment(PaymentState::Failed, None);
        assert!(!Closing::ToRelease.concerns(&refused, OrderState::AwaitingPayment));
    }

    #[test]
    fn an_open_attempt_is_closed_while_the_order_awaits_payment_and_cash_never() {
        for state in OrderState::ALL {
            let awaits = state == OrderState::AwaitingPayment;
            for open in [PaymentState::Created, PaymentState::Pending, PaymentState::Authorized] {
                assert_eq!(Closing::ToRelease.concerns(&payment(open, None), state), awaits, "{state:?} {open:?}");
                let known = payment(open, Some("pi_1"));
                assert_eq!(Closing::ToRetry.concerns(&known, state), awaits, "{state:?} {open:?}");
                assert!(!Closing::ToRetry.concerns(&payment(open, None), state), "{state:?} {open:?}");
                let action = Some(Action::Redirect { url: "https://pay.test".to_owned() });
                let redirected = Payment { action, ..payment(open, None) };
                assert_eq!(Closing::ToRetry.concerns(&redirected, state), awaits, "{state:?} {open:?}");
            }
            let cash = Payment { provider: ProviderName::CashOnDelivery, ..payment(PaymentState::Pending, None) };
            assert!(!Closing::ToRelease.concerns(&cash, state));
        }
        let closed = payment(PaymentState::Failed, Some("pi_1"));
        let closed = Payment { closed_at: Some(closed.created_at), ..closed };
        assert!(!Closing::ToRelease.concerns(&closed, OrderState::AwaitingPayment), "its provider has closed it");
    }

    #[test]
    fn an_attempt_is_left_unopened_once_no_call_can_bring_its_reference_any_more() {
        let attempt = |state, reference| payment(state, reference);
        let at = |attempt: &Payment, seconds: u64| attempt.created_at + Duration::from_secs(seconds);
        let unopened = attempt(PaymentState::Created, None);
        assert!(!was_left_unopened(&unopened, at(&unopened, 60)), "its call may be under way");
        assert!(was_left_unopened(&unopened, at(&unopened, 61)));
        for other in [attempt(PaymentState::Created, Some("pi_1")), attempt(PaymentState::Pending, None)] {
            assert!(!was_left_unopened(&other, at(&other, 3_600)));
        }
    }

    #[test]
    fn only_an_attempt_without_a_reference_ends_without_its_provider_and_only_when_it_cannot_get_one() {
        let attempt = |reference| payment(PaymentState::Created, reference);
        for lasting in [Failure::NoKey(String::new()), Failure::KeySpent(String::new())] {
            assert!(was_never_opened(&attempt(None), &lasting));
            // The buyer may still pay it.
            assert!(!was_never_opened(&attempt(Some("pi_1")), &lasting));
        }
        for passing in [Failure::Unavailable(String::new()), Failure::Unclear(String::new())] {
            assert!(!was_never_opened(&attempt(None), &passing), "its opening may be under way");
            let given_up = Payment { action: Some(Action::Retry), ..attempt(None) };
            assert!(was_never_opened(&given_up, &passing), "its opening is over");
        }
    }
}
