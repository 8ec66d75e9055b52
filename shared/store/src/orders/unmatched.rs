//! Unmatched payments: money that a provider reports and no order knows.

use domain::{EventId, OutboxEvent, PageRequest, Slice, UnmatchedPayment};

use super::{Entry, Orders, UNMATCHED, UNMATCHED_PAYMENTS, UNMATCHED_PREFIX, event_item};
use crate::Error;
use crate::error::Failure;
use crate::item::{Attributes, Condition, body, item, key, put, string, text};
use crate::transaction::{Purpose, Transaction};

impl Orders {
    /// Records money that a provider reported and no order knows. Returns false when it was recorded before: the first
    /// report stays. `with_event` emits the event that notifies the operator in the same transaction.
    pub async fn record_unmatched(&self, money: &UnmatchedPayment, with_event: bool) -> Result<bool, Error> {
        let mut written = item(Entry::UnmatchedPayment(money).key(), UNMATCHED, 1, money)?;
        written.insert("state_key".to_owned(), string(UNMATCHED_PAYMENTS));
        written.insert("state_sort".to_owned(), string(money.id.to_string()));
        let absent = Condition::absent();
        let mut transaction = Transaction::default();
        transaction.add(Purpose::Key, put(&self.table, written, &absent)?);
        if with_event {
            let event = event_item(&OutboxEvent::UnmatchedPayment(money.clone()))?;
            transaction.add(Purpose::Item, put(&self.table, event, &absent)?);
        }
        match transaction.run(&self.client).await {
            Ok(()) => Ok(true),
            Err(Failure::Cancelled(cancelled)) if cancelled.refused(Purpose::Key) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The unmatched payments, newest first.
    pub async fn unmatched(&self, page: &PageRequest) -> Result<Slice<UnmatchedPayment>, Error> {
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
        let list = self.list("keys_by_state", ("state_key", UNMATCHED_PAYMENTS.to_owned()), &position, &key);
        list.page(&self.client, page, |found| body(found, UNMATCHED)).await
    }
}
