//! Calls to providers about one attempt: opening it, looking it up.

use domain::Timestamp;
use domain::opening::Opening;
use domain::order::{OrderState, PlacedOrder, Settled};
use domain::payment::{Payment, PaymentState};
use domain::provider_news::{NewsKind, PaymentNews};
use payments::{Failure, Opened};
use store::Error;

use crate::Settlement;

/// What looking an order's attempts up came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookedUp {
    /// Whether a provider answered, so that the order may have changed since it was loaded.
    pub answered: bool,
    /// How many attempts had news that changed the order.
    pub settled: u32,
}

impl Settlement {
    /// Opens an attempt at its provider. Opening the same attempt again finds the same payment there.
    pub async fn open(&self, payment: &Payment) -> Opening {
        match self.ask(payment.provider, self.providers.open(payment)).await {
            Ok(Opened { reference, page, action, news }) => Opening::Open { reference, page, action, news },
            Err(Failure::Refused { code }) => {
                tracing::warn!(
                    payment.id = %payment.id, payment.provider = payment.provider.as_str(), reason = code.as_str(),
                    "a provider refused a payment"
                );
                Opening::Refused { code }
            }
            Err(Failure::KeySpent(code)) => {
                tracing::warn!(
                    payment.id = %payment.id, payment.provider = payment.provider.as_str(), reason = code.as_str(),
                    "a provider failed and answers the same to every repeat: the attempt is given up"
                );
                Opening::GivenUp { code }
            }
            Err(failure) => {
                tracing::warn!(
                    payment.id = %payment.id, payment.provider = payment.provider.as_str(), cause = %failure,
                    "a provider does not answer"
                );
                Opening::Unanswered
            }
        }
    }

    /// The attempts that an order waits for and whose provider can be asked. One without any id there is none of them:
    /// no buyer was ever given a way to pay it, or its provider drives the payment and has not begun.
    pub fn awaited(placed: &PlacedOrder) -> impl Iterator<Item = &Payment> {
        let is_open = placed.order.state == OrderState::AwaitingPayment;
        placed
            .payments
            .iter()
            .filter(move |payment| is_open && payment.may_be_paid() && payment.references().next().is_some())
    }

    /// Looks up the attempts that an order waits for, because a webhook may be late or lost, and settles what their
    /// providers tell. A provider that does not answer changes nothing: its webhook or the next look brings the news.
    pub async fn look_up(&self, placed: &PlacedOrder, now: Timestamp) -> Result<LookedUp, Error> {
        let mut looked_up = LookedUp::default();
        for payment in Self::awaited(placed) {
            match self.ask(payment.provider, self.providers.look_up(payment)).await {
                // It tells by itself.
                Ok(None) => {}
                Ok(Some(news)) => {
                    looked_up.answered = true;
                    let is_known = match news.kind {
                        NewsKind::Payment(PaymentNews::Pending) => payment.state == PaymentState::Pending,
                        NewsKind::Payment(PaymentNews::Processing) => payment.processing.is_some(),
                        _ => false,
                    };
                    if !is_known && self.settle(&news.about(payment), now).await? == Settled::Changed {
                        looked_up.settled += 1;
                    }
                }
                Err(failure) => {
                    tracing::warn!(
                        order.id = %payment.order, payment.id = %payment.id, cause = %failure,
                        "a payment could not be looked up"
                    );
                }
            }
        }
        Ok(looked_up)
    }
}
