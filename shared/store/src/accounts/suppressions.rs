//! Addresses that nothing is mailed to.

use std::collections::BTreeSet;

use domain::suppression::{Lifted, Suppression};
use domain::text::Email;
use domain::{Code, Outcome, PageRequest, Prepared, Refusal, Slice, Timestamp};

use super::{Accounts, Entry};
use crate::Error;
use crate::error::Failure;
use crate::idempotency::transact;
use crate::item::{Attributes, Condition, all_readable, put, readable, string, text};
use crate::page::List;
use crate::retry::{QueryRequest, batch, get, put_one};
use crate::stored::{check_known, read, stored, write};
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
    /// Suppresses an address, because of a mail that was sent at this time. One that is suppressed already stays as it
    /// is, and so does one whose suppression was lifted after that. Returns whether it is suppressed from now on.
    pub async fn suppress(&self, suppression: &Suppression, sent: Timestamp) -> Result<bool, Error> {
        match self.put_suppression(suppression, 0).await {
            Ok(()) => return Ok(true),
            Err(Failure::ConditionFailed) => {}
            Err(other) => return Err(other.into()),
        }
        let Some(known) = self.known_suppression(&suppression.email).await? else { return Ok(false) };
        let Some(renewed) = known.renewed(suppression, sent) else { return Ok(false) };
        check_known(&known)?;
        self.put_suppression(&renewed, known.version).await?;
        Ok(true)
    }

    /// Writes a suppression in force over the version that was read, 0 for none.
    async fn put_suppression(&self, suppression: &Suppression, loaded: u64) -> Result<(), Failure> {
        let key = Entry::Suppression(&suppression.email).key();
        let body = Suppression { version: loaded + 1, ..suppression.clone() };
        let mut written = write(key, loaded + 1, &body)?;
        written.insert("state_key".to_owned(), string(SUPPRESSED));
        written
            .insert("state_sort".to_owned(), string(sort_key(suppression.since.millis(), suppression.email.as_str())));
        put_one(&self.client, &self.table, written, &Condition::at_version(loaded)).await
    }

    /// What is known of an address, lifted or not, read consistently. Nothing of one that cannot be read.
    async fn known_suppression(&self, email: &Email) -> Result<Option<Suppression>, Error> {
        match get(&self.client, &self.table, Entry::Suppression(email).key(), true).await? {
            Some(found) => readable(read(&found), &found),
            None => Ok(None),
        }
    }

    /// Why nothing is mailed to the address, read consistently: what the operator has lifted is mailed at once. One
    /// that cannot be read is none: mail is not kept from a buyer by a damaged item.
    pub async fn suppression(&self, email: &Email) -> Result<Option<Suppression>, Error> {
        Ok(self.known_suppression(email).await?.filter(Suppression::is_in_force))
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
        Ok(suppressed.into_iter().filter(Suppression::is_in_force).map(|suppression| suppression.email).collect())
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

    /// Lifts a suppression; one that is not in force is refused. The item stays, so that a mail that was sent before
    /// and comes back late, or comes back twice, does not suppress the address again.
    pub async fn lift_suppression<R>(
        &self,
        email: &Email,
        lifted: Lifted,
        response: Prepared<R>,
    ) -> Result<Outcome<R>, Error> {
        let Some(known) = self.suppression(email).await? else { return Err(Refusal::of(Code::NotFound).into()) };
        check_known(&known)?;
        let next = known.version + 1;
        let body = Suppression { lifted: Some(lifted), version: next, ..known.clone() };
        let written = write(Entry::Suppression(email).key(), next, &body)?;
        let change = put(&self.table, written, &Condition::at_version(known.version))?;
        Ok(transact(&self.client, &self.table, Transaction::of(Purpose::Item, vec![change]), response).await?)
    }
}
