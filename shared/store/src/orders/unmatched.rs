//! Unmatched payments: money that a provider reports and no order knows.

use domain::{OutboxEvent, UnmatchedPayment};

use super::{Entry, Orders, UNMATCHED, UNMATCHED_PAYMENTS, event_item};
use crate::error::{Failure, Reason};
use crate::item::{Condition, body, item, put, string};
use crate::retry::transact;
use crate::{Error, PageKey, Slice};

impl Orders {
    /// Records money that a provider reported and no order knows. Returns false when it was recorded before: the first
    /// report stays. `with_event` emits the event that notifies the operator in the same transaction.
    pub async fn record_unmatched(&self, money: &UnmatchedPayment, with_event: bool) -> Result<bool, Error> {
        let mut written = item(Entry::UnmatchedPayment(money).key(), UNMATCHED, 1, money)?;
        written.insert("state_key".to_owned(), string(UNMATCHED_PAYMENTS));
        written.insert("state_sort".to_owned(), string(money.id.to_string()));
        let absent = Condition::absent();
        let mut actions = vec![put(&self.table, written, &absent)?];
        if with_event {
            actions.push(put(&self.table, event_item(&OutboxEvent::UnmatchedPayment(money.clone()))?, &absent)?);
        }
        match transact(&self.client, actions).await {
            Ok(()) => Ok(true),
            Err(Failure::Cancelled(reasons)) if reasons.first().is_some_and(Reason::is_condition) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The unmatched payments, newest first.
    pub async fn unmatched(&self, limit: u16, start: Option<PageKey>) -> Result<Slice<UnmatchedPayment>, Error> {
        let page = self.listed("by_state", ("state_key", UNMATCHED_PAYMENTS.to_owned()), limit, start).await?;
        let items = page.items.iter().map(|found| body(found, UNMATCHED)).collect::<Result<_, Error>>()?;
        Ok(Slice { items, next: page.next })
    }

    /// The partition that a page key of the unmatched payments must name.
    pub const fn unmatched_partition() -> &'static str {
        UNMATCHED_PAYMENTS
    }
}
