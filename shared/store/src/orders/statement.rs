//! Statements: the transactions of a provider that drives the payment, by the time of the provider's clock.
//!
//! A transaction stands in its payment attempt. Its entry here is a copy, written in the same transaction as each of
//! its steps: a statement is asked for by time, over all orders.

use domain::Timestamp;
use domain::order::PlacedOrder;
use domain::payment::{ProviderName, Transaction};

use super::{Entry, Orders};
use crate::Error;
use crate::item::{Attributes, Condition, all_readable, body, item, put, string};
use crate::retry::{QueryRequest, query_all};
use crate::transaction::{Purpose, Transaction as Writes};

pub(super) const STATED: &str = "stated_transaction";

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// The longest statement, in days: each is a partition of its own.
const MAX_DAYS: i64 = 100;

/// The partition of a day's transactions of a provider.
pub(super) fn partition(provider: ProviderName, at: Timestamp) -> String {
    format!("STATEMENT#{}#{}", provider.as_str(), at.millis() / DAY)
}

/// The position of a time, of the same length for all times. The reference follows.
pub(super) fn position(at: Timestamp) -> String {
    format!("{:015}", at.millis())
}

impl Orders {
    /// A provider's transactions between two times of its clock, both included, the oldest first. `None` when they are
    /// too far from each other.
    pub async fn statement(
        &self,
        provider: ProviderName,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Vec<Transaction>>, Error> {
        let (first, last) = (from.millis() / DAY, until.millis() / DAY);
        if last.saturating_sub(first) >= MAX_DAYS {
            return Ok(None);
        }
        let mut stated = Vec::new();
        if until < from {
            // DynamoDB refuses such bounds.
            return Ok(Some(stated));
        }
        for day in first..=last {
            let bounds = Attributes::from([
                (":from".to_owned(), string(position(from))),
                // Behind each reference of the last millisecond.
                (":until".to_owned(), string(format!("{}~", position(until)))),
            ]);
            let request = QueryRequest {
                table: self.table.clone(),
                partition: ("pk", partition(provider, Timestamp::from_millis(day * DAY))),
                sort_key_condition: Some(("sk BETWEEN :from AND :until".to_owned(), bounds)),
                consistent: true,
                ..QueryRequest::default()
            };
            let found = query_all(&self.client, request).await?;
            stated.extend(all_readable(&found, |found| body::<Transaction>(found, STATED))?);
        }
        Ok(Some(stated))
    }

    /// Adds the actions that state the transactions that have taken a step since the order was loaded.
    pub(super) fn state_transactions(
        &self,
        loaded: Option<&PlacedOrder>,
        changed: &PlacedOrder,
        writes: &mut Writes,
    ) -> Result<(), Error> {
        for payment in &changed.payments {
            let Some(transaction) = &payment.transaction else { continue };
            let known = loaded.and_then(|loaded| loaded.payments.iter().find(|known| known.id == payment.id));
            if known.is_some_and(|known| known.transaction.as_ref() == Some(transaction)) {
                continue;
            }
            let steps = transaction.steps();
            let entry = item(Entry::Stated(payment.provider, transaction).key(), STATED, steps, transaction)?;
            writes.add(Purpose::Item, put(&self.table, entry, &Condition::at_version(steps - 1))?);
        }
        Ok(())
    }
}
