//! Orders that wait for their money: their provider is asked now and then. Past the deadline it is told first, then the stock
//! goes back and the cart opens again.

use std::time::Duration;

use domain::order::{OrderState, PlacedOrder, VendorOrder};
use domain::payment::{Payment, PaymentState};
use domain::{OrderId, Timestamp};
use payment_webhook::settlement::{Outcome, settle, was_never_opened};
use payments::{Cancellation, Failure, NewsKind, PaymentNews, ProviderNews};
use store::Error;
use store::orders::{Due, next_check};

use crate::Summary;
use crate::round::Round;

/// How often an order is read again that somebody else changes at the same time.
const MAX_ATTEMPTS: usize = 8;
/// When an order is looked at again whose payment is not decided, or whose provider does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Whether the attempts of an order are closed at their providers.
enum Closed {
    /// None of them can be paid any more.
    All,
    /// One was paid meanwhile, and that is settled.
    Paid,
    /// One is not decided, or its provider does not answer: nothing is released.
    NotYet,
}

impl Round<'_> {
    /// Ends an order whose deadline has passed; before that, asks its provider how the payment stands.
    pub(crate) async fn process_deadline(
        &self,
        due: &Due,
        mut known: Option<PlacedOrder>,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        for _ in 0..MAX_ATTEMPTS {
            let read = match known.take() {
                Some(placed) => Some(placed),
                None => self.app.orders.load(due.order).await?,
            };
            // The list may lag behind.
            let Some(loaded) = read.filter(|placed| placed.order.due_at.is_some()) else { return Ok(()) };
            if !is_due(&loaded, self.now) {
                return self.look_up_payments(due, &loaded, summary).await;
            }
            let mut changed = loaded.clone();
            let mut ids = platform::ids(self.now);
            if is_under_way(&loaded) {
                changed.waive_deadline(&ids)?;
            } else {
                match self.close_attempts(&loaded).await? {
                    Closed::All => changed.expire(&mut ids)?,
                    Closed::Paid => {
                        summary.settled += 1;
                        return Ok(());
                    }
                    Closed::NotYet => {
                        summary.waiting += 1;
                        // Out of the way of what is due behind it.
                        self.postpone(due, RETRY_AFTER, summary).await;
                        return Ok(());
                    }
                }
            }
            match self.app.orders.save(&loaded, &changed).await {
                Ok(()) => {
                    let count = if is_under_way(&loaded) { &mut summary.waived } else { &mut summary.expired };
                    *count += 1;
                    tracing::info!(order.id = %due.order, order.state = changed.order.state.as_str(), "the deadline has passed");
                    return Ok(());
                }
                // A webhook or another housekeeping was faster.
                Err(Error::Conflict) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Error::Conflict)
    }

    /// Asks how the attempts of an order stand that waits for its money: the webhook may have been lost. An attempt without a
    /// reference is left out, because nobody was ever given a way to pay it.
    async fn look_up_payments(&self, due: &Due, placed: &PlacedOrder, summary: &mut Summary) -> Result<(), Error> {
        let awaited = placed.payments.iter().filter(|payment| may_be_paid(payment) && payment.reference.is_some());
        for payment in awaited.filter(|_| placed.order.state == OrderState::AwaitingPayment) {
            match self.call_provider(payment.provider, self.app.providers.look_up(payment)).await {
                Ok(ProviderNews { kind: NewsKind::Payment(PaymentNews::Pending), .. }) => {}
                Ok(news) => {
                    if settle(&self.app.orders, &with_ids_of(news, payment), self.now).await? == Outcome::Changed {
                        tracing::warn!(order.id = %payment.order, payment.id = %payment.id, "what a provider did not tell was asked for");
                        summary.settled += 1;
                    }
                }
                Err(failure) => {
                    tracing::warn!(order.id = %payment.order, payment.id = %payment.id, cause = %failure, "a provider could not be asked how a payment stands");
                }
            }
        }
        match next_check(&placed.order, self.now) {
            Some(at) => self.app.orders.postpone(due, at).await,
            None => Ok(()),
        }
    }

    async fn close_attempts(&self, placed: &PlacedOrder) -> Result<Closed, Error> {
        for payment in placed.payments.iter().filter(|payment| may_be_paid(payment)) {
            match self.call_provider(payment.provider, self.app.providers.cancel(payment)).await {
                Ok(Cancellation::Cancelled) => {}
                Ok(Cancellation::Captured(news)) => {
                    settle(&self.app.orders, &with_ids_of(news, payment), self.now).await?;
                    let still_due = self.is_still_due(payment.order).await?;
                    // An amount that was not asked for ends nothing: the order's time is over all the same.
                    if !still_due {
                        return Ok(Closed::Paid);
                    }
                }
                Ok(Cancellation::Undecided(_)) => {
                    tracing::warn!(order.id = %payment.order, payment.id = %payment.id, "a payment past its deadline is not decided");
                    return Ok(Closed::NotYet);
                }
                // Nothing can be done there by asking again. Should money come nevertheless, it is late money.
                Err(Failure::Refused { code }) => {
                    tracing::warn!(order.id = %payment.order, payment.id = %payment.id, reason = code.as_str(), "a provider refuses to cancel a payment");
                }
                Err(failure) if was_never_opened(payment, &failure) => {
                    tracing::warn!(order.id = %payment.order, payment.id = %payment.id, cause = %failure, "a payment past its deadline was never opened");
                }
                Err(failure) => {
                    tracing::warn!(order.id = %payment.order, payment.id = %payment.id, cause = %failure, "a payment past its deadline cannot be cancelled now");
                    return Ok(Closed::NotYet);
                }
            }
        }
        Ok(Closed::All)
    }

    async fn is_still_due(&self, order: OrderId) -> Result<bool, Error> {
        let placed = self.app.orders.load(order).await?;
        Ok(placed.is_some_and(|placed| is_due(&placed, self.now)))
    }
}

fn is_due(placed: &PlacedOrder, now: Timestamp) -> bool {
    placed.order.due_at.is_some_and(|due| due <= now)
}

/// Whether something was already shipped: then the order cannot end by its deadline.
fn is_under_way(placed: &PlacedOrder) -> bool {
    let under_way = |vendor_order: &VendorOrder| {
        !vendor_order.state.holds_stock() && !vendor_order.state.is_cancelled_or_declined()
    };
    placed.vendors.iter().any(under_way)
}

/// Whether money may still come of an attempt. One that was declined may be tried with another card as long as the provider
/// knows it; one without a reference may be known to the provider all the same, because its answer was lost.
fn may_be_paid(payment: &Payment) -> bool {
    payment.state.is_open() || (payment.state == PaymentState::Failed && payment.reference.is_some())
}

/// The news with the names of what was asked about: its order is then found without a search.
fn with_ids_of(news: ProviderNews, payment: &Payment) -> ProviderNews {
    ProviderNews {
        order_id: news.order_id.or(Some(payment.order)),
        payment_id: news.payment_id.or(Some(payment.id)),
        ..news
    }
}

#[cfg(test)]
mod tests;
