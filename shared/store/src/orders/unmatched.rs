//! Unmatched payments: money that a provider reports and no order knows.

use domain::payment::ProviderName;
use domain::{
    EventId, MoneyMovement, OutboxEvent, Outcome, PageRequest, Prepared, Slice, Timestamp, UnmatchedPayment,
    UnmatchedState,
};

use super::{Entry, Orders, RETRIED_UNMATCHED, UNMATCHED_PREFIX, event_item, unmatched_item, unmatched_partition};
use crate::error::Failure;
use crate::idempotency::transact;
use crate::item::{Attributes, Condition, all_readable, key, number, put, string, text};
use crate::retry::{QueryRequest, get, put_one, query};
use crate::stored::read;
use crate::transaction::{Purpose, Transaction};
use crate::{Backoff, Error};

impl Orders {
    /// Stores money that a provider reported and no order knows. Returns false when the same was stored before: the
    /// first report stays.
    pub async fn record_unmatched(&self, money: &UnmatchedPayment) -> Result<bool, Error> {
        match put_one(&self.client, &self.table, unmatched_item(money)?, &Condition::absent()).await {
            Ok(()) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The record of a payment, refund or dispute.
    pub async fn unmatched_record(
        &self,
        provider: ProviderName,
        what: MoneyMovement,
        reference: &str,
    ) -> Result<Option<UnmatchedPayment>, Error> {
        let key = Entry::UnmatchedPayment(provider, what, reference).key();
        let found = get(&self.client, &self.table, key, true).await?;
        found.as_ref().map(read).transpose()
    }

    /// Changes a record: loads it, decides, and saves it under the version that was loaded. `decide` says whether an
    /// outbox event tells the operator of it, in the same transaction.
    pub async fn change_unmatched<R, E: From<Error>>(
        &self,
        mut record: UnmatchedPayment,
        decide: impl Fn(&mut UnmatchedPayment) -> Result<Option<UnmatchedPayment>, E>,
        respond: impl Fn(&UnmatchedPayment) -> Result<Prepared<R>, E>,
    ) -> Result<Outcome<R>, E> {
        let mut backoff = Backoff::default();
        loop {
            let mut changed = record.clone();
            let notice = decide(&mut changed)?;
            let mut transaction = Transaction::default();
            if changed != record {
                let condition = Condition::at_version(changed.version);
                transaction.add(Purpose::Item, put(&self.table, unmatched_item(&changed)?, &condition)?);
            }
            if let Some(notice) = notice {
                let event = event_item(&OutboxEvent::UnmatchedPayment(notice))?;
                transaction.add(Purpose::Item, put(&self.table, event, &Condition::absent())?);
            }
            match transact(&self.client, &self.table, transaction, respond(&changed)?).await {
                Err(Failure::Cancelled(cancelled)) if cancelled.refused(Purpose::Item) => {}
                done => return Ok(done.map_err(Error::from)?),
            }
            backoff.pause().await?;
            let gone = || Error::Failed("the record of an unmatched payment is gone".to_owned());
            let UnmatchedPayment { provider, what, reference, .. } = record;
            record = self.unmatched_record(provider, what, &reference).await?.ok_or_else(gone)?;
        }
    }

    /// The unmatched payments in a state, newest first.
    pub async fn unmatched(&self, state: UnmatchedState, page: &PageRequest) -> Result<Slice<UnmatchedPayment>, Error> {
        // Provider and reference, and what it is: the parts of its key.
        type Position = (EventId, (String, String));
        let position = |last: &Attributes| -> Option<Position> {
            let id = text(last, "state_sort")?.parse().ok()?;
            let reference = text(last, "pk")?.strip_prefix(UNMATCHED_PREFIX)?;
            Some((id, (text(last, "sk")?.to_owned(), reference.to_owned())))
        };
        let key = |(id, (what, reference)): &Position| {
            let mut key = key(format!("{UNMATCHED_PREFIX}{reference}"), what);
            key.insert("state_sort".to_owned(), string(id.to_string()));
            key
        };
        let list = self.list("keys_by_state", ("state_key", unmatched_partition(state)), &position, &key);
        list.page(&self.client, page, |found| read(found)).await
    }

    /// The unmatched payment with an id. The index knows where it is; which state it has by now, the item says.
    pub async fn unmatched_with_id(&self, id: EventId) -> Result<Option<UnmatchedPayment>, Error> {
        // Twice, since the index lags: one that moves from a state to another may be in neither list at that moment.
        for state in UnmatchedState::ALL.iter().chain(&UnmatchedState::ALL).copied() {
            let values = Attributes::from([(":id".to_owned(), string(id.to_string()))]);
            let request = QueryRequest {
                sort_key_condition: Some(("state_sort = :id".to_owned(), values)),
                limit: Some(1),
                only_keys: true,
                ..QueryRequest::of(&self.table, "keys_by_state", ("state_key", unmatched_partition(state)))
            };
            if let Some(entry) = query(&self.client, request).await?.items.first() {
                let parts = |name: &str| text(entry, name).unwrap_or_default().to_owned();
                let found = get(&self.client, &self.table, key(parts("pk"), parts("sk")), true).await?;
                return found.as_ref().map(read).transpose();
            }
        }
        Ok(None)
    }

    /// Those whose news is to be tried again by now, the longest waiting first, and whether there may be more. What
    /// cannot be read is passed over, so that it stands in nobody's way.
    pub async fn unmatched_to_retry(&self, now: Timestamp, limit: u16) -> Result<(Vec<UnmatchedPayment>, bool), Error> {
        let mut records = Vec::new();
        let mut start = None;
        loop {
            let values = Attributes::from([(":now".to_owned(), number(now.millis()))]);
            let request = QueryRequest {
                sort_key_condition: Some(("due_at <= :now".to_owned(), values)),
                limit: Some(i32::from(limit)),
                start,
                ..QueryRequest::of(&self.table, "keys_by_due", ("due_key", RETRIED_UNMATCHED.to_owned()))
            };
            let page = query(&self.client, request).await?;
            records.extend(all_readable(&page.items, read)?);
            match page.last {
                Some(last) if records.is_empty() => start = Some(last),
                last => return Ok((records, last.is_some())),
            }
        }
    }
}
