//! Idempotency keys: the response to a request is stored in the transaction of its change, both or neither.
//!
//! One conditional write decides which request with a key is the first. Later ones get the record with the cancellation
//! of their transaction: there is no second read, and no waiting for a lock.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{Code, IdempotentRequest, Refusal, StoredResponse, Timestamp};
use ring::digest;

use crate::error::{Failure, Reason};
use crate::item::{Attributes, Condition, delete, integer, key, number, put, raw_item, string, text};
use crate::{Error, retry};

/// `kind` of a record.
pub(crate) const IDEMPOTENCY: &str = "idempotency";
/// How long a key is remembered.
pub(crate) const RETENTION: Duration = Duration::from_secs(48 * 3600);
/// The largest response that is stored, in bytes: an item holds at most 400 KB.
const MAX_RESPONSE_SIZE: usize = 350 * 1024;

/// The scope of an idempotency key: the same key from another caller, or for another route, is another key.
#[derive(Clone, Copy, Debug)]
pub struct KeyScope<'a> {
    /// A buyer, a vendor's member, a cart or an order.
    pub caller: &'a str,
    /// Method and route.
    pub route: &'a str,
    /// The key as it was sent.
    pub key: &'a str,
}

impl<'a> KeyScope<'a> {
    fn of(call: &'a IdempotentRequest) -> Self {
        Self { caller: &call.caller, route: &call.route, key: &call.key }
    }

    /// The name under which the key is stored: SHA-256 in hexadecimal.
    pub fn hash(&self) -> String {
        use std::fmt::Write as _;
        // The lengths keep the parts apart, so that no two scopes give the same text.
        let scope = format!("{}:{}{}:{}{}", self.caller.len(), self.caller, self.route.len(), self.route, self.key);
        let mut hash = String::with_capacity(64);
        for byte in digest::digest(&digest::SHA256, scope.as_bytes()).as_ref() {
            let _ = write!(hash, "{byte:02x}");
        }
        hash
    }
}

/// `KEY#<hash of scope and key>` / `KEY`, in every table that stores responses: one partition per record.
pub(crate) fn record_key(hash: &str) -> Attributes {
    key(format!("KEY#{hash}"), "KEY")
}

/// No unexpired record of this key exists. TTL deletes late, so an expired record counts as absent.
pub(crate) fn key_is_unused(now: Timestamp) -> Condition {
    Condition::of("attribute_not_exists(pk) OR expires_at_s <= :now").value(":now", number(now.seconds()))
}

/// What a table's handle writes with its next change: the record of a response, or nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseToStore(Option<Arc<StoredResponse>>);

impl ResponseToStore {
    pub(crate) fn of(stored_response: Option<StoredResponse>) -> Self {
        Self(stored_response.map(Arc::new))
    }

    /// Runs a transaction with the record as its last action. Without any action nothing is sent.
    pub(crate) async fn transact(
        &self,
        client: &Client,
        table: &str,
        mut actions: Vec<TransactWriteItem>,
    ) -> Result<(), Failure> {
        let Some(stored_response) = &self.0 else {
            return if actions.is_empty() { Ok(()) } else { retry::transact(client, actions).await };
        };
        actions.push(put_record_action(table, stored_response)?);
        match retry::transact(client, actions).await {
            Err(Failure::Cancelled(reasons)) => match reasons.last() {
                Some(Reason { item: Some(known), .. }) => Err(replay_or_refuse(known, &stored_response.request)),
                _ => Err(Failure::Cancelled(reasons)),
            },
            other => other,
        }
    }

    /// Puts one item; with a record, both in one transaction.
    pub(crate) async fn put_one(
        &self,
        client: &Client,
        table: &str,
        item: Attributes,
        condition: &Condition,
    ) -> Result<(), Failure> {
        if self.0.is_none() {
            return retry::put_one(client, table, item, condition).await;
        }
        self.transact(client, table, vec![put(table, item, condition)?]).await
    }

    /// Deletes one item; with a record, both in one transaction.
    pub(crate) async fn delete_one(
        &self,
        client: &Client,
        table: &str,
        key: Attributes,
        condition: &Condition,
    ) -> Result<(), Failure> {
        if self.0.is_none() {
            return retry::delete_one(client, table, key, condition).await;
        }
        self.transact(client, table, vec![delete(table, key, condition)?]).await
    }
}

