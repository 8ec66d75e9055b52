//! Papers that expire: an item for each kind of a vendor's, in `by_state` by when something is to be told of it.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::vendor::{DocumentKind, Paper};
use domain::{PageRequest, Slice, Timestamp, VendorId};

use super::Accounts;
use crate::Error;
use crate::error::Failure;
use crate::item::{Attributes, Condition, all_readable, delete, key, put, string, text};
use crate::page::List;
use crate::retry::{QueryRequest, put_one, query};
use crate::stored::{read, stored, write};

const PAPER: &str = "paper";

stored! {
    PAPER => Paper: ["state_key", "state_sort"];
}

/// Partitions of `by_state`: what is told next, and what has expired.
const DUE: &str = "paper#due";
const EXPIRED: &str = "paper#expired";

/// `VENDOR#<id>` / `PAPER#<kind>`.
fn paper_key(vendor: VendorId, kind: &str) -> Attributes {
    key(format!("VENDOR#{vendor}"), format!("PAPER#{kind}"))
}

/// The time with leading zeros, then whose paper of which kind it is.
fn sort_key(at: Timestamp, paper: &str) -> String {
    format!("{:015}#{paper}", at.millis())
}

fn item_of(paper: &Paper, version: u64) -> Result<Attributes, Error> {
    let mut written = write(paper_key(paper.vendor, paper.kind.as_str()), version, paper)?;
    let (partition, at) = match paper.due_at() {
        Some(due) => (DUE, due),
        None => (EXPIRED, paper.expires_at),
    };
    written.insert("state_key".to_owned(), string(partition));
    written.insert("state_sort".to_owned(), string(sort_key(at, &format!("{}#{}", paper.vendor, paper.kind.as_str()))));
    Ok(written)
}

impl Accounts {
    /// The action that follows the paper of this kind from now on, or none any more.
    pub(super) fn paper_action(
        &self,
        vendor: VendorId,
        kind: DocumentKind,
        paper: Option<&Paper>,
    ) -> Result<TransactWriteItem, Error> {
        let any = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)");
        match paper {
            Some(paper) => put(&self.table, item_of(paper, paper.version)?, &any),
            None => delete(&self.table, paper_key(vendor, kind.as_str()), &any),
        }
    }

    /// Papers of which something is to be told by now, the longest due first.
    pub async fn due_papers(&self, now: Timestamp, limit: u16) -> Result<Vec<Paper>, Error> {
        let until = Attributes::from([(":now".to_owned(), string(sort_key(now, "~")))]);
        let request = QueryRequest {
            limit: Some(i32::from(limit)),
            sort_key_condition: Some(("state_sort <= :now".to_owned(), until)),
            ..QueryRequest::of(&self.table, "by_state", ("state_key", DUE.to_owned()))
        };
        all_readable(&query(&self.client, request).await?.items, read)
    }

    /// Writes that something was told of a paper. False when another one has taken its place.
    pub async fn paper_told(&self, paper: &Paper) -> Result<bool, Error> {
        let written = item_of(paper, paper.version + 1)?;
        match put_one(&self.client, &self.table, written, &Condition::at_version(paper.version)).await {
            Ok(()) => Ok(true),
            Err(Failure::ConditionFailed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Papers that have expired, the last ones first.
    pub async fn expired_papers(&self, page: &PageRequest) -> Result<Slice<Paper>, Error> {
        let query = QueryRequest {
            newest_first: true,
            ..QueryRequest::of(&self.table, "by_state", ("state_key", EXPIRED.to_owned()))
        };
        let position = |last: &Attributes| {
            let (at, paper) = text(last, "state_sort")?.split_once('#')?;
            Some((at.parse::<i64>().ok()?, paper.to_owned()))
        };
        let key = |(at, paper): &(i64, String)| {
            let parts = paper.split_once('#').and_then(|(vendor, kind)| Some((vendor.parse().ok()?, kind)));
            let mut key = parts.map(|(vendor, kind)| paper_key(vendor, kind)).unwrap_or_default();
            key.insert("state_sort".to_owned(), string(sort_key(Timestamp::from_millis(*at), paper)));
            key
        };
        let list = List { query, variant: String::new(), position: &position, key: &key };
        list.page(&self.client, page, |found| read(found)).await
    }
}
