//! Orders that await payment: their payment attempts are looked up at the provider from time to time. Past the deadline
//! the attempts are cancelled at the provider first; then the stock is released and the cart reopened.

use std::time::Duration;

use domain::order::{OrderState, PlacedOrder, Settled, VendorOrder};
use domain::payment::{Payment, PaymentState};
use domain::{OrderId, Timestamp};
use payment_webhook::settlement::{settle, was_never_opened};
use payments::{Cancellation, Failure, NewsKind, PaymentNews, ProviderNews};
use store::Error;
use store::orders::{Due, next_check};

use crate::Summary;
use crate::round::Round;

/// Attempts to save an order that is changed concurrently.
const MAX_ATTEMPTS: usize = 8;
/// Pause before an order is tried again whose payment is undecided, or whose provider does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Whether the attempts of an order are closed at their providers.
enum Closed {
    /// None of them can be paid any more.
    All,
    /// One was paid meanwhile and has been settled.
    Paid,
    /// One is not decided, or its provider does not answer: nothing is released.
    NotYet,
}

impl Round<'_> {
    /// Ends an order whose deadline has passed; before the deadline, looks up its payment attempts.
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
            // The index is eventually consistent: the order may have no deadline any more.
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
                        // Postponed, so that it does not delay what is due after it.
                        self.postpone(due, RETRY_AFTER, summary).await;
                        return Ok(());
                    }
                }
            }
            match self.app.orders.save(&loaded, &changed).await {
                Ok(()) => {
                    let count = if is_under_way(&loaded) { &mut summary.waived } else { &mut summary.expired };
                    *count += 1;
                    tracing::info!(
                        order.id = %due.order,
                        order.state = changed.order.state.as_str(),
                        "the deadline has passed"
                    );
                    return Ok(());
                }
                // A webhook or another run has changed the order.
                Err(Error::Conflict) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Error::Conflict)
    }

    /// Looks up the payment attempts of an order that awaits payment, because a webhook may have been lost. Attempts
    /// without a reference are skipped: no buyer was ever given a way to pay them.
    async fn look_up_payments(&self, due: &Due, placed: &PlacedOrder, summary: &mut Summary) -> Result<(), Error> {
        let awaited = placed.payments.iter().filter(|payment| may_be_paid(payment) && payment.reference.is_some());
        for payment in awaited.filter(|_| placed.order.state == OrderState::AwaitingPayment) {
            match self.call_provider(payment.provider, self.app.providers.look_up(payment)).await {
                Ok(ProviderNews { kind: NewsKind::Payment(PaymentNews::Pending), .. }) => {}
                Ok(news) => {
                    if settle(&self.app.orders, &with_ids_of(news, payment), self.now).await? == Settled::Changed {
                        tracing::warn!(
                            order.id = %payment.order,
                            payment.id = %payment.id,
                            "a lookup found news that no webhook had delivered"
                        );
                        summary.settled += 1;
                    }
                }
                Err(failure) => {
                    tracing::warn!(
                        order.id = %payment.order,
                        payment.id = %payment.id,
                        cause = %failure,
                        "a payment could not be looked up"
                    );
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
                    // After an amount mismatch the order is still due, and expires.
                    if !still_due {
                        return Ok(Closed::Paid);
                    }
                }
                Ok(Cancellation::Undecided(_)) => {
                    tracing::warn!(
                        order.id = %payment.order,
                        payment.id = %payment.id,
                        "a payment past its deadline is not decided"
                    );
                    return Ok(Closed::NotYet);
                }
                // A repeat would be refused as well. If money comes nevertheless, it is a late payment.
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
                        "a payment past its deadline was never opened"
                    );
                }
                Err(failure) => {
                    tracing::warn!(
                        order.id = %payment.order,
                        payment.id = %payment.id,
                        cause = %failure,
                        "a payment past its deadline cannot be cancelled now"
                    );
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

/// Whether something was already shipped, so that the order must not expire.
fn is_under_way(placed: &PlacedOrder) -> bool {
    let under_way = |vendor_order: &VendorOrder| {
        !vendor_order.state.holds_stock() && !vendor_order.state.is_cancelled_or_declined()
    };
    placed.vendors.iter().any(under_way)
}

/// Whether an attempt may still be paid. A declined one may be tried with another card if the provider has it; an open
/// one without a reference may exist at the provider, because the answer may have been lost.
fn may_be_paid(payment: &Payment) -> bool {
    payment.state.is_open() || (payment.state == PaymentState::Failed && payment.reference.is_some())
}

/// The news with the ids of the order and the attempt that were asked about: its order is then found without a lookup.
fn with_ids_of(news: ProviderNews, payment: &Payment) -> ProviderNews {
    ProviderNews {
        order_id: news.order_id.or(Some(payment.order)),
        payment_id: news.payment_id.or(Some(payment.id)),
        ..news
    }
}

#[cfg(test)]
mod tests;