fn put_record_action(table: &str, stored_response: &StoredResponse) -> Result<TransactWriteItem, Failure> {
    if stored_response.response.len() > MAX_RESPONSE_SIZE {
        let detail = "the response is too large to be stored; send the request without an Idempotency-Key";
        return Err(Failure::Refused(Refusal::because(Code::TooLarge, detail)));
    }
    let StoredResponse { request: call, response: answer } = stored_response;
    let mut record = raw_item(record_key(&KeyScope::of(call).hash()), IDEMPOTENCY, 1, "{}".to_owned());
    record.insert("body_hash".to_owned(), string(&call.fingerprint));
    record.insert("answer_body".to_owned(), string(answer));
    record.insert("expires_at_s".to_owned(), number((call.at + RETENTION).seconds()));
    Ok(put(table, record, &key_is_unused(call.at))?)
}

/// Replays the stored response to a repeat of the same request, and refuses the key for another request.
fn replay_or_refuse(known: &Attributes, call: &IdempotentRequest) -> Failure {
    match text(known, "answer_body") {
        Some(answer) if text(known, "body_hash") == Some(&call.fingerprint) => Failure::Replayed(answer.to_owned()),
        _ => Failure::Refused(Refusal::of(Code::IdempotencyKeyReused)),
    }
}

/// The stored response to a request; `None` when its key is new, or it has none. A key that was used for another
/// request is refused.
pub(crate) async fn stored_response(
    client: &Client,
    table: &str,
    call: Option<&IdempotentRequest>,
) -> Result<Option<String>, Error> {
    let Some(call) = call else { return Ok(None) };
    let found = retry::get(client, table, record_key(&KeyScope::of(call).hash()), true).await?;
    let current = |found: &Attributes| integer(found, "expires_at_s").is_some_and(|until| until > call.at.seconds());
    match found.filter(current).map(|known| replay_or_refuse(&known, call)) {
        None => Ok(None),
        Some(Failure::Replayed(answer)) => Ok(Some(answer)),
        Some(reused) => Err(reused.into()),
    }
}

/// The methods of every table that stores responses. Its handle has the fields `client`, `table` and `storing`.
macro_rules! stores_responses {
    ($table:ty) => {
        impl $table {
            /// The same table for one request: its next change is written together with the response. When one is
            /// stored already, nothing is changed, and the error carries the stored response.
            #[must_use]
            pub fn storing(&self, answer: Option<domain::StoredResponse>) -> Self {
                Self { storing: crate::idempotency::ResponseToStore::of(answer), ..self.clone() }
            }

            /// Stores the response to a request that changes nothing.
            pub async fn store_response(&self) -> Result<(), crate::Error> {
                Ok(self.storing.transact(&self.client, &self.table, Vec::new()).await?)
            }

            /// The stored response to a request; `None` when its key is new, or it has none.
            pub async fn stored_response(
                &self,
                call: Option<&domain::IdempotentRequest>,
            ) -> Result<Option<String>, crate::Error> {
                crate::idempotency::stored_response(&self.client, &self.table, call).await
            }
        }
    };
}

pub(crate) use stores_responses;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_scopes_share_a_record() {
        let hash = |caller, route, key| KeyScope { caller, route, key }.hash();
        assert_ne!(hash("ab", "c", "k"), hash("a", "bc", "k"));
        assert_ne!(hash("a", "b", "kk"), hash("a", "bk", "k"));
        assert_eq!(hash("a", "b", "k"), hash("a", "b", "k"));
    }

    #[test]
    fn a_record_answers_its_own_request_and_refuses_another() {
        let call = |fingerprint: &str| IdempotentRequest {
            caller: "crt_1".to_owned(),
            route: "PUT /v1/carts".to_owned(),
            key: "once".to_owned(),
            fingerprint: fingerprint.to_owned(),
            at: Timestamp::from_millis(0),
        };
        let record = Attributes::from([
            ("body_hash".to_owned(), string("same")),
            ("answer_body".to_owned(), string("the first answer")),
        ]);
        assert!(matches!(
            replay_or_refuse(&record, &call("same")),
            Failure::Replayed(answer) if answer == "the first answer"
        ));
        assert!(matches!(replay_or_refuse(&record, &call("other")), Failure::Refused(_)));
    }
}
