//! Money that no order knows: it is recorded, its news is tried again for a day, and then it is the operator's.

use domain::provider_news::ProviderNews;
use domain::{EventId, OrderId, Outcome, Timestamp, UnmatchedPayment, UnmatchedState};
use store::Error;

use crate::Settlement;

impl Settlement {
    /// Records news that matches no order or attempt, if money moved. More news of the same payment, refund or dispute
    /// joins the record, also such as says that the money stays: the order gets all of it once it is known.
    pub(crate) async fn record_unmatched(&self, news: &ProviderNews, now: Timestamp) -> Result<(), Error> {
        let record = UnmatchedPayment::of(news, EventId::new(now, platform::ids(now).bits()), now);
        if let Some(record) = &record
            && self.orders.record_unmatched(record).await?
        {
            tracing::warn!(
                provider = news.provider.as_str(),
                payment.reference = news.reference.as_str(),
                order.id = news.order_id.map(tracing::field::display),
                event.id = news.event_id.as_deref().unwrap_or_default(),
                "money that no order knows: its news is tried again for a day"
            );
            return Ok(());
        }
        let known = match UnmatchedPayment::subject(news) {
            Some((what, reference)) => self.orders.unmatched_record(news.provider, what, reference).await?,
            None => None,
        };
        let Some(known) = known else {
            tracing::warn!(
                provider = news.provider.as_str(),
                payment.reference = news.reference.as_str(),
                order.id = news.order_id.map(tracing::field::display),
                "news that matches no order and moves no money"
            );
            return Ok(());
        };
        let decide = |record: &mut UnmatchedPayment| {
            if !record.add(news) && record.state == UnmatchedState::Matched {
                tracing::warn!(
                    needs = "money",
                    provider = news.provider.as_str(),
                    payment.reference = news.reference.as_str(),
                    order.id = record.order_id.map(tracing::field::display),
                    event.id = %record.id,
                    "news of a payment that has its order by now, and that the order does not take"
                );
            }
            Ok::<_, Error>(None)
        };
        self.orders.change_unmatched(known, decide, |_| Ok(((), None))).await.map(drop)
    }

    /// Tries the news of an unmatched payment again, and answers with the state that it has by now: its order may be
    /// known. After a day it is the operator's, who is written to if it names an order that is here.
    ///
    /// # Errors
    /// The tables do not answer: it is tried again as if this had not happened.
    pub async fn retry_unmatched(&self, record: UnmatchedPayment, now: Timestamp) -> Result<UnmatchedState, Error> {
        let order = match self.order_of_unmatched(&record, now).await {
            Ok(order) => order,
            Err(error) if matches!(error, Error::Unavailable(_) | Error::Conflict) => return Err(error),
            // Its order does not take it, which was logged. A person has to look at it.
            Err(error) => {
                tracing::warn!(event.id = %record.id, cause = %error, "an unmatched payment cannot be settled");
                None
            }
        };
        let is_ours = match (order, record.order_id) {
            (None, Some(named)) => self.orders.load(named).await?.is_some(),
            _ => false,
        };
        let tried = record.reports.clone();
        let decide = |record: &mut UnmatchedPayment| {
            // More was reported meanwhile, or the operator has resolved it: the next run sees.
            if record.state != UnmatchedState::Retrying || record.reports != tried {
                return Ok(None);
            }
            match order {
                Some(order) => record.matched(order, now).map(|()| None),
                None => record.not_matched(now).map(|opened| (opened && is_ours).then(|| record.notice(now))),
            }
            .map_err(Error::from)
        };
        let before = record.clone();
        let Outcome::Done(state) =
            self.orders.change_unmatched(record, decide, |record| Ok::<_, Error>((record.state, None))).await?
        else {
            return Ok(before.state);
        };
        match state {
            UnmatchedState::Open => tracing::warn!(
                needs = "money",
                provider = before.provider.as_str(),
                payment.reference = before.reference.as_str(),
                order.id = before.order_id.map(tracing::field::display),
                event.id = %before.id,
                "an unmatched payment is in the operator's list"
            ),
            UnmatchedState::Matched => tracing::info!(
                order.id = order.map(tracing::field::display), event.id = %before.id, "an unmatched payment has its order"
            ),
            UnmatchedState::Retrying | UnmatchedState::Resolved | UnmatchedState::Other => {}
        }
        Ok(state)
    }

    /// The order that all of the news was applied to; `None` while it is not known.
    async fn order_of_unmatched(&self, record: &UnmatchedPayment, now: Timestamp) -> Result<Option<OrderId>, Error> {
        let mut found = None;
        for news in record.news() {
            match self.settle_known(&news, now).await? {
                Some((order, _)) => found = Some(order),
                None => return Ok(None),
            }
        }
        Ok(found)
    }
}
