//! Idempotency keys: an answer that is kept beside the change that it tells of, written with it or not at all.
//!
//! One conditional write says who was first. Whoever comes later with the same key finds the record in the refusal: nothing
//! is read a second time, nobody waits.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{Code, IdempotentRequest, Refusal, StoredResponse, Timestamp};
use ring::digest;

use crate::error::{Failure, Reason};
use crate::item::{Attributes, Condition, delete, integer, key, number, put, raw_item, string, text};
use crate::{Error, retry};

/// The kind of a record.
pub(crate) const IDEMPOTENCY: &str = "idempotency";
/// How long a key is remembered.
pub(crate) const RETENTION: Duration = Duration::from_secs(48 * 3600);
/// The largest answer that is kept, in bytes: an item takes 400 KB.
const MAX_RESPONSE_SIZE: usize = 350 * 1024;

/// Whose key, for which call. The same key of another caller, or for another call, is another key.
#[derive(Clone, Copy, Debug)]
pub struct KeyScope<'a> {
    /// The caller: a buyer, a seller's member, a cart or an order.
    pub caller: &'a str,
    /// The call: method and route.
    pub route: &'a str,
    /// The key as it was sent.
    pub key: &'a str,
}

impl<'a> KeyScope<'a> {
    fn of(call: &'a IdempotentRequest) -> Self {
        Self { caller: &call.caller, route: &call.route, key: &call.key }
    }

    /// The name under which the key is remembered.
    pub fn hash(&self) -> String {
        use std::fmt::Write as _;
        // Lengths first: no two different scopes read the same.
        let scope = format!("{}:{}{}:{}{}", self.caller.len(), self.caller, self.route.len(), self.route, self.key);
        let mut hash = String::with_capacity(64);
        for byte in digest::digest(&digest::SHA256, scope.as_bytes()).as_ref() {
            let _ = write!(hash, "{byte:02x}");
        }
        hash
    }
}

/// `KEY#<hash of scope and key>` / `KEY`, in every table that keeps answers: a partition of its own each.
pub(crate) fn record_key(hash: &str) -> Attributes {
    key(format!("KEY#{hash}"), "KEY")
}

/// No record of this key is there. An old one is as good as none, even when the table still holds it.
pub(crate) fn key_is_unused(now: Timestamp) -> Condition {
    Condition::of("attribute_not_exists(pk) OR expires_at_s <= :now").value(":now", number(now.seconds()))
}

/// What a table's handle writes beside its next change: the record of an answer, or nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseToStore(Option<Arc<StoredResponse>>);

impl ResponseToStore {
    pub(crate) fn of(stored_response: Option<StoredResponse>) -> Self {
        Self(stored_response.map(Arc::new))
    }

    /// Carries out a transaction, the record being its last action. With nothing to do, nothing is sent.
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

    /// Puts one item; beside a record, both in one transaction.
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

    /// Deletes one item; beside a record, both in one transaction.
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

/// What a record says to a call with its key.
fn replay_or_refuse(known: &Attributes, call: &IdempotentRequest) -> Failure {
    match text(known, "answer_body") {
        Some(answer) if text(known, "body_hash") == Some(&call.fingerprint) => Failure::Replayed(answer.to_owned()),
        _ => Failure::Refused(Refusal::of(Code::IdempotencyKeyReused)),
    }
}

/// The answer that a call got before.
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

/// What every table can do that keeps answers. Its handle has the fields `client`, `table` and `storing`.
macro_rules! stores_responses {
    ($table:ty) => {
        impl $table {
            /// The same table for one call: its next change is written together with the answer to the call. When there is one
            /// already, nothing is changed, and the error says which.
            #[must_use]
            pub fn storing(&self, answer: Option<domain::StoredResponse>) -> Self {
                Self { storing: crate::idempotency::ResponseToStore::of(answer), ..self.clone() }
            }

            /// Keeps the answer to a call that changes nothing.
            pub async fn store_response(&self) -> Result<(), crate::Error> {
                Ok(self.storing.transact(&self.client, &self.table, Vec::new()).await?)
            }

            /// The answer that a call got before; nothing when it is new, or has no key.
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
        assert!(
            matches!(replay_or_refuse(&record, &call("same")), Failure::Replayed(answer) if answer == "the first answer")
        );
        assert!(matches!(replay_or_refuse(&record, &call("other")), Failure::Refused(_)));
    }
}
