//! Settlement: applies a provider's news to an order. It is idempotent and takes news in any sequence.

use bytes::Bytes;
use domain::dispute::DisputeState;
use domain::order::{HistoryEvent, LatePayment, PlacedOrder, Settled};
use domain::payment::ProviderName;
use domain::provider_news::{NewsKind, PaymentNews, ProviderNews};
use domain::{Code, Coded, Ids, OrderId, Outcome, Refusal, Timestamp};
use http::{Request, Response};
use payments::{Received, WebhookError};
use store::{Decision, Error};

use crate::Settlement;

impl Settlement {
    /// Answers a provider's call as the provider expects it: a webhook is verified over its raw bytes, and its news
    /// settled; a provider that drives the payment acts through its desk.
    ///
    /// # Errors
    /// The webhook is not the provider's; the tables do not answer, and the provider has to send it again.
    pub async fn answer(
        &self,
        provider: ProviderName,
        request: &Request<Bytes>,
        now: Timestamp,
    ) -> Result<Response<Bytes>, crate::Error> {
        let received = self.providers.receive(provider, request.headers(), request.body(), now).await;
        let received = received.inspect_err(|refused| match refused {
            // A metric filter in the template matches this message.
            WebhookError::BadSignature | WebhookError::Stale => {
                tracing::warn!(
                    provider = provider.as_str(), reason = %refused, "the signature of a webhook was refused"
                );
            }
            _ => tracing::warn!(provider = provider.as_str(), reason = %refused, "a webhook was not accepted"),
        })?;
        match received {
            Received::News(news, taken) => {
                self.settle(&news, now).await?;
                Ok(taken)
            }
            Received::Call(callbacks) => Ok(callbacks.answer(request, &self.desk(provider, now)).await),
        }
    }

    /// Applies a news to its order. It takes two round trips if the news carries the order's id, and three if the order
    /// has to be found by the provider's reference. News that matches no order or attempt, or is of an unknown kind, is
    /// [`Settled::Unchanged`]; if money moved, it was recorded as an unmatched payment, which is tried again.
    ///
    /// # Errors
    /// The table does not answer, or the order's state does not allow what the news says: the provider has to send it
    /// again.
    pub async fn settle(&self, news: &ProviderNews, now: Timestamp) -> Result<Settled, Error> {
        if let NewsKind::Unknown { name } = &news.kind {
            tracing::info!(
                provider = news.provider.as_str(),
                event.name = name.as_str(),
                "an event of a kind that is not handled"
            );
            return Ok(Settled::Unchanged);
        }
        match self.settle_known(news, now).await? {
            Some((_, settled)) => Ok(settled),
            None => {
                self.record_unmatched(news, now).await?;
                Ok(Settled::Unchanged)
            }
        }
    }

    /// Applies a news to its order; `None` when no order, or no attempt of it, is known by what the news names.
    pub(crate) async fn settle_known(
        &self,
        news: &ProviderNews,
        now: Timestamp,
    ) -> Result<Option<(OrderId, Settled)>, Error> {
        let order = match news.order_id {
            Some(order) => Some(order),
            None if news.reference.is_empty() => None,
            None => self.orders.with_reference(news.provider, &news.reference).await?,
        };
        let Some(order) = order else { return Ok(None) };
        let decide = |loaded: PlacedOrder| self.apply(loaded, news, now);
        let respond = |placed: &PlacedOrder, settled: &Settled| Ok(((*settled, placed.order.state), None));
        match self.orders.change(order, decide, respond).await {
            Ok(Outcome::Done((settled, state))) => {
                if settled == Settled::Changed {
                    tracing::info!(order.id = %order, order.state = state.as_str(), "settled");
                }
                Ok(Some((order, settled)))
            }
            Ok(Outcome::Replayed(_) | Outcome::Repeated(_)) => Ok(Some((order, Settled::Unchanged))),
            Err(Error::Refused(refusal)) if refusal.code() == Code::NotFound => Ok(None),
            Err(error) => {
                if error.code() == Code::WrongState {
                    tracing::error!(
                        needs = "money", order.id = %order, cause = %error,
                        "an order's state does not allow a provider's news"
                    );
                }
                Err(error)
            }
        }
    }

    /// The order with the news applied; `not_found` when it has no such attempt.
    async fn apply(
        &self,
        mut placed: PlacedOrder,
        news: &ProviderNews,
        now: Timestamp,
    ) -> Result<Decision<PlacedOrder, Settled>, Error> {
        let (state, mut ended) = (placed.order.state, None);
        let mut late = LatePayment::Refund;
        if matches!(news.kind, NewsKind::Payment(PaymentNews::Captured { .. }))
            // Boxed: it is rarely needed, and unboxed its size would add to the future of every caller.
            && let Some(reopening) = Box::pin(self.prepare_reopening(&placed)).await?
        {
            ended = Some(placed.vendors.clone());
            placed.reallocate(reopening.allocations)?;
            placed.closes_cart = reopening.cart;
            late = LatePayment::Fulfil;
        }
        let settled = apply(&mut placed, news, late, &mut platform::ids(now))?;
        if let Some(ended) = ended.filter(|_| placed.order.state == state) {
            // The order was not reopened after all, so nothing is re-reserved.
            placed.vendors = ended;
            placed.closes_cart = None;
        }
        Ok(Decision::Write(placed, settled))
    }
}

fn apply(placed: &mut PlacedOrder, news: &ProviderNews, late: LatePayment, ids: &mut Ids) -> Result<Settled, Refusal> {
    let attempt = placed.attempt_of(news).ok_or_else(|| Refusal::of(Code::NotFound));
    match &news.kind {
        NewsKind::Payment(payment_news) => {
            let payment = attempt?;
            // The webhook may arrive before the answer to our own request.
            let named = placed.name_attempt(payment, news);
            let settled = placed.settle(payment, payment_news, late, ids)?;
            Ok(if named { Settled::Changed } else { settled })
        }
        NewsKind::Refund(refunded) => {
            let Some(refund) = placed.refund_of(refunded) else {
                return placed.refunded_elsewhere(attempt?, refunded, ids);
            };
            let reference = Some(refunded.reference.clone());
            let settled = placed.refund_changed(refund, refunded.outcome.step(), reference, ids)?;
            let last = placed.history.last();
            if settled == Settled::Changed
                && last.is_some_and(|last| last.event == HistoryEvent::RefundSucceededAfterFailure)
            {
                tracing::error!(
                    needs = "money", order.id = %placed.order.id, refund.id = %refund,
                    "a refund succeeded after it had failed here"
                );
            }
            Ok(settled)
        }
        NewsKind::Dispute(dispute) => {
            let payment = attempt?;
            // Somebody has to answer the bank in time.
            let needs = (dispute.state == DisputeState::Opened).then_some("money");
            tracing::warn!(
                needs, order.id = %placed.order.id, dispute.reference = dispute.reference.as_str(),
                dispute.state = ?dispute.state, "a payment is disputed"
            );
            placed.dispute_changed(payment, dispute, news.occurred_at.unwrap_or(ids.now()), ids)
        }
        NewsKind::Unknown { .. } => Ok(Settled::Unchanged),
    }
}
