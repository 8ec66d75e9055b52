//! Addresses that nothing is mailed to.

use std::collections::BTreeSet;

use domain::suppression::Suppression;
use domain::text::Email;
use domain::{Code, Outcome, PageRequest, Prepared, Refusal, Slice};

use super::{Accounts, Entry};
use crate::Error;
use crate::error::Failure;
use crate::idempotency::transact;
use crate::item::{Attributes, Condition, all_readable, delete, readable, string, text};
use crate::page::List;
use crate::retry::{QueryRequest, batch, get, put_one};
use crate::stored::{read, stored, write};
use crate::transaction::{Purpose, Transaction};

const SUPPRESSION: &str = "suppression";

stored! {
    SUPPRESSION => Suppression: ["state_key", "state_sort"];
}

/// Partition of `by_state`: the suppressed addresses.
const SUPPRESSED: &str = "suppressed";

/// Sort key in `by_state`: the time with leading zeros, then the address.
fn sort_key(since: i64, email: &str) -> String {
    format!("{since:015}#{email}")
}

/// The time and the address in a sort key.
fn position_in(sort: &str) -> Option<(i64, String)> {
    let (since, email) = sort.split_once('#')?;
    Some((since.parse().ok()?, email.to_owned()))
}

impl Accounts {
    /// Suppresses an address; one that is suppressed already stays as it is. Returns whether it was not before.
    pub async fn suppress(&self, suppression: &Suppression) -> Result<bool, Error> {
        let mut written = write(Entry::Suppression(&suppression.email).key(), suppression.version, suppression)?;
        written.insert("state_key".to_owned(), string(SUPPRESSED));
        written
            .insert("state_sort".to_owned(), string(sort_key(suppression.since.millis(), suppression.email.as_str())));
        match put_one(&self.client, &self.table, written, &Condition::absent()).await {
            Ok(()) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Why nothing is mailed to the address, read consistently: what the operator has lifted is mailed at once. One
    /// that cannot be read is none: mail is not kept from a buyer by a damaged item.
    pub async fn suppression(&self, email: &Email) -> Result<Option<Suppression>, Error> {
        match get(&self.client, &self.table, Entry::Suppression(email).key(), true).await? {
            Some(found) => readable(read(&found), &found),
            None => Ok(None),
        }
    }

    /// Which of these addresses are suppressed.
    pub async fn suppressed_among<'a>(
        &self,
        emails: impl IntoIterator<Item = &'a Email>,
    ) -> Result<BTreeSet<Email>, Error> {
        let emails: BTreeSet<&Email> = emails.into_iter().collect();
        if emails.is_empty() {
            return Ok(BTreeSet::new());
        }
        let keys = emails.into_iter().map(|email| Entry::Suppression(email).key()).collect();
        let found = batch(&self.client, vec![(self.table.clone(), keys, false)]).await?;
        let found: Vec<Attributes> = found.into_iter().map(|(_, item)| item).collect();
        let suppressed = all_readable(&found, read::<Suppression>)?;
        Ok(suppressed.into_iter().map(|suppression| suppression.email).collect())
    }

    /// The suppressed addresses, newest first.
    pub async fn suppressions(&self, page: &PageRequest) -> Result<Slice<Suppression>, Error> {
        let query = QueryRequest {
            newest_first: true,
            ..QueryRequest::of(&self.table, "by_state", ("state_key", SUPPRESSED.to_owned()))
        };
        let key = |(since, email): &(i64, String)| {
            // Nobody but the store writes a position, so the address in it is one.
            let mut key = Email::kept(email).map(|email| Entry::Suppression(&email).key()).unwrap_or_default();
            key.insert("state_sort".to_owned(), string(sort_key(*since, email)));
            key
        };
        let position = |last: &Attributes| position_in(text(last, "state_sort")?);
        let list = List { query, variant: String::new(), position: &position, key: &key };
        list.page(&self.client, page, |found| read(found)).await
    }

    /// Lifts a suppression; one that is not there is refused.
    pub async fn lift_suppression<R>(&self, email: &Email, response: Prepared<R>) -> Result<Outcome<R>, Error> {
        let mut transaction = Transaction::default();
        let gone = delete(&self.table, Entry::Suppression(email).key(), &Condition::present())?;
        transaction.add(Purpose::Item, gone);
        match transact(&self.client, &self.table, transaction, response).await {
            Err(Failure::Cancelled(cancelled)) if cancelled.refused(Purpose::Item) => {
                Err(Refusal::of(Code::NotFound).into())
            }
            other => Ok(other?),
        }
    }
}
